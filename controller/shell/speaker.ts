/**
 * The driver of the BGP speaker: one timer for its earliest deadline, its work in portions of a few
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

/** How long others had to wait for us. */
function newSlices(): { add(ms: number): void; read(): Slices } {
  let slices: Slices = { count: 0, longestMs: 0, over10Ms: 0 };
  return {
    add(ms) {
      const { count, longestMs, over10Ms } = slices;
      slices = {
        count: count + 1,
        longestMs: Math.max(longestMs, ms),
        over10Ms: over10Ms + (ms > 10 ? 1 : 0),
      };
    },
    read: () => slices,
  };
}

/** A portion goes on for so long. */
const PORTION_MS = 6;

export function startSpeaker(
  options: SpeakerOptions,
  now: () => Instant,
  perform: (effect: Outward) => void,
  onFault: (sentence: string) => void,
): RunningSpeaker {
  const speaker = createSpeaker(options, { seed: randomInt(2 ** 32) }, now());
  const waiting: SpeakerEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let running = true;
  let stepping = false;
  const slices = newSlices();
  const tcp = createTcp(post, onFault);

  function post(event: SpeakerEvent): void {
    if (!running) return;
    waiting.push(event);
    if (stepping) return;
    stepping = true;
    const started = performance.now();
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) step(next);
    stepping = false;
    slices.add(performance.now() - started);
    arm();
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

  /** Works for a while, then lets others have their turn. */
  function portion(): void {
    immediate = undefined;
    const until = performance.now() + PORTION_MS;
    do post({ kind: 'deadline' });
    while (running && isDue() && performance.now() < until);
    arm();
  }

  function arm(): void {
    clearTimeout(timer);
    if (!running || immediate !== undefined) return;
    const deadline = nextSpeakerDeadline(speaker);
    const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - now();
    tcp.setReading(left > 0);
    if (left <= 0) immediate = setImmediate(portion);
    else if (left !== Number.POSITIVE_INFINITY)
      timer = setTimeout(() => post({ kind: 'deadline' }), Math.min(Math.ceil(left), 0x7fffffff));
  }

  return {
    speaker,
    post,
    slices: slices.read,
    close() {
      running = false;
      clearTimeout(timer);
      clearImmediate(immediate);
      tcp.close();
    },
  };
}
