/** What the appliances behind a Connect attachment have told. */
import { bestPaths } from './best-path.ts';
import type { Tx } from './handler.ts';
import { speakersOf } from './record/connect-peer.ts';
import type { ConnectPeerRecord } from './record/connectivity.ts';
import type { LearntPath } from './record/routing.ts';

/** The peers of a Connect attachment that are not gone. */
export const peersOf = (tx: Tx, attachment: string): readonly ConnectPeerRecord[] =>
  tx.referring('transit-gateway-connect-peer', attachment);

/** All that the appliance of a peer has told, in both sessions. */
export const pathsOf = (tx: Tx, peer: ConnectPeerRecord): readonly LearntPath[] =>
  speakersOf(peer).flatMap(({ id }) => tx.get('gateway-speaker', id)?.paths ?? []);

/** The best path of each prefix, of all that the peers of a Connect attachment have told. */
export const bestOfConnect = (tx: Tx, attachment: string): readonly LearntPath[] => [
  ...bestPaths(peersOf(tx, attachment).flatMap((peer) => pathsOf(tx, peer))).values(),
];
