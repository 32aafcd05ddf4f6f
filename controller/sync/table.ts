/**
 * One route table on its way to its plan: what differs from it is written, the most urgent first, each
 * destination by one call at a time. What was seen counts, not what was sent; edits by others are put right a
 * few times and then left to them, for routes have no compare-and-set.
 */
import { formatMillis, type Instant, type Millis } from '../base/time.ts';
import type { Call, ObservedRouteTable, Outcome } from '../ec2/call.ts';
import type { Step } from '../failover/group.ts';
import { contradicted, describeCall, endedStep } from '../failover/step.ts';
import type { Turn } from '../failover/turn.ts';
import type { Plan, PlanBasis, PlanJob } from './plan.ts';

/** How often an edit of somebody else is put right, and how long the route is left to them then. */
const MOST_EDITS = 3;
const YIELD_MS: Millis = 600_000;
/** After a refusal for good, nothing is tried for this long. */
const FAILED_MS: Millis = 30_000;
/** Tries of one write after which people are told. */
const ALARM_TRIES = 5;

/** A call whose effect has not been seen. `eni`: what the route leads to then; absent: nowhere. */
export interface Write extends Step {
  readonly eni?: string;
  /** What `ours` said before: a refusal restores it. */
  readonly before?: string;
}

/** How often others have changed a route; yielded: until when it is left to them. */
export interface Edits {
  readonly count: number;
  readonly at: Instant;
  readonly yieldedUntil?: Instant;
}

type ByDestination<T> = Readonly<Record<string, T>>;

export interface TableSync {
  /** The ENI that each of our routes was written to last: ownership, which the journal keeps. */
  readonly ours: ByDestination<string>;
  readonly writes: ByDestination<Write>;
  readonly edits: ByDestination<Edits>;
  /** What was deleted for good, so that its return is an edit of somebody. */
  readonly deleted: ByDestination<Instant>;
  readonly plan?: Plan;
  /** What the plan was made for; absent: it has to be made again. */
  readonly basis?: PlanBasis;
  readonly plannedAt?: Instant;
  /** The plan in the making: until it is done, nothing is written by the one before. */
  readonly job?: PlanJob;
  /** What the last pass was made for; the next one has nothing to do while it is the same. */
  readonly passKey?: string;
  readonly wakeAt?: Instant;
  /** What people have been told, so that they are told once. */
  readonly told: readonly string[];
  /** What would have been written, where nothing may be. */
  readonly would: ByDestination<string>;
  readonly lastWrite?: { readonly at: Instant; readonly text: string };
}

export const newTable = (ours: ByDestination<string> = {}): TableSync => ({
  ours,
  writes: {},
  edits: {},
  deleted: {},
  told: [],
  would: {},
});

export interface TableScene {
  readonly table: ObservedRouteTable;
  /** The request of the look that showed it. */
  readonly seen: number;
  readonly plan: Plan;
  /** Whether a route that nobody is known to have made may be taken over. */
  readonly mayAdopt: (destination: string) => boolean;
  /** Nothing is written before the neighbors had time to say all. */
  readonly mayWrite: boolean;
  /** Nothing is deleted while sessions are away. */
  readonly mayDelete: boolean;
  /** Whether the look is fresh enough to make and to delete routes by it. */
  readonly isFresh: boolean;
  readonly observeOnly: boolean;
  /** The part of the API budget that is left to failover. */
  readonly reserve: number;
}

export interface Pass {
  readonly state: TableSync;
  /** A look sent after this request is needed, at this time or later. */
  readonly look?: { readonly after: number; readonly at: Instant };
}

/** What is to be done about a destination; the order of the list is that of urgency. */
const URGENCY = ['dead', 'create', 'replace', 'delete'] as const;

interface Task {
  readonly destination: string;
  readonly urgency: (typeof URGENCY)[number];
  readonly want?: string;
  /** Somebody else changed what we had put right. */
  readonly isEdit: boolean;
  readonly attempts: number;
}

/** The pass in the making. */
interface Work {
  readonly scene: TableScene;
  readonly turn: Turn;
  readonly ours: Record<string, string>;
  readonly writes: Record<string, Write>;
  readonly edits: Record<string, Edits>;
  readonly deleted: Record<string, Instant>;
  readonly tasks: Task[];
  /** Our routes that are there or on their way, by IP version. */
  readonly used: { 4: number; 6: number };
  busy: boolean;
  /** A route turned out not to be ours: the plan has to be made again. */
  isDisowned: boolean;
  wakeAt: Instant | undefined;
  look: Pass['look'];
}

