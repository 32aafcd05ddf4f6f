/**
 * `npx tsx test/chaos/planted.ts [BASE]`: within how many drawn seeds each planted bug is found, of 200.
 * Too slow for CI, where the bugs are planted in plans that show them (chaos.test.ts). Exit code 1 where
 * one is not found.
 */
import { planOf, playPlan } from '../../sim/chaos/campaign.ts';
import { MUTANTS } from './mutants.ts';

const SEEDS = 200;

/** The first seed that fails with the bug and passes without it, and how. */
function firstFinding(name: keyof typeof MUTANTS, base: number): string | undefined {
  for (let index = 0; index < SEEDS; index++) {
    const plan = planOf(base + index);
    const { failure } = playPlan(plan, { mutant: MUTANTS[name] });
    if (failure === undefined || playPlan(plan).failure !== undefined) continue;
    return `seed ${index + 1} of ${SEEDS} (${plan.seed}, ${plan.scenario}): ${failure.invariant}`;
  }
  return undefined;
}

const base = Number(process.argv[2] ?? 1);
for (const name of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
  const found = firstFinding(name, base);
  process.stdout.write(`${name}: ${found ?? `not found in ${SEEDS} seeds`}\n`);
  if (found === undefined) process.exitCode = 1;
}
