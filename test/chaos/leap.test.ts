/** Leaping over time in which nothing changes gives what sending every packet gives, at the same instants. */
import { expect, test } from 'vitest';
import { planOf, playPlan } from '../../sim/chaos/campaign.ts';
import type { Plan } from '../../sim/chaos/plan.ts';

/** All that happens and all that is logged, with instants. */
function linesOf(plan: Plan, everyPacket: boolean): readonly string[] {
  const lines: string[] = [];
  playPlan(plan, { everyPacket, onLine: (at, text) => lines.push(`${at.toFixed(3)} ${text}`) });
  return lines;
}

/** What was seen of EC2 grows stale while a call is lost. */
const STALE: Plan = {
  seed: 7027,
  scenario: 'egress-bfd',
  faults: [
    { kind: 'machine', how: 'stop', machine: 'b', at: 11_792, forMs: 66_106 },
    { kind: 'pulumi', group: 'egress', lateMs: 3162, at: 14_161, forMs: 4275 },
    { kind: 'upgrade', from: 'older', at: 17_903, forMs: 1957 },
    { kind: 'calls', what: 'lost', action: 'ReplaceRoute', times: 2, lateMs: 8988, at: 39_909, forMs: 685 },
    { kind: 'machine', how: 'freeze', machine: 'b', at: 41_068, forMs: 332 },
    { kind: 'daemon', how: 'clock', machine: 'a', aheadMs: 3_600_000, drift: 0, at: 43_637, forMs: 457 },
    { kind: 'daemon', how: 'pause', machine: 'a', aheadMs: 0, drift: 0, at: 45_542, forMs: 7135 },
    { kind: 'daemon', how: 'kill', machine: 'b', aheadMs: 5000, drift: 0, at: 47_581, forMs: 325 },
    { kind: 'calls', what: 'lost', times: 3, lateMs: 7955, at: 51_670, forMs: 48 },
    { kind: 'zone', zone: 'a', at: 63_941, forMs: 2326 },
    { kind: 'operator', group: 'egress', to: 'a', at: 78_747, forMs: 11_253 },
    { kind: 'pulumi', group: 'egress', lateMs: 4963, at: 79_287, forMs: 2509 },
  ],
};

// Of most scenarios one, with `BYOA_SLOW=1`; they take long.
const SEEDS = process.env.BYOA_SLOW === undefined ? [8, 5006, 5012] : [8, 5006, 5008, 5009, 5011, 5012];
// The store of leases fails and comes back; the last fault ends when all do.
const LEASES = [8, 13].map((seed) => planOf(seed, 'egress-lease'));
const PLANS = [STALE, ...LEASES, ...SEEDS.map((seed) => planOf(seed))];

test.each(PLANS)('seed $seed, $scenario', { timeout: 180_000 }, (plan) => {
  const lines = linesOf(plan, false);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines).toEqual(linesOf(plan, true));
});
