/** A design in subnets and route tables that exist, deployed into the simulator and drilled there. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as aws from '@pulumi/aws';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import { drill } from '../../sim/drill/run.ts';
import { deployedSubject, setUp } from '../../sim/drill/source.ts';
import { judge } from '../../sim/drill/verdict.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { deploy, type Operation } from '../../sim/pulumi/deploy.ts';
import { deployedOf, PROBED } from '../../sim/pulumi/design.ts';
import { simulatorConfig } from '../../sim/pulumi/simulator.ts';
import { isObject } from '../../sim/pulumi/value.ts';
import { readWorld } from '../../sim/server/keeper.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PLACE = { region: 'eu-central-1', account: '123456789012' };
const ZONES = ['eu-central-1a', 'eu-central-1b'] as const;
const directory = mkdtempSync(join(tmpdir(), 'byoa-brought-'));
let simulator: RunningSimulator;

/** A network as somebody has it, by ids, so that the design can name them. */
const network = async () => {
  const vpc = new aws.ec2.Vpc('home', { cidrBlock: '10.0.0.0/16' });
  const gateway = new aws.ec2.InternetGateway('home', { vpcId: vpc.id });
  const tables = ZONES.map((zone, index) => {
    const place = { availabilityZone: zone, cidrBlock: `10.0.${index}.0/24` };
    const subnet = new aws.ec2.Subnet(`app-${zone}`, { vpcId: vpc.id, ...place });
    const table = new aws.ec2.RouteTable(`app-${zone}`, { vpcId: vpc.id });
    new aws.ec2.RouteTableAssociation(`app-${zone}`, { routeTableId: table.id, subnetId: subnet.id });
    return { subnet: subnet.id, table: table.id };
  });
  return { vpcId: vpc.id, gatewayId: gateway.id, tables };
};

interface Ids {
  readonly vpcId: string;
  readonly gatewayId: string;
  readonly tables: readonly { readonly subnet: string; readonly table: string }[];
}

const run = (
  stack: string,
  operation: Operation,
  program: () => Promise<Readonly<Record<string, unknown>>>,
) =>
  deploy({
    operation,
    program,
    project: 'brought',
    stack,
    stateFile: join(directory, `${stack}.json`),
    config: simulatorConfig(simulator.url, PLACE),
  });

beforeAll(async () => {
  simulator = await startSimulator({
    state: join(directory, 'world'),
    profile: 'instant',
    hosts: ['203.0.113.10', ...PROBED],
  });
});
afterAll(() => simulator.close());

it('egress-pair takes over the tables of subnets that exist, comes back from a death, and goes without them', async () => {
  const { outputs: made } = await run('network', 'up', network);
  const { vpcId, gatewayId, tables } = made as unknown as Ids;
  const design = async () => {
    const { nodes, appliances, workloads, flows } = new COMPONENTS['egress-pair']('edge', {
      vpcId,
      internetGatewayId: gatewayId,
      cidr: '10.0.128.0/17',
      zones: [...ZONES],
      subnets: Object.fromEntries(
        tables.map(({ subnet, table }, index) => [
          `workload-${ZONES[index]}`,
          { id: subnet, cidr: `10.0.${index}.0/24`, table },
        ]),
      ),
      ami: 'ami-0123456789abcdef0',
      instanceType: 't3.micro',
      daemonUrl: 'https://example.com/byoa',
      daemonSha256: '0'.repeat(64),
      probeTargets: PROBED,
      workload: true,
    });
    return { edge: { nodes, appliances, workloads, flows } };
  };
  const { outputs } = await run('design', 'up', design);
  const deployed = deployedOf(isObject(outputs.edge) ? outputs.edge : {});
  setUp(simulator, deployed);
  const world = present(readWorld(join(directory, 'world')), 'the world that was deployed');
  const subject = deployedSubject('brought', world, deployed);
  const limit = { seed: 1, limitMs: 6000 };
  const { flows } = judge(drill(subject, [{ kind: 'machine', how: 'kill', machine: 'a' }], limit), 0);
  expect(flows.map(({ verdict }) => verdict)).toEqual(['back', 'back']);
  await run('design', 'destroy', design);
  const { subnets, routeTables } = simulator.state();
  expect(subnets.map(({ id }) => id).filter((id) => tables.some(({ subnet }) => subnet === id))).toHaveLength(
    2,
  );
  const left = routeTables.filter(({ id }) => tables.some(({ table }) => table === id));
  expect(left.map(({ routes }) => routes.map(({ destination }) => destination))).toEqual([
    ['10.0.0.0/16'],
    ['10.0.0.0/16'],
  ]);
});
