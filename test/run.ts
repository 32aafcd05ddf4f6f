/**
 * `npm test [-- TIER...]`: type check, lint, then every tier of tests, one after the other.
 *
 * A tier is a folder of `test/`, or the files that lie directly in it. The last line is `N passed, N failed,
 * N skipped`; type check and lint count as one test each, and so does a tier that breaks down. The exit code
 * is 1 unless all passed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bin/bundle.ts';
import type { Counts } from './counts.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TIER_LIMIT_MS = 10 * 60_000;
/** For all tiers together, so that the last line comes before a CI machine runs out of patience. */
const TOTAL_LIMIT_MS = 23 * 60_000;

interface Tier {
  readonly name: string;
  readonly command: readonly string[];
  /** Whether the command reports its counts; otherwise it is one test that its exit code decides. */
  readonly counts: boolean;
}

const tool = (name: string): string => join(ROOT, 'node_modules', '.bin', name);

/** The folders of `test/` that hold tests, the build last since it takes longest to say something new. */
function folders(): readonly string[] {
  const holdsTests = (folder: string): boolean =>
    readdirSync(join(ROOT, 'test', folder), { recursive: true }).some((name) =>
      String(name).endsWith('.test.ts'),
    );
  const names = readdirSync(join(ROOT, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && holdsTests(entry.name))
    .map((entry) => entry.name)
    .sort();
  return [...names.filter((name) => name !== 'build'), ...names.filter((name) => name === 'build')];
}

/** Tiers that wait for timers most of the time, and fail of no slowness, run more files side by side. */
const WAITING = ['e2e', 'shell'];

const workersOf = (tier: string): readonly string[] => (WAITING.includes(tier) ? ['--maxWorkers=4'] : []);

function tiers(): readonly Tier[] {
  const vitest = [
    tool('vitest'),
    'run',
    '--reporter=default',
    `--reporter=${join(ROOT, 'test', 'counts.ts')}`,
  ];
  const loose = readdirSync(join(ROOT, 'test')).filter((name) => name.endsWith('.test.ts'));
  return [
    { name: 'types', command: [tool('tsc'), '--noEmit', '-p', ROOT], counts: false },
    { name: 'lint', command: [tool('biome'), 'check', ROOT], counts: false },
    { name: 'tree', command: [...vitest, ...loose.map((name) => `test/${name}`)], counts: true },
    ...folders().map((name) => ({
      name,
      command: [...vitest, ...workersOf(name), `test/${name}/`],
      counts: true,
    })),
  ];
}

/** Runs a command to its end, or to the limit; output goes to the terminal. */
function execute(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  limitMs: number,
): Promise<{ code: number; late: boolean }> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    let late = false;
    const child = spawn(program, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    };
    const timer = setTimeout(() => {
      late = true;
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
      resolve({ code, late });
    };
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      end(127);
    });
    child.once('exit', (code) => end(code ?? 1));
  });
}

const none: Counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
const failure = (name: string): Counts => ({ ...none, failed: 1, failures: [name] });

async function runTier(tier: Tier, folder: string): Promise<Counts> {
  const limitMs = Math.min(TIER_LIMIT_MS, TOTAL_LIMIT_MS - performance.now());
  if (limitMs <= 0) return failure(`${tier.name} (not run: ${TOTAL_LIMIT_MS / 60_000} minutes are over)`);
  const file = join(folder, `${tier.name}.json`);
  const { code, late } = await execute(tier.command, { ...process.env, BYOA_TEST_COUNTS: file }, limitMs);
  if (late) return failure(`${tier.name} (stopped after ${Math.round(limitMs / 1000)} s)`);
  if (!tier.counts) return code === 0 ? { ...none, passed: 1 } : failure(tier.name);
  if (!existsSync(file)) return failure(`${tier.name} (broke down with exit code ${code})`);
  const counts: Counts = JSON.parse(readFileSync(file, 'utf8'));
  if (counts.failed > 0 || code === 0) return counts;
  const broken = `${tier.name} (exit code ${code} although no test failed)`;
  return { ...counts, failed: 1, failures: [broken] };
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function summarise(results: readonly { tier: Tier; counts: Counts; seconds: number }[]): Counts {
  print('\ntier            passed  failed  skipped  seconds');
  for (const { tier, counts, seconds } of results) {
    const cell = (value: number, width: number): string => String(value).padStart(width);
    const row = [
      cell(counts.passed, 7),
      cell(counts.failed, 8),
      cell(counts.skipped, 9),
      seconds.toFixed(1).padStart(9),
    ];
    print(tier.name.padEnd(15) + row.join(''));
  }
  const all = results.map((result) => result.counts);
  const failures = all.flatMap((counts) => counts.failures);
  const skips = all.flatMap((counts) => counts.skips);
  for (const name of skips) print(`skipped: ${name}`);
  for (const name of failures) print(`FAILED:  ${name}`);
  const sum = (pick: (counts: Counts) => number): number =>
    all.reduce((total, counts) => total + pick(counts), 0);
  return {
    ...none,
    passed: sum((c) => c.passed),
    failed: sum((c) => c.failed),
    skipped: sum((c) => c.skipped),
  };
}

async function main(wanted: readonly string[]): Promise<void> {
  const known = tiers();
  const stranger = wanted.find((name) => !known.some((tier) => tier.name === name));
  if (stranger !== undefined) {
    print(`There is no tier '${stranger}'. The tiers are: ${known.map((tier) => tier.name).join(' ')}`);
    process.exitCode = 2;
    return;
  }
  if (process.env.CI === 'true')
    await execute([tool('tsx'), join(ROOT, 'test', 'peers.ts')], process.env, TIER_LIMIT_MS);
  const folder = mkdtempSync(join(tmpdir(), 'byoa-test-'));
  // Tests start hundreds of daemons: the bundle starts in a fraction of the time that the sources take.
  process.env.BYOA_BUNDLE = await bundle(ROOT, folder, 'test');
  const results: { tier: Tier; counts: Counts; seconds: number }[] = [];
  for (const tier of known.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    print(`\n== ${tier.name}`);
    const start = performance.now();
    const counts = await runTier(tier, folder);
    const seconds = (performance.now() - start) / 1000;
    results.push({ tier, counts, seconds });
    print(`== ${tier.name}: ${counts.passed} passed, ${counts.failed} failed (${seconds.toFixed(1)} s)`);
  }
  rmSync(folder, { recursive: true, force: true });
  const total = summarise(results);
  print(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

await main(process.argv.slice(2));
