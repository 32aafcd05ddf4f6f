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
  [
    'a late write tears a group that has used up its damping: it is put together all the same',
    {
      seed: 249425230450,
      scenario: 'egress-last-resort',
      faults: [
        { kind: 'calls', what: 'late', times: 1, lateMs: 9381, at: 40308, forMs: 73 },
        { kind: 'machine', how: 'kill', machine: 'a', at: 40632, forMs: 7602 },
        { kind: 'machine', how: 'freeze', machine: 'b', at: 47267, forMs: 1336 },
      ],
    },
  ],
  [
    'an address is not there yet when its Elastic IP is to follow: that passes',
    {
      seed: 249425230721,
      scenario: 'dual-stack',
      faults: [
        { kind: 'machine', how: 'drop', machine: 'b', at: 39878, forMs: 50122 },
        { kind: 'machine', how: 'drop', machine: 'a', at: 47039, forMs: 8313 },
      ],
    },
  ],
  [
    'a member that is dead is no witness against the target of a probe',
    {
      seed: 249425234077,
      scenario: 'egress-last-resort',
      faults: [
        {
          kind: 'daemon',
          how: 'kill',
          machine: 'observer',
          writes: 1,
          aheadMs: 3600000,
          drift: 0.0005,
          at: 7466,
          forMs: 59,
        },
        { kind: 'link', from: 'observer', to: 'internet', direction: 'both', loss: 1, at: 8005, forMs: 5943 },
        { kind: 'machine', how: 'freeze', machine: 'a', at: 10255, forMs: 4985 },
        { kind: 'machine', how: 'drop', machine: 'b', at: 11160, forMs: 4521 },
      ],
    },
  ],
  [
    'nor does a daemon go on moving a group to an appliance that has lost its way out meanwhile',
    {
      seed: 249425235158,
      scenario: 'egress-bfd',
      faults: [
        { kind: 'link', from: 'b', to: 'api', direction: 'both', loss: 1, at: 43383, forMs: 17221 },
        { kind: 'machine', how: 'kill', machine: 'a', at: 47819, forMs: 15367 },
        { kind: 'link', from: 'b', to: 'host', direction: 'both', loss: 1, at: 55152, forMs: 7678 },
      ],
    },
  ],
  [
    'two members that stop forwarding one after the other are not excused by a target',
    {
      seed: 249425237022,
      scenario: 'egress-lease',
      faults: [
        { kind: 'link', from: 'other', to: 'api', direction: 'both', loss: 1, at: 44912, forMs: 5457 },
        { kind: 'link', from: 'observer', to: 'api', direction: 'both', loss: 1, at: 45309, forMs: 8715 },
        { kind: 'machine', how: 'drop', machine: 'a', at: 47547, forMs: 5307 },
        { kind: 'machine', how: 'drop', machine: 'b', at: 49214, forMs: 2560 },
      ],
    },
  ],
  [
    'a last resort that EC2 did not hear of is not asked for again when a member is fit',
    {
      seed: 249425239296,
      scenario: 'egress-last-resort',
      faults: [
        {
          kind: 'path',
          from: 'observer',
          to: 'b',
          direction: 'one-way',
          delayMs: 400,
          jitterMs: 5,
          twice: 0,
          at: 63781,
          forMs: 16354,
        },
        { kind: 'api', how: 'outage', much: 3853, at: 69925, forMs: 20075 },
        { kind: 'link', from: 'observer', to: 'a', direction: 'both', loss: 1, at: 76835, forMs: 707 },
      ],
    },
  ],
])('%s', (_, plan) => {
  expect(playPlan(plan).failure).toBeUndefined();
});
