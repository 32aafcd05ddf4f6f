/** A hash of a flow that is the same in both directions, and choices by it. */
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

/** FNV-1a of a name. */
export function seedOf(name: string): number {
  let h = 2166136261;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 16777619) >>> 0;
  return h;
}

/**
 * How much a flow is drawn to a way with this seed: it takes the one of the highest weight, so that only the
 * flows of a way that is gone move, and to all others. (Rendezvous hashing.)
 */
export function weightOf(flow: number, seed: number): number {
  let x = Math.imul(flow ^ seed, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return (x ^ (x >>> 13)) >>> 0;
}
