/**
 * Which private addresses of a subnet are free, and which a request may name. Pure arithmetic over the store.
 */
import {
  type Address,
  addressAt,
  contains,
  formatAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefix,
  sameAddress,
} from '../../controller/base/ip.ts';
import type { Tx } from './handler.ts';
import { hexDigits } from './identifier.ts';
import type { SubnetRecord } from './record/network.ts';
import { invalidValue, refuse } from './refusal.ts';

/** The first four addresses of a subnet and the last are AWS's own. VPC user guide, "Subnet CIDR blocks". */
const RESERVED_FIRST = 4;
const RESERVED = 5;

/** Parses the block that a parameter gives; host bits are cleared, as EC2 does. */
export function cidrParameter(parameter: string, text: string, family: 4 | 6): Prefix {
  const parsed = parsePrefix(text, 'clear');
  if (!parsed.ok || parsed.value.address.family !== family) {
    return invalidValue(parameter, text, 'This is not a valid CIDR block.');
  }
  return parsed.value;
}

/** How many IPv4 addresses of the subnet are free. */
export const freeCount = (tx: Tx, subnet: SubnetRecord): number =>
  2 ** (32 - prefix(subnet.cidr).length) - RESERVED - tx.occupied(subnet.id).ipv4;

/** The lowest free IPv4 addresses of the subnet, `count` of them, none of `except`. */
export function freeIpv4(
  tx: Tx,
  subnet: SubnetRecord,
  count: number,
  except: readonly string[] = [],
): string[] {
  const block = prefix(subnet.cidr);
  const occupied = tx.occupied(subnet.id);
  const found: string[] = [];
  const first = block.address.words[3] >>> 0;
  const end = 2 ** (32 - block.length) - 1;
  const at = (offset: number): string => formatAddress(addressAt(block, offset));
  let lowest = Math.max(RESERVED_FIRST, occupied.searched - first);
  while (lowest < end && occupied.holders.has(at(lowest))) lowest++;
  occupied.searched = first + lowest;
  for (let offset = lowest; offset < end && found.length < count; offset++) {
    const text = at(offset);
    if (!occupied.holders.has(text) && !except.includes(text)) found.push(text);
  }
  if (found.length < count) {
    const why = 'The specified subnet does not have enough free addresses to satisfy the request.';
    refuse('InsufficientFreeAddressesInSubnet', why);
  }
  return found;
}

/** `count` free IPv6 addresses of the subnet, drawn from the seeded stream. */
export function freeIpv6(tx: Tx, subnet: SubnetRecord, count: number): string[] {
  const block = ipv6Block(subnet);
  const taken = tx.occupied(subnet.id).holders;
  const found: string[] = [];
  while (found.length < count) {
    const text = formatAddress(withInterfaceId(block, hexDigits(tx.random, 16)));
    if (!taken.has(text) && !found.includes(text) && !reservedIpv6(block, text)) found.push(text);
  }
  return found;
}

function ipv6Block(subnet: SubnetRecord): Prefix {
  if (subnet.ipv6 === undefined) {
    return refuse('InvalidParameterValue', `The subnet '${subnet.id}' has no IPv6 CIDR block.`);
  }
  return prefix(subnet.ipv6.cidr);
}

const withInterfaceId = ({ address }: Prefix, digits: string): Address => ({
  family: 6,
  words: [
    address.words[0],
    address.words[1],
    Number.parseInt(digits.slice(0, 8), 16),
    Number.parseInt(digits.slice(8), 16),
  ],
});

function reservedIpv6(block: Prefix, text: string): boolean {
  const parsed = parseAddress(text);
  return parsed.ok && [0, 1, 2, 3].some((offset) => sameAddress(addressAt(block, offset), parsed.value));
}

/**
 * Checks private addresses that a request names: in the subnet, not reserved, not taken; returns them
 * canonical.
 */
export function namedAddresses(
  tx: Tx,
  subnet: SubnetRecord,
  texts: readonly string[],
  family: 4 | 6,
  takenIsFine: (address: string) => boolean = () => false,
): string[] {
  if (texts.length === 0) return [];
  const block = family === 4 ? prefix(subnet.cidr) : ipv6Block(subnet);
  const taken = tx.occupied(subnet.id).holders;
  const canonical = texts.map((text) => {
    const parsed = parseAddress(text);
    if (!parsed.ok || parsed.value.family !== family) {
      return invalidValue('address', text, `Invalid IPv${family} address.`);
    }
    const address = formatAddress(parsed.value);
    if (!contains(block, parsed.value)) {
      refuse('InvalidParameterValue', `Address ${address} does not fall within the subnet's address range`);
    }
    const offset = family === 4 ? (parsed.value.words[3] - block.address.words[3]) >>> 0 : RESERVED_FIRST;
    const last = family === 4 && offset === 2 ** (32 - block.length) - 1;
    if (offset < RESERVED_FIRST || last || (family === 6 && reservedIpv6(block, address))) {
      refuse('InvalidParameterValue', `Address ${address} is in subnet's reserved address range`);
    }
    if (taken.has(address) && !takenIsFine(address)) {
      refuse('InvalidIPAddress.InUse', `The specified address is already in use: ${address}`);
    }
    return address;
  });
  const twice = canonical.find((address, index) => canonical.indexOf(address) !== index);
  if (twice !== undefined) refuse('InvalidParameterValue', `Address ${twice} is specified more than once`);
  return canonical;
}
