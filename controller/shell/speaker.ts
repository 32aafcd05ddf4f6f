/**
 * The driver of the BGP speaker: one timer for its earliest deadline, its work in portions of two
 * milliseconds, and its effects to sockets, BFD and the node. While it has work left nothing more is read, so
 * that memory stays bounded and whatever else waits (a probe, BFD, an operator) gets its turn between two
 * portions.
 */
import { randomInt } from 'node:crypto';
import type { Instant } from '../base/time.ts';
import type { SpeakerEffect, SpeakerEvent } from '../bgp/event.ts';
import type { SpeakerOptions } from '../bgp/options.ts';
import { createSpeaker, nextSpeakerDeadline, type Speaker, stepSpeaker } from '../bgp/speaker.ts';
import { createTcp } from './tcp.ts';

/** What is not done here: sessions and routes for the node, BFD sessions, words. */
export type Outward = Exclude<SpeakerEffect, { kind: `tcp-${string}` }>;

export interface RunningSpeaker {
  readonly speaker: Speaker;
  post(event: SpeakerEvent): void;
  /** Longest and number of portions, ms: how long others had to wait. */
  slices(): Slices;
  close(): void;
}

interface Slices {
  readonly count: number;
  readonly longestMs: number;
  readonly over10Ms: number;
}

/** A portion goes on for so long. */
const PORTION_MS = 2;

interface Portions {
  /** Works in this turn of the loop, but for a portion of work that is due in it anyhow. */
  begin(): void;
  /** Does what is urgent before this returns; the rest has its turn. */
  now(): void;
  slices(): Slices;
  stop(): void;
}

/** What is worked off in portions. */
interface Work {
  /** Does a small piece; says whether there was one. */
  piece(): boolean;
  isUrgent(): boolean;
  /** When there is more to do. */
  deadline(): Instant | undefined;
  /** Told after each portion whether all is done that is due. */
  rests(isIdle: boolean): void;
}

/** At most one portion in a turn of the loop, so that others have theirs; one timer for what is due later. */
function createPortions(work: Work, now: () => Instant): Portions {
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let slices: Slices = { count: 0, longestMs: 0, over10Ms: 0 };
  let state: 'waiting' | 'working' | 'stopped' = 'waiting';

  function begin(): void {
    if (state === 'waiting') immediate ??= setImmediate(portion);
  }

  const portion = (): void => workWhile(() => true);

  function workWhile(goesOn: () => boolean): void {
    clearTimeout(timer);
    clearImmediate(immediate);
    immediate = undefined;
    if (state !== 'waiting') return;
    state = 'working';
    const started = performance.now();
    let ms = 0;
    while (isWorking() && ms < PORTION_MS && goesOn() && work.piece()) ms = performance.now() - started;
    const { count, longestMs, over10Ms } = slices;
    slices = {
      count: count + 1,
      longestMs: Math.max(longestMs, ms),
      over10Ms: over10Ms + (ms > 10 ? 1 : 0),
    };
    if (isWorking()) arm();
  }

  const isWorking = (): boolean => state === 'working';

  function arm(): void {
    state = 'waiting';
    const deadline = work.deadline();
    const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - now();
    work.rests(left > 0);
    if (left <= 0) begin();
    else if (left !== Number.POSITIVE_INFINITY)
      timer = setTimeout(portion, Math.min(Math.ceil(left), 0x7fffffff));
  }

  return {
    begin,
    now: () => workWhile(work.isUrgent),
    slices: () => slices,
    stop() {
      state = 'stopped';
      clearTimeout(timer);
      clearImmediate(immediate);
    },
  };
}

const isOfConnection = ({ kind }: SpeakerEvent): boolean => kind.startsWith('tcp-');

export function startSpeaker(
  options: SpeakerOptions,
  now: () => Instant,
  perform: (effect: Outward) => void,
  onFault: (sentence: string) => void,
): RunningSpeaker {
  const speaker = createSpeaker(options, { seed: randomInt(2 ** 32) }, now());
  const waiting: SpeakerEvent[] = [];
  /** Events at the front of those that wait whose turn is next. */
  let urgent = 0;
  let running = true;
  const tcp = createTcp(post, onFault);
  const portions = createPortions(
    {
      piece() {
        const next = waiting.shift() ?? (isDue() ? { kind: 'deadline' } : undefined);
        urgent = Math.max(0, urgent - 1);
        if (next !== undefined) step(next);
        return next !== undefined;
      },
      isUrgent: () => urgent > 0,
      deadline: () => (waiting.length > 0 ? now() : nextSpeakerDeadline(speaker)),
      rests: (isIdle) => tcp.setReading(isIdle),
    },
    now,
  );

  /** What connections bring waits its turn; a word from elsewhere, a lost neighbor above all, does not. */
  function post(event: SpeakerEvent): void {
    if (!running) return;
    if (isOfConnection(event)) {
      waiting.push(event);
      portions.begin();
    } else {
      waiting.splice(urgent++, 0, event);
      portions.now();
    }
  }

  function step(event: SpeakerEvent): void {
    for (const effect of stepSpeaker(speaker, event, now())) {
      switch (effect.kind) {
        case 'tcp-connect':
        case 'tcp-listen':
        case 'tcp-secure':
        case 'tcp-send':
        case 'tcp-close':
          tcp.perform(effect);
          break;
        default:
          perform(effect);
      }
    }
  }

  function isDue(): boolean {
    const deadline = nextSpeakerDeadline(speaker);
    return deadline !== undefined && deadline <= now();
  }

  return {
    speaker,
    post,
    slices: portions.slices,
    close() {
      running = false;
      portions.stop();
      tcp.close();
    },
  };
}
