/**
 * The whole brain of a daemon: health and failover behind one seam. Total, deterministic, without I/O: the
 * same events at the same instants give the same effects, which is how a journal is replayed and how the
 * simulator drives it.
 */
import { prng } from './base/prng.ts';
import { unreachable } from './base/result.ts';
import { earliest, type Instant } from './base/time.ts';
import { command } from './commands.ts';
import { type Config, ownAppliance, probesOfNode } from './config.ts';
import type { Outcome } from './ec2/call.ts';
import { isThrottling } from './ec2/failure.ts';
import type { Effect, Event, Memory, Orders } from './event.ts';
import { carriersOf, successorsOf } from './failover/carriers.ts';
import { writeEnded } from './failover/cycle.ts';
import { type Silences, tellResult, tellVerdicts } from './failover/evidence.ts';
import { fenceLooked } from './failover/fence.ts';
import { type GroupState, newGroup, remembered, restored } from './failover/group.ts';
import { cycleGroups, groupsConfigured, groupsStopped, groupsText, tellHook } from './failover/groups.ts';
import {
  type Leases,
  leaseEnded,
  leasesConfigured,
  newLeases,
  nextLeaseAt,
  pumpLeases,
  releaseAll,
  sameGate,
} from './failover/leases.ts';
import {
  nextObservationAt,
  nothingObserved,
  type Observed,
  sendObservations,
  take,
} from './failover/observe.ts';
import { expired, nextExpiryAt, noOrders, ordersMemory, withHeard } from './failover/orders.ts';
import { guestEnded, passed } from './failover/ownership.ts';
import { newReadiness, nextReadinessAt, pumpReadiness, type Readiness, tried } from './failover/readiness.ts';
import { askEc2, reported } from './failover/reports.ts';
import { isStatus, resourcesOf } from './failover/sources.ts';
import { newTurn, type Resources, settle, type Turn } from './failover/turn.ts';
import { type GroupView, viewGroup } from './failover/view.ts';
import { claimsHeard, wordOf } from './failover/word.ts';
import {
  converged,
  type Fib,
  kernelEnded,
  newFib,
  newRefusals,
  nextFibAt,
  pump,
  removeAll,
  routesChanged,
} from './fib/fib.ts';
import {
  type Health,
  hasten,
  newHealth,
  nextProbeAt,
  receive,
  reconfigure,
  refresh,
  sendDue,
  setCarriers,
} from './health/health.ts';
import {
  allEstablished,
  bfdChanged,
  leave,
  nextSessionsAt,
  noSessions,
  openSessions,
  reopenSessions,
  type Sessions,
  sessionChanged,
  settleSessions,
} from './routing/sessions.ts';
import { nextStandInAt, standIn } from './routing/stand-in.ts';
import {
  newSync,
  pumpSync,
  type Sync,
  syncConfigured,
  syncEnded,
  syncMemory,
  routesChanged as syncRoutes,
  sessionChanged as syncSession,
} from './sync/sync.ts';
import { syncTrials } from './sync/trials.ts';

export interface Node {
  readonly config: Config;
  readonly observeOnly: boolean;
  readonly version: string;
  readonly startedAt: Instant;
  readonly phase: 'new' | 'running' | 'stopped';
  readonly health: Health;
  readonly observed: Observed;
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly resources: Resources;
  readonly sessions: Sessions;
  readonly fib: Fib;
  readonly sync: Sync;
  readonly leases: Leases;
  readonly orders: Orders;
  readonly readiness: Readiness;
  /** Unix time less instants, ms. */
  readonly wallOffsetMs: number;
  /** When time alone changes something beside probes and observations. */
  readonly wakeAt?: Instant;
  /** What was last said of the own appliance. */
  readonly word?: string;
  /** Why probes said nothing, as last logged. */
  readonly silences: Silences;
  /** Whether EC2 has been seen once. */
  readonly ready: boolean;
}

export interface NodeOptions {
  readonly config: Config;
  /** Decide and log, and never write. */
  readonly observeOnly?: boolean;
  readonly seed?: number | string;
  readonly version?: string;
}

