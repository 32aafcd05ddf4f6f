/**
 * Public IPv4 addresses and IPv6 blocks: one pool for the whole cloud, so that no two accounts hold the
 * same.
 */
import { addressAt, formatAddress, formatPrefix, prefix, width } from '../../controller/base/ip.ts';
import type { Tx } from './handler.ts';
import { hexDigits } from './identifier.ts';
import { refuse } from './refusal.ts';

/** Takes a free address of the pool for `holder` (an allocation or an ENI). */
export function takePublicAddress(tx: Tx, holder: string): string {
  const pool = prefix(tx.settings.publicPool);
  const size = 2 ** (width(pool.address.family) - pool.length);
  const start = Math.floor(tx.random() * size);
  for (let step = 0; step < size; step++) {
    const offset = (start + step) % size;
    const last = offset & 255;
    const ip = formatAddress(addressAt(pool, offset));
    if (last === 0 || last === 255 || tx.get('taken', ip)) continue;
    tx.put('taken', { id: ip, holder, tags: {} });
    return ip;
  }
  const why = 'Insufficient capacity: every public address of the pool is taken.';
  return refuse('InsufficientAddressCapacity', why, 500);
}

/**
 * Takes a free /56 for `holder`, as an Amazon-provided IPv6 block of a VPC; from 2001:db8::/32 (RFC 3849).
 */
export function takeIpv6Block(tx: Tx, holder: string): string {
  for (;;) {
    const cidr = `2001:db8:${hexDigits(tx.random, 4)}:${hexDigits(tx.random, 2)}00::/56`;
    const canonical = formatPrefix(prefix(cidr));
    if (tx.get('taken', canonical)) continue;
    tx.put('taken', { id: canonical, holder, tags: {} });
    return canonical;
  }
}

/** Gives an address or a block back to its pool. */
export const giveBack = (tx: Tx, id: string): void => tx.remove('taken', id);

/**
 * Lends the ENI's primary address a public one of the pool, as a launch or a start does; it ends with the
 * run.
 */
export function lendPublicAddress(tx: Tx, id: string): void {
  const eni = tx.need('network-interface', id);
  const [primary] = eni.ipv4;
  if (primary === undefined || eni.publicAddresses.some((pair) => pair.private === primary)) return;
  const pair = { private: primary, public: takePublicAddress(tx, eni.id) };
  tx.put('network-interface', { ...eni, publicAddresses: [...eni.publicAddresses, pair] });
}

/**
 * Ends the public mapping of a private address: a lent one goes back to the pool, an Elastic IP stays
 * allocated.
 */
export function cutPublicAddress(tx: Tx, id: string, address: string): void {
  const eni = tx.need('network-interface', id);
  const pair = eni.publicAddresses.find((each) => each.private === address);
  if (pair === undefined) return;
  if (pair.allocation === undefined) {
    giveBack(tx, pair.public);
  } else {
    const { association, ...free } = tx.need('address', pair.allocation);
    tx.put('address', { ...free, ...(association && { formerAssociation: association.id }) });
  }
  const publicAddresses = eni.publicAddresses.filter((each) => each !== pair);
  tx.put('network-interface', { ...eni, publicAddresses });
}

/** Ends the mappings that were lent, as a stop does; Elastic IP addresses stay. */
export function cutLentAddresses(tx: Tx, id: string): void {
  for (const pair of tx.need('network-interface', id).publicAddresses) {
    if (pair.allocation === undefined) cutPublicAddress(tx, id, pair.private);
  }
}
