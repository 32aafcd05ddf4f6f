/** Subnets that exist in the place of those of a design. */
import { describe, expect, it } from 'vitest';
import { parseConfig, routeSetsOf } from '../../controller/config.ts';
import { readBrought, withBrought } from '../../infra/brought.ts';
import type { DesignArgs } from '../../infra/components/context.ts';
import { DESIGNS } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import type { NodeOutput } from '../../infra/outputs.ts';
import { subnetsOf } from '../../infra/plan.ts';
import { type Registration, recorded, resolved } from './recorded.ts';

const WORKLOAD = { id: 'subnet-0aaaaaaaaaaaaaaaa', cidr: '172.20.8.0/22', table: 'rtb-0aaaaaaaaaaaaaaaa' };
const APPLIANCE = { id: 'subnet-0bbbbbbbbbbbbbbbb', cidr: '172.20.1.0/27' };
const ARGS: DesignArgs = {
  vpcId: 'vpc-0123456789abcdef0',
  internetGatewayId: 'igw-0123456789abcdef0',
  cidr: '172.20.128.0/17',
  zones: ['eu-central-1a', 'eu-central-1b'],
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: 'a'.repeat(64),
  subnets: { 'workload-eu-central-1a': WORKLOAD, 'appliance-eu-central-1a': APPLIANCE },
};

const of = (seen: readonly Registration[], type: string): readonly Registration[] =>
  seen.filter((one) => one.type.endsWith(type));
const build = () => recorded(() => new COMPONENTS['egress-pair']('edge', ARGS));

describe('egress-pair in subnets that exist', () => {
  it('makes the others, and no table where one is brought', async () => {
    const { seen } = await build();
    const names = (type: string) => of(seen, type).map(({ name }) => name);
    const made = ['edge-appliance-eu-central-1b', 'edge-workload-eu-central-1b'];
    expect(names(':Subnet').toSorted()).toEqual(made);
    expect(names(':RouteTable').toSorted()).toEqual(['edge-appliance-eu-central-1a', ...made]);
    const own = of(seen, ':RouteTableAssociation').find(
      ({ name }) => name === 'edge-appliance-eu-central-1a',
    );
    expect(own?.inputs.subnetId).toBe(APPLIANCE.id);
  });

  it('makes the routes of the design in the table that is brought, and lets daemons move them', async () => {
    const { made, seen } = await build();
    const route = of(seen, ':Route').find(({ name }) => name === 'edge-workload-eu-central-1a-0.0.0.0/0');
    expect([route?.inputs.routeTableId, route?.ignoreChanges]).toEqual([
      WORKLOAD.table,
      ['networkInterfaceId'],
    ]);
    const [node] = (await resolved(made.nodes)) as readonly NodeOutput[];
    const config = parseConfig(node?.config ?? '', 'a');
    const tables = config.ok ? config.value.groups.flatMap(routeSetsOf).map(({ table }) => table) : [];
    expect(tables).toContain(WORKLOAD.table);
    const policy = JSON.parse(String(of(seen, ':RolePolicy')[0]?.inputs.policy));
    const moves = policy.Statement.find(({ Sid }: { Sid: string }) => Sid === 'MoveRoutes').Resource;
    expect(moves).toContain(`arn:aws:ec2:eu-central-1:000000000000:route-table/${WORKLOAD.table}`);
  });

  it('puts the appliance into the subnet that is brought, at its fifth address', async () => {
    const { seen } = await build();
    const eni = of(seen, ':NetworkInterface').find(({ name }) => name === 'edge-a');
    expect([eni?.inputs.subnetId, eni?.inputs.privateIps]).toEqual([APPLIANCE.id, ['172.20.1.4']]);
  });

  it('has appliances hear and translate subnets beside the block of the design', async () => {
    const { seen } = await build();
    const admitted = of(seen, ':SecurityGroupIngressRule').map(({ inputs }) => inputs.cidrIpv4);
    expect(admitted).toEqual([ARGS.cidr, WORKLOAD.cidr, APPLIANCE.cidr]);
    const script = of(seen, ':Instance').find(({ name }) => name === 'edge-a')?.inputs.userData;
    const inside = `{ ${ARGS.cidr}, ${WORKLOAD.cidr}, ${APPLIANCE.cidr} }`;
    expect(script).toContain(`ip saddr ${inside} ip daddr != ${inside} masquerade`);
  });

  it('leaves the way to the Internet of a table that is brought as it is', async () => {
    const subnets = { 'appliance-eu-central-1a': { ...APPLIANCE, table: 'rtb-0bbbbbbbbbbbbbbbb' } };
    const { seen } = await recorded(() => new COMPONENTS['egress-pair']('edge', { ...ARGS, subnets }));
    const routes = of(seen, ':Route').filter(({ name }) => name.startsWith('edge-appliance-eu-central-1a'));
    expect(routes.map(({ inputs }) => inputs.destinationCidrBlock)).toEqual(['8.8.8.8/32']);
  });

  it('wants the VPC of the subnets', async () => {
    const { vpcId: _, internetGatewayId: __, ...rest } = ARGS;
    await expect(recorded(() => new COMPONENTS['egress-pair']('edge', rest))).rejects.toThrow(
      /of a VPC that exists; give vpcId/,
    );
  });
});

