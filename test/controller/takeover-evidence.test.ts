/**
 * Who gets a group when there are three members, observers, probes through each other, targets that fail, and
 * ENIs on their way. Calls go to the real EC2 service.
 */
import { describe, expect, it } from 'vitest';
import { cut, design, die } from './designs.ts';
import { decisions, pair } from './pair.ts';
import { addDaemon, ec2, run, texts } from './stage.ts';

describe('three members and an observer', () => {
  it('the members before it get their time, and the first that is fit takes over', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    for (const name of ['a', 'b', 'c']) addDaemon(made.stage, made.config(name));
    run(made.stage, 10_000);
    die(made, 'a');
    run(made.stage, 30_000);
    expect(made.owner()).toBe('b');
    expect(new Set(made.stage.writes.map(({ from }) => from))).toEqual(new Set(['b']));
  });

  it('a member whose predecessor does nothing takes over after the stagger', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    for (const name of ['a', 'c']) addDaemon(made.stage, made.config(name));
    run(made.stage, 10_000);
    die(made, 'a');
    run(made.stage, 30_000);
    expect(made.owner()).toBe('c');
  });

  it('an observer gives the group to the most preferred healthy member', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    const watch = addDaemon(made.stage, made.config('watch'));
    run(made.stage, 10_000);
    die(made, 'b');
    run(made.stage, 20_000);
    die(made, 'a');
    run(made.stage, 30_000);
    expect(made.owner()).toBe('c');
    expect(decisions(watch)).toContain('Moves g from a to c');
  });

  it('an observer that is cut off itself changes nothing', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    addDaemon(made.stage, made.config('watch'));
    run(made.stage, 10_150);
    made.stage.reach = () => false;
    run(made.stage, 60_000);
    expect(made.stage.writes).toEqual([]);
  });
});

describe('an ENI that is attached anew to its owner', () => {
  it('is a new device, which the guest is set up for again', () => {
    const { stage, made, owner, a } = pair({ kind: 'eni' });
    const once = a.guest.length;
    expect(once).toBeGreaterThan(0);
    const seen = ec2(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [made.floating] });
    const attachment = /eni-attach-[0-9a-f]+/.exec(JSON.stringify(seen))?.[0];
    ec2(stage, 'DetachNetworkInterface', { AttachmentId: attachment });
    run(stage, stage.now + 20_000);
    expect(owner()).toBe('a');
    expect(a.guest.length).toBe(2 * once);
    run(stage, stage.now + 20_000);
    expect(a.guest.length).toBe(2 * once);
  });
});

describe('an ENI that is just being attached to the other side of a cut', () => {
  it('is left there by the one that had it, whenever that looks', () => {
    for (let shiftMs = 0; shiftMs < 500; shiftMs += 40) {
      const { stage, made, owner } = pair({ kind: 'eni', cloud: { attachMs: 3000, detachMs: 300 } });
      run(stage, 10_000 + shiftMs);
      cut(made);
      run(stage, stage.now + 60_000);
      expect(owner()).toBe('b');
      expect(stage.writes.map(({ from, call }) => `${from} ${call.kind}`)).toEqual([
        'b detach-network-interface',
        'b attach-network-interface',
      ]);
    }
  });
});

describe('probes through each other', () => {
  const probes = [
    { kind: 'icmp' as const, interval: '100ms', timeout: '90ms', rise: 2 },
    { kind: 'through' as const, target: { icmp: '203.0.113.10' }, interval: '100ms', timeout: '90ms' },
  ] as const;

  // Each looks through itself at another pace than through the other, so that all orders occur.
  const [icmp, through] = probes;
  const mixed = [
    icmp,
    { ...through, name: 'peer', from: 'others' as const },
    { ...through, name: 'own', from: 'self' as const, interval: '130ms' },
  ];

  it.each(['routes', 'eni'] as const)(
    'that come back one by one when a cut heals move nothing, by %s',
    (kind) => {
      for (let shiftMs = 0; shiftMs < 100; shiftMs += 7) {
        const { stage, made, owner, a, b } = pair({ kind, probes: mixed });
        const heal = cut(made);
        run(stage, 20_000 + shiftMs);
        expect(owner()).toBe('b');
        const { length } = stage.writes;
        heal();
        run(stage, stage.now + 10_000);
        expect([owner(), stage.writes.length]).toEqual(['b', length]);
        for (const { node } of [a, b]) expect(node.health.verdicts.b?.kind).toBe('healthy');
      }
    },
  );

  it('move nothing when their target comes back, and a packet is lost on the way', () => {
    for (let shiftMs = 0; shiftMs < 300; shiftMs += 20) {
      const { stage, owner } = pair({ probes: [...probes] });
      const until = (time: number, reach: typeof stage.reach): void => {
        stage.reach = reach;
        run(stage, time);
      };
      const back = 20_000 + shiftMs;
      until(back, (_, probe) => probe.kind !== 'through');
      // Everybody gets through again, but b by way of a only a round later, and with a loss after that.
      until(back + 130, (from, probe) => probe.appliance === from || probe.kind !== 'through');
      until(back + 230, () => true);
      until(back + 330, (from, probe) => probe.appliance === from || probe.kind !== 'through');
      until(back + 10_000, () => true);
      expect([owner(), stage.writes]).toEqual(['a', []]);
    }
  });
});

describe("a target's fault", () => {
  const probes = [
    { kind: 'icmp' as const },
    { kind: 'through' as const, target: { icmp: '203.0.113.10' }, interval: '300ms', timeout: '200ms' },
  ];
  it('is excused: nothing is moved, and nobody is dead', () => {
    const { stage, b } = pair({ probes });
    const normal = stage.reach;
    stage.reach = (from, probe) => probe.kind !== 'through' && normal(from, probe);
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(texts(b, 'verdict').join()).not.toContain('dead');
    expect(b.node.health.verdicts.a?.reason).toContain("the target's fault");
  });
  it('is told from an appliance that carries no traffic although it answers', () => {
    const { stage, owner, b } = pair({ probes });
    const normal = stage.reach;
    stage.reach = (from, probe) =>
      !(probe.kind === 'through' && probe.appliance === 'a') && normal(from, probe);
    run(stage, 60_000);
    expect(owner()).toBe('b');
    expect(decisions(b)).toContain('a/through:203.0.113.10 failed 3 times in a row');
  });
  it('an appliance that carries traffic is not moved away from although it answers nothing', () => {
    const { stage, b } = pair({ probes });
    const normal = stage.reach;
    stage.reach = (from, probe) =>
      (probe.kind === 'through' || probe.appliance !== 'a') && normal(from, probe);
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(b.node.health.verdicts.a?.kind).toBe('suspect');
  });
});