const versionOf = (destination: string): 4 | 6 => (destination.includes(':') ? 6 : 4);
const lengthOf = (destination: string): number => Number(destination.slice(destination.indexOf('/') + 1));

/** Carries a table on as far as it goes now. */
export function advanceTable(state: TableSync, scene: TableScene, turn: Turn): Pass {
  const { table, plan } = scene;
  const work: Work = {
    scene,
    turn,
    ours: { ...state.ours },
    writes: { ...state.writes },
    edits: { ...state.edits },
    deleted: { ...state.deleted },
    tasks: [],
    used: { 4: 0, 6: 0 },
    busy: false,
    isDisowned: false,
    wakeAt: undefined,
    look: undefined,
  };
  const seen = new Map<string, string>();
  for (const { destination, target, propagated } of table.routes)
    if (propagated === undefined) seen.set(destination, target);
  const adopted = [...seen.keys()].filter(
    (destination) => work.ours[destination] === undefined && scene.mayAdopt(destination),
  );
  const all = new Set([
    ...Object.keys(plan.routes),
    ...Object.keys(work.ours),
    ...Object.keys(work.writes),
    ...adopted,
  ]);
  for (const destination of all) consider(work, destination, seen.get(destination));
  const { basis, ...next } = perform(work, { ...state, ...rest(work) });
  const isCurrent = !work.isDisowned && basis !== undefined;
  return {
    state: isCurrent ? { ...next, basis } : next,
    ...(work.look === undefined ? {} : { look: work.look }),
  };
}

const rest = ({
  ours,
  writes,
  edits,
  deleted,
}: Work): Pick<TableSync, 'ours' | 'writes' | 'edits' | 'deleted'> => ({
  ours,
  writes,
  edits,
  deleted,
});

function wake(work: Work, at: Instant): void {
  work.wakeAt = Math.min(at, work.wakeAt ?? at);
}

function wantLook(work: Work, after: number, at: Instant): void {
  const { look } = work;
  work.look = { after: Math.max(after, look?.after ?? -1), at: Math.max(at, look?.at ?? at) };
}

/** Compares one destination with its plan. `there`: what it was seen to lead to. */
function consider(work: Work, destination: string, there: string | undefined): void {
  const { scene, ours } = work;
  const want = scene.plan.routes[destination];
  const known = knownOf(work, destination, there, want);
  const isThere = known.kind === 'busy' ? known.occupies : known.target !== undefined;
  if (isThere && (ours[destination] !== undefined || want !== undefined))
    work.used[versionOf(destination)] += 1;
  if (known.kind === 'busy') return;
  const { target } = known;
  if (target === want) {
    if (known.isSeen) delete work.writes[destination];
    if (want !== undefined) ours[destination] = want;
    else if (known.isSeen) delete ours[destination];
    return;
  }
  if (work.edits[destination]?.yieldedUntil !== undefined) return;
  if (want === undefined && ours[destination] === undefined && !scene.mayAdopt(destination)) {
    delete work.writes[destination];
    return;
  }
  const isSettled = known.isSeen && !known.isRetry;
  const { attempts } = known;
  const task = { destination, attempts };
  if (want === undefined) {
    const isEdit = isSettled && work.deleted[destination] !== undefined;
    work.tasks.push({ ...task, urgency: 'delete', isEdit });
    return;
  }
  const isEdit = isSettled && ours[destination] === want;
  const isDead = target !== undefined && !scene.plan.alive.includes(target);
  const urgency = target === undefined ? 'create' : isDead ? 'dead' : 'replace';
  work.tasks.push({ ...task, urgency, want, isEdit });
}

type Known =
  | { readonly kind: 'busy'; readonly occupies: boolean }
  /** `isSeen`: by a look, rather than by an answer; `isRetry`: after a write that did not do it. */
  | {
      readonly kind: 'known';
      readonly target: string | undefined;
      readonly isSeen: boolean;
      readonly isRetry: boolean;
      readonly attempts: number;
    };

