/** `byoa check` against the simulator: what holds, what does not, and the remedy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  AssociateRouteTableCommand,
  CreateNetworkInterfaceCommand,
  CreateRouteCommand,
  CreateSubnetCommand,
  CreateTagsCommand,
  DeleteRouteCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { byoa } from './daemon-process.ts';
import { ACCOUNT, configOf, deployPair, type Pair } from './pair.ts';

let simulator: RunningSimulator;
let pair: Pair;
let directory: string;
const servers: Server[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
  simulator = await startSimulator();
  pair = await deployPair(simulator);
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
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
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; lines: readonly Line[] }> {
  const file = join(directory, 'config.yaml');
  const config = configOf(pair, 'b', directory);
  writeFileSync(
    file,
    formatConfig({ ...config, aws: { ...config.aws, endpoint: simulator.url }, ...change }),
  );
  const own = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'simulated' };
  const credentials = { ...own, ...environment };
  const { code, stdout } = await byoa(['check', '--config', file, '--aws', '--json'], credentials);
  return {
    code,
    lines: stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

/** A server that answers some requests itself, and passes all others on to the simulator. Its URL. */
async function between(
  own: (body: string) => { readonly status: number; readonly text: string } | undefined,
): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const mine = own(body);
    if (mine !== undefined) {
      response.writeHead(mine.status).end(mine.text);
      return;
    }
    const headers = {
      authorization: request.headers.authorization ?? '',
      'content-type': request.headers['content-type'] ?? '',
    };
    const answer = await fetch(simulator.url, { method: 'POST', headers, body });
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * The simulator, save that the VPC has an interface endpoint for EC2 with this ENI. The answer is its URL.
 */
function withEndpoint(eni: string): Promise<string> {
  const item = `<state>available</state><networkInterfaceIdSet><item>${eni}</item></networkInterfaceIdSet>`;
  const list = `<vpcEndpointSet><item>${item}</item></vpcEndpointSet>`;
  const text = `<DescribeVpcEndpointsResponse>${list}</DescribeVpcEndpointsResponse>`;
  return between((body) =>
    body.includes('Action=DescribeVpcEndpoints') ? { status: 200, text } : undefined,
  );
}

/** The simulator, save that the role of the node may not do this. The answer is its URL. */
const forbidding = (action: string): Promise<string> =>
  between((body) =>
    body.includes(`Action=${action}&`)
      ? refusal('UnauthorizedOperation', 'You are not authorized.')
      : undefined,
  );

