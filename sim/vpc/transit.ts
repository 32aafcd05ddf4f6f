/**
 * One crossing of the VPC fabric: from a sending ENI (or the Internet) to a receiving ENI, the Internet, or a
 * drop.
 *
 * Within a subnet by destination MAC, across subnets by destination IP, nothing flooded (F9, F21, F22, F25).
 * Checks run on both sides (F28): source check and security groups at the sender, then frames to a peer's MAC
 * go straight to it, frames to the router's MAC by the subnet's route table and over the borders of subnets
 * (router.ts), then security groups and destination check at the receiver. The header is rewritten in place;
 * nothing is allocated unless a recorder is given or a security group begins to track a flow.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import { find } from './address-map.ts';
import { inwards, outwards, speakerFor } from './connect.ts';
import { isOfLines, throughLine } from './direct-connect.ts';
import { CODE } from './dispositions.ts';
import { answersEgressOnly } from './egress-only-gateway.ts';
import { type Fabric, macHigh, macLow, publicScope } from './fabric.ts';
import { encapsulate, returning } from './gateway-load-balancer.ts';
import { destinationOf, formatMac, type Header } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { arrive, decisionAtSend, leave, whySend } from './interface.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import { domainOf } from './multicast.ts';
import { explainAcl, passesAcl } from './network-acl.ts';
import type {
  ConnectPeerNode,
  GeneveTunnel,
  GreTunnel,
  IpsecTunnel,
  Port,
  ServiceFlow,
  Tunnel,
  VpnTunnelNode,
} from './nodes.ts';
import { byRoute, deliver, egressOnlyFor, enterThrough, handOver } from './router.ts';
import { checkGroups, trackAlways } from './security.ts';
import { fromAttachment, placeOf } from './transit-gateway.ts';
import { answeredFlow } from './vpc-endpoint.ts';
import {
  betweenSites,
  type Entrance,
  entranceBy,
  entranceFor,
  siteAt,
  whoNotIn,
  whyNotIn,
} from './vpn-gateway.ts';
import { around, farPort, toFarEnd, toGateway, tunnelAt, tunnelOf } from './vpn-tunnel.ts';

/**
 * Carries the packet across the fabric once. In: `from` (undefined: the Internet), the MACs, the fields of
 * the packet. Out: a code of `CODE`: DELIVERED with `to`, TO_INTERNET, or why it was dropped; addresses and
 * MACs as rewritten.
 */
export function transit(fabric: Fabric, h: Header, recorder?: Recorder): number {
  h.to = undefined;
  h.router = undefined;
  h.untracked = false;
  h.alwaysTracked = false;
  h.line = undefined;
  h.vpn = undefined;
  const code = firstStep(fabric, h, recorder);
  if (code === CODE.TO_CONNECT_PEER) return toConnectPeer(fabric, h, recorder);
  if (code === CODE.TO_SITE && h.vpn !== undefined) return overVpn(fabric, h.vpn, h, recorder);
  return code === CODE.TO_APPLIANCE ? toAppliance(fabric, h, recorder) : code;
}

/** From where the packet is: at a guest inside a tunnel or not, or outside. */
function firstStep(fabric: Fabric, h: Header, recorder?: Recorder): number {
  const { from, tunnel } = h;
  if (from === undefined) {
    return h.site === 0 ? fromInternet(fabric, h, recorder) : fromSite(fabric, h, recorder);
  }
  h.tunnel = undefined;
  if (tunnel === undefined) return fromGuest(fabric, from, h, recorder);
  switch (tunnel.kind) {
    case 'gre':
      return throughGre(fabric, from, tunnel, h, recorder);
    case 'ipsec':
      return throughIpsec(fabric, from, tunnel, h, recorder);
    case 'geneve':
      return fromAppliance(fabric, from, tunnel, h, recorder);
    default:
      return unreachable(tunnel);
  }
}

/** In GRE from a transit gateway to the appliance of a Connect peer. */
function toConnectPeer(fabric: Fabric, h: Header, recorder?: Recorder): number {
  const peer = h.connectPeer;
  h.connectPeer = undefined;
  const transport = peer?.attachment?.transport;
  const outer = peer && outwards(h, peer);
  const place = outer && transport?.available ? placeOf(transport, '', outer) : undefined;
  if (peer === undefined || outer === undefined || place === undefined) {
    if (recorder) {
      const text = `${transport?.id} does not carry the tunnel of ${peer?.id}: dropped`;
      const objects = transport === undefined ? [] : [transport.id];
      record(recorder, h, 'transit-gateway', transport?.gateway ?? '', text, { kind: 'fault', objects });
    }
    return CODE.BAD_STATE_ATTACHMENT;
  }
  if (recorder) {
    record(recorder, outer, 'transit-gateway', transport?.gateway ?? '', `in GRE to ${peer.id}`);
  }
  return arrived(
    byRoute(fabric, place, outer, recorder),
    outer,
    { kind: 'gre', remote: peer.gatewayAddress },
    h,
  );
}

