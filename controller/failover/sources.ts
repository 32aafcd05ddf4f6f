/**
 * What a node asks EC2 for: by source the describe call that shows it, in the realm that it is in.
 */
import { unreachable } from '../base/result.ts';
import { type Config, type InRealm, type Resource, type RouteSet, realmKey, sameRealm } from '../config.ts';
import type { Call, ObservedEni, ObservedSubnet } from '../ec2/call.ts';

/** A source, in the node's own realm or another. */
export const sourceIn = (source: string, { at }: InRealm): string =>
  at === undefined ? source : `${source} in ${realmKey({ at })}`;

type Tag = NonNullable<RouteSet['tag']>;

export const tagSource = (tag: Tag, home: InRealm = {}): string =>
  sourceIn(`tag:${tag.key}=${tag.value}`, home);

/** What shows the tables of a set. */
export const tableSource = (set: Pick<RouteSet, 'tag' | 'at'>): string =>
  set.tag === undefined ? sourceIn('tables', set) : tagSource(set.tag, set);

/** Who has a private address: one source for each IP version. */
export const addressSource = (address: string, home: InRealm): string =>
  sourceIn(address.includes(':') ? 'addresses-6' : 'addresses-4', home);

/** The state and checks of the instances, where they are asked for. */
export const statusSource = (home: InRealm): string => sourceIn('status', home);
export const isStatus = (source: string): boolean => source === 'status' || source.startsWith('status in ');

export const transitSource = (table: string): string => `transit:${table}`;

/** Where what moves between the ENIs of members is: they are all in one realm. */
export const homeOf = ([first]: readonly InRealm[]): InRealm => (first === undefined ? {} : sameRealm(first));

/** All that EC2 is asked for, as a text to compare. */
export const resourcesOf = ({ groups, appliances, routeSync }: Config): string =>
  JSON.stringify([
    groups.map(({ resources }) => resources),
    appliances.map(({ eni, at }) => [eni, at]),
    routeSync,
  ]);

/** What was seen of EC2 that the sources depend on. */
export interface Basis {
  readonly enis: Readonly<Record<string, ObservedEni>>;
  readonly subnets: Readonly<Record<string, ObservedSubnet>>;
}

/** Ids, addresses or destinations to ask for, by source. */
class Lists {
  readonly #lists = new Map<string, { readonly home: InRealm; readonly items: Set<string> }>();

  add(source: string, home: InRealm, ...items: readonly string[]): void {
    const list = this.#lists.get(source) ?? { home: sameRealm(home), items: new Set() };
    this.#lists.set(source, list);
    for (const item of items) list.items.add(item);
  }

  /** The calls for lists that are not empty: an empty filter would be refused. */
  calls(make: (items: readonly string[], source: string) => Call): [string, Call][] {
    return [...this.#lists].flatMap(([source, { home, items }]): [string, Call][] =>
      items.size === 0 ? [] : [[source, { ...make([...items], source), ...home }]],
    );
  }
}

const lists = () => ({
  tags: new Map<string, Call>(),
  tables: new Lists(),
  enis: new Lists(),
  subnets: new Lists(),
  addresses: new Lists(),
  eips: new Lists(),
  transit: new Lists(),
  instances: new Lists(),
});

/** The calls that show all that the configuration names, by source. */
export function makeSources(config: Config, basis: Basis): ReadonlyMap<string, Call> {
  const all = lists();
  // Whoever moves nothing, and asks for no instance's status, need not know where ENIs are.
  if (config.groups.length > 0 || config.instanceStatusMs !== undefined)
    for (const one of config.appliances) all.enis.add(sourceIn('enis', one), one, one.eni);
  for (const { members, resources } of config.groups) {
    const home = homeOf(config.appliances.filter(({ name }) => name === members[0]));
    for (const resource of resources) addResource(all, resource, home, basis);
  }
  for (const { table, tag } of config.routeSync.flatMap((entry) => entry.tables))
    addTables(all, { ...(table && { table }), ...(tag && { tag }) });
  if (config.instanceStatusMs !== undefined)
    for (const one of config.appliances) {
      const instance = basis.enis[one.eni]?.attachment?.instance;
      if (instance !== undefined) all.instances.add(statusSource(one), one, instance);
    }
  return new Map([
    ...all.tags,
    ...all.addresses.calls((addresses) => ({ kind: 'describe-network-interfaces', addresses })),
    ...all.eips.calls((allocations) => ({ kind: 'describe-addresses', allocations })),
    ...all.transit.calls((destinations, source) => {
      const table = source.slice(transitSource('').length);
      return { kind: 'search-transit-gateway-routes', table, destinations };
    }),
    ...all.subnets.calls((subnets) => ({ kind: 'describe-subnets', subnets })),
    ...all.tables.calls((ids) => ({ kind: 'describe-route-tables', select: { kind: 'ids', ids } })),
    ...all.instances.calls((instances) => ({ kind: 'describe-instance-status', instances })),
    ...all.enis.calls((enis) => ({ kind: 'describe-network-interfaces', enis })),
  ]);
}

function addResource(all: ReturnType<typeof lists>, resource: Resource, home: InRealm, basis: Basis): void {
  switch (resource.kind) {
    case 'eni': {
      all.enis.add(sourceIn('enis', home), home, resource.id);
      const subnet = basis.enis[resource.id]?.subnet;
      if (subnet !== undefined && basis.subnets[subnet] === undefined)
        all.subnets.add(sourceIn('subnets', home), home, subnet);
      return;
    }
    case 'routes':
      for (const set of resource.sets) addTables(all, set);
      return;
    case 'transit-routes':
      for (const set of resource.sets) all.transit.add(transitSource(set.table), set, ...set.destinations);
      return;
    case 'address':
      all.addresses.add(addressSource(resource.address, home), home, resource.address);
      return;
    case 'eip':
      all.eips.add(sourceIn('eips', home), home, resource.allocation);
      return;
    default:
      unreachable(resource);
  }
}

function addTables(all: ReturnType<typeof lists>, set: Omit<RouteSet, 'destinations'>): void {
  const { table, tag, prepared } = set;
  const source = sourceIn('tables', set);
  if (table !== undefined) all.tables.add(source, set, table);
  all.tables.add(source, set, ...Object.values(prepared?.tables ?? {}));
  if (prepared?.lastResort !== undefined) all.tables.add(source, set, prepared.lastResort);
  if (tag === undefined) return;
  const call: Call = { kind: 'describe-route-tables', select: { kind: 'tag', ...tag }, ...sameRealm(set) };
  all.tags.set(tagSource(tag, set), call);
}
