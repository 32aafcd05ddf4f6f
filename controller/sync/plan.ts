/**
 * What a route table should hold of ours: the wanted prefixes whose next hop has an ENI there, as they are or
 * aggregated, within the limit; and why others are left out. Pure, and in portions.
 */
import { formatPrefix, type Prefix, parsePrefix, prefix } from '../base/ip.ts';
import { isChosen } from '../base/prefix-range.ts';
import { ROUTES_PER_TABLE, type SyncConfig } from '../config.ts';
import type { ObservedRoute, ObservedRouteTable } from '../ec2/call.ts';
import { type Announced, aggregation, type Planned } from './aggregate.ts';
import type { Targets } from './hops.ts';
import { isPortion, type Portions } from './portions.ts';
import { isWithin } from './trie.ts';
import { FAMILIES, type IpVersion, type Want, type Wanted } from './wanted.ts';

/** An aggregated table is taken apart again when the plain one would fill less of the limit. */
const PLAIN_AGAIN = 0.8;
/** Destinations that AWS keeps for itself. Route tables page, "Considerations". */
const RESERVED = ['169.254.168.0/22', 'fd00:ec2::/32'].map(prefix);

export interface Plan {
  /** ENIs by destination. */
  readonly routes: Readonly<Record<string, string>>;
  /** By IP version. */
  readonly aggregated: Readonly<Record<IpVersion, boolean>>;
  readonly limit: Readonly<Record<IpVersion, number>>;
  /** Wanted prefixes that a route of somebody else occupies. */
  readonly foreign: readonly string[];
  /** Prefixes that EC2 would refuse, and why. */
  readonly refused: Readonly<Record<string, string>>;
  /** Prefixes whose next hop has no ENI. */
  readonly unresolved: readonly string[];
  /** Whether something is still looked up that the plan needs: nothing is deleted by it. */
  readonly isPending: boolean;
  /** Whether a wanted prefix lies within the VPC, so that the plan needs to know its subnets. */
  readonly isInside: boolean;
  /** What the limit leaves no room for, as planned: how many, and the first of them. */
  readonly leftOut: { readonly count: number; readonly first: readonly string[] };
  /** ENIs that a path of a neighbor that is there leads to. */
  readonly alive: readonly string[];
  /** How many prefixes are wanted. */
  readonly wanted: number;
}

/** All that a plan depends on, as plain data: a plan in the making stands in the journal by it. */
export interface PlanOptions {
  readonly config: SyncConfig;
  readonly wanted: Wanted;
  readonly table: ObservedRouteTable;
  /** ENIs of our routes, by destination. */
  readonly ours: Readonly<Record<string, string>>;
  /** Destinations that are left to others, whoever made them. */
  readonly yielded: readonly string[];
  /** ENIs that our routes lead to, by destination, once all that was sent is done. */
  readonly installed: Readonly<Record<string, string>>;
  readonly targets: Targets;
  /** Neighbors whose session is down. */
  readonly lost: readonly string[];
  /** Blocks of the subnets of the VPC; absent until they are known. */
  readonly subnets?: readonly string[];
  /** The versions that the plan before has aggregated. */
  readonly aggregated: Plan['aggregated'];
}

/** What a plan was made for, in short. */
export interface PlanBasis {
  /** Of the look that showed the table. */
  readonly request: number;
  /** Counts changes of what neighbors announce. */
  readonly version: number;
  /** What next hops lead to and what is left to others, and the routes of others, as texts to compare. */
  readonly around: string;
  readonly others: string;
}

/** A plan in the making, as plain data. */
export interface PlanJob {
  readonly options: PlanOptions;
  readonly basis: PlanBasis;
  /** Portions that are done. */
  readonly done: number;
}

/** Whether a route is ours: we made it, or may take it over. Propagated and local ones never are. */
export const isOurs = (
  { destination, target, propagated }: ObservedRoute,
  ours: Readonly<Record<string, string>>,
  { adopt }: SyncConfig,
): boolean =>
  propagated === undefined &&
  target !== 'local' &&
  (ours[destination] !== undefined || (adopt.length > 0 && isChosen(adopt, destination)));

interface Parts {
  readonly routes: Record<string, string>;
  readonly foreign: string[];
  readonly refused: Record<string, string>;
  readonly unresolved: string[];
  readonly pending: string[];
  readonly leftOut: Planned[];
  isInside: boolean;
}

/** Routes of a table that are not ours to change. */
export const othersOf = ({
  config,
  table,
  ours,
  yielded,
}: Pick<PlanOptions, 'config' | 'table' | 'ours' | 'yielded'>): readonly ObservedRoute[] =>
  table.routes.filter((route) => !isOurs(route, ours, config) || yielded.includes(route.destination));

