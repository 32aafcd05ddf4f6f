/**
 * UPDATEs into the Adj-RIB-In: prefixes straight from the bytes, attribute sets once each, import policy once
 * for each set (and each way in which prefixes fit its rules). RFC 4271 9, RFC 7606.
 */
import type { NextHop, PathAttributes } from '../wire/attribute.ts';
import { ERROR, type Notification, notification, UPDATE_ERROR } from '../wire/notification.ts';
import { type PrefixVisitor, visitPrefixes } from '../wire/prefix.ts';
import { type Discarded, readAttributes } from '../wire/read-attributes.ts';
import { attributeSetOf, type Range, splitUpdate, type UpdateParts } from '../wire/update.ts';
import { addSet, findSet, internRecord, keyOf, receivedMark, recordOf } from './attribute-sets.ts';
import { importRoute, isUnusablePrefix, REFUSALS } from './import.ts';
import type { Family, MaxPrefixes } from './options.ts';
import { dependsOnPrefix, formatNextHop, prefixSignature } from './policy.ts';
import { cached, keep } from './policy-cache.ts';
import { findPrefix, internPrefix } from './prefix-table.ts';
import { effectivePolicy, type RibPeer } from './rib-peer.ts';
import {
  addPath,
  type FamilyRib,
  findPath,
  fitColumns,
  markDirty,
  type Rib,
  removePath,
} from './rib-state.ts';

export type Received =
  | {
      readonly kind: 'taken';
      readonly endOfRib?: Family;
      readonly unsupported?: UpdateParts['unsupported'];
      /** The routes counted as withdrawn, and why. RFC 7606 2. */
      readonly withdrawn?: string;
      /** Attributes that were left out, told once for each set. */
      readonly discarded: readonly Discarded[];
      /** What is semantically wrong, and ignored: prefixes, and next hops once for each set. RFC 4271 6.3. */
      readonly ignored: readonly string[];
      /** A limit that has just been reached. */
      readonly limit?: { readonly family: Family; readonly count: number; readonly limits: MaxPrefixes };
    }
  | { readonly kind: 'reset'; readonly notification: Notification; readonly why: string };

/** Takes in the UPDATE whose body lies between `start` and `end`. */
export function receiveUpdate(
  rib: Rib,
  peer: RibPeer,
  bytes: Uint8Array,
  start: number,
  end: number,
): Received {
  const { facts } = peer;
  const split = splitUpdate(bytes, start, end, { addPath: facts.addPathIn });
  if (split.kind === 'reset') return split;
  const turn: Turn = { rib, peer, bytes, discarded: [], unusable: 0 };
  delete peer.hopFault;
  withdraw(turn, 'ipv4', split.withdrawn);
  if (split.mpUnreach !== undefined) withdraw(turn, split.mpUnreach.family, split.mpUnreach.nlri);
  const plain = takeNlri(turn, split, 'ipv4', split.nlri, undefined);
  if (plain?.kind === 'reset') return plain;
  const { mpReach } = split;
  const multi =
    mpReach === undefined ? undefined : takeNlri(turn, split, mpReach.family, mpReach.nlri, mpReach.nextHop);
  if (multi?.kind === 'reset') return multi;
  const empty = faultWithoutNlri(turn, split);
  if (empty !== undefined) return empty;
  const why = plain?.why ?? multi?.why;
  const limit = limitReached(peer);
  return {
    kind: 'taken',
    discarded: turn.discarded,
    ignored: ignoredOf(turn),
    ...(split.endOfRib === undefined ? {} : { endOfRib: split.endOfRib }),
    ...(split.unsupported === undefined ? {} : { unsupported: split.unsupported }),
    ...(why === undefined ? {} : { withdrawn: why }),
    ...(limit === undefined ? {} : { limit }),
  };
}

interface Turn {
  readonly rib: Rib;
  readonly peer: RibPeer;
  readonly bytes: Uint8Array;
  discarded: readonly Discarded[];
  /** Prefixes that nobody can forward by. */
  unusable: number;
}

