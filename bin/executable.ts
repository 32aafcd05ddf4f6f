/**
 * Makes the bundle one executable for this machine: a copy of the running Node with the bundle and the native
 * module inside (Node's "single executable application"), and its SHA-256 beside it. The copy needs what Node
 * itself needs.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** The mark in Node's binary that postject turns to say that an application lies inside. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const RESOURCE = 'NODE_SEA_BLOB';

/** The name that the executable of this machine has: `byoa-linux-x64`. */
export const executableName = (): string => `byoa-${process.platform}-${process.arch}`;

/**
 * Runs a script of Node and throws what it said where it failed; postject warns of much that does not matter.
 */
function runNode(args: readonly string[], task: string): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`could not ${task}: ${(stderr || stdout).trim()}`);
}

/** Writes the blob that Node reads at start: the script, compiled ahead, and the assets. */
function prepareBlob(main: string, native: string, folder: string): string {
  const output = join(folder, 'sea.blob');
  const config = join(folder, 'sea.json');
  const settings = { disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: true };
  writeFileSync(config, JSON.stringify({ ...settings, main, output, assets: { 'koffi.node': native } }));
  runNode(['--experimental-sea-config', config], `prepare the executable of ${main}`);
  return output;
}

function inject(file: string, blob: string): void {
  const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
  runNode([postject, file, RESOURCE, blob, '--sentinel-fuse', FUSE], `put the program into ${file}`);
}

/**
 * Writes `byoa-PLATFORM-ARCH` and its `.sha256` (as sha256sum does) into `folder`; returns the executable's
 * path.
 */
export function makeExecutable(main: string, native: string, folder: string): string {
  const file = join(folder, executableName());
  const work = mkdtempSync(join(tmpdir(), 'byoa-sea-'));
  try {
    const blob = prepareBlob(main, native, work);
    rmSync(file, { force: true });
    copyFileSync(process.execPath, file);
    chmodSync(file, 0o755);
    inject(file, blob);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
  writeFileSync(`${file}.sha256`, `${sum}  ${basename(file)}\n`);
  return file;
}
