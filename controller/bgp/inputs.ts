/** What the speaker's owner asks of it: the node, or an operator. RFC 4486, 9003, 8326, 8538, 5882. */
import { parsePrefix } from '../base/ip.ts';
import { unreachable } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import { encodeRouteRefresh } from '../wire/message.ts';
import { CEASE, ERROR, encodeShutdownText, hardReset, notification } from '../wire/notification.ts';
import { AFI, SAFI_UNICAST } from '../wire/prefix.ts';
import type { SpeakerInput } from './event.ts';
import { bfdEndsRestart, type Loss } from './graceful.ts';
import { sendAgain } from './messages.ts';
import { releaseHeld } from './opening.ts';
import type { Family, Origination } from './options.ts';
import { canonical, establishedOf, machinesOf, type Peer, type Speaker, say } from './peer.ts';
import { parseNextHop } from './policy.ts';
import { setUnreachable } from './reach.ts';
import { closeBfd, configure, followInterfaces, listen, openBfd } from './reconfigure.ts';
import { judgeNextHops, originate, reimport, setDrain, setUnfit, tellAgain, withdrawOrigin } from './rib.ts';
import { flushStale } from './routes.ts';
import { finalCease, run, send, start } from './session.ts';

type Of<K extends SpeakerInput['kind']> = Extract<SpeakerInput, { readonly kind: K }>;

/** Does what an input asks. */
export function onInput(speaker: Speaker, input: SpeakerInput, now: Instant): void {
  switch (input.kind) {
    case 'bfd':
      onBfd(speaker, input, now);
      return;
    case 'originate':
      announce(speaker, input.route);
      return;
    case 'withdraw':
      if (parsePrefix(input.prefix).ok) withdrawOrigin(speaker.rib, input.prefix);
      return;
    case 'drain':
      setDrain(speaker.rib, input.how);
      say(speaker, 'info', `drain: ${input.how}, ${input.reason}`);
      return;
    case 'interfaces':
      speaker.interfaces = input.addresses;
      followInterfaces(speaker);
      return;
    case 'unreachable':
      if (setUnreachable(speaker.rib.reach, input.addresses)) judgeNextHops(speaker.rib);
      return;
    case 'retell':
      tellAgain(speaker.rib);
      return;
    case 'configured':
      configure(speaker, input.options, now);
      return;
    case 'stop':
      stop(speaker, input, now);
      return;
    case 'flush':
    case 'fitness':
    case 'shutdown':
    case 'enable':
    case 'reset':
    case 'soft-reset':
    case 'route-refresh': {
      const peer = speaker.peers.get(input.peer);
      if (peer === undefined) say(speaker, 'warn', `${input.kind}: there is no neighbor '${input.peer}'`);
      else onPeerInput(speaker, peer, input, now);
      return;
    }
    default:
      unreachable(input);
      return;
  }
}

type PeerInput = Of<'flush' | 'fitness' | 'shutdown' | 'enable' | 'reset' | 'soft-reset' | 'route-refresh'>;

function onPeerInput(speaker: Speaker, peer: Peer, input: PeerInput, now: Instant): void {
  switch (input.kind) {
    case 'flush':
      flushStale(speaker, peer, input.reason);
      return;
    case 'fitness':
      if (peer.rib !== undefined) setUnfit(speaker.rib, peer.rib, input.unfit);
      return;
    case 'shutdown':
      shutdown(speaker, peer, input.text, now);
      return;
    case 'enable':
      enable(speaker, peer, now);
      return;
    case 'reset':
      reset(speaker, peer, input, now);
      return;
    case 'soft-reset':
      softReset(speaker, peer, input.direction, now);
      return;
    case 'route-refresh':
      askAgain(speaker, peer, input.family, now);
      return;
    default:
      unreachable(input);
      return;
  }
}

/** RFC 5882 3.2 and 4: Down tears the session down at once, AdminDown does not. */
function onBfd(speaker: Speaker, { address, state, controlPlaneIndependent }: Of<'bfd'>, now: Instant): void {
  const peer = speaker.byAddress.get(canonical(address));
  if (peer?.options.bfd === undefined) return;
  const before = peer.bfd;
  peer.bfd = state;
  if (state === 'up') {
    releaseHeld(speaker, peer, now);
    return;
  }
  if (state !== 'down' || before !== 'up') return;
  const machine = establishedOf(peer);
  if (machine === undefined) {
    if (bfdEndsRestart(peer.options, controlPlaneIndependent)) flushStale(speaker, peer, 'BFD is down');
    return;
  }
  const asks = peer.options.onLoss === 'ask';
  run(speaker, peer, machine, 'AutomaticStop', now, {
    notification: asks ? notification(ERROR.cease, CEASE.bfdDown) : finalCease(machine, CEASE.bfdDown),
    reason: 'BFD is down',
    loss: { kind: 'bfd' },
  });
}

