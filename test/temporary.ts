/** Every run of the tests has a temporary folder of its own; the run, or the next one, takes it away. */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alive } from './interop/lab.ts';

const PREFIX = 'byoa-tests-';

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** Takes away the folders of runs that were killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(name.slice(PREFIX.length).split('-')[0]);
    if (name.startsWith(PREFIX) && pid > 0 && !alive(pid)) remove(join(tmpdir(), name));
  }
}

export default function setup(): () => void {
  sweep();
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // A daemon that gives up root must still reach its own folder.
  chmodSync(folder, 0o755);
  const outer = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  return () => {
    remove(folder);
    if (outer === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = outer;
  };
}
