/**
 * A lock on a world file, so that one process at a time keeps a world in it: flock(2) on a file beside it,
 * since the world file itself is replaced now and then. The system lets go of it when its process ends,
 * however it ends.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import koffi from 'koffi';

const LOCK_EX = 2;
const LOCK_NB = 4;

export interface Lock {
  readonly release: () => void;
}

const flock = koffi.load(null).func('int flock(int fd, int operation)');

/** Takes the lock of a world file; fails where another process, or this one, has it, and says who. */
export function lockState(file: string): Lock {
  const path = `${resolve(file)}.lock`;
  for (;;) {
    const fd = openSync(path, 'a+', 0o600);
    if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
      const holder = readFileSync(path, 'utf8').trim() || 'unknown';
      closeSync(fd);
      throw new Error(
        `The world in ${file} is in use by the process ${holder}, which holds ${path}; ` +
          'stop it first, or choose another file.',
      );
    }
    if (!isAt(path, fd)) {
      closeSync(fd);
      continue;
    }
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`);
    return {
      release: () => {
        unlinkSync(path);
        closeSync(fd);
      },
    };
  }
}

/** Whether the file that is locked is still the one at the path: who held it last has removed it. */
function isAt(path: string, fd: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.ino === fstatSync(fd).ino;
}
