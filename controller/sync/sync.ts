/**
 * Route sync: best paths of the neighbors become routes of route tables, with the ENI that owns the next hop
 * as target, as Amazon VPC Route Server does it. What is wanted (`wanted.ts`) is compared with what was seen,
 * by a plan for each table (`plan.ts`) and a pass over it (`table.ts`). Routes that byoa did not make are
 * never touched unless the configuration says so.
 */
import { newSweep, settled } from '../base/sweep.ts';
import { earliest, type Instant, type Millis } from '../base/time.ts';
import type { RouteChange, SessionChange } from '../bgp/event.ts';
import type { Config, SyncConfig } from '../config.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import type { Memory } from '../event.ts';
import { type Observed, want } from '../failover/observe.ts';
import type { Purpose, Turn } from '../failover/turn.ts';
import { type Hops, lookedUp, lookUp, need, noHops } from './hops.ts';
import { isAdopted, isNamed, type Place, placesOf } from './places.ts';
import { PACE_MS, PORTIONS, replan } from './planning.ts';
import { advanceTable, newTable, type TableSync, tableWriteEnded } from './table.ts';
import { tellLeft } from './tell.ts';
import { applyChanges, expire, leavesLost, nothingWanted, type Wanted } from './wanted.ts';

/** What is wanted by one entry of the configuration. */
interface Scope {
  readonly wanted: Wanted;
  /** Counts changes of any prefix's way. */
  readonly version: number;
}

interface Subnets {
  readonly cidrs?: readonly string[];
  readonly inFlight?: true;
  readonly nextAt: Instant;
}

export interface Sync {
  /** In the order of the configuration. */
  readonly scopes: readonly Scope[];
  /** Changes that wait for their turn. */
  readonly inbox: readonly RouteChange[];
  /** When changes were taken in last. */
  readonly takenAt?: Instant;
  readonly hops: Hops;
  /** By VPC. */
  readonly subnets: Readonly<Record<string, Subnets>>;
  readonly tables: Readonly<Record<string, TableSync>>;
  /** Neighbors whose session is up, and those that have lost it. */
  readonly established: readonly string[];
  readonly lost: readonly string[];
  /** Since when there is no session at all. */
  readonly aloneSince?: Instant;
  /** Nothing is written before: neighbors get time to say all after a start. */
  readonly quietUntil: Instant;
  /** Nothing is deleted before. */
  readonly sweepAt: Instant;
  /** Prefixes have left a neighbor that is lost: the next plan does not wait. */
  readonly isUrgent: boolean;
}

/** Changes that one step takes in: about 1 ms. */
const PORTION = 400;
/** How long after a start the first write waits at most, and how long once all neighbors are there. */
const QUIET_MS: Millis = 15_000;
const ALL_THERE_MS: Millis = 2_000;
const SUBNETS_MS: Millis = 60_000;
/** The part of the API budget that is left to failover, where there are groups. */
const RESERVE = 0.2;

const emptyScope: Scope = { wanted: nothingWanted, version: 0 };

const newScopes = ({ routeSync }: Config): readonly Scope[] => routeSync.map(() => emptyScope);

/** Nothing is known but what an earlier run has made. */
export const newSync = (config: Config, now: Instant, memory?: Memory): Sync => ({
  scopes: newScopes(config),
  inbox: [],
  hops: noHops,
  subnets: {},
  tables: Object.fromEntries(Object.entries(memory?.routes ?? {}).map(([id, ours]) => [id, newTable(ours)])),
  established: [],
  lost: [],
  aloneSince: now,
  quietUntil: now + QUIET_MS,
  sweepAt: newSweep(now),
  isUrgent: false,
});

/** What the next run has to know: which routes are ours. */
export function syncMemory({ tables }: Sync): Pick<Memory, 'routes'> {
  const entries = Object.entries(tables).filter(([, { ours }]) => Object.keys(ours).length > 0);
  return entries.length === 0
    ? {}
    : { routes: Object.fromEntries(entries.map(([id, { ours }]) => [id, ours])) };
}

