/** A lab that this process starts as people do, and commands in its machines. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Logged } from '../world/happening.ts';
import { type Answer, askOnce, type Found, findLab, type Question } from './ask.ts';
import { entering } from './root.ts';
import { inWrapper } from './wrapper.ts';

/** The command that runs this program, whatever started it. */
export function ownCommand(): readonly string[] {
  const [, script = ''] = process.argv;
  return [process.execPath, ...process.execArgv, script];
}

export interface Ran {
  readonly status: number | null;
  readonly out: string;
}

export interface StartedLab {
  /** `byoa lab up`. */
  readonly starter: ChildProcess;
  readonly lab: Found;
  readonly ready: string;
  /** Runs a shell script in a machine until it ends; both outputs in one text. */
  readonly run: (machine: string, script: string) => Promise<Ran>;
  /**
   * Starts a program in a machine, as people do, by a process that does not stop with the machine; what it
   * says is read by the caller.
   */
  readonly start: (machine: string, command: readonly string[], input?: 'ignore' | 'pipe') => ChildProcess;
  readonly ask: (question: Question) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

/** What a child says until a pattern matches; fails with all that it said where it ends before. */
export function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const hear = (chunk: Buffer): void => {
      text += chunk.toString();
      if (pattern.test(text)) resolve(text);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(`it ended and had said: ${text}`)));
  });
}

const RUN_LIMIT_MS = 20_000;

/** Runs a command to its end; it is killed after a while. */
function ended(program: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_LIMIT_MS });
  let out = '';
  const hear = (chunk: Buffer): void => {
    out += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, out }));
  });
}

/**
 * Starts a lab with a world file, or a design by its name, by a command line of byoa (`program`); it ends
 * with this process at the latest.
 */
export async function startLabOf(
  program: readonly string[],
  what: string,
  options: readonly string[],
): Promise<StartedLab> {
  // It ends with this process, however that ends.
  const args = ['--pdeathsig', 'KILL', ...program, 'lab', 'up', what, ...options];
  const starter = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ready = await said(starter, /byoa lab ready.*\n/);
  const lab = findLab(starter.pid);
  const commandIn = async (machine: string, inner: readonly string[]): Promise<readonly string[]> => {
    if (machine === 'lab') return inWrapper(lab.pid, inner);
    const answer = await askOnce(lab, { kind: 'enter', machine });
    if (answer.kind !== 'entered') throw new Error(`not entered: ${JSON.stringify(answer)}`);
    return inWrapper(lab.pid, entering(answer.id, answer.root, inner));
  };
  return {
    starter,
    lab,
    ready,
    run: async (machine, script) => {
      const [first = '', ...rest] = await commandIn(machine, ['bash', '-c', script]);
      return ended(first, rest);
    },
    start: (machine, inner, input = 'ignore') => {
      const within = ['lab', 'exec', '--lab', String(starter.pid), machine];
      const [first = '', ...rest] = [...program, ...within, ...inner];
      return spawn(first, rest, { stdio: [input, 'pipe', 'pipe'] });
    },
    ask: (question) => askOnce(lab, question),
    close: async () => {
      if (starter.exitCode !== null || starter.signalCode !== null) return;
      const gone = new Promise((resolve) => starter.once('exit', resolve));
      await askOnce(lab, { kind: 'down' }).catch(() => starter.kill('SIGKILL'));
      await gone;
    },
  };
}

/** After every event: then there is nothing but the number of the last one. */
export const LATER = Number.MAX_SAFE_INTEGER;

/** What happened in the world of a lab after an event, and the number of the last one. */
export async function eventsIn(
  { ask }: StartedLab,
  since: number,
): Promise<{ readonly events: readonly Logged[]; readonly last: number }> {
  const answer = await ask({ kind: 'events', since });
  return answer.kind === 'events' ? answer : { events: [], last: 0 };
}
