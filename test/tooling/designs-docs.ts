/**
 * Writes what docs/designs.md says of each design. Run by `npm run docs:designs`, which deploys and drills
 * all of them and takes two minutes; with `plans` it leaves the drills out.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failuresOf } from '../../sim/drill/failure.ts';
import { stageOf } from '../../sim/drill/subject.ts';
import type { JudgedDrill } from '../../sim/drill/verdict.ts';
import { deployLibrary, play } from '../infra/library.ts';
import { blackoutsText, designsText, withPart } from './designs-page.ts';

const FILE = fileURLToPath(new URL('../../docs/designs.md', import.meta.url));

async function drills(): Promise<ReadonlyMap<string, readonly JudgedDrill[]>> {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-designs-'));
  try {
    const library = await deployLibrary(directory);
    return new Map(
      [...library].map(([name, one]) => [
        name,
        failuresOf(stageOf(one.subject, 1)).map((failure) => play(one, [failure])),
      ]),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const planned = withPart(readFileSync(FILE, 'utf8'), 'designs', designsText());
writeFileSync(
  FILE,
  process.argv.includes('plans') ? planned : withPart(planned, 'blackouts', blackoutsText(await drills())),
);
