/**
 * What peers are sent: prefixes from their queue are compared with what the peer holds, and the difference
 * becomes UPDATEs packed by attribute set. Pulled by whoever can send, so that a slow peer costs nothing. RFC
 * 4271 9.2.
 */
import type { NextHop } from '../wire/attribute.ts';
import { encodeRouteRefresh } from '../wire/message.ts';
import { AFI, maxPrefixSize, SAFI_UNICAST, writePrefix } from '../wire/prefix.ts';
import { encodeEndOfRib, mpReachHead, mpUnreachHead, updateMessage } from '../wire/update.ts';
import { writeAttributes } from '../wire/write-attributes.ts';
import { encodedOf, internRecord, recordOf } from './attribute-sets.ts';
import { selectBest } from './best-path.ts';
import { exportRoute } from './export.ts';
import type { Family } from './options.ts';
import { prefixSignature } from './policy.ts';
import { lengthOf, wordOf } from './prefix-table.ts';
import { candidateOf, eligible } from './rib-decide.ts';
import { type AdjRibOut, cacheFor, dequeue, effectivePolicy, enqueue, type RibPeer } from './rib-peer.ts';
import type { FamilyRib, Rib } from './rib-state.ts';

/** Prefixes that one pull looks at. */
const PORTION = 2048;
const NOTHING = -1;

/** Puts all prefixes that have, or had for this peer, a path into its queue. */
export function enqueueAll(rib: Rib, peer: RibPeer, family: Family): void {
  const { best, table } = rib.families[family];
  const out = peer.out[family];
  for (let prefix = 0; prefix < table.used; prefix++) {
    if (best[prefix] !== 0 || (out.sent[prefix] ?? 0) !== 0 || out.sentPaths.has(prefix))
      enqueue(out, prefix);
  }
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
    return out.head !== out.tail || out.owesEndOfRib || out.owesRefreshEnd;
  });

/** The next whole messages for a peer, about `maxBytes` of them; absent where there are none. */
export function nextUpdates(rib: Rib, peer: RibPeer, maxBytes: number): Uint8Array | undefined {
  if (!peer.up || rib.isDeferred) return undefined;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (const family of peer.facts.families) {
    const out = peer.out[family];
    while (size < maxBytes && out.head !== out.tail) {
      for (const piece of portion(rib, peer, rib.families[family], out)) {
        pieces.push(piece);
        size += piece.length;
      }
      if (pieces.length === 0) return new Uint8Array(0);
    }
    if (out.head !== out.tail) break;
    if (out.owesEndOfRib) pieces.push(encodeEndOfRib(family));
    if (out.owesRefreshEnd) pieces.push(encodeRouteRefresh(AFI[family], SAFI_UNICAST, 'end'));
    out.owesEndOfRib = false;
    out.owesRefreshEnd = false;
  }
  if (pieces.length === 0) return undefined;
  return pieces.length === 1 ? pieces[0] : concat(pieces);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** What changed of a portion of the queue: numbers by attribute set; with add-path also path identifiers. */
interface Difference {
  readonly withdrawn: number[];
  readonly announced: Map<number, number[]>;
}

function portion(rib: Rib, peer: RibPeer, one: FamilyRib, out: AdjRibOut): readonly Uint8Array[] {
  const withPaths = peer.facts.addPathOut[one.family] > 0;
  const difference: Difference = { withdrawn: [], announced: new Map() };
  for (let count = 0; count < PORTION; count++) {
    const prefix = dequeue(out);
    if (prefix < 0) break;
    if (withPaths) comparePaths(rib, peer, one, out, prefix, difference);
    else compareBest(rib, peer, one, out, prefix, difference);
  }
  const encoder = { rib, peer, one, withPaths };
  const messages = withdrawals(encoder, difference.withdrawn);
  for (const [set, numbers] of difference.announced) announcements(encoder, set, numbers, messages);
  return messages;
}

function compareBest(
  rib: Rib,
  peer: RibPeer,
  one: FamilyRib,
  out: AdjRibOut,
  prefix: number,
  { withdrawn, announced }: Difference,
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
    withdrawn.push(prefix);
    return;
  }
  if (held === 0) out.count++;
  push(announced, set, prefix);
}

function push(announced: Map<number, number[]>, set: number, ...numbers: number[]): void {
  const list = announced.get(set);
  if (list === undefined) announced.set(set, numbers);
  else list.push(...numbers);
}

