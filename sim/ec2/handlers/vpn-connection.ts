/**
 * Customer gateways, and VPN connections from a VPN gateway to them with static routes. Tunnels are up while
 * the connection is there. A connection of dynamic routing can be made and learns nothing: BGP over VPN, and
 * connections to a transit gateway, are not simulated.
 */
import type {
  CreateCustomerGatewayRequest,
  CreateCustomerGatewayResult,
  CreateVpnConnectionRequest,
  CreateVpnConnectionResult,
  CreateVpnConnectionRouteRequest,
  CustomerGateway,
  DeleteCustomerGatewayRequest,
  DeleteVpnConnectionRequest,
  DeleteVpnConnectionRouteRequest,
  DescribeCustomerGatewaysRequest,
  DescribeCustomerGatewaysResult,
  DescribeVpnConnectionsRequest,
  DescribeVpnConnectionsResult,
  VpnConnection,
} from '@aws-sdk/client-ec2';
import { formatPrefix, parseAddress } from '../../../controller/base/ip.ts';
import { cidrParameter } from '../addressing.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { hexDigits } from '../identifier.ts';
import { giveBack, takePublicAddress } from '../public-address.ts';
import type { CustomerGatewayRecord, VpnConnectionRecord } from '../record/connectivity.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { DELETED_VISIBLE_MS } from '../transit-gateway.ts';
import { refreshVpnRoutes } from '../vpn.ts';

const SITE = 'customer-gateway';
const KIND = 'vpn-connection';

const siteFilters: Filters<CustomerGatewayRecord> = {
  'bgp-asn': (site) => site.asn,
  'customer-gateway-id': (site) => site.id,
  'ip-address': (site) => site.address,
  state: (site) => site.state,
  type: () => 'ipsec.1',
};

const shownSite = (site: CustomerGatewayRecord): CustomerGateway => ({
  CustomerGatewayId: site.id,
  State: site.state,
  Type: 'ipsec.1',
  IpAddress: site.address,
  BgpAsn: String(site.asn),
  ...(site.deviceName !== undefined && { DeviceName: site.deviceName }),
  Tags: shownTags(site.tags),
});

function createSite(tx: Tx, input: CreateCustomerGatewayRequest): CreateCustomerGatewayResult {
  const { Type: type, BgpAsn: asn = 65_000, DeviceName: deviceName } = input;
  if (type !== 'ipsec.1') invalidValue('type', type);
  const address = input.IpAddress ?? input.PublicIp ?? missing('ipAddress');
  const parsed = parseAddress(address);
  if (!parsed.ok || parsed.value.family !== 4) invalidValue('ipAddress', address, 'Invalid IPv4 address.');
  const twin = tx.list(SITE).find((each) => {
    return each.state === 'available' && each.address === address && each.asn === asn;
  });
  if (twin !== undefined) return { CustomerGateway: shownSite(twin) };
  const { customerGateways: most } = tx.settings.quotas;
  if (tx.list(SITE).filter((each) => each.state === 'available').length >= most) {
    refuse('CustomerGatewayLimitExceeded', `The maximum number of customer gateways is ${most}.`);
  }
  const site = tx.put(SITE, {
    id: tx.newId('cgw'),
    tags: specifiedTags(tx, input.TagSpecifications, SITE),
    account: tx.account,
    state: 'available',
    address,
    asn,
    ...(deviceName && { deviceName }),
  });
  return { CustomerGateway: { ...shownSite(site), State: 'pending' } };
}

function deleteSite(tx: Tx, id: string): undefined {
  const site = tx.need(SITE, id);
  if (site.state !== 'available') refuse('IncorrectState', `The customer gateway '${id}' is deleted`);
  if (tx.referring(KIND, id).length > 0) {
    refuse('IncorrectState', `The customer gateway '${id}' is in use.`);
  }
  tx.put(SITE, { ...site, state: 'deleted' });
  tx.after(DELETED_VISIBLE_MS, { name: 'customer-gateway-forgotten', id });
  return undefined;
}

