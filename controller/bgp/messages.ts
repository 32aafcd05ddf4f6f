/**
 * What neighbors say: bytes to messages, messages to events of the machine, and what each brings beside that.
 * RFC 4271 6 (errors), 6.8 (collision), RFC 7606, RFC 2918 and 7313 (refresh), RFC 9687.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import {
  decodeNotification,
  decodeRouteRefresh,
  encodeRouteRefresh,
  frame,
  MAX_EXTENDED_MESSAGE,
  MAX_MESSAGE,
  TYPE,
} from '../wire/message.ts';
import { CEASE, describeNotification, ERROR, type Notification, OPEN_ERROR } from '../wire/notification.ts';
import { codeOf, isNotification } from '../wire/open.ts';
import { AFI, familyOf, SAFI_UNICAST } from '../wire/prefix.ts';
import { refreshOut } from './adj-rib-out.ts';
import { unsupportedCapabilities } from './negotiate.ts';
import { fail, onKeepalive, onOpen } from './opening.ts';
import type { Family } from './options.ts';
import { type Machine, type Peer, type Speaker, say } from './peer.ts';
import { markStale } from './rib.ts';
import { type Received, receiveUpdate } from './rib-receive.ts';
import { isPurging } from './rib-work.ts';
import { endOfRib, sweep } from './routes.ts';
import { finalCease, run, send } from './session.ts';
import { DEFAULT_STALE_TIME } from './timers.ts';

/**
 * Bytes that one step works off, and with so many waiting, four times as many: few, since each prefix takes
 * fifteen times as long while its code is new.
 */
const PORTION = 2 * 1024;
const CROWDED = 1024 * 1024;

/** At most one line about faulty UPDATEs of a peer in so long. */
const COMPLAINT_INTERVAL = 10_000;

/** Takes in what a connection brought; what is too much for one step is copied and waits. */
export function takeBytes(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  data: Uint8Array,
  now: Instant,
): void {
  if (machine.input.length > 0 || isPurging(speaker.rib)) {
    const isTail = machine.queue.length === 0 && machine.input.length < PORTION;
    if (isTail) machine.input = joined(machine.input, data);
    else {
      machine.queue.push(data.slice());
      machine.queued += data.length;
    }
    workOff(speaker, peer, machine, now);
    return;
  }
  const used = readMessages(speaker, peer, machine, data, PORTION, now);
  if (machine.connection !== undefined && used < data.length) machine.input = data.slice(used);
}

/** Whether a whole message may wait on a connection. */
export function hasInput(machine: Machine): boolean {
  const { input, queue } = machine;
  if (queue.length > 0) return true;
  return frame(input, 0, input.length, maxLength(machine)).kind !== 'partial';
}

