/**
 * ICMP and ICMPv6 echoes: one socket for each family and mark, replies matched by sequence number. RFC 792,
 * RFC 4443 section 4.
 */
import { address, formatAddress } from '../../base/ip.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Millis } from '../../base/time.ts';
import type { EchoReply } from '../network.ts';
import { type IcmpSocket, openIcmpSocket } from './icmp-socket.ts';

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

interface Refusal {
  readonly what: string;
  readonly remedy: string;
}

/** Why an ICMP socket could not be had, and what to do. */
function refusal(error: string, marked: boolean): Refusal {
  if (marked && error === 'EPERM') {
    return {
      what: 'a probe by next hop may not mark its packets (EPERM)',
      remedy: 'give the daemon CAP_NET_ADMIN, or use `by: route`',
    };
  }
  return {
    what: `this process may not send ICMP echoes (${error})`,
    remedy:
      'set `sysctl -w net.ipv4.ping_group_range="0 2147483647"`, give the daemon CAP_NET_RAW, or use tcp probes',
  };
}

/** Why this process may not send echoes; undefined where it may. */
export function echoRefusal(family: 4 | 6): Refusal | undefined {
  const socket = openIcmpSocket(family, undefined, () => undefined);
  if (!socket.ok) return refusal(socket.error, false);
  socket.value.close();
  return undefined;
}

/** One socket of one family and mark. */
class Pinger {
  readonly #socket: IcmpSocket;
  readonly #waiting: Map<number, Waiting>;
  #sequence = 0;

  private constructor(socket: IcmpSocket, waiting: Map<number, Waiting>) {
    this.#socket = socket;
    this.#waiting = waiting;
  }

  static open(family: 4 | 6, mark: number | undefined): Result<Pinger> {
    const waiting = new Map<number, Waiting>();
    const socket = openIcmpSocket(family, mark, (sequence, from) => {
      const one = waiting.get(sequence);
      if (one === undefined || one.to !== from) return;
      pinger.#finish(sequence, { kind: 'reply', from, rttMs: performance.now() - one.sentAt });
    });
    if (!socket.ok) return socket;
    const pinger = new Pinger(socket.value, waiting);
    return ok(pinger);
  }

  send({ to: target, timeoutMs }: EchoRequest, done: (reply: EchoReply) => void): void {
    const destination = address(target);
    const to = formatAddress(destination);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const sequence = this.#sequence;
    const timer = setTimeout(() => this.#finish(sequence, { kind: 'timeout' }), timeoutMs);
    this.#waiting.set(sequence, { to, sentAt: performance.now(), timer, done });
    this.#socket.listen(true);
    this.#socket.send(sequence, destination, (reason) =>
      this.#finish(sequence, { kind: 'failed', reason: `cannot send to ${to}: ${reason}` }),
    );
  }

  close(): void {
    for (const sequence of [...this.#waiting.keys()])
      this.#finish(sequence, { kind: 'failed', reason: 'closed' });
    this.#socket.close();
  }

  #finish(sequence: number, reply: EchoReply): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting === undefined) return;
    this.#waiting.delete(sequence);
    clearTimeout(waiting.timer);
    if (this.#waiting.size === 0) this.#socket.listen(false);
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
      const pinger = Pinger.open(family, request.mark);
      if (!pinger.ok) {
        const { what, remedy } = refusal(pinger.error, request.mark !== undefined);
        return done({ kind: 'failed', reason: `${what}: ${remedy}` });
      }
      pingers.set(key, pinger.value);
      pinger.value.send(request, done);
    },
    close() {
      for (const pinger of pingers.values()) pinger.close();
      pingers.clear();
    },
  };
}
