/**
 * VPC endpoints: gateway endpoints put a prefix-list route into route tables, interface endpoints an ENI into
 * subnets. Policies are kept, not evaluated. What an endpoint's routes are is read from the route tables.
 */
import type {
  CreateVpcEndpointRequest,
  CreateVpcEndpointResult,
  DeleteVpcEndpointsRequest,
  DeleteVpcEndpointsResult,
  DescribeVpcEndpointsRequest,
  DescribeVpcEndpointsResult,
  ModifyVpcEndpointRequest,
  ModifyVpcEndpointResult,
} from '@aws-sdk/client-ec2';
import type { EndpointType, Service } from '../catalog/services.ts';
import { describe, type Filters } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { isId } from '../identifier.ts';
import { groupsFor, makeInterface, removeInterface } from '../network-interface.ts';
import type { VpcEndpointRecord } from '../record/endpoint.ts';
import type { VpcRecord } from '../record/network.ts';
import { isRefusal, missing, refuse } from '../refusal.ts';
import { usedPrefixList } from '../service-lists.ts';
import { specifiedTags } from '../tags.ts';
import { isEdgeTable } from './route-destination.ts';
import { checkRoutesFit } from './route-quota.ts';
import { needService, routedFrom, shownEndpoint } from './vpc-endpoint-service.ts';

const KIND = 'vpc-endpoint';

const FULL_ACCESS = JSON.stringify({
  Version: '2008-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }],
});

const wrong = (why: string): never => refuse('InvalidParameter', why);

function checkedPolicy(text: string | undefined): string {
  if (text === undefined || text === '') return FULL_ACCESS;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return refuse('InvalidPolicyDocument', 'The policy is not valid JSON.');
  }
}

/** Gives a route table the route of a gateway endpoint. */
function addRoute(tx: Tx, endpoint: VpcEndpointRecord, list: string, id: string): void {
  const table = tx.need('route-table', id);
  if (table.vpc !== endpoint.vpc) wrong(`Route table ${id} and VPC ${endpoint.vpc} are not in the same VPC.`);
  if (isEdgeTable(table)) wrong(`Route table ${id} is associated with a gateway.`);
  if (table.routes.some((route) => route.destination === list)) {
    const why = `route table ${id} already has a route with destination-prefix-list-id ${list}`;
    refuse('RouteAlreadyExists', why);
  }
  const target = { kind: KIND, endpoint: endpoint.id } as const;
  const routes = [...table.routes, { destination: list, target, origin: 'CreateRoute' } as const];
  checkRoutesFit(tx, table, routes);
  tx.put('route-table', { ...table, routes });
}

function dropRoute(tx: Tx, endpoint: VpcEndpointRecord, id: string): void {
  const table = tx.need('route-table', id);
  const routes = table.routes.filter(({ target }) => target.kind !== KIND || target.endpoint !== endpoint.id);
  tx.put('route-table', { ...table, routes });
}

/** The endpoint with an ENI in one more subnet; one for each zone. */
function addSubnet(tx: Tx, endpoint: VpcEndpointRecord, id: string): VpcEndpointRecord {
  const subnet = tx.need('subnet', id);
  if (subnet.vpc !== endpoint.vpc) wrong(`Subnet ${id} and VPC ${endpoint.vpc} are not in the same VPC.`);
  if (endpoint.interfaces.some((each) => tx.get('subnet', each.subnet)?.zone === subnet.zone)) {
    const why = `Found another VPC endpoint subnet in the availability zone of ${id}`;
    refuse('DuplicateSubnetsInSameZone', why);
  }
  const eni = makeInterface(tx, {
    subnet: id,
    description: `VPC Endpoint Interface ${endpoint.id}`,
    interfaceType: INTERFACE_TYPES[endpoint.type] ?? 'vpc_endpoint',
    groups: endpoint.groups,
  });
  tx.put('network-interface', { ...eni, groups: endpoint.groups, manager: endpoint.id });
  const interfaces = [...endpoint.interfaces, { subnet: id, eni: eni.id }];
  return tx.put(KIND, { ...endpoint, interfaces });
}

function dropSubnet(tx: Tx, endpoint: VpcEndpointRecord, id: string): VpcEndpointRecord {
  const gone = endpoint.interfaces.find(({ subnet }) => subnet === id);
  if (gone === undefined) return wrong(`Subnet ${id} is not one of ${endpoint.id}.`);
  const eni = tx.get('network-interface', gone.eni);
  if (eni !== undefined) removeInterface(tx, eni);
  const interfaces = endpoint.interfaces.filter((each) => each !== gone);
  return tx.put(KIND, { ...endpoint, interfaces });
}

/** Whether AWS's names of the service are to resolve to the endpoint's ENIs. */
function checkPrivateDns(vpc: VpcRecord, wanted: boolean): boolean {
  if (wanted && !(vpc.dnsSupport && vpc.dnsHostnames)) {
    const both = 'both enableDnsSupport and enableDnsHostnames VPC attributes set to true';
    wrong(`Enabling private DNS requires ${both} for ${vpc.id}`);
  }
  return wanted;
}

