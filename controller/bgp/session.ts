/**
 * A peer's sessions: runs the table of `fsm.ts` for a connection and does what it says. What is said to the
 * neighbor, timers, the RIB's part, and what becomes of the peer when a connection ends. RFC 4271 8, RFC 4724
 * 4.2, RFC 8538.
 */
import { unreachable } from '../base/result.ts';
import { formatMillis, type Instant } from '../base/time.ts';
import { encodeKeepalive, encodeNotification } from '../wire/message.ts';
import {
  CEASE,
  describeNotification,
  ERROR,
  FSM_ERROR,
  hardReset,
  type Notification,
  notification,
} from '../wire/notification.ts';
import { encodeOpen } from '../wire/open.ts';
import type { SocketSecurity } from './event.ts';
import { type FsmAction, type FsmEvent, type FsmState, transition } from './fsm.ts';
import type { Loss } from './graceful.ts';
import { type Offer, offer } from './negotiate.ts';
import type { PeerOptions } from './options.ts';
import { type Machine, NO_BYTES, newMachine, type Peer, type Speaker, say } from './peer.ts';
import { sessionDown, sessionUp } from './routes.ts';
import {
  idleHoldTime,
  jitter,
  keepaliveInterval,
  LARGE_HOLD_TIME,
  STABLE_AFTER,
  sendHoldTime,
} from './timers.ts';

/** What an event brings along. */
export interface Details {
  /** What is to be said, or was said, instead of what the table says by default. */
  readonly notification?: Notification;
  /** Why, in words. */
  readonly reason: string;
  readonly loss?: Loss;
  /** The type of a message that the state does not expect. RFC 6608 4. */
  readonly unexpected?: number;
  readonly administrative?: boolean;
  /** The connection has gone already, or is not worth waiting for. */
  readonly isGone?: boolean;
  readonly abort?: boolean;
}

/** Feeds an event to a machine. RFC 4271 8.2.2. */
export function run(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  event: FsmEvent,
  now: Instant,
  details: Details = { reason: event },
): void {
  const facts = {
    delayOpen: (peer.options.delayOpenMs ?? 0) > 0,
    delayOpenTimerRunning: machine.timers.DelayOpenTimer !== undefined,
  };
  const before = machine.state;
  const row = transition(before, event, facts);
  const turn: Turn = { speaker, peer, machine, now, details, before };
  machine.state = row.to;
  for (const action of row.act) perform(turn, action);
  if (row.to === before) return;
  if (machine === peer.main && row.to !== 'Established') peer.changedAt = now;
  if (row.to === 'Idle') ended(speaker, peer, machine, now, row.act.includes('count and damp'));
  else if (machine.connection === undefined) adoptOther(peer, machine);
}

interface Turn {
  readonly speaker: Speaker;
  readonly peer: Peer;
  readonly machine: Machine;
  readonly now: Instant;
  readonly details: Details;
  /** The state that the event found. */
  readonly before: FsmState;
}

function perform(turn: Turn, action: FsmAction): void {
  const { speaker, peer, machine, now } = turn;
  const { timers } = machine;
  switch (action) {
    case 'zero ConnectRetryCounter':
      peer.connectRetryCounter = 0;
      peer.oscillations = 0;
      return;
    case 'count and damp':
      damp(turn);
      return;
    case 'start ConnectRetryTimer':
      if (!peer.options.passive)
        timers.ConnectRetryTimer = now + jitter(peer.options.connectRetryMs, speaker.random());
      return;
    case 'stop ConnectRetryTimer':
      delete timers.ConnectRetryTimer;
      return;
    case 'start DelayOpenTimer':
      timers.DelayOpenTimer = now + (peer.options.delayOpenMs ?? 0);
      return;
    case 'stop DelayOpenTimer':
      delete timers.DelayOpenTimer;
      return;
    case 'initiate TCP':
      dial(speaker, peer, machine);
      return;
    case 'drop TCP':
      hangUp(turn);
      return;
    case 'send OPEN':
      sendOpen(turn);
      return;
    case 'set large HoldTimer':
      timers.HoldTimer = now + LARGE_HOLD_TIME;
      return;
    case 'send KEEPALIVE':
      sendKeepalive(turn);
      return;
    case 'start HoldTimer and KeepaliveTimer':
      restartHold(machine, now);
      restartKeepalive(speaker, machine, now);
      return;
    case 'restart HoldTimer':
      restartHold(machine, now);
      return;
    case 'restart KeepaliveTimer':
      restartKeepalive(speaker, machine, now);
      return;
    case 'begin exchange':
      sessionUp(speaker, peer, machine, now);
      return;
    case 'process UPDATE':
      return;
    case 'delete routes':
      lose(turn);
      return;
    default:
      complain(turn, action);
      return;
  }
}

