/**
 * A generated IPv4 table that looks like the Internet's, and its UPDATEs: the same one for every speaker that
 * is measured. Deterministic; knows nothing of sockets, and shares no code with the speaker under test.
 */
import { stream } from '../../controller/base/prng.ts';

export interface TableSize {
  readonly prefixes: number;
  readonly attributeSets: number;
  /** Another seed gives other prefixes and attributes. */
  readonly seed: number;
}

/** What a full table is here: 1M prefixes that share 181k attribute sets. */
export const FULL: TableSize = { prefixes: 1_000_000, attributeSets: 181_000, seed: 1 };

/** Prefixes of a set lie side by side: set `i` holds those from `setStart[i]` up to `setStart[i + 1]`. */
export interface Table {
  readonly address: Uint32Array;
  readonly length: Uint8Array;
  readonly setStart: Uint32Array;
  readonly sets: readonly AttributeSet[];
}

/** What the announcing AS got with a route; its own AS is put in front when the route is encoded. */
export interface AttributeSet {
  readonly origin: number;
  readonly path: readonly number[];
  readonly med?: number;
  /** Pairs of 16 bits. */
  readonly communities: readonly number[];
  readonly large: readonly (readonly [number, number, number])[];
  readonly aggregator?: { readonly as: number; readonly address: number };
}

/** Who announces a table. */
export interface Announcer {
  readonly as: number;
  /** Dotted quad. */
  readonly nextHop: string;
  /** Put behind the path, so that it is longer. */
  readonly pathSuffix?: readonly number[];
  readonly med?: number;
}

/** Share of prefix lengths in the Internet's IPv4 table, in parts of 1000; the rest are /24. */
const LENGTHS: readonly (readonly [number, number])[] = [
  [23, 105],
  [22, 112],
  [21, 52],
  [20, 45],
  [19, 26],
  [18, 14],
  [17, 9],
  [16, 14],
  [15, 2.2],
  [14, 1.2],
  [13, 0.6],
  [12, 0.3],
  [11, 0.1],
  [10, 0.04],
  [9, 0.013],
  [8, 0.016],
];

/** Addresses that no table holds: private, shared, loopback, link-local, documentation, benchmarking. */
const MARTIANS: readonly (readonly [number, number])[] = [
  [0x0a000000, 0x0affffff],
  [0x64400000, 0x647fffff],
  [0x7f000000, 0x7fffffff],
  [0xa9fe0000, 0xa9feffff],
  [0xac100000, 0xac1fffff],
  [0xc0000000, 0xc00002ff],
  [0xc0a80000, 0xc0a8ffff],
  [0xc6120000, 0xc613ffff],
  [0xc6336400, 0xc63364ff],
  [0xcb007100, 0xcb0071ff],
];

/** The place of a prefix up to /24 in a bitmap of 2^25: no two share one. */
export const slotOf = (address: number, length: number): number =>
  2 ** length + (length === 0 ? 0 : address >>> (32 - length));

export const SLOTS = 2 ** 25;

type Random = () => number;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);

function drawLength(random: Random): number {
  let rest = random() * 1000;
  for (const [length, share] of LENGTHS) {
    rest -= share;
    if (rest < 0) return length;
  }
  return 24;
}

function drawPrefixes(count: number, random: Random): { address: Uint32Array; length: Uint8Array } {
  const address = new Uint32Array(count);
  const length = new Uint8Array(count);
  const taken = new Uint8Array(SLOTS);
  for (let drawn = 0; drawn < count; ) {
    const bits = drawLength(random);
    const size = 2 ** (32 - bits);
    const first = 0x01000000 + below(random, (0xe0000000 - 0x01000000) / size) * size;
    const start = first - (first % size);
    const slot = slotOf(start, bits);
    if (start < 0x01000000 || taken[slot] === 1) continue;
    if (MARTIANS.some(([low, high]) => start <= high && start + size - 1 >= low)) continue;
    taken[slot] = 1;
    address[drawn] = start;
    length[drawn++] = bits;
  }
  return { address, length };
}

