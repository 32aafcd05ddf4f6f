/** Customer gateways: the routers at the far ends of VPN connections, as EC2 knows them. */
import type {
  CreateCustomerGatewayRequest,
  CreateCustomerGatewayResult,
  CustomerGateway,
  DeleteCustomerGatewayRequest,
  DescribeCustomerGatewaysRequest,
  DescribeCustomerGatewaysResult,
} from '@aws-sdk/client-ec2';
import { parseAddress } from '../../../controller/base/ip.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { CustomerGatewayRecord } from '../record/connectivity.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { DELETED_VISIBLE_MS } from '../transit-gateway.ts';

const KIND = 'customer-gateway';

const filters: Filters<CustomerGatewayRecord> = {
  'bgp-asn': (site) => site.asn,
  'customer-gateway-id': (site) => site.id,
  'ip-address': (site) => site.address,
  state: (site) => site.state,
  type: () => 'ipsec.1',
};

const shown = (site: CustomerGatewayRecord): CustomerGateway => ({
  CustomerGatewayId: site.id,
  State: site.state,
  Type: 'ipsec.1',
  IpAddress: site.address,
  BgpAsn: String(site.asn),
  ...(site.deviceName !== undefined && { DeviceName: site.deviceName }),
  Tags: shownTags(site.tags),
});

function create(tx: Tx, input: CreateCustomerGatewayRequest): CreateCustomerGatewayResult {
  const { Type: type, BgpAsn: asn = 65_000, DeviceName: deviceName } = input;
  if (type !== 'ipsec.1') invalidValue('type', type);
  const address = input.IpAddress ?? input.PublicIp ?? missing('ipAddress');
  const parsed = parseAddress(address);
  if (!parsed.ok || parsed.value.family !== 4) invalidValue('ipAddress', address, 'Invalid IPv4 address.');
  const twin = tx.list(KIND).find((each) => {
    return each.state === 'available' && each.address === address && each.asn === asn;
  });
  if (twin !== undefined) return { CustomerGateway: shown(twin) };
  const { customerGateways: most } = tx.settings.quotas;
  if (tx.list(KIND).filter((each) => each.state === 'available').length >= most) {
    refuse('CustomerGatewayLimitExceeded', `The maximum number of customer gateways is ${most}.`);
  }
  const site = tx.put(KIND, {
    id: tx.newId('cgw'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    state: 'available',
    address,
    asn,
    ...(deviceName && { deviceName }),
  });
  return { CustomerGateway: { ...shown(site), State: 'pending' } };
}

function remove(tx: Tx, id: string): undefined {
  const site = tx.need(KIND, id);
  if (site.state !== 'available') refuse('IncorrectState', `The customer gateway '${id}' is deleted`);
  if (tx.referring('vpn-connection', id).length > 0) {
    refuse('IncorrectState', `The customer gateway '${id}' is in use.`);
  }
  tx.put(KIND, { ...site, state: 'deleted' });
  tx.after(DELETED_VISIBLE_MS, { name: 'customer-gateway-forgotten', id });
  return undefined;
}

export const customerGatewayHandlers: Handlers = {
  CreateCustomerGateway: handler(create),
  DeleteCustomerGateway: handler((tx, { CustomerGatewayId: id = '' }: DeleteCustomerGatewayRequest) =>
    remove(tx, id),
  ),
  DescribeCustomerGateways: handler(
    (tx, input: DescribeCustomerGatewaysRequest): DescribeCustomerGatewaysResult => {
      const page = describe(tx, { kind: KIND, ids: input.CustomerGatewayIds, input, filters });
      return { CustomerGateways: page.records.map(shown) };
    },
  ),
};

export const customerGatewayTransitions: Transitions = {
  'customer-gateway-forgotten': (tx, id) => tx.remove(KIND, id),
};