const filters: Filters<VpnConnectionRecord> = {
  'customer-gateway-id': (connection) => connection.customerGateway,
  'option.static-routes-only': (connection) => connection.staticOnly,
  'route.destination-cidr-block': (connection) => connection.routes,
  state: (connection) => connection.state,
  'customer-gateway-configuration': (connection, tx) => configurationOf(tx, connection),
  'bgp-asn': (connection, tx) => tx.get(SITE, connection.customerGateway)?.asn,
  'transit-gateway-id': () => undefined,
  type: () => 'ipsec.1',
  'vpn-connection-id': (connection) => connection.id,
  'vpn-gateway-id': (connection) => connection.gateway,
};

const shown = (tx: Tx, connection: VpnConnectionRecord): VpnConnection => ({
  VpnConnectionId: connection.id,
  VpnGatewayId: connection.gateway,
  CustomerGatewayId: connection.customerGateway,
  State: connection.state,
  Type: 'ipsec.1',
  Category: 'VPN',
  CustomerGatewayConfiguration: configurationOf(tx, connection),
  Options: {
    EnableAcceleration: false,
    StaticRoutesOnly: connection.staticOnly,
    LocalIpv4NetworkCidr: '0.0.0.0/0',
    RemoteIpv4NetworkCidr: '0.0.0.0/0',
    OutsideIpAddressType: 'PublicIpv4',
    TunnelInsideIpVersion: 'ipv4',
    TunnelOptions: connection.tunnels.map(({ outside, inside, key }) => ({
      OutsideIpAddress: outside,
      TunnelInsideCidr: `${inside}.0/30`,
      PreSharedKey: key,
    })),
  },
  Routes: connection.routes.map((DestinationCidrBlock) => ({
    DestinationCidrBlock,
    Source: 'Static',
    State: 'available',
  })),
  VgwTelemetry:
    connection.state === 'available'
      ? connection.tunnels.map(({ outside }) => ({ OutsideIpAddress: outside, Status: 'UP' }))
      : [],
  Tags: shownTags(connection.tags),
});

/** The configuration for the customer's device: what clients read of it, the two tunnels. */
function configurationOf(tx: Tx, connection: VpnConnectionRecord): string {
  const outside = tx.get(SITE, connection.customerGateway);
  const asn = tx.get('vpn-gateway', connection.gateway)?.asn;
  const ip = (address: string): string => `<ip_address>${address}</ip_address>`;
  const tunnels = connection.tunnels.map(
    (tunnel) =>
      `<ipsec_tunnel><customer_gateway><tunnel_outside_address>${ip(outside?.address ?? '')}` +
      `</tunnel_outside_address><tunnel_inside_address>${ip(`${tunnel.inside}.2`)}</tunnel_inside_address>` +
      `</customer_gateway><vpn_gateway><tunnel_outside_address>${ip(tunnel.outside)}</tunnel_outside_address>` +
      `<tunnel_inside_address>${ip(`${tunnel.inside}.1`)}</tunnel_inside_address>` +
      `<bgp><asn>${asn}</asn><hold_time>30</hold_time></bgp></vpn_gateway>` +
      `<ike><pre_shared_key>${tunnel.key}</pre_shared_key></ike></ipsec_tunnel>`,
  );
  return `<vpn_connection id="${connection.id}">${tunnels.join('')}</vpn_connection>`;
}

function create(tx: Tx, input: CreateVpnConnectionRequest): CreateVpnConnectionResult {
  if (input.TransitGatewayId !== undefined) {
    refuse(
      'UnsupportedOperation',
      'VPN connections to transit gateways are not simulated; name a VPN gateway.',
    );
  }
  const site = tx.need(SITE, input.CustomerGatewayId ?? '');
  const gateway = tx.need('vpn-gateway', input.VpnGatewayId ?? missing('vpnGatewayId'));
  if (gateway.state !== 'available' || site.state !== 'available') {
    refuse('IncorrectState', `${gateway.state === 'available' ? site.id : gateway.id} is deleted`);
  }
  if (tx.referring(KIND, gateway.id).length >= tx.settings.quotas.connectionsPerVpnGateway) {
    refuse(
      'VpnConnectionLimitExceeded',
      `The maximum number of VPN connections of ${gateway.id} is reached.`,
    );
  }
  const id = tx.newId('vpn');
  const tunnel = (third: number) => ({
    outside: takePublicAddress(tx, id),
    inside: `169.254.${third}`,
    key: hexDigits(tx.random, 32),
  });
  const connection = tx.put(KIND, {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    gateway: gateway.id,
    customerGateway: site.id,
    state: 'available',
    staticOnly: input.Options?.StaticRoutesOnly ?? false,
    routes: [],
    tunnels: [tunnel(10), tunnel(11)],
  });
  return { VpnConnection: { ...shown(tx, connection), State: 'pending' } };
}

