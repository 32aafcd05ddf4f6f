/**
 * Path attributes to bytes, in the order of their codes, as RFC 4271 5 and RFC 6793 4.2.2 want them. NLRI of
 * MP_REACH and MP_UNREACH is put in by `update.ts`.
 */
import { type AsSegment, ATTRIBUTE, FLAG, FLAGS_OF, type NextHop, type PathAttributes } from './attribute.ts';
import { AS_TRANS } from './open.ts';

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
export const u32 = (value: number): number[] => [
  (value >>> 24) & 255,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

/** One attribute with its header. */
export function attributeBytes(
  type: number,
  value: ArrayLike<number>,
  flags = FLAGS_OF[type] ?? 0,
): number[] {
  const body = Array.from(value);
  if (body.length > 255) return [flags | FLAG.extended, type, ...u16(body.length), ...body];
  return [flags & ~FLAG.extended, type, body.length, ...body];
}

const SEGMENT = { set: 1, sequence: 2, 'confed-sequence': 3, 'confed-set': 4 } as const;

function pathBytes(segments: readonly AsSegment[], as4: boolean): number[] {
  return segments.flatMap(({ type, as }) => {
    const pieces: number[] = [];
    for (let at = 0; at < as.length; at += 255) {
      const piece = as.slice(at, at + 255);
      const numbers = piece.flatMap((one) => (as4 ? u32(one) : u16(one > 0xffff ? AS_TRANS : one)));
      pieces.push(SEGMENT[type], piece.length, ...numbers);
    }
    return pieces;
  });
}

const isWide = (as: number): boolean => as > 0xffff;

/**
 * The attributes without MP_REACH_NLRI and MP_UNREACH_NLRI. NEXT_HOP is written where the next hop is IPv4
 * and
 * `inMpReach` is not set. `as4`: the receiver speaks 4-octet AS numbers.
 */
export function writeAttributes(
  attributes: PathAttributes,
  { as4, inMpReach }: { readonly as4: boolean; readonly inMpReach: boolean },
): Uint8Array {
  const out: number[] = [];
  const put = (type: number, value: ArrayLike<number>, flags?: number): void => {
    out.push(...attributeBytes(type, value, flags));
  };
  const { asPath, nextHop, aggregator } = attributes;
  put(ATTRIBUTE.origin, [attributes.origin]);
  put(ATTRIBUTE.asPath, pathBytes(asPath, as4));
  if (nextHop?.family === 'ipv4' && !inMpReach) put(ATTRIBUTE.nextHop, u32(nextHop.words[3]));
  if (attributes.med !== undefined) put(ATTRIBUTE.med, u32(attributes.med));
  if (attributes.localPref !== undefined) put(ATTRIBUTE.localPref, u32(attributes.localPref));
  if (attributes.atomicAggregate) put(ATTRIBUTE.atomicAggregate, []);
  if (aggregator !== undefined) {
    const as = as4 ? u32(aggregator.as) : u16(isWide(aggregator.as) ? AS_TRANS : aggregator.as);
    put(ATTRIBUTE.aggregator, [...as, ...u32(aggregator.id)]);
  }
  if (attributes.communities.length > 0) put(ATTRIBUTE.communities, attributes.communities.flatMap(u32));
  if (attributes.originatorId !== undefined) put(ATTRIBUTE.originatorId, u32(attributes.originatorId));
  if (attributes.clusterList.length > 0) put(ATTRIBUTE.clusterList, attributes.clusterList.flatMap(u32));
  if (attributes.extended.length > 0)
    put(ATTRIBUTE.extendedCommunities, attributes.extended.flat().flatMap(u32));
  if (!as4) putAs4(put, attributes);
  if (attributes.large.length > 0) put(ATTRIBUTE.largeCommunities, attributes.large.flat().flatMap(u32));
  if (attributes.otc !== undefined) put(ATTRIBUTE.otc, u32(attributes.otc));
  for (const { type, flags, value } of attributes.unknown) put(type, value, flags);
  return Uint8Array.from(out);
}

function putAs4(put: (type: number, value: ArrayLike<number>) => void, attributes: PathAttributes): void {
  const { asPath, aggregator } = attributes;
  const plain = asPath.filter(({ type }) => type === 'set' || type === 'sequence');
  if (plain.some(({ as }) => as.some(isWide))) put(ATTRIBUTE.as4Path, pathBytes(plain, true));
  if (aggregator !== undefined && isWide(aggregator.as))
    put(ATTRIBUTE.as4Aggregator, [...u32(aggregator.as), ...u32(aggregator.id)]);
}

/** The next hop as MP_REACH_NLRI holds it: 4, 16 or 32 octets. RFC 2545 3, RFC 8950 3. */
export const nextHopBytes = ({ family, words, linkLocal }: NextHop): number[] =>
  family === 'ipv4' ? u32(words[3]) : [...words.flatMap(u32), ...(linkLocal?.flatMap(u32) ?? [])];
