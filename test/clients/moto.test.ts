/**
 * The daemon against moto, which knows nothing of our simulator: an observer moves a route between two local
 * listeners.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { byoa, type DaemonProcess, startByoa } from '../shell/daemon-process.ts';
import { titleOf } from '../title.ts';
import { type Moto, startMoto, whyNoMoto } from './moto-server.ts';
import { REGION } from './simulator.ts';

const ENVIRONMENT = { AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' };
const ANYWHERE = '0.0.0.0/0';

const listen = (server: Server, host = '127.0.0.1'): Promise<number> =>
  new Promise((resolve) => server.listen(0, host, () => resolve((server.address() as AddressInfo).port)));
const close = (server: Server): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));

describe.skipIf(whyNoMoto !== undefined)(titleOf('the daemon and moto', whyNoMoto), () => {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-moto-'));
  const file = join(directory, 'observer.yaml');
  const appliances = [createServer(), createServer()] as const;
  let moto: Moto;
  let enis: readonly string[];
  let table: string;
  let daemon: DaemonProcess | undefined;

  const target = async (): Promise<string | undefined> => {
    const { RouteTables } = await moto.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table] }));
    return RouteTables?.[0]?.Routes?.find((one) => one.DestinationCidrBlock === ANYWHERE)?.NetworkInterfaceId;
  };

  beforeAll(async () => {
    moto = await startMoto();
    ({ enis, table } = await site(moto.ec2));
    const ports = [await listen(appliances[0]), await listen(appliances[1], '127.0.0.2')] as const;
    writeFileSync(file, formatConfig(configuration(ports)));
  });
  afterAll(async () => {
    daemon?.child.kill('SIGKILL');
    await daemon?.ended;
    for (const server of appliances) if (server.listening) await close(server);
    await moto.close();
    rmSync(directory, { recursive: true });
  });

  const configuration = (ports: readonly [number, number]): ConfigInput => ({
    version: 1,
    node: 'observer',
    aws: { region: REGION, endpoint: moto.endpoint, attemptTimeout: '2s' },
    appliances: ports.map((port, index) => ({
      name: index === 0 ? 'a' : 'b',
      address: index === 0 ? '127.0.0.1' : '127.0.0.2',
      eni: enis[index] ?? '',
      probes: [{ kind: 'tcp', port, interval: '300ms', timeout: '280ms' }],
    })),
    groups: [{ name: 'egress', members: ['a', 'b'], routes: [{ table, destinations: [ANYWHERE] }] }],
    observe: { interval: '500ms', staleAfter: '5s' },
    journal: { directory: join(directory, 'journal') },
    control: { socket: join(directory, 'observer.sock') },
  });

  it('checks what the configuration names, says what moto does not do, and changes nothing', async () => {
    const { code, stdout, stderr } = await byoa(['check', '--config', file, '--aws'], ENVIRONMENT);
    // The appliances' addresses are not their ENIs', and moto knows no dry run of ReplaceRoute.
    expect(code, `${stdout}\n${stderr}`).toBe(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toContain(`ok    egress: ${ANYWHERE} in ${table} points at a`);
    expect(stdout).toMatch(/ok {4}b: the source\/dest check of eni-\w+ is off/);
    expect(stdout).toContain(`ec2:ReplaceRoute on ${table}: the dry run answered no refusal`);
    expect(await target()).toBe(enis[0]);
  });

  it('moves the route to the second ENI when the first appliance stops to listen', async () => {
    daemon = startByoa(['run', '--config', file], ENVIRONMENT);
    for (const name of ['a', 'b'])
      await daemon.logged(
        ({ topic, msg }) => topic === 'verdict' && msg.startsWith(`${name} is healthy`),
        `${name} is healthy`,
      );
    await daemon.logged(({ topic, msg }) => topic === 'owned' && msg.includes('a owns'), 'a owns it');
    expect(await target()).toBe(enis[0]);
    await close(appliances[0]);
    await daemon.logged(({ topic, msg }) => topic === 'moved' && msg.includes('from a to b'), 'moved');
    expect(await target()).toBe(enis[1]);
  });
});

/** A VPC with two instances and a route to the first. */
async function site(ec2: EC2Client): Promise<{ enis: readonly string[]; table: string }> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: '10.0.0.0/24', AvailabilityZone: `${REGION}a` }),
  );
  const { Images } = await ec2.send(new DescribeImagesCommand({}));
  const image = present(Images?.[0]?.ImageId, 'an image');
  const enis: string[] = [];
  for (const _ of ['a', 'b']) {
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        ImageId: image,
        InstanceType: 't3.micro',
        MinCount: 1,
        MaxCount: 1,
        SubnetId: Subnet?.SubnetId,
      }),
    );
    const eni = present(Instances?.[0]?.NetworkInterfaces?.[0]?.NetworkInterfaceId, 'an ENI');
    await ec2.send(
      new ModifyNetworkInterfaceAttributeCommand({
        NetworkInterfaceId: eni,
        SourceDestCheck: { Value: false },
      }),
    );
    enis.push(eni);
  }
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId: Vpc?.VpcId }));
  const table = present(RouteTable?.RouteTableId, 'a route table');
  await ec2.send(
    new CreateRouteCommand({
      RouteTableId: table,
      DestinationCidrBlock: ANYWHERE,
      NetworkInterfaceId: enis[0],
    }),
  );
  return { enis, table };
}
