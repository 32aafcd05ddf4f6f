/**
 * The BFD machine: asynchronous mode of RFC 5880 over one hop (RFC 5881) or several (RFC 5883), for many
 * sessions. It sends no echo packets and loops none back, never asks for demand mode, and lets a peer that
 * asks for it have it. Its tables are its own; it reads no clock and does no I/O.
 */
import { stream } from '../base/prng.ts';
import { unreachable } from '../base/result.ts';
import { formatMillis, type Instant } from '../base/time.ts';
import { decodeControl } from '../wire/bfd.ts';
import { changeAuthentication, distrust, sameAuthentication } from './authentication.ts';
import { type Deadlines, firstDeadline, wakeAt } from './deadlines.ts';
import {
  addSession,
  createSessions,
  type Datagram,
  freshDiscriminator,
  removeSession,
  type Sessions,
  sessionByAddress,
  sessionOf,
} from './demultiplex.ts';
import type { BfdEffect, BfdEvent, BfdStatus } from './event.ts';
import { objection } from './objection.ts';
import type { BfdOptions } from './options.ts';
import { absorb, type Transition, transition } from './receive.ts';
import { armDetection, createSession, detectionTimeMs, retime, type Session } from './session.ts';
import { changeOf, statusOf } from './status.ts';
import { answerPoll, armTransmit, transmitDue, transmitNews, transmitNow } from './transmit.ts';
import { describeDiagnostic } from './words.ts';

export interface Bfd {
  readonly random: () => number;
  readonly sessions: Sessions;
  readonly deadlines: Deadlines<Session>;
  /** Packets of nobody, by reason. */
  readonly strays: Map<string, number>;
}

/**
 * A machine without sessions. Discriminators, jitter and first sequence numbers come from `seed`, which in
 * production nobody should be able to guess.
 */
export const createBfd = (options: { readonly seed: number | string }): Bfd => ({
  random: stream(options.seed, 'bfd'),
  sessions: createSessions(),
  deadlines: [],
  strays: new Map(),
});

/** When something is due, if nothing comes before. */
export const nextBfdDeadline = (bfd: Bfd): Instant | undefined => firstDeadline(bfd.deadlines);

/** All sessions, in the order in which they were opened. */
export const bfdStatus = (bfd: Bfd): readonly BfdStatus[] => [...bfd.sessions.byName.values()].map(statusOf);

/** Lets one event happen at `now`, which never goes back. */
export function stepBfd(bfd: Bfd, event: BfdEvent, now: Instant): readonly BfdEffect[] {
  switch (event.kind) {
    case 'open':
      return open(bfd, event.session, event.options, now);
    case 'close':
      return close(bfd, event.session, now);
    case 'admin':
      return administer(bfd, event.session, event.down, now);
    case 'datagram':
      return receive(bfd, event, now);
    case 'deadline':
      return expire(bfd, now);
    default:
      return unreachable(event);
  }
}

const log = (level: 'debug' | 'info' | 'warn' | 'error', text: string): BfdEffect => ({
  kind: 'log',
  level,
  text,
});

const settle = (bfd: Bfd, session: Session): void =>
  wakeAt(bfd.deadlines, session, Math.min(session.transmitAt, session.detectAt, session.forgetAt));

function open(bfd: Bfd, name: string, options: BfdOptions, now: Instant): readonly BfdEffect[] {
  const wrong = objection(options);
  if (wrong !== undefined)
    return [log('error', `BFD session ${name} is not opened: ${wrong}; correct its options`)];
  const known = bfd.sessions.byName.get(name);
  if (known === undefined) return begin(bfd, name, options, now);
  const before = known.options;
  if (
    before.peer !== options.peer ||
    before.local !== options.local ||
    before.multihop !== options.multihop
  ) {
    return [...close(bfd, name, now), ...begin(bfd, name, options, now)];
  }
  const changes = changeKeys(known, options);
  known.options = options;
  retime(known);
  armDetection(known);
  armTransmit(known, now, bfd.random);
  settle(bfd, known);
  return changes;
}

function changeKeys(session: Session, { authentication }: BfdOptions): readonly BfdEffect[] {
  if (sameAuthentication(session.options.authentication, authentication)) return [];
  changeAuthentication(session, authentication);
  if (session.former === undefined) return [];
  return [log('info', `BFD session ${session.name}: signs by both keys until the peer has the new one`)];
}

function begin(bfd: Bfd, name: string, options: BfdOptions, now: Instant): readonly BfdEffect[] {
  const discriminator = freshDiscriminator(bfd.sessions, bfd.random);
  const sequence = Math.floor(bfd.random() * 0x1_0000_0000);
  const session = createSession(name, options, { discriminator, sequence }, now);
  addSession(bfd.sessions, session);
  const effects = transmitNow(session, now, bfd.random);
  settle(bfd, session);
  return effects;
}

/**
 * Forgets the session; the peer is told AdminDown, so that it concludes nothing, and so is the owner, who
 * would take it for Up ever after. RFC 5880 6.8.16.
 */
function close(bfd: Bfd, name: string, now: Instant): readonly BfdEffect[] {
  const session = bfd.sessions.byName.get(name);
  if (session === undefined) return [];
  const wasUp = session.state === 'up';
  session.state = 'admin-down';
  session.diagnostic = 'administratively down';
  session.poll = 'none';
  const farewell = session.remoteDiscriminator === 0 ? [] : transmitNow(session, now, bfd.random);
  removeSession(bfd.sessions, session);
  wakeAt(bfd.deadlines, session, Infinity);
  return wasUp ? [...farewell, { kind: 'state', change: changeOf(session) }] : farewell;
}

