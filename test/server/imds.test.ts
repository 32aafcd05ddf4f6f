/** Instance metadata: the rules of the service, and its clients unmodified: SDK, awscli, daemon. */
import {
  DescribeInstancesCommand,
  EC2Client,
  type Instance,
  ModifyInstanceMetadataOptionsCommand,
} from '@aws-sdk/client-ec2';
import { IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { defaultCredentials } from '../../controller/shell/aws-sdk.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { answers, clientEnvironment, run } from '../clients/simulator.ts';
import { giveRole } from './role.ts';
import { ACCOUNT, clientOf, deployScene, REGION, type Scene } from './scene.ts';

let simulator: RunningSimulator;
let scene: Scene;
let client: EC2Client;
let endpoint: string;
let instance: Instance;

beforeAll(async () => {
  simulator = await startSimulator({ imds: { host: '127.0.0.1', port: 0 } });
  scene = await deployScene(simulator);
  client = clientOf(simulator);
  await giveRole(simulator, scene.one);
  endpoint = await simulator.imds(scene.one);
  const found = await client.send(new DescribeInstancesCommand({ InstanceIds: [scene.one] }));
  instance = present(found.Reservations?.[0]?.Instances?.[0], 'the instance');
});
afterAll(() => simulator.close());

type Headers = Readonly<Record<string, string>>;

const ask = (path: string, headers: Headers = {}, method = 'GET', at = endpoint): Promise<Response> =>
  fetch(`${at}${path}`, { method, headers });

const issue = async (ttl: string, more: Headers = {}, at = endpoint): Promise<Response> =>
  ask('/latest/api/token', { 'X-aws-ec2-metadata-token-ttl-seconds': ttl, ...more }, 'PUT', at);

const tokenOf = async (at = endpoint): Promise<Headers> => ({
  'X-aws-ec2-metadata-token': await (await issue('60', {}, at)).text(),
});

const status = async (asked: Promise<Response>): Promise<number> => (await asked).status;

const options = (more: object): Promise<unknown> =>
  client.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: scene.one, ...more }));

describe('a token', () => {
  it('is issued for 1 to 21,600 seconds, to who is no proxy', async () => {
    const asked = ['1', '21600', '0', '21601', '-1', '1.5', 'x', ''].map((ttl) => status(issue(ttl)));
    expect(await Promise.all(asked)).toEqual([200, 200, 400, 400, 400, 400, 400, 400]);
    expect(await status(ask('/latest/api/token', {}, 'PUT'))).toBe(400);
    expect(await status(issue('60', { 'X-Forwarded-For': '10.0.0.1' }))).toBe(403);
    expect((await issue('77')).headers.get('x-aws-ec2-metadata-token-ttl-seconds')).toBe('77');
  });

  it('is asked for where the instance demands it, holds for that instance alone, and must be right', async () => {
    const path = '/latest/meta-data/instance-id';
    const token = await tokenOf();
    expect(await status(ask(path, token))).toBe(200);
    const [wrong, foreign] = [
      { 'X-aws-ec2-metadata-token': 'x' },
      await tokenOf(await simulator.imds(scene.two)),
    ];
    expect(await Promise.all([status(ask(path, wrong)), status(ask(path, foreign))])).toEqual([401, 401]);
    await options({ HttpTokens: 'required' });
    expect(await Promise.all([status(ask(path)), status(ask(path, token))])).toEqual([401, 200]);
    await options({ HttpTokens: 'optional' });
    expect(await Promise.all([status(ask(path)), status(ask(path, wrong))])).toEqual([200, 401]);
  });

  it('ends with its time to live', async () => {
    const token = await tokenOf();
    const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 62_000);
    const late = await status(ask('/latest/meta-data/', token));
    later.mockRestore();
    expect(late).toBe(401);
  });

  it('is of no use where the endpoint is disabled', async () => {
    const token = await tokenOf();
    await options({ HttpEndpoint: 'disabled' });
    const asked = [status(ask('/latest/meta-data/', token)), status(issue('60'))];
    expect(await Promise.all(asked)).toEqual([403, 403]);
    await options({ HttpEndpoint: 'enabled' });
  });
});

