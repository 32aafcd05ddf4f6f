/** Which private addresses of a subnet are taken: kept by the store with each write, and undone with it. */
import { parseAddress } from '../../controller/base/ip.ts';

export interface Occupied {
  /** How many ENIs have each address; while one moves, two do. */
  readonly holders: Map<string, number>;
  /** IPv4 addresses, each as often as it is held. */
  ipv4: number;
  /** An IPv4 address, as a number: whoever searched has found none below it free, and none became free. */
  searched: number;
}

export const nobody = (): Occupied => ({ holders: new Map(), ipv4: 0, searched: 0 });

export function occupy(occupied: Occupied, address: string): void {
  occupied.holders.set(address, (occupied.holders.get(address) ?? 0) + 1);
  if (!address.includes(':')) occupied.ipv4++;
}

export function vacate(occupied: Occupied, address: string): void {
  const left = (occupied.holders.get(address) ?? 0) - 1;
  if (!address.includes(':')) occupied.ipv4--;
  if (left > 0) {
    occupied.holders.set(address, left);
    return;
  }
  occupied.holders.delete(address);
  const parsed = parseAddress(address);
  if (!parsed.ok || parsed.value.family === 6) return;
  occupied.searched = Math.min(occupied.searched, parsed.value.words[3] >>> 0);
}
