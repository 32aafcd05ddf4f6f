/** `aws:ec2` VpnGateway, CustomerGateway, VpnConnection, its routes, and propagation into route tables. */
import {
  AttachVpnGatewayCommand,
  CreateCustomerGatewayCommand,
  CreateVpnConnectionCommand,
  CreateVpnConnectionRouteCommand,
  CreateVpnGatewayCommand,
  DeleteCustomerGatewayCommand,
  DeleteVpnConnectionCommand,
  DeleteVpnConnectionRouteCommand,
  DeleteVpnGatewayCommand,
  DescribeCustomerGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeVpnConnectionsCommand,
  DescribeVpnGatewaysCommand,
  DetachVpnGatewayCommand,
  DisableVgwRoutePropagationCommand,
  EnableVgwRoutePropagationCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until } from './clients.ts';
import { count, type Definition, defined, flag, optionalText, retag, tagging, text, texts } from './type.ts';

const tagsOf = (found: { Tags?: Parameters<typeof tagsFrom>[0] }) => ({
  tags: tagsFrom(found.Tags),
  tagsAll: tagsFrom(found.Tags),
});

export const vpnGateway: Definition = {
  inputs: ['tags'],
  fixed: ['vpcId', 'amazonSideAsn', 'availabilityZone'],
  create: async (clients, inputs) => {
    const command = new CreateVpnGatewayCommand({
      Type: 'ipsec.1',
      ...('amazonSideAsn' in inputs && { AmazonSideAsn: count(inputs, 'amazonSideAsn') }),
      AvailabilityZone: optionalText(inputs, 'availabilityZone'),
      ...tagging('vpn-gateway', inputs),
    });
    const id = need((await clients.ec2.send(command)).VpnGateway?.VpnGatewayId, 'VpnGatewayId');
    const VpcId = optionalText(inputs, 'vpcId');
    if (VpcId !== undefined) await clients.ec2.send(new AttachVpnGatewayCommand({ VpnGatewayId: id, VpcId }));
    return until(`VPN gateway ${id} is there`, async () => {
      const made = await vpnGateway.read(clients, id, inputs);
      return made?.outputs.vpcId === VpcId ? made : undefined;
    });
  },
  read: async (clients, id) => {
    const command = new DescribeVpnGatewaysCommand({ VpnGatewayIds: [id] });
    const found = (await unlessGone(clients.ec2.send(command)))?.VpnGateways?.[0];
    if (found === undefined || found.State === 'deleted') return undefined;
    const outputs = defined({
      vpcId: found.VpcAttachments?.find((each) => each.State === 'attached')?.VpcId,
      amazonSideAsn: String(found.AmazonSideAsn),
      ...tagsOf(found),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id, inputs) => {
    const VpcId = optionalText(inputs, 'vpcId');
    if (VpcId !== undefined) {
      await unlessGone(clients.ec2.send(new DetachVpnGatewayCommand({ VpnGatewayId: id, VpcId })));
    }
    await unlessGone(clients.ec2.send(new DeleteVpnGatewayCommand({ VpnGatewayId: id })));
  },
};

export const customerGateway: Definition = {
  inputs: ['tags'],
  fixed: ['bgpAsn', 'ipAddress', 'type', 'deviceName'],
  defaults: { type: 'ipsec.1' },
  create: async (clients, inputs) => {
    const command = new CreateCustomerGatewayCommand({
      Type: 'ipsec.1',
      BgpAsn: count(inputs, 'bgpAsn'),
      IpAddress: text(inputs, 'ipAddress'),
      DeviceName: optionalText(inputs, 'deviceName'),
      ...tagging('customer-gateway', inputs),
    });
    const id = need(
      (await clients.ec2.send(command)).CustomerGateway?.CustomerGatewayId,
      'CustomerGatewayId',
    );
    return until(`customer gateway ${id} is there`, () => customerGateway.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeCustomerGatewaysCommand({ CustomerGatewayIds: [id] });
    const found = (await unlessGone(clients.ec2.send(command)))?.CustomerGateways?.[0];
    if (found === undefined || found.State === 'deleted') return undefined;
    const outputs = defined({
      bgpAsn: found.BgpAsn,
      ipAddress: found.IpAddress,
      type: found.Type,
      deviceName: found.DeviceName,
      ...tagsOf(found),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteCustomerGatewayCommand({ CustomerGatewayId: id })));
  },
};

async function describeConnection(clients: Clients, id: string) {
  const command = new DescribeVpnConnectionsCommand({ VpnConnectionIds: [id] });
  const found = (await unlessGone(clients.ec2.send(command)))?.VpnConnections?.[0];
  return found?.State === 'deleted' ? undefined : found;
}

const TUNNELS = [1, 2].map((number) => ({
  cidr: `tunnel${number}InsideCidr`,
  key: `tunnel${number}PresharedKey`,
  versions: `tunnel${number}IkeVersions`,
}));

function tunnelOptions({ cidr, key, versions }: (typeof TUNNELS)[number], inputs: Properties) {
  const asked = texts(inputs, versions);
  return {
    TunnelInsideCidr: optionalText(inputs, cidr),
    PreSharedKey: optionalText(inputs, key),
    ...(asked.length > 0 && { IKEVersions: asked.map((Value) => ({ Value })) }),
  };
}

export const vpnConnection: Definition = {
  inputs: ['tags'],
  fixed: [
    ...['customerGatewayId', 'vpnGatewayId', 'transitGatewayId', 'type', 'staticRoutesOnly'],
    ...TUNNELS.flatMap(({ cidr, key, versions }) => [cidr, key, versions]),
  ],
  defaults: { type: 'ipsec.1' },
  create: async (clients, inputs) => {
    const command = new CreateVpnConnectionCommand({
      Type: text(inputs, 'type'),
      CustomerGatewayId: text(inputs, 'customerGatewayId'),
      VpnGatewayId: optionalText(inputs, 'vpnGatewayId'),
      TransitGatewayId: optionalText(inputs, 'transitGatewayId'),
      Options: {
        StaticRoutesOnly: flag(inputs, 'staticRoutesOnly'),
        TunnelOptions: TUNNELS.map((tunnel) => tunnelOptions(tunnel, inputs)),
      },
      ...tagging('vpn-connection', inputs),
    });
    const id = need((await clients.ec2.send(command)).VpnConnection?.VpnConnectionId, 'VpnConnectionId');
    return until(`VPN connection ${id} is available`, async () => {
      const found = await describeConnection(clients, id);
      return found?.State === 'available' ? vpnConnection.read(clients, id, inputs) : undefined;
    });
  },
  read: async (clients, id) => {
    const found = await describeConnection(clients, id);
    if (found === undefined) return undefined;
    const [one, two] = found.Options?.TunnelOptions ?? [];
    const outputs = defined({
      customerGatewayId: found.CustomerGatewayId,
      vpnGatewayId: found.VpnGatewayId,
      transitGatewayId: found.TransitGatewayId,
      type: found.Type,
      staticRoutesOnly: found.Options?.StaticRoutesOnly ?? false,
      tunnel1Address: one?.OutsideIpAddress,
      tunnel1InsideCidr: one?.TunnelInsideCidr,
      tunnel1PresharedKey: one?.PreSharedKey,
      tunnel2Address: two?.OutsideIpAddress,
      tunnel2InsideCidr: two?.TunnelInsideCidr,
      tunnel2PresharedKey: two?.PreSharedKey,
      ...tagsOf(found),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteVpnConnectionCommand({ VpnConnectionId: id })));
    await until(`VPN connection ${id} is gone`, async () =>
      (await describeConnection(clients, id)) === undefined ? true : undefined,
    );
  },
};

const routeKey = (inputs: Properties) => ({
  VpnConnectionId: text(inputs, 'vpnConnectionId'),
  DestinationCidrBlock: text(inputs, 'destinationCidrBlock'),
});

export const vpnConnectionRoute: Definition = {
  inputs: [],
  fixed: ['vpnConnectionId', 'destinationCidrBlock'],
  create: async (clients, inputs) => {
    const key = routeKey(inputs);
    await clients.ec2.send(new CreateVpnConnectionRouteCommand(key));
    const id = `${key.DestinationCidrBlock}:${key.VpnConnectionId}`;
    return until(`route ${id} is there`, () => vpnConnectionRoute.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const { VpnConnectionId, DestinationCidrBlock } = routeKey(inputs);
    const routes = (await describeConnection(clients, VpnConnectionId))?.Routes;
    const isThere = routes?.some((each) => each.DestinationCidrBlock === DestinationCidrBlock);
    return isThere ? { id, outputs: inputs } : undefined;
  },
  remove: async (clients, _id, inputs) => {
    await unlessGone(clients.ec2.send(new DeleteVpnConnectionRouteCommand(routeKey(inputs))));
  },
};

const propagationKey = (inputs: Properties) => ({
  GatewayId: text(inputs, 'vpnGatewayId'),
  RouteTableId: text(inputs, 'routeTableId'),
});

export const vpnRoutePropagation: Definition = {
  inputs: [],
  fixed: ['vpnGatewayId', 'routeTableId'],
  create: async (clients, inputs) => {
    const key = propagationKey(inputs);
    await clients.ec2.send(new EnableVgwRoutePropagationCommand(key));
    const id = `${key.GatewayId}_${key.RouteTableId}`;
    return until(`propagation ${id} is there`, () => vpnRoutePropagation.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const { GatewayId, RouteTableId } = propagationKey(inputs);
    const command = new DescribeRouteTablesCommand({ RouteTableIds: [RouteTableId] });
    const [table] = (await unlessGone(clients.ec2.send(command)))?.RouteTables ?? [];
    const isThere = table?.PropagatingVgws?.some((each) => each.GatewayId === GatewayId);
    return isThere ? { id, outputs: inputs } : undefined;
  },
  remove: async (clients, _id, inputs) => {
    await unlessGone(clients.ec2.send(new DisableVgwRoutePropagationCommand(propagationKey(inputs))));
  },
};
