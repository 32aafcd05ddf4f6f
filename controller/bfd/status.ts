/** A session as its owner sees it: the change that leaves the machine, and the status for people. */
import type { BfdChange, BfdStatus } from './event.ts';
import { detectionTimeMs, type Session } from './session.ts';
import { transmitIntervalUs } from './transmit.ts';

/** What a session is now, for the node. */
export function changeOf(session: Session): BfdChange {
  const { lastReceivedAt } = session;
  return {
    session: session.name,
    state: session.state,
    diagnostic: session.diagnostic,
    remoteState: session.remoteState,
    detectionTimeMs: detectionTimeMs(session),
    ...(lastReceivedAt === undefined ? {} : { lastReceivedAt }),
    controlPlaneIndependent: session.remoteIndependent,
  };
}

/** What a session is now, for people. */
export function statusOf(session: Session): BfdStatus {
  const { peer, local, multihop } = session.options;
  return {
    ...changeOf(session),
    peer,
    ...(local === undefined ? {} : { local }),
    multihop,
    since: session.since,
    localDiscriminator: session.localDiscriminator,
    remoteDiscriminator: session.remoteDiscriminator,
    transmitIntervalMs: transmitIntervalUs(session) / 1000,
    remoteMinRxMs: session.remoteMinRxUs / 1000,
    remoteMultiplier: session.remoteDetectMult,
    received: session.received,
    sent: session.sent,
    discarded: Object.fromEntries(session.discarded),
    flaps: session.flaps,
  };
}
