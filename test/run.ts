/**
 * `npm test [-- TIER...]`: type check, lint, then every tier of tests. A tier is a folder of `test/`, or the
 * files that lie directly in it (`tree`).
 *
 * Two lanes run side by side. One has the tiers that wait for timers and for other programs, one after the
 * other, and comes first where both want the processor; the other has those that only compute, and takes what
 * is left. The last line is `N passed, N failed, N skipped`; type check and lint count as one test each, and
 * so does whatever breaks down. The exit code is 1 unless all passed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bin/bundle.ts';
import { type Counts, type CountsByTier, NO_COUNTS, sumOf } from './counts.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PEERS_LIMIT_MS = 10 * 60_000;
/** For all tiers together, so that the last line comes before a CI machine runs out of patience. */
const TOTAL_LIMIT_MS = 23 * 60_000;
/** Of the lane that computes: how far it stands back (`nice`), and how patient its tests are for that. */
const NICENESS = 19;
const PATIENCE = ['--testTimeout=120000', '--hookTimeout=120000'];

/** One program after the other; each is some tiers of vitest, or a command that its exit code judges. */
interface Errand {
  readonly name: string;
  readonly command: readonly string[];
  /** The tiers that it reports counts of; none: it is one test by itself. */
  readonly tiers: readonly string[];
}

const tool = (name: string): string => join(ROOT, 'node_modules', '.bin', name);

/** The folders of `test/` that hold tests. */
function folders(): readonly string[] {
  const holdsTests = (folder: string): boolean =>
    readdirSync(join(ROOT, 'test', folder), { recursive: true }).some((name) =>
      String(name).endsWith('.test.ts'),
    );
  return readdirSync(join(ROOT, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && holdsTests(entry.name))
    .map((entry) => entry.name)
    .sort();
}

/** The tiers that wait most of the time, with the test files that each runs side by side. */
const WAITING: Readonly<Record<string, number>> = {
  interop: 2,
  e2e: 4,
  lab: 2,
  shell: 4,
  demo: 2,
  server: 2,
};

const filesOf = (tier: string): readonly string[] =>
  tier === 'tree'
    ? readdirSync(join(ROOT, 'test'))
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => `test/${name}`)
    : [`test/${tier}/`];

