/**
 * Designs, deployed into the simulator over HTTP by the SDK's own clients, through changes and failovers and
 * back to nothing.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import * as aws from '@pulumi/aws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Config, parseConfig } from '../../controller/config.ts';
import { NAMES } from '../../infra/designs/catalog.ts';
import { FloatingAddress } from '../../infra/designs/floating-address/component.ts';
import { program } from '../../infra/program.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import {
  type DeployResult,
  deploy,
  type InlineProgram,
  type Operation,
  type Step,
} from '../../sim/pulumi/deploy.ts';
import { deployedOf } from '../../sim/pulumi/design.ts';
import { simulatorConfig } from '../../sim/pulumi/simulator.ts';
import { isObject } from '../../sim/pulumi/value.ts';
import { failOver } from '../infra/failover.ts';
import { library } from '../infra/library-program.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const ACCOUNT = '123456789012';
const REGION = 'eu-central-1';

interface Node {
  readonly name: string;
  readonly instanceId: string;
  readonly networkInterfaceId: string;
}

const changes = (steps: readonly Step[]): readonly string[] =>
  steps
    .filter((step) => step.kind !== 'same')
    .map((step) => `${step.kind} ${step.type.split(':').at(-1)} ${step.name}`);

type Quotas = 'aws' | 'off';

/** A stack of a program, in a simulator of its own. */
function stackOf(inline: InlineProgram, design: Readonly<Record<string, string>> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-design-'));
  const open = async (quotas: Quotas = 'aws') => {
    const simulator = await startSimulator({ profile: 'instant', knobs: { quotas } });
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
    const shared = { endpoint: simulator.url, region: REGION, credentials };
    const [ec2, iam] = [new EC2Client(shared), new IAMClient(shared)];
    const close = async (): Promise<void> => {
      ec2.destroy();
      iam.destroy();
      await simulator.close();
    };
    return { simulator, ec2, iam, close };
  };
  const run = (
    simulator: RunningSimulator,
    operation: Operation,
    extra: Record<string, string> = {},
  ): Promise<DeployResult> =>
    deploy({
      operation,
      program: inline,
      project: 'byoa',
      stack: 'test',
      stateFile: join(directory, 'state.json'),
      config: {
        ...simulatorConfig(simulator.url, { region: REGION, account: ACCOUNT }),
        ...design,
        ...extra,
      },
    });
  return { open, run };
}

/** What is left in the account beside what AWS itself makes. */
async function leftovers(ec2: EC2Client): Promise<readonly string[]> {
  const [vpcs, enis, addresses, groups, tables, instances] = await Promise.all([
    ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['false'] }] })),
    ec2.send(new DescribeNetworkInterfacesCommand({})),
    ec2.send(new DescribeAddressesCommand({})),
    ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'tag:byoa:design', Values: ['*'] }] })),
    ec2.send(new DescribeRouteTablesCommand({ Filters: [{ Name: 'tag:byoa:design', Values: ['*'] }] })),
    ec2.send(
      new DescribeInstancesCommand({
        Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running', 'stopped'] }],
      }),
    ),
  ]);
  return [
    ...(vpcs.Vpcs ?? []).map((one) => `${one.VpcId}`),
    ...(enis.NetworkInterfaces ?? []).map((one) => `${one.NetworkInterfaceId}`),
    ...(addresses.Addresses ?? []).map((one) => `${one.AllocationId}`),
    ...(groups.SecurityGroups ?? []).map((one) => `${one.GroupId}`),
    ...(tables.RouteTables ?? []).map((one) => `${one.RouteTableId}`),
    ...(instances.Reservations ?? []).flatMap((one) => one.Instances ?? []).map((one) => `${one.InstanceId}`),
  ];
}

