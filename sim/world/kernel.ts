/**
 * Virtual time: one heap of things to do, one clock that only moves when somebody advances it, one seeded
 * stream for each concern, and a trace whose hash two equal runs share. Tests advance it at will; the server
 * advances it by the real clock.
 */

import { stream } from '../../controller/base/prng.ts';
import { assert } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Happening, Logged } from './happening.ts';
import { type Entry, type Heap, peek, pop, push } from './heap.ts';

/** Happenings that `GET /_byoa/events` can still show; older ones are forgotten, their hash is not. */
const LOG_LIMIT = 20_000;

export interface Kernel {
  now: Instant;
  readonly seed: number | string;
  readonly heap: Heap;
  /**
   * What comes again and again while nothing changes: the timers of probes, BFD and daemons (leap.ts). At one
   * instant they run after all else, in an order that does not depend on when they were set.
   */
  readonly routine: Heap;
  nextRank: number;
  /** When something last happened that may change the fate of packets. */
  changedAt: Instant;
  nextSeq: number;
  readonly streams: Map<string, () => number>;
  /** Numbers of a stream that were drawn and given back: the next to be drawn. */
  readonly ahead: Map<string, readonly number[]>;
  /** The last happenings, oldest first. */
  log: Logged[];
  nextLogSeq: number;
  /** FNV-1a over all happenings and deliveries so far. */
  traceHash: number;
  readonly listeners: Set<(logged: Logged) => void>;
}

/** A kernel whose clock stands at `start`. */
export const createKernel = (seed: number | string, start: Instant): Kernel => ({
  now: start,
  seed,
  heap: [],
  routine: [],
  nextRank: 1,
  changedAt: start,
  nextSeq: 0,
  streams: new Map(),
  ahead: new Map(),
  log: [],
  nextLogSeq: 1,
  traceHash: 2166136261,
  listeners: new Set(),
});

/** Runs `run` at instant `at`, or at once within the next `advance` where `at` has passed. */
export function schedule(kernel: Kernel, at: Instant, run: () => void): void {
  add(kernel, kernel.heap, at, run);
}

/** The same for a timer that comes again and again; `rank` orders those of one instant. */
export function scheduleRoutine(kernel: Kernel, at: Instant, rank: number, run: () => void): () => void {
  const entry = add(kernel, kernel.routine, at, run, rank);
  return () => {
    entry.cancelled = true;
  };
}

function add(kernel: Kernel, heap: Heap, at: Instant, run: () => void, rank = 0): Entry {
  assert(!Number.isNaN(at), 'an instant is a number');
  const entry = { at: Math.max(at, kernel.now), rank, seq: kernel.nextSeq++, run, cancelled: false };
  push(heap, entry);
  return entry;
}

/** Runs `run` after `delayMs`; the answer cancels it. */
export function after(kernel: Kernel, delayMs: Millis, run: () => void): () => void {
  const entry = add(kernel, kernel.heap, kernel.now + delayMs, run);
  return () => {
    entry.cancelled = true;
  };
}

/** The heap whose first entry runs next: at one instant, routine comes last. */
function nextHeap({ heap, routine }: Kernel): Heap {
  const [first, timer] = [peek(heap), peek(routine)];
  return first === undefined || (timer !== undefined && timer.at < first.at) ? routine : heap;
}

/** When the next thing happens, or undefined where nothing is planned. */
export const nextAt = (kernel: Kernel): Instant | undefined => peek(nextHeap(kernel))?.at;

/** Does everything that is due up to and including `to`, in order; the clock then stands at `to`. */
export function advance(kernel: Kernel, to: Instant): void {
  for (;;) {
    const heap = nextHeap(kernel);
    const entry = peek(heap);
    if (entry === undefined || entry.at > to) break;
    pop(heap);
    kernel.now = Math.max(kernel.now, entry.at);
    entry.run();
  }
  kernel.now = Math.max(kernel.now, to);
}

/**
 * A number in [0, 1) from the stream of one concern: what one concern draws never shifts what another draws.
 */
export function draw(kernel: Kernel, concern: string): number {
  const ahead = kernel.ahead.get(concern);
  if (ahead !== undefined) {
    const [value, ...rest] = ahead;
    if (rest.length === 0) kernel.ahead.delete(concern);
    else kernel.ahead.set(concern, rest);
    if (value !== undefined) return value;
  }
  let source = kernel.streams.get(concern);
  if (source === undefined) {
    source = stream(kernel.seed, concern);
    kernel.streams.set(concern, source);
  }
  return source();
}

/** Gives back the last numbers that were drawn, in their order. */
export function giveBack(kernel: Kernel, concern: string, values: readonly number[]): void {
  if (values.length > 0) kernel.ahead.set(concern, [...values, ...(kernel.ahead.get(concern) ?? [])]);
}

/** A delay of median `medianMs`, log-normal with sigma `spread` (0: always the median); ms. */
export function drawDelay(
  kernel: Kernel,
  concern: string,
  knob: { medianMs: Millis; spread: number },
): Millis {
  return delayOf(knob, () => draw(kernel, concern));
}

/** The same from numbers that somebody else draws. */
export function delayOf(knob: { medianMs: Millis; spread: number }, drawn: () => number): Millis {
  if (knob.spread === 0 || knob.medianMs === 0) return knob.medianMs;
  const u = 1 - drawn();
  const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * drawn());
  return Math.round(knob.medianMs * Math.exp(knob.spread * normal) * 1000) / 1000;
}

/** Folds a number into the trace hash. */
export function trace(kernel: Kernel, value: number): void {
  kernel.traceHash = Math.imul(kernel.traceHash ^ (value | 0), 16777619) >>> 0;
}

/** Folds a text into the trace hash, as its characters one by one. */
function traceText(kernel: Kernel, text: string): void {
  let hash = kernel.traceHash | 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16777619);
  }
  kernel.traceHash = hash >>> 0;
}

/** Records a happening with the present instant, folds it into the trace, and tells the listeners. */
export function record(kernel: Kernel, happening: Happening): void {
  const logged: Logged = { seq: kernel.nextLogSeq++, at: kernel.now, ...happening };
  if (happening.kind !== 'api' && happening.kind !== 'flow') kernel.changedAt = kernel.now;
  traceText(kernel, JSON.stringify(logged));
  kernel.log.push(logged);
  if (kernel.log.length > 2 * LOG_LIMIT) kernel.log = kernel.log.slice(-LOG_LIMIT);
  for (const listener of kernel.listeners) listener(logged);
}
