/**
 * When routes of an earlier run, which nobody has announced since, are given up: neighbors get time to come
 * back and to say all. One rule for the kernel's routes and for those of route tables.
 */
import type { Instant, Millis } from './time.ts';

/** Most time that routes of an earlier run are kept while sessions come up. */
const SWEEP_MS: Millis = 120_000;
/** Time that neighbors get to say all, once every one of them is there. */
const SETTLE_MS: Millis = 5_000;

/** The sweep of a run that begins now. */
export const newSweep = (now: Instant): Instant => now + SWEEP_MS;

/** The sweep once all neighbors are there. */
export const settled = (sweepAt: Instant, now: Instant): Instant => Math.min(sweepAt, now + SETTLE_MS);
