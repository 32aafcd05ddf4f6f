/**
 * A pair of appliances in a world of virtual time, deployed by API calls: the scene of many tests. Not a
 * test itself.
 */
import type { Reply } from '../../sim/ec2/service.ts';
import { setProfile } from '../../sim/world/guests.ts';
import * as operator from '../../sim/world/operator.ts';
import type { World } from '../../sim/world/state.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';

const PLACE = { account: ACCOUNT, region: REGION };

/** Makes a call that must succeed, and lets time pass until it is answered, at most a minute. */
export const call = <T = Record<string, unknown>>(world: World, action: string, input: object): T =>
  operator.call<T>(world, PLACE, action, input);

/** As `call`, but the answer may be an error, or undefined where there was none within a minute. */
export const callRaw = (world: World, action: string, input: object): Reply | undefined =>
  operator.tryCall(world, PLACE, action, input);

export interface Appliance {
  readonly instance: string;
  readonly eni: string;
  readonly address: string;
  readonly publicAddress: string;
}

export interface Pair {
  readonly vpc: string;
  /** The private route table whose 0.0.0.0/0 points at the owner's ENI. */
  readonly table: string;
  readonly a: Appliance;
  readonly b: Appliance;
  readonly workload: { readonly instance: string; readonly address: string; readonly eni: string };
  readonly group: string;
}

type Made<K extends string, Id extends string> = { readonly [key in K]: { readonly [id in Id]: string } };

/**
 * A VPC with two appliances in two zones (NAT, routed to by one private table) and a workload. The owner is
 * `a`. `together`: all three are in one subnet.
 */
export function deployPair(world: World, { together = false } = {}): Pair {
  const vpc = call<Made<'Vpc', 'VpcId'>>(world, 'CreateVpc', { CidrBlock: '10.0.0.0/16' }).Vpc.VpcId;
  const gateway = call<Made<'InternetGateway', 'InternetGatewayId'>>(world, 'CreateInternetGateway', {});
  const { InternetGatewayId } = gateway.InternetGateway;
  call(world, 'AttachInternetGateway', { InternetGatewayId, VpcId: vpc });
  const open = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  const group = call<{ GroupId: string }>(world, 'CreateSecurityGroup', {
    GroupName: 'open',
    Description: 'open',
    VpcId: vpc,
  });
  call(world, 'AuthorizeSecurityGroupIngress', { GroupId: group.GroupId, IpPermissions: open });
  const newTable = () =>
    call<Made<'RouteTable', 'RouteTableId'>>(world, 'CreateRouteTable', { VpcId: vpc }).RouteTable
      .RouteTableId;
  const newSubnet = (cidr: string, zone: string, RouteTableId: string): string => {
    const { SubnetId } = call<Made<'Subnet', 'SubnetId'>>(world, 'CreateSubnet', {
      VpcId: vpc,
      CidrBlock: cidr,
      AvailabilityZone: `${REGION}${zone}`,
    }).Subnet;
    call(world, 'AssociateRouteTable', { RouteTableId, SubnetId });
    return SubnetId;
  };
  const edge = newTable();
  call(world, 'CreateRoute', {
    RouteTableId: edge,
    DestinationCidrBlock: '0.0.0.0/0',
    GatewayId: InternetGatewayId,
  });
  const table = newTable();
  const appliance = (SubnetId: string, PrivateIpAddress: string): Appliance => {
    const launched = launch(world, { SubnetId, PrivateIpAddress, group: group.GroupId });
    call(world, 'ModifyNetworkInterfaceAttribute', {
      NetworkInterfaceId: launched.eni,
      SourceDestCheck: { Value: false },
    });
    const PublicIp = makePublic(world, launched.eni);
    setProfile(world, launched.instance, { role: 'nat', services: [{ kind: 'tcp-echo', port: 22 }] });
    return { ...launched, address: PrivateIpAddress, publicAddress: PublicIp };
  };
  const first = newSubnet('10.0.0.0/24', 'a', edge);
  const a = appliance(first, '10.0.0.10');
  const b = together
    ? appliance(first, '10.0.0.11')
    : appliance(newSubnet('10.0.1.0/24', 'b', edge), '10.0.1.10');
  call(world, 'CreateRoute', {
    RouteTableId: table,
    DestinationCidrBlock: '0.0.0.0/0',
    NetworkInterfaceId: a.eni,
  });
  const inside = together ? first : newSubnet('10.0.10.0/24', 'a', table);
  const address = together ? '10.0.0.20' : '10.0.10.10';
  const workload = launch(world, { SubnetId: inside, PrivateIpAddress: address, group: group.GroupId });
  return {
    vpc,
    table,
    a,
    b,
    workload: { ...workload, address },
    group: group.GroupId,
  };
}

/** Gives an ENI a public address, and says which. */
export function makePublic(world: World, NetworkInterfaceId: string): string {
  const made = call<{ AllocationId: string; PublicIp: string }>(world, 'AllocateAddress', {});
  call(world, 'AssociateAddress', { AllocationId: made.AllocationId, NetworkInterfaceId });
  return made.PublicIp;
}

/** Starts an instance and gives its id and that of its ENI. */
export function launch(
  world: World,
  { SubnetId, PrivateIpAddress, group }: { SubnetId: string; PrivateIpAddress: string; group: string },
): { instance: string; eni: string } {
  const output = call<{
    Instances: { InstanceId: string; NetworkInterfaces: { NetworkInterfaceId: string }[] }[];
  }>(world, 'RunInstances', {
    ImageId: 'ami-0123456789abcdef0',
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    SubnetId,
    PrivateIpAddress,
    SecurityGroupIds: [group],
  });
  const instance = output.Instances[0];
  return {
    instance: instance?.InstanceId ?? '',
    eni: instance?.NetworkInterfaces[0]?.NetworkInterfaceId ?? '',
  };
}

/** Moves the private default route. */
export const moveTo = (world: World, pair: Pair, to: Appliance): unknown =>
  call(world, 'ReplaceRoute', {
    RouteTableId: pair.table,
    DestinationCidrBlock: '0.0.0.0/0',
    NetworkInterfaceId: to.eni,
  });
