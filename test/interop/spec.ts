/** What a routing daemon of other people is to be in a test: the same words for all kinds of daemons. */
import type { Family, Role } from '../../controller/bgp/options.ts';
import type { Kind } from './daemons.ts';

export interface PeerSpec {
  readonly kind: Kind;
  readonly as: number;
  readonly routerId: string;
  /** What it announces by itself, of both families. */
  readonly networks: readonly string[];
  readonly neighbors: readonly NeighborSpec[];
}

/** A neighbor of the daemon; everything is seen from the daemon. */
export interface NeighborSpec {
  readonly address: string;
  readonly local: string;
  readonly as: number;
  readonly families: readonly Family[];
  /** 90 s where absent. */
  readonly holdTimeS?: number;
  /** Waits to be dialled. */
  readonly passive?: boolean;
  /** Where ExaBGP listens for the neighbor, which it does nowhere by itself; the others do on 179. */
  readonly listen?: number;
  readonly password?: string;
  readonly gtsm?: boolean;
  readonly addPath?: boolean;
  /** Seconds that it asks for; absent: no graceful restart. */
  readonly restartTimeS?: number;
  /** What the daemon is to the neighbor. */
  readonly role?: Role;
  /** Milliseconds, three times. */
  readonly bfdIntervalMs?: number;
  /** Learned routes go out as well, not only its own networks. */
  readonly transit?: boolean;
}

/**
 * A route as a daemon sees it. `asPath` is as in `65000 65001`, a set in braces; communities as in `65000:1`.
 */
export interface SeenRoute {
  readonly prefix: string;
  /** The neighbor that it came from; empty for its own. */
  readonly from: string;
  readonly nextHop: string;
  readonly asPath: string;
  readonly communities: readonly string[];
}

/** A session as a daemon sees it. `state` is that of RFC 4271 8.2.2 in small letters. */
export interface SeenSession {
  readonly address: string;
  readonly state: string;
  /** Why it went down last, in the daemon's words; empty where it does not say. */
  readonly error: string;
}

export const isIpv6 = (text: string): boolean => text.includes(':');

export const familyOfPrefix = (prefix: string): Family => (isIpv6(prefix) ? 'ipv6' : 'ipv4');

export const DEFAULT_HOLD_S = 90;
