/** The parts of a group as EC2 was last seen, and the observations that show them. */
import { unreachable } from '../base/result.ts';
import {
  type Appliance,
  type Course,
  type EipResource,
  type EniResource,
  type Group,
  type InRealm,
  type Resource,
  type RouteSet,
  sameRealm,
  type TransitRouteSet,
} from '../config.ts';
import type { Observed } from './observe.ts';
import { type Held, LAST_RESORT, type Part, STAGES } from './part.ts';
import { addressSource, homeOf, sourceIn, tableSource, tagSource, transitSource } from './sources.ts';

/** The sources that show all of a group. */
export const sourcesOfGroup = ({ resources }: Group, members: readonly Appliance[]): readonly string[] => [
  ...new Set(resources.flatMap((resource) => sourcesOfResource(resource, homeOf(members)))),
];

function sourcesOfResource(resource: Resource, home: InRealm): readonly string[] {
  switch (resource.kind) {
    case 'routes':
      return resource.sets.map(tableSource);
    case 'eni':
      return [sourceIn('enis', home)];
    // Which of two VPCs with the same addresses is meant, the members' ENIs tell.
    case 'address':
      return [sourceIn('enis', home), addressSource(resource.address, home)];
    case 'eip':
      return [sourceIn('eips', home)];
    case 'transit-routes':
      return resource.sets.map(({ table }) => transitSource(table));
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
    case 'transit-routes':
      return resource.sets.flatMap((set, index) =>
        set.destinations.map((destination, at) => ({
          ...transitPart(set, destination, members, observed),
          rank: urgency(destination, rankOf(resource.sets, index) + at),
          ...courseOf(set),
        })),
      );
    case 'address':
      return [addressPart(resource.address, members, observed)];
    case 'eip':
      return [eipPart(resource, members, observed)];
    case 'eni':
      return [eniPart(resource, members, observed)];
    default:
      return unreachable(resource);
  }
}

/** Of the routes of a set, how many are before its first. */
export const rankOf = (sets: readonly Pick<RouteSet, 'destinations'>[], index: number): number =>
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
  const isLast = (use: (typeof places)[number]['use']): boolean =>
    use !== undefined && use.table === prepared?.lastResort;
  const tables =
    prepared === undefined
      ? tablesOf(set, observed)
      : places.flatMap(({ use }) => (use === undefined || isLast(use) ? [] : use.table));
  const elsewhere = places.flatMap(({ place, use }) => {
    if (use === undefined) return [associationPart(place, set, rank, undefined, undefined)];
    return isLast(use) ? [associationPart(place, set, rank, use, settledWith(LAST_RESORT))] : [];
  });
  return [...elsewhere, ...tables.flatMap((table) => routesOfTable(table, set, rank, members, observed))];
}

/** The routes of a set in one table. */
export const routesOfTable = (
  table: string,
  set: RouteSet,
  rank: number,
  members: readonly Appliance[],
  observed: Observed,
): readonly Part[] =>
  set.destinations.map((destination, index) => ({
    ...routePart(
      {
        table,
        destination,
        rank: urgency(destination, rank + index),
        ...(set.lastResort === undefined ? {} : { lastResort: set.lastResort }),
        ...sameRealm(set),
      },
      members,
      observed,
    ),
    ...courseOf(set),
  }));

/** Everything goes by a default route. */
const urgency = (destination: string, rank: number): number => (destination.endsWith('/0') ? 0 : rank);

const tablesOf = (set: RouteSet, { listed }: Observed): readonly string[] => {
  if (set.table !== undefined) return [set.table];
  return set.tag === undefined ? [] : (listed[tagSource(set.tag, set)] ?? []);
};

/** Which of the prepared tables a place uses, and by which association. */
export function useOf(
  place: string,
  prepared: RouteSet['prepared'],
  { tables }: Observed,
): { readonly table: string; readonly association: string } | undefined {
  const { lastResort } = prepared ?? {};
  const candidates = [
    ...Object.values(prepared?.tables ?? {}),
    ...(lastResort === undefined ? [] : [lastResort]),
  ];
  for (const table of candidates) {
    const found = tables[table]?.associations.find((one) => one.place === place);
    if (found !== undefined) return { table, association: found.id };
  }
  return undefined;
}

/** A place that uses a table of `held`'s; without, one that uses none of the prepared tables. */
export function associationPart(
  place: string,
  set: RouteSet,
  rank: number,
  use: { readonly table: string; readonly association: string } | undefined,
  held: Held | undefined,
): Part {
  const { prepared, destinations } = set;
  const { lastResort } = prepared ?? {};
  const tables = {
    ...prepared?.tables,
    ...(lastResort === undefined ? {} : { [LAST_RESORT]: lastResort }),
  };
  const reason = `${place} is associated with none of ${Object.values(tables).join(', ')}`;
  return {
    key: place,
    ...courseOf(set),
    rank: Math.min(...destinations.map((destination, index) => urgency(destination, rank + index))),
    thing: {
      kind: 'association',
      place,
      ...(use === undefined ? {} : { association: use.association }),
      tables,
      ...sameRealm(set),
    },
    exists: use !== undefined,
    held: held ?? { kind: 'foreign', reason },
    shown: use?.table ?? '',
  };
}

