/**
 * Requests to the kernel by rtnetlink(7) that set up a machine's devices: link, addresses, default route.
 * Each asks for an acknowledgement; `errnosOf` reads them.
 */
import type { Address } from '../../controller/base/ip.ts';

const NEW_LINK = 16;
const NEW_ADDRESS = 20;
const NEW_ROUTE = 24;
const ERROR = 2;
/** NLM_F_REQUEST, NLM_F_ACK; with NLM_F_CREATE and NLM_F_REPLACE. */
const ASK = 0x5;
const CREATE = 0x400 | 0x100;
const HEADER_BYTES = 16;
const UP = 1;
const NO_DUPLICATE_CHECK = 2;
const MAIN_TABLE = 254;

type Attribute = readonly [type: number, value: Buffer];

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const addressBytes = ({ family, words }: Address): Buffer => {
  const bytes = Buffer.alloc(16);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word >>> 0, 4 * index);
  return family === 4 ? bytes.subarray(12) : bytes;
};

function message(type: number, flags: number, body: Buffer, attributes: readonly Attribute[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(HEADER_BYTES), body];
  for (const [kind, value] of attributes) {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(4 + value.length);
    head.writeUInt16LE(kind, 2);
    parts.push(head, value, Buffer.alloc((4 - (value.length % 4)) % 4));
  }
  const whole = Buffer.concat(parts);
  whole.writeUInt32LE(whole.length);
  whole.writeUInt16LE(type, 4);
  whole.writeUInt16LE(flags, 6);
  return whole;
}

export interface LinkSettings {
  readonly mac?: number;
  readonly mtuBytes?: number;
  /** Frames that wait to be sent. */
  readonly queue?: number;
  /** True where absent. */
  readonly up?: boolean;
}

/** Sets a link up, and what else is told of it. */
export function linkUp(index: number, { mac, mtuBytes, queue, up = true }: LinkSettings = {}): Buffer {
  const body = Buffer.alloc(16);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(up ? UP : 0, 8);
  body.writeUInt32LE(UP, 12);
  const attributes: Attribute[] = [];
  if (mac !== undefined) {
    const bytes = Buffer.alloc(6);
    bytes.writeUIntBE(mac, 0, 6);
    attributes.push([1, bytes]);
  }
  if (mtuBytes !== undefined) attributes.push([4, u32(mtuBytes)]);
  if (queue !== undefined) attributes.push([13, u32(queue)]);
  return message(NEW_LINK, ASK, body, attributes);
}

/** Gives a device an address with the length of its on-link prefix; IPv6 is usable at once. */
export function addAddress(index: number, address: Address, length: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt8(address.family === 4 ? 2 : 10);
  body.writeUInt8(length, 1);
  body.writeUInt8(address.family === 4 ? 0 : NO_DUPLICATE_CHECK, 2);
  body.writeInt32LE(index, 4);
  const bytes = addressBytes(address);
  return message(NEW_ADDRESS, ASK | CREATE, body, [
    [1, bytes],
    [2, bytes],
  ]);
}

/**
 * A route by a next hop on the link, in the main table; without a metric the kernel's own, which in IPv4
 * comes before all others.
 */
export function addRoute(
  index: number,
  to: Address,
  length: number,
  { via, metric }: { readonly via: Address; readonly metric?: number },
): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt8(to.family === 4 ? 2 : 10);
  body.writeUInt8(length, 1);
  body.writeUInt8(MAIN_TABLE, 4);
  // RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST, RTNH_F_ONLINK
  body.writeUInt8(3, 5);
  body.writeUInt8(1, 7);
  body.writeUInt32LE(4, 8);
  const destination: readonly Attribute[] = length === 0 ? [] : [[1, addressBytes(to)]];
  const priority: readonly Attribute[] = metric === undefined ? [] : [[6, u32(metric)]];
  const way: readonly Attribute[] = [
    [5, addressBytes(via)],
    [4, u32(index)],
  ];
  return message(NEW_ROUTE, ASK | CREATE, body, [...destination, ...way, ...priority]);
}

/** The errno of each acknowledgement in what the kernel sent; 0 is success. */
export function errnosOf(bytes: Buffer): readonly number[] {
  const errnos: number[] = [];
  for (let at = 0; at + HEADER_BYTES + 4 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES) break;
    if (bytes.readUInt16LE(at + 4) === ERROR) errnos.push(-bytes.readInt32LE(at + HEADER_BYTES));
    at += (length + 3) & ~3;
  }
  return errnos;
}