/** The plan for a table. */
export function* planTable(options: PlanOptions): Portions<Plan> {
  const { wanted, config, ours, yielded } = options;
  const others = othersOf(options);
  const occupied = new Set([...others.map(({ destination }) => destination), ...yielded]);
  const parts: Parts = {
    routes: {},
    foreign: [],
    refused: {},
    unresolved: [],
    pending: [],
    leftOut: [],
    isInside: false,
  };
  const installed = Object.entries(options.installed).flatMap(([text, target]) =>
    occupied.has(text) ? [] : prefixOf(text).map((at): Announced => ({ prefix: text, at, target })),
  );
  const aggregated = { 4: false, 6: false };
  const limit = { 4: 0, 6: 0 };
  for (const family of FAMILIES) {
    const isFamily = (destination: string): boolean => destination.includes(':') === (family === 6);
    const held = others.filter(
      ({ destination, target, propagated }) =>
        isFamily(destination) && target !== 'local' && propagated === undefined,
    );
    limit[family] = config.limit ?? Math.max(0, ROUTES_PER_TABLE - held.length);
    const locals = others.flatMap(({ destination, target }) =>
      target === 'local' && isFamily(destination) ? prefixOf(destination) : [],
    );
    const { free, pinned } = yield* sort(options, family, occupied, locals, parts);
    const count = free.length + pinned.length;
    const most = options.aggregated[family] ? PLAIN_AGAIN * limit[family] : limit[family];
    aggregated[family] = config.aggregate === 'always' || (config.aggregate === 'auto' && count > most);
    const barriers = [...[...occupied].filter(isFamily).flatMap(prefixOf), ...RESERVED.filter(isOf(family))];
    const planned = aggregated[family]
      ? yield* aggregation({
          announced: free,
          barriers,
          installed: installed.filter(({ at }) => isOf(family)(at)),
          limit: limit[family] - pinned.length,
        })
      : free.map(plainOf);
    cut([...pinned.map(plainOf), ...planned], limit[family], ours, parts);
  }
  const { routes, foreign, refused, unresolved, leftOut } = parts;
  return {
    routes,
    aggregated,
    limit,
    foreign,
    refused,
    unresolved,
    isPending: parts.pending.length > 0,
    isInside: parts.isInside,
    leftOut: { count: leftOut.length, first: leftOut.slice(0, 5).map((one) => one.prefix) },
    alive: aliveOf(options),
    wanted: wanted[4].length + wanted[6].length,
  };
}

function aliveOf({ wanted, targets, lost }: PlanOptions): readonly string[] {
  const hops = new Set<string>();
  for (const family of FAMILIES)
    for (const { hop, peer, goneAt } of wanted[family])
      if (goneAt === undefined && !lost.includes(peer)) hops.add(hop);
  return [...new Set([...hops].flatMap((hop) => targets[hop] ?? []))];
}

const isOf =
  (family: IpVersion) =>
  ({ address }: Prefix): boolean =>
    address.family === family;

const plainOf = ({ prefix: text, at, target }: Announced): Planned => ({
  prefix: text,
  length: at.length,
  target,
});

function prefixOf(text: string): readonly Prefix[] {
  const parsed = parsePrefix(text);
  return parsed.ok ? [parsed.value] : [];
}

/** While the ENI of a next hop is looked up, a prefix keeps the way that it had. */
function targetOf({ hop, was }: Want, targets: Targets): string | undefined {
  const target = targets[hop];
  return target === 'soon' && was !== undefined ? (targets[was] ?? 'soon') : target;
}

/** Wanted prefixes that may be written: those inside the VPC as they are, all others as one likes. */
function* sort(
  { wanted, targets, subnets }: PlanOptions,
  family: IpVersion,
  occupied: ReadonlySet<string>,
  locals: readonly Prefix[],
  parts: Parts,
): Portions<{ readonly free: readonly Announced[]; readonly pinned: readonly Announced[] }> {
  const free: Announced[] = [];
  const pinned: Announced[] = [];
  const reserved = RESERVED.filter(isOf(family));
  let count = 0;
  for (const want of wanted[family]) {
    if (isPortion(++count)) yield;
    const { prefix: text, at } = want;
    if (reserved.some((one) => isWithin(one, at))) {
      parts.refused[text] = 'AWS keeps these addresses for itself';
      continue;
    }
    const local = locals.find((one) => isWithin(one, at));
    parts.isInside ||= local !== undefined;
    if (local !== undefined && subnets === undefined) {
      parts.pending.push(text);
      continue;
    }
    if (local !== undefined && subnets?.includes(text) !== true) {
      parts.refused[text] =
        `it lies within the VPC's ${formatPrefix(local)} and is not the whole block of a subnet`;
      continue;
    }
    if (occupied.has(text)) {
      parts.foreign.push(text);
      continue;
    }
    const target = targetOf(want, targets);
    if (target === undefined) parts.unresolved.push(text);
    else if (target === 'soon') parts.pending.push(text);
    else (local === undefined ? free : pinned).push({ prefix: text, at, target });
  }
  return { free, pinned };
}

/** Plans as many as there is room for: shorter prefixes first, of one length those that are there. */
function cut(
  planned: readonly Planned[],
  limit: number,
  ours: Readonly<Record<string, string>>,
  { routes, leftOut }: Parts,
): void {
  const isIn = (one: Planned): number => (ours[one.prefix] === undefined ? 1 : 0);
  const sorted =
    planned.length <= limit ? planned : [...planned].sort((a, b) => a.length - b.length || isIn(a) - isIn(b));
  sorted.forEach((one, index) => {
    if (index < limit) routes[one.prefix] = one.target;
    else leftOut.push(one);
  });
}
