/**
 * ICMP and ICMPv6 echo over datagram sockets (icmp(7)): one socket for each family and mark, replies matched
 * by sequence number. RFC 792, RFC 4443 section 4.
 */
import { createSocket, type Socket } from 'node:dgram';
import { address, formatAddress } from '../../base/ip.ts';
import type { Millis } from '../../base/time.ts';
import type { EchoReply } from '../network.ts';
import { icmpSocket } from './libc.ts';

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const HEADER_BYTES = 8;

interface Waiting {
  readonly to: string;
  readonly sentAt: number;
  readonly timer: NodeJS.Timeout;
  readonly done: (reply: EchoReply) => void;
}

export interface EchoRequest {
  readonly to: string;
  readonly mark?: number;
  readonly timeoutMs: Millis;
}

/** Why an ICMP socket could not be had, and what to do. */
function refusal(error: string, marked: boolean): string {
  if (marked && error === 'EPERM') {
    return 'a probe by next hop may not mark its packets (EPERM): give the daemon CAP_NET_ADMIN, or use `by: route`';
  }
  const remedy = 'set `sysctl -w net.ipv4.ping_group_range="0 2147483647"`, or use tcp probes';
  return `this process may not send ICMP echoes (${error}): ${remedy}`;
}

/** One socket of one family and mark. */
class Pinger {
  readonly #socket: Socket;
  readonly #family: 4 | 6;
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;

  constructor(family: 4 | 6, fd: number) {
    this.#family = family;
    this.#socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    this.#socket.on('message', (packet, { address: from }) => this.#receive(packet, from));
    this.#socket.on('error', () => undefined);
    this.#socket.bind({ fd, exclusive: true });
    this.#socket.unref();
  }

  send({ to: target, timeoutMs }: EchoRequest, done: (reply: EchoReply) => void): void {
    const to = formatAddress(address(target));
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const sequence = this.#sequence;
    const timer = setTimeout(() => this.#finish(sequence, { kind: 'timeout' }), timeoutMs);
    this.#waiting.set(sequence, { to, sentAt: performance.now(), timer, done });
    const packet = Buffer.alloc(HEADER_BYTES + 8);
    packet[0] = ECHO_REQUEST[this.#family];
    packet.writeUInt16BE(sequence, 6);
    // The port means nothing to an ICMP socket, and Node insists on one.
    this.#socket.send(packet, 1, to, (error) => {
      if (error) this.#finish(sequence, { kind: 'failed', reason: `cannot send to ${to}: ${error.message}` });
    });
  }

  close(): void {
    for (const sequence of [...this.#waiting.keys()])
      this.#finish(sequence, { kind: 'failed', reason: 'closed' });
    this.#socket.close();
  }

  #receive(packet: Buffer, from: string): void {
    if (packet.length < HEADER_BYTES || packet[0] !== ECHO_REPLY[this.#family]) return;
    const sequence = packet.readUInt16BE(6);
    const waiting = this.#waiting.get(sequence);
    if (waiting === undefined || waiting.to !== from) return;
    this.#finish(sequence, { kind: 'reply', from, rttMs: performance.now() - waiting.sentAt });
  }

  #finish(sequence: number, reply: EchoReply): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting === undefined) return;
    this.#waiting.delete(sequence);
    clearTimeout(waiting.timer);
    waiting.done(reply);
  }
}

export interface Echoes {
  send(request: EchoRequest, done: (reply: EchoReply) => void): void;
  close(): void;
}

/** Sends echoes; sockets are made when first needed, one for each family and mark. */
export function createEchoes(): Echoes {
  const pingers = new Map<string, Pinger>();
  return {
    send(request, done) {
      const family = request.to.includes(':') ? 6 : 4;
      const key = `${family}/${request.mark ?? ''}`;
      const known = pingers.get(key);
      if (known !== undefined) return known.send(request, done);
      const fd = icmpSocket(family, request.mark);
      if (!fd.ok) return done({ kind: 'failed', reason: refusal(fd.error, request.mark !== undefined) });
      const pinger = new Pinger(family, fd.value);
      pingers.set(key, pinger);
      pinger.send(request, done);
    },
    close() {
      for (const pinger of pingers.values()) pinger.close();
      pingers.clear();
    },
  };
}
