/** Samples of what the daemon asks EC2 for. Not a test itself. */
import type { Call } from '../../../controller/ec2/call.ts';

const TABLE = 'rtb-0123456789abcdef0';
const ENI = 'eni-0123456789abcdef0';
const TRANSIT = { table: 'tgw-rtb-0123456789abcdef0', destination: '0.0.0.0/0' };
const ATTACHMENT = 'tgw-attach-0123456789abcdef0';
const INSTANCE = 'i-0123456789abcdef0';

/** Of each kind, all that it may say. */
export const CALLS: {
  readonly [K in Exclude<Call['kind'], 'dry-run'>]: readonly [
    Call & { readonly kind: K },
    ...(Call & { readonly kind: K })[],
  ];
} = {
  'describe-route-tables': [
    { kind: 'describe-route-tables', select: { kind: 'ids', ids: [TABLE] } },
    { kind: 'describe-route-tables', select: { kind: 'tag', key: 'byoa', value: 'a' } },
  ],
  'describe-network-interfaces': [
    { kind: 'describe-network-interfaces', enis: [ENI] },
    { kind: 'describe-network-interfaces', addresses: ['10.0.0.1'] },
    { kind: 'describe-network-interfaces', vpc: 'vpc-1', addresses: ['2001:db8::1'] },
  ],
  'describe-subnets': [{ kind: 'describe-subnets', vpc: 'vpc-1' }],
  'describe-addresses': [{ kind: 'describe-addresses', allocations: ['eipalloc-1'] }],
  'describe-instances': [{ kind: 'describe-instances', instances: [INSTANCE] }],
  'describe-instance-status': [{ kind: 'describe-instance-status', instances: [INSTANCE] }],
  'search-transit-gateway-routes': [
    { kind: 'search-transit-gateway-routes', table: TRANSIT.table, destinations: ['0.0.0.0/0'] },
  ],
  'replace-route': [
    { kind: 'replace-route', table: TABLE, destination: '0.0.0.0/0', eni: ENI },
    { kind: 'replace-route', table: TABLE, destination: '::/0', eni: ENI },
    { kind: 'replace-route', table: TABLE, destination: 'pl-0123456789abcdef0', eni: ENI },
  ],
  'create-route': [{ kind: 'create-route', table: TABLE, destination: '0.0.0.0/0', eni: ENI }],
  'delete-route': [
    { kind: 'delete-route', table: TABLE, destination: '0.0.0.0/0' },
    { kind: 'delete-route', table: TABLE, destination: '::/0' },
  ],
  'replace-route-table-association': [
    { kind: 'replace-route-table-association', association: 'rtbassoc-1', place: 'subnet-1', table: TABLE },
  ],
  'replace-transit-gateway-route': [
    { kind: 'replace-transit-gateway-route', ...TRANSIT, attachment: ATTACHMENT },
  ],
  'create-transit-gateway-route': [
    { kind: 'create-transit-gateway-route', ...TRANSIT, attachment: ATTACHMENT },
  ],
  'assign-private-ip-addresses': [{ kind: 'assign-private-ip-addresses', eni: ENI, address: '10.0.0.9' }],
  'assign-ipv6-addresses': [{ kind: 'assign-ipv6-addresses', eni: ENI, address: '2001:db8::9' }],
  'unassign-ipv6-addresses': [{ kind: 'unassign-ipv6-addresses', eni: ENI, address: '2001:db8::9' }],
  'associate-address': [
    { kind: 'associate-address', allocation: 'eipalloc-1', eni: ENI, address: '10.0.0.9' },
  ],
  'detach-network-interface': [{ kind: 'detach-network-interface', attachment: 'eni-attach-1', force: true }],
  'attach-network-interface': [
    { kind: 'attach-network-interface', eni: ENI, instance: INSTANCE, deviceIndex: 1 },
  ],
  'stop-instances': [{ kind: 'stop-instances', instances: [INSTANCE] }],
};
