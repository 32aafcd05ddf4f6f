/**
 * The journal on a real disk: rotation, torn lines, what is remembered, trouble, and replay with a tiny
 * brain.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import type { Effect, Event, Memory } from '../../controller/event.ts';
import {
  Journal,
  type JournalOptions,
  type JournalRecord,
  journalFiles,
} from '../../controller/shell/journal.ts';
import { readJournal, recallMemory } from '../../controller/shell/journal-read.ts';
import { replay } from '../../controller/shell/replay.ts';
import { type Brain, createDriver } from '../../controller/shell/run.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let clock = 1_800_000_000_000;
const now = (): number => {
  clock += 1;
  return clock;
};

const memoryOf = (moves: number): Memory => ({ groups: { egress: { owned: false, moves: [moves] } } });
const journalWith = (more: Partial<JournalOptions> = {}): Journal =>
  new Journal({
    directory,
    node: 'a',
    version: '1',
    maxBytes: 1e6,
    files: 3,
    now,
    onTrouble: () => undefined,
    ...more,
  });

const deadline = (at: number): JournalRecord => ({ kind: 'event', at, event: { kind: 'deadline' } });
const stateBefore =
  (state: unknown, moves = 0) =>
  () => ({ state, memory: memoryOf(moves) });
const recordsOf = async (file = ''): Promise<readonly JournalRecord[]> => must(await readJournal(file));

describe('a journal', () => {
  it('does not hold up the end of the daemon while its disk hangs', async () => {
    // A pipe that nobody reads: opening it for writing waits, as a disk that is gone does.
    const at = Date.UTC(2027, 0, 15);
    const file = join(directory, `a-${new Date(at).toISOString().replace(/[-:.]/g, '')}.jsonl`);
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    const journal = journalWith({ now: () => at });
    journal.append([deadline(at)], stateBefore({}));
    await journal.close();
    expect(journal.state().file).toBeUndefined();
    closeSync(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
  }, 15_000);

  it('opens each file with a snapshot of the state before its events, and keeps the newest files', async () => {
    const journal = journalWith({ maxBytes: 300 });
    for (let n = 0; n < 20; n += 1) {
      journal.append([deadline(n), deadline(n + 0.5)], stateBefore({ n }));
    }
    await journal.close();
    const files = await journalFiles(directory, 'a');
    expect(files).toHaveLength(3);
    for (const file of files) {
      const [open, memory, first] = await recordsOf(file);
      expect(open).toMatchObject({ kind: 'open', version: '1', state: { n: expect.any(Number) } });
      expect(memory?.kind).toBe('memory');
      const state = open?.kind === 'open' ? open.state : undefined;
      expect(first).toMatchObject({ kind: 'event', at: (state as { n: number }).n });
    }
    const last = (await recordsOf(files.at(-1))).at(-1);
    expect(last).toMatchObject({ at: 19.5 });
  });

  it('tolerates a last line that a crash has torn, and no other', async () => {
    const journal = journalWith();
    journal.append([deadline(1)], stateBefore({}));
    await journal.close();
    const [file = ''] = await journalFiles(directory, 'a');
    appendFileSync(file, '{"kind":"event","at":2,"ev');
    expect(await recordsOf(file)).toHaveLength(3);
    appendFileSync(file, 'rubbish\n{"kind":"event","at":3,"event":{"kind":"deadline"}}\n');
    const read = await readJournal(file);
    expect(read).toMatchObject({ ok: false, error: expect.stringContaining(`${file}:4`) });
  });

  it('is remembered by its last memory, however much was written after', async () => {
    expect(await recallMemory(directory, 'a')).toBeUndefined();
    const journal = journalWith();
    journal.append([{ kind: 'memory', memory: memoryOf(7) }], stateBefore({}, 1));
    journal.append(
      Array.from({ length: 20_000 }, (_, n) => deadline(n)),
      stateBefore({}),
    );
    await journal.close();
    expect(await recallMemory(directory, 'a')).toEqual(memoryOf(7));
  });

  it('of one node is not taken for that of another whose name begins alike', async () => {
    const journal = journalWith({ node: 'a-b' });
    journal.append([deadline(1)], stateBefore({}, 5));
    await journal.close();
    expect(await recallMemory(directory, 'a')).toBeUndefined();
    expect(await recallMemory(directory, 'a-b')).toEqual(memoryOf(5));
  });

  it('that cannot be written says so once, counts what is lost, and begins anew when it can', async () => {
    const said: string[] = [];
    const blocked = join(directory, 'blocked');
    writeFileSync(blocked, 'a file where the directory should be');
    let at = 1_800_000_000_000;
    const onTrouble = (level: string, sentence: string): number => said.push(`${level}: ${sentence}`);
    const journal = journalWith({ directory: blocked, now: () => at, onTrouble });
    journal.append([deadline(1)], stateBefore({}));
    await journal.close();
    journal.append([deadline(2)], stateBefore({}));
    expect(journal.state()).toMatchObject({ lost: 2, failure: expect.stringContaining('blocked') });
    expect(said).toEqual([expect.stringMatching(/^error: The journal cannot be written .*failover goes on/)]);
    rmSync(blocked);
    mkdirSync(blocked);
    chmodSync(blocked, 0o700);
    at += 60_000;
    journal.append([deadline(3)], stateBefore({ fresh: true }));
    await journal.close();
    expect(journal.state()).toMatchObject({ lost: 2, failure: undefined });
    expect(said).toHaveLength(2);
    const [file] = await journalFiles(blocked, 'a');
    expect(await recordsOf(file)).toMatchObject([{ state: { fresh: true } }, {}, { at: 3 }]);
  });
});

/** Counts events and says so; asks for a deadline every 5 ms. */
interface Counter {
  readonly count: number;
  readonly nextAt: number;
}
const counting = (step: number): Brain<Counter> => ({
  step: (node, event, at) => {
    const count = node.count + step;
    const log: Effect = { kind: 'log', level: 'info', topic: 'count', text: `${event.kind} ${count}` };
    return { node: { count, nextAt: at + 5 }, effects: [log] };
  },
  nextDeadline: ({ nextAt }) => nextAt,
  recall: ({ count }) => memoryOf(Math.floor(count / 10)),
});

