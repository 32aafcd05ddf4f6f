/**
 * The driver: feeds events to the brain one at a time, journals them, and runs the effects in order. One timer for the
 * earliest deadline. Nothing on the way from an event to its effects waits for anything.
 */
import { assert } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { Effect, Event, Memory } from '../event.ts';
import { decisions, type Journal, type JournalRecord } from './journal.ts';

/** The brain, for any state `N`. `controller/node.ts` is one. */
export interface Brain<N> {
  step(node: N, event: Event, now: Instant): { readonly node: N; readonly effects: readonly Effect[] };
  nextDeadline(node: N): Instant | undefined;
  recall(node: N): Memory;
}

export interface DriverOptions<N> {
  readonly brain: Brain<N>;
  readonly node: N;
  readonly now: () => Instant;
  readonly journal: Journal;
  readonly perform: (effect: Effect) => void;
  /** A bug of ours, in the brain or in an effect: the process must not go on. */
  readonly onFault: (error: unknown) => void;
}

export interface Driver {
  /** Queues an event; it is handled in this turn of the event loop, after those before it. */
  post(event: Event): void;
  /** While paused nothing is handled; events wait. */
  pause(): void;
  resume(): void;
  /** Ends: nothing is handled any more. */
  stop(): void;
}

/** A brain that asks for the same passed deadline so many times in a row would turn for ever. */
const MOST_SAME_DEADLINES = 1000;

export function createDriver<N>(options: DriverOptions<N>): Driver {
  const { brain, now, journal, perform, onFault } = options;
  let node = options.node;
  let remembered = JSON.stringify(brain.recall(node));
  let queue: Event[] = [];
  let timer: NodeJS.Timeout | undefined;
  let scheduled = false;
  let state: 'running' | 'paused' | 'stopped' = 'running';
  let lastDeadline: Instant | undefined;
  let sameDeadlines = 0;

  function schedule(): void {
    if (scheduled || state !== 'running') return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    if (state !== 'running') return;
    try {
      handle(queue.splice(0));
      arm();
    } catch (error) {
      onFault(error);
    }
  }

  /** All events of one turn are one write, issued before the first effect. */
  function handle(events: readonly Event[]): void {
    if (events.length === 0) return;
    const before = node;
    const remembrance = remembered;
    const records: JournalRecord[] = [];
    const effects: Effect[] = [];
    for (const event of events) {
      const at = now();
      const next = brain.step(node, event, at);
      node = next.node;
      const decided = decisions(next.effects);
      records.push({ kind: 'event', at, event, ...(decided.length === 0 ? {} : { effects: decided }) });
      effects.push(...next.effects);
    }
    const memory = brain.recall(node);
    const text = JSON.stringify(memory);
    if (text !== remembered) records.push({ kind: 'memory', memory });
    remembered = text;
    journal.append(records, () => ({ state: before, memory: JSON.parse(remembrance) }));
    for (const effect of effects) perform(effect);
  }

  function arm(): void {
    clearTimeout(timer);
    const deadline = brain.nextDeadline(node);
    if (deadline === undefined || state !== 'running') return;
    sameDeadlines = deadline === lastDeadline ? sameDeadlines + 1 : 0;
    lastDeadline = deadline;
    const left = deadline - now();
    if (left > 0) {
      timer = setTimeout(arm, Math.min(Math.ceil(left), 0x7fffffff));
      sameDeadlines = 0;
      return;
    }
    assert(sameDeadlines < MOST_SAME_DEADLINES, `the brain moves on from its deadline ${deadline}`);
    post({ kind: 'deadline' });
  }

  function post(event: Event): void {
    if (state === 'stopped') return;
    queue.push(event);
    schedule();
  }

  return {
    post,
    pause() {
      if (state !== 'running') return;
      state = 'paused';
      clearTimeout(timer);
    },
    resume() {
      if (state !== 'paused') return;
      state = 'running';
      schedule();
    },
    stop() {
      state = 'stopped';
      clearTimeout(timer);
      queue = [];
    },
  };
}
