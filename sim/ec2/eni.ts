/**
 * What several handlers do with ENIs: choose addresses of a subnet, make an ENI, attach it, take it off, remove it.
 * Each checks what EC2 checks; which request asks is the handlers' matter.
 */
import {
  addressAt,
  contains,
  formatAddress,
  type Prefix,
  parseAddress,
  prefix,
} from '../../controller/base/ip.ts';
import { INSTANCE_TYPES } from './catalog/instance-types.ts';
import type { Tx } from './handler.ts';
import { hexDigits, makeMac } from './identifier.ts';
import { releasePublicAddress } from './public-address.ts';
import type { Tags } from './record/base.ts';
import type { InstanceRecord } from './record/compute.ts';
import type { EniAttachment, NetworkInterfaceRecord, SubnetRecord } from './record/network.ts';
import { refuse } from './refusal.ts';

/** An ENI to be made. Addresses named come first; counts are added to them. */
export interface WantedEni {
  readonly subnet: SubnetRecord;
  /** Private IPv4 addresses, primary first. */
  readonly ipv4: readonly string[];
  /** How many more IPv4 addresses EC2 shall choose, a primary one not counted. */
  readonly moreIpv4: number;
  readonly ipv6: readonly string[];
  readonly moreIpv6: number;
  /** The VPC's default group where none is named. */
  readonly groups: readonly string[];
  readonly description: string;
  readonly tags: Tags;
}

/** The addresses of a subnet that an ENI holds. */
function usedAddresses(tx: Tx, subnet: string): Set<string> {
  return new Set(tx.referring('network-interface', subnet).flatMap((eni) => [...eni.ipv4, ...eni.ipv6]));
}

/** The first four addresses and the last of a subnet's IPv4 block are Amazon's. VPC User Guide, "Subnet sizing". */
function isReserved(block: Prefix, ip: string): boolean {
  const size = 2 ** (32 - block.length);
  return [0, 1, 2, 3, size - 1].some((offset) => formatAddress(addressAt(block, offset)) === ip);
}

/** Refuses an address that is not one of the subnet's, or is taken; gives its canonical text. */
export function checkedAddress(tx: Tx, subnet: SubnetRecord, text: string): string {
  const parsed = parseAddress(text);
  if (!parsed.ok)
    return refuse('InvalidParameterValue', `Invalid value '${text}' for address. Must be an IP address.`);
  const ip = formatAddress(parsed.value);
  const cidr = parsed.value.family === 4 ? subnet.cidr : subnet.ipv6?.cidr;
  if (cidr === undefined || !contains(prefix(cidr), parsed.value)) {
    refuse('InvalidParameterValue', `Address ${ip} does not fall within the subnet's address range`);
  }
  if (parsed.value.family === 4 && isReserved(prefix(cidr), ip)) {
    refuse('InvalidParameterValue', `Address ${ip} is in subnet's reserved address range`);
  }
  if (usedAddresses(tx, subnet.id).has(ip)) {
    refuse('InvalidIPAddress.InUse', `The specified address ${ip} is already in use.`);
  }
  return ip;
}

/** Free IPv4 addresses of a subnet, from a seeded start; `besides` are taken by the same request. */
export function freeIpv4(tx: Tx, subnet: SubnetRecord, count: number, besides: readonly string[]): string[] {
  if (count === 0) return [];
  const block = prefix(subnet.cidr);
  const used = usedAddresses(tx, subnet.id);
  for (const ip of besides) used.add(ip);
  const usable = 2 ** (32 - block.length) - 5;
  const start = Math.floor(tx.random() * usable);
  const found: string[] = [];
  for (let step = 0; step < usable && found.length < count; step++) {
    const ip = formatAddress(addressAt(block, 4 + ((start + step) % usable)));
    if (!used.has(ip)) found.push(ip);
  }
  if (found.length < count) {
    const why = 'does not have enough free addresses to satisfy the request.';
    refuse('InsufficientFreeAddressesInSubnet', `The specified subnet ${why}`);
  }
  return found;
}

/** Free IPv6 addresses of a subnet's /64, chosen at random as EC2 does. */
export function freeIpv6(tx: Tx, subnet: SubnetRecord, count: number, besides: readonly string[]): string[] {
  if (count === 0) return [];
  if (subnet.ipv6 === undefined) {
    refuse('InvalidParameterValue', `The subnet ${subnet.id} does not have an IPv6 CIDR block.`);
  }
  const used = usedAddresses(tx, subnet.id);
  for (const ip of besides) used.add(ip);
  const [start = 0, next = 0] = prefix(subnet.ipv6.cidr).address.words;
  const found: string[] = [];
  while (found.length < count) {
    const [low, high] = [
      Number.parseInt(hexDigits(tx.random, 8), 16),
      Number.parseInt(hexDigits(tx.random, 8), 16),
    ];
    const ip = formatAddress({ family: 6, words: [start, next, high, low] });
    if (used.has(ip)) continue;
    used.add(ip);
    found.push(ip);
  }
  return found;
}

function checkedGroups(tx: Tx, subnet: SubnetRecord, groups: readonly string[]): readonly string[] {
  if (groups.length > tx.settings.quotas.groupsPerInterface) {
    const limit = tx.settings.quotas.groupsPerInterface;
    refuse(
      'SecurityGroupsPerInterfaceLimitExceeded',
      `The maximum number of security groups per interface has been reached (${limit}).`,
    );
  }
  for (const id of groups) {
    if (tx.need('security-group', id).vpc !== subnet.vpc) {
      const both = `You have specified two resources that belong to different networks: ${id} and ${subnet.id}.`;
      refuse('InvalidParameterValue', both);
    }
  }
  if (groups.length > 0) return [...new Set(groups)];
  const [group] = tx.referring('security-group', subnet.vpc).filter((each) => each.name === 'default');
  return group ? [group.id] : [];
}