/** Works off a portion of what waits on a connection; not before the routes of a lost peer are away. */
export function workOff(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  if (isPurging(speaker.rib)) return;
  let budget = machine.queued > CROWDED ? 4 * PORTION : PORTION;
  while (budget > 0 && machine.connection !== undefined) {
    const { input } = machine;
    const used = readMessages(speaker, peer, machine, input, budget, now);
    if (machine.connection === undefined) return;
    budget -= Math.max(used, 1);
    const rest = used === 0 ? input : input.subarray(used);
    machine.input = rest;
    if (used > 0 && rest.length > 0 && budget <= 0) return;
    const more = machine.queue.shift();
    if (more === undefined) return;
    machine.queued -= more.length;
    machine.input = rest.length === 0 ? more : joined(rest, more);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** What we take hangs on what we announced alone. RFC 8654 4, 5. */
const maxLength = ({ offered }: Machine): number =>
  offered?.capabilities.some(({ kind }) => kind === 'extended-message') ? MAX_EXTENDED_MESSAGE : MAX_MESSAGE;

/**
 * Reads messages until `budget` bytes are worked off or the last is not whole; gives how many bytes it took.
 */
function readMessages(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  bytes: Uint8Array,
  budget: number,
  now: Instant,
): number {
  const { connection } = machine;
  const longest = maxLength(machine);
  let at = 0;
  while (at < Math.min(budget, bytes.length)) {
    const one = frame(bytes, at, bytes.length, longest);
    if (one.kind === 'partial') return at;
    if (one.kind === 'error') {
      fail(speaker, peer, machine, 'BGPHeaderErr', one.notification, now);
      return bytes.length;
    }
    machine.lastReceivedAt = now;
    onMessage(speaker, peer, machine, one.type, bytes, one.bodyStart, one.bodyEnd, now);
    at = one.bodyEnd;
    if (machine.connection !== connection) return bytes.length;
  }
  return at;
}

function onMessage(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  now: Instant,
): void {
  const { received } = peer.counters;
  switch (type) {
    case TYPE.open:
      received.open++;
      onOpen(speaker, peer, machine, bytes, start, end, now);
      return;
    case TYPE.update:
      received.update++;
      onUpdate(speaker, peer, machine, bytes, start, end, now);
      return;
    case TYPE.notification:
      received.notification++;
      onNotification(speaker, peer, machine, decodeNotification(bytes, start, end), now);
      return;
    case TYPE.keepalive:
      received.keepalive++;
      onKeepalive(speaker, peer, machine, now);
      return;
    default:
      received.routeRefresh++;
      onRouteRefresh(speaker, peer, machine, bytes, start, end, now);
      return;
  }
}

/** A message that the state does not expect. RFC 6608. */
function onUnexpected(speaker: Speaker, peer: Peer, machine: Machine, type: number, now: Instant): void {
  const reason = `message of type ${type} in ${machine.state}`;
  run(speaker, peer, machine, 'UpdateMsg', now, { reason, unexpected: type });
}

/** RFC 4271 6.6 and the whole of 4486: the neighbor ends it, and says why. */
function onNotification(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  said: Notification,
  now: Instant,
): void {
  const text = describeNotification(said);
  peer.lastReceived = { at: now, text, notification: said };
  say(speaker, 'warn', `received ${text}`, peer);
  const isVersion = said.code === ERROR.open && said.subcode === OPEN_ERROR.version;
  noteUnsupported(speaker, peer, machine, said);
  run(speaker, peer, machine, isVersion ? 'NotifMsgVerErr' : 'NotifMsg', now, {
    reason: `received ${text}`,
    loss: { kind: 'notification', sent: false, notification: said },
    administrative: isTheirDecision(said),
  });
}

/** Cease of somebody at the other side: its end says nothing about its health. */
function isTheirDecision({ code, subcode, data }: Notification): boolean {
  const inner = subcode === CEASE.hardReset ? (data[0] === ERROR.cease ? (data[1] ?? 0) : 0) : subcode;
  const decided: readonly number[] = [
    CEASE.shutdown,
    CEASE.deconfigured,
    CEASE.reset,
    CEASE.configurationChange,
  ];
  return code === ERROR.cease && decided.includes(inner);
}

/** RFC 5492 5: without the capabilities that the neighbor cannot stand it may go on. */
function noteUnsupported({ options }: Speaker, peer: Peer, machine: Machine, said: Notification): void {
  if (said.code !== ERROR.open || machine.state === 'Established') return;
  const offered = machine.offered?.capabilities.map(codeOf) ?? [];
  const all = said.subcode === OPEN_ERROR.optionalParameter;
  const named = said.subcode === OPEN_ERROR.capability ? unsupportedCapabilities(said.data) : [];
  for (const code of all ? offered : named) {
    // Without these two there is no session that could be meant.
    const isNeeded = code === 1 || (code === 65 && options.as > 0xffff);
    if (offered.includes(code) && !isNeeded) peer.refused.add(code);
  }
}

function onUpdate(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  bytes: Uint8Array,
  start: number,
  end: number,
  now: Instant,
): void {
  if (machine.state !== 'Established' || peer.rib === undefined) {
    onUnexpected(speaker, peer, machine, TYPE.update, now);
    return;
  }
  const taken = receiveUpdate(speaker.rib, peer.rib, bytes, start, end);
  if (taken.kind === 'reset') {
    fail(speaker, peer, machine, 'UpdateMsgErr', taken.notification, now, taken.why);
    return;
  }
  run(speaker, peer, machine, 'UpdateMsg', now);
  if (taken.withdrawn !== undefined || taken.discarded.length + taken.ignored.length > 0)
    complainOf(speaker, peer, taken, now);
  if (taken.unsupported !== undefined) {
    const names = taken.unsupported.map(({ afi, safi }) => `AFI ${afi}, SAFI ${safi}`).join('; ');
    say(speaker, 'debug', `routes of a family that was not negotiated are left out: ${names}`, peer);
  }
  if (taken.endOfRib !== undefined) endOfRib(speaker, peer, taken.endOfRib, now);
  if (taken.limit !== undefined) onLimit(speaker, peer, machine, taken.limit, now);
}

type Taken = Extract<Received, { readonly kind: 'taken' }>;

/** RFC 7606 8: what was wrong with UPDATEs is told, but no flood of it. */
function complainOf(
  speaker: Speaker,
  peer: Peer,
  { withdrawn, discarded, ignored }: Taken,
  now: Instant,
): void {
  if (withdrawn !== undefined) peer.counters.treatedAsWithdraw++;
  peer.counters.attributesDiscarded += discarded.length;
  if (now < peer.complainAt) {
    peer.uncomplained++;
    return;
  }
  const more = peer.uncomplained === 0 ? '' : ` (${peer.uncomplained} more like it)`;
  peer.complainAt = now + COMPLAINT_INTERVAL;
  peer.uncomplained = 0;
  const parts = discarded.map(({ type, why }) => `attribute ${type} is left out: ${why}`);
  if (withdrawn !== undefined) parts.unshift(`routes count as withdrawn: ${withdrawn}`);
  parts.push(...ignored.map((what) => `ignored: ${what}`));
  const rfc = parts.length === ignored.length ? 'RFC 4271 6.3' : 'RFC 7606';
  say(speaker, 'warn', `faulty UPDATE, ${parts.join('; ')}${more} (${rfc})`, peer);
}

/** RFC 4271 6.7, RFC 4486 4. */
function onLimit(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  { family, count, limits }: NonNullable<Taken['limit']>,
  now: Instant,
): void {
  const text = `${count} ${family} prefixes, the limit is ${limits.limit}`;
  if (limits.action === 'warn' || count <= limits.limit) {
    say(speaker, 'warn', `${text}; nothing is done about it`, peer);
    return;
  }
  const data = new Uint8Array(7);
  const view = new DataView(data.buffer);
  view.setUint16(0, AFI[family]);
  view.setUint8(2, SAFI_UNICAST);
  view.setUint32(3, limits.limit);
  const { restartAfterMs } = limits;
  const how =
    restartAfterMs === undefined ? 'until it is reset by hand' : `for ${formatMillis(restartAfterMs)}`;
  peer.blocked = { kind: 'limit', why: `${text}; stopped ${how}` };
  if (restartAfterMs !== undefined) peer.timers.LimitTimer = now + restartAfterMs;
  run(speaker, peer, machine, 'AutomaticStop', now, {
    notification: finalCease(machine, CEASE.maximumPrefixes, data),
    reason: peer.blocked.why,
    loss: { kind: 'administrative' },
    administrative: true,
  });
}

/** RFC 2918 4, RFC 7313 4. */
function onRouteRefresh(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  bytes: Uint8Array,
  start: number,
  end: number,
  now: Instant,
): void {
  const { session } = machine;
  if (machine.state !== 'Established' || session === undefined || peer.rib === undefined) {
    onUnexpected(speaker, peer, machine, TYPE.routeRefresh, now);
    return;
  }
  const asked = decodeRouteRefresh(bytes, start, end, session.enhancedRouteRefresh);
  if (isNotification(asked)) {
    fail(speaker, peer, machine, 'UpdateMsgErr', asked, now);
    return;
  }
  const family = familyOf(asked.afi, asked.safi);
  if (family === undefined || !session.families.includes(family) || !session.routeRefresh) {
    say(speaker, 'debug', `ROUTE-REFRESH for AFI ${asked.afi}, SAFI ${asked.safi} is ignored`, peer);
    return;
  }
  switch (asked.subtype) {
    case 'request':
      sendAgain(speaker, peer, machine, family, now);
      return;
    case 'begin':
      peer.refreshing.add(family);
      peer.stale.add(family);
      markStale(peer.rib, family);
      peer.timers.StaleTimer = now + (peer.options.gracefulRestart?.staleTimeMs ?? DEFAULT_STALE_TIME);
      return;
    case 'end':
      if (peer.refreshing.delete(family)) sweep(speaker, peer, family);
      return;
    default:
      say(speaker, 'debug', 'ROUTE-REFRESH of a subtype that we do not know is ignored', peer);
  }
}

/** Sends all routes of a family again; between BoRR and EoRR where the neighbor knows them. RFC 7313 4. */
export function sendAgain(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  family: Family,
  now: Instant,
): void {
  if (peer.rib === undefined) return;
  const out = peer.rib.out[family];
  // RFC 7313 4: no BoRR before End-of-RIB; what has left already is sent again all the same.
  const enhanced = machine.session?.enhancedRouteRefresh === true && !out.owesEndOfRib;
  if (enhanced) {
    send(speaker, machine, encodeRouteRefresh(AFI[family], SAFI_UNICAST, 'begin'), now);
    peer.counters.sent.routeRefresh++;
  }
  refreshOut(speaker.rib, peer.rib, family, enhanced);
}