function checkQuota(tx: Tx, vpc: string, type: EndpointType): void {
  const { gatewayEndpoints, interfaceEndpointsPerVpc } = tx.settings.quotas;
  const gateway = type === 'Gateway';
  const present = (gateway ? tx.list(KIND) : tx.referring(KIND, vpc)).filter((each) => each.type === type);
  if (present.length < (gateway ? gatewayEndpoints : interfaceEndpointsPerVpc)) return;
  refuse('VpcEndpointLimitExceeded', `The maximum number of ${type} endpoints has been reached.`);
}

/** Refuses what the type of the endpoint has no use for. */
function checkForm(type: EndpointType, service: Service, input: CreateVpcEndpointRequest): void {
  if (!service.types.includes(type)) {
    wrong(`Endpoint type (${type}) does not match available service types ([${service.types.join(', ')}]).`);
  }
  const { RouteTableIds: tables = [], SubnetIds: subnets = [], SecurityGroupIds: groups = [] } = input;
  if (type === 'GatewayLoadBalancer' && subnets.length !== 1) {
    wrong('A GatewayLoadBalancer endpoint has exactly one subnet.');
  }
  if (type !== 'Gateway' && tables.length > 0)
    wrong(`Route table IDs are not supported for ${type} endpoints.`);
  if (type === 'Gateway' && subnets.length > 0)
    wrong('Subnet IDs are only supported for Interface endpoints.');
  if (type !== 'Interface' && groups.length > 0) {
    wrong('Security group IDs are only supported for Interface endpoints.');
  }
  if (type !== 'Interface' && input.PrivateDnsEnabled)
    wrong('Private DNS can only be enabled for Interface endpoints.');
}

const isType = (type: string): type is EndpointType => Object.hasOwn(INTERFACE_TYPES, type);

const INTERFACE_TYPES = {
  Gateway: undefined,
  Interface: 'vpc_endpoint',
  GatewayLoadBalancer: 'gateway_load_balancer_endpoint',
} as const;

function firstState(type: EndpointType, { own }: Service): VpcEndpointRecord['state'] {
  if (type === 'Gateway') return 'available';
  return own?.acceptanceRequired ? 'pendingAcceptance' : 'pending';
}