/** In words. */
function ignoredOf({ peer: { hopFault }, unusable }: Turn): readonly string[] {
  const prefixes = unusable === 0 ? [] : [`prefixes that are no unicast destinations: ${unusable}`];
  return hopFault === undefined ? prefixes : [...prefixes, hopFault];
}

type Taken =
  | { readonly kind: 'withdrawn'; readonly why: string }
  | { readonly kind: 'reset'; readonly notification: Notification; readonly why: string };

function takeNlri(
  turn: Turn,
  parts: UpdateParts,
  family: Family,
  nlri: Range,
  mpNextHop: NextHop | undefined,
): Taken | undefined {
  if (nlri.start === nlri.end || !turn.peer.facts.families.includes(family)) return undefined;
  const found: Found =
    parts.broken === undefined ? setFor(turn, parts, mpNextHop) : { kind: 'withdrawn', why: parts.broken };
  if (found.kind === 'set') {
    announce(turn, family, nlri, found.set);
    return undefined;
  }
  if (found.kind === 'withdrawn') withdraw(turn, family, nlri);
  return found;
}

/**
 * RFC 7606 5.2: where attributes come without any route that could count as withdrawn, a fault that would ask
 * for that resets: the routes may be what was lost.
 */
function faultWithoutNlri({ peer, bytes }: Turn, parts: UpdateParts): Received | undefined {
  const { attributes, nlri, mpReach, unsupported, broken } = parts;
  const hasRoutes =
    nlri.start !== nlri.end || (mpReach !== undefined && mpReach.nlri.start !== mpReach.nlri.end);
  if (attributes.start === attributes.end || hasRoutes || unsupported !== undefined) return undefined;
  const context = { as4: peer.facts.as4, ibgp: peer.facts.ibgp, acceptSets: false };
  const read = readAttributes(bytes, attributes.start, attributes.end, context, mpReach?.nextHop, false);
  if (read.kind === 'reset') return read;
  const why = broken ?? (read.kind === 'withdraw' ? read.why : undefined);
  if (why === undefined) return undefined;
  const said = notification(ERROR.update, UPDATE_ERROR.attributeList);
  return { kind: 'reset', notification: said, why: `${why}, and there are no routes to withdraw` };
}

type Found = Taken | { readonly kind: 'set'; readonly set: number };

/** The number of the attribute set of an UPDATE, read if it is new. */
function setFor(turn: Turn, parts: UpdateParts, mpNextHop: NextHop | undefined): Found {
  const { sets } = turn.rib;
  const { as4, ibgp } = turn.peer.facts;
  const inPlace = mpNextHop === undefined && parts.mpReach === undefined && parts.mpUnreach === undefined;
  const bytes = inPlace ? turn.bytes : attributeSetOf(turn.bytes, parts, mpNextHop);
  const start = inPlace ? parts.attributes.start : 0;
  const end = inPlace ? parts.attributes.end : bytes.length;
  const key = keyOf(receivedMark(as4, ibgp, mpNextHop !== undefined), bytes, start, end);
  const known = findSet(sets, key);
  if (known >= 0) {
    const fault = sets.faults.get(known);
    return fault === undefined ? { kind: 'set', set: known } : { kind: 'withdrawn', why: fault };
  }
  const { attributes } = parts;
  const context = { as4, ibgp, acceptSets: false };
  const read = readAttributes(turn.bytes, attributes.start, attributes.end, context, mpNextHop);
  if (read.kind === 'reset') return read;
  if (read.kind === 'withdraw') {
    addSet(sets, key, { fault: read.why });
    return { kind: 'withdrawn', why: read.why };
  }
  if (read.discarded.length > 0) turn.discarded = [...turn.discarded, ...read.discarded];
  return { kind: 'set', set: addSet(sets, key, { record: read.attributes }) };
}

