/** The designs as a Pulumi package: its schema, and its plugin as Pulumi would run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DESIGNS, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import { inputsOf, packageSchema, tokenOf } from '../../infra/plugin/schema.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { type DeployResult, deploy, type Operation } from '../../sim/pulumi/deploy.ts';
import { simulatorConfig } from '../../sim/pulumi/simulator.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const ROOT = new URL('../..', import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const ARGS = {
  zones: ['eu-central-1a', 'eu-central-1b'],
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: '0'.repeat(64),
  tags: { team: 'network' },
  observers: false,
};

it('the schema of the package is the one in docs/package.schema.json', async () => {
  const text = `${JSON.stringify(packageSchema(version), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../docs/package.schema.json');
});

it('the schema names each component as its class registers it', () => {
  expect(NAMES.map((name) => tokenOf(name).split(':')[2])).toEqual(
    NAMES.map((name) => COMPONENTS[name].name),
  );
  for (const name of NAMES) expect(inputsOf(DESIGNS[name])).not.toContain('design');
});

/** What an SDK for another language is at bottom: a component that the engine has its plugin make. */
class Remote extends pulumi.ComponentResource {
  declare readonly ids: pulumi.Output<Record<string, string>>;
  declare readonly nodes: pulumi.Output<readonly { readonly name: string }[]>;

  constructor(name: string, args: pulumi.Inputs) {
    super(tokenOf('egress-pair'), name, { ...args, ids: undefined, nodes: undefined }, {}, true);
  }
}

describe('the plugin', () => {
  let plugin: ChildProcess;
  let simulator: RunningSimulator;
  let address = '';
  const stateFile = join(mkdtempSync(join(tmpdir(), 'byoa-plugin-')), 'state.json');
  const run = (operation: Operation, args: pulumi.Inputs): Promise<DeployResult> =>
    deploy({
      operation,
      program: async () => {
        const { ids, nodes } = new Remote('edge', args);
        return { ids, names: nodes.apply((all) => all.map(({ name }) => name)) };
      },
      project: 'another',
      stack: 'test',
      stateFile,
      config: simulatorConfig(simulator.url, { region: 'eu-central-1', account: '123456789012' }),
      plugins: { byoa: address },
    });

  beforeAll(async () => {
    const host = createRequire(import.meta.url).resolve('@pulumi/pulumi/cmd/run-plugin/index.js');
    // The engine of the second argument is for logs alone.
    plugin = spawn(process.execPath, [host, '--pwd', ROOT, ROOT, '127.0.0.1:1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(plugin.stdout as NodeJS.ReadableStream, 'data');
    address = `127.0.0.1:${String(said).trim()}`;
    simulator = await startSimulator({ profile: 'instant' });
  });
  afterAll(async () => {
    plugin.kill('SIGKILL');
    await simulator.close();
  });

  it('makes a design for a program that has only its package, and nothing again the second time', async () => {
    const { outputs, steps } = await run('up', ARGS);
    expect(outputs.names).toEqual(['a', 'b']);
    expect(outputs.ids).toHaveProperty(['table workload-eu-central-1a'], expect.stringMatching(/^rtb-/));
    const root = steps.find((step) => step.type === tokenOf('egress-pair'));
    expect(root).toMatchObject({ name: 'edge', kind: 'create' });
    expect(simulator.state().instances.map((one) => one.state)).toEqual(['running', 'running']);
    const again = await run('up', ARGS);
    expect(again.steps.filter((step) => step.kind !== 'same')).toEqual([]);
  });

  it('says which argument is wrong, and why', async () => {
    await expect(run('preview', { ...ARGS, fence: 'shoot' })).rejects.toThrow(
      /the argument fence is 'shoot': it must be none or stop-instance/,
    );
    await expect(run('preview', { ...ARGS, overlay: '192.0.2.1' })).rejects.toThrow(
      /the argument overlay is not taken by egress-pair; it takes cidr, vpcId/,
    );
  });
});
