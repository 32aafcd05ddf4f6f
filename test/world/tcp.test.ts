/**
 * TCP over a wire that loses, delays and reorders: what is written arrives once, in order, or the end is
 * told.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, after, createKernel, draw, type Kernel, nextAt } from '../../sim/world/kernel.ts';
import {
  abort,
  accept,
  type Connection,
  connect,
  finish,
  receive,
  refusal,
  type Segment,
  type TcpProgram,
  unacknowledged,
  write,
} from '../../sim/world/tcp.ts';

interface Heard {
  opened: number;
  bytes: number[];
  ended: number;
  resets: string[];
  closed: number;
}

interface Pair {
  readonly kernel: Kernel;
  readonly client: Connection;
  readonly server: () => Connection;
  readonly clientHeard: Heard;
  readonly serverHeard: Heard;
  /** Segments that were sent. */
  sent: number;
}

const ears = (): { heard: Heard; program: TcpProgram } => {
  const heard: Heard = { opened: 0, bytes: [], ended: 0, resets: [], closed: 0 };
  const program: TcpProgram = {
    opened: () => {
      heard.opened += 1;
    },
    data: (bytes) => {
      heard.bytes.push(...bytes);
    },
    end: () => {
      heard.ended += 1;
    },
    reset: (reason) => {
      heard.resets.push(reason);
    },
  };
  return { heard, program };
};

/** Two ends and a wire; `loss` decides for each segment, by its number. */
function pair(seed: number, loss: (number: number) => boolean): Pair {
  const kernel = createKernel(seed, 0);
  const state = { sent: 0 };
  let server: Connection | undefined;
  const a = ears();
  const b = ears();
  const carry = (to: (segment: Segment) => void) => (segment: Segment) => {
    const number = state.sent++;
    if (loss(number)) return;
    after(kernel, 1 + draw(kernel, 'wire') * 20, () => to(segment));
  };
  const end = (heard: Heard, to: (segment: Segment) => void) => ({
    output: carry(to),
    after: (delayMs: number, run: () => void) => after(kernel, delayMs, run),
    closed: () => {
      heard.closed += 1;
    },
  });
  /** As a kernel does with a segment of a connection that it has forgotten. */
  const refuse = (segment: Segment, back: (segment: Segment) => void): void => {
    if (!segment.rst) carry(back)(refusal(segment));
  };
  const toClient = (segment: Segment): void => {
    if (client.state === 'closed') refuse(segment, toServer);
    else receive(client, segment);
  };
  const toServer = (segment: Segment): void => {
    if (server?.state === 'closed') refuse(segment, toClient);
    else if (server !== undefined) receive(server, segment);
    else if (segment.syn) server = accept(end(b.heard, toClient), b.program, 5000, segment);
  };
  const client = connect(end(a.heard, toServer), a.program, 1000);
  return {
    kernel,
    client,
    server: () => {
      if (server === undefined) throw new Error('no SYN has arrived');
      return server;
    },
    clientHeard: a.heard,
    serverHeard: b.heard,
    get sent() {
      return state.sent;
    },
  };
}

const bytes = (count: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: count }, (_, index) => (from + index) & 255);

