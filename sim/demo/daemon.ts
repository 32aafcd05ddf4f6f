/** A failover daemon as the demonstration runs it: a process of its own, attached to a simulated instance. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Instant } from '../../controller/base/time.ts';
import type { Observation } from './report.ts';

/** One line of a daemon's log, as far as timelines need it. */
interface LogLine {
  readonly at: Instant;
  readonly topic: string;
  readonly text: string;
  readonly durationMs?: number;
}

export interface Daemon {
  readonly name: string;
  readonly process: ChildProcess;
  readonly observations: Observation[];
  /**
   * Resolves when a line with this topic (and text) has been logged, rejects after `timeoutMs` or when the
   * process ends.
   */
  logged(wanted: { topic: string; text?: RegExp }, timeoutMs: number): Promise<void>;
  /** Ends the process, politely first; resolves when it has ended. */
  stop(): Promise<void>;
}

const GRACE_MS = 3_000;

function parseLine(line: string): LogLine | undefined {
  try {
    const parsed: Record<string, unknown> = JSON.parse(line);
    const { at, topic, msg, ms } = parsed;
    if (typeof at !== 'number' || typeof topic !== 'string' || typeof msg !== 'string') return undefined;
    return { at, topic, text: msg, ...(typeof ms === 'number' ? { durationMs: ms } : {}) };
  } catch {
    return undefined;
  }
}

/** Starts `byoa run` on a configuration file, attached to `instance` of the simulator at `url`. */
export function startDaemon(spec: {
  readonly name: string;
  readonly program: string;
  readonly configFile: string;
  /** As `--attach` takes it: URL#INSTANCE. */
  readonly target: string;
}): Daemon {
  const child = spawn(
    process.execPath,
    [spec.program, 'run', '--config', spec.configFile, '--attach', spec.target],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const observations: Observation[] = [];
  const errors: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const parsed = parseLine(line);
    if (parsed) observations.push({ ...parsed, who: `daemon ${spec.name}` });
    for (const check of waiting) check();
  });
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  child.once('exit', () => {
    for (const check of waiting) check();
  });
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;

  const logged: Daemon['logged'] = ({ topic, text }, timeoutMs) =>
    new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        waiting.delete(check);
        act();
      };
      const check = (): void => {
        if (observations.some((one) => one.topic === topic && (text?.test(one.text) ?? true)))
          finish(resolve);
        else if (ended())
          finish(() => reject(new Error(`daemon ${spec.name} ended: ${errors.slice(-5).join(' | ')}`)));
      };
      const late = `daemon ${spec.name} did not log '${topic}' in ${timeoutMs} ms: ${errors.slice(-5).join(' | ')}`;
      const timer = setTimeout(() => finish(() => reject(new Error(late))), timeoutMs);
      waiting.add(check);
      check();
    });

  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      if (ended()) return resolve();
      const force = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      child.once('exit', () => {
        clearTimeout(force);
        resolve();
      });
      child.kill('SIGTERM');
    });

  return { name: spec.name, process: child, observations, logged, stop };
}
