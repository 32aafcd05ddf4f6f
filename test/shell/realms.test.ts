/** Calls in other accounts' names and in other regions, against the simulator's EC2, STS and IAM. */
import { CreateRouteTableCommand, CreateVpcCommand, EC2Client } from '@aws-sdk/client-ec2';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { formatConfigError, type InRealm, parseConfig } from '../../controller/config.ts';
import { type Budget, bucketOf, take, tokens } from '../../controller/ec2/budget.ts';
import type { Call, Outcome } from '../../controller/ec2/call.ts';
import { type Aws, createAws, fixedCredentials } from '../../controller/shell/aws.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { ACCOUNT, configOf, deployPair, type Pair, REGION } from './pair.ts';

const ELSEWHERE = 'eu-west-1';
const role = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;

let simulator: RunningSimulator;
let pair: Pair;
let aws: Aws;
let far: string;
const told: string[] = [];
const network = createHostNetwork();

beforeAll(async () => {
  simulator = await startSimulator();
  pair = await deployPair(simulator);
  const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
  const iam = new IAMClient({ region: REGION, endpoint: simulator.url, credentials });
  const AssumeRolePolicyDocument = JSON.stringify({
    Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: ACCOUNT } },
  });
  for (const [RoleName, Action] of [
    ['reads', 'ec2:DescribeRouteTables'],
    ['writes', 'ec2:*Route*'],
  ] as const) {
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
    const PolicyDocument = JSON.stringify({ Statement: { Effect: 'Allow', Action, Resource: '*' } });
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'it', PolicyDocument }));
  }
  iam.destroy();
  const there = new EC2Client({ region: ELSEWHERE, endpoint: simulator.url, credentials });
  const vpc = await there.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
  const table = await there.send(new CreateRouteTableCommand({ VpcId: present(vpc.Vpc?.VpcId, 'a VPC') }));
  far = present(table.RouteTable?.RouteTableId, 'a table');
  there.destroy();
  aws = await createAws({
    node: 'a',
    aws: {
      region: REGION,
      endpoint: simulator.url,
      attemptTimeoutMs: 2000,
      timeoutMs: 10_000,
      addresses: {},
    },
    realms: [{ role: role('reads') }, { role: role('writes') }, { region: ELSEWHERE }],
    network,
    credentials: fixedCredentials(ACCOUNT, 'simulated'),
    onFailure: (sentence) => told.push(sentence),
    warm: 1,
  });
}, 60_000);

afterAll(async () => {
  aws.close();
  network.close();
  pair.ec2.destroy();
  await simulator.close();
});

const outcomeOf = (call: Call): Promise<Outcome> => new Promise((done) => aws.call(call, done));
const replace = (name: string): Call => ({
  kind: 'replace-route',
  table: pair.table,
  destination: '0.0.0.0/0',
  eni: pair.b.eni,
  at: { role: role(name) },
});
const tablesIn = async (call: InRealm, id: string): Promise<number> => {
  const outcome = await outcomeOf({
    kind: 'describe-route-tables',
    select: { kind: 'ids', ids: [id] },
    ...call,
  });
  if (outcome.kind !== 'ok' || outcome.value.kind !== 'route-tables') throw new Error('no tables');
  return outcome.value.tables.length;
};

it('writes by the role that a table names, and may what that role may', async () => {
  expect(await outcomeOf(replace('reads'))).toMatchObject({
    kind: 'rejected',
    code: 'UnauthorizedOperation',
  });
  expect(await outcomeOf(replace('writes'))).toEqual({ kind: 'ok', value: { kind: 'done' } });
}, 30_000);

it('sees the tables of another region there, and only there', async () => {
  expect(await tablesIn({}, far)).toBe(0);
  expect(await tablesIn({ at: { region: ELSEWHERE } }, far)).toBe(1);
}, 30_000);

it('is degraded when a role cannot be assumed, and not any more when no table names it', async () => {
  aws.prepare([{ role: role('gone') }]);
  await expect.poll(() => told.join('\n'), { timeout: 20_000 }).toContain(`credentials of ${role('gone')}`);
  expect(aws.problems().join('\n')).toContain(role('gone'));
  aws.prepare([]);
  expect(aws.problems()).toEqual([]);
}, 30_000);

it('counts calls by account and region, whichever role makes them', () => {
  const here: Call = { kind: 'replace-route', table: 'rtb-1', destination: '10.0.0.0/8', eni: 'eni-1' };
  const [one, two] = ['reads', 'writes'].map((name) => bucketOf({ ...here, at: { role: role(name) } }));
  expect(one).toBe(two);
  const far = bucketOf({ ...here, at: { region: ELSEWHERE } });
  const taken = take({}, far, 0);
  const budget: Budget = taken.granted ? taken.budget : {};
  expect([far, bucketOf(here), one ?? far].map((name) => tokens(budget, name, 0))).toEqual([49, 50, 50]);
});

it('refuses a table in a region that its members are not in, and members apart', () => {
  const config = configOf(pair, 'b', '/tmp');
  const problems = (change: object): string => {
    const parsed = parseConfig(JSON.stringify({ ...config, ...change }), 'byoa.yaml');
    return parsed.ok ? '' : parsed.error.map(formatConfigError).join('\n');
  };
  const [group] = config.groups ?? [];
  const routes = (group?.routes ?? []).map((set) => ({ ...set, region: ELSEWHERE }));
  expect(problems({ groups: [{ ...group, routes }] })).toContain('remove `region`');
  const [a, ...others] = config.appliances ?? [];
  expect(problems({ appliances: [{ ...a, region: ELSEWHERE }, ...others] })).toContain(
    'name the same role and region at both',
  );
  expect(problems({ appliances: [{ ...a, role: 'routes' }, ...others] })).toContain(
    'a role looks like arn:aws:iam::123456789012:role/NAME',
  );
});
