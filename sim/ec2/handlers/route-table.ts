/** Route tables and their associations with subnets. Edge (gateway) associations are not simulated. */
import type {
  AssociateRouteTableRequest,
  AssociateRouteTableResult,
  CreateRouteTableRequest,
  CreateRouteTableResult,
  DeleteRouteTableRequest,
  DescribeRouteTablesRequest,
  DescribeRouteTablesResult,
  DisassociateRouteTableRequest,
  ReplaceRouteTableAssociationRequest,
  ReplaceRouteTableAssociationResult,
  RouteTable,
  Route as ShownRoute,
} from '@aws-sdk/client-ec2';
import { unreachable } from '../../../controller/base/result.ts';
import type { Route } from '../../vpc/model.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { RouteTableAssociation, RouteTableRecord, VpcRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const isLocal = (route: Route): boolean => route.target.kind === 'local';

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

/** Gives every table of a VPC the local routes of the VPC's present blocks. */
export function refreshLocalRoutes(tx: Tx, vpc: VpcRecord): void {
  for (const table of tx.referring('route-table', vpc.id)) {
    const others = table.routes.filter((route) => !isLocal(route));
    tx.put('route-table', { ...table, routes: [...localRoutes(vpc), ...others] });
  }
}

const isMain = (table: RouteTableRecord): boolean =>
  table.associations.some((association) => association.subnet === undefined);

/** The main table of a VPC: every VPC has one. */
export const mainTable = (tx: Tx, vpc: string): RouteTableRecord =>
  tx.referring('route-table', vpc).find(isMain) ??
  refuse('InternalError', `The VPC ${vpc} has no main route table`, 500);

/** Drops the association of a subnet that goes away. */
export function forgetAssociations(tx: Tx, subnet: string): void {
  for (const table of tx.referring('route-table', subnet)) {
    const associations = table.associations.filter((each) => each.subnet !== subnet);
    tx.put('route-table', { ...table, associations });
  }
}

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
      return { GatewayId: target.gateway };
    case 'vpc-peering-connection':
      return { VpcPeeringConnectionId: target.connection };
    case 'eni': {
      const attachment = tx.get('network-interface', target.eni)?.attachment;
      return {
        NetworkInterfaceId: target.eni,
        ...(attachment && { InstanceId: attachment.instance, InstanceOwnerId: attachment.instanceOwner }),
      };
    }
    default:
      return unreachable(target);
  }
}

const shownRoute = (tx: Tx, table: RouteTableRecord, route: Route): ShownRoute => ({
  ...(route.destination.includes(':')
    ? { DestinationIpv6CidrBlock: route.destination }
    : { DestinationCidrBlock: route.destination }),
  ...shownTarget(tx, route),
  Origin: route.origin,
  State: routeState(tx, table, route),
});

const shown = (tx: Tx, table: RouteTableRecord): RouteTable => ({
  RouteTableId: table.id,
  OwnerId: table.account,
  VpcId: table.vpc,
  Routes: table.routes.map((route) => shownRoute(tx, table, route)),
  Associations: table.associations.map(({ association, subnet }) => ({
    RouteTableAssociationId: association,
    RouteTableId: table.id,
    Main: subnet === undefined,
    ...(subnet !== undefined && { SubnetId: subnet }),
    AssociationState: { State: 'associated' },
  })),
  PropagatingVgws: [],
  Tags: shownTags(table.tags),
});

const ofRoutes =
  (property: (route: ShownRoute) => string | undefined) =>
  (table: RouteTableRecord, tx: Tx): (string | undefined)[] =>
    table.routes.map((route) => property(shownRoute(tx, table, route)));

