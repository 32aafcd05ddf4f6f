/**
 * A RIB with peers whose messages are bytes, and a receiver that holds what our bytes say. Not a test itself.
 */
import { formatPrefix, parsePrefix } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { nextUpdates } from '../../controller/bgp/adj-rib-out.ts';
import type { PolicyRule } from '../../controller/bgp/options.ts';
import { type CompiledPolicy, compilePolicy, parseNextHop } from '../../controller/bgp/policy.ts';
import { peerUp } from '../../controller/bgp/rib.ts';
import type { PeerFacts, PeerPolicy, RibPeer } from '../../controller/bgp/rib-peer.ts';
import { type Received, receiveUpdate } from '../../controller/bgp/rib-receive.ts';
import { createRib, type Rib } from '../../controller/bgp/rib-state.ts';
import { work } from '../../controller/bgp/rib-work.ts';
import { NO_ATTRIBUTES, type PathAttributes } from '../../controller/wire/attribute.ts';
import { frame, HEADER } from '../../controller/wire/message.ts';
import { visitPrefixes, writePrefix } from '../../controller/wire/prefix.ts';
import { readAttributes } from '../../controller/wire/read-attributes.ts';
import { splitUpdate, updateMessage } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';

export const policy = (...rules: PolicyRule[]): CompiledPolicy =>
  must(compilePolicy({ name: 'test', rules, otherwise: 'reject' }));
export const all: CompiledPolicy = policy({ match: {}, set: {}, action: 'accept' });

export const facts = (last: number, changed: Partial<PeerFacts> = {}): PeerFacts => ({
  as: 65000 + last,
  localAs: 65000,
  ibgp: changed.as === 65000,
  oneHop: changed.as !== 65000,
  bgpId: last,
  localBgpId: 1,
  address: must(parseNextHop(`10.0.0.${last}`)),
  localAddress: must(parseNextHop('10.0.0.1')),
  families: ['ipv4'],
  as4: true,
  addPathIn: { ipv4: false, ipv6: false },
  addPathOut: { ipv4: 0, ipv6: 0 },
  extendedNextHop: false,
  maxMessage: 4096,
  ...changed,
});

export const open: PeerPolicy = {
  importPolicy: all,
  exportPolicy: all,
  reflectorClient: false,
  nextHopSelf: false,
  transparent: false,
  allowOwnAs: 0,
  checkNextHops: true,
  maxPrefixes: {},
};

export const newRib = (multipath = 1): Rib => createRib({ multipath, track: true });

export const join = (
  rib: Rib,
  last: number,
  changed: Partial<PeerFacts> = {},
  rules: Partial<PeerPolicy> = {},
): RibPeer => peerUp(rib, `peer-${last}`, facts(last, changed), { ...open, ...rules });

export function nlriOf(prefixes: readonly string[], pathId?: number): Uint8Array {
  const out = new Uint8Array(prefixes.length * 9);
  let at = 0;
  for (const text of prefixes) {
    const { address, length } = must(parsePrefix(text));
    at = writePrefix(out, at, 'ipv4', pathId, length, ...address.words);
  }
  return out.slice(0, at);
}

/** Attributes as the peer `last` sends them. */
export const attributesOf = (last: number, changed: Partial<PathAttributes> = {}): PathAttributes => ({
  ...NO_ATTRIBUTES,
  asPath: [{ type: 'sequence', as: [65000 + last] }],
  nextHop: must(parseNextHop(`10.0.0.${last}`)),
  ...changed,
});

export function announce(
  rib: Rib,
  peer: RibPeer,
  prefixes: readonly string[],
  changed: Partial<PathAttributes> = {},
  pathId?: number,
): Received {
  const last = peer.facts.address.words[3] & 255;
  const bytes = updateMessage(
    [],
    writeAttributes(attributesOf(last, changed), { as4: peer.facts.as4, inMpReach: false }),
    nlriOf(prefixes, pathId),
  );
  return receiveUpdate(rib, peer, bytes, HEADER, bytes.length);
}

export function withdraw(rib: Rib, peer: RibPeer, prefixes: readonly string[], pathId?: number): Received {
  const bytes = updateMessage(nlriOf(prefixes, pathId), [], []);
  return receiveUpdate(rib, peer, bytes, HEADER, bytes.length);
}

export function settle(rib: Rib): void {
  while (work(rib, 100));
}

/** What a peer holds after our messages: prefix (and path identifier) to attributes. */
export class Receiver {
  readonly held = new Map<string, PathAttributes>();
  /** UPDATEs that said what it knew already. */
  needless = 0;
  messages = 0;

  pull(rib: Rib, peer: RibPeer): void {
    settle(rib);
    for (
      let bytes = nextUpdates(rib, peer, 4096);
      bytes !== undefined;
      bytes = nextUpdates(rib, peer, 4096)
    ) {
      for (let at = 0; at < bytes.length; ) {
        const framed = frame(bytes, at, bytes.length, peer.facts.maxMessage);
        if (framed.kind !== 'message') throw new Error(`a broken message: ${JSON.stringify(framed)}`);
        if (framed.type === 2) this.#take(peer, bytes, framed.bodyStart, framed.bodyEnd);
        at = framed.bodyEnd;
      }
    }
  }

  #take(peer: RibPeer, bytes: Uint8Array, start: number, end: number): void {
    this.messages++;
    const addPath = peer.facts.addPathOut.ipv4 > 0;
    const parts = splitUpdate(bytes, start, end, { addPath: { ipv4: addPath, ipv6: addPath } });
    if (parts.kind !== 'parts') throw new Error(parts.why);
    const keys = (range: { start: number; end: number }): string[] => {
      const list: string[] = [];
      visitPrefixes(bytes, range.start, range.end, 'ipv4', addPath, (pathId, length, ...words) =>
        list.push(`${formatPrefix({ address: { family: 4, words }, length })}${addPath ? `#${pathId}` : ''}`),
      );
      return list;
    };
    for (const key of keys(parts.withdrawn)) if (!this.held.delete(key)) this.needless++;
    const announced = keys(parts.nlri);
    if (announced.length === 0) return;
    const { ibgp, as4 } = peer.facts;
    const read = readAttributes(bytes, parts.attributes.start, parts.attributes.end, {
      as4,
      ibgp,
      acceptSets: false,
    });
    if (read.kind !== 'ok') throw new Error(read.why);
    for (const key of announced) {
      if (JSON.stringify(this.held.get(key)) === JSON.stringify(read.attributes)) this.needless++;
      this.held.set(key, read.attributes);
    }
  }
}

/** What import makes of a set is another set. */
export const preferring = { importPolicy: policy({ match: {}, set: { localPref: 200 }, action: 'accept' }) };

/** Every attribute set that the RIB of IPv4 will look up again. */
function setsInUse({ families: { ipv4 }, peers }: Rib): readonly number[] {
  const { paths, table, bestSet } = ipv4;
  const ofPaths = Array.from({ length: paths.used }, (_, path) => path)
    .filter((path) => paths.prefix[path] !== -1)
    .flatMap((path) => [paths.raw[path] ?? -1, paths.imported[path] ?? -1]);
  const ofPrefixes = Array.from({ length: table.used }, (_, prefix) => [
    (bestSet[prefix] ?? 0) - 1,
    ...peers.map(({ out }) => (out.ipv4.sent[prefix] ?? 0) - 1),
  ]);
  return [...ofPaths, ...ofPrefixes.flat()].filter((set) => set >= 0);
}

/** Those of them that were collected. */
export const lostSets = (rib: Rib): readonly number[] =>
  setsInUse(rib).filter((set) => rib.sets.sizes[set] === 0);