function create(tx: Tx, input: CreateVpcEndpointRequest): CreateVpcEndpointResult {
  const { VpcEndpointType: type = 'Gateway' } = input;
  if (!isType(type)) {
    return refuse('UnsupportedOperation', `Endpoints of type ${type} are not simulated.`);
  }
  const vpc = tx.need('vpc', input.VpcId ?? '');
  const service = needService(tx, input.ServiceName ?? missing('ServiceName'));
  checkForm(type, service, input);
  checkQuota(tx, vpc.id, type);
  const isInterface = type === 'Interface';
  let endpoint = tx.put(KIND, {
    id: tx.newId('vpce'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    vpc: vpc.id,
    service: service.name,
    type,
    state: firstState(type, service),
    policy: checkedPolicy(input.PolicyDocument),
    createdAt: tx.date(),
    ...(service.address !== undefined && { address: service.address }),
    ...(service.own !== undefined && { loadBalancer: service.own.loadBalancer }),
    privateDns: checkPrivateDns(vpc, isInterface && (input.PrivateDnsEnabled ?? true)),
    interfaces: [],
    groups: isInterface ? groupsFor(tx, vpc.id, input.SecurityGroupIds ?? []) : [],
  });
  const list = service.list && type === 'Gateway' ? usedPrefixList(tx, service.list.id).id : '';
  for (const table of input.RouteTableIds ?? []) addRoute(tx, endpoint, list, table);
  for (const subnet of input.SubnetIds ?? []) endpoint = addSubnet(tx, endpoint, subnet);
  if (endpoint.state === 'pending')
    tx.after(tx.settings.endpointMs, { name: 'endpoint-made', id: endpoint.id });
  const token = input.ClientToken && { ClientToken: input.ClientToken };
  return { VpcEndpoint: shownEndpoint(tx, endpoint), ...token };
}

function modifyGateway(tx: Tx, endpoint: VpcEndpointRecord, input: ModifyVpcEndpointRequest): void {
  const held = routedFrom(tx, endpoint);
  for (const table of input.RemoveRouteTableIds ?? []) {
    if (!held.includes(table)) wrong(`Route table ${table} is not one of ${endpoint.id}.`);
    dropRoute(tx, endpoint, table);
  }
  const { list } = needService(tx, endpoint.service);
  for (const table of input.AddRouteTableIds ?? []) addRoute(tx, endpoint, list?.id ?? '', table);
}

function modifyInterfaces(tx: Tx, before: VpcEndpointRecord, input: ModifyVpcEndpointRequest): void {
  const { AddSubnetIds = [], RemoveSubnetIds = [] } = input;
  if (before.type === 'GatewayLoadBalancer' && AddSubnetIds.length + RemoveSubnetIds.length > 0) {
    wrong('The subnet of a GatewayLoadBalancer endpoint cannot be changed.');
  }
  const gone = input.RemoveSecurityGroupIds ?? [];
  const kept = before.groups.filter((group) => !gone.includes(group));
  const added = input.AddSecurityGroupIds ?? [];
  const groups =
    gone.length + added.length === 0 ? before.groups : groupsFor(tx, before.vpc, [...kept, ...added]);
  let endpoint = tx.put(KIND, { ...before, groups });
  for (const subnet of input.RemoveSubnetIds ?? []) endpoint = dropSubnet(tx, endpoint, subnet);
  for (const subnet of input.AddSubnetIds ?? []) endpoint = addSubnet(tx, endpoint, subnet);
  for (const { eni: id } of endpoint.interfaces) {
    const eni = tx.need('network-interface', id);
    if (eni.groups !== groups) tx.put('network-interface', { ...eni, groups });
  }
}

function modify(tx: Tx, input: ModifyVpcEndpointRequest): ModifyVpcEndpointResult {
  const endpoint = tx.need(KIND, input.VpcEndpointId ?? '');
  if (endpoint.state === 'deleting') refuse('InvalidState', `The endpoint ${endpoint.id} is being deleted.`);
  const policy = input.ResetPolicy
    ? FULL_ACCESS
    : input.PolicyDocument === undefined
      ? endpoint.policy
      : checkedPolicy(input.PolicyDocument);
  const { PrivateDnsEnabled: dns = endpoint.privateDns } = input;
  if (endpoint.type !== 'Interface' && dns) wrong('Private DNS can only be enabled for Interface endpoints.');
  const privateDns = checkPrivateDns(tx.need('vpc', endpoint.vpc), dns);
  const changed = tx.put(KIND, { ...endpoint, policy, privateDns });
  if (endpoint.type === 'Gateway') modifyGateway(tx, changed, input);
  else modifyInterfaces(tx, changed, input);
  return { Return: true };
}

function removeEndpoint(tx: Tx, id: string): void {
  const endpoint = tx.need(KIND, id);
  const tables = routedFrom(tx, endpoint);
  if (endpoint.type === 'GatewayLoadBalancer' && tables.length > 0) {
    wrong('Endpoint must be removed from route table before deletion');
  }
  for (const table of tables) dropRoute(tx, endpoint, table);
  if (endpoint.type === 'Gateway') {
    tx.remove(KIND, id);
    return;
  }
  tx.put(KIND, { ...endpoint, state: 'deleting' });
  tx.after(tx.settings.endpointMs, { name: 'endpoint-deleted', id });
}

/** Deletes what can be deleted, and tells of the rest. */
function remove(tx: Tx, { VpcEndpointIds: ids = [] }: DeleteVpcEndpointsRequest): DeleteVpcEndpointsResult {
  const malformed = ids.find((id) => !isId('vpce', id));
  if (malformed !== undefined) tx.need(KIND, malformed);
  const Unsuccessful = ids.flatMap((id) => {
    try {
      removeEndpoint(tx, id);
      return [];
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      return [{ ResourceId: id, Error: { Code: thrown.code, Message: thrown.message } }];
    }
  });
  return { Unsuccessful };
}

const filters: Filters<VpcEndpointRecord> = {
  'ip-address-type': () => 'ipv4',
  'service-name': (endpoint) => endpoint.service,
  'service-region': (_, tx) => tx.region,
  'vpc-id': (endpoint) => endpoint.vpc,
  'vpc-endpoint-id': (endpoint) => endpoint.id,
  'vpc-endpoint-state': (endpoint) => endpoint.state,
  'vpc-endpoint-type': (endpoint) => endpoint.type,
};

export const vpcEndpointHandlers: Handlers = {
  CreateVpcEndpoint: handler(create),
  ModifyVpcEndpoint: handler(modify),
  DeleteVpcEndpoints: handler(remove),

  DescribeVpcEndpoints: handler((tx, input: DescribeVpcEndpointsRequest): DescribeVpcEndpointsResult => {
    const page = describe(tx, { kind: KIND, ids: input.VpcEndpointIds, input, filters, indexed: ['vpc-id'] });
    return { VpcEndpoints: page.records.map((each) => shownEndpoint(tx, each)), ...page.next };
  }),
};

export const vpcEndpointTransitions: Transitions = {
  'endpoint-made': (tx, id) => {
    const endpoint = tx.get(KIND, id);
    if (endpoint?.state === 'pending') tx.put(KIND, { ...endpoint, state: 'available' });
  },
  'endpoint-deleted': (tx, id) => {
    const endpoint = tx.get(KIND, id);
    if (endpoint?.state !== 'deleting') return;
    for (const { eni: name } of endpoint.interfaces) {
      const eni = tx.get('network-interface', name);
      if (eni !== undefined) removeInterface(tx, eni);
    }
    tx.remove(KIND, id);
  },
};
