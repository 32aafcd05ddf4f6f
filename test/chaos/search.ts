/** Plants a bug in runs that are drawn from seeds, until one of them shows it. */
import { placesIn, planOf, playPlan } from '../../sim/chaos/campaign.ts';
import { canAct, MUTANTS, type MutantName } from './mutants.ts';

/** A bug is to be found within so many seeds. */
export const SEEDS = 200;

export interface Found {
  readonly seed: number;
  /** How many seeds it took. */
  readonly seeds: number;
  readonly scenario: string;
  readonly invariant: string;
}

/** The first seed from `base` that fails with the bug and passes without it. */
export function firstFinding(name: MutantName, base: number): Found | undefined {
  for (let index = 0; index < SEEDS; index++) {
    const plan = planOf(base + index);
    if (!canAct(name, placesIn(plan.scenario))) continue;
    const { failure } = playPlan(plan, { mutant: MUTANTS[name] });
    if (failure === undefined || playPlan(plan).failure !== undefined) continue;
    return { seed: plan.seed, seeds: index + 1, scenario: plan.scenario, invariant: failure.invariant };
  }
  return undefined;
}
