/**
 * Path attributes as values, their codes and flags. RFC 4271 5; RFC 1997, 4360, 8092 (communities), RFC 4456
 * (reflection), RFC 6793 (AS4), RFC 9234 (OTC). How they are read is in `read-attributes.ts`, how they are
 * written in
 * `write-attributes.ts`.
 */

export const ATTRIBUTE = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  med: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  communities: 8,
  originatorId: 9,
  clusterList: 10,
  mpReach: 14,
  mpUnreach: 15,
  extendedCommunities: 16,
  as4Path: 17,
  as4Aggregator: 18,
  largeCommunities: 32,
  otc: 35,
} as const;

export const FLAG = { optional: 0x80, transitive: 0x40, partial: 0x20, extended: 0x10 } as const;

/** The Optional and Transitive bits that each known attribute must have. */
export const FLAGS_OF: Readonly<Record<number, number>> = {
  1: FLAG.transitive,
  2: FLAG.transitive,
  3: FLAG.transitive,
  4: FLAG.optional,
  5: FLAG.transitive,
  6: FLAG.transitive,
  7: FLAG.optional | FLAG.transitive,
  8: FLAG.optional | FLAG.transitive,
  9: FLAG.optional,
  10: FLAG.optional,
  14: FLAG.optional,
  15: FLAG.optional,
  16: FLAG.optional | FLAG.transitive,
  17: FLAG.optional | FLAG.transitive,
  18: FLAG.optional | FLAG.transitive,
  32: FLAG.optional | FLAG.transitive,
  35: FLAG.optional | FLAG.transitive,
};

const NAMES: Readonly<Record<number, string>> = {
  1: 'ORIGIN',
  2: 'AS_PATH',
  3: 'NEXT_HOP',
  4: 'MULTI_EXIT_DISC',
  5: 'LOCAL_PREF',
  6: 'ATOMIC_AGGREGATE',
  7: 'AGGREGATOR',
  8: 'COMMUNITIES',
  9: 'ORIGINATOR_ID',
  10: 'CLUSTER_LIST',
  14: 'MP_REACH_NLRI',
  15: 'MP_UNREACH_NLRI',
  16: 'EXTENDED COMMUNITIES',
  17: 'AS4_PATH',
  18: 'AS4_AGGREGATOR',
  32: 'LARGE_COMMUNITY',
  35: 'ONLY_TO_CUSTOMER',
};

export const attributeName = (type: number): string => NAMES[type] ?? `attribute ${type}`;

/** RFC 4271 4.3, RFC 5065 3. */
export type SegmentType = 'set' | 'sequence' | 'confed-sequence' | 'confed-set';

export interface AsSegment {
  readonly type: SegmentType;
  readonly as: readonly number[];
}

/**
 * An address as four words, IPv4 in the last alone; with IPv6 perhaps a link-local address beside it. RFC
 * 2545 3.
 */
export interface NextHop {
  readonly family: 'ipv4' | 'ipv6';
  readonly words: readonly [number, number, number, number];
  readonly linkLocal?: readonly [number, number, number, number];
}

export type Origin = 0 | 1 | 2;
export const ORIGIN_NAMES = ['igp', 'egp', 'incomplete'] as const;

/** A large community: Global Administrator and two Local Data Parts. RFC 8092 3. */
export type LargeCommunity = readonly [number, number, number];
/** An extended community as its two words. RFC 4360 2. */
export type ExtendedCommunity = readonly [number, number];

/** Whether it may cross the border of an AS. RFC 4360 2, the T bit. */
export const isTransitive = ([high]: ExtendedCommunity): boolean => (high & 0x40000000) === 0;

export interface UnknownAttribute {
  readonly flags: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/** All that a route carries beside its prefix. */
export interface PathAttributes {
  readonly origin: Origin;
  readonly asPath: readonly AsSegment[];
  readonly nextHop?: NextHop | undefined;
  readonly med?: number | undefined;
  readonly localPref?: number | undefined;
  readonly atomicAggregate: boolean;
  readonly aggregator?: { readonly as: number; readonly id: number } | undefined;
  readonly communities: readonly number[];
  readonly extended: readonly ExtendedCommunity[];
  readonly large: readonly LargeCommunity[];
  readonly originatorId?: number | undefined;
  readonly clusterList: readonly number[];
  /** Only to Customer: the AS that set it. RFC 9234 5. */
  readonly otc?: number | undefined;
  /** Optional transitive ones that we do not know: passed on with the Partial bit. RFC 4271 5. */
  readonly unknown: readonly UnknownAttribute[];
}

/** All fields are there, so that all records have one shape, which the engine copies fast. */
export const NO_ATTRIBUTES: PathAttributes = {
  origin: 0,
  asPath: [],
  nextHop: undefined,
  med: undefined,
  localPref: undefined,
  atomicAggregate: false,
  aggregator: undefined,
  communities: [],
  extended: [],
  large: [],
  originatorId: undefined,
  clusterList: [],
  otc: undefined,
  unknown: [],
};

/** RFC 1997, RFC 8326, RFC 7999, RFC 9494. */
export const COMMUNITY = {
  gracefulShutdown: 0xffff0000,
  llgrStale: 0xffff0006,
  noLlgr: 0xffff0007,
  blackhole: 0xffff029a,
  noExport: 0xffffff01,
  noAdvertise: 0xffffff02,
  noExportSubconfed: 0xffffff03,
} as const;

/**
 * AS_PATH length for the decision process: a set counts one, confederation segments nothing. RFC 4271 9.1.2.2
 * a.
 */
export function pathLength(segments: readonly AsSegment[]): number {
  let length = 0;
  for (const { type, as } of segments) {
    if (type === 'sequence') length += as.length;
    else if (type === 'set') length += 1;
  }
  return length;
}

/** The AS that the route came from: first of the path; absent where that begins with a set, or is empty. */
export function firstAs(segments: readonly AsSegment[]): number | undefined {
  const first = segments.find(({ type }) => type === 'sequence' || type === 'set');
  return first?.type === 'sequence' ? first.as[0] : undefined;
}

/** The AS that originated the route: last of the path, where that is a sequence. */
export function originAs(segments: readonly AsSegment[]): number | undefined {
  const last = segments[segments.length - 1];
  return last?.type === 'sequence' ? last.as[last.as.length - 1] : undefined;
}