/** Where its outer packet has come to, a packet has come to in the tunnel; else why that was dropped. */
function arrived(code: number, outer: Header, tunnel: Tunnel, h: Header): number {
  if (code !== CODE.DELIVERED || outer.to === undefined) return code;
  h.tunnel = tunnel;
  h.to = outer.to;
  h.destinationMac = outer.to.mac;
  return CODE.DELIVERED;
}

/** From an appliance in GRE to a transit gateway, and on from its Connect attachment. */
function throughGre(
  fabric: Fabric,
  from: Port,
  { remote }: GreTunnel,
  h: Header,
  recorder?: Recorder,
): number {
  const outer = inwards(h, from, remote);
  const refusal = sends(fabric, from, outer, recorder);
  if (refusal !== 0) return refusal;
  const code = byRoute(fabric, from, outer, recorder);
  const peer = outer.connectPeer;
  if (code === CODE.TO_CONNECT_PEER && peer !== undefined) return fromConnectPeer(fabric, peer, h, recorder);
  return code === CODE.DELIVERED || code === CODE.TO_INTERNET || code === CODE.TO_SITE
    ? CODE.GRE_NO_GATEWAY
    : code;
}

/** What came out of the tunnel of a peer: for the gateway's speaker, or on by the Connect attachment. */
function fromConnectPeer(fabric: Fabric, peer: ConnectPeerNode, h: Header, recorder?: Recorder): number {
  const { attachment } = peer;
  const site = speakerFor(peer, h);
  if (site !== undefined) {
    if (recorder) record(recorder, h, 'transit-gateway', attachment?.gateway ?? '', 'takes the packet');
    h.site = site;
    return CODE.TO_SITE;
  }
  if (attachment === undefined) return CODE.BAD_STATE_ATTACHMENT;
  const place = fromAttachment(attachment, h, recorder);
  return typeof place === 'number' ? place : byRoute(fabric, place, h, recorder);
}

/** Out by a VPN tunnel: to the site behind it, or in IPsec to the instance that is its far end. */
function overVpn(fabric: Fabric, tunnel: VpnTunnelNode, h: Header, recorder?: Recorder): number {
  const port = farPort(fabric, tunnel.connection);
  if (port === undefined) return CODE.TO_SITE;
  const outer = toFarEnd(h, tunnel);
  if (recorder) record(recorder, outer, 'vpn-gateway', tunnel.connection.id, `in IPsec to ${port.id}`);
  h.site = 0;
  const code = fromInternet(around(fabric), outer, recorder);
  return arrived(code, outer, { kind: 'ipsec', remote: tunnel.remote }, h);
}

/** From an instance in IPsec to a VPN gateway or a transit gateway, and on from there. */
function throughIpsec(
  fabric: Fabric,
  from: Port,
  { remote }: IpsecTunnel,
  h: Header,
  recorder?: Recorder,
): number {
  const outer = toGateway(h, from, remote);
  const outside = around(fabric);
  const refusal = sends(outside, from, outer, recorder);
  if (refusal !== 0) return refusal;
  const code = byRoute(outside, from, outer, recorder);
  if (code === CODE.DELIVERED || code === CODE.TO_SITE) return CODE.VPN_NO_TUNNEL;
  if (code !== CODE.TO_INTERNET) return code;
  const tunnel = tunnelOf(fabric, outer);
  if (tunnel === undefined) {
    if (recorder) {
      const far = formatAddress(destinationOf(outer));
      const decision = { kind: 'fault', objects: [from.id] } as const;
      record(recorder, outer, 'internet', far, 'no VPN connection has this tunnel to the source', decision);
    }
    return CODE.VPN_NO_TUNNEL;
  }
  const { connection, near } = tunnel;
  if (!tunnel.down && h.family === 4 && h.d3 === near) {
    if (recorder) record(recorder, h, 'vpn-gateway', connection.id, 'takes the packet');
    h.site = connection.speaker.number;
    return CODE.TO_SITE;
  }
  const entrance = tunnel.up
    ? entranceBy(fabric, [connection], h, connection.site?.number)
    : ({ kind: 'none', code: CODE.BAD_STATE_VPN } as const);
  return enter(fabric, entrance, [connection.id], h, recorder);
}

