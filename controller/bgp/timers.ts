/** Lengths of the timers of a session, and the earliest of those that run. Nothing here reads a clock. */
import type { Instant, Millis } from '../base/time.ts';

/** Timers of one connection, and those of its peer. RFC 4271 8.1.3, RFC 9687, RFC 4724 4.2. */
export type TimerName =
  | 'ConnectRetryTimer'
  | 'HoldTimer'
  | 'KeepaliveTimer'
  | 'DelayOpenTimer'
  | 'SendHoldTimer'
  | 'IdleHoldTimer';

/** When each running timer expires; absent: it is stopped. */
export type Timers<T extends string = TimerName> = Partial<Record<T, Instant>>;

/**
 * While OPENs are exchanged. RFC 4271 8.2.2 suggests 4 minutes; a neighbor that was restarted amid the
 * handshake, after it had acknowledged our OPEN, says nothing for that long, and is to be dialed anew sooner.
 */
export const LARGE_HOLD_TIME: Millis = 30_000;

/** First wait of a peer that oscillates, and the most. RFC 4271 8.1.1 leaves both to us. */
const FIRST_IDLE_HOLD: Millis = 1000;
export const MOST_IDLE_HOLD: Millis = 60_000;

/** A session that stood so long begins without damping when it is lost. */
export const STABLE_AFTER: Millis = 60_000;

/** How long BGP waits for BFD where the Hold Time is 0: that of draft-ietf-idr-bgp-bfd-strict-mode. */
export const BFD_HOLD_TIME: Millis = 30_000;

/** How long routes are held back after our restart for neighbors that do not come back. RFC 4724 4.1. */
export const LEAST_SELECTION_DEFERRAL: Millis = 5000;

/** Times without graceful restart configured, for routes that are kept until somebody decides. */
export const DEFAULT_STALE_TIME: Millis = 300_000;

/** RFC 4271 10: a factor in 0.75 to 1, from a number in [0, 1). */
export const jitter = (interval: Millis, random: number): Millis => interval * (0.75 + 0.25 * random);

/** RFC 4271 4.2: the smaller of what both proposed, s. */
export const negotiatedHoldTimeS = (ours: number, theirs: number): number => Math.min(ours, theirs);

/** A third of the Hold Time. RFC 4271 10. */
export const keepaliveInterval = (holdTimeS: number): Millis => (holdTimeS * 1000) / 3;

/** RFC 9687 4: the greater of 8 minutes and twice the Hold Time; 0, which is off, where that is 0. */
export const sendHoldTime = (holdTimeS: number): Millis =>
  holdTimeS === 0 ? 0 : Math.max(480_000, 2000 * holdTimeS);

/**
 * How long Idle lasts, and refuses connections, after so many ends in a row without a stable session; the
 * first one is free.
 */
export function idleHoldTime(oscillations: number, random: number): Millis {
  if (oscillations <= 1) return 0;
  const doubled = FIRST_IDLE_HOLD * 2 ** Math.min(oscillations - 2, 16);
  return jitter(Math.min(doubled, MOST_IDLE_HOLD), random);
}

/** The earliest expiry of some timers. */
export function earliestOf(timers: Timers<string>): Instant | undefined {
  let first: Instant | undefined;
  for (const name in timers) {
    const at = timers[name];
    if (at !== undefined && (first === undefined || at < first)) first = at;
  }
  return first;
}
