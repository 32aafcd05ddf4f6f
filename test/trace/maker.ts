/** Worlds by calls of the EC2 API, in few words. Not a test itself. */
import type { DescribeNetworkAclsResult } from '@aws-sdk/client-ec2';
import { must, present } from '../../controller/base/result.ts';
import { addHost, setProfile } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { call as callAs } from '../../sim/world/operator.ts';
import type { World } from '../../sim/world/state.ts';
import type { TracedPacket } from '../../sim/world/trace.ts';
import { createWorld } from '../../sim/world/world.ts';
import { ACCOUNT, call, REGION } from '../world/pair.ts';

/** Packets by name; each is delivered in the healthy world. */
export type Probes = Readonly<Record<string, TracedPacket>>;

export const HOST = '203.0.113.10';
const HOUR_MS = 3_600_000;

export interface Maker {
  readonly world: World;
  /** Makes a call; its answer is not asked for. */
  readonly act: (action: string, input: object) => void;
  /** Makes a call, and gives the first `key` anywhere in its answer. */
  readonly made: (action: string, input: object, key: string) => string;
  /** As `act`, of Elastic Load Balancing. */
  readonly balance: (action: string, input: object) => void;
  /** As `made`, of Elastic Load Balancing. */
  readonly balanced: (action: string, input: object, key: string) => string;
  /** Lets what is pending become available. */
  readonly settle: () => void;
  readonly vpc: (CidrBlock: string) => string;
  readonly subnet: (VpcId: string, CidrBlock: string, zone?: string) => string;
  /** A table with an association for each of the subnets. */
  readonly table: (VpcId: string, ...subnets: string[]) => string;
  readonly route: (RouteTableId: string, DestinationCidrBlock: string, target: object) => void;
  /** A group that lets everything out; `allow` lets in: `PROTOCOL PORT PEER`, a CIDR block or a group. */
  readonly group: (VpcId: string, ...allow: string[]) => string;
  readonly gateway: (VpcId: string) => string;
  readonly instance: (subnet: string, address: string, group: string, more?: object) => Launched;
  /** An instance that forwards, without source/dest check. */
  readonly appliance: (
    subnet: string,
    address: string,
    group: string,
    role?: 'router' | 'nat' | 'geneve',
  ) => Launched;
  /** A network ACL that lets everything pass, for a subnet. */
  readonly guard: (VpcId: string, subnet: string) => string;
  /** A host on the Internet. */
  readonly host: (address: string) => void;
  readonly elastic: (eni: string) => { readonly allocation: string; readonly address: string };
}

export interface Launched {
  readonly instance: string;
  readonly eni: string;
}

