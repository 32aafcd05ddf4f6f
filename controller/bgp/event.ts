/**
 * The seam of the BGP speaker: all that can happen to it, and all that it can do. RFC 4271 with what
 * docs/RFC.md lists.
 *
 *     stepSpeaker(speaker, event, now) -> effects        nextSpeakerDeadline(speaker) -> Instant | undefined
 *
 * It is a machine beside the node, not inside it: a full table is 16 MB of messages that no journal should
 * hold. The node sees `session` and `routes`, and answers with inputs. Work is done in bounded portions:
 * while some is left, the next deadline is `now`. Connections are numbered: by the speaker where it dials
 * (even), by the driver where a listener accepts (odd).
 */

import type { BfdOptions } from '../bfd/options.ts';
import type { Family, Origination, SpeakerOptions } from './options.ts';

export type SpeakerEvent =
  /** `restarted`: an earlier run ended not long ago and its routes are still in use. RFC 4724 4.1. */
  | { readonly kind: 'start'; readonly restarted?: boolean }
  | { readonly kind: 'deadline' }
  | {
      readonly kind: 'tcp-opened';
      readonly connection: number;
      readonly local: string;
      readonly remote: string;
    }
  | {
      readonly kind: 'tcp-accepted';
      readonly connection: number;
      readonly local: string;
      readonly remote: string;
    }
  /** Bytes in order; the speaker does not keep `data`. */
  | { readonly kind: 'tcp-data'; readonly connection: number; readonly data: Uint8Array }
  /** All that was sent has left; until then nothing more than `tcp-send` allowed was queued. */
  | { readonly kind: 'tcp-drained'; readonly connection: number }
  /** It could not be made, was ended by the other side, or broke. */
  | { readonly kind: 'tcp-closed'; readonly connection: number; readonly reason: string }
  | SpeakerInput;

/** What its owner (the node, an operator) asks of a speaker. */
export type SpeakerInput =
  /** The state of the BFD session with a neighbor's address. RFC 5882. */
  | {
      readonly kind: 'bfd';
      readonly address: string;
      readonly state: 'up' | 'down' | 'admin-down';
      readonly controlPlaneIndependent: boolean;
    }
  /** Stale routes of the peer are given up now. */
  | { readonly kind: 'flush'; readonly peer: string; readonly reason: string }
  /** Whether it forwards: while it does not, its routes are used where nobody else has one. */
  | { readonly kind: 'fitness'; readonly peer: string; readonly unfit: boolean }
  /** RFC 9003 text; the session stays down until `enable`. */
  | { readonly kind: 'shutdown'; readonly peer: string; readonly text: string }
  | { readonly kind: 'enable'; readonly peer: string }
  /** Ends the session with Cease/4, or Hard Reset; it comes back. */
  | { readonly kind: 'reset'; readonly peer: string; readonly hard: boolean; readonly text: string }
  /** Policy anew without session loss: `in` from what was kept, `out` by sending again. */
  | { readonly kind: 'soft-reset'; readonly peer: string; readonly direction: 'in' | 'out' }
  | { readonly kind: 'route-refresh'; readonly peer: string; readonly family: Family }
  | { readonly kind: 'originate'; readonly route: Origination }
  | { readonly kind: 'withdraw'; readonly prefix: string }
  /** RFC 8326: everything that we send carries GRACEFUL_SHUTDOWN; or is withdrawn; or neither any more. */
  | {
      readonly kind: 'drain';
      readonly how: 'graceful-shutdown' | 'withdraw' | 'none';
      readonly reason: string;
    }
  /**
   * The addresses of our interfaces, as `10.0.1.10/24`, a list for each interface: next hops are judged by
   * their subnets (RFC 4271 6.3), and are ourselves in the family that the session is not spoken in.
   */
  | { readonly kind: 'interfaces'; readonly addresses: readonly (readonly string[])[] }
  /** Which next hops of the last `next-hops` there is no way to; of the others there is. RFC 4271 9.1.2.1. */
  | { readonly kind: 'unreachable'; readonly addresses: readonly string[] }
  /** Tells all best paths again that are tracked: the owner has other uses for them. */
  | { readonly kind: 'retell' }
  | { readonly kind: 'configured'; readonly options: SpeakerOptions }
  /** Leaves: Cease/2 with the text, or, for a restart that keeps forwarding, a close that RFC 4724 covers. */
  | { readonly kind: 'stop'; readonly restart: boolean; readonly text: string };

export type SpeakerEffect =
  | {
      readonly kind: 'tcp-connect';
      readonly connection: number;
      readonly to: string;
      readonly port: number;
      readonly from?: string;
      readonly security: SocketSecurity;
    }
  /** The set of listeners and the keys of those who may dial: replaces the one before. */
  | {
      readonly kind: 'tcp-listen';
      readonly at: readonly { readonly address: string; readonly port: number }[];
      readonly keys: readonly { readonly prefix: string; readonly password: string }[];
      /**
       * Set on the listener when every neighbor wants it; the speaker's sockets are refined once accepted.
       */
      readonly minTtl?: number;
    }
  /** An accepted connection is kept; its TTLs become these. */
  | { readonly kind: 'tcp-secure'; readonly connection: number; readonly security: SocketSecurity }
  | { readonly kind: 'tcp-send'; readonly connection: number; readonly data: Uint8Array }
  /** After all that was sent has left; `abort` throws that away. */
  | { readonly kind: 'tcp-close'; readonly connection: number; readonly abort: boolean }
  | { readonly kind: 'bfd-open'; readonly session: string; readonly options: BfdOptions }
  | { readonly kind: 'bfd-close'; readonly session: string }
  | { readonly kind: 'session'; readonly change: SessionChange }
  | { readonly kind: 'routes'; readonly changes: readonly RouteChange[] }
  /** Next hops on no link of ours, all of them: which are reached is to be told, now and when it changes. */
  | { readonly kind: 'next-hops'; readonly addresses: readonly string[] }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly text: string;
      readonly peer?: string;
    }
  /** All sessions are closed; the driver may end. */
  | { readonly kind: 'stopped' };

export interface SocketSecurity {
  readonly password?: string;
  readonly ttl?: number;
  /** Packets below are dropped by the kernel. */
  readonly minTtl?: number;
}

/** What a session became: for evidence, status and journal. */
export interface SessionChange {
  readonly peer: string;
  readonly address: string;
  readonly state: 'established' | 'down';
  /** Why, in words: a NOTIFICATION sent or received with its data, a closed connection, BFD, an operator. */
  readonly reason: string;
  /** Down only: whether its routes are kept as stale, and until when at most. */
  readonly retained?: boolean;
  /** Down only: whether we or an operator wanted it so, which is no evidence against the peer. */
  readonly administrative?: boolean;
  /** Down only: the neighbor said that it goes for good, and not that it begins anew. */
  readonly left?: boolean;
}

/** The best paths of a prefix changed. No next hops: the prefix is gone. */
export interface RouteChange {
  readonly prefix: string;
  readonly nextHops: readonly {
    readonly address: string;
    readonly peer: string;
    /** Weight by link bandwidth; 1 where there is none. */
    readonly weight: number;
    readonly stale: boolean;
  }[];
}
