/** `aws:ec2` VpcPeeringConnection and VpcPeeringConnectionAccepter, of one account and region. */
import {
  AcceptVpcPeeringConnectionCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeVpcPeeringConnectionsCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until } from './clients.ts';
import { type Definition, defined, flag, retag, tagging, text } from './type.ts';

const LIVE = ['pending-acceptance', 'provisioning', 'active'];

async function accept(clients: Clients, id: string, inputs: Properties): Promise<void> {
  if (!flag(inputs, 'autoAccept')) return;
  await clients.ec2.send(new AcceptVpcPeeringConnectionCommand({ VpcPeeringConnectionId: id }));
}

async function change(clients: Clients, id: string, old: Properties, inputs: Properties): Promise<void> {
  if (!flag(old, 'autoAccept')) await accept(clients, id, inputs);
  await retag(clients, id, old, inputs);
}

export const vpcPeeringConnection: Definition = {
  inputs: ['autoAccept', 'tags'],
  fixed: ['vpcId', 'peerVpcId'],
  create: async (clients, inputs) => {
    const command = new CreateVpcPeeringConnectionCommand({
      VpcId: text(inputs, 'vpcId'),
      PeerVpcId: text(inputs, 'peerVpcId'),
      ...tagging('vpc-peering-connection', inputs),
    });
    const answer = await clients.ec2.send(command);
    const id = need(answer.VpcPeeringConnection?.VpcPeeringConnectionId, 'VpcPeeringConnectionId');
    await until(`peering connection ${id} is offered`, () => vpcPeeringConnection.read(clients, id, inputs));
    await accept(clients, id, inputs);
    const wanted = flag(inputs, 'autoAccept') ? 'active' : 'pending-acceptance';
    return until(`peering connection ${id} is ${wanted}`, async () => {
      const made = await vpcPeeringConnection.read(clients, id, inputs);
      return made?.outputs.acceptStatus === wanted ? made : undefined;
    });
  },
  read: async (clients, id) => {
    const command = new DescribeVpcPeeringConnectionsCommand({ VpcPeeringConnectionIds: [id] });
    const answer = await unlessGone(clients.ec2.send(command));
    const found = answer?.VpcPeeringConnections?.[0];
    const status = found?.Status?.Code ?? 'deleted';
    if (status === 'failed') throw new Error(`peering connection ${id}: ${found?.Status?.Message}`);
    if (found === undefined || !LIVE.includes(status)) return undefined;
    const outputs = defined({
      acceptStatus: status,
      vpcId: found.RequesterVpcInfo?.VpcId,
      peerVpcId: found.AccepterVpcInfo?.VpcId,
      peerOwnerId: found.AccepterVpcInfo?.OwnerId,
      peerRegion: found.AccepterVpcInfo?.Region,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: change,
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: id })));
  },
};

/** Accepts a connection that another resource or program offers; it leaves the connection behind. */
export const vpcPeeringAccepter: Definition = {
  inputs: ['autoAccept', 'tags'],
  fixed: ['vpcPeeringConnectionId'],
  create: async (clients, inputs) => {
    const id = text(inputs, 'vpcPeeringConnectionId');
    const read = () => vpcPeeringConnection.read(clients, id, inputs);
    await until(`peering connection ${id} is offered`, read);
    await accept(clients, id, inputs);
    await retag(clients, id, {}, inputs);
    return until(`peering connection ${id} is accepted`, async () => {
      const made = await read();
      return made?.outputs.acceptStatus === 'active' || !flag(inputs, 'autoAccept') ? made : undefined;
    });
  },
  read: (clients, id, inputs) => vpcPeeringConnection.read(clients, id, inputs),
  update: change,
  remove: () => Promise.resolve(),
};