function macAddress(tx: Tx): string {
  const taken = new Set(tx.list('network-interface').map((eni) => eni.mac));
  let mac = makeMac(tx.random);
  while (taken.has(mac)) mac = makeMac(tx.random);
  return mac;
}

/** Makes an ENI that is attached to nothing. */
export function createEni(tx: Tx, wanted: WantedEni): NetworkInterfaceRecord {
  const { subnet, description, tags } = wanted;
  if (tx.list('network-interface').length >= tx.settings.quotas.networkInterfaces) {
    const limit = tx.settings.quotas.networkInterfaces;
    refuse(
      'NetworkInterfaceLimitExceeded',
      `The maximum number of network interfaces has been reached (${limit}).`,
    );
  }
  const repeated = [...wanted.ipv4, ...wanted.ipv6].find((ip, index, all) => all.indexOf(ip) !== index);
  if (repeated !== undefined) refuse('InvalidParameterValue', `Address ${repeated} is named more than once`);
  const named4 = wanted.ipv4.map((ip) => checkedAddress(tx, subnet, ip));
  const named6 = wanted.ipv6.map((ip) => checkedAddress(tx, subnet, ip));
  const more4 = wanted.moreIpv4 + (named4.length === 0 ? 1 : 0);
  const automatic6 = subnet.assignIpv6AddressOnCreation && named6.length + wanted.moreIpv6 === 0 ? 1 : 0;
  return tx.put('network-interface', {
    id: tx.newId('eni'),
    account: tx.account,
    vpc: subnet.vpc,
    subnet: subnet.id,
    zone: subnet.zone,
    mac: macAddress(tx),
    description,
    interfaceType: 'interface',
    ipv4: [...named4, ...freeIpv4(tx, subnet, more4, named4)],
    ipv6: [...named6, ...freeIpv6(tx, subnet, wanted.moreIpv6 + automatic6, named6)],
    publicAddresses: [],
    groups: checkedGroups(tx, subnet, wanted.groups),
    sourceDestCheck: true,
    tags,
  });
}

/** Where an ENI shall be attached. */
export interface WantedAttachment {
  readonly instance: InstanceRecord;
  readonly deviceIndex: number;
  readonly status: EniAttachment['status'];
  readonly deleteOnTermination: boolean;
}

/** Writes an attachment after EC2's checks: same zone and VPC, ENI free, device index free, room on the instance. */
export function attachEni(
  tx: Tx,
  eni: NetworkInterfaceRecord,
  { instance, deviceIndex, status, deleteOnTermination }: WantedAttachment,
): NetworkInterfaceRecord {
  if (eni.attachment) {
    refuse('InvalidNetworkInterface.InUse', `The network interface '${eni.id}' is currently in use.`);
  }
  if (eni.zone !== instance.zone) {
    const why = 'if they are not in the same availability zone';
    refuse('InvalidParameterCombination', `You may not attach a network interface to an instance ${why}`);
  }
  if (eni.vpc !== instance.vpc) {
    const both = `${eni.id} and ${instance.id}`;
    refuse(
      'InvalidParameterCombination',
      `You have specified two resources that belong to different networks: ${both}.`,
    );
  }
  const others = tx.referring('network-interface', instance.id);
  if (others.some((each) => each.attachment?.deviceIndex === deviceIndex)) {
    const at = `Instance '${instance.id}' already has an interface attached at device index '${deviceIndex}'.`;
    refuse('InvalidParameterValue', at);
  }
  const type = INSTANCE_TYPES.get(instance.type);
  if (type && (others.length >= type.enis || deviceIndex >= type.enis)) {
    const why = `Interface count ${others.length + 1} exceeds the limit for ${instance.type}`;
    refuse(
      'AttachmentLimitExceeded',
      `${why} (${type.enis} interfaces, device indexes 0 to ${type.enis - 1}).`,
    );
  }
  return tx.put('network-interface', {
    ...eni,
    attachment: {
      id: tx.newId('eni-attach'),
      instance: instance.id,
      instanceOwner: instance.account,
      deviceIndex,
      networkCardIndex: 0,
      status,
      attachTime: tx.date(),
      deleteOnTermination,
    },
  });
}

/** Takes the attachment off; a public address that was lent for the instance's run goes back to the pool. */
export function takeOffEni(tx: Tx, eni: NetworkInterfaceRecord): NetworkInterfaceRecord {
  const { attachment: _, ...free } = returnLentAddresses(tx, eni);
  return tx.put('network-interface', free);
}

/** Gives lent public addresses back; Elastic IP addresses stay. */
export function returnLentAddresses(tx: Tx, eni: NetworkInterfaceRecord): NetworkInterfaceRecord {
  const lent = eni.publicAddresses.filter((pair) => pair.allocation === undefined);
  if (lent.length === 0) return eni;
  for (const pair of lent) releasePublicAddress(tx, pair.public);
  const publicAddresses = eni.publicAddresses.filter((pair) => pair.allocation !== undefined);
  return tx.put('network-interface', { ...eni, publicAddresses });
}

/** Removes an ENI; Elastic IP addresses that were associated with it stay allocated. */
export function removeEni(tx: Tx, eni: NetworkInterfaceRecord): void {
  returnLentAddresses(tx, eni);
  for (const address of tx.referring('address', eni.id)) {
    const { association: _, ...free } = address;
    tx.put('address', free);
  }
  tx.remove('network-interface', eni.id);
}
