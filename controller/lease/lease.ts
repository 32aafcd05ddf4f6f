/**
 * The lease of one group, as one daemon sees it: the right to write, not the ownership of traffic. A machine
 * of states, calls and outcomes; whoever drives it sends the calls and says how well its daemon is placed.
 *
 * - Clocks are never compared. A holder counts from when it *began* its last acknowledged write, others
 *   from when they *saw* the record change, which is later: it stops before anybody may begin.
 * - Only an acknowledged write counts. After an answer that did not come, the record is read: it tells
 *   whether the write was applied, and the next write, which is conditional, settles the rest.
 */
import { unreachable } from '../base/result.ts';
import { earliest, type Instant, type Millis } from '../base/time.ts';
import type { GroupLease } from '../config.ts';
import type { LeaseCall, LeaseOutcome, LeaseRecord, Wish } from './call.ts';

/** How well a daemon is placed to use a lease. */
export const FITNESS = {
  /** It could not move the group. */
  unable: 0,
  /** Every member is dead for it: it could move the group to its last resort only. */
  last: 0.5,
  /** It is on the owner: if that dies, it cannot act. */
  owner: 1,
  /** It could take over, and another is preferred. */
  spare: 2,
  /** It would take over. */
  heir: 3,
  /** An operator has asked it to. */
  ordered: 4,
} as const;

export interface Lease {
  /** The record as last seen, and since when it has been so. */
  readonly record?: LeaseRecord;
  readonly changedAt: Instant;
  /** What we know of the record is not what is there: it must be read before it is written. */
  readonly stale: boolean;
  /** Begin of the last acknowledged write that made or kept us the holder; absent while we are not. */
  readonly begunAt?: Instant;
  /** Since when we hold it without a gap, and whose lease we took because it had run out. */
  readonly heldSince?: Instant;
  readonly lapsedFrom?: string;
  readonly inFlight?: { readonly request: number; readonly call: LeaseCall; readonly sentAt: Instant };
  readonly nextAt: Instant;
  /** When the store last answered; at first, when the daemon began. */
  readonly answeredAt: Instant;
  /** Requests without an answer since then, and why the last had none. */
  readonly failures: number;
  readonly problem?: string;
  /** Whether people have been told that we hold it, and that the store cannot be reached. */
  readonly told: boolean;
  readonly alarmed: boolean;
}

/** A lease of which nothing is known yet. */
export const newLease = (now: Instant): Lease => ({
  changedAt: now,
  stale: true,
  nextAt: now,
  answeredAt: now,
  failures: 0,
  told: false,
  alarmed: false,
});

/** Renewed, or looked at, so many times in a term. */
const POLLS = 3;
/** Those that run out at about the same time are taken together, ms. */
const GRID_MS = 50;
const pollMs = ({ termMs }: GroupLease): Millis => termMs / POLLS;
/** A holder stops so long before others may begin: for calls that are on their way. */
const marginMs = ({ termMs }: GroupLease): Millis => termMs / 4;
/** A request to the store that is not answered within this has an unknown outcome. */
export const leaseTimeoutMs = ({ termMs }: GroupLease): Millis => termMs / 4;

/** Whether we hold it at `now`, for certain. */
export const holds = ({ begunAt }: Lease, config: GroupLease, now: Instant): boolean =>
  begunAt !== undefined && now < begunAt + config.termMs - marginMs(config);

/**
 * Whether the store has not answered for a whole term, although it was asked: a daemon that has not run for a
 * while cannot tell.
 */
export const isCutOff = ({ answeredAt, failures }: Lease, { termMs }: GroupLease, now: Instant): boolean =>
  failures > POLLS && now - answeredAt >= termMs;

/** When time alone changes what is to be told: our lease runs out, or the store counts as out of reach. */
export function tellsAt(lease: Lease, config: GroupLease): Instant | undefined {
  const { begunAt, told, answeredAt, failures, alarmed } = lease;
  const { termMs } = config;
  const endAt = told && begunAt !== undefined ? begunAt + termMs - marginMs(config) : undefined;
  const cutAt = !alarmed && failures > POLLS ? answeredAt + termMs : undefined;
  return earliest(endAt, cutAt);
}

/** The node of a run's id. */
export const nodeOf = (id: string): string => id.slice(0, id.lastIndexOf('/'));

export interface Place {
  /** Our run's id. */
  readonly id: string;
  /** One of `FITNESS`. */
  readonly fitness: number;
  /** A move is under way, during which the lease is not handed over. */
  readonly busy: boolean;
}

/** Whether the next call is due. */
export const isDue = ({ inFlight, nextAt }: Lease, now: Instant): boolean =>
  inFlight === undefined && now >= nextAt;

/** The next call. */
export function callOf(
  group: string,
  { changedAt, record, stale }: Lease,
  config: GroupLease,
  place: Place,
  now: Instant,
): LeaseCall {
  if (stale) return { kind: 'read', group };
  if (record === undefined)
    return place.fitness > FITNESS.unable ? claim(group, record, place) : { kind: 'read', group };
  if (record.holder === place.id) return keepOrRelease(group, record, place);
  return mayTake(changedAt, record, config, place, now)
    ? claim(group, record, place)
    : ask(group, record, place);
}

function claim(group: string, record: LeaseRecord | undefined, { id, fitness }: Place): LeaseCall {
  const token = (record?.token ?? 0) + 1;
  const beat = (record?.beat ?? 0) + 1;
  const next = { holder: id, token, beat, fitness };
  return { kind: 'write', group, expect: record === undefined ? 'absent' : versionOf(record), next };
}

const versionOf = ({ token, beat }: LeaseRecord) => ({ token, beat });

