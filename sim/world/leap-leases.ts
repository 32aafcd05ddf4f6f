/**
 * Requests about leases in a leap: those that change no right to write. Each has its instants as its
 * connection to the store would give them, and the store itself answers it; the brain's own functions send
 * it and take the answer in. What the store is asked in vain, because the leap is to end before, is undone.
 */
import { present } from '../../controller/base/result.ts';
import { earliest, type Instant, type Millis } from '../../controller/base/time.ts';
import type { Effect } from '../../controller/event.ts';
import { fullAppliances } from '../../controller/failover/capacity.ts';
import {
  isTold,
  type Leases,
  leaseEnded,
  nextLeaseAt,
  pumpLeases,
  sameGate,
} from '../../controller/failover/leases.ts';
import type { Observed } from '../../controller/failover/observe.ts';
import { newTurn, type Resources, settle } from '../../controller/failover/turn.ts';
import { viewGroup } from '../../controller/failover/view.ts';
import type { LeaseOutcome } from '../../controller/lease/call.ts';
import { restorerOf } from '../dynamodb/service.ts';
import { leaseOutcome, leaseRequest } from './api-client.ts';
import { performOnTables, tablesLatencyMs } from './dynamodb.ts';
import type { Endpoint } from './endpoint.ts';
import { callerOf, type Daemon } from './node.ts';

/** What a daemon knows and has, as far as leases need it, and how long a segment takes to the store. */
export interface Position {
  readonly daemon: Daemon;
  readonly wayMs: Millis;
  readonly resources: Resources;
  readonly observed: Observed;
  readonly leases: Leases;
}

type LeaseEffect = Extract<Effect, { kind: 'lease-call' }>;

/** A request on its way; its outcome is there when the store has answered. */
export interface LeaseFlight {
  readonly daemon: Daemon;
  readonly effect: LeaseEffect;
  readonly sentAt: Instant;
  readonly answeredAt: Instant;
  readonly heardAt: Instant;
  outcome: LeaseOutcome | undefined;
}

/** The requests of a leap in the making. */
export interface Leasing {
  /** On their way. */
  readonly flights: LeaseFlight[];
  /** Who has sent them, once for each. */
  readonly asked: Endpoint[];
  /** Undoes what the store has done, the last first. */
  readonly undoes: (() => void)[];
}

export const noLeasing = (): Leasing => ({ flights: [], asked: [], undoes: [] });

/** Undoes what the store has done: the leap is another one, or none. */
export function undo({ undoes }: Leasing): void {
  for (const one of undoes.toReversed()) one();
  undoes.length = 0;
}

/** When a request is due, or a right ends. */
export const leaseDueAt = (daemon: Daemon, leases: Leases): Instant | undefined =>
  nextLeaseAt(leases, daemon.node.config);

/**
 * Sends what is due at `at`; undefined where that is not all that the daemon would do, or is not over at
 * `limit`.
 */
export function sendLeases<P extends Position>(
  { flights, asked }: Leasing,
  start: P,
  at: Instant,
  limit: Instant,
): P | undefined {
  const { daemon, wayMs, observed } = start;
  if (daemon.world.api.knobs.dynamodb !== 'up') return undefined;
  const { config, groups, orders, observeOnly, health } = daemon.node;
  const standings = config.groups.map((group) => ({
    group,
    state: present(groups[group.name], `the state of ${group.name}`),
    view: viewGroup(config, group, observed),
    full: fullAppliances(config, groups, observed, group.name),
  }));
  const turn = newTurn(start.resources, at, observeOnly);
  const scene = { config, orders, observeOnly, verdicts: health.verdicts, standings };
  const leases = pumpLeases(start.leases, scene, turn);
  const { resources, effects } = turn.finish();
  const calls = effects.flatMap((effect) => (effect.kind === 'lease-call' ? [effect] : []));
  if (calls.length === 0 || calls.length < effects.length) return undefined;
  // SYN, SYN-ACK, the request; the answer; and RST.
  const requestedAt = at + wayMs + wayMs + wayMs;
  const answeredAt = requestedAt + tablesLatencyMs(daemon.world.api);
  const heardAt = answeredAt + wayMs;
  if (heardAt + wayMs > limit || calls.some(({ timeoutMs }) => heardAt - at >= timeoutMs)) return undefined;
  for (const effect of calls) {
    flights.push({ daemon, effect, sentAt: at, answeredAt, heardAt, outcome: undefined });
    asked.push(daemon.endpoint);
  }
  return { ...start, resources, leases };
}

