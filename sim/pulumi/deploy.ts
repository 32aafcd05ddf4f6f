/**
 * A test engine for Pulumi programs: runs an unmodified program by the SDK's own `cmd/run` and deploys what
 * it registers, without the Pulumi CLI. It is for tests and demonstrations against a simulator; users with
 * the CLI use the CLI. It has no encryption of secrets, import, transforms, hooks or targets, and says so
 * where met.
 */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { awsProvider } from './aws/provider.ts';
import { type InlineProgram, runInline } from './inline.ts';
import { startMonitor } from './monitor.ts';
import type { ProviderFactory } from './provider.ts';
import { refreshAll } from './refresh.ts';
import { deleteAll } from './remove.ts';
import { type DeployEvent, type Operation, type Stack, type Step, save } from './stack.ts';
import { lockState, readState } from './state.ts';
import { hasSecret, type Properties, revealedProperties } from './value.ts';

export type { InlineProgram } from './inline.ts';
export type { DeployEvent, Operation, Step } from './stack.ts';

export interface DeployOptions {
  readonly operation: Operation;
  /** A file, a folder with an `index.ts`, or a function of this process. */
  readonly program: string | InlineProgram;
  readonly project: string;
  readonly stack: string;
  /** Keys as in `Pulumi.<stack>.yaml`: `byoa:design`, `aws:region`, `aws:endpoints` (JSON). */
  readonly config: Readonly<Record<string, string>>;
  /** Those of the keys whose values are secret. */
  readonly secretKeys?: readonly string[];
  readonly stateFile: string;
  readonly onEvent?: (event: DeployEvent) => void;
  /** By package; the AWS provider of this folder where absent. */
  readonly providers?: Readonly<Record<string, ProviderFactory>>;
  /** Where plugins of components listen, by package: `127.0.0.1:port`. */
  readonly plugins?: Readonly<Record<string, string>>;
  /** Registrations in flight. */
  readonly parallel?: number;
}

export interface DeployResult {
  /** In the order in which they were done. */
  readonly steps: readonly Step[];
  /** The stack's outputs, with secrets laid open. */
  readonly outputs: Properties;
  readonly secretOutputs: readonly string[];
  readonly elapsedMs: number;
}

/** Thrown where a deployment stopped; the state has all that was done before. */
export class DeployError extends Error {
  readonly steps: readonly Step[];

  constructor(message: string, steps: readonly Step[]) {
    super(message);
    this.name = 'DeployError';
    this.steps = steps;
  }
}

/** Carries out one operation; rejects with a `DeployError` that says what failed and what to do. */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const began = performance.now();
  const unlock = lockState(options.stateFile);
  let stack: Stack | undefined;
  try {
    stack = openStack(options);
    await operate(stack, options);
    if (stack.failure !== undefined) throw stack.failure;
    return result(stack, performance.now() - began);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const done = stack?.steps.filter((step) => step.kind !== 'same').length ?? 0;
    const kept =
      stack === undefined || stack.dry
        ? ''
        : ` ${done} change(s) were made before and are kept in ${options.stateFile};`;
    const again = /ECONNREFUSED/.test(why)
      ? 'start the simulator (byoa sim), or give the endpoint where it listens'
      : 'correct the cause and run it again';
    throw new DeployError(
      `${options.operation} of stack '${options.stack}' stopped: ${why}.${kept} ${again}.`,
      stack?.steps ?? [],
    );
  } finally {
    for (const provider of stack?.providers.values() ?? []) provider.close();
    unlock();
  }
}

function openStack(options: DeployOptions): Stack {
  const resources = readState(options.stateFile);
  return {
    project: options.project,
    name: options.stack,
    dry: options.operation === 'preview',
    stateFile: options.stateFile,
    config: options.config,
    factories: options.providers ?? { aws: awsProvider },
    providers: new Map(),
    plugins: options.plugins ?? {},
    onEvent: options.onEvent ?? (() => undefined),
    before: new Map(resources.filter((one) => one.delete !== true).map((one) => [one.urn, one])),
    now: new Map(),
    retired: new Set(resources.filter((one) => one.delete === true)),
    steps: [],
    failure: undefined,
    rootUrn: '',
  };
}

