/**
 * UPDATE: from a framed body to ranges of it, and from prefixes and attributes to messages. RFC 4271 4.3 and
 * 6.3, RFC 4760, RFC 4724 2 (End-of-RIB), RFC 7606. The attributes themselves are read by
 * `read-attributes.ts`.
 */
import { ATTRIBUTE, FLAG, FLAGS_OF, type NextHop } from './attribute.ts';
import { HEADER, TYPE, writeHeader } from './message.ts';
import { ERROR, type Notification, notification, UPDATE_ERROR } from './notification.ts';
import { AFI, checkNlri, type Family, familyOf, SAFI_UNICAST } from './prefix.ts';
import { nextHopBytes } from './write-attributes.ts';

/** Facts of the session that decide how an UPDATE is split. */
export interface SplitContext {
  /** Whether prefixes of the family come with a path identifier. RFC 7911. */
  readonly addPath: { readonly ipv4: boolean; readonly ipv6: boolean };
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** An UPDATE as ranges of the bytes that it was framed in. */
export interface UpdateParts {
  readonly kind: 'parts';
  readonly withdrawn: Range;
  readonly attributes: Range;
  readonly nlri: Range;
  readonly mpReach?: {
    readonly family: Family;
    readonly nextHop: NextHop;
    readonly nlri: Range;
    /** The whole attribute with its header. */
    readonly whole: Range;
  };
  readonly mpUnreach?: { readonly family: Family; readonly nlri: Range; readonly whole: Range };
  /** End-of-RIB of the family. */
  readonly endOfRib?: Family;
  /** AFI and SAFI of NLRI that we do not carry; it is left out, and the session stays. */
  readonly unsupported?: readonly { readonly afi: number; readonly safi: number }[];
  /** The attributes cannot be followed to their end: the routes count as withdrawn. RFC 7606 4. */
  readonly broken?: string;
}

export type Split =
  | UpdateParts
  | { readonly kind: 'reset'; readonly notification: Notification; readonly why: string };

const reset = (subcode: number, why: string, data?: Uint8Array): Split => ({
  kind: 'reset',
  notification: notification(ERROR.update, subcode, data),
  why,
});

const range = (start: number, end: number): Range => ({ start, end });

/** Splits the UPDATE whose body lies between `start` and `end`. */
export function splitUpdate(bytes: Uint8Array, start: number, end: number, context: SplitContext): Split {
  const withdrawnLength = u16At(bytes, start);
  const attributesAt = start + 2 + withdrawnLength + 2;
  if (attributesAt > end)
    return reset(UPDATE_ERROR.attributeList, 'the withdrawn routes reach beyond the message');
  const attributesEnd = attributesAt + u16At(bytes, attributesAt - 2);
  if (attributesEnd > end)
    return reset(UPDATE_ERROR.attributeList, 'the attributes reach beyond the message');
  const withdrawn = range(start + 2, start + 2 + withdrawnLength);
  const attributes = range(attributesAt, attributesEnd);
  const nlri = range(attributesEnd, end);
  for (const one of [withdrawn, nlri]) {
    const wrong = checkNlri(bytes, one.start, one.end, 'ipv4', context.addPath.ipv4);
    if (wrong !== undefined) return reset(UPDATE_ERROR.networkField, `a prefix has a wrong ${wrong}`);
  }
  const plain: UpdateParts = { kind: 'parts', withdrawn, attributes, nlri };
  if (end - start === 4) return { ...plain, endOfRib: 'ipv4' };
  if (isPlain(bytes, attributes)) return plain;
  return splitMultiprotocol(bytes, plain, context);
}

const u16At = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Whether the attributes can be followed to their end and hold nothing of RFC 4760: most UPDATEs of IPv4. */
function isPlain(bytes: Uint8Array, { start, end }: Range): boolean {
  let at = start;
  while (at < end) {
    const type = bytes[at + 1];
    if (type === ATTRIBUTE.mpReach || type === ATTRIBUTE.mpUnreach) return false;
    const extended = ((bytes[at] as number) & FLAG.extended) !== 0;
    if (at + (extended ? 4 : 3) > end) return false;
    at += extended ? 4 + u16At(bytes, at + 2) : 3 + (bytes[at + 2] as number);
  }
  return at === end;
}

type Draft = { -readonly [K in keyof UpdateParts]: UpdateParts[K] };

/** With MP_REACH_NLRI or MP_UNREACH_NLRI, or attributes that end too late. */
function splitMultiprotocol(bytes: Uint8Array, plain: UpdateParts, context: SplitContext): Split {
  const draft: Draft = { ...plain };
  const { start, end } = plain.attributes;
  const seen = new Set<number>();
  for (let at = start; at < end; ) {
    const flags = bytes[at] ?? 0;
    const head = flags & FLAG.extended ? 4 : 3;
    if (at + head > end) return { ...draft, broken: 'the last attribute has no room for its header' };
    const type = bytes[at + 1] ?? 0;
    const length = head === 4 ? u16At(bytes, at + 2) : (bytes[at + 2] ?? 0);
    const whole = range(at, at + head + length);
    if (whole.end > end) return { ...draft, broken: `attribute ${type} reaches beyond the attributes` };
    at = whole.end;
    if (type !== ATTRIBUTE.mpReach && type !== ATTRIBUTE.mpUnreach) continue;
    if (seen.has(type)) return reset(UPDATE_ERROR.attributeList, `attribute ${type} is there twice`);
    seen.add(type);
    const failed = readMultiprotocol(draft, bytes, type, whole, head, context);
    if (failed !== undefined) return failed;
  }
  const { mpUnreach } = draft;
  const alone = mpUnreach !== undefined && mpUnreach.whole.start === start && mpUnreach.whole.end === end;
  const empty = plain.withdrawn.start === plain.withdrawn.end && plain.nlri.start === plain.nlri.end;
  if (alone && empty && mpUnreach.nlri.start === mpUnreach.nlri.end) draft.endOfRib = mpUnreach.family;
  return draft;
}

/**
 * RFC 4760 3 and 4; what is malformed here resets, since NLRI cannot be located. RFC 7606 5.3, 7.11, 7.12.
 */
function readMultiprotocol(
  draft: Draft,
  bytes: Uint8Array,
  type: number,
  whole: Range,
  head: number,
  context: SplitContext,
): Split | undefined {
  const at = whole.start + head;
  const isReach = type === ATTRIBUTE.mpReach;
  const bad = (why: string): Split =>
    reset(UPDATE_ERROR.optionalAttribute, why, bytes.slice(whole.start, whole.end));
  if (at + (isReach ? 5 : 3) > whole.end) return bad(`attribute ${type} is too short`);
  const afi = u16At(bytes, at);
  const safi = bytes[at + 2] ?? 0;
  const family = familyOf(afi, safi);
  if (family === undefined) {
    draft.unsupported = [...(draft.unsupported ?? []), { afi, safi }];
    return undefined;
  }
  let nlriAt = at + 3;
  let nextHop: NextHop | undefined;
  if (isReach) {
    const length = bytes[at + 3] ?? 0;
    nlriAt = at + 4 + length + 1;
    nextHop = nlriAt > whole.end ? undefined : readNextHop(bytes, at + 4, length, family);
    if (nextHop === undefined) return bad(`a next hop of ${length} octets`);
  }
  const nlri = range(nlriAt, whole.end);
  const wrong = checkNlri(bytes, nlri.start, nlri.end, family, context.addPath[family]);
  if (wrong !== undefined) return bad(`a prefix of ${family} has a wrong ${wrong}`);
  if (nextHop === undefined) draft.mpUnreach = { family, nlri, whole };
  else draft.mpReach = { family, nextHop, nlri, whole };
  return undefined;
}

/** RFC 2545 3: 16 or 32 octets; RFC 8950 3 the same for IPv4 routes; RFC 4760: 4 for IPv4. */
function readNextHop(bytes: Uint8Array, at: number, length: number, family: Family): NextHop | undefined {
  const word = (index: number): number =>
    ((u16At(bytes, at + 4 * index) << 16) | u16At(bytes, at + 4 * index + 2)) >>> 0;
  if (length === 4 && family === 'ipv4') return { family: 'ipv4', words: [0, 0, 0, word(0)] };
  if (length !== 16 && length !== 32) return undefined;
  const words = [word(0), word(1), word(2), word(3)] as const;
  if (length === 16) return { family: 'ipv6', words };
  return { family: 'ipv6', words, linkLocal: [word(4), word(5), word(6), word(7)] };
}

/**
 * The bytes that name the attribute set of an UPDATE without its NLRI: the attributes as they came, without
 * those of RFC 4760, and with the next hop of MP_REACH_NLRI behind them,
 * where that is what the prefixes have.
 */
export function attributeSetOf(
  bytes: Uint8Array,
  { attributes, mpReach, mpUnreach }: UpdateParts,
  nextHop: NextHop | undefined,
): Uint8Array {
  const cuts = [mpReach?.whole, mpUnreach?.whole]
    .filter((one) => one !== undefined)
    .sort((a, b) => a.start - b.start);
  if (cuts.length === 0) return bytes.subarray(attributes.start, attributes.end);
  const kept: number[] = [];
  let at = attributes.start;
  for (const { start, end } of [...cuts, range(attributes.end, attributes.end)]) {
    for (let i = at; i < start; i++) kept.push(bytes[i] ?? 0);
    at = end;
  }
  return Uint8Array.from(nextHop === undefined ? kept : [...kept, 0, 0, ...nextHopBytes(nextHop)]);
}

/** End-of-RIB of a family. RFC 4724 2. */
export function encodeEndOfRib(family: Family): Uint8Array {
  if (family === 'ipv4') return updateMessage([], [], []);
  return updateMessage([], [FLAG.optional, ATTRIBUTE.mpUnreach, 3, 0, AFI[family], SAFI_UNICAST], []);
}

/** An UPDATE of the old encoding: withdrawn IPv4 routes, attributes, IPv4 NLRI, each as bytes. */
export function updateMessage(
  withdrawn: ArrayLike<number>,
  attributes: ArrayLike<number>,
  nlri: ArrayLike<number>,
): Uint8Array {
  const length = HEADER + 4 + withdrawn.length + attributes.length + nlri.length;
  const out = new Uint8Array(length);
  writeHeader(out, 0, length, TYPE.update);
  put16(out, HEADER, withdrawn.length);
  out.set(withdrawn, HEADER + 2);
  put16(out, HEADER + 2 + withdrawn.length, attributes.length);
  out.set(attributes, HEADER + 4 + withdrawn.length);
  out.set(nlri, HEADER + 4 + withdrawn.length + attributes.length);
  return out;
}

function put16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value & 255;
}

/** The head of an MP_REACH_NLRI whose NLRI has `nlriLength` octets. */
export function mpReachHead(family: Family, nextHop: NextHop, nlriLength: number): readonly number[] {
  const hop = nextHopBytes(nextHop);
  const length = 5 + hop.length + nlriLength;
  return [...mpHead(ATTRIBUTE.mpReach, length), 0, AFI[family], SAFI_UNICAST, hop.length, ...hop, 0];
}

/** The head of an MP_UNREACH_NLRI whose NLRI has `nlriLength` octets. */
export const mpUnreachHead = (family: Family, nlriLength: number): readonly number[] => [
  ...mpHead(ATTRIBUTE.mpUnreach, 3 + nlriLength),
  0,
  AFI[family],
  SAFI_UNICAST,
];

const mpHead = (type: number, length: number): readonly number[] => [
  (FLAGS_OF[type] ?? 0) | FLAG.extended,
  type,
  length >>> 8,
  length & 255,
];
