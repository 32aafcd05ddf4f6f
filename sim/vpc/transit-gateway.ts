/**
 * Transit gateways. A packet enters through the attachment of its VPC, in its own zone; the route table that
 * the attachment is associated with says through which attachment it leaves; it enters the far VPC at the
 * attachment's subnet of one zone, whose own route table decides there. Amazon VPC Transit Gateways, "How
 * transit gateways work".
 *
 * Without appliance mode a packet stays in its zone where the far attachment has a subnet in it, so that
 * what comes back from another zone may meet another appliance; with it a hash of the flow picks the zone,
 * the same both ways. A gateway decrements the TTL (AWS does not say), by which loops end.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { lookup } from '../../controller/base/longest-match.ts';
import { CODE } from './dispositions.ts';
import { destinationOf, type Header } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { passesAcl } from './network-acl.ts';
import type { AttachmentNode, Place } from './nodes.ts';

/** From a place in a VPC to where the packet enters another, or the code of its disposition. */
export function throughTransitGateway(
  gateway: string,
  from: Place,
  h: Header,
  recorder?: Recorder,
): Place | number {
  const say = (text: string): void => {
    if (recorder) record(recorder, h, 'transit-gateway', gateway, text);
  };
  const attachment = from.vpc.attachments.find((each) => each.gateway === gateway && each.available);
  if (attachment === undefined) {
    say(`has no available attachment to ${from.vpc.id}: the route is a blackhole`);
    return CODE.BAD_STATE_ROUTE;
  }
  const { zone } = from.subnet;
  const door = attachment.places.find((each) => each.subnet.zone === zone);
  if (door === undefined) {
    say(`${attachment.id} has no subnet in ${zone}: dropped`);
    return CODE.TGW_ROUTE_AZ_RESTRICTION;
  }
  if (door.subnet !== from.subnet && !passesAcl(door.subnet, h, false)) {
    say(`the network ACL of ${door.subnet.id}, a subnet of ${attachment.id}, denies it: dropped`);
    return CODE.SUBNET_ACL_RESTRICTION;
  }
  return carry(attachment, zone, h, recorder);
}

/** By the route tables of one gateway after the other, while routes lead to peerings. */
function carry(incoming: AttachmentNode, zone: string, h: Header, recorder?: Recorder): Place | number {
  let entry = incoming;
  let near = zone;
  for (;;) {
    if (h.ttl <= 1) {
      tell(recorder, h, entry, 'the TTL is used up: dropped');
      return CODE.TTL;
    }
    const exit = route(entry, h, recorder);
    if (typeof exit === 'number') return exit;
    h.ttl--;
    if (exit.peer === undefined) return placeOf(exit, near, h) ?? CODE.TGW_RTB_BAD_STATE_ROUTE;
    if (!exit.peer.available) {
      tell(recorder, h, exit, `${exit.peer.id} at the other gateway is not available: dropped`);
      return CODE.BAD_STATE_ATTACHMENT;
    }
    entry = exit.peer;
    near = '';
  }
}

function tell(recorder: Recorder | undefined, h: Header, at: AttachmentNode, text: string): void {
  if (recorder) record(recorder, h, 'transit-gateway', at.gateway, text);
}

/** The attachment through which a packet leaves that came in at `entry`. */
function route(entry: AttachmentNode, h: Header, recorder?: Recorder): AttachmentNode | number {
  const { table } = entry;
  if (table === undefined || !table.present) {
    tell(recorder, h, entry, `${entry.id} is associated with no route table: dropped`);
    return CODE.TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION;
  }
  const match = lookup(h.family === 4 ? table.v4 : table.v6, h.d0, h.d1, h.d2, h.d3);
  if (match === undefined) {
    if (recorder) tell(recorder, h, entry, `${table.id} has no route for ${formatAddress(destinationOf(h))}`);
    return CODE.TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT;
  }
  const { destination, attachment } = match.value;
  const live = attachment?.available === true;
  if (recorder) {
    const target = attachment?.id ?? 'blackhole';
    const what = live ? 'leaves there' : 'a blackhole: dropped';
    const text = `in by ${entry.id}; route ${destination} -> ${target} of ${table.id} matches: ${what}`;
    record(recorder, h, 'transit-gateway', entry.gateway, text, { table: table.id, destination, target });
  }
  return live ? attachment : CODE.TGW_RTB_BAD_STATE_ROUTE;
}

/** Where an attachment lets a packet into its VPC. */
function placeOf({ places, applianceMode }: AttachmentNode, zone: string, h: Header): Place | undefined {
  if (!applianceMode) {
    const same = places.find((each) => each.subnet.zone === zone);
    if (same !== undefined) return same;
  }
  return places[flowHash(h) % places.length];
}

/** A hash of addresses, protocol and ports that is the same in both directions of a flow. */
function flowHash(h: Header): number {
  let x = h.s0 ^ h.d0 ^ h.s1 ^ h.d1 ^ h.s2 ^ h.d2 ^ h.s3 ^ h.d3;
  x = Math.imul(x ^ (h.sourcePort ^ h.destinationPort) ^ (h.protocol << 16), 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return (x ^ (x >>> 13)) >>> 0;
}
