/**
 * The aws command line, unmodified, against the simulator over HTTP. Not every action: see sdk.test.ts and
 * test/ec2.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSimulator } from '../../sim/index.ts';
import { answers, clientEnvironment, instantSimulator, type Ran, REGION, run } from './simulator.ts';

const have = answers('aws', ['--version']);

/** An unmodified aws command line; each call is a process of its own, so this is one story and not many. */
describe.skipIf(!have)('awscli (skipped: aws not found; install awscli)', () => {
  let simulator: RunningSimulator;
  const folder = mkdtempSync(join(tmpdir(), 'byoa-awscli-'));
  beforeAll(async () => {
    simulator = await instantSimulator();
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(folder, { recursive: true });
  });

  const aws = (...args: string[]): Promise<Ran> =>
    run('aws', args, { env: clientEnvironment(simulator.url, folder), cwd: folder });
  /** What `--query` picks, as text. */
  const text = async (query: string, ...args: string[]): Promise<string> => {
    const ran = await aws(...args, '--query', query, '--output', 'text');
    if (ran.code !== 0) throw new Error(`aws ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  /** The code of a call that EC2 refuses; awscli ends with 254 then, or with 255 in its version 1. */
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await aws(...args);
    const name = /An error occurred \(([^)]+)\)/.exec(stderr)?.[1];
    if (code !== 254 && code !== 255) throw new Error(`aws ${args.join(' ')} ended with ${code}: ${stderr}`);
    return name ?? stderr;
  };

  it('builds a VPC with two appliances, retargets a route, moves an ENI, reads error codes', async () => {
    const vpc = await text('Vpc.VpcId', 'ec2', 'create-vpc', '--cidr-block', '10.0.0.0/16');
    const subnet = async (cidr: string): Promise<string> =>
      text(
        'Subnet.SubnetId',
        ...['ec2', 'create-subnet', '--vpc-id', vpc, '--cidr-block', cidr],
        ...['--availability-zone', `${REGION}a`],
      );
    const [one, two] = await Promise.all([subnet('10.0.1.0/24'), subnet('10.0.2.0/24')]);
    const eni = (on: string): Promise<string> =>
      text('NetworkInterface.NetworkInterfaceId', 'ec2', 'create-network-interface', '--subnet-id', on);
    const [a, b, service] = await Promise.all([eni(one), eni(one), eni(two)]);
    await aws(
      'ec2',
      'modify-network-interface-attribute',
      '--network-interface-id',
      a,
      '--no-source-dest-check',
    );
    expect(
      await text(
        'NetworkInterfaces[0].SourceDestCheck',
        ...['ec2', 'describe-network-interfaces', '--network-interface-ids', a],
      ),
    ).toBe('False');
    const launch = (primary: string): Promise<string> =>
      text(
        'Instances[0].InstanceId',
        ...['ec2', 'run-instances', '--image-id', 'ami-0123456789abcdef0', '--instance-type', 't3.micro'],
        ...['--network-interfaces', `DeviceIndex=0,NetworkInterfaceId=${primary}`],
        ...['--user-data', '#!/bin/sh'],
      );
    const [x, y] = await Promise.all([launch(a), launch(b)]);
    await aws('ec2', 'wait', 'instance-running', '--instance-ids', x, y);

    const table = await text('RouteTable.RouteTableId', 'ec2', 'create-route-table', '--vpc-id', vpc);
    const route = [
      '--route-table-id',
      table,
      '--destination-cidr-block',
      '0.0.0.0/0',
      '--network-interface-id',
    ];
    expect(await refused('ec2', 'replace-route', ...route, b)).toBe('InvalidParameterValue');
    expect(await text('Return', 'ec2', 'create-route', ...route, a)).toBe('True');
    expect((await aws('ec2', 'replace-route', ...route, b)).code).toBe(0);
    const target =
      "RouteTables[0].Routes[?DestinationCidrBlock=='0.0.0.0/0'].[NetworkInterfaceId,State,InstanceId]";
    const shown = await text(target, 'ec2', 'describe-route-tables', '--route-table-ids', table);
    expect(shown.split('\t')).toEqual([b, 'active', y]);

    const attach = (instance: string): Promise<string> =>
      text(
        'AttachmentId',
        ...['ec2', 'attach-network-interface', '--network-interface-id', service],
        ...['--instance-id', instance, '--device-index', '1'],
      );
    const attachment = await attach(x);
    expect(
      await refused(
        ...['ec2', 'attach-network-interface', '--network-interface-id', service],
        ...['--instance-id', y, '--device-index', '1'],
      ),
    ).toMatch(/^(InvalidNetworkInterface.InUse|InvalidParameterValue)$/);
    expect((await aws('ec2', 'detach-network-interface', '--attachment-id', attachment)).code).toBe(0);
    await attach(y);
    expect(
      await text(
        'NetworkInterfaces[0].Attachment.[InstanceId,DeviceIndex,Status]',
        ...['ec2', 'describe-network-interfaces', '--network-interface-ids', service],
      ),
    ).toBe(`${y}\t1\tattached`);
    expect(await refused('ec2', 'delete-vpc', '--vpc-id', vpc)).toBe('DependencyViolation');
    expect(await refused('ec2', 'create-vpc', '--cidr-block', '10.0.0.0/16', '--dry-run')).toBe(
      'DryRunOperation',
    );
  }, 180_000);

  it('speaks the query protocol of STS and IAM', async () => {
    expect(await text('Account', 'sts', 'get-caller-identity')).toBe('123456789012');
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    });
    await aws('iam', 'create-role', '--role-name', 'node', '--assume-role-policy-document', trust);
    const service = 'Role.AssumeRolePolicyDocument.Statement[0].Principal.Service';
    expect(await text(service, 'iam', 'get-role', '--role-name', 'node')).toBe('ec2.amazonaws.com');
    expect(await refused('iam', 'get-role', '--role-name', 'absent')).toBe('NoSuchEntity');
  }, 60_000);
});