const filters: Filters<RouteTableRecord> = {
  'association.gateway-id': () => undefined,
  'association.route-table-association-id': (table) => table.associations.map((each) => each.association),
  'association.route-table-id': (table) => (table.associations.length > 0 ? table.id : undefined),
  'association.subnet-id': (table) => table.associations.map((each) => each.subnet),
  'association.main': (table) => table.associations.map((each) => String(each.subnet === undefined)),
  'owner-id': (table) => table.account,
  'route-table-id': (table) => table.id,
  'route.destination-cidr-block': ofRoutes((route) => route.DestinationCidrBlock),
  'route.destination-ipv6-cidr-block': ofRoutes((route) => route.DestinationIpv6CidrBlock),
  'route.destination-prefix-list-id': () => undefined,
  'route.egress-only-internet-gateway-id': () => undefined,
  'route.gateway-id': ofRoutes((route) => route.GatewayId),
  'route.instance-id': ofRoutes((route) => route.InstanceId),
  'route.nat-gateway-id': () => undefined,
  'route.network-interface-id': ofRoutes((route) => route.NetworkInterfaceId),
  'route.transit-gateway-id': () => undefined,
  'route.origin': ofRoutes((route) => route.Origin),
  'route.state': ofRoutes((route) => route.State),
  'route.vpc-peering-connection-id': ofRoutes((route) => route.VpcPeeringConnectionId),
  'vpc-id': (table) => table.vpc,
};

const indexed = ['association.route-table-association-id', 'association.subnet-id', 'vpc-id'];

function associate(tx: Tx, input: AssociateRouteTableRequest): AssociateRouteTableResult {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  if (input.GatewayId !== undefined) {
    refuse(
      'UnsupportedOperation',
      'Gateway (edge) route table associations are not simulated; give a SubnetId.',
    );
  }
  const subnet = tx.need('subnet', input.SubnetId ?? missing('subnetId'));
  if (subnet.vpc !== table.vpc) {
    refuse(
      'InvalidParameterValue',
      `Route table ${table.id} and subnet ${subnet.id} belong to different networks`,
    );
  }
  const [holder] = tx.referring('route-table', subnet.id);
  const existing = holder?.associations.find((each) => each.subnet === subnet.id);
  if (holder && existing) {
    if (holder.id === table.id) return result(existing.association);
    const why = 'conflicts with an existing association';
    refuse('Resource.AlreadyAssociated', `the specified association for route table ${table.id} ${why}`);
  }
  const association = tx.newId('rtbassoc');
  const associations = [...table.associations, { association, subnet: subnet.id }];
  tx.put('route-table', { ...table, associations });
  return result(association);
}

const result = (association: string): AssociateRouteTableResult => ({
  AssociationId: association,
  AssociationState: { State: 'associated' },
});

/** The table that holds an association, and the table without it. */
function needAssociation(
  tx: Tx,
  id: string,
): { readonly found: RouteTableAssociation; readonly without: RouteTableRecord } {
  const [table] = tx.referring('route-table', id);
  const found = table?.associations.find((each) => each.association === id);
  if (!table || !found) {
    return refuse('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  }
  const associations = table.associations.filter((each) => each !== found);
  return { found, without: { ...table, associations } };
}

function replaceAssociation(
  tx: Tx,
  input: ReplaceRouteTableAssociationRequest,
): ReplaceRouteTableAssociationResult {
  const { found, without } = needAssociation(tx, input.AssociationId ?? '');
  const target = tx.need('route-table', input.RouteTableId ?? '');
  if (target.vpc !== without.vpc) {
    refuse(
      'InvalidParameterValue',
      `Route tables ${without.id} and ${target.id} belong to different networks`,
    );
  }
  tx.put('route-table', without);
  const table = tx.need('route-table', target.id);
  const association = tx.newId('rtbassoc');
  tx.put('route-table', { ...table, associations: [...table.associations, { ...found, association }] });
  return { NewAssociationId: association, AssociationState: { State: 'associated' } };
}

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

  AssociateRouteTable: handler(associate),

  DisassociateRouteTable: handler((tx, { AssociationId: id = '' }: DisassociateRouteTableRequest) => {
    const { found, without } = needAssociation(tx, id);
    if (found.subnet === undefined) {
      refuse('InvalidParameterValue', `cannot disassociate the main route table association ${id}`);
    }
    tx.put('route-table', without);
    return undefined;
  }),

  ReplaceRouteTableAssociation: handler(replaceAssociation),
};
