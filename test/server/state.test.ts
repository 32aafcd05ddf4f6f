/** `byoa sim --state`: a world in a file, through kills of the process and through rewriting. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  CreateNetworkInterfaceCommand,
  CreateSubnetCommand,
  CreateTagsCommand,
  CreateVpcCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { keep } from '../../sim/server/keeper.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call } from '../world/pair.ts';
import { ACCOUNT, clientOf, deployScene, REGION } from './scene.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'byoa-state-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Process {
  readonly child: ChildProcess;
  readonly client: EC2Client;
  readonly url: string;
  readonly kill: () => Promise<void>;
}

async function start(file: string): Promise<Process> {
  const child = spawn(process.execPath, [PROGRAM, 'sim', '--port', '0', '--state', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: present(child.stdout, 'stdout') }).once('line', (line) => {
      resolve(line.replace('byoa sim ready at ', ''));
    });
    child.once('exit', () => reject(new Error('the simulator ended before it was ready')));
  });
  const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'x' };
  const client = new EC2Client({ endpoint: url, region: REGION, maxAttempts: 1, credentials });
  const kill = (): Promise<void> => {
    child.kill('SIGKILL');
    client.destroy();
    return gone;
  };
  return { child, client, url, kill };
}

/** What was acknowledged: ENIs, and the last tag of each that the simulator said it had written. */
type Acknowledged = Map<string, { last: number; sent: number }>;

/** Makes ENIs and tags them over and over, until the simulator dies. */
async function work(
  client: EC2Client,
  subnet: string,
  known: Acknowledged,
  count: () => void,
): Promise<void> {
  try {
    for (;;) {
      const made = await client.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet }));
      const id = present(made.NetworkInterface?.NetworkInterfaceId, 'an ENI');
      const tag = { last: 0, sent: 0 };
      known.set(id, tag);
      count();
      for (let n = 1; n <= 3; n++) {
        tag.sent = n;
        await client.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'n', Value: `${n}` }] }));
        tag.last = n;
        count();
      }
    }
  } catch (error) {
    if (!/ECONNRESET|ECONNREFUSED|socket hang up|aborted/i.test(String(error))) throw error;
  }
}

it('loses nothing that was acknowledged when it is killed again and again in the midst of work', async () => {
  const file = join(folder, 'killed.json');
  const known: Acknowledged = new Map();
  let subnet: string | undefined;
  for (let round = 1; round <= 2; round++) {
    const simulator = await start(file);
    const { client } = simulator;
    const found = await client.send(new DescribeNetworkInterfacesCommand({}));
    const tags = new Map(
      (found.NetworkInterfaces ?? []).map((eni) => [eni.NetworkInterfaceId ?? '', eni.TagSet?.[0]?.Value]),
    );
    for (const [id, { last, sent }] of known) {
      expect(tags.has(id), `${id} of an earlier round`).toBe(true);
      expect([last, sent].map((n) => (n === 0 ? undefined : `${n}`))).toContain(tags.get(id));
    }
    if (subnet === undefined) {
      const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
      const wanted = { VpcId: Vpc?.VpcId, CidrBlock: '10.0.0.0/18' };
      subnet = (await client.send(new CreateSubnetCommand(wanted))).Subnet?.SubnetId;
    }
    let acknowledged = 0;
    let killed: Promise<void> | undefined;
    const count = (): void => {
      acknowledged++;
      if (acknowledged === 40 * round) killed = simulator.kill();
    };
    const workers = Array.from({ length: 6 }, () => work(client, subnet ?? '', known, count));
    await Promise.all(workers);
    await killed;
  }
  expect(known.size).toBeGreaterThan(20);
}, 60_000);

it('tells nobody of a change that is not yet in the file, also while another is being written', async () => {
  const file = join(folder, 'ordered.json');
  const world = createWorld({});
  const keeper = keep(file, world, 1);
  const inFile: Promise<boolean>[] = [];
  for (let n = 1; n <= 5; n++) {
    const { Vpc } = call<{ Vpc: { VpcId: string } }>(world, 'CreateVpc', { CidrBlock: `10.${n}.0.0/16` });
    const told = (): boolean => readFileSync(file, 'utf8').includes(`"id":"${Vpc.VpcId}"`);
    inFile.push(new Promise((resolve) => keeper.later(() => resolve(told()))));
  }
  expect(await Promise.all(inFile)).toEqual([true, true, true, true, true]);
  keeper.close();
});

