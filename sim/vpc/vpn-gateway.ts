/**
 * VPN gateways: between the ENIs of a VPC and the sites behind customer gateways, and between the sites (VPN
 * CloudHub), in IPv4; and between the ENIs and the sites that Direct Connect leads to. Both ways the address
 * on the VPC's side must be a private one of an ENI, so that
 * nothing passes through the VPC. AWS Site-to-Site VPN User Guide.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { find } from './address-map.ts';
import { inCidr } from './cidr.ts';
import {
  entranceFrom,
  isOfLines,
  type LineExit,
  lineFor,
  routeLength,
  throughLine,
  whoNotByLine,
  whyNotByLine,
} from './direct-connect.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, scopeOf } from './fabric.ts';
import { seedOf } from './flow-hash.ts';
import { destinationOf, type Header, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type {
  AttachmentNode,
  CidrPeer,
  LineNode,
  Place,
  SiteNode,
  VpnConnectionNode,
  VpnGatewayNode,
  VpnTunnelNode,
} from './nodes.ts';

/**
 * The tunnel of a connection that carries packets: the one named; else the one that AWS prefers, whose choice
 * is at random and here a hash of the connection's id, or another where that is down.
 */
export function carrier({ id, tunnels }: VpnConnectionNode, named?: string): VpnTunnelNode | undefined {
  if (named !== undefined) return tunnels.find(({ outside }) => outside === named);
  const preferred = tunnels[seedOf(id) % tunnels.length];
  return preferred?.up === true ? preferred : (tunnels.find(({ up }) => up) ?? preferred);
}

/** A tunnel by which a VPN gateway reaches a destination. */
interface Way {
  readonly connection: VpnConnectionNode;
  readonly tunnel: VpnTunnelNode | undefined;
  /** Of its route. */
  readonly length: number;
}

/** TO_SITE with `h.site` set, or why the gateway dropped the packet. */
export function toSite(
  fabric: Fabric,
  from: Place,
  gateway: VpnGatewayNode,
  h: Header,
  recorder?: Recorder,
): number {
  const way = longest(gateway, h);
  const line = gateway.vpc === from.vpc ? lineFor(gateway.directs, h) : undefined;
  if (line !== undefined && routeLength(line, h) >= (way?.length ?? 0))
    return toLine(fabric, from, gateway, line, h, recorder);
  const code = checkOut(fabric, from, gateway, way, h);
  if (code === CODE.TO_SITE) leaveBy(way, h);
  if (recorder) {
    const down = code === CODE.BAD_STATE_VPN && way !== undefined;
    const decision = down
      ? ({ kind: 'fault', objects: [way.connection.id, gateway.id] } as const)
      : undefined;
    record(recorder, h, 'vpn-gateway', gateway.id, whyOut(code, way, h), decision);
  }
  return code;
}

function leaveBy(way: Way | undefined, h: Header): void {
  h.site = way?.connection.site?.number ?? 0;
  h.vpn = way?.tunnel;
}

/** Over Direct Connect, which beats VPN connections where both have the same prefix. */
function toLine(
  fabric: Fabric,
  from: Place,
  gateway: VpnGatewayNode,
  line: LineNode,
  h: Header,
  recorder?: Recorder,
): number {
  if (find(fabric.mapping, scopeOf(from.vpc, h.family), h.s0, h.s1, h.s2, h.s3) === undefined) {
    const code = CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS;
    if (recorder) record(recorder, h, 'vpn-gateway', gateway.id, whyOut(code, undefined, h));
    return code;
  }
  if (recorder) record(recorder, h, 'vpn-gateway', gateway.id, `by Direct Connect, over ${line.id}`);
  return throughLine(from, line, h, recorder);
}

function checkOut(
  fabric: Fabric,
  from: Place,
  gateway: VpnGatewayNode,
  way: Way | undefined,
  h: Header,
): number {
  if (gateway.vpc !== from.vpc) return CODE.BAD_STATE_ROUTE;
  if (h.family === 6) return CODE.VGW_IPV4_ONLY;
  if (find(fabric.mapping, scopeOf(from.vpc, 4), h.s0, h.s1, h.s2, h.s3) === undefined) {
    return CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS;
  }
  if (way === undefined) return CODE.NO_ROUTE_TO_DESTINATION;
  if (way.tunnel?.up !== true) return CODE.BAD_STATE_VPN;
  return checkLength(fabric.settings.mtu.vpn, from, h) || CODE.TO_SITE;
}

/** The tunnel with the longest route for the destination, but none to `from`; of equals one that is up. */
function longest(gateway: VpnGatewayNode, h: Header, from?: number): Way | undefined {
  let best: Way | undefined;
  let length = -1;
  const offer = (way: Omit<Way, 'length'>, routes: readonly CidrPeer[]): void => {
    for (const cidr of routes) {
      if (cidr.family !== h.family || !inCidr(cidr, h, true)) continue;
      const isNoBetter = best?.tunnel?.up === true || way.tunnel?.up !== true;
      if (cidr.length < length || (cidr.length === length && isNoBetter)) continue;
      ({ length } = cidr);
      best = { ...way, length };
    }
  };
  for (const connection of gateway.connections) {
    if (connection.site?.number === from) continue;
    offer({ connection, tunnel: carrier(connection) }, connection.routes);
    for (const tunnel of connection.tunnels) offer({ connection, tunnel }, tunnel.routes);
  }
  return best;
}

