/**
 * NAT gateways: source NAT of TCP, UDP and ICMP echo to the gateway's private address, which an Internet
 * gateway may then turn into its public one. Amazon VPC User Guide, "NAT gateway basics". Where the packet
 * goes before and after is the router's business (router.ts).
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { inCidr } from './cidr.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { destinationOf, type Header, ICMP, sourceOf, TCP, UDP } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { masquerade, type PortRange, unmasquerade } from './masquerade.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type { NatNode, Place, VpcNode } from './nodes.ts';

/** Flows at once to one destination (address, port and protocol). */
const FLOWS_PER_DESTINATION = 55_000;
const FIRST_PORT = 1024;

/**
 * The ports that stand for flows to one destination: as many as flows are allowed, where among 1024-65535
 * depends on the destination.
 */
function portsTo(h: Header): PortRange {
  const spare = 65_536 - FIRST_PORT - FLOWS_PER_DESTINATION + 1;
  return { first: FIRST_PORT + ((Math.imul(h.d3, 0x9e3779b1) >>> 0) % spare), count: FLOWS_PER_DESTINATION };
}

/** Out through the gateway: 0 with the source rewritten, or why it dropped the packet. */
export function natOut(fabric: Fabric, nat: NatNode, from: Place, h: Header, recorder?: Recorder): number {
  const code = translate(fabric, nat, from, h);
  if (recorder) record(recorder, h, 'nat-gateway', nat.id, why(code, h));
  return code;
}

function translate(fabric: Fabric, nat: NatNode, from: Place, h: Header): number {
  if (!nat.available || nat.own === undefined || nat.port === undefined) return CODE.BAD_STATE_ROUTE;
  if (h.family === 6 || (h.protocol !== TCP && h.protocol !== UDP && h.protocol !== ICMP)) {
    return CODE.NGW_PROTOCOL;
  }
  const { vpc } = from;
  if (h.from?.vpc === vpc && !isOfVpc(vpc, h)) return CODE.NGW_REQUIRES_SOURCE_IN_VPC;
  const tooLong = checkLength(fabric.settings.mtu.natGateway, from, h);
  if (tooLong !== 0) return tooLong;
  if (--h.ttl <= 0) return CODE.TTL;
  const refused = masquerade(nat.nat, h, nat.own, fabric.settings.natGateway, portsTo(h));
  return refused === 0 ? 0 : CODE.NGW_PORTS_EXHAUSTED;
}

function isOfVpc(vpc: VpcNode, h: Header): boolean {
  for (const cidr of vpc.cidrs) if (cidr.family === h.family && inCidr(cidr, h, false)) return true;
  return false;
}

/** An answer to the gateway's address: 0 with the destination rewritten, or NGW_NO_FLOW. */
export function natIn(fabric: Fabric, nat: NatNode, h: Header, recorder?: Recorder): number {
  const known = nat.available && unmasquerade(nat.nat, h, fabric.settings.natGateway);
  if (recorder) {
    const text = known
      ? `answers a flow of ${formatAddress(destinationOf(h))}`
      : 'belongs to no flow that was opened from inside: dropped';
    record(recorder, h, 'nat-gateway', nat.id, text);
  }
  return known ? 0 : CODE.NGW_NO_FLOW;
}

function why(code: number, h: Header): string {
  switch (code) {
    case 0:
      return `source becomes ${formatAddress(sourceOf(h))}`;
    case CODE.BAD_STATE_ROUTE:
      return 'is not available: the route is a blackhole';
    case CODE.NGW_PROTOCOL:
      return 'translates TCP, UDP and ICMP over IPv4 only: dropped';
    case CODE.NGW_REQUIRES_SOURCE_IN_VPC:
      return `${formatAddress(sourceOf(h))} is not an address of its VPC: dropped`;
    case CODE.MTU_EXCEEDED:
      return whyTooLong(h);
    case CODE.TTL:
      return 'the TTL reached zero';
    default:
      return 'has no port left for another flow to this destination: dropped';
  }
}
