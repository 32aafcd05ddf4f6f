/**
 * Runs a program with a time limit; at its end the whole process group is killed, so that no child survives
 * it.
 */
import { spawn } from 'node:child_process';
import type { Millis } from '../base/time.ts';

export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly said: string }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'timeout' }
  /** It could not be started. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface CommandRequest {
  readonly command: readonly string[];
  readonly timeoutMs: Millis;
  /** Added to the daemon's own environment. */
  readonly environment: Readonly<Record<string, string>>;
}

const SAID_CHARS = 400;

/** Starts the program; `done` is called once. `said` is the last line of its standard error. */
export function runCommand(request: CommandRequest, done: (end: CommandEnd) => void): void {
  const [program = '', ...args] = request.command;
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...request.environment },
  });
  let said = '';
  let over = false;
  const finish = (end: CommandEnd): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    killGroup(child.pid);
    done(end);
  };
  const timer = setTimeout(() => finish({ kind: 'timeout' }), request.timeoutMs);
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said = (said + part).slice(-SAID_CHARS);
  });
  child.on('error', (error) => finish({ kind: 'failed', reason: `cannot run ${program}: ${error.message}` }));
  child.on('exit', (code, signal) => {
    // What it said may still be in the pipe for a moment.
    setImmediate(() => {
      if (code === null) finish({ kind: 'signalled', signal: signal ?? 'a signal' });
      else finish({ kind: 'exited', code, said: said.trim().split('\n').at(-1) ?? '' });
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}
