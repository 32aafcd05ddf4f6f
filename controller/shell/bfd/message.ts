/** What the main thread and the BFD thread tell each other: plain data that survives a structured clone. */
import type { BfdChange, BfdEvent, BfdStatus } from '../../bfd/event.ts';

/** What its owner asks of BFD. */
export type BfdOrder = Extract<BfdEvent, { kind: 'open' | 'close' | 'admin' }>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type ToThread =
  | { readonly kind: 'order'; readonly order: BfdOrder }
  | { readonly kind: 'status'; readonly request: number }
  | { readonly kind: 'stop' };

export type FromThread =
  | { readonly kind: 'change'; readonly change: BfdChange }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly text: string }
  /** Something that keeps a session, or all, from working: what, where, why, what to do. */
  | { readonly kind: 'fault'; readonly session?: string; readonly text: string }
  | { readonly kind: 'status'; readonly request: number; readonly sessions: readonly BfdStatus[] };

/** What the thread begins with. */
export interface ThreadData {
  /** Added to the monotonic clock that all threads share, gives the instants of the main thread. */
  readonly clockOffsetMs: number;
  readonly seed: string;
  /** Whether to have real-time scheduling; absent: where the process may. */
  readonly fifo?: boolean;
}

/** The monotonic clock that all threads of a process share, ms. */
export function sharedClock(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
