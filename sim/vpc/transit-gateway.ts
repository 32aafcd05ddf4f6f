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
import { peerOf } from './connect.ts';
import { lineFor, throughLine } from './direct-connect.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { flowHash, weightOf } from './flow-hash.ts';
import { destinationOf, type Header } from './header.ts';
import { BLACKHOLE, type Decision, type Recorder, record } from './hop.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import { explainAcl, passesAcl } from './network-acl.ts';
import type { AttachmentNode, DirectConnectNode, Place, TransitPathNode, TransitRoute } from './nodes.ts';
import { carrier } from './vpn-gateway.ts';

/** From a place in a VPC to where the packet enters another, or the code of its disposition. */
export function throughTransitGateway(
  fabric: Fabric,
  gateway: string,
  from: Place,
  h: Header,
  recorder?: Recorder,
): Place | number {
  const say = (text: string, decision?: Decision): void => {
    if (recorder) record(recorder, h, 'transit-gateway', gateway, text, decision);
  };
  const attachment = from.vpc.attachments.find((each) => each.gateway === gateway && each.available);
  if (attachment === undefined) {
    say(`has no available attachment to ${from.vpc.id}: the route is a blackhole`);
    return CODE.BAD_STATE_ROUTE;
  }
  const { zone } = from.subnet;
  const door = attachment.places.find((each) => each.subnet.zone === zone);
  if (door === undefined) {
    const objects = [attachment.id, gateway];
    say(`${attachment.id} has no subnet in ${zone}: dropped`, { kind: 'fault', objects });
    return CODE.TGW_ROUTE_AZ_RESTRICTION;
  }
  const { acl } = door.subnet;
  if (acl !== undefined && door.subnet !== from.subnet && !passesAcl(door.subnet, h, false)) {
    if (recorder) {
      const text = `at ${door.subnet.id}, a subnet of ${attachment.id}: ${explainAcl(acl, h, false)}`;
      record(recorder, h, 'network-acl', acl.id, text, { kind: 'acl', acl, egress: false });
    }
    return CODE.SUBNET_ACL_RESTRICTION;
  }
  const tooLong = checkLength(fabric.settings.mtu.transitGateway, from, h);
  if (tooLong !== 0) {
    say(whyTooLong(h));
    return tooLong;
  }
  const peer = peerOf(fabric, attachment, h);
  if (peer === 'stranger') {
    say('has no Connect peer with both outer addresses: dropped');
    return CODE.GRE_NO_GATEWAY;
  }
  if (peer !== undefined) {
    say(`ends the tunnel of ${peer.id}: in by ${peer.attachment?.id}`);
    h.connectPeer = peer;
    return CODE.TO_CONNECT_PEER;
  }
  const out = carry(attachment, zone, h, recorder);
  if (out !== CODE.TO_SITE) return out;
  const tooLongForSite = checkLength(h.line?.border ?? fabric.settings.mtu.vpn, from, h);
  if (tooLongForSite !== 0) say(whyTooLong(h));
  return tooLongForSite || out;
}

/** By the route tables of one gateway after the other, while routes lead to peerings. */
function carry(incoming: AttachmentNode, zone: string, h: Header, recorder?: Recorder): Place | number {
  let entry = incoming;
  let near = zone;
  for (;;) {
    if (h.ttl <= 1) {
      tell(recorder, h, entry, 'the TTL is used up: dropped', { kind: 'fault', objects: [entry.gateway] });
      return CODE.TTL;
    }
    const path = route(entry, near, h, recorder);
    if (typeof path === 'number') return path;
    h.ttl--;
    const exit = path.attachment;
    if (exit.transport !== undefined) return overConnect(path, h, recorder);
    if (exit.vpn !== undefined) return overVpn(path, h, recorder);
    if (exit.direct !== undefined) return overDirectConnect(exit, exit.direct, h, recorder);
    if (exit.peer === undefined) return placeOf(exit, near, h) ?? CODE.TGW_RTB_BAD_STATE_ROUTE;
    if (!exit.peer.available) {
      const objects = [exit.peer.id, exit.id];
      const text = `${exit.peer.id} at the other gateway is not available: dropped`;
      tell(recorder, h, exit, text, { kind: 'fault', objects });
      return CODE.BAD_STATE_ATTACHMENT;
    }
    entry = exit.peer;
    near = '';
  }
}

/** From a site into the transit gateway, and on to where the packet enters a VPC or another site. */
export const fromAttachment = (attachment: AttachmentNode, h: Header, recorder?: Recorder): Place | number =>
  carry(attachment, '', h, recorder);

/** Out through a VPN attachment: TO_SITE with `h.site` set, or why not. */
function overVpn(path: TransitPathNode, h: Header, recorder?: Recorder): number {
  const { attachment, tunnel } = path;
  const { vpn } = attachment;
  if (vpn?.site === undefined || !isOpen(path)) {
    const which = tunnel === undefined ? `no tunnel of ${vpn?.id}` : `no equal of the tunnel ${tunnel}`;
    const objects = [vpn?.id ?? '', attachment.id];
    tell(recorder, h, attachment, `${which} is up: dropped`, { kind: 'fault', objects });
    return CODE.BAD_STATE_VPN;
  }
  h.site = vpn.site.number;
  h.vpn = carrier(vpn, tunnel);
  return CODE.TO_SITE;
}