function whyOut(code: number, way: Way | undefined, h: Header): string {
  const { connection, tunnel } = way ?? {};
  switch (code) {
    case CODE.TO_SITE:
      return `over the tunnel ${tunnel?.outside} of ${connection?.id} to ${connection?.site?.id}`;
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

/** The site that a packet is at. */
export function siteAt(fabric: Fabric, h: Header): SiteNode | undefined {
  for (const site of fabric.sites.values()) if (site.number === h.site) return site;
  return undefined;
}

/** By what a packet from a site comes in, and where it goes. */
export type Entrance =
  | LineExit
  | { readonly kind: 'site'; readonly gateway: VpnGatewayNode; readonly way: Way }
  /** A code of `CODE`. */
  | { readonly kind: 'none'; readonly code: number };

/**
 * Where the way of a packet from the site `h.site` leads: over a virtual interface, which the router of a
 * site prefers, with `h.line` set; else over VPN connections.
 */
export function entranceFor(fabric: Fabric, site: SiteNode | undefined, h: Header): Entrance {
  const { connections = [], lines = [] } = site ?? {};
  if (site === undefined || lines.length === 0) return entranceBy(fabric, connections, h, h.site);
  const found = entranceFrom(fabric, site, h);
  if (typeof found === 'number')
    return connections.length === 0
      ? { kind: 'none', code: found }
      : entranceBy(fabric, connections, h, h.site);
  h.line = found.line;
  return found.exit;
}

/**
 * Over VPN connections from the site of a number: by the VPN gateway into the VPC whose ENI has the
 * destination, else by one with a route to another site, else by an attachment into a transit gateway.
 */
export function entranceBy(
  fabric: Fabric,
  connections: readonly VpnConnectionNode[],
  h: Header,
  from: number | undefined,
): Entrance {
  let code: number = CODE.BAD_STATE_VPN;
  let transit: AttachmentNode | undefined;
  let hub: Entrance | undefined;
  for (const { up, gateway, attachment } of connections) {
    if (!up) continue;
    if (attachment?.available === true) transit ??= attachment;
    if (gateway === undefined) continue;
    if (h.family === 6) {
      code = CODE.VGW_IPV4_ONLY;
      continue;
    }
    const { vpc } = gateway;
    if (vpc !== undefined) {
      if (find(fabric.mapping, scopeOf(vpc, 4), h.d0, h.d1, h.d2, h.d3) !== undefined) {
        return { kind: 'vpc', gateway, vpc };
      }
      code = CODE.VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS;
      if (vpc.cidrs.some((cidr) => cidr.family === 4 && inCidr(cidr, h, true))) continue;
    }
    const way = hub === undefined ? longest(gateway, h, from) : undefined;
    if (way !== undefined) hub = { kind: 'site', gateway, way };
  }
  if (hub !== undefined) return hub;
  return transit === undefined ? { kind: 'none', code } : { kind: 'transit-gateway', attachment: transit };
}

/** From a site to another one over the VPN gateway of both: TO_SITE with `h.site` set, or why not. */
export function betweenSites(gateway: VpnGatewayNode, way: Way, h: Header, recorder?: Recorder): number {
  const { connection, tunnel } = way;
  const code = tunnel?.up === true ? CODE.TO_SITE : CODE.BAD_STATE_VPN;
  if (code === CODE.TO_SITE) leaveBy(way, h);
  if (recorder) {
    const objects = [connection.id, gateway.id];
    const decision = code === CODE.TO_SITE ? undefined : ({ kind: 'fault', objects } as const);
    record(recorder, h, 'vpn-gateway', gateway.id, `from a site: ${whyOut(code, way, h)}`, decision);
  }
  return code;
}

/** Whose fault it is that a packet from a site reaches no VPC: of its connections, or of their gateways. */
export function whoNotIn(site: SiteNode | undefined, code: number): readonly string[] {
  if (site !== undefined && isOfLines(code)) return whoNotByLine(code, site);
  return (site?.connections ?? []).flatMap(({ id, gateway }) =>
    code === CODE.BAD_STATE_VPN ? id : (gateway?.id ?? []),
  );
}

/** Why a packet from a site reaches no VPC. */
export function whyNotIn(code: number, h: Header): string {
  if (isOfLines(code)) return whyNotByLine(code, h);
  switch (code) {
    case CODE.VGW_IPV4_ONLY:
      return 'a VPN gateway carries no IPv6: dropped';
    case CODE.BAD_STATE_VPN:
      return 'no tunnel of the site to an attached gateway is up: dropped';
    default:
      return `${formatAddress(destinationOf(h))} is no private address of an ENI there: dropped`;
  }
}
