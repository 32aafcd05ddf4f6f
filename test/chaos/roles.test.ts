/** Takeovers in another role's name: by credentials that are held, with none to be had, in the own name. */
import { expect, test } from 'vitest';
import { playPlan } from '../../sim/chaos/campaign.ts';
import type { Fault } from '../../sim/chaos/fault.ts';
import { play } from '../../sim/chaos/play.ts';
import { egressRole } from '../../sim/chaos/scenes/egress-routes.ts';

const dies: Fault = { kind: 'machine', how: 'kill', machine: 'a', at: 20_000, forMs: 70_000 };
const outage = (at: number, forMs: number): Fault => ({
  kind: 'api',
  how: 'no-credentials',
  much: 0,
  at,
  forMs,
});
const restarts: Fault = {
  kind: 'daemon',
  how: 'kill',
  machine: 'b',
  aheadMs: 0,
  drift: 0,
  at: 15_000,
  forMs: 100,
};
const planOf = (faults: readonly Fault[]) => ({ seed: 1, scenario: 'egress-role', faults });

test('a takeover goes by the role that the routes name; in the own name it is refused', () => {
  expect(playPlan(planOf([dies])).failure).toBeUndefined();
  const { violations } = play(planOf([dies]), {
    ...egressRole,
    build: (world) => {
      const scene = egressRole.build(world);
      const daemons = Object.entries(scene.daemons).map(([name, config]) => [
        name,
        JSON.parse(JSON.stringify(config, (key, value) => (key === 'at' ? undefined : value))),
      ]);
      return { ...scene, daemons: Object.fromEntries(daemons) };
    },
  });
  expect(violations[0]?.invariant).toBe('failover');
});

test('credentials that are held carry a takeover while STS and instance metadata give none', () => {
  const { failure, blackoutsMs } = playPlan(planOf([outage(5000, 85_000), dies]));
  expect(failure).toBeUndefined();
  expect(blackoutsMs).toEqual(playPlan(planOf([dies])).blackoutsMs);
});

test('a daemon that starts while there are none does nothing, says why, and takes over when there are some', () => {
  const lines: string[] = [];
  const { failure } = playPlan(planOf([outage(10_000, 50_000), restarts, dies]), {
    onLine: (at, text) => lines.push(`${(at / 1000).toFixed(0)} ${text}`),
  });
  expect(failure).toBeUndefined();
  expect(lines.find((line) => line.includes('b: Cannot observe'))).toContain('CredentialsProviderError');
  const move = lines.find((line) => line.includes('b: Moves egress from a to b'));
  expect(Number(move?.split(' ')[0])).toBeGreaterThanOrEqual(70);
});