/** Out through a Direct Connect gateway: TO_SITE with `h.site` and `h.line` set, or why not. */
function overDirectConnect(
  exit: AttachmentNode,
  direct: DirectConnectNode,
  h: Header,
  recorder?: Recorder,
): number {
  const line = lineFor([direct], h);
  if (line !== undefined) return throughLine(undefined, line, h, recorder);
  if (recorder) {
    const what = `no virtual interface has told a route for ${formatAddress(destinationOf(h))}: dropped`;
    const decision = { kind: 'fault', objects: [direct.id, exit.id] } as const;
    record(recorder, h, 'direct-connect', direct.id, what, decision);
  }
  return CODE.DX_NO_ROUTE;
}

/** Out through a Connect attachment: TO_CONNECT_PEER with `h.connectPeer` set, or why not. */
function overConnect({ attachment, peer }: TransitPathNode, h: Header, recorder?: Recorder): number {
  if (peer?.attachment !== attachment) {
    const text = `no Connect peer of ${attachment.id} has told a route for ${formatAddress(destinationOf(h))}: dropped`;
    tell(recorder, h, attachment, text, { kind: 'fault', objects: [attachment.id] });
    return CODE.TGW_CONNECT_NO_PEER;
  }
  h.connectPeer = peer;
  return CODE.TO_CONNECT_PEER;
}

function tell(
  recorder: Recorder | undefined,
  h: Header,
  at: AttachmentNode,
  text: string,
  decision: Decision,
): void {
  if (recorder) record(recorder, h, 'transit-gateway', at.gateway, text, decision);
}

/** Whether a way carries packets as far as the gateway knows. */
function isOpen({ attachment, tunnel, peer }: TransitPathNode): boolean {
  const { available, vpn } = attachment;
  if (vpn !== undefined) return available && carrier(vpn, tunnel)?.up === true;
  return available && (peer === undefined || peer.attachment === attachment);
}

/**
 * The way of a route that a flow takes: of those that carry packets, else of all, the one that it is drawn to
 * most; undefined for a blackhole.
 */
function pick({ paths }: TransitRoute, h: Header): TransitPathNode | undefined {
  if (paths.length < 2) return paths[0];
  const flow = flowHash(h);
  let best: TransitPathNode | undefined;
  let most = -1;
  for (const path of paths) {
    const weight = weightOf(flow, path.seed) + (isOpen(path) ? 2 ** 32 : 0);
    if (weight <= most) continue;
    best = path;
    most = weight;
  }
  return best;
}

/** The way by which a packet leaves that came in at `entry`, from the zone `near` or none. */
function route(
  entry: AttachmentNode,
  near: string,
  h: Header,
  recorder?: Recorder,
): TransitPathNode | number {
  const { table } = entry;
  if (table === undefined) {
    const text = `${entry.id} is associated with no route table: dropped`;
    tell(recorder, h, entry, text, { kind: 'fault', objects: [entry.id] });
    return CODE.TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION;
  }
  if (!table.present) {
    const text = `${entry.id} is associated with ${table.id}, of which nothing is known: dropped`;
    tell(recorder, h, entry, text, { kind: 'fault', objects: [table.id, entry.id] });
    return CODE.TGW_RTB_ROUTES_ARE_UNKNOWN;
  }
  const match = lookup(h.family === 4 ? table.v4 : table.v6, h.d0, h.d1, h.d2, h.d3);
  if (match === undefined) {
    if (recorder) {
      const text = `in by ${entry.id}; ${table.id} has no route for ${formatAddress(destinationOf(h))}`;
      tell(recorder, h, entry, text, { kind: 'no-route', table: table.id, attachment: entry.id });
    }
    return CODE.TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT;
  }
  const path = pick(match.value, h);
  const live = path?.attachment.available === true;
  if (recorder) {
    const { destination } = match.value;
    const target = path?.attachment.id ?? BLACKHOLE;
    const place = live && path.attachment.peer === undefined ? placeOf(path.attachment, near, h) : undefined;
    const equals = match.value.paths.filter((each) => each !== path).map(nameOf);
    const what = live ? leaving(path, match.value, place, h) : 'a blackhole: dropped';
    const text = `in by ${entry.id}; ${destination} -> ${target} of ${table.id} matches: ${what}`;
    tell(recorder, h, entry, text, {
      kind: 'route',
      table: table.id,
      destination,
      target,
      ...(equals.length > 0 && { equals }),
      ...(place !== undefined && { subnet: place.subnet.id }),
    });
  }
  return live ? path : CODE.TGW_RTB_BAD_STATE_ROUTE;
}

/** A way in a word: a tunnel by its address outside, a Connect peer, or an attachment. */
const nameOf = ({ attachment: { id, vpn }, tunnel, peer }: TransitPathNode): string =>
  (vpn && carrier(vpn, tunnel)?.outside) ?? peer?.id ?? id;

/** Where a packet leaves, and why there. */
function leaving(
  path: TransitPathNode,
  { paths }: TransitRoute,
  place: Place | undefined,
  h: Header,
): string {
  const name = nameOf(path);
  const by = name === path.attachment.id ? 'leaves there' : `leaves by ${name}`;
  const where = place === undefined ? '' : ` in ${place.subnet.zone}`;
  if (paths.length < 2) return `${by}${where}`;
  const open = paths.filter(isOpen).length;
  const of = open < paths.length ? `${paths.length} equal ways, ${open} open` : `${paths.length} equal ways`;
  return `${by}${where}, picked of ${of}, by the hash ${flowHash(h).toString(16)} of the flow`;
}

/** Where an attachment lets a packet into its VPC. */
export function placeOf(
  { places, applianceMode }: AttachmentNode,
  zone: string,
  h: Header,
): Place | undefined {
  if (!applianceMode) {
    const same = places.find((each) => each.subnet.zone === zone);
    if (same !== undefined) return same;
  }
  return places[flowHash(h) % places.length];
}
