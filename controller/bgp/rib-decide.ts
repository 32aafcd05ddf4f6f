/**
 * The decision process over the tables: a prefix whose paths changed gets its best path anew, and what
 * changed goes into the queues of the peers and, where somebody tracks it, to the owner. RFC 4271 9.1.
 */
import { formatPrefix } from '../base/ip.ts';
import { markSet, recordOf } from './attribute-sets.ts';
import { areEqual, type Candidate, selectBest } from './best-path.ts';
import { linkBandwidth } from './community.ts';
import type { RouteChange } from './event.ts';
import { formatNextHop } from './policy.ts';
import { lengthOf, type PrefixTable, wordsOf } from './prefix-table.ts';
import { enqueue } from './rib-peer.ts';
import { type FamilyRib, isStale, pathsOf, type Rib } from './rib-state.ts';
import { isTracked } from './tracking.ts';

/** A path as the decision process sees it. */
export function candidateOf(rib: Rib, { paths }: FamilyRib, path: number): Candidate {
  const attributes = recordOf(rib.sets, paths.imported[path] as number);
  const pathId = paths.pathId[path] as number;
  const peer = rib.peers[paths.peer[path] as number];
  if (peer === undefined) return { attributes, pathId };
  const { ibgp, bgpId, address } = peer.facts;
  return { attributes, pathId, peer: { ibgp, bgpId, unfit: peer.unfit, address: address.words } };
}

/** Paths of a prefix that may be best. */
export const eligible = (one: FamilyRib, prefix: number): number[] =>
  pathsOf(one, prefix).filter((path) => (one.paths.imported[path] as number) >= 0);

/** Chooses the best path of a prefix. */
export function decide(rib: Rib, one: FamilyRib, prefix: number): void {
  const { paths } = one;
  const before = one.best[prefix] as number;
  const first = one.head[prefix] as number;
  let best = 0;
  let all: readonly number[] = [];
  if (first !== 0 && paths.next[first - 1] === 0) {
    // Most prefixes have one path.
    if ((paths.imported[first - 1] as number) >= 0) best = first;
  } else if (first !== 0) {
    all = eligible(one, prefix);
    const candidates = all.map((path) => candidateOf(rib, one, path));
    const index = selectBest(candidates, candidates[all.indexOf(before - 1)]);
    best = (all[index] ?? -1) + 1;
  }
  const set = best === 0 ? 0 : (paths.imported[best - 1] as number) + 1;
  if (before !== 0) one.reachable--;
  if (best !== 0) one.reachable++;
  const changed = best !== before || set !== one.bestSet[prefix];
  one.best[prefix] = best;
  if (set > 0) markSet(rib.sets, set - 1);
  one.bestSet[prefix] = set;
  for (const peer of rib.peers) {
    const wantsAll = peer.facts.addPathOut[one.family] > 0;
    if (peer.up && (changed || wantsAll) && peer.facts.families.includes(one.family))
      enqueue(peer.out[one.family], prefix);
  }
  if (rib.track !== 'none' || one.told.size > 0) tell(rib, one, prefix, best - 1, all);
}

/**
 * Tells the owner of a prefix whose next hops are not what they were; one that it does not ask for has none.
 */
function tell(rib: Rib, one: FamilyRib, prefix: number, best: number, all: readonly number[]): void {
  const isWanted = best >= 0 && isTracked(rib.track, one.table, prefix);
  if (!isWanted && !one.told.has(prefix)) return;
  const nextHops = isWanted ? nextHopsOf(rib, one, best, all) : [];
  const key = JSON.stringify(nextHops);
  if ((one.told.get(prefix) ?? '[]') === key) return;
  if (nextHops.length === 0) one.told.delete(prefix);
  else one.told.set(prefix, key);
  const text = prefixText(one.table, prefix);
  rib.changes.set(text, { prefix: text, nextHops });
}

/** The next hops that may carry a prefix together: of the best path and of those equal to it. */
function nextHopsOf(rib: Rib, one: FamilyRib, best: number, all: readonly number[]): RouteChange['nextHops'] {
  const leader = candidateOf(rib, one, best);
  const others = all.filter((path) => path !== best && areEqual(candidateOf(rib, one, path), leader));
  const chosen = [best, ...others.sort((a, b) => a - b)].slice(0, rib.multipath);
  const hops = chosen.flatMap((path) => {
    const peer = rib.peers[one.paths.peer[path] as number];
    if (peer === undefined) return [];
    const { nextHop, extended } = recordOf(rib.sets, one.paths.imported[path] as number);
    const address = formatNextHop(nextHop);
    const bandwidth = linkBandwidth(extended);
    return [{ address, peer: peer.name, bandwidth, stale: isStale(rib, one, path) }];
  });
  const distinct = hops.filter(
    (hop, index) => hops.findIndex(({ address }) => address === hop.address) === index,
  );
  const smallest = Math.min(...distinct.map(({ bandwidth }) => bandwidth ?? 0));
  return distinct
    .map(({ bandwidth, ...hop }) => ({ ...hop, weight: weightOf(bandwidth, smallest) }))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** Weights from 1 to 255 in proportion to link bandwidth, where every path has one. */
const weightOf = (bandwidth: number | undefined, smallest: number): number =>
  bandwidth === undefined || smallest <= 0 ? 1 : Math.min(255, Math.max(1, Math.round(bandwidth / smallest)));

/** The text of a prefix number. */
export const prefixText = (table: PrefixTable, prefix: number): string =>
  formatPrefix({
    address: { family: table.family === 'ipv4' ? 4 : 6, words: wordsOf(table, prefix) },
    length: lengthOf(table, prefix),
  });
