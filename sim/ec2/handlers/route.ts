/**
 * CreateRoute, ReplaceRoute, DeleteRoute. Targets: an ENI, an instance with one ENI, an Internet gateway. The
 * local route cannot be retargeted here. There is no compare-and-set: the last writer wins.
 */
import type {
  CreateRouteRequest,
  CreateRouteResult,
  DeleteRouteRequest,
  ReplaceRouteRequest,
} from '@aws-sdk/client-ec2';
import { covers, formatPrefix, type Prefix, parsePrefix, prefix } from '../../../controller/base/ip.ts';
import { type Route, type RouteTarget, targetId } from '../../vpc/model.ts';
import { cidrParameter } from '../addressing.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { RouteTableRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';

interface DestinationInput {
  readonly DestinationCidrBlock?: string | undefined;
  readonly DestinationIpv6CidrBlock?: string | undefined;
  readonly DestinationPrefixListId?: string | undefined;
}

/** The destination that a request names, with its family. */
function destinationOf(input: DestinationInput): { readonly text: string; readonly family: 4 | 6 } {
  const { DestinationCidrBlock: v4, DestinationIpv6CidrBlock: v6, DestinationPrefixListId: list } = input;
  const given = [v4, v6, list].filter((each) => each !== undefined);
  if (given.length > 1) {
    const names = 'destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId';
    refuse('InvalidParameterCombination', `The request must contain exactly one of ${names}`);
  }
  if (list !== undefined) {
    refuse('InvalidPrefixListID.NotFound', `The prefix list ID '${list}' does not exist`);
  }
  if (v4 !== undefined) return { text: v4, family: 4 };
  return { text: v6 ?? missing('destinationCidrBlock'), family: 6 };
}

/** Link-local and IMDS addresses that AWS keeps for itself. Route tables page, "Considerations". */
const reserved = ['169.254.168.0/22', 'fd00:ec2::/32'].map(prefix);

/** Target kinds whose resources are not simulated: none of them exists, and EC2 says so. */
const absentTargets = [
  ['NatGatewayId', 'InvalidNatGatewayID.NotFound', 'NatGateway ID'],
  ['TransitGatewayId', 'InvalidTransitGatewayID.NotFound', 'transitGateway ID'],
  ['EgressOnlyInternetGatewayId', 'InvalidGatewayID.NotFound', 'eigw ID'],
  ['VpcEndpointId', 'InvalidVpcEndpointId.NotFound', 'vpcEndpoint ID'],
  ['LocalGatewayId', 'InvalidLocalGatewayID.NotFound', 'localGateway ID'],
  ['CarrierGatewayId', 'InvalidCarrierGatewayID.NotFound', 'carrierGateway ID'],
  ['CoreNetworkArn', 'InvalidCoreNetworkArn.NotFound', 'core network ARN'],
  ['OdbNetworkArn', 'InvalidOdbNetworkArn.NotFound', 'ODB network ARN'],
] as const;

const presentTargets = ['GatewayId', 'InstanceId', 'NetworkInterfaceId', 'VpcPeeringConnectionId'] as const;

type TargetInput = Pick<CreateRouteRequest, (typeof presentTargets)[number]> & {
  readonly [K in (typeof absentTargets)[number][0]]?: string | undefined;
};

