/**
 * Terraform with its AWS provider, unmodified: one life of a stack with the kinds of resource of both
 * designs.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSimulator } from '../../sim/index.ts';
import { findProvider, type RunningProvider, startProvider } from './provider.ts';
import { ACCOUNT, answers, clientEnvironment, instantSimulator, run } from './simulator.ts';

const provider = findProvider();
const have = provider !== undefined && answers('terraform', ['version']);
const how =
  'install terraform and put its AWS provider 5.x into a mirror, see BYOA_TERRAFORM_MIRROR in provider.ts';

/** The commands of one life of a stack, in order: each needs what the one before left. */
describe.skipIf(!have)(`Terraform's AWS provider (skipped: not found; ${how})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-terraform-'));
  let simulator: RunningSimulator;
  let running: RunningProvider;
  /** Both are Go programs that spend most of their time on collecting garbage, unless told to spare it. */
  const environment = () => ({ ...clientEnvironment(simulator.url, folder), GOGC: '800' });
  beforeAll(async () => {
    simulator = await instantSimulator();
    running = await startProvider(provider ?? '', environment());
    copyFileSync(fileURLToPath(new URL('terraform/main.tf', import.meta.url)), join(folder, 'main.tf'));
  });
  afterAll(async () => {
    await running.stop();
    await simulator.close();
    rmSync(folder, { recursive: true });
  });

  /** Runs a command; the exit code with what it said, where it is not one that is expected. */
  const terraform = async (expected: number, ...args: string[]): Promise<string> => {
    const env = {
      ...environment(),
      TF_REATTACH_PROVIDERS: running.reattach,
      TF_VAR_endpoint: simulator.url,
      TF_IN_AUTOMATION: '1',
      CHECKPOINT_DISABLE: '1',
    };
    const ran = await run('terraform', [...args, '-no-color'], { env, cwd: folder, timeoutMs: 240_000 });
    if (ran.code !== expected) {
      throw new Error(`terraform ${args.join(' ')} ended with ${ran.code}:\n${ran.stdout}\n${ran.stderr}`);
    }
    return ran.stdout;
  };
  const kinds = (): Readonly<Record<string, number>> => {
    const count: Record<string, number> = {};
    for (const instance of simulator.state().instances)
      count[instance.state] = (count[instance.state] ?? 0) + 1;
    return count;
  };

  it('applies, plans no change, updates in place, plans no change, and destroys all', async () => {
    await terraform(0, 'init');
    const applied = await terraform(0, 'apply', '-auto-approve');
    expect(applied).toMatch(/Apply complete! Resources: 37 added, 0 changed, 0 destroyed/);
    expect(applied).toContain(`account = "${ACCOUNT}"`);
    expect(kinds()).toEqual({ running: 3 });
    await terraform(0, 'plan', '-detailed-exitcode');
    const updated = await terraform(0, 'apply', '-auto-approve', '-refresh=false', '-var', 'owner=b');
    expect(updated).toMatch(/Resources: 0 added, 7 changed, 0 destroyed/);
    await terraform(0, 'plan', '-detailed-exitcode', '-var', 'owner=b');
    const destroyed = await terraform(0, 'destroy', '-auto-approve', '-refresh=false');
    expect(destroyed).toMatch(/Destroy complete! Resources: 37 destroyed/);
    expect(kinds()).toEqual({ terminated: 3 });
  }, 300_000);
});
