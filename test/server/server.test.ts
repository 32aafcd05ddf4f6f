/**
 * The HTTP server: the SDK as a client, accounts and regions, requests that mean no good, and the control
 * API.
 */
import { connect } from 'node:net';
import { CreateVpcCommand, DescribeVpcsCommand, ReplaceRouteCommand } from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { ACCOUNT, clientOf, deployScene, REGION, until } from './scene.ts';

let simulator: RunningSimulator;
beforeEach(async () => {
  simulator = await startSimulator();
});
afterEach(() => simulator.close());

type Json = Record<string, unknown>;

async function control(
  method: string,
  path: string,
  body?: unknown,
  headers = {},
): Promise<{ status: number; json: Json }> {
  const response = await fetch(`${simulator.url}/_byoa/${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Json };
}

describe('the APIs', () => {
  test('the SDK makes and finds a VPC; another account and another region do not see it', async () => {
    const client = clientOf(simulator);
    const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: '10.1.0.0/16' }));
    const found = await client.send(new DescribeVpcsCommand({ VpcIds: [Vpc?.VpcId ?? ''] }));
    expect(found.Vpcs?.[0]).toMatchObject({ CidrBlock: '10.1.0.0/16', OwnerId: ACCOUNT });
    const others = await clientOf(simulator, '999988887777').send(new DescribeVpcsCommand({}));
    expect(others.Vpcs ?? []).toEqual([]);
  });

  test("errors are EC2's, as the SDK reads them", async () => {
    const call = clientOf(simulator).send(
      new ReplaceRouteCommand({
        RouteTableId: 'rtb-0123456789abcdef0',
        DestinationCidrBlock: '0.0.0.0/0',
        GatewayId: 'igw-1',
      }),
    );
    await expect(call).rejects.toMatchObject({
      name: 'InvalidRouteTableID.NotFound',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('STS and IAM speak at the same port; a key that is no account is the default account', async () => {
    const options = { endpoint: simulator.url, region: REGION, maxAttempts: 1 };
    const sts = new STSClient({ ...options, credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'x' } });
    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: ACCOUNT });
    const other = new STSClient({
      ...options,
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'x' },
    });
    expect(await other.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: '123456789012' });
    const iam = new IAMClient({ ...options, credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'x' } });
    await expect(iam.send(new GetRoleCommand({ RoleName: 'none' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
    });
  });

  test('a GET with a query string, and no signature at all', async () => {
    const response = await fetch(`${simulator.url}/?Action=DescribeVpcs&Version=2016-11-15`);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await response.text()).toContain(
      '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">',
    );
  });
});

describe('requests that mean no good', () => {
  const post = (body: string): Promise<Response> => fetch(simulator.url, { method: 'POST', body });

  test('nonsense is answered, and the simulator goes on', async () => {
    expect((await post('')).status).toBe(400);
    expect((await post('Action=DropTables&Version=2016-11-15')).status).toBe(400);
    expect((await post('Action=__proto__&Version=2016-11-15')).status).toBe(400);
    expect((await post('Action=constructor&Version=2016-11-15')).status).toBe(400);
    expect((await post('Action=DescribeVpcs&Version=2016-11-15&Filter.1.__proto__.x=1')).status).toBe(400);
    expect((await post(`Action=DescribeVpcs&Version=2016-11-15&VpcId.99999999999=vpc-1`)).status).toBe(400);
    expect((await post('%%%&&&===')).status).toBe(400);
    expect((await fetch(simulator.url, { method: 'DELETE' })).status).toBe(400);
    expect((await fetch(`${simulator.url}/?Action=DescribeVpcs&Version=2016-11-15`)).status).toBe(200);
  });

  test('a body of several megabytes is refused before it is read', async () => {
    expect((await post(`Action=DescribeVpcs&Version=2016-11-15&Junk=${'x'.repeat(3 << 20)}`)).status).toBe(
      413,
    );
  });

  test('bytes that are no HTTP close the connection', async () => {
    const socket = connect(simulator.port, '127.0.0.1');
    let closed = false;
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => {
      closed = true;
    });
    socket.write('\x00\x01\x02 hello\r\n\r\n');
    await until('closed', () => closed);
    expect(text).toMatch(/^(HTTP\/1.1 400|$)/);
  });
});

describe('the control API', () => {
  test('state, flows, power, events and traces', async () => {
    const scene = await deployScene(simulator);
    expect(
      (await control('PUT', `guests/${scene.two}`, { services: [{ kind: 'udp-echo', port: 7 }] })).status,
    ).toBe(200);
    const begun = await control('POST', 'flows', {
      id: 'f',
      from: scene.one,
      to: scene.twoAddress,
      intervalMs: 1,
    });
    expect(begun).toMatchObject({ status: 201, json: { id: 'f', sent: 1, running: true } });
    await until('packets', () => (simulator.flow('f')?.answered ?? 0) > 20);
    expect((await control('POST', `instances/${scene.two}/freeze`)).status).toBe(200);
    await until('losses', () => (simulator.flow('f')?.lost ?? 0) > 20);
    expect((await control('POST', `instances/${scene.two}/resume`)).status).toBe(200);
    await until('the end of the gap', () => simulator.flow('f')?.gaps[0]?.to !== undefined);
    const stopped = await control('DELETE', 'flows/f');
    expect(stopped.json).toMatchObject({ running: false, lost: expect.any(Number) });
    expect((await control('GET', 'flows')).json).toMatchObject({ flows: [{ id: 'f' }] });
    const { json } = await control('GET', 'state');
    expect(json.instances).toMatchObject([
      { id: scene.one, state: 'running', power: 'running', interfaces: [{ addresses: ['10.0.0.11'] }] },
      { id: scene.two },
    ]);
    const { events, last } = (await control('GET', 'events?kinds=power')).json as {
      events: Json[];
      last: number;
    };
    expect(events.map((event) => [event.instance, event.power])).toEqual([
      [scene.one, 'running'],
      [scene.two, 'running'],
      [scene.two, 'frozen'],
      [scene.two, 'running'],
    ]);
    expect((await control('GET', `events?since=${last}`)).json).toMatchObject({ events: [], last });
    const trace = await control('POST', 'trace', { from: scene.one, to: scene.twoAddress });
    expect(trace.json).toMatchObject({ disposition: 'DELIVERED', deliveredTo: scene.two });
  });

  test('cuts, hosts, knobs, faults, reset', async () => {
    const scene = await deployScene(simulator);
    const disposition = async (to: string): Promise<unknown> =>
      (await control('POST', 'trace', { from: scene.one, to })).json.disposition;
    expect((await control('POST', 'cuts', { id: 'c', from: scene.one, to: scene.two })).status).toBe(201);
    expect(await disposition(scene.twoAddress)).toBe('LINK_CUT');
    expect((await control('GET', 'cuts')).json).toMatchObject({
      cuts: [{ id: 'c', direction: 'both', loss: 1 }],
    });
    expect((await control('DELETE', 'cuts/c')).status).toBe(200);
    expect(await disposition(scene.twoAddress)).toBe('DELIVERED');
    expect(await disposition('198.51.100.7')).toBe('INTERNET_NO_HOST');
    expect((await control('POST', 'hosts', { address: '198.51.100.7' })).status).toBe(201);
    expect(await disposition('198.51.100.7')).toBe('DELIVERED');
    expect((await control('PUT', 'knobs', { attachMs: 77, links: { loss: 0.5 } })).json).toMatchObject({
      attachMs: 77,
      links: { loss: 0.5 },
    });
    expect((await control('GET', 'knobs')).json).toMatchObject({ attachMs: 77, throttle: 'off' });
    const fault = { action: 'DescribeVpcs', fault: { kind: 'throttle' }, times: 1 };
    expect((await control('POST', 'inject', fault)).status).toBe(201);
    const client = clientOf(simulator);
    await expect(client.send(new DescribeVpcsCommand({}))).rejects.toMatchObject({
      name: 'RequestLimitExceeded',
    });
    await client.send(new DescribeVpcsCommand({}));
    expect((await control('POST', 'reset')).status).toBe(200);
    expect((await client.send(new DescribeVpcsCommand({}))).Vpcs ?? []).toEqual([]);
    expect((await control('GET', 'state')).json).toMatchObject({ instances: [], knobs: { attachMs: 0 } });
  });

  test('refusals say what, why and what to do', async () => {
    const cases: [string, string, unknown, number][] = [
      ['GET', 'nothing', undefined, 404],
      ['DELETE', 'state', undefined, 405],
      ['POST', 'flows', '{"from":', 400],
      ['POST', 'flows', { from: 'i-0', to: 'nowhere' }, 400],
      ['POST', 'flows', { from: 'i-0', to: '10.0.0.1' }, 409],
      ['POST', 'instances/i-00000000000000000/kill', undefined, 409],
      ['POST', 'instances/i-00000000000000000/explode', undefined, 404],
      ['PUT', 'knobs', { latency: 5 }, 400],
      ['PUT', 'knobs', { speed: 5 }, 400],
      ['DELETE', 'flows/none', undefined, 404],
      ['GET', 'events?since=x', undefined, 400],
    ];
    for (const [method, path, body, status] of cases) {
      const answer = await control(method, path, body);
      expect(answer, `${method} ${path}`).toMatchObject({
        status,
        json: { error: { what: expect.any(String), why: expect.any(String), remedy: expect.any(String) } },
      });
    }
  });

  test('web pages do not get in', async () => {
    expect((await control('POST', 'reset', undefined, { origin: 'http://evil.example' })).status).toBe(403);
  });
});

test('a port that is taken is an error with a remedy', async () => {
  await expect(startSimulator({ port: simulator.port })).rejects.toThrow(
    /cannot listen on 127.0.0.1 port \d+ .*another --port/,
  );
});

test('close leaves nothing behind', async () => {
  const { url } = simulator;
  await clientOf(simulator).send(new DescribeVpcsCommand({}));
  await simulator.close();
  await expect(fetch(url)).rejects.toThrow();
  simulator = await startSimulator();
});
