/**
 * `npm run fuzz -- [--seconds N] [--seed S]`: mutates the corpus and looks for a message that
 * makes a reader throw or breaks what must hold. The same seed finds the same. Exit code 1 on a find,
 * which is printed as a corpus file.
 */
import { Command } from 'commander';
import { fuzz } from './fuzz.ts';

const { seconds, seed } = new Command()
  .option('--seconds <n>', 'how long', '10')
  .option('--seed <n>', 'first of all random numbers', '1')
  .parse()
  .opts<{ seconds: string; seed: string }>();
const until = performance.now() + Number(seconds) * 1000;
const { tried, find, outcomes } = fuzz(Number(seed), () => performance.now() < until);
process.stdout.write(`seed ${seed}: ${tried} messages\n`);
for (const [outcome, count] of outcomes) process.stdout.write(`${String(count).padStart(9)}  ${outcome}\n`);
if (find !== undefined) {
  process.stdout.write(`FOUND: ${find.why}\n${Buffer.from(find.bytes).toString('hex')}\n`);
  process.exitCode = 1;
}