/** A node that has done nothing yet; its first event is `start`. */
export function createNode(
  { config, observeOnly = false, seed = 0, version = '0' }: NodeOptions,
  now: Instant,
): Node {
  return {
    config,
    observeOnly,
    version,
    startedAt: now,
    phase: 'new',
    health: newHealth(config, now),
    observed: nothingObserved,
    groups: Object.fromEntries(config.groups.map(({ name }) => [name, newGroup(now)])),
    resources: { prng: prng(seed, config.node), lastRequest: 0, pending: {}, budget: {} },
    sessions: noSessions,
    fib: newFib(now),
    sync: newSync(config, now),
    leases: newLeases(config, seed, now),
    orders: noOrders,
    readiness: newReadiness(config, seed, now),
    wallOffsetMs: 0,
    silences: {},
    ready: false,
  };
}

/** The node after an event, and what it does: EC2 calls first. Events after the end change nothing. */
export function step(
  start: Node,
  event: Event,
  now: Instant,
): { readonly node: Node; readonly effects: readonly Effect[] } {
  if (start.phase === 'stopped' || (start.phase === 'new' && event.kind !== 'start'))
    return { node: start, effects: [] };
  const ended = 'request' in event ? settle(start.resources, event.request) : undefined;
  const turn = newTurn(ended?.resources ?? start.resources, now, start.observeOnly);
  const handled = handle(start, event, ended?.pending, turn);
  const purpose = ended?.pending.purpose;
  const isQuiet =
    event.kind === 'lease-outcome' &&
    (purpose?.kind !== 'lease' ||
      sameGate(start.config, start.leases, handled.leases, purpose.group, turn.now));
  const node = handled.phase === 'stopped' || isQuiet ? handled : cycle(handled, start.health, turn);
  const { resources, effects } = turn.finish();
  return { node: { ...node, resources }, effects };
}

/** When the node wants a `deadline` event, if nothing else happens before. */
export function nextDeadline(node: Node): Instant | undefined {
  if (node.phase !== 'running') return undefined;
  const { config, health, observed, wakeAt, leases } = node;
  const looksAt = earliest(nextProbeAt(health, config), nextObservationAt(observed, config));
  return earliest(wakeAt, earliest(looksAt, nextLeaseAt(leases, config)));
}

/** What the next run of this daemon has to know. */
export const recall = ({ groups, sync, orders }: Node): Memory => ({
  groups: remembered(groups),
  ...syncMemory(sync),
  ...ordersMemory(orders),
});

type Pending = Resources['pending'][number];

function handle(node: Node, event: Event, pending: Pending | undefined, turn: Turn): Node {
  switch (event.kind) {
    case 'start':
      return node.phase === 'new' ? start(node, event, turn) : node;
    case 'surroundings':
      return { ...node, readiness: { ...node.readiness, surroundings: event.problems } };
    case 'wall':
      return { ...node, wallOffsetMs: event.offsetMs };
    case 'deadline':
      return node;
    case 'probe-result':
      return probeResult(node, event, turn);
    case 'ec2-outcome':
      return pending === undefined ? node : ec2Outcome(node, event.request, event.outcome, pending, turn);
    case 'lease-outcome': {
      if (pending?.purpose.kind !== 'lease') return node;
      const { group } = pending.purpose;
      return { ...node, leases: leaseEnded(node.leases, node.config, group, event, turn.now) };
    }
    case 'guest-outcome': {
      if (pending?.purpose.kind !== 'guest') return node;
      const { group, what } = pending.purpose;
      return updateGroup(node, group, (state, config) =>
        guestEnded(config, state, what, event.failure, turn),
      );
    }
    case 'hook-outcome': {
      if (pending?.purpose.kind !== 'hook') return node;
      tellHook(pending.purpose, pending.sentAt, event.failure, turn);
      return node;
    }
    case 'bfd-state':
      return { ...node, ...bfdChanged(node, node.config, event.change, turn) };
    case 'bgp-session': {
      const { sessions, health } = sessionChanged(node, node.config, event.change, turn);
      const all = allEstablished(sessions, node.config);
      const fib = all ? converged(node.fib, turn.now) : node.fib;
      return { ...node, sessions, health, fib, sync: syncSession(node.sync, event.change, all, turn.now) };
    }
    case 'bgp-routes': {
      const fib = routesChanged(node.fib, node.config, event);
      return { ...node, fib, sync: syncRoutes(node.sync, event.changes) };
    }
    case 'kernel-outcome':
      if (event.failure !== undefined)
        turn.log('error', 'kernel', `Kernel routes could not be changed: ${event.failure}.`);
      for (const sentence of newRefusals(node.fib, event))
        turn.log('error', 'alarm', `The kernel refused one route, and took all others: ${sentence}.`);
      return { ...node, fib: kernelEnded(node.fib, event, turn.now) };
    case 'command':
      return { ...node, ...command(node, event.id, event.command, turn) };
    case 'configured':
      return configured(node, event.config, turn);
    case 'stop':
      return stop(node, turn);
    default:
      return unreachable(event);
  }
}