/** With add-path: the best paths up to the limit, each under its own number as identifier. RFC 7911 3. */
function comparePaths(
  rib: Rib,
  peer: RibPeer,
  one: FamilyRib,
  out: AdjRibOut,
  prefix: number,
  { withdrawn, announced }: Difference,
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
    withdrawn.push(prefix, pathId);
    out.count--;
  }
  for (const [pathId, set] of wanted) {
    if (held.get(pathId) === set) continue;
    if (!held.has(pathId)) out.count++;
    push(announced, set, prefix, pathId);
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
  const cache = cacheFor(peer.exports, signature);
  const key = (imported * 65536 + source + 1) * 2 + (one.family === 'ipv4' ? 0 : 1);
  const kept = cache.get(key);
  if (kept !== undefined) return kept;
  const from = rib.peers[source];
  const attributes = recordOf(rib.sets, imported);
  const exported = exportRoute(attributes, one.family, from, peer, rib.drain, signature);
  const wanted = exported === undefined ? NOTHING : internRecord(rib.sets, exported, false);
  const set = wanted !== NOTHING && fits(rib, peer, one.family, wanted) ? wanted : NOTHING;
  cache.set(key, set);
  return set;
}

/** Octets that one message of a peer has for prefixes beside their attributes. */
function roomBeside(attributes: Uint8Array, { facts }: RibPeer, family: Family, nextHop: NextHop): number {
  const head = isInMpReach(family, nextHop) ? mpReachHead(family, nextHop, 0).length : 0;
  return facts.maxMessage - FRAME - attributes.length - head;
}

/** Whether a set leaves room for a prefix; what does not is not sent. RFC 4271 9.2, RFC 8654 4. */
function fits(rib: Rib, peer: RibPeer, family: Family, set: number): boolean {
  const nextHop = rib.sets.hops[set];
  if (nextHop === undefined) return false;
  const attributes = encodedSet(rib, set, peer.facts.as4, isInMpReach(family, nextHop));
  return roomBeside(attributes, peer, family, nextHop) >= maxPrefixSize(family, true);
}

const isInMpReach = (family: Family, nextHop: NextHop): boolean =>
  family === 'ipv6' || nextHop.family === 'ipv6';

interface Encoder {
  readonly rib: Rib;
  readonly peer: RibPeer;
  readonly one: FamilyRib;
  readonly withPaths: boolean;
}

/** NLRI is put together here and copied from here: emptied 181,000 times for a full table. */
const scratch = new Uint8Array(65536);

/** Calls `emit` with NLRI of prefixes in pieces of at most `room` octets. */
function packNlri(
  { one, withPaths }: Encoder,
  numbers: readonly number[],
  room: number,
  emit: (nlri: Uint8Array) => void,
): void {
  const most = maxPrefixSize(one.family, withPaths);
  const step = withPaths ? 2 : 1;
  let at = 0;
  for (let i = 0; i < numbers.length; i += step) {
    if (at + most > room) {
      emit(scratch.subarray(0, at));
      at = 0;
    }
    const prefix = numbers[i] as number;
    const pathId = withPaths ? numbers[i + 1] : undefined;
    const length = lengthOf(one.table, prefix);
    const word = (index: 0 | 1 | 2 | 3): number => wordOf(one.table, prefix, index);
    at = writePrefix(scratch, at, one.family, pathId, length, word(0), word(1), word(2), word(3));
  }
  if (at > 0) emit(scratch.subarray(0, at));
}

/** Header and the two lengths. */
const FRAME = 23;

function withdrawals(encoder: Encoder, numbers: readonly number[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const { one, peer } = encoder;
  const { family } = one;
  packNlri(encoder, numbers, peer.facts.maxMessage - FRAME - 8, (nlri) => {
    messages.push(
      family === 'ipv4'
        ? updateMessage(nlri, [], [])
        : updateMessage([], join(mpUnreachHead(family, nlri.length), nlri), []),
    );
  });
  return messages;
}

function join(head: ArrayLike<number>, tail: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}

function announcements(
  encoder: Encoder,
  set: number,
  numbers: readonly number[],
  messages: Uint8Array[],
): void {
  const { rib, peer, one } = encoder;
  const nextHop = rib.sets.hops[set];
  if (nextHop === undefined) return;
  const inMpReach = isInMpReach(one.family, nextHop);
  const attributes = encodedSet(rib, set, peer.facts.as4, inMpReach);
  // RFC 7606 5.1: MP_REACH_NLRI comes first.
  packNlri(encoder, numbers, roomBeside(attributes, peer, one.family, nextHop), (nlri) => {
    messages.push(
      inMpReach
        ? updateMessage([], join(join(mpReachHead(one.family, nextHop, nlri.length), nlri), attributes), [])
        : updateMessage([], attributes, nlri),
    );
  });
}

/**
 * The attributes as this session wants them: as they lie there, but for 2-octet AS numbers or MP_REACH_NLRI.
 */
function encodedSet({ sets }: Rib, set: number, as4: boolean, inMpReach: boolean): Uint8Array {
  const isAsStored = as4 && (!inMpReach || sets.hops[set]?.family === 'ipv6');
  return isAsStored ? encodedOf(sets, set) : writeAttributes(recordOf(sets, set), { as4, inMpReach });
}
