/** Ties Elastic IP addresses to private addresses of ENIs, and cuts them again. */
import type { Tx } from './handler.ts';
import { cutPublicAddress } from './public-address.ts';
import type { AddressRecord } from './record/network.ts';

/**
 * Ties an Elastic IP to a private address of an ENI; what either had before is cut. Returns the association's
 * id.
 */
export function associateAddress(tx: Tx, address: AddressRecord, eniId: string, privateIp: string): string {
  disassociateAddress(tx, address);
  cutPublicAddress(tx, eniId, privateIp);
  const eni = tx.need('network-interface', eniId);
  const { association: _, ...free } = tx.need('address', address.id);
  const association = tx.newId('eipassoc');
  const pair = { private: privateIp, public: free.publicIp, allocation: free.id, association };
  tx.put('network-interface', { ...eni, publicAddresses: [...eni.publicAddresses, pair] });
  tx.put('address', { ...free, association: { id: association, eni: eniId, private: privateIp } });
  return association;
}

/** Cuts an Elastic IP from its ENI; does nothing where it has none. */
export function disassociateAddress(tx: Tx, { association }: AddressRecord): void {
  if (association !== undefined) cutPublicAddress(tx, association.eni, association.private);
}
