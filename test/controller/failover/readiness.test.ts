/** Each node proves every few minutes that it could act: whole brains against the real EC2 service. */
import { describe, expect, it } from 'vitest';
import type { Tryable } from '../../../controller/ec2/call.ts';
import { design, die } from '../designs.ts';
import { ADDRESS, api, holderOf, moved } from '../moved.ts';
import { type GroupInput, type Pair, pair } from '../pair.ts';
import { addRoute, preparedDesign } from '../prepared.ts';
import { addDaemon, type Daemon, deliver, run, texts } from '../stage.ts';

const HOOKS: GroupInput = { hooks: { 'on-fail': { command: ['x'] } } };
const readiness = { every: '30s' };
const PERIOD_MS = 30_000 * 1.1;
const LEASE = { kind: 'dynamodb', table: 'leases' } as const;

const writesTried = ({ journal }: Daemon): Tryable[] =>
  journal.flatMap(({ effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'ec2-call' && effect.call.kind === 'dry-run' ? [effect.call.of] : [],
    ),
  );

const trialsOf = (daemon: Daemon): string[] => writesTried(daemon).map(({ kind }) => kind);

const degradedOf = ({ stage, b }: Pair, daemon = b): readonly string[] => {
  deliver(stage, daemon, { kind: 'command', id: 9, command: { kind: 'status' } });
  const body = daemon.replies.at(-1)?.body as { readiness: { degraded: readonly string[] } };
  return body.readiness.degraded;
};

describe('readiness', () => {
  it.each([
    ['routes', {}, ['replace-route']],
    ['eni', {}, ['attach-network-interface', 'detach-network-interface']],
    ['routes', { fence: 'stop-instance' }, ['replace-route', 'stop-instances']],
  ] as const)(
    'tries dry what a takeover by %s with %j may need, and changes nothing',
    (kind, group, trials) => {
      const made = pair({ kind, readiness, lease: LEASE }, group);
      run(made.stage, 31_000);
      expect(trialsOf(made.b)).toEqual(trials);
      // The owner cannot be given what it has; that the others may take it from it is theirs to prove.
      expect(trialsOf(made.a)).toEqual(trials.filter((one) => one !== 'attach-network-interface'));
      expect(degradedOf(made, made.a)).toEqual([]);
      expect(made.stage.writes).toEqual([]);
      expect(made.owner()).toBe('a');
      expect(degradedOf(made)).toEqual([]);
    },
  );

  it('tries no change of addresses, of which EC2 has no dry run', () => {
    const made = moved();
    const owns = { addresses: [ADDRESS], eips: [{ allocation: made.eip }] };
    const b = addDaemon(made.stage, { ...made.owning('b', owns), readiness });
    run(made.stage, 31_000 + made.stage.now);
    expect(trialsOf(b)).toEqual(['associate-address']);
    expect(texts(b, 'degraded')).toEqual([]);
    expect(holderOf(made, ADDRESS)).toBe('a');
    const trial = { NetworkInterfaceId: made.enis.b, PrivateIpAddresses: [ADDRESS], DryRun: true };
    expect(() => api(made.stage, 'AssignPrivateIpAddresses', trial)).toThrow('UnknownParameter');
  });

  it('tries as an observer what any of the members may need', () => {
    const made = design({ kind: 'eni', members: ['a', 'b', 'c'], readiness });
    const x = addDaemon(made.stage, made.config('x'));
    run(made.stage, 31_000);
    const attached = writesTried(x).flatMap((one) =>
      one.kind === 'attach-network-interface' ? [one.instance] : [],
    );
    expect(attached).toEqual([made.instances.b, made.instances.c]);
  });

  it('tries what route sync may do to its tables', () => {
    const made = design();
    const [table = ''] = made.tables;
    const w = addDaemon(made.stage, {
      ...made.config('w'),
      groups: [],
      readiness,
      bgp: {
        as: 65000,
        routerId: '10.0.0.99',
        neighbors: [{ appliance: 'a', as: 65001, import: 'all' }],
      },
      routeSync: [{ tables: [{ table }] }],
    });
    run(made.stage, 31_000);
    expect(trialsOf(w)).toEqual(['create-route', 'delete-route', 'replace-route']);
    expect(texts(w, 'degraded')).toEqual([]);
  });

  it('finds a prepared table without room for what is missing in it', () => {
    const made = preparedDesign({ filled: false });
    const { stage, prepared, enis } = made;
    const full = Array.from({ length: 499 }, (_, n) => `172.20.${n >> 6}.${(n & 63) * 4}/30`);
    for (const one of full) addRoute(stage, prepared.b[0] ?? '', one, { NetworkInterfaceId: enis.a });
    const config = made.config('b', { routes: made.routes });
    const b = addDaemon(stage, { ...config, readiness });
    run(stage, stage.now + 31_000);
    expect(texts(b, 'degraded')).toEqual([
      expect.stringContaining(`${prepared.b[0]} has room for 0 IPv4 routes, and 2 are missing in it`),
    ]);
  });

  it('finds a right that was taken away within its period, tells it once, and that it is back', () => {
    const made = pair({ readiness }, HOOKS);
    const { stage, b, tables } = made;
    run(stage, 31_000);
    const revoked = {
      kind: 'replace-route',
      from: 'b',
      times: 1000,
      fault: { kind: 'unauthorised' },
    } as const;
    stage.faults.push({ ...revoked });
    run(stage, stage.now + PERIOD_MS);
    const problem = `ReplaceRoute of ${tables[0]} is not allowed any more`;
    expect(texts(b, 'degraded')).toEqual([`This node could not act: ${problem}.`]);
    expect(degradedOf(made)).toEqual([problem]);
    expect(b.hooks).toEqual(['on-fail']);
    run(stage, stage.now + PERIOD_MS);
    expect(texts(b, 'degraded')).toHaveLength(1);
    stage.faults.length = 0;
    run(stage, stage.now + PERIOD_MS);
    expect(texts(b, 'degraded').at(-1)).toBe('This node could act again: every trial passes.');
    expect(b.hooks).toEqual(['on-fail']);
  });

  it('counts what the driver says of credentials, a store that is cut off, and an endpoint without answers', () => {
    const made = pair({ readiness, lease: LEASE });
    const { stage, b } = made;
    deliver(stage, b, { kind: 'surroundings', problems: ['the AWS credentials have expired'] });
    stage.storeOnline = () => false;
    stage.faults.push({ kind: 'replace-route', from: 'b', times: 1, fault: { kind: 'lost' } });
    run(stage, 31_000);
    expect(degradedOf(made)).toEqual([
      expect.stringContaining('EC2 does not answer (no answer in 1000 ms)'),
      'the AWS credentials have expired',
      'the store of leases cannot be reached (g)',
    ]);
  });

  it('does not count throttling, nor keep a takeover from its calls', () => {
    const made = pair({ readiness });
    const { stage } = made;
    stage.faults.push({ kind: 'replace-route', from: 'b', times: 1, fault: { kind: 'throttle' } });
    run(stage, 31_000);
    expect(degradedOf(made)).toEqual([]);
    die(made.made, 'a');
    run(stage, 50_000);
    expect(made.owner()).toBe('b');
  });

  it('is spread: no two nodes of a design begin together', () => {
    const made = design();
    const begins = ['a', 'b', 'x', 'y'].map(
      (name) => addDaemon(made.stage, made.config(name)).node.readiness.nextAt,
    );
    expect(new Set(begins).size).toBe(4);
    for (const at of begins) {
      expect(at).toBeGreaterThanOrEqual(150_000);
      expect(at).toBeLessThanOrEqual(300_000);
    }
  });
});