async function operate(stack: Stack, options: DeployOptions): Promise<void> {
  switch (options.operation) {
    case 'preview':
    case 'up':
      return runProgram(stack, options);
    case 'refresh':
      return refreshAll(stack);
    case 'destroy':
      await deleteAll(stack, [...stack.before.values(), ...stack.retired]);
      return save(stack);
  }
}

function result(stack: Stack, elapsedMs: number): DeployResult {
  const all = [...stack.now.values(), ...stack.before.values()];
  const outputs = all.find((one) => one.type === 'pulumi:pulumi:Stack')?.outputs ?? {};
  return {
    steps: stack.steps,
    outputs: revealedProperties(outputs),
    secretOutputs: Object.keys(outputs).filter((key) => hasSecret(outputs[key] ?? null)),
    elapsedMs,
  };
}

const require = createRequire(import.meta.url);

/** The file of a program; a folder's is its index. */
function entryOf(program: string): string {
  const candidates = [program, join(program, 'index.ts'), join(program, 'index.js')];
  const found = candidates.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  if (found !== undefined) return found;
  throw new Error(`there is no Pulumi program at ${program}; name its file, or a folder with an index.ts`);
}

const PARALLEL = 16;

async function runProgram(stack: Stack, options: DeployOptions): Promise<void> {
  const monitor = await startMonitor(stack);
  const { program, config, secretKeys = [], parallel = PARALLEL } = options;
  try {
    const { address } = monitor;
    const { project, name, dry } = stack;
    const why =
      typeof program === 'string'
        ? await runProcess(stack, options, address, entryOf(resolve(program)))
        : await Promise.race([
            runInline({ program, address, project, stack: name, config, secretKeys, dry, parallel }),
            monitor.stopped().then(() => 'it waits for what failed'),
          ]);
    if (stack.failure === undefined && !monitor.isFinished())
      stack.failure = new Error(`the program ended before it was deployed: ${why}`);
  } finally {
    monitor.close();
    save(stack);
  }
}

/** Runs the program in a process of its own, as Pulumi's language host does; resolves to how it ended. */
async function runProcess(
  stack: Stack,
  options: DeployOptions,
  address: string,
  program: string,
): Promise<string> {
  const child = spawn(process.execPath, programArguments(stack, options, address, program), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(options.config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(options.secretKeys ?? []),
    },
  });
  const stderr: string[] = [];
  tell(child.stdout, (text) => stack.onEvent({ kind: 'message', severity: 'info', text }));
  tell(child.stderr, (text) => stderr.push(text));
  const ended = await new Promise<string>((done, failed) => {
    child.once('error', failed);
    child.once('close', (code, signal) => done(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  return `${ended}: ${stderr.slice(-20).join('\n')}`;
}

/**
 * Loaded before the program: it ends when this process, which holds its input, is gone, instead of waiting
 * for an engine without end. And errors have no colours: messages are not for a terminal here; and Node 20
 * colours a stack that names a file directly in `node_modules/@scope/`, as the SDK's source maps do, without
 * end until memory is short.
 */
const PRELOADED = `data:text/javascript,${encodeURIComponent(`
import util from 'node:util';
const { inspect } = util;
const plain = (value, options) => inspect(value, typeof options === 'object' ? { ...options, colors: false } : {});
util.inspect = Object.assign(plain, inspect);
process.stdin.on('end', () => process.exit(1)).resume().unref();
`)}`;

function programArguments(
  stack: Stack,
  options: DeployOptions,
  address: string,
  program: string,
): readonly string[] {
  const pwd = dirname(program);
  const flags: Readonly<Record<string, string>> = {
    monitor: address,
    engine: address,
    project: options.project,
    stack: options.stack,
    'root-directory': pwd,
    pwd,
    parallel: String(options.parallel ?? PARALLEL),
  };
  return [
    '--import',
    PRELOADED,
    '--import',
    pathToFileURL(require.resolve('tsx')).href,
    require.resolve('@pulumi/pulumi/cmd/run/index.js'),
    ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
    ...(stack.dry ? ['--dry-run'] : []),
    basename(program),
  ];
}

function tell(stream: Readable, each: (line: string) => void): void {
  createInterface({ input: stream }).on('line', (line) => {
    if (line.trim() !== '') each(line);
  });
}