function start(node: Node, event: Extract<Event, { kind: 'start' }>, turn: Turn): Node {
  const { memory, wallOffsetMs = 0 } = event;
  const self = ownAppliance(node.config)?.name;
  const role = self === undefined ? 'an observer' : `the daemon of appliance ${self}`;
  const how = node.observeOnly ? ', and only observes' : '';
  turn.log('info', 'start', `Node ${node.config.node} is ${role}, with ${groupsText(node.config)}${how}.`, {
    node: node.config.node,
  });
  openSessions(node.config, turn);
  return {
    ...node,
    phase: 'running',
    startedAt: turn.now,
    fib: newFib(turn.now),
    sync: newSync(node.config, turn.now, memory),
    groups: restored(node.groups, memory, self, turn.now),
    orders: memory?.orders ?? noOrders,
    wallOffsetMs,
  };
}

function updateGroup(
  node: Node,
  name: string,
  change: (state: GroupState, group: Config['groups'][number]) => GroupState,
): Node {
  const group = node.config.groups.find((one) => one.name === name);
  const state = node.groups[name];
  if (group === undefined || state === undefined) return node;
  const changed = change(state, group);
  return changed === state ? node : { ...node, groups: { ...node.groups, [name]: changed } };
}

function probeResult(node: Node, event: Extract<Event, { kind: 'probe-result' }>, turn: Turn): Node {
  const { config } = node;
  const before = node.health.probes[event.probe];
  const health = receive(node.health, config, event, turn.now);
  const after = health.probes[event.probe];
  const probe = probesOfNode(config).find(({ id }) => id === event.probe);
  if (probe === undefined || before === after || before?.sentAt === undefined || after === undefined)
    return node;
  const silences = tellResult({ probe, result: event.result, before, after }, node.silences, turn);
  if (event.result.kind !== 'up') return { ...node, health, silences };
  const { sentAt } = before;
  return config.groups.reduce(
    (next, { name }) =>
      updateGroup(next, name, (state, group) => passed({ group, config }, state, event.probe, sentAt, turn)),
    { ...node, health, silences },
  );
}

function ec2Outcome(
  node: Node,
  request: number,
  outcome: Outcome,
  { purpose, sentAt, call }: Pending,
  turn: Turn,
): Node {
  if (call !== undefined && outcome.kind === 'rejected' && isThrottling(outcome.code)) turn.throttled(call);
  if (purpose.kind === 'observe') {
    const observed = take(node.observed, purpose.source, request, sentAt, outcome, turn);
    if (!isStatus(purpose.source)) return { ...node, observed };
    return { ...node, observed, health: reported(node.health, node.config, observed) };
  }
  if (purpose.kind === 'sync') return { ...node, sync: syncEnded(node.sync, purpose, call, outcome, turn) };
  if (purpose.kind === 'readiness')
    return { ...node, readiness: tried(node.readiness, purpose.trial, outcome) };
  if (purpose.kind === 'fence') {
    return updateGroup(node, purpose.group, (state) =>
      state.operation === undefined
        ? state
        : { ...state, operation: fenceLooked(state.operation, request, outcome, turn) },
    );
  }
  if ((purpose.kind !== 'move' && purpose.kind !== 'prepare') || call === undefined) return node;
  return updateGroup(node, purpose.group, (state) =>
    writeEnded(purpose, purpose.group, state, { step: purpose.step, call, sentAt }, outcome, turn),
  );
}

function viewOf({ config, observed }: Node, name: string): GroupView | undefined {
  const group = config.groups.find((one) => one.name === name);
  return group === undefined ? undefined : viewGroup(config, group, observed);
}

