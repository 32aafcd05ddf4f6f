/**
 * The header fields that forwarding looks at. `Header` is numeric, mutable and reused: the engine rewrites it
 * in place and a driver of raw frames can fill it from bytes. `Packet` is the same for people and JSON.
 * Payloads are not its business.
 */
import { type Address, formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { err, ok, type Result } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { ConnectPeerNode, EndpointNode, LineNode, Place, Port, Tunnel, VpnTunnelNode } from './nodes.ts';

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const GRE = 47;
export const ICMP6 = 58;

export const TCP_SYN = 0x02;
export const TCP_ACK = 0x10;

/**
 * Addresses are four signed 32-bit words, IPv4 in the last; all zero means none yet. MACs are 48-bit numbers,
 * 0 = none.
 */
export interface Header {
  family: 4 | 6;
  sourceMac: number;
  destinationMac: number;
  s0: number;
  s1: number;
  s2: number;
  s3: number;
  d0: number;
  d1: number;
  d2: number;
  d3: number;
  protocol: number;
  /** TCP and UDP; 0 otherwise. */
  sourcePort: number;
  destinationPort: number;
  icmpType: number;
  icmpCode: number;
  /** Identifier of an ICMP echo. */
  icmpId: number;
  tcpFlags: number;
  ttl: number;
  /** Total length of the IP packet, bytes. */
  lengthBytes: number;
  /** IPv4: no router may fragment it. IPv6 packets never are. */
  dontFragment: boolean;
  /** MTU that an ICMP error tells, bytes; 0 where it tells none. */
  mtuBytes: number;
  /** The packet that an ICMP error is about, as the router had it that sends the error. */
  quoted: Header | undefined;
  /** Where the router stands that answers a packet that was too long, and sends an ICMP error. */
  router: Place | undefined;
  /** The egress rules of the sending ENI let this crossing pass untracked. */
  untracked: boolean;
  /** This crossing meets a gateway whose flows are always tracked. */
  alwaysTracked: boolean;
  /** The instant of this crossing; idle times of tracked flows count from it. */
  now: Instant;
  /** The sending ENI of a crossing; undefined for the Internet. */
  from: Port | undefined;
  /** The number of the site behind a VPN that the packet is at while `from` is undefined; 0: the Internet. */
  site: number;
  /** The endpoint that a step of a crossing ended at with TO_APPLIANCE. */
  endpoint: EndpointNode | undefined;
  /** The peer that a step of a crossing ended at with TO_CONNECT_PEER. */
  connectPeer: ConnectPeerNode | undefined;
  /** The VPN tunnel that a step of a crossing sent the packet out by. */
  vpn: VpnTunnelNode | undefined;
  /** The virtual interface that the packet came in by, or leaves by. */
  line: LineNode | undefined;
  /** What the packet is inside of: GENEVE of a load balancer, GRE of a Connect peer, IPsec of a VPN. */
  tunnel: Tunnel | undefined;
  /** The member of a multicast group that this copy is for, until it has crossed. */
  member: Port | undefined;
  /** The receiving ENI after a crossing that ended DELIVERED. */
  to: Port | undefined;
  /** The next hop that the last guest chose; equal to the destination on the link. */
  n0: number;
  n1: number;
  n2: number;
  n3: number;
}

const DEFAULT_LENGTH_BYTES = 64;

export const createHeader = (): Header => ({
  family: 4,
  sourceMac: 0,
  destinationMac: 0,
  s0: 0,
  s1: 0,
  s2: 0,
  s3: 0,
  d0: 0,
  d1: 0,
  d2: 0,
  d3: 0,
  protocol: 0,
  sourcePort: 0,
  destinationPort: 0,
  icmpType: 0,
  icmpCode: 0,
  icmpId: 0,
  tcpFlags: 0,
  ttl: 64,
  lengthBytes: DEFAULT_LENGTH_BYTES,
  dontFragment: true,
  mtuBytes: 0,
  quoted: undefined,
  router: undefined,
  untracked: false,
  alwaysTracked: false,
  now: 0,
  from: undefined,
  site: 0,
  endpoint: undefined,
  connectPeer: undefined,
  vpn: undefined,
  line: undefined,
  tunnel: undefined,
  member: undefined,
  to: undefined,
  n0: 0,
  n1: 0,
  n2: 0,
  n3: 0,
});

/** A packet of IPv4 around another one, which it makes longer. */
export const outerOf = (
  { now, lengthBytes }: Header,
  overheadBytes: number,
  more: Partial<Header>,
): Header => ({
  ...createHeader(),
  now,
  lengthBytes: lengthBytes + overheadBytes,
  ...more,
});

/**
 * A packet in words. The sender's kernel chooses the source where it is absent. ICMP is an echo request
 * unless told.
 */
export interface Packet {
  readonly source?: string;
  readonly destination: string;
  readonly protocol: 'icmp' | 'tcp' | 'udp' | number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number };
  /** TCP flag bits; SYN where absent. */
  readonly tcpFlags?: number;
  /** 64 where absent. */
  readonly ttl?: number;
  /** Total length of the IP packet; 64 where absent. */
  readonly lengthBytes?: number;
  /** True where absent, as Linux sends TCP and UDP. */
  readonly dontFragment?: boolean;
  /** MTU that an ICMP error tells. */
  readonly mtuBytes?: number;
  /** What an ICMP error is about. */
  readonly quoted?: Packet;
}

