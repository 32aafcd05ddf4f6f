/** Captured frames as pcapng (draft-ietf-opsawg-pcapng): one interface, times in us, directions. Pure. */
const SECTION = 0x0a0d0d0a;
const MAGIC = 0x1a2b3c4d;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const ETHERNET = 1;
const NAME = 2;
const FLAGS = 2;

const padding = (length: number): number => (4 - (length % 4)) % 4;

function option(code: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(padding(value.length))]);
}

function block(type: number, body: Buffer): Buffer {
  const length = body.length + 12;
  const whole = Buffer.alloc(length);
  whole.writeUInt32LE(type);
  whole.writeUInt32LE(length, 4);
  whole.set(body, 8);
  whole.writeUInt32LE(length, length - 4);
  return whole;
}

/** What a file begins with. */
export function captureHeader(interfaceName: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(MAGIC);
  section.writeUInt16LE(1, 4);
  section.writeBigInt64LE(-1n, 8);
  const device = Buffer.alloc(8);
  device.writeUInt16LE(ETHERNET);
  const options = [option(NAME, Buffer.from(interfaceName)), Buffer.alloc(4)];
  return Buffer.concat([block(SECTION, section), block(INTERFACE, Buffer.concat([device, ...options]))]);
}

/** One frame; `at` is Unix time in ms. */
export function captureRecord(at: number, sent: boolean, frame: Uint8Array): Buffer {
  const us = BigInt(Math.round(at * 1000));
  const head = Buffer.alloc(20);
  head.writeUInt32LE(Number(us >> 32n), 4);
  head.writeUInt32LE(Number(us & 0xffffffffn), 8);
  head.writeUInt32LE(frame.length, 12);
  head.writeUInt32LE(frame.length, 16);
  const direction = Buffer.alloc(4);
  direction.writeUInt32LE(sent ? 2 : 1);
  const data = Buffer.concat([frame, Buffer.alloc(padding(frame.length))]);
  return block(ENHANCED_PACKET, Buffer.concat([head, data, option(FLAGS, direction), Buffer.alloc(4)]));
}
