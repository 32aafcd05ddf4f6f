/**
 * A session's side of the RIB: what it brings when it comes up, what stays when it is lost, End-of-RIB, and
 * our own restart. RFC 4724 4, RFC 8538; which routes stay is decided in `graceful.ts`.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import { MAX_EXTENDED_MESSAGE, MAX_MESSAGE } from '../wire/message.ts';
import type { SessionChange } from './event.ts';
import { deferralAfter, deferralAfterOpen, hasLeft, type Loss, onReturn, retention } from './graceful.ts';
import type { Negotiated } from './negotiate.ts';
import type { Family, PeerOptions } from './options.ts';
import { formatBgpId, hopOf, type Machine, type Peer, type Speaker, say } from './peer.ts';
import { ACCEPT_ALL, type CompiledPolicy, rejectAll } from './policy.ts';
import { otherAddress } from './reach.ts';
import { peerDown, peerUp, sweepStale } from './rib.ts';
import type { PeerFacts, PeerPolicy } from './rib-peer.ts';
import { DEFAULT_STALE_TIME } from './timers.ts';

/** How long stale routes wait for a neighbor that is back and sends no End-of-RIB. */
const WITHOUT_END_OF_RIB = 30_000;

const REJECT_ALL = rejectAll('none');

/** A policy by name; `all` and `none` need no definition. */
function policyOf({ policies }: Speaker, name: string): CompiledPolicy {
  return policies.get(name) ?? (name === 'all' ? ACCEPT_ALL : REJECT_ALL);
}

/** What the RIB has to know of a peer's configuration. */
export function ribPolicyOf(speaker: Speaker, options: PeerOptions, isExternal: boolean): PeerPolicy {
  const { importPolicy, exportPolicy, role, reflectorClient, nextHopSelf, transparent } = options;
  return {
    ...(importPolicy === undefined ? {} : { importPolicy: policyOf(speaker, importPolicy) }),
    ...(exportPolicy === undefined ? {} : { exportPolicy: policyOf(speaker, exportPolicy) }),
    ...(role === undefined || !isExternal ? {} : { role }),
    reflectorClient,
    nextHopSelf,
    transparent,
    allowOwnAs: options.allowOwnAs,
    checkNextHops: options.checkNextHops,
    maxPrefixes: options.maxPrefixes,
  };
}

function factsOf(speaker: Speaker, peer: Peer, machine: Machine, session: Negotiated): PeerFacts {
  const { addPath, gtsmHops, ttl } = peer.options;
  const { send } = addPath;
  const { addPathOut } = session;
  return {
    as: session.as,
    localAs: peer.options.localAs ?? speaker.options.as,
    ibgp: session.ibgp,
    oneHop: !session.ibgp && (gtsmHops ?? ttl) === 1,
    bgpId: session.bgpId,
    localBgpId: speaker.bgpId,
    address: hopOf(peer.address),
    localAddress: hopOf(machine.local),
    otherAddress: otherAddress(speaker.rib.reach, hopOf(machine.local)),
    families: session.families,
    as4: session.as4,
    addPathIn: session.addPathIn,
    addPathOut: { ipv4: addPathOut.ipv4 ? send : 0, ipv6: addPathOut.ipv6 ? send : 0 },
    extendedNextHop: session.extendedNextHop,
    maxMessage: session.extendedMessages ? MAX_EXTENDED_MESSAGE : MAX_MESSAGE,
  };
}

/** A session has just become Established. */
export function sessionUp(speaker: Speaker, peer: Peer, machine: Machine, now: Instant): void {
  const { session } = machine;
  if (session === undefined) return;
  const policy = ribPolicyOf(speaker, peer.options, !session.ibgp);
  peer.rib = peerUp(speaker.rib, peer.name, factsOf(speaker, peer, machine, session), policy);
  peer.establishedAt = now;
  peer.hasBeenUp = true;
  delete peer.timers.RestartTimer;
  for (const family of [...peer.stale]) {
    if (onReturn(family, session, peer.asked) === 'keep') continue;
    sweep(speaker, peer, family);
    say(speaker, 'info', `stale ${family} routes are given up: the neighbor did not keep forwarding`, peer);
  }
  if (peer.stale.size > 0) {
    const most = peer.options.gracefulRestart?.staleTimeMs ?? DEFAULT_STALE_TIME;
    const sendsEnd = session.gracefulRestart !== undefined;
    peer.timers.StaleTimer = now + (sendsEnd ? most : Math.min(most, WITHOUT_END_OF_RIB));
  }
  if (speaker.deferral !== undefined)
    speaker.deferral = deferralAfterOpen(speaker.deferral, peer.name, session);
  const reason =
    `AS ${session.as}, identifier ${formatBgpId(session.bgpId)}, ${session.families.join(' and ')}, ` +
    `Hold Time ${session.holdTimeS} s, ${machine.dialed ? 'we dialed' : 'it dialed'}`;
  tell(speaker, peer, { peer: peer.name, address: peer.address, state: 'established', reason });
  say(speaker, 'debug', `established: ${reason}`, peer);
  checkDeferral(speaker, now);
}

