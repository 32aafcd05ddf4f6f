/**
 * Path attributes from bytes, with what RFC 7606 wants for each that is malformed: the routes count as
 * withdrawn, the attribute is left out, or the session is reset. Total: no input makes it throw.
 */
import {
  type AsSegment,
  ATTRIBUTE,
  attributeName,
  type ExtendedCommunity,
  FLAG,
  FLAGS_OF,
  type LargeCommunity,
  type NextHop,
  NO_ATTRIBUTES,
  type Origin,
  type PathAttributes,
  pathLength,
  type SegmentType,
  type UnknownAttribute,
} from './attribute.ts';
import { ERROR, type Notification, notification, UPDATE_ERROR } from './notification.ts';
import { AS_TRANS } from './open.ts';

/** Facts of the session that decide how attributes are read. */
export interface AttributeContext {
  /** Both sides speak 4-octet AS numbers. RFC 6793. */
  readonly as4: boolean;
  readonly ibgp: boolean;
  /** Takes paths with AS_SET, against RFC 9774. */
  readonly acceptSets: boolean;
}

export interface Discarded {
  readonly type: number;
  readonly why: string;
}

export type AttributesRead =
  | { readonly kind: 'ok'; readonly attributes: PathAttributes; readonly discarded: readonly Discarded[] }
  /** RFC 7606 2: the routes of the UPDATE count as withdrawn. */
  | { readonly kind: 'withdraw'; readonly why: string }
  | { readonly kind: 'reset'; readonly notification: Notification; readonly why: string };

type Draft = { -readonly [K in keyof PathAttributes]: PathAttributes[K] };

/** What waits for all attributes to be read: from speakers of 2-octet AS numbers. RFC 6793. */
interface Wide {
  path?: readonly AsSegment[];
  aggregator?: { readonly as: number; readonly id: number };
}

/** The value of one attribute: `size` octets of `view` from `at` on. */
interface Value {
  readonly view: DataView;
  at: number;
  size: number;
}

/** What one attribute made of itself: nothing said is well. */
type Trouble = { readonly treat: 'withdraw' | 'discard'; readonly why: string } | undefined;

const withdraw = (why: string): Trouble => ({ treat: 'withdraw', why });
const discard = (why: string): Trouble => ({ treat: 'discard', why });

/**
 * Reads the attributes between `start` and `end`. MP_REACH_NLRI and MP_UNREACH_NLRI are skipped: `split` has
 * read them, and `mpNextHop` is what the first said. `announces`: there is IPv4 NLRI behind them, which wants
 * NEXT_HOP.
 */
export function readAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
  mpNextHop?: NextHop,
  announces = true,
): AttributesRead {
  const draft: Draft = { ...NO_ATTRIBUTES };
  const wide: Wide = {};
  const discarded: Discarded[] = [];
  // One bit for each type.
  const seen = new Uint32Array(8);
  const value: Value = { view: new DataView(bytes.buffer, bytes.byteOffset, end), at: 0, size: 0 };
  let at = start;
  let why: string | undefined;
  while (at < end) {
    const flags = bytes[at] ?? 0;
    const head = flags & FLAG.extended ? 4 : 3;
    if (at + head > end) return { kind: 'withdraw', why: 'the last attribute has no room for its header' };
    const type = bytes[at + 1] ?? 0;
    const length = head === 4 ? ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0) : (bytes[at + 2] ?? 0);
    const next = at + head + length;
    if (next > end) return { kind: 'withdraw', why: `${attributeName(type)} reaches beyond the attributes` };
    value.at = at + head;
    value.size = length;
    at = next;
    if (type === ATTRIBUTE.mpReach || type === ATTRIBUTE.mpUnreach) continue;
    // RFC 4760 3: beside MP_REACH_NLRI it means nothing, whatever it holds.
    if (type === ATTRIBUTE.nextHop && mpNextHop !== undefined) continue;
    if (has(seen, type)) {
      discarded.push({ type, why: 'it is there twice' });
      continue;
    }
    const unrecognized = FLAGS_OF[type] === undefined && (flags & FLAG.optional) === 0;
    if (unrecognized) return unrecognizedWellKnown(type, bytes, next - head - length, next);
    const trouble = flagsTrouble(type, flags) ?? readOne(draft, wide, type, flags, value, context);
    if (trouble?.treat === 'withdraw') why ??= `${attributeName(type)}: ${trouble.why}`;
    else if (trouble?.treat === 'discard') discarded.push({ type, why: trouble.why });
    seen[type >>> 5] = (seen[type >>> 5] as number) | (1 << (type & 31));
  }
  why ??= missing(seen, context, mpNextHop, announces);
  if (why !== undefined) return { kind: 'withdraw', why };
  return { kind: 'ok', attributes: finished(draft, wide, mpNextHop), discarded };
}

