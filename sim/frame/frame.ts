/**
 * A raw Ethernet frame and the header that forwarding looks at: `readPacket` fills one from the bytes,
 * `writePacket` puts what has become of it back in place, with the checksums (RFC 1624). Offloads of
 * virtio are understood: a checksum that is only the pseudo header's so far, and segments that are still
 * one.
 */
import { createHeader, GRE, type Header, ICMP, ICMP6, TCP, UDP } from '../vpc/header.ts';

export const ETHERNET_BYTES = 14;
export const ARP = 0x0806;
export const IPV4 = 0x0800;
export const IPV6 = 0x86dd;

/** Where a frame stands in a buffer; one object is filled anew for each frame. */
export interface Frame {
  view: DataView;
  /** The first byte of the Ethernet header, and the byte after the last. */
  start: number;
  end: number;
  /** The checksum of TCP or UDP is the sum of the pseudo header so far (virtio NEEDS_CSUM). */
  partial: boolean;
  /** Payload of each segment that this frame will be cut into, bytes; 0: it stays one. */
  segmentBytes: number;
  /** Where TCP, UDP or ICMP begins; 0 where the frame has none of them, as a later fragment. */
  transport: number;
}

export const createFrame = (): Frame => ({
  view: new DataView(new ArrayBuffer(0)),
  start: 0,
  end: 0,
  partial: false,
  segmentBytes: 0,
  transport: 0,
});

export const etherType = ({ view, start }: Frame): number => view.getUint16(start + 12);

export const macAt = (view: DataView, at: number): number =>
  view.getUint16(at) * 4294967296 + view.getUint32(at + 2);

export function setMac(view: DataView, at: number, mac: number): void {
  view.setUint16(at, Math.floor(mac / 4294967296));
  view.setUint32(at + 2, mac % 4294967296);
}

/** Fills the header from the frame; false where the frame is no IP packet, or is cut short. */
export function readPacket(frame: Frame, h: Header): boolean {
  const { view, start } = frame;
  if (frame.end - start < ETHERNET_BYTES + 20) return false;
  h.destinationMac = macAt(view, start);
  h.sourceMac = macAt(view, start + 6);
  const kind = etherType(frame);
  const at = start + ETHERNET_BYTES;
  frame.transport = 0;
  h.quoted = undefined;
  h.tunnel = undefined;
  h.member = undefined;
  h.mtuBytes = 0;
  const read =
    kind === IPV4 ? readIp4(view, at, frame.end, h) : kind === IPV6 ? readIp6(view, at, frame.end, h) : -1;
  if (read < 0) return false;
  frame.transport = read;
  if (frame.segmentBytes > 0 && read > 0) {
    const own = h.protocol === TCP ? (view.getUint8(read + 12) >>> 4) * 4 : 8;
    h.lengthBytes = Math.min(h.lengthBytes, read - at + own + frame.segmentBytes);
  }
  if (read > 0) readError(view, read, frame.end, h);
  return true;
}

/** The place of the transport header, 0 where there is none, -1 where this is no packet. */
function readIp4(view: DataView, at: number, end: number, h: Header): number {
  if (end - at < 20) return -1;
  const first = view.getUint8(at);
  const headerBytes = (first & 15) * 4;
  const length = view.getUint16(at + 2);
  if (first >>> 4 !== 4 || headerBytes < 20 || end - at < headerBytes || length < headerBytes) return -1;
  h.family = 4;
  h.s0 = h.s1 = h.s2 = h.d0 = h.d1 = h.d2 = 0;
  h.s3 = view.getInt32(at + 12);
  h.d3 = view.getInt32(at + 16);
  h.protocol = view.getUint8(at + 9);
  h.ttl = view.getUint8(at + 8);
  h.lengthBytes = length;
  const fragment = view.getUint16(at + 6);
  h.dontFragment = (fragment & 0x4000) !== 0;
  return readTransport(view, (fragment & 0x1fff) === 0 ? at + headerBytes : 0, end, h);
}