/** The NOTIFICATION that an action asks for. */
function complain({ speaker, peer, machine, now, details, before }: Turn, action: SendAction): void {
  const said = details.notification ?? defaultNotification(action, details, before);
  if (machine.connection === undefined || details.isGone) return;
  send(speaker, machine, encodeNotification(said), now);
  peer.counters.sent.notification++;
  const text = describeNotification(said);
  peer.lastSent = { at: now, text, notification: said };
  const why = details.reason === text ? '' : `; ${details.reason}`;
  say(speaker, details.administrative ? 'info' : 'warn', `sent ${text}${why}`, peer);
}

type SendAction = Extract<
  FsmAction,
  | 'send NOTIFICATION'
  | 'send Cease'
  | 'send Hold Timer Expired'
  | 'send Send Hold Timer Expired'
  | 'send FSM Error'
>;

/** RFC 6608 3. */
const FSM_SUBCODE: Partial<Readonly<Record<FsmState, number>>> = {
  OpenSent: FSM_ERROR.openSent,
  OpenConfirm: FSM_ERROR.openConfirm,
  Established: FSM_ERROR.established,
};

function defaultNotification(action: SendAction, { unexpected }: Details, before: FsmState): Notification {
  switch (action) {
    case 'send NOTIFICATION':
    case 'send Cease':
      return notification(ERROR.cease, CEASE.shutdown);
    case 'send Hold Timer Expired':
      return notification(ERROR.holdTimer);
    case 'send Send Hold Timer Expired':
      return notification(ERROR.sendHoldTimer);
    case 'send FSM Error':
      if (unexpected === undefined) return notification(ERROR.fsm);
      return notification(ERROR.fsm, FSM_SUBCODE[before] ?? 0, Uint8Array.of(unexpected));
    default:
      return unreachable(action);
  }
}

/**
 * Sends bytes, whole messages. From here until all has left, the neighbor must take something in time. RFC
 * 9687 4.
 */
export function send(speaker: Speaker, machine: Machine, data: Uint8Array, now: Instant): void {
  const { connection, timers } = machine;
  if (connection === undefined) return;
  speaker.effects.push({ kind: 'tcp-send', connection, data });
  machine.inFlight = true;
  const time = sendHoldTime(machine.session?.holdTimeS ?? 0);
  if (time > 0 && machine.state === 'Established') timers.SendHoldTimer ??= now + time;
}

/** The OPEN for a peer, as things stand. */
export const offerFor = (speaker: Speaker, peer: Peer): Offer =>
  offer(peer.options, {
    localAs: peer.options.localAs ?? speaker.options.as,
    bgpId: speaker.bgpId,
    restarting: speaker.deferral !== undefined,
    forwarding: speaker.hasRestarted || peer.hasBeenUp,
    refused: peer.refused,
  });

function sendOpen({ speaker, peer, machine, now }: Turn): void {
  machine.offered = offerFor(speaker, peer);
  send(speaker, machine, encodeOpen(machine.offered), now);
  peer.counters.sent.open++;
}

function sendKeepalive({ speaker, peer, machine, now }: Turn): void {
  send(speaker, machine, encodeKeepalive(), now);
  peer.counters.sent.keepalive++;
}

/** To the negotiated Hold Time; stopped where that is 0. */
function restartHold(machine: Machine, now: Instant): void {
  const holdTimeS = machine.session?.holdTimeS ?? 0;
  machine.graced = false;
  if (holdTimeS === 0) delete machine.timers.HoldTimer;
  else machine.timers.HoldTimer = now + holdTimeS * 1000;
}

export function restartKeepalive({ random }: Speaker, machine: Machine, now: Instant): void {
  const holdTimeS = machine.session?.holdTimeS ?? 0;
  if (holdTimeS === 0) delete machine.timers.KeepaliveTimer;
  else machine.timers.KeepaliveTimer = now + jitter(keepaliveInterval(holdTimeS), random());
}

/** TTLs and key of a peer's connections. RFC 5082 3, RFC 2385. */
export function securityOf({ password, gtsmHops, ttl }: PeerOptions): SocketSecurity {
  const ttls =
    gtsmHops === undefined ? (ttl === undefined ? {} : { ttl }) : { ttl: 255, minTtl: 256 - gtsmHops };
  return { ...(password === undefined ? {} : { password }), ...ttls };
}

function dial(speaker: Speaker, peer: Peer, machine: Machine): void {
  const { options, address } = peer;
  const connection = speaker.nextConnection;
  speaker.nextConnection += 2;
  attach(speaker, peer, machine, connection, true);
  speaker.effects.push({
    kind: 'tcp-connect',
    connection,
    to: address,
    port: options.port,
    ...(options.localAddress === undefined ? {} : { from: options.localAddress }),
    security: securityOf(options),
  });
}

/** Gives a machine a connection, with nothing left of an earlier one. */
export function attach(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  connection: number,
  dialed: boolean,
): void {
  machine.connection = connection;
  machine.dialed = dialed;
  speaker.connections.set(connection, { peer, machine });
}

