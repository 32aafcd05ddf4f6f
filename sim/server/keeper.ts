/**
 * Keeps a world in a file. Whatever happens is appended to the file and is on the disk before anybody is told
 * of it; now and then the file is written anew, beside itself, and renamed. So a crash loses nothing that was
 * acknowledged.
 */
import { closeSync, fdatasync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { takeUnsaved, type WorldChange } from '../world/saved.ts';
import type { World } from '../world/state.ts';
import { changesLine, parseWorldFile, type SavedWorld, worldLines } from '../world/world-file.ts';

export interface Keeper {
  /** Gathers what has happened, and writes it where nothing is being written. */
  readonly collect: () => void;
  /** Runs `what` once all that has happened is on the disk. */
  readonly later: (what: () => void) => void;
  readonly close: () => void;
}

/** Bytes by which a file may grow beyond twice its size before it is written anew. */
const SLACK_BYTES = 4 << 20;
/** Bytes that are written at once. */
const PIECE_BYTES = 1 << 20;

/** The world in a file, undefined where there is no such file; fails with what is wrong where in it. */
export function readWorld(file: string): SavedWorld | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`The world in ${file} cannot be read: ${(error as Error).message}`);
  }
  const parsed = parseWorldFile(text, file);
  if (parsed.ok) return parsed.value;
  throw new Error(`${parsed.error}. Mend the line, or choose another file.`);
}

/** Writes lines to a new file in the place of an old one, so that at any time one of both is there, whole. */
export function writeWorld(file: string, lines: Iterable<string>): number {
  const beside = `${file}.new`;
  const fd = openSync(beside, 'w', 0o600);
  let bytes = 0;
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE_BYTES) continue;
    bytes += append(fd, piece);
    piece = '';
  }
  bytes += append(fd, piece);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(beside, file);
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return bytes;
}

/** Writes all of a text at the end; a disk may take less than it is given. */
function append(fd: number, text: string): number {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return bytes.length;
}

/** Keeps `world` in `file` from now on. A disk that fails ends the process: nothing more could be kept. */
export function keep(file: string, world: World, run: number): Keeper {
  let changes: WorldChange[] = [];
  let waiting: (() => void)[] = [];
  let fd = -1;
  let size = 0;
  let limit = 0;
  let busy = false;
  let closed = false;

  const rewrite = (): void => {
    if (fd >= 0) closeSync(fd);
    size = writeWorld(file, worldLines(world, run));
    limit = 2 * size + SLACK_BYTES;
    fd = openSync(file, 'a');
  };

  const tell = (): void => {
    const told = waiting;
    waiting = [];
    for (const what of told) what();
  };

  const collect = (): void => {
    if (busy || closed) return;
    changes.push(...takeUnsaved(world));
    if (changes.length === 0) {
      tell();
      return;
    }
    size += append(fd, changesLine(changes));
    changes = [];
    const told = waiting;
    waiting = [];
    busy = true;
    fdatasync(fd, (error) => {
      if (closed) return;
      if (error !== null) throw new Error(`The world cannot be kept in ${file}: ${error.message}`);
      busy = false;
      if (size > limit) rewrite();
      for (const what of told) what();
      collect();
    });
  };

  world.api.cloud.committed = (made) => changes.push(...made);
  changes.push(...takeUnsaved(world));
  changes = [];
  rewrite();
  return {
    collect,
    later: (what) => {
      waiting.push(what);
      collect();
    },
    close: () => {
      if (closed) return;
      closed = true;
      world.api.cloud.committed = undefined;
      changes.push(...takeUnsaved(world));
      if (changes.length > 0) append(fd, changesLine(changes));
      fsyncSync(fd);
      closeSync(fd);
      for (const what of waiting) what();
    },
  };
}