it.each(['egress-pair', 'nat-fleet', 'east-west-inspection', 'transit-hub'] as const)(
  '%s takes every one of its subnets',
  (design) => {
    const { plan, zones } = DESIGNS[design];
    const args = { cidr: '10.0.0.0/16', zones: ARGS.zones.slice(0, zones.min), observers: true };
    const own = plan(args).vpcs.filter(({ isPrivate }) => isPrivate !== true);
    const names = own.flatMap(({ subnets }) => subnets.map(({ name }) => name));
    const subnets = Object.fromEntries(
      names.map((name, index) => [name, { id: `subnet-${index}`, cidr: `172.20.${index}.0/24` }]),
    );
    const brought = withBrought(plan({ ...args, subnets }), subnets);
    const all = subnetsOf(brought).filter(({ name }) => names.includes(name));
    expect(all.map(({ cidr, brought: given }) => [cidr, given?.id])).toEqual(
      names.map((name) => [subnets[name]?.cidr, subnets[name]?.id]),
    );
    for (const { subnet, address } of [...brought.appliances, ...brought.observers])
      expect(address.startsWith(subnets[subnet]?.cidr.replace(/0\/24$/, '') ?? '-')).toBe(true);
  },
);

it.each([
  ['workload', /must be a JSON object/],
  [[1], /must be a JSON object/],
  [{ w: 'subnet-1' }, /'w' must be like \{"id":"subnet-/],
  [{ w: { id: 'subnet-1', cidr: '10.0.0.0/20' } }, /id of 'w' is 'subnet-1'/],
  [{ w: { id: 'subnet-0123456789abcdef0', cidr: '10.0.0.0' } }, /cidr of 'w' is '10.0.0.0'/],
  [{ w: { id: 'subnet-0123456789abcdef0', cidr: '10.0.0.0/20', table: 'main' } }, /table of 'w' is 'main'/],
  [{ w: { id: 'subnet-0123456789abcdef0', cidr: '10.0.0.0/20', zone: 'a' } }, /'zone' of 'w' is unknown/],
])('refuses %j, and says what it must be', (json, why) => {
  expect(() => readBrought(json)).toThrow(why);
});

it('says which subnets a design has', () => {
  const plan = DESIGNS['egress-pair'].plan({ cidr: '10.0.0.0/16', zones: ARGS.zones });
  expect(() => withBrought(plan, { workload: WORKLOAD })).toThrow(
    /no subnet 'workload' in the design; it has appliance-eu-central-1a, /,
  );
});
