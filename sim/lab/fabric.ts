/** The fabric's thread as the main thread sees it. */
import { Worker } from 'node:worker_threads';
import { unreachable } from '../../controller/base/result.ts';
import { closeLater, openEventFd, ring } from './linux.ts';
import type { Captured, Counts, FromThread, SeenPacket, ThreadData, ToThread } from './message.ts';

export interface Heard {
  readonly asker: (alias: string, eni: string) => void;
  readonly seen: (packets: readonly SeenPacket[], missed: number) => void;
  readonly captured: (frames: readonly Captured[]) => void;
  /** Something went wrong over there; without `goesOn` no packet moves any more. */
  readonly fault: (text: string, goesOn: boolean) => void;
}

export interface FabricThread {
  readonly tell: (message: ToThread) => void;
  /** Resolves when all that was told before has been done. */
  readonly settled: () => Promise<Counts>;
  readonly stop: () => Promise<void>;
}

/** A thread has no loader from its parent: it reads TypeScript by its own. */
function startThread(data: ThreadData): Worker {
  const options = { workerData: data, name: 'fabric', execArgv: [] };
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./thread.js', import.meta.url), options);
  const source = JSON.stringify(new URL('./thread.ts', import.meta.url).href);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const text = `import(${loader}).then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(text, { ...options, eval: true });
}

/** Starts the thread; resolves when it forwards. */
export function startFabric(options: Omit<ThreadData, 'bell'>, heard: Heard): Promise<FabricThread> {
  const bell = openEventFd();
  const thread = startThread({ ...options, bell });
  const asked = new Map<number, (counts: Counts) => void>();
  let requests = 0;
  let stopping = false;
  const tell = (message: ToThread): void => {
    thread.postMessage(message);
    ring(bell);
  };
  const fabric: FabricThread = {
    tell,
    settled: () =>
      new Promise((resolve) => {
        asked.set(++requests, resolve);
        tell({ kind: 'ask', request: requests });
      }),
    stop: async () => {
      stopping = true;
      // It waits for frames: what wakes it is the bell.
      const ended = thread.terminate();
      ring(bell);
      await ended;
    },
  };
  return new Promise((resolve, reject) => {
    const hear = (message: FromThread): void => {
      switch (message.kind) {
        case 'ready':
          resolve(fabric);
          break;
        case 'done':
          asked.get(message.request)?.(message.counts);
          asked.delete(message.request);
          break;
        case 'close':
          closeLater(message.fd, () => tell({ kind: 'closed' }));
          break;
        case 'asker':
          heard.asker(message.alias, message.eni);
          break;
        case 'seen':
          heard.seen(message.packets, message.missed);
          break;
        case 'captured':
          heard.captured(message.frames);
          break;
        case 'fault':
          heard.fault(message.text, true);
          break;
        default:
          unreachable(message);
      }
    };
    thread.on('message', hear);
    thread.once('error', (error) => {
      reject(error);
      if (!stopping) heard.fault(error.stack ?? error.message, false);
    });
  });
}
