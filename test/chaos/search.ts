/** Plants a bug in runs that are drawn from seeds, until one of them shows it. */
import { placesIn, planOf, playPlan } from '../../sim/chaos/campaign.ts';
import { canAct, MUTANTS, type MutantName, PREY } from './mutants.ts';

/** A bug is to be found within so many seeds. */
export const SEEDS = 200;

export interface Found {
  readonly seed: number;
  /** How many seeds it took. */
  readonly seeds: number;
  readonly scenario: string;
  readonly invariant: string;
}

/** The first of so many seeds from `base` that fails with the bug and passes without it. */
export function firstFinding(name: MutantName, base: number, seeds = SEEDS): Found | undefined {
  for (let index = 0; index < seeds; index++) {
    const plan = planOf(base + index);
    if (!canAct(name, placesIn(plan.scenario))) continue;
    // Without a bug most time is leapt over.
    const healthy = playPlan(plan);
    const prey = PREY[name];
    if (healthy.failure !== undefined || (prey !== undefined && healthy.seen[prey] === undefined)) continue;
    const { failure } = playPlan(plan, { mutant: MUTANTS[name] });
    if (failure === undefined) continue;
    return { seed: plan.seed, seeds: index + 1, scenario: plan.scenario, invariant: failure.invariant };
  }
  return undefined;
}
