/**
 * The seam of the BFD machine: all that can happen to it, and all that it can do. RFC 5880, 5881, 5883.
 *
 *     stepBfd(bfd, event, now) -> effects        nextBfdDeadline(bfd) -> Instant | undefined
 *
 * In production a worker thread drives it, so that a busy main thread cannot make a session flap; the
 * simulator drives it beside the node. Datagrams stay between the machine and its driver: only `state`
 * leaves.
 */
import type { Instant } from '../base/time.ts';
import type { BfdOptions } from './options.ts';

/** RFC 5880 4.1, the State field. */
export type BfdState = 'admin-down' | 'down' | 'init' | 'up';

/** RFC 5880 4.1, the Diagnostic field, in words. */
export type BfdDiagnostic =
  | 'none'
  | 'control detection time expired'
  | 'echo function failed'
  | 'neighbor signaled session down'
  | 'forwarding plane reset'
  | 'path down'
  | 'concatenated path down'
  | 'administratively down'
  | 'reverse concatenated path down';

export type BfdEvent =
  /**
   * A session is wanted; `session` names it for ever after, as `open` of the same name changes its options.
   */
  | { readonly kind: 'open'; readonly session: string; readonly options: BfdOptions }
  | { readonly kind: 'close'; readonly session: string }
  /** Administratively down, which tells the peer not to conclude anything; or up again. RFC 5880 6.8.16. */
  | { readonly kind: 'admin'; readonly session: string; readonly down: boolean }
  /** A control packet that passed the kernel's TTL check. `multihop` says on which port it came. */
  | {
      readonly kind: 'datagram';
      readonly from: string;
      readonly to?: string;
      readonly multihop: boolean;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'deadline' };

export type BfdEffect =
  | {
      readonly kind: 'send';
      readonly session: string;
      readonly to: string;
      readonly local?: string;
      readonly multihop: boolean;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'state'; readonly change: BfdChange }
  | { readonly kind: 'log'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly text: string };

/** What a session became: the only thing of BFD that a node sees and a journal holds. */
export interface BfdChange {
  readonly session: string;
  readonly state: BfdState;
  readonly diagnostic: BfdDiagnostic;
  /** Whether the peer said so (AdminDown, or Down) rather than fell silent. */
  readonly remoteState: BfdState;
  /** RFC 5880 6.8.4, ms, at the time of the change. */
  readonly detectionTimeMs: number;
  /** When the last control packet of the peer came; absent when there was none. */
  readonly lastReceivedAt?: Instant;
  /**
   * Where the session was Up and is not any more: when the other sessions that are Up were last heard. Each
   * of them is told again, as Up, with its next packet, so that the owner knows who lived on.
   */
  readonly heard?: Readonly<Record<string, Instant>>;
  /** The peer's C bit: its BFD survives the death of its control plane. RFC 5882 3.2, 4.3. */
  readonly controlPlaneIndependent: boolean;
}

/**
 * The state of a session as its clients see it: a Down that the peer's AdminDown explains is no death, and
 * Init is no news. RFC 5882 3.2.
 */
export function clientState({
  state,
  remoteState,
}: Pick<BfdChange, 'state' | 'remoteState'>): 'up' | 'down' | 'admin-down' | undefined {
  if (state === 'init') return undefined;
  return state === 'down' && remoteState === 'admin-down' ? 'admin-down' : state;
}

/** A session as people see it. */
export interface BfdStatus extends BfdChange {
  readonly peer: string;
  readonly local?: string;
  readonly multihop: boolean;
  readonly since: Instant;
  readonly localDiscriminator: number;
  readonly remoteDiscriminator: number;
  readonly transmitIntervalMs: number;
  readonly remoteMinRxMs: number;
  readonly remoteMultiplier: number;
  readonly received: number;
  readonly sent: number;
  /** Packets thrown away, by reason. */
  readonly discarded: Readonly<Record<string, number>>;
  /** How often it went from Up to Down. */
  readonly flaps: number;
}