describe('egress-pair in the simulator', () => {
  const { open, run } = stackOf(program, {
    'byoa:design': 'egress-pair',
    'byoa:daemonUrl': 'https://example.com/byoa',
    'byoa:daemonSha256': '0'.repeat(64),
    'byoa:workload': 'true',
  });
  let world: Awaited<ReturnType<typeof open>>;
  let nodes: readonly Node[] = [];
  let tables: readonly string[] = [];
  const defaultTargets = async (): Promise<readonly (string | undefined)[]> => {
    const answer = await world.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [...tables] }));
    const routes = (answer.RouteTables ?? []).flatMap((one) => one.Routes ?? []);
    return routes
      .filter((one) => one.DestinationCidrBlock === '0.0.0.0/0')
      .map((one) => one.NetworkInterfaceId);
  };

  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  it('a preview makes nothing', async () => {
    const { steps } = await run(world.simulator, 'preview');
    expect(steps.filter((step) => step.kind === 'create').length).toBeGreaterThan(40);
    expect(await leftovers(world.ec2)).toEqual([]);
  });

  it('up makes two running appliances, and both workload tables lead to the first', async () => {
    const { outputs } = await run(world.simulator, 'up');
    nodes = outputs.nodes as unknown as readonly Node[];
    const ids = outputs.ids as Readonly<Record<string, string>>;
    tables = ['a', 'b'].map((zone) => ids[`table workload-eu-central-1${zone}`] ?? '');
    expect(nodes.map((node) => node.name)).toEqual(['a', 'b']);
    expect(await defaultTargets()).toEqual([nodes[0]?.networkInterfaceId, nodes[0]?.networkInterfaceId]);
    const states = world.simulator.state().instances.map((one) => one.state);
    expect(states).toEqual(['running', 'running', 'running', 'running']);
  });

  it('another instance type is a change in place; another daemon replaces one appliance after the other', async () => {
    const { steps } = await run(world.simulator, 'up', { 'byoa:instanceType': 't3.small' });
    expect(changes(steps).filter((text) => /egress-pair-[ab]$/.test(text))).toEqual([
      'update Instance egress-pair-a',
      'update Instance egress-pair-b',
    ]);
    const extra = { 'byoa:instanceType': 't3.small', 'byoa:daemonSha256': '1'.repeat(64) };
    const rolled = await run(world.simulator, 'up', extra);
    expect(changes(rolled.steps)).toEqual([
      'delete Instance egress-pair-a',
      'replace Instance egress-pair-a',
      'delete Instance egress-pair-b',
      'replace Instance egress-pair-b',
    ]);
    expect(
      (rolled.outputs.nodes as unknown as readonly Node[]).map((node) => node.networkInterfaceId),
    ).toEqual(nodes.map((node) => node.networkInterfaceId));
  });

  it('destroy leaves an empty account', async () => {
    await run(world.simulator, 'destroy');
    expect(await leftovers(world.ec2)).toEqual([]);
    const [roles, profiles] = await Promise.all([
      world.iam.send(new ListRolesCommand({})),
      world.iam.send(new ListInstanceProfilesCommand({})),
    ]);
    expect([roles.Roles, profiles.InstanceProfiles]).toEqual([[], []]);
  });
});

describe('all designs side by side', () => {
  const { open, run } = stackOf(library);
  let world: Awaited<ReturnType<typeof open>>;
  let configs: readonly Config[] = [];
  beforeAll(async () => {
    world = await open('off');
    const { outputs } = await run(world.simulator, 'up');
    configs = NAMES.flatMap((name) => {
      const output = outputs[name];
      const [node] = isObject(output) ? deployedOf(output).nodes : [];
      const parsed = parseConfig(node?.config ?? '', name);
      return parsed.ok ? [parsed.value] : [];
    });
  });
  afterAll(() => world.close());

  it('what failovers moved stays where it is through up, refresh, and up after the refresh', async () => {
    expect(configs).toHaveLength(NAMES.length);
    for (const config of configs) await failOver(world.ec2, config);
    const moved = placesOf(world.simulator);
    expect(changes((await run(world.simulator, 'up')).steps)).toEqual([]);
    const refreshed = await run(world.simulator, 'refresh');
    const seen = refreshed.steps.filter((step) => step.changed.length > 0);
    expect(seen.length).toBeGreaterThan(NAMES.length);
    expect(changes((await run(world.simulator, 'up')).steps)).toEqual([]);
    expect(placesOf(world.simulator)).toEqual(moved);
  });

  it('all of it goes with destroy', async () => {
    await run(world.simulator, 'destroy');
    expect(await leftovers(world.ec2)).toEqual([]);
  });
});

/** Where everything is that daemons may move. */
function placesOf(simulator: RunningSimulator) {
  const { routeTables, networkInterfaces } = simulator.state();
  return { routeTables, networkInterfaces };
}

it('a design stands in a VPC that exists, which stays when it goes', async () => {
  let isWanted = true;
  const { open, run } = stackOf(async () => {
    const vpc = new aws.ec2.Vpc('home', { cidrBlock: '10.0.0.0/16' });
    const gateway = new aws.ec2.InternetGateway('home', { vpcId: vpc.id });
    if (!isWanted) return {};
    const { vpcIds } = new FloatingAddress('edge', {
      vpcId: vpc.id,
      internetGatewayId: gateway.id,
      cidr: '10.0.64.0/18',
      zones: ['eu-central-1a'],
      ami: 'ami-0123456789abcdef0',
      instanceType: 't3.micro',
      daemonUrl: 'https://example.com/byoa',
      daemonSha256: '0'.repeat(64),
    });
    return { vpcIds };
  });
  const world = await open();
  const { outputs } = await run(world.simulator, 'up');
  const [vpc] = world.simulator.state().vpcs;
  expect(outputs.vpcIds).toEqual([vpc?.id]);
  expect(world.simulator.state().instances).toHaveLength(2);
  isWanted = false;
  const { steps } = await run(world.simulator, 'up');
  expect(steps.filter((step) => step.kind === 'delete').length).toBeGreaterThan(20);
  expect(world.simulator.state().vpcs.map((one) => one.id)).toEqual([vpc?.id]);
  await world.close();
});

it('the engine refuses to deploy without endpoints, so that it never reaches AWS', async () => {
  const options = {
    program,
    project: 'byoa',
    stack: 'test',
    stateFile: join(mkdtempSync(join(tmpdir(), 'byoa-')), 'state.json'),
    config: { 'aws:region': REGION },
  };
  await expect(
    deploy({
      operation: 'up',
      ...options,
      config: { ...options.config, 'byoa:daemonUrl': 'http://x', 'byoa:daemonSha256': '0'.repeat(64) },
    }),
  ).rejects.toThrow(/never into AWS/);
});
