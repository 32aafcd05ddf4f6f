/** BGP peers of virtual interfaces: at most one of each address family. */
import type {
  CreateBGPPeerRequest,
  CreateBGPPeerResponse,
  DeleteBGPPeerRequest,
  DeleteBGPPeerResponse,
} from '@aws-sdk/client-direct-connect';
import { invalid } from '../direct-connect.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { changeInterface, needInterface, newPeer, shownInterface } from '../virtual-interface.ts';

function create(tx: Tx, input: CreateBGPPeerRequest): CreateBGPPeerResponse {
  const line = needInterface(tx, input.virtualInterfaceId);
  const peers = [...line.peers, newPeer(tx, input.newBGPPeer ?? {}, line.peers)];
  return { virtualInterface: shownInterface(tx, changeInterface(tx, { ...line, peers })) };
}

function remove(tx: Tx, input: DeleteBGPPeerRequest): DeleteBGPPeerResponse {
  const line = needInterface(tx, input.virtualInterfaceId);
  const { bgpPeerId: id, customerAddress } = input;
  const asn = input.asnLong ?? input.asn;
  if (id === undefined && (customerAddress === undefined || asn === undefined))
    invalid('Name the BGP peer by its id, or by its ASN and customer address.');
  const gone = line.peers.find(
    (each) =>
      each.id === (id ?? each.id) &&
      each.customerAddress === (customerAddress ?? each.customerAddress) &&
      each.asn === (asn ?? each.asn),
  );
  if (gone === undefined) return invalid(`Virtual interface ${line.id} has no such BGP peer.`);
  const peers = line.peers.filter((each) => each !== gone);
  return { virtualInterface: shownInterface(tx, changeInterface(tx, { ...line, peers })) };
}

export const virtualInterfacePeerHandlers: Handlers = {
  CreateBGPPeer: handler(create),
  DeleteBGPPeer: handler(remove),
};
