/**
 * One end of a TCP connection, small but reliable: handshake, segments in order, retransmission with a
 * doubling time-out, orderly and abrupt ends (RFC 9293 sections 3.4 to 3.10, RFC 6298 section 5). It knows
 * no congestion control, no window announcements and no options; sequence numbers count bytes and do not
 * wrap.
 */
import type { Millis } from '../../controller/base/time.ts';

/** Payload of one segment, bytes. */
const SEGMENT_BYTES = 1400;
/** Segments in flight. */
const WINDOW = 64;
/** First retransmission time-out; it doubles up to the limit. */
const RTO_MS: Millis = 200;
const RTO_LIMIT_MS: Millis = 60_000;
/** Linux: tcp_syn_retries 6, tcp_retries2 15. */
const SYN_RETRIES = 6;
const DATA_RETRIES = 15;

export interface Segment {
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly seq: number;
  /** Next byte expected from the other side; absent in the first segment of a connection. */
  readonly ack?: number;
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** What the connection needs from the kernel around it. */
export interface TcpKernel {
  readonly output: (segment: Segment) => void;
  /** Runs later in kernel time; the answer cancels. */
  readonly after: (delayMs: Millis, run: () => void) => () => void;
  /** The connection is over: forget it. */
  readonly closed: () => void;
}

/** What the program that owns the connection hears. */
export interface TcpProgram {
  readonly opened?: () => void;
  readonly data?: (bytes: Uint8Array) => void;
  /** The other side sends no more. */
  readonly end?: () => void;
  /** Reset by the other side, or given up after too many retransmissions. */
  readonly reset?: (reason: string) => void;
  /** All that was written has been acknowledged. */
  readonly drained?: () => void;
}

type State = 'syn-sent' | 'syn-received' | 'established' | 'closed';

export interface Connection {
  readonly kernel: TcpKernel;
  program: TcpProgram;
  state: State;
  /** First byte not acknowledged yet, and the next byte to be numbered. */
  sendUnacked: number;
  sendNext: number;
  /** Segments in flight, oldest first. */
  inFlight: Segment[];
  /** Bytes written and not sent yet. */
  waiting: Uint8Array[];
  waitingBytes: number;
  /** Our own end: FIN is wanted when what was written before it is on its way. */
  finState: 'open' | 'wanted' | 'sent' | 'acknowledged';
  receiveNext: number;
  /** The first number of the other side, to tell an old connection from a new one. */
  receiveFirst: number;
  /** Segments that arrived before their predecessors. */
  early: Map<number, Segment>;
  received: 'open' | 'ended';
  retries: number;
  cancelTimer: (() => void) | undefined;
}

function create(kernel: TcpKernel, program: TcpProgram, state: State, first: number): Connection {
  return {
    kernel,
    program,
    state,
    sendUnacked: first,
    sendNext: first,
    inFlight: [],
    waiting: [],
    waitingBytes: 0,
    finState: 'open',
    receiveNext: 0,
    receiveFirst: 0,
    early: new Map(),
    received: 'open',
    retries: 0,
    cancelTimer: undefined,
  };
}

/** Starts a connection: sends SYN with `first` as its sequence number. */
export function connect(kernel: TcpKernel, program: TcpProgram, first: number): Connection {
  const connection = create(kernel, program, 'syn-sent', first);
  transmit(connection, { syn: true, fin: false, data: NOTHING });
  return connection;
}

/** Accepts a SYN: answers SYN-ACK. `program.opened` runs when the handshake is complete. */
export function accept(kernel: TcpKernel, program: TcpProgram, first: number, syn: Segment): Connection {
  const connection = create(kernel, program, 'syn-received', first);
  connection.receiveFirst = syn.seq;
  connection.receiveNext = syn.seq + 1;
  transmit(connection, { syn: true, fin: false, data: NOTHING });
  return connection;
}

/**
 * The answer of a port where nobody listens, or of a kernel that does not know the connection. RFC 9293
 * 3.10.7.1.
 */
export const refusal = (segment: Segment): Segment => ({
  syn: false,
  fin: false,
  rst: true,
  seq: segment.ack ?? 0,
  ack: segment.seq + length(segment),
  data: NOTHING,
});

/** Queues bytes. Those written after `finish` are dropped. */
export function write(connection: Connection, bytes: Uint8Array): void {
  if (connection.finState !== 'open' || connection.state === 'closed' || bytes.length === 0) return;
  connection.waiting.push(bytes);
  connection.waitingBytes += bytes.length;
  pump(connection);
}

/** Sends FIN when all that was written is on its way. */
export function finish(connection: Connection): void {
  if (connection.finState !== 'open' || connection.state === 'closed') return;
  connection.finState = 'wanted';
  pump(connection);
}

/** Resets the connection at once; the program hears nothing more. */
export function abort(connection: Connection): void {
  if (connection.state === 'closed') return;
  connection.kernel.output({
    syn: false,
    fin: false,
    rst: true,
    seq: connection.sendNext,
    ack: connection.receiveNext,
    data: NOTHING,
  });
  close(connection);
}

/** Bytes that the other side has not acknowledged, sent or not. */
export const unacknowledged = (connection: Connection): number =>
  connection.waitingBytes + (connection.sendNext - connection.sendUnacked);

/** Handles a segment from the other side. */
export function receive(connection: Connection, segment: Segment): void {
  if (connection.state === 'closed') return;
  if (segment.rst) {
    const finished = connection.received === 'ended' && connection.finState !== 'open';
    close(connection);
    if (!finished) connection.program.reset?.('connection reset by the other side');
    return;
  }
  if (connection.state === 'syn-sent') {
    if (!segment.syn || segment.ack === undefined) return;
    connection.receiveFirst = segment.seq;
    connection.receiveNext = segment.seq + 1;
  }
  if (segment.ack !== undefined) acknowledged(connection, segment.ack);
  if (connection.state === 'syn-sent' || connection.state === 'syn-received') {
    if (connection.sendUnacked !== connection.sendNext) {
      if (segment.syn) retransmit(connection);
      return;
    }
    connection.state = 'established';
    connection.program.opened?.();
  }
  if (length(segment) > 0) arrived(connection, segment);
  pump(connection);
  closeWhenDone(connection);
}

/** Sequence numbers that a segment takes. */
const length = (segment: Segment): number =>
  segment.data.length + (segment.syn ? 1 : 0) + (segment.fin ? 1 : 0);

function arrived(connection: Connection, segment: Segment): void {
  if (segment.seq > connection.receiveNext) connection.early.set(segment.seq, segment);
  let next: Segment | undefined = segment.seq === connection.receiveNext ? segment : undefined;
  while (next !== undefined && connection.received === 'open') {
    connection.early.delete(next.seq);
    connection.receiveNext += length(next);
    if (next.data.length > 0) connection.program.data?.(next.data);
    if (next.fin) {
      connection.received = 'ended';
      connection.program.end?.();
    }
    next = connection.early.get(connection.receiveNext);
  }
  if (isClosed(connection)) return;
  connection.kernel.output(plain(connection));
}

/** A program may have closed the connection while it was told of data. */
const isClosed = (connection: Connection): boolean => connection.state === 'closed';

const plain = (connection: Connection): Segment => ({
  syn: false,
  fin: false,
  rst: false,
  seq: connection.sendNext,
  ack: connection.receiveNext,
  data: NOTHING,
});

function acknowledged(connection: Connection, ack: number): void {
  if (ack <= connection.sendUnacked || ack > connection.sendNext) return;
  connection.sendUnacked = ack;
  connection.inFlight = connection.inFlight.filter((segment) => segment.seq + length(segment) > ack);
  connection.retries = 0;
  connection.cancelTimer?.();
  connection.cancelTimer = undefined;
  if (connection.inFlight.length > 0) arm(connection);
  if (connection.finState === 'sent' && ack === connection.sendNext) connection.finState = 'acknowledged';
  if (
    connection.waitingBytes === 0 &&
    connection.inFlight.length === 0 &&
    connection.state === 'established'
  ) {
    connection.program.drained?.();
  }
}

/** Sends what the window allows, then FIN where it is wanted. */
function pump(connection: Connection): void {
  if (connection.state !== 'established') return;
  while (connection.waitingBytes > 0 && connection.inFlight.length < WINDOW) {
    transmit(connection, { syn: false, fin: false, data: take(connection) });
  }
  if (connection.finState === 'wanted' && connection.waitingBytes === 0) {
    connection.finState = 'sent';
    transmit(connection, { syn: false, fin: true, data: NOTHING });
  }
}

/** The next bytes to send, one segment at most. */
function take(connection: Connection): Uint8Array {
  const first = connection.waiting.shift() ?? NOTHING;
  const bytes = first.subarray(0, SEGMENT_BYTES);
  if (first.length > bytes.length) connection.waiting.unshift(first.subarray(bytes.length));
  connection.waitingBytes -= bytes.length;
  return bytes;
}

function transmit(connection: Connection, what: { syn: boolean; fin: boolean; data: Uint8Array }): void {
  const answer = connection.state === 'syn-sent' ? {} : { ack: connection.receiveNext };
  const segment: Segment = { ...what, rst: false, seq: connection.sendNext, ...answer };
  connection.sendNext += length(segment);
  connection.inFlight.push(segment);
  if (connection.cancelTimer === undefined) arm(connection);
  connection.kernel.output(segment);
}

function arm(connection: Connection): void {
  const delayMs = Math.min(RTO_MS * 2 ** connection.retries, RTO_LIMIT_MS);
  connection.cancelTimer = connection.kernel.after(delayMs, () => {
    connection.cancelTimer = undefined;
    connection.retries += 1;
    const limit = connection.state === 'established' ? DATA_RETRIES : SYN_RETRIES;
    if (connection.retries > limit) {
      const tried = `${limit + 1} times`;
      close(connection);
      connection.program.reset?.(`timed out: nothing was acknowledged, sent ${tried}`);
      return;
    }
    retransmit(connection);
    arm(connection);
  });
}

/** Sends the oldest segment in flight again, with the present acknowledgement. */
function retransmit(connection: Connection): void {
  const oldest = connection.inFlight[0];
  if (oldest === undefined) return;
  const answer = connection.state === 'syn-sent' ? {} : { ack: connection.receiveNext };
  connection.kernel.output({ ...oldest, ...answer });
}

function closeWhenDone(connection: Connection): void {
  if (connection.received === 'ended' && connection.finState === 'acknowledged') close(connection);
}

function close(connection: Connection): void {
  connection.state = 'closed';
  connection.cancelTimer?.();
  connection.cancelTimer = undefined;
  connection.kernel.closed();
}
