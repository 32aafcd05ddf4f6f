/** `byoa chaos`: plays seeds on all cores, and tells what they break. Only wiring. */
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { quantile } from '../../controller/base/quantile.ts';
import { formatMillis } from '../../controller/base/time.ts';
import { type Finding, type Grade, placesIn, planOf, playPlan, type Summary, summarize } from './campaign.ts';
import { describeFault, faultSchema } from './fault.ts';
import { type Plan, unknownName } from './plan.ts';
import { SCENARIOS } from './scenes/all.ts';
import { shrink } from './shrink.ts';
import { cells, RUNS, tableOf } from './table.ts';
import { progress, whole } from './terminal.ts';

interface ChaosOptions {
  readonly seeds?: number;
  readonly seed?: number;
  readonly base?: number;
  readonly scenario?: string;
  readonly plan?: string;
  readonly shrink?: boolean;
  readonly trace?: boolean;
  readonly table?: boolean;
  readonly runs: number;
  readonly jobs: number;
  readonly share?: string;
}

/** What a run's failure makes of the exit code; that of the worst. 1 is for bad usage. */
const EXIT = { passed: 0, crash: 3, safety: 4, liveness: 5 } as const satisfies Record<Grade, number>;
/** Something that must sometimes happen never did. */
const EXIT_NEVER = 6;
/** In so many runs everything that must sometimes happen is expected. */
const ENOUGH = 200;

/** Adds `chaos` to the program. */
export function register(program: Command): void {
  program
    .command('chaos')
    .description(
      'run the daemons through simulated faults, drawn from seeds, and check what must always hold',
    )
    .option('--seeds <number>', 'play so many fresh seeds (200 where nothing else is asked for)', whole)
    .option('--base <number>', 'the first of the seeds', whole)
    .option('--seed <number>', 'play one seed, and print its plan', whole)
    .addOption(new Option('--scenario <name>', 'only this scenario').choices(Object.keys(SCENARIOS)))
    .option('--plan <file>', 'play the plan in a file (JSON, as --shrink prints it)')
    .option('--shrink', 'make a failing plan as small as it can be, and print it')
    .option('--trace', 'print all that happens and all that daemons log')
    .option('--table', 'print how long each fault interrupts flows, as Markdown')
    .option('--runs <number>', 'of each case of the table', whole, RUNS)
    .option('--jobs <number>', 'processes', whole, availableParallelism())
    .addOption(new Option('--share <from/step/count>', 'of a process of a campaign').hideHelp())
    .action(run);
}

async function run(options: ChaosOptions): Promise<void> {
  if (options.share !== undefined && options.table) playCells(options.share, options.runs);
  else if (options.share !== undefined) playShare(options.share, options.scenario);
  else if (options.table) await printTable(options);
  else if (options.seed !== undefined) playOne(planOf(options.seed, options.scenario), options);
  else if (options.plan !== undefined) playOne(readPlan(options.plan), options);
  else await playMany(options);
}

const planSchema = z.strictObject({
  seed: z.int().min(0),
  scenario: z.enum(Object.keys(SCENARIOS) as [string, ...string[]]),
  faults: z.array(faultSchema),
});

