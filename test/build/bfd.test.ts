/** BFD's thread in the forms in which byoa is shipped, where its program cannot be a file of the sources. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../bin/bundle.ts';
import { makeExecutable } from '../../bin/executable.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const onLinux = process.platform === 'linux';

/** Compiles the entry as `npm run build -- lib` compiles the parts, and returns its JavaScript. */
function library(folder: string): string {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const files = ['test/build/bfd-entry.ts', 'controller/shell/bfd/thread.ts'].map((name) => join(ROOT, name));
  const program = ts.createProgram(files, { ...options, outDir: folder, noCheck: true });
  program.emit();
  return join(folder, 'test', 'build', 'bfd-entry.js');
}

describe.skipIf(!onLinux)('the BFD thread (skipped: not Linux)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-bfd-'));
  const temporary = mkdtempSync(join(tmpdir(), 'byoa-bfd-tmp-'));
  let programs: Readonly<Record<'bundle' | 'executable' | 'library', readonly string[]>>;

  beforeAll(async () => {
    const main = await bundle(ROOT, folder, '4.5.6', './test/build/bfd-entry.ts');
    const executable = makeExecutable(main, join(folder, 'koffi.node'), folder);
    // Below the repository, so that the packages are found.
    const compiled = pathToFileURL(library(join(ROOT, 'dist', 'test-bfd'))).href;
    const start = `import('${compiled}').then(({ main }) => main('4.5.6'))`;
    programs = {
      bundle: [process.execPath, main],
      executable: [executable],
      library: [process.execPath, '--input-type=module', '-e', start],
    };
  }, 120_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(temporary, { recursive: true, force: true });
    rmSync(join(ROOT, 'dist', 'test-bfd'), { recursive: true, force: true });
  });

  it.each(['bundle', 'executable', 'library'] as const)('runs in the %s', (kind) => {
    const [program = '', ...args] = programs[kind];
    const env = { PATH: '/usr/bin:/bin', TMPDIR: temporary };
    const { stdout, stderr } = spawnSync(program, args, { cwd: '/', env, encoding: 'utf8', timeout: 20_000 });
    expect({ stdout, stderr }).toEqual({ stdout: '4.5.6 up\n', stderr: '' });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('needs no file of the sources in the bundle', () => {
    const text = readFileSync(join(folder, 'byoa.cjs'), 'utf8');
    expect(text).not.toContain('thread.ts');
    expect(text).not.toContain(dirname(ROOT));
  });
});
