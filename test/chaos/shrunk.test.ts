/** Plans that failed once, as small as they could be made; each named by what was wrong. */
import { expect, test } from 'vitest';
import { playPlan } from '../../sim/chaos/campaign.ts';
import type { Fault } from '../../sim/chaos/fault.ts';

interface Shrunk {
  readonly seed: number;
  readonly scenario: string;
  readonly faults: readonly Fault[];
}

const machine = (how: Extract<Fault, { kind: 'machine' }>['how'], name: string, at: number, forMs: number) =>
  ({ kind: 'machine', how, machine: name, at, forMs }) as const;

test.each<[string, Shrunk]>([
  [
    'a neighbor that dialed and restarts is let in while its routes are kept as stale',
    {
      seed: 1050935155568,
      scenario: 'subnet-bgp',
      faults: [
        { kind: 'daemon', how: 'kill', machine: 'workload', aheadMs: 50, drift: 0, at: 12804, forMs: 79 },
        machine('freeze', 'a', 42990, 23505),
      ],
    },
  ],
  [
    'the same, when all daemons are upgraded and the neighbor in use is terminated',
    {
      seed: 1050935155581,
      scenario: 'subnet-bgp',
      faults: [
        { kind: 'upgrade', from: 'older', at: 50400, forMs: 98 },
        machine('terminate', 'b', 65456, 80),
        { kind: 'link', from: 'a', to: '*', direction: 'both', loss: 0.05, at: 70625, forMs: 91 },
      ],
    },
  ],
  [
    'a winner that was terminated is no winner that may only be cut off',
    {
      seed: 1050935155637,
      scenario: 'egress-routes',
      faults: [{ kind: 'zone', zone: 'a', at: 38031, forMs: 7589 }, machine('terminate', 'b', 43202, 58)],
    },
  ],
  [
    'a daemon that was held up hears of a lost session before it hears that the other one forwards',
    {
      seed: 728947681977,
      scenario: 'egress-bfd',
      faults: [
        { kind: 'link', from: 'a', to: '*', direction: 'one-way', loss: 1, at: 9515, forMs: 695 },
        {
          kind: 'daemon',
          how: 'pause',
          machine: 'a',
          aheadMs: 3_600_000,
          drift: 0.0005,
          at: 81773,
          forMs: 1613,
        },
        { kind: 'daemon', how: 'kill', machine: 'b', aheadMs: 5000, drift: 0.0005, at: 82456, forMs: 472 },
      ],
    },
  ],
])('%s', (_, plan) => {
  expect(playPlan(plan).failure).toBeUndefined();
});
