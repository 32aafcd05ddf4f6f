/** `byoa check --aws` on what a group moves beside routes and ENIs: each finding right, and wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AllocateAddressCommand,
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  CreateTransitGatewayCommand,
  CreateTransitGatewayRouteCommand,
  CreateTransitGatewayRouteTableCommand,
  CreateTransitGatewayVpcAttachmentCommand,
  DeleteTransitGatewayRouteCommand,
  DescribeNetworkInterfacesCommand,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { byoa } from './daemon-process.ts';
import { ACCOUNT, configOf, deployPair, type Pair } from './pair.ts';

const ADDRESS = '10.0.0.100';

let simulator: RunningSimulator;
let pair: Pair;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
  simulator = await startSimulator();
  pair = await deployPair(simulator);
});

afterEach(async () => {
  pair.ec2.destroy();
  await simulator.close();
  rmSync(directory, { recursive: true });
});

type Group = NonNullable<ConfigInput['groups']>[number];

/** What the command says of the group, and what it tries dry. */
async function check(
  owns: Partial<Group>,
  attachment = '',
): Promise<readonly { readonly ok: boolean; readonly what: string; readonly remedy?: string }[]> {
  const config = configOf(pair, 'b', directory);
  const appliances = (config.appliances ?? []).map((one) =>
    attachment === ''
      ? one
      : { ...one, attachment: one.name === 'a' ? attachment : 'tgw-attach-0123456789abcdef0' },
  );
  const file = join(directory, 'config.yaml');
  const groups = [{ name: 'g', members: ['a', 'b'], ...owns }];
  const aws = { ...config.aws, endpoint: simulator.url };
  writeFileSync(file, formatConfig({ ...config, aws, appliances, groups }));
  const credentials = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'simulated' };
  const { stdout } = await byoa(['check', '--config', file, '--aws', '--json'], credentials);
  const lines: Awaited<ReturnType<typeof check>> = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return lines.filter(({ what }) => what.startsWith('g: ') || what.startsWith('ec2:'));
}

it('finds an address with a member, with nobody, and with somebody else, and moves it never', async () => {
  const { ec2, a, workload } = pair;
  const give = (NetworkInterfaceId: string) =>
    ec2.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: [ADDRESS] }));
  expect(await check({ addresses: [ADDRESS] })).toContainEqual({
    ok: false,
    what: `g: no ENI has the address ${ADDRESS}`,
    remedy: 'assign it once to the preferred member; the daemon then moves it',
  });
  await give(a.eni);
  expect(await check({ addresses: [ADDRESS] })).toEqual([
    { ok: true, what: `g: ${ADDRESS} is an address of a` },
    {
      ok: true,
      what: `ec2:AssignPrivateIpAddresses on ${pair.b.eni} is not tried, for EC2 has no dry run of it`,
    },
  ]);
  await ec2.send(
    new UnassignPrivateIpAddressesCommand({ NetworkInterfaceId: a.eni, PrivateIpAddresses: [ADDRESS] }),
  );
  const inner = '10.0.10.100';
  await ec2.send(
    new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: workload.eni, PrivateIpAddresses: [inner] }),
  );
  expect(await check({ addresses: [inner] })).toContainEqual(
    expect.objectContaining({ ok: false, what: `g: ${inner} is an address of ${workload.eni}, no member` }),
  );
}, 60_000);

it('finds an Elastic IP with a member, with nobody, at another address, and not at all', async () => {
  const { ec2, a } = pair;
  const allocation = present((await ec2.send(new AllocateAddressCommand({}))).AllocationId, 'an allocation');
  const eips = [{ allocation }];
  expect(await check({ eips })).toContainEqual(
    expect.objectContaining({ ok: false, what: `g: ${allocation} leads to nothing, no appliance` }),
  );
  await ec2.send(
    new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: a.eni, PrivateIpAddresses: [ADDRESS] }),
  );
  await ec2.send(
    new AssociateAddressCommand({
      AllocationId: allocation,
      NetworkInterfaceId: a.eni,
      PrivateIpAddress: ADDRESS,
    }),
  );
  expect(await check({ eips, addresses: [ADDRESS] })).toContainEqual({
    ok: true,
    what: `g: ${allocation} leads to a`,
  });
  const other = '10.0.0.101';
  expect(await check({ eips: [{ allocation, address: other }], addresses: [other] })).toContainEqual(
    expect.objectContaining({
      ok: false,
      what: `g: ${allocation} leads to ${ADDRESS} of a, not to ${other}`,
    }),
  );
  const missing = 'eipalloc-0123456789abcdef0';
  expect(await check({ eips: [{ allocation: missing }] })).toContainEqual(
    expect.objectContaining({ ok: false, what: `g: ${missing} does not exist` }),
  );
}, 60_000);

it('finds a transit gateway route to a member, to none, and none at all', async () => {
  const { ec2, a } = pair;
  const seen = await ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [a.eni] }));
  const { VpcId, SubnetId = '' } = present(seen.NetworkInterfaces?.[0], 'an ENI');
  const { TransitGateway } = await ec2.send(new CreateTransitGatewayCommand({}));
  const TransitGatewayId = TransitGateway?.TransitGatewayId;
  const made = await ec2.send(
    new CreateTransitGatewayVpcAttachmentCommand({ TransitGatewayId, VpcId, SubnetIds: [SubnetId] }),
  );
  const attachment = present(made.TransitGatewayVpcAttachment?.TransitGatewayAttachmentId, 'an attachment');
  const { TransitGatewayRouteTable } = await ec2.send(
    new CreateTransitGatewayRouteTableCommand({ TransitGatewayId }),
  );
  const table = present(TransitGatewayRouteTable?.TransitGatewayRouteTableId, 'a table');
  const route = { TransitGatewayRouteTableId: table, DestinationCidrBlock: '0.0.0.0/0' };
  const transitRoutes = [{ table, destinations: ['0.0.0.0/0'] }];
  const where = `g: 0.0.0.0/0 in ${table}`;
  expect(await check({ transitRoutes }, attachment)).toContainEqual(
    expect.objectContaining({ ok: false, what: `${where} does not exist as a static route` }),
  );
  await ec2.send(new CreateTransitGatewayRouteCommand({ ...route, TransitGatewayAttachmentId: attachment }));
  expect(await check({ transitRoutes }, attachment)).toContainEqual({
    ok: true,
    what: `${where} leads to a`,
  });
  await ec2.send(new DeleteTransitGatewayRouteCommand(route));
  await ec2.send(new CreateTransitGatewayRouteCommand({ ...route, Blackhole: true }));
  expect(await check({ transitRoutes }, attachment)).toContainEqual(
    expect.objectContaining({ ok: false, what: `${where} leads to a blackhole, no appliance` }),
  );
}, 60_000);
