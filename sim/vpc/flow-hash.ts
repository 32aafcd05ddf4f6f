/** A hash of a flow that is the same in both directions. */
import type { Header } from './header.ts';

/** What of a flow is hashed: addresses; with the protocol; with the ports too. */
export type FlowFields = 'addresses' | 'protocol' | 'ports';

export function flowHash(h: Header, fields: FlowFields = 'ports'): number {
  let x = h.s0 ^ h.d0 ^ h.s1 ^ h.d1 ^ h.s2 ^ h.d2 ^ h.s3 ^ h.d3;
  const ports = fields === 'ports' ? h.sourcePort ^ h.destinationPort : 0;
  x = Math.imul(x ^ ports ^ (fields === 'addresses' ? 0 : h.protocol << 16), 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return (x ^ (x >>> 13)) >>> 0;
}
