/**
 * Drives the BFD machine with sockets and one timer. It runs in a thread that does nothing else, and knows
 * nothing of threads itself.
 */
import { unreachable } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type { BfdEffect, BfdEvent } from '../../bfd/event.ts';
import { type Bfd, bfdStatus, createBfd, nextBfdDeadline, stepBfd } from '../../bfd/machine.ts';
import { objection } from '../../bfd/objection.ts';
import type { BfdOptions } from '../../bfd/options.ts';
import type { BfdOrder, FromThread, ToThread } from './message.ts';
import { type BfdSockets, createBfdSockets } from './sockets.ts';

const RETRY_MS = 1000;

export interface DriverOptions {
  readonly seed: string;
  readonly now: () => Instant;
  readonly say: (message: FromThread) => void;
  /** All is closed; nothing more will happen. */
  readonly ended: () => void;
}

/** What the driver keeps of a session. */
interface Driven {
  options: BfdOptions;
  /** Why it has no sockets, and why its last packet could not be sent, as told already. */
  complaint: string | undefined;
  sendError: string | undefined;
}

/** A driver; `take` is what the main thread asks. */
export class Driver {
  readonly #options: DriverOptions;
  readonly #bfd: Bfd;
  readonly #sockets: BfdSockets;
  readonly #sessions = new Map<string, Driven>();
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #armedFor: Instant | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#bfd = createBfd({ seed: options.seed });
    this.#sockets = createBfdSockets((arrival) => this.#step({ kind: 'datagram', ...arrival }));
  }

  take(message: ToThread): void {
    switch (message.kind) {
      case 'order':
        this.#obey(message.order);
        return;
      case 'status': {
        const { request } = message;
        this.#options.say({ kind: 'status', request, sessions: bfdStatus(this.#bfd) });
        return;
      }
      case 'stop':
        this.#stop();
        return;
      default:
        unreachable(message);
    }
  }

  #step(event: BfdEvent): void {
    for (const effect of stepBfd(this.#bfd, event, this.#options.now())) this.#perform(effect);
    this.#arm();
  }

  #perform(effect: BfdEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#sent(effect.session, this.#sockets.send(effect.session, effect.data));
        return;
      case 'state':
        this.#options.say({ kind: 'change', change: effect.change });
        return;
      case 'log':
        this.#log(effect.level, effect.text);
        return;
      default:
        unreachable(effect);
    }
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void {
    this.#options.say({ kind: 'log', level, text });
  }

  /** A kind of error is told once, until a packet leaves again. */
  #sent(name: string, error: string | undefined): void {
    const session = this.#sessions.get(name);
    // Without sockets the fault has been told already.
    if (session === undefined || error === session.sendError || !this.#sockets.has(name)) return;
    session.sendError = error;
    if (error === undefined) return;
    this.#log('warn', `BFD session ${name} cannot send to ${session.options.peer}: ${error}`);
  }

  /** One timer, that may ring too early but never too late. */
  #arm(): void {
    const at = nextBfdDeadline(this.#bfd);
    if (at === undefined || (this.#armedFor !== undefined && this.#armedFor <= at)) return;
    clearTimeout(this.#timer);
    this.#armedFor = at;
    const wait = Math.max(0, Math.ceil(at - this.#options.now()));
    // Packets that wait already are read before the deadline: a stall of ours is no silence of theirs.
    this.#timer = setTimeout(() => setImmediate(() => this.#ring()), wait);
  }

  #ring(): void {
    this.#armedFor = undefined;
    this.#step({ kind: 'deadline' });
  }

  #obey(order: BfdOrder): void {
    if (order.kind === 'open') this.#open(order.session, order.options);
    else if (order.kind === 'close') this.#close(order.session);
    else this.#step(order);
  }

  #open(name: string, options: BfdOptions): void {
    const wrong = objection(options);
    if (wrong !== undefined) {
      const text = `BFD session ${name} is not opened: ${wrong}; correct its options`;
      this.#options.say({ kind: 'fault', session: name, text });
      return;
    }
    const known = this.#sessions.get(name);
    const before = known?.options;
    const { peer, local, multihop } = options;
    if (
      known === undefined ||
      before?.peer !== peer ||
      before.local !== local ||
      before.multihop !== multihop
    ) {
      if (known !== undefined) this.#close(name);
      const session: Driven = { options, complaint: undefined, sendError: undefined };
      this.#sessions.set(name, session);
      this.#openSockets(name, session);
    } else {
      known.options = options;
    }
    this.#step({ kind: 'open', session: name, options });
  }

  #openSockets(name: string, session: Driven): void {
    const refused = this.#sockets.open(name, session.options);
    if (refused === undefined) {
      if (session.complaint !== undefined) this.#log('info', `BFD session ${name} has its sockets now`);
      session.complaint = undefined;
      return;
    }
    if (session.complaint !== refused) this.#options.say({ kind: 'fault', session: name, text: refused });
    session.complaint = refused;
    this.#retry ??= setTimeout(() => this.#again(), RETRY_MS);
  }

  #again(): void {
    this.#retry = undefined;
    for (const [name, session] of this.#sessions)
      if (!this.#sockets.has(name)) this.#openSockets(name, session);
  }

  #close(name: string): void {
    // The machine says farewell, for which it needs the sockets.
    this.#step({ kind: 'close', session: name });
    this.#sockets.close(name);
    this.#sessions.delete(name);
  }

  #stop(): void {
    for (const name of [...this.#sessions.keys()]) this.#close(name);
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#options.ended();
  }
}