/** What a destination leads to, as far as that can be known with a write on its way. */
function knownOf(
  work: Work,
  destination: string,
  there: string | undefined,
  want: string | undefined,
): Known {
  const { writes, scene, turn } = work;
  const write = writes[destination];
  const seenNow = { kind: 'known', target: there, isSeen: true, isRetry: false, attempts: 0 } as const;
  if (write === undefined) return seenNow;
  const again = { ...seenNow, isRetry: true, attempts: write.attempts };
  const busy = { kind: 'busy', occupies: write.eni !== undefined || there !== undefined } as const;
  const later = write.notBefore > turn.now;
  const after = write.endedAfter ?? -1;
  switch (write.state) {
    case 'sent':
      work.busy = true;
      return busy;
    case 'failed':
    case 'refused':
      if (!later) return again;
      work.busy ||= write.state === 'refused';
      wake(work, write.notBefore);
      return { ...busy, occupies: there !== undefined };
    case 'unknown':
      if (scene.seen <= after) {
        work.busy = true;
        wantLook(work, after, turn.now);
        return busy;
      }
      if (there === write.eni) break;
      if (there !== undefined && write.before === undefined && !scene.mayAdopt(destination)) {
        // It was not there before our call, and what is there now is not what we asked for.
        delete work.ours[destination];
        delete writes[destination];
        work.isDisowned = true;
        return busy;
      }
      if (!later) return again;
      wake(work, write.notBefore);
      work.busy = true;
      return busy;
    default:
      if (scene.seen <= after)
        return { kind: 'known', target: write.eni, isSeen: false, isRetry: false, attempts: 0 };
      if (there === write.eni) break;
      if (want !== write.eni) return again;
      return doubt(work, destination, write, again, busy);
  }
  delete writes[destination];
  if (write.eni === undefined && scene.mayAdopt(destination)) work.deleted[destination] = turn.now;
  return seenNow;
}

/** An answered write that a later look does not show. */
function doubt(work: Work, destination: string, write: Write, again: Known, busy: Known): Known {
  const { scene, turn, writes } = work;
  if (write.judged === scene.seen) {
    wantLook(work, scene.seen, write.notBefore);
    return busy;
  }
  const next = contradicted(write, scene.seen, turn);
  if (next.kind === 'send') return again;
  if (next.kind === 'yield') {
    delete writes[destination];
    yieldTo(work, destination, MOST_EDITS);
    return busy;
  }
  writes[destination] = { ...write, ...next.step };
  wantLook(work, scene.seen, next.at);
  return busy;
}

function yieldTo({ edits, turn, scene }: Work, destination: string, count: number): void {
  edits[destination] = { count, at: turn.now, yieldedUntil: turn.now + YIELD_MS };
  const text =
    `Somebody else changes ${destination} of ${scene.table.id} again and again; ` +
    `it is left to them for ${formatMillis(YIELD_MS)}.`;
  turn.log('error', 'alarm', text, { table: scene.table.id, destination });
}

/**
 * Sends what may be sent. New routes come before those that they take the place of are deleted, so that no
 * packet loses its way meanwhile: the longest first, deletions the shortest first. Only a full table is
 * emptied first.
 */
function perform(work: Work, start: TableSync): TableSync {
  const { tasks, scene, used } = work;
  const rank = ({ urgency, destination }: Task): number =>
    URGENCY.indexOf(urgency) * 1000 +
    (urgency === 'delete' ? lengthOf(destination) : 200 - lengthOf(destination));
  tasks.sort((a, b) => rank(a) - rank(b));
  let state = start;
  const room = (one: Task): number =>
    scene.plan.limit[versionOf(one.destination)] - used[versionOf(one.destination)];
  const isFull = tasks.some((one) => one.urgency === 'create' && room(one) <= 0);
  const isOpen = work.busy || tasks.some(({ urgency }) => urgency !== 'delete');
  if (!scene.mayWrite) return settled(work, state);
  for (const task of tasks) {
    const { urgency } = task;
    if (urgency === 'create' && room(task) <= 0) continue;
    if (urgency === 'delete' && (!scene.mayDelete || (isOpen && !isFull))) continue;
    if ((urgency === 'create' || urgency === 'delete') && !scene.isFresh) continue;
    state = send(work, task, state);
    if (urgency === 'create') used[versionOf(task.destination)] += 1;
  }
  return settled(work, { ...state, ...rest(work) });
}

