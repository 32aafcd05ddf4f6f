/** `aws:ec2transitgateway` TransitGateway, VpcAttachment, RouteTable, association, propagation and Route. */
import {
  AssociateTransitGatewayRouteTableCommand,
  CreateTransitGatewayCommand,
  CreateTransitGatewayRouteCommand,
  CreateTransitGatewayRouteTableCommand,
  CreateTransitGatewayVpcAttachmentCommand,
  DeleteTransitGatewayCommand,
  DeleteTransitGatewayRouteCommand,
  DeleteTransitGatewayRouteTableCommand,
  DeleteTransitGatewayVpcAttachmentCommand,
  DescribeTransitGatewayRouteTablesCommand,
  DescribeTransitGatewaysCommand,
  DescribeTransitGatewayVpcAttachmentsCommand,
  DisableTransitGatewayRouteTablePropagationCommand,
  DisassociateTransitGatewayRouteTableCommand,
  EnableTransitGatewayRouteTablePropagationCommand,
  GetTransitGatewayRouteTableAssociationsCommand,
  GetTransitGatewayRouteTablePropagationsCommand,
  ModifyTransitGatewayVpcAttachmentCommand,
  SearchTransitGatewayRoutesCommand,
} from '@aws-sdk/client-ec2';
import type { Made } from '../provider.ts';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { type Definition, defined, flag, optionalText, retag, tagging, text, texts } from './type.ts';

const enable = (inputs: Properties, key: string): 'enable' | 'disable' | undefined => {
  const value = optionalText(inputs, key);
  return value === 'enable' || value === 'disable' ? value : undefined;
};

/** Reads until the resource is `available`. */
const available = (what: string, read: () => Promise<Made | undefined>): Promise<Made> =>
  until(`${what} is available`, async () => {
    const made = await read();
    return made?.outputs.state === 'available' ? made : undefined;
  });

/** Reads until nothing is left. */
const gone = (what: string, read: () => Promise<Made | undefined>): Promise<true> =>
  until(`${what} is gone`, async () => ((await read()) === undefined ? true : undefined));

const isGone = (state: string | undefined): boolean => state === undefined || state === 'deleted';