/** Announces a route of our own, unless its text is wrong. */
function announce(speaker: Speaker, route: Origination): void {
  const prefix = parsePrefix(route.prefix);
  const hop = route.nextHop === 'self' ? undefined : parseNextHop(route.nextHop);
  if (!prefix.ok) {
    say(speaker, 'error', `not announced: ${prefix.error}`);
    return;
  }
  if (hop?.ok === false) {
    say(speaker, 'error', `${route.prefix} is not announced: ${hop.error}`);
    return;
  }
  originate(speaker.rib, route);
}

/** RFC 9003: with a text, until `enable`. */
export function shutdown(speaker: Speaker, peer: Peer, text: string, now: Instant): void {
  const why = text === '' ? 'administratively shut down' : `administratively shut down: ${text}`;
  peer.blocked = { kind: 'shutdown', why };
  delete peer.timers.LimitTimer;
  endAll(speaker, peer, CEASE.shutdown, why, now, text);
  flushStale(speaker, peer, why);
  closeBfd(speaker, peer);
}

/** Ends all connections of a peer with Cease, for good. */
function endAll(
  speaker: Speaker,
  peer: Peer,
  subcode: number,
  reason: string,
  now: Instant,
  text?: string,
): void {
  const data = text === undefined || text === '' ? undefined : encodeShutdownText(text);
  const loss = { kind: 'administrative' } as const;
  delete peer.timers.IdleHoldTimer;
  for (const machine of machinesOf(peer)) {
    const said = finalCease(machine, subcode, data);
    run(speaker, peer, machine, 'ManualStop', now, {
      notification: said,
      reason,
      loss,
      administrative: true,
    });
  }
}

function enable(speaker: Speaker, peer: Peer, now: Instant): void {
  delete peer.blocked;
  delete peer.timers.LimitTimer;
  peer.refused.clear();
  peer.oscillations = 0;
  openBfd(speaker, peer);
  start(speaker, peer, now);
}

/** Cease/4, or Hard Reset where graceful restart would keep the routes; then anew. RFC 8538 4. */
function reset(speaker: Speaker, peer: Peer, { hard, text }: Of<'reset'>, now: Instant): void {
  if (peer.blocked?.kind === 'shutdown') {
    say(speaker, 'warn', 'reset: it is shut down', peer);
    return;
  }
  delete peer.blocked;
  delete peer.timers.LimitTimer;
  peer.refused.clear();
  const plain = notification(ERROR.cease, CEASE.reset, text === '' ? undefined : encodeShutdownText(text));
  const reason = text === '' ? 'administratively reset' : `administratively reset: ${text}`;
  for (const machine of machinesOf(peer)) {
    const said = hard && machine.session?.gracefulNotification ? hardReset(plain) : plain;
    const loss: Loss = hard
      ? { kind: 'administrative' }
      : { kind: 'notification', sent: true, notification: plain };
    run(speaker, peer, machine, 'ManualStop', now, {
      notification: said,
      reason,
      loss,
      administrative: true,
    });
  }
  if (peer.main.state === 'Idle') start(speaker, peer, now);
}

function softReset(speaker: Speaker, peer: Peer, direction: 'in' | 'out', now: Instant): void {
  const machine = establishedOf(peer);
  if (machine?.session === undefined || peer.rib === undefined) {
    say(speaker, 'warn', 'soft reset: there is no session', peer);
    return;
  }
  if (direction === 'in') {
    reimport(speaker.rib, peer.rib);
    return;
  }
  for (const family of machine.session.families) sendAgain(speaker, peer, machine, family, now);
}

/** RFC 2918 4: asks the neighbor to send all again. */
function askAgain(speaker: Speaker, peer: Peer, family: Family, now: Instant): void {
  const machine = establishedOf(peer);
  if (machine?.session?.routeRefresh !== true || !machine.session.families.includes(family)) {
    say(speaker, 'warn', `route refresh: not negotiated for ${family}, or there is no session`, peer);
    return;
  }
  send(speaker, machine, encodeRouteRefresh(AFI[family], SAFI_UNICAST, 'request'), now);
  peer.counters.sent.routeRefresh++;
}

/**
 * Leaves. For a restart that keeps forwarding, neighbors with graceful restart see the connection end and
 * nothing else: they keep our routes. RFC 4724 4.1.
 */
function stop(speaker: Speaker, { restart, text }: Of<'stop'>, now: Instant): void {
  if (speaker.isStopped) return;
  speaker.isStopped = true;
  listen(speaker);
  const reason = text === '' ? 'we stop' : `we stop: ${text}`;
  for (const peer of speaker.peers.values()) {
    const graceful = peer.options.gracefulRestart;
    const machine = establishedOf(peer);
    const keeps = restart && graceful !== undefined && graceful.restartTimeS > 0 && graceful.forwardingKept;
    if (keeps && machine?.session?.gracefulRestart !== undefined && machine.connection !== undefined) {
      speaker.effects.push({ kind: 'tcp-close', connection: machine.connection, abort: false });
      const loss = { kind: 'administrative' } as const;
      run(speaker, peer, machine, 'TcpConnectionFails', now, {
        reason,
        loss,
        administrative: true,
        isGone: true,
      });
    }
    endAll(speaker, peer, CEASE.shutdown, reason, now, text);
    closeBfd(speaker, peer);
  }
  speaker.effects.push({ kind: 'stopped' });
}