function readPlan(file: string): Plan {
  const wrong = (why: string): Error =>
    new Error(`${file} is no plan: ${why}. Take what \`byoa chaos --shrink\` prints as an example.`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
  const parsed = planSchema.safeParse(json);
  if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
  const unknown = unknownName(parsed.data.faults, placesIn(parsed.data.scenario));
  if (unknown !== undefined) throw wrong(unknown);
  return parsed.data;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function playOne(plan: Plan, options: ChaosOptions): void {
  print(`seed ${plan.seed}, ${plan.scenario}: ${SCENARIOS[plan.scenario]?.what}`);
  for (const fault of plan.faults) print(`  ${describeFault(fault)}`);
  const told = (at: number, text: string): void => print(`${(at / 1000).toFixed(3)} ${text}`);
  const finding = playPlan(plan, options.trace ? { onLine: told } : {});
  print(finding.failure === undefined ? 'passed' : failureText(finding));
  print(`hash=${finding.hash}`);
  process.exitCode = EXIT[finding.grade];
  if (!options.shrink || finding.failure === undefined) return;
  const small = shrink(
    plan,
    (one) => playPlan(one).failure?.invariant,
    (faults) => progress(`shrinking: ${faults} faults`),
  );
  progress('');
  print(JSON.stringify(small, undefined, 1));
}

const failureText = ({ grade, failure }: Finding): string =>
  `FAILED (${grade}) at ${((failure?.atMs ?? 0) / 1000).toFixed(3)} s: ${failure?.invariant}: ${failure?.text}`;

/** One process of a campaign: tells its parent of each run. */
function playShare(share: string, scenario: string | undefined): void {
  const [from = 0, step = 1, count = 0] = share.split('/').map(Number);
  for (let index = 0; index < count; index++) process.send?.(playPlan(planOf(from + index * step, scenario)));
  process.disconnect?.();
}

interface PlayedCell {
  readonly index: number;
  readonly blackoutsMs: readonly number[];
  /** What was broken, where something was: then the cell is not to be believed. */
  readonly failure: string | undefined;
}

/** One process of a table: tells its parent of each cell. */
function playCells(share: string, runs: number): void {
  const [from = 0, step = 1] = share.split('/').map(Number);
  for (const [index, { plan }] of cells(runs).entries()) {
    if (index % step !== from) continue;
    const { blackoutsMs, failure } = playPlan(plan);
    process.send?.({ index, blackoutsMs, failure: failure?.text } satisfies PlayedCell);
  }
  process.disconnect?.();
}

async function printTable({ jobs, runs }: ChaosOptions): Promise<void> {
  const all = cells(runs);
  const blackouts: (readonly number[])[] = [];
  const take = ({ index, blackoutsMs, failure }: PlayedCell): void => {
    blackouts[index] = blackoutsMs;
    if (failure !== undefined) {
      process.stderr.write(`${all[index]?.scenario}, ${all[index]?.fault}: ${failure}\n`);
      process.exitCode = EXIT.safety;
    }
    progress(`${Object.keys(blackouts).length} of ${all.length} runs played`);
  };
  await Promise.all(
    Array.from({ length: jobs }, (_, job) =>
      inProcess(['chaos', '--table', '--runs', String(runs), '--share', `${job}/${jobs}`], take),
    ),
  );
  progress('');
  print(tableOf(all, blackouts));
}

async function playMany(options: ChaosOptions): Promise<void> {
  const count = options.seeds ?? 200;
  const base = options.base ?? randomInt(2 ** 40);
  const jobs = Math.max(1, Math.min(options.jobs, count));
  print(`${count} seeds from ${base}: byoa chaos --seeds ${count} --base ${base}`);
  const started = performance.now();
  const findings: Finding[] = [];
  const only = options.scenario === undefined ? [] : ['--scenario', options.scenario];
  const take = (finding: Finding): void => {
    findings.push(finding);
    if (finding.failure !== undefined) {
      progress('');
      const { seed, scenario } = finding;
      print(`${scenario} ${failureText(finding)}\n  byoa chaos --seed ${[seed, ...only].join(' ')} --trace`);
    }
    const failed = findings.filter(({ grade }) => grade !== 'passed').length;
    progress(`${findings.length} of ${count} played, ${failed} failed`);
  };
  await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const own = Math.floor((count - job - 1) / jobs) + 1;
      return inProcess(['chaos', '--share', `${base + job}/${jobs}/${own}`, ...only], take);
    }),
  );
  progress('');
  const summary = summarize(findings);
  print(summaryText(summary, (performance.now() - started) / 1000));
  const worst = Math.min(...summary.failed.map(({ grade }) => EXIT[grade]));
  if (summary.failed.length > 0) process.exitCode = worst;
  else if (summary.runs >= ENOUGH && options.scenario === undefined && summary.never.length > 0)
    process.exitCode = EXIT_NEVER;
}

/** Runs this program again with other arguments; rejects where it ends otherwise than well. */
function inProcess<T>(args: readonly string[], take: (message: T) => void): Promise<void> {
  const program = process.argv[1];
  if (program === undefined) throw new Error('assertion failed: a program has a name');
  return new Promise((resolve, reject) => {
    const child = fork(program, [...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', (message) => take(message as T));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a process of the campaign ended with ${signal ?? code}`));
    });
  });
}

function summaryText({ runs, failed, simulatedMs, never, blackouts }: Summary, seconds: number): string {
  const rows = Object.entries(blackouts)
    .toSorted()
    .map(([scenario, all]) => {
      const [p50, p99, most] = [0.5, 0.99, 1].map((q) => formatMillis(Math.round(quantile(all, q) || 0)));
      return `  ${scenario.padEnd(18)} ${String(all.length).padStart(7)} blackouts, p50 ${p50}, p99 ${p99}, longest ${most}`;
    });
  const pace = Math.round(simulatedMs / 1000 / seconds);
  return [
    ...rows,
    ...(runs >= ENOUGH && never.length > 0 ? [`never happened: ${never.join(', ')}`] : []),
    `${runs - failed.length} passed, ${failed.length} failed; ${seconds.toFixed(1)} s, ${pace} simulated seconds a second`,
  ].join('\n');
}
