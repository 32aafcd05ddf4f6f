/**
 * Connections to one address of an AWS endpoint: kept alive, and some always open in advance, so that a burst
 * of calls finds them ready (TCP and TLS done).
 */
import { Agent } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Network } from './network.ts';

export interface Origin {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** TLS sessions by host, so that a later handshake is short. RFC 8446 section 2.2. */
const sessions = new Map<string, Buffer>();

/** Opens a connection; it emits `ready` when usable. */
function open(network: Network, origin: Origin, address: string, ready?: (stream: Duplex) => void): Duplex {
  const stream = network.connectTcp({ to: address, port: origin.port });
  if (!origin.secure) {
    if (ready !== undefined) stream.once('connect', () => ready(stream));
    return stream;
  }
  const session = sessions.get(origin.host);
  const secured: TLSSocket = tlsConnect({
    socket: stream,
    // Only to verify the certificate: an address has no SNI (RFC 6066 section 3).
    host: origin.host,
    ...(isIP(origin.host) === 0 ? { servername: origin.host } : {}),
    ...(session === undefined ? {} : { session }),
  });
  secured.on('session', (ticket) => sessions.set(origin.host, ticket));
  stream.once('error', (error) => secured.destroy(error));
  if (ready !== undefined) secured.once('secureConnect', () => ready(secured));
  return secured;
}

/** An HTTP agent whose every connection goes to one address. */
export class AddressAgent extends Agent {
  readonly address: string;
  readonly #network: Network;
  readonly #origin: Origin;
  readonly #ready: Duplex[] = [];
  readonly #opening = new Set<Duplex>();
  #retired = false;

  constructor(network: Network, origin: Origin, address: string, keepAlive: boolean) {
    super({ keepAlive, maxSockets: 64, maxFreeSockets: 64, scheduling: 'fifo' });
    this.address = address;
    this.#network = network;
    this.#origin = origin;
  }

  override createConnection(): Duplex {
    const stream = this.#ready.shift();
    stream?.removeAllListeners('readable');
    return stream ?? open(this.#network, this.#origin, this.address);
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const reusable: unknown = super.keepSocketAlive(socket);
    return !this.#retired && reusable === true;
  }

  /** Opens connections until `count` are ready or idle. */
  warm(count: number): void {
    for (let missing = count - this.warmCount() - this.#opening.size; missing > 0; missing -= 1)
      this.#openOne();
  }

  /** Connections that a call could use at once. */
  warmCount(): number {
    return (
      this.#ready.length + Object.values(this.freeSockets).reduce((sum, list) => sum + (list?.length ?? 0), 0)
    );
  }

  /** Closes what is idle or not open yet; calls under way go on, and end their connections. */
  retire(): void {
    this.#retired = true;
    for (const stream of [...this.#opening, ...this.#ready.splice(0)]) stream.destroy();
    for (const list of Object.values(this.freeSockets)) for (const socket of list ?? []) socket.destroy();
  }

  #openOne(): void {
    const stream = open(this.#network, this.#origin, this.address, (ready) => {
      this.#opening.delete(stream);
      this.#ready.push(ready);
      // Whatever comes before a request (the end, or 408 on the way to it) makes it useless. Unread, it would
      // be taken for the answer to the first request.
      ready.on('readable', () => {
        if (ready.read() !== null || ready.readableEnded) ready.destroy();
      });
      ready.once('end', () => ready.destroy());
    });
    this.#opening.add(stream);
    stream.on('error', () => undefined);
    stream.once('close', () => {
      this.#opening.delete(stream);
      const index = this.#ready.indexOf(stream);
      if (index >= 0) this.#ready.splice(index, 1);
    });
  }
}
