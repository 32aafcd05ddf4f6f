/**
 * Loaded into a daemon before its own program (`--require`): watches how long the turns of its main loop are.
 * A timer of one millisecond rings in every turn; the time from one ring to the next is what anybody else has
 * to wait, whether for work of ours, for garbage collection, or for a processor that others have. How long
 * the thread itself ran meanwhile stands beside it. SIGUSR2 writes what was seen since the last one to
 * `BYOA_LOOP_FILE`.
 */

import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { quantile } from '../../controller/base/quantile.ts';

/** Since the last time that somebody asked; ms. */
export interface LoopFigures {
  readonly turns: number;
  readonly medianMs: number;
  readonly p999Ms: number;
  readonly longestMs: number;
  /** Turns of more than 10 ms. */
  readonly over10Ms: number;
  /** The same of the time that the thread ran. */
  readonly longestRunMs: number;
  readonly runOver10Ms: number;
  readonly collections: number;
  readonly longestCollectionMs: number;
}

const file = process.env.BYOA_LOOP_FILE ?? '';
let turns: number[] = [];
let collections: number[] = [];
let runs: number[] = [];
let last = performance.now();

/** schedstat begins with the nanoseconds that the main thread has run. */
const statistics = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const text = Buffer.alloc(64);
function ranMs(): number {
  const length = readSync(statistics, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, length).split(' ')[0]) / 1e6;
}
let lastRan = ranMs();

function tell(): void {
  const figures: LoopFigures = {
    turns: turns.length,
    medianMs: quantile(turns, 0.5),
    p999Ms: quantile(turns, 0.999),
    longestMs: Math.max(0, ...turns),
    over10Ms: turns.filter((ms) => ms > 10).length,
    longestRunMs: Math.max(0, ...runs),
    runOver10Ms: runs.filter((ms) => ms > 10).length,
    collections: collections.length,
    longestCollectionMs: Math.max(0, ...collections),
  };
  writeFileSync(`${file}.new`, JSON.stringify(figures));
  renameSync(`${file}.new`, file);
  turns = [];
  runs = [];
  collections = [];
  last = performance.now();
  lastRan = ranMs();
}

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collections.push(duration);
}).observe({ entryTypes: ['gc'] });
setInterval(() => {
  const now = performance.now();
  const ran = ranMs();
  turns.push(now - last);
  runs.push(ran - lastRan);
  last = now;
  lastRan = ran;
}, 1).unref();
process.on('SIGUSR2', tell);
