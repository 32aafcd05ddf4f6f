/**
 * Routes as rtnetlink(7) messages: add, replace, remove, list; IPv4 and IPv6, more than one next hop.
 * Little-endian, as every machine that AWS offers.
 */
import { type Address, formatAddress, formatPrefix, type Prefix } from '../base/ip.ts';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const FLAG = { request: 1, ack: 4, exclusive: 0x200, replace: 0x100, create: 0x400, dump: 0x300 } as const;
const RTA = { dst: 1, gateway: 5, priority: 6, multipath: 9, table: 15, via: 18 } as const;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const RT_TABLE_UNSPEC = 0;
const HEADER = 16;
const ROUTE_HEADER = 12;

/** Where our routes lie and how they are marked. */
export interface RouteMark {
  readonly table: number;
  readonly metric: number;
  readonly protocol: number;
}

export interface NetlinkHop {
  readonly address: Address;
  /** 1 to 256. */
  readonly weight: number;
}

const AF = { 4: 2, 6: 10 } as const;

/** The octets of an address, network order. */
function octets({ family, words }: Address): Buffer {
  const bytes = Buffer.alloc(family === 4 ? 4 : 16);
  const used = family === 4 ? words.slice(3) : words;
  used.forEach((word, index) => void bytes.writeUInt32BE(word, index * 4));
  return bytes;
}

function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** RTA_GATEWAY, or RTA_VIA where the next hop is of the other family. */
function gateway(family: 4 | 6, hop: Address): Buffer {
  if (hop.family === family) return attribute(RTA.gateway, octets(hop));
  const family16 = Buffer.alloc(2);
  family16.writeUInt16LE(AF[hop.family]);
  return attribute(RTA.via, Buffer.concat([family16, octets(hop)]));
}

function multipath(family: 4 | 6, hops: readonly NetlinkHop[]): Buffer {
  const items = hops.map(({ address, weight }) => {
    const via = gateway(family, address);
    const head = Buffer.alloc(8);
    head.writeUInt16LE(8 + via.length, 0);
    head.writeUInt8(Math.min(255, Math.max(0, weight - 1)), 3);
    return Buffer.concat([head, via]);
  });
  return attribute(RTA.multipath, Buffer.concat(items));
}

function message(
  type: number,
  flags: number,
  sequence: number,
  { family, length }: { readonly family: 4 | 6; readonly length: number },
  mark: RouteMark,
  attributes: readonly Buffer[],
): Buffer {
  const route = Buffer.alloc(ROUTE_HEADER);
  route[0] = AF[family];
  route[1] = length;
  route[4] = mark.table < 256 ? mark.table : RT_TABLE_UNSPEC;
  route[5] = mark.protocol;
  route[6] = RT_SCOPE_UNIVERSE;
  route[7] = RTN_UNICAST;
  const body = Buffer.concat([route, ...attributes]);
  const head = Buffer.alloc(HEADER);
  head.writeUInt32LE(HEADER + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags | FLAG.request, 6);
  head.writeUInt32LE(sequence, 8);
  return Buffer.concat([head, body]);
}

const where = ({ address, length }: Prefix, mark: RouteMark): readonly Buffer[] => [
  ...(length === 0 ? [] : [attribute(RTA.dst, octets(address))]),
  attribute(RTA.priority, u32(mark.metric)),
  attribute(RTA.table, u32(mark.table)),
];

/**
 * Adds a route, or with `replace` puts it in the place of ours; without, one that is there is an error
 * (EEXIST).
 */
export function encodeRoute(
  sequence: number,
  prefix: Prefix,
  hops: readonly NetlinkHop[],
  mark: RouteMark,
  replace: boolean,
): Buffer {
  const { family } = prefix.address;
  const [first] = hops;
  const single = hops.length === 1 && first !== undefined;
  const way = single ? gateway(family, first.address) : multipath(family, hops);
  const flags = FLAG.create | FLAG.ack | (replace ? FLAG.replace : FLAG.exclusive);
  const at = { family, length: prefix.length };
  return message(RTM_NEWROUTE, flags, sequence, at, mark, [...where(prefix, mark), way]);
}

/** Removes the route of ours to a prefix. */
export const encodeRemoval = (sequence: number, prefix: Prefix, mark: RouteMark): Buffer =>
  message(
    RTM_DELROUTE,
    FLAG.ack,
    sequence,
    { family: prefix.address.family, length: prefix.length },
    mark,
    where(prefix, mark),
  );

