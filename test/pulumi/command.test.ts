/** `byoa deploy` as a user runs it: a process, a simulator, a folder. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../controller/config.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';

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

  it('refuses options that contradict each other, and endpoints that are none', async () => {
    expect((await byoa(['--preview', '--destroy'], directory)).err).toMatch(/cannot be used with/);
    expect((await byoa(['--endpoint', 'localhost'], directory)).err).toMatch(/not a URL/);
  });
});
