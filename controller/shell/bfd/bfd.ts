/**
 * BFD in production, seen from the main thread: starts the thread that runs it, and passes on what it says.
 * Only changes of state come back; packets never do.
 */
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { unreachable } from '../../base/result.ts';
import type { BfdChange, BfdStatus } from '../../bfd/event.ts';
import { now } from '../clock.ts';
import {
  type BfdOrder,
  type FromThread,
  type LogLevel,
  sharedClock,
  type ThreadData,
  type ToThread,
} from './message.ts';
import { threadProgram } from './program.ts';

export interface BfdHandlers {
  readonly onChange: (change: BfdChange) => void;
  readonly onLog: (level: LogLevel, text: string) => void;
  /**
   * Something keeps a session from working, or, without `session`, all of them for good: what, where, why,
   * and what to do.
   */
  readonly onFault: (text: string, session?: string) => void;
  /**
   * Real-time scheduling (SCHED_FIFO), so that other programs cannot hold BFD up either: `true` says so
   * in the log where the process may not, `false` does without. Absent: where it may.
   */
  readonly fifo?: boolean;
}

export interface RunningBfd {
  /** Never waits; orders are carried out in turn. */
  post(order: BfdOrder): void;
  status(): Promise<readonly BfdStatus[]>;
  /** Tells every peer AdminDown, and ends the thread. */
  stop(): Promise<void>;
}

function startThread(data: ThreadData): Worker {
  const program = threadProgram();
  // The flags of this process are not for the thread: it needs no loader, and `--input-type` would end it.
  const options = { workerData: data, name: 'bfd', execArgv: [] };
  return program.kind === 'file'
    ? new Worker(program.url, options)
    : new Worker(program.text, { ...options, eval: true });
}

const STOP_LIMIT_MS = 1000;

/** Starts BFD without sessions. */
export function startBfd({ onChange, onLog, onFault, fifo }: BfdHandlers): RunningBfd {
  const thread = startThread({
    clockOffsetMs: now() - sharedClock(),
    seed: randomBytes(16).toString('hex'),
    ...(fifo === undefined ? {} : { fifo }),
  });
  const asked = new Map<number, (sessions: readonly BfdStatus[]) => void>();
  let requests = 0;
  let running = true;
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    thread.once('exit', () => {
      if (running && !stopping) onFault('the BFD thread ended by itself; restart byoa');
      running = false;
      for (const answer of asked.values()) answer([]);
      asked.clear();
      resolve();
    });
  });
  const tell = (message: ToThread): void => {
    if (running) thread.postMessage(message);
  };
  thread.on('error', (error) => {
    running = false;
    onFault(`the BFD thread failed (${error.stack ?? error.message}); BFD is off until byoa is restarted`);
  });
  thread.on('message', (message: FromThread) => {
    switch (message.kind) {
      case 'change':
        return onChange(message.change);
      case 'log':
        return onLog(message.level, message.text);
      case 'fault':
        return onFault(message.text, message.session);
      case 'status':
        asked.get(message.request)?.(message.sessions);
        asked.delete(message.request);
        return;
      default:
        return unreachable(message);
    }
  });
  return {
    post: (order) => tell({ kind: 'order', order }),
    status: () =>
      new Promise((resolve) => {
        if (!running) return resolve([]);
        requests++;
        asked.set(requests, resolve);
        tell({ kind: 'status', request: requests });
      }),
    async stop() {
      stopping = true;
      tell({ kind: 'stop' });
      const timer = setTimeout(() => void thread.terminate(), STOP_LIMIT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
