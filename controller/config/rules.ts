/**
 * What a right design keeps to, beside what one file can say of itself: judged in the preview of a deployment
 * and by `byoa check`, from the configuration and from what is known of the account. What is not known is not
 * judged. Pure.
 */
import type { Config } from './model.ts';

export type Placement =
  | { readonly kind: 'none' }
  | { readonly kind: 'group'; readonly name: string; readonly strategy: 'cluster' | 'partition' | 'spread' };

/** What is known of an appliance's ENI and instance. */
export interface SeenAppliance {
  readonly zone?: string;
  readonly sourceDestCheck?: boolean;
  readonly instanceType?: string;
  readonly placement?: Placement;
}

/** What is known of a route table whose routes groups move, or which follows best paths. */
export interface SeenTable {
  readonly name: string;
  /** The groups that move its routes. */
  readonly groups: readonly string[];
  /** Zones of the subnets that use it. */
  readonly zones: readonly string[];
  /** Static routes in it. */
  readonly routes: { readonly v4: number; readonly v6: number };
  /** Most routes per IP version that `routeSync` may keep beside them. */
  readonly synced?: number;
  /** Routes that lead to an appliance, and that no group moves. */
  readonly fixed: readonly { readonly destination: string; readonly appliance: string }[];
}

export interface Seen {
  /** By name. */
  readonly appliances: Readonly<Record<string, SeenAppliance>>;
  readonly tables: readonly SeenTable[];
  /** Static routes per table and IP version; 500 unless AWS raised it. Amazon VPC quotas. */
  readonly routesPerTable?: number;
}

export type Rule =
  | 'source-dest-check'
  | 'standby'
  | 'route-quota'
  | 'zones'
  | 'burstable-bfd'
  | 'capacity'
  | 'spread-placement';

/** A rule that is broken: what, and what to do. */
export interface Fault {
  readonly rule: Rule;
  readonly what: string;
  readonly remedy: string;
}

/** Static routes of a table, of each IP version. Amazon VPC quotas page. */
export const ROUTES_PER_TABLE = 500;
/** Below this, a processor without credits is late for packets that decide. */
const SHORT_BFD_MS = 300;

/** T2, T3, T3a and T4g run on credits. EC2 User Guide, "Burstable performance instances". */
const isBurstable = (type: string): boolean => /^t\d+[a-z]*\./.test(type);

function* sourceDestChecks({ appliances }: Config, seen: Seen): Generator<Fault> {
  for (const { name, eni } of appliances) {
    if (seen.appliances[name]?.sourceDestCheck !== true) continue;
    yield {
      rule: 'source-dest-check',
      what: `${name}: the source/dest check of ${eni} is on, so EC2 drops what it forwards`,
      remedy: `aws ec2 modify-network-interface-attribute --network-interface-id ${eni} --no-source-dest-check`,
    };
  }
}

function* standbys({ tables }: Seen): Generator<Fault> {
  for (const { name, fixed } of tables) {
    for (const { destination, appliance } of fixed) {
      yield {
        rule: 'standby',
        what: `${destination} in ${name} leads to ${appliance} and has no standby: no group moves it`,
        remedy: `add ${destination} of ${name} to the routes of a group, or lead it elsewhere`,
      };
    }
  }
}

function* routeQuotas({ tables, routesPerTable = ROUTES_PER_TABLE }: Seen): Generator<Fault> {
  for (const { name, routes, synced = 0 } of tables) {
    for (const [version, count] of [
      ['IPv4', routes.v4],
      ['IPv6', routes.v6],
    ] as const) {
      if (count + synced <= routesPerTable) continue;
      const more = synced === 0 ? '' : `, ${synced} of them by routeSync`;
      yield {
        rule: 'route-quota',
        what: `${name} may have ${count + synced} ${version} routes${more}, and its quota is ${routesPerTable}`,
        remedy:
          synced === 0
            ? 'ask AWS for a higher quota, or lead several prefixes by one (a prefix list counts all its entries)'
            : `set routeSync's limit to ${Math.max(0, routesPerTable - count)}, or ask AWS for a higher quota`,
      };
    }
  }
}