describe('RFC 9293 in small', () => {
  test('handshake, data both ways, half close, close', () => {
    const { kernel, client, server, clientHeard, serverHeard } = pair(1, () => false);
    advance(kernel, 100);
    expect([clientHeard.opened, serverHeard.opened]).toEqual([1, 1]);
    write(client, bytes(5000));
    finish(client);
    advance(kernel, 400);
    expect(serverHeard.bytes).toEqual([...bytes(5000)]);
    expect([serverHeard.ended, clientHeard.ended, clientHeard.closed]).toEqual([1, 0, 0]);
    write(server(), bytes(3, 9));
    finish(server());
    advance(kernel, 800);
    expect(clientHeard.bytes).toEqual([9, 10, 11]);
    expect([clientHeard.ended, clientHeard.closed, serverHeard.closed]).toEqual([1, 1, 1]);
    expect([...clientHeard.resets, ...serverHeard.resets]).toEqual([]);
    expect(nextAt(kernel)).toSatisfy((at: number | undefined) => at === undefined || at < 2000);
  });

  test('data written before the handshake is complete follows it', () => {
    const { kernel, client, serverHeard } = pair(1, () => false);
    write(client, bytes(10));
    advance(kernel, 1000);
    expect(serverHeard.bytes).toEqual([...bytes(10)]);
    expect(unacknowledged(client)).toBe(0);
  });

  /** Asks as much as the loss allows: 7 round trips of SYN, or 16 of data, that fail in a row end it. */
  const underLoss = (seed: number, rate: number, count: number): { gaveUp: boolean } => {
    const random = createKernel(seed, 0);
    const { kernel, client, server, clientHeard, serverHeard } = pair(
      seed,
      () => draw(random, 'loss') < rate,
    );
    write(client, bytes(count));
    finish(client);
    advance(kernel, 3_000_000);
    if (serverHeard.opened === 1) {
      write(server(), bytes(count, 7));
      finish(server());
    }
    advance(kernel, 6_000_000);
    expect(serverHeard.bytes).toEqual([...bytes(serverHeard.bytes.length)]);
    expect(clientHeard.bytes).toEqual([...bytes(clientHeard.bytes.length, 7)]);
    const gaveUp = clientHeard.resets.length + serverHeard.resets.length > 0;
    if (gaveUp) return { gaveUp };
    expect([serverHeard.bytes.length, clientHeard.bytes.length]).toEqual([count, count]);
    expect([clientHeard.ended, serverHeard.ended]).toEqual([1, 1]);
    expect([clientHeard.closed, serverHeard.closed]).toEqual([1, 1]);
    return { gaveUp };
  };
  const loss = (max: number) => fc.double({ min: 0, max, noNaN: true });

  test('under loss every byte arrives once and in order, and both ends close', () => {
    // At 8 % one handshake in 500,000 is given up.
    fc.assert(
      fc.property(fc.integer(), loss(0.08), fc.nat(20_000), (seed, rate, count) => {
        expect(underLoss(seed, rate, count)).toEqual({ gaveUp: false });
      }),
      { numRuns: 60 },
    );
  });

  test('under heavy loss it does so too, or an end is told that the connection was given up', () => {
    fc.assert(
      fc.property(fc.integer(), loss(0.6), fc.nat(20_000), (...drawn) => void underLoss(...drawn)),
      { numRuns: 60 },
    );
    // All that the client sends arrives; the acknowledgement of the last byte is lost too often.
    expect(underLoss(0, 0.27563834376633173, 19601)).toEqual({ gaveUp: true });
  });

  test('a lost segment is sent again after 200 ms, then after double the time (RFC 6298 5.5)', () => {
    const held = pair(1, (number) => number < 3);
    advance(held.kernel, 199);
    expect(held.sent).toBe(1);
    advance(held.kernel, 200);
    expect(held.sent).toBe(2);
    advance(held.kernel, 599);
    expect(held.sent).toBe(2);
    advance(held.kernel, 600);
    expect(held.sent).toBe(3);
  });

  test('a connection that nobody answers ends with a reason', () => {
    const { kernel, clientHeard } = pair(1, () => true);
    advance(kernel, 120_000);
    expect(clientHeard.resets).toEqual(['timed out: nothing was acknowledged, sent 7 times']);
    expect(clientHeard.closed).toBe(1);
  });

  test('abort resets the other side at once', () => {
    const { kernel, client, clientHeard, serverHeard } = pair(1, () => false);
    advance(kernel, 100);
    abort(client);
    advance(kernel, 200);
    expect(serverHeard.resets).toEqual(['connection reset by the other side']);
    expect(clientHeard.resets).toEqual([]);
    expect([clientHeard.closed, serverHeard.closed]).toEqual([1, 1]);
  });
});