const has = (seen: Uint32Array, type: number): boolean =>
  (((seen[type >>> 5] as number) >>> (type & 31)) & 1) === 1;

function unrecognizedWellKnown(type: number, bytes: Uint8Array, from: number, to: number): AttributesRead {
  return {
    kind: 'reset',
    notification: notification(ERROR.update, UPDATE_ERROR.unrecognizedWellKnown, bytes.slice(from, to)),
    why: `attribute ${type} claims to be well-known, and is not`,
  };
}

/** RFC 7606 3 c: bits in conflict with the attribute make it malformed. */
function flagsTrouble(type: number, flags: number): Trouble {
  const wanted = FLAGS_OF[type];
  if (wanted === undefined || (flags & (FLAG.optional | FLAG.transitive)) === wanted) return undefined;
  return withdraw(`its flags are ${flags.toString(16)}`);
}

/** RFC 7606 3 d. */
function missing(
  seen: Uint32Array,
  { ibgp }: AttributeContext,
  mpNextHop: NextHop | undefined,
  announces: boolean,
): string | undefined {
  if (!announces) return undefined;
  const lacks = (type: number): string | undefined =>
    has(seen, type) ? undefined : `${attributeName(type)} is missing`;
  return (
    lacks(ATTRIBUTE.origin) ??
    lacks(ATTRIBUTE.asPath) ??
    (mpNextHop === undefined ? lacks(ATTRIBUTE.nextHop) : undefined) ??
    (ibgp ? lacks(ATTRIBUTE.localPref) : undefined)
  );
}

function readOne(
  draft: Draft,
  wide: Wide,
  type: number,
  flags: number,
  value: Value,
  context: AttributeContext,
): Trouble {
  const { view, at, size } = value;
  switch (type) {
    case ATTRIBUTE.origin:
      if (size !== 1) return withdraw(badSize(size));
      if (view.getUint8(at) > 2) return withdraw(`it is ${view.getUint8(at)}`);
      draft.origin = view.getUint8(at) as Origin;
      return undefined;
    case ATTRIBUTE.asPath:
      return readPath(draft, value, context);
    case ATTRIBUTE.nextHop:
      if (size !== 4) return withdraw(badSize(size));
      if (!isUsable(view.getUint32(at))) return withdraw('it is no address of a host');
      draft.nextHop = { family: 'ipv4', words: [0, 0, 0, view.getUint32(at)] };
      return undefined;
    case ATTRIBUTE.med:
      if (size !== 4) return withdraw(badSize(size));
      draft.med = view.getUint32(at);
      return undefined;
    case ATTRIBUTE.localPref:
      if (!context.ibgp) return discard('it came from another AS');
      if (size !== 4) return withdraw(badSize(size));
      draft.localPref = view.getUint32(at);
      return undefined;
    case ATTRIBUTE.atomicAggregate:
      if (size !== 0) return discard(badSize(size));
      draft.atomicAggregate = true;
      return undefined;
    case ATTRIBUTE.aggregator:
      return readAggregator(draft, value, context);
    case ATTRIBUTE.originatorId:
    case ATTRIBUTE.clusterList:
      return readReflection(draft, type, value, context);
    case ATTRIBUTE.communities:
    case ATTRIBUTE.extendedCommunities:
    case ATTRIBUTE.largeCommunities:
      return readCommunities(draft, type, value);
    case ATTRIBUTE.as4Path:
    case ATTRIBUTE.as4Aggregator:
      return readAs4(wide, type, value, context);
    case ATTRIBUTE.otc:
      if (size !== 4) return withdraw(badSize(size));
      draft.otc = view.getUint32(at);
      return undefined;
    default:
      if ((flags & FLAG.transitive) === 0) return undefined;
      draft.unknown = [...draft.unknown, unknownOf(flags, type, value)];
      return undefined;
  }
}

