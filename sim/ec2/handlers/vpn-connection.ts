/**
 * VPN connections from a VPN gateway or a transit gateway to a customer gateway, with static routes or with
 * BGP. IPsec is up while the connection is there, unless an experiment sets a tunnel down; the customer's
 * router is one of the world's (`sim/world/site-router.ts`), or there is none, and then no BGP.
 */
import type {
  CreateVpnConnectionRequest,
  CreateVpnConnectionResult,
  CreateVpnConnectionRouteRequest,
  DeleteVpnConnectionRequest,
  DeleteVpnConnectionRouteRequest,
  DescribeVpnConnectionsRequest,
  DescribeVpnConnectionsResult,
  VpnConnection,
  VpnTunnelOptionsSpecification,
} from '@aws-sdk/client-ec2';
import { formatPrefix } from '../../../controller/base/ip.ts';
import { cidrParameter } from '../addressing.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { hexDigits } from '../identifier.ts';
import { giveBack, takePublicAddress } from '../public-address.ts';
import type { IkeVersion, VpnConnectionRecord, VpnTunnel } from '../record/connectivity.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { closeAttachment, DELETED_VISIBLE_MS, needAvailable } from '../transit-gateway.ts';
import { insideAddress, insideBlock, refreshVpn, tunnelState } from '../vpn.ts';

const KIND = 'vpn-connection';
const ATTACHMENT = 'transit-gateway-attachment';

const filters: Filters<VpnConnectionRecord> = {
  'customer-gateway-id': (connection) => connection.customerGateway,
  'option.static-routes-only': (connection) => connection.staticOnly,
  'route.destination-cidr-block': (connection) => connection.routes,
  state: (connection) => connection.state,
  'customer-gateway-configuration': (connection, tx) => configurationOf(tx, connection),
  'bgp-asn': (connection, tx) => tx.get('customer-gateway', connection.customerGateway)?.asn,
  type: () => 'ipsec.1',
  'vpn-connection-id': (connection) => connection.id,
  'transit-gateway-id': (connection) => connection.gateway,
  'vpn-gateway-id': (connection) => connection.gateway,
};

const shown = (tx: Tx, connection: VpnConnectionRecord): VpnConnection => ({
  VpnConnectionId: connection.id,
  ...(connection.attachment === undefined
    ? { VpnGatewayId: connection.gateway }
    : { TransitGatewayId: connection.gateway }),
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
    TunnelOptions: connection.tunnels.map(({ outside, inside, key, ikeVersions }) => ({
      OutsideIpAddress: outside,
      TunnelInsideCidr: inside,
      PreSharedKey: key,
      ...(ikeVersions && { IkeVersions: ikeVersions.map((Value) => ({ Value })) }),
    })),
  },
  Routes: connection.routes.map((DestinationCidrBlock) => ({
    DestinationCidrBlock,
    Source: 'Static',
    State: 'available',
  })),
  VgwTelemetry: connection.state === 'available' ? telemetryOf(tx, connection) : [],
  Tags: shownTags(connection.tags),
});

const telemetryOf = (tx: Tx, connection: VpnConnectionRecord): VpnConnection['VgwTelemetry'] =>
  connection.tunnels.map((tunnel) => {
    const { isUp, accepted, message, changedAt } = tunnelState(tx, connection, tunnel);
    return {
      OutsideIpAddress: tunnel.outside,
      Status: isUp ? 'UP' : 'DOWN',
      StatusMessage: message,
      LastStatusChange: changedAt,
      AcceptedRouteCount: accepted,
    };
  });

/** The configuration for the customer's device: what clients read of it, the two tunnels. */
function configurationOf(tx: Tx, connection: VpnConnectionRecord): string {
  const outside = tx.get('customer-gateway', connection.customerGateway);
  const kind = connection.attachment === undefined ? 'vpn-gateway' : 'transit-gateway';
  const asn = tx.get(kind, connection.gateway)?.asn;
  const ip = (address: string): string => `<ip_address>${address}</ip_address>`;
  const tunnels = connection.tunnels.map(
    (tunnel) =>
      `<ipsec_tunnel><customer_gateway><tunnel_outside_address>${ip(outside?.address ?? '')}` +
      `</tunnel_outside_address><tunnel_inside_address>${ip(insideAddress(tunnel, 2))}</tunnel_inside_address>` +
      `</customer_gateway><vpn_gateway><tunnel_outside_address>${ip(tunnel.outside)}</tunnel_outside_address>` +
      `<tunnel_inside_address>${ip(insideAddress(tunnel, 1))}</tunnel_inside_address>` +
      `<bgp><asn>${asn}</asn><hold_time>30</hold_time></bgp></vpn_gateway>` +
      `<ike><pre_shared_key>${tunnel.key}</pre_shared_key></ike></ipsec_tunnel>`,
  );
  return `<vpn_connection id="${connection.id}">${tunnels.join('')}</vpn_connection>`;
}