/** Takes note of changed best paths. */
export const routesChanged = (sync: Sync, changes: readonly RouteChange[]): Sync =>
  sync.scopes.length === 0 ? sync : { ...sync, inbox: [...sync.inbox, ...changes] };

/** A session came or went; `all`: every neighbor is there now. */
export function sessionChanged(
  sync: Sync,
  { peer, address, state }: SessionChange,
  all: boolean,
  now: Instant,
): Sync {
  if (sync.scopes.length === 0) return sync;
  const established = sync.established.filter((one) => one !== peer);
  const lost = sync.lost.filter((one) => one !== peer);
  if (state === 'down') {
    const aloneSince = established.length === 0 ? (sync.aloneSince ?? now) : undefined;
    const { aloneSince: _, ...rest } = sync;
    return {
      ...rest,
      established,
      lost: [...lost, peer],
      ...(aloneSince === undefined ? {} : { aloneSince }),
    };
  }
  const { aloneSince, ...rest } = sync;
  const sweepAt = aloneSince === undefined ? sync.sweepAt : Math.max(sync.sweepAt, newSweep(now));
  return {
    ...rest,
    hops: need(sync.hops, [address]),
    established: [...established, peer],
    lost,
    sweepAt: all ? settled(sweepAt, now) : sweepAt,
    quietUntil: all ? Math.min(sync.quietUntil, now + ALL_THERE_MS) : sync.quietUntil,
  };
}

/** Takes a new configuration; where it wants other routes, the speaker has to tell all of them again. */
export function syncConfigured(
  sync: Sync,
  from: Config,
  to: Config,
  now: Instant,
): { readonly sync: Sync; readonly retell: boolean } {
  if (JSON.stringify(from.routeSync) === JSON.stringify(to.routeSync)) return { sync, retell: false };
  const tables = Object.entries(sync.tables).map(
    ([id, { plan: _, basis: __, passKey: ___, job: ____, ...rest }]) => [id, rest],
  );
  return {
    sync: {
      ...sync,
      scopes: newScopes(to),
      inbox: [],
      tables: Object.fromEntries(tables),
      // Nothing is deleted before all is told.
      sweepAt: Math.max(sync.sweepAt, settled(newSweep(now), now)),
    },
    retell: true,
  };
}

/** Takes in the outcome of one of our calls. */
export function syncEnded(
  sync: Sync,
  purpose: Extract<Purpose, { kind: 'sync' }>,
  call: Call | undefined,
  outcome: Outcome,
  turn: Turn,
): Sync {
  if (purpose.what === 'hops') return { ...sync, hops: lookedUp(sync.hops, purpose, outcome, turn) };
  if (purpose.what === 'subnets') {
    const { cidrs: known } = sync.subnets[purpose.vpc] ?? {};
    const isAnswer = outcome.kind === 'ok' && outcome.value.kind === 'subnets';
    const cidrs =
      isAnswer && outcome.value.kind === 'subnets'
        ? outcome.value.subnets.flatMap((one) => one.cidrs)
        : known;
    const nextAt = turn.now + (isAnswer ? SUBNETS_MS : 1000);
    return {
      ...sync,
      subnets: { ...sync.subnets, [purpose.vpc]: { nextAt, ...(cidrs === undefined ? {} : { cidrs }) } },
    };
  }
  const state = sync.tables[purpose.table];
  if (state === undefined || call === undefined) return sync;
  const next = tableWriteEnded(state, call, purpose.destination, outcome, turn);
  return { ...sync, tables: { ...sync.tables, [purpose.table]: next } };
}

export interface Pumped {
  readonly sync: Sync;
  readonly observed: Observed;
  readonly wakeAt?: Instant;
}

