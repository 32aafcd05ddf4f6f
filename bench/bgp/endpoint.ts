/**
 * A child process that speaks just enough BGP to fill a speaker under test with routes, and to count what
 * comes out of it. Ordered about by messages of its parent; shares no code with what is measured.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { SLOTS } from './table.ts';

/**
 * What the parent orders. Times everywhere: ms of the machine's monotonic clock, the same in all processes.
 */
export type Order =
  | { readonly op: 'connect'; readonly local: string; readonly remote: string; readonly as: number }
  | { readonly op: 'listen'; readonly local: string; readonly as: number }
  /** Sends a file of messages, `times` times a second where given, cut as `cuts` says. */
  | { readonly op: 'send'; readonly file: string }
  /**
   * A file of messages whose parts end at `ends` goes out at `perSecond` parts a second, for ever, in a
   * circle.
   */
  | {
      readonly op: 'churn';
      readonly file: string;
      readonly ends: readonly number[];
      readonly perSecond: number;
    }
  | { readonly op: 'calm' }
  /** Answers once so many prefixes are reachable by paths whose second AS is `via`; 0: by any. */
  | { readonly op: 'expect'; readonly via: number; readonly count: number }
  /** Breaks the connection. */
  | { readonly op: 'reset' };

export type Answer =
  | { readonly op: 'established'; readonly at: number }
  | { readonly op: 'sending'; readonly at: number }
  | { readonly op: 'sent'; readonly at: number }
  | { readonly op: 'reached'; readonly at: number }
  | { readonly op: 'lost'; readonly at: number; readonly reason: string }
  | { readonly op: 'calm'; readonly at: number; readonly parts: number };

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const say = (answer: Answer): void => void process.send?.(answer);

const HOLD_S = 240;
const KEEPALIVE = Uint8Array.from([...new Uint8Array(16).fill(0xff), 0, 19, 4]);

/** OPEN with IPv4 unicast, route refresh and AS numbers of four octets. RFC 4271 4.2, RFC 5492. */
function open(as: number, local: string): Uint8Array {
  const as4 = [as >>> 24, (as >>> 16) & 255, (as >>> 8) & 255, as & 255];
  const short = as > 65_535 ? 23_456 : as;
  const capabilities = [1, 4, 0, 1, 0, 1, 2, 0, 65, 4, ...as4];
  const id = local.split('.').map(Number);
  const body = [
    4,
    short >> 8,
    short & 255,
    0,
    HOLD_S,
    ...id,
    capabilities.length + 2,
    2,
    capabilities.length,
  ];
  const length = 19 + body.length + capabilities.length;
  return Uint8Array.from([...new Uint8Array(16).fill(0xff), 0, length, 1, ...body, ...capabilities]);
}

/** For each prefix up to /24 the index in `ways` of the AS that it comes by; 0: unreachable. */
const state = new Uint8Array(SLOTS);
const ways: number[] = [-1];
const counts: number[] = [0];
let reachable = 0;
let wanted: { via: number; count: number } | undefined;

function wayOf(as: number): number {
  const known = ways.indexOf(as);
  if (known >= 0) return known;
  counts.push(0);
  return ways.push(as) - 1;
}

function mark(bytes: Uint8Array, start: number, end: number, way: number): void {
  for (let at = start; at < end; ) {
    const length = bytes[at] ?? 0;
    const octets = (length + 7) >> 3;
    let address = 0;
    for (let octet = 1; octet <= octets; octet++) address = address * 256 + (bytes[at + octet] ?? 0);
    at += 1 + octets;
    // 2 ** length, and the bits of the prefix behind it.
    const slot = 2 ** length + Math.floor(address / 2 ** (octets * 8 - length));
    const before = state[slot] ?? 0;
    if (before === way) continue;
    state[slot] = way;
    counts[before] = (counts[before] ?? 0) - 1;
    counts[way] = (counts[way] ?? 0) + 1;
    if (before === 0) reachable++;
    else if (way === 0) reachable--;
  }
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 65_536 + u16(bytes, at + 2);

/**
 * The second AS of the first segment of AS_PATH: who told the speaker under test; the first where there is
 * one.
 */
function teller(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const long = ((bytes[at] ?? 0) & 0x10) !== 0;
    const length = long ? u16(bytes, at + 2) : (bytes[at + 2] ?? 0);
    const body = at + (long ? 4 : 3);
    if (bytes[at + 1] === 2) return length < 2 ? 0 : u32(bytes, body + ((bytes[body + 1] ?? 0) > 1 ? 6 : 2));
    at = body + length;
  }
  return 0;
}

