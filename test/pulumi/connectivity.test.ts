/** The test engine's resource types of what leads out of a VPC: each made, read, changed and removed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { awsProvider } from '../../sim/pulumi/aws/provider.ts';
import type { Made, Provider } from '../../sim/pulumi/provider.ts';
import type { Properties } from '../../sim/pulumi/value.ts';

let simulator: RunningSimulator;
let provider: Provider;

beforeAll(async () => {
  simulator = await startSimulator({ profile: 'instant', knobs: { quotas: 'off' } });
  const { url } = simulator;
  const endpoints = [{ ec2: url, iam: url, sts: url }];
  provider = awsProvider({ region: 'eu-central-1', accessKey: '123456789012', endpoints });
});
afterAll(async () => {
  provider.close();
  await simulator.close();
});

const make = (token: string, inputs: Properties): Promise<Made> => {
  const type = provider.resourceType(`aws:${token}`);
  return type.create(type.check('it', inputs, undefined));
};

const vpc = (cidrBlock: string) => make('ec2/vpc:Vpc', { cidrBlock });

describe('VpcPeeringConnection', () => {
  const token = 'ec2/vpcPeeringConnection:VpcPeeringConnection';

  it('is offered, accepted by an update, routed to, and removed', async () => {
    const [near, far] = [await vpc('10.0.0.0/16'), await vpc('10.1.0.0/16')];
    const inputs = { vpcId: near.id, peerVpcId: far.id };
    const { id, outputs } = await make(token, inputs);
    expect(outputs).toMatchObject({ acceptStatus: 'pending-acceptance', peerOwnerId: '123456789012' });
    const type = provider.resourceType(`aws:${token}`);
    const updated = await type.update(id, inputs, { ...inputs, autoAccept: true, tags: { Name: 'p' } });
    expect(updated.outputs).toMatchObject({ acceptStatus: 'active', tags: { Name: 'p' } });
    const table = await make('ec2/routeTable:RouteTable', { vpcId: near.id });
    const route = await make('ec2/route:Route', {
      routeTableId: table.id,
      destinationCidrBlock: '10.1.0.0/16',
      vpcPeeringConnectionId: id,
    });
    expect(route.outputs).toMatchObject({ vpcPeeringConnectionId: id, state: 'active' });
    await type.remove(id, inputs);
    expect(await type.read(id, inputs)).toBeUndefined();
  });

  it('says why EC2 failed it', async () => {
    const [near, far] = [await vpc('10.8.0.0/16'), await vpc('10.8.0.0/17')];
    const inputs = { vpcId: near.id, peerVpcId: far.id, autoAccept: true };
    await expect(make(token, inputs)).rejects.toThrow(/overlapping CIDR range/);
  });
});

describe('transit gateways', () => {
  const remove = (token: string, { id }: Made, inputs: Properties) =>
    provider.resourceType(`aws:${token}`).remove(id, inputs);

  it('with attachment, table, association, propagation and routes are made, changed and removed', async () => {
    const home = await vpc('10.20.0.0/16');
    const place = { vpcId: home.id, availabilityZone: 'eu-central-1a', cidrBlock: '10.20.1.0/24' };
    const subnet = await make('ec2/subnet:Subnet', place);
    const bare = { defaultRouteTableAssociation: 'disable', defaultRouteTablePropagation: 'disable' };
    const gateway = await make('ec2transitgateway/transitGateway:TransitGateway', bare);
    const attaching = { transitGatewayId: gateway.id, vpcId: home.id, subnetIds: [subnet.id] };
    const attachment = await make('ec2transitgateway/vpcAttachment:VpcAttachment', attaching);
    const type = provider.resourceType('aws:ec2transitgateway/vpcAttachment:VpcAttachment');
    const changed = { ...attaching, applianceModeSupport: 'enable' };
    const updated = await type.update(attachment.id, attaching, changed);
    expect(updated.outputs).toMatchObject({ state: 'available', applianceModeSupport: 'enable' });

    const owner = { transitGatewayId: gateway.id };
    const table = await make('ec2transitgateway/routeTable:RouteTable', owner);
    const pair = { transitGatewayRouteTableId: table.id, transitGatewayAttachmentId: attachment.id };
    const association = 'ec2transitgateway/routeTableAssociation:RouteTableAssociation';
    const propagation = 'ec2transitgateway/routeTablePropagation:RouteTablePropagation';
    const relations = [await make(association, pair), await make(propagation, pair)] as const;
    const hole = {
      transitGatewayRouteTableId: table.id,
      destinationCidrBlock: '192.0.2.0/24',
      blackhole: true,
    };
    const nowhere = await make('ec2transitgateway/route:Route', hole);
    const { transitGatewayRouteTables: tables } = simulator.state();
    expect(tables.find((each) => each.id === table.id)?.routes).toEqual([
      { destination: '192.0.2.0/24', paths: [] },
      { destination: '10.20.0.0/16', paths: [{ attachment: attachment.id }] },
    ]);
    const rtb = await make('ec2/routeTable:RouteTable', { vpcId: home.id });
    const leading = { destinationCidrBlock: '10.0.0.0/8', transitGatewayId: gateway.id };
    const route = await make('ec2/route:Route', { routeTableId: rtb.id, ...leading });
    expect(route.outputs).toMatchObject({ transitGatewayId: gateway.id, state: 'active' });

    await remove('ec2transitgateway/route:Route', nowhere, hole);
    await remove(propagation, relations[1], pair);
    await remove(association, relations[0], pair);
    await remove('ec2transitgateway/routeTable:RouteTable', table, owner);
    await remove('ec2transitgateway/vpcAttachment:VpcAttachment', attachment, changed);
    await remove('ec2transitgateway/transitGateway:TransitGateway', gateway, bare);
    const left = simulator.state().transitGatewayAttachments.filter((each) => each.available);
    expect(left).toEqual([]);
  });
});

const removed = async (token: string, { id }: Made, inputs: Properties): Promise<Made | undefined> => {
  const type = provider.resourceType(`aws:${token}`);
  await type.remove(id, inputs);
  return type.read(id, inputs);
};

describe('a VPN', () => {
  it('of gateway, site, connection, route and propagation is made, and removed in turn', async () => {
    const home = await vpc('10.30.0.0/16');
    const table = await make('ec2/routeTable:RouteTable', { vpcId: home.id });
    const gatewayInputs = { vpcId: home.id };
    const gateway = await make('ec2/vpnGateway:VpnGateway', gatewayInputs);
    const siteInputs = { bgpAsn: '65010', ipAddress: '203.0.113.30', type: 'ipsec.1' };
    const site = await make('ec2/customerGateway:CustomerGateway', siteInputs);
    const ends = { vpnGatewayId: gateway.id, customerGatewayId: site.id, staticRoutesOnly: true };
    const connection = await make('ec2/vpnConnection:VpnConnection', { ...ends, type: 'ipsec.1' });
    expect(connection.outputs).toMatchObject({
      staticRoutesOnly: true,
      tunnel1Address: expect.stringMatching(/^\d+(\.\d+){3}$/),
    });
    const leading = { vpnConnectionId: connection.id, destinationCidrBlock: '172.20.0.0/16' };
    const route = await make('ec2/vpnConnectionRoute:VpnConnectionRoute', leading);
    const pair = { vpnGatewayId: gateway.id, routeTableId: table.id };
    const propagation = await make('ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation', pair);
    const routes = () => simulator.state().routeTables.find((each) => each.id === table.id)?.routes ?? [];
    expect(routes().map((each) => each.destination)).toContain('172.20.0.0/16');

    const token = 'ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation';
    expect(await removed(token, propagation, pair)).toBeUndefined();
    expect(routes().map((each) => each.destination)).not.toContain('172.20.0.0/16');
    expect(await removed('ec2/vpnConnectionRoute:VpnConnectionRoute', route, leading)).toBeUndefined();
    expect(await removed('ec2/vpnConnection:VpnConnection', connection, ends)).toBeUndefined();
    expect(await removed('ec2/customerGateway:CustomerGateway', site, siteInputs)).toBeUndefined();
    expect(await removed('ec2/vpnGateway:VpnGateway', gateway, gatewayInputs)).toBeUndefined();
  });
});

describe('endpoints and filters', () => {
  it('a gateway endpoint gives and takes routes as its tables change', async () => {
    const home = await vpc('10.31.0.0/16');
    const tables = [0, 1].map(() => make('ec2/routeTable:RouteTable', { vpcId: home.id }));
    const [one, two] = (await Promise.all(tables)).map(({ id }) => id);
    const inputs = {
      vpcId: home.id,
      serviceName: 'com.amazonaws.eu-central-1.s3',
      routeTableIds: [one ?? ''],
    };
    const endpoint = await make('ec2/vpcEndpoint:VpcEndpoint', inputs);
    expect(endpoint.outputs).toMatchObject({ state: 'available', routeTableIds: [one] });
    const type = provider.resourceType('aws:ec2/vpcEndpoint:VpcEndpoint');
    const moved = await type.update(endpoint.id, inputs, { ...inputs, routeTableIds: [two ?? ''] });
    expect(moved.outputs).toMatchObject({ routeTableIds: [two] });
    expect(await removed('ec2/vpcEndpoint:VpcEndpoint', endpoint, inputs)).toBeUndefined();
  });

  it('an interface endpoint has an interface in its subnet', async () => {
    const home = await vpc('10.32.0.0/16');
    const on = await make('ec2/subnet:Subnet', { vpcId: home.id, cidrBlock: '10.32.1.0/24' });
    const inputs = {
      vpcId: home.id,
      serviceName: 'com.amazonaws.eu-central-1.ec2',
      vpcEndpointType: 'Interface',
      subnetIds: [on.id],
    };
    const endpoint = await make('ec2/vpcEndpoint:VpcEndpoint', inputs);
    expect(endpoint.outputs).toMatchObject({ subnetIds: [on.id] });
    expect(endpoint.outputs.networkInterfaceIds).toHaveLength(1);
    expect(await removed('ec2/vpcEndpoint:VpcEndpoint', endpoint, inputs)).toBeUndefined();
  });

  it('a network ACL has rules and a subnet, which goes back to the default one', async () => {
    const home = await vpc('10.33.0.0/16');
    const on = await make('ec2/subnet:Subnet', { vpcId: home.id, cidrBlock: '10.33.1.0/24' });
    const acl = await make('ec2/networkAcl:NetworkAcl', { vpcId: home.id, tags: { Name: 'acl' } });
    const of = { networkAclId: acl.id };
    const to = { cidrBlock: '10.0.0.0/8', ruleAction: 'allow', fromPort: 22, toPort: 22 };
    const ruleInputs = { ...of, ...to, ruleNumber: 100, egress: false, protocol: 'tcp' };
    const rule = await make('ec2/networkAclRule:NetworkAclRule', ruleInputs);
    const pair = { ...of, subnetId: on.id };
    const association = await make('ec2/networkAclAssociation:NetworkAclAssociation', pair);
    const type = provider.resourceType('aws:ec2/networkAcl:NetworkAcl');
    expect((await type.read(acl.id, of))?.outputs).toMatchObject({
      subnetIds: [on.id],
      tags: { Name: 'acl' },
    });
    const token = 'ec2/networkAclAssociation:NetworkAclAssociation';
    expect(await removed(token, association, pair)).toBeUndefined();
    expect((await type.read(acl.id, of))?.outputs).toMatchObject({ subnetIds: [] });
    expect(await removed('ec2/networkAclRule:NetworkAclRule', rule, ruleInputs)).toBeUndefined();
    expect(await removed('ec2/networkAcl:NetworkAcl', acl, of)).toBeUndefined();
  });

  it('a prefix list changes its entries, and is named by rules and routes', async () => {
    const home = await vpc('10.34.0.0/16');
    const entries = [{ cidr: '192.0.2.0/24', description: 'first' }];
    const inputs = { addressFamily: 'IPv4', maxEntries: 2, name: 'branches', entries };
    const token = 'ec2/managedPrefixList:ManagedPrefixList';
    const list = await make(token, inputs);
    expect(list.outputs).toMatchObject({ version: 1, entries });
    const now = { ...inputs, maxEntries: 3, entries: [{ cidr: '198.51.100.0/24', description: 'second' }] };
    const changed = await provider.resourceType(`aws:${token}`).update(list.id, inputs, now);
    expect(changed.outputs).toMatchObject({ version: 2, maxEntries: 3, entries: now.entries });

    const group = await make('ec2/securityGroup:SecurityGroup', { vpcId: home.id, description: 'd' });
    const open = { securityGroupId: group.id, ipProtocol: '-1', prefixListId: list.id };
    const rule = await make('vpc/securityGroupIngressRule:SecurityGroupIngressRule', open);
    expect(rule.outputs).toMatchObject({ prefixListId: list.id });
    const gateway = await make('ec2/internetGateway:InternetGateway', { vpcId: home.id });
    const table = await make('ec2/routeTable:RouteTable', { vpcId: home.id });
    const leading = { routeTableId: table.id, destinationPrefixListId: list.id, gatewayId: gateway.id };
    const route = await make('ec2/route:Route', leading);
    expect(route.outputs).toMatchObject({ destinationPrefixListId: list.id, state: 'active' });
    expect(await removed('ec2/route:Route', route, leading)).toBeUndefined();
    const ingress = 'vpc/securityGroupIngressRule:SecurityGroupIngressRule';
    expect(await removed(ingress, rule, open)).toBeUndefined();
    expect(await removed(token, list, now)).toBeUndefined();
  });
});

describe('a Gateway Load Balancer', () => {
  it('with group, target, listener, service and endpoint is made, routed to, and removed in turn', async () => {
    const home = await vpc('10.35.0.0/16');
    const place = { vpcId: home.id, cidrBlock: '10.35.1.0/24' };
    const on = await make('ec2/subnet:Subnet', place);
    const balancerInputs = { loadBalancerType: 'gateway', subnets: [on.id] };
    const balancer = await make('lb/loadBalancer:LoadBalancer', balancerInputs);
    const groupInputs = { port: 6081, protocol: 'GENEVE', vpcId: home.id, targetType: 'ip' };
    const group = await make('lb/targetGroup:TargetGroup', { ...groupInputs, healthCheck: { port: 80 } });
    const targetInputs = { targetGroupArn: group.id, targetId: '10.35.1.10' };
    const target = await make('lb/targetGroupAttachment:TargetGroupAttachment', targetInputs);
    const defaultActions = [{ type: 'forward', targetGroupArn: group.id }];
    const listenerInputs = { loadBalancerArn: balancer.id, defaultActions };
    const listener = await make('lb/listener:Listener', listenerInputs);
    const serviceInputs = { gatewayLoadBalancerArns: [balancer.id], acceptanceRequired: false };
    const service = await make('ec2/vpcEndpointService:VpcEndpointService', serviceInputs);
    const endpointInputs = {
      vpcId: home.id,
      vpcEndpointType: 'GatewayLoadBalancer',
      serviceName: service.outputs.serviceName ?? '',
      subnetIds: [on.id],
    };
    const endpoint = await make('ec2/vpcEndpoint:VpcEndpoint', endpointInputs);
    const table = await make('ec2/routeTable:RouteTable', { vpcId: home.id });
    const leading = { routeTableId: table.id, destinationCidrBlock: '0.0.0.0/0', vpcEndpointId: endpoint.id };
    const route = await make('ec2/route:Route', leading);
    expect(route.outputs).toMatchObject({ state: 'active', gatewayId: endpoint.id });

    expect(await removed('ec2/route:Route', route, leading)).toBeUndefined();
    expect(await removed('ec2/vpcEndpoint:VpcEndpoint', endpoint, endpointInputs)).toBeUndefined();
    const token = 'ec2/vpcEndpointService:VpcEndpointService';
    expect(await removed(token, service, serviceInputs)).toBeUndefined();
    expect(await removed('lb/listener:Listener', listener, listenerInputs)).toBeUndefined();
    const attachment = 'lb/targetGroupAttachment:TargetGroupAttachment';
    expect(await removed(attachment, target, targetInputs)).toBeUndefined();
    expect(await removed('lb/targetGroup:TargetGroup', group, groupInputs)).toBeUndefined();
    expect(await removed('lb/loadBalancer:LoadBalancer', balancer, balancerInputs)).toBeUndefined();
  });
});
