/** Groups over five daemons that share leases; with 1,000 in `npm run bench -- chaos`. */
import { expect, test } from 'vitest';
import { loseDaemon } from '../../sim/chaos/lost-daemon.ts';
import { FLEET_TERM_S } from '../../sim/chaos/scenes/fleet.ts';

test('the groups of a lost daemon are taken over within a term and a poll, and each has one writer', {
  timeout: 120_000,
}, () => {
  const { outcome, held, takenMs, writes } = loseDaemon({ groups: 8, pairs: 2 });
  expect(outcome.crash).toBeUndefined();
  // Among them: a write without the lease, more calls than the buckets hold, a flow that does not come back.
  expect(outcome.violations).toEqual([]);
  expect(held).toBeGreaterThan(0);
  expect(takenMs).toHaveLength(held);
  expect(Math.max(...takenMs)).toBeLessThanOrEqual((FLEET_TERM_S * 1000 * 4) / 3);
  // The dead appliance had a quarter of the groups, of one route each; none goes back.
  expect(writes).toBe(2);
});
