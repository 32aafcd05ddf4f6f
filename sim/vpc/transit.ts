/**
 * One crossing of the VPC fabric: from a sending ENI (or the Internet) to a receiving ENI, the Internet, or a
 * drop.
 *
 * Within a subnet by destination MAC, across subnets by destination IP, nothing flooded (F9, F21, F22, F25).
 * Checks run on both sides (F28): source check and security groups at the sender, then frames to a peer's MAC
 * go straight to it, frames to the router's MAC by the subnet's route table, then security groups and
 * destination check at the receiver. The router does not decrement the TTL. The header is rewritten in place;
 * nothing is allocated unless a recorder is given or a security group begins to track a flow. Not here:
 * network ACLs, edge route tables, MTU.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { lookup } from '../../controller/base/longest-match.ts';
import { unreachable } from '../../controller/base/result.ts';
import { find } from './address-map.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, macHigh, macLow, publicScope, scopeOf, tableFor } from './fabric.ts';
import { destinationOf, formatMac, type Header, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import type { GatewayNode, Port, PortAddress, RouteEntry, TableNode } from './nodes.ts';
import { checkGroups } from './security.ts';

const BROADCAST_BIT = 0x0100_0000_0000;

/**
 * Carries the packet across the fabric once. In: `from` (undefined: the Internet), the MACs, the fields of
 * the packet. Out: a code of `CODE`: DELIVERED with `to`, TO_INTERNET, or why it was dropped; addresses and
 * MACs as rewritten.
 */
export function transit(fabric: Fabric, h: Header, recorder?: Recorder): number {
  h.to = undefined;
  const from = h.from;
  if (from === undefined) return fromInternet(fabric, h, recorder);
  const refusal = leave(fabric, from, h);
  if (refusal !== 0) {
    if (recorder) record(recorder, h, 'eni', from.id, `refused on the way out: ${whySend(refusal, h)}`);
    return refusal;
  }
  if (recorder) record(recorder, h, 'eni', from.id, 'passed the source check and the egress rules');
  if (h.destinationMac === from.subnet.routerMac) return byRoute(fabric, from, h, recorder);
  const peer = find(fabric.macs, 0, 0, 0, macHigh(h.destinationMac), macLow(h.destinationMac));
  if (peer === undefined || peer.subnet !== from.subnet) {
    if (recorder) {
      const mac = formatMac(h.destinationMac);
      record(
        recorder,
        h,
        'eni',
        from.id,
        `no ENI of subnet ${from.subnet.id} has MAC ${mac}; nothing is flooded`,
      );
    }
    return CODE.L2_UNKNOWN_MAC;
  }
  return arrive(fabric, peer, h, recorder);
}

/** Checks in the sending hypervisor; 0 or a code. */
function leave(fabric: Fabric, from: Port, h: Header): number {
  if (from.instance === undefined || !from.instance.running) return CODE.BAD_STATE_ATTACHMENT;
  if (h.sourceMac !== from.mac && fabric.settings.sourceMacChecked) return CODE.L2_SOURCE_MAC;
  if (Math.floor(h.destinationMac / BROADCAST_BIT) % 2 === 1 || isGroupAddress(h)) return CODE.L2_BUM;
  if (isReserved(h)) return CODE.RESERVED_ADDRESS;
  if (from.sourceDestCheck && !owns(from, h.family, h.s0, h.s1, h.s2, h.s3)) {
    return CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION;
  }
  return checkGroups(fabric, from, h, 'egress');
}

function whySend(code: number, h: Header): string {
  const source = formatAddress(sourceOf(h));
  switch (code) {
    case CODE.BAD_STATE_ATTACHMENT:
      return 'the ENI is not attached to a running instance';
    case CODE.L2_SOURCE_MAC:
      return `the source MAC ${formatMac(h.sourceMac)} is not the ENI's`;
    case CODE.L2_BUM:
      return 'broadcast and multicast go nowhere';
    case CODE.RESERVED_ADDRESS:
      return `${formatAddress(destinationOf(h))} is link-local or reserved by AWS`;
    case CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION:
      return `source/dest check is on, and ${source} is not an address of this ENI`;
    case CODE.SG_HAS_NO_RULES:
      return 'its security groups have no egress rules';
    default:
      return 'no egress rule of its security groups allows it';
  }
}

