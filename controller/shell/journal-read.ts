/** Reads journals back: the records of a file, and what an earlier run left to be remembered. */
import { open, readFile } from 'node:fs/promises';
import { err, ok, type Result } from '../base/result.ts';
import type { Memory } from '../event.ts';
import { type JournalRecord, journalFiles } from './journal.ts';

const CHUNK_BYTES = 256 * 1024;

/** All records of a file. A last line that a crash has torn is left out; any other bad line is an error. */
export async function readJournal(file: string): Promise<Result<readonly JournalRecord[]>> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const records: JournalRecord[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const record = parseLine(line);
    if (record !== undefined) records.push(record);
    else if (index < lines.length - 1)
      return err(`${file}:${index + 1}: this is not a journal record: ${line.slice(0, 80)}`);
  }
  return ok(records);
}

function parseLine(line: string): JournalRecord | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The newest memory that the journals of this node hold; undefined on a first run. */
export async function recallMemory(directory: string, node: string): Promise<Memory | undefined> {
  const files = await journalFiles(directory, node).catch(() => []);
  for (const file of [...files].reverse()) {
    const memory = await lastMemory(file).catch(() => undefined);
    if (memory !== undefined) return memory;
  }
  return undefined;
}

/** Searches a file from its end: memories are rare, and journals large. */
async function lastMemory(file: string): Promise<Memory | undefined> {
  const handle = await open(file, 'r');
  try {
    let tail = Buffer.alloc(0);
    for (let end = (await handle.stat()).size; end > 0; ) {
      const length = Math.min(CHUNK_BYTES, end);
      end -= length;
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, end);
      const lines = Buffer.concat([buffer, tail]).toString('utf8').split('\n');
      // The first line may have begun in an earlier chunk.
      tail = Buffer.from(end > 0 ? (lines.shift() ?? '') : '');
      const found = lines
        .reverse()
        .map(memoryOf)
        .find((memory) => memory !== undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

function memoryOf(line: string): Memory | undefined {
  if (!line.startsWith('{"kind":"memory"')) return undefined;
  const record = parseLine(line);
  return record?.kind === 'memory' ? record.memory : undefined;
}
