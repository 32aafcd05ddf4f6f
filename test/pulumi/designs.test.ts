/**
 * Both designs, deployed into the simulator over HTTP by the SDK's own clients, through a failover and back
 * to nothing.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AttachNetworkInterfaceCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
  DetachNetworkInterfaceCommand,
  EC2Client,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { type DeployResult, deploy, type Operation, type Step } from '../../sim/pulumi/deploy.ts';
import { simulatorConfig } from '../../sim/pulumi/simulator.ts';

// Each operation starts a process of its own, which takes seconds where other tests run beside it.
vi.setConfig({ testTimeout: 180_000 });

const PROGRAM = new URL('../../infra/index.ts', import.meta.url).pathname;
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

/** One design in one simulator. */
function stackOf(design: string) {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-design-'));
  const open = async () => {
    const simulator = await startSimulator({ profile: 'instant' });
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
    const shared = { endpoint: simulator.url, region: REGION, credentials };
    return { simulator, ec2: new EC2Client(shared), iam: new IAMClient(shared) };
  };
  const run = (
    simulator: RunningSimulator,
    operation: Operation,
    extra: Record<string, string> = {},
  ): Promise<DeployResult> =>
    deploy({
      operation,
      programDir: PROGRAM,
      project: 'byoa',
      stack: 'test',
      stateFile: join(directory, 'state.json'),
      config: {
        ...simulatorConfig(simulator.url, { region: REGION, account: ACCOUNT }),
        'byoa:design': design,
        'byoa:daemonUrl': 'https://example.com/byoa',
        'byoa:daemonSha256': '0'.repeat(64),
        'byoa:workload': 'true',
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
  const { open, run } = stackOf('egress-pair');
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
  afterAll(async () => {
    world.ec2.destroy();
    world.iam.destroy();
    await world.simulator.close();
  });

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

  it('a second up changes nothing', async () => {
    expect(changes((await run(world.simulator, 'up')).steps)).toEqual([]);
  });

  it('a failover survives up, refresh, and up after the refresh', async () => {
    const standby = nodes[1]?.networkInterfaceId;
    for (const RouteTableId of tables) {
      const DestinationCidrBlock = '0.0.0.0/0';
      await world.ec2.send(
        new ReplaceRouteCommand({ RouteTableId, DestinationCidrBlock, NetworkInterfaceId: standby }),
      );
    }
    expect(changes((await run(world.simulator, 'up')).steps)).toEqual([]);
    const refreshed = await run(world.simulator, 'refresh');
    const moved = refreshed.steps
      .filter((step) => step.changed.length > 0)
      .map((step) => `${step.name} ${step.changed}`);
    expect(moved.sort()).toEqual([
      'egress-pair-workload-eu-central-1a-0.0.0.0/0 networkInterfaceId',
      'egress-pair-workload-eu-central-1b-0.0.0.0/0 networkInterfaceId',
    ]);
    expect(changes((await run(world.simulator, 'up')).steps)).toEqual([]);
    expect(await defaultTargets()).toEqual([standby, standby]);
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

describe('floating-eni in the simulator', () => {
  const { open, run } = stackOf('floating-eni');
  let world: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(async () => {
    world.ec2.destroy();
    world.iam.destroy();
    await world.simulator.close();
  });

  it('an ENI that the daemons move stays where it is through refresh and up, and goes with destroy', async () => {
    const { outputs } = await run(world.simulator, 'up');
    const [a, b] = outputs.nodes as unknown as readonly Node[];
    const NetworkInterfaceId = String((outputs.ids as Readonly<Record<string, string>>)['floating floating']);
    const attach = (node: Node | undefined) =>
      world.ec2.send(
        new AttachNetworkInterfaceCommand({
          NetworkInterfaceId,
          InstanceId: node?.instanceId,
          DeviceIndex: 1,
        }),
      );
    const first = await attach(a);
    await world.ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId: first.AttachmentId }));
    await expect
      .poll(
        () =>
          attach(b).then(
            () => 'attached',
            () => 'busy',
          ),
        { timeout: 10_000 },
      )
      .toBe('attached');
    const holder = async () => {
      const command = new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [NetworkInterfaceId] });
      return (await world.ec2.send(command)).NetworkInterfaces?.[0]?.Attachment?.InstanceId;
    };
    await run(world.simulator, 'refresh');
    expect(changes((await run(world.simulator, 'up')).steps)).toEqual([]);
    expect(await holder()).toBe(b?.instanceId);
    await run(world.simulator, 'destroy');
    expect(await leftovers(world.ec2)).toEqual([]);
  });
});

it('the engine refuses to deploy without endpoints, so that it never reaches AWS', async () => {
  const options = {
    programDir: PROGRAM,
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
