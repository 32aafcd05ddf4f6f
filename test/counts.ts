/** A vitest reporter that writes what the run came to, as JSON, to the file named by `BYOA_TEST_COUNTS`. */
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed and what was skipped, by name. */
  readonly failures: readonly string[];
  readonly skips: readonly string[];
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
      const { state } = test.result();
      if (state === 'passed') passed++;
      else if (state === 'skipped') skips.push(name);
      else failures.push(state === 'failed' ? name : `${name} (never finished)`);
    }
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0)
        failures.push(`${module.relativeModuleId} > ${suite.fullName} (outside its tests)`);
    }
    if (module.errors().length > 0) failures.push(`${module.relativeModuleId} (could not be loaded)`);
    if (!module.ok() && failures.length === before)
      failures.push(`${module.relativeModuleId} (failed as a whole)`);
  }
  for (const error of unhandled) failures.push(`outside any test: ${error.message ?? 'unknown error'}`);
  return { passed, failed: failures.length, skipped: skips.length, failures, skips };
}

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env.BYOA_TEST_COUNTS;
    if (file !== undefined) writeFileSync(file, JSON.stringify(count(modules, unhandled)));
  }
}
