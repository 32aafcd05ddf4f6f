/**
 * The floating ENI in a world of packets: two appliances of one zone, an ENI that either has, and a workload
 * behind it.
 */
import { must } from '../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../controller/config.ts';
import { setProfile } from '../../sim/world/guests.ts';
import type { World } from '../../sim/world/state.ts';
import { call } from '../world/pair.ts';

export const INTERNET_HOST = '203.0.113.10';

export interface Floating {
  readonly eni: string;
  readonly enis: Readonly<Record<'a' | 'b', string>>;
  readonly instances: Readonly<Record<'a' | 'b' | 'workload', string>>;
  /** The configuration of `a`, `b`, or of an observer, who probes by the routes of its machine. */
  readonly config: (node: string) => Config;
  readonly owner: () => string;
}

interface Output {
  readonly Vpc?: { readonly VpcId: string };
  readonly InternetGateway?: { readonly InternetGatewayId: string };
  readonly GroupId?: string;
  readonly RouteTable?: { readonly RouteTableId: string };
  readonly RouteTables?: readonly { readonly RouteTableId: string }[];
  readonly Subnet?: { readonly SubnetId: string };
  readonly AllocationId?: string;
  readonly NetworkInterface?: { readonly NetworkInterfaceId: string };
  readonly Instances?: readonly {
    readonly InstanceId: string;
    readonly NetworkInterfaces: readonly { readonly NetworkInterfaceId: string }[];
  }[];
  readonly NetworkInterfaces?: readonly {
    readonly Attachment?: { readonly InstanceId: string; readonly Status: string };
  }[];
}

const ADDRESSES = { a: '10.0.0.10', b: '10.0.0.11' } as const;

export function deployFloating(world: World): Floating {
  const ec2 = (action: string, input: object): Output => call<Output>(world, action, input);
  const VpcId = ec2('CreateVpc', { CidrBlock: '10.0.0.0/16' }).Vpc?.VpcId;
  const InternetGatewayId = ec2('CreateInternetGateway', {}).InternetGateway?.InternetGatewayId;
  ec2('AttachInternetGateway', { InternetGatewayId, VpcId });
  const GroupId = ec2('CreateSecurityGroup', { GroupName: 'open', Description: 'open', VpcId }).GroupId;
  const all = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  ec2('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: all });
  const subnet = (CidrBlock: string, target: object): string => {
    const RouteTableId = ec2('CreateRouteTable', { VpcId }).RouteTable?.RouteTableId;
    const made =
      ec2('CreateSubnet', { VpcId, CidrBlock, AvailabilityZone: 'eu-central-1a' }).Subnet?.SubnetId ?? '';
    ec2('AssociateRouteTable', { RouteTableId, SubnetId: made });
    ec2('CreateRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', ...target });
    return made;
  };
  const outside = subnet('10.0.0.0/24', { GatewayId: InternetGatewayId });
  const off = { SourceDestCheck: { Value: false } };
  const floating = { SubnetId: outside, PrivateIpAddress: '10.0.0.100', Groups: [GroupId] };
  const eni = ec2('CreateNetworkInterface', floating).NetworkInterface?.NetworkInterfaceId ?? '';
  ec2('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId: eni, ...off });
  const launch = (SubnetId: string, PrivateIpAddress: string) => {
    const machine = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 };
    const ran = ec2('RunInstances', { ...machine, SubnetId, PrivateIpAddress, SecurityGroupIds: [GroupId] });
    const instance = ran.Instances?.[0];
    return { id: instance?.InstanceId ?? '', eni: instance?.NetworkInterfaces[0]?.NetworkInterfaceId ?? '' };
  };
  const appliance = (name: 'a' | 'b') => {
    const launched = launch(outside, ADDRESSES[name]);
    ec2('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId: launched.eni, ...off });
    const { AllocationId } = ec2('AllocateAddress', {});
    ec2('AssociateAddress', { AllocationId, NetworkInterfaceId: launched.eni });
    setProfile(world, launched.id, { role: 'nat', services: [] });
    return launched;
  };
  const [a, b] = [appliance('a'), appliance('b')];
  const inside = subnet('10.0.10.0/24', { NetworkInterfaceId: eni });
  const workload = launch(inside, '10.0.10.10');
  // An observer on the workload reaches EC2 by a route of its own, which nobody moves.
  const table = ec2('DescribeRouteTables', {
    Filters: [{ Name: 'association.subnet-id', Values: [inside] }],
  });
  const RouteTableId = table.RouteTables?.[0]?.RouteTableId;
  ec2('CreateRoute', { RouteTableId, DestinationCidrBlock: '192.0.2.10/32', GatewayId: InternetGatewayId });
  const { AllocationId } = ec2('AllocateAddress', {});
  ec2('AssociateAddress', { AllocationId, NetworkInterfaceId: workload.eni });
  const enis = { a: a.eni, b: b.eni };
  const instances = { a: a.id, b: b.id, workload: workload.id };
  return {
    eni,
    enis,
    instances,
    config: (node) => configOf(node, enis, eni),
    owner: () => ownerOf(ec2, eni, instances),
  };
}

function ownerOf(
  ec2: (action: string, input: object) => Output,
  eni: string,
  instances: Readonly<Record<string, string>>,
): string {
  const found = ec2('DescribeNetworkInterfaces', { NetworkInterfaceIds: [eni] }).NetworkInterfaces?.[0]
    ?.Attachment;
  const name = Object.keys(instances).find((one) => instances[one] === found?.InstanceId) ?? 'nobody';
  return found === undefined || found.Status === 'attached' ? name : `${name} ${found.Status}`;
}

function configOf(node: string, enis: Floating['enis'], eni: string): Config {
  const onAppliance = node === 'a' || node === 'b';
  const quick = { interval: '200ms', timeout: '180ms' };
  const probes: NonNullable<NonNullable<ConfigInput['appliances']>[number]['probes']> = [
    { kind: 'icmp', ...quick },
    { kind: 'through', target: { icmp: INTERNET_HOST }, ...quick, ...(onAppliance ? {} : { by: 'route' }) },
  ];
  const names = ['a', 'b'] as const;
  return must(
    checkConfig({
      version: 1,
      node,
      aws: { region: 'eu-central-1' },
      appliances: names.map((name) => ({ name, address: ADDRESSES[name], eni: enis[name], probes })),
      groups: [{ name: 'g', members: [...names], eni: { id: eni, deviceIndex: 1 } }],
    } satisfies ConfigInput),
  );
}
