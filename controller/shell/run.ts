/**
 * The driver: feeds events to the brain one at a time, journals them, and runs the effects in order. One
 * timer for the earliest deadline. Nothing on the way from an event to its effects waits for anything.
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
  /** Handles an event before this returns, after those that wait: what cannot be late. */
  postNow(event: Event): void;
  /** While paused nothing is handled; events wait. */
  pause(): void;
  resume(): void;
  /** Ends: nothing is handled any more. */
  stop(): void;
}

/** Rounds of events that answer each other in one turn: then others have theirs. */
const MOST_ROUNDS = 20;

/** A brain that asks for the same passed deadline so many times in a row would turn for ever. */
const MOST_SAME_DEADLINES = 1000;

interface Alarm {
  /** Rings at this instant, in place of any other; at once where it has passed. */
  set(deadline: Instant | undefined): void;
  clear(): void;
}

function createAlarm(now: () => Instant, ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let last: Instant | undefined;
  let same = 0;
  function set(deadline: Instant | undefined): void {
    clearTimeout(timer);
    if (deadline === undefined) return;
    const left = deadline - now();
    same = left <= 0 && deadline === last ? same + 1 : 0;
    last = deadline;
    assert(same < MOST_SAME_DEADLINES, `the brain moves on from its deadline ${deadline}`);
    // A timer may fire a little early: then it is set again for the rest.
    if (left > 0) timer = setTimeout(() => set(deadline), Math.min(Math.ceil(left), 0x7fffffff));
    else ring();
  }
  return { set, clear: () => clearTimeout(timer) };
}

/** The events one after another, as records for the journal, and all their effects in order. */
function stepAll<N>(
  brain: Brain<N>,
  start: N,
  events: readonly Event[],
  now: () => Instant,
): { node: N; records: JournalRecord[]; effects: Effect[] } {
  let node = start;
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
  return { node, records, effects };
}

/** A driver that has not been told anything yet: its first event should be `start`. */
export function createDriver<N>(options: DriverOptions<N>): Driver {
  const { brain, now, journal, perform, onFault } = options;
  let node = options.node;
  let remembered = brain.recall(node);
  let queue: Event[] = [];
  let scheduled = false;
  let turning = false;
  const alarm = createAlarm(now, () => post({ kind: 'deadline' }));
  let state: 'running' | 'paused' | 'stopped' = 'running';

  function schedule(): void {
    if (scheduled || turning || state !== 'running') return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    if (state !== 'running' || turning) return;
    turning = true;
    try {
      // What an effect is answered with at once is handled in the same turn.
      for (let round = 0; round < MOST_ROUNDS && queue.length > 0 && isRunning(); round++)
        handle(queue.splice(0));
      if (isRunning()) alarm.set(brain.nextDeadline(node));
    } catch (error) {
      onFault(error);
    }
    turning = false;
    if (queue.length > 0) schedule();
  }

  const isRunning = (): boolean => state === 'running';

  /** All events of one turn are one write, issued before the first effect. */
  function handle(events: readonly Event[]): void {
    if (events.length === 0) return;
    const before = { state: node, memory: remembered };
    const stepped = stepAll(brain, node, events, now);
    node = stepped.node;
    const memory = brain.recall(node);
    if (JSON.stringify(memory) !== JSON.stringify(remembered))
      stepped.records.push({ kind: 'memory', memory });
    remembered = memory;
    journal.append(stepped.records, () => before);
    for (const effect of stepped.effects) perform(effect);
  }

  function post(event: Event): void {
    if (state === 'stopped') return;
    queue.push(event);
    schedule();
  }

  return {
    post,
    postNow(event) {
      if (state === 'stopped') return;
      queue.push(event);
      turn();
    },
    pause() {
      if (state !== 'running') return;
      state = 'paused';
      alarm.clear();
    },
    resume() {
      if (state !== 'paused') return;
      state = 'running';
      schedule();
    },
    stop() {
      state = 'stopped';
      alarm.clear();
      queue = [];
    },
  };
}
