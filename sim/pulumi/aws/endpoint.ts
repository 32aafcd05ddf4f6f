/** `aws:ec2` VpcEndpoint, of every type that the endpoint serves. */
import {
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
  DescribeVpcEndpointsCommand,
  ModifyVpcEndpointCommand,
  type VpcEndpointType,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until } from './clients.ts';
import { type Definition, defined, flag, optionalText, retag, tagging, text, texts } from './type.ts';

async function describeEndpoint(clients: Clients, id: string) {
  const command = new DescribeVpcEndpointsCommand({ VpcEndpointIds: [id] });
  return (await unlessGone(clients.ec2.send(command)))?.VpcEndpoints?.[0];
}

/** What is new in a list of the inputs, and what has gone; nothing where nothing has. */
function changed(old: Properties, inputs: Properties, key: string, name: string): object {
  const [before, now] = [texts(old, key), texts(inputs, key)];
  const added = now.filter((each) => !before.includes(each));
  const gone = before.filter((each) => !now.includes(each));
  return {
    ...(added.length > 0 && { [`Add${name}`]: added }),
    ...(gone.length > 0 && { [`Remove${name}`]: gone }),
  };
}

export const vpcEndpoint: Definition = {
  inputs: ['routeTableIds', 'subnetIds', 'securityGroupIds', 'tags'],
  fixed: ['vpcId', 'serviceName', 'vpcEndpointType', 'privateDnsEnabled', 'policy'],
  defaults: { vpcEndpointType: 'Gateway' },
  create: async (clients, inputs) => {
    const command = new CreateVpcEndpointCommand({
      VpcId: text(inputs, 'vpcId'),
      ServiceName: text(inputs, 'serviceName'),
      VpcEndpointType: text(inputs, 'vpcEndpointType') as VpcEndpointType,
      RouteTableIds: texts(inputs, 'routeTableIds'),
      SubnetIds: texts(inputs, 'subnetIds'),
      SecurityGroupIds: texts(inputs, 'securityGroupIds'),
      PrivateDnsEnabled: flag(inputs, 'privateDnsEnabled'),
      PolicyDocument: optionalText(inputs, 'policy'),
      ...tagging('vpc-endpoint', inputs),
    });
    const id = need((await clients.ec2.send(command)).VpcEndpoint?.VpcEndpointId, 'VpcEndpointId');
    return until(`endpoint ${id} is available`, async () => {
      const made = await vpcEndpoint.read(clients, id, inputs);
      return made?.outputs.state === 'available' ? made : undefined;
    });
  },
  read: async (clients, id) => {
    const found = await describeEndpoint(clients, id);
    if (found === undefined || String(found.State).toLowerCase() === 'deleted') return undefined;
    const outputs = defined({
      vpcId: found.VpcId,
      serviceName: found.ServiceName,
      vpcEndpointType: found.VpcEndpointType,
      state: found.State,
      policy: found.PolicyDocument,
      routeTableIds: found.RouteTableIds ?? [],
      subnetIds: found.SubnetIds ?? [],
      networkInterfaceIds: found.NetworkInterfaceIds ?? [],
      securityGroupIds: (found.Groups ?? []).map((each) => each.GroupId ?? ''),
      privateDnsEnabled: found.PrivateDnsEnabled ?? false,
      ownerId: found.OwnerId,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await retag(clients, id, old, inputs);
    const changes = {
      ...changed(old, inputs, 'routeTableIds', 'RouteTableIds'),
      ...changed(old, inputs, 'subnetIds', 'SubnetIds'),
      ...changed(old, inputs, 'securityGroupIds', 'SecurityGroupIds'),
    };
    if (Object.keys(changes).length === 0) return;
    await clients.ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: id, ...changes }));
  },
  remove: async (clients, id) => {
    await clients.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }));
    await until(`endpoint ${id} is gone`, async () =>
      (await vpcEndpoint.read(clients, id, {})) === undefined ? true : undefined,
    );
  },
};
