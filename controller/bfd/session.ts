/**
 * What a BFD session knows, RFC 5880 6.8.1, and how long it waits: the Detection Time, and what the peer may
 * be told when. Changes only the session that it is given.
 */
import type { Instant, Millis } from '../base/time.ts';
import type { BfdDiagnostic, BfdState } from './event.ts';
import type { BfdAuthentication, BfdOptions } from './options.ts';

/** RFC 5880 6.8.3: a session that is not Up sends once a second at most. */
const SLOW_US = 1_000_000;

/** A session. The names in comments are those of RFC 5880 6.8.1. */
export interface Session {
  readonly name: string;
  options: BfdOptions;
  /** bfd.SessionState, bfd.RemoteSessionState, bfd.LocalDiag. */
  state: BfdState;
  remoteState: BfdState;
  diagnostic: BfdDiagnostic;
  /** bfd.LocalDiscr, bfd.RemoteDiscr. */
  readonly localDiscriminator: number;
  remoteDiscriminator: number;
  /** bfd.DesiredMinTxInterval as told to the peer, and as used while a Poll Sequence holds it back. */
  desiredMinTxUs: number;
  heldMinTxUs: number;
  /** bfd.RequiredMinRxInterval, likewise. */
  requiredMinRxUs: number;
  heldMinRxUs: number;
  /** bfd.RemoteMinRxInterval, and what else the peer's last packet said. */
  remoteMinRxUs: number;
  remoteDesiredMinTxUs: number;
  remoteDetectMult: number;
  remoteDemand: boolean;
  remoteIndependent: boolean;
  /** A Poll Sequence: `again` when values changed during it; `gap` while one packet goes without the bit. */
  poll: 'none' | 'active' | 'again' | 'gap';
  /** bfd.XmitAuthSeq, bfd.RcvAuthSeq, bfd.AuthSeqKnown. */
  sentSequence: number;
  receivedSequence: number | undefined;
  /** What the peer was last known to sign by, while it does not sign by what our options say now. */
  former: { readonly authentication: BfdAuthentication | undefined } | undefined;
  /**
   * When the next packet is due, when the last one was sent, and the interval that this was reckoned with.
   */
  transmitAt: Instant;
  transmittedAt: Instant;
  /** When all that was told out of turn has been made up for. */
  newsAt: Instant;
  scheduledUs: number;
  /** When the Detection Time ends, and when twice as much has passed. */
  detectAt: Instant;
  forgetAt: Instant;
  lastReceivedAt: Instant | undefined;
  /** Another session went down: the next packet of this one is news. */
  tellsNext: boolean;
  since: Instant;
  received: number;
  sent: number;
  flaps: number;
  readonly discarded: Map<string, number>;
  /** Of the heap of deadlines. */
  wakeAt: Instant;
  place: number;
}

/** What randomness a session needs. */
export interface Draws {
  readonly discriminator: number;
  readonly sequence: number;
}

const intervalUs = (options: BfdOptions): number => Math.round(options.intervalMs * 1000);

/** A session in its first state. RFC 5880 6.8.1. */
export function createSession(name: string, options: BfdOptions, draws: Draws, now: Instant): Session {
  const requiredMinRxUs = intervalUs(options);
  const desiredMinTxUs = Math.max(SLOW_US, requiredMinRxUs);
  return {
    name,
    options,
    state: 'down',
    remoteState: 'down',
    diagnostic: 'none',
    localDiscriminator: draws.discriminator,
    remoteDiscriminator: 0,
    desiredMinTxUs,
    heldMinTxUs: desiredMinTxUs,
    requiredMinRxUs,
    heldMinRxUs: requiredMinRxUs,
    remoteMinRxUs: 1,
    remoteDesiredMinTxUs: 0,
    remoteDetectMult: 0,
    remoteDemand: false,
    remoteIndependent: false,
    poll: 'none',
    sentSequence: draws.sequence,
    receivedSequence: undefined,
    former: undefined,
    transmitAt: Infinity,
    transmittedAt: -Infinity,
    newsAt: -Infinity,
    scheduledUs: 0,
    detectAt: Infinity,
    forgetAt: Infinity,
    lastReceivedAt: undefined,
    tellsNext: false,
    since: now,
    received: 0,
    sent: 0,
    flaps: 0,
    discarded: new Map(),
    wakeAt: Infinity,
    place: -1,
  };
}

/** Detection Time, ms; 0 before the first packet of the peer. RFC 5880 6.8.4. */
export const detectionTimeMs = (session: Session): Millis =>
  (session.remoteDetectMult * Math.max(session.heldMinRxUs, session.remoteDesiredMinTxUs)) / 1000;

/** Reckons from the last packet of the peer when silence will mean something. */
export function armDetection(session: Session): void {
  if (session.lastReceivedAt === undefined || session.remoteDetectMult === 0) return;
  const time = detectionTimeMs(session);
  session.detectAt = session.lastReceivedAt + time;
  session.forgetAt = session.lastReceivedAt + 2 * time;
}

/**
 * Brings what is told to the peer in line with state and options, and begins a Poll Sequence where it
 * changed. While Up a slower pace of ours, and a faster one demanded of the peer, wait for the end of that
 * sequence. RFC 5880 6.8.3.
 */
export function retime(session: Session): void {
  const up = session.state === 'up';
  const wanted = intervalUs(session.options);
  const desired = up ? wanted : Math.max(SLOW_US, wanted);
  const changed = desired !== session.desiredMinTxUs || wanted !== session.requiredMinRxUs;
  session.desiredMinTxUs = desired;
  session.requiredMinRxUs = wanted;
  if (!up || desired < session.heldMinTxUs) session.heldMinTxUs = desired;
  if (!up || wanted > session.heldMinRxUs) session.heldMinRxUs = wanted;
  if (changed && session.remoteDiscriminator !== 0) requestPoll(session);
}

function requestPoll(session: Session): void {
  if (session.poll === 'none') session.poll = 'active';
  else if (session.poll === 'active') session.poll = 'again';
}

/** The Final bit came: what was held back is in force, unless values changed since. RFC 5880 6.5, 6.8.3. */
export function endPoll(session: Session): void {
  if (session.poll === 'again') {
    // One packet without the bit keeps the two sequences apart, for a Final bit does not say which it ends.
    session.poll = 'gap';
    return;
  }
  if (session.poll !== 'active') return;
  session.poll = 'none';
  session.heldMinTxUs = session.desiredMinTxUs;
  session.heldMinRxUs = session.requiredMinRxUs;
}