function needLive(tx: Tx, id: string): VpnConnectionRecord {
  const connection = tx.need(KIND, id);
  if (connection.state !== 'available') refuse('IncorrectState', `The VPN connection '${id}' is deleted`);
  return connection;
}

function remove(tx: Tx, id: string): undefined {
  const connection = needLive(tx, id);
  for (const { outside } of connection.tunnels) giveBack(tx, outside);
  tx.put(KIND, { ...connection, state: 'deleted', routes: [] });
  refreshVpnRoutes(tx, connection.gateway);
  tx.after(DELETED_VISIBLE_MS, { name: 'vpn-connection-forgotten', id });
  return undefined;
}

interface RouteInput {
  readonly VpnConnectionId: string | undefined;
  readonly DestinationCidrBlock: string | undefined;
}

function changeRoute(tx: Tx, input: RouteInput, on: boolean): undefined {
  const connection = needLive(tx, input.VpnConnectionId ?? '');
  const text = input.DestinationCidrBlock ?? missing('destinationCidrBlock');
  const destination = formatPrefix(cidrParameter('destinationCidrBlock', text, 4));
  if (on && !connection.staticOnly) {
    refuse('InvalidParameterValue', `The VPN connection ${connection.id} does not use static routes only`);
  }
  if (!on && !connection.routes.includes(destination)) {
    refuse('InvalidRoute.NotFound', `The VPN connection ${connection.id} has no route ${destination}`);
  }
  const others = connection.routes.filter((each) => each !== destination);
  tx.put(KIND, { ...connection, routes: on ? [...others, destination] : others });
  refreshVpnRoutes(tx, connection.gateway);
  return undefined;
}

export const vpnConnectionHandlers: Handlers = {
  CreateCustomerGateway: handler(createSite),
  DeleteCustomerGateway: handler((tx, { CustomerGatewayId: id = '' }: DeleteCustomerGatewayRequest) =>
    deleteSite(tx, id),
  ),
  DescribeCustomerGateways: handler(
    (tx, input: DescribeCustomerGatewaysRequest): DescribeCustomerGatewaysResult => {
      const page = describe(tx, { kind: SITE, ids: input.CustomerGatewayIds, input, filters: siteFilters });
      return { CustomerGateways: page.records.map(shownSite) };
    },
  ),
  CreateVpnConnection: handler(create),
  DeleteVpnConnection: handler((tx, { VpnConnectionId: id = '' }: DeleteVpnConnectionRequest) =>
    remove(tx, id),
  ),
  DescribeVpnConnections: handler(
    (tx, input: DescribeVpnConnectionsRequest): DescribeVpnConnectionsResult => {
      const page = describe(tx, { kind: KIND, ids: input.VpnConnectionIds, input, filters });
      return { VpnConnections: page.records.map((each) => shown(tx, each)) };
    },
  ),
  CreateVpnConnectionRoute: handler((tx, input: CreateVpnConnectionRouteRequest) =>
    changeRoute(tx, input, true),
  ),
  DeleteVpnConnectionRoute: handler((tx, input: DeleteVpnConnectionRouteRequest) =>
    changeRoute(tx, input, false),
  ),
};

export const vpnConnectionTransitions: Transitions = {
  'customer-gateway-forgotten': (tx, id) => tx.remove(SITE, id),
  'vpn-connection-forgotten': (tx, id) => tx.remove(KIND, id),
};
