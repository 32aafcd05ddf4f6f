/** What is really so: which appliance forwards, who owns what, and since when all is calm. */
import { present } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import { toLeaseOutcome, toLeaseRequest } from '../../controller/lease/request.ts';
import { handle } from '../dynamodb/service.ts';
import type { World } from '../world/state.ts';
import type { Fault } from './fault.ts';
import { isOwnedRoute, ownersOf } from './owned.ts';
import type { Flow, Scene } from './scenario.ts';
import { PLACE } from './scenes/network.ts';
import { type Watch, watchFlow } from './watch.ts';

export interface Truth {
  readonly world: World;
  readonly scene: Scene;
  /** When each appliance last was able to forward; those that are now have the present. */
  readonly lastFit: Map<string, Instant>;
  /** Since when each has been able to without interruption. */
  readonly fitSince: Map<string, Instant | undefined>;
  /** Whether each reaches the Internet itself. */
  readonly own: ReadonlyMap<string, Watch>;
  /** Faults that are being inflicted. */
  readonly active: Set<Fault>;
  /** Those that have ended, and when. */
  readonly ended: Map<Fault, Instant>;
  /** When anything but an appliance last was in trouble. */
  troubledAt: Instant;
  /** When something last was wrong with links, with a machine that watches, or was done by an operator. */
  disturbedAt: Instant;
}

/** Outcomes of calls that only faults bring about. */
const INFLICTED = ['InternalError', 'unanswered'];

export function createTruth(world: World, scene: Scene): Truth {
  const truth: Truth = {
    world,
    scene,
    lastFit: new Map(scene.appliances.map((name) => [name, world.now])),
    fitSince: new Map(scene.appliances.map((name) => [name, world.now])),
    own: new Map(scene.appliances.map((name) => [name, watchOwn(world, scene, name)])),
    active: new Set(),
    ended: new Map(),
    troubledAt: world.now,
    disturbedAt: world.now,
  };
  world.listeners.add((happening) => {
    const { kind } = happening;
    if (kind === 'power' || kind === 'guest') noteFitness(truth);
    if (kind === 'link' || kind === 'power' || kind === 'guest') truth.disturbedAt = world.now;
    // What is to befall the next calls lasts until they have been made.
    if (kind === 'api' && INFLICTED.includes(happening.outcome)) truth.troubledAt = world.now;
  });
  return truth;
}

/** Whether an appliance forwards at this instant. */
export function isFit({ world, scene }: Truth, name: string): boolean {
  const guest = world.network.guests.get(scene.machines[name]?.instance ?? '');
  return guest?.power === 'running' && !guest.drop && !guest.full;
}

function noteFitness(truth: Truth): void {
  const { world, lastFit, fitSince, scene } = truth;
  for (const name of scene.appliances) {
    const fit = isFit(truth, name);
    const since = fitSince.get(name);
    if (fit && since === undefined) fitSince.set(name, world.now);
    if (!fit && since !== undefined) {
      fitSince.set(name, undefined);
      lastFit.set(name, world.now);
    }
  }
}

function watchOwn(world: World, scene: Scene, name: string): Watch {
  const to = present(scene.flows[0], 'a flow').to;
  return watchFlow(world, { name, instance: present(scene.machines[name], name).instance }, to);
}

/**
 * For how long an appliance has not been fit in the eyes of `by`, ms. A daemon sees its own appliance by its
 * own packets; what that does with those of others can only be seen from outside.
 */
export function unfitForMs(truth: Truth, name: string, by: string): number {
  const { now } = truth.world;
  if (name === by) return now - (truth.own.get(name)?.down?.since ?? now);
  return isFit(truth, name) ? 0 : now - (truth.lastFit.get(name) ?? 0);
}

/** A fault begins or ends. */
export function noteFault(truth: Truth, fault: Fault, begins: boolean): void {
  if (begins) truth.active.add(fault);
  else {
    truth.active.delete(fault);
    truth.ended.set(fault, truth.world.now);
  }
  if (!isOfAppliance(fault)) truth.troubledAt = truth.world.now;
}

const isOfAppliance = ({ kind }: Fault): boolean => kind === 'machine' || kind === 'zone' || kind === 'leave';

/** Whether an appliance is about to stop: nothing is given to it. */
export const isLeaving = ({ active }: Truth, name: string): boolean =>
  [...active].some((fault) => fault.kind === 'leave' && fault.machine === name);

/** Whether only appliances are in trouble, if anything is. */
export const isOnlyAppliances = ({ active }: Truth): boolean => [...active].every(isOfAppliance);

/** The faults that are inflicted, or were within the last `ms`. */
export const recentFaults = ({ active, ended, world }: Truth, ms: Millis): readonly Fault[] => [
  ...active,
  ...[...ended].flatMap(([fault, at]) => (world.now - at < ms ? [fault] : [])),
];

/** The appliances that could carry a flow for `forMs` already: fit, and with room for its group. */
export function heirsOf(truth: Truth, flow: Flow, forMs: number): readonly string[] {
  const { world, scene, fitSince } = truth;
  const group = scene.groups.find(({ name }) => name === flow.group);
  const others = scene.groups.filter((one) => one !== group).map((one) => ownersOf(truth, one));
  return (group?.members ?? scene.appliances).filter((name) => {
    const carries = others.filter((owners) => owners.includes(name)).length;
    const hasRoom = carries < (scene.capacity?.[name] ?? Number.POSITIVE_INFINITY);
    return hasRoom && world.now - (fitSince.get(name) ?? world.now) > forMs;
  });
}

/** The run that holds a lease, as the store has it. */
export function holderOf({ world }: Truth, table: string, group: string): string | undefined {
  const { action, input } = toLeaseRequest({ kind: 'read', group }, table);
  const reply = handle(world.api.tables, { ...PLACE, action, input });
  const outcome = reply.kind === 'ok' ? toLeaseOutcome(reply.output) : undefined;
  return outcome?.kind === 'ok' ? outcome.record?.holder : undefined;
}

/**
 * All routes, tables of subnets, attachments and addresses that no group owns, as text: what must stay as it
 * is; `doomed` machines go with their ENIs.
 */
export function foreignOf(truth: Truth, doomed: readonly string[]): string {
  const { world, scene } = truth;
  const parts = scene.groups.flatMap((group) => group.parts);
  const movesBetweenTables = (subnet: string): boolean =>
    parts.some((part) => part.kind === 'association' && part.subnet === subnet);
  const moving = parts.flatMap((part) =>
    part.kind === 'address' ? [part.address] : part.kind === 'eip' ? [part.public] : [],
  );
  const tables = [...world.records['route-table'].values()].flatMap(({ id, routes, subnets }) => [
    JSON.stringify([id, subnets.filter((subnet) => !movesBetweenTables(subnet))]),
    ...routes
      .filter(({ destination }) => !isOwnedRoute(truth, id, destination))
      .map((route) => JSON.stringify([id, route])),
  ]);
  const enis = [...world.records['network-interface'].values()]
    .filter(({ id }) => !doomed.some((name) => scene.machines[name]?.eni === id))
    .filter(({ id }) => !parts.some((part) => part.kind === 'eni' && part.eni === id))
    .map(({ id, attachment, addresses, publicAddresses }) =>
      JSON.stringify([
        id,
        attachment,
        addresses.filter((address) => !moving.includes(address)),
        publicAddresses.filter((one) => !moving.includes(one.public)),
      ]),
    );
  return [...tables, ...enis].toSorted().join('\n');
}