function administer(bfd: Bfd, name: string, down: boolean, now: Instant): readonly BfdEffect[] {
  const session = bfd.sessions.byName.get(name);
  if (session === undefined || down === (session.state === 'admin-down')) return [];
  const effects = down
    ? enter(bfd, session, { state: 'admin-down', diagnostic: 'administratively down' }, now, 'by order')
    : enter(bfd, session, { state: 'down', diagnostic: 'none' }, now, 'no longer administratively down');
  effects.push(...transmitNow(session, now, bfd.random));
  settle(bfd, session);
  return effects;
}

/** Enters a state: timing follows it, and the owner learns it. What to send is the caller's. */
function enter(bfd: Bfd, session: Session, to: Transition, now: Instant, because: string): BfdEffect[] {
  const from = session.state;
  if (from === 'up') session.flaps++;
  session.state = to.state;
  session.diagnostic = to.diagnostic;
  session.since = now;
  retime(session);
  armDetection(session);
  armTransmit(session, now, bfd.random);
  const level = from === 'up' ? 'warn' : 'info';
  const text = `BFD session ${session.name}: ${from} -> ${to.state} (${because})`;
  const change =
    from === 'up' ? { ...changeOf(session), heard: othersHeard(bfd, session) } : changeOf(session);
  return [{ kind: 'state', change }, log(level, text)];
}

/** When the other sessions that are Up were last heard; their next packets will be told. */
function othersHeard({ sessions }: Bfd, down: Session): Readonly<Record<string, Instant>> {
  const others = [...sessions.byName.values()].filter((one) => one !== down && one.state === 'up');
  for (const one of others) one.tellsNext = true;
  return Object.fromEntries(others.map(({ name, lastReceivedAt }) => [name, lastReceivedAt ?? -Infinity]));
}

function receive(bfd: Bfd, datagram: Datagram, now: Instant): readonly BfdEffect[] {
  const packet = decodeControl(datagram.data);
  if (!packet.ok) return discard(bfd, sessionByAddress(bfd.sessions, datagram), packet.error, datagram);
  const session = sessionOf(bfd.sessions, packet.value, datagram);
  if (typeof session === 'string')
    return discard(bfd, sessionByAddress(bfd.sessions, datagram), session, datagram);
  const { former } = session;
  const doubt = distrust(session, packet.value, datagram.data);
  if (doubt !== undefined) return discard(bfd, session, doubt, datagram);
  const before = session.remoteDiscriminator;
  absorb(session, packet.value, now);
  const effects: BfdEffect[] = [];
  if (session.former !== former)
    effects.push(log('info', `BFD session ${session.name}: the peer has the new key`));
  const to = transition(session);
  if (to !== undefined) {
    const said = `the peer says ${session.remoteState}, ${describeDiagnostic(packet.value.diagnostic)}`;
    effects.push(...enter(bfd, session, to, now, said));
  } else if (session.tellsNext && session.state === 'up') {
    effects.push({ kind: 'state', change: changeOf(session) });
  }
  session.tellsNext = false;
  if (packet.value.poll) effects.push(...answerPoll(session));
  const news = to !== undefined || session.remoteDiscriminator !== before;
  if (news) effects.push(...transmitNews(session, now, bfd.random));
  else armTransmit(session, now, bfd.random);
  settle(bfd, session);
  return effects;
}

/** The 1st, 10th, 100th ... packet thrown away for a reason is worth a word. */
const isPowerOfTen = (count: number): boolean => /^10*$/.test(String(count));

function discard(
  bfd: Bfd,
  session: Session | undefined,
  reason: string,
  datagram: Datagram,
): readonly BfdEffect[] {
  const counts = session?.discarded ?? bfd.strays;
  const count = (counts.get(reason) ?? 0) + 1;
  counts.set(reason, count);
  if (!isPowerOfTen(count)) return [];
  const whose = session === undefined ? 'no session' : `session ${session.name}`;
  const text = `BFD packet from ${datagram.from} (${whose}) thrown away: ${reason}; ${count} so far`;
  return [log(session === undefined ? 'debug' : 'warn', text)];
}

/** All that is due. Each session is looked at once: what it does next lies in the future. */
function expire(bfd: Bfd, now: Instant): readonly BfdEffect[] {
  const effects: BfdEffect[] = [];
  for (let first = bfd.deadlines[0]; first !== undefined && first.wakeAt <= now; first = bfd.deadlines[0]) {
    if (first.forgetAt <= now) {
      first.receivedSequence = undefined;
      first.forgetAt = Infinity;
    }
    if (first.detectAt <= now) effects.push(...detect(bfd, first, now));
    if (first.transmitAt <= now) effects.push(...transmitDue(first, now, bfd.random));
    settle(bfd, first);
  }
  return effects;
}

/** The Detection Time has passed in silence. RFC 5880 6.8.1 (bfd.RemoteDiscr), 6.8.4. */
function detect(bfd: Bfd, session: Session, now: Instant): readonly BfdEffect[] {
  session.detectAt = Infinity;
  session.remoteDiscriminator = 0;
  session.poll = 'none';
  if (session.state !== 'init' && session.state !== 'up') {
    armTransmit(session, now, bfd.random);
    return [];
  }
  const silence = formatMillis(now - (session.lastReceivedAt ?? now));
  const because = `no packet for ${silence}, detection time ${formatMillis(detectionTimeMs(session))}`;
  const to = { state: 'down', diagnostic: 'control detection time expired' } as const;
  const forgetAt = session.forgetAt;
  const effects = enter(bfd, session, to, now, because);
  // `enter` reckons both from the last packet, and one of them is over.
  session.detectAt = Infinity;
  session.forgetAt = forgetAt;
  effects.push(...transmitNow(session, now, bfd.random));
  return effects;
}
