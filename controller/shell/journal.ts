/**
 * The journal: every event of the node and what it decided, as JSON lines, in files that rotate. Each file
 * opens with a snapshot of the node's state, so that any of them can be replayed alone. Failover is more
 * important than its record: when the disk refuses, the journal says so, counts what is lost and goes on, and
 * a later attempt begins a new file.
 */
import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '../base/time.ts';
import type { Effect, Event, Memory } from '../event.ts';

/** First line of a file: the state before the events that follow. */
export interface OpenRecord {
  readonly kind: 'open';
  readonly version: string;
  readonly at: Instant;
  readonly state: unknown;
}

export interface EventRecord {
  readonly kind: 'event';
  readonly at: Instant;
  readonly event: Event;
  /** What was decided: all effects but probes, replies without their body. Absent when there were none. */
  readonly effects?: readonly Effect[];
}

/** What the next run must know; written whenever it changes, and at the head of each file. */
export interface MemoryRecord {
  readonly kind: 'memory';
  readonly memory: Memory;
}

export type JournalRecord = OpenRecord | EventRecord | MemoryRecord;

/** The effects as journalled: what a replay must decide again. */
export function decisions(effects: readonly Effect[]): readonly Effect[] {
  return effects
    .filter((effect) => effect.kind !== 'probe')
    .map((effect) => (effect.kind === 'reply' ? { ...effect, body: null } : effect));
}

export interface JournalOptions {
  readonly directory: string;
  readonly node: string;
  readonly version: string;
  /** A file is closed when it has grown beyond this. */
  readonly maxBytes: number;
  /** Files to keep. */
  readonly files: number;
  readonly now: () => Instant;
  /** Told when writing begins to fail, and when it works again. */
  readonly onTrouble: (level: 'error' | 'info', sentence: string) => void;
}

export interface JournalState {
  readonly file: string | undefined;
  readonly failure: string | undefined;
  /** Records that could not be written in this run. */
  readonly lost: number;
}

const RETRY_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;

type Job = { readonly file?: string; readonly text: string; readonly records: number };

export class Journal {
  readonly #options: JournalOptions;
  #jobs: Job[] = [];
  #pumping: Promise<void> | undefined;
  #handle: FileHandle | undefined;
  #file: string | undefined;
  /** Bytes of the present file, including those still to be written; undefined: a new file is due. */
  #bytes: number | undefined;
  #failure: string | undefined;
  #failedAt: Instant = 0;
  #lost = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /**
   * Issues the write and returns at once. `before` is the state before `records`, `memory` the node's latest.
   */
  append(records: readonly JournalRecord[], before: () => { state: unknown; memory: Memory }): void {
    const { now, maxBytes } = this.#options;
    if (this.#failure !== undefined && now() - this.#failedAt < RETRY_MS) {
      this.#lost += records.length;
      return;
    }
    if (this.#bytes === undefined || this.#bytes > maxBytes) this.#begin(before());
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    this.#bytes = (this.#bytes ?? 0) + Buffer.byteLength(text);
    this.#jobs.push({ text, records: records.length });
    this.#pumping ??= this.#pump();
  }

  state(): JournalState {
    return { file: this.#file, failure: this.#failure, lost: this.#lost };
  }

  /**
   * Waits until everything issued is written, but not for a disk that hangs; what is appended after begins a
   * new file.
   */
  async close(): Promise<void> {
    const written = await Promise.race([
      (this.#pumping ?? Promise.resolve()).then(() => true),
      sleep(CLOSE_LIMIT_MS, false, { ref: false }),
    ]);
    if (!written) return;
    await this.#handle?.close();
    this.#handle = undefined;
    this.#bytes = undefined;
  }

  #begin({ state, memory }: { state: unknown; memory: Memory }): void {
    const { now, directory, node, version } = this.#options;
    const at = now();
    const stamp = new Date(at).toISOString().replace(/[-:.]/g, '');
    const head: readonly JournalRecord[] = [
      { kind: 'open', version, at, state },
      { kind: 'memory', memory },
    ];
    const text = head.map((record) => `${JSON.stringify(record)}\n`).join('');
    this.#bytes = Buffer.byteLength(text);
    this.#jobs.push({ file: join(directory, `${node}-${stamp}.jsonl`), text, records: 0 });
  }

  async #pump(): Promise<void> {
    while (this.#jobs.length > 0) {
      const [first, ...rest] = this.#jobs;
      const next = rest.findIndex((job) => job.file !== undefined);
      const batch = this.#jobs.splice(0, next < 0 ? this.#jobs.length : next + 1);
      try {
        if (first?.file !== undefined) await this.#open(first.file);
        await this.#handle?.write(batch.map(({ text }) => text).join(''));
        this.#recovered();
      } catch (error) {
        this.#failed(error, batch);
      }
    }
    this.#pumping = undefined;
  }

  async #open(file: string): Promise<void> {
    const { directory, node, files } = this.#options;
    await this.#handle?.close();
    this.#handle = undefined;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    this.#handle = await open(file, 'a', 0o600);
    this.#file = file;
    const kept = await journalFiles(directory, node);
    for (const old of kept.slice(0, Math.max(0, kept.length - files))) await unlink(old);
  }

  #failed(error: unknown, batch: readonly Job[]): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#failure === undefined) {
      const remedy = `make room in, or give access to, ${this.#options.directory}`;
      this.#options.onTrouble(
        'error',
        `The journal cannot be written (${reason}); failover goes on: ${remedy}.`,
      );
    }
    this.#failure = reason;
    this.#failedAt = this.#options.now();
    // Whatever was to follow is lost as well; the next file opens with a snapshot.
    for (const job of [...batch, ...this.#jobs.splice(0)]) this.#lost += job.records;
    this.#bytes = undefined;
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#options.onTrouble('info', `The journal is written again; ${this.#lost} records are missing.`);
  }
}

/** The journal files of a node, oldest first. */
export async function journalFiles(directory: string, node: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names
    .filter(
      (name) => name.startsWith(`${node}-`) && /^\d{8}T\d{9}Z\.jsonl$/.test(name.slice(node.length + 1)),
    )
    .sort()
    .map((name) => join(directory, name));
}
