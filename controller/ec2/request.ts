/**
 * Calls as EC2 actions with the input of the AWS SDK, and the SDK's output as values. Knows no client and
 * sends nothing. Describe calls ask for ids or tags in one request: the API answers up to 1,000 at a time,
 * far beyond any group.
 */
import { formatPrefix, parsePrefix } from '../base/ip.ts';
import { unreachable } from '../base/result.ts';
import {
  type Call,
  isPrefixList,
  type ObservedAssociation,
  type ObservedEip,
  type ObservedEni,
  type ObservedRoute,
  type ObservedRouteTable,
  type ObservedStatus,
  type ObservedSubnet,
  type ObservedTransitRoute,
  type RouteEnd,
  type Selector,
  type Value,
} from './call.ts';

/** An EC2 action and its input, shaped as in `@aws-sdk/client-ec2`. */
export interface Ec2Request {
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The request of a call. */
export function toRequest(call: Call): Ec2Request {
  switch (call.kind) {
    case 'describe-route-tables':
      return { action: 'DescribeRouteTables', input: select(call.select) };
    case 'describe-network-interfaces':
      return { action: 'DescribeNetworkInterfaces', input: interfaces(call) };
    case 'describe-subnets': {
      const input = 'vpc' in call ? filter('vpc-id', [call.vpc]) : filter('subnet-id', call.subnets);
      return { action: 'DescribeSubnets', input };
    }
    case 'describe-addresses':
      return { action: 'DescribeAddresses', input: filter('allocation-id', call.allocations) };
    case 'search-transit-gateway-routes': {
      const Filters = [
        ...filter('type', ['static']).Filters,
        ...filter('route-search.exact-match', call.destinations).Filters,
      ];
      const input = { TransitGatewayRouteTableId: call.table, Filters };
      return { action: 'SearchTransitGatewayRoutes', input };
    }
    case 'replace-transit-gateway-route':
    case 'create-transit-gateway-route':
      return transitRoute(call);
    case 'assign-private-ip-addresses':
    case 'assign-ipv6-addresses':
    case 'unassign-ipv6-addresses':
    case 'associate-address':
      return addressRequest(call);
    case 'replace-route':
    case 'create-route': {
      const input = { ...routeOf(call), ...endOf(call) };
      return { action: call.kind === 'replace-route' ? 'ReplaceRoute' : 'CreateRoute', input };
    }
    case 'delete-route':
      return { action: 'DeleteRoute', input: routeOf(call) };
    case 'replace-route-table-association': {
      const input = { AssociationId: call.association, RouteTableId: call.table };
      return { action: 'ReplaceRouteTableAssociation', input };
    }
    case 'dry-run': {
      const { action, input } = toRequest(call.of);
      return { action, input: { ...input, DryRun: true } };
    }
    case 'stop-instances':
      return {
        action: 'StopInstances',
        input: { InstanceIds: call.instances, Force: true, SkipOsShutdown: true },
      };
    case 'describe-instances':
      return { action: 'DescribeInstances', input: filter('instance-id', call.instances) };
    case 'describe-instance-status':
      return {
        action: 'DescribeInstanceStatus',
        input: { InstanceIds: call.instances, IncludeAllInstances: true },
      };
    case 'detach-network-interface':
      return {
        action: 'DetachNetworkInterface',
        input: { AttachmentId: call.attachment, Force: call.force },
      };
    case 'attach-network-interface': {
      const { eni, instance, deviceIndex } = call;
      const input = { NetworkInterfaceId: eni, InstanceId: instance, DeviceIndex: deviceIndex };
      return { action: 'AttachNetworkInterface', input };
    }
    default:
      return unreachable(call);
  }
}

type AddressKind = 'assign-private-ip-addresses' | 'assign-ipv6-addresses' | 'unassign-ipv6-addresses';

function addressRequest(call: Extract<Call, { kind: AddressKind | 'associate-address' }>): Ec2Request {
  const { eni: NetworkInterfaceId, address } = call;
  const v6 = { NetworkInterfaceId, Ipv6Addresses: [address] };
  switch (call.kind) {
    case 'assign-private-ip-addresses': {
      const input = { NetworkInterfaceId, PrivateIpAddresses: [address], AllowReassignment: true };
      return { action: 'AssignPrivateIpAddresses', input };
    }
    case 'assign-ipv6-addresses':
      return { action: 'AssignIpv6Addresses', input: v6 };
    case 'unassign-ipv6-addresses':
      return { action: 'UnassignIpv6Addresses', input: v6 };
    case 'associate-address': {
      const at = address === undefined ? {} : { PrivateIpAddress: address };
      const input = { AllocationId: call.allocation, NetworkInterfaceId, ...at, AllowReassociation: true };
      return { action: 'AssociateAddress', input };
    }
    default:
      return unreachable(call);
  }
}

function transitRoute(
  call: Extract<Call, { kind: 'replace-transit-gateway-route' | 'create-transit-gateway-route' }>,
): Ec2Request {
  const input = {
    TransitGatewayRouteTableId: call.table,
    DestinationCidrBlock: call.destination,
    TransitGatewayAttachmentId: call.attachment,
  };
  const replaces = call.kind === 'replace-transit-gateway-route';
  return { action: replaces ? 'ReplaceTransitGatewayRoute' : 'CreateTransitGatewayRoute', input };
}

/** A route as requests name it. */
function routeOf({
  table,
  destination,
}: Extract<Call, { kind: 'replace-route' | 'create-route' | 'delete-route' }>) {
  const cidr = destination.includes(':') ? 'DestinationIpv6CidrBlock' : 'DestinationCidrBlock';
  const key = isPrefixList(destination) ? 'DestinationPrefixListId' : cidr;
  return { RouteTableId: table, [key]: destination };
}

/** The fields of CreateRoute and ReplaceRoute for targets other than ENIs, by what their ids begin with. */
const TARGET_FIELDS = {
  nat: 'NatGatewayId',
  igw: 'GatewayId',
  vgw: 'GatewayId',
  tgw: 'TransitGatewayId',
  pcx: 'VpcPeeringConnectionId',
  vpce: 'VpcEndpointId',
  eigw: 'EgressOnlyInternetGatewayId',
  lgw: 'LocalGatewayId',
  cagw: 'CarrierGatewayId',
} as const;

/** What the ids of targets of routes begin with, ENIs aside. */
export const TARGET_PREFIXES: readonly string[] = Object.keys(TARGET_FIELDS);

/** Where a route leads, as requests name it. */
function endOf(end: RouteEnd): Readonly<Record<string, unknown>> {
  if (end.eni !== undefined) return { NetworkInterfaceId: end.eni };
  if (end.target === 'local') return { LocalTarget: true };
  const found = Object.entries(TARGET_FIELDS).find(([prefix]) => end.target.startsWith(`${prefix}-`));
  return { [found?.[1] ?? 'GatewayId']: end.target };
}

/** By id, or by private address: `addresses.private-ip-address` knows secondary ones too. */
function interfaces(call: Extract<Call, { kind: 'describe-network-interfaces' }>) {
  if ('enis' in call) return filter('network-interface-id', call.enis);
  const isV6 = call.addresses.some((address) => address.includes(':'));
  const name = isV6 ? 'ipv6-addresses.ipv6-address' : 'addresses.private-ip-address';
  const vpc = call.vpc === undefined ? [] : filter('vpc-id', [call.vpc]).Filters;
  return { Filters: [...vpc, ...filter(name, call.addresses).Filters] };
}

/**
 * Filters rather than ids: one that does not exist is then missing from the answer instead of failing the
 * call.
 */
const filter = (name: string, values: readonly string[]) => ({ Filters: [{ Name: name, Values: values }] });

const select = (selector: Selector) =>
  selector.kind === 'ids'
    ? filter('route-table-id', selector.ids)
    : filter(`tag:${selector.key}`, [selector.value]);

/** The value of a successful answer; what is missing in the output is read as empty. */
export function toValue(call: Call, output: unknown): Value {
  switch (call.kind) {
    case 'describe-route-tables':
      return { kind: 'route-tables', tables: list(output, 'RouteTables').map(routeTable) };
    case 'describe-network-interfaces':
      return { kind: 'network-interfaces', enis: list(output, 'NetworkInterfaces').map(eni) };
    case 'describe-subnets':
      return { kind: 'subnets', subnets: list(output, 'Subnets').map(subnet) };
    case 'describe-instances':
      return { kind: 'instances', instances: list(output, 'Reservations').flatMap(instancesOf) };
    case 'describe-instance-status':
      return { kind: 'statuses', statuses: list(output, 'InstanceStatuses').map(status) };
    case 'describe-addresses':
      return { kind: 'addresses', addresses: list(output, 'Addresses').map(eip) };
    case 'search-transit-gateway-routes':
      return { kind: 'transit-routes', routes: list(output, 'Routes').flatMap(readTransitRoute) };
    case 'attach-network-interface':
      return { kind: 'attachment', attachment: text(output, 'AttachmentId') ?? '' };
    case 'replace-route':
    case 'create-route':
    case 'delete-route':
    case 'replace-route-table-association':
    case 'detach-network-interface':
    case 'stop-instances':
    case 'dry-run':
    case 'replace-transit-gateway-route':
    case 'create-transit-gateway-route':
    case 'assign-private-ip-addresses':
    case 'assign-ipv6-addresses':
    case 'unassign-ipv6-addresses':
    case 'associate-address':
      return { kind: 'done' };
    default:
      return unreachable(call);
  }
}

const instancesOf = (reservation: unknown) =>
  list(reservation, 'Instances').map((item) => ({
    id: text(item, 'InstanceId') ?? '',
    state: text(field(item, 'State'), 'Name') ?? '',
  }));

function status(item: unknown): ObservedStatus {
  const found = ['SystemStatus', 'InstanceStatus'].map((one) => text(field(item, one), 'Status'));
  return {
    id: text(item, 'InstanceId') ?? '',
    state: text(field(item, 'InstanceState'), 'Name') ?? '',
    checks: found.includes('impaired') ? 'impaired' : found.every((one) => one === 'ok') ? 'ok' : 'unknown',
  };
}

function routeTable(item: unknown): ObservedRouteTable {
  return {
    id: text(item, 'RouteTableId') ?? '',
    vpc: text(item, 'VpcId') ?? '',
    routes: list(item, 'Routes').flatMap(route),
    associations: list(item, 'Associations').flatMap(association),
    main: list(item, 'Associations').some((one) => field(one, 'Main') === true),
  };
}

const ENDING = ['disassociating', 'disassociated', 'failed'] as const;

function association(item: unknown): readonly ObservedAssociation[] {
  const id = text(item, 'RouteTableAssociationId');
  const place = text(item, 'SubnetId') ?? text(item, 'GatewayId');
  const isEnding = oneOf(ENDING, text(field(item, 'AssociationState'), 'State')) !== undefined;
  return id === undefined || place === undefined || isEnding ? [] : [{ id, place }];
}

/** EC2 names a route's target by the field that it stands in; an ENI of an instance fills two. */
const TARGETS = [
  'NetworkInterfaceId',
  'GatewayId',
  'NatGatewayId',
  'TransitGatewayId',
  'VpcPeeringConnectionId',
  'EgressOnlyInternetGatewayId',
  'LocalGatewayId',
  'CarrierGatewayId',
  'CoreNetworkArn',
  'InstanceId',
] as const;

function route(item: unknown): readonly ObservedRoute[] {
  const destination =
    text(item, 'DestinationCidrBlock') ??
    text(item, 'DestinationIpv6CidrBlock') ??
    text(item, 'DestinationPrefixListId');
  if (destination === undefined) return [];
  const target = TARGETS.map((name) => text(item, name)).find((value) => value !== undefined) ?? '';
  const state = text(item, 'State') === 'blackhole' ? 'blackhole' : 'active';
  const origin = text(item, 'Origin');
  const isPropagated = origin === 'EnableVgwRoutePropagation' || origin === 'Advertisement';
  const propagated = isPropagated ? ({ propagated: true } as const) : {};
  return [{ destination: canonical(destination), target, state, ...propagated }];
}

function canonical(cidr: string): string {
  const parsed = parsePrefix(cidr);
  return parsed.ok ? formatPrefix(parsed.value) : cidr;
}

const ENI_STATUS = ['available', 'associated', 'attaching', 'in-use', 'detaching'] as const;
const ATTACHMENT_STATUS = ['attaching', 'attached', 'detaching', 'detached'] as const;

function eni(item: unknown): ObservedEni {
  const attachment = field(item, 'Attachment');
  const attachmentId = text(attachment, 'AttachmentId');
  const v4 = list(item, 'PrivateIpAddresses')
    .map((one) => ({ address: text(one, 'PrivateIpAddress') ?? '', primary: field(one, 'Primary') === true }))
    .sort((a, b) => Number(b.primary) - Number(a.primary));
  const v6 = list(item, 'Ipv6Addresses').flatMap((one) => text(one, 'Ipv6Address') ?? []);
  return {
    id: text(item, 'NetworkInterfaceId') ?? '',
    vpc: text(item, 'VpcId') ?? '',
    zone: text(item, 'AvailabilityZone') ?? '',
    mac: text(item, 'MacAddress') ?? '',
    subnet: text(item, 'SubnetId') ?? '',
    addresses: [...v4.map(({ address }) => address), ...v6],
    sourceDestCheck: field(item, 'SourceDestCheck') !== false,
    status: oneOf(ENI_STATUS, text(item, 'Status')) ?? 'in-use',
    ...(attachmentId === undefined
      ? {}
      : {
          attachment: {
            id: attachmentId,
            instance: text(attachment, 'InstanceId') ?? '',
            deviceIndex: Number(field(attachment, 'DeviceIndex') ?? -1),
            status: oneOf(ATTACHMENT_STATUS, text(attachment, 'Status')) ?? 'attached',
          },
        }),
  };
}

function eip(item: unknown): ObservedEip {
  const eni = text(item, 'NetworkInterfaceId');
  const address = text(item, 'PrivateIpAddress');
  return {
    allocation: text(item, 'AllocationId') ?? '',
    ...(eni === undefined ? {} : { eni }),
    ...(address === undefined ? {} : { address }),
  };
}

function readTransitRoute(item: unknown): readonly ObservedTransitRoute[] {
  const destination = text(item, 'DestinationCidrBlock');
  if (destination === undefined || text(item, 'State') === 'deleted') return [];
  const [first] = list(item, 'TransitGatewayAttachments');
  const attachment = text(first, 'TransitGatewayAttachmentId');
  return [
    {
      destination: canonical(destination),
      state: text(item, 'State') === 'blackhole' ? 'blackhole' : 'active',
      ...(attachment === undefined ? {} : { attachment }),
    },
  ];
}

function subnet(item: unknown): ObservedSubnet {
  const v6 = list(item, 'Ipv6CidrBlockAssociationSet').flatMap((one) => text(one, 'Ipv6CidrBlock') ?? []);
  const v4 = text(item, 'CidrBlock');
  return { id: text(item, 'SubnetId') ?? '', cidrs: [...(v4 === undefined ? [] : [v4]), ...v6] };
}

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

function text(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function list(value: unknown, key: string): readonly unknown[] {
  const found = field(value, key);
  return Array.isArray(found) ? found : [];
}

const oneOf = <T extends string>(known: readonly T[], value: string | undefined): T | undefined =>
  known.find((one) => one === value);
