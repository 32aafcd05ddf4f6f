/**
 * Endpoints as child processes in a lab, and the speaker under test between them: what every case is made of.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { familyOf, type Host, type Running } from '../../test/interop/lab.ts';
import type { Answer, Order } from './endpoint.ts';

const PROGRAM = fileURLToPath(new URL('endpoint.ts', import.meta.url));
const LOADER = import.meta.resolve('tsx');

export interface Endpoint {
  readonly host: Host;
  readonly as: number;
  readonly order: (order: Order) => void;
  /** The next answer of that kind; one that came before counts once. Rejects after `limitMs`, or on loss. */
  readonly answer: (op: Answer['op'], limitMs?: number) => Promise<number>;
  readonly end: () => Promise<void>;
}

const LIMIT_MS = 180_000;

/** An endpoint in a host, not connected yet. */
export function startEndpoint(host: Host, as: number): Endpoint {
  const command = ['netns', 'exec', host.namespace, process.execPath, '--import', LOADER, PROGRAM];
  const child: ChildProcess = spawn('ip', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const said: Answer[] = [];
  const waiting = new Set<() => void>();
  child.on('message', (answer: Answer) => {
    said.push(answer);
    for (const wake of [...waiting]) wake();
  });
  const answer = (op: Answer['op'], limitMs = LIMIT_MS): Promise<number> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        waiting.delete(look);
      };
      const look = (): void => {
        const index = said.findIndex((one) => one.op === op);
        const [found] = index < 0 ? [] : said.splice(index, 1);
        const lost = said.find((one) => one.op === 'lost');
        if (found !== undefined) {
          stop();
          resolve(found.at);
        } else if (lost?.op === 'lost') {
          stop();
          reject(new Error(`${host.name} lost its session: ${lost.reason}`));
        }
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${host.name}: no '${op}' within ${limitMs / 1000} s`));
      }, limitMs);
      waiting.add(look);
      look();
    });
  return {
    host,
    as,
    order: (order) => child.send(order),
    answer,
    end: async () => {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Peak resident memory of a process and all that it started, MB of 2^20 bytes. */
export function peakMemory(running: readonly Running[]): number {
  const kilobytes = running
    .flatMap(({ pid }) => familyOf(pid))
    .map((pid) => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0));
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

/** Time that a process and all that it started kept a processor busy, s. */
export function busyTime(running: readonly Running[]): number {
  const ticks = running
    .flatMap(({ pid }) => familyOf(pid))
    .map((pid) => {
      const after = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return Number(after[11] ?? 0) + Number(after[12] ?? 0);
    });
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}
