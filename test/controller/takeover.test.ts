/**
 * Who gets a group when, in both designs: takeover, cut, failback, switchover. Calls go to the real EC2
 * service.
 */
import { describe, expect, it } from 'vitest';
import type { Memory } from '../../controller/event.ts';
import { createNode, recall, step } from '../../controller/node.ts';
import { cut, type Design, design, die } from './designs.ts';
import { decisions, type GroupInput, pair, switchover } from './pair.ts';
import { addDaemon, deliver, ec2, restart, run, texts } from './stage.ts';

const subnetOf = ({ stage }: Design, eni: string): string => {
  const found = ec2(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [eni] }) as {
    NetworkInterfaces?: { SubnetId: string }[];
  };
  return found.NetworkInterfaces?.[0]?.SubnetId ?? '';
};

describe.each(['routes', 'eni'] as const)('two daemons, by %s', (kind) => {
  const start = (group: GroupInput = {}, options: Parameters<typeof design>[0] = {}) =>
    pair({ kind, ...options }, group);

  it('leave a healthy owner alone', () => {
    const { stage, owner, a, b } = start();
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(owner()).toBe('a');
    expect(texts(a, 'owned')).toHaveLength(1);
    expect(texts(b, 'decision').at(-1)).toBe('g: a owns it and is healthy.');
  });

  it('give the group of a dead owner to the other, with reasons', () => {
    const { stage, made, owner, b } = start();
    die(made, 'a');
    run(stage, 20_000, () => owner() === 'b' && texts(b, 'owned').length > 1);
    expect(owner()).toBe('b');
    expect(stage.now).toBeLessThan(12_000);
    expect(decisions(b)).toContain(
      'Moves g from a to b: a owns it and is dead (a/icmp failed 3 times in a row',
    );
  });

  it('move at most once while two live appliances are cut off from each other, and not when it heals', () => {
    const { stage, made, owner } = start();
    const heal = cut(made);
    run(stage, 120_000);
    expect(owner()).toBe('b');
    expect(new Set(stage.writes.map(({ from }) => from))).toEqual(new Set(['b']));
    heal();
    run(stage, 180_000);
    expect(owner()).toBe('b');
  });

  it('take a group over again when the death of the winner is news', () => {
    const { stage, made, owner } = start();
    const heal = cut(made);
    run(stage, 30_000);
    heal();
    run(stage, 40_000);
    die(made, 'b');
    run(stage, 60_000);
    expect(owner()).toBe('a');
  });

  it('take a group over again, also unseen, from a winner that EC2 shows to be gone', () => {
    const { stage, made, owner } = start();
    cut(made);
    run(stage, 30_000);
    expect(owner()).toBe('b');
    die(made, 'b');
    ec2(stage, 'TerminateInstances', { InstanceIds: [made.instances.b] });
    run(stage, 60_000);
    expect(owner()).toBe('a');
  });

  it('remember a loss over a restart', () => {
    const { stage, made, owner, a } = start();
    cut(made);
    run(stage, 30_000);
    expect(owner()).toBe('b');
    restart(stage, a);
    run(stage, 60_000);
    expect(owner()).toBe('b');
    expect(decisions(a)).toContain('a lost it to b and has not seen b healthy since');
  });

  it('fail back when the preferred member has been healthy for long enough, and only then', () => {
    const { stage, made, owner, a } = start({ failback: { after: '1m' } });
    const before = stage.reach;
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    stage.reach = before;
    restart(stage, a);
    run(stage, 85_000);
    expect(owner()).toBe('b');
    run(stage, 110_000);
    expect(owner()).toBe('a');
    expect(decisions(a)).toContain(
      'Moves g from b back to a: it is preferred, and has been healthy for 60 s',
    );
  });

  it('never fail back during a cut', () => {
    const { stage, made, owner } = start({ failback: { after: '1m' } });
    cut(made);
    run(stage, 300_000);
    expect(owner()).toBe('b');
  });

  it('switch over on purpose, and say what happened', () => {
    const both = start({ hooks: { 'on-own': { command: ['x'] }, 'on-lose': { command: ['x'] } } });
    const { stage, owner, a, b } = both;
    switchover(both, b, 'b');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(b.replies).toEqual([
      expect.objectContaining({ id: 7, ok: true, body: expect.objectContaining({ from: 'a', to: 'b' }) }),
    ]);
    expect(texts(a, 'lost')).toEqual(['This appliance has lost g to b.']);
    expect([a.hooks, b.hooks]).toEqual([['on-own', 'on-lose'], ['on-own']]);
    run(stage, 120_000);
    expect(owner()).toBe('b');
  });

  it('learn of a switchover by the word of the winner, and take over when that dies soon after', () => {
    const both = start();
    const { stage, owner, made, a, b } = both;
    switchover(both, b, 'b');
    const began = stage.now;
    // Before the next look of its own.
    run(stage, began + 20_000, () => owner() === 'b');
    run(stage, stage.now + 2000);
    expect(texts(a, 'lost')).toEqual(['This appliance has lost g to b.']);
    die(made, 'b');
    run(stage, stage.now + 10_000);
    expect(owner()).toBe('a');
  });

  it('look once a second at most at what another claims and EC2 does not show', () => {
    const { stage, owner, a, b } = start();
    const looksFor = (ms: number): number => {
      const before = stage.reads.length;
      run(stage, stage.now + ms);
      return stage.reads.slice(before).filter(({ from }) => from === 'a').length;
    };
    const calm = looksFor(20_000);
    b.told = { ...b.told, owns: ['g'] };
    const claimed = looksFor(20_000);
    expect(claimed).toBeGreaterThan(calm);
    expect(claimed).toBeLessThanOrEqual(5 * calm + 5);
    expect([owner(), ...texts(a, 'lost')]).toEqual(['a']);
  });

  it('refuse a switchover that they cannot or should not do, and say where it can be done', () => {
    const both = start();
    switchover(both, both.a, 'b');
    expect(both.a.replies[0]).toMatchObject({
      ok: false,
      body: { message: expect.stringContaining('on b') },
    });
    switchover(both, both.a, 'a');
    expect(both.a.replies[1]).toMatchObject({ ok: true, body: { message: 'a owns g already.' } });
    switchover(both, both.b, 'x');
    expect(both.b.replies[0]).toMatchObject({
      ok: false,
      body: { message: expect.stringContaining('the members are a, b') },
    });
  });

  it('change nothing when all are dead', () => {
    const { stage, owner, b } = start();
    stage.reach = () => false;
    run(stage, 60_000);
    expect(owner()).toBe('a');
    expect(stage.writes).toEqual([]);
    expect(texts(b, 'decision').at(-1)).toMatch(
      /changes nothing although a owns it and is dead .* for b is dead/,
    );
  });

  it('change nothing when the survivor itself has no fresh evidence', () => {
    const { stage, b } = start();
    stage.reach = (_, probe) => (probe.appliance === 'b' ? 'silent' : false);
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(texts(b, 'decision').at(-1)).toMatch(/for b is unknown/);
  });

  it('look first when the view is stale', () => {
    const { stage, made, owner, b } = start();
    stage.online = () => false;
    run(stage, 30_000);
    die(made, 'a');
    run(stage, 40_000);
    expect(stage.writes).toEqual([]);
    expect(texts(b, 'decision').at(-1)).toContain('EC2 was last seen more than 15 s ago');
    stage.online = () => true;
    run(stage, 60_000);
    expect(owner()).toBe('b');
  });

  it('only say what they would do when they observe', () => {
    const made = design({ kind });
    const hooks = { 'on-own': { command: ['x'] }, 'on-lose': { command: ['x'] } };
    const a = addDaemon(made.stage, made.config('a', { hooks }), { observeOnly: true });
    const b = addDaemon(made.stage, made.config('b'), { observeOnly: true });
    run(made.stage, 10_000);
    die(made, 'a');
    run(made.stage, 60_000);
    expect(made.stage.writes).toEqual([]);
    expect([a.guest, a.hooks]).toEqual([[], []]);
    expect(texts(a, 'hook')[0]).toContain('Would run (observing only) on-own');
    expect(decisions(b)).toContain('Would move (observing only): Moves g from a to b');
  });

  it('wait for evidence of themselves that is newer than the failure: a node that is cut off fails to reach everybody', () => {
    const { stage } = start(
      {},
      {
        probes: [
          { kind: 'icmp', interval: '100ms', fall: 1 },
          {
            kind: 'through',
            target: { icmp: '203.0.113.10' },
            interval: '5s',
            timeout: '1s',
            rise: 1,
            from: 'self',
          },
        ],
      },
    );
    stage.reach = () => false;
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
  });

  it('look through themselves as soon as the owner begins to fail, and do not wait for their next round', () => {
    const { stage, made, b } = start(
      {},
      {
        probes: [
          { kind: 'icmp', interval: '200ms', timeout: '180ms' },
          { kind: 'through', target: { icmp: '203.0.113.10' }, interval: '5s', rise: 1, from: 'self' },
        ],
      },
    );
    // Right after a round of b's own, so that the next one would be almost five seconds away.
    run(stage, 11_000);
    die(made, 'a');
    run(stage, 20_000, () => stage.writes.length > 0);
    const dead = b.logs.find(({ topic, text }) => topic === 'verdict' && text.startsWith('a is dead'));
    expect(stage.writes[0]).toMatchObject({ at: dead?.at, from: 'b' });
    expect(stage.now).toBeLessThan(12_000);
    expect(decisions(b)).not.toContain('waits for evidence');
  });

  it('are deterministic: a journal replays to the same effects', () => {
    const { stage, made, b } = start();
    die(made, 'a');
    run(stage, 30_000);
    let node = createNode({ config: b.config, seed: 1 }, 0);
    for (const { at, event, effects } of b.journal) {
      const again = step(node, event, at);
      node = JSON.parse(JSON.stringify(again.node));
      expect(again.effects).toEqual(effects);
    }
  });

  it('obey damping, with memory', () => {
    const moves = [8000, 8500, 9000];
    const memory: Memory = { groups: { g: { owned: false, moves } } };
    const made = design({ kind });
    made.stage.now = 9_000;
    const b = addDaemon(made.stage, made.config('b', { damping: { moves: 3, within: '2m' } }), { memory });
    run(made.stage, 20_000);
    die(made, 'a');
    run(made.stage, 100_000);
    expect(made.owner()).toBe('a');
    expect(decisions(b)).toContain('would move it to b, but has moved it 3 times within 120 s');
    run(made.stage, 140_000);
    expect(made.owner()).toBe('b');
    expect(recall(b.node).groups.g?.moves).toEqual([8500, 9000, expect.any(Number)]);
  });

  it('are not held back by damping where EC2 shows the owner attached to nothing, up to twice as many', () => {
    const attempt = (moves: readonly number[]): ReturnType<typeof design> => {
      const memory: Memory = { groups: { g: { owned: false, moves } } };
      const made = design({ kind });
      made.stage.now = 9_000;
      addDaemon(made.stage, made.config('b', { damping: { moves: 3, within: '2m' } }), { memory });
      run(made.stage, 20_000);
      ec2(made.stage, 'TerminateInstances', { InstanceIds: [made.instances.a] });
      die(made, 'a');
      run(made.stage, 60_000);
      return made;
    };
    expect(attempt([8000, 8500, 9000]).owner()).toBe('b');
    expect(attempt([6500, 7000, 7500, 8000, 8500, 9000]).owner()).not.toBe('b');
  });

  it('do not count towards damping where EC2 refuses all of a move', () => {
    const made = design({ kind });
    const b = addDaemon(made.stage, made.config('b', { damping: { moves: 1, within: '10m' } }));
    run(made.stage, 10_000);
    const refused = kind === 'routes' ? 'replace-route' : 'detach-network-interface';
    made.stage.faults.push({ kind: refused, from: 'b', times: 1, fault: { kind: 'unauthorised' } });
    die(made, 'a');
    run(made.stage, 60_000);
    expect(texts(b, 'moved')[0]).toContain('Did not move g to b');
    expect(made.owner()).toBe('b');
  });

  it('count moves that a clock set back puts into the future as made now, and forget them', () => {
    const memory: Memory = { groups: { g: { owned: false, moves: [1e9, 1e9, 1e9] } } };
    const made = design({ kind });
    addDaemon(made.stage, made.config('b', { damping: { moves: 3, within: '2m' } }), { memory });
    run(made.stage, 10_000);
    die(made, 'a');
    run(made.stage, 110_000);
    expect(made.owner()).toBe('a');
    run(made.stage, 150_000);
    expect(made.owner()).toBe('b');
  });

  it('leave cleanly in the middle of a move, and say so', () => {
    const both = start();
    switchover(both, both.b, 'b');
    deliver(both.stage, both.b, { kind: 'stop' });
    expect(both.b.running).toBe(false);
    expect(texts(both.b, 'stop')[0]).toContain('Stops while moving g to b');
    expect(both.b.replies).toEqual([expect.objectContaining({ ok: false })]);
  });

  it('keep what is the same under a new configuration', () => {
    const { stage, b, made } = start();
    const round = b.node.health.probes['a/icmp']?.round;
    const config = { ...b.config, log: { level: 'debug' as const } };
    deliver(stage, b, { kind: 'configured', config });
    expect(b.node.health.probes['a/icmp']?.round).toBe(round);
    expect(b.node.health.verdicts.a?.kind).toBe('healthy');
    die(made, 'a');
    run(stage, 30_000);
    expect(made.owner()).toBe('b');
  });
});

