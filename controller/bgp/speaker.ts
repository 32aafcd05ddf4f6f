/**
 * The BGP speaker: a machine without I/O beside the node. `event.ts` says what happens to it and what it
 * does; this file hands events to those they concern, and does the RIB's work in portions. RFC 4271 with what
 * docs/RFC.md lists.
 */
import { contains, parseAddress, parsePrefix } from '../base/ip.ts';
import { stream } from '../base/prng.ts';
import { unreachable } from '../base/result.ts';
import { earliest, type Instant } from '../base/time.ts';
import { encodeNotification } from '../wire/message.ts';
import { CEASE, ERROR, notification } from '../wire/notification.ts';
import type { SpeakerEffect, SpeakerEvent } from './event.ts';
import { beginDeferral } from './graceful.ts';
import { onInput } from './inputs.ts';
import { hasInput, takeBytes, workOff } from './messages.ts';
import type { DynamicOptions, SpeakerOptions } from './options.ts';
import { hasMoreToSend, sendUpdates } from './outgoing.ts';
import {
  bgpIdOf,
  canonical,
  establishedOf,
  type Machine,
  machinesOf,
  newPeer,
  type Peer,
  type Speaker,
  say,
} from './peer.ts';
import { setInterfaces } from './reach.ts';
import { addNeighbor, compilePolicies, listen, openBfd } from './reconfigure.ts';
import { originate, takeChanges } from './rib.ts';
import { createRib } from './rib-state.ts';
import { tidy } from './rib-tidy.ts';
import { hasWork, work } from './rib-work.ts';
import { checkDeferral, flushStale } from './routes.ts';
import { addMachine, attach, idleHoldExpired, run, securityOf, start } from './session.ts';
import { earliestOf, LEAST_SELECTION_DEFERRAL } from './timers.ts';

export type { Speaker } from './peer.ts';

/** Decisions that one step makes. */
const DECISIONS = 500;
/** How much later than a timer we may be without doubting ourselves, and what the neighbor gets then; ms. */
const LATE = 500;
const GRACE = 1000;

/** A speaker that does nothing yet; `seed` is for its jitter. */
export function createSpeaker(
  options: SpeakerOptions,
  { seed }: { readonly seed: number | string },
  now: Instant,
): Speaker {
  const speaker: Speaker = {
    options,
    bgpId: bgpIdOf(options.routerId),
    random: stream(seed, 'bgp'),
    rib: createRib({ multipath: options.multipath, track: options.track }),
    peers: new Map(),
    byAddress: new Map(),
    connections: new Map(),
    policies: new Map(),
    nextConnection: 2,
    isStarted: false,
    isStopped: false,
    hasRestarted: false,
    turn: 0,
    now,
    effects: [],
  };
  setInterfaces(speaker.rib.reach, undefined, options.subnets);
  compilePolicies(speaker, options);
  for (const neighbor of options.neighbors) addNeighbor(speaker, neighbor, now);
  for (const route of options.originate) originate(speaker.rib, route);
  return speaker;
}

/** Takes an event, and gives what is to be done, in order. */
export function stepSpeaker(speaker: Speaker, event: SpeakerEvent, now: Instant): readonly SpeakerEffect[] {
  speaker.now = now;
  handle(speaker, event, now);
  if (speaker.isStarted && !speaker.isStopped) {
    work(speaker.rib, DECISIONS);
    if (speaker.deferral === undefined) tell(speaker);
    sendUpdates(speaker, now);
    tidy(speaker.rib);
  }
  tellNextHops(speaker);
  forgetDynamic(speaker);
  const { effects } = speaker;
  speaker.effects = [];
  return effects;
}

function tell(speaker: Speaker): void {
  const changes = takeChanges(speaker.rib);
  if (changes.length > 0) speaker.effects.push({ kind: 'routes', changes });
}

/** Whoever knows the ways to next hops hears of new ones. */
function tellNextHops({ rib: { reach }, effects }: Speaker): void {
  if (reach.isNews) effects.push({ kind: 'next-hops', addresses: [...reach.elsewhere] });
  reach.isNews = false;
}