/** Multicast and limited broadcast destinations. */
function isGroupAddress(h: Header): boolean {
  if (h.family === 4) return h.d3 === -1 || h.d3 >>> 28 === 14;
  return h.d0 >>> 24 === 255;
}

/**
 * 169.254.0.0/16; fe80::/10, fd00:ec2::/32. Amazon VPC User Guide, "Route table concepts", reserved ranges.
 */
function isReserved(h: Header): boolean {
  if (h.family === 4) return h.d3 >>> 16 === 0xa9fe;
  return h.d0 >>> 22 === 0x3fa || h.d0 >>> 0 === 0xfd000ec2;
}

function addressOf(
  port: Port,
  family: 4 | 6,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): PortAddress | undefined {
  for (let i = 0; i < port.addresses.length; i++) {
    const own = port.addresses[i];
    if (own === undefined || own.family !== family) continue;
    if (own.w3 === w3 && own.w2 === w2 && own.w1 === w1 && own.w0 === w0) return own;
  }
  return undefined;
}

const owns = (port: Port, family: 4 | 6, w0: number, w1: number, w2: number, w3: number): boolean =>
  addressOf(port, family, w0, w1, w2, w3) !== undefined;

/** The VPC router: the subnet's route table decides. */
function byRoute(fabric: Fabric, from: Port, h: Header, recorder?: Recorder): number {
  const table = tableFor(from);
  const match =
    table === undefined ? undefined : lookup(h.family === 4 ? table.v4 : table.v6, h.d0, h.d1, h.d2, h.d3);
  if (table === undefined || match === undefined) {
    if (recorder) {
      const text = `no route for ${formatAddress(destinationOf(h))}`;
      record(recorder, h, 'router', table?.id ?? from.subnet.id, text);
    }
    return CODE.NO_ROUTE_TO_DESTINATION;
  }
  const entry = match.value;
  switch (entry.kind) {
    case 'local': {
      const to = find(fabric.mapping, scopeOf(from.vpc, h.family), h.d0, h.d1, h.d2, h.d3);
      if (recorder) {
        recordRoute(
          recorder,
          h,
          table,
          entry,
          to === undefined ? 'no ENI has that address' : `straight to ${to.id}`,
        );
      }
      return to === undefined ? CODE.NO_POSSIBLE_DESTINATION : handOver(fabric, to, h, recorder);
    }
    case 'eni': {
      const { port } = entry;
      const live = port.present && port.instance !== undefined;
      const dead = port.present ? 'which is attached to nothing' : 'which does not exist';
      if (recorder)
        recordRoute(recorder, h, table, entry, live ? 'destination untouched' : `a blackhole: ${dead}`);
      return live ? handOver(fabric, port, h, recorder) : CODE.BAD_STATE_ROUTE;
    }
    case 'internet-gateway':
      if (recorder) recordRoute(recorder, h, table, entry, 'to the Internet gateway');
      return toInternet(fabric, from, entry.gateway, h, recorder);
    default:
      return unreachable(entry);
  }
}

function recordRoute(recorder: Recorder, h: Header, table: TableNode, entry: RouteEntry, what: string): void {
  const { destination } = entry.route;
  const target = entry.kind === 'local' ? 'local' : entry.kind === 'eni' ? entry.port.id : entry.gateway.id;
  const text = `route ${destination} -> ${target} of ${table.id} matches: ${what}`;
  record(recorder, h, 'router', table.id, text, { table: table.id, destination, target });
}

/** From the router to an ENI: the frame gets its MACs. */
function handOver(fabric: Fabric, to: Port, h: Header, recorder?: Recorder): number {
  h.sourceMac = to.subnet.routerMac;
  h.destinationMac = to.mac;
  return arrive(fabric, to, h, recorder);
}

/** Checks in the receiving hypervisor. */
function arrive(fabric: Fabric, to: Port, h: Header, recorder?: Recorder): number {
  if (to.instance === undefined || !to.instance.running) {
    if (recorder) record(recorder, h, 'eni', to.id, 'is not attached to a running instance: dropped');
    return CODE.BAD_STATE_ATTACHMENT;
  }
  const refusal = checkGroups(fabric, to, h, 'ingress');
  if (refusal !== 0) {
    if (recorder)
      record(recorder, h, 'eni', to.id, 'no ingress rule of its security groups allows it: dropped');
    return refusal;
  }
  if (to.sourceDestCheck && !owns(to, h.family, h.d0, h.d1, h.d2, h.d3)) {
    if (recorder) {
      const text = `source/dest check is on, and ${formatAddress(destinationOf(h))} is not its address`;
      record(recorder, h, 'eni', to.id, `${text}: dropped`);
    }
    return CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION;
  }
  h.to = to;
  if (recorder) record(recorder, h, 'eni', to.id, 'passed the ingress rules and the destination check');
  return CODE.DELIVERED;
}

