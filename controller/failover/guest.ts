/**
 * What a moved ENI needs in the guest that it comes to: EC2's DHCP configures the first interface only.
 * Addresses stand alone (/32, /128), so that they make no routes in the main table; packets from them go by a
 * table of the device's own, through the router of the ENI's subnet; and the reverse path filter is loose,
 * for what the ENI receives may be answered elsewhere.
 */
import { addressAt, formatAddress, parsePrefix, width } from '../base/ip.ts';
import type { Group } from '../config.ts';
import type { ObservedEni, ObservedSubnet } from '../ec2/call.ts';
import type { GuestChange } from '../event.ts';

type EniResource = Extract<Group['resource'], { kind: 'eni' }>;

const lengthOf = (address: string): number => width(address.includes(':') ? 6 : 4);

/** The changes that make the ENI work in this guest. The router stands at the first address of each range. */
export function settle(
  resource: EniResource,
  eni: ObservedEni,
  subnet: ObservedSubnet | undefined,
): readonly GuestChange[] {
  const { mac } = eni;
  const table = resource.guestTable;
  const routes = (subnet?.cidrs ?? []).flatMap((cidr): readonly GuestChange[] => {
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
export function clear(resource: EniResource, eni: ObservedEni): readonly GuestChange[] {
  const { mac } = eni;
  return [
    ...eni.addresses.map((from): GuestChange => ({ kind: 'rule-remove', from, table: resource.guestTable })),
    ...eni.addresses.map(
      (address): GuestChange => ({ kind: 'address-remove', mac, address, length: lengthOf(address) }),
    ),
  ];
}
