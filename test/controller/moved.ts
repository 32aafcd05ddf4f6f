/**
 * A pair of appliances in one subnet of a VPC with an Internet gateway and a transit gateway: with addresses,
 * Elastic IPs, transit gateway routes and VPC routes that the pair may own.
 */
import type { ConfigInput } from '../../controller/config.ts';
import { type Design, design } from './designs.ts';
import { ec2, type Stage } from './stage.ts';

type Loose = { [key: string]: Loose } & { [index: number]: Loose } & string;
export const api = (stage: Stage, action: string, input: object): Loose =>
  ec2(stage, action, input) as unknown as Loose;

type Members = Readonly<Record<'a' | 'b', string>>;
type Group = NonNullable<ConfigInput['groups']>[number];

export const ADDRESS = '10.0.0.100';

export interface Moved extends Design {
  readonly eip: string;
  /** One that the moved address has. */
  readonly addressEip: string;
  readonly transitTable: string;
  readonly attachments: Members;
  /** The configuration of a node whose group owns exactly `owns`. */
  readonly owning: (node: string, owns: Partial<Group>) => ConfigInput;
}

/** All of it is with a. */
export function moved(cloud: Parameters<typeof design>[0] = {}): Moved {
  const made = design(cloud);
  const { stage, enis } = made;
  const { a = '', b = '' } = enis;
  const seen = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [a] }).NetworkInterfaces?.[0];
  const [VpcId = '', SubnetId = ''] = [seen?.VpcId, seen?.SubnetId];
  const gateway = api(stage, 'CreateInternetGateway', {}).InternetGateway?.InternetGatewayId;
  ec2(stage, 'AttachInternetGateway', { InternetGatewayId: gateway, VpcId });
  ec2(stage, 'AssignPrivateIpAddresses', { NetworkInterfaceId: a, PrivateIpAddresses: [ADDRESS] });
  const [addressEip = '', eip = ''] = [ADDRESS, undefined].map((PrivateIpAddress) => {
    const AllocationId = api(stage, 'AllocateAddress', {}).AllocationId ?? '';
    ec2(stage, 'AssociateAddress', { AllocationId, NetworkInterfaceId: a, PrivateIpAddress });
    return AllocationId;
  });
  const transit = api(stage, 'CreateTransitGateway', {}).TransitGateway?.TransitGatewayId;
  stage.now += 600_000;
  const subnets = [
    SubnetId,
    api(stage, 'CreateSubnet', {
      VpcId: api(stage, 'CreateVpc', { CidrBlock: '10.1.0.0/16' }).Vpc?.VpcId,
      CidrBlock: '10.1.0.0/24',
      AvailabilityZone: 'eu-central-1a',
    }).Subnet?.SubnetId,
  ];
  const [one = '', two = ''] = subnets.map((subnet) => {
    const vpc = api(stage, 'DescribeSubnets', { SubnetIds: [subnet] }).Subnets?.[0]?.VpcId;
    const input = { TransitGatewayId: transit, VpcId: vpc, SubnetIds: [subnet] };
    const attachment = api(stage, 'CreateTransitGatewayVpcAttachment', input);
    return attachment.TransitGatewayVpcAttachment?.TransitGatewayAttachmentId ?? '';
  });
  stage.now += 600_000;
  const transitTable =
    api(stage, 'CreateTransitGatewayRouteTable', { TransitGatewayId: transit }).TransitGatewayRouteTable
      ?.TransitGatewayRouteTableId ?? '';
  stage.now += 600_000;
  ec2(stage, 'CreateTransitGatewayRoute', {
    TransitGatewayRouteTableId: transitTable,
    DestinationCidrBlock: '0.0.0.0/0',
    TransitGatewayAttachmentId: one,
  });
  const attachments = { a: one, b: two };
  return {
    ...made,
    enis: { a, b },
    eip,
    addressEip,
    transitTable,
    attachments,
    owning(node, owns) {
      const config = made.config(node);
      return {
        ...config,
        appliances: (config.appliances ?? []).map((appliance) => ({
          ...appliance,
          attachment: appliance.name === 'a' ? one : two,
        })),
        groups: [{ name: 'g', members: ['a', 'b'], ...owns }],
      };
    },
  };
}

/** Who has a private address: the ENI. */
export const holderOf = ({ stage, enis }: Moved, address: string): string | undefined =>
  Object.keys(enis).find((name) => {
    const found = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [enis[name]] })
      .NetworkInterfaces?.[0];
    return JSON.stringify(found).includes(`"${address}"`);
  });

/** Which member an Elastic IP leads to, and to which of its addresses. */
export function eipAt({ stage, enis }: Moved, allocation: string): string {
  const found = api(stage, 'DescribeAddresses', { AllocationIds: [allocation] }).Addresses?.[0];
  const name = Object.keys(enis).find((one) => enis[one] === found?.NetworkInterfaceId);
  return `${name} ${found?.PrivateIpAddress}`;
}

/** Which member's attachment the transit gateway route leads to. */
export function transitOwner({ stage, transitTable, attachments }: Moved): string | undefined {
  const asked = { TransitGatewayRouteTableId: transitTable, Filters: [{ Name: 'type', Values: ['static'] }] };
  const route = api(stage, 'SearchTransitGatewayRoutes', asked).Routes?.[0];
  const at = route?.TransitGatewayAttachments?.[0]?.TransitGatewayAttachmentId;
  return (['a', 'b'] as const).find((name) => attachments[name] === at);
}