/** The store answers; the answer here undoes what it did. */
function askStore(flight: LeaseFlight): () => void {
  const { daemon, effect, answeredAt } = flight;
  const { api } = daemon.world;
  const table = present(daemon.options.config.leaseStore, 'a store of leases').table;
  const asked = leaseRequest(callerOf(daemon), effect.call, table);
  const restore = restorerOf(api.tables, asked);
  flight.outcome = leaseOutcome(performOnTables(api, asked, answeredAt));
  return restore;
}

/** The daemon hears the answer; undefined where that is a reason to look at anything else. */
function hearStore<P extends Position>(
  start: P,
  { daemon, effect, heardAt, outcome }: LeaseFlight,
): P | undefined {
  const { config } = daemon.node;
  const ended = settle(start.resources, effect.request);
  if (ended?.pending.purpose.kind !== 'lease' || outcome === undefined) return undefined;
  const { group } = ended.pending.purpose;
  const heard = { request: effect.request, outcome };
  const leases = leaseEnded(start.leases, config, group, heard, heardAt);
  if (!sameGate(config, start.leases, leases, group, heardAt)) return undefined;
  if (!config.groups.every((one) => one.name !== group || isTold(leases, one, heardAt))) return undefined;
  return { ...start, resources: ended.resources, leases };
}

/** The next thing that happens to a request. */
export const nextOf = ({ outcome, answeredAt, heardAt }: LeaseFlight): Instant =>
  outcome === undefined ? answeredAt : heardAt;

/** The request to which something happens first; of those of one instant the one that was sent first. */
export function firstFlight({ flights }: Leasing): LeaseFlight | undefined {
  let first: LeaseFlight | undefined;
  for (const flight of flights) if (first === undefined || nextOf(flight) < nextOf(first)) first = flight;
  return first;
}

/** Whether another request about the same lease is answered at the same instant, and one of them writes. */
const collides = (flight: LeaseFlight, flights: readonly LeaseFlight[]): boolean =>
  flights.some(
    (other) =>
      other !== flight &&
      other.answeredAt === flight.answeredAt &&
      other.effect.call.group === flight.effect.call.group &&
      (other.effect.call.kind !== 'read' || flight.effect.call.kind !== 'read'),
  );

/** A request goes on, among `positions`; false where it comes to more than a leap passes over. */
export function goOn<P extends Position>(
  { flights, undoes }: Leasing,
  flight: LeaseFlight,
  positions: Map<Daemon, P>,
): boolean {
  if (flight.outcome === undefined) {
    if (collides(flight, flights)) return false;
    undoes.push(askStore(flight));
    return true;
  }
  flights.splice(flights.indexOf(flight), 1);
  const position = positions.get(flight.daemon);
  const heard = position && hearStore(position, flight);
  if (heard !== undefined) positions.set(flight.daemon, heard);
  return heard !== undefined;
}

/** When a daemon next does something by itself, and whether that concerns leases: they come first. */
export function firstOf(
  looksAt: Instant | undefined,
  leaseAt: Instant | undefined,
): { readonly at: Instant; readonly isLease: boolean } | undefined {
  const at = earliest(looksAt, leaseAt);
  return at === undefined ? undefined : { at, isLease: at === leaseAt };
}
