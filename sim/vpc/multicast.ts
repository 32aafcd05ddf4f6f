/**
 * Multicast domains of transit gateways (F5): a packet to a group from an ENI in an associated subnet is
 * copied at the start, and each copy goes by itself to the ENI of a member, over the borders of both subnets.
 * Without a domain multicast goes nowhere. Amazon VPC Transit Gateways, "Multicast on transit gateways". Not
 * here: IGMP, whose members and sources would come and go by themselves; IPv6.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { CODE } from './dispositions.ts';
import { attachmentOf, type Fabric, portOf } from './fabric.ts';
import { destinationOf, type Header } from './header.ts';
import { type Recorder, record } from './hop.ts';
import type { MulticastDomain } from './model.ts';
import type { Port } from './nodes.ts';

/** 224.0.0.0/4. */
export const isMulticast = (h: Header): boolean => h.family === 4 && h.d3 >>> 28 === 14;

/** Ethernet's address for a group: 01:00:5e and 23 bits of it. RFC 1112 6.4. */
export const groupMac = (h: Header): number => 0x01005e * 0x1000000 + (h.d3 & 0x7fffff);

/** The domain of the sender's subnet, where its attachment works. */
export function domainOf(fabric: Fabric, { subnet }: Port): MulticastDomain | undefined {
  for (const domain of fabric.multicastDomains.values()) {
    const entry = domain.associations.find((each) => each.subnet === subnet.id);
    if (entry !== undefined && domain.available && attachmentOf(fabric, entry.attachment).available) {
      return domain;
    }
  }
  return undefined;
}

/** The members that get a copy, but the sender; or the code of its disposition. */
export function membersFor(
  fabric: Fabric,
  from: Port,
  h: Header,
  recorder?: Recorder,
): readonly Port[] | number {
  const domain = domainOf(fabric, from);
  if (domain === undefined) return CODE.L2_BUM;
  const group = formatAddress(destinationOf(h));
  const say = (text: string): void => {
    if (recorder)
      record(recorder, h, 'transit-gateway', domain.id, text, { kind: 'fault', objects: [domain.id] });
  };
  const inGroup = (list: MulticastDomain['members'], eni: string): boolean =>
    list.some((each) => each.group === group && each.eni === eni);
  if (domain.staticSources && !inGroup(domain.sources, from.id)) {
    say(`${from.id} is no source of ${group}: dropped`);
    return CODE.TGW_MULTICAST_NO_SOURCE;
  }
  const members = domain.members
    .filter((each) => each.group === group && each.eni !== from.id)
    .map(({ eni }) => portOf(fabric, eni))
    .filter((port) => port.present && domainOf(fabric, port) === domain);
  if (members.length > 0) return members;
  say(`${group} has no other member: dropped`);
  return CODE.TGW_MULTICAST_NO_MEMBER;
}
