/** The services that endpoints lead to, and how endpoints and services are shown. */
import type {
  DescribeVpcEndpointServicesRequest,
  DescribeVpcEndpointServicesResult,
  DnsEntry,
  ServiceDetail,
  State,
  VpcEndpoint,
} from '@aws-sdk/client-ec2';
import { type Service, servicesOf } from '../catalog/services.ts';
import { type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { VpcEndpointRecord } from '../record/endpoint.ts';
import { refuse } from '../refusal.ts';
import { zonesOf } from '../zones.ts';

/** AWS's services in the region, and those that the account offers. */
const offered = (tx: Tx): readonly Service[] => [
  ...servicesOf(tx.region),
  ...tx.list('vpc-endpoint-service').map(
    ({ id, name, loadBalancers: [loadBalancer = ''], acceptanceRequired }): Service => ({
      name,
      types: ['GatewayLoadBalancer'],
      own: { id, loadBalancer, acceptanceRequired },
    }),
  ),
];

/** The service of a name; refuses one that the region does not have. */
export const needService = (tx: Tx, name: string): Service =>
  offered(tx).find((service) => service.name === name) ??
  refuse('InvalidServiceName', `The Vpc Endpoint Service '${name}' does not exist`);

/** The route tables with routes to the endpoint. */
export const routedFrom = (tx: Tx, endpoint: VpcEndpointRecord): string[] =>
  tx.referring('route-table', endpoint.id).map((table) => table.id);

/** `s3` of `com.amazonaws.eu-central-1.s3`. */
const shortName = (tx: Tx, service: string): string => service.slice(`com.amazonaws.${tx.region}.`.length);

const dnsName = (tx: Tx, service: string): string =>
  `${shortName(tx, service).split('.').toReversed().join('.')}.${tx.region}`;

function dnsEntries(tx: Tx, endpoint: VpcEndpointRecord): DnsEntry[] {
  if (endpoint.type !== 'Interface') return [];
  const unique = `${endpoint.id}-${endpoint.id.slice(-8)}`;
  const base = `${dnsName(tx, endpoint.service)}.vpce.amazonaws.com`;
  const HostedZoneId = `Z${endpoint.id.slice(-12).toUpperCase()}`;
  const zones = endpoint.interfaces.flatMap(({ subnet }) => tx.get('subnet', subnet)?.zone ?? []);
  const names = [`${unique}.${base}`, ...zones.map((zone) => `${unique}-${zone}.${base}`)];
  const own = endpoint.privateDns
    ? [{ DnsName: `${dnsName(tx, endpoint.service)}.amazonaws.com`, HostedZoneId }]
    : [];
  return [...names.map((DnsName) => ({ DnsName, HostedZoneId })), ...own];
}

/** An endpoint as EC2 shows it: its states are `available` and so on, where the SDK's type has capitals. */
export const shownEndpoint = (tx: Tx, endpoint: VpcEndpointRecord): VpcEndpoint => ({
  VpcEndpointId: endpoint.id,
  VpcEndpointType: endpoint.type,
  VpcId: endpoint.vpc,
  ServiceName: endpoint.service,
  ServiceRegion: tx.region,
  State: endpoint.state as string as State,
  PolicyDocument: endpoint.policy,
  RouteTableIds: endpoint.type === 'Gateway' ? routedFrom(tx, endpoint) : [],
  SubnetIds: endpoint.interfaces.map(({ subnet }) => subnet),
  Groups: endpoint.groups.map((id) => ({ GroupId: id, GroupName: tx.get('security-group', id)?.name })),
  ...(endpoint.type === 'Interface' && {
    IpAddressType: 'ipv4',
    DnsOptions: { DnsRecordIpType: 'ipv4', PrivateDnsOnlyForInboundResolverEndpoint: false },
  }),
  PrivateDnsEnabled: endpoint.privateDns,
  RequesterManaged: false,
  NetworkInterfaceIds: endpoint.interfaces.map(({ eni }) => eni),
  DnsEntries: dnsEntries(tx, endpoint),
  CreationTimestamp: endpoint.createdAt,
  Tags: shownTags(endpoint.tags),
  OwnerId: endpoint.account,
});

/** A service of one type: AWS lists a service with two types twice. */
interface Offer {
  readonly service: Service;
  readonly type: Service['types'][number];
  readonly tags: Tags;
}

function serviceId(name: string): string {
  const digits = Array.from(name, (ch) => ch.charCodeAt(0).toString(16)).join('');
  return `vpce-svc-${digits.slice(-17)}`;
}

const ownerOf = (tx: Tx, { own }: Service): string => (own === undefined ? 'amazon' : tx.account);

function baseName(tx: Tx, { service, type }: Pick<Offer, 'service' | 'type'>): string {
  if (service.own !== undefined) return `${service.own.id}.${tx.region}.vpce.amazonaws.com`;
  return `${dnsName(tx, service.name)}.${type === 'Gateway' ? '' : 'vpce.'}amazonaws.com`;
}

const detail = (tx: Tx, { service, type }: Offer): ServiceDetail => ({
  ServiceName: service.name,
  ServiceId: service.own?.id ?? serviceId(service.name),
  ServiceType: [{ ServiceType: type }],
  ServiceRegion: tx.region,
  AvailabilityZones: zonesOf(tx).map((zone) => zone.name),
  Owner: ownerOf(tx, service),
  BaseEndpointDnsNames: [baseName(tx, { service, type })],
  ...(type === 'Interface' && { PrivateDnsName: `${dnsName(tx, service.name)}.amazonaws.com` }),
  VpcEndpointPolicySupported: service.own === undefined,
  AcceptanceRequired: service.own?.acceptanceRequired ?? false,
  ManagesVpcEndpoints: false,
  Tags: [],
  SupportedIpAddressTypes: ['ipv4'],
});

const filters: Filters<Offer> = {
  owner: ({ service }, tx) => ownerOf(tx, service),
  'service-name': ({ service }) => service.name,
  'service-region': (_, tx) => tx.region,
  'service-type': ({ type }) => type,
  'supported-ip-address-types': () => 'ipv4',
};

function describeServices(
  tx: Tx,
  input: DescribeVpcEndpointServicesRequest,
): DescribeVpcEndpointServicesResult {
  const names = input.ServiceNames ?? [];
  const services = names.length > 0 ? names.map((each) => needService(tx, each)) : offered(tx);
  const offers = services.flatMap((service) =>
    service.types.map((type): Offer => ({ service, type, tags: {} })),
  );
  const page = paginate(
    offers.filter(matcher(tx, input.Filters ?? [], filters)),
    input,
    ({ service, type }) => [service.name, type],
  );
  return {
    ServiceNames: [...new Set(page.records.map(({ service }) => service.name))],
    ServiceDetails: page.records.map((offer) => detail(tx, offer)),
    ...page.next,
  };
}

export const vpcEndpointServiceHandlers: Handlers = {
  DescribeVpcEndpointServices: handler(describeServices),
};
