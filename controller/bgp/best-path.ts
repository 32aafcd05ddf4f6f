/**
 * The decision process: which of two paths to a prefix is better, and by which step. RFC 4271 9.1.2.2 with
 * RFC 4456 9, RFC 5004 and RFC 9494 4.5. All next hops on the subnet count as equally near, so that step e
 * never decides. Ours is one step: a neighbor that does not forward is the last choice, and better than none.
 */
import { COMMUNITY, firstAs, type PathAttributes, pathLength } from '../wire/attribute.ts';

/** A path as the decision process sees it. */
export interface Candidate {
  readonly attributes: PathAttributes;
  /** Absent: originated here. */
  readonly peer?: {
    readonly ibgp: boolean;
    readonly bgpId: number;
    /** Its owner knows that it does not forward. */
    readonly unfit?: boolean;
    /** Words of its address, for the last step. */
    readonly address: readonly [number, number, number, number];
  };
  readonly pathId: number;
}

/** The step that told two paths apart, in the order of the process. */
const STEPS = [
  'originated here',
  'neighbor forwards',
  'not LLGR stale',
  'LOCAL_PREF',
  'AS_PATH length',
  'ORIGIN',
  'MULTI_EXIT_DISC',
  'eBGP over iBGP',
  'oldest eBGP path',
  'router identifier',
  'CLUSTER_LIST length',
  'peer address',
  'path identifier',
] as const;
export type Step = (typeof STEPS)[number];

/** Below this step two paths are as good as each other, and may be used together. */
const EQUAL_FROM = STEPS.indexOf('oldest eBGP path');

const DEFAULT_LOCAL_PREF = 100;

/** LOCAL_PREF of a path; 100 where it has none. */
export const localPref = ({ localPref: given }: PathAttributes): number => given ?? DEFAULT_LOCAL_PREF;

/**
 * What sorts the better of two paths first, by each step before the last four; 0 where they are equal.
 * Smaller is better. MED counts between paths of one neighboring AS alone, and a missing one is 0. RFC 4271
 * 9.1.2.2 c.
 */
function compareAt(step: number, a: Candidate, b: Candidate, current: Candidate | undefined): number {
  const [x, y] = [a.attributes, b.attributes];
  switch (STEPS[step]) {
    case 'originated here':
      return rank(a.peer !== undefined) - rank(b.peer !== undefined);
    case 'neighbor forwards':
      return rank(a.peer?.unfit === true) - rank(b.peer?.unfit === true);
    case 'not LLGR stale':
      return rank(isLlgrStale(x)) - rank(isLlgrStale(y));
    case 'LOCAL_PREF':
      return localPref(y) - localPref(x);
    case 'AS_PATH length':
      return pathLength(x.asPath) - pathLength(y.asPath);
    case 'ORIGIN':
      return x.origin - y.origin;
    case 'MULTI_EXIT_DISC':
      return firstAs(x.asPath) === firstAs(y.asPath) ? (x.med ?? 0) - (y.med ?? 0) : 0;
    case 'eBGP over iBGP':
      return rank(a.peer?.ibgp === true) - rank(b.peer?.ibgp === true);
    case 'oldest eBGP path':
      return oldest(a, b, current);
    case 'router identifier':
      return (x.originatorId ?? a.peer?.bgpId ?? 0) - (y.originatorId ?? b.peer?.bgpId ?? 0);
    case 'CLUSTER_LIST length':
      return x.clusterList.length - y.clusterList.length;
    case 'peer address':
      return compareWords(a.peer?.address ?? NO_ADDRESS, b.peer?.address ?? NO_ADDRESS);
    default:
      return a.pathId - b.pathId;
  }
}

const NO_ADDRESS = [0, 0, 0, 0] as const;
const rank = (worse: boolean): number => (worse ? 1 : 0);

const isLlgrStale = ({ communities }: PathAttributes): boolean => communities.includes(COMMUNITY.llgrStale);

/**
 * RFC 5004 2: between eBGP paths from different routers the one that is best already stays, so that routes do
 * not change for nothing.
 */
function oldest(a: Candidate, b: Candidate, current: Candidate | undefined): number {
  const isExternal = a.peer?.ibgp === false && b.peer?.ibgp === false;
  if (!isExternal || a.peer?.bgpId === b.peer?.bgpId) return 0;
  return rank(a !== current) - rank(b !== current);
}

function compareWords(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < 4; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export interface Comparison {
  /** Negative: the first is better. */
  readonly order: number;
  readonly step: Step;
}

/** Which path is better, and by which step. `current` is the one that is best now. */
export function compare(a: Candidate, b: Candidate, current?: Candidate): Comparison {
  for (let step = 0; step < STEPS.length; step++) {
    const order = compareAt(step, a, b, current);
    if (order !== 0) return { order, step: STEPS[step] ?? 'path identifier' };
  }
  return { order: 0, step: 'path identifier' };
}

/** Whether two paths differ only by what breaks ties: they may carry traffic together. */
export function areEqual(a: Candidate, b: Candidate): boolean {
  for (let step = 0; step < EQUAL_FROM; step++) {
    if (compareAt(step, a, b, undefined) !== 0) return false;
  }
  return true;
}

/**
 * The best of some paths, as an index. MED does not order paths as a whole, so that the group of each
 * neighboring AS finds its own best first: the outcome does not depend on the order of arrival.
 */
export function selectBest(candidates: readonly Candidate[], current?: Candidate): number {
  if (candidates.length < 2) return candidates.length - 1;
  const byNeighbor = new Map<number | undefined, number>();
  candidates.forEach((candidate, index) => {
    const neighbor = firstAs(candidate.attributes.asPath);
    const leader = candidates[byNeighbor.get(neighbor) ?? -1];
    if (leader === undefined || compare(candidate, leader, current).order < 0)
      byNeighbor.set(neighbor, index);
  });
  let best = -1;
  for (const index of byNeighbor.values()) {
    const [one, leader] = [candidates[index], candidates[best]];
    if (leader === undefined || (one !== undefined && compare(one, leader, current).order < 0)) best = index;
  }
  return best;
}
