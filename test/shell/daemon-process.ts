/** A `byoa` process for tests: its log lines, its end. Not a test itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { controllerPart } from '../../bin/controller-part.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
const PATIENCE_MS = 60_000;

/**
 * The sources, or the bundle that `npm test` makes of the daemon, which starts in a fraction of the time.
 * `plan` reads worlds, which the bundle does not know.
 */
function programOf(command = ''): string {
  const { BYOA_BUNDLE: bundle } = process.env;
  const isIn = command !== 'plan' && Object.hasOwn(controllerPart.commands, command);
  return bundle !== undefined && isIn ? bundle : PROGRAM;
}

export interface LogLine {
  readonly topic: string;
  readonly msg: string;
  readonly at: number;
}

export interface DaemonProcess {
  readonly child: ChildProcess;
  readonly lines: readonly LogLine[];
  readonly errors: () => string;
  /** The first line that matches, past or to come. */
  logged(matches: (line: LogLine) => boolean, what: string): Promise<LogLine>;
  /** Resolves to the exit code, or to the signal. */
  readonly ended: Promise<number | string>;
}

/** `by` are the words of a program that starts it, such as `ip netns exec NAME`. */
export function startByoa(
  args: readonly string[],
  environment: Record<string, string> = {},
  by: readonly string[] = [],
): DaemonProcess {
  const [program = '', ...words] = [...by, process.execPath, programOf(args[0]), ...args];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const lines: LogLine[] = [];
  let errors = '';
  const checks = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line));
    for (const check of checks) check();
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    errors += part;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const story = (): string => `${lines.map(({ topic, msg }) => `${topic}: ${msg}`).join('\n')}\n${errors}`;
  return {
    child,
    lines,
    errors: () => errors,
    ended,
    logged: (matches, what) =>
      new Promise((resolve, reject) => {
        const finish = (): void => {
          clearTimeout(timer);
          checks.delete(check);
        };
        const check = (): void => {
          const line = lines.find(matches);
          if (line === undefined) return;
          finish();
          resolve(line);
        };
        const timer = setTimeout(() => {
          finish();
          reject(new Error(`never logged: ${what}\n${story()}`));
        }, PATIENCE_MS);
        void ended.then(() => {
          finish();
          reject(new Error(`ended before it logged ${what}\n${story()}`));
        });
        checks.add(check);
        check();
      }),
  };
}

/** Runs a command of `byoa` to its end. */
export function byoa(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [programOf(args[0]), ...args], {
      env: { ...process.env, ...environment },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      stdout += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      stderr += part;
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
