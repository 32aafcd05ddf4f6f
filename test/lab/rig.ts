/** A lab for a test, started as people start one. Not a test itself. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type StartedLab, startLabOf } from '../../sim/lab/client.ts';
import { missingForLab } from '../../sim/lab/wrapper.ts';
import type { World } from '../../sim/world/state.ts';
import { worldLines } from '../../sim/world/world-file.ts';

export { said } from '../../sim/lab/client.ts';

const BYOA = [process.execPath, fileURLToPath(new URL('../../bin/byoa.js', import.meta.url))];

/** What the lab's tests lack here. */
export function missingHere(): readonly string[] {
  const absent = ['nft', 'ping', 'curl'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return [...missingForLab(), ...absent.map((name) => `the program ${name}`)];
}

export type Rig = StartedLab;

/** Starts a lab with a world, or a design by its name. */
export async function startRig(what: World | string, options: readonly string[] = []): Promise<Rig> {
  if (typeof what === 'string') return startLabOf(BYOA, what, options);
  const directory = mkdtempSync(join(tmpdir(), 'byoa-lab-'));
  const file = join(directory, 'world');
  writeFileSync(file, [...worldLines(what, 1)].join(''));
  return startLabOf(BYOA, file, options).finally(() => rmSync(directory, { recursive: true }));
}