/** The one target that a request names, checked to be in the table's VPC. */
function targetOf(tx: Tx, table: RouteTableRecord, input: TargetInput): RouteTarget {
  const { GatewayId: gateway, InstanceId: instance, NetworkInterfaceId: eni } = input;
  const absent = absentTargets.filter(([name]) => input[name] !== undefined);
  const count = absent.length + presentTargets.filter((name) => input[name] !== undefined).length;
  if (count === 0) missing('gatewayId or networkInterfaceId');
  if (count > 1) {
    const names = 'gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId or transitGatewayId';
    refuse('InvalidParameterCombination', `The request must contain exactly one of ${names}`);
  }
  for (const [name, code, noun] of absent) refuse(code, `The ${noun} '${input[name]}' does not exist`);
  if (gateway !== undefined) return gatewayTarget(tx, table, gateway);
  if (input.VpcPeeringConnectionId !== undefined)
    return peeringTarget(tx, table, input.VpcPeeringConnectionId);
  const target = tx.need('network-interface', eni ?? onlyInterface(tx, instance ?? ''));
  if (target.vpc !== table.vpc) {
    refuse(
      'InvalidParameterValue',
      `route table ${table.id} and interface ${target.id} belong to different networks`,
    );
  }
  return { kind: 'eni', eni: target.id };
}

function gatewayTarget(tx: Tx, table: RouteTableRecord, id: string): RouteTarget {
  if (!id.startsWith('igw-')) refuse('InvalidGatewayID.NotFound', `The gateway ID '${id}' does not exist`);
  const gateway = tx.need('internet-gateway', id);
  if (gateway.vpc !== table.vpc) {
    refuse(
      'InvalidParameterValue',
      `route table ${table.id} and network gateway ${id} belong to different networks`,
    );
  }
  return { kind: 'internet-gateway', gateway: gateway.id };
}

/** A connection that is not active yet may be named; the route is a blackhole until it is. */
function peeringTarget(tx: Tx, table: RouteTableRecord, id: string): RouteTarget {
  const { requesterVpc, accepterVpc } = tx.need('vpc-peering-connection', id);
  if (requesterVpc !== table.vpc && accepterVpc !== table.vpc) {
    const why = 'belong to different networks';
    refuse('InvalidParameterValue', `route table ${table.id} and vpc peering connection ${id} ${why}`);
  }
  return { kind: 'vpc-peering-connection', connection: id };
}

function onlyInterface(tx: Tx, id: string): string {
  const instance = tx.need('instance', id);
  const [first, ...others] = tx.referring('network-interface', instance.id);
  if (first === undefined) {
    return refuse('InvalidInstanceID', `The instance ID '${id}' has no network interface; is it terminated?`);
  }
  if (others.length > 0) {
    const why = 'There are multiple interfaces attached to instance';
    refuse('InvalidInstanceID', `${why} '${id}'. Please specify an interface ID for the operation instead.`);
  }
  return first.id;
}

/** The rules for a destination inside the VPC: only to an ENI, and only for the whole block of a subnet. */
function checkDestination(tx: Tx, table: RouteTableRecord, destination: Prefix, target: RouteTarget): void {
  const text = formatPrefix(destination);
  if (reserved.some((each) => covers(each, destination))) {
    refuse('InvalidParameterValue', `The destination CIDR block ${text} lies in a range that AWS reserves.`);
  }
  const vpc = tx.need('vpc', table.vpc);
  const within = [...vpc.ipv4, ...vpc.ipv6].some((block) => covers(prefix(block.cidr), destination));
  if (!within) return;
  if (!tx.settings.moreSpecificRoutes) {
    const only = 'This route only supports interface and instance targets.';
    refuse('InvalidParameterValue', `Route target is not supported. ${only}`);
  }
  const own = "is equal to or more specific than one of this VPC's CIDR blocks.";
  const inside = `The destination CIDR block ${text} ${own}`;
  if (target.kind !== 'eni') {
    refuse('InvalidParameterValue', `${inside} This route can target only an interface or an instance.`);
  }
  const subnets = tx.referring('subnet', vpc.id);
  if (!subnets.some((subnet) => subnet.cidr === text || subnet.ipv6?.cidr === text)) {
    refuse('InvalidParameterValue', `${inside} It must be the entire CIDR block of a subnet of the VPC.`);
  }
}

