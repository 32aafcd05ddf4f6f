/**
 * Drives the BFD machine with sockets and one timer. It runs in a thread that does nothing else, and knows
 * nothing of threads itself.
 */
import { unreachable } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type { BfdEffect, BfdEvent } from '../../bfd/event.ts';
import { bfdStatus, createBfd, nextBfdDeadline, stepBfd } from '../../bfd/machine.ts';
import { objection } from '../../bfd/objection.ts';
import type { BfdOptions } from '../../bfd/options.ts';
import type { BfdOrder, FromThread, ToThread } from './message.ts';
import { createBfdSockets } from './sockets.ts';

const RETRY_MS = 1000;

export interface DriverOptions {
  readonly seed: string;
  readonly now: () => Instant;
  readonly say: (message: FromThread) => void;
  /** All is closed; nothing more will happen. */
  readonly ended: () => void;
}

/** A driver without sessions; the function takes what the main thread asks. */
export function createDriver({ seed, now, say, ended }: DriverOptions): (message: ToThread) => void {
  const bfd = createBfd({ seed });
  const sockets = createBfdSockets((arrival) => step({ kind: 'datagram', ...arrival }));
  const sessions = new Map<string, BfdOptions>();
  const sendErrors = new Map<string, string>();
  const complaints = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;
  let armedFor: Instant | undefined;

  function step(event: BfdEvent): void {
    for (const effect of stepBfd(bfd, event, now())) perform(effect);
    arm();
  }

  function perform(effect: BfdEffect): void {
    switch (effect.kind) {
      case 'send':
        sent(effect.session, sockets.send(effect.session, effect.data));
        return;
      case 'state':
        say({ kind: 'change', change: effect.change });
        return;
      case 'log':
        say({ kind: 'log', level: effect.level, text: effect.text });
        return;
      default:
        unreachable(effect);
    }
  }

  /** A kind of error is told once, until a packet leaves again. */
  function sent(session: string, error: string | undefined): void {
    if (error === sendErrors.get(session)) return;
    if (error === undefined) {
      sendErrors.delete(session);
      return;
    }
    // Without sockets the fault has been told already.
    if (!sockets.has(session)) return;
    sendErrors.set(session, error);
    const peer = sessions.get(session)?.peer ?? '';
    say({ kind: 'log', level: 'warn', text: `BFD session ${session} cannot send to ${peer}: ${error}` });
  }

  /** One timer, that may ring too early but never too late. */
  function arm(): void {
    const at = nextBfdDeadline(bfd);
    if (at === undefined || (armedFor !== undefined && armedFor <= at)) return;
    clearTimeout(timer);
    armedFor = at;
    // Packets that wait already are read before the deadline, so that a stall of ours is not silence of theirs.
    timer = setTimeout(() => setImmediate(ring), Math.max(0, Math.ceil(at - now())));
  }

  function ring(): void {
    armedFor = undefined;
    step({ kind: 'deadline' });
  }

  function openSockets(session: string, options: BfdOptions): void {
    const refused = sockets.open(session, options);
    if (refused === undefined) {
      if (complaints.delete(session))
        say({ kind: 'log', level: 'info', text: `BFD session ${session} has its sockets now` });
      return;
    }
    if (complaints.get(session) !== refused) say({ kind: 'fault', session, text: refused });
    complaints.set(session, refused);
    retry ??= setTimeout(again, RETRY_MS);
  }

  function again(): void {
    retry = undefined;
    for (const [session, options] of sessions) if (!sockets.has(session)) openSockets(session, options);
  }

  function open(session: string, options: BfdOptions): void {
    const wrong = objection(options);
    if (wrong !== undefined) {
      const text = `BFD session ${session} is not opened: ${wrong}; correct its options`;
      say({ kind: 'fault', session, text });
      return;
    }
    const known = sessions.get(session);
    const { peer, local, multihop } = options;
    if (known?.peer !== peer || known.local !== local || known.multihop !== multihop) {
      if (known !== undefined) close(session);
      openSockets(session, options);
    }
    sessions.set(session, options);
    step({ kind: 'open', session, options });
  }

  function close(session: string): void {
    // The machine says farewell, for which it needs the sockets.
    step({ kind: 'close', session });
    sockets.close(session);
    sessions.delete(session);
    sendErrors.delete(session);
    complaints.delete(session);
  }

  function obey(order: BfdOrder): void {
    if (order.kind === 'open') open(order.session, order.options);
    else if (order.kind === 'close') close(order.session);
    else step(order);
  }

  function stop(): void {
    for (const session of [...sessions.keys()]) close(session);
    clearTimeout(timer);
    clearTimeout(retry);
    ended();
  }

  return (message) => {
    switch (message.kind) {
      case 'order':
        return obey(message.order);
      case 'status':
        return say({ kind: 'status', request: message.request, sessions: bfdStatus(bfd) });
      case 'stop':
        return stop();
      default:
        return unreachable(message);
    }
  };
}
