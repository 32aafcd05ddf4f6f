/** The test engine's NAT and egress-only gateways: made, read, changed and removed. */
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

describe('NatGateway and EgressOnlyInternetGateway', () => {
  it('are made, routed to, tagged and removed', async () => {
    const home = await vpc('10.2.0.0/16');
    await make('ec2/internetGateway:InternetGateway', { vpcId: home.id });
    const on = await make('ec2/subnet:Subnet', { vpcId: home.id, cidrBlock: '10.2.1.0/24' });
    const address = await make('ec2/eip:Eip', { domain: 'vpc' });
    const inputs = { subnetId: on.id, allocationId: address.id, connectivityType: 'public' };
    const nat = await make('ec2/natGateway:NatGateway', inputs);
    expect(nat.outputs).toMatchObject({ allocationId: address.id, publicIp: address.outputs.publicIp });
    const eigw = await make('ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway', { vpcId: home.id });
    const table = await make('ec2/routeTable:RouteTable', { vpcId: home.id });
    const to = (more: Properties) => make('ec2/route:Route', { routeTableId: table.id, ...more });
    const four = await to({ destinationCidrBlock: '0.0.0.0/0', natGatewayId: nat.id });
    const six = await to({ destinationIpv6CidrBlock: '::/0', egressOnlyGatewayId: eigw.id });
    expect(four.outputs).toMatchObject({ natGatewayId: nat.id, state: 'active' });
    expect(six.outputs).toMatchObject({ egressOnlyGatewayId: eigw.id, state: 'active' });
    const type = provider.resourceType('aws:ec2/natGateway:NatGateway');
    const tagged = await type.update(nat.id, inputs, { ...inputs, tags: { Name: 'n' } });
    expect(tagged.outputs).toMatchObject({ tags: { Name: 'n' } });
    await type.remove(nat.id, inputs);
    expect(await type.read(nat.id, inputs)).toBeUndefined();
    const gateway = provider.resourceType('aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway');
    await gateway.remove(eigw.id, { vpcId: home.id });
    expect(await gateway.read(eigw.id, { vpcId: home.id })).toBeUndefined();
  });
});