function checkQuota(tx: Tx, table: RouteTableRecord, family: 4 | 6): void {
  const sixth = family === 6;
  const count = table.routes.filter(
    (route) => route.target.kind !== 'local' && route.destination.includes(':') === sixth,
  ).length;
  if (count >= tx.settings.quotas.routesPerTable) {
    refuse('RouteLimitExceeded', `The maximum number of routes has been reached (${count}).`);
  }
}

const sameTarget = (a: RouteTarget, b: RouteTarget): boolean =>
  a.kind !== 'local' && targetId(a) === targetId(b);

/** Host bits of a new route are cleared. An identical route succeeds. */
function createRoute(tx: Tx, input: CreateRouteRequest): CreateRouteResult {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const { text, family } = destinationOf(input);
  const block = cidrParameter(
    family === 4 ? 'destinationCidrBlock' : 'destinationIpv6CidrBlock',
    text,
    family,
  );
  const destination = formatPrefix(block);
  const target = targetOf(tx, table, input);
  const existing = table.routes.find((route) => route.destination === destination);
  if (existing?.target.kind === 'local') checkDestination(tx, table, block, target);
  if (existing) {
    if (sameTarget(existing.target, target)) return { Return: true };
    refuse('RouteAlreadyExists', `The route identified by ${destination} already exists.`);
  }
  checkDestination(tx, table, block, target);
  checkQuota(tx, table, family);
  const route: Route = { destination, target, origin: 'CreateRoute' };
  tx.put('route-table', { ...table, routes: [...table.routes, route] });
  return { Return: true };
}

/** The index of the route whose destination a request names exactly; -1 where there is none. */
function routeIndex(table: RouteTableRecord, text: string, family: 4 | 6): number {
  const exact = table.routes.findIndex((route) => route.destination === text);
  if (exact >= 0) return exact;
  const parsed = parsePrefix(text, 'clear');
  if (!parsed.ok || parsed.value.address.family !== family) {
    cidrParameter(family === 4 ? 'destinationCidrBlock' : 'destinationIpv6CidrBlock', text, family);
  }
  const canonical = parsePrefix(text);
  if (!canonical.ok) return -1;
  const destination = formatPrefix(canonical.value);
  return table.routes.findIndex((route) => route.destination === destination);
}

function replaceRoute(tx: Tx, input: ReplaceRouteRequest): undefined {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const { text, family } = destinationOf(input);
  const index = routeIndex(table, text, family);
  const route = table.routes[index];
  if (route === undefined) {
    const why = `There is no route defined for '${text}' in the route table.`;
    return refuse('InvalidParameterValue', `${why} Use CreateRoute instead.`);
  }
  if (input.LocalTarget !== undefined || route.target.kind === 'local') {
    const why = `The local route ${route.destination} of route table ${table.id} cannot be replaced`;
    refuse('InvalidParameterValue', `${why}: targets of local routes are not simulated.`);
  }
  const target = targetOf(tx, table, input);
  checkDestination(tx, table, prefix(route.destination), target);
  if (sameTarget(route.target, target)) return undefined;
  tx.put('route-table', { ...table, routes: table.routes.with(index, { ...route, target }) });
  return undefined;
}

function deleteRoute(tx: Tx, input: DeleteRouteRequest): undefined {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const { text, family } = destinationOf(input);
  const index = routeIndex(table, text, family);
  const route = table.routes[index];
  if (route === undefined) {
    const why = `no route with destination-cidr-block ${text} in route table ${table.id}`;
    return refuse('InvalidRoute.NotFound', why);
  }
  if (route.target.kind === 'local') {
    refuse(
      'InvalidParameterValue',
      `cannot remove local route ${route.destination} in route table ${table.id}`,
    );
  }
  tx.put('route-table', { ...table, routes: table.routes.toSpliced(index, 1) });
  return undefined;
}

export const routeHandlers: Handlers = {
  CreateRoute: handler(createRoute),
  ReplaceRoute: handler(replaceRoute),
  DeleteRoute: handler(deleteRoute),
};
