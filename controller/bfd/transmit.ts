/**
 * When a session sends, and what: RFC 5880 6.8.2, 6.8.3 and 6.8.7. The schedule is absolute: a packet that
 * left late does not move those after it, unless they would come too soon for the peer.
 */
import type { Instant } from '../base/time.ts';
import { authenticated } from './authentication.ts';
import type { BfdEffect } from './event.ts';
import type { Session } from './session.ts';
import { diagnosticField, stateField } from './words.ts';

/** The least part of the interval that may pass between two packets. */
const LEAST = 0.75;

/** The negotiated transmission interval without jitter, us. RFC 5880 6.8.2. */
export const transmitIntervalUs = (session: Session): number =>
  Math.max(session.heldMinTxUs, session.remoteMinRxUs);

/** Whether packets are sent periodically. RFC 5880 6.8.7. */
function mayTransmit(session: Session): boolean {
  if (session.options.passive && session.remoteDiscriminator === 0) return false;
  if (session.remoteMinRxUs === 0) return false;
  const demanded = session.remoteDemand && session.state === 'up' && session.remoteState === 'up';
  return !demanded || session.poll !== 'none';
}

/** The interval with jitter, ms: 75 to 100 % of it, and to 90 % where one loss is enough. RFC 5880 6.8.7. */
function jittered(session: Session, random: () => number): number {
  const most = session.options.multiplier === 1 ? 0.9 : 1;
  return (transmitIntervalUs(session) / 1000) * (LEAST + (most - LEAST) * random());
}

/**
 * Puts the next packet where the present interval wants it: at once when the interval shrank below what has
 * passed since the last one. Does nothing while the interval is the same.
 */
export function armTransmit(session: Session, now: Instant, random: () => number): void {
  if (!mayTransmit(session)) {
    session.transmitAt = Infinity;
    return;
  }
  const interval = transmitIntervalUs(session);
  if (session.transmitAt !== Infinity && interval === session.scheduledUs) return;
  session.scheduledUs = interval;
  session.transmitAt = Math.max(now, session.transmittedAt + jittered(session, random));
}

/** The packet that is due, and the time of the next. */
export function transmitDue(session: Session, now: Instant, random: () => number): readonly BfdEffect[] {
  const due = session.transmitAt;
  const effects = packetEffects(session, false);
  const earliest = now + (LEAST * transmitIntervalUs(session)) / 1000;
  session.transmitAt = Math.max(earliest, due + jittered(session, random));
  session.transmittedAt = now;
  return effects;
}

/**
 * A packet out of turn, since it says something new; the next is due one interval later. RFC 5880 6.8.7.
 * Nothing where no packets are sent at all.
 */
export function transmitNow(session: Session, now: Instant, random: () => number): readonly BfdEffect[] {
  armTransmit(session, now, random);
  if (session.transmitAt === Infinity) return [];
  session.transmitAt = now;
  return transmitDue(session, now, random);
}

/** Changes that are told out of turn: one in so many ms, and so many at once, which a handshake needs. */
const NEWS_MS = 10;
const NEWS_AT_ONCE = 4;

/**
 * What a packet of the peer has changed is told out of turn, but not without end: a network that doubles
 * packets, or keeps old ones for long, would make more and more of them.
 */
export function transmitNews(session: Session, now: Instant, random: () => number): readonly BfdEffect[] {
  const from = session.newsAt - (NEWS_AT_ONCE - 1) * NEWS_MS;
  if (now >= from) {
    session.newsAt = Math.max(session.newsAt, now) + NEWS_MS;
    return transmitNow(session, now, random);
  }
  armTransmit(session, now, random);
  if (session.transmitAt !== Infinity) session.transmitAt = Math.min(session.transmitAt, from);
  return [];
}

/** The answer to a Poll: at once, whatever the schedule and the state. RFC 5880 6.8.7. */
export const answerPoll = (session: Session): readonly BfdEffect[] => packetEffects(session, true);

function packetEffects(session: Session, final: boolean): readonly BfdEffect[] {
  const { options } = session;
  const poll = !final && (session.poll === 'active' || session.poll === 'again');
  if (!final && session.poll === 'gap') session.poll = 'active';
  const packets = authenticated(session, {
    diagnostic: diagnosticField(session.diagnostic),
    state: stateField(session.state),
    poll,
    final,
    // Our BFD ends with the process that speaks BGP.
    controlPlaneIndependent: false,
    demand: false,
    detectMult: options.multiplier,
    myDiscriminator: session.localDiscriminator,
    yourDiscriminator: session.remoteDiscriminator,
    desiredMinTxUs: session.desiredMinTxUs,
    requiredMinRxUs: session.requiredMinRxUs,
    // We loop no echo packets back. RFC 5880 6.8.9.
    requiredMinEchoRxUs: 0,
  });
  const { peer, local, multihop } = options;
  const from = local === undefined ? {} : { local };
  session.sent += packets.length;
  return packets.map((data) => ({ kind: 'send', session: session.name, to: peer, ...from, multihop, data }));
}