/** RFC 1918 and RFC 6598; fc00::/7. */
function isPrivateDestination(h: Header): boolean {
  if (h.family === 6) return h.d0 >>> 25 === 0x7e;
  const top = h.d3 >>> 24;
  if (top === 10) return true;
  if (top === 172) return h.d3 >>> 20 === 0xac1;
  if (top === 192) return h.d3 >>> 16 === 0xc0a8;
  return h.d3 >>> 22 === 0x191;
}

/** Out through the Internet gateway: 1:1 NAT by the source of the packet, whoever sent it. */
function toInternet(
  fabric: Fabric,
  from: Port,
  gateway: GatewayNode,
  h: Header,
  recorder?: Recorder,
): number {
  const code = natOut(fabric, from, gateway, h);
  if (recorder) record(recorder, h, 'internet-gateway', gateway.id, whyGateway(code, h));
  return code;
}

function natOut(fabric: Fabric, from: Port, gateway: GatewayNode, h: Header): number {
  if (!gateway.present || gateway.vpc !== from.vpc) return CODE.BAD_STATE_ROUTE;
  if (isPrivateDestination(h)) return CODE.IGW_PRIVATE_DESTINATION;
  const owner = find(fabric.mapping, scopeOf(from.vpc, h.family), h.s0, h.s1, h.s2, h.s3);
  if (h.family === 6) {
    if (h.s0 >>> 29 !== 1) return CODE.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS;
    return owner === undefined ? CODE.GATEWAY_REJECTS_SPOOFED_TRAFFIC : CODE.TO_INTERNET;
  }
  const seen = owner === undefined ? undefined : addressOf(owner, 4, 0, 0, 0, h.s3)?.public;
  if (seen === undefined) return CODE.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS;
  h.s3 = seen.word;
  return CODE.TO_INTERNET;
}

function whyGateway(code: number, h: Header): string {
  switch (code) {
    case CODE.TO_INTERNET:
      return h.family === 4 ? `source becomes ${formatAddress(sourceOf(h))}` : 'passed unchanged';
    case CODE.BAD_STATE_ROUTE:
      return 'is gone or not attached to this VPC: the route is a blackhole';
    case CODE.IGW_PRIVATE_DESTINATION:
      return `drops the private destination ${formatAddress(destinationOf(h))}`;
    case CODE.GATEWAY_REJECTS_SPOOFED_TRAFFIC:
      return `drops the source ${formatAddress(sourceOf(h))}: no ENI of this VPC has it`;
    default:
      return `no public address stands for the source ${formatAddress(sourceOf(h))}: dropped`;
  }
}

/** In through an Internet gateway: 1:1 NAT of the destination, then straight to the ENI. */
function fromInternet(fabric: Fabric, h: Header, recorder?: Recorder): number {
  const to = find(fabric.publics, publicScope(h.family), h.d0, h.d1, h.d2, h.d3);
  if (to === undefined) {
    if (recorder) {
      const text = `${formatAddress(destinationOf(h))} belongs to no ENI`;
      record(recorder, h, 'internet', 'internet', text);
    }
    return CODE.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS;
  }
  const gateway = to.vpc.gateways.at(-1);
  if (gateway === undefined || !gateway.present) {
    if (recorder)
      record(recorder, h, 'internet', 'internet', `${to.vpc.id} has no Internet gateway attached`);
    return CODE.BAD_STATE_ATTACHMENT;
  }
  if (h.family === 4) {
    for (let i = 0; i < to.addresses.length; i++) {
      const own = to.addresses[i];
      if (own?.public === undefined || own.public.word !== h.d3) continue;
      h.d3 = own.w3;
      break;
    }
  }
  if (recorder) {
    record(
      recorder,
      h,
      'internet-gateway',
      gateway.id,
      `destination is ${formatAddress(destinationOf(h))} of ${to.id}`,
    );
  }
  return handOver(fabric, to, h, recorder);
}
