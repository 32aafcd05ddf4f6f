/** `aws:ec2` NatGateway and EgressOnlyInternetGateway. */
import {
  CreateEgressOnlyInternetGatewayCommand,
  CreateNatGatewayCommand,
  DeleteEgressOnlyInternetGatewayCommand,
  DeleteNatGatewayCommand,
  DescribeEgressOnlyInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
} from '@aws-sdk/client-ec2';
import { type Clients, need, tagsFrom, unlessGone, until } from './clients.ts';
import { type Definition, defined, optionalText, retag, tagging, text } from './type.ts';

const describeNat = async (clients: Clients, id: string) => {
  const answer = await unlessGone(clients.ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [id] })));
  return answer?.NatGateways?.[0];
};

export const natGateway: Definition = {
  inputs: ['tags'],
  fixed: ['subnetId', 'allocationId', 'connectivityType', 'privateIp'],
  defaults: { connectivityType: 'public' },
  create: async (clients, inputs) => {
    const type = text(inputs, 'connectivityType');
    const command = new CreateNatGatewayCommand({
      SubnetId: text(inputs, 'subnetId'),
      AllocationId: optionalText(inputs, 'allocationId'),
      ConnectivityType: type === 'private' ? 'private' : 'public',
      PrivateIpAddress: optionalText(inputs, 'privateIp'),
      ...tagging('natgateway', inputs),
    });
    const answer = await clients.ec2.send(command);
    const id = need(answer.NatGateway?.NatGatewayId, 'NatGatewayId');
    return until(`NAT gateway ${id} is available`, async () => {
      const found = await describeNat(clients, id);
      if (found?.State === 'failed') throw new Error(`NAT gateway ${id}: ${found.FailureMessage}`);
      return found?.State === 'available' ? natGateway.read(clients, id, inputs) : undefined;
    });
  },
  read: async (clients, id) => {
    const found = await describeNat(clients, id);
    if (found === undefined || found.State === 'deleted' || found.State === 'failed') return undefined;
    const [address] = found.NatGatewayAddresses ?? [];
    const outputs = defined({
      subnetId: found.SubnetId,
      connectivityType: found.ConnectivityType,
      allocationId: address?.AllocationId ?? '',
      associationId: address?.AssociationId ?? '',
      networkInterfaceId: address?.NetworkInterfaceId,
      privateIp: address?.PrivateIp,
      publicIp: address?.PublicIp ?? '',
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteNatGatewayCommand({ NatGatewayId: id })));
    await until(`NAT gateway ${id} is deleted`, async () => {
      const found = await describeNat(clients, id);
      return found === undefined || found.State === 'deleted' ? true : undefined;
    });
  },
};

export const egressOnlyGateway: Definition = {
  inputs: ['tags'],
  fixed: ['vpcId'],
  create: async (clients, inputs) => {
    const command = new CreateEgressOnlyInternetGatewayCommand({
      VpcId: text(inputs, 'vpcId'),
      ...tagging('egress-only-internet-gateway', inputs),
    });
    const { EgressOnlyInternetGateway: made } = await clients.ec2.send(command);
    const id = need(made?.EgressOnlyInternetGatewayId, 'EgressOnlyInternetGatewayId');
    return until(`egress-only gateway ${id} is there`, () => egressOnlyGateway.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeEgressOnlyInternetGatewaysCommand({ EgressOnlyInternetGatewayIds: [id] });
    const answer = await unlessGone(clients.ec2.send(command));
    const found = answer?.EgressOnlyInternetGateways?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      vpcId: found.Attachments?.[0]?.VpcId,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    const command = new DeleteEgressOnlyInternetGatewayCommand({ EgressOnlyInternetGatewayId: id });
    await unlessGone(clients.ec2.send(command));
  },
};
