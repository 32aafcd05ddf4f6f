/** Public IPv4 addresses: one pool for the whole cloud, so that no two accounts hold the same. */
import { addressAt, formatAddress, prefix, width } from '../../controller/base/ip.ts';
import type { Tx } from './handler.ts';
import { refuse } from './refusal.ts';

/** Takes a free address of the pool for `holder` (an allocation or an ENI). */
export function takePublicAddress(tx: Tx, holder: string): string {
  const pool = prefix(tx.settings.publicPool);
  const size = 2 ** (width(pool.address.family) - pool.length);
  const start = Math.floor(tx.random() * size);
  for (let step = 0; step < size; step++) {
    const offset = (start + step) % size;
    const ip = formatAddress(addressAt(pool, offset));
    const last = offset & 255;
    if (last === 0 || last === 255 || tx.get('taken', ip)) continue;
    tx.put('taken', { id: ip, holder, tags: {} });
    return ip;
  }
  return refuse(
    'InsufficientAddressCapacity',
    'Insufficient capacity: every public address of the pool is taken.',
    500,
  );
}

export const releasePublicAddress = (tx: Tx, ip: string): void => tx.remove('taken', ip);
