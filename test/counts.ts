/** A vitest reporter that writes what a run came to, as JSON by tier, to the file of `BYOA_TEST_COUNTS`. */
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed and what was skipped, by name. */
  readonly failures: readonly string[];
  readonly skips: readonly string[];
  /** What its files took, one after the other. */
  readonly seconds: number;
}

/** By the folder of `test/` that the files lie in; `tree` for those that lie in `test/` itself. */
export type CountsByTier = Readonly<Record<string, Counts>>;

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [], seconds: 0 };

/** All counts together. */
export const sumOf = (all: readonly Counts[]): Counts =>
  all.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: sum.skipped + one.skipped,
      failures: [...sum.failures, ...one.failures],
      skips: [...sum.skips, ...one.skips],
      seconds: sum.seconds + one.seconds,
    }),
    NO_COUNTS,
  );

const MOST_SAID = 600;

/** Why a test failed, in a line: an end of the output may be all that is kept of a run. */
function reasonOf(errors: readonly { readonly message: string; readonly diff?: string }[] = []): string {
  const [first] = errors;
  if (first === undefined) return '';
  const text = [first.message, first.diff ?? ''].map(stripVTControlCharacters).join(' ');
  return `: ${text.replace(/\s+/g, ' ').trim().slice(0, MOST_SAID)}`;
}

/**
 * A file that cannot be loaded, a hook that throws and an error outside any test count as a failed test each.
 */
export function count(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Counts {
  let passed = 0;
  const failures: string[] = [];
  const skips: string[] = [];
  for (const module of modules) {
    const before = failures.length;
    for (const test of module.children.allTests()) {
      const name = `${module.relativeModuleId} > ${test.fullName}`;
      const { state, errors } = test.result();
      if (state === 'passed') passed++;
      else if (state === 'skipped') skips.push(name);
      else failures.push(state === 'failed' ? name + reasonOf(errors) : `${name} (never finished)`);
    }
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0)
        failures.push(
          `${module.relativeModuleId} > ${suite.fullName} (outside its tests)${reasonOf(suite.errors())}`,
        );
    }
    if (module.errors().length > 0)
      failures.push(`${module.relativeModuleId} (could not be loaded)${reasonOf(module.errors())}`);
    if (!module.ok() && failures.length === before)
      failures.push(`${module.relativeModuleId} (failed as a whole)`);
  }
  for (const error of unhandled) failures.push(`outside any test: ${error.message ?? 'unknown error'}`);
  const seconds = modules.reduce((sum, module) => sum + module.diagnostic().duration, 0) / 1000;
  return { passed, failed: failures.length, skipped: skips.length, failures, skips, seconds };
}

/** An error outside any test belongs to no tier: it counts as one, `unhandled`. */
function countByTier(
  modules: readonly TestModule[],
  unhandled: readonly SerializedError[],
): Record<string, Counts> {
  const tiers = new Map<string, TestModule[]>();
  for (const module of modules) {
    const [, folder = '', ...rest] = module.relativeModuleId.split('/');
    const tier = rest.length === 0 ? 'tree' : folder;
    tiers.set(tier, [...(tiers.get(tier) ?? []), module]);
  }
  const counts = [...tiers].sort().map(([tier, held]) => [tier, count(held, [])]);
  return {
    ...Object.fromEntries(counts),
    ...(unhandled.length > 0 ? { unhandled: count([], unhandled) } : {}),
  };
}

export default class CountsReporter implements Reporter {
  readonly #ended: TestModule[] = [];

  #write(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env.BYOA_TEST_COUNTS;
    if (file !== undefined) writeFileSync(file, JSON.stringify(countByTier(modules, unhandled)));
  }

  /** A run that is stopped leaves what it had come to. */
  onTestModuleEnd(module: TestModule): void {
    this.#ended.push(module);
    this.#write(this.#ended, []);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#write(modules, unhandled);
  }
}