describe('a driver with a journal', () => {
  const realNow = (): number => performance.timeOrigin + performance.now();

  async function run(
    events: readonly Event[],
    until: number,
  ): Promise<{ file: string; performed: string[] }> {
    const journal = journalWith({ now: realNow });
    const performed: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const driver = createDriver({
        brain: counting(1),
        node: { count: 0, nextAt: realNow() },
        now: realNow,
        journal,
        perform: (effect) => {
          if (effect.kind === 'log') performed.push(effect.text);
          if (performed.length < until) return;
          driver.stop();
          resolve();
        },
        onFault: reject,
      });
      for (const event of events) driver.post(event);
    });
    await journal.close();
    const [file = ''] = await journalFiles(directory, 'a');
    return { file, performed };
  }

  it('handles events in order, then deadlines as the brain asks, and writes events of a turn at once', async () => {
    const { file, performed } = await run([{ kind: 'start' }, { kind: 'stop' }], 30);
    expect(performed.slice(0, 3)).toEqual(['start 1', 'stop 2', 'deadline 3']);
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).kind);
    expect(lines.slice(0, 5)).toEqual(['open', 'memory', 'event', 'event', 'event']);
    expect(lines.filter((kind) => kind === 'memory').length).toBeGreaterThanOrEqual(3);
    expect(await recallMemory(directory, 'a')).toEqual(memoryOf(3));
  });

  it('replays to the same decisions, and a brain that decides otherwise is found out', async () => {
    const { file } = await run([{ kind: 'start' }], 10);
    const records = await recordsOf(file);
    const readState = (state: unknown): Counter => state as Counter;
    const same = [...replay(counting(1), readState, records)];
    expect(same.length).toBeGreaterThanOrEqual(10);
    expect(same.every(({ journalled }) => journalled === undefined)).toBe(true);
    const other = [...replay(counting(2), readState, records)];
    expect(other.every(({ journalled }) => journalled !== undefined)).toBe(true);
  });

  it('does not go on when the brain fails', async () => {
    const broken: Brain<Counter> = {
      ...counting(1),
      step: () => {
        throw new Error('a bug');
      },
    };
    const fault = await new Promise((resolve) => {
      const driver = createDriver({
        brain: broken,
        node: { count: 0, nextAt: 0 },
        now: realNow,
        journal: journalWith(),
        perform: () => undefined,
        onFault: resolve,
      });
      driver.post({ kind: 'start' });
    });
    expect(fault).toMatchObject({ message: 'a bug' });
  });
});
