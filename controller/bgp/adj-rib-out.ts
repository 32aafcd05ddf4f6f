/**
 * What peers are sent: prefixes from their queue are compared with what the peer holds, and the difference
 * becomes UPDATEs packed by attribute set. Pulled by whoever can send, so that a slow peer costs nothing. RFC
 * 4271 9.2.
 */
import { encodeRouteRefresh } from '../wire/message.ts';
import { AFI, SAFI_UNICAST } from '../wire/prefix.ts';
import { encodeEndOfRib } from '../wire/update.ts';
import { internRecord, recordOf } from './attribute-sets.ts';
import { selectBest } from './best-path.ts';
import { exportRoute } from './export.ts';
import type { Family } from './options.ts';
import { prefixSignature } from './policy.ts';
import { cached, keep } from './policy-cache.ts';
import { candidateOf, eligible } from './rib-decide.ts';
import { type AdjRibOut, dequeue, effectivePolicy, hasQueue, type RibPeer } from './rib-peer.ts';
import type { FamilyRib, Rib } from './rib-state.ts';
import {
  append,
  createOutbox,
  fits,
  type Numbers,
  writeAnnouncements,
  writeWithdrawals,
} from './update-writer.ts';

/** Prefixes that one pull looks at, and attribute sets that it announces. */
const PORTION = 2048;
const SETS = 64;
const NOTHING = -1;

/** Has all prefixes looked at for a peer: what it is to be told of them, or not any more, is seen then. */
export function enqueueAll(rib: Rib, peer: RibPeer, family: Family): void {
  const out = peer.out[family];
  out.lookAt = 0;
  out.lookEnd = rib.families[family].table.used;
}

/** Has a peer sent everything again, also what it holds. RFC 2918 4. */
export function refreshOut(rib: Rib, peer: RibPeer, family: Family, enhanced: boolean): void {
  const out = peer.out[family];
  for (let prefix = 0; prefix < out.sent.length; prefix++) if (out.sent[prefix] !== 0) out.sent[prefix] = -1;
  for (const held of out.sentPaths.values()) for (const pathId of held.keys()) held.set(pathId, -1);
  enqueueAll(rib, peer, family);
  out.owesRefreshEnd = enhanced;
}

export const hasUpdates = (rib: Rib, peer: RibPeer): boolean =>
  peer.up &&
  !rib.isDeferred &&
  peer.facts.families.some((family) => {
    const out = peer.out[family];
    return hasQueue(out) || out.owesEndOfRib || out.owesRefreshEnd;
  });

/** The next whole messages for a peer, about `maxBytes` of them; absent where there are none. */
export function nextUpdates(rib: Rib, peer: RibPeer, maxBytes: number): Uint8Array | undefined {
  if (!hasUpdates(rib, peer)) return undefined;
  outbox.end = 0;
  for (const family of peer.facts.families) {
    const out = peer.out[family];
    while (outbox.end < maxBytes && hasQueue(out)) {
      portion(rib, peer, rib.families[family], out);
      // Nothing came of it: others have their turn before the next look.
      if (outbox.end === 0) return new Uint8Array(0);
    }
    if (hasQueue(out)) break;
    if (out.owesEndOfRib) append(outbox, encodeEndOfRib(family));
    if (out.owesRefreshEnd) append(outbox, encodeRouteRefresh(AFI[family], SAFI_UNICAST, 'end'));
    out.owesEndOfRib = false;
    out.owesRefreshEnd = false;
  }
  return outbox.bytes.slice(0, outbox.end);
}

/** What is written here is copied from here. */
const outbox = createOutbox();

/** Prefix numbers with path identifiers (0 without add-path), linked to groups: `next` is -1 at an end. */
interface Entries {
  readonly prefixes: number[];
  readonly pathIds: number[];
  readonly next: number[];
}

/** What changed of a portion of the queue; announced are groups of one attribute set each. */
interface Difference {
  readonly entries: Entries;
  readonly withdrawn: Group;
  readonly announced: Group[];
  readonly bySet: Map<number, Group>;
}

/** Entries of one set, or those that are withdrawn: from `first` on, -1 where there are none. */
interface Group {
  readonly set: number;
  first: number;
  last: number;
}

const newGroup = (set: number): Group => ({ set, first: -1, last: -1 });

function addTo({ prefixes, pathIds, next }: Entries, group: Group, prefix: number, pathId: number): void {
  const at = prefixes.push(prefix) - 1;
  pathIds.push(pathId);
  next.push(-1);
  if (group.first < 0) group.first = at;
  else next[group.last] = at;
  group.last = at;
}

function announce(
  { entries, announced, bySet }: Difference,
  set: number,
  prefix: number,
  pathId: number,
): void {
  const last = announced[announced.length - 1];
  let group = last?.set === set ? last : bySet.get(set);
  if (group === undefined) {
    group = newGroup(set);
    announced.push(group);
    bySet.set(set, group);
  }
  addTo(entries, group, prefix, pathId);
}

