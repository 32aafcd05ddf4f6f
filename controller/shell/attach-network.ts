/**
 * The network of a simulated instance: every operation is a frame of the attach protocol
 * (`controller/attach.ts`), so that probes and calls suffer the instance's faults. It never asks the
 * simulator for state.
 */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AttachReply, AttachRequest } from '../attach.ts';
import { unreachable } from '../base/result.ts';
import { AttachStream } from './attach-stream.ts';
import type { EchoReply, Network, Power } from './network.ts';

export type Hello = Extract<AttachReply, { op: 'hello' }>;

export interface AttachedNetwork extends Network {
  readonly hello: Hello;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A frame carries at most 64 KiB of data; a longer line is not of this protocol. */
const MAX_LINE_CHARS = 1 << 20;
const NAME_TIMEOUT_MS = 3_000;
const GUEST_TIMEOUT_MS = 20_000;

/** Attaches to `URL#INSTANCE`; rejects with a sentence where the simulator does not let it. */
export async function attach(target: string): Promise<AttachedNetwork> {
  const [url = '', instance = ''] = target.split('#');
  if (!/^https?:\/\//.test(url) || instance === '') {
    throw new Error(
      `--attach '${target}': it is URL#INSTANCE, such as http://127.0.0.1:4566#i-0123456789abcdef0`,
    );
  }
  const { socket, head } = await upgrade(url, instance);
  return new Promise((resolve, reject) => {
    const link = new AttachLink(socket);
    const timer = setTimeout(() => socket.destroy(new Error('no hello')), CONNECT_TIMEOUT_MS);
    link.onHello = (hello) => {
      clearTimeout(timer);
      resolve(networkOf(link, hello));
    };
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`${url} closed the attachment to ${instance} before its hello`));
    });
    link.receive(head);
  });
}

function upgrade(url: string, instance: string): Promise<{ socket: Duplex; head: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(`/_byoa/attach/${encodeURIComponent(instance)}`, url), {
      headers: { connection: 'upgrade', upgrade: 'byoa-attach' },
      timeout: CONNECT_TIMEOUT_MS,
    });
    const refuse = (why: string): void => {
      outgoing.destroy();
      reject(new Error(`cannot attach to ${instance} at ${url}: ${why}`));
    };
    outgoing.on('upgrade', (_response, socket, head) => {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve({ socket, head });
    });
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body = (body + part).slice(0, 2000);
      });
      response.on('end', () => refuse(`HTTP ${response.statusCode}: ${body.trim()}`));
    });
    outgoing.on('timeout', () => refuse('no answer; is `byoa sim` running there?'));
    outgoing.on('error', (error) => refuse(`${error.message}; is \`byoa sim\` running there?`));
    outgoing.end();
  });
}

