/**
 * UPDATEs for a peer, written one behind the other: prefixes by number, attributes by set. RFC 4271 4.3, RFC
 * 4760.
 */
import type { NextHop } from '../wire/attribute.ts';
import { HEADER, TYPE, writeHeader } from '../wire/message.ts';
import { type Family, maxPrefixSize, writePrefix } from '../wire/prefix.ts';
import { mpReachHead, mpUnreachHead } from '../wire/update.ts';
import { writeForNow } from '../wire/write-attributes.ts';
import { encodedOf, recordOf } from './attribute-sets.ts';
import { lengthOf, wordOf } from './prefix-table.ts';
import type { RibPeer } from './rib-peer.ts';
import type { FamilyRib, Rib } from './rib-state.ts';

/** Messages on their way to a peer: `end` bytes are written. */
export interface Outbox {
  bytes: Uint8Array;
  end: number;
}

export const createOutbox = (): Outbox => ({ bytes: new Uint8Array(128 * 1024), end: 0 });

/** For whom is written: his session decides how. */
export interface Addressee {
  readonly rib: Rib;
  readonly peer: RibPeer;
  readonly one: FamilyRib;
  readonly withPaths: boolean;
}

/** Prefixes in turn: the number of the next, or -1; `pathId` is that of the one given last. */
export interface Numbers {
  next(): number;
  pathId: number;
}

/** The two lengths of an UPDATE. */
const LENGTHS = 4;

/** Puts messages or parts of them behind what is there. */
export function append(out: Outbox, bytes: ArrayLike<number>): void {
  makeRoom(out, bytes.length);
  out.bytes.set(bytes, out.end);
  out.end += bytes.length;
}

function makeRoom(out: Outbox, more: number): void {
  if (out.end + more <= out.bytes.length) return;
  const wider = new Uint8Array(Math.max(out.bytes.length * 2, out.end + more));
  wider.set(out.bytes.subarray(0, out.end));
  out.bytes = wider;
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes prefixes up to `limit`, beginning with `first`; gives the one that found no room, or -1. */
function writeNlri(
  out: Outbox,
  { one, withPaths }: Addressee,
  numbers: Numbers,
  first: number,
  limit: number,
): number {
  const most = maxPrefixSize(one.family, withPaths);
  const { bytes } = out;
  const { table, family } = one;
  let at = out.end;
  let prefix = first;
  while (prefix >= 0 && at + most <= limit) {
    const pathId = withPaths ? numbers.pathId : undefined;
    const word = (index: number): number => wordOf(table, prefix, index);
    at = writePrefix(bytes, at, family, pathId, lengthOf(table, prefix), word(0), word(1), word(2), word(3));
    prefix = numbers.next();
  }
  out.end = at;
  return prefix;
}

function finish({ bytes, end }: Outbox, start: number): void {
  writeHeader(bytes, start, end - start, TYPE.update);
}

/** Messages that withdraw prefixes. */
export function writeWithdrawals(out: Outbox, addressee: Addressee, numbers: Numbers): void {
  const { peer, one } = addressee;
  let next = numbers.next();
  while (next >= 0) {
    const start = out.end;
    const limit = start + peer.facts.maxMessage;
    makeRoom(out, peer.facts.maxMessage);
    const { bytes } = out;
    const body = start + HEADER;
    out.end = body + 2;
    if (one.family === 'ipv4') {
      next = writeNlri(out, addressee, numbers, next, limit - 2);
      put16(bytes, body, out.end - body - 2);
      put16(bytes, out.end, 0);
      out.end += 2;
    } else {
      put16(bytes, body, 0);
      out.end = body + LENGTHS;
      append(out, mpUnreachHead(one.family, 0));
      const first = out.end;
      next = writeNlri(out, addressee, numbers, next, limit);
      put16(bytes, body + LENGTHS + 2, out.end - body - LENGTHS - 4);
      put16(bytes, body + 2, out.end - body - LENGTHS);
      if (first === out.end) return;
    }
    finish(out, start);
  }
}

const isInMpReach = (family: Family, hop: NextHop): boolean => family === 'ipv6' || hop.family === 'ipv6';

/** Whether a set leaves room for a prefix; what does not is not sent. RFC 4271 9.2, RFC 8654 4. */
export function fits(rib: Rib, { facts }: RibPeer, family: Family, set: number): boolean {
  const hop = rib.sets.hops[set];
  if (hop === undefined) return false;
  const inMpReach = isInMpReach(family, hop);
  const { start, end } = encodedSet(rib, set, facts.as4, inMpReach);
  const head = inMpReach ? mpReachHead(family, hop, 0).length : 0;
  return facts.maxMessage - HEADER - LENGTHS - (end - start) - head >= maxPrefixSize(family, true);
}

/** Messages that announce prefixes with a set that `fits`. RFC 7606 5.1: MP_REACH_NLRI comes first. */
export function writeAnnouncements(out: Outbox, addressee: Addressee, set: number, numbers: Numbers): void {
  const { rib, peer, one } = addressee;
  const { maxMessage, as4 } = peer.facts;
  const hop = rib.sets.hops[set];
  if (hop === undefined) return;
  const inMpReach = isInMpReach(one.family, hop);
  const { bytes: from, start: first, end: last } = encodedSet(rib, set, as4, inMpReach);
  const head = inMpReach ? mpReachHead(one.family, hop, 0) : [];
  let next = numbers.next();
  while (next >= 0) {
    const start = out.end;
    makeRoom(out, maxMessage);
    const { bytes } = out;
    const body = start + HEADER;
    put16(bytes, body, 0);
    out.end = body + LENGTHS;
    if (inMpReach) {
      append(out, head);
      next = writeNlri(out, addressee, numbers, next, start + maxMessage - (last - first));
      // The length of MP_REACH_NLRI stands behind its flags and type.
      put16(bytes, body + LENGTHS + 2, out.end - body - LENGTHS - 4);
    }
    for (let i = first; i < last; i++) bytes[out.end++] = from[i] as number;
    put16(bytes, body + 2, out.end - body - LENGTHS);
    if (!inMpReach) next = writeNlri(out, addressee, numbers, next, start + maxMessage);
    finish(out, start);
  }
}

/**
 * The attributes as this session wants them: as they lie there, but for 2-octet AS numbers or MP_REACH_NLRI.
 */
function encodedSet(
  { sets }: Rib,
  set: number,
  as4: boolean,
  inMpReach: boolean,
): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } {
  const isAsStored = as4 && (!inMpReach || sets.hops[set]?.family === 'ipv6');
  if (isAsStored) return encodedOf(sets, set);
  return { ...writeForNow(recordOf(sets, set), { as4, inMpReach }), start: 0 };
}
