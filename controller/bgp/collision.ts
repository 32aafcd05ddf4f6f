/**
 * Which of two connections with one neighbor stays. RFC 4271 6.8 with RFC 6286 2.3, and RFC 4724 5 for a
 * neighbor that has restarted without our notice.
 */
import type { Millis } from '../base/time.ts';
import type { FsmState } from './fsm.ts';

export interface Speaker {
  readonly as: number;
  /** BGP Identifier, as a number in host order. */
  readonly bgpId: number;
}

/** A connection as the rules see it; `dialed`: we opened it. */
export interface Contender {
  readonly dialed: boolean;
  readonly state: FsmState;
  /** Since its TCP connection was made, ms. */
  readonly ageMs: number;
}

/**
 * 6.8 lets us count connections in OpenSent where we know the identifier, as we do once an OPEN came on
 * either. One that waited longer for its OPEN may be a remnant of a neighbor that died, and does not count.
 */
const OPEN_SENT_COUNTS: Millis = 5000;

/**
 * What an OPEN that comes on another connection than that of the Established session says about a restart.
 */
export interface RestartSigns {
  /** Graceful restart was negotiated on the session that stands. */
  readonly graceful: boolean;
  /** The R bit of the new OPEN. */
  readonly restarting: boolean;
  /** How long the session that stands has been silent, and its KEEPALIVE interval; both ms. */
  readonly silentMs: number;
  readonly keepaliveMs: number;
}

/**
 * Whether connections that we opened win: ours is the higher BGP Identifier, or the higher AS where they are
 * equal.
 */
export const weWin = (local: Speaker, remote: Speaker): boolean =>
  local.bgpId === remote.bgpId ? local.as > remote.as : local.bgpId > remote.bgpId;

/**
 * What becomes of the connection on which an OPEN has just come (`fresh`), beside `other`: `close-fresh`,
 * `close-other`, or `keep-both` while the other has not come far enough for the rule of 6.8 to know it.
 */
export function resolveCollision(
  fresh: Contender,
  other: Contender,
  local: Speaker,
  remote: Speaker,
  signs: RestartSigns,
): 'close-fresh' | 'close-other' | 'keep-both' {
  if (other.state === 'Established') {
    const hasRestarted =
      signs.graceful && (signs.restarting || (signs.keepaliveMs > 0 && signs.silentMs > signs.keepaliveMs));
    return hasRestarted ? 'close-other' : 'close-fresh';
  }
  const counts =
    other.state === 'OpenConfirm' || (other.state === 'OpenSent' && other.ageMs <= OPEN_SENT_COUNTS);
  if (!counts) return 'keep-both';
  if (fresh.dialed === other.dialed) return fresh.dialed ? 'close-fresh' : 'close-other';
  return weWin(local, remote) === fresh.dialed ? 'close-other' : 'close-fresh';
}