/** Forgets the connection of a machine, and all that came over it. */
export function detach(speaker: Speaker, machine: Machine): void {
  if (machine.connection !== undefined) speaker.connections.delete(machine.connection);
  delete machine.connection;
  delete machine.offered;
  delete machine.open;
  delete machine.session;
  machine.held = false;
  machine.heldKeepalive = false;
  machine.input = NO_BYTES;
  machine.queue.length = 0;
  machine.queued = 0;
  machine.inFlight = false;
  const { timers } = machine;
  delete timers.HoldTimer;
  delete timers.KeepaliveTimer;
  delete timers.SendHoldTimer;
  delete timers.DelayOpenTimer;
}

function hangUp({ speaker, machine, details }: Turn): void {
  const { connection } = machine;
  if (connection !== undefined && !details.isGone) {
    speaker.effects.push({ kind: 'tcp-close', connection, abort: details.abort ?? machine.local === '' });
  }
  detach(speaker, machine);
  machine.local = '';
}

/** Peer oscillation damping. RFC 4271 8.1.1. */
function damp({ peer, now }: Turn): void {
  peer.connectRetryCounter++;
  // What loses a collision is no fault of the peer.
  if (peer.second !== undefined) return;
  const stoodFor = peer.establishedAt === undefined ? 0 : now - peer.establishedAt;
  peer.oscillations = stoodFor >= STABLE_AFTER ? 0 : peer.oscillations + 1;
}

/** The session is lost: its routes go, or stay as stale. */
function lose({ speaker, peer, machine, now, details }: Turn): void {
  const loss: Loss = details.loss ?? { kind: 'tcp' };
  sessionDown(speaker, peer, machine, now, loss, details.reason, details.administrative === true);
}

/** A machine is in Idle again: the other one goes on, or the peer starts anew after a while. */
function ended(speaker: Speaker, peer: Peer, machine: Machine, now: Instant, isCounted: boolean): void {
  if (peer.second !== undefined) {
    adoptOther(peer, machine);
    return;
  }
  delete peer.establishedAt;
  delete peer.timers.IdleHoldTimer;
  if (peer.blocked !== undefined || speaker.isStopped || !speaker.isStarted) return;
  const wait = isCounted ? idleHoldTime(peer.oscillations, speaker.random()) : 0;
  if (wait === 0) {
    restart(speaker, peer, now);
    return;
  }
  peer.timers.IdleHoldTimer = now + wait;
  say(speaker, 'debug', `starts again in ${formatMillis(wait)}`, peer);
}

/** Out of Idle: listening at once, and dialing when the ConnectRetryTimer says so. */
function restart(speaker: Speaker, peer: Peer, now: Instant): void {
  run(speaker, peer, peer.main, 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment', now);
}

/** The time of damping is over. */
export function idleHoldExpired(speaker: Speaker, peer: Peer, now: Instant): void {
  run(speaker, peer, peer.main, 'IdleHoldTimer_Expires', now);
  if (peer.options.passive || peer.dynamic !== undefined) {
    restart(speaker, peer, now);
    return;
  }
  run(speaker, peer, peer.main, 'AutomaticStart_with_DampPeerOscillations', now);
}

/** Starts a peer by hand, or for the first time. */
export function start(speaker: Speaker, peer: Peer, now: Instant): void {
  if (peer.blocked !== undefined) return;
  const isPassive = peer.options.passive || peer.dynamic !== undefined;
  const event = isPassive ? 'ManualStart_with_PassiveTcpEstablishment' : 'ManualStart';
  delete peer.timers.IdleHoldTimer;
  run(speaker, peer, peer.main, event, now);
}

/** A machine without connection gives way to the other one. */
function adoptOther(peer: Peer, machine: Machine): void {
  if (peer.second === undefined) return;
  if (machine === peer.main) peer.main = peer.second;
  delete peer.second;
}

/** Throws a connection away that never got as far as a message. */
export function discard(speaker: Speaker, peer: Peer, machine: Machine): void {
  const { connection } = machine;
  if (connection !== undefined) speaker.effects.push({ kind: 'tcp-close', connection, abort: true });
  detach(speaker, machine);
  machine.state = 'Idle';
  delete machine.timers.ConnectRetryTimer;
  adoptOther(peer, machine);
}

/** A second machine, for a connection that was accepted beside another. RFC 4271 8.2.1. */
export function addMachine(peer: Peer, now: Instant): Machine {
  const machine = newMachine(now);
  machine.state = 'Active';
  peer.second = machine;
  return machine;
}

/** Says Cease, or Hard Reset around it where the neighbor would otherwise keep our routes. RFC 8538 4. */
export function finalCease(machine: Machine, subcode: number, data?: Uint8Array): Notification {
  const said = notification(ERROR.cease, subcode, data);
  return machine.session?.gracefulNotification === true && machine.state === 'Established'
    ? hardReset(said)
    : said;
}
