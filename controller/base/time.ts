/** Instants and durations. Imports nothing; nobody here reads a clock. */

/**
 * A point in time in milliseconds, with fractions down to 1 us, on a clock that never jumps.
 * In production it is `performance.timeOrigin + performance.now()` at start, so that it reads like Unix time;
 * in the simulator it starts at 0. Compare instants of one clock only.
 */
export type Instant = number;

/** A span of time in milliseconds. */
export type Millis = number;

/** The earlier of two instants of which either may be absent. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return Math.min(a, b);
}

/** `1234` as `1.234 s`, `87.4` as `87 ms`: for sentences that people read. */
export function formatMillis(ms: Millis): string {
  if (Math.abs(ms) >= 1000) return `${Number((ms / 1000).toFixed(3))} s`;
  return Math.abs(ms) >= 10 ? `${Math.round(ms)} ms` : `${Number(ms.toFixed(2))} ms`;
}
