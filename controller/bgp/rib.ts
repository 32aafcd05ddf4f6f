/**
 * The RIB as the speaker uses it: peers come and go, routes go stale and are swept, policies change, routes
 * are originated. RFC 4271 3.2, RFC 2918, RFC 4724, RFC 7313, RFC 8326.
 */
import { parsePrefix } from '../base/ip.ts';
import { must } from '../base/result.ts';
import { NO_ATTRIBUTES, type PathAttributes } from '../wire/attribute.ts';
import { enqueueAll } from './adj-rib-out.ts';
import { internRecord } from './attribute-sets.ts';
import type { RouteChange } from './event.ts';
import type { Drain } from './export.ts';
import type { Family, Origination, SpeakerOptions } from './options.ts';
import { nextPath } from './path-set.ts';
import { addAll, parseNextHop } from './policy.ts';
import { clearCache } from './policy-cache.ts';
import { findPrefix, internPrefix } from './prefix-table.ts';
import { otherAddress } from './reach.ts';
import { newAdjRibOut, newRibPeer, type PeerFacts, type PeerPolicy, type RibPeer } from './rib-peer.ts';
import {
  addPath,
  FAMILIES,
  findPath,
  fitColumns,
  isStale,
  LOCAL,
  markDirty,
  pathsOfPeer,
  type Rib,
  removePath,
} from './rib-state.ts';
import { decideAll, purge, reimportAll, retell } from './rib-work.ts';
import { compileTracking } from './tracking.ts';

/** The peer of a name, with the facts of a session that has just come up. Its older paths are stale now. */
export function peerUp(rib: Rib, name: string, facts: PeerFacts, policy: PeerPolicy): RibPeer {
  let peer = rib.peers.find((one) => one.name === name);
  if (peer === undefined) {
    peer = newRibPeer(rib.peers.length, name, facts, policy);
    rib.peers.push(peer);
  }
  peer.facts = facts;
  peer.policy = policy;
  peer.up = true;
  clearCache(peer.imports);
  clearCache(peer.exports);
  for (const family of FAMILIES) {
    peer.epoch[family]++;
    peer.out[family] = newAdjRibOut();
    if (!facts.families.includes(family)) continue;
    peer.out[family].owesEndOfRib = true;
    enqueueAll(rib, peer, family);
  }
  return peer;
}

/** The session is gone: its paths go with it, but for those of families that are kept as stale. */
export function peerDown(rib: Rib, peer: RibPeer, keep: readonly Family[]): void {
  peer.up = false;
  peer.warned.clear();
  for (const family of FAMILIES) {
    peer.out[family] = newAdjRibOut();
    if (keep.includes(family)) retell(rib, peer, family);
    else purge(rib, peer, family, peer.epoch[family] + 1);
  }
}

/** Tells the owner of other prefixes from now on; of those that it asks for no more, that they are gone. */
export function setTracking(rib: Rib, track: SpeakerOptions['track']): void {
  const before = rib.track;
  rib.track = compileTracking(track);
  if (before !== 'none' || rib.track !== 'none') tellAgain(rib);
}

/** Tells the owner of every best path that it asks for, as if it had not heard of it. */
export function tellAgain(rib: Rib): void {
  for (const family of FAMILIES) {
    const one = rib.families[family];
    for (const prefix of one.told.keys()) one.told.set(prefix, '');
    for (let prefix = 0; prefix < one.table.used; prefix++) {
      if (one.best[prefix] !== 0) markDirty(one, prefix);
    }
  }
}

/** Gives up stale paths of a family: of an older session than the present one, or all where there is none. */
export const sweepStale = (rib: Rib, peer: RibPeer, family: Family): void =>
  purge(rib, peer, family, peer.epoch[family] + (peer.up ? 0 : 1));

/** From here on older paths of the family are stale, until announced again. RFC 7313 4. */
export function markStale(peer: RibPeer, family: Family): void {
  peer.epoch[family]++;
}

/** How many paths of a peer are stale. */
export function countStale(rib: Rib, peer: RibPeer, family: Family): number {
  const one = rib.families[family];
  const set = pathsOfPeer(one, peer.index);
  let count = 0;
  for (let path = nextPath(set, 0); path >= 0; path = nextPath(set, path + 1))
    if (isStale(rib, one, path)) count++;
  return count;
}

