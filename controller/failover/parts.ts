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
  return [...new Map(parts.map((part) => [part.key, part])).values()].toSorted(
    (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage),
  );
}

function partsOfResource(
  resource: Resource,
  members: readonly Appliance[],
  observed: Observed,
): readonly Part[] {
  switch (resource.kind) {
    case 'routes':
      return resource.sets.flatMap((set) =>
        tablesOf(set, observed).flatMap((table) =>
          set.destinations.map((destination) => routePart(table, destination, members, observed)),
        ),
      );
    case 'eni':
      return [eniPart(resource, members, observed)];
    default:
      return unreachable(resource);
  }
}

const tablesOf = ({ table, tag }: RouteSet, { tagged }: Observed): readonly string[] =>
  table === undefined ? (tag === undefined ? [] : (tagged[tagSource(tag)] ?? [])) : [table];

function routePart(
  table: string,
  destination: string,
  members: readonly Appliance[],
  observed: Observed,
): Part {
  const key = `${table} ${destination}`;
  const route = observed.tables[table]?.routes.find((one) => one.destination === destination);
  const member = members.find(({ eni }) => eni === route?.target)?.name;
  const base = {
    key,
    stage: 'paths',
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