/** A few sets hold thousands of prefixes, most hold two to four; each holds one at least. */
function drawSetSizes(prefixes: number, sets: number, random: Random): Uint32Array {
  const sizes = new Uint32Array(sets).fill(1);
  for (let rest = prefixes - sets; rest > 0; rest--) {
    const at = Math.floor(sets * random() ** 3);
    sizes[at] = (sizes[at] ?? 0) + 1;
  }
  for (let at = sets - 1; at > 0; at--) {
    const other = below(random, at + 1);
    const kept = sizes[at] ?? 0;
    sizes[at] = sizes[other] ?? 0;
    sizes[other] = kept;
  }
  return sizes;
}

/** Public AS numbers: three of ten have four octets. */
const drawAs = (random: Random): number =>
  random() < 0.3 ? 196_608 + below(random, 205_000) : 1_000 + below(random, 22_000);

function drawSet(random: Random, transits: readonly number[]): AttributeSet {
  const transit = (): number => transits[Math.floor(transits.length * random() ** 2)] ?? 3356;
  const path = [transit()];
  for (let more = below(random, 4); more > 0; more--) path.push(transit());
  const originator = drawAs(random);
  const repeats = random() < 0.12 ? 2 + below(random, 4) : 1;
  for (let n = 0; n < repeats; n++) path.push(originator);
  const communities: number[] = [];
  for (let more = below(random, 8); more > 0; more--) {
    communities.push(((transit() & 0xffff) * 65_536 + below(random, 5_000)) >>> 0);
  }
  const draw = random();
  return {
    origin: draw < 0.9 ? 0 : draw < 0.99 ? 2 : 1,
    path,
    communities: [...new Set(communities)].sort((a, b) => a - b),
    large: random() < 0.06 ? [[originator, below(random, 100), below(random, 1_000)]] : [],
    ...(random() < 0.15 ? { med: below(random, 200) } : {}),
    ...(random() < 0.08
      ? { aggregator: { as: originator, address: 0x0b000000 + below(random, 0x00ffffff) } }
      : {}),
  };
}

function drawSets(count: number, random: Random): readonly AttributeSet[] {
  const transits = Array.from({ length: 400 }, () => drawAs(random));
  const known = new Set<string>();
  const sets: AttributeSet[] = [];
  while (sets.length < count) {
    const set = drawSet(random, transits);
    const key = JSON.stringify(set);
    if (known.has(key)) continue;
    known.add(key);
    sets.push(set);
  }
  return sets;
}

/** The table of a size; the same size gives the same table on every machine. */
export function makeTable(size: TableSize): Table {
  const { prefixes, attributeSets, seed } = size;
  const drawn = drawPrefixes(prefixes, stream(seed, 'prefixes'));
  const sizes = drawSetSizes(prefixes, attributeSets, stream(seed, 'sizes'));
  const setStart = new Uint32Array(attributeSets + 1);
  for (let set = 0; set < attributeSets; set++) setStart[set + 1] = (setStart[set] ?? 0) + (sizes[set] ?? 0);
  return { ...drawn, setStart, sets: drawSets(attributeSets, stream(seed, 'attributes')) };
}

const HEADER = 19;
const MESSAGE = 4_096;
const UPDATE = 2;

const quad = (text: string): readonly number[] => text.split('.').map(Number);
const u32 = (value: number): readonly number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

function attribute(flags: number, type: number, body: readonly number[]): readonly number[] {
  if (body.length > 255) return [flags | 0x10, type, body.length >> 8, body.length & 255, ...body];
  return [flags, type, body.length, ...body];
}

