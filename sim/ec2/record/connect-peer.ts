/** The addresses inside the tunnel of a Connect peer, and who speaks BGP there. */
import { addressAt, formatAddress, prefix } from '../../../controller/base/ip.ts';
import type { ConnectPeerRecord } from './connectivity.ts';

/** The first address inside is the appliance's, the second and third are the gateway's. */
export const insideOf = ({ inside }: Pick<ConnectPeerRecord, 'inside'>, n: 1 | 2 | 3): string =>
  formatAddress(addressAt(prefix(inside), n));

/** The ids and addresses of the gateway's speakers inside a peer's tunnel. */
export const speakersOf = (peer: Pick<ConnectPeerRecord, 'id' | 'inside'>) =>
  ([2, 3] as const).map((n) => ({ id: `${peer.id}/${n - 1}`, address: insideOf(peer, n) }));
