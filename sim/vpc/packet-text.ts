/** Packets in words for people. */
import { formatAddress } from '../../controller/base/ip.ts';
import { destinationOf, type Header, ICMP, ICMP6, isUnspecified, sourceOf, TCP, UDP } from './header.ts';

const PROTOCOLS: Readonly<Record<number, string>> = {
  [ICMP]: 'icmp',
  [ICMP6]: 'icmp6',
  [TCP]: 'tcp',
  [UDP]: 'udp',
};

export const protocolName = (protocol: number): string =>
  protocol === -1 ? 'all' : (PROTOCOLS[protocol] ?? `protocol ${protocol}`);

const hasPorts = ({ protocol }: Header): boolean => protocol === TCP || protocol === UDP;

const withPort = (h: Header, address: string, port: number): string =>
  hasPorts(h) ? `${h.family === 6 ? `[${address}]` : address}:${port}` : address;

/** The source with its port, where the protocol has ports; `?` before the sender's kernel chose it. */
export const sourceText = (h: Header): string =>
  withPort(h, isUnspecified(h) ? '?' : formatAddress(sourceOf(h)), h.sourcePort);

export const destinationText = (h: Header): string =>
  withPort(h, formatAddress(destinationOf(h)), h.destinationPort);

/** The packet in one line, e.g. `udp 10.0.0.1:5000 > 192.0.2.1:53 ttl 64`. */
export function formatPacket(h: Header): string {
  const echo = h.protocol === ICMP || h.protocol === ICMP6 ? ` type ${h.icmpType} id ${h.icmpId}` : '';
  return `${protocolName(h.protocol)} ${sourceText(h)} > ${destinationText(h)}${echo} ttl ${h.ttl}`;
}
