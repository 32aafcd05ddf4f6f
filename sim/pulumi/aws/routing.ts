/** `aws:ec2` RouteTable, Route and RouteTableAssociation. */
import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  type Route as Ec2Route,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { arn } from './network.ts';
import { type Definition, defined, optionalText, retag, tagging, text } from './type.ts';

const describeTable = async (clients: Clients, id: string) => {
  const answer = await unlessGone(clients.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] })));
  return answer?.RouteTables?.[0];
};

export const routeTable: Definition = {
  inputs: ['tags'],
  fixed: ['vpcId'],
  create: async (clients, inputs) => {
    const command = new CreateRouteTableCommand({
      VpcId: text(inputs, 'vpcId'),
      ...tagging('route-table', inputs),
    });
    const answer = await clients.ec2.send(command);
    const id = need(answer.RouteTable?.RouteTableId, 'RouteTableId');
    return until(`route table ${id} is there`, () => routeTable.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = await describeTable(clients, id);
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: arn(clients, found.OwnerId, 'route-table', id),
      ownerId: found.OwnerId,
      vpcId: found.VpcId,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    const work = () => clients.ec2.send(new DeleteRouteTableCommand({ RouteTableId: id }));
    await unlessGone(whileRefused(['DependencyViolation'], work));
  },
};

/** The part of a route's calls that names it. */
const routeKey = (inputs: Properties) => ({
  RouteTableId: text(inputs, 'routeTableId'),
  DestinationCidrBlock: optionalText(inputs, 'destinationCidrBlock'),
  DestinationIpv6CidrBlock: optionalText(inputs, 'destinationIpv6CidrBlock'),
  DestinationPrefixListId: optionalText(inputs, 'destinationPrefixListId'),
});

const routeTarget = (inputs: Properties) => ({
  NetworkInterfaceId: optionalText(inputs, 'networkInterfaceId'),
  GatewayId: optionalText(inputs, 'gatewayId'),
  VpcPeeringConnectionId: optionalText(inputs, 'vpcPeeringConnectionId'),
  TransitGatewayId: optionalText(inputs, 'transitGatewayId'),
  NatGatewayId: optionalText(inputs, 'natGatewayId'),
  EgressOnlyInternetGatewayId: optionalText(inputs, 'egressOnlyGatewayId'),
  VpcEndpointId: optionalText(inputs, 'vpcEndpointId'),
});

const destinationOf = (inputs: Properties): string =>
  optionalText(inputs, 'destinationCidrBlock') ??
  optionalText(inputs, 'destinationPrefixListId') ??
  text(inputs, 'destinationIpv6CidrBlock');

const leadsTo = (one: Ec2Route, destination: string): boolean =>
  [one.DestinationCidrBlock, one.DestinationIpv6CidrBlock, one.DestinationPrefixListId].includes(destination);

export const route: Definition = {
  inputs: [
    'networkInterfaceId',
    'gatewayId',
    'vpcPeeringConnectionId',
    'transitGatewayId',
    'natGatewayId',
    'egressOnlyGatewayId',
    'vpcEndpointId',
  ],
  fixed: ['routeTableId', 'destinationCidrBlock', 'destinationIpv6CidrBlock', 'destinationPrefixListId'],
  create: async (clients, inputs) => {
    await clients.ec2.send(new CreateRouteCommand({ ...routeKey(inputs), ...routeTarget(inputs) }));
    const id = `r-${text(inputs, 'routeTableId')}-${destinationOf(inputs)}`;
    return until(`route ${id} is there`, () => route.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const table = await describeTable(clients, text(inputs, 'routeTableId'));
    const found = table?.Routes?.find((one) => leadsTo(one, destinationOf(inputs)));
    if (found === undefined) return undefined;
    const outputs = defined({
      routeTableId: table?.RouteTableId,
      destinationCidrBlock: found.DestinationCidrBlock,
      destinationIpv6CidrBlock: found.DestinationIpv6CidrBlock,
      destinationPrefixListId: found.DestinationPrefixListId,
      networkInterfaceId: found.NetworkInterfaceId ?? '',
      gatewayId: found.GatewayId ?? '',
      vpcPeeringConnectionId: found.VpcPeeringConnectionId ?? '',
      transitGatewayId: found.TransitGatewayId ?? '',
      natGatewayId: found.NatGatewayId ?? '',
      egressOnlyGatewayId: found.EgressOnlyInternetGatewayId ?? '',
      instanceId: found.InstanceId ?? '',
      origin: found.Origin,
      state: found.State,
    });
    return { id, outputs };
  },
  update: async (clients, _id, _old, inputs) => {
    await clients.ec2.send(new ReplaceRouteCommand({ ...routeKey(inputs), ...routeTarget(inputs) }));
  },
  remove: async (clients, _id, inputs) => {
    await unlessGone(clients.ec2.send(new DeleteRouteCommand(routeKey(inputs))));
  },
};

export const routeTableAssociation: Definition = {
  inputs: [],
  fixed: ['subnetId', 'gatewayId', 'routeTableId'],
  create: async (clients, inputs) => {
    const command = new AssociateRouteTableCommand({
      RouteTableId: text(inputs, 'routeTableId'),
      SubnetId: optionalText(inputs, 'subnetId'),
      GatewayId: optionalText(inputs, 'gatewayId'),
    });
    const answer = await clients.ec2.send(command);
    const id = need(answer.AssociationId, 'AssociationId');
    return until(`association ${id} is there`, () => routeTableAssociation.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const Filters = [{ Name: 'association.route-table-association-id', Values: [id] }];
    const answer = await clients.ec2.send(new DescribeRouteTablesCommand({ Filters }));
    const table = answer.RouteTables?.[0];
    const found = table?.Associations?.find((one) => one.RouteTableAssociationId === id);
    if (table === undefined || found === undefined) return undefined;
    const outputs = defined({
      routeTableId: table.RouteTableId,
      subnetId: found.SubnetId,
      gatewayId: found.GatewayId,
    });
    return { id, outputs };
  },
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DisassociateRouteTableCommand({ AssociationId: id })));
  },
};