/** The path attributes of a set as its announcer sends them, with AS numbers of four octets. RFC 4271 4.3. */
export function encodeSet(set: AttributeSet, announcer: Announcer): Uint8Array {
  const path = [announcer.as, ...set.path, ...(announcer.pathSuffix ?? [])];
  const med = announcer.med ?? set.med;
  return Uint8Array.from([
    ...attribute(0x40, 1, [set.origin]),
    ...attribute(0x40, 2, [2, path.length, ...path.flatMap(u32)]),
    ...attribute(0x40, 3, quad(announcer.nextHop)),
    ...(med === undefined ? [] : attribute(0x80, 4, u32(med))),
    ...(set.aggregator === undefined
      ? []
      : attribute(0xc0, 7, [...u32(set.aggregator.as), ...u32(set.aggregator.address)])),
    ...(set.communities.length === 0 ? [] : attribute(0xc0, 8, set.communities.flatMap(u32))),
    ...(set.large.length === 0 ? [] : attribute(0xc0, 32, set.large.flat().flatMap(u32))),
  ]);
}

/** Bytes of NLRI that a message can hold beside `used` bytes of attributes. */
const room = (used: number): number => MESSAGE - HEADER - 4 - used;

class Stream {
  bytes: Uint8Array;
  end = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** A message of `type` whose body is written by `fill` from an offset on; it returns where it ended. */
  message(fill: (bytes: Uint8Array, at: number) => number): void {
    if (this.end + MESSAGE > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const start = this.end;
    this.bytes.fill(0xff, start, start + 16);
    this.end = fill(this.bytes, start + HEADER);
    this.bytes[start + 16] = (this.end - start) >> 8;
    this.bytes[start + 17] = (this.end - start) & 255;
    this.bytes[start + 18] = UPDATE;
  }
}

function putPrefix(bytes: Uint8Array, at: number, address: number, length: number): number {
  bytes[at] = length;
  const octets = (length + 7) >> 3;
  for (let octet = 0; octet < octets; octet++) bytes[at + 1 + octet] = (address >>> (24 - 8 * octet)) & 255;
  return at + 1 + octets;
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 255;
}

/** UPDATEs that announce the sets from `from` up to `to`, packed to messages of 4,096 octets at most. */
export function encodeTable(
  table: Table,
  announcer: Announcer,
  from = 0,
  to = table.sets.length,
): Uint8Array {
  const out = new Stream(1 << 20);
  for (let index = from; index < to; index++) {
    const set = table.sets[index];
    if (set === undefined) break;
    const attributes = encodeSet(set, announcer);
    const last = table.setStart[index + 1] ?? 0;
    for (let next = table.setStart[index] ?? 0; next < last; ) {
      out.message((bytes, body) => {
        put16(bytes, body, 0);
        put16(bytes, body + 2, attributes.length);
        bytes.set(attributes, body + 4);
        const first = body + 4 + attributes.length;
        let at = first;
        while (next < last && at - first + 5 <= room(attributes.length)) {
          at = putPrefix(bytes, at, table.address[next] ?? 0, table.length[next] ?? 0);
          next++;
        }
        return at;
      });
    }
  }
  return out.bytes.subarray(0, out.end);
}

/** UPDATEs that withdraw the prefixes from `from` up to `to`. */
export function encodeWithdrawals(table: Table, from = 0, to = table.address.length): Uint8Array {
  const out = new Stream(1 << 16);
  for (let next = from; next < to; ) {
    out.message((bytes, body) => {
      let at = body + 2;
      while (next < to && at - body - 2 + 5 <= room(0)) {
        at = putPrefix(bytes, at, table.address[next] ?? 0, table.length[next] ?? 0);
        next++;
      }
      put16(bytes, body, at - body - 2);
      put16(bytes, at, 0);
      return at + 2;
    });
  }
  return out.bytes.subarray(0, out.end);
}

/** End-of-RIB of IPv4 unicast. RFC 4724 2. */
export function encodeEndOfRib(): Uint8Array {
  const out = new Stream(MESSAGE);
  out.message((bytes, body) => {
    bytes.fill(0, body, body + 4);
    return body + 4;
  });
  return out.bytes.subarray(0, out.end);
}
