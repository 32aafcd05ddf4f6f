/**
 * Frames that the fabric makes itself: UDP answers, ICMP errors of the VPC router, and the announcement of an
 * address that moved. A made frame has `HEADROOM` zero bytes before it, the virtio header of a TAP.
 */
import type { Address } from '../../controller/base/ip.ts';
import { createHeader, type Header, ICMP, ICMP6, UDP } from '../vpc/header.ts';
import {
  ARP,
  checksum,
  createFrame,
  ETHERNET_BYTES,
  type Frame,
  IPV4,
  IPV6,
  pseudoSum,
  setMac,
  writePacket,
} from './frame.ts';

/** Length of struct virtio_net_hdr, bytes. */
export const HEADROOM = 10;

/** A frame of zeros with MACs and type. */
export function makeFrame(payloadBytes: number, destination: number, source: number, type: number): Frame {
  const start = HEADROOM;
  const view = new DataView(new ArrayBuffer(start + ETHERNET_BYTES + payloadBytes));
  setMac(view, start, destination);
  setMac(view, start + 6, source);
  view.setUint16(start + 12, type);
  return { ...createFrame(), view, start, end: start + ETHERNET_BYTES + payloadBytes };
}

function setWords(view: DataView, at: number, words: readonly number[]): void {
  for (const [index, word] of words.entries()) view.setUint32(at + 4 * index, word);
}

/** Writes the IP header of `h`, whose length is that of the packet; returns the place after it. */
function writeIpHeader(view: DataView, at: number, h: Header): number {
  if (h.family === 6) {
    view.setUint32(at, 0x60000000);
    view.setUint16(at + 4, h.lengthBytes - 40);
    view.setUint8(at + 6, h.protocol);
    view.setUint8(at + 7, h.ttl);
    setWords(view, at + 8, [h.s0, h.s1, h.s2, h.s3, h.d0, h.d1, h.d2, h.d3]);
    return at + 40;
  }
  view.setUint8(at, 0x45);
  view.setUint16(at + 2, h.lengthBytes);
  view.setUint8(at + 8, h.ttl);
  view.setUint8(at + 9, h.protocol);
  view.setInt32(at + 12, h.s3);
  view.setInt32(at + 16, h.d3);
  view.setUint16(at + 10, checksum(view, at, at + 20));
  return at + 20;
}

/** A UDP datagram over IPv4 in a frame. */
export function datagramFrame(
  ends: Pick<Header, 'sourceMac' | 'destinationMac' | 's3' | 'd3' | 'sourcePort' | 'destinationPort'>,
  data: Uint8Array,
): Frame {
  const lengthBytes = 28 + data.length;
  const h = { ...createHeader(), ...ends, protocol: UDP, lengthBytes };
  const frame = makeFrame(lengthBytes, h.destinationMac, h.sourceMac, IPV4);
  const { view, start } = frame;
  const at = writeIpHeader(view, start + ETHERNET_BYTES, h);
  view.setUint16(at, h.sourcePort);
  view.setUint16(at + 2, h.destinationPort);
  view.setUint16(at + 4, 8 + data.length);
  new Uint8Array(view.buffer).set(data, at + 8);
  view.setUint16(at + 6, checksum(view, at, frame.end, pseudoSum(h, 8 + data.length)) || 0xffff);
  return frame;
}

/**
 * The ICMP error in a frame: `answer` as `answerTooLong` made it, with the bytes of the packet that it is
 * about, which stands in `about`.
 */
export function errorFrame(answer: Header, about: Frame): Frame | undefined {
  const { quoted, family } = answer;
  if (quoted === undefined) return undefined;
  const ipBytes = family === 4 ? 20 : 40;
  const held = Math.min(answer.lengthBytes - ipBytes - 8, about.end - about.start - ETHERNET_BYTES);
  const h = { ...answer, lengthBytes: ipBytes + 8 + held };
  const frame = makeFrame(h.lengthBytes, h.destinationMac, h.sourceMac, family === 4 ? IPV4 : IPV6);
  const { view, start } = frame;
  const at = writeIpHeader(view, start + ETHERNET_BYTES, h);
  view.setUint8(at, h.icmpType);
  view.setUint8(at + 1, h.icmpCode);
  if (h.protocol === ICMP) view.setUint16(at + 6, h.mtuBytes);
  else view.setUint32(at + 4, h.mtuBytes);
  const from = about.view.byteOffset + about.start + ETHERNET_BYTES;
  new Uint8Array(view.buffer).set(new Uint8Array(about.view.buffer, from, held), at + 8);
  // What `quoted` says of the addresses holds, not what the bytes said; it makes the checksum, too.
  writePacket({ ...frame, transport: at }, h);
  return frame;
}

/** Tells a neighbour that an IPv4 address is at a MAC: an unsolicited ARP reply, RFC 826. */
function arpAnnouncement(word: number, mac: number, neighbour: number): Frame {
  const frame = makeFrame(28, neighbour, mac, ARP);
  const { view, start } = frame;
  const at = start + ETHERNET_BYTES;
  view.setUint32(at, 0x00010800);
  view.setUint32(at + 4, 0x06040002);
  setMac(view, at + 8, mac);
  view.setInt32(at + 14, word);
  setMac(view, at + 18, neighbour);
  view.setInt32(at + 24, word);
  return frame;
}

/** An unsolicited neighbour advertisement to all nodes: RFC 4861 7.2.6. */
export function advertisement(
  target: Address,
  to: Header,
  mac: number,
  neighbour: number,
  flags: number,
): Frame {
  const h = { ...to, family: 6 as const, protocol: ICMP6, ttl: 255, lengthBytes: 72 };
  const frame = makeFrame(72, neighbour, mac, IPV6);
  const { view, start } = frame;
  const at = writeIpHeader(view, start + ETHERNET_BYTES, h);
  view.setUint8(at, 136);
  view.setUint32(at + 4, flags);
  setWords(view, at + 8, target.words);
  view.setUint16(at + 24, 0x0201);
  setMac(view, at + 26, mac);
  view.setUint16(at + 2, checksum(view, at, frame.end, pseudoSum(h, 32)));
  return frame;
}

const ALL_NODES = { d0: 0xff020000 | 0, d1: 0, d2: 0, d3: 1 };
const OVERRIDE = 0x20000000;

/** What the fabric tells a neighbour of an address that has moved to `mac`. */
export function announcement(address: Address, mac: number, neighbour: number): Frame {
  const [s0, s1, s2, s3] = address.words;
  if (address.family === 4) return arpAnnouncement(s3 | 0, mac, neighbour);
  const source = { s0: s0 | 0, s1: s1 | 0, s2: s2 | 0, s3: s3 | 0 };
  return advertisement(address, { ...createHeader(), ...source, ...ALL_NODES }, mac, neighbour, OVERRIDE);
}
