/**
 * The RIB as people see it: routes of its three tables a page at a time, and all paths of a prefix with the
 * reason why one of them won. It changes nothing.
 */
import { covers, type Prefix, parsePrefix } from '../base/ip.ts';
import { ORIGIN_NAMES, type PathAttributes } from '../wire/attribute.ts';
import { recordOf } from './attribute-sets.ts';
import { compare, localPref } from './best-path.ts';
import { formatCommunity, formatExtended, formatLarge } from './community.ts';
import { REFUSALS } from './import.ts';
import type { Family } from './options.ts';
import { formatNextHop } from './policy.ts';
import { findPrefix, lengthOf, wordsOf } from './prefix-table.ts';
import { candidateOf, prefixText } from './rib-decide.ts';
import type { RibPeer } from './rib-peer.ts';
import { type FamilyRib, isStale, pathsOf, type Rib } from './rib-state.ts';

export interface RouteView {
  readonly prefix: string;
  /** Name of the peer, or `local`. */
  readonly peer: string;
  readonly pathId?: number;
  readonly nextHop: string;
  /** `65001 65002 {65003 65004}`. */
  readonly asPath: string;
  readonly origin: (typeof ORIGIN_NAMES)[number];
  readonly localPref: number;
  readonly med?: number;
  readonly communities: readonly string[];
  readonly best: boolean;
  readonly stale: boolean;
  /** Why it is not used at all. */
  readonly refused?: string;
}

/** The path as text: sets in braces, confederations in parentheses. */
const formatPath = ({ asPath }: PathAttributes): string =>
  asPath
    .map(({ type, as }) => {
      const text = as.join(' ');
      if (type === 'set') return `{${text}}`;
      return type === 'sequence' ? text : `(${text})`;
    })
    .join(' ');

const communitiesOf = ({ communities, large, extended }: PathAttributes): readonly string[] => [
  ...communities.map(formatCommunity),
  ...large.map(formatLarge),
  ...extended.map(formatExtended),
];

function view(prefix: string, peer: string, attributes: PathAttributes): Omit<RouteView, 'best' | 'stale'> {
  return {
    prefix,
    peer,
    nextHop: formatNextHop(attributes.nextHop),
    asPath: formatPath(attributes),
    origin: ORIGIN_NAMES[attributes.origin],
    localPref: localPref(attributes),
    ...(attributes.med === undefined ? {} : { med: attributes.med }),
    communities: communitiesOf(attributes),
  };
}

/** One path of the Adj-RIB-In: as received where it is refused, as policy left it where it is not. */
function pathView(rib: Rib, one: FamilyRib, path: number): RouteView {
  const { paths, table, best } = one;
  const prefix = paths.prefix[path] as number;
  const imported = paths.imported[path] as number;
  const set = imported >= 0 ? imported : (paths.raw[path] as number);
  const peer = rib.peers[paths.peer[path] as number];
  const pathId = paths.pathId[path] as number;
  return {
    ...view(prefixText(table, prefix), peer?.name ?? 'local', recordOf(rib.sets, set)),
    ...(pathId === 0 ? {} : { pathId }),
    best: best[prefix] === path + 1,
    stale: isStale(rib, one, path),
    ...(imported >= 0 ? {} : { refused: REFUSALS[-1 - imported] ?? 'unknown' }),
  };
}

export interface RouteQuery {
  readonly table: 'loc' | 'in' | 'out';
  readonly family: Family;
  /** With `in` and `out`. */
  readonly peer?: string;
  /** Only prefixes within this one. */
  readonly under?: string;
  /** Where the page before ended. */
  readonly after?: number;
  /** Prefix numbers that one page looks at, at most. */
  readonly scan: number;
}

export interface RoutePage {
  readonly routes: readonly RouteView[];
  /** Where the next page begins; absent where this was the last. */
  readonly after?: number;
}