const badSize = (size: number): string => `it has ${size} octets`;

const unknownOf = (flags: number, type: number, { view, at, size }: Value): UnknownAttribute => ({
  flags: (flags & ~FLAG.extended) | FLAG.partial,
  type,
  value: new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
});

/** RFC 4271 6.3: syntactically a host's address; not 0/8, 127/8, multicast or beyond. */
const isUsable = (address: number): boolean => {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
};

const SEGMENTS: readonly (SegmentType | undefined)[] = [
  undefined,
  'set',
  'sequence',
  'confed-sequence',
  'confed-set',
];

/** The segments of AS_PATH or AS4_PATH, or why they are malformed. RFC 7606 7.2. */
function segmentsOf({ view, at: start, size }: Value, width: 2 | 4): readonly AsSegment[] | string {
  const segments: AsSegment[] = [];
  const end = start + size;
  let at = start;
  while (at < end) {
    if (at + 2 > end) return 'a segment has no room for its header';
    const type = SEGMENTS[view.getUint8(at)];
    const count = view.getUint8(at + 1);
    if (type === undefined) return `a segment has type ${view.getUint8(at)}`;
    if (count === 0) return 'a segment is empty';
    at += 2;
    if (at + count * width > end) return 'a segment reaches beyond the attribute';
    const as: number[] = [];
    for (let i = 0; i < count; i++, at += width)
      as.push(width === 2 ? view.getUint16(at) : view.getUint32(at));
    segments.push({ type, as });
  }
  return segments;
}

function readPath(draft: Draft, value: Value, { as4, acceptSets }: AttributeContext): Trouble {
  const segments = segmentsOf(value, as4 ? 4 : 2);
  if (typeof segments === 'string') return withdraw(segments);
  for (const { type, as } of segments) {
    if (as.includes(0)) return withdraw('it holds AS 0');
    if (type === 'confed-sequence' || type === 'confed-set')
      return withdraw('it holds a confederation, of which neither side is a member');
    if (!acceptSets && type === 'set') return withdraw('it holds an AS_SET');
  }
  draft.asPath = segments;
  return undefined;
}

function readAggregator(draft: Draft, { view, at, size }: Value, { as4 }: AttributeContext): Trouble {
  if (size !== (as4 ? 8 : 6)) return discard(badSize(size));
  const as = as4 ? view.getUint32(at) : view.getUint16(at);
  if (as === 0) return discard('its AS is 0');
  draft.aggregator = { as, id: view.getUint32(at + (as4 ? 4 : 2)) };
  return undefined;
}

function readReflection(draft: Draft, type: number, value: Value, { ibgp }: AttributeContext): Trouble {
  if (!ibgp) return discard('it came from another AS');
  const { view, at, size } = value;
  if (type === ATTRIBUTE.originatorId) {
    if (size !== 4) return withdraw(badSize(size));
    draft.originatorId = view.getUint32(at);
    return undefined;
  }
  if (size === 0 || size % 4 !== 0) return withdraw(badSize(size));
  draft.clusterList = words(value);
  return undefined;
}

