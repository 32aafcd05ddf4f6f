/** The design transit-hub: what its transit gateway leads where, and what it refuses to plan. */
import { expect, it } from 'vitest';
import type { DesignArgs } from '../../infra/components/context.ts';
import { TransitHub } from '../../infra/designs/transit-hub/component.ts';
import { transitHub } from '../../infra/designs/transit-hub/plan.ts';
import { type Registration, recorded, resolved } from './recorded.ts';

const ARGS: DesignArgs<'spokes'> = {
  cidr: '10.0.0.0/16',
  zones: ['eu-central-1a', 'eu-central-1b'],
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: 'a'.repeat(64),
};

const make = (more: Partial<typeof ARGS> = {}) => recorded(() => new TransitHub('hub', { ...ARGS, ...more }));
const of = (seen: readonly Registration[], type: string): readonly Registration[] =>
  seen.filter((one) => one.type.endsWith(type));
const idOf = (seen: readonly Registration[], type: string, name: string): string =>
  of(seen, type).find((one) => one.name === name)?.outputs.id ?? `no ${name}`;

it('leads what comes from spokes to the hub, and what comes from the hub to spokes', async () => {
  const { seen } = await make();
  const attachment = (vpc: string) => idOf(seen, ':VpcAttachment', `hub-${vpc}`);
  const table = (name: string) => idOf(seen, 'ec2transitgateway/routeTable:RouteTable', `hub-${name}`);
  const pairs = (type: string) =>
    of(seen, type).map(({ inputs }) => [
      inputs.transitGatewayAttachmentId,
      inputs.transitGatewayRouteTableId,
    ]);
  const [hub, one, two] = [attachment('hub'), attachment('spoke-10.1.0.0'), attachment('spoke-10.2.0.0')];
  expect(pairs('ec2transitgateway/routeTableAssociation:RouteTableAssociation')).toEqual([
    [hub, table('hub')],
    [one, table('spokes')],
    [two, table('spokes')],
  ]);
  expect(pairs(':RouteTablePropagation')).toEqual([
    [one, table('hub')],
    [two, table('hub')],
  ]);
  const [only, ...more] = of(seen, 'ec2transitgateway/route:Route');
  expect(more).toEqual([]);
  expect(only?.inputs).toEqual({
    destinationCidrBlock: '0.0.0.0/0',
    transitGatewayAttachmentId: hub,
    transitGatewayRouteTableId: table('spokes'),
  });
});

it('keeps both ways of a flow in one zone of the hub, and leaves default tables off', async () => {
  const { seen } = await make();
  expect(of(seen, ':VpcAttachment').map((one) => [one.name, one.inputs.applianceModeSupport])).toEqual([
    ['hub-hub', 'enable'],
    ['hub-spoke-10.1.0.0', 'disable'],
    ['hub-spoke-10.2.0.0', 'disable'],
  ]);
  for (const { inputs } of of(seen, ':VpcAttachment'))
    expect([
      inputs.transitGatewayDefaultRouteTableAssociation,
      inputs.transitGatewayDefaultRouteTablePropagation,
    ]).toEqual([false, false]);
  const [gateway] = of(seen, ':TransitGateway');
  expect(gateway?.inputs).toMatchObject({
    defaultRouteTableAssociation: 'disable',
    defaultRouteTablePropagation: 'disable',
  });
});

it('makes routes to the transit gateway when the VPC is attached', async () => {
  const { seen } = await make();
  const routes = of(seen, 'ec2/route:Route').filter((one) => 'transitGatewayId' in one.inputs);
  const gateway = idOf(seen, ':TransitGateway', 'hub');
  // Four tables of workloads, and the three private blocks in each table of appliances.
  expect(routes).toHaveLength(4 + 3 * 2);
  for (const { name, inputs, dependencies } of routes) {
    expect(inputs.transitGatewayId).toBe(gateway);
    const vpc = /^hub-workload-(10\.\d)/.exec(name)?.[1];
    const attached = vpc === undefined ? 'hub-hub' : `hub-spoke-${vpc}.0.0`;
    expect(dependencies.some((urn) => urn.endsWith(`VpcAttachment::${attached}`))).toBe(true);
  }
});

