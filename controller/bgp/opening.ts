/**
 * How a session opens: OPENs and what they come to, two connections at once, strict mode, the first
 * KEEPALIVE. RFC 4271 6.2 and 6.8, RFC 4724 5, and draft-ietf-idr-bgp-bfd-strict-mode.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import { TYPE } from '../wire/message.ts';
import { CEASE, describeNotification, ERROR, type Notification, notification } from '../wire/notification.ts';
import { decodeOpen, isNotification } from '../wire/open.ts';
import { resolveCollision } from './collision.ts';
import { negotiate } from './negotiate.ts';
import { type Machine, machinesOf, type Peer, type Speaker, say } from './peer.ts';
import { discard, offerFor, run } from './session.ts';
import { BFD_HOLD_TIME, keepaliveInterval } from './timers.ts';

/** RFC 4271 6: says what is wrong and ends the connection. */
export function fail(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  event: 'BGPHeaderErr' | 'BGPOpenMsgErr' | 'UpdateMsgErr',
  said: Notification,
  now: Instant,
  why?: string,
): void {
  const text = describeNotification(said);
  const reason = why === undefined ? `sent ${text}` : `sent ${text}: ${why}`;
  const loss = { kind: 'notification', sent: true, notification: said } as const;
  run(speaker, peer, machine, event, now, { notification: said, reason, loss });
}

export function onOpen(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  bytes: Uint8Array,
  start: number,
  end: number,
  now: Instant,
): void {
  const isDelayed = machine.timers.DelayOpenTimer !== undefined;
  if ((machine.state !== 'OpenSent' && !isDelayed) || machine.held) {
    const reason = `a second OPEN in ${machine.state}`;
    const event = machine.held ? 'BGPOpen with DelayOpenTimer running' : 'BGPOpen';
    run(speaker, peer, machine, event, now, { reason, unexpected: TYPE.open });
    return;
  }
  const open = decodeOpen(bytes, start, end);
  if (isNotification(open)) {
    fail(speaker, peer, machine, 'BGPOpenMsgErr', open, now);
    return;
  }
  machine.open = open;
  // With DelayOpen ours has not gone out yet.
  machine.offered ??= offerFor(speaker, peer);
  const judged = negotiate(peer.options, machine.offered, open, peer.expectedAs);
  if (judged.kind === 'refused') {
    fail(speaker, peer, machine, 'BGPOpenMsgErr', judged.notification, now, judged.why);
    return;
  }
  if (!settleCollision(speaker, peer, machine, now)) return;
  machine.session = judged.session;
  if (!judged.session.bfdStrict || peer.bfd === 'up') {
    confirm(speaker, peer, machine, now);
    return;
  }
  if (isDelayed) run(speaker, peer, machine, 'DelayOpenTimer_Expires', now);
  hold(speaker, peer, machine, now);
}

/** The OPEN is accepted: on to OpenConfirm. */
function confirm(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  machine.held = false;
  const isDelayed = machine.timers.DelayOpenTimer !== undefined;
  run(speaker, peer, machine, isDelayed ? 'BGPOpen with DelayOpenTimer running' : 'BGPOpen', now);
  if (!machine.heldKeepalive) return;
  machine.heldKeepalive = false;
  onKeepalive(speaker, peer, machine, now);
}

/** Strict mode: no KEEPALIVE before BFD is Up, for the Hold Time at most. */
function hold(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  machine.held = true;
  const holdTimeS = machine.session?.holdTimeS ?? 0;
  const wait = holdTimeS === 0 ? BFD_HOLD_TIME : holdTimeS * 1000;
  machine.timers.HoldTimer = now + wait;
  say(speaker, 'info', `waits for BFD, ${formatMillis(wait)} at most (strict mode)`, peer);
}

/** BFD is Up: what waited for it goes on. */
export function releaseHeld(speaker: Speaker, peer: Peer, now: Instant): void {
  for (const machine of machinesOf(peer)) if (machine.held) confirm(speaker, peer, machine, now);
}

/** RFC 4271 6.8; says whether the machine goes on. */
function settleCollision(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): boolean {
  const other = machinesOf(peer).find((one) => one !== machine);
  const { open, offered } = machine;
  if (other?.connection === undefined || open === undefined || offered === undefined) return true;
  const restart = open.capabilities.find((one) => one.kind === 'graceful-restart');
  const verdict = resolveCollision(
    { dialed: machine.dialed, state: machine.state, ageMs: now - machine.connectedAt },
    { dialed: other.dialed, state: other.held ? 'OpenConfirm' : other.state, ageMs: now - other.connectedAt },
    { as: offered.as, bgpId: offered.bgpId },
    { as: open.as, bgpId: open.bgpId },
    {
      graceful: other.session?.gracefulRestart !== undefined && restart !== undefined,
      restarting: restart?.kind === 'graceful-restart' && restart.restarting,
      silentMs: now - other.lastReceivedAt,
      keepaliveMs: keepaliveInterval(other.session?.holdTimeS ?? 0),
    },
  );
  if (verdict === 'keep-both') return true;
  if (verdict === 'close-other' && other.state === 'Established') {
    // RFC 4724 4.2: no NOTIFICATION on the old connection.
    const reason = 'the neighbor has restarted, and opened a new connection';
    speaker.effects.push({ kind: 'tcp-close', connection: other.connection, abort: true });
    run(speaker, peer, other, 'TcpConnectionFails', now, {
      reason,
      loss: { kind: 'restarted' },
      isGone: true,
    });
    return true;
  }
  dump(speaker, peer, verdict === 'close-other' ? other : machine, now);
  return verdict === 'close-other';
}

/** Closes the connection that lost. */
export function dump(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  if (machine.state === 'Connect' || machine.state === 'Active') {
    discard(speaker, peer, machine);
    return;
  }
  const said = notification(ERROR.cease, CEASE.collision);
  const loss = { kind: 'notification', sent: true, notification: said } as const;
  const reason = 'another connection with the neighbor stays';
  run(speaker, peer, machine, 'OpenCollisionDump', now, {
    notification: said,
    reason,
    loss,
    administrative: true,
  });
}

export function onKeepalive(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  if (machine.held) {
    machine.heldKeepalive = true;
    return;
  }
  const { state } = machine;
  run(speaker, peer, machine, 'KeepAliveMsg', now, {
    reason: `KEEPALIVE in ${state}`,
    unexpected: TYPE.keepalive,
  });
  if (state !== 'OpenConfirm' || machine.state !== 'Established') return;
  const other = machinesOf(peer).find((one) => one !== machine);
  if (other !== undefined) dump(speaker, peer, other, now);
}