/** The policies of a peer are new: what was kept is imported anew, and what was sent is compared again. */
export function setPolicy(rib: Rib, peer: RibPeer, policy: PeerPolicy): void {
  peer.policy = policy;
  reimport(rib, peer);
  reexport(rib, peer);
}

/** Soft reset in: import policy again over the Adj-RIB-In. */
export function reimport(rib: Rib, peer: RibPeer): void {
  clearCache(peer.imports);
  for (const family of FAMILIES) reimportAll(rib, peer, family);
}

/** Whether a peer forwards, for all that the owner knows. */
export function setUnfit(rib: Rib, peer: RibPeer, unfit: boolean): void {
  if (peer.unfit === unfit) return;
  peer.unfit = unfit;
  for (const family of FAMILIES) decideAll(rib, peer, family);
}

/** The ways to next hops are others: what was refused for them may be used, and the other way round. */
export function judgeNextHops(rib: Rib): void {
  for (const peer of rib.peers) reimport(rib, peer);
}

/** Our interfaces are others: next hops are judged anew, and ourselves may be another one. */
export function followInterfaces(rib: Rib): void {
  judgeNextHops(rib);
  for (const peer of rib.peers) {
    const other = otherAddress(rib.reach, peer.facts.localAddress);
    if (JSON.stringify(other) === JSON.stringify(peer.facts.otherAddress)) continue;
    peer.facts = { ...peer.facts, otherAddress: other };
    reexport(rib, peer);
  }
}

/** Compares what a peer holds with what it should hold. */
function reexport(rib: Rib, peer: RibPeer): void {
  clearCache(peer.exports);
  for (const family of peer.up ? peer.facts.families : []) enqueueAll(rib, peer, family);
}

/** RFC 8326: marks what all peers are sent, or withdraws it, or neither. */
export function setDrain(rib: Rib, drain: Drain): void {
  rib.drain = drain;
  for (const peer of rib.peers) reexport(rib, peer);
}

/** Announces a route of our own; one of the same prefix is replaced. The text has been checked before. */
export function originate(rib: Rib, route: Origination): void {
  const { address, length } = must(parsePrefix(route.prefix));
  const family: Family = address.family === 4 ? 'ipv4' : 'ipv6';
  const hop = route.nextHop === 'self' ? {} : { nextHop: must(parseNextHop(route.nextHop)) };
  const med = route.med === undefined ? {} : { med: route.med };
  const { asPath = [] } = route;
  const told = asPath.length === 0 ? {} : { asPath: [{ type: 'sequence', as: asPath } as const] };
  const attributes: PathAttributes = addAll({ ...NO_ATTRIBUTES, ...hop, ...med, ...told }, route.communities);
  const one = rib.families[family];
  const [w0, w1, w2, w3] = address.words;
  const prefix = internPrefix(one.table, length, w0, w1, w2, w3);
  fitColumns(one, prefix);
  const known = findPath(one, prefix, LOCAL, 0);
  const path = known >= 0 ? known : addPath(one, prefix, LOCAL, 0);
  const set = internRecord(rib.sets, attributes);
  one.paths.raw[path] = set;
  one.paths.imported[path] = set;
  rib.originated.set(route.prefix, { family, attributes });
  markDirty(one, prefix);
}

/** Takes a route of our own back. */
export function withdrawOrigin(rib: Rib, text: string): void {
  const { address, length } = must(parsePrefix(text));
  const one = rib.families[address.family === 4 ? 'ipv4' : 'ipv6'];
  const [w0, w1, w2, w3] = address.words;
  const prefix = findPrefix(one.table, length, w0, w1, w2, w3);
  const path = prefix < 0 ? -1 : findPath(one, prefix, LOCAL, 0);
  if (path < 0) return;
  markDirty(one, prefix);
  removePath(one, path);
  rib.originated.delete(text);
}

/** What changed for the owner since the last call. */
export function takeChanges(rib: Rib): readonly RouteChange[] {
  if (rib.changes.size === 0) return [];
  const changes = [...rib.changes.values()];
  rib.changes = new Map();
  return changes;
}