/** A run of vitest over some tiers. */
function vitest(name: string, tiers: readonly string[], options: readonly string[]): Errand {
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'test', 'counts.ts')}`];
  return {
    name,
    command: [tool('vitest'), 'run', ...reporters, ...options, ...tiers.flatMap(filesOf)],
    tiers,
  };
}

const COMMANDS: readonly Errand[] = [
  { name: 'types', command: [tool('tsc'), '--noEmit', '-p', ROOT], tiers: [] },
  { name: 'lint', command: [tool('biome'), 'check', ROOT], tiers: [] },
];

/** What each lane has to do for the tiers that are asked for. */
function lanes(wanted: (name: string) => boolean): Readonly<Record<'waiting' | 'computing', Errand[]>> {
  const tiers = ['tree', ...folders()].filter(wanted);
  const waiting = Object.keys(WAITING).filter((name) => tiers.includes(name));
  const computing = tiers.filter((name) => WAITING[name] === undefined);
  return {
    waiting: waiting.map((name) => vitest(name, [name], [`--maxWorkers=${WAITING[name]}`])),
    computing: [
      ...COMMANDS.filter(({ name }) => wanted(name)),
      ...(computing.length === 0 ? [] : [vitest('computing', computing, PATIENCE)]),
    ],
  };
}

/** Lets others come first, also under a scheduler that shares by session rather than by process. */
function standBack(pid: number): void {
  try {
    setPriority(pid, NICENESS);
    writeFileSync(`/proc/${pid}/autogroup`, String(NICENESS));
  } catch {
    // Then the lanes share evenly.
  }
}

interface Ending {
  readonly code: number;
  readonly isLate: boolean;
}

/** Runs a command to its end, or to the limit; output goes to the terminal. */
function execute(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  limitMs: number,
  standsBack = false,
): Promise<Ending> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    let isLate = false;
    const child = spawn(program, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    if (standsBack && child.pid !== undefined) standBack(child.pid);
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    };
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, limitMs);
    const interrupt = (): void => {
      kill();
      process.exit(130);
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const end = (code: number): void => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      resolve({ code, isLate });
    };
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      end(127);
    });
    child.once('exit', (code) => end(code ?? 1));
  });
}

const failure = (name: string): Counts => ({ ...NO_COUNTS, failed: 1, failures: [name] });

/** What an errand came to, by tier; whatever broke it down is a failure of its own. */
function judge({ name, tiers }: Errand, { code, isLate }: Ending, file: string): CountsByTier {
  const minutes = TOTAL_LIMIT_MS / 60_000;
  if (tiers.length === 0 && !isLate)
    return { [name]: code === 0 ? { ...NO_COUNTS, passed: 1 } : failure(name) };
  const counts: CountsByTier = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const reported = sumOf(Object.values(counts));
  if (isLate)
    return { ...counts, [`${name}, stopped`]: failure(`${name} (stopped: ${minutes} minutes are over)`) };
  if (reported.failed > 0 || (code === 0 && reported.passed > 0)) return counts;
  return { ...counts, [`${name}, broken`]: failure(`${name} (broke down with exit code ${code})`) };
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs the errands of a lane one after the other. */
async function drive(errands: readonly Errand[], folder: string, standsBack: boolean): Promise<CountsByTier> {
  let all: CountsByTier = {};
  for (const errand of errands) {
    print(`\n== ${errand.name}`);
    const start = performance.now();
    const file = join(folder, `${errand.name}.json`);
    const limitMs = Math.max(0, TOTAL_LIMIT_MS - start);
    const env = { ...process.env, BYOA_TEST_COUNTS: file };
    const ending = await execute(errand.command, env, limitMs, standsBack);
    const seconds = (performance.now() - start) / 1000;
    const counts = judge(errand, ending, file);
    const { passed, failed } = sumOf(Object.values(counts));
    print(`== ${errand.name}: ${passed} passed, ${failed} failed (${seconds.toFixed(1)} s)`);
    // One tier alone took what its program took; of several, each says how long its files took.
    const only = Object.keys(counts).length === 1;
    for (const [tier, one] of Object.entries(counts))
      all = { ...all, [tier]: only ? { ...one, seconds } : one };
  }
  return all;
}

function summarise(results: CountsByTier): Counts {
  print('\ntier                 passed  failed  skipped  seconds');
  for (const [tier, counts] of Object.entries(results)) {
    const cell = (value: number, width: number): string => String(value).padStart(width);
    const row = [
      cell(counts.passed, 7),
      cell(counts.failed, 8),
      cell(counts.skipped, 9),
      counts.seconds.toFixed(1).padStart(9),
    ];
    print(tier.padEnd(20) + row.join(''));
  }
  const total = sumOf(Object.values(results));
  for (const name of total.skips) print(`skipped: ${name}`);
  for (const name of total.failures) print(`FAILED:  ${name}`);
  return total;
}

async function main(wanted: readonly string[]): Promise<void> {
  const known = [...COMMANDS.map(({ name }) => name), 'tree', ...folders()];
  const stranger = wanted.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    print(`There is no tier '${stranger}'. The tiers are: ${known.join(' ')}`);
    process.exitCode = 2;
    return;
  }
  if (process.env.CI === 'true')
    await execute([tool('tsx'), join(ROOT, 'test', 'peers.ts')], process.env, PEERS_LIMIT_MS);
  const folder = mkdtempSync(join(tmpdir(), 'byoa-test-'));
  // Tests start hundreds of daemons: the bundle starts in a fraction of the time that the sources take.
  process.env.BYOA_BUNDLE = await bundle(ROOT, folder, 'test');
  const { waiting, computing } = lanes((name) => wanted.length === 0 || wanted.includes(name));
  const [one, other] = await Promise.all([drive(waiting, folder, false), drive(computing, folder, true)]);
  rmSync(folder, { recursive: true, force: true });
  const total = summarise({ ...other, ...one });
  print(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

await main(process.argv.slice(2));
