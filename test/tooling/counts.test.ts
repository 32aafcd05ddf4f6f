/** What the test runner counts, shown with a real vitest on planted failures. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type Counts, type CountsByTier, sumOf } from '../counts.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'byoa-counts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runFixture(name: string): { readonly counts: Counts; readonly code: number | null } {
  const file = join(folder, `${name}.json`);
  const config = join(folder, `${name}.config.mjs`);
  const include = [`test/tooling/fixture/${name}.case.ts`];
  writeFileSync(config, `export default ${JSON.stringify({ test: { include, root: ROOT } })};\n`);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', config, '--reporter', join(ROOT, 'test', 'counts.ts')];
  const env = { ...process.env, BYOA_TEST_COUNTS: file };
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, timeout: 60_000 });
  const byTier: CountsByTier = JSON.parse(readFileSync(file, 'utf8'));
  return { counts: sumOf(Object.values(byTier)), code: status };
}

describe('counts', () => {
  it('counts what passes, and leaves exit code 0', () => {
    const { counts, code } = runFixture('fine');
    expect(counts).toMatchObject({ passed: 1, failed: 0, skipped: 0, failures: [], skips: [] });
    expect(code).toBe(0);
  });

  it('counts failures, skips and hooks that throw, and says why', () => {
    const { counts, code } = runFixture('mixed');
    expect(counts.passed).toBe(2);
    expect(counts.failures).toHaveLength(counts.failed);
    expect(counts.failures).toContainEqual(expect.stringMatching(/mixed > fails: .*expected 1 to be 2/));
    expect(counts.failures).toContainEqual(expect.stringMatching(/a hook before .*planted: before/));
    expect(counts.failures).toContainEqual(expect.stringMatching(/a hook after .*planted: after/));
    expect(counts.skips).toContainEqual(expect.stringContaining('is skipped'));
    expect(code).not.toBe(0);
  });

  it('counts a file that cannot be loaded', () => {
    const { counts, code } = runFixture('broken');
    expect(counts).toMatchObject({ passed: 0, failed: 1 });
    expect(code).not.toBe(0);
  });

  it('counts an error outside any test', () => {
    const { counts, code } = runFixture('stray');
    expect(counts).toMatchObject({
      passed: 1,
      failed: 1,
      failures: [expect.stringContaining('planted: stray')],
    });
    expect(code).not.toBe(0);
  });
});