const courseOf = ({ direction, symmetric }: Course): Pick<Part, 'stage' | 'symmetric'> => ({
  stage: direction === 'return' ? 'return-paths' : 'paths',
  ...(symmetric === undefined ? {} : { symmetric }),
});

const settledWith = (member: string): Held => ({ kind: 'member', member, phase: 'settled' });

/** A part before its stage and set are known. */
type Path = Omit<Part, 'stage' | 'symmetric'>;

function routePart(
  {
    table,
    destination,
    rank,
    lastResort,
    at,
  }: {
    readonly table: string;
    readonly destination: string;
    readonly rank: number;
    readonly lastResort?: string;
  } & InRealm,
  members: readonly Appliance[],
  observed: Observed,
): Path {
  const key = `${table} ${destination}`;
  const route = observed.tables[table]?.routes.find((one) => one.destination === destination);
  const member = members.find(({ eni }) => eni === route?.target)?.name;
  const base = {
    key,
    rank,
    thing: {
      kind: 'route',
      table,
      destination,
      ...(lastResort === undefined ? {} : { lastResort }),
      ...(at === undefined ? {} : { at }),
    },
    exists: route !== undefined,
    shown: route?.target ?? '',
  } as const;
  if (member !== undefined) return { ...base, held: settledWith(member) };
  if (route?.state === 'active' && route.target === lastResort)
    return { ...base, held: settledWith(LAST_RESORT) };
  if (route?.state === 'active')
    return { ...base, held: { kind: 'foreign', reason: `${key} leads to ${route.target}` } };
  const reason = `${key} ${route === undefined ? 'does not exist' : `leads to ${route.target || 'nothing'} (blackhole)`}`;
  return { ...base, held: { kind: 'none', reason } };
}

function transitPart(
  { table, lastResort, ...set }: TransitRouteSet,
  destination: string,
  members: readonly Appliance[],
  observed: Observed,
): Omit<Path, 'rank'> {
  const key = `${table} ${destination}`;
  const route = observed.transit[table]?.find((one) => one.destination === destination);
  const target = route?.attachment ?? '';
  const member = members.find(({ attachment }) => attachment !== undefined && attachment === target)?.name;
  const base = {
    key,
    thing: {
      kind: 'transit-route',
      table,
      destination,
      ...(lastResort === undefined ? {} : { lastResort }),
      ...sameRealm(set),
    },
    exists: route !== undefined,
    shown: target,
  } as const;
  if (member !== undefined) return { ...base, held: settledWith(member) };
  if (route?.state === 'active' && target === lastResort) return { ...base, held: settledWith(LAST_RESORT) };
  if (route?.state === 'active') return { ...base, held: foreign(`${key} leads to ${target}`) };
  const reason = route === undefined ? 'does not exist as a static route' : 'drops what it gets (blackhole)';
  return { ...base, held: { kind: 'none', reason: `${key} ${reason}` } };
}

const foreign = (reason: string): Held => ({ kind: 'foreign', reason });

function addressPart(address: string, members: readonly Appliance[], observed: Observed): Part {
  const vpcs = new Set(members.flatMap(({ eni }) => observed.enis[eni]?.vpc ?? []));
  const holder = observed.holders[addressSource(address, homeOf(members))]?.find(
    ({ vpc, addresses }) => addresses.includes(address) && vpcs.has(vpc),
  )?.id;
  const member = members.find(({ eni }) => eni === holder)?.name;
  const held: Held =
    member !== undefined
      ? settledWith(member)
      : holder === undefined
        ? { kind: 'none', reason: `${address} is an address of no ENI` }
        : foreign(`${address} is an address of ${holder}`);
  return {
    key: address,
    stage: 'addresses',
    rank: 0,
    thing: {
      kind: 'address',
      address,
      ...(holder === undefined ? {} : { holder }),
      ...homeOf(members),
    },
    exists: holder !== undefined,
    held,
    shown: holder ?? '',
  };
}

function eipPart(
  { allocation, address }: EipResource,
  members: readonly Appliance[],
  observed: Observed,
): Part {
  const eip = observed.eips[allocation];
  const at = eip?.eni === undefined ? '' : `${eip.eni} ${eip.address ?? ''}`.trim();
  const member = members.find(({ eni }) => eni === eip?.eni)?.name;
  const held = (): Held => {
    if (eip === undefined) return { kind: 'none', reason: `${allocation} does not exist` };
    if (eip.eni === undefined) return { kind: 'none', reason: `${allocation} leads to nothing` };
    if (member === undefined) return foreign(`${allocation} leads to ${at}`);
    if (address === undefined || eip.address === address) return settledWith(member);
    return { kind: 'none', reason: `${allocation} leads to ${at}, not to ${address}` };
  };
  return {
    key: allocation,
    stage: 'public-addresses',
    rank: 0,
    thing: {
      kind: 'eip',
      allocation,
      ...(address === undefined ? {} : { address }),
      ...homeOf(members),
    },
    exists: eip !== undefined,
    held: held(),
    shown: at,
  };
}

function eniPart(resource: EniResource, members: readonly Appliance[], observed: Observed): Part {
  const { id } = resource;
  const eni = observed.enis[id];
  const { attachment } = eni ?? {};
  return {
    key: id,
    stage: 'interfaces',
    rank: 0,
    thing: { kind: 'eni', resource, ...(eni === undefined ? {} : { eni }), ...homeOf(members) },
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
