/** Out through the Internet gateway: 1:1 NAT by the source of the packet, whoever sent it. */
import { formatAddress } from '../../controller/base/ip.ts';
import { lookup } from '../../controller/base/longest-match.ts';
import { find } from './address-map.ts';
import { CODE } from './dispositions.ts';
import { edgeTableFor, type Fabric, scopeOf } from './fabric.ts';
import { destinationOf, type Header, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { addressOf } from './interface.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type { GatewayNode, Place } from './nodes.ts';

/** RFC 1918 and RFC 6598; fc00::/7. */
function isPrivateDestination(h: Header): boolean {
  if (h.family === 6) return h.d0 >>> 25 === 0x7e;
  const top = h.d3 >>> 24;
  if (top === 10) return true;
  if (top === 172) return h.d3 >>> 20 === 0xac1;
  if (top === 192) return h.d3 >>> 16 === 0xc0a8;
  return h.d3 >>> 22 === 0x191;
}

/** TO_INTERNET with the source rewritten, or why the gateway dropped the packet. */
export function toInternet(
  fabric: Fabric,
  from: Place,
  gateway: GatewayNode,
  h: Header,
  recorder?: Recorder,
): number {
  const code = natOut(fabric, from, gateway, h);
  if (recorder) record(recorder, h, 'internet-gateway', gateway.id, whyGateway(code, h));
  return code;
}

function natOut(fabric: Fabric, from: Place, gateway: GatewayNode, h: Header): number {
  if (!gateway.present || gateway.vpc !== from.vpc) return CODE.BAD_STATE_ROUTE;
  if (isPrivateDestination(h)) return CODE.IGW_PRIVATE_DESTINATION;
  if (isRedirected(fabric, from, gateway, h)) return CODE.INGRESS_RTB_TRAFFIC_REDIRECTION;
  const owner = find(fabric.mapping, scopeOf(from.vpc, h.family), h.s0, h.s1, h.s2, h.s3);
  const border = fabric.settings.mtu.internetGateway;
  if (h.family === 6) {
    if (h.s0 >>> 29 !== 1) return CODE.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS;
    if (owner === undefined) return CODE.GATEWAY_REJECTS_SPOOFED_TRAFFIC;
    return checkLength(border, from, h) || CODE.TO_INTERNET;
  }
  const seen = owner === undefined ? undefined : addressOf(owner, 4, 0, 0, 0, h.s3)?.public;
  if (seen === undefined) return CODE.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS;
  const tooLong = checkLength(border, from, h);
  if (tooLong !== 0) return tooLong;
  h.s3 = seen.word;
  return CODE.TO_INTERNET;
}

/**
 * Whether the gateway's edge table hands what comes back for the source to an appliance that this packet did
 * not pass: its sender is in the subnet of the source, and the source is not the appliance itself.
 */
function isRedirected(fabric: Fabric, from: Place, gateway: GatewayNode, h: Header): boolean {
  const table = edgeTableFor(fabric, gateway.id);
  if (table === undefined) return false;
  const entry = lookup(h.family === 4 ? table.v4 : table.v6, h.s0, h.s1, h.s2, h.s3)?.value;
  if (entry === undefined || entry.kind === 'local') return false;
  const owner = find(fabric.mapping, scopeOf(from.vpc, h.family), h.s0, h.s1, h.s2, h.s3);
  if (owner === undefined || owner.subnet !== from.subnet) return false;
  return entry.kind !== 'eni' || entry.port.instance !== owner.instance;
}

function whyGateway(code: number, h: Header): string {
  switch (code) {
    case CODE.TO_INTERNET:
      return h.family === 4 ? `source becomes ${formatAddress(sourceOf(h))}` : 'passed unchanged';
    case CODE.BAD_STATE_ROUTE:
      return 'is gone or not attached to this VPC: the route is a blackhole';
    case CODE.IGW_PRIVATE_DESTINATION:
      return `drops the private destination ${formatAddress(destinationOf(h))}`;
    case CODE.MTU_EXCEEDED:
      return whyTooLong(h);
    case CODE.INGRESS_RTB_TRAFFIC_REDIRECTION:
      return `its edge table redirects what comes back for ${formatAddress(sourceOf(h))}: dropped`;
    case CODE.GATEWAY_REJECTS_SPOOFED_TRAFFIC:
      return `drops the source ${formatAddress(sourceOf(h))}: no ENI of this VPC has it`;
    default:
      return `no public address stands for the source ${formatAddress(sourceOf(h))}: dropped`;
  }
}
