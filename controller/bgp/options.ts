/** What a BGP speaker is to be: plain data, checked by whoever made it. Units are in the names. */
import type { BfdOptions } from '../bfd/options.ts';

export type Family = 'ipv4' | 'ipv6';

/** RFC 9234 4.1: what we are to the neighbor. */
export type Role = 'provider' | 'customer' | 'peer' | 'route-server' | 'route-server-client';

export interface SpeakerOptions {
  readonly as: number;
  /** The BGP Identifier, as a dotted quad. RFC 6286. */
  readonly routerId: string;
  /** Where connections are accepted; empty: nowhere. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  readonly neighbors: readonly NeighborOptions[];
  readonly dynamic: readonly DynamicOptions[];
  readonly policies: readonly Policy[];
  readonly originate: readonly Origination[];
  /** Most paths of equal cost that a route may have at once, 1 to 64. */
  readonly multipath: number;
  /** Prefixes on our links beside those of the interfaces that the driver tells of. */
  readonly subnets: readonly string[];
  /** Which best paths are told by `routes` effects: all, none, or those of prefixes within these ranges. */
  readonly track: boolean | readonly PrefixRange[];
}

/** A speaker of which nothing else is said: it listens nowhere and knows nobody. */
export const DEFAULT_SPEAKER: Omit<SpeakerOptions, 'as' | 'routerId'> = {
  listen: [],
  neighbors: [],
  dynamic: [],
  policies: [],
  originate: [],
  multipath: 1,
  subnets: [],
  track: true,
};

/** What static and dynamic neighbors have in common. */
export interface PeerOptions {
  /** The AS that we show this neighbor; that of the speaker where absent. */
  readonly localAs?: number;
  readonly localAddress?: string;
  readonly port: number;
  /** Never dials. */
  readonly passive: boolean;
  /** Proposed Hold Time, s: 0 or at least 3. RFC 4271 4.2. */
  readonly holdTimeS: number;
  readonly connectRetryMs: number;
  /**
   * How long our OPEN waits for the neighbor's once there is a connection. RFC 4271 8.1.1; absent: not at
   * all.
   */
  readonly delayOpenMs?: number;
  /** TCP-MD5 key. RFC 2385. Never shown, logged or journalled. */
  readonly password?: string;
  /** Generalized TTL Security: most hops to the neighbor, 1 for the same subnet; absent: off. RFC 5082. */
  readonly gtsmHops?: number;
  /** TTL of eBGP packets where there is no GTSM; 1 for the same subnet. */
  readonly ttl?: number;
  readonly families: readonly Family[];
  /** RFC 7911. `send`: most paths of a prefix that are sent, 0 for one without identifier. */
  readonly addPath: { readonly receive: boolean; readonly send: number };
  readonly extendedMessages: boolean;
  /** IPv4 routes over IPv6 next hops. RFC 8950. */
  readonly extendedNextHop: boolean;
  readonly role?: Role;
  /** Refuses a neighbor that sends no role. RFC 9234 4.2. */
  readonly strictRole: boolean;
  readonly gracefulRestart?: GracefulRestartOptions;
  /** Policy by name; absent: nothing passes on eBGP (RFC 8212), everything on iBGP. */
  readonly importPolicy?: string;
  readonly exportPolicy?: string;
  readonly maxPrefixes: Partial<Readonly<Record<Family, MaxPrefixes>>>;
  /** How often our own AS may stand in a path that we take. */
  readonly allowOwnAs: number;
  /**
   * Refuses next hops that we do not reach, and of an eBGP neighbor one hop away those that are on no link of
   * ours. RFC 4271 6.3, 9.1.2.1.
   */
  readonly checkNextHops: boolean;
  /** Leaves AS path and next hop alone, as a route server does. RFC 7947. */
  readonly transparent: boolean;
  /** Makes the neighbor a route reflector client. RFC 4456; iBGP only. */
  readonly reflectorClient: boolean;
  readonly nextHopSelf: boolean;
  readonly bfd?: Omit<BfdOptions, 'peer' | 'local'> & {
    /** Holds BGP back until BFD is Up. draft-ietf-idr-bgp-bfd-strict-mode. */
    readonly strict: boolean;
  };
  /**
   * When a session is lost: `rfc` flushes its routes unless graceful restart keeps them; `ask` keeps them as
   * stale until a `flush` input, the neighbor's return or the stale time, so that the owner of the evidence
   * decides.
   */
  readonly onLoss: 'rfc' | 'ask';
}

