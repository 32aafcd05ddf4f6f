/**
 * The native module in the bundle and in the executable: it loads, leaves nothing behind, and says why where
 * it cannot.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, markPure } from '../../bin/bundle.ts';
import { makeExecutable } from '../../bin/executable.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the SDK schemas', () => {
  it('marks each array literal as free of effects, and changes nothing else', () => {
    const text = [
      'const n0 = "com.amazonaws.ec2";',
      'var Secret = [0, n0, _S, 8, 0];',
      'export var Route$ = [3, n0, _R,',
      '    0,',
      '    [_D], [() => Secret]',
      '];',
      'registry.registerError(E$, E);',
    ].join('\n');
    expect(markPure(text).split('\n')).toEqual([
      'const n0 = "com.amazonaws.ec2";',
      'var Secret = /* @__PURE__ */ (() => [0, n0, _S, 8, 0])();',
      'export var Route$ = /* @__PURE__ */ (() => [3, n0, _R,',
      '    0,',
      '    [_D], [() => Secret]',
      '])();',
      'registry.registerError(E$, E);',
    ]);
  });
});

describe('the native module', () => {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-native-'));
  const temporary = mkdtempSync(join(tmpdir(), 'byoa-native-tmp-'));
  let programs: { readonly bundle: readonly string[]; readonly executable: readonly string[] };

  beforeAll(async () => {
    const main = await bundle(ROOT, folder, '4.5.6', './test/build/native-entry.ts');
    const executable = makeExecutable(main, join(folder, 'koffi.node'), folder);
    programs = { bundle: [process.execPath, main], executable: [executable] };
  }, 120_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(temporary, { recursive: true, force: true });
  });

  it.each(['bundle', 'executable'] as const)('calls the C library in the %s', (kind) => {
    const [program = '', ...args] = programs[kind];
    const env = { PATH: '/usr/bin:/bin', TMPDIR: temporary };
    const { stdout, stderr } = spawnSync(program, args, { cwd: '/', env, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '4.5.6 true 4\n', stderr: '' });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('falls back to another folder where the first cannot be used', () => {
    const [program = ''] = programs.executable;
    const env = { TMPDIR: '/nowhere', RUNTIME_DIRECTORY: '/nowhere/either' };
    const { stdout, stderr } = spawnSync(program, [], { env, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '4.5.6 true 4\n', stderr: '' });
  });
});