function update(bytes: Uint8Array, start: number, end: number): void {
  const withdrawn = start + 2 + u16(bytes, start);
  const attributes = withdrawn + 2 + u16(bytes, withdrawn);
  mark(bytes, start + 2, withdrawn, 0);
  if (attributes < end) mark(bytes, attributes, end, wayOf(teller(bytes, withdrawn + 2, attributes)));
}

function check(): void {
  if (wanted === undefined) return;
  const count = wanted.via === 0 ? reachable : (counts[wayOf(wanted.via)] ?? 0);
  if (count !== wanted.count) return;
  wanted = undefined;
  say({ op: 'reached', at: now() });
}

let socket: Socket | undefined;
let churning: NodeJS.Timeout | undefined;
let parts = 0;

/** Speaks over a connection that stands; says `established` at the first KEEPALIVE. */
function speak(one: Socket, as: number): void {
  socket = one;
  let rest = new Uint8Array(0);
  let established = false;
  one.setNoDelay(true);
  one.write(open(as, one.localAddress ?? '192.0.2.1'));
  const message = (bytes: Uint8Array, at: number, end: number): void => {
    const type = bytes[at + 18];
    if (type === 1) one.write(KEEPALIVE);
    else if (type === 2) update(bytes, at + 19, end);
    else if (type === 3) lose(`NOTIFICATION ${bytes[at + 19]}/${bytes[at + 20]}`);
    else if (type === 4 && !established) {
      established = true;
      say({ op: 'established', at: now() });
    }
  };
  one.on('data', (chunk) => {
    let bytes: Uint8Array = chunk;
    if (rest.length > 0) bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 19) {
      const end = at + u16(bytes, at + 16);
      if (end > bytes.length) break;
      message(bytes, at, end);
      at = end;
    }
    rest = Uint8Array.from(bytes.subarray(at));
    check();
  });
  const keepalive = setInterval(() => one.write(KEEPALIVE), 30_000);
  one.once('close', () => {
    clearInterval(keepalive);
    if (established) lose('closed');
  });
}

let lost = false;
function lose(reason: string): void {
  if (!lost) say({ op: 'lost', at: now(), reason });
  lost = true;
}

/** Dials until somebody answers with a message. */
function dial(order: Extract<Order, { op: 'connect' }>): void {
  const one = connect({ host: order.remote, port: 179, localAddress: order.local });
  let answered = false;
  one.once('connect', () => speak(one, order.as));
  one.once('data', () => {
    answered = true;
  });
  one.on('error', () => one.destroy());
  one.once('close', () => {
    if (!answered) setTimeout(() => dial(order), 50);
  });
}

function churn(order: Extract<Order, { op: 'churn' }>): void {
  const bytes = readFileSync(order.file);
  const began = now();
  const { ends, perSecond } = order;
  parts = 0;
  churning = setInterval(() => {
    const due = Math.floor(((now() - began) / 1000) * perSecond);
    for (; parts < due; parts++) {
      const index = parts % ends.length;
      socket?.write(bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index]));
    }
  }, 5);
}

function obey(order: Order): void {
  switch (order.op) {
    case 'connect':
      dial(order);
      return;
    case 'listen': {
      const server = createServer((one) => speak(one, order.as));
      server.listen(179, order.local);
      return;
    }
    case 'send': {
      const bytes = readFileSync(order.file);
      say({ op: 'sending', at: now() });
      socket?.write(bytes, () => say({ op: 'sent', at: now() }));
      return;
    }
    case 'churn':
      churn(order);
      return;
    case 'calm':
      clearInterval(churning);
      say({ op: 'calm', at: now(), parts });
      return;
    case 'expect':
      wanted = order;
      check();
      return;
    case 'reset':
      lost = true;
      say({ op: 'lost', at: now(), reason: 'reset' });
      socket?.resetAndDestroy();
      return;
  }
}

process.on('message', (order: Order) => obey(order));
process.on('disconnect', () => process.exit());
