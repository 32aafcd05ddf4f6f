/**
 * Daemons as processes of their own, attached to simulated instances: the whole way from a dead machine to a
 * moved route.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModifyInstanceMetadataOptionsCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatConfig } from '../../controller/config.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { giveRole } from '../server/role.ts';
import { byoa, type DaemonProcess, type LogLine, startByoa } from './daemon-process.ts';
import { configOf, deployPair, type Pair, targetOf } from './pair.ts';

let simulator: RunningSimulator;
let pair: Pair;
let directory: string;
const daemons: DaemonProcess[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
  simulator = await startSimulator({ imds: { host: '127.0.0.1', port: 0 } });
  pair = await deployPair(simulator);
});

afterEach(async () => {
  for (const { child } of daemons) child.kill('SIGKILL');
  await Promise.all(daemons.splice(0).map(({ ended }) => ended));
  pair.ec2.destroy();
  await simulator.close();
  rmSync(directory, { recursive: true });
});

const fileOf = (node: string): string => join(directory, `${node}.yaml`);

function start(node: 'a' | 'b', ...more: readonly string[]): DaemonProcess {
  return startWith({}, node, ...more);
}

function startWith(
  environment: Record<string, string>,
  node: 'a' | 'b',
  ...more: readonly string[]
): DaemonProcess {
  writeFileSync(fileOf(node), formatConfig(configOf(pair, node, directory)));
  const target = simulator.attachTo(pair[node].instance);
  const daemon = startByoa(['run', '--config', fileOf(node), '--attach', target, ...more], environment);
  daemons.push(daemon);
  return daemon;
}

const journalOf = (node: string): string => {
  const folder = join(directory, node);
  return join(folder, readdirSync(folder).sort().at(-1) ?? '');
};

const ownedByB = ({ topic, msg }: LogLine): boolean => topic === 'moved' && msg.includes('to b');

/** Both daemons run, and each holds both appliances for healthy. */
async function startBoth(): Promise<{ a: DaemonProcess; b: DaemonProcess }> {
  const [a, b] = [start('a'), start('b')];
  for (const daemon of [a, b]) {
    await daemon.logged(({ topic }) => topic === 'ready', 'ready');
    for (const name of ['a', 'b']) {
      const healthy = `${name} is healthy`;
      await daemon.logged(({ topic, msg }) => topic === 'verdict' && msg.startsWith(healthy), healthy);
    }
  }
  return { a, b };
}

