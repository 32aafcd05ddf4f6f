/**
 * Packets in words to the bytes of frames and back, written for tests from RFC 791, 8200, 768, 9293 and 792,
 * with nothing of the code that they judge. Not a test itself.
 */

export interface Words {
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly ttl: number;
  readonly lengthBytes: number;
  readonly dontFragment: boolean;
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number };
}

/** Where the virtio header of a TAP stands. */
export const HEADROOM = 10;

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** The bytes of an address. */
function addressOf(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [front, back] = [words(head), words(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const all = [...front, ...Array<string>(zeros).fill('0'), ...back];
  return hex(all.map((word) => word.padStart(4, '0')).join(''));
}

export function sum(...parts: readonly Buffer[]): number {
  const bytes = Buffer.concat(parts);
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    total += bytes.readUInt8(at) * 256 + (at + 1 < bytes.length ? bytes.readUInt8(at + 1) : 0);
    if (total > 65_535) total -= 65_535;
  }
  return 65_535 - total;
}

const pseudo = (source: Buffer, destination: Buffer, protocol: number, length: number): Buffer =>
  Buffer.concat([source, destination, Buffer.from([0, protocol, length >> 8, length & 255])]);

function transport(words: Words, length: number): Buffer {
  const bytes = Buffer.alloc(length, 0x5a);
  const { protocol, sourcePort, destinationPort, icmp } = words;
  if (protocol === 6 || protocol === 17) {
    bytes.writeUInt16BE(sourcePort);
    bytes.writeUInt16BE(destinationPort, 2);
    if (protocol === 6) bytes.writeUInt16BE(0x5002, 12);
    else bytes.writeUInt16BE(length, 4);
  } else if (icmp !== undefined) {
    bytes.writeUInt8(icmp.type);
    bytes.writeUInt8(icmp.code, 1);
    bytes.writeUInt16BE(icmp.id, 4);
  }
  return bytes;
}

const CHECKSUM_AT: Readonly<Record<number, number>> = { 6: 16, 17: 6, 1: 2, 58: 2 };

/** The frame with right checksums, behind its headroom. */
export function encode(words: Words): Buffer {
  const [source, destination] = [addressOf(words.source), addressOf(words.destination)];
  const v6 = source.length === 16;
  const header = Buffer.alloc(v6 ? 40 : 20);
  const body = transport(words, words.lengthBytes - header.length);
  if (v6) {
    header.writeUInt8(0x60);
    header.writeUInt16BE(body.length, 4);
    header.writeUInt8(words.protocol, 6);
    header.writeUInt8(words.ttl, 7);
    header.set(source, 8);
    header.set(destination, 24);
  } else {
    header.writeUInt8(0x45);
    header.writeUInt16BE(words.lengthBytes, 2);
    header.writeUInt16BE(words.dontFragment ? 0x4000 : 0, 6);
    header.writeUInt8(words.ttl, 8);
    header.writeUInt8(words.protocol, 9);
    header.set(source, 12);
    header.set(destination, 16);
    header.writeUInt16BE(sum(header), 10);
  }
  const at = CHECKSUM_AT[words.protocol];
  if (at !== undefined) {
    body.writeUInt16BE(0, at);
    const over =
      words.protocol === 1 ? Buffer.alloc(0) : pseudo(source, destination, words.protocol, body.length);
    body.writeUInt16BE(sum(over, body) || 65_535, at);
  }
  const mac = (text: string): Buffer => hex(text.replaceAll(':', ''));
  const ethernet = [mac(words.destinationMac), mac(words.sourceMac), hex(v6 ? '86dd' : '0800')];
  return Buffer.concat([Buffer.alloc(HEADROOM), ...ethernet, header, body]);
}

/** What is wrong with the checksums of an Ethernet frame; empty where nothing is. */
export function wrongSums(frame: Buffer): string[] {
  const v6 = frame.readUInt16BE(12) === 0x86dd;
  const ip = frame.subarray(14);
  const header = ip.subarray(0, v6 ? 40 : 20);
  const length = v6 ? ip.readUInt16BE(4) : ip.readUInt16BE(2) - 20;
  const body = ip.subarray(header.length, header.length + length);
  const protocol = ip.readUInt8(v6 ? 6 : 9);
  const ends = v6 ? header.subarray(8, 40) : header.subarray(12, 20);
  const wrong: string[] = [];
  if (!v6 && sum(header) !== 0) wrong.push('header');
  if (CHECKSUM_AT[protocol] === undefined) return wrong;
  const over = protocol === 1 ? Buffer.alloc(0) : pseudo(ends, Buffer.alloc(0), protocol, length);
  if (sum(over, body) !== 0) wrong.push(`protocol ${protocol}`);
  return wrong;
}
