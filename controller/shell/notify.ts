/**
 * Tells systemd how the daemon is: sd_notify(3), where NOTIFY_SOCKET is set; the watchdog where WATCHDOG_USEC
 * is.
 */
import { sendUnixDatagram } from './libc.ts';

export interface Notifier {
  /** The daemon is up: READY=1, and from now on the watchdog is fed. */
  ready(status: string): void;
  reloading(): void;
  stopping(): void;
  close(): void;
}

export function createNotifier(environment: NodeJS.ProcessEnv): Notifier {
  const socket = environment.NOTIFY_SOCKET;
  const watchdogUs = Number(environment.WATCHDOG_USEC ?? 0);
  let timer: NodeJS.Timeout | undefined;
  const say = (text: string): void => {
    if (socket !== undefined && socket !== '') sendUnixDatagram(socket, text);
  };
  return {
    ready(status) {
      say(`READY=1\nSTATUS=${status}`);
      if (watchdogUs > 0 && timer === undefined)
        timer = setInterval(() => say('WATCHDOG=1'), watchdogUs / 2000);
    },
    reloading: () => say(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => say('STOPPING=1'),
    close: () => clearInterval(timer),
  };
}