/** From a Gateway Load Balancer to an appliance, in GENEVE. */
function toAppliance(fabric: Fabric, h: Header, recorder?: Recorder): number {
  const { endpoint } = h;
  h.endpoint = undefined;
  const made = endpoint === undefined ? CODE.BAD_STATE_ROUTE : encapsulate(fabric, endpoint, h, recorder);
  if (typeof made === 'number') return made;
  const { outer, tunnel } = made;
  return arrived(byRoute(fabric, tunnel.node, outer, recorder), outer, tunnel, h);
}

/** From an appliance back to its Gateway Load Balancer, and on from the subnet of the endpoint. */
function fromAppliance(
  fabric: Fabric,
  from: Port,
  tunnel: GeneveTunnel,
  h: Header,
  recorder?: Recorder,
): number {
  const outer = returning(h, tunnel, from);
  const refusal = sends(fabric, from, outer, recorder);
  if (refusal !== 0) return refusal;
  const code = byRoute(fabric, from, outer, recorder);
  if (code !== CODE.DELIVERED) return code;
  if (outer.to !== tunnel.node) return CODE.BAD_STATE_ATTACHMENT;
  const { door, balancer } = tunnel;
  if (recorder) record(recorder, h, 'gateway-load-balancer', balancer.id, `back, on from ${door.subnet.id}`);
  h.alwaysTracked = true;
  return byRoute(fabric, door, h, recorder);
}

/** The checks in the sending hypervisor: 0 or a code. */
function sends(fabric: Fabric, from: Port, h: Header, recorder?: Recorder): number {
  const refusal = leave(fabric, from, h);
  if (recorder) {
    const text = refusal === 0 ? 'passed the source check and the egress rules' : whySend(refusal, h);
    record(recorder, h, 'eni', from.id, text, decisionAtSend(refusal, from));
  }
  return refusal;
}

/** From the sender to where the packet leaves the fabric, or meets an endpoint or peer of an appliance. */
function fromGuest(fabric: Fabric, from: Port, h: Header, recorder?: Recorder): number {
  const refusal = sends(fabric, from, h, recorder);
  if (refusal !== 0) return refusal;
  if (h.member !== undefined) return toMember(fabric, from, h.member, h, recorder);
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
  if (peer.nat !== undefined) return handOver(fabric, from.subnet, peer, h, recorder);
  return arrive(fabric, peer, h, recorder);
}

/** A copy of a multicast packet over the transit gateway to a member, over the borders of both subnets. */
function toMember(fabric: Fabric, from: Port, member: Port, h: Header, recorder?: Recorder): number {
  h.member = undefined;
  const { acl } = from.subnet;
  if (acl !== undefined && recorder) {
    const decision = { kind: 'acl', acl, egress: true } as const;
    record(recorder, h, 'network-acl', acl.id, explainAcl(acl, h, true), decision);
  }
  if (!passesAcl(from.subnet, h, true)) return CODE.SUBNET_ACL_RESTRICTION;
  trackAlways(fabric, h);
  const code = checkLength(fabric.settings.mtu.transitGateway, from, h);
  const text = code === 0 ? `a copy to ${member.id}` : whyTooLong(h);
  if (recorder) record(recorder, h, 'transit-gateway', domainOf(fabric, from)?.id ?? '', text);
  return code || handOver(fabric, undefined, member, h, recorder);
}

/** What drops a packet from a site before it is at a gateway. */
const VPN = ['vpn-gateway', 'vpn'] as const;
const DIRECT = ['direct-connect', 'direct-connect'] as const;

/**
 * In over a virtual interface or a VPN connection of the site: by a VPN gateway's edge table or to the ENI,
 * over it to another site, into a transit gateway, or by SiteLink to another site.
 */
function fromSite(fabric: Fabric, h: Header, recorder?: Recorder): number {
  const site = siteAt(fabric, h);
  if (site?.peer !== undefined) {
    h.connectPeer = site.peer;
    return CODE.TO_CONNECT_PEER;
  }
  const tunnel = site?.vpn && tunnelAt(site.vpn, h);
  if (tunnel !== undefined) {
    h.vpn = tunnel;
    return tunnel.down ? CODE.BAD_STATE_VPN : CODE.TO_SITE;
  }
  const entrance = entranceFor(fabric, site, h);
  return enter(fabric, entrance, entrance.kind === 'none' ? whoNotIn(site, entrance.code) : [], h, recorder);
}

