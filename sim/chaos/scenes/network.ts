/** Builds a scenario's VPC by EC2 calls, as its operator would. */
import { formatAddress, prefix } from '../../../controller/base/ip.ts';
import { must, present } from '../../../controller/base/result.ts';
import type { ConfigInput } from '../../../controller/config.ts';
import { setProfile } from '../../world/guests.ts';
import { call, type Place } from '../../world/operator.ts';
import type { Profile, World } from '../../world/state.ts';

export const PLACE: Place = { account: '111122223333', region: 'eu-central-1' };
/** The host that workloads talk to and probes go through to. */
export const HOST = '203.0.113.10';

export interface Machine {
  readonly instance: string;
  /** Its first ENI. */
  readonly eni: string;
  readonly address: string;
  readonly zone: string;
}

type Probed = NonNullable<ConfigInput['appliances']>[number];
export type Probes = NonNullable<Probed['probes']>;

const QUICK = { interval: '200ms', timeout: '180ms' } as const;
export const ICMP = { kind: 'icmp', ...QUICK } as const;
/** To the host, by way of the appliance. */
export const THROUGH = { kind: 'through', target: { icmp: HOST }, ...QUICK } as const;
/** The same, where an appliance can probe through itself only: the others are in other subnets. */
export const THROUGH_ITSELF = { ...THROUGH, by: 'route', from: 'self' } as const;

/** The appliances of a configuration, all probed alike. */
export const probed = <Name extends string>(
  machines: Readonly<Record<Name, Machine>>,
  names: readonly Name[],
  probes: Probes,
): Probed[] =>
  names.map((name) => {
    const { address, eni } = machines[name];
    return { name, address, eni, probes };
  });

export interface Site {
  readonly world: World;
  readonly vpc: string;
  readonly gateway: string;
  readonly group: string;
}

type Ids<K extends string, Id extends string> = { readonly [key in K]: { readonly [id in Id]: string } };

export const ask = <T = Record<string, unknown>>(world: World, action: string, input: object): T =>
  call<T>(world, PLACE, action, input);

/** A VPC with an Internet gateway and a security group that is open. */
export function createSite(world: World, CidrBlock = '10.0.0.0/16'): Site {
  const vpc = ask<Ids<'Vpc', 'VpcId'>>(world, 'CreateVpc', { CidrBlock }).Vpc.VpcId;
  const made = ask<Ids<'InternetGateway', 'InternetGatewayId'>>(world, 'CreateInternetGateway', {});
  const gateway = made.InternetGateway.InternetGatewayId;
  ask(world, 'AttachInternetGateway', { InternetGatewayId: gateway, VpcId: vpc });
  const { GroupId: group } = ask<{ GroupId: string }>(world, 'CreateSecurityGroup', {
    GroupName: 'open',
    Description: 'open',
    VpcId: vpc,
  });
  const all = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  ask(world, 'AuthorizeSecurityGroupIngress', { GroupId: group, IpPermissions: all });
  return { world, vpc, gateway, group };
}

/** A route table, with a default route where a target is given. */
export function createTable({ world, vpc }: Site, target?: object): string {
  const made = ask<Ids<'RouteTable', 'RouteTableId'>>(world, 'CreateRouteTable', { VpcId: vpc });
  const { RouteTableId } = made.RouteTable;
  if (target !== undefined)
    ask(world, 'CreateRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', ...target });
  return RouteTableId;
}

export function createSubnet({ world, vpc }: Site, cidr: string, zone: string, RouteTableId: string): string {
  const { SubnetId } = ask<Ids<'Subnet', 'SubnetId'>>(world, 'CreateSubnet', {
    VpcId: vpc,
    CidrBlock: cidr,
    AvailabilityZone: `${PLACE.region}${zone}`,
  }).Subnet;
  ask(world, 'AssociateRouteTable', { RouteTableId, SubnetId });
  return SubnetId;
}

