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

const cut = (from: string, to: string, at: number, forMs: number) =>
  ({ kind: 'link', from, to, direction: 'both', loss: 1, at, forMs }) as const;

test.each<[string, Shrunk]>([
  [
    'an appliance that has not answered for itself is no witness against a target',
    {
      seed: 202806858707,
      scenario: 'egress-last-resort',
      faults: [
        machine('drop', 'a', 31197, 14701),
        machine('kill', 'b', 35188, 6821),
        {
          kind: 'daemon',
          how: 'clock',
          machine: 'observer',
          writes: 1,
          aheadMs: 50,
          drift: 0,
          at: 35456,
          forMs: 4169,
        },
      ],
    },
  ],
  [
    'a neighbor that was restarted amid the handshake is dialed anew; an ENI that is gone is tried seldom',
    {
      seed: 249425235843,
      scenario: 'route-sync',
      faults: [
        machine('hang', 'a', 30723, 59277),
        { kind: 'upgrade', from: 'same', at: 40301, forMs: 42 },
        machine('terminate', 'b', 51073, 73),
        machine('reboot', 'a', 60549, 52),
      ],
    },
  ],
  [
    'BFD makes no storm where a slow network doubles its packets',
    {
      seed: 920987331625,
      scenario: 'egress-bfd',
      faults: [
        { kind: 'link', from: 'a', to: 'api', direction: 'both', loss: 0.3, at: 18323, forMs: 15925 },
        {
          kind: 'path',
          from: 'a',
          to: '*',
          direction: 'both',
          delayMs: 400,
          jitterMs: 5,
          twice: 1,
          at: 21670,
          forMs: 34165,
        },
        { kind: 'upgrade', from: 'older', at: 23715, forMs: 60 },
        {
          kind: 'daemon',
          how: 'kill',
          machine: 'a',
          writes: 1,
          aheadMs: 3_600_000,
          drift: 0.0005,
          at: 28676,
          forMs: 149,
        },
      ],
    },
  ],
  [
    'nothing more is sent to an heir that has died, although a write to it is unanswered',
    {
      seed: 920987335141,
      scenario: 'egress-last-resort',
      faults: [
        {
          kind: 'calls',
          what: 'error',
          times: 3,
          lateMs: 4092,
          action: 'ReplaceRoute',
          at: 36091,
          forMs: 69,
        },
        machine('drop', 'a', 37204, 413),
        { kind: 'calls', what: 'late', times: 4, lateMs: 8709, action: 'ReplaceRoute', at: 37696, forMs: 73 },
        machine('freeze', 'b', 38868, 5736),
      ],
    },
  ],
  [
    'a zone that takes a client with it interrupts no flow of that client',
    {
      seed: 920987329790,
      scenario: 'zones',
      faults: [machine('stop', 'a', 34660, 33), { kind: 'zone', zone: 'a', at: 35364, forMs: 27318 }],
    },
  ],
  [
    'an owner that is terminated is not waited for, although damping holds other moves back',
    {
      seed: 116051583090,
      scenario: 'egress-last-resort',
      faults: [
        machine('stuck', 'a', 11454, 55),
        machine('freeze', 'b', 14014, 716),
        machine('terminate', 'b', 36673, 59),
      ],
    },
  ],
  [
    'moves that EC2 refused do not count against damping',
    {
      seed: 116051583441,
      scenario: 'egress-observer',
      faults: [
        machine('stuck', 'a', 13956, 318),
        { kind: 'api', how: 'revoked', much: 4227, at: 28957, forMs: 52896 },
        machine('terminate', 'b', 30326, 59),
      ],
    },
  ],
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
        machine('kill', 'a', 40632, 7602),
        machine('freeze', 'b', 47267, 1336),
      ],
    },
  ],
  [
    'an address is not there yet when its Elastic IP is to follow: that passes',
    {
      seed: 249425230721,
      scenario: 'dual-stack',
      faults: [machine('drop', 'b', 39878, 50122), machine('drop', 'a', 47039, 8313)],
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
        cut('observer', 'internet', 8005, 5943),
        machine('freeze', 'a', 10255, 4985),
        machine('drop', 'b', 11160, 4521),
      ],
    },
  ],
  [
    'nor does a daemon go on moving a group to an appliance that has lost its way out meanwhile',
    {
      seed: 249425235158,
      scenario: 'egress-bfd',
      faults: [
        cut('b', 'api', 43383, 17221),
        machine('kill', 'a', 47819, 15367),
        cut('b', 'host', 55152, 7678),
      ],
    },
  ],
  [
    'two members that stop forwarding one after the other are not excused by a target',
    {
      seed: 249425237022,
      scenario: 'egress-lease',
      faults: [
        cut('other', 'api', 44912, 5457),
        cut('observer', 'api', 45309, 8715),
        machine('drop', 'a', 47547, 5307),
        machine('drop', 'b', 49214, 2560),
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
        cut('observer', 'a', 76835, 707),
      ],
    },
  ],
])('%s', (_, plan) => {
  expect(playPlan(plan).failure).toBeUndefined();
});