/** When the speaker wants its next `deadline`; in the past while work is left. */
export function nextSpeakerDeadline(speaker: Speaker): Instant | undefined {
  if (!speaker.isStarted || speaker.isStopped) return undefined;
  const { rib } = speaker;
  if (hasWork(rib) || rib.tidying !== undefined || hasMoreToSend(speaker)) return speaker.now;
  let first = speaker.deferral?.until;
  for (const peer of speaker.peers.values()) {
    first = earliest(first, earliestOf(peer.timers));
    for (const machine of machinesOf(peer)) {
      if (machine.connection !== undefined && hasInput(machine)) return speaker.now;
      first = earliest(first, earliestOf(machine.timers));
    }
  }
  return first;
}

function handle(speaker: Speaker, event: SpeakerEvent, now: Instant): void {
  switch (event.kind) {
    case 'start':
      begin(speaker, event.restarted === true, now);
      return;
    case 'deadline':
      onDeadline(speaker, now);
      return;
    case 'tcp-opened':
      onOpened(speaker, event.connection, event.local, now);
      return;
    case 'tcp-accepted':
      onAccepted(speaker, event.connection, event.local, canonical(event.remote), now);
      return;
    case 'tcp-data': {
      const whose = speaker.connections.get(event.connection);
      if (whose !== undefined) takeBytes(speaker, whose.peer, whose.machine, event.data, now);
      return;
    }
    case 'tcp-drained': {
      const machine = speaker.connections.get(event.connection)?.machine;
      if (machine === undefined) return;
      machine.inFlight = false;
      delete machine.timers.SendHoldTimer;
      return;
    }
    case 'tcp-closed':
      onClosed(speaker, event.connection, event.reason, now);
      return;
    default:
      onInput(speaker, event, now);
      return;
  }
}

/** Listens, dials, and after a restart waits before it decides. RFC 4724 4.1. */
function begin(speaker: Speaker, restarted: boolean, now: Instant): void {
  if (speaker.isStarted) return;
  speaker.isStarted = true;
  speaker.hasRestarted = restarted;
  const waitsFor = [...speaker.peers.values()].filter(({ blocked }) => blocked === undefined);
  const deferral = restarted ? beginDeferral(waitsFor, now, LEAST_SELECTION_DEFERRAL) : undefined;
  if (deferral !== undefined) {
    speaker.deferral = deferral;
    speaker.rib.isDeferred = true;
    say(
      speaker,
      'info',
      `restarted: routes are held back until ${[...deferral.awaited.keys()].join(', ')} said all`,
    );
  }
  listen(speaker);
  for (const peer of speaker.peers.values()) {
    openBfd(speaker, peer);
    start(speaker, peer, now);
  }
}

function onOpened(speaker: Speaker, connection: number, local: string, now: Instant): void {
  const whose = speaker.connections.get(connection);
  if (whose === undefined) return;
  const { peer, machine } = whose;
  machine.local = canonical(local);
  machine.connectedAt = now;
  machine.lastReceivedAt = now;
  run(speaker, peer, machine, 'Tcp_CR_Acked', now);
}

/** Somebody dialed us. RFC 4271 6.8: a second connection lives until its OPEN tells who stays. */
function onAccepted(speaker: Speaker, connection: number, local: string, remote: string, now: Instant): void {
  const peer = speaker.byAddress.get(remote) ?? newcomer(speaker, remote, now);
  if (peer === undefined || speaker.isStopped) {
    if (peer === undefined) say(speaker, 'info', `${remote} dialed, which is no neighbor; refused`);
    speaker.effects.push({ kind: 'tcp-close', connection, abort: true });
    return;
  }
  if (peer.main.state === 'Idle') {
    refuse(speaker, peer, connection);
    return;
  }
  speaker.effects.push({ kind: 'tcp-secure', connection, security: securityOf(peer.options) });
  const isFree = peer.main.state === 'Active' && peer.main.connection === undefined;
  // The newer one counts: the older has said nothing yet, or its end will be seen.
  if (!isFree && peer.second !== undefined) replaceSecond(speaker, peer, peer.second, now);
  const machine = isFree ? peer.main : addMachine(peer, now);
  attach(speaker, peer, machine, connection, false);
  machine.local = canonical(local);
  machine.connectedAt = now;
  machine.lastReceivedAt = now;
  run(speaker, peer, machine, 'TcpConnectionConfirmed', now);
}

