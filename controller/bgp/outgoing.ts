/**
 * UPDATEs on their way out: a portion for each neighbor that has taken the one before, on message boundaries,
 * so that memory stays bounded however slow a neighbor is.
 */
import type { Instant } from '../base/time.ts';
import { hasUpdates, nextUpdates } from './adj-rib-out.ts';
import { hasInput } from './messages.ts';
import { establishedOf, machinesOf, type Peer, type Speaker } from './peer.ts';
import { queueLength, type RibPeer } from './rib-peer.ts';
import { restartKeepalive, send } from './session.ts';

/** Bytes that a neighbor is sent before it must have taken them. */
const PORTION = 16 * 1024;
/** Portions that one step makes. */
const PORTIONS = 2;
/** Prefixes that have to wait for a neighbor before it is sent some while there is more to read. */
const GATHERED = 1024;

/** Sends what is due to neighbors that can take it, a few in turn. */
export function sendUpdates(speaker: Speaker, now: Instant): void {
  if (speaker.rib.isDeferred) return;
  const peers = [...speaker.peers.values()];
  const least = leastGathered(speaker);
  let portions = PORTIONS;
  for (let count = 0; count < peers.length && portions > 0; count++) {
    const peer = peers[(speaker.turn + count) % peers.length];
    if (peer === undefined || !isReady(speaker, peer, least)) continue;
    sendPortion(speaker, peer, now);
    portions--;
    if (portions === 0) speaker.turn = (speaker.turn + count + 1) % peers.length;
  }
}

/** While messages wait to be read more prefixes are to come, and few messages with many cost least. */
const leastGathered = ({ peers }: Speaker): number => (mayBringMore(peers) ? GATHERED : 0);

function mayBringMore(peers: Speaker['peers']): boolean {
  for (const peer of peers.values()) {
    if (machinesOf(peer).some((machine) => machine.connection !== undefined && hasInput(machine)))
      return true;
  }
  return false;
}

/** Whether a neighbor waits for UPDATEs, for `least` prefixes or more, and can take them. */
function isReady({ rib }: Speaker, peer: Peer, least: number): boolean {
  const machine = establishedOf(peer);
  if (machine === undefined || machine.inFlight || peer.rib === undefined) return false;
  return hasUpdates(rib, peer.rib) && (least === 0 || waitingPrefixes(peer.rib) >= least);
}

const waitingPrefixes = ({ facts, out }: RibPeer): number =>
  facts.families.reduce((sum, family) => sum + queueLength(out[family]), 0);

export const hasMoreToSend = (speaker: Speaker): boolean => {
  if (speaker.rib.isDeferred) return false;
  const least = leastGathered(speaker);
  for (const peer of speaker.peers.values()) if (isReady(speaker, peer, least)) return true;
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
