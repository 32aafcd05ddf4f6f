/**
 * Path attributes to bytes, in the order of their codes, as RFC 4271 5 and RFC 6793 4.2.2 want them. NLRI of
 * MP_REACH and MP_UNREACH is put in by `update.ts`.
 */
import { type AsSegment, ATTRIBUTE, FLAG, FLAGS_OF, type NextHop, type PathAttributes } from './attribute.ts';
import { AS_TRANS } from './open.ts';

/**
 * Bytes that grow at their end; one is used again and again, since a full table needs 181,000 of them. `head`
 * makes room for the value too.
 */
class Writer {
  bytes = new Uint8Array(4096);
  at = 0;

  room(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(this.bytes.length * 2, this.at + more));
    wider.set(this.bytes);
    this.bytes = wider;
  }

  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    this.bytes[this.at++] = value >>> 8;
    this.bytes[this.at++] = value;
  }

  u32(value: number): void {
    const { bytes, at } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.at = at + 4;
  }

  words(values: readonly number[]): void {
    for (const value of values) this.u32(value);
  }

  raw(values: ArrayLike<number>): void {
    this.room(values.length);
    this.bytes.set(values, this.at);
    this.at += values.length;
  }

  /** The header of an attribute whose value has `length` octets. */
  head(type: number, length: number, flags = FLAGS_OF[type] ?? 0): void {
    this.room(4 + length);
    this.u8(length > 255 ? flags | FLAG.extended : flags & ~FLAG.extended);
    this.u8(type);
    if (length > 255) this.u16(length);
    else this.u8(length);
  }

  list(type: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.head(type, values.length * 4);
    this.words(values);
  }
}

const writer = new Writer();

const SEGMENT = { set: 1, sequence: 2, 'confed-sequence': 3, 'confed-set': 4 } as const;

/** Octets of a path: segments of more than 255 AS numbers are divided. */
function pathSize(segments: readonly AsSegment[], width: number): number {
  let size = 0;
  for (const { as } of segments) size += Math.ceil(as.length / 255) * 2 + as.length * width;
  return size;
}

function writePath(out: Writer, type: number, segments: readonly AsSegment[], as4: boolean): void {
  out.head(type, pathSize(segments, as4 ? 4 : 2));
  for (const segment of segments) {
    for (let from = 0; from < segment.as.length; from += 255) {
      const to = Math.min(from + 255, segment.as.length);
      out.u8(SEGMENT[segment.type]);
      out.u8(to - from);
      for (let i = from; i < to; i++) {
        const as = segment.as[i] as number;
        if (as4) out.u32(as);
        else out.u16(narrow(as));
      }
    }
  }
}

const isWide = (as: number): boolean => as > 0xffff;
const narrow = (as: number): number => (isWide(as) ? AS_TRANS : as);

/** Of the session that attributes are written for. */
export interface WriteContext {
  /** The receiver speaks 4-octet AS numbers. */
  readonly as4: boolean;
  /** The next hop goes into MP_REACH_NLRI. */
  readonly inMpReach: boolean;
}

/**
 * The attributes without MP_REACH_NLRI and MP_UNREACH_NLRI. NEXT_HOP is written where the next hop is IPv4
 * and `inMpReach` is not set.
 */
export const writeAttributes = (attributes: PathAttributes, context: WriteContext): Uint8Array => {
  const { bytes, end } = writeForNow(attributes, context);
  return bytes.slice(0, end);
};

/** The same with octets behind, as the first `end` of bytes that hold until the next call. */
export function writeForNow(
  attributes: PathAttributes,
  { as4, inMpReach }: WriteContext,
  behind: readonly number[] = [],
): { readonly bytes: Uint8Array; readonly end: number } {
  const out = writer;
  out.at = 0;
  const { nextHop, aggregator, med, localPref, originatorId, otc } = attributes;
  const put32 = (type: number, value: number | undefined): void => {
    if (value === undefined) return;
    out.head(type, 4);
    out.u32(value);
  };
  out.head(ATTRIBUTE.origin, 1);
  out.u8(attributes.origin);
  writePath(out, ATTRIBUTE.asPath, attributes.asPath, as4);
  if (nextHop?.family === 'ipv4' && !inMpReach) put32(ATTRIBUTE.nextHop, nextHop.words[3]);
  put32(ATTRIBUTE.med, med);
  put32(ATTRIBUTE.localPref, localPref);
  if (attributes.atomicAggregate) out.head(ATTRIBUTE.atomicAggregate, 0);
  if (aggregator !== undefined) {
    out.head(ATTRIBUTE.aggregator, as4 ? 8 : 6);
    if (as4) out.u32(aggregator.as);
    else out.u16(narrow(aggregator.as));
    out.u32(aggregator.id);
  }
  out.list(ATTRIBUTE.communities, attributes.communities);
  put32(ATTRIBUTE.originatorId, originatorId);
  out.list(ATTRIBUTE.clusterList, attributes.clusterList);
  if (attributes.extended.length > 0) out.list(ATTRIBUTE.extendedCommunities, attributes.extended.flat());
  if (!as4) writeAs4(out, attributes);
  if (attributes.large.length > 0) out.list(ATTRIBUTE.largeCommunities, attributes.large.flat());
  put32(ATTRIBUTE.otc, otc);
  for (const { type, flags, value } of attributes.unknown) {
    out.head(type, value.length, flags);
    out.raw(value);
  }
  if (behind.length > 0) out.raw(behind);
  return { bytes: out.bytes, end: out.at };
}

function writeAs4(out: Writer, { asPath, aggregator }: PathAttributes): void {
  const plain = asPath.filter(({ type }) => type === 'set' || type === 'sequence');
  if (plain.some(({ as }) => as.some(isWide))) writePath(out, ATTRIBUTE.as4Path, plain, true);
  if (aggregator === undefined || !isWide(aggregator.as)) return;
  out.head(ATTRIBUTE.as4Aggregator, 8);
  out.u32(aggregator.as);
  out.u32(aggregator.id);
}

const octets = (word: number): readonly number[] => [
  word >>> 24,
  (word >>> 16) & 255,
  (word >>> 8) & 255,
  word & 255,
];

/** The next hop as MP_REACH_NLRI holds it: 4, 16 or 32 octets. RFC 2545 3, RFC 8950 3. */
export const nextHopBytes = ({ family, words, linkLocal }: NextHop): readonly number[] =>
  family === 'ipv4' ? octets(words[3]) : [...words, ...(linkLocal ?? [])].flatMap(octets);