/** Goes through a group. */
function numbersOf({ prefixes, pathIds, next }: Entries, group: Group): Numbers {
  let at = group.first;
  const numbers: Numbers = {
    pathId: 0,
    next() {
      if (at < 0) return -1;
      const prefix = prefixes[at] as number;
      numbers.pathId = pathIds[at] as number;
      at = next[at] as number;
      return prefix;
    },
  };
  return numbers;
}

function portion(rib: Rib, peer: RibPeer, one: FamilyRib, out: AdjRibOut): void {
  const withPaths = peer.facts.addPathOut[one.family] > 0;
  const entries: Entries = { prefixes: [], pathIds: [], next: [] };
  const withdrawn = newGroup(NOTHING);
  const difference: Difference = { entries, withdrawn, announced: [], bySet: new Map() };
  for (let count = 0; count < PORTION && difference.announced.length < SETS; count++) {
    const prefix = dequeue(out);
    if (prefix < 0) break;
    if (withPaths) comparePaths(rib, peer, one, out, prefix, difference);
    else compareBest(rib, peer, one, out, prefix, difference);
  }
  const addressee = { rib, peer, one, withPaths };
  writeWithdrawals(outbox, addressee, numbersOf(entries, withdrawn));
  for (const group of difference.announced)
    writeAnnouncements(outbox, addressee, group.set, numbersOf(entries, group));
}

function compareBest(
  rib: Rib,
  peer: RibPeer,
  one: FamilyRib,
  out: AdjRibOut,
  prefix: number,
  difference: Difference,
): void {
  if (prefix >= out.sent.length) {
    const wider = new Int32Array(one.table.lengths.length);
    wider.set(out.sent);
    out.sent = wider;
  }
  const best = one.best[prefix] as number;
  const set = best === 0 ? NOTHING : exportedSet(rib, peer, one, prefix, best - 1);
  const held = out.sent[prefix] as number;
  if (held === set + 1) return;
  out.sent[prefix] = set + 1;
  if (set === NOTHING) {
    out.count--;
    addTo(difference.entries, difference.withdrawn, prefix, 0);
    return;
  }
  if (held === 0) out.count++;
  announce(difference, set, prefix, 0);
}

/** With add-path: the best paths up to the limit, each under its own number as identifier. RFC 7911 3. */
function comparePaths(
  rib: Rib,
  peer: RibPeer,
  one: FamilyRib,
  out: AdjRibOut,
  prefix: number,
  difference: Difference,
): void {
  const wanted = new Map<number, number>();
  let rest = eligible(one, prefix);
  while (rest.length > 0 && wanted.size < peer.facts.addPathOut[one.family]) {
    const best = rest[selectBest(rest.map((path) => candidateOf(rib, one, path)))];
    if (best === undefined) break;
    const set = exportedSet(rib, peer, one, prefix, best);
    if (set !== NOTHING) wanted.set(best + 1, set);
    rest = rest.filter((path) => path !== best);
  }
  const held = out.sentPaths.get(prefix) ?? new Map<number, number>();
  for (const pathId of held.keys()) {
    if (wanted.has(pathId)) continue;
    addTo(difference.entries, difference.withdrawn, prefix, pathId);
    out.count--;
  }
  for (const [pathId, set] of wanted) {
    if (held.get(pathId) === set) continue;
    if (!held.has(pathId)) out.count++;
    announce(difference, set, prefix, pathId);
  }
  if (wanted.size === 0) out.sentPaths.delete(prefix);
  else out.sentPaths.set(prefix, wanted);
}

/** The set that the peer is to hold for a path, or `NOTHING`. */
function exportedSet(rib: Rib, peer: RibPeer, one: FamilyRib, prefix: number, path: number): number {
  const { paths } = one;
  const imported = paths.imported[path] as number;
  const source = paths.peer[path] as number;
  const policy = effectivePolicy(peer.policy.exportPolicy, peer.facts);
  const signature = policy === undefined ? 0 : prefixSignature(policy, one.table, prefix);
  const way = (source + 1) * 2 + (one.family === 'ipv4' ? 0 : 1);
  const kept = cached(peer.exports, imported, signature, way);
  if (kept !== undefined) return kept;
  const from = rib.peers[source];
  const attributes = recordOf(rib.sets, imported);
  const exported = exportRoute(attributes, one.family, from, peer, rib.drain, signature);
  const wanted = exported === undefined ? NOTHING : internRecord(rib.sets, exported, false);
  const set = wanted !== NOTHING && fits(rib, peer, one.family, wanted) ? wanted : NOTHING;
  keep(peer.exports, imported, signature, way, set);
  return set;
}
