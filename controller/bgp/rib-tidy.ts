/**
 * Gives back attribute sets and prefix numbers that nothing refers to; seldom, when many have come to be, and
 * a portion at a time. What is referred to while that goes on is marked by whoever does it (`markSet`).
 */
import { beginMarking, endMarking, freeUnmarked, markSet } from './attribute-sets.ts';
import type { Family } from './options.ts';
import { clearCache } from './policy-cache.ts';
import { releasePrefix } from './prefix-table.ts';
import { FAMILIES, type FamilyRib, LEAST_COLLECTED, type Rib } from './rib-state.ts';

/** Numbers that one portion looks at: less than a millisecond. */
const PORTION = 16_384;

/** Does a portion, where there is something to do; says whether more is left. */
export function tidy(rib: Rib, portion = PORTION): boolean {
  if (rib.tidying === undefined) {
    if (rib.sets.live < rib.collectAbove) return false;
    rib.tidying = portions(rib, portion);
  }
  if (rib.tidying.next().done !== true) return true;
  delete rib.tidying;
  rib.collectAbove = Math.max(LEAST_COLLECTED, rib.sets.live * 2);
  return false;
}

const isOver = (count: number, portion: number): boolean => count % portion === portion - 1;

function* portions(rib: Rib, portion: number): Generator<void, void, void> {
  clearCaches(rib);
  beginMarking(rib.sets);
  for (const family of FAMILIES) yield* markUsed(rib, rib.families[family], portion);
  for (const family of FAMILIES) yield* markSent(rib, family, portion);
  yield* sweep(rib, portion);
  endMarking(rib.sets);
  for (const family of FAMILIES) yield* releaseUnused(rib, rib.families[family], portion);
}

function clearCaches(rib: Rib): void {
  for (const { imports, exports } of rib.peers) {
    clearCache(imports);
    clearCache(exports);
  }
}

function* markUsed({ sets }: Rib, one: FamilyRib, portion: number): Generator<void, void, void> {
  const { paths } = one;
  for (let path = 0; path < paths.used; path++) {
    if (isOver(path, portion)) yield;
    if (paths.prefix[path] === -1) continue;
    markSet(sets, paths.raw[path] as number);
    const imported = paths.imported[path] as number;
    if (imported >= 0) markSet(sets, imported);
  }
  for (let prefix = 0; prefix < one.table.used; prefix++) {
    if (isOver(prefix, portion)) yield;
    const set = one.bestSet[prefix] as number;
    if (set > 0) markSet(sets, set - 1);
  }
}

function* markSent({ peers, sets }: Rib, family: Family, portion: number): Generator<void, void, void> {
  for (const peer of peers) {
    for (let prefix = 0; prefix < peer.out[family].sent.length; prefix++) {
      if (isOver(prefix, portion)) yield;
      const set = peer.out[family].sent[prefix] as number;
      if (set > 0) markSet(sets, set - 1);
    }
    let count = 0;
    for (const held of peer.out[family].sentPaths.values()) {
      for (const set of held.values()) if (set >= 0) markSet(sets, set);
      if (isOver(count++, portion)) yield;
    }
  }
}

function* sweep(rib: Rib, portion: number): Generator<void, void, void> {
  let hasFreed = false;
  for (let id = 0; id < rib.sets.used; id++) {
    if (freeUnmarked(rib.sets, id)) hasFreed = true;
    if (!isOver(id, portion)) continue;
    // A number may be given out again before the next portion.
    if (hasFreed) clearCaches(rib);
    hasFreed = false;
    yield;
  }
  if (hasFreed) clearCaches(rib);
}

function* releaseUnused({ peers }: Rib, one: FamilyRib, portion: number): Generator<void, void, void> {
  for (let prefix = 0; prefix < one.table.used; prefix++) {
    if (isOver(prefix, portion)) yield;
    const isUsed = one.head[prefix] !== 0 || one.best[prefix] !== 0 || one.isDirty[prefix] !== 0;
    if (isUsed || one.table.lengths[prefix] === 0) continue;
    const isHeld = peers.some(({ out }) => {
      const { sent, queued, sentPaths } = out[one.family];
      return (sent[prefix] ?? 0) !== 0 || queued[prefix] === 1 || sentPaths.has(prefix);
    });
    if (!isHeld) releasePrefix(one.table, prefix);
  }
}