function replaceSecond(speaker: Speaker, peer: Peer, second: Machine, now: Instant): void {
  const said = notification(ERROR.cease, CEASE.collision);
  const reason = 'the neighbor has opened yet another connection';
  const old = peer.main.state === 'Established' || peer.main.dialed ? second : peer.main;
  run(speaker, peer, old, 'OpenCollisionDump', now, { notification: said, reason });
}

/** Idle refuses connections; an operator's will is said. RFC 4271 8.2.2, RFC 4486 4. */
function refuse(speaker: Speaker, peer: Peer, connection: number): void {
  const { blocked } = peer;
  if (blocked !== undefined) {
    const data = encodeNotification(notification(ERROR.cease, CEASE.rejected));
    speaker.effects.push({ kind: 'tcp-send', connection, data });
  }
  speaker.effects.push({ kind: 'tcp-close', connection, abort: blocked === undefined });
  say(speaker, 'debug', `refused a connection: ${blocked?.why ?? 'it oscillates, and has to wait'}`, peer);
}

/** A dynamic neighbor, if one of this address is allowed and there is room. */
function newcomer(speaker: Speaker, remote: string, now: Instant): Peer | undefined {
  const dynamic = speaker.isStarted ? dynamicFor(speaker.options, remote) : undefined;
  if (dynamic === undefined) return undefined;
  const held = [...speaker.peers.values()].filter((one) => one.dynamic?.name === dynamic.name).length;
  if (held >= dynamic.limit) {
    say(speaker, 'warn', `${remote} dialed, but ${dynamic.name} has its ${dynamic.limit} neighbors already`);
    return undefined;
  }
  const peer = newPeer(`${dynamic.name}/${remote}`, remote, dynamic, dynamic.as, now);
  peer.dynamic = dynamic;
  speaker.peers.set(peer.name, peer);
  speaker.byAddress.set(remote, peer);
  openBfd(speaker, peer);
  start(speaker, peer, now);
  return peer;
}

/** The dynamic neighbors that an address belongs to: those of the longest prefix. */
function dynamicFor({ dynamic }: SpeakerOptions, remote: string): DynamicOptions | undefined {
  const address = parseAddress(remote);
  if (!address.ok) return undefined;
  let best: { readonly length: number; readonly options: DynamicOptions } | undefined;
  for (const options of dynamic) {
    const prefix = parsePrefix(options.prefix, 'clear');
    if (!prefix.ok || !contains(prefix.value, address.value)) continue;
    if (best === undefined || prefix.value.length > best.length)
      best = { length: prefix.value.length, options };
  }
  return best?.options;
}

function onClosed(speaker: Speaker, connection: number, reason: string, now: Instant): void {
  const whose = speaker.connections.get(connection);
  if (whose === undefined) return;
  const { peer, machine } = whose;
  const text = `the connection ended: ${reason}`;
  if (machine.state !== 'Connect') peer.lastReceived = { at: now, text };
  run(speaker, peer, machine, 'TcpConnectionFails', now, {
    reason: text,
    loss: { kind: 'tcp' },
    isGone: true,
  });
}

