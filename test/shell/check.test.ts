/** `byoa check` against the simulator: what holds, what does not, and the remedy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AssociateRouteTableCommand,
  DeleteRouteCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { byoa } from './daemon-process.ts';
import { ACCOUNT, configOf, deployPair, type Pair } from './pair.ts';

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

interface Line {
  readonly ok: boolean;
  readonly what: string;
  readonly remedy?: string;
}

async function check(
  change: Partial<ConfigInput> = {},
): Promise<{ code: number | null; lines: readonly Line[] }> {
  const file = join(directory, 'config.yaml');
  const config = configOf(pair, 'b', directory);
  writeFileSync(
    file,
    formatConfig({ ...config, aws: { ...config.aws, endpoint: simulator.url }, ...change }),
  );
  const credentials = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'simulated' };
  const { code, stdout } = await byoa(['check', '--config', file, '--aws', '--json'], credentials);
  return {
    code,
    lines: stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

const failures = (lines: readonly Line[]): readonly Line[] => lines.filter(({ ok }) => !ok);

describe('byoa check --aws', () => {
  it('finds a deployed pair in order, and names what it saw', async () => {
    const { code, lines } = await check();
    expect(failures(lines)).toEqual([]);
    expect(code).toBe(0);
    const all = lines.map(({ what }) => what).join('\n');
    expect(all).toContain(`arn:aws:iam::${ACCOUNT}:`);
    expect(all).toContain(`egress: 0.0.0.0/0 in ${pair.table} points at a`);
    expect(all).toContain(`ec2:ReplaceRoute on ${pair.table} is allowed`);
    expect(all).toContain(`its way to the EC2 API (${pair.edge}) is not one that byoa moves`);
  }, 30_000);

  it('finds a source/dest check that is on, and a route that is missing', async () => {
    const checked = { NetworkInterfaceId: pair.a.eni, SourceDestCheck: { Value: true } };
    await pair.ec2.send(new ModifyNetworkInterfaceAttributeCommand(checked));
    const route = { RouteTableId: pair.table, DestinationCidrBlock: '0.0.0.0/0' };
    await pair.ec2.send(new DeleteRouteCommand(route));
    const { code, lines } = await check();
    expect(code).toBe(1);
    const [first, second] = failures(lines);
    expect(first?.what).toContain('source/dest check');
    expect(first?.remedy).toContain('--no-source-dest-check');
    expect(second?.what).toContain('does not exist');
  }, 30_000);

  it('finds a node whose own way to EC2 is moved', async () => {
    const { NetworkInterfaces } = await pair.ec2.send(
      new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [pair.b.eni] }),
    );
    const SubnetId = NetworkInterfaces?.[0]?.SubnetId;
    const { RouteTables } = await pair.ec2.send(
      new DescribeRouteTablesCommand({ RouteTableIds: [pair.edge] }),
    );
    const AssociationId = RouteTables?.[0]?.Associations?.find(
      (one) => one.SubnetId === SubnetId,
    )?.RouteTableAssociationId;
    await pair.ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
    await pair.ec2.send(new AssociateRouteTableCommand({ RouteTableId: pair.table, SubnetId }));
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(failures(lines).map(({ what }) => what)).toContainEqual(
      expect.stringContaining('which byoa moves'),
    );
  }, 30_000);

  it('says what is wrong with the file itself, with its line', async () => {
    const file = join(directory, 'bad.yaml');
    writeFileSync(file, 'version: 1\nnode: A!\n');
    const { code, stdout } = await byoa(['check', '--config', file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}.*bad\.yaml:2/m);
  });
});
