/**
 * Graceful restart, as decisions: which routes outlive a session, for how long, and what the neighbor's
 * return does to them. RFC 4724 4 with RFC 8538, and RFC 5882 4.3 for BFD. Keeping and sweeping is the RIB's
 * work.
 */
import type { Instant, Millis } from '../base/time.ts';
import { CEASE, ERROR, type Notification } from '../wire/notification.ts';
import type { Negotiated } from './negotiate.ts';
import type { Family, GracefulRestartOptions, PeerOptions } from './options.ts';
import { DEFAULT_STALE_TIME } from './timers.ts';

/** How a session was lost. */
export type Loss =
  /** The connection ended without a NOTIFICATION. */
  | { readonly kind: 'tcp' }
  | { readonly kind: 'notification'; readonly sent: boolean; readonly notification: Notification }
  | { readonly kind: 'bfd' }
  /** An operator or a change of configuration wants it down. */
  | { readonly kind: 'administrative' }
  /** The neighbor has restarted: its new OPEN came while the old connection stood. RFC 4724 5. */
  | { readonly kind: 'restarted' };

export type Retention =
  | { readonly kind: 'flush'; readonly why: string }
  /** Families whose routes are kept as stale, for `forMs` at most until the session is back. */
  | {
      readonly kind: 'keep';
      readonly families: readonly Family[];
      readonly forMs: Millis;
      readonly why: string;
    };

/** What becomes of the routes of a session that is lost. */
export function retention(loss: Loss, session: Negotiated, options: PeerOptions): Retention {
  if (loss.kind === 'administrative') return { kind: 'flush', why: 'it was ended on purpose' };
  if (isHardReset(loss)) return { kind: 'flush', why: 'Hard Reset (RFC 8538)' };
  if (options.onLoss === 'ask') {
    const forMs = options.gracefulRestart?.staleTimeMs ?? DEFAULT_STALE_TIME;
    return { kind: 'keep', families: session.families, forMs, why: 'until the evidence is judged' };
  }
  if (loss.kind === 'bfd') return { kind: 'flush', why: 'BFD says that the path is down' };
  const kept = gracefulFamilies(session);
  const { gracefulRestart: theirs } = session;
  if (theirs === undefined || kept.length === 0) {
    return { kind: 'flush', why: 'graceful restart was not negotiated' };
  }
  if (loss.kind === 'notification' && !session.gracefulNotification) {
    return { kind: 'flush', why: 'a NOTIFICATION ends it, without RFC 8538 on both sides' };
  }
  // RFC 4724 4.2: the neighbor's Restart Time, bounded by how long we keep stale routes at all.
  const forMs = Math.min(theirs.timeS * 1000, options.gracefulRestart?.staleTimeMs ?? DEFAULT_STALE_TIME);
  return { kind: 'keep', families: kept, forMs, why: 'graceful restart (RFC 4724)' };
}

/** Cease/9. RFC 8538 4: also what we send when the routes must go. */
const isHardReset = (loss: Loss): boolean =>
  loss.kind === 'notification' &&
  loss.notification.code === ERROR.cease &&
  loss.notification.subcode === CEASE.hardReset;

/** Whether the neighbor said that it goes, or that we are none of its any more: Cease/2, /3. RFC 4486 4. */
export const hasLeft = (loss: Loss): boolean =>
  loss.kind === 'notification' &&
  !loss.sent &&
  loss.notification.code === ERROR.cease &&
  [CEASE.shutdown, CEASE.deconfigured].some((subcode) => subcode === loss.notification.subcode);

/** Families that the neighbor can restart gracefully, of those that the session carries. */
const gracefulFamilies = ({ gracefulRestart, families }: Negotiated): readonly Family[] =>
  families.filter((family) => gracefulRestart?.families[family] !== undefined);

/**
 * What the neighbor's return does to a family's stale routes: `keep` until End-of-RIB, or `flush` at once
 * because it did not keep forwarding, or does not speak of the family any more. RFC 4724 4.2.
 */
export function onReturn(family: Family, session: Negotiated, asked: boolean): 'keep' | 'flush' {
  if (!session.families.includes(family)) return 'flush';
  if (session.gracefulRestart?.families[family]?.forwarding === true) return 'keep';
  // Whoever was asked to keep them keeps them until the neighbor has said all: traffic does not stop for a
  // control plane that came back empty.
  return asked ? 'keep' : 'flush';
}

/** Whether BFD Down gives up the stale routes of a peer whose session is away already. RFC 5882 4.3. */
export const bfdEndsRestart = (options: PeerOptions, controlPlaneIndependent: boolean): boolean =>
  options.onLoss === 'rfc' && controlPlaneIndependent;

/** Our own restart: whom we wait for before the first decision. RFC 4724 4.1. */
export interface Deferral {
  readonly until: Instant;
  /** Peer and family that have not sent End-of-RIB. */
  readonly awaited: ReadonlyMap<string, ReadonlySet<Family>>;
}

/** Begins to wait for the peers that may come back; absent where there is nobody. */
export function beginDeferral(
  peers: readonly { readonly name: string; readonly options: PeerOptions }[],
  now: Instant,
  least: Millis,
): Deferral | undefined {
  const restarts = peers.filter(({ options }) => options.gracefulRestart !== undefined);
  if (restarts.length === 0) return undefined;
  const timeOf = ({ restartTimeS }: GracefulRestartOptions): Millis => restartTimeS * 1000;
  const longest = Math.max(...restarts.map(({ options: o }) => timeOf(o.gracefulRestart ?? NONE)));
  const awaited = new Map(restarts.map(({ name, options }) => [name, new Set(options.families)]));
  return { until: now + Math.max(least, longest), awaited };
}

const NONE: GracefulRestartOptions = {
  restartTimeS: 0,
  staleTimeMs: 0,
  forwardingKept: false,
  notification: false,
};

/**
 * A peer is back: families without graceful restart are not waited for, nor is one that restarts itself,
 * which waits for us. RFC 4724 4.1.
 */
export function deferralAfterOpen(deferral: Deferral, peer: string, session: Negotiated): Deferral {
  const waits = deferral.awaited.get(peer);
  if (waits === undefined) return deferral;
  const { gracefulRestart } = session;
  const isAwaited = gracefulRestart !== undefined && !gracefulRestart.restarting;
  const left = new Set(isAwaited ? [...waits].filter((one) => session.families.includes(one)) : []);
  return withAwaited(deferral, peer, left);
}

/** End-of-RIB came; without a family: nothing of the peer is awaited any more. */
export function deferralAfter(deferral: Deferral, peer: string, family?: Family): Deferral {
  const waits = deferral.awaited.get(peer);
  if (waits === undefined) return deferral;
  return withAwaited(
    deferral,
    peer,
    new Set([...waits].filter((one) => family !== undefined && one !== family)),
  );
}

function withAwaited(deferral: Deferral, peer: string, left: ReadonlySet<Family>): Deferral {
  const awaited = new Map(deferral.awaited);
  if (left.size === 0) awaited.delete(peer);
  else awaited.set(peer, left);
  return { ...deferral, awaited };
}