function announce(turn: Turn, family: Family, nlri: Range, raw: number): void {
  const { rib, peer, bytes } = turn;
  const one = rib.families[family];
  const policy = effectivePolicy(peer.policy.importPolicy, peer.facts);
  const byPrefix = policy !== undefined && dependsOnPrefix(policy);
  const plain = byPrefix ? 0 : importedSet(rib, peer, raw, 0);
  const visit: PrefixVisitor = (pathId, length, w0, w1, w2, w3) => {
    if (isUnusablePrefix(family, length, w0, w3)) {
      turn.unusable++;
      return;
    }
    const prefix = internPrefix(one.table, length, w0, w1, w2, w3);
    fitColumns(one, prefix);
    const imported = byPrefix
      ? importedSet(rib, peer, raw, prefixSignature(policy, one.table, prefix))
      : plain;
    setPath(one, peer, prefix, pathId, raw, imported);
  };
  visitPrefixes(bytes, nlri.start, nlri.end, family, peer.facts.addPathIn[family], visit);
}

function setPath(
  one: FamilyRib,
  peer: RibPeer,
  prefix: number,
  pathId: number,
  raw: number,
  imported: number,
): void {
  const { paths } = one;
  let path = findPath(one, prefix, peer.index, pathId);
  if (path < 0) {
    path = addPath(one, prefix, peer.index, pathId);
    peer.received[one.family]++;
    markDirty(one, prefix);
  } else {
    const isNews =
      paths.imported[path] !== imported || (paths.epoch[path] as number) < peer.epoch[one.family];
    if (isNews) markDirty(one, prefix);
  }
  paths.raw[path] = raw;
  paths.imported[path] = imported;
  paths.epoch[path] = peer.epoch[one.family];
}

/** What import makes of a set for prefixes with a signature: a set, or below zero a refusal. */
export function importedSet(rib: Rib, peer: RibPeer, raw: number, signature: number): number {
  const kept = cached(peer.imports, raw, signature, 0);
  if (kept !== undefined) return kept;
  const attributes: PathAttributes = recordOf(rib.sets, raw);
  const imported = importRoute(attributes, peer.facts, peer.policy, peer.name, signature, rib.reach);
  if (imported === REFUSALS[6] || imported === REFUSALS[10])
    peer.hopFault = `next hop ${formatNextHop(attributes.nextHop)}: ${imported}`;
  const number =
    typeof imported === 'string'
      ? -1 - REFUSALS.indexOf(imported)
      : imported === attributes
        ? raw
        : internRecord(rib.sets, imported);
  keep(peer.imports, raw, signature, 0, number);
  return number;
}

function withdraw({ rib, peer, bytes }: Turn, family: Family, nlri: Range): void {
  if (nlri.start === nlri.end || !peer.facts.families.includes(family)) return;
  const one = rib.families[family];
  visitPrefixes(
    bytes,
    nlri.start,
    nlri.end,
    family,
    peer.facts.addPathIn[family],
    (pathId, length, w0, w1, w2, w3) => {
      const prefix = findPrefix(one.table, length, w0, w1, w2, w3);
      const path = prefix < 0 ? -1 : findPath(one, prefix, peer.index, pathId);
      if (path >= 0) dropPath(one, peer, path);
    },
  );
}

/** Removes a path and has its prefix decided anew. */
function dropPath(one: FamilyRib, peer: RibPeer, path: number): void {
  markDirty(one, one.paths.prefix[path] as number);
  removePath(one, path);
  peer.received[one.family]--;
}

/** A limit that the peer has just gone beyond, or come near to, each told once. RFC 4271 6.7. */
function limitReached(
  peer: RibPeer,
): { readonly family: Family; readonly count: number; readonly limits: MaxPrefixes } | undefined {
  for (const family of peer.facts.families) {
    const limits = peer.policy.maxPrefixes[family];
    if (limits === undefined) continue;
    const count = peer.received[family];
    if (count > limits.limit && limits.action === 'stop') return { family, count, limits };
    const isNear = count > (limits.limit * limits.warnPercent) / 100;
    if (isNear && !peer.warned.has(family)) {
      peer.warned.add(family);
      return { family, count, limits };
    }
    if (!isNear) peer.warned.delete(family);
  }
  return undefined;
}