function deep(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const own = (value as Record<string, unknown>)[key];
  if (typeof own === 'string') return own;
  for (const each of Object.values(value)) {
    const found = deep(each, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `tcp 443 10.0.0.0/8` or `-1 - sg-...` as an IpPermission. */
export function permission(text: string): object {
  const [IpProtocol = '', port = '-', peer = ''] = text.split(' ');
  const number = Number(port);
  const ports = port === '-' ? {} : { FromPort: number, ToPort: number };
  const who = peer.startsWith('sg-')
    ? { UserIdGroupPairs: [{ GroupId: peer }] }
    : peer.includes(':')
      ? { Ipv6Ranges: [{ CidrIpv6: peer }] }
      : { IpRanges: [{ CidrIp: peer }] };
  return { IpProtocol, ...ports, ...who };
}

/** The association of a subnet with its network ACL. */
function aclOf(world: World, subnet: string): string {
  const { NetworkAcls } = call<DescribeNetworkAclsResult>(world, 'DescribeNetworkAcls', {});
  const all = (NetworkAcls ?? []).flatMap(({ Associations = [] }) => Associations);
  return all.find(({ SubnetId }) => SubnetId === subnet)?.NetworkAclAssociationId ?? '';
}

/** A world with nothing in it but an Internet host. */
export function maker(): Maker {
  const world = createWorld({ hosts: [HOST] });
  const act = (action: string, input: object): void => void call(world, action, input);
  const balance = (action: string, input: object): object =>
    callAs(world, { account: ACCOUNT, region: REGION, service: 'elasticloadbalancing' }, action, input);
  const first = (output: object, key: string): string => present(deep(output, key), key);
  const made = (action: string, input: object, key: string): string => first(call(world, action, input), key);
  let groups = 0;
  const instance: Maker['instance'] = (SubnetId, PrivateIpAddress, group, more = {}) => {
    const output = call(world, 'RunInstances', {
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      SubnetId,
      PrivateIpAddress,
      SecurityGroupIds: [group],
      ...more,
    });
    return { instance: deep(output, 'InstanceId') ?? '', eni: deep(output, 'NetworkInterfaceId') ?? '' };
  };
  return {
    world,
    act,
    made,
    balance: (action, input) => void balance(action, input),
    balanced: (action, input, key) => first(balance(action, input), key),
    settle: () => advance(world, world.now + HOUR_MS),
    vpc: (CidrBlock) => made('CreateVpc', { CidrBlock }, 'VpcId'),
    subnet: (VpcId, CidrBlock, zone = 'a') =>
      made('CreateSubnet', { VpcId, CidrBlock, AvailabilityZone: `eu-central-1${zone}` }, 'SubnetId'),
    table: (VpcId, ...subnets) => {
      const RouteTableId = made('CreateRouteTable', { VpcId }, 'RouteTableId');
      for (const SubnetId of subnets) act('AssociateRouteTable', { RouteTableId, SubnetId });
      return RouteTableId;
    },
    route: (RouteTableId, DestinationCidrBlock, target) =>
      act('CreateRoute', { RouteTableId, DestinationCidrBlock, ...target }),
    group: (VpcId, ...allow) => {
      const input = { GroupName: `group-${groups++}`, Description: 'of a test', VpcId };
      const GroupId = made('CreateSecurityGroup', input, 'GroupId');
      if (allow.length === 0) return GroupId;
      act('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: allow.map(permission) });
      return GroupId;
    },
    gateway: (VpcId) => {
      const InternetGatewayId = made('CreateInternetGateway', {}, 'InternetGatewayId');
      act('AttachInternetGateway', { InternetGatewayId, VpcId });
      return InternetGatewayId;
    },
    instance,
    appliance: (subnet, address, group, role = 'router') => {
      const launched = instance(subnet, address, group);
      const NetworkInterfaceId = launched.eni;
      act('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId, SourceDestCheck: { Value: false } });
      must(setProfile(world, launched.instance, { role, services: [] }));
      return launched;
    },
    guard: (VpcId, subnet) => {
      const NetworkAclId = made('CreateNetworkAcl', { VpcId }, 'NetworkAclId');
      for (const Egress of [true, false]) {
        const rule = { Protocol: '-1', RuleAction: 'allow', CidrBlock: '0.0.0.0/0', RuleNumber: 100, Egress };
        act('CreateNetworkAclEntry', { NetworkAclId, ...rule });
      }
      act('ReplaceNetworkAclAssociation', { AssociationId: aclOf(world, subnet), NetworkAclId });
      return NetworkAclId;
    },
    host: (address) => void must(addHost(world, address)),
    elastic: (NetworkInterfaceId) => {
      const output = call(world, 'AllocateAddress', {});
      const allocation = deep(output, 'AllocationId') ?? '';
      act('AssociateAddress', { AllocationId: allocation, NetworkInterfaceId });
      return { allocation, address: deep(output, 'PublicIp') ?? '' };
    },
  };
}

/** A host at the site behind a customer gateway. */
export const siteHost = ({ world }: Maker, address: string, customer: string): void =>
  void must(addHost(world, address, undefined, customer));
