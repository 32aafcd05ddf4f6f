/** A CIDR block as rules hold it compiled, and whether one end of a packet lies in it. */
import { address, parsePrefix } from '../../controller/base/ip.ts';
import { masked } from '../../controller/base/longest-match.ts';
import { must } from '../../controller/base/result.ts';
import type { Header } from './header.ts';
import type { CidrPeer } from './nodes.ts';

/** An IPv4 address as a signed word. */
export const wordOf = (text: string): number => address(text).words[3] | 0;

export function compileCidr(cidr: string): CidrPeer {
  const { address: first, length } = must(parsePrefix(cidr));
  const bits = length + (first.family === 4 ? 96 : 0);
  const { w0, w1, w2, w3, m0, m1, m2, m3 } = masked(first, bits);
  return { kind: 'cidr', family: first.family, length, w0, w1, w2, w3, m0, m1, m2, m3 };
}

/**
 * Whether the far end of a packet lies in the block: the destination on the way out, the source on the way
 * in. The families must be equal.
 */
export function inCidr(peer: CidrPeer, h: Header, egress: boolean): boolean {
  return egress
    ? ((h.d3 ^ peer.w3) & peer.m3) === 0 &&
        ((h.d2 ^ peer.w2) & peer.m2) === 0 &&
        ((h.d1 ^ peer.w1) & peer.m1) === 0 &&
        ((h.d0 ^ peer.w0) & peer.m0) === 0
    : ((h.s3 ^ peer.w3) & peer.m3) === 0 &&
        ((h.s2 ^ peer.w2) & peer.m2) === 0 &&
        ((h.s1 ^ peer.w1) & peer.m1) === 0 &&
        ((h.s0 ^ peer.w0) & peer.m0) === 0;
}
