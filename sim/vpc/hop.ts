/**
 * What a recorder is told on a packet's way: one hop for each place that decided something, with a sentence
 * for people. Hops are made only where somebody records; forwarding itself makes none.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { destinationOf, type Header, ICMP, ICMP6, isUnspecified, sourceOf, TCP, UDP } from './header.ts';

export type HopPlace =
  | 'guest'
  | 'eni'
  | 'router'
  | 'network-acl'
  | 'internet-gateway'
  | 'vpc-peering-connection'
  | 'transit-gateway'
  | 'nat-gateway'
  | 'egress-only-gateway'
  | 'vpn-gateway'
  | 'internet';

export interface Hop {
  readonly place: HopPlace;
  /** The id of the instance, ENI, route table, ACL or gateway, or the Internet host's address. */
  readonly id: string;
  /** What happened there and why: one sentence. */
  readonly text: string;
  /** The route that matched, where one was looked up. */
  readonly route?: { readonly table: string; readonly destination: string; readonly target: string };
  /** The packet as it left the place, e.g. `udp 10.0.0.1:5000 > 192.0.2.1:53 ttl 64`. */
  readonly packet: string;
}

export type Recorder = (hop: Hop) => void;

const PROTOCOLS: Readonly<Record<number, string>> = {
  [ICMP]: 'icmp',
  [ICMP6]: 'icmp6',
  [TCP]: 'tcp',
  [UDP]: 'udp',
};

/** The packet in one line. */
export function formatPacket(h: Header): string {
  const source = isUnspecified(h) ? '?' : formatAddress(sourceOf(h));
  const destination = formatAddress(destinationOf(h));
  const protocol = PROTOCOLS[h.protocol] ?? `protocol ${h.protocol}`;
  const bracket = (text: string): string => (h.family === 6 ? `[${text}]` : text);
  if (h.protocol === TCP || h.protocol === UDP) {
    const ends = `${bracket(source)}:${h.sourcePort} > ${bracket(destination)}:${h.destinationPort}`;
    return `${protocol} ${ends} ttl ${h.ttl}`;
  }
  const echo = h.protocol === ICMP || h.protocol === ICMP6 ? ` type ${h.icmpType} id ${h.icmpId}` : '';
  return `${protocol} ${source} > ${destination}${echo} ttl ${h.ttl}`;
}

/** Tells the recorder of a hop. */
export function record(
  recorder: Recorder,
  h: Header,
  place: HopPlace,
  id: string,
  text: string,
  route?: Hop['route'],
): void {
  recorder({ place, id, text, packet: formatPacket(h), ...(route === undefined ? {} : { route }) });
}
