/** `aws:ec2` Vpc, Subnet and InternetGateway. */
import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeInternetGatewaysCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  DetachInternetGatewayCommand,
  ModifySubnetAttributeCommand,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { type Definition, defined, differs, flag, optionalText, retag, tagging, text } from './type.ts';

/** The ARN of an EC2 resource. */
export const arn = (clients: Clients, owner: string | undefined, kind: string, id: string): string =>
  `arn:aws:ec2:${clients.region}:${owner ?? ''}:${kind}/${id}`;

async function vpcAttributes(
  clients: Clients,
  id: string,
  old: Properties,
  inputs: Properties,
): Promise<void> {
  const change = async (key: string, send: (Value: boolean) => ModifyVpcAttributeCommand): Promise<void> => {
    if (differs(old, inputs, key)) await clients.ec2.send(send(flag(inputs, key)));
  };
  await change(
    'enableDnsSupport',
    (Value) => new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsSupport: { Value } }),
  );
  await change(
    'enableDnsHostnames',
    (Value) => new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value } }),
  );
}

/** What EC2 sets when a VPC is made. */
const VPC_DEFAULTS = { enableDnsSupport: true, enableDnsHostnames: false };

export const vpc: Definition = {
  inputs: ['enableDnsSupport', 'enableDnsHostnames', 'tags'],
  fixed: ['cidrBlock', 'assignGeneratedIpv6CidrBlock', 'instanceTenancy'],
  defaults: VPC_DEFAULTS,
  create: async (clients, inputs) => {
    const answer = await clients.ec2.send(
      new CreateVpcCommand({
        CidrBlock: text(inputs, 'cidrBlock'),
        AmazonProvidedIpv6CidrBlock: flag(inputs, 'assignGeneratedIpv6CidrBlock'),
        ...tagging('vpc', inputs),
      }),
    );
    const id = need(answer.Vpc?.VpcId, 'VpcId');
    await vpcAttributes(clients, id, VPC_DEFAULTS, inputs);
    return until(`VPC ${id} is available`, async () => {
      const made = await vpc.read(clients, id, inputs);
      const hasIpv6 =
        !flag(inputs, 'assignGeneratedIpv6CidrBlock') || typeof made?.outputs.ipv6CidrBlock === 'string';
      return made?.outputs.state === 'available' && hasIpv6 ? made : undefined;
    });
  },
  read: async (clients, id) => {
    const answer = await unlessGone(clients.ec2.send(new DescribeVpcsCommand({ VpcIds: [id] })));
    const found = answer?.Vpcs?.[0];
    if (found === undefined) return undefined;
    const attribute = (Attribute: 'enableDnsSupport' | 'enableDnsHostnames') =>
      clients.ec2.send(new DescribeVpcAttributeCommand({ VpcId: id, Attribute }));
    const [support, hostnames] = await Promise.all([
      attribute('enableDnsSupport'),
      attribute('enableDnsHostnames'),
    ]);
    const ipv6 = found.Ipv6CidrBlockAssociationSet?.find(
      (one) => one.Ipv6CidrBlockState?.State === 'associated',
    );
    const outputs = defined({
      arn: arn(clients, found.OwnerId, 'vpc', id),
      ownerId: found.OwnerId,
      state: found.State,
      cidrBlock: found.CidrBlock,
      ipv6CidrBlock: ipv6?.Ipv6CidrBlock,
      assignGeneratedIpv6CidrBlock: ipv6 !== undefined,
      enableDnsSupport: support.EnableDnsSupport?.Value,
      enableDnsHostnames: hostnames.EnableDnsHostnames?.Value,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await vpcAttributes(clients, id, old, inputs);
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id) => {
    const work = () => clients.ec2.send(new DeleteVpcCommand({ VpcId: id }));
    await unlessGone(whileRefused(['DependencyViolation'], work));
  },
};

async function subnetAttributes(
  clients: Clients,
  id: string,
  old: Properties,
  inputs: Properties,
): Promise<void> {
  if (differs(old, inputs, 'mapPublicIpOnLaunch')) {
    const MapPublicIpOnLaunch = { Value: flag(inputs, 'mapPublicIpOnLaunch') };
    await clients.ec2.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch }));
  }
}