/** Asks for all routes of a family. */
export const encodeDump = (sequence: number, family: 4 | 6): Buffer =>
  message(RTM_GETROUTE, FLAG.dump, sequence, { family, length: 0 }, { table: 0, metric: 0, protocol: 0 }, []);

/** Asks for the route that packets to an address take; the answer is that route, or an errno. */
export const encodeLookup = (sequence: number, address: Address): Buffer =>
  message(
    RTM_GETROUTE,
    0,
    sequence,
    { family: address.family, length: address.family === 4 ? 32 : 128 },
    { table: 0, metric: 0, protocol: 0 },
    [attribute(RTA.dst, octets(address))],
  );

export interface ListedRoute {
  readonly prefix: string;
  readonly table: number;
  readonly protocol: number;
  readonly metric: number;
  readonly hops: readonly { readonly address: string; readonly weight: number }[];
}

export type NetlinkAnswer =
  /** 0 or an errno, of the request with the sequence number. */
  | { readonly kind: 'ack'; readonly sequence: number; readonly errno: number }
  | { readonly kind: 'route'; readonly sequence: number; readonly route: ListedRoute }
  | { readonly kind: 'done'; readonly sequence: number };

/** The answers in a datagram from the kernel; what is not of routes is left out. */
export function decodeAnswers(bytes: Buffer): readonly NetlinkAnswer[] {
  const answers: NetlinkAnswer[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER || at + length > bytes.length) break;
    const type = bytes.readUInt16LE(at + 4);
    const sequence = bytes.readUInt32LE(at + 8);
    const body = bytes.subarray(at + HEADER, at + length);
    if (type === NLMSG_DONE) answers.push({ kind: 'done', sequence });
    if (type === NLMSG_ERROR && body.length >= 4)
      answers.push({ kind: 'ack', sequence, errno: -body.readInt32LE(0) });
    if (type === RTM_NEWROUTE) {
      const route = decodeRoute(body);
      if (route !== undefined) answers.push({ kind: 'route', sequence, route });
    }
    at += Math.ceil(length / 4) * 4;
  }
  return answers;
}

function attributesOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const all = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    all.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += Math.ceil(length / 4) * 4;
  }
  return all;
}

function addressOf(family: 4 | 6, bytes: Buffer): Address {
  const word = (index: number): number => (bytes.length >= index * 4 + 4 ? bytes.readUInt32BE(index * 4) : 0);
  return { family, words: family === 4 ? [0, 0, 0, word(0)] : [word(0), word(1), word(2), word(3)] };
}

function decodeRoute(body: Buffer): ListedRoute | undefined {
  if (body.length < ROUTE_HEADER) return undefined;
  const family = body[0] === AF[4] ? 4 : body[0] === AF[6] ? 6 : undefined;
  if (family === undefined || body[7] !== RTN_UNICAST) return undefined;
  const attributes = attributesOf(body.subarray(ROUTE_HEADER));
  const dst = attributes.get(RTA.dst);
  const zero: Address = { family, words: [0, 0, 0, 0] };
  const prefix = { address: dst === undefined ? zero : addressOf(family, dst), length: body[1] ?? 0 };
  const many = attributes.get(RTA.multipath);
  const one = hopOf(family, attributes, 1);
  return {
    prefix: formatPrefix(prefix),
    table: attributes.get(RTA.table)?.readUInt32LE(0) ?? body[4] ?? 0,
    protocol: body[5] ?? 0,
    metric: attributes.get(RTA.priority)?.readUInt32LE(0) ?? 0,
    hops: many === undefined ? (one === undefined ? [] : [one]) : hopsOf(family, many),
  };
}

function hopOf(
  family: 4 | 6,
  attributes: ReadonlyMap<number, Buffer>,
  weight: number,
): ListedRoute['hops'][number] | undefined {
  const plain = attributes.get(RTA.gateway);
  if (plain !== undefined) return { address: formatAddress(addressOf(family, plain)), weight };
  const via = attributes.get(RTA.via);
  if (via === undefined) return undefined;
  const other = via.readUInt16LE(0) === AF[4] ? 4 : 6;
  return { address: formatAddress(addressOf(other, via.subarray(2))), weight };
}

function hopsOf(family: 4 | 6, bytes: Buffer): ListedRoute['hops'] {
  const hops: ListedRoute['hops'][number][] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 8 || at + length > bytes.length) break;
    const hop = hopOf(family, attributesOf(bytes.subarray(at + 8, at + length)), (bytes[at + 3] ?? 0) + 1);
    if (hop !== undefined) hops.push(hop);
    at += Math.ceil(length / 4) * 4;
  }
  return hops;
}