/** Does what is due: takes in changes, looks next hops up, plans, and writes. */
export function pumpSync(
  start: Sync,
  config: Config,
  seen: Observed,
  observeOnly: boolean,
  turn: Turn,
): Pumped {
  const kept = tellUnnamed(start, config, seen, turn);
  if (config.routeSync.length === 0) return { sync: kept, observed: seen };
  let { sync, wakeAt, isMore } = takeIn(kept, config, turn.now);
  let observed = seen;
  const places = placesOf(config, observed);
  const looked = lookUp(
    sync.hops,
    config,
    observed,
    [...new Set(places.map(({ table }) => table.vpc))],
    turn,
  );
  sync = { ...sync, hops: looked.hops };
  wakeAt = earliest(wakeAt, looked.wakeAt);
  const tables: Record<string, TableSync> = { ...sync.tables };
  let left = isMore ? 0 : PORTIONS;
  for (const place of places) {
    const { table, scope, entry } = place;
    const before = tables[table.id] ?? newTable();
    const state = withoutOldEdits(before, turn.now);
    const { wanted, version } = sync.scopes[scope] ?? emptyScope;
    const made = replan(
      {
        ...{ config, observed, place, state, wanted, version, left },
        ...{ hops: sync.hops, lost: sync.lost, isUrgent: sync.isUrgent },
        cidrs: sync.subnets[table.vpc]?.cidrs,
      },
      turn,
    );
    left = made.left;
    if (made.state.plan?.isInside === true)
      sync = { ...sync, subnets: askSubnets(sync.subnets, table.vpc, turn) };
    wakeAt = earliest(wakeAt, made.wakeAt);
    const passed = pass({ sync, config, place, state: made.state, observeOnly }, turn);
    tables[table.id] = passed.state;
    if (passed.state.basis === undefined) wakeAt = turn.now;
    wakeAt = earliest(wakeAt, passed.state.wakeAt);
    if (passed.look !== undefined)
      observed = want(observed, [place.source], passed.look.after, passed.look.at);
    if (!mayDelete(sync, entry, turn.now)) wakeAt = earliest(wakeAt, deleteAt(sync, entry));
  }
  if (turn.now < sync.quietUntil) wakeAt = earliest(wakeAt, sync.quietUntil);
  const isUrgent = sync.isUrgent && wakeAt !== undefined && wakeAt <= turn.now;
  return { sync: { ...sync, tables, isUrgent }, observed, ...(wakeAt === undefined ? {} : { wakeAt }) };
}

/** Tells people of routes that byoa has made where nothing is named any more. */
function tellUnnamed(sync: Sync, config: Config, observed: Observed, turn: Turn): Sync {
  const changed = Object.entries(sync.tables).flatMap(([id, state]): [string, TableSync][] => {
    const isLeft = !isNamed(config, observed, id) && Object.keys(state.ours).length > 0;
    if (isLeft === state.told.includes('left')) return [];
    const told = isLeft
      ? tellLeft(id, state.ours, state.told, turn)
      : state.told.filter((one) => one !== 'left');
    return [[id, { ...state, told }]];
  });
  return changed.length === 0
    ? sync
    : { ...sync, tables: { ...sync.tables, ...Object.fromEntries(changed) } };
}

interface Taken {
  readonly sync: Sync;
  readonly wakeAt: Instant | undefined;
  /** There are more changes to take in at once. */
  readonly isMore: boolean;
}

/** Takes changes from the inbox, some at a time, and gives up what was withdrawn long ago. */
function takeIn(start: Sync, config: Config, now: Instant): Taken {
  const isDue = start.inbox.length > 0 && inboxAt(start, config) <= now;
  const changes = isDue ? start.inbox.slice(0, PORTION) : [];
  const inbox = isDue ? start.inbox.slice(PORTION) : start.inbox;
  const isMore = isDue && inbox.length > 0;
  let isUrgent = start.isUrgent;
  let wakeAt: Instant | undefined = inbox.length === 0 ? undefined : isMore ? now : inboxAt(start, config);
  const scopes = config.routeSync.map((entry, index): Scope => {
    const scope = start.scopes[index] ?? emptyScope;
    const applied = applyChanges(scope.wanted, changes, entry, start.lost, now);
    const expired = mayDelete(start, entry, now) ? expire(applied.wanted, entry.holdMs, now) : applied;
    isUrgent ||= applied.urgent;
    if (mayDelete(start, entry, now)) wakeAt = earliest(wakeAt, expired.wanted.nextGoneAt);
    const changed = applied.changed || expired.changed;
    return changed || expired.wanted !== scope.wanted
      ? { wanted: expired.wanted, version: scope.version + (changed ? 1 : 0) }
      : scope;
  });
  if (!isDue) return { sync: { ...start, scopes }, wakeAt, isMore };
  const hops = need(
    start.hops,
    changes.flatMap(({ nextHops }) => nextHops.map(({ address }) => address)),
  );
  // What is left of a portion is due at once.
  const { takenAt: _, ...rest } = start;
  const sync = { ...rest, scopes, inbox, hops, isUrgent, ...(isMore ? {} : { takenAt: now }) };
  return { sync, wakeAt, isMore };
}

