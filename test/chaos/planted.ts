/**
 * `npx tsx test/chaos/planted.ts [BASE [BUG...]]`: within how many seeds each planted bug is found, from a
 * fresh base where none is named. Exit code 1 where one is not found within 200.
 */
import { randomInt } from 'node:crypto';
import { MUTANTS, type MutantName } from './mutants.ts';
import { firstFinding, SEEDS } from './search.ts';

const [base = String(randomInt(2 ** 40)), ...asked] = process.argv.slice(2);
process.stdout.write(`from seed ${base}: npx tsx test/chaos/planted.ts ${base}\n`);
for (const name of Object.keys(MUTANTS) as MutantName[]) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const started = performance.now();
  const found = firstFinding(name, Number(base));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const words =
    found === undefined
      ? `not found in ${SEEDS} seeds`
      : `seed ${found.seeds} of ${SEEDS} (${found.seed}, ${found.scenario}): ${found.invariant}`;
  process.stdout.write(`${name}: ${words}; ${seconds} s\n`);
  if (found === undefined) process.exitCode = 1;
}
