/**
 * Loaded into a daemon before its own program (`--require`): watches how long the turns of its main loop are.
 * A timer of one millisecond rings in every turn; the time from one ring to the next is what anybody else has
 * to wait, whether for work of ours or for garbage collection. SIGUSR2 writes what was seen since the last
 * one to `BYOA_LOOP_FILE`.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { quantile } from '../harness.ts';

/** Since the last time that somebody asked; ms. */
export interface LoopFigures {
  readonly turns: number;
  readonly medianMs: number;
  readonly p999Ms: number;
  readonly longestMs: number;
  /** Turns of more than 10 ms. */
  readonly over10Ms: number;
  readonly collections: number;
  readonly longestCollectionMs: number;
}

const file = process.env.BYOA_LOOP_FILE ?? '';
let turns: number[] = [];
let collections: number[] = [];
let last = performance.now();

function tell(): void {
  const figures: LoopFigures = {
    turns: turns.length,
    medianMs: quantile(turns, 0.5),
    p999Ms: quantile(turns, 0.999),
    longestMs: Math.max(0, ...turns),
    over10Ms: turns.filter((ms) => ms > 10).length,
    collections: collections.length,
    longestCollectionMs: Math.max(0, ...collections),
  };
  writeFileSync(`${file}.new`, JSON.stringify(figures));
  renameSync(`${file}.new`, file);
  turns = [];
  collections = [];
  last = performance.now();
}

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collections.push(duration);
}).observe({ entryTypes: ['gc'] });
setInterval(() => {
  const now = performance.now();
  turns.push(now - last);
  last = now;
}, 1).unref();
process.on('SIGUSR2', tell);
