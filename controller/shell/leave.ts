/** `byoa leave`: hands over what the own appliance has before its machine stops, as at a shutdown. */
import { setTimeout as pause } from 'node:timers/promises';
import { parseDuration } from '../config/units.ts';
import { keptOf, LAST_PACKETS_MS, LOOK_EVERY_MS } from '../failover/handover.ts';
import type { Status } from '../failover/status.ts';
import { type AskOptions, socketOf } from './ask.ts';
import { askDaemon } from './control.ts';

const ASK_MS = 2000;

export interface LeaveOptions extends AskOptions {
  /** How long it waits for somebody to take over. */
  readonly wait: string;
}

/**
 * Tells the daemon that its machine is about to stop, and waits until others have what its appliance had.
 * Exit code 1 where they have not in time. Without a daemon there is nothing to hand over.
 */
export async function leaveService(options: LeaveOptions): Promise<void> {
  const wait = parseDuration(options.wait);
  if (!wait.ok) throw new Error(`--wait '${options.wait}' is no duration: write it as 90s or 2m`);
  const socket = await socketOf(options);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const answer = await askDaemon(socket, { kind: 'leave' }, ASK_MS).catch(() => undefined);
  if (answer === undefined) return say('No daemon answers: there is nothing to hand over.');
  const end = performance.now() + wait.value;
  for (;;) {
    const status = await askDaemon(socket, { kind: 'status' }, ASK_MS).catch(() => undefined);
    if (status === undefined) return say('The daemon has ended.');
    const owned = keptOf(status.body as Status);
    if (owned.length === 0) break;
    if (performance.now() > end) {
      process.exitCode = 1;
      return say(
        `Nobody has taken over ${owned.join(', ')} within ${options.wait}: the machine stops with it.`,
      );
    }
    await pause(LOOK_EVERY_MS);
  }
  await pause(LAST_PACKETS_MS);
  say('Everything is handed over.');
}
