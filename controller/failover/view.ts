/** Who owns a group, as EC2 was last seen: derived from observations, never from what was sent. */
import { unreachable } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { Appliance, Config, Group } from '../config.ts';
import type { ObservedEni } from '../ec2/call.ts';
import { type Observed, tagSource } from './observe.ts';

export type Owner =
  /** Nothing has been seen yet. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** `arriving` and `leaving`: its ENI is being attached to the member, or detached from it. */
  | { readonly kind: 'member'; readonly member: string; readonly phase: 'settled' | 'arriving' | 'leaving' }
  /** The routes lead to several members, or some are missing: a move that was not completed. */
  | { readonly kind: 'split'; readonly members: readonly string[]; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string }
  /**
   * Somebody leads it elsewhere on purpose: an active route to a target, or an instance, that is no member.
   */
  | { readonly kind: 'foreign'; readonly reason: string };

/** One route of a group as it was seen. */
export interface RouteView {
  readonly key: string;
  readonly table: string;
  readonly destination: string;
  readonly exists: boolean;
  readonly member?: string;
  readonly target: string;
  /** Whether it leads, actively, to something that is no member. */
  readonly foreign: boolean;
}

export interface GroupView {
  /** When the oldest observation in it was sent; absent before the first. */
  readonly observedAt?: Instant;
  /** The request number of that observation: the view shows what was applied before it was sent. */
  readonly seen: number;
  readonly sources: readonly string[];
  readonly owner: Owner;
  readonly routes: readonly RouteView[];
  readonly eni?: ObservedEni;
}

/** Each step asks several times; a view depends on nothing but what it is kept by. */
const views = new WeakMap<Observed, Map<Group, GroupView>>();

/** The view of `group`, whose configuration is `config`. */
export function viewGroup(config: Config, group: Group, observed: Observed): GroupView {
  const known = views.get(observed) ?? new Map<Group, GroupView>();
  views.set(observed, known);
  const view = known.get(group) ?? newView(config, group, observed);
  known.set(group, view);
  return view;
}

function newView(config: Config, group: Group, observed: Observed): GroupView {
  const sources = sourcesOfGroup(group);
  const seen = sources.map((source) => observed.sources[source]?.seen);
  const times = seen.flatMap((one) => one?.at ?? []);
  const members = group.members.flatMap((name) => config.appliances.find((one) => one.name === name) ?? []);
  if (times.length < sources.length) {
    const owner: Owner = { kind: 'unknown', reason: 'EC2 has not been seen yet' };
    return { seen: -1, sources, owner, routes: [] };
  }
  const base = {
    observedAt: Math.min(...times),
    seen: Math.min(...seen.map((one) => one?.request ?? -1)),
    sources,
  };
  if (group.resource.kind === 'eni') {
    const eni = observed.enis[group.resource.id];
    const owner = eniOwner(group.resource.id, eni, members, observed);
    return { ...base, owner, routes: [], ...(eni === undefined ? {} : { eni }) };
  }
  const routes = routesOf(group, members, observed);
  return { ...base, owner: routesOwner(routes), routes };
}

function sourcesOfGroup({ resource }: Group): readonly string[] {
  if (resource.kind === 'eni') return ['enis'];
  return [...new Set(resource.sets.map(({ tag }) => (tag === undefined ? 'tables' : tagSource(tag))))];
}

function routesOf(
  { resource }: Group,
  members: readonly Appliance[],
  observed: Observed,
): readonly RouteView[] {
  if (resource.kind === 'eni') return [];
  const routes = resource.sets.flatMap(({ table, tag, destinations }) => {
    const tables =
      table === undefined ? (tag === undefined ? [] : (observed.tagged[tagSource(tag)] ?? [])) : [table];
    return tables.flatMap((id) =>
      destinations.map((destination) => routeView(id, destination, members, observed)),
    );
  });
  return [...new Map(routes.map((route) => [route.key, route])).values()];
}

function routeView(
  table: string,
  destination: string,
  members: readonly Appliance[],
  observed: Observed,
): RouteView {
  const route = observed.tables[table]?.routes.find((one) => one.destination === destination);
  const member = members.find(({ eni }) => eni === route?.target)?.name;
  return {
    key: `${table} ${destination}`,
    table,
    destination,
    exists: route !== undefined,
    target: route?.target ?? '',
    foreign: route !== undefined && member === undefined && route.state === 'active',
    ...(member === undefined ? {} : { member }),
  };
}

function routesOwner(routes: readonly RouteView[]): Owner {
  if (routes.length === 0) return { kind: 'none', reason: 'no route table was found' };
  const ours = routes.filter((route) => !route.foreign);
  const [elsewhere] = routes.filter((route) => route.foreign);
  if (ours.length === 0)
    return { kind: 'foreign', reason: `${elsewhere?.key} leads to ${elsewhere?.target}` };
  const held = [...new Set(ours.flatMap(({ member }) => member ?? []))];
  const unheld = ours.find(({ member }) => member === undefined);
  const fault = `${unheld?.key} ${unheld?.exists ? `leads to ${unheld.target || 'nothing'} (blackhole)` : 'does not exist'}`;
  const [member] = held;
  if (member === undefined) return { kind: 'none', reason: fault };
  if (held.length === 1 && unheld === undefined) return { kind: 'member', member, phase: 'settled' };
  const reason = unheld === undefined ? `its routes lead to ${held.join(' and ')}` : fault;
  return { kind: 'split', members: held, reason };
}

function eniOwner(
  id: string,
  eni: ObservedEni | undefined,
  members: readonly Appliance[],
  observed: Observed,
): Owner {
  if (eni === undefined) return { kind: 'none', reason: `${id} does not exist` };
  const { attachment } = eni;
  if (attachment === undefined || attachment.status === 'detached') {
    return {
      kind: 'none',
      reason: `${id} is ${eni.status === 'available' ? 'attached to nothing' : eni.status}`,
    };
  }
  const member = members.find((one) => instanceOf(one, observed) === attachment.instance);
  if (member === undefined) return { kind: 'foreign', reason: `${id} is attached to ${attachment.instance}` };
  const phase =
    attachment.status === 'attached' ? 'settled' : attachment.status === 'attaching' ? 'arriving' : 'leaving';
  return { kind: 'member', member: member.name, phase };
}

/**
 * The instance that an appliance runs on: where its primary ENI is attached, otherwise what the configuration
 * says.
 */
export const instanceOf = ({ eni, instance }: Appliance, observed: Observed): string | undefined =>
  observed.enis[eni]?.attachment?.instance ?? instance;

/** Whether no member owns all of it for good: somebody is moving it, or was. */
export const isInTransition = (owner: Owner): boolean =>
  owner.kind === 'none' || owner.kind === 'split' || (owner.kind === 'member' && owner.phase !== 'settled');

/** `a`, `nobody (rtb-1 0.0.0.0/0 does not exist)`: for sentences. */
export function describeOwner(owner: Owner): string {
  switch (owner.kind) {
    case 'member':
      return owner.phase === 'settled' ? owner.member : `${owner.member} (${owner.phase})`;
    case 'split':
      return `nobody as a whole (${owner.reason})`;
    case 'none':
      return `nobody (${owner.reason})`;
    case 'foreign':
      return `none of its members (${owner.reason})`;
    case 'unknown':
      return `unknown (${owner.reason})`;
    default:
      return unreachable(owner);
  }
}
