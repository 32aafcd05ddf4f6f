/** The parts of a group as EC2 was last seen, and the observations that show them. */
import { unreachable } from '../base/result.ts';
import type { Appliance, EniResource, Group, Resource, RouteSet } from '../config.ts';
import { type Observed, tagSource } from './observe.ts';
import { type Held, type Part, STAGES } from './part.ts';

/** The sources that show all of a group. */
export const sourcesOfGroup = ({ resources }: Group): readonly string[] => [
  ...new Set(resources.flatMap(sourcesOfResource)),
];

function sourcesOfResource(resource: Resource): readonly string[] {
  switch (resource.kind) {
    case 'routes':
      return resource.sets.map(({ tag }) => (tag === undefined ? 'tables' : tagSource(tag)));
    case 'eni':
      return ['enis'];
    default:
      return unreachable(resource);
  }
}

/** All parts, in the order in which they are moved; each once. */
export function partsOf(
  { resources }: Group,
  members: readonly Appliance[],
  observed: Observed,
): readonly Part[] {
  const parts = resources.flatMap((resource) => partsOfResource(resource, members, observed));
  return inOrder([...new Map(parts.map((part) => [part.key, part])).values()]);
}

/** By stage, and within it the most important first. */
export const inOrder = (parts: readonly Part[]): readonly Part[] =>
  parts.toSorted((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || a.rank - b.rank);

function partsOfResource(
  resource: Resource,
  members: readonly Appliance[],
  observed: Observed,
): readonly Part[] {
  switch (resource.kind) {
    case 'routes':
      return resource.sets.flatMap((set, index) =>
        partsOfSet(set, rankOf(resource.sets, index), members, observed),
      );
    case 'eni':
      return [eniPart(resource, members, observed)];
    default:
      return unreachable(resource);
  }
}

/** Of the routes of a set, how many are before its first. */
export const rankOf = (sets: readonly RouteSet[], index: number): number =>
  sets.slice(0, index).reduce((sum, { destinations }) => sum + destinations.length, 1);

/** The routes of a set, in the tables that lead packets now; and what uses none of its prepared tables. */
function partsOfSet(
  set: RouteSet,
  rank: number,
  members: readonly Appliance[],
  observed: Observed,
): readonly Part[] {
  const { prepared } = set;
  const places = (prepared?.places ?? []).map((place) => ({ place, use: useOf(place, prepared, observed) }));
  const tables =
    prepared === undefined ? tablesOf(set, observed) : places.flatMap(({ use }) => use?.table ?? []);
  const lost = places.flatMap(({ place, use }) =>
    use === undefined ? [associationPart(place, set, rank, undefined, undefined)] : [],
  );
  return [...lost, ...tables.flatMap((table) => routesOfTable(table, set, rank, members, observed))];
}

/** The routes of a set in one table. */
export const routesOfTable = (
  table: string,
  { destinations }: RouteSet,
  rank: number,
  members: readonly Appliance[],
  observed: Observed,
): readonly Part[] =>
  destinations.map((destination, index) =>
    routePart({ table, destination, rank: urgency(destination, rank + index) }, members, observed),
  );

/** Everything goes by a default route. */
const urgency = (destination: string, rank: number): number => (destination.endsWith('/0') ? 0 : rank);

const tablesOf = ({ table, tag }: RouteSet, { tagged }: Observed): readonly string[] =>
  table === undefined ? (tag === undefined ? [] : (tagged[tagSource(tag)] ?? [])) : [table];

/** Which of the prepared tables a place uses, and by which association. */
export function useOf(
  place: string,
  prepared: RouteSet['prepared'],
  { tables }: Observed,
): { readonly table: string; readonly association: string } | undefined {
  for (const table of Object.values(prepared?.tables ?? {})) {
    const found = tables[table]?.associations.find((one) => one.place === place);
    if (found !== undefined) return { table, association: found.id };
  }
  return undefined;
}

/** A place that uses a table of `held`'s; without, one that uses none of the prepared tables. */
export function associationPart(
  place: string,
  { prepared, destinations }: RouteSet,
  rank: number,
  use: { readonly table: string; readonly association: string } | undefined,
  held: Held | undefined,
): Part {
  const tables = prepared?.tables ?? {};
  const reason = `${place} is associated with none of ${Object.values(tables).join(', ')}`;
  return {
    key: place,
    stage: 'paths',
    rank: Math.min(...destinations.map((destination, index) => urgency(destination, rank + index))),
    thing: {
      kind: 'association',
      place,
      ...(use === undefined ? {} : { association: use.association }),
      tables,
    },
    exists: use !== undefined,
    held: held ?? { kind: 'foreign', reason },
    shown: use?.table ?? '',
  };
}

function routePart(
  {
    table,
    destination,
    rank,
  }: { readonly table: string; readonly destination: string; readonly rank: number },
  members: readonly Appliance[],
  observed: Observed,
): Part {
  const key = `${table} ${destination}`;
  const route = observed.tables[table]?.routes.find((one) => one.destination === destination);
  const member = members.find(({ eni }) => eni === route?.target)?.name;
  const base = {
    key,
    stage: 'paths',
    rank,
    thing: { kind: 'route', table, destination },
    exists: route !== undefined,
    shown: route?.target ?? '',
  } as const;
  if (member !== undefined) return { ...base, held: { kind: 'member', member, phase: 'settled' } };
  if (route?.state === 'active')
    return { ...base, held: { kind: 'foreign', reason: `${key} leads to ${route.target}` } };
  const reason = `${key} ${route === undefined ? 'does not exist' : `leads to ${route.target || 'nothing'} (blackhole)`}`;
  return { ...base, held: { kind: 'none', reason } };
}

function eniPart(resource: EniResource, members: readonly Appliance[], observed: Observed): Part {
  const { id } = resource;
  const eni = observed.enis[id];
  const { attachment } = eni ?? {};
  return {
    key: id,
    stage: 'interfaces',
    rank: 0,
    thing: { kind: 'eni', resource, ...(eni === undefined ? {} : { eni }) },
    exists: eni !== undefined,
    held: eniHeld(id, eni, members, observed),
    shown: eni === undefined ? '' : [eni.status, attachment?.instance ?? 'nothing'].join(' '),
  };
}

function eniHeld(
  id: string,
  eni: Observed['enis'][string] | undefined,
  members: readonly Appliance[],
  observed: Observed,
): Held {
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