function words({ view, at, size }: Value): number[] {
  const all: number[] = [];
  for (let from = at; from < at + size; from += 4) all.push(view.getUint32(from));
  return all;
}

function readCommunities(draft: Draft, type: number, value: Value): Trouble {
  const unit = type === ATTRIBUTE.communities ? 4 : type === ATTRIBUTE.extendedCommunities ? 8 : 12;
  const { size } = value;
  if (size === 0 || size % unit !== 0) return withdraw(badSize(size));
  const all = words(value);
  const at = (index: number): number => all[index] ?? 0;
  if (unit === 4) draft.communities = all;
  if (unit === 8) {
    const pairs: ExtendedCommunity[] = [];
    for (let i = 0; i < all.length; i += 2) pairs.push([at(i), at(i + 1)]);
    draft.extended = pairs;
  }
  if (unit === 12) {
    const triples: LargeCommunity[] = [];
    for (let i = 0; i < all.length; i += 3) {
      // RFC 8092 3: one that is there twice counts once.
      const isKnown = triples.some(([a, b, c]) => a === at(i) && b === at(i + 1) && c === at(i + 2));
      if (!isKnown) triples.push([at(i), at(i + 1), at(i + 2)]);
    }
    draft.large = triples;
  }
  return undefined;
}

/** RFC 6793 6: from a speaker of 4-octet AS numbers, or malformed, they are left out. */
function readAs4(wide: Wide, type: number, value: Value, { as4 }: AttributeContext): Trouble {
  if (as4) return discard('it came from a speaker of 4-octet AS numbers');
  const { view, at, size } = value;
  if (type === ATTRIBUTE.as4Aggregator) {
    if (size !== 8) return discard(badSize(size));
    if (view.getUint32(at) === 0) return discard('its AS is 0');
    wide.aggregator = { as: view.getUint32(at), id: view.getUint32(at + 4) };
    return undefined;
  }
  const segments = segmentsOf(value, 4);
  if (typeof segments === 'string') return discard(segments);
  if (segments.some(({ as }) => as.includes(0))) return discard('it holds AS 0');
  wide.path = segments.filter((one) => one.type === 'set' || one.type === 'sequence');
  return undefined;
}

/** The record, with AS4_PATH and AS4_AGGREGATOR merged in. RFC 6793 4.2.3. */
function finished(draft: Draft, wide: Wide, mpNextHop: NextHop | undefined): PathAttributes {
  if (mpNextHop !== undefined) draft.nextHop = mpNextHop;
  const { aggregator } = draft;
  if (wide.aggregator !== undefined && aggregator !== undefined) {
    if (aggregator.as !== AS_TRANS) return draft;
    draft.aggregator = wide.aggregator;
  }
  if (wide.path !== undefined) draft.asPath = mergePaths(draft.asPath, wide.path);
  return draft;
}

/** As many leading AS numbers of the old path as make the new one as long. */
export function mergePaths(old: readonly AsSegment[], wide: readonly AsSegment[]): readonly AsSegment[] {
  let missingCount = pathLength(old) - pathLength(wide);
  if (missingCount < 0) return old;
  const lead: AsSegment[] = [];
  for (const segment of old) {
    if (missingCount === 0) break;
    if (segment.type === 'set') {
      lead.push(segment);
      missingCount -= 1;
      continue;
    }
    const as = segment.as.slice(0, missingCount);
    lead.push({ type: segment.type, as });
    missingCount -= as.length;
  }
  const last = lead[lead.length - 1];
  const [first, ...rest] = wide;
  const joins =
    last?.type === 'sequence' && first?.type === 'sequence' && last.as.length + first.as.length <= 255;
  if (!joins) return [...lead, ...wide];
  return [...lead.slice(0, -1), { type: 'sequence', as: [...last.as, ...first.as] }, ...rest];
}