const control = async (simulator: RunningSimulator, method: string, path: string, body?: object) => {
  const init = { method, ...(body && { body: JSON.stringify(body) }) };
  return (await fetch(`${simulator.url}/_byoa/${path}`, init)).status;
};

it('keeps a file for one process at a time, and lets go of it when that is killed', async () => {
  const file = join(folder, 'shared.json');
  const first = await start(file);
  const inUse = new RegExp(
    `shared.json is in use by the process ${first.child.pid}, which holds .*shared.json.lock`,
  );
  await expect(startSimulator({ state: file })).rejects.toThrow(inUse);
  const described = join(folder, 'described');
  mkdirSync(described);
  writeFileSync(join(described, 'vpcs.json'), '{"Vpcs": []}');
  const imported = spawnSync(process.execPath, [PROGRAM, 'import', described, '-o', file], {
    encoding: 'utf8',
  });
  expect([imported.status, imported.stderr]).toEqual([1, expect.stringMatching(inUse)]);
  await first.client.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  await first.kill();
  const second = await startSimulator({ state: file });
  const { Vpcs } = await clientOf(second).send(new DescribeVpcsCommand({}));
  expect(Vpcs).toHaveLength(1);
  await expect(startSimulator({ state: file })).rejects.toThrow(`process ${process.pid},`);
  await second.close();
  expect(existsSync(`${file}.lock`)).toBe(false);
});

it('goes on where it was stopped: machines, hosts and packets; a reset empties the file', async () => {
  const state = join(folder, 'scene.json');
  let simulator = await startSimulator({ state });
  const scene = await deployScene(simulator);
  await control(simulator, 'PUT', `guests/${scene.two}`, { services: [{ kind: 'udp-echo', port: 7 }] });
  await control(simulator, 'POST', 'hosts', { address: '198.51.100.7' });
  await control(simulator, 'POST', `instances/${scene.one}/kill`);
  await simulator.close();

  simulator = await startSimulator({ state });
  const power = () => simulator.state().instances.map((each) => each.power);
  expect(power()).toEqual(['dead', 'running']);
  expect(await control(simulator, 'POST', `instances/${scene.one}/start`)).toBe(200);
  expect(simulator.trace({ from: scene.one, to: scene.twoAddress }).disposition).toBe('DELIVERED');
  expect(simulator.trace({ from: scene.one, to: '198.51.100.7' }).disposition).toBe('DELIVERED');
  await control(simulator, 'POST', 'reset');
  await simulator.close();

  simulator = await startSimulator({ state });
  expect(simulator.state().instances).toEqual([]);
  await simulator.close();
});

it('writes its file anew before it grows without end, and loses nothing by it', async () => {
  const state = join(folder, 'grown.json');
  let simulator = await startSimulator({ state });
  const scene = await deployScene(simulator);
  const body = 'x'.repeat(900_000);
  for (let n = 1; n <= 12; n++) {
    const services = [{ kind: 'http', port: 80, body: `${body}${n}` }];
    expect(await control(simulator, 'PUT', `guests/${scene.two}`, { services })).toBe(200);
  }
  expect(statSync(state).size).toBeLessThan(8 << 20);
  await simulator.close();
  simulator = await startSimulator({ state });
  expect(simulator.state().instances[1]?.profile?.services).toEqual([
    { kind: 'http', port: 80, status: 200, body: `${body}12` },
  ]);
  await simulator.close();
});

it('says what is wrong where in a file, and leaves the file alone', async () => {
  const state = join(folder, 'wrong.json');
  const client = async (): Promise<void> => {
    const simulator = await startSimulator({ state });
    await clientOf(simulator).send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
    await simulator.close();
  };
  await client();
  const text = readFileSync(state, 'utf8').replace('"10.0.0.0/16"', '"10.0.0.1/16"');
  writeFileSync(state, text);
  await expect(startSimulator({ state })).rejects.toThrow(/wrong.json:\d+: .*cidr: is not a CIDR block/);
  expect(readFileSync(state, 'utf8')).toBe(text);
});
