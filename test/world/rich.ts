/**
 * A world with one of nearly everything, made by API calls, and how it shows itself: its Describe answers and
 * the fate of probes between all its machines. Not a test itself.
 */
import { handle } from '../../sim/ec2/service.ts';
import { addHost, changeGuest, setProfile } from '../../sim/world/guests.ts';
import type { World } from '../../sim/world/state.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { ACCOUNT, call, deployPair, launch, type Pair, REGION } from './pair.ts';

/** A member of the answer, as `Vpc.VpcId`. */
function made(world: World, action: string, input: object, path: string): string {
  let value: unknown = call(world, action, input);
  for (const step of path.split('.')) value = (value as Record<string, unknown>)[step];
  return String(value);
}

/** Another VPC with a subnet, a table of its own and an instance. */
function spoke(world: World, n: number) {
  const vpc = made(world, 'CreateVpc', { CidrBlock: `10.${n}.0.0/16` }, 'Vpc.VpcId');
  const group = made(
    world,
    'CreateSecurityGroup',
    { GroupName: `spoke ${n}`, Description: 'd', VpcId: vpc },
    'GroupId',
  );
  const IpPermissions = [
    { IpProtocol: 'udp', FromPort: 7, ToPort: 7, IpRanges: [{ CidrIp: '10.0.0.0/8', Description: 'echo' }] },
    { IpProtocol: 'icmp', FromPort: 8, ToPort: -1, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
    { IpProtocol: 'tcp', FromPort: 1, ToPort: 9, UserIdGroupPairs: [{ GroupId: group }] },
  ];
  call(world, 'AuthorizeSecurityGroupIngress', { GroupId: group, IpPermissions });
  const zone = { AvailabilityZone: `${REGION}a` };
  const subnet = made(
    world,
    'CreateSubnet',
    { VpcId: vpc, CidrBlock: `10.${n}.0.0/24`, ...zone },
    'Subnet.SubnetId',
  );
  const table = made(world, 'CreateRouteTable', { VpcId: vpc }, 'RouteTable.RouteTableId');
  call(world, 'AssociateRouteTable', { RouteTableId: table, SubnetId: subnet });
  const machine = launch(world, { SubnetId: subnet, PrivateIpAddress: `10.${n}.0.10`, group });
  return { vpc, subnet, table, ...machine };
}

const subnetOf = (world: World, eni: string): string =>
  world.records['network-interface'].get(eni)?.subnet ?? '';

/** A transit gateway between the pair's VPC and a spoke, with a blackhole; a peering to the same spoke. */
function connectSpokes(world: World, pair: Pair): void {
  const [near, far] = [spoke(world, 1), spoke(world, 2)];
  const pcx = made(
    world,
    'CreateVpcPeeringConnection',
    { VpcId: pair.vpc, PeerVpcId: near.vpc },
    'VpcPeeringConnection.VpcPeeringConnectionId',
  );
  call(world, 'AcceptVpcPeeringConnection', { VpcPeeringConnectionId: pcx });
  const peered = { VpcPeeringConnectionId: pcx };
  call(world, 'CreateRoute', { RouteTableId: pair.table, DestinationCidrBlock: '10.1.0.0/16', ...peered });
  call(world, 'CreateRoute', { RouteTableId: near.table, DestinationCidrBlock: '10.0.0.0/16', ...peered });
  const tgw = made(world, 'CreateTransitGateway', {}, 'TransitGateway.TransitGatewayId');
  const attach = (VpcId: string, subnet: string): string =>
    made(
      world,
      'CreateTransitGatewayVpcAttachment',
      { TransitGatewayId: tgw, VpcId, SubnetIds: [subnet] },
      'TransitGatewayVpcAttachment.TransitGatewayAttachmentId',
    );
  attach(pair.vpc, subnetOf(world, pair.workload.eni));
  attach(far.vpc, far.subnet);
  const through = { TransitGatewayId: tgw };
  call(world, 'CreateRoute', { RouteTableId: pair.table, DestinationCidrBlock: '10.2.0.0/16', ...through });
  call(world, 'CreateRoute', { RouteTableId: far.table, DestinationCidrBlock: '10.0.0.0/8', ...through });
  const gateway = call<{ TransitGateways: { Options: { AssociationDefaultRouteTableId: string } }[] }>(
    world,
    'DescribeTransitGateways',
    {},
  ).TransitGateways[0];
  call(world, 'CreateTransitGatewayRoute', {
    TransitGatewayRouteTableId: gateway?.Options.AssociationDefaultRouteTableId,
    DestinationCidrBlock: '10.3.0.0/16',
    Blackhole: true,
  });
}

/** A VPN to a site with a host. */
function connectSite(world: World, pair: Pair): void {
  const vgw = made(world, 'CreateVpnGateway', { Type: 'ipsec.1' }, 'VpnGateway.VpnGatewayId');
  call(world, 'AttachVpnGateway', { VpcId: pair.vpc, VpnGatewayId: vgw });
  const cgw = made(
    world,
    'CreateCustomerGateway',
    { Type: 'ipsec.1', IpAddress: '203.0.113.7', BgpAsn: 65_010 },
    'CustomerGateway.CustomerGatewayId',
  );
  const vpn = made(
    world,
    'CreateVpnConnection',
    { Type: 'ipsec.1', CustomerGatewayId: cgw, VpnGatewayId: vgw, Options: { StaticRoutesOnly: true } },
    'VpnConnection.VpnConnectionId',
  );
  call(world, 'CreateVpnConnectionRoute', { VpnConnectionId: vpn, DestinationCidrBlock: '172.16.0.0/16' });
  call(world, 'EnableVgwRoutePropagation', { RouteTableId: pair.table, GatewayId: vgw });
  addHost(world, '172.16.0.9', [{ kind: 'udp-echo', port: 7 }], cgw);
}

/** A NAT gateway in front of a subnet, behind a network ACL; a prefix list as destination. */
function addNat(world: World, pair: Pair): void {
  const outside = subnetOf(world, pair.a.eni);
  const { AllocationId } = call<{ AllocationId: string }>(world, 'AllocateAddress', { Domain: 'vpc' });
  const nat = made(world, 'CreateNatGateway', { SubnetId: outside, AllocationId }, 'NatGateway.NatGatewayId');
  const list = made(
    world,
    'CreateManagedPrefixList',
    {
      PrefixListName: 'outside',
      MaxEntries: 3,
      AddressFamily: 'IPv4',
      Entries: [{ Cidr: '203.0.113.0/25', Description: 'half' }],
    },
    'PrefixList.PrefixListId',
  );
  call(world, 'AuthorizeSecurityGroupIngress', {
    GroupId: pair.group,
    IpPermissions: [{ IpProtocol: 'tcp', FromPort: 9, ToPort: 9, PrefixListIds: [{ PrefixListId: list }] }],
  });
  const { VpcId, SubnetId, RouteTableId } = {
    VpcId: pair.vpc,
    SubnetId: made(world, 'CreateSubnet', { VpcId: pair.vpc, CidrBlock: '10.0.20.0/24' }, 'Subnet.SubnetId'),
    RouteTableId: made(world, 'CreateRouteTable', { VpcId: pair.vpc }, 'RouteTable.RouteTableId'),
  };
  call(world, 'AssociateRouteTable', { RouteTableId, SubnetId });
  call(world, 'CreateRoute', { RouteTableId, DestinationPrefixListId: list, NatGatewayId: nat });
  launch(world, { SubnetId, PrivateIpAddress: '10.0.20.10', group: pair.group });
  const acl = made(world, 'CreateNetworkAcl', { VpcId }, 'NetworkAcl.NetworkAclId');
  const entry = { NetworkAclId: acl, RuleAction: 'allow', CidrBlock: '0.0.0.0/0' };
  call(world, 'CreateNetworkAclEntry', { ...entry, RuleNumber: 100, Protocol: '-1', Egress: true });
  const ports = { PortRange: { From: 1024, To: 65_535 } };
  call(world, 'CreateNetworkAclEntry', { ...entry, RuleNumber: 90, Protocol: '17', Egress: false, ...ports });
  const acls = call<{ NetworkAcls: { Associations: Record<string, string>[] }[] }>(
    world,
    'DescribeNetworkAcls',
    {},
  );
  const at = acls.NetworkAcls.flatMap((each) => each.Associations).find((each) => each.SubnetId === SubnetId);
  const AssociationId = at?.NetworkAclAssociationId;
  call(world, 'ReplaceNetworkAclAssociation', { AssociationId, NetworkAclId: acl });
}

/** A gateway endpoint and an interface endpoint; a launch template with two versions. */
function addEndpoints(world: World, pair: Pair): void {
  const service = (name: string): object => ({
    VpcId: pair.vpc,
    ServiceName: `com.amazonaws.${REGION}.${name}`,
  });
  call(world, 'CreateVpcEndpoint', { ...service('dynamodb'), RouteTableIds: [pair.table] });
  const SubnetIds = [subnetOf(world, pair.a.eni)];
  const more = { VpcEndpointType: 'Interface', PrivateDnsEnabled: false, SecurityGroupIds: [pair.group] };
  call(world, 'CreateVpcEndpoint', { ...service('ec2'), ...more, SubnetIds });
  const named = { LaunchTemplateName: 'appliance' };
  call(world, 'CreateLaunchTemplate', { ...named, LaunchTemplateData: { InstanceType: 't3.small' } });
  const VersionDescription = 'larger';
  const LaunchTemplateData = { InstanceType: 't3.large' };
  call(world, 'CreateLaunchTemplateVersion', { ...named, VersionDescription, LaunchTemplateData });
}

/** A VPN from the site to the transit gateway, which forwards to it by a static route. */
function connectSiteToTransit(world: World): void {
  const { TransitGateways: gateways } = call<{
    TransitGateways: { TransitGatewayId: string; Options: { AssociationDefaultRouteTableId: string } }[];
  }>(world, 'DescribeTransitGateways', {});
  const { CustomerGateways: sites } = call<{ CustomerGateways: { CustomerGatewayId: string }[] }>(
    world,
    'DescribeCustomerGateways',
    {},
  );
  const [gateway] = gateways;
  const TransitGatewayId = gateway?.TransitGatewayId;
  const ends = { Type: 'ipsec.1', CustomerGatewayId: sites[0]?.CustomerGatewayId, TransitGatewayId };
  call(world, 'CreateVpnConnection', { ...ends, Options: { StaticRoutesOnly: true } });
  const Filters = [{ Name: 'resource-type', Values: ['vpn'] }];
  const found = call<{ TransitGatewayAttachments: { TransitGatewayAttachmentId: string }[] }>(
    world,
    'DescribeTransitGatewayAttachments',
    { Filters },
  );
  call(world, 'CreateTransitGatewayRoute', {
    TransitGatewayRouteTableId: gateway?.Options.AssociationDefaultRouteTableId,
    DestinationCidrBlock: '172.16.0.0/24',
    TransitGatewayAttachmentId: found.TransitGatewayAttachments[0]?.TransitGatewayAttachmentId,
  });
}

/** Makes all of it. */
export function deployRich(world: World): Pair {
  const pair = deployPair(world);
  connectSpokes(world, pair);
  connectSite(world, pair);
  addNat(world, pair);
  addEndpoints(world, pair);
  connectSiteToTransit(world);
  const eni = made(
    world,
    'CreateNetworkInterface',
    { SubnetId: subnetOf(world, pair.workload.eni), Groups: [pair.group], SecondaryPrivateIpAddressCount: 1 },
    'NetworkInterface.NetworkInterfaceId',
  );
  const InstanceId = pair.workload.instance;
  call(world, 'AttachNetworkInterface', { NetworkInterfaceId: eni, InstanceId, DeviceIndex: 1 });
  const second = world.records['network-interface'].get(eni);
  changeGuest(
    world,
    InstanceId,
    [
      { kind: 'link-up', mac: second?.mac ?? '' },
      { kind: 'address-add', mac: second?.mac ?? '', address: second?.addresses[0] ?? '', length: 24 },
      { kind: 'rp-filter', mac: second?.mac ?? '', mode: 0 },
      { kind: 'rule-add', from: '10.0.10.0/25', table: 100 },
    ],
    (failure) => {
      if (failure !== undefined) throw new Error(failure);
    },
  );
  setProfile(world, InstanceId, { role: 'host', services: [{ kind: 'tcp-echo', port: 7 }] });
  const kept = pair.b.instance;
  call(world, 'CreateTags', { Resources: [kept, pair.vpc], Tags: [{ Key: 'Name', Value: 'ä & "b"' }] });
  const stopped = launch(world, {
    SubnetId: subnetOf(world, pair.b.eni),
    PrivateIpAddress: '10.0.1.99',
    group: pair.group,
  });
  call(world, 'StopInstances', { InstanceIds: [stopped.instance] });
  call(world, 'CreateEgressOnlyInternetGateway', { VpcId: pair.vpc });
  call(world, 'ImportKeyPair', {
    KeyName: 'k',
    PublicKeyMaterial: new TextEncoder().encode(
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJVmvZ1xVvSgUWUpnZBuxtqvXcMJBRCWCqBvL7Xxo7vG a',
    ),
  });
  return pair;
}

/** Describe actions that need no input. */
export const DESCRIBES = [
  'DescribeVpcs',
  'DescribeSubnets',
  'DescribeRouteTables',
  'DescribeInternetGateways',
  'DescribeEgressOnlyInternetGateways',
  'DescribeNatGateways',
  'DescribeNetworkInterfaces',
  'DescribeAddresses',
  'DescribeInstances',
  'DescribeVolumes',
  'DescribeSecurityGroups',
  'DescribeSecurityGroupRules',
  'DescribeNetworkAcls',
  'DescribeManagedPrefixLists',
  'DescribeDhcpOptions',
  'DescribeKeyPairs',
  'DescribeVpcEndpoints',
  'DescribeVpcEndpointServiceConfigurations',
  'DescribeLaunchTemplates',
  'DescribeVpcPeeringConnections',
  'DescribeVpnGateways',
  'DescribeCustomerGateways',
  'DescribeVpnConnections',
  'DescribeTransitGateways',
  'DescribeTransitGatewayAttachments',
  'DescribeTransitGatewayVpcAttachments',
  'DescribeTransitGatewayRouteTables',
  'DescribeTransitGatewayConnects',
  'DescribeTransitGatewayConnectPeers',
  'DescribeTransitGatewayMulticastDomains',
  'DescribeRouteServers',
  'DescribeRouteServerEndpoints',
  'DescribeRouteServerPeers',
  'DescribeTags',
] as const;

/** What a world answers to each Describe, of one account and region. */
export function answersOf(world: World, account = ACCOUNT, region = REGION): Record<string, unknown> {
  const answers = DESCRIBES.map((action) => {
    const reply = handle(world.api.cloud, { account, region, service: 'ec2', action, input: {} }, world.now);
    return [action, reply.kind === 'ok' ? reply.output : reply];
  });
  return Object.fromEntries(answers);
}

/** How probes between all machines and hosts end: `from > to protocol: disposition at whom, hops`. */
export function probesOf(world: World): readonly string[] {
  const inside = [...world.records['network-interface'].values()].flatMap((eni) => [
    ...eni.addresses,
    ...eni.publicAddresses.map((pair) => pair.public),
  ]);
  const targets = [...new Set([...inside, ...world.hosts.keys(), '10.3.0.1', '198.51.100.77'])].sort();
  return [...world.guests.keys(), ...world.hosts.keys()].sort().flatMap((from) =>
    targets.flatMap((to) =>
      (['udp', 'tcp', 'icmp'] as const).map((protocol) => {
        const trace = tracePacket(world, { from, to, protocol, port: 7 });
        if (!trace.ok) return `${from} > ${to} ${protocol}: ${trace.error}`;
        const { disposition, deliveredTo, hops } = trace.value;
        return `${from} > ${to} ${protocol}: ${disposition} ${deliveredTo} ${hops.map((hop) => hop.id)}`;
      }),
    ),
  );
}
