/**
 * The prefix lists that AWS keeps for its services. They are there from the beginning, and stored once
 * something refers to them.
 */
import { AWS_OWNER, servicesOf } from './catalog/services.ts';
import type { Tx } from './handler.ts';
import type { PrefixListRecord } from './record/network.ts';

/** The lists of the region's services, stored or not. */
export const serviceLists = (tx: Tx): readonly PrefixListRecord[] =>
  servicesOf(tx.region).flatMap(({ name, list }): PrefixListRecord[] => {
    if (list === undefined) return [];
    const made = {
      id: list.id,
      tags: {},
      account: AWS_OWNER,
      region: tx.region,
      name,
      family: 4,
      maxEntries: list.cidrs.length,
      state: 'create',
      busy: false,
      versions: [list.cidrs.map((cidr) => ({ cidr }))],
    } as const;
    return [tx.get('prefix-list', list.id) ?? made];
  });

/** A list that is referred to from now on; one of AWS's becomes known to the data plane. */
export function usedPrefixList(tx: Tx, id: string): PrefixListRecord {
  const own = serviceLists(tx).find((list) => list.id === id);
  return own !== undefined && tx.get('prefix-list', id) === undefined
    ? tx.put('prefix-list', own)
    : tx.need('prefix-list', id);
}