/** A dynamic neighbor that is away, with nothing of it kept, is forgotten. */
function forgetDynamic(speaker: Speaker): void {
  for (const peer of speaker.peers.values()) {
    const isAway = peer.main.connection === undefined && peer.second === undefined;
    if (peer.dynamic === undefined || !isAway || peer.stale.size > 0) continue;
    // What an operator or a limit stopped must not come back by dialing again.
    if (peer.blocked !== undefined && speaker.isStarted && !speaker.isStopped) continue;
    speaker.peers.delete(peer.name);
    speaker.byAddress.delete(peer.address);
    if (peer.bfdOpen) speaker.effects.push({ kind: 'bfd-close', session: peer.address });
  }
}

function onDeadline(speaker: Speaker, now: Instant): void {
  if (!speaker.isStarted || speaker.isStopped) return;
  for (const peer of [...speaker.peers.values()]) {
    for (const machine of machinesOf(peer)) {
      if (machine.connection !== undefined && hasInput(machine)) workOff(speaker, peer, machine, now);
      expire(speaker, peer, machine, now);
    }
    expirePeer(speaker, peer, now);
  }
  checkDeferral(speaker, now);
}

const TIMER_EVENTS = {
  ConnectRetryTimer: 'ConnectRetryTimer_Expires',
  DelayOpenTimer: 'DelayOpenTimer_Expires',
  KeepaliveTimer: 'KeepaliveTimer_Expires',
} as const;

/** Runs the timers of a machine that are due. */
function expire(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  const { timers } = machine;
  for (const name of ['ConnectRetryTimer', 'DelayOpenTimer', 'KeepaliveTimer'] as const) {
    if ((timers[name] ?? Infinity) > now) continue;
    delete timers[name];
    run(speaker, peer, machine, TIMER_EVENTS[name], now);
  }
  if ((timers.SendHoldTimer ?? Infinity) <= now) {
    delete timers.SendHoldTimer;
    const said = notification(ERROR.sendHoldTimer);
    const reason = 'the neighbor does not take what we send: Send Hold Timer expired';
    const loss = { kind: 'tcp' } as const;
    run(speaker, peer, machine, 'SendHoldTimer_Expires', now, {
      notification: said,
      reason,
      loss,
      abort: true,
    });
  }
  if ((timers.HoldTimer ?? Infinity) <= now) expireHold(speaker, peer, machine, timers.HoldTimer ?? now, now);
}

/** RFC 4271 6.5. */
function expireHold(speaker: Speaker, peer: Peer, machine: Machine, due: Instant, now: Instant): void {
  // We may be the one who slept: what the neighbor said meanwhile has to be read first.
  if (hasInput(machine) || (now - due > LATE && !machine.graced)) {
    machine.timers.HoldTimer = now + GRACE;
    machine.graced = true;
    return;
  }
  delete machine.timers.HoldTimer;
  const said = machine.held ? notification(ERROR.cease, CEASE.bfdDown) : notification(ERROR.holdTimer);
  const reason = machine.held
    ? 'BFD did not come up in time (strict mode)'
    : 'nothing was heard of the neighbor for the Hold Time';
  const loss = { kind: 'notification', sent: true, notification: said } as const;
  run(speaker, peer, machine, 'HoldTimer_Expires', now, { notification: said, reason, loss });
}

function expirePeer(speaker: Speaker, peer: Peer, now: Instant): void {
  const { timers } = peer;
  for (const name of ['IdleHoldTimer', 'RestartTimer', 'StaleTimer', 'LimitTimer'] as const) {
    if ((timers[name] ?? Infinity) > now) continue;
    delete timers[name];
    switch (name) {
      case 'IdleHoldTimer':
        idleHoldExpired(speaker, peer, now);
        break;
      case 'RestartTimer':
        flushStale(speaker, peer, 'the neighbor did not come back in time');
        break;
      case 'StaleTimer':
        flushStale(speaker, peer, 'the neighbor is back, and did not announce them in time');
        peer.refreshing.clear();
        break;
      case 'LimitTimer':
        if (peer.blocked?.kind === 'limit') delete peer.blocked;
        if (establishedOf(peer) === undefined) start(speaker, peer, now);
        break;
      default:
        unreachable(name);
    }
  }
}