/** The gateway of a new connection: a VPN gateway with room for it, or a transit gateway. */
function gatewayOf(tx: Tx, input: CreateVpnConnectionRequest): { readonly id: string } {
  if (input.TransitGatewayId !== undefined) {
    if (input.VpnGatewayId !== undefined) {
      const names = 'vpnGatewayId or transitGatewayId';
      refuse('InvalidParameterCombination', `The request must contain exactly one of ${names}`);
    }
    return needAvailable(tx.need('transit-gateway', input.TransitGatewayId));
  }
  const gateway = tx.need('vpn-gateway', input.VpnGatewayId ?? missing('vpnGatewayId'));
  if (gateway.state !== 'available') refuse('IncorrectState', `${gateway.id} is deleted`);
  if (tx.referring(KIND, gateway.id).length >= tx.settings.quotas.connectionsPerVpnGateway) {
    const why = `The maximum number of VPN connections of ${gateway.id} is reached.`;
    refuse('VpnConnectionLimitExceeded', why);
  }
  return gateway;
}

const ikeVersion = (asked: string | undefined): IkeVersion =>
  asked === 'ikev1' || asked === 'ikev2'
    ? asked
    : invalidValue('ikeVersions', asked, 'It must be ikev1 or ikev2.');

/** Both tunnels, as asked for as far as something is. */
function tunnelsOf(
  tx: Tx,
  connection: string,
  asked: readonly VpnTunnelOptionsSpecification[],
): readonly VpnTunnel[] {
  const tunnels: VpnTunnel[] = [];
  for (const index of [0, 1]) {
    const taken = tunnels.map(({ inside }) => inside);
    const ikeVersions = asked[index]?.IKEVersions?.map(({ Value }) => ikeVersion(Value));
    tunnels.push({
      outside: takePublicAddress(tx, connection),
      inside: insideBlock(tx, asked[index]?.TunnelInsideCidr, taken),
      key: asked[index]?.PreSharedKey ?? hexDigits(tx.random, 32),
      ...(ikeVersions && { ikeVersions }),
      down: false,
      changedAt: tx.date(),
      up: false,
      learnt: [],
    });
  }
  return tunnels;
}

function create(tx: Tx, input: CreateVpnConnectionRequest): CreateVpnConnectionResult {
  const site = tx.need('customer-gateway', input.CustomerGatewayId ?? '');
  if (site.state !== 'available') refuse('IncorrectState', `${site.id} is deleted`);
  const gateway = gatewayOf(tx, input);
  const id = tx.newId('vpn');
  const attachment = input.TransitGatewayId === undefined ? undefined : tx.newId('tgw-attach');
  const connection = tx.put(KIND, {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    region: tx.region,
    gateway: gateway.id,
    ...(attachment !== undefined && { attachment }),
    customerGateway: site.id,
    state: 'available',
    staticOnly: input.Options?.StaticRoutesOnly ?? false,
    routes: [],
    tunnels: tunnelsOf(tx, id, input.Options?.TunnelOptions ?? []),
  });
  if (attachment !== undefined) attach(tx, attachment, gateway.id, id);
  refreshVpn(tx, gateway.id);
  return { VpnConnection: { ...shown(tx, connection), State: 'pending' } };
}

/** A connection to a transit gateway is an attachment. */
function attach(tx: Tx, id: string, gateway: string, connection: string): void {
  tx.put(ATTACHMENT, {
    id,
    tags: {},
    account: tx.account,
    region: tx.region,
    gateway,
    state: 'pending',
    created: tx.date(),
    link: { kind: 'vpn', connection },
    propagations: [],
  });
  tx.after(0, { name: 'transit-attachment-available', id });
}

function needLive(tx: Tx, id: string): VpnConnectionRecord {
  const connection = tx.need(KIND, id);
  if (connection.state !== 'available') refuse('IncorrectState', `The VPN connection '${id}' is deleted`);
  return connection;
}

function remove(tx: Tx, id: string): undefined {
  const connection = needLive(tx, id);
  for (const { outside } of connection.tunnels) giveBack(tx, outside);
  const tunnels = connection.tunnels.map((tunnel) => ({ ...tunnel, up: false, learnt: [] }));
  tx.put(KIND, { ...connection, state: 'deleted', routes: [], tunnels });
  tx.remove('gateway-speaker', id);
  const attachment = tx.get(ATTACHMENT, connection.attachment ?? '');
  if (attachment !== undefined) closeAttachment(tx, attachment, 'deleted');
  refreshVpn(tx, connection.gateway);
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
  if (connection.attachment !== undefined) {
    const why = `is attached to ${connection.gateway}: make static routes in its route tables`;
    refuse('InvalidParameterValue', `The VPN connection ${connection.id} ${why}`);
  }
  if (on && !connection.staticOnly) {
    refuse('InvalidParameterValue', `The VPN connection ${connection.id} does not use static routes only`);
  }
  if (!on && !connection.routes.includes(destination)) {
    refuse('InvalidRoute.NotFound', `The VPN connection ${connection.id} has no route ${destination}`);
  }
  const others = connection.routes.filter((each) => each !== destination);
  tx.put(KIND, { ...connection, routes: on ? [...others, destination] : others });
  refreshVpn(tx, connection.gateway);
  return undefined;
}

export const vpnConnectionHandlers: Handlers = {
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
  'vpn-connection-forgotten': (tx, id) => tx.remove(KIND, id),
};