export function setSource(h: Header, address: Address): void {
  const [a, b, c, d] = address.words;
  h.s0 = a | 0;
  h.s1 = b | 0;
  h.s2 = c | 0;
  h.s3 = d | 0;
}

export function setDestination(h: Header, address: Address): void {
  const [a, b, c, d] = address.words;
  h.family = address.family;
  h.d0 = a | 0;
  h.d1 = b | 0;
  h.d2 = c | 0;
  h.d3 = d | 0;
}

export const isUnspecified = (h: Header): boolean => (h.s0 | h.s1 | h.s2 | h.s3) === 0;

const addressOf = (family: 4 | 6, a: number, b: number, c: number, d: number): Address => ({
  family,
  words: [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
});
export const sourceOf = (h: Header): Address => addressOf(h.family, h.s0, h.s1, h.s2, h.s3);
export const destinationOf = (h: Header): Address => addressOf(h.family, h.d0, h.d1, h.d2, h.d3);
export const nextHopOf = (h: Header): Address => addressOf(h.family, h.n0, h.n1, h.n2, h.n3);

/** Fills `header` from a packet; an error where an address is not one or the families differ. */
export function fill(header: Header, packet: Packet): Result<Header> {
  const destination = parseAddress(packet.destination);
  if (!destination.ok) return destination;
  const v6 = destination.value.family === 6;
  Object.assign(header, createHeader(), { now: header.now });
  setDestination(header, destination.value);
  if (packet.source !== undefined) {
    const source = parseAddress(packet.source);
    if (!source.ok) return source;
    if (source.value.family !== destination.value.family) {
      return err(`source ${packet.source} and destination ${packet.destination} are of different families`);
    }
    setSource(header, source.value);
  }
  const numbers = { icmp: v6 ? ICMP6 : ICMP, tcp: TCP, udp: UDP };
  header.protocol = typeof packet.protocol === 'number' ? packet.protocol : numbers[packet.protocol];
  header.sourcePort = packet.sourcePort ?? 0;
  header.destinationPort = packet.destinationPort ?? 0;
  header.tcpFlags = packet.tcpFlags ?? (header.protocol === TCP ? TCP_SYN : 0);
  header.ttl = packet.ttl ?? 64;
  header.lengthBytes = packet.lengthBytes ?? DEFAULT_LENGTH_BYTES;
  header.dontFragment = packet.dontFragment ?? true;
  header.mtuBytes = packet.mtuBytes ?? 0;
  if (packet.quoted !== undefined) {
    const quoted = fill(createHeader(), packet.quoted);
    if (!quoted.ok) return quoted;
    header.quoted = quoted.value;
  }
  if (header.protocol === ICMP || header.protocol === ICMP6) {
    header.icmpType = packet.icmp?.type ?? (v6 ? 128 : 8);
    header.icmpCode = packet.icmp?.code ?? 0;
    header.icmpId = packet.icmp?.id ?? 0;
  }
  return ok(header);
}

/** The packet with which the receiver answers one that arrived as `packet`; to TCP it is SYN and ACK. */
export function answerTo(packet: Packet): Packet {
  const { source, destination, protocol, sourcePort, destinationPort, icmp } = packet;
  if (source === undefined) throw new Error('assertion failed: a packet that arrived has a source');
  const v6 = source.includes(':');
  return {
    protocol,
    source: destination,
    destination: source,
    ...(destinationPort !== undefined && { sourcePort: destinationPort }),
    ...(sourcePort !== undefined && { destinationPort: sourcePort }),
    ...(icmp && { icmp: { ...icmp, type: v6 ? 129 : 0 } }),
    ...(protocol === 'tcp' && { tcpFlags: TCP_SYN | TCP_ACK }),
  };
}

/** The header in words. */
export function packetOf(h: Header): Packet {
  const common = {
    ...(isUnspecified(h) ? {} : { source: formatAddress(sourceOf(h)) }),
    destination: formatAddress(destinationOf(h)),
    ttl: h.ttl,
    ...(h.lengthBytes === DEFAULT_LENGTH_BYTES ? {} : { lengthBytes: h.lengthBytes }),
    ...(h.dontFragment ? {} : { dontFragment: false }),
    ...(h.mtuBytes === 0 ? {} : { mtuBytes: h.mtuBytes }),
    ...(h.quoted === undefined ? {} : { quoted: packetOf(h.quoted) }),
  };
  switch (h.protocol) {
    case ICMP:
    case ICMP6:
      return { ...common, protocol: 'icmp', icmp: { type: h.icmpType, code: h.icmpCode, id: h.icmpId } };
    case TCP: {
      const ports = { sourcePort: h.sourcePort, destinationPort: h.destinationPort };
      return { ...common, protocol: 'tcp', ...ports, tcpFlags: h.tcpFlags };
    }
    case UDP:
      return { ...common, protocol: 'udp', sourcePort: h.sourcePort, destinationPort: h.destinationPort };
    default:
      return { ...common, protocol: h.protocol };
  }
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** `02:00:00:00:00:01` as a 48-bit number. */
export function parseMac(text: string): Result<number> {
  const plain = text.toLowerCase();
  return MAC.test(plain)
    ? ok(Number.parseInt(plain.replaceAll(':', ''), 16))
    : err(`'${text}' is not a MAC address`);
}

export const formatMac = (mac: number): string =>
  (mac.toString(16).padStart(12, '0').match(/../g) ?? []).join(':');
