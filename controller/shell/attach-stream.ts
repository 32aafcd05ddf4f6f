/**
 * A TCP connection in the simulated network as a stream that passes for a socket: what `node:http` asks of
 * one is here.
 */
import { Duplex } from 'node:stream';
import type { AttachRequest } from '../attach.ts';

/** Data of one frame; larger writes are split. */
const CHUNK_BYTES = 32 * 1024;

export class AttachStream extends Duplex {
  readonly id: number;
  readonly #send: (frame: AttachRequest) => void;
  /** What to do once the connection is open: writes wait until then. */
  #onOpen: (() => void)[] = [];
  /** As of `net.Socket`. */
  connecting = true;
  #over = false;

  constructor(id: number, send: (frame: AttachRequest) => void) {
    super({ allowHalfOpen: false });
    this.id = id;
    this.#send = send;
  }

  opened(): void {
    this.connecting = false;
    this.emit('connect');
    for (const run of this.#onOpen.splice(0)) run();
  }

  received(data: Buffer): void {
    this.push(data);
  }

  ended(): void {
    this.push(null);
  }

  reset(reason: string): void {
    this.#over = true;
    const code = this.connecting ? 'ECONNREFUSED' : 'ECONNRESET';
    this.destroy(Object.assign(new Error(reason), { code }));
  }

  override _read(): void {
    // The simulator pushes; what it sends is bounded by the windows of its TCP.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#whenOpen(() => {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
        const data = chunk.subarray(at, at + CHUNK_BYTES).toString('base64');
        this.#send({ op: 'tcp-data', id: this.id, data });
      }
      done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenOpen(() => {
      this.#send({ op: 'tcp-end', id: this.id });
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#over && !(this.readableEnded && this.writableFinished))
      this.#send({ op: 'tcp-abort', id: this.id });
    this.#over = true;
    this.#onOpen = [];
    done(error);
  }

  #whenOpen(run: () => void): void {
    if (this.connecting) this.#onOpen.push(run);
    else run();
  }

  // What `http.Agent` calls on the sockets that it keeps. Time-outs are the caller's own.
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