/** A pair in one zone must not carry other zones: with its zone, they would be lost. */
function* zones({ groups }: Config, { appliances, tables }: Seen): Generator<Fault> {
  for (const { name, members } of groups) {
    const own = new Set(members.map((member) => appliances[member]?.zone));
    const [zone, ...others] = [...own];
    if (zone === undefined || others.length > 0) continue;
    const served = tables.filter(({ groups: of }) => of.includes(name)).flatMap((table) => table.zones);
    const lost = [...new Set(served)].filter((each) => each !== zone).sort();
    if (lost.length === 0) continue;
    yield {
      rule: 'zones',
      what: `${name}: all members (${members.join(', ')}) are in ${zone}, and subnets in ${lost.join(', ')} depend on them`,
      remedy: `put a member into ${lost[0]}, so that the loss of ${zone} is survived`,
    };
  }
}

function* burstables(config: Config, { appliances }: Seen): Generator<Fault> {
  const intervals = [
    ...config.bfd.map(({ options }) => options.intervalMs),
    ...(config.bgp?.options.neighbors ?? []).flatMap(({ bfd }) => bfd?.intervalMs ?? []),
  ];
  const shortest = Math.min(...intervals);
  if (shortest >= SHORT_BFD_MS) return;
  for (const { name } of config.appliances) {
    const type = appliances[name]?.instanceType;
    if (type === undefined || !isBurstable(type)) continue;
    yield {
      rule: 'burstable-bfd',
      what: `${name}: a ${type} without CPU credits is too late for BFD every ${shortest} ms`,
      remedy: `choose a type that is not burstable, as c7i.large, or a BFD interval of ${SHORT_BFD_MS} ms or more`,
    };
  }
}

/** Whether the members can carry all groups at once without `lost`. */
function isCarriedWithout({ appliances, groups }: Config, lost: string): boolean {
  const room = (name: string): number => appliances.find((one) => one.name === name)?.capacity ?? Infinity;
  const carried = new Map<string, string[]>();
  /** Finds a carrier, if need be by giving its groups to others: a bipartite matching with capacities. */
  const place = (group: Config['groups'][number], tried: Set<string>): boolean => {
    for (const member of group.members) {
      if (member === lost || tried.has(member)) continue;
      tried.add(member);
      const load = carried.get(member) ?? [];
      carried.set(member, load);
      const moved = load.length < room(member) ? undefined : load.findIndex((name) => canMove(name, tried));
      if (moved === -1) continue;
      if (moved !== undefined) load.splice(moved, 1);
      load.push(group.name);
      return true;
    }
    return false;
  };
  const canMove = (name: string, tried: Set<string>): boolean => {
    const group = groups.find((one) => one.name === name);
    return group !== undefined && place(group, tried);
  };
  return groups.every((group) => place(group, new Set()));
}

function* capacities(config: Config): Generator<Fault> {
  if (config.appliances.every(({ capacity }) => capacity === undefined)) return;
  for (const { name } of config.appliances) {
    if (isCarriedWithout(config, name)) continue;
    yield {
      rule: 'capacity',
      what: `without ${name} the other appliances cannot carry all ${config.groups.length} groups`,
      remedy: 'raise `capacity`, or add an appliance to the groups',
    };
  }
}

/** Members of a group in one zone must not share a rack. EC2 User Guide, "Placement groups". */
function* placements({ groups }: Config, { appliances }: Seen): Generator<Fault> {
  const told = new Set<string>();
  for (const { members } of groups) {
    for (const [index, one] of members.entries()) {
      for (const other of members.slice(index + 1)) {
        const [a, b] = [appliances[one], appliances[other]];
        const pair = [one, other].sort().join(' and ');
        if (a?.placement === undefined || b?.placement === undefined || told.has(pair)) continue;
        if (a.zone === undefined || a.zone !== b.zone || isApart(a.placement, b.placement)) continue;
        told.add(pair);
        yield {
          rule: 'spread-placement',
          what: `${pair} are in ${a.zone} and may run on the same rack: they are in no common spread placement group`,
          remedy: 'launch both in one placement group with the strategy spread',
        };
      }
    }
  }
}

const isApart = (a: Placement, b: Placement): boolean =>
  a.kind === 'group' &&
  b.kind === 'group' &&
  a.name === b.name &&
  a.strategy === 'spread' &&
  b.strategy === 'spread';

/** The rules that a design breaks, as far as it is known. */
export const judgeDesign = (config: Config, seen: Seen): readonly Fault[] => [
  ...sourceDestChecks(config, seen),
  ...standbys(seen),
  ...routeQuotas(seen),
  ...zones(config, seen),
  ...burstables(config, seen),
  ...capacities(config),
  ...placements(config, seen),
];