describe('metadata', () => {
  const read = async (path: string): Promise<string> => (await ask(path, await tokenOf())).text();

  it('say who the instance is, where, and with which interfaces, as EC2 does', async () => {
    const eni = present(instance.NetworkInterfaces?.[0], 'an ENI');
    const mac = `/latest/meta-data/network/interfaces/macs/${eni.MacAddress}`;
    const paths = ['instance-id', 'local-ipv4', 'mac', 'placement/region', 'placement/availability-zone'];
    expect(await Promise.all(paths.map((path) => read(`/latest/meta-data/${path}`)))).toEqual([
      scene.one,
      instance.PrivateIpAddress,
      eni.MacAddress,
      REGION,
      instance.Placement?.AvailabilityZone,
    ]);
    const own = [
      'interface-id',
      'subnet-id',
      'vpc-id',
      'public-ipv4s',
      'device-number',
      'vpc-ipv4-cidr-block',
    ];
    expect(await Promise.all(own.map((name) => read(`${mac}/${name}`)))).toEqual([
      eni.NetworkInterfaceId,
      eni.SubnetId,
      eni.VpcId,
      instance.PublicIpAddress,
      '0',
      '10.0.0.0/16',
    ]);
    expect(await read(`${mac}/ipv4-associations/${instance.PublicIpAddress}`)).toBe(
      instance.PrivateIpAddress,
    );
    expect(JSON.parse(await read('/latest/dynamic/instance-identity/document'))).toMatchObject({
      accountId: ACCOUNT,
      region: REGION,
      instanceId: scene.one,
      privateIp: instance.PrivateIpAddress,
    });
  });

  it('lie in folders, which list what is in them; nothing else is there', async () => {
    expect(await read('/latest/meta-data/placement')).toBe('availability-zone\navailability-zone-id\nregion');
    expect(await read('/2021-07-15/meta-data/network/interfaces/')).toBe('macs/');
    const token = await tokenOf();
    const absent = ['meta-data/spot/termination-time', 'user-data', 'meta-data/constructor', '../x', '%zz'];
    const asked = absent.map((path) => status(ask(`/latest/${path}`, token)));
    expect(await Promise.all(asked)).toEqual([404, 404, 404, 404, 404]);
    expect(await status(ask('/latest/meta-data/', token, 'POST'))).toBe(405);
  });

  it('hold tags only where the instance shows them', async () => {
    expect(await read('/latest/meta-data/')).not.toContain('tags/');
    await options({ InstanceMetadataTags: 'enabled' });
    expect(await read('/latest/meta-data/')).toContain('tags/');
  });

  it('are out of reach while the machine is dead', async () => {
    const at = await simulator.imds(scene.two);
    simulator.instance(scene.two, 'kill');
    await expect(ask('/latest/meta-data/', {}, 'GET', at)).rejects.toThrow('fetch failed');
    simulator.instance(scene.two, 'start');
    expect(await status(issue('60', {}, at))).toBe(200);
  });

  it('have their endpoint by the control API, for instances that there are', async () => {
    const open = (id: string) => fetch(`${simulator.url}/_byoa/imds/${id}`, { method: 'PUT' });
    expect(await (await open(scene.one)).json()).toEqual({ endpoint });
    expect(await status(open('i-0123456789abcdef0'))).toBe(404);
  });
});

describe('a container behind a bridge', () => {
  it('gets a token only where the hop limit lets the answer pass; what it asks with a token it is told', async () => {
    const at = await simulator.imds(scene.one, 1);
    const path = '/latest/meta-data/instance-id';
    const lost = new AbortController();
    const asked = fetch(`${at}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
      signal: lost.signal,
    });
    // Whoever asks after it is answered: the token's answer has had its turn, and has not come.
    expect(await (await ask(path, await tokenOf(), 'GET', at)).text()).toBe(scene.one);
    lost.abort();
    await expect(asked).rejects.toThrow('aborted');
    await options({ HttpPutResponseHopLimit: 2 });
    expect(await status(issue('60', {}, at))).toBe(200);
    await options({ HttpPutResponseHopLimit: 1 });
  });
});

describe('clients', () => {
  beforeEach(() => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', endpoint);
  });
  afterEach(() => vi.unstubAllEnvs());

  it('the SDK finds the credentials of the role, by tokens, and may what its policies allow', async () => {
    await options({ HttpTokens: 'required' });
    const place = { endpoint: simulator.url, region: REGION };
    const sts = new STSClient(place);
    const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/appliance/${scene.one}`;
    expect([Account, Arn]).toEqual([ACCOUNT, session]);
    const ec2 = new EC2Client(place);
    const look = (): Promise<unknown> => ec2.send(new DescribeInstancesCommand({}));
    await expect(look()).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    const iam = new IAMClient({ ...place, credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' } });
    const Statement = { Effect: 'Allow', Action: 'ec2:DescribeInstances', Resource: '*' };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    const input = { RoleName: 'appliance', PolicyName: 'look', PolicyDocument };
    await iam.send(new PutRolePolicyCommand(input));
    expect(await look()).toMatchObject({ Reservations: expect.any(Array) });
    for (const each of [sts, ec2, iam]) each.destroy();
  });

  it("the daemon's source of credentials gets them with the time that they expire", async () => {
    const { accessKeyId, sessionToken, expiration } = await defaultCredentials(REGION)();
    expect([accessKeyId, sessionToken]).toEqual([
      ACCOUNT,
      `arn:aws:sts::${ACCOUNT}:assumed-role/appliance/${scene.one}`,
    ]);
    expect(expiration?.getTime()).toBeGreaterThan(Date.now());
  });

  it.skipIf(!answers('aws', ['--version']))('awscli too (skipped: aws not found)', async () => {
    const {
      AWS_ACCESS_KEY_ID: _key,
      AWS_SECRET_ACCESS_KEY: _secret,
      AWS_EC2_METADATA_DISABLED: _disabled,
      ...env
    } = clientEnvironment(simulator.url, '/nonexistent');
    const given = { ...env, AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint };
    const ran = await run('aws', ['sts', 'get-caller-identity', '--query', 'Account'], { env: given });
    expect([ran.code, ran.stdout.trim()]).toEqual([0, `"${ACCOUNT}"`]);
  });
});
