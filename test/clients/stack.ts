/**
 * One life of a Terraform stack against a simulator: the AWS provider, unmodified, started once for all
 * commands.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { findProvider, startProvider } from './provider.ts';
import { answers, clientEnvironment, run } from './simulator.ts';

const provider = findProvider();
const how =
  'install terraform and put its AWS provider 5.x into a mirror, see BYOA_TERRAFORM_MIRROR in provider.ts';

/** Why there is no Terraform to test with; undefined where there is. */
export const whyNoTerraform: string | undefined =
  provider !== undefined && answers('terraform', ['version']) ? undefined : `not found; ${how}`;

export interface Stack {
  readonly simulator: RunningSimulator;
  /** Runs a command and returns what it said; throws where it does not end with the code. */
  readonly terraform: (expected: number, ...args: string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** The content of a file of test/clients/terraform. */
export const configurationOf = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`terraform/${name}`, import.meta.url)), 'utf8');

/** Starts a simulator and the provider, with a configuration: the file's name, and its content. */
export async function openStack(file: string, content: string): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-terraform-'));
  // A new account has addresses for two of the designs.
  const simulator = await startSimulator({ profile: 'instant', knobs: { quotas: 'off' } });
  // Both are Go programs that spend most of their time on collecting garbage, unless told to spare it.
  const environment = { ...clientEnvironment(simulator.url, folder), GOGC: '800' };
  const running = await startProvider(provider ?? '', environment);
  writeFileSync(join(folder, 'provider.tf'), configurationOf('provider.tf'));
  writeFileSync(join(folder, file), content);
  const env = {
    ...environment,
    TF_REATTACH_PROVIDERS: running.reattach,
    TF_VAR_endpoint: simulator.url,
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
  };
  return {
    simulator,
    terraform: async (expected, ...args) => {
      const ran = await run('terraform', [...args, '-no-color'], { env, cwd: folder, timeoutMs: 480_000 });
      if (ran.code === expected) return ran.stdout;
      throw new Error(`terraform ${args.join(' ')} ended with ${ran.code}:\n${ran.stdout}\n${ran.stderr}`);
    },
    close: async () => {
      await running.stop();
      await simulator.close();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Events {
  /** Gets what the first command said while everything is there. */
  readonly applied?: (said: string) => void;
  /** What befalls the stack after the first plan; a second one follows. */
  readonly befall?: () => Promise<void>;
}

/**
 * One life of a stack: it applies, plans no change, updates in place for another owner, plans no change, and
 * destroys all that it made.
 */
export async function live({ terraform }: Stack, { applied, befall }: Events = {}): Promise<void> {
  const owner = ['-var', 'owner=b'];
  await terraform(0, 'init');
  const said = await terraform(0, 'apply', '-auto-approve');
  const count = /Plan: (\d+) to add, 0 to change, 0 to destroy/.exec(said)?.[1];
  expect(said).toContain(`Apply complete! Resources: ${count} added, 0 changed, 0 destroyed`);
  applied?.(said);
  await terraform(0, 'plan', '-detailed-exitcode');
  if (befall !== undefined) {
    await befall();
    await terraform(0, 'plan', '-detailed-exitcode');
  }
  const updated = await terraform(0, 'apply', '-auto-approve', '-refresh=false', ...owner);
  expect(updated).toMatch(/Resources: 0 added, [1-9]\d* changed, 0 destroyed/);
  await terraform(0, 'plan', '-detailed-exitcode', ...owner);
  const destroyed = await terraform(0, 'destroy', '-auto-approve', '-refresh=false', ...owner);
  expect(destroyed).toContain(`Destroy complete! Resources: ${count} destroyed`);
}