function settled({ wakeAt }: Work, state: TableSync): TableSync {
  const { wakeAt: _, ...others } = state;
  return wakeAt === undefined ? others : { ...others, wakeAt };
}

function callOf(table: string, { destination, urgency, want }: Task): Call {
  if (want === undefined) return { kind: 'delete-route', table, destination };
  return { kind: urgency === 'create' ? 'create-route' : 'replace-route', table, destination, eni: want };
}

function send(work: Work, task: Task, state: TableSync): TableSync {
  const { scene, turn, ours, writes, edits, deleted } = work;
  const { destination, want, isEdit, attempts } = task;
  const { id } = scene.table;
  const call = callOf(id, task);
  if (scene.observeOnly) {
    if (state.would[destination] === (want ?? '')) return state;
    turn.log('info', 'call', `Would send (observing only) ${describeCall(call)}.`, {
      table: id,
      destination,
    });
    return { ...state, would: { ...state.would, [destination]: want ?? '' } };
  }
  const known = edits[destination];
  const count = known === undefined || turn.now - known.at > YIELD_MS ? 0 : known.count;
  if (isEdit && count >= MOST_EDITS) {
    yieldTo(work, destination, count);
    return state;
  }
  const sent = turn.call(call, { kind: 'sync', what: 'write', table: id, destination }, scene.reserve);
  if ('at' in sent) {
    wake(work, sent.at);
    return state;
  }
  if (isEdit) edits[destination] = { count: count + 1, at: turn.now };
  const again = attempts > 0 ? `, try ${attempts + 1}` : isEdit ? ', which somebody else has changed' : '';
  const text = `${describeCall(call)}${again}`;
  turn.log('info', 'call', `Sends ${text}.`, {
    table: id,
    destination,
    request: sent.request,
    call: call.kind,
  });
  writes[destination] = {
    state: 'sent',
    attempts: attempts + 1,
    sentAt: turn.now,
    notBefore: turn.now,
    mismatches: 0,
    judged: -1,
    ...(want === undefined ? {} : { eni: want }),
    ...(ours[destination] === undefined ? {} : { before: ours[destination] }),
  };
  if (want !== undefined) {
    ours[destination] = want;
    delete deleted[destination];
  }
  return { ...state, lastWrite: { at: turn.now, text } };
}

/** A route that is not there cannot be deleted: it is as good as done. */
const NOT_THERE = /^InvalidRoute\.NotFound$/;

/** The state after the outcome of a write. */
export function tableWriteEnded(
  state: TableSync,
  call: Call,
  destination: string,
  given: Outcome,
  turn: Turn,
): TableSync {
  const write = state.writes[destination];
  if (write?.state !== 'sent') return state;
  const isDone = call.kind === 'delete-route' && given.kind === 'rejected' && NOT_THERE.test(given.code);
  const outcome: Outcome = isDone ? { kind: 'ok', value: { kind: 'done' } } : given;
  const table = 'table' in call ? call.table : '';
  const { instead, ...step } = endedStep(write, call, outcome, { table, destination }, turn);
  let next: Write = { ...write, ...step };
  // The table is not as it was seen: it is looked at again before anything is written.
  if (instead !== undefined) next = { ...next, state: 'unknown' };
  // What EC2 has not found again and again is not new, but gone.
  const isGone =
    outcome.kind === 'rejected' && outcome.code.endsWith('.NotFound') && next.attempts >= ALARM_TRIES;
  if (next.state === 'failed' || isGone) next = { ...next, notBefore: turn.now + FAILED_MS };
  const ours: Record<string, string> = { ...state.ours };
  if (outcome.kind === 'rejected') {
    if (write.before === undefined) delete ours[destination];
    else ours[destination] = write.before;
  }
  const key = `trouble ${destination}`;
  const isTrouble = next.state === 'failed' || (next.state !== 'ok' && next.attempts >= ALARM_TRIES);
  const told = state.told.filter((one) => one !== key || next.state !== 'ok');
  if (isTrouble && !told.includes(key)) {
    told.push(key);
    const text = `${describeCall(call)} does not succeed (${next.error ?? 'no answer'}); it is tried again.`;
    turn.log('error', 'alarm', text, { table, destination });
  }
  const { passKey: _, ...others } = state;
  return { ...others, ours, told, writes: { ...state.writes, [destination]: next } };
}
