/**
 * Two appliances of one subnet in a running simulator, deployed with the AWS SDK, and their configuration.
 * Not a test.
 */
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreatePlacementGroupCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';
import type { ConfigInput } from '../../controller/config.ts';
import type { RunningSimulator } from '../../sim/index.ts';

export const REGION = 'eu-central-1';
export const ACCOUNT = '111122223333';
export const OUTSIDE = '203.0.113.10';

export interface Machine {
  readonly instance: string;
  readonly eni: string;
}

export interface Pair {
  readonly ec2: EC2Client;
  readonly a: Machine;
  readonly b: Machine;
  readonly workload: Machine;
  /** The table of the workload's subnet, whose default route the daemons move. */
  readonly table: string;
  /** The table of the appliances' own subnet. */
  readonly edge: string;
}

const id = (value: string | undefined): string => present(value, 'an id');

export async function deployPair(simulator: RunningSimulator): Promise<Pair> {
  const ec2 = new EC2Client({
    region: REGION,
    endpoint: simulator.url,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' },
  });
  const vpc = id((await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))).Vpc?.VpcId);
  const gateway = id(
    (await ec2.send(new CreateInternetGatewayCommand({}))).InternetGateway?.InternetGatewayId,
  );
  await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gateway, VpcId: vpc }));
  const group = id(
    (await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'open', Description: 'open', VpcId: vpc })))
      .GroupId,
  );
  const everyone = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group, IpPermissions: everyone }));
  const newTable = async (): Promise<string> =>
    id((await ec2.send(new CreateRouteTableCommand({ VpcId: vpc }))).RouteTable?.RouteTableId);
  const newSubnet = async (cidr: string, table: string): Promise<string> => {
    const subnet = await ec2.send(
      new CreateSubnetCommand({ VpcId: vpc, CidrBlock: cidr, AvailabilityZone: `${REGION}a` }),
    );
    const subnetId = id(subnet.Subnet?.SubnetId);
    await ec2.send(new AssociateRouteTableCommand({ RouteTableId: table, SubnetId: subnetId }));
    return subnetId;
  };
  await ec2.send(new CreatePlacementGroupCommand({ GroupName: 'pair', Strategy: 'spread' }));
  const launch = async (subnet: string, address: string): Promise<Machine> => {
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        Placement: { GroupName: 'pair' },
        ImageId: 'ami-0123456789abcdef0',
        InstanceType: 't3.micro',
        MinCount: 1,
        MaxCount: 1,
        SubnetId: subnet,
        PrivateIpAddress: address,
        SecurityGroupIds: [group],
      }),
    );
    const instance = present(Instances?.[0], 'an instance');
    return {
      instance: id(instance.InstanceId),
      eni: id(instance.NetworkInterfaces?.[0]?.NetworkInterfaceId),
    };
  };
  const [edge, table] = [await newTable(), await newTable()];
  const anywhere = { DestinationCidrBlock: '0.0.0.0/0' };
  await ec2.send(new CreateRouteCommand({ RouteTableId: edge, ...anywhere, GatewayId: gateway }));
  const outer = await newSubnet('10.0.0.0/24', edge);
  const inner = await newSubnet('10.0.10.0/24', table);
  const appliance = async (address: string): Promise<Machine> => {
    const machine = await launch(outer, address);
    const NetworkInterfaceId = machine.eni;
    const unchecked = { NetworkInterfaceId, SourceDestCheck: { Value: false } };
    await ec2.send(new ModifyNetworkInterfaceAttributeCommand(unchecked));
    const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: 'vpc' }));
    await ec2.send(new AssociateAddressCommand({ AllocationId, NetworkInterfaceId }));
    simulator.profile(machine.instance, { role: 'nat', services: [] });
    return machine;
  };
  const [a, b] = [await appliance('10.0.0.10'), await appliance('10.0.0.11')];
  await ec2.send(new CreateRouteCommand({ RouteTableId: table, ...anywhere, NetworkInterfaceId: a.eni }));
  const workload = await launch(inner, '10.0.10.10');
  return { ec2, a, b, workload, table, edge };
}

/** The ENI that the workload's default route points at. */
export async function targetOf({ ec2, table }: Pair): Promise<string | undefined> {
  const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table] }));
  const route = RouteTables?.[0]?.Routes?.find((one) => one.DestinationCidrBlock === '0.0.0.0/0');
  return route?.NetworkInterfaceId;
}

/**
 * A configuration with patient probes, so that a busy machine is not taken for a dead one; `node` is `a`,
 * `b`, or the name of an observer. Files lie in `directory`.
 */
export function configOf(pair: Pair, node: string, directory: string): ConfigInput {
  const appliance = (name: 'a' | 'b', address: string): NonNullable<ConfigInput['appliances']>[number] => ({
    name,
    address,
    eni: pair[name].eni,
    probes: [
      { kind: 'icmp', interval: '500ms', timeout: '480ms' },
      { kind: 'daemon', interval: '500ms' },
      { kind: 'through', target: { icmp: OUTSIDE }, by: 'next-hop', interval: '500ms', timeout: '480ms' },
    ],
  });
  return {
    version: 1,
    node,
    aws: { region: REGION },
    appliances: [appliance('a', '10.0.0.10'), appliance('b', '10.0.0.11')],
    groups: [
      { name: 'egress', members: ['a', 'b'], routes: [{ table: pair.table, destinations: ['0.0.0.0/0'] }] },
    ],
    observe: { interval: '500ms', staleAfter: '3s' },
    journal: { directory: `${directory}/${node}` },
    control: { socket: `${directory}/${node}.sock` },
  };
}