/** Gives up a lease that we hold; undefined where we do not. */
export const release = (group: string, { record }: Lease, id: string): LeaseCall | undefined =>
  record?.holder === id ? giveUp(group, record) : undefined;

const giveUp = (group: string, record: LeaseRecord): LeaseCall => ({
  kind: 'write',
  group,
  expect: versionOf(record),
  next: { token: record.token + 1, beat: record.beat + 1, fitness: FITNESS.unable },
});

/** A holder renews, or gives it up for somebody who is better placed: then all may take it. */
function keepOrRelease(group: string, record: LeaseRecord, { id, fitness, busy }: Place): LeaseCall {
  const { token, beat, wanted } = record;
  if (wanted !== undefined && wanted.fitness > fitness && !busy) return giveUp(group, record);
  const next = { holder: id, token, beat: beat + 1, fitness };
  return { kind: 'write', group, expect: versionOf(record), next };
}

/**
 * Whether another's lease has run out, or nobody has it. A daemon on the owner leaves a whole term to those
 * who are better placed, and one that believes all dead leaves two.
 */
function mayTake(
  changedAt: Instant,
  record: LeaseRecord,
  { termMs }: GroupLease,
  place: Place,
  now: Instant,
): boolean {
  if (place.fitness <= FITNESS.unable) return false;
  const lapses = record.holder === undefined ? 0 : termMs;
  const leaves = place.fitness <= FITNESS.last ? 2 * termMs : place.fitness <= FITNESS.owner ? termMs : 0;
  return now - changedAt >= lapses + leaves;
}

/** Looks on, or asks a holder that is placed worse. */
function ask(group: string, { token, holder, fitness, wanted }: LeaseRecord, place: Place): LeaseCall {
  // A member that is alive and owns the group keeps one that believes all dead from its last resort.
  const floor = fitness === FITNESS.last ? FITNESS.last : FITNESS.owner;
  const isBetter = holder !== undefined && place.fitness > Math.max(fitness, wanted?.fitness ?? floor);
  const wish: Wish = { by: place.id, fitness: place.fitness };
  return isBetter ? { kind: 'wish', group, token, wish } : { kind: 'read', group };
}

/** The lease after a call was sent. Whoever gives it up has given it up from here on. */
export function sent(
  lease: Lease,
  config: GroupLease,
  call: LeaseCall,
  request: number,
  now: Instant,
): Lease {
  const next = { ...lease, inFlight: { request, call, sentAt: now }, nextAt: now + pollMs(config) };
  const yields = call.kind === 'write' && call.next.holder === undefined;
  // Those that it was given up for come first.
  return yields ? { ...letGo(next), nextAt: now + 2 * pollMs(config) } : next;
}

/** The lease after the outcome of the call that is in flight; others are not ours to judge. */
export function answered(
  lease: Lease,
  request: number,
  outcome: LeaseOutcome,
  config: GroupLease,
  id: string,
  now: Instant,
): Lease {
  if (lease.inFlight?.request !== request) return lease;
  const { inFlight, problem: _, ...rest } = lease;
  const heard = { ...rest, answeredAt: now, failures: 0 };
  const failures = lease.failures + 1;
  const atOnce = { stale: true, nextAt: now };
  switch (outcome.kind) {
    case 'ok':
      return watched(seen(heard, inFlight, outcome.record, id, now), config, id, now);
    case 'rejected':
      return { ...heard, stale: true, ...(lease.begunAt !== undefined && atOnce) };
    // A look follows at once; one that has no answer either waits for its time.
    case 'unknown':
      return {
        ...rest,
        stale: true,
        failures,
        problem: outcome.reason,
        ...(inFlight.call.kind !== 'read' && atOnce),
      };
    case 'refused':
      return { ...rest, failures, problem: outcome.reason };
    default:
      return unreachable(outcome);
  }
}

/** The same, looked at again as soon as another's lease has run out. */
function watched(lease: Lease, { termMs }: GroupLease, id: string, now: Instant): Lease {
  const { record, changedAt, nextAt } = lease;
  const lapsesAt = Math.ceil((changedAt + termMs) / GRID_MS) * GRID_MS;
  const isOther = record?.holder !== undefined && record.holder !== id;
  return isOther && lapsesAt > now ? { ...lease, nextAt: Math.min(nextAt, lapsesAt) } : lease;
}

/** Takes in the record as the store has it. */
function seen(
  lease: Lease,
  { call, sentAt }: NonNullable<Lease['inFlight']>,
  record: LeaseRecord | undefined,
  id: string,
  now: Instant,
): Lease {
  const { record: before } = lease;
  const same = before !== undefined && record?.token === before.token && record.beat === before.beat;
  const next: Lease = {
    ...withoutRecord(lease),
    stale: false,
    changedAt: same ? lease.changedAt : now,
    ...(record && { record }),
  };
  if (record?.holder !== id) return letGo(next);
  if (call.kind !== 'write') return next;
  if (lease.begunAt !== undefined && before?.token === record.token) return { ...next, begunAt: sentAt };
  const lapsed =
    before?.holder !== undefined && before.holder !== id ? { lapsedFrom: nodeOf(before.holder) } : {};
  return { ...letGo(next), begunAt: sentAt, heldSince: now, ...lapsed };
}

function withoutRecord(lease: Lease): Omit<Lease, 'record'> {
  const { record: _, ...rest } = lease;
  return rest;
}

function letGo(lease: Lease): Lease {
  const { begunAt: _begunAt, heldSince: _heldSince, lapsedFrom: _lapsedFrom, ...rest } = lease;
  return rest;
}
