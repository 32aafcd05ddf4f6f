/** Endpoint services of one's own, behind Gateway Load Balancers: who may connect, and who is connected. */
import type {
  AcceptVpcEndpointConnectionsRequest,
  AcceptVpcEndpointConnectionsResult,
  CreateVpcEndpointServiceConfigurationRequest,
  CreateVpcEndpointServiceConfigurationResult,
  DeleteVpcEndpointServiceConfigurationsRequest,
  DeleteVpcEndpointServiceConfigurationsResult,
  DescribeVpcEndpointConnectionsRequest,
  DescribeVpcEndpointConnectionsResult,
  DescribeVpcEndpointServiceConfigurationsRequest,
  DescribeVpcEndpointServiceConfigurationsResult,
  DescribeVpcEndpointServicePermissionsRequest,
  DescribeVpcEndpointServicePermissionsResult,
  ModifyVpcEndpointServiceConfigurationRequest,
  ModifyVpcEndpointServiceConfigurationResult,
  ModifyVpcEndpointServicePermissionsRequest,
  ModifyVpcEndpointServicePermissionsResult,
  RejectVpcEndpointConnectionsRequest,
  RejectVpcEndpointConnectionsResult,
  ServiceConfiguration,
  State,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { EndpointServiceRecord, VpcEndpointRecord } from '../record/endpoint.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const KIND = 'vpc-endpoint-service';

const zonesOf = (tx: Tx, service: EndpointServiceRecord): string[] => [
  ...new Set(
    service.loadBalancers.flatMap((arn) => tx.get('load-balancer', arn)?.zones ?? []).map(({ zone }) => zone),
  ),
];

const shown = (tx: Tx, service: EndpointServiceRecord): ServiceConfiguration => ({
  ServiceType: [{ ServiceType: 'GatewayLoadBalancer' }],
  ServiceId: service.id,
  ServiceName: service.name,
  ServiceState: 'Available',
  AvailabilityZones: zonesOf(tx, service),
  AcceptanceRequired: service.acceptanceRequired,
  ManagesVpcEndpoints: false,
  GatewayLoadBalancerArns: [...service.loadBalancers],
  SupportedIpAddressTypes: ['ipv4'],
  Tags: shownTags(service.tags),
});

function create(
  tx: Tx,
  input: CreateVpcEndpointServiceConfigurationRequest,
): CreateVpcEndpointServiceConfigurationResult {
  const { GatewayLoadBalancerArns: arns = [], NetworkLoadBalancerArns: network = [] } = input;
  if (network.length > 0) refuse('UnsupportedOperation', 'Network Load Balancers are not simulated.');
  if (arns.length === 0) missing('GatewayLoadBalancerArns');
  const id = tx.newId('vpce-svc');
  const service = tx.put(KIND, {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    name: `com.amazonaws.vpce.${tx.region}.${id}`,
    loadBalancers: arns.map((arn) => tx.need('load-balancer', arn).id),
    acceptanceRequired: input.AcceptanceRequired ?? true,
    principals: [],
  });
  const token = input.ClientToken && { ClientToken: input.ClientToken };
  return { ServiceConfiguration: shown(tx, service), ...token };
}

const isConnected = ({ state }: VpcEndpointRecord): boolean => state !== 'deleting' && state !== 'rejected';

function modify(
  tx: Tx,
  input: ModifyVpcEndpointServiceConfigurationRequest,
): ModifyVpcEndpointServiceConfigurationResult {
  const service = tx.need(KIND, input.ServiceId ?? '');
  const gone = input.RemoveGatewayLoadBalancerArns ?? [];
  const added = (input.AddGatewayLoadBalancerArns ?? []).map((arn) => tx.need('load-balancer', arn).id);
  const loadBalancers = [...service.loadBalancers.filter((arn) => !gone.includes(arn)), ...added];
  const acceptanceRequired = input.AcceptanceRequired ?? service.acceptanceRequired;
  tx.put(KIND, { ...service, loadBalancers, acceptanceRequired });
  return { Return: true };
}

function remove(
  tx: Tx,
  { ServiceIds: ids = [] }: DeleteVpcEndpointServiceConfigurationsRequest,
): DeleteVpcEndpointServiceConfigurationsResult {
  const Unsuccessful = ids.flatMap((id) => {
    const service = tx.get(KIND, id);
    const used = service && tx.referring('vpc-endpoint', service.name).some(isConnected);
    if (service !== undefined && !used) {
      tx.remove(KIND, id);
      return [];
    }
    const why = used
      ? {
          Code: 'ExistingVpcEndpointConnections',
          Message: `Service has existing active VPC Endpoint connections!`,
        }
      : {
          Code: 'InvalidVpcEndpointService.NotFound',
          Message: `The VpcEndpointService Id '${id}' does not exist`,
        };
    return [{ ResourceId: id, Error: why }];
  });
  return { Unsuccessful };
}

/** Accepts or rejects endpoints that wait, or that are connected. */
function decide(
  tx: Tx,
  input: AcceptVpcEndpointConnectionsRequest | RejectVpcEndpointConnectionsRequest,
  state: 'pending' | 'rejected',
): AcceptVpcEndpointConnectionsResult & RejectVpcEndpointConnectionsResult {
  const service = tx.need(KIND, input.ServiceId ?? '');
  for (const id of input.VpcEndpointIds ?? []) {
    const endpoint = tx.need('vpc-endpoint', id);
    if (endpoint.service !== service.name) {
      refuse('InvalidVpcEndpointId.NotFound', `The Vpc Endpoint Id '${id}' does not exist`);
    }
    if (state === 'pending' && endpoint.state !== 'pendingAcceptance' && endpoint.state !== 'rejected') {
      refuse('InvalidState', `The endpoint ${id} is ${endpoint.state} and waits for nobody.`);
    }
    tx.put('vpc-endpoint', { ...endpoint, state });
    if (state === 'pending') tx.after(tx.settings.endpointMs, { name: 'endpoint-made', id });
  }
  return { Unsuccessful: [] };
}

/** An endpoint with the service that it is connected to. */
interface Connection {
  readonly service: EndpointServiceRecord;
  readonly endpoint: VpcEndpointRecord;
  readonly tags: Tags;
}

const connectionFilters: Filters<Connection> = {
  'ip-address-type': () => 'ipv4',
  'service-id': ({ service }) => service.id,
  'vpc-endpoint-id': ({ endpoint }) => endpoint.id,
  'vpc-endpoint-owner': ({ endpoint }) => endpoint.account,
  'vpc-endpoint-region': (_, tx) => tx.region,
  'vpc-endpoint-state': ({ endpoint }) => endpoint.state,
};

function connections(
  tx: Tx,
  input: DescribeVpcEndpointConnectionsRequest,
): DescribeVpcEndpointConnectionsResult {
  const matches = matcher(tx, input.Filters ?? [], connectionFilters);
  const found = tx
    .list(KIND)
    .flatMap((service) =>
      tx
        .referring('vpc-endpoint', service.name)
        .map((endpoint): Connection => ({ service, endpoint, tags: endpoint.tags })),
    )
    .filter(matches);
  const page = paginate(found, input, ({ endpoint }) => [endpoint.id]);
  const VpcEndpointConnections = page.records.map(({ service, endpoint }) => ({
    ServiceId: service.id,
    VpcEndpointId: endpoint.id,
    VpcEndpointOwner: endpoint.account,
    VpcEndpointState: endpoint.state as string as State,
    CreationTimestamp: endpoint.createdAt,
    GatewayLoadBalancerArns: [...service.loadBalancers],
    IpAddressType: 'ipv4' as const,
  }));
  return { VpcEndpointConnections, ...page.next };
}

function permissions(
  tx: Tx,
  input: ModifyVpcEndpointServicePermissionsRequest,
): ModifyVpcEndpointServicePermissionsResult {
  const service = tx.need(KIND, input.ServiceId ?? '');
  const { AddAllowedPrincipals: added = [], RemoveAllowedPrincipals: gone = [] } = input;
  const kept = service.principals.filter((each) => !gone.includes(each) && !added.includes(each));
  tx.put(KIND, { ...service, principals: [...kept, ...added] });
  const AddedPrincipals = added.map((Principal) => ({ Principal, PrincipalType: 'Account' as const }));
  return { ReturnValue: true, AddedPrincipals };
}

const principalFilters: Filters<{ readonly principal: string; readonly tags: Tags }> = {
  principal: ({ principal }) => principal,
  'principal-type': () => 'Account',
};

const filters: Filters<EndpointServiceRecord> = {
  'supported-ip-address-types': () => 'ipv4',
  'service-name': (service) => service.name,
  'service-id': (service) => service.id,
  'service-state': () => 'Available',
};

export const endpointServiceHandlers: Handlers = {
  CreateVpcEndpointServiceConfiguration: handler(create),
  ModifyVpcEndpointServiceConfiguration: handler(modify),
  DeleteVpcEndpointServiceConfigurations: handler(remove),
  ModifyVpcEndpointServicePermissions: handler(permissions),
  DescribeVpcEndpointConnections: handler(connections),
  AcceptVpcEndpointConnections: handler((tx, input: AcceptVpcEndpointConnectionsRequest) =>
    decide(tx, input, 'pending'),
  ),
  RejectVpcEndpointConnections: handler((tx, input: RejectVpcEndpointConnectionsRequest) =>
    decide(tx, input, 'rejected'),
  ),

  DescribeVpcEndpointServiceConfigurations: handler(
    (
      tx,
      input: DescribeVpcEndpointServiceConfigurationsRequest,
    ): DescribeVpcEndpointServiceConfigurationsResult => {
      const page = describe(tx, { kind: KIND, ids: input.ServiceIds, input, filters });
      return { ServiceConfigurations: page.records.map((each) => shown(tx, each)), ...page.next };
    },
  ),

  DescribeVpcEndpointServicePermissions: handler(
    (
      tx,
      input: DescribeVpcEndpointServicePermissionsRequest,
    ): DescribeVpcEndpointServicePermissionsResult => {
      const matches = matcher(tx, input.Filters ?? [], principalFilters);
      const { principals } = tx.need(KIND, input.ServiceId ?? '');
      const allowed = principals.map((principal) => ({ principal, tags: {} })).filter(matches);
      const page = paginate(allowed, input, ({ principal }) => [principal]);
      const AllowedPrincipals = page.records.map(({ principal: Principal }) => ({
        Principal,
        PrincipalType: 'Account' as const,
      }));
      return { AllowedPrincipals, ...page.next };
    },
  ),
};