/** On from a site, or from the instance that stands for one; `objects` are at fault where there is no way. */
function enter(
  fabric: Fabric,
  entrance: Entrance,
  objects: readonly string[],
  h: Header,
  recorder?: Recorder,
): number {
  const { line } = h;
  const { mtuBytes } = line?.border ?? fabric.settings.mtu.vpn;
  if (h.lengthBytes > mtuBytes) return tooLong(h, line ? 'direct-connect' : 'vpn-gateway', recorder);
  if (recorder && line) record(recorder, h, 'direct-connect', line.id, `in, to ${line.direct?.id}`);
  switch (entrance.kind) {
    case 'transit-gateway': {
      const { attachment } = entrance;
      if (recorder) record(recorder, h, 'transit-gateway', attachment.gateway, `in by ${attachment.id}`);
      const place = fromAttachment(attachment, h, recorder);
      return typeof place === 'number' ? place : byRoute(fabric, place, h, recorder);
    }
    case 'vpc': {
      const { gateway, vpc } = entrance;
      if (recorder) record(recorder, h, 'vpn-gateway', gateway.id, `into ${vpc.id}`);
      return enterThrough(fabric, gateway, vpc, h, recorder);
    }
    case 'site':
      return betweenSites(entrance.gateway, entrance.way, h, recorder);
    case 'line':
      return throughLine(undefined, entrance.line, h, recorder);
    case 'none': {
      const { code } = entrance;
      if (recorder) {
        const decision = { kind: 'fault', objects } as const;
        const [place, id] = isOfLines(code) ? DIRECT : VPN;
        record(recorder, h, place, id, whyNotIn(code, h), decision);
      }
      return code;
    }
    default:
      return unreachable(entrance);
  }
}

/**
 * The answer of a service to a client in a VPC: back through the gateway endpoint, or from the ENI of the
 * interface endpoint, whose security groups it must pass.
 */
function fromService(fabric: Fabric, flow: ServiceFlow, h: Header, recorder?: Recorder): number {
  const { endpoint, vpc, port } = flow;
  if (recorder) record(recorder, h, 'vpc-endpoint', endpoint.id, `answers a flow of ${vpc.id}`);
  if (port === undefined) return deliver(fabric, vpc, h, recorder);
  h.s3 = flow.own;
  h.alwaysTracked = true;
  const refusal = checkGroups(fabric, port, h, 'egress');
  if (recorder) {
    const decision = { kind: 'groups', port, direction: 'egress', code: refusal } as const;
    record(recorder, h, 'eni', port.id, 'sends for the service', decision);
  }
  return refusal === 0 ? byRoute(fabric, port, h, recorder) : refusal;
}

/** What comes from outside cannot be longer than its way there takes: nothing of the VPC answers. */
function tooLong(
  h: Header,
  place: 'internet-gateway' | 'vpn-gateway' | 'direct-connect',
  recorder?: Recorder,
): number {
  if (recorder) record(recorder, h, place, place, `no link outside carries ${h.lengthBytes} bytes: dropped`);
  return CODE.MTU_EXCEEDED;
}

/** In through an Internet gateway: 1:1 NAT of the destination, then by its edge table or to the ENI. */
function fromInternet(fabric: Fabric, h: Header, recorder?: Recorder): number {
  const to = find(fabric.publics, publicScope(h.family), h.d0, h.d1, h.d2, h.d3);
  const flow = to === undefined ? answeredFlow(fabric, h) : undefined;
  if (flow !== undefined) return fromService(fabric, flow, h, recorder);
  if (to === undefined) {
    if (recorder) {
      const address = formatAddress(destinationOf(h));
      const decision = { kind: 'fault', objects: [address] } as const;
      record(recorder, h, 'internet', 'internet', `${address} belongs to no ENI`, decision);
    }
    return CODE.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS;
  }
  if (h.lengthBytes > fabric.settings.mtu.internetGateway.mtuBytes) {
    return tooLong(h, 'internet-gateway', recorder);
  }
  const egressOnly = h.family === 6 ? egressOnlyFor(to, h) : undefined;
  if (egressOnly !== undefined) {
    if (answersEgressOnly(fabric, egressOnly, h)) {
      h.alwaysTracked = true;
      if (recorder) record(recorder, h, 'egress-only-gateway', egressOnly.id, 'answers a flow from inside');
      return deliver(fabric, to.vpc, h, recorder);
    }
    if (recorder) record(recorder, h, 'egress-only-gateway', egressOnly.id, 'answers no flow: dropped');
    return CODE.EIGW_NO_FLOW;
  }
  const gateway = to.vpc.gateways.at(-1);
  if (gateway === undefined || !gateway.present) {
    if (recorder) {
      const text = `${to.vpc.id} has no Internet gateway attached`;
      record(recorder, h, 'internet', 'internet', text, { kind: 'fault', objects: [to.vpc.id, to.id] });
    }
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
  return enterThrough(fabric, gateway, to.vpc, h, recorder);
}
