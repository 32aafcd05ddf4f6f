/**
 * Tells when the machine itself stood still: on one CPU, before all other processes, it looks at the clock
 * every millisecond, and prints a line of JSON for each time that it could not. A virtual machine has such
 * moments when its host runs others; nobody's BFD can send a packet then.
 */
import { sharedClock } from '../../controller/shell/bfd/message.ts';
import { setRealTime } from '../../controller/shell/libc.ts';

export interface Stall {
  /** When it was over, on the monotonic clock of the machine, and how long it was, ms. */
  readonly at: number;
  readonly ms: number;
}

const LEAST_MS = 5;

setRealTime(30);
let last = sharedClock();
setInterval(() => {
  const at = sharedClock();
  const stall: Stall = { at, ms: at - last };
  if (stall.ms > LEAST_MS) process.stdout.write(`${JSON.stringify(stall)}\n`);
  last = at;
}, 1);