const SUBNET_DEFAULTS = { mapPublicIpOnLaunch: false };

export const subnet: Definition = {
  inputs: ['mapPublicIpOnLaunch', 'tags'],
  fixed: ['vpcId', 'availabilityZone', 'cidrBlock', 'ipv6CidrBlock'],
  defaults: SUBNET_DEFAULTS,
  create: async (clients, inputs) => {
    const answer = await clients.ec2.send(
      new CreateSubnetCommand({
        VpcId: text(inputs, 'vpcId'),
        AvailabilityZone: optionalText(inputs, 'availabilityZone'),
        CidrBlock: optionalText(inputs, 'cidrBlock'),
        Ipv6CidrBlock: optionalText(inputs, 'ipv6CidrBlock'),
        ...tagging('subnet', inputs),
      }),
    );
    const id = need(answer.Subnet?.SubnetId, 'SubnetId');
    await subnetAttributes(clients, id, SUBNET_DEFAULTS, inputs);
    return until(`subnet ${id} is available`, async () => {
      const made = await subnet.read(clients, id, inputs);
      return made?.outputs.state === 'available' ? made : undefined;
    });
  },
  read: async (clients, id) => {
    const answer = await unlessGone(clients.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [id] })));
    const found = answer?.Subnets?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: found.SubnetArn ?? arn(clients, found.OwnerId, 'subnet', id),
      ownerId: found.OwnerId,
      state: found.State,
      vpcId: found.VpcId,
      availabilityZone: found.AvailabilityZone,
      cidrBlock: found.CidrBlock,
      ipv6CidrBlock: found.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock,
      mapPublicIpOnLaunch: found.MapPublicIpOnLaunch,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await subnetAttributes(clients, id, old, inputs);
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id) => {
    const work = () => clients.ec2.send(new DeleteSubnetCommand({ SubnetId: id }));
    await unlessGone(whileRefused(['DependencyViolation'], work));
  },
};

const attach = (clients: Clients, id: string, VpcId: string) =>
  clients.ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: id, VpcId }));

/** Waits while public addresses still hang on the gateway. */
const detach = (clients: Clients, id: string, VpcId: string) =>
  whileRefused(['DependencyViolation'], () =>
    clients.ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId })),
  );

export const internetGateway: Definition = {
  inputs: ['vpcId', 'tags'],
  fixed: [],
  create: async (clients, inputs) => {
    const answer = await clients.ec2.send(
      new CreateInternetGatewayCommand(tagging('internet-gateway', inputs)),
    );
    const id = need(answer.InternetGateway?.InternetGatewayId, 'InternetGatewayId');
    const to = optionalText(inputs, 'vpcId');
    if (to !== undefined) await attach(clients, id, to);
    return until(`Internet gateway ${id} is there`, () => internetGateway.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] });
    const answer = await unlessGone(clients.ec2.send(command));
    const found = answer?.InternetGateways?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: arn(clients, found.OwnerId, 'internet-gateway', id),
      ownerId: found.OwnerId,
      vpcId: found.Attachments?.[0]?.VpcId,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    const [from, to] = [optionalText(old, 'vpcId'), optionalText(inputs, 'vpcId')];
    if (from !== to) {
      if (from !== undefined) await detach(clients, id, from);
      if (to !== undefined) await attach(clients, id, to);
    }
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id) => {
    const found = await internetGateway.read(clients, id, {});
    if (found === undefined) return;
    const from = optionalText(found.outputs, 'vpcId');
    if (from !== undefined) await unlessGone(detach(clients, id, from));
    await unlessGone(clients.ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id })));
  },
};
