/**
 * UPDATEs on their way out: a portion for each neighbor that has taken the one before, on message boundaries,
 * so that memory stays bounded however slow a neighbor is.
 */
import type { Instant } from '../base/time.ts';
import { hasUpdates, nextUpdates } from './adj-rib-out.ts';
import { establishedOf, type Peer, type Speaker } from './peer.ts';
import { restartKeepalive, send } from './session.ts';

/** Bytes that a neighbor is sent before it must have taken them. */
const PORTION = 16 * 1024;
/** Portions that one step makes. */
const PORTIONS = 2;

/** Sends what is due to neighbors that can take it, a few in turn. */
export function sendUpdates(speaker: Speaker, now: Instant): void {
  if (speaker.rib.isDeferred) return;
  const peers = [...speaker.peers.values()];
  let portions = PORTIONS;
  for (let count = 0; count < peers.length && portions > 0; count++) {
    const peer = peers[(speaker.turn + count) % peers.length];
    if (peer === undefined || !isReady(speaker, peer)) continue;
    sendPortion(speaker, peer, now);
    portions--;
    if (portions === 0) speaker.turn = (speaker.turn + count + 1) % peers.length;
  }
}

/** Whether a neighbor waits for UPDATEs and can take them. */
function isReady({ rib }: Speaker, peer: Peer): boolean {
  const machine = establishedOf(peer);
  return machine !== undefined && !machine.inFlight && peer.rib !== undefined && hasUpdates(rib, peer.rib);
}

export const hasMoreToSend = (speaker: Speaker): boolean => {
  if (speaker.rib.isDeferred) return false;
  for (const peer of speaker.peers.values()) if (isReady(speaker, peer)) return true;
  return false;
};

function sendPortion(speaker: Speaker, peer: Peer, now: Instant): void {
  const machine = establishedOf(peer);
  if (machine === undefined || peer.rib === undefined) return;
  const data = nextUpdates(speaker.rib, peer.rib, PORTION);
  if (data === undefined || data.length === 0) return;
  send(speaker, machine, data, now);
  // RFC 4271 8.2.2: an UPDATE serves as a KEEPALIVE.
  restartKeepalive(speaker, machine, now);
  countMessages(peer, data);
}

function countMessages({ counters }: Peer, data: Uint8Array): void {
  for (let at = 0; at + 19 <= data.length; ) {
    if (data[at + 18] === 5) counters.sent.routeRefresh++;
    else counters.sent.update++;
    at += Math.max(19, ((data[at + 16] ?? 0) << 8) | (data[at + 17] ?? 0));
  }
}
