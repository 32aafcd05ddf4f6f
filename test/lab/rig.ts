/** A lab for a test, started as people start one, and commands in its machines. Not a test itself. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answer, askOnce, type Found, findLab, type Question } from '../../sim/lab/ask.ts';
import { entering } from '../../sim/lab/root.ts';
import { inWrapper, missingForLab } from '../../sim/lab/wrapper.ts';
import type { World } from '../../sim/world/state.ts';
import { worldLines } from '../../sim/world/world-file.ts';

const BYOA = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));

/** What the lab's tests lack here. */
export function missingHere(): readonly string[] {
  const absent = ['nft', 'ping', 'curl'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return [...missingForLab(), ...absent.map((name) => `the program ${name}`)];
}

export interface Ran {
  readonly status: number | null;
  readonly out: string;
}

export interface Rig {
  /** `byoa lab up`. */
  readonly starter: ChildProcess;
  readonly lab: Found;
  readonly ready: string;
  /** Runs a shell script in a machine until it ends; both outputs in one text. */
  readonly run: (machine: string, script: string) => Promise<Ran>;
  /** Starts a program in a machine, as people do; what it says is read by the caller. */
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

/** Starts a lab with a world, or a design by its name. */
export async function startRig(what: World | string, options: readonly string[] = []): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-lab-'));
  const file = join(directory, 'world');
  if (typeof what !== 'string') writeFileSync(file, [...worldLines(what, 1)].join(''));
  const named = typeof what === 'string' ? what : file;
  const starter = spawn(process.execPath, [BYOA, 'lab', 'up', named, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ready = await said(starter, /byoa lab ready.*\n/).finally(() =>
    rmSync(directory, { recursive: true }),
  );
  process.once('exit', () => starter.kill('SIGKILL'));
  const lab = findLab(starter.pid);
  const commandIn = async (machine: string, command: readonly string[]): Promise<readonly string[]> => {
    if (machine === 'lab') return inWrapper(lab.pid, command);
    const answer = await askOnce(lab, { kind: 'enter', machine });
    if (answer.kind !== 'entered') throw new Error(`not entered: ${JSON.stringify(answer)}`);
    return inWrapper(lab.pid, entering(answer.id, answer.root, command));
  };
  return {
    starter,
    lab,
    ready,
    run: async (machine, script) => {
      const [program = '', ...args] = await commandIn(machine, ['bash', '-c', script]);
      const ended = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
      return { status: ended.status, out: ended.stdout + ended.stderr };
    },
    start: (machine, command, input = 'ignore') => {
      const args = [BYOA, 'lab', 'exec', '--lab', String(starter.pid), machine, ...command];
      return spawn(process.execPath, args, { stdio: [input, 'pipe', 'pipe'] });
    },
    ask: (question) => askOnce(lab, question),
    close: async () => {
      if (starter.exitCode !== null || starter.signalCode !== null) return;
      const ended = new Promise((resolve) => starter.once('exit', resolve));
      await askOnce(lab, { kind: 'down' }).catch(() => starter.kill('SIGKILL'));
      await ended;
    },
  };
}
