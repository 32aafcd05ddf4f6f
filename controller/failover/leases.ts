/**
 * The leases of all groups of a daemon: which it wants, and whether it may write for a group now. A lease is
 * best with a daemon that is not on the owner: it is there, renewed ahead, when the owner dies.
 */
import { next, prng } from '../base/prng.ts';
import { earliest, formatMillis, type Instant } from '../base/time.ts';
import { type Config, type Group, hasLastResort, ownAppliance } from '../config.ts';
import type { Orders } from '../event.ts';
import { allDead, type Verdict } from '../health/verdict.ts';
import type { LeaseOutcome } from '../lease/call.ts';
import {
  answered,
  callOf,
  FITNESS,
  holds,
  isCutOff,
  isDue,
  type Lease,
  leaseTimeoutMs,
  newLease,
  nodeOf,
  release,
  sent,
  tellsAt,
} from '../lease/lease.ts';
import type { GroupState } from './group.ts';
import { runHook } from './ownership.ts';
import type { Turn } from './turn.ts';
import type { GroupView } from './view.ts';

export interface Leases {
  /** The id of this run, `NODE/RUN`: no two runs have the same. */
  readonly id: string;
  /** By group; those without a lease are not there. */
  readonly groups: Readonly<Record<string, Lease>>;
}

/** Whether a group may be written to. */
export type Gate =
  /** It has no lease; or its store cannot be reached, and precedence decides. */
  | { readonly kind: 'open' }
  | { readonly kind: 'held'; readonly since: Instant; readonly lapsedFrom?: string }
  | { readonly kind: 'shut'; readonly reason: string; readonly alarm: boolean };

const leasesOf = ({ groups }: Config, known: Leases['groups'], now: Instant): Leases['groups'] =>
  Object.fromEntries(
    groups.flatMap(({ name, lease }) => (lease === undefined ? [] : [[name, known[name] ?? newLease(now)]])),
  );

