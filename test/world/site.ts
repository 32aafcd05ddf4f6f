/**
 * A VPC with a workload, a site with a host and a router, and what lies between them: a scene of tests. Not a
 * test itself.
 */
import type {
  DescribeRouteTablesResult,
  DescribeVpnConnectionsResult,
  VpnConnection,
} from '@aws-sdk/client-ec2';
import { must, present } from '../../controller/base/result.ts';
import { addHost } from '../../sim/world/guests.ts';
import { setSiteRouter } from '../../sim/world/site-router.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair, type Pair } from './pair.ts';

export const SITE = '172.16.0.0/16';
export const HOST = '172.16.0.9';

export interface SiteScene {
  readonly world: World;
  readonly pair: Pair;
  /** The route table of the workload's subnet. */
  readonly table: string;
  readonly cgw: string;
}

/** A workload in a subnet whose table is `pair.table`, a customer gateway with AS 65010, a host behind it. */
export function siteScene(announces: readonly string[] | undefined = [SITE]): SiteScene {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world);
  const cgw = customerGateway(world, '203.0.113.77', 65010);
  must(addHost(world, HOST, undefined, cgw));
  if (announces !== undefined) must(setSiteRouter(world, cgw, { announces }));
  return { world, pair, table: pair.table, cgw };
}

export const customerGateway = (world: World, IpAddress: string, BgpAsn: number): string =>
  call<{ CustomerGateway: { CustomerGatewayId: string } }>(world, 'CreateCustomerGateway', {
    Type: 'ipsec.1',
    IpAddress,
    BgpAsn,
  }).CustomerGateway.CustomerGatewayId;

/** Makes a VPN connection and gives its id. */
export const connect = (world: World, CustomerGatewayId: string, more: object): string =>
  present(
    call<{ VpnConnection: VpnConnection }>(world, 'CreateVpnConnection', {
      Type: 'ipsec.1',
      CustomerGatewayId,
      ...more,
    }).VpnConnection.VpnConnectionId,
    'a VPN connection',
  );

/** A VPN gateway that is attached to the VPC and propagates to the workload's table. */
export function vpnGateway({ world, pair, table }: SiteScene): string {
  const { VpnGatewayId } = call<{ VpnGateway: { VpnGatewayId: string } }>(world, 'CreateVpnGateway', {
    Type: 'ipsec.1',
    AmazonSideAsn: 64_900,
  }).VpnGateway;
  call(world, 'AttachVpnGateway', { VpnGatewayId, VpcId: pair.vpc });
  call(world, 'EnableVgwRoutePropagation', { GatewayId: VpnGatewayId, RouteTableId: table });
  return VpnGatewayId;
}

export const connection = (world: World, id: string): VpnConnection => {
  const asked = { VpnConnectionIds: [id] };
  const { VpnConnections } = call<DescribeVpnConnectionsResult>(world, 'DescribeVpnConnections', asked);
  return present(VpnConnections?.[0], id);
};

/** The tunnels of a connection as `UP 1 BGP ROUTES`. */
export const tunnels = (world: World, id: string): string[] =>
  (connection(world, id).VgwTelemetry ?? []).map(({ Status, StatusMessage }) => `${Status} ${StatusMessage}`);

/** The outside addresses of a connection. */
export const outside = (world: World, id: string): string[] =>
  (connection(world, id).VgwTelemetry ?? []).map(({ OutsideIpAddress = '' }) => OutsideIpAddress);

/** The propagated routes of a table as EC2 shows them. */
export function propagated(world: World, table: string): string[] {
  const asked = { RouteTableIds: [table] };
  const { RouteTables } = call<DescribeRouteTablesResult>(world, 'DescribeRouteTables', asked);
  return (RouteTables?.[0]?.Routes ?? [])
    .filter(({ Origin }) => Origin === 'EnableVgwRoutePropagation')
    .map((route) => `${route.DestinationCidrBlock} ${route.GatewayId}`);
}

/** What a site's router hears, by tunnel: prefixes with their AS paths. */
export const heardAt = (world: World, site: string): string[][] =>
  (world.routers.get(site)?.sessions() ?? []).map(({ heard }) =>
    heard.map(({ prefix, asPath }) => `${prefix} ${asPath}`),
  );
