/** The test engine's resource types of what leads out of a VPC: each made, read, changed and removed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { awsProvider } from '../../sim/pulumi/aws/provider.ts';
import type { Made, Provider } from '../../sim/pulumi/provider.ts';
import type { Properties } from '../../sim/pulumi/value.ts';

let simulator: RunningSimulator;
let provider: Provider;

beforeAll(async () => {
  simulator = await startSimulator({ profile: 'instant' });
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
      { destination: '192.0.2.0/24' },
      { destination: '10.20.0.0/16', attachment: attachment.id },
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