function tell({ effects }: Speaker, peer: Peer, change: SessionChange): void {
  peer.lastChange = change;
  effects.push({ kind: 'session', change });
}

/** An Established session is lost. */
export function sessionDown(
  speaker: Speaker,
  peer: Peer,
  machine: Machine,
  now: Instant,
  loss: Loss,
  reason: string,
  administrative: boolean,
): void {
  const { session } = machine;
  if (session === undefined || peer.rib === undefined) return;
  const what = retention(loss, session, peer.options);
  const kept = what.kind === 'keep' ? what.families : [];
  // RFC 4724 4.2: what was stale before this loss is not kept a second time.
  for (const family of peer.stale) sweepStale(speaker.rib, peer.rib, family);
  peerDown(speaker.rib, peer.rib, kept);
  peer.stale.clear();
  peer.refreshing.clear();
  for (const family of kept) peer.stale.add(family);
  peer.asked = what.kind === 'keep' && peer.options.onLoss === 'ask';
  delete peer.timers.StaleTimer;
  delete peer.timers.RestartTimer;
  if (what.kind === 'keep') peer.timers.RestartTimer = now + what.forMs;
  peer.flaps++;
  const change: SessionChange = {
    peer: peer.name,
    address: peer.address,
    state: 'down',
    reason,
    retained: kept.length > 0,
    ...(administrative ? { administrative } : {}),
    ...(hasLeft(loss) ? { left: true } : {}),
  };
  tell(speaker, peer, change);
  const routes =
    what.kind === 'keep'
      ? `routes are kept as stale for ${formatMillis(what.forMs)} at most: ${what.why}`
      : `routes are withdrawn: ${what.why}`;
  say(speaker, 'debug', `down: ${reason}; ${routes}`, peer);
}

/** Gives up the stale routes of one family. */
export function sweep({ rib }: Speaker, peer: Peer, family: Family): void {
  if (peer.rib !== undefined) sweepStale(rib, peer.rib, family);
  peer.stale.delete(family);
  if (peer.stale.size > 0) return;
  delete peer.timers.StaleTimer;
  delete peer.timers.RestartTimer;
}

/** Gives up all stale routes of a peer. */
export function flushStale(speaker: Speaker, peer: Peer, reason: string): void {
  if (peer.stale.size === 0) return;
  say(speaker, 'info', `stale routes of ${[...peer.stale].join(' and ')} are given up: ${reason}`, peer);
  for (const family of [...peer.stale]) sweep(speaker, peer, family);
}

/** The neighbor has announced all that it has, of one family. RFC 4724 4.2. */
export function endOfRib(speaker: Speaker, peer: Peer, family: Family, now: Instant): void {
  if (peer.stale.has(family)) sweep(speaker, peer, family);
  if (speaker.deferral !== undefined) {
    speaker.deferral = deferralAfter(speaker.deferral, peer.name, family);
    checkDeferral(speaker, now);
  }
}

/** Ends our own restart when nobody is awaited any more, or the time is over. RFC 4724 4.1. */
export function checkDeferral(speaker: Speaker, now: Instant): void {
  const { deferral } = speaker;
  if (deferral === undefined) return;
  const isLate = now >= deferral.until;
  if (deferral.awaited.size > 0 && !isLate) return;
  delete speaker.deferral;
  speaker.rib.isDeferred = false;
  const missing = [...deferral.awaited.keys()].join(', ');
  const text = isLate ? `although these did not send End-of-RIB: ${missing}` : 'all have sent End-of-RIB';
  say(speaker, isLate ? 'warn' : 'info', `our restart is over, ${text}`);
}
