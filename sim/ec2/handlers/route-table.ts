/** Route tables as EC2 makes and shows them; their associations are in route-table-association.ts. */
import type {
  CreateRouteTableRequest,
  CreateRouteTableResult,
  DeleteRouteTableRequest,
  DescribeRouteTablesRequest,
  DescribeRouteTablesResult,
  RouteTable,
  Route as ShownRoute,
} from '@aws-sdk/client-ec2';
import { unreachable } from '../../../controller/base/result.ts';
import type { Route } from '../../vpc/model.ts';
import { isLocalRoute, isPrefixListRoute } from '../../vpc/route-order.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { RouteTableRecord, VpcRecord } from '../record/network.ts';
import { isMainAssociation } from '../record/projection.ts';
import { refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { vpcAttachment } from '../transit-gateway.ts';

const localRoutes = (vpc: VpcRecord): Route[] =>
  [...vpc.ipv4, ...vpc.ipv6].map(({ cidr }) => ({
    destination: cidr,
    target: { kind: 'local' },
    origin: 'CreateRouteTable',
  }));

/** Makes a table that holds the local routes of its VPC. */
export function createRouteTable(tx: Tx, vpc: VpcRecord, tags: Tags): RouteTableRecord {
  if (tx.referring('route-table', vpc.id).length >= tx.settings.quotas.routeTablesPerVpc) {
    refuse('RouteTableLimitExceeded', 'The maximum number of route tables has been reached.');
  }
  const id = tx.newId('rtb');
  const routes = localRoutes(vpc);
  return tx.put('route-table', { id, tags, account: tx.account, vpc: vpc.id, routes, associations: [] });
}

/** Gives every table of a VPC the local routes of the VPC's present blocks; retargeted ones stay so. */
export function refreshLocalRoutes(tx: Tx, vpc: VpcRecord): void {
  for (const table of tx.referring('route-table', vpc.id)) {
    const others = table.routes.filter((route) => !isLocalRoute(route));
    const held = (block: Route): Route =>
      table.routes.find((route) => isLocalRoute(route) && route.destination === block.destination) ?? block;
    tx.put('route-table', { ...table, routes: [...localRoutes(vpc).map(held), ...others] });
  }
}

/** Whether a table is the main one of its VPC. */
export const isMain = (table: RouteTableRecord): boolean => table.associations.some(isMainAssociation);

/** The main table of a VPC: every VPC has one. */
export const mainTable = (tx: Tx, vpc: string): RouteTableRecord =>
  tx.referring('route-table', vpc).find(isMain) ??
  refuse('InternalError', `The VPC ${vpc} has no main route table`, 500);

/**
 * `blackhole` where the target cannot take packets: a gateway that is not attached to the VPC, an ENI that is
 * gone or attached to nothing, an instance that is terminated (or stopped, where the settings say so).
 */
export function routeState(tx: Tx, table: RouteTableRecord, { target }: Route): 'active' | 'blackhole' {
  switch (target.kind) {
    case 'local':
      return 'active';
    case 'internet-gateway':
      return tx.get('internet-gateway', target.gateway)?.vpc === table.vpc ? 'active' : 'blackhole';
    case 'vpn-gateway':
      return tx.get('vpn-gateway', target.gateway)?.vpc === table.vpc ? 'active' : 'blackhole';
    case 'transit-gateway':
      return vpcAttachment(tx, target.gateway, table.vpc) ? 'active' : 'blackhole';
    case 'nat-gateway': {
      const state = tx.get('nat-gateway', target.gateway)?.state;
      return state === 'available' || state === 'pending' ? 'active' : 'blackhole';
    }
    case 'egress-only-gateway':
      return tx.get('egress-only-gateway', target.gateway) ? 'active' : 'blackhole';
    case 'vpc-endpoint':
      return tx.get(target.kind, target.endpoint)?.state === 'available' ? 'active' : 'blackhole';
    case 'vpc-peering-connection':
      return tx.get(target.kind, target.connection)?.state === 'active' ? 'active' : 'blackhole';
    case 'eni': {
      const attachment = tx.get('network-interface', target.eni)?.attachment;
      const state = attachment && tx.get('instance', attachment.instance)?.state;
      if (state === undefined || state === 'terminated') return 'blackhole';
      return state === 'stopped' && tx.settings.stoppedIsBlackhole ? 'blackhole' : 'active';
    }
    default:
      return unreachable(target);
  }
}

function shownTarget(tx: Tx, { target }: Route): ShownRoute {
  switch (target.kind) {
    case 'local':
      return { GatewayId: 'local' };
    case 'internet-gateway':
    case 'vpn-gateway':
      return { GatewayId: target.gateway };
    case 'vpc-endpoint':
      return { GatewayId: target.endpoint };
    case 'transit-gateway':
      return { TransitGatewayId: target.gateway };
    case 'nat-gateway':
      return { NatGatewayId: target.gateway };
    case 'egress-only-gateway':
      return { EgressOnlyInternetGatewayId: target.gateway };
    case 'vpc-peering-connection':
      return { VpcPeeringConnectionId: target.connection };
    case 'eni': {
      const attachment = tx.get('network-interface', target.eni)?.attachment;
      return {
        NetworkInterfaceId: target.eni,
        InstanceId: attachment?.instance,
        InstanceOwnerId: attachment?.instanceOwner,
      };
    }
    default:
      return unreachable(target);
  }
}

function shownDestination(route: Route): ShownRoute {
  const { destination } = route;
  if (isPrefixListRoute(route)) return { DestinationPrefixListId: destination };
  return destination.includes(':')
    ? { DestinationIpv6CidrBlock: destination }
    : { DestinationCidrBlock: destination };
}

const shownRoute = (tx: Tx, table: RouteTableRecord, route: Route): ShownRoute =>
  Object.assign(shownDestination(route), shownTarget(tx, route), {
    IpAddress: route.advertised?.nextHop,
    Origin: route.origin,
    State: routeState(tx, table, route),
  });

const shown = (tx: Tx, table: RouteTableRecord): RouteTable => ({
  RouteTableId: table.id,
  OwnerId: table.account,
  VpcId: table.vpc,
  Routes: table.routes.map((route) => shownRoute(tx, table, route)),
  Associations: table.associations.map((each) => ({
    RouteTableAssociationId: each.association,
    RouteTableId: table.id,
    Main: isMainAssociation(each),
    ...(each.subnet !== undefined && { SubnetId: each.subnet }),
    ...(each.gateway !== undefined && { GatewayId: each.gateway }),
    AssociationState: { State: 'associated' },
  })),
  PropagatingVgws: (table.propagating ?? []).map((GatewayId) => ({ GatewayId })),
  Tags: shownTags(table.tags),
});

const ofRoutes =
  (property: (route: ShownRoute) => string | undefined) =>
  (table: RouteTableRecord, tx: Tx): (string | undefined)[] =>
    table.routes.map((route) => property(shownRoute(tx, table, route)));

const filters: Filters<RouteTableRecord> = {
  'association.gateway-id': (table) => table.associations.map((each) => each.gateway),
  'association.route-table-association-id': (table) => table.associations.map((each) => each.association),
  'association.route-table-id': (table) => (table.associations.length > 0 ? table.id : undefined),
  'association.subnet-id': (table) => table.associations.map((each) => each.subnet),
  'association.main': (table) => table.associations.map((each) => String(isMainAssociation(each))),
  'owner-id': (table) => table.account,
  'route-table-id': (table) => table.id,
  'route.destination-cidr-block': ofRoutes((route) => route.DestinationCidrBlock),
  'route.destination-ipv6-cidr-block': ofRoutes((route) => route.DestinationIpv6CidrBlock),
  'route.destination-prefix-list-id': ofRoutes((route) => route.DestinationPrefixListId),
  'route.egress-only-internet-gateway-id': ofRoutes((route) => route.EgressOnlyInternetGatewayId),
  'route.gateway-id': ofRoutes((route) => route.GatewayId),
  'route.instance-id': ofRoutes((route) => route.InstanceId),
  'route.nat-gateway-id': ofRoutes((route) => route.NatGatewayId),
  'route.network-interface-id': ofRoutes((route) => route.NetworkInterfaceId),
  'route.transit-gateway-id': ofRoutes((route) => route.TransitGatewayId),
  'route.origin': ofRoutes((route) => route.Origin),
  'route.state': ofRoutes((route) => route.State),
  'route.vpc-peering-connection-id': ofRoutes((route) => route.VpcPeeringConnectionId),
  'vpc-id': (table) => table.vpc,
};

const indexed = ['association.route-table-association-id', 'association.subnet-id', 'vpc-id'];

export const routeTableHandlers: Handlers = {
  CreateRouteTable: handler((tx, input: CreateRouteTableRequest): CreateRouteTableResult => {
    const vpc = tx.need('vpc', input.VpcId ?? '');
    const table = createRouteTable(tx, vpc, specifiedTags(tx, input.TagSpecifications, 'route-table'));
    return { RouteTable: shown(tx, table), ...(input.ClientToken && { ClientToken: input.ClientToken }) };
  }),

  DescribeRouteTables: handler((tx, input: DescribeRouteTablesRequest): DescribeRouteTablesResult => {
    const page = describe(tx, { kind: 'route-table', ids: input.RouteTableIds, input, filters, indexed });
    return { RouteTables: page.records.map((table) => shown(tx, table)), ...page.next };
  }),

  DeleteRouteTable: handler((tx, { RouteTableId: id = '' }: DeleteRouteTableRequest) => {
    const table = tx.need('route-table', id);
    if (table.associations.length > 0) {
      refuse('DependencyViolation', `The routeTable '${table.id}' has dependencies and cannot be deleted.`);
    }
    tx.remove('route-table', table.id);
    return undefined;
  }),
};
