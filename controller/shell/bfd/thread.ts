/**
 * The BFD thread: `program.ts` names this file, or its text in a bundle, as the program of a worker. It does
 * nothing but BFD, so that nothing that the main thread does can hold up a packet.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../../base/result.ts';
import { setRealTime } from '../libc.ts';
import { Driver } from './driver.ts';
import { type FromThread, sharedClock, type ThreadData, type ToThread } from './message.ts';

/** Above the usual, below what the kernel's own threads have. sched(7). */
const PRIORITY = 10;

const port = present(parentPort, 'the main thread');
const data: ThreadData = workerData;
const say = (message: FromThread): void => port.postMessage(message);

if (data.fifo !== false) {
  const done = setRealTime(PRIORITY);
  if (!done.ok) {
    const remedy = 'other programs may hold packets up; give the daemon CAP_SYS_NICE';
    const text = `BFD runs without real-time scheduling (${done.error}): ${remedy}`;
    say({ kind: 'log', level: data.fifo ? 'warn' : 'debug', text });
  }
}

const driver = new Driver({
  seed: data.seed,
  now: () => Math.round((sharedClock() + data.clockOffsetMs) * 1000) / 1000,
  say,
  ended: () => port.close(),
});
port.on('message', (message: ToThread) => driver.take(message));
