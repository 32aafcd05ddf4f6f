/** A neighbor that keeps its BGP session and drops what it should forward is left for the other one. */
import { expect, it } from 'vitest';
import { play } from '../../sim/chaos/play.ts';
import { subnetBgp } from '../../sim/chaos/scenes/bgp.ts';

it('a workload leaves the appliance that drops its packets, and has its flow back', () => {
  for (const machine of ['a', 'b']) {
    const faults = [{ kind: 'machine', how: 'drop', machine, at: 1000, forMs: 60_000 }] as const;
    const outcome = play({ seed: 5, scenario: 'subnet-bgp', faults }, subnetBgp);
    expect(outcome.crash).toBeUndefined();
    expect(outcome.violations).toEqual([]);
    const [blackout, ...more] = outcome.blackouts.map(
      ({ from, to }) => (to ?? Number.POSITIVE_INFINITY) - from,
    );
    expect(more).toEqual([]);
    // The through probe of the workload: three failures, 200 ms apart.
    if (machine === 'a') expect(blackout).toBeLessThan(2000);
    else expect(blackout).toBeUndefined();
  }
});