function readIp6(view: DataView, at: number, end: number, h: Header): number {
  if (end - at < 40 || view.getUint8(at) >>> 4 !== 6) return -1;
  h.family = 6;
  h.s0 = view.getInt32(at + 8);
  h.s1 = view.getInt32(at + 12);
  h.s2 = view.getInt32(at + 16);
  h.s3 = view.getInt32(at + 20);
  h.d0 = view.getInt32(at + 24);
  h.d1 = view.getInt32(at + 28);
  h.d2 = view.getInt32(at + 32);
  h.d3 = view.getInt32(at + 36);
  h.protocol = view.getUint8(at + 6);
  h.ttl = view.getUint8(at + 7);
  h.lengthBytes = 40 + view.getUint16(at + 4);
  h.dontFragment = true;
  return readTransport(view, at + 40, end, h);
}

function readTransport(view: DataView, at: number, end: number, h: Header): number {
  h.sourcePort = 0;
  h.destinationPort = 0;
  h.icmpType = 0;
  h.icmpCode = 0;
  h.icmpId = 0;
  h.tcpFlags = 0;
  const { protocol } = h;
  if (at === 0 || end - at < 8) return 0;
  if (protocol === TCP || protocol === UDP) {
    h.sourcePort = view.getUint16(at);
    h.destinationPort = view.getUint16(at + 2);
    if (protocol === TCP && end - at >= 20) h.tcpFlags = view.getUint8(at + 13) & 0x3f;
    return at;
  }
  if (protocol === ICMP || protocol === ICMP6) {
    h.icmpType = view.getUint8(at);
    h.icmpCode = view.getUint8(at + 1);
    if (isEcho(h)) h.icmpId = view.getUint16(at + 4);
    return at;
  }
  return protocol === GRE ? at : 0;
}

const isEcho = ({ protocol, icmpType }: Header): boolean =>
  protocol === ICMP ? icmpType === 8 || icmpType === 0 : icmpType === 128 || icmpType === 129;

/** ICMP errors repeat the packet that they are about: RFC 792, RFC 4443 3. */
const isError = ({ protocol, icmpType }: Header): boolean =>
  protocol === ICMP
    ? icmpType === 3 || icmpType === 11 || icmpType === 12
    : protocol === ICMP6 && icmpType >= 1 && icmpType <= 4;

function readError(view: DataView, at: number, end: number, h: Header): void {
  if (!isError(h)) return;
  const quoted = createHeader();
  const read = h.protocol === ICMP ? readIp4(view, at + 8, end, quoted) : readIp6(view, at + 8, end, quoted);
  if (read < 0) return;
  h.quoted = quoted;
  if (h.protocol === ICMP && h.icmpType === 3 && h.icmpCode === 4) h.mtuBytes = view.getUint16(at + 6);
  if (h.protocol === ICMP6 && h.icmpType === 2) h.mtuBytes = view.getUint32(at + 4);
}

/** Adds to a checksum what a changed word of 16 bits changes: RFC 1624. */
function adjust(view: DataView, at: number, before: number, after: number, partial: boolean): void {
  const held = view.getUint16(at);
  let sum = (partial ? held : ~held & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at, partial ? sum : ~sum & 0xffff);
}

/** The place of the checksum that covers the transport and the pseudo header; 0 where none does. */
function checksumAt(view: DataView, h: Header, at: number, end: number, partial: boolean): number {
  if (at === 0) return 0;
  const offset = h.protocol === TCP ? 16 : h.protocol === UDP ? 6 : h.protocol === ICMP6 ? 2 : -1;
  if (offset < 0 || at + offset + 2 > end) return 0;
  if (h.protocol === UDP && h.family === 4 && !partial && view.getUint16(at + offset) === 0) return 0;
  return at + offset;
}

/**
 * A word of an address, which the checksum of the IP header may cover (0: none) and that of the transport.
 */
function setWord(view: DataView, at: number, word: number, own: number, sum: number, partial: boolean): void {
  const before = view.getInt32(at);
  if (before === word) return;
  view.setInt32(at, word);
  if (own !== 0) adjustWord(view, own, before, word, false);
  if (sum !== 0) adjustWord(view, sum, before, word, partial);
}

function adjustWord(view: DataView, sum: number, before: number, word: number, partial: boolean): void {
  adjust(view, sum, before >>> 16, word >>> 16, partial);
  adjust(view, sum, before & 0xffff, word & 0xffff, partial);
}

