/** `byoa deploy` as a user runs it: a process, a simulator, a folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../controller/config.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { register } from '../../sim/pulumi/main.ts';

vi.setConfig({ testTimeout: 180_000 });

const PROGRAM = new URL('../../bin/byoa.js', import.meta.url).pathname;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function byoa(args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [PROGRAM, 'deploy', ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => {
      out += String(data);
    });
    child.stderr.on('data', (data) => {
      err += String(data);
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('byoa deploy', () => {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-deploy-'));
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await startSimulator({ profile: 'instant' });
  });
  afterAll(() => simulator.close());

  it('deploys, writes the configurations, and destroys', async () => {
    const common = ['--design', 'floating-eni', '--endpoint', simulator.url];
    const up = await byoa([...common, '--configs', 'nodes'], directory);
    expect(up).toMatchObject({
      code: 0,
      out: expect.stringMatching(/create {2}Vpc floating-eni\n[\s\S]*\d+ create in/),
    });
    for (const node of ['a', 'b']) {
      expect(parseConfig(readFileSync(join(directory, 'nodes', `${node}.yaml`), 'utf8'), node).ok).toBe(true);
    }
    const again = await byoa([...common, '--json'], directory);
    const kinds = (JSON.parse(again.out).steps as { kind: string }[]).map((step) => step.kind);
    expect([...new Set(kinds)]).toEqual(['same']);
    expect((await byoa([...common, '--destroy'], directory)).code).toBe(0);
    expect(simulator.state().vpcs).toEqual([]);
  });

  it('says what to do where no simulator answers', async () => {
    const { code, err } = await byoa(['--endpoint', 'http://127.0.0.1:1', '--state', 'none.json'], directory);
    expect(code).toBe(1);
    expect(err).toMatch(/ECONNREFUSED 127.0.0.1:1.*start the simulator \(byoa sim\)/);
  });

  it('ends its program with it, where it is killed', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const connected = once(silent, 'connection');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const child = spawn(process.execPath, [PROGRAM, 'deploy', '--endpoint', endpoint], {
      cwd: directory,
      stdio: 'ignore',
    });
    await connected;
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
    const programs = children.filter((pid) => /cmd\/run/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    expect(programs).toHaveLength(1);
    child.kill('SIGKILL');
    await vi.waitUntil(() => !existsSync(`/proc/${programs[0]}`), { timeout: 120_000, interval: 50 });
    silent.close();
  });

  it('refuses options that contradict each other, and endpoints that are none', async () => {
    const refused = (...args: readonly string[]): Promise<unknown> => {
      const program = new Command().exitOverride();
      register(program);
      for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
      return program.parseAsync(['deploy', ...args], { from: 'user' });
    };
    await expect(refused('--preview', '--destroy')).rejects.toThrow(/cannot be used with/);
    await expect(refused('--endpoint', 'localhost')).rejects.toThrow(/not a URL/);
  });
});