it('gives spokes no way out of their own, and lets appliances hear private addresses', async () => {
  const { seen } = await make();
  expect(of(seen, ':InternetGateway').map(({ name }) => name)).toEqual(['hub-hub']);
  const groups = of(seen, ':SecurityGroup').map(({ name }) => name);
  expect(groups).toEqual(['hub-appliance-hub', 'hub-workload-spoke-10.1.0.0', 'hub-workload-spoke-10.2.0.0']);
  const admitted = of(seen, ':SecurityGroupIngressRule')
    .filter(({ name }) => name.startsWith('hub-appliance-hub'))
    .map(({ inputs }) => inputs.cidrIpv4);
  expect(admitted).toEqual(['10.0.0.0/16', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']);
});

it('has appliances translate what leaves private addresses alone', async () => {
  const { seen } = await make({ spokes: ['10.1.0.0/16', '100.64.0.0/16'] });
  const a = of(seen, ':Instance').find(({ name }) => name === 'hub-a');
  const inside = '{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/16 }';
  expect(a?.inputs.userData).toContain(`ip saddr ${inside} ip daddr != ${inside} masquerade`);
  const back = of(seen, 'ec2/route:Route').filter(
    ({ name, inputs }) => name.startsWith('hub-appliance') && inputs.destinationCidrBlock === '100.64.0.0/16',
  );
  expect(back).toHaveLength(2);
});

it('tells the ids by which other VPCs join', async () => {
  const { made, seen } = await make();
  const ids = await resolved(made.ids);
  expect(ids['transit gateway']).toBe(idOf(seen, ':TransitGateway', 'hub'));
  const type = 'ec2transitgateway/routeTable:RouteTable';
  expect(ids['transit table spokes']).toBe(idOf(seen, type, 'hub-spokes'));
  expect(ids['transit table hub']).toBe(idOf(seen, type, 'hub-hub'));
});

it('puts the hub into a VPC that exists, and makes the spokes', async () => {
  const existing = { vpcId: 'vpc-0123456789abcdef0', internetGatewayId: 'igw-0123456789abcdef0' };
  const { seen } = await make(existing);
  expect(of(seen, ':Vpc').map(({ name }) => name)).toEqual(['hub-spoke-10.1.0.0', 'hub-spoke-10.2.0.0']);
  expect(of(seen, ':InternetGateway')).toEqual([]);
  const hub = of(seen, ':VpcAttachment').find(({ name }) => name === 'hub-hub');
  expect(hub?.inputs.vpcId).toBe(existing.vpcId);
});

it.each([
  [['10.1.0.0/16', '10.1.128.0/17'], /10\.1\.0\.0\/16 and 10\.1\.128\.0\/17 overlap/],
  [['10.0.0.0/17'], /10\.0\.0\.0\/16 and 10\.0\.0\.0\/17 overlap/],
  [['10.1.0.0/20'], /no room for subnets of the transit gateway; give a block of \/19 or larger/],
  [['10.1.0.1/16'], /has host bits set/],
])('refuses the spokes %j', (spokes, why) => {
  expect(() => transitHub.plan({ ...ARGS, spokes })).toThrow(why);
});

it('adds a spoke and replaces nothing', async () => {
  const before = await make({ spokes: ['10.1.0.0/16'] });
  const after = await make({ spokes: ['10.1.0.0/16', '10.2.0.0/16'] });
  // What forces a replacement, and the tables that an attachment is entered in.
  const fixed = (all: readonly Registration[]) =>
    all
      .filter((one) => one.custom && !/:(RolePolicy|Instance)$/.test(one.type))
      .map(({ type, name, inputs }) => {
        const { cidrBlock, availabilityZone, privateIps, destinationCidrBlock } = inputs;
        return JSON.stringify([type, name, cidrBlock, availabilityZone, privateIps, destinationCidrBlock]);
      });
  expect(fixed(after.seen)).toEqual(expect.arrayContaining(fixed(before.seen)));
  const scripts = ({ seen }: Awaited<ReturnType<typeof make>>) =>
    of(seen, ':Instance').map(({ name }) => name);
  expect(scripts(after)).toEqual(scripts(before));
});
