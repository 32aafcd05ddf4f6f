/** The clock of a machine's programs: it may be ahead of the world's, and run faster. */
import type { Instant, Millis } from '../../controller/base/time.ts';

export interface Clock {
  /** What it shows at an instant of the world. */
  readonly read: (at: Instant) => Instant;
  /** When it shows so much, or a moment later. */
  readonly at: (reading: Instant) => Instant;
}

export const TRUE_CLOCK: Clock = { read: (at) => at, at: (reading) => reading };

/** So that a timer never rings before its time for want of digits, ms. */
const MOMENT_MS: Millis = 1e-6;

/**
 * A clock that was `aheadMs` ahead at the world's beginning and gains `drift` (0.001: 1 ms a second)
 * since.
 */
export const clockOf = (aheadMs: Millis, drift: number): Clock => ({
  read: (at) => at * (1 + drift) + aheadMs,
  at: (reading) => (reading - aheadMs) / (1 + drift) + MOMENT_MS,
});
