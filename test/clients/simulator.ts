/**
 * A simulator for client tests, and programs of the machine run against it with nothing of the user's own
 * settings.
 */
import { spawn, spawnSync } from 'node:child_process';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-central-1';

export const instantSimulator = (): Promise<RunningSimulator> => startSimulator({ profile: 'instant' });

/** What a client needs to know in its environment; the access key is the account. */
export function clientEnvironment(url: string, folder: string): NodeJS.ProcessEnv {
  const { PATH, PYENV_VERSION } = process.env;
  return {
    PATH,
    ...(PYENV_VERSION !== undefined && { PYENV_VERSION }),
    HOME: folder,
    AWS_ACCESS_KEY_ID: ACCOUNT,
    AWS_SECRET_ACCESS_KEY: 'simulated',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ENDPOINT_URL: url,
    AWS_CONFIG_FILE: `${folder}/none`,
    AWS_SHARED_CREDENTIALS_FILE: `${folder}/none`,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a program that is still there after `timeoutMs` is killed and says so. */
export function run(
  program: string,
  args: readonly string[],
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly input?: string;
    readonly timeoutMs?: number;
  },
): Promise<Ran> {
  const { env, cwd, input = '', timeoutMs = 60_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, ...(cwd !== undefined && { cwd }) });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      stderr += `\n${program} was killed: it ran longer than ${timeoutMs} ms`;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
    child.stdin.end(input);
  });
}

/** Whether a program is there and answers. */
export function answers(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { timeout: 30_000 }).status === 0;
}
