/**
 * What the handlers of Connect attachments share with what their BGP speakers say: the two speakers inside
 * each peer's tunnel, and which peers a transit gateway may use for what they have told. Amazon VPC Transit
 * Gateways, "Connect attachments".
 */
import { comparePreference } from './best-path.ts';
import { bestOfConnect, pathsOf, peersOf } from './connect-paths.ts';
import { setSpeaker } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import { insideOf, speakersOf } from './record/connect-peer.ts';
import type { ConnectPeerRecord } from './record/connectivity.ts';
import { announceTo, refreshPropagations } from './transit-gateway.ts';

/** What the gateway proposes as Hold Time, s, and the most prefixes that an appliance may announce. */
const HOLD_TIME_S = 30;
const MOST_PREFIXES = 1000;

/** Learns anew what the peers of a Connect attachment know: equally good ones share the flows. */
export function refreshConnect(tx: Tx, attachment: string): void {
  const best = new Map(bestOfConnect(tx, attachment).map((path) => [path.prefix, path]));
  for (const peer of peersOf(tx, attachment)) {
    const equal = pathsOf(tx, peer).filter((path) => {
      const better = best.get(path.prefix);
      return better !== undefined && comparePreference(path, better) === 0;
    });
    const routes = [...new Set(equal.map((path) => path.prefix))];
    tx.put('transit-gateway-connect-peer', { ...peer, routes });
  }
  const record = tx.get('transit-gateway-attachment', attachment);
  if (record !== undefined) refreshPropagations(tx, record.propagations);
}

/** Starts the two speakers of a new peer. */
export function openSpeakers(tx: Tx, peer: ConnectPeerRecord): void {
  const attachment = tx.get('transit-gateway-attachment', peer.attachment);
  const gateway = tx.get('transit-gateway', attachment?.gateway ?? '');
  const appliance = insideOf(peer, 1);
  for (const { id, address: localAddress } of speakersOf(peer)) {
    const neighbor = { name: appliance, address: appliance, localAddress, as: peer.asn };
    setSpeaker(tx, {
      id,
      place: { kind: 'connect-peer', peer: peer.id },
      as: gateway?.asn ?? 0,
      routerId: localAddress,
      neighbors: [{ ...neighbor, holdTimeS: HOLD_TIME_S, bfd: false, maxPrefixes: MOST_PREFIXES }],
      announces: [],
    });
  }
  if (attachment !== undefined) announceTo(tx, attachment);
}
