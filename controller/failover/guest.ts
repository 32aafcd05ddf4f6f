/**
 * What a moved ENI or address needs in the guest that it comes to: EC2's DHCP configures the first address of
 * the first interface only.
 * Addresses stand alone (/32, /128), so that they make no routes in the main table; packets from them go by a
 * table of the device's own, through the router of the ENI's subnet; and the reverse path filter is loose,
 * for what the ENI receives may be answered elsewhere.
 */
import { addressAt, formatAddress, parsePrefix, width } from '../base/ip.ts';
import { type Appliance, addressesOf, type EniResource, enisOf, type Group } from '../config.ts';
import type { ObservedEni, ObservedSubnet } from '../ec2/call.ts';
import type { GuestChange } from '../event.ts';
import type { Observed } from './observe.ts';

const lengthOf = (address: string): number => width(address.includes(':') ? 6 : 4);

/** What a guest that has got the group changes; undefined before enough has been seen of EC2. */
export function settle(group: Group, own: Appliance, observed: Observed): readonly GuestChange[] | undefined {
  const changes = enisOf(group).map((resource) => {
    const eni = observed.enis[resource.id];
    const subnet = observed.subnets[eni?.subnet ?? ''];
    return eni === undefined || subnet === undefined ? undefined : settleEni(resource, eni, subnet);
  });
  return whole([...changes, addressesAt(group, own, observed, 'address-add')]);
}

/** What a guest that has lost the group changes; undefined before enough has been seen of EC2. */
export function clear(group: Group, own: Appliance, observed: Observed): readonly GuestChange[] | undefined {
  const changes = enisOf(group).map((resource) => {
    const eni = observed.enis[resource.id];
    return eni === undefined ? undefined : clearEni(resource, eni);
  });
  return whole([...changes, addressesAt(group, own, observed, 'address-remove')]);
}

/** Addresses that move between primary ENIs: EC2's DHCP configures none of them. */
function addressesAt(
  group: Group,
  { eni }: Appliance,
  observed: Observed,
  kind: 'address-add' | 'address-remove',
): readonly GuestChange[] | undefined {
  const mac = observed.enis[eni]?.mac;
  const addresses = addressesOf(group);
  if (addresses.length > 0 && mac === undefined) return undefined;
  return addresses.map((address) => ({ kind, mac: mac ?? '', address, length: lengthOf(address) }));
}

/** All of them, or undefined where some are. */
const whole = <T>(lists: readonly (readonly T[] | undefined)[]): readonly T[] | undefined =>
  lists.some((list) => list === undefined) ? undefined : lists.flatMap((list) => list ?? []);

/** The changes that make the ENI work in this guest. The router stands at the first address of each range. */
function settleEni(resource: EniResource, eni: ObservedEni, subnet: ObservedSubnet): readonly GuestChange[] {
  const { mac } = eni;
  const table = resource.guestTable;
  const routes = subnet.cidrs.flatMap((cidr): readonly GuestChange[] => {
    const prefix = parsePrefix(cidr);
    if (!prefix.ok) return [];
    const family = prefix.value.address.family;
    if (!eni.addresses.some((address) => address.includes(':') === (family === 6))) return [];
    const via = formatAddress(addressAt(prefix.value, 1));
    return [
      { kind: 'route-add', mac, table, destination: cidr },
      { kind: 'route-add', mac, table, destination: family === 4 ? '0.0.0.0/0' : '::/0', via },
    ];
  });
  return [
    { kind: 'link-up', mac },
    { kind: 'rp-filter', mac, mode: 2 },
    ...eni.addresses.map(
      (address): GuestChange => ({ kind: 'address-add', mac, address, length: lengthOf(address) }),
    ),
    ...routes,
    ...eni.addresses.map((from): GuestChange => ({ kind: 'rule-add', from, table })),
  ];
}

/**
 * The changes that remove what may be left when the ENI has gone: routes vanish with the device, rules do
 * not.
 */
function clearEni(resource: EniResource, eni: ObservedEni): readonly GuestChange[] {
  const { mac } = eni;
  return [
    ...eni.addresses.map((from): GuestChange => ({ kind: 'rule-remove', from, table: resource.guestTable })),
    ...eni.addresses.map(
      (address): GuestChange => ({ kind: 'address-remove', mac, address, length: lengthOf(address) }),
    ),
  ];
}
