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
