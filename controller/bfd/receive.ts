/**
 * What a packet that belongs to a session does to it: RFC 5880 6.8.6 from the authentication on, and the
 * state machine of 6.2.
 */
import { unreachable } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { ControlPacket } from '../wire/bfd.ts';
import type { BfdDiagnostic, BfdState } from './event.ts';
import { armDetection, endPoll, type Session } from './session.ts';
import { stateOf } from './words.ts';

/** A state to enter, and the reason as Diagnostic. */
export interface Transition {
  readonly state: BfdState;
  readonly diagnostic: BfdDiagnostic;
}

/** Takes over what the packet says, and ends a Poll Sequence that it answers. RFC 5880 6.8.6. */
export function absorb(session: Session, packet: ControlPacket, now: Instant): void {
  session.remoteDiscriminator = packet.myDiscriminator;
  session.remoteState = stateOf(packet.state);
  session.remoteDemand = packet.demand;
  session.remoteIndependent = packet.controlPlaneIndependent;
  session.remoteMinRxUs = packet.requiredMinRxUs;
  session.remoteDesiredMinTxUs = packet.desiredMinTxUs;
  session.remoteDetectMult = packet.detectMult;
  session.lastReceivedAt = now;
  session.received++;
  if (packet.final) endPoll(session);
  armDetection(session);
}

/** What the session becomes by the state that the peer is in; undefined: what it is. RFC 5880 6.2, 6.8.6. */
export function transition(session: Session): Transition | undefined {
  const { state, remoteState } = session;
  if (state === 'admin-down') return undefined;
  if (remoteState === 'admin-down') {
    return state === 'down' ? undefined : { state: 'down', diagnostic: 'neighbor signaled session down' };
  }
  switch (state) {
    case 'down':
      if (remoteState === 'down') return { state: 'init', diagnostic: session.diagnostic };
      return remoteState === 'init' ? { state: 'up', diagnostic: 'none' } : undefined;
    case 'init':
      return remoteState === 'down' ? undefined : { state: 'up', diagnostic: 'none' };
    case 'up':
      return remoteState === 'down'
        ? { state: 'down', diagnostic: 'neighbor signaled session down' }
        : undefined;
    default:
      return unreachable(state);
  }
}
