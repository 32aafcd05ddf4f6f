/**
 * VPN tunnels whose far ends are instances: IPsec between a gateway and an appliance that has the address of
 * the customer gateway, an Elastic IP. The outer packets are ordinary ones of the Internet, ESP in UDP since
 * there is NAT on the way (RFC 3948): they need a route of the appliance's subnet to its Internet gateway,
 * and security groups that let it dial. AWS Site-to-Site VPN User Guide, "Your customer gateway device". Not
 * here: keys and how they are agreed on, and what is inside (vpn-gateway.ts).
 */
import { find } from './address-map.ts';
import { type Fabric, publicScope } from './fabric.ts';
import { type Header, outerOf, UDP } from './header.ts';
import type { Port, SiteNode, VpnConnectionNode, VpnTunnelNode } from './nodes.ts';

const NAT_TRAVERSAL_PORT = 4500;

/** Outer IPv4 header, UDP, ESP with its initialization vector, padding and ICV: AES-GCM with 16 bytes. */
const OVERHEAD_BYTES = 20 + 8 + 8 + 8 + 4 + 16;

const IPSEC = {
  protocol: UDP,
  sourcePort: NAT_TRAVERSAL_PORT,
  destinationPort: NAT_TRAVERSAL_PORT,
} as const;

/** The ENI that has the public address of a customer gateway; undefined where its router is elsewhere. */
export const portAt = ({ publics }: Fabric, { address }: SiteNode): Port | undefined =>
  find(publics, publicScope(4), 0, 0, 0, address);

/** The ENI where the tunnels of a connection end. */
export const farPort = (fabric: Fabric, { site }: VpnConnectionNode): Port | undefined =>
  site && portAt(fabric, site);

/** The fabric as the outer packets of tunnels see it. */
export const around = (fabric: Fabric): Fabric =>
  fabric.flows === fabric.tunnelFlows ? fabric : { ...fabric, flows: fabric.tunnelFlows };

/** The outer packet of the gateway. */
export const toFarEnd = (h: Header, { remote, connection }: VpnTunnelNode): Header =>
  outerOf(h, OVERHEAD_BYTES, { ...IPSEC, s3: remote, d3: connection.site?.address ?? 0 });

/** The outer packet of an instance to a gateway. */
export function toGateway(h: Header, from: Port, remote: number): Header {
  const s3 = from.addresses.find(({ family }) => family === 4)?.w3 ?? 0;
  const { sourceMac, destinationMac } = h;
  return outerOf(h, OVERHEAD_BYTES, { ...IPSEC, s3, d3: remote, from, sourceMac, destinationMac });
}

/** The tunnel that an outer packet belongs to which is on the Internet, on its way to a gateway. */
export function tunnelOf(fabric: Fabric, { s3, d3 }: Header): VpnTunnelNode | undefined {
  for (const { site, tunnels } of fabric.vpnConnections.values()) {
    const found = site?.address === s3 ? tunnels.find(({ remote }) => remote === d3) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The tunnel at whose near end the gateway's speaker sent the packet. */
export const tunnelAt = ({ tunnels }: VpnConnectionNode, { s3 }: Header): VpnTunnelNode | undefined =>
  tunnels.find(({ near }) => near === s3);