/** A neighbor of which nothing else is said. It has no policy, so that on eBGP nothing passes. RFC 8212. */
export const DEFAULT_PEER: PeerOptions = {
  port: 179,
  passive: false,
  holdTimeS: 90,
  connectRetryMs: 5000,
  families: ['ipv4'],
  addPath: { receive: false, send: 0 },
  extendedMessages: true,
  extendedNextHop: false,
  strictRole: false,
  maxPrefixes: {},
  allowOwnAs: 0,
  checkNextHops: true,
  transparent: false,
  reflectorClient: false,
  nextHopSelf: false,
  onLoss: 'rfc',
};

export interface NeighborOptions extends PeerOptions {
  /** Unique; names the peer in events, status and log. */
  readonly name: string;
  readonly address: string;
  readonly as: number;
  /** Administratively down from the start. */
  readonly shutdown: boolean;
}

/**
 * Neighbors that are not listed: whoever dials from the prefix with an AS of the ranges. Passive by nature.
 */
export interface DynamicOptions extends PeerOptions {
  readonly name: string;
  readonly prefix: string;
  /** Inclusive ranges. */
  readonly as: readonly { readonly from: number; readonly to: number }[];
  /** Most neighbors at once. */
  readonly limit: number;
}

/** RFC 4724 with RFC 8538 and the timers that bound it. */
export interface GracefulRestartOptions {
  /** What we ask the neighbor to wait for our return, s; 0: we are a helper only. */
  readonly restartTimeS: number;
  /** Most time that stale routes are kept after the session is back, or without it, ms. */
  readonly staleTimeMs: number;
  /** Whether our forwarding survives our restart: the F bit. */
  readonly forwardingKept: boolean;
  /** RFC 8538: graceful also after a NOTIFICATION. */
  readonly notification: boolean;
}

export interface MaxPrefixes {
  readonly limit: number;
  /** Share of the limit, in percent, that is worth a warning. */
  readonly warnPercent: number;
  /** `stop` ends the session with Cease/1 and waits `restartAfterMs`; absent: until cleared by hand. */
  readonly action: 'warn' | 'stop';
  readonly restartAfterMs?: number;
}

export interface Origination {
  readonly prefix: string;
  /** `self`: the address that the session is spoken from. */
  readonly nextHop: string;
  readonly communities: readonly string[];
  readonly med?: number;
  /** The ASes that the route went through before ours: it is passed on for another speaker. */
  readonly asPath?: readonly number[];
}

/**
 * Rules are tried in order; the first that matches and does not say `next` decides; otherwise `otherwise`.
 */
export interface Policy {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly otherwise: 'accept' | 'reject';
}

export interface PolicyRule {
  readonly match: PolicyMatch;
  readonly set: PolicySet;
  readonly action: 'accept' | 'reject' | 'next';
}

/** All that is given must hold; a list holds when one of its items does. Empty: everything matches. */
export interface PolicyMatch {
  readonly prefixes?: readonly PrefixRange[];
  readonly family?: Family;
  /** `65000:1`, `no-export`, `65000:*`; large: `65000:1:2`; extended: `rt:65000:1`. */
  readonly communities?: readonly string[];
  readonly asPath?: {
    readonly contains?: readonly number[];
    readonly originatedBy?: readonly number[];
    /** The neighboring AS: the first of the path. */
    readonly from?: readonly number[];
    readonly minLength?: number;
    readonly maxLength?: number;
  };
  readonly origin?: readonly ('igp' | 'egp' | 'incomplete')[];
  readonly nextHops?: readonly string[];
  readonly peers?: readonly string[];
}

/**
 * A prefix and those within it whose length lies between `ge` and `le`; the prefix alone where both are
 * absent.
 */
export interface PrefixRange {
  readonly prefix: string;
  readonly ge?: number;
  readonly le?: number;
}

export interface PolicySet {
  readonly localPref?: number;
  readonly med?: number | 'remove';
  readonly origin?: 'igp' | 'egp' | 'incomplete';
  readonly addCommunities?: readonly string[];
  readonly removeCommunities?: readonly string[];
  readonly replaceCommunities?: readonly string[];
  readonly prepend?: { readonly as: number; readonly count: number };
  readonly nextHop?: string;
}