/** When changes are taken in: they are gathered, but for those of prefixes that leave a lost neighbor. */
function inboxAt({ inbox, scopes, lost, takenAt }: Sync, { routeSync }: Config): Instant {
  const isUrgent =
    lost.length > 0 &&
    routeSync.some((entry, index) =>
      inbox.some((change) => leavesLost(scopes[index]?.wanted ?? nothingWanted, change, entry, lost)),
    );
  return isUrgent ? 0 : (takenAt ?? Number.NEGATIVE_INFINITY) + PACE_MS;
}

/** Whether routes may be deleted: neighbors had time to say all, and some are there, or none for long. */
function mayDelete(sync: Sync, entry: SyncConfig, now: Instant): boolean {
  const at = deleteAt(sync, entry);
  return at !== undefined && at <= now;
}

function deleteAt({ sweepAt, aloneSince }: Sync, { persistMs }: SyncConfig): Instant | undefined {
  if (aloneSince === undefined) return sweepAt;
  return persistMs === undefined ? undefined : Math.max(sweepAt, aloneSince + persistMs);
}

/** What was left to others long enough is ours again. */
function withoutOldEdits(state: TableSync, now: Instant): TableSync {
  const old = Object.entries(state.edits).filter(([, { yieldedUntil }]) => (yieldedUntil ?? Infinity) <= now);
  if (old.length === 0) return state;
  const edits = Object.fromEntries(Object.entries(state.edits).filter((one) => !old.includes(one)));
  return { ...state, edits };
}

/** Asks for the subnets of a VPC that a wanted prefix lies within. */
function askSubnets(subnets: Sync['subnets'], vpc: string, turn: Turn): Sync['subnets'] {
  const known = subnets[vpc];
  if (known?.inFlight || (known !== undefined && known.nextAt > turn.now)) return subnets;
  const sent = turn.call({ kind: 'describe-subnets', vpc }, { kind: 'sync', what: 'subnets', vpc });
  return 'at' in sent ? subnets : { ...subnets, [vpc]: { ...known, nextAt: turn.now, inFlight: true } };
}

interface Passing {
  readonly sync: Sync;
  readonly config: Config;
  readonly place: Place;
  readonly state: TableSync;
  readonly observeOnly: boolean;
}

/** One pass over a table, unless nothing has changed since the last one. */
function pass(
  { sync, config, place, state, observeOnly }: Passing,
  turn: Turn,
): ReturnType<typeof advanceTable> {
  const { table, seen, entry } = place;
  const { plan: made, basis, job } = state;
  // A plan for an older look does not know whose the routes are.
  if (made === undefined || job !== undefined || basis?.request !== seen.request) return { state };
  const mayWrite = turn.now >= sync.quietUntil;
  const deletes = mayDelete(sync, entry, turn.now) && !made.isPending;
  const isFresh = turn.now - seen.at <= config.observe.staleAfterMs;
  const passKey = `${seen.request} ${mayWrite} ${deletes} ${isFresh}`;
  if (state.passKey === passKey && (state.wakeAt === undefined || state.wakeAt > turn.now)) return { state };
  const result = advanceTable(
    state,
    {
      table,
      seen: seen.request,
      plan: made,
      mayAdopt: (destination) =>
        entry.adopt.length > 0 && !place.moved.includes(destination) && isAdopted(entry, table, destination),
      mayWrite,
      mayDelete: deletes,
      isFresh,
      observeOnly,
      reserve: config.groups.length > 0 ? RESERVE : 0,
    },
    turn,
  );
  return { ...result, state: { ...result.state, passKey } };
}