/** A page of routes. `peer` must be a name that the RIB knows, or the page is empty. */
export function listRoutes(rib: Rib, query: RouteQuery): RoutePage {
  const one = rib.families[query.family];
  const peer = rib.peers.find(({ name }) => name === query.peer);
  const under = query.under === undefined ? undefined : parsePrefix(query.under);
  const first = query.after ?? 0;
  const last = Math.min(one.table.used, first + query.scan);
  const routes: RouteView[] = [];
  for (let prefix = first; prefix < last; prefix++) {
    if (one.table.lengths[prefix] === 0) continue;
    if (under !== undefined && !(under.ok && covers(under.value, prefixOf(one, prefix)))) continue;
    routes.push(...routesAt(rib, one, prefix, query.table, peer));
  }
  return { routes, ...(last < one.table.used ? { after: last } : {}) };
}

const prefixOf = ({ table, family }: FamilyRib, prefix: number): Prefix => ({
  address: { family: family === 'ipv4' ? 4 : 6, words: wordsOf(table, prefix) },
  length: lengthOf(table, prefix),
});

function routesAt(
  rib: Rib,
  one: FamilyRib,
  prefix: number,
  table: RouteQuery['table'],
  peer: RibPeer | undefined,
): readonly RouteView[] {
  if (table === 'loc') {
    const best = one.best[prefix] as number;
    return best === 0 ? [] : [pathView(rib, one, best - 1)];
  }
  if (peer === undefined) return [];
  if (table === 'in')
    return pathsOf(one, prefix)
      .filter((path) => one.paths.peer[path] === peer.index)
      .map((path) => pathView(rib, one, path));
  const out = peer.out[one.family];
  const sets = [...(out.sentPaths.get(prefix)?.values() ?? []), (out.sent[prefix] ?? 0) - 1].filter(
    (set) => set >= 0,
  );
  const text = prefixText(one.table, prefix);
  return sets.map((set) => ({ ...view(text, peer.name, recordOf(rib.sets, set)), best: true, stale: false }));
}

export interface Explanation {
  readonly prefix: string;
  /** The best first. */
  readonly paths: readonly (RouteView & {
    /** Why it won, or by which step it lost against the best. */
    readonly reason: string;
  })[];
  /** Who is sent the prefix. */
  readonly sentTo: readonly string[];
}

/** All paths of a prefix and why one of them won; absent where the RIB does not know the prefix. */
export function explain(rib: Rib, text: string): Explanation | undefined {
  const parsed = parsePrefix(text, 'clear');
  if (!parsed.ok) return undefined;
  const { address, length } = parsed.value;
  const one = rib.families[address.family === 4 ? 'ipv4' : 'ipv6'];
  const [w0, w1, w2, w3] = address.words;
  const prefix = findPrefix(one.table, length, w0, w1, w2, w3);
  if (prefix < 0) return undefined;
  const best = (one.best[prefix] as number) - 1;
  const paths = pathsOf(one, prefix).map((path) => ({
    ...pathView(rib, one, path),
    reason: reasonFor(rib, one, path, best),
  }));
  const sentTo = rib.peers
    .filter(({ out }) => (out[one.family].sent[prefix] ?? 0) > 0 || out[one.family].sentPaths.has(prefix))
    .map(({ name }) => name);
  return {
    prefix: prefixText(one.table, prefix),
    paths: paths.sort((a, b) => Number(b.best) - Number(a.best)),
    sentTo,
  };
}

function reasonFor(rib: Rib, one: FamilyRib, path: number, best: number): string {
  const imported = one.paths.imported[path] as number;
  if (imported < 0) return REFUSALS[-1 - imported] ?? 'refused';
  const rivals = pathsOf(one, one.paths.prefix[path] as number).filter(
    (other) => other !== path && (one.paths.imported[other] as number) >= 0,
  );
  if (path !== best) return `loses by ${stepBetween(rib, one, best, path)}`;
  if (rivals.length === 0) return 'the only path';
  const steps = new Set(rivals.map((other) => stepBetween(rib, one, path, other)));
  return `wins by ${[...steps].join(', ')}`;
}

const stepBetween = (rib: Rib, one: FamilyRib, best: number, other: number): string => {
  const leader = candidateOf(rib, one, best);
  return compare(leader, candidateOf(rib, one, other), leader).step;
};
