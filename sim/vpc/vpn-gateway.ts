/**
 * VPN gateways: between the ENIs of a VPC and the sites behind customer gateways, in IPv4. Both ways the
 * address on the VPC's side must be a private one of an ENI, so that nothing passes through the VPC. AWS
 * Site-to-Site VPN User Guide.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { find } from './address-map.ts';
import { inCidr } from './cidr.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, scopeOf } from './fabric.ts';
import { destinationOf, type Header, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type { AttachmentNode, Place, VpnConnectionNode, VpnGatewayNode } from './nodes.ts';

/** TO_SITE with `h.site` set, or why the gateway dropped the packet. */
export function toSite(
  fabric: Fabric,
  from: Place,
  gateway: VpnGatewayNode,
  h: Header,
  recorder?: Recorder,
): number {
  const connection = longest(gateway, h);
  const code = checkOut(fabric, from, gateway, connection, h);
  if (code === CODE.TO_SITE) h.site = connection?.site?.number ?? 0;
  if (recorder) {
    const down = code === CODE.BAD_STATE_VPN && connection !== undefined;
    const decision = down ? ({ kind: 'fault', objects: [connection.id, gateway.id] } as const) : undefined;
    record(recorder, h, 'vpn-gateway', gateway.id, whyOut(code, connection, h), decision);
  }
  return code;
}

function checkOut(
  fabric: Fabric,
  from: Place,
  gateway: VpnGatewayNode,
  connection: VpnConnectionNode | undefined,
  h: Header,
): number {
  if (gateway.vpc !== from.vpc) return CODE.BAD_STATE_ROUTE;
  if (h.family === 6) return CODE.VGW_IPV4_ONLY;
  if (find(fabric.mapping, scopeOf(from.vpc, 4), h.s0, h.s1, h.s2, h.s3) === undefined) {
    return CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS;
  }
  if (connection === undefined) return CODE.NO_ROUTE_TO_DESTINATION;
  if (!connection.up) return CODE.BAD_STATE_VPN;
  return checkLength(fabric.settings.mtu.vpn, from, h) || CODE.TO_SITE;
}

/** The connection with the longest route for the destination; of equals one that is up. */
function longest(gateway: VpnGatewayNode, h: Header): VpnConnectionNode | undefined {
  let best: VpnConnectionNode | undefined;
  let length = -1;
  for (const connection of gateway.connections) {
    for (const cidr of connection.routes) {
      if (cidr.family !== h.family || !inCidr(cidr, h, true)) continue;
      if (cidr.length < length || (cidr.length === length && (best?.up === true || !connection.up))) continue;
      best = connection;
      ({ length } = cidr);
    }
  }
  return best;
}

function whyOut(code: number, connection: VpnConnectionNode | undefined, h: Header): string {
  switch (code) {
    case CODE.TO_SITE:
      return `over ${connection?.id} to ${connection?.site?.id}`;
    case CODE.BAD_STATE_ROUTE:
      return 'is gone or not attached to this VPC: the route is a blackhole';
    case CODE.MTU_EXCEEDED:
      return whyTooLong(h);
    case CODE.VGW_IPV4_ONLY:
      return 'carries no IPv6: dropped';
    case CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS:
      return `drops the source ${formatAddress(sourceOf(h))}: no ENI of this VPC has it`;
    case CODE.BAD_STATE_VPN:
      return `no tunnel of ${connection?.id} is up: dropped`;
    default:
      return `no VPN connection leads to ${formatAddress(destinationOf(h))}: dropped`;
  }
}

/**
 * By what a packet from the site `h.site` comes in: the VPN gateway of the VPC whose ENI has the destination,
 * else an attachment to a transit gateway; or the code of its disposition.
 */
export function gatewayFor(fabric: Fabric, h: Header): VpnGatewayNode | AttachmentNode | number {
  let code: number = CODE.BAD_STATE_VPN;
  let transit: AttachmentNode | undefined;
  for (const site of fabric.sites.values()) {
    if (site.number !== h.site) continue;
    for (const { up, gateway, attachment } of site.connections) {
      if (!up) continue;
      if (attachment?.available === true) transit ??= attachment;
      if (gateway?.vpc === undefined) continue;
      if (h.family === 6) code = CODE.VGW_IPV4_ONLY;
      else if (find(fabric.mapping, scopeOf(gateway.vpc, 4), h.d0, h.d1, h.d2, h.d3) !== undefined)
        return gateway;
      else code = CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS;
    }
  }
  return transit ?? code;
}

/** Whose fault it is that a packet from a site reaches no VPC: of its connections, or of their gateways. */
export function whoNotIn(fabric: Fabric, code: number, h: Header): readonly string[] {
  const site = [...fabric.sites.values()].find(({ number }) => number === h.site);
  return (site?.connections ?? []).flatMap(({ id, gateway }) =>
    code === CODE.BAD_STATE_VPN ? id : (gateway?.id ?? []),
  );
}

/** Why a packet from a site reaches no VPC. */
export function whyNotIn(code: number, h: Header): string {
  switch (code) {
    case CODE.VGW_IPV4_ONLY:
      return 'a VPN gateway carries no IPv6: dropped';
    case CODE.BAD_STATE_VPN:
      return 'no tunnel of the site to an attached gateway is up: dropped';
    default:
      return `${formatAddress(destinationOf(h))} is no private address of an ENI there: dropped`;
  }
}
