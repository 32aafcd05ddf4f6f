/**
 * What the handlers of Connect attachments share with what their BGP speakers say: the two speakers inside
 * each peer's tunnel. Amazon VPC Transit Gateways, "Connect attachments".
 */
import { type Speaking, setSpeaker } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import { insideOf, speakersOf } from './record/connect-peer.ts';
import type { ConnectPeerRecord } from './record/connectivity.ts';
import { announceTo, refreshPropagations } from './transit-gateway.ts';

/** What the gateway proposes as Hold Time, s, and the most prefixes that an appliance may announce. */
const HOLD_TIME_S = 30;
const MOST_PREFIXES = 1000;

/** The tables learn anew what the peers of a Connect attachment know. */
export const refreshConnect = (tx: Tx, attachment: string): void =>
  refreshPropagations(tx, tx.get('transit-gateway-attachment', attachment)?.propagations ?? []);

/** The two speakers of a peer, of a gateway of the given AS, before they know what to announce. */
export function connectSpeakers(peer: ConnectPeerRecord, as: number): readonly Speaking[] {
  const appliance = insideOf(peer, 1);
  return speakersOf(peer).map(({ id, address: localAddress }) => {
    const neighbor = { name: appliance, address: appliance, localAddress, as: peer.asn };
    return {
      id,
      place: { kind: 'connect-peer', peer: peer.id },
      as,
      routerId: localAddress,
      neighbors: [{ ...neighbor, holdTimeS: HOLD_TIME_S, bfd: false, maxPrefixes: MOST_PREFIXES }],
      announces: [],
    };
  });
}

/** Starts the two speakers of a new peer. */
export function openSpeakers(tx: Tx, peer: ConnectPeerRecord): void {
  const attachment = tx.get('transit-gateway-attachment', peer.attachment);
  const gateway = tx.get('transit-gateway', attachment?.gateway ?? '');
  for (const speaker of connectSpeakers(peer, gateway?.asn ?? 0)) setSpeaker(tx, speaker);
  if (attachment !== undefined) announceTo(tx, attachment);
}