function configured(node: Node, config: Config, turn: Turn): Node {
  const groups = groupsConfigured(node.groups, node.config, config, turn);
  turn.log('info', 'config', `Runs a new configuration, with ${groupsText(config)}.`);
  const health = reconfigure(node.health, node.config, config, turn.now);
  reopenSessions(node.config, config, turn);
  // A look that was taken for other resources says nothing of these.
  const observed = resourcesOf(config) === resourcesOf(node.config) ? node.observed : nothingObserved;
  const { sync, retell } = syncConfigured(node.sync, node.config, config, turn.now);
  if (retell) turn.emit({ kind: 'bgp', input: { kind: 'retell' } });
  const leases = leasesConfigured(node.leases, config, turn.now);
  return { ...node, config, health, observed, sync, groups, leases };
}

function stop(node: Node, turn: Turn): Node {
  groupsStopped(node.groups, turn);
  leave(node.sessions, node.config, turn);
  removeAll(node.fib, node.config, (change) => turn.kernel(change));
  releaseAll(node.leases, node.config, turn);
  turn.log('info', 'stop', 'Leaves.');
  turn.emit({ kind: 'stopped' });
  return { ...node, phase: 'stopped' };
}

/**
 * What follows from whatever happened: verdicts, one cycle of each group, then observations and probes that
 * are due.
 */
function cycle(start: Node, before: Health, turn: Turn): Node {
  const { config } = start;
  const judged = refresh(start.health, config, turn.now);
  tellVerdicts(before, judged, config, turn);
  const hurried = hasten(judged, config, successorsOf(start, before, judged), turn.now);
  const asked = askEc2(start.observed, config, judged, turn.now);
  const orders = expired(start.orders, turn);
  const heard = withHeard(orders, config, judged.probes, turn.now);
  const claims = claimsHeard(config, judged.probes, turn.now);
  const setting = { orders: heard, claims, startedAt: start.startedAt, wallOffsetMs: start.wallOffsetMs };
  const { groups, standings, ...cycled } = cycleGroups(start, { ...judged, observed: asked, setting }, turn);
  let { observed, wakeAt } = cycled;
  const placed = {
    config,
    orders: heard,
    observeOnly: start.observeOnly,
    verdicts: judged.verdicts,
    standings,
  };
  const leases = pumpLeases(start.leases, placed, turn);
  const carried = setCarriers(
    hurried,
    config,
    carriersOf(config, groups, observed) ?? hurried.carriers ?? [],
    turn.now,
  );
  const { health, due } = sendDue(carried, config, turn.now);
  for (const spec of due) {
    turn.emit({ kind: 'probe', probe: spec.id, round: health.probes[spec.id]?.round ?? 0, spec });
  }
  const synced = pumpSync(start.sync, config, observed, start.observeOnly, turn);
  wakeAt = earliest(earliest(wakeAt, nextExpiryAt(orders)), synced.wakeAt);
  const ready = {
    config,
    observed: synced.observed,
    verdicts: judged.verdicts,
    leases,
    others: () => syncTrials(config, synced.observed),
  };
  const readiness = start.observeOnly ? start.readiness : pumpReadiness(start.readiness, ready, turn);
  wakeAt = earliest(wakeAt, start.observeOnly ? undefined : nextReadinessAt(readiness));
  observed = sendObservations(synced.observed, config, turn);
  const settled = settleSessions(start.sessions, health, config, orders, turn);
  const sessions = start.observeOnly ? settled : standIn(settled, health, config, turn);
  const fib = start.observeOnly
    ? start.fib
    : pump(start.fib, config, turn.now, (change) => turn.kernel(change));
  if (config.kernel !== undefined) wakeAt = earliest(wakeAt, nextFibAt(fib, turn.now));
  wakeAt = earliest(earliest(wakeAt, nextSessionsAt(sessions, config)), nextStandInAt(sessions, health));
  const { wakeAt: _, ...rest } = start;
  const node: Node = {
    ...rest,
    health,
    observed,
    groups,
    sessions,
    fib,
    sync: synced.sync,
    leases,
    orders,
    readiness,
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
  return tellReady(tellWord(node, turn), turn);
}

function tellWord(node: Node, turn: Turn): Node {
  const said = wordOf(node.config, node.health, node.orders, node.groups, node.sessions);
  if (said === undefined || node.word === said.key) return node;
  turn.emit({ kind: 'own-word', ...said.word });
  return { ...node, word: said.key };
}

function tellReady(node: Node, turn: Turn): Node {
  if (node.ready || node.config.groups.some(({ name }) => viewOf(node, name)?.observedAt === undefined))
    return node;
  turn.log('info', 'ready', 'EC2 has been seen: ready to decide.');
  return { ...node, ready: true };
}
