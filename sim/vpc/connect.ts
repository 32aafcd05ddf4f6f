/**
 * Transit gateway Connect: GRE between a transit gateway and an appliance in a VPC. The outer packets are
 * ordinary ones between an address of the gateway and the appliance's ENI: they need a route of the subnet to
 * the gateway's CIDR block, and rules for protocol 47; the attachment that carries them is one of the VPC.
 * What is inside enters and leaves the gateway by the Connect attachment. Amazon VPC Transit Gateways,
 * "Connect attachments". Not here: routes (transit.ts), and GRE over IPv6.
 */
import type { Fabric } from './fabric.ts';
import { GRE, type Header, outerOf } from './header.ts';
import type { AttachmentNode, ConnectPeerNode, Port } from './nodes.ts';

/** Outer IPv4 header and GRE without options. */
const OVERHEAD_BYTES = 24;

/**
 * The peer whose tunnel a packet belongs to that came in by the attachment of a VPC; `stranger` where it is
 * for an address of the gateway, but from none of its peers; undefined where it is any other packet.
 */
export function peerOf(
  fabric: Fabric,
  transport: AttachmentNode,
  h: Header,
): ConnectPeerNode | 'stranger' | undefined {
  if (h.protocol !== GRE || h.family !== 4) return undefined;
  let found: 'stranger' | undefined;
  for (const peer of fabric.connectPeers.values()) {
    const { attachment, gatewayAddress, peerAddress } = peer;
    if (attachment?.gateway !== transport.gateway || gatewayAddress !== h.d3) continue;
    if (attachment.transport === transport && attachment.available && peerAddress === h.s3) return peer;
    found = 'stranger';
  }
  return found;
}

/** The place of the gateway's speaker that has the destination, inside the tunnel of the peer. */
export const speakerFor = ({ speakers }: ConnectPeerNode, h: Header): number | undefined =>
  h.family === 4 ? speakers.find(({ address }) => address === h.d3)?.site.number : undefined;

/** The outer packet of the gateway to its peer. */
export const outwards = (h: Header, { gatewayAddress, peerAddress }: ConnectPeerNode): Header =>
  outerOf(h, OVERHEAD_BYTES, { protocol: GRE, s3: gatewayAddress, d3: peerAddress, alwaysTracked: true });

/** The outer packet of an appliance to a gateway. */
export function inwards(h: Header, from: Port, remote: number): Header {
  const source = from.addresses.find(({ family }) => family === 4)?.w3 ?? 0;
  const macs = { sourceMac: h.sourceMac, destinationMac: h.destinationMac };
  return outerOf(h, OVERHEAD_BYTES, { protocol: GRE, s3: source, d3: remote, from, ...macs });
}