/** Gives a VPC IPv6 addresses; the answer is a /56, of which `ipv6Of` gives each subnet a /64. */
export function addIpv6({ world, vpc: VpcId, group: GroupId }: Site): string {
  ask(world, 'AssociateVpcCidrBlock', { VpcId, AmazonProvidedIpv6CidrBlock: true });
  const all = [{ IpProtocol: '-1', Ipv6Ranges: [{ CidrIpv6: '::/0' }] }];
  ask(world, 'AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: all });
  ask(world, 'AuthorizeSecurityGroupEgress', { GroupId, IpPermissions: all });
  const { Vpcs } = ask<{ Vpcs: { Ipv6CidrBlockAssociationSet: { Ipv6CidrBlock: string }[] }[] }>(
    world,
    'DescribeVpcs',
    { VpcIds: [VpcId] },
  );
  return present(Vpcs[0]?.Ipv6CidrBlockAssociationSet[0], 'an IPv6 block').Ipv6CidrBlock;
}

/** Gives a subnet the `index`-th /64 of a /56. */
export function giveIpv6({ world }: Site, SubnetId: string, block: string, index: number): void {
  const { family, words } = prefix(block).address;
  const own = formatAddress({ family, words: [words[0], words[1] + index, words[2], words[3]] });
  ask(world, 'AssociateSubnetCidrBlock', { SubnetId, Ipv6CidrBlock: `${own}/64` });
}

/** Adds a route as an operator would. */
export function addRoute(
  { world }: Pick<Site, 'world'>,
  RouteTableId: string,
  to: string,
  target: object,
): void {
  const key = to.includes(':') ? 'DestinationIpv6CidrBlock' : 'DestinationCidrBlock';
  ask(world, 'CreateRoute', { RouteTableId, [key]: to, ...target });
}

/** An instance that runs, with its first ENI in a subnet. */
export function launch(
  { world, group }: Pick<Site, 'world' | 'group'>,
  SubnetId: string,
  PrivateIpAddress: string,
  more: object = {},
): Pick<Machine, 'instance' | 'eni'> {
  const { Instances } = ask<{
    Instances: { InstanceId: string; NetworkInterfaces: { NetworkInterfaceId: string }[] }[];
  }>(world, 'RunInstances', {
    ImageId: 'ami-0123456789abcdef0',
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    SubnetId,
    PrivateIpAddress,
    SecurityGroupIds: [group],
    ...more,
  });
  const { InstanceId: instance, NetworkInterfaces } = present(Instances[0], 'an instance');
  return { instance, eni: present(NetworkInterfaces[0], 'its ENI').NetworkInterfaceId };
}

interface At {
  readonly SubnetId: string;
  readonly address: string;
  readonly zone: string;
  /** Whether its ENI gets an IPv6 address, too. */
  readonly hasIpv6?: boolean;
}

/** An instance that runs, and what its image does. */
export function createMachine(site: Site, at: At, profile: Profile): Machine {
  const { SubnetId, address, zone } = at;
  const launched = launch(site, SubnetId, address, at.hasIpv6 ? { Ipv6AddressCount: 1 } : {});
  must(setProfile(site.world, launched.instance, profile));
  return { ...launched, address, zone };
}

/** Lets an ENI forward for others. */
export const forwardFor = (world: World, NetworkInterfaceId: string): unknown =>
  ask(world, 'ModifyNetworkInterfaceAttribute', { NetworkInterfaceId, SourceDestCheck: { Value: false } });

/** Gives an ENI a public address, and says which. */
export function makePublic(world: World, NetworkInterfaceId: string): string {
  const { AllocationId, PublicIp } = ask<{ AllocationId: string; PublicIp: string }>(
    world,
    'AllocateAddress',
    {},
  );
  ask(world, 'AssociateAddress', { AllocationId, NetworkInterfaceId });
  return PublicIp;
}

/** An appliance: forwards, masquerades, and has a public address. */
export function createAppliance(site: Site, at: At): Machine {
  const machine = createMachine(site, at, { role: 'nat', services: [] });
  forwardFor(site.world, machine.eni);
  makePublic(site.world, machine.eni);
  return machine;
}
