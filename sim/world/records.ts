/** The resources as the data plane knows them now: a mirror of the changes that have taken effect. */
import type { Change, ResourceKind, Resources } from '../vpc/model.ts';

export type Records = { readonly [K in ResourceKind]: Map<string, Resources[K]> };

export const createRecords = (): Records => ({
  vpc: new Map(),
  subnet: new Map(),
  'route-table': new Map(),
  'network-interface': new Map(),
  instance: new Map(),
  'internet-gateway': new Map(),
  'network-acl': new Map(),
  'prefix-list': new Map(),
  'nat-gateway': new Map(),
  'egress-only-gateway': new Map(),
  'vpc-endpoint': new Map(),
  'load-balancer': new Map(),
  'target-group': new Map(),
  'security-group': new Map(),
  'vpc-peering-connection': new Map(),
  'transit-gateway-attachment': new Map(),
  'transit-gateway-connect-peer': new Map(),
  'transit-gateway-multicast-domain': new Map(),
  'vpn-gateway': new Map(),
  'customer-gateway': new Map(),
  'vpn-connection': new Map(),
  'virtual-interface': new Map(),
  'direct-connect-association': new Map(),
  'transit-gateway-route-table': new Map(),
  'gateway-speaker': new Map(),
});

/** Puts a change into the mirror. */
export function mirror(records: Records, change: Change): void {
  const table = records[change.kind] as Map<string, Resources[ResourceKind]>;
  if (change.value === undefined) table.delete(change.id);
  else table.set(change.id, change.value);
}
