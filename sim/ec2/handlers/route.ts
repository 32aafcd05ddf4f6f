/**
 * CreateRoute, ReplaceRoute, DeleteRoute. Which destinations they take is in route-destination.ts. There is
 * no compare-and-set: the last writer wins.
 */
import type {
  CreateRouteRequest,
  CreateRouteResult,
  DeleteRouteRequest,
  ReplaceRouteRequest,
} from '@aws-sdk/client-ec2';
import { parsePrefix } from '../../../controller/base/ip.ts';
import { type Route, type RouteTarget, targetId } from '../../vpc/model.ts';
import { isLocalRoute, isPropagated } from '../../vpc/route-order.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { RouteTableRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { vpcAttachment } from '../transit-gateway.ts';
import {
  checkDestination,
  checkInside,
  type Destination,
  destinationOf,
  inside,
} from './route-destination.ts';
import { checkRoutesFit } from './route-quota.ts';

/** Target kinds whose resources are not simulated: none of them exists, and EC2 says so. */
const absentTargets = [
  ['LocalGatewayId', 'InvalidLocalGatewayID.NotFound', 'localGateway ID'],
  ['CarrierGatewayId', 'InvalidCarrierGatewayID.NotFound', 'carrierGateway ID'],
  ['CoreNetworkArn', 'InvalidCoreNetworkArn.NotFound', 'core network ARN'],
  ['OdbNetworkArn', 'InvalidOdbNetworkArn.NotFound', 'ODB network ARN'],
] as const;

const presentTargets = [
  'GatewayId',
  'InstanceId',
  'NetworkInterfaceId',
  'TransitGatewayId',
  'VpcPeeringConnectionId',
  'NatGatewayId',
  'EgressOnlyInternetGatewayId',
  'VpcEndpointId',
] as const;

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
  if (input.NatGatewayId !== undefined) return natTarget(tx, table, input.NatGatewayId);
  if (input.EgressOnlyInternetGatewayId !== undefined) {
    return egressOnlyTarget(tx, table, input.EgressOnlyInternetGatewayId);
  }
  if (input.VpcEndpointId !== undefined) return endpointTarget(tx, table, input.VpcEndpointId);
  if (gateway !== undefined) return gatewayTarget(tx, table, gateway);
  if (input.TransitGatewayId !== undefined) return transitTarget(tx, table, input.TransitGatewayId);
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
  if (id.startsWith('vgw-')) {
    if (tx.get('vpn-gateway', id)?.vpc !== table.vpc)
      refuse('InvalidGatewayID.NotFound', `The gateway ID '${id}' does not exist`);
    return { kind: 'vpn-gateway', gateway: id };
  }
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

/** A gateway to which the VPC is not attached does not exist for its route tables, as EC2 words it. */
function transitTarget(tx: Tx, table: RouteTableRecord, id: string): RouteTarget {
  const gateway = tx.need('transit-gateway', id);
  if (vpcAttachment(tx, gateway.id, table.vpc) === undefined) {
    refuse('InvalidTransitGatewayID.NotFound', `The transitGateway ID '${id}' does not exist`);
  }
  return { kind: 'transit-gateway', gateway: gateway.id };
}

function natTarget(tx: Tx, table: RouteTableRecord, id: string): RouteTarget {
  const nat = tx.get('nat-gateway', id);
  if (nat === undefined || nat.state === 'deleted' || nat.state === 'failed') {
    return refuse('InvalidNatGatewayID.NotFound', `The NatGateway ID '${id}' does not exist`);
  }
  if (nat.vpc !== table.vpc) {
    const why = 'belong to different networks';
    refuse('InvalidParameterValue', `route table ${table.id} and NAT gateway ${id} ${why}`);
  }
  return { kind: 'nat-gateway', gateway: id };
}

/** Gateway Load Balancer endpoints only; gateway endpoints make their routes themselves. */
function endpointTarget(tx: Tx, table: RouteTableRecord, id: string): RouteTarget {
  const endpoint = tx.need('vpc-endpoint', id);
  if (endpoint.type !== 'GatewayLoadBalancer') {
    refuse(
      'InvalidParameterValue',
      `The endpoint ${id} is of type ${endpoint.type}, which no route can target.`,
    );
  }
  if (endpoint.vpc !== table.vpc) {
    const why = 'belong to different networks';
    refuse('InvalidParameterValue', `route table ${table.id} and VPC endpoint ${id} ${why}`);
  }
  return { kind: 'vpc-endpoint', endpoint: id };
}