export const transitGateway: Definition = {
  inputs: ['tags'],
  fixed: ['description', 'defaultRouteTableAssociation', 'defaultRouteTablePropagation'],
  create: async (clients, inputs) => {
    const association = enable(inputs, 'defaultRouteTableAssociation');
    const propagation = enable(inputs, 'defaultRouteTablePropagation');
    const command = new CreateTransitGatewayCommand({
      Description: optionalText(inputs, 'description'),
      Options: {
        DefaultRouteTableAssociation: association,
        DefaultRouteTablePropagation: propagation,
      },
      ...tagging('transit-gateway', inputs),
    });
    const answer = await clients.ec2.send(command);
    const id = need(answer.TransitGateway?.TransitGatewayId, 'TransitGatewayId');
    return available(`transit gateway ${id}`, () => transitGateway.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeTransitGatewaysCommand({ TransitGatewayIds: [id] });
    const found = (await unlessGone(clients.ec2.send(command)))?.TransitGateways?.[0];
    if (found === undefined || isGone(found.State)) return undefined;
    const outputs = defined({
      arn: found.TransitGatewayArn,
      ownerId: found.OwnerId,
      state: found.State,
      description: found.Description,
      associationDefaultRouteTableId: found.Options?.AssociationDefaultRouteTableId,
      propagationDefaultRouteTableId: found.Options?.PropagationDefaultRouteTableId,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id, inputs) => {
    const work = () => clients.ec2.send(new DeleteTransitGatewayCommand({ TransitGatewayId: id }));
    await unlessGone(whileRefused(['IncorrectState'], work));
    await gone(`transit gateway ${id}`, () => transitGateway.read(clients, id, inputs));
  },
};

/** EC2 enters an attachment in the default tables; the provider would take it out, and this engine not. */
async function refuseDefaultTables(clients: Clients, inputs: Properties): Promise<void> {
  const isRefused = ['Association', 'Propagation'].some(
    (what) => inputs[`transitGatewayDefaultRouteTable${what}`] === false,
  );
  if (!isRefused) return;
  const id = text(inputs, 'transitGatewayId');
  const { outputs = {} } = (await transitGateway.read(clients, id, {})) ?? {};
  if ('associationDefaultRouteTableId' in outputs || 'propagationDefaultRouteTableId' in outputs)
    throw new Error(
      `${id} has default tables, which the test engine cannot leave: make it without, or use the Pulumi CLI`,
    );
}

export const vpcAttachment: Definition = {
  inputs: ['subnetIds', 'applianceModeSupport', 'tags'],
  fixed: [
    'transitGatewayId',
    'vpcId',
    'transitGatewayDefaultRouteTableAssociation',
    'transitGatewayDefaultRouteTablePropagation',
  ],
  create: async (clients, inputs) => {
    await refuseDefaultTables(clients, inputs);
    const command = new CreateTransitGatewayVpcAttachmentCommand({
      TransitGatewayId: text(inputs, 'transitGatewayId'),
      VpcId: text(inputs, 'vpcId'),
      SubnetIds: texts(inputs, 'subnetIds'),
      Options: { ApplianceModeSupport: enable(inputs, 'applianceModeSupport') },
      ...tagging('transit-gateway-attachment', inputs),
    });
    const { TransitGatewayVpcAttachment: made } = await clients.ec2.send(command);
    const id = need(made?.TransitGatewayAttachmentId, 'TransitGatewayAttachmentId');
    return available(`attachment ${id}`, () => vpcAttachment.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeTransitGatewayVpcAttachmentsCommand({ TransitGatewayAttachmentIds: [id] });
    const found = (await unlessGone(clients.ec2.send(command)))?.TransitGatewayVpcAttachments?.[0];
    if (found === undefined || isGone(found.State)) return undefined;
    const outputs = defined({
      state: found.State,
      transitGatewayId: found.TransitGatewayId,
      vpcId: found.VpcId,
      vpcOwnerId: found.VpcOwnerId,
      subnetIds: found.SubnetIds,
      applianceModeSupport: found.Options?.ApplianceModeSupport,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    const [before, now] = [texts(old, 'subnetIds'), texts(inputs, 'subnetIds')];
    const command = new ModifyTransitGatewayVpcAttachmentCommand({
      TransitGatewayAttachmentId: id,
      AddSubnetIds: now.filter((each) => !before.includes(each)),
      RemoveSubnetIds: before.filter((each) => !now.includes(each)),
      Options: { ApplianceModeSupport: enable(inputs, 'applianceModeSupport') },
    });
    await clients.ec2.send(command);
    await available(`attachment ${id}`, () => vpcAttachment.read(clients, id, inputs));
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id, inputs) => {
    const command = new DeleteTransitGatewayVpcAttachmentCommand({ TransitGatewayAttachmentId: id });
    await unlessGone(clients.ec2.send(command));
    await gone(`attachment ${id}`, () => vpcAttachment.read(clients, id, inputs));
  },
};

export const transitRouteTable: Definition = {
  inputs: ['tags'],
  fixed: ['transitGatewayId'],
  create: async (clients, inputs) => {
    const command = new CreateTransitGatewayRouteTableCommand({
      TransitGatewayId: text(inputs, 'transitGatewayId'),
      ...tagging('transit-gateway-route-table', inputs),
    });
    const { TransitGatewayRouteTable: made } = await clients.ec2.send(command);
    const id = need(made?.TransitGatewayRouteTableId, 'TransitGatewayRouteTableId');
    return available(`transit gateway route table ${id}`, () => transitRouteTable.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeTransitGatewayRouteTablesCommand({ TransitGatewayRouteTableIds: [id] });
    const found = (await unlessGone(clients.ec2.send(command)))?.TransitGatewayRouteTables?.[0];
    if (found === undefined || isGone(found.State)) return undefined;
    const outputs = defined({
      state: found.State,
      transitGatewayId: found.TransitGatewayId,
      defaultAssociationRouteTable: found.DefaultAssociationRouteTable,
      defaultPropagationRouteTable: found.DefaultPropagationRouteTable,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    const command = new DeleteTransitGatewayRouteTableCommand({ TransitGatewayRouteTableId: id });
    await unlessGone(whileRefused(['IncorrectState'], () => clients.ec2.send(command)));
  },
};

const pairOf = (inputs: Properties) => ({
  TransitGatewayRouteTableId: text(inputs, 'transitGatewayRouteTableId'),
  TransitGatewayAttachmentId: text(inputs, 'transitGatewayAttachmentId'),
});

/** A relation of an attachment to a table, named by both: it has no id in EC2. */
function relation(
  make: (clients: Clients, pair: ReturnType<typeof pairOf>) => Promise<unknown>,
  list: (clients: Clients, table: string, attachment: string) => Promise<readonly unknown[] | undefined>,
  cut: (clients: Clients, pair: ReturnType<typeof pairOf>) => Promise<unknown>,
): Definition {
  const definition: Definition = {
    inputs: [],
    fixed: ['transitGatewayAttachmentId', 'transitGatewayRouteTableId'],
    create: async (clients, inputs) => {
      const pair = pairOf(inputs);
      await make(clients, pair);
      const id = `${pair.TransitGatewayRouteTableId}_${pair.TransitGatewayAttachmentId}`;
      return until(`${id} is there`, () => definition.read(clients, id, inputs));
    },
    read: async (clients, id, inputs) => {
      const pair = pairOf(inputs);
      const found = await list(clients, pair.TransitGatewayRouteTableId, pair.TransitGatewayAttachmentId);
      return found?.length ? { id, outputs: inputs } : undefined;
    },
    remove: async (clients, _id, inputs) => {
      await unlessGone(cut(clients, pairOf(inputs)));
    },
  };
  return definition;
}

const only = (attachment: string) => [{ Name: 'transit-gateway-attachment-id', Values: [attachment] }];

export const transitAssociation = relation(
  ({ ec2 }, pair) => ec2.send(new AssociateTransitGatewayRouteTableCommand(pair)),
  async ({ ec2 }, TransitGatewayRouteTableId, attachment) => {
    const asked = { TransitGatewayRouteTableId, Filters: only(attachment) };
    const command = new GetTransitGatewayRouteTableAssociationsCommand(asked);
    return (await unlessGone(ec2.send(command)))?.Associations;
  },
  ({ ec2 }, pair) => ec2.send(new DisassociateTransitGatewayRouteTableCommand(pair)),
);

export const transitPropagation = relation(
  ({ ec2 }, pair) => ec2.send(new EnableTransitGatewayRouteTablePropagationCommand(pair)),
  async ({ ec2 }, TransitGatewayRouteTableId, attachment) => {
    const asked = { TransitGatewayRouteTableId, Filters: only(attachment) };
    const command = new GetTransitGatewayRouteTablePropagationsCommand(asked);
    return (await unlessGone(ec2.send(command)))?.TransitGatewayRouteTablePropagations;
  },
  ({ ec2 }, pair) => ec2.send(new DisableTransitGatewayRouteTablePropagationCommand(pair)),
);

const routeKey = (inputs: Properties) => ({
  TransitGatewayRouteTableId: text(inputs, 'transitGatewayRouteTableId'),
  DestinationCidrBlock: text(inputs, 'destinationCidrBlock'),
});

export const transitRoute: Definition = {
  inputs: [],
  fixed: ['transitGatewayRouteTableId', 'destinationCidrBlock', 'transitGatewayAttachmentId', 'blackhole'],
  create: async (clients, inputs) => {
    const key = routeKey(inputs);
    const command = new CreateTransitGatewayRouteCommand({
      ...key,
      TransitGatewayAttachmentId: optionalText(inputs, 'transitGatewayAttachmentId'),
      Blackhole: flag(inputs, 'blackhole'),
    });
    await clients.ec2.send(command);
    const id = `${key.TransitGatewayRouteTableId}_${key.DestinationCidrBlock}`;
    return until(`route ${id} is there`, () => transitRoute.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const { TransitGatewayRouteTableId, DestinationCidrBlock } = routeKey(inputs);
    const Filters = [
      { Name: 'type', Values: ['static'] },
      { Name: 'route-search.exact-match', Values: [DestinationCidrBlock] },
    ];
    const command = new SearchTransitGatewayRoutesCommand({ TransitGatewayRouteTableId, Filters });
    const found = (await unlessGone(clients.ec2.send(command)))?.Routes?.[0];
    return found === undefined ? undefined : { id, outputs: inputs };
  },
  remove: async (clients, _id, inputs) => {
    await unlessGone(clients.ec2.send(new DeleteTransitGatewayRouteCommand(routeKey(inputs))));
  },
};