const refusal = (code: string, message: string): { status: number; text: string } => ({
  status: 403,
  text: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors></Response>`,
});

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

  it('asks as the role of the node, and names what its policy lacks', async () => {
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
    const iam = new IAMClient({ endpoint: simulator.url, region: 'eu-central-1', credentials });
    const [RoleName, PolicyName] = ['daemon', 'own'];
    const trust = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const AssumeRolePolicyDocument = JSON.stringify({ Statement: trust });
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
    const Action = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeRouteTables', 'ec2:DescribeSubnets'];
    const allow = { Effect: 'Allow', Action: [...Action, 'ec2:CreateRoute'], Resource: '*' };
    const PolicyDocument = JSON.stringify({ Statement: allow });
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    iam.destroy();
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/daemon/node-b`;
    const { code, lines } = await check({}, { AWS_SESSION_TOKEN: session });
    expect(code).toBe(1);
    expect(failures(lines).map(({ what }) => what)).toEqual([
      `ec2:ReplaceRoute on ${pair.table} is not allowed`,
    ]);
    const all = lines.map(({ what }) => what).join('\n');
    expect(all).toContain(`identity ${session}`);
    expect(all).toContain('instance types and placement are not checked');
  }, 30_000);

  it('finds what breaks the rules of designs', async () => {
    const route = { RouteTableId: pair.table, DestinationCidrBlock: '192.0.2.0/24' };
    await pair.ec2.send(new CreateRouteCommand({ ...route, NetworkInterfaceId: pair.a.eni }));
    const SubnetId = await subnetElsewhere();
    await pair.ec2.send(new AssociateRouteTableCommand({ RouteTableId: pair.table, SubnetId }));
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(failures(lines).map(({ what }) => what)).toEqual([
      `192.0.2.0/24 in ${pair.table} leads to a and has no standby: no group moves it`,
      'egress: all members (a, b) are in eu-central-1a, and subnets in eu-central-1b depend on them',
    ]);
  }, 30_000);

  it('finds a node whose own way to EC2 is moved', async () => {
    await leadOwnWayThroughGroup();
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(failures(lines).map(({ what }) => what)).toContainEqual(
      expect.stringContaining('which byoa moves'),
    );
  }, 30_000);

  it('counts an interface endpoint in the zone of the node, and in no other', async () => {
    await leadOwnWayThroughGroup();
    for (const [eni, code] of [
      [pair.b.eni, 0],
      [await eniElsewhere(), 1],
    ] as const) {
      const endpoint = await withEndpoint(eni);
      const checked = await check({ aws: { region: 'eu-central-1', endpoint } });
      expect(checked.code).toBe(code);
      const said = checked.lines.map(({ what }) => what).join('\n');
      expect(said).toMatch(code === 0 ? /b: reaches EC2 by an interface endpoint/ : /b: .*which byoa moves/);
    }
  }, 30_000);

  /** A subnet of the VPC in another zone than the pair. */
  async function subnetElsewhere(): Promise<string> {
    const own = { NetworkInterfaceIds: [pair.b.eni] };
    const { NetworkInterfaces } = await pair.ec2.send(new DescribeNetworkInterfacesCommand(own));
    const { VpcId, AvailabilityZone: zone } = NetworkInterfaces?.[0] ?? {};
    const AvailabilityZone = zone === 'eu-central-1a' ? 'eu-central-1b' : 'eu-central-1a';
    const subnet = { VpcId, AvailabilityZone, CidrBlock: '10.0.200.0/24' };
    return (await pair.ec2.send(new CreateSubnetCommand(subnet))).Subnet?.SubnetId ?? '';
  }

  async function eniElsewhere(): Promise<string> {
    const input = { SubnetId: await subnetElsewhere() };
    const made = await pair.ec2.send(new CreateNetworkInterfaceCommand(input));
    return made.NetworkInterface?.NetworkInterfaceId ?? '';
  }

  async function leadOwnWayThroughGroup(): Promise<void> {
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
  }

  describe('with routeSync', () => {
    const routeSync = (): Partial<ConfigInput> => ({
      bgp: {
        as: 65_000,
        routerId: '10.0.0.1',
        listen: ['127.0.0.1:0'],
        neighbors: [{ name: 'up', address: '10.0.0.99', as: 65_001, passive: true }],
      },
      routeSync: [
        { tables: [{ table: pair.edge }], prefixes: [{ prefix: '198.51.100.0/24' }] },
        { tables: [{ tag: { key: 'sync', value: 'yes' } }], prefixes: [{ prefix: '203.0.113.0/24' }] },
      ],
    });

    it('tries its three writes on each table, and misses tables that nothing is tagged as', async () => {
      const { code, lines } = await check(routeSync());
      expect(code).toBe(1);
      const good = lines.filter(({ ok }) => ok).map(({ what }) => what);
      expect(good).toContain(`routeSync: ${pair.edge} exists`);
      for (const action of ['CreateRoute', 'ReplaceRoute', 'DeleteRoute'])
        expect(good).toContain(`ec2:${action} on ${pair.edge} is allowed`);
      expect(failures(lines)).toEqual([
        {
          ok: false,
          what: 'routeSync: no route table for tag sync=yes',
          remedy: 'correct `tables`, or tag the tables',
        },
      ]);
    }, 30_000);

    it('names the permission that the role lacks, and on which table', async () => {
      await pair.ec2.send(
        new CreateTagsCommand({ Resources: [pair.edge], Tags: [{ Key: 'sync', Value: 'yes' }] }),
      );
      const endpoint = await forbidding('DeleteRoute');
      const { code, lines } = await check({ ...routeSync(), aws: { region: 'eu-central-1', endpoint } });
      expect(code).toBe(1);
      const said = new Set(failures(lines).map(({ what, remedy }) => `${what}: ${remedy}`));
      expect([...said]).toEqual([
        `ec2:DeleteRoute on ${pair.edge} is not allowed: allow ec2:DeleteRoute on ${pair.edge} in the role of this node`,
      ]);
    }, 30_000);
  });

  describe('with leases and fences', () => {
    /** The groups of the pair with more, and leases in a table of the simulator. */
    const more = (group: object): Partial<ConfigInput> => ({
      lease: { kind: 'dynamodb', table: 'leases', endpoint: simulator.url },
      groups: (configOf(pair, 'b', directory).groups ?? []).map((one) => ({ ...one, ...group })),
    });
    const createTable = async (key: string, type: 'S' | 'N' = 'S'): Promise<void> => {
      const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
      const client = new DynamoDBClient({ region: 'eu-central-1', endpoint: simulator.url, credentials });
      await client.send(
        new CreateTableCommand({
          TableName: 'leases',
          AttributeDefinitions: [{ AttributeName: key, AttributeType: type }],
          KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      );
      client.destroy();
    };

    it('makes the requests of a lease, and misses the table that is not there', async () => {
      const { lines } = await check(more({}));
      expect(failures(lines).map(({ remedy }) => remedy)).toEqual([
        expect.stringContaining('aws dynamodb create-table --region eu-central-1 --table-name leases'),
        expect.stringContaining('aws dynamodb create-table'),
      ]);
      await createTable('group');
      const again = await check(more({}));
      expect(again.lines.filter(({ what }) => what.startsWith('dynamodb:'))).toEqual([
        { ok: true, what: 'dynamodb:GetItem on leases in eu-central-1 is allowed' },
        { ok: true, what: 'dynamodb:UpdateItem on leases in eu-central-1 is allowed' },
      ]);
    }, 30_000);

    it('says that the key of the table is another one', async () => {
      await createTable('id');
      const { lines } = await check(more({}));
      expect(failures(lines)[0]?.remedy).toContain('its partition key must be group, a string');
    }, 30_000);

    it('tries dry whether it may stop the others, and refuses to detach primary ENIs', async () => {
      await createTable('group');
      const stop = await check(more({ fence: 'stop-instance' }));
      expect(stop.lines.map(({ what }) => what)).toContainEqual(
        expect.stringMatching(/^ec2:StopInstances on i-\w+ is allowed$/),
      );
      const detach = await check(more({ fence: 'detach-eni' }));
      expect(failures(detach.lines).map(({ what }) => what)).toContainEqual(
        expect.stringMatching(/fence: detach-eni cannot detach eni-\w+ of b, which is a primary ENI/),
      );
    }, 30_000);
  });

  it('reads the parameters that secrets are, shows none of them, and says how to make one', async () => {
    const bgp = {
      as: 65001,
      routerId: '10.0.0.11',
      listen: [],
      neighbors: [{ name: 'r', address: '10.0.0.1', as: 65000, password: { ssm: '/byoa/bgp' } }],
    };
    const { lines } = await check({ bgp });
    expect(failures(lines)).toContainEqual({
      ok: false,
      what: expect.stringContaining('the parameter /byoa/bgp cannot be read: ParameterNotFound'),
      remedy: 'run: aws ssm put-parameter --name /byoa/bgp --type SecureString --value SECRET',
    });
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
    const ssm = new SSMClient({ region: 'eu-central-1', endpoint: simulator.url, credentials });
    await ssm.send(new PutParameterCommand({ Name: '/byoa/bgp', Type: 'SecureString', Value: 'sesame' }));
    ssm.destroy();
    const again = await check({ bgp });
    expect(again.lines).toContainEqual({ ok: true, what: 'the parameter /byoa/bgp can be read' });
    expect(JSON.stringify(again.lines)).not.toContain('sesame');
  }, 30_000);

  it('prints a parameter for scripts, or says what the role needs', async () => {
    const file = join(directory, 'config.yaml');
    const aws = { region: 'eu-central-1', endpoint: simulator.url };
    writeFileSync(file, formatConfig({ ...configOf(pair, 'b', directory), aws }));
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };
    const keys = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'simulated' };
    const ssm = new SSMClient({ region: 'eu-central-1', endpoint: simulator.url, credentials });
    await ssm.send(new PutParameterCommand({ Name: '/keys', Type: 'SecureString', Value: 'one\ntwo\n' }));
    ssm.destroy();
    expect(await byoa(['parameter', '/keys', '--config', file], keys)).toMatchObject({
      code: 0,
      stdout: 'one\ntwo\n',
    });
    const missing = await byoa(['parameter', '/none', '--config', file], keys);
    expect([missing.code, missing.stdout]).toEqual([1, '']);
    expect(missing.stderr).toContain('cannot read the parameter /none of Systems Manager in eu-central-1');
    expect(missing.stderr).toContain('ssm:GetParameter');
  }, 30_000);

  it('says what is wrong with the file itself, with its line', async () => {
    const file = join(directory, 'bad.yaml');
    writeFileSync(file, 'version: 1\nnode: A!\n');
    const { code, stdout } = await byoa(['check', '--config', file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}.*bad\.yaml:2/m);
  });
});