describe('two daemons attached to a pair of appliances', () => {
  it('move the route when the active appliance dies; its daemon ends with exit code 3', async () => {
    const { a, b } = await startBoth();
    simulator.instance(pair.a.instance, 'kill');
    expect(await a.ended).toBe(3);
    await b.logged(ownedByB, 'b owns it');
    expect(await targetOf(pair)).toBe(pair.b.eni);
  }, 60_000);

  it('act with the credentials of the role of their instance, by tokens, and with no others', async () => {
    await giveRole(simulator, pair.b.instance);
    const HttpTokens = 'required';
    await pair.ec2.send(
      new ModifyInstanceMetadataOptionsCommand({ InstanceId: pair.b.instance, HttpTokens }),
    );
    const nothing = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_PROFILE: '' };
    const files = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    const endpoint = { AWS_EC2_METADATA_SERVICE_ENDPOINT: await simulator.imds(pair.b.instance) };
    const environment = { ...nothing, ...files, ...endpoint, AWS_EC2_METADATA_DISABLED: 'false' };
    const b = startWith(environment, 'b');
    await b.logged(({ topic }) => topic === 'ready', 'ready');
    for (const name of ['a', 'b']) {
      const healthy = `${name} is healthy`;
      await b.logged(({ topic, msg }) => topic === 'verdict' && msg.startsWith(healthy), healthy);
    }
    simulator.instance(pair.a.instance, 'kill');
    await b.logged(ownedByB, 'b owns it');
    expect(await targetOf(pair)).toBe(pair.b.eni);
    expect(b.lines.filter(({ msg }) => /credential/i.test(msg))).toEqual([]);
  }, 60_000);

  it('leave a journal that replays to the same decisions', async () => {
    const { b } = await startBoth();
    simulator.instance(pair.a.instance, 'kill');
    await b.logged(ownedByB, 'b owns it');
    b.child.kill('SIGTERM');
    expect(await b.ended).toBe(0);
    const { code, stdout } = await byoa(['replay', journalOf('b')]);
    expect(stdout).toContain('owned: ');
    expect(stdout).toMatch(/\d+ events: the same decisions\.\n$/);
    expect(code).toBe(0);
  }, 60_000);

  it('answer status and move on purpose through the socket', async () => {
    const { b } = await startBoth();
    const table = await byoa(['status', '--config', fileOf('b')]);
    expect(table.stdout).toMatch(/^egress +a /m);
    expect(table.stdout).toMatch(/^b \(own\) +healthy/m);
    const wrong = await byoa(['switchover', 'egress', '--to', 'a', '--config', fileOf('b')]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('on a')]);
    const moved = await byoa(['switchover', 'egress', '--to', 'b', '--config', fileOf('b')]);
    expect([moved.code, moved.stderr]).toEqual([0, '']);
    expect(await targetOf(pair)).toBe(pair.b.eni);
    await b.logged(ownedByB, 'b owns it');
    const json = await byoa(['status', '--config', fileOf('b'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      groups: [{ name: 'egress', ownerMember: 'b' }],
      daemon: { journal: { lost: 0 }, aws: { failures: [] } },
    });
  }, 60_000);

  it('say beforehand what a failover would send, and whether its objective is met', async () => {
    const { groups = [] } = configOf(pair, 'b', directory);
    const write = (objective: string): void =>
      writeFileSync(
        fileOf('b'),
        formatConfig({
          ...configOf(pair, 'b', directory),
          groups: groups.map((group) => ({ ...group, objective })),
        }),
      );
    const b = start('b');
    await b.logged(({ topic, msg }) => topic === 'verdict' && msg.startsWith('b is healthy'), 'b is healthy');
    await b.logged(({ topic }) => topic === 'owned', 'an owner');
    const ask = () => byoa(['plan', 'egress', '--fail', 'a', '--config', fileOf('b')]);
    const fine = await ask();
    expect([fine.code, fine.stderr]).toEqual([0, '']);
    expect(fine.stdout).toMatch(/^egress: b takes over from a by 1 call, \d+ ms in 1 batch\.$/m);
    expect(fine.stdout).toContain(`ReplaceRoute 0.0.0.0/0 of ${pair.table} to ${pair.b.eni}`);
    write('1ms');
    b.child.kill('SIGHUP');
    await b.logged(({ topic }) => topic === 'config', 'the new configuration');
    const late = await ask();
    expect(late.code).toBe(1);
    expect(late.stdout).toMatch(/^! \d+ ms exceed the objective of 1 ms\.$/m);
    expect(await targetOf(pair)).toBe(pair.a.eni);
  }, 60_000);

  it('only observe with --observe', async () => {
    const a = start('a');
    const b = start('b', '--observe');
    await a.logged(({ topic }) => topic === 'ready', 'ready');
    await b.logged(({ topic }) => topic === 'ready', 'ready');
    await b.logged(({ topic, msg }) => topic === 'verdict' && msg.startsWith('a is healthy'), 'a is healthy');
    await b.logged(({ topic, msg }) => topic === 'verdict' && msg.startsWith('b is healthy'), 'b is healthy');
    simulator.instance(pair.a.instance, 'kill');
    await b.logged(({ msg }) => /would move/i.test(msg), 'would move');
    expect(await targetOf(pair)).toBe(pair.a.eni);
  }, 60_000);
});

describe('a daemon', () => {
  it('reloads on SIGHUP, or keeps the old configuration and says why', async () => {
    const a = start('a');
    await a.logged(({ topic }) => topic === 'started', 'started');
    writeFileSync(fileOf('a'), 'version: 2\n');
    a.child.kill('SIGHUP');
    const kept = await a.logged(({ topic }) => topic === 'config', 'config');
    expect(kept.msg).toContain('Keeps the old configuration');
    expect(kept.msg).toContain('version');
    writeFileSync(
      fileOf('a'),
      formatConfig({ ...configOf(pair, 'a', directory), observe: { interval: '700ms' } }),
    );
    a.child.kill('SIGHUP');
    await a.logged(
      ({ topic, msg }) => topic === 'config' && msg.startsWith('Runs a new'),
      'new configuration',
    );
  }, 60_000);

  it('refuses to start beside another with the same control socket', async () => {
    const a = start('a');
    await a.logged(({ topic }) => topic === 'started', 'started');
    const second = start('a');
    expect(await second.ended).toBe(1);
    expect(second.errors()).toContain('another daemon listens at');
  }, 60_000);

  it('handles nothing while its machine is frozen, and goes on after', async () => {
    await startBoth();
    simulator.instance(pair.b.instance, 'freeze');
    const asked = byoa(['status', '--config', fileOf('b'), '--json']);
    expect((await asked).stderr).toContain('no daemon answers');
    simulator.instance(pair.b.instance, 'resume');
    const again = await byoa(['status', '--config', fileOf('b'), '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ node: 'b' });
  }, 60_000);
});
