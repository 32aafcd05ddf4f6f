/**
 * Finds and starts Terraform's AWS provider. It runs as one process for all commands of a test (as its
 * debuggers do): otherwise each command starts it several times, at seconds of CPU each.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PROVIDER = 'registry.terraform.io/hashicorp/aws';

const entries = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** Terraform's implied mirror folders, the one of BYOA_TERRAFORM_MIRROR, and mirrors right below /opt. */
function mirrors(): string[] {
  const given = process.env.BYOA_TERRAFORM_MIRROR;
  return [
    ...(given === undefined ? [] : [given]),
    join(homedir(), '.terraform.d/plugins'),
    join(homedir(), '.local/share/terraform/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
    ...entries('/opt').map((name) => join('/opt', name)),
  ];
}

/** The path of an AWS provider 5.x for this machine, or undefined. */
export function findProvider(): string | undefined {
  const machine = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;
  for (const mirror of mirrors()) {
    const versions = entries(join(mirror, PROVIDER)).filter((version) => version.startsWith('5.'));
    for (const version of versions.toSorted().toReversed()) {
      const folder = join(mirror, PROVIDER, version, machine);
      const name = entries(folder).find((each) => each.startsWith('terraform-provider-aws'));
      if (name !== undefined) return join(folder, name);
    }
  }
  return undefined;
}

export interface RunningProvider {
  /** What TF_REATTACH_PROVIDERS must be. */
  readonly reattach: string;
  readonly stop: () => Promise<void>;
}

/** Starts the provider and resolves when terraform can attach to it. */
export function startProvider(path: string, env: NodeJS.ProcessEnv): Promise<RunningProvider> {
  const child = spawn(path, ['-debug'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => fail('it was not ready after 60 s'), 60_000);
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`The Terraform provider ${path} cannot be attached to: ${why}\n${said}`));
    };
    const heard = (chunk: Buffer): void => {
      said += chunk;
      const reattach = /TF_REATTACH_PROVIDERS='(.*)'/.exec(said)?.[1];
      if (reattach === undefined) return;
      clearTimeout(timer);
      resolve({ reattach, stop: () => stop(child) });
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code) => fail(`it ended with code ${code}`));
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