/** Frames in and out over one socket, and who waits for which. */
class AttachLink {
  readonly #socket: Duplex;
  readonly #echoes = new Map<number, (reply: AttachReply) => void>();
  readonly #streams = new Map<number, AttachStream>();
  readonly #listeners = new Map<number, (stream: Duplex) => void>();
  readonly #answers = new Map<number, (reply: AttachReply) => void>();
  readonly #held: AttachReply[] = [];
  readonly #unsent: AttachRequest[] = [];
  readonly #powerListeners: ((power: Power) => void)[] = [];
  #frozen = false;
  #tail = '';
  #lastId = 0;
  onHello: ((hello: Hello) => void) | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // A simulator that has gone took the machine with it.
    socket.on('close', () => this.#power('dead'));
    socket.on('error', () => undefined);
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  send(frame: AttachRequest): void {
    if (this.#frozen) this.#unsent.push(frame);
    else if (!this.#socket.writableEnded) this.#socket.write(`${JSON.stringify(frame)}\n`);
  }

  /** Asks and waits for the one frame that answers; undefined after `timeoutMs`. */
  ask(frame: AttachRequest, timeoutMs: number): Promise<AttachReply | undefined> {
    return new Promise((resolve) => {
      const finish = (reply: AttachReply | undefined): void => {
        clearTimeout(timer);
        this.#answers.delete(frame.id);
        resolve(reply);
      };
      const timer = setTimeout(() => finish(undefined), timeoutMs);
      this.#answers.set(frame.id, finish);
      this.send(frame);
    });
  }

  echo(id: number, done: ((reply: AttachReply) => void) | undefined): void {
    if (done === undefined) this.#echoes.delete(id);
    else this.#echoes.set(id, done);
  }

  listener(id: number, accept: (stream: Duplex) => void): void {
    this.#listeners.set(id, accept);
  }

  unlisten(id: number): void {
    this.#listeners.delete(id);
  }

  stream(id: number): AttachStream {
    const stream = new AttachStream(id, (frame) => this.send(frame));
    this.#streams.set(id, stream);
    stream.once('close', () => this.#streams.delete(id));
    return stream;
  }

  onPower(listener: (power: Power) => void): void {
    this.#powerListeners.push(listener);
  }

  close(): void {
    this.#powerListeners.length = 0;
    this.#socket.end();
  }

  receive(chunk: Buffer): void {
    const lines = (this.#tail + chunk.toString('latin1')).split('\n');
    this.#tail = lines.pop() ?? '';
    if (this.#tail.length > MAX_LINE_CHARS) this.#socket.destroy();
    for (const line of lines) {
      const reply: AttachReply = JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
      if (reply.op === 'power') this.#power(reply.state);
      else if (this.#frozen) this.#held.push(reply);
      else this.#dispatch(reply);
    }
  }

  #power(power: Power): void {
    this.#frozen = power === 'frozen';
    for (const listener of this.#powerListeners) listener(power);
    if (power !== 'running') return;
    // What arrived at a frozen machine waited in its buffers; what its program wanted to send waited in the
    // program.
    for (const reply of this.#held.splice(0)) this.#dispatch(reply);
    for (const frame of this.#unsent.splice(0)) this.send(frame);
  }

  #dispatch(reply: AttachReply): void {
    switch (reply.op) {
      case 'hello':
        this.onHello?.(reply);
        break;
      case 'icmp-reply':
      case 'icmp-failed':
        this.#echoes.get(reply.id)?.(reply);
        break;
      case 'tcp-opened':
        this.#streams.get(reply.id)?.opened();
        break;
      case 'tcp-data':
        this.#streams.get(reply.id)?.received(Buffer.from(reply.data, 'base64'));
        break;
      case 'tcp-end':
        this.#streams.get(reply.id)?.ended();
        break;
      case 'tcp-reset':
        this.#streams.get(reply.id)?.reset(reply.reason);
        break;
      case 'tcp-accepted':
        this.#accept(reply.listener, reply.id);
        break;
      case 'guest-done':
      case 'resolved':
        this.#answers.get(reply.id)?.(reply);
        break;
      case 'udp':
      case 'power':
        break;
      default:
        unreachable(reply);
    }
  }

  #accept(listener: number, id: number): void {
    const accept = this.#listeners.get(listener);
    if (accept === undefined) {
      this.send({ op: 'tcp-abort', id });
      return;
    }
    const stream = this.stream(id);
    stream.opened();
    accept(stream);
  }
}

function networkOf(link: AttachLink, hello: Hello): AttachedNetwork {
  return {
    hello,
    icmpEcho({ to, via, timeoutMs }, done) {
      const id = link.nextId();
      const sentAt = performance.now();
      const finish = (reply: EchoReply): void => {
        clearTimeout(timer);
        link.echo(id, undefined);
        done(reply);
      };
      const timer = setTimeout(() => finish({ kind: 'timeout' }), timeoutMs);
      link.echo(id, (reply) => {
        if (reply.op === 'icmp-failed') finish({ kind: 'failed', reason: reply.reason });
        if (reply.op === 'icmp-reply')
          finish({ kind: 'reply', from: reply.from, rttMs: performance.now() - sentAt });
      });
      link.send({ op: 'icmp', id, to, ...(via === undefined ? {} : { via }) });
    },
    connectTcp({ to, port, via }) {
      const id = link.nextId();
      const stream = link.stream(id);
      link.send({ op: 'tcp-open', id, to, port, ...(via === undefined ? {} : { via }) });
      return stream;
    },
    listenTcp({ port }, accept) {
      const id = link.nextId();
      link.listener(id, accept);
      link.send({ op: 'tcp-listen', id, port });
      return Promise.resolve({ port, close: () => link.unlisten(id) });
    },
    async resolve(name) {
      const reply = await link.ask({ op: 'resolve', id: link.nextId(), name }, NAME_TIMEOUT_MS);
      if (reply?.op === 'resolved' && reply.addresses.length > 0) return reply.addresses;
      throw new Error(`the simulated network knows no host ${name}`);
    },
    async applyGuest(changes) {
      const reply = await link.ask({ op: 'guest', id: link.nextId(), changes }, GUEST_TIMEOUT_MS);
      if (reply?.op !== 'guest-done')
        return `no answer to the guest changes within ${GUEST_TIMEOUT_MS / 1000} s`;
      return reply.failure;
    },
    prepareNextHops: () => Promise.resolve(undefined),
    onPower: (listener) => link.onPower(listener),
    close() {
      link.close();
      return Promise.resolve();
    },
  };
}
