/**
 * An account with something of every kind, and for every operation a request that names what is there: to be
 * made wrong, dry or twice by tests that hold for all operations.
 */
import { handlerFor } from '../../sim/ec2/handlers.ts';
import { type Cloud, createCloud, handle, type Reply } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { operationNames, operationOf, SERVICES, type ServiceName, type Shape } from '../../sim/ec2/shape.ts';

export interface Operation {
  readonly service: ServiceName;
  readonly action: string;
}

/** Every operation that is served. */
export const OPERATIONS: readonly Operation[] = SERVICES.flatMap((service) =>
  operationNames(service)
    .filter((action) => handlerFor(service, action) !== undefined)
    .map((action) => ({ service, action })),
);

/** Ids and names of an account's resources, by the parameter that takes them. */
export type Known = Readonly<Record<string, string>>;

export interface Specimen {
  readonly cloud: Cloud;
  readonly known: Known;
  readonly ask: (operation: Operation, input: object, account?: string) => Reply;
}

const REGION = 'eu-central-1';
const ACCOUNT = '111122223333';
/** An account beside it, with resources of its own. */
export const STRANGER = '999988887777';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } }],
});

const DhcpConfigurations = [{ Key: 'domain-name', Values: ['example.com'] }];

/** The first text at a path such as `Vpc.VpcId` or `Instances.0.InstanceId`. */
function at(value: unknown, path: string): string {
  let found = value;
  for (const step of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[step];
  if (typeof found !== 'string') throw new Error(`nothing at ${path} of ${JSON.stringify(value)}`);
  return found;
}

type Call = (action: string, input?: object, service?: ServiceName) => unknown;

/** A Gateway Load Balancer with a listener and a target group. */
function balance(call: Call, VpcId: string, SubnetId: string): Known {
  const ask = (path: string, action: string, input: object): string =>
    at(call(action, input, 'elasticloadbalancing'), path);
  const LoadBalancerArn = ask('LoadBalancers.0.LoadBalancerArn', 'CreateLoadBalancer', {
    ...{ Name: 'balancer', Type: 'gateway', Subnets: [SubnetId] },
  });
  const group = { Protocol: 'GENEVE', Port: 6081, VpcId };
  const TargetGroupArn = ask('TargetGroups.0.TargetGroupArn', 'CreateTargetGroup', {
    ...group,
    Name: 'used',
  });
  const DefaultActions = [{ Type: 'forward', TargetGroupArn }];
  const ListenerArn = ask('Listeners.0.ListenerArn', 'CreateListener', { LoadBalancerArn, DefaultActions });
  return { LoadBalancerArn, TargetGroupArn, ListenerArn, ResourceArn: ListenerArn };
}

/** A virtual interface to a Direct Connect gateway that leads to a VPN gateway. */
function line(call: Call, account: string, gatewayId: string): Known {
  const ask = (path: string, action: string, input: object): string =>
    at(call(action, input, 'directconnect'), path);
  const connectionId = ask('connectionId', 'CreateConnection', {
    ...{ location: 'SIM-A', bandwidth: '1Gbps', connectionName: 'port' },
  });
  const directConnectGatewayId = ask(
    'directConnectGateway.directConnectGatewayId',
    'CreateDirectConnectGateway',
    { directConnectGatewayName: 'direct' },
  );
  call('CreateDirectConnectGatewayAssociation', { directConnectGatewayId, gatewayId }, 'directconnect');
  const virtualInterfaceId = ask('virtualInterfaceId', 'CreatePrivateVirtualInterface', {
    connectionId,
    newPrivateVirtualInterface: {
      virtualInterfaceName: 'line',
      vlan: 1,
      asn: 65_001,
      directConnectGatewayId,
    },
  });
  const resourceArn = `arn:aws:directconnect:${REGION}:${account}:dxcon/${connectionId}`;
  return { connectionId, directConnectGatewayId, virtualInterfaceId, resourceArn };
}

/** Makes the resources of an account; `n` tells the blocks of one account from those of another. */
function furnish(cloud: Cloud, account: string, n: number): Known {
  const call: Call = (action, input = {}, service = 'ec2') => {
    const reply = handle(cloud, { account, region: REGION, service, action, input }, 0);
    if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}: ${reply.message}`);
    return reply.output;
  };
  const make = (path: string, action: string, input: object = {}): string => at(call(action, input), path);
  const VpcId = make('Vpc.VpcId', 'CreateVpc', {
    CidrBlock: `10.${n}.0.0/16`,
    AmazonProvidedIpv6CidrBlock: true,
  });
  const other = make('Vpc.VpcId', 'CreateVpc', { CidrBlock: `10.${n + 1}.0.0/16` });
  const AvailabilityZone = `${REGION}a`;
  const SubnetId = make('Subnet.SubnetId', 'CreateSubnet', {
    ...{ VpcId, CidrBlock: `10.${n}.0.0/24`, AvailabilityZone },
  });
  const InternetGatewayId = make('InternetGateway.InternetGatewayId', 'CreateInternetGateway');
  call('AttachInternetGateway', { VpcId, InternetGatewayId });
  const RouteTableId = make('RouteTable.RouteTableId', 'CreateRouteTable', { VpcId });
  const tableAssociation = make('AssociationId', 'AssociateRouteTable', { RouteTableId, SubnetId });
  call('CreateRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId: InternetGatewayId });
  const launch = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.small', MinCount: 1, MaxCount: 1 };
  const InstanceId = make('Instances.0.InstanceId', 'RunInstances', { ...launch, SubnetId });
  const attached = make('NetworkInterface.NetworkInterfaceId', 'CreateNetworkInterface', { SubnetId });
  const AttachmentId = make('AttachmentId', 'AttachNetworkInterface', {
    ...{ NetworkInterfaceId: attached, InstanceId, DeviceIndex: 1 },
  });
  const NetworkInterfaceId = make('NetworkInterface.NetworkInterfaceId', 'CreateNetworkInterface', {
    SubnetId,
  });
  const AllocationId = make('AllocationId', 'AllocateAddress', { Domain: 'vpc' });
  const eipAssociation = make('AssociationId', 'AssociateAddress', { AllocationId, NetworkInterfaceId });
  const spare = make('AllocationId', 'AllocateAddress', { Domain: 'vpc' });
  const NatGatewayId = make('NatGateway.NatGatewayId', 'CreateNatGateway', { SubnetId, AllocationId: spare });
  const GroupId = make('GroupId', 'CreateSecurityGroup', { VpcId, GroupName: 'web', Description: 'web' });
  const SecurityGroupRuleId = make(
    'SecurityGroupRules.0.SecurityGroupRuleId',
    'AuthorizeSecurityGroupIngress',
    {
      ...{
        GroupId,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: 1, ToPort: 2, IpRanges: [{ CidrIp: '10.0.0.0/8' }] }],
      },
    },
  );
  const NetworkAclId = make('NetworkAcl.NetworkAclId', 'CreateNetworkAcl', { VpcId });
  const PrefixListId = make('PrefixList.PrefixListId', 'CreateManagedPrefixList', {
    ...{ PrefixListName: 'list', AddressFamily: 'IPv4', MaxEntries: 3, Entries: [{ Cidr: '192.0.2.0/24' }] },
  });
  const TransitGatewayId = make('TransitGateway.TransitGatewayId', 'CreateTransitGateway', {
    Options: { TransitGatewayCidrBlocks: [`192.0.${n}.0/24`], MulticastSupport: 'enable' },
  });
  const PeerTransitGatewayId = make('TransitGateway.TransitGatewayId', 'CreateTransitGateway');
  const TransitGatewayAttachmentId = make(
    'TransitGatewayVpcAttachment.TransitGatewayAttachmentId',
    'CreateTransitGatewayVpcAttachment',
    { TransitGatewayId, VpcId, SubnetIds: [SubnetId] },
  );
  const connect = make('TransitGatewayConnect.TransitGatewayAttachmentId', 'CreateTransitGatewayConnect', {
    ...{ TransportTransitGatewayAttachmentId: TransitGatewayAttachmentId, Options: { Protocol: 'gre' } },
  });
  const peer = { PeerAddress: `10.${n}.0.9`, InsideCidrBlocks: ['169.254.6.0/29'] };
  const VpnGatewayId = make('VpnGateway.VpnGatewayId', 'CreateVpnGateway', { Type: 'ipsec.1' });
  call('AttachVpnGateway', { VpnGatewayId, VpcId });
  const CustomerGatewayId = make('CustomerGateway.CustomerGatewayId', 'CreateCustomerGateway', {
    ...{ Type: 'ipsec.1', IpAddress: `203.0.113.${n}`, BgpAsn: 65_001 },
  });
  call('CreatePlacementGroup', { GroupName: 'spread', Strategy: 'spread' });
  const RoleName = 'role';
  call('CreateRole', { RoleName, AssumeRolePolicyDocument: TRUST }, 'iam');
  call('CreateInstanceProfile', { InstanceProfileName: 'profile' }, 'iam');
  return {
    ...{ VpcId, PeerVpcId: other, SubnetId, InternetGatewayId, RouteTableId, InstanceId, AttachmentId },
    ...{ NetworkInterfaceId, AllocationId, NatGatewayId, GroupId, SecurityGroupRuleId, NetworkAclId },
    ...{ PrefixListId, TransitGatewayId, PeerTransitGatewayId, TransitGatewayAttachmentId, VpnGatewayId },
    ...{ CustomerGatewayId, RoleName, InstanceProfileName: 'profile', tableAssociation, eipAssociation },
    TransitGatewayRouteTableId: make(
      'TransitGatewayRouteTable.TransitGatewayRouteTableId',
      'CreateTransitGatewayRouteTable',
      { TransitGatewayId },
    ),
    connect,
    TransportTransitGatewayAttachmentId: TransitGatewayAttachmentId,
    TransitGatewayMulticastDomainId: make(
      'TransitGatewayMulticastDomain.TransitGatewayMulticastDomainId',
      'CreateTransitGatewayMulticastDomain',
      { TransitGatewayId },
    ),
    TransitGatewayConnectPeerId: make(
      'TransitGatewayConnectPeer.TransitGatewayConnectPeerId',
      'CreateTransitGatewayConnectPeer',
      { TransitGatewayAttachmentId: connect, ...peer },
    ),
    VpnConnectionId: make('VpnConnection.VpnConnectionId', 'CreateVpnConnection', {
      ...{ Type: 'ipsec.1', CustomerGatewayId, VpnGatewayId, Options: { StaticRoutesOnly: true } },
    }),
    VpcPeeringConnectionId: make(
      'VpcPeeringConnection.VpcPeeringConnectionId',
      'CreateVpcPeeringConnection',
      { VpcId, PeerVpcId: other },
    ),
    EgressOnlyInternetGatewayId: make(
      'EgressOnlyInternetGateway.EgressOnlyInternetGatewayId',
      'CreateEgressOnlyInternetGateway',
      { VpcId },
    ),
    LaunchTemplateId: make('LaunchTemplate.LaunchTemplateId', 'CreateLaunchTemplate', {
      ...{ LaunchTemplateName: 'web', LaunchTemplateData: { InstanceType: 't3.small' } },
    }),
    VpcEndpointId: make('VpcEndpoint.VpcEndpointId', 'CreateVpcEndpoint', {
      ...{ VpcId, ServiceName: `com.amazonaws.${REGION}.s3`, RouteTableIds: [RouteTableId] },
    }),
    ...balance(call, VpcId, SubnetId),
    ...line(call, account, VpnGatewayId),
    RouteServerId: make('RouteServer.RouteServerId', 'CreateRouteServer', { AmazonSideAsn: 65_000 }),
    DhcpOptionsId: make('DhcpOptions.DhcpOptionsId', 'CreateDhcpOptions', { DhcpConfigurations }),
  };
}

/** Two accounts of one cloud, furnished alike. */
export function specimen(options: CloudOptions = {}): Specimen {
  const cloud = createCloud({ seed: 5, ...options });
  furnish(cloud, STRANGER, 100);
  const known = furnish(cloud, ACCOUNT, 0);
  const ask: Specimen['ask'] = ({ service, action }, input, account = ACCOUNT) =>
    handle(cloud, { account, region: REGION, service, action, input }, 0);
  return { cloud, known, ask };
}

/** The ids of the account beside, in place of the own ones. */
export const strangersOf = ({ cloud }: Specimen): Known => {
  const twin = createCloud({ ...cloud.settings });
  return furnish(twin, STRANGER, 100);
};

/** What parameters take that name no resource. */
const PLAIN: Readonly<Record<string, unknown>> = {
  AddressFamily: 'IPv4',
  bandwidth: '10Gbps',
  connectionName: 'other',
  directConnectGatewayName: 'other',
  location: 'SIM-B',
  newDirectConnectGatewayName: 'other',
  newPrivateVirtualInterface: { virtualInterfaceName: 'other', vlan: 2, asn: 65_002 },
  newPublicVirtualInterface: { virtualInterfaceName: 'other', vlan: 2, asn: 65_002 },
  newTransitVirtualInterface: { virtualInterfaceName: 'other', vlan: 2, asn: 65_002 },
  tagKeys: ['key'],
  tags: [{ key: 'key', value: 'value' }],
  AmazonSideAsn: 65_100,
  AssumeRolePolicyDocument: TRUST,
  Attribute: 'enableDnsSupport',
  BgpOptions: { PeerAsn: 65_010 },
  CurrentVersion: 1,
  Description: 'made by a test',
  DhcpConfigurations,
  DestinationCidrBlock: '198.51.100.0/24',
  DeviceIndex: 2,
  Egress: false,
  Filters: [{ Name: 'type', Values: ['static'] }],
  GroupName: 'other',
  IamInstanceProfile: { Name: 'profile' },
  ImageId: 'ami-0123456789abcdef0',
  KeyName: 'key',
  LaunchTemplateData: { InstanceType: 't3.micro' },
  LaunchTemplateName: 'other',
  MaxCount: 1,
  MaxEntries: 2,
  MinCount: 1,
  PeerAccountId: ACCOUNT,
  PeerAddress: '10.0.0.9',
  PeerRegion: REGION,
  PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
  PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [] }),
  PolicyName: 'policy',
  PrefixListName: 'other',
  PreviousVersion: 1,
  Protocol: '6',
  PublicKeyMaterial: new TextEncoder().encode('ssh-ed25519 AAAA test'),
  RoleArn: `arn:aws:iam::${ACCOUNT}:role/role`,
  RoleSessionName: 'session',
  RuleAction: 'allow',
  RuleNumber: 10,
  TagKeys: ['key'],
  Tags: [{ Key: 'key', Value: 'value' }],
  Type: 'ipsec.1',
  Versions: ['7'],
};

const group = ({ TransitGatewayMulticastDomainId, NetworkInterfaceId }: Known): object => ({
  ...{
    TransitGatewayMulticastDomainId,
    GroupIpAddress: '239.1.1.1',
    NetworkInterfaceIds: [NetworkInterfaceId],
  },
});

/** Parameters beside the required ones, without which an operation does nothing or is refused. */
const BESIDE: Readonly<Record<string, (known: Known) => object>> = {
  AssociateAddress: ({ AllocationId, NetworkInterfaceId }) => ({ AllocationId, NetworkInterfaceId }),
  AssociateRouteTable: ({ SubnetId }) => ({ SubnetId }),
  CreateListener: ({ TargetGroupArn }) => ({ DefaultActions: [{ Type: 'forward', TargetGroupArn }] }),
  CreateLoadBalancer: ({ SubnetId }) => ({ Name: 'other', Type: 'gateway', Subnets: [SubnetId] }),
  CreateTargetGroup: ({ VpcId }) => ({ Name: 'other', Protocol: 'GENEVE', Port: 6081, VpcId }),
  CreateLaunchTemplateVersion: ({ LaunchTemplateId }) => ({ LaunchTemplateId }),
  CreateNatGateway: ({ SubnetId }) => ({ SubnetId, ConnectivityType: 'private' }),
  CreateRoute: ({ InternetGatewayId: GatewayId }) => ({ GatewayId, DestinationCidrBlock: '198.51.100.0/24' }),
  CreateSubnet: () => ({ CidrBlock: '10.0.9.0/24' }),
  CreateVpc: () => ({ CidrBlock: '10.9.0.0/16' }),
  CreatePlacementGroup: () => ({ Strategy: 'spread' }),
  DeletePlacementGroup: () => ({ GroupName: 'spread' }),
  CreateTransitGatewayConnect: () => ({ Options: { Protocol: 'gre' } }),
  CreateTransitGatewayConnectPeer: ({ connect: TransitGatewayAttachmentId }) => ({
    ...{ TransitGatewayAttachmentId, PeerAddress: '10.0.0.8', InsideCidrBlocks: ['169.254.7.0/29'] },
  }),
  DeregisterTransitGatewayMulticastGroupMembers: group,
  DeregisterTransitGatewayMulticastGroupSources: group,
  RegisterTransitGatewayMulticastGroupMembers: group,
  RegisterTransitGatewayMulticastGroupSources: group,
  DeleteRoute: () => ({ DestinationCidrBlock: '0.0.0.0/0' }),
  DescribeInstanceAttribute: () => ({ Attribute: 'userData' }),
  DescribeLaunchTemplateVersions: ({ LaunchTemplateId }) => ({ LaunchTemplateId }),
  DisassociateAddress: ({ eipAssociation: AssociationId }) => ({ AssociationId }),
  DisassociateRouteTable: ({ tableAssociation: AssociationId }) => ({ AssociationId }),
  CreateSecurityGroup: ({ VpcId }) => ({ VpcId }),
  RegisterTargets: ({ InstanceId: Id }) => ({ Targets: [{ Id }] }),
  ReplaceRoute: ({ NetworkInterfaceId }) => ({ NetworkInterfaceId, DestinationCidrBlock: '0.0.0.0/0' }),
  RunInstances: ({ SubnetId }) => ({ SubnetId, ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro' }),
};

/** A value for a parameter: an id of the account, or something of its type. */
function valueFor(name: string, shape: Shape, known: Known): unknown {
  if (name === 'Resources') return [known.VpcId];
  if (name === 'GatewayId') return known.VpnGatewayId;
  if (Object.hasOwn(known, name)) return known[name];
  if (Object.hasOwn(PLAIN, name)) return PLAIN[name];
  const single = name.replace(/s$/, '');
  if (shape.kind === 'list' && Object.hasOwn(known, single)) return [known[single]];
  return { structure: {}, list: [], map: {}, string: 'x', number: 1, boolean: true, timestamp: 0, blob: '' }[
    shape.kind
  ];
}

/** A request with all that the operation requires, about the account's resources. */
export function example({ service, action }: Operation, known: Known): Record<string, unknown> {
  const input = operationOf(service, action)?.input;
  const members = input?.kind === 'structure' ? input.members.filter((member) => member.required) : [];
  const required = members.map(({ name, shape }) => [name, valueFor(name, shape(), known)] as const);
  return { ...Object.fromEntries(required), ...BESIDE[action]?.(known) };
}
