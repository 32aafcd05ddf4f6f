/**
 * `npm run build [-- bundle|executable|lib]`: what is published, in `dist/`.
 *
 *     dist/byoa.cjs koffi.node       the daemon in one file of JavaScript, and its native module
 *     dist/byoa-linux-x64 .sha256    the daemon in one executable for this machine, with Node inside
 *     dist/lib/                      every part as JavaScript with declarations, for the package's `exports`
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';
import { makeExecutable } from './executable.ts';
import { bundleSchemas } from './schemas.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

function say(file: string): void {
  const size = statSync(file).size;
  const text = size > 1e6 ? `${(size / 1e6).toFixed(1)} MB` : `${Math.ceil(size / 1e3)} kB`;
  process.stdout.write(`${relative(ROOT, file).padEnd(32)}${text.padStart(10)}\n`);
}

async function makeLibrary(): Promise<void> {
  const folder = join(DIST, 'lib');
  rmSync(folder, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const config = join(ROOT, 'tsconfig.build.json');
  const { status } = spawnSync(process.execPath, [tsc, '-p', config, '--outDir', folder], {
    stdio: 'inherit',
  });
  if (status !== 0)
    throw new Error('the library did not compile; run `npm run check` and mend what it names');
  await bundleSchemas(join(folder, 'sim', 'ec2', 'sdk.js'));
  say(join(folder, 'bin', 'cli.js'));
}

async function main(wanted: readonly string[]): Promise<void> {
  const stages = ['bundle', 'executable', 'lib'];
  const stranger = wanted.find((name) => !stages.includes(name));
  if (stranger !== undefined) throw new Error(`'${stranger}' is none of ${stages.join(', ')}`);
  const asked = (stage: string): boolean => wanted.length === 0 || wanted.includes(stage);
  mkdirSync(DIST, { recursive: true });
  if (asked('bundle') || asked('executable')) say(await bundle(ROOT, DIST, version));
  if (asked('executable')) say(makeExecutable(join(DIST, 'byoa.cjs'), join(DIST, 'koffi.node'), DIST));
  if (asked('lib')) await makeLibrary();
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