/** The leases of a run that begins now. */
export function newLeases(config: Config, seed: number | string, now: Instant): Leases {
  const [value] = next(prng(seed, `${config.node}/lease/${now}`));
  const run = Math.floor(value * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  return { id: `${config.node}/${run}`, groups: leasesOf(config, {}, now) };
}

/** The leases under another configuration; those that are not wanted any more run out. */
export const leasesConfigured = (leases: Leases, config: Config, now: Instant): Leases => ({
  ...leases,
  groups: leasesOf(config, leases.groups, now),
});

/** Whether this daemon may write for a group now. */
export function gateOf({ lease: config, name }: Group, { groups, id }: Leases, now: Instant): Gate {
  const lease = groups[name];
  if (config === undefined || lease === undefined) return { kind: 'open' };
  if (holds(lease, config, now)) {
    const { heldSince = now, lapsedFrom } = lease;
    return { kind: 'held', since: heldSince, ...(lapsedFrom === undefined ? {} : { lapsedFrom }) };
  }
  if (isCutOff(lease, config, now)) {
    if (config.lost === 'precedence') return { kind: 'open' };
    return { kind: 'shut', reason: 'the store of leases cannot be reached', alarm: true };
  }
  const holder = lease.record?.holder;
  const reason =
    holder === undefined || holder === id
      ? 'it has not got the lease yet'
      : `${nodeOf(holder)} has the lease`;
  return { kind: 'shut', reason, alarm: false };
}

export interface Standing {
  /** The appliances that can carry no other group. */
  readonly full: readonly string[];
  readonly group: Group;
  readonly state: GroupState;
  readonly view: GroupView;
}

interface Scene {
  readonly config: Config;
  readonly orders: Orders;
  readonly observeOnly: boolean;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** By group. */
  readonly standings: readonly Standing[];
}

/** How well this daemon is placed to move a group. */
function fitnessOf(
  { config, orders, observeOnly, verdicts }: Scene,
  standing: Standing,
  gate: Gate,
  now: Instant,
): number {
  const { group, state, view, full } = standing;
  const self = ownAppliance(config)?.name;
  const { observedAt, owner } = view;
  if (observeOnly || observedAt === undefined || now - observedAt > config.observe.staleAfterMs)
    return FITNESS.unable;
  if (self !== undefined && !group.members.includes(self)) return FITNESS.unable;
  if (state.switchover !== undefined || state.operation?.command !== undefined) return FITNESS.ordered;
  if (hasLastResort(group) && allDead(group.members, verdicts)) return FITNESS.last;
  if (self === undefined) return FITNESS.heir;
  const isHealthy = (member: string): boolean => verdicts[member]?.kind === 'healthy';
  if (!isHealthy(self) || orders.drained[self] !== undefined || full.includes(self)) return FITNESS.unable;
  const on = owner.kind === 'member' ? owner.member : undefined;
  if (on === self || isBarred(state, gate)) return FITNESS.owner;
  const isHeir = (member: string): boolean =>
    member !== on && isHealthy(member) && orders.drained[member] === undefined && !full.includes(member);
  return group.members.find(isHeir) === self ? FITNESS.heir : FITNESS.spare;
}

/**
 * Whether a node that lost the group must see the winner healthy before it may take it over again. Not where
 * it had the lease all the time, so that nobody had the right to take it; nor where the winner's daemon has
 * let its lease run out.
 */
export const isBarred = ({ lost }: GroupState, gate: Gate): boolean =>
  lost !== undefined &&
  !lost.seenHealthy &&
  !(gate.kind === 'held' && (gate.since <= lost.at || gate.lapsedFrom === lost.to));

/** Sends what is due, and tells what has changed. */
export function pumpLeases(start: Leases, scene: Scene, turn: Turn): Leases {
  let groups: Record<string, Lease> | undefined;
  const cut: string[] = [];
  for (const standing of scene.standings) {
    const { group, state } = standing;
    const config = group.lease;
    const before = start.groups[group.name];
    if (config === undefined || before === undefined) continue;
    let lease = tell(group, before, start.id, cut, turn);
    if (isDue(lease, turn.now)) {
      const fitness = fitnessOf(scene, standing, gateOf(group, start, turn.now), turn.now);
      const place = { id: start.id, fitness, busy: state.operation !== undefined };
      const call = callOf(group.name, lease, config, place, turn.now);
      lease = sent(lease, config, call, turn.lease(call, leaseTimeoutMs(config)), turn.now);
    }
    if (lease === before) continue;
    groups ??= { ...start.groups };
    groups[group.name] = lease;
  }
  if (cut.length > 0) alarm(cut, scene.config, turn);
  return groups === undefined ? start : { ...start, groups };
}

/** Whether a step would have nothing to say about the lease of `group`. */
export const isTold = ({ groups }: Leases, { name, lease: config }: Group, now: Instant): boolean => {
  const lease = groups[name];
  if (config === undefined || lease === undefined) return true;
  return holds(lease, config, now) === lease.told && isCutOff(lease, config, now) === lease.alarmed;
};

/** Says what is new about a lease; those whose store cannot be reached are added to `cut`. */
function tell({ name, lease: config }: Group, lease: Lease, id: string, cut: string[], turn: Turn): Lease {
  if (config === undefined) return lease;
  const told = holds(lease, config, turn.now);
  const alarmed = isCutOff(lease, config, turn.now);
  if (told === lease.told && alarmed === lease.alarmed) return lease;
  const token = lease.record?.token ?? 0;
  if (told && !lease.told)
    turn.log('info', 'lease', `Has the lease of ${name}, token ${token}.`, { group: name, token });
  if (!told && lease.told) {
    const { holder } = lease.record ?? {};
    const now =
      holder === undefined ? 'nobody has it' : holder === id ? 'it has run out' : `${nodeOf(holder)} has it`;
    turn.log('info', 'lease', `Has not the lease of ${name} any more: ${now}.`, { group: name });
  }
  if (alarmed && !lease.alarmed) cut.push(name);
  if (!alarmed && lease.alarmed)
    turn.log('info', 'lease', `The store of leases answers again for ${name}.`, { group: name });
  return { ...lease, told, alarmed };
}

const NAMED = 5;

function alarm(names: readonly string[], { groups }: Config, turn: Turn): void {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} others` : '';
  const list = `${names.slice(0, NAMED).join(', ')}${more}`;
  const first = groups.find(({ name }) => name === names[0])?.lease;
  const then = first?.lost === 'precedence' ? 'precedence decides alone' : 'nothing is written';
  const text = `The store of leases has not answered for ${formatMillis(first?.termMs ?? 0)}: ${then} for ${list} until it does.`;
  turn.log('error', 'alarm', text);
  for (const group of groups)
    if (names.includes(group.name)) runHook(group, 'on-fail', 'the store of leases cannot be reached', turn);
}

/** Takes in the outcome of a request about the lease of `group`. */
export function leaseEnded(
  leases: Leases,
  { groups }: Config,
  group: string,
  { request, outcome }: { readonly request: number; readonly outcome: LeaseOutcome },
  now: Instant,
): Leases {
  const lease = leases.groups[group];
  const config = groups.find(({ name }) => name === group)?.lease;
  if (lease === undefined || config === undefined) return leases;
  const next = answered(lease, request, outcome, config, leases.id, now);
  return { ...leases, groups: { ...leases.groups, [group]: next } };
}

/** Asked after every event, and seldom another than before. */
const deadlines = new WeakMap<Leases, { readonly config: Config; readonly at: Instant | undefined }>();

/** When the next request is due, or time alone ends a right to write. */
export function nextLeaseAt(leases: Leases, config: Config): Instant | undefined {
  const known = deadlines.get(leases);
  if (known?.config === config) return known.at;
  const at = firstDeadline(leases, config);
  deadlines.set(leases, { config, at });
  return at;
}

function firstDeadline({ groups }: Leases, config: Config): Instant | undefined {
  let first: Instant | undefined;
  for (const { name, lease: term } of config.groups) {
    const lease = groups[name];
    if (term === undefined || lease === undefined) continue;
    if (lease.inFlight === undefined) first = earliest(first, lease.nextAt);
    first = earliest(first, tellsAt(lease, term));
  }
  return first;
}

/** Gives up all that this daemon holds: it stops. */
export function releaseAll({ groups, id }: Leases, { groups: configured }: Config, turn: Turn): void {
  for (const { name, lease: config } of configured) {
    const lease = groups[name];
    if (config === undefined || lease === undefined) continue;
    const call = release(name, lease, id);
    if (call !== undefined) turn.lease(call, leaseTimeoutMs(config));
  }
}

/** Whether `group` may be written to as before: then a renewal is no reason to look at anything else. */
export function sameGate(
  { groups }: Config,
  before: Leases,
  after: Leases,
  name: string,
  now: Instant,
): boolean {
  if (before.groups[name] === after.groups[name]) return true;
  const group = groups.find((one) => one.name === name);
  return group === undefined || gateOf(group, before, now).kind === gateOf(group, after, now).kind;
}
