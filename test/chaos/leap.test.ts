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

// One or two of each scenario; the lease of 5011 runs out between two looks at it, and in 7027 what was seen
// of EC2 grows stale while a call is lost.
test.each([5000, 5001, 5003, 5006, 5007, 5011, 7027])('seed %i', { timeout: 180_000 }, (seed) => {
  const plan = planOf(seed);
  const lines = linesOf(plan, false);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines).toEqual(linesOf(plan, true));
});
