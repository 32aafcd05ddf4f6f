/** Each node proves every few minutes that it could act: whole brains against the real EC2 service. */
import { describe, expect, it } from 'vitest';
import { design, die } from '../designs.ts';
import { ADDRESS, api, holderOf, moved } from '../moved.ts';
import { type GroupInput, type Pair, pair } from '../pair.ts';
import { addDaemon, type Daemon, deliver, run, texts } from '../stage.ts';

const HOOKS: GroupInput = { hooks: { 'on-fail': { command: ['x'] } } };
const readiness = { every: '30s' };
const PERIOD_MS = 30_000 * 1.1;
const LEASE = { kind: 'dynamodb', table: 'leases' } as const;

const trialsOf = ({ journal }: Daemon): string[] =>
  journal.flatMap(({ effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'ec2-call' && effect.call.kind === 'dry-run' ? [effect.call.of.kind] : [],
    ),
  );

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