describe('routes', () => {
  it('of many tables and both IP versions leave at once, and read back', () => {
    const { stage, made, owner, b } = pair({ tables: 10, destinations: ['0.0.0.0/0', '::/0'] });
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(new Set(stage.writes.map(({ at }) => at)).size).toBe(1);
    expect(stage.writes).toHaveLength(20);
    // One round trip to write, one to read back.
    expect(b.node.groups.g?.history).toMatchObject([{ result: 'done', tookMs: 40 }]);
    const verdict = b.journal.find(({ effects }) =>
      effects.some((one) => one.kind === 'log' && one.topic === 'verdict' && one.text.includes('a is dead')),
    );
    expect(verdict?.effects[0]).toMatchObject({ kind: 'ec2-call', call: { kind: 'replace-route' } });
  });

  it('found by tag are moved, also of a table that was tagged later', () => {
    const tag = { key: 'byoa:group', value: 'egress' };
    const { stage, made, owner, tables } = pair(
      { tables: 2 },
      { routes: [{ tag, destinations: ['0.0.0.0/0'] }] },
    );
    for (const table of tables)
      ec2(stage, 'CreateTags', { Resources: [table], Tags: [{ Key: tag.key, Value: tag.value }] });
    run(stage, 20_000);
    die(made, 'a');
    run(stage, 40_000);
    expect(owner()).toBe('b');
  });

  it('that an operator deleted are made again, after a grace', () => {
    const { stage, owner, tables } = pair();
    ec2(stage, 'DeleteRoute', { RouteTableId: tables[0], DestinationCidrBlock: '0.0.0.0/0' });
    run(stage, 30_000);
    expect(stage.writes.map(({ call }) => call.kind)).toEqual(['create-route']);
    expect(owner()).toBe('a');
  });

  it('that an operator led elsewhere are left alone, until a switchover', () => {
    const both = pair({ members: ['a', 'b', 'c'] });
    const { stage, tables, enis, made } = both;
    const eni = ec2(stage, 'CreateNetworkInterface', { SubnetId: subnetOf(both, enis.a ?? '') }) as {
      NetworkInterface?: { NetworkInterfaceId: string };
    };
    const other = eni.NetworkInterface?.NetworkInterfaceId;
    const instance = ec2(stage, 'RunInstances', {
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      NetworkInterfaces: [{ DeviceIndex: 0, NetworkInterfaceId: other }],
    });
    expect(instance).toBeDefined();
    ec2(stage, 'ReplaceRoute', {
      RouteTableId: tables[0],
      DestinationCidrBlock: '0.0.0.0/0',
      NetworkInterfaceId: other,
    });
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(decisions(both.b)).toContain("by somebody's decision");
    switchover(both, both.b, 'b');
    run(stage, 70_000);
    expect(made.owner()).toBe('b');
  });

  it('that an operator gave to the other member stay there', () => {
    const { stage, owner, tables, enis, a, b } = pair();
    ec2(stage, 'ReplaceRoute', {
      RouteTableId: tables[0],
      DestinationCidrBlock: '0.0.0.0/0',
      NetworkInterfaceId: enis.b,
    });
    run(stage, 60_000);
    expect(owner()).toBe('b');
    expect(stage.writes).toEqual([]);
    expect(texts(a, 'lost')).toHaveLength(1);
    expect(texts(b, 'owned').at(-1)).toBe('This appliance owns g.');
  });

  it('of other tables are looked at first, when a new configuration names them', () => {
    const { stage, a, tables } = pair({ tables: 2 });
    const [group] = a.config.groups;
    if (group === undefined) throw new Error('a group of routes');
    const only = (index: number) => ({
      ...a.config,
      groups: [
        {
          ...group,
          resources: [
            {
              kind: 'routes' as const,
              sets: [{ table: tables[index] ?? '', destinations: ['0.0.0.0/0'] }],
            },
          ],
        },
      ],
    });
    deliver(stage, a, { kind: 'configured', config: only(0) });
    run(stage, 15_000);
    deliver(stage, a, { kind: 'configured', config: only(1) });
    expect(texts(a, 'decision').at(-1)).toContain('before EC2 has been seen');
    run(stage, 30_000);
    expect(stage.writes).toEqual([]);
    expect(texts(a, 'decision').at(-1)).toBe('g: a owns it and is healthy.');
  });

  it('that lead to several members are brought together', () => {
    const { stage, owner, tables, enis } = pair({ tables: 2 });
    ec2(stage, 'ReplaceRoute', {
      RouteTableId: tables[0],
      DestinationCidrBlock: '0.0.0.0/0',
      NetworkInterfaceId: enis.b,
    });
    run(stage, 60_000);
    expect(['a', 'b']).toContain(owner());
  });
});