function setHalf(view: DataView, at: number, half: number, sum: number): void {
  const before = view.getUint16(at);
  if (before === half) return;
  view.setUint16(at, half);
  if (sum !== 0) adjust(view, sum, before, half, false);
}

/** Puts what forwarding made of the header back into the frame. */
export function writePacket(frame: Frame, h: Header): void {
  const { view, start, end, transport, partial } = frame;
  setMac(view, start, h.destinationMac);
  setMac(view, start + 6, h.sourceMac);
  writeIp(view, start + ETHERNET_BYTES, transport, end, h, partial);
  if (h.quoted !== undefined && transport > 0) writeError(view, start, transport, end, h, h.quoted);
}

function writeIp(
  view: DataView,
  at: number,
  transport: number,
  end: number,
  h: Header,
  partial: boolean,
): void {
  const sum = checksumAt(view, h, transport, end, partial);
  if (h.family === 4) {
    const own = at + 10;
    setHalf(view, at + 8, (h.ttl << 8) | view.getUint8(at + 9), own);
    setWord(view, at + 12, h.s3, own, sum, partial);
    setWord(view, at + 16, h.d3, own, sum, partial);
  } else {
    view.setUint8(at + 7, h.ttl);
    setWord(view, at + 8, h.s0, 0, sum, partial);
    setWord(view, at + 12, h.s1, 0, sum, partial);
    setWord(view, at + 16, h.s2, 0, sum, partial);
    setWord(view, at + 20, h.s3, 0, sum, partial);
    setWord(view, at + 24, h.d0, 0, sum, partial);
    setWord(view, at + 28, h.d1, 0, sum, partial);
    setWord(view, at + 32, h.d2, 0, sum, partial);
    setWord(view, at + 36, h.d3, 0, sum, partial);
  }
  if (transport === 0) return;
  if (h.protocol === TCP || h.protocol === UDP) {
    // Ports are no part of the pseudo header: a checksum that is still to be made does not hold them yet.
    setHalf(view, transport, h.sourcePort, partial ? 0 : sum);
    setHalf(view, transport + 2, h.destinationPort, partial ? 0 : sum);
    if (h.protocol === UDP && sum !== 0 && !partial && view.getUint16(sum) === 0) view.setUint16(sum, 0xffff);
  } else if (isEcho(h)) setHalf(view, transport + 4, h.icmpId, transport + 2);
}

/** The packet that an error repeats, as far as it goes; then the checksum of the whole error anew. */
function writeError(view: DataView, start: number, at: number, end: number, h: Header, quoted: Header): void {
  const inner = at + 8;
  const headerBytes = quoted.family === 4 ? (view.getUint8(inner) & 15) * 4 : 40;
  const whole = end - inner - headerBytes >= 8 && !isLaterFragment(view, inner, quoted);
  writeIp(view, inner, whole ? inner + headerBytes : 0, end, quoted, false);
  view.setUint16(at + 2, 0);
  const length = start + ETHERNET_BYTES + h.lengthBytes - at;
  const pseudo = h.protocol === ICMP6 ? pseudoSum(h, length) : 0;
  view.setUint16(at + 2, checksum(view, at, at + length, pseudo));
}

const isLaterFragment = (view: DataView, at: number, { family }: Header): boolean =>
  family === 4 && (view.getUint16(at + 6) & 0x1fff) !== 0;

/** The sum of the pseudo header of RFC 8200 8.1, or RFC 768 where the family is 4. */
export function pseudoSum(h: Header, length: number): number {
  let sum = h.protocol + length;
  const words = h.family === 4 ? [h.s3, h.d3] : [h.s0, h.s1, h.s2, h.s3, h.d0, h.d1, h.d2, h.d3];
  for (const word of words) sum += (word >>> 16) + (word & 0xffff);
  return sum;
}

/** The Internet checksum of RFC 1071 over the bytes, with a sum to begin with. */
export function checksum(view: DataView, from: number, to: number, begun = 0): number {
  let sum = begun;
  let at = from;
  for (; at + 1 < to; at += 2) sum += view.getUint16(at);
  if (at < to) sum += view.getUint8(at) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}