function egressOnlyTarget(tx: Tx, table: RouteTableRecord, id: string): RouteTarget {
  const gateway = tx.need('egress-only-gateway', id);
  if (gateway.vpc !== table.vpc) {
    const why = 'belong to different networks';
    refuse('InvalidParameterValue', `route table ${table.id} and network gateway ${id} ${why}`);
  }
  return { kind: 'egress-only-gateway', gateway: id };
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

const sameTarget = (a: RouteTarget, b: RouteTarget): boolean => targetId(a) === targetId(b);

/** The static or local route for a destination, -1 where there is none; propagated ones have no say. */
const indexOf = (table: RouteTableRecord, name: string): number =>
  table.routes.findIndex((route) => route.destination === name && !isPropagated(route));

/** Host bits of a new route are cleared. An identical route succeeds. */
function createRoute(tx: Tx, input: CreateRouteRequest): CreateRouteResult {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const destination = destinationOf(tx, input);
  const target = targetOf(tx, table, input);
  const { name } = destination;
  const existing = table.routes[indexOf(table, name)];
  if (existing !== undefined && isLocalRoute(existing)) refuseOverLocal(tx, name);
  if (existing) {
    if (sameTarget(existing.target, target)) return { Return: true };
    refuse('RouteAlreadyExists', `The route identified by ${name} already exists.`);
  }
  checkDestination(tx, table, destination, target);
  const routes: Route[] = [...table.routes, { destination: name, target, origin: 'CreateRoute' }];
  checkRoutesFit(tx, table, routes);
  tx.put('route-table', { ...table, routes });
  return { Return: true };
}

function refuseOverLocal(tx: Tx, name: string): never {
  const code = tx.settings.createOverLocal;
  if (code === 'RouteAlreadyExists') refuse(code, `The route identified by ${name} already exists.`);
  return refuse(code, `${inside(name)} Replace its local route instead.`);
}

/** The route of a gateway endpoint changes with the endpoint only. */
function refuseEndpointRoute(tx: Tx, table: RouteTableRecord, { destination, target }: Route): void {
  if (target.kind !== 'vpc-endpoint' || tx.get(target.kind, target.endpoint)?.type !== 'Gateway') return;
  const why = `cannot remove VPC endpoint route ${destination} in route table ${table.id}`;
  refuse('InvalidParameterValue', why);
}

/** The route whose destination a request names exactly: host bits that are set match nothing. */
function routeAt(table: RouteTableRecord, { text, name }: Destination): number {
  const canonical = parsePrefix(text);
  return text === name || canonical.ok ? indexOf(table, name) : -1;
}

function replaceRoute(tx: Tx, input: ReplaceRouteRequest): undefined {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const destination = destinationOf(tx, input);
  const index = routeAt(table, destination);
  const route = table.routes[index];
  if (route === undefined) {
    const why = `There is no route defined for '${destination.text}' in the route table.`;
    return refuse('InvalidParameterValue', `${why} Use CreateRoute instead.`);
  }
  refuseEndpointRoute(tx, table, route);
  const target = input.LocalTarget ? localTarget(route, input) : targetOf(tx, table, input);
  if (!isLocalRoute(route)) checkDestination(tx, table, destination, target);
  else if (target.kind !== 'local') checkInside(tx, table, destination.name, target);
  if (sameTarget(route.target, target)) return undefined;
  tx.put('route-table', { ...table, routes: table.routes.with(index, { ...route, target }) });
  return undefined;
}

/** Only a local route that was retargeted can be local again. */
function localTarget(route: Route, input: ReplaceRouteRequest): RouteTarget {
  const { RouteTableId, DestinationCidrBlock, DestinationIpv6CidrBlock, LocalTarget, DryRun, ...rest } =
    input;
  if (Object.values(rest).some((value) => value !== undefined)) {
    refuse('InvalidParameterCombination', 'The request must contain exactly one of localTarget and a target');
  }
  if (!isLocalRoute(route)) {
    const why = 'is not a local route of the VPC, so its target cannot be local';
    refuse('InvalidParameterValue', `The route ${route.destination} ${why}`);
  }
  return { kind: 'local' };
}

function deleteRoute(tx: Tx, input: DeleteRouteRequest): undefined {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const destination = destinationOf(tx, input);
  const index = routeAt(table, destination);
  const route = table.routes[index];
  if (route === undefined) {
    const why = `no route with destination-cidr-block ${destination.text} in route table ${table.id}`;
    return refuse('InvalidRoute.NotFound', why);
  }
  refuseEndpointRoute(tx, table, route);
  if (isLocalRoute(route)) {
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
