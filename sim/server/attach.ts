/**
 * The attach protocol's server side (controller/attach.ts): a daemon process lives inside a simulated
 * instance. All that it does becomes packets of that instance; it is told nothing but what arrives there,
 * and of its machine's power.
 */
import type { Duplex } from 'node:stream';
import type { AttachReply, AttachRequest } from '../../controller/attach.ts';
import { unreachable } from '../../controller/base/result.ts';
import { type Endpoint, inProgram, programPower, programTimer } from '../world/endpoint.ts';
import { changeGuest } from '../world/guests.ts';
import type { Power } from '../world/happening.ts';
import { record } from '../world/kernel.ts';
import { resolveName } from '../world/names.ts';
import { bindUdp, listen, open, ping, sendUdp } from '../world/sockets.ts';
import type { World } from '../world/state.ts';
import { abort, type Connection, finish, type TcpProgram, write } from '../world/tcp.ts';
import { parseFrame } from './frame.ts';
import { hello } from './hello.ts';
import type { Act } from './stream.ts';

/** Bytes of the longest frame, and of frames that may wait for a daemon that does not read. */
const MAX_FRAME_BYTES = 1 << 20;
const MAX_WAITING_BYTES = 16 << 20;
/** How long a resolver takes, ms. */
const RESOLVE_MS = 1;

/** Does something once all that has happened is kept. */
type Later = (what: () => void) => void;

interface Session {
  readonly world: World;
  readonly later: Later;
  readonly endpoint: Endpoint;
  readonly socket: Duplex;
  readonly pings: Map<number, () => void>;
  readonly connections: Map<number, Connection>;
  /** Listeners and bound ports, to be closed with the session. */
  readonly ports: Map<number, { readonly close: () => void; readonly port: number }>;
  nextAccepted: number;
  closed: boolean;
}

/** Runs the protocol on an upgraded socket until either side closes it. */
export function attach(world: World, endpoint: Endpoint, socket: Duplex, act: Act, later: Later): void {
  const session: Session = {
    world,
    later,
    endpoint,
    socket,
    pings: new Map(),
    connections: new Map(),
    ports: new Map(),
    nextAccepted: -1,
    closed: false,
  };
  const onPower = (state: Power): void => {
    say(session, { op: 'power', state });
    if (state === 'dead') close();
  };
  const close = (): void => {
    if (session.closed) return;
    session.closed = true;
    endpoint.powerListeners.delete(onPower);
    socket.end();
    leave(session);
    record(world, { kind: 'attach', instance: endpoint.name, what: 'gone' });
  };
  endpoint.powerListeners.add(onPower);
  record(world, { kind: 'attach', instance: endpoint.name, what: 'attached' });
  say(session, hello(world, endpoint.name));
  if (programPower(endpoint) !== 'running') onPower(programPower(endpoint));
  readLines(
    socket,
    (line) => act(() => take(session, line)),
    () => act(close),
  );
}

/** Splits the stream into lines; a line that is too long ends the session. */
function readLines(socket: Duplex, line: (text: string) => void, ended: () => void): void {
  let rest = '';
  const decoder = new TextDecoder();
  socket.on('data', (bytes: Buffer) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const each of lines) if (each !== '') line(each);
    if (rest.length > MAX_FRAME_BYTES) socket.destroy();
  });
  socket.on('error', ended);
  socket.on('end', ended);
  socket.on('close', ended);
}

function take(session: Session, line: string): void {
  if (session.closed) return;
  const frame = parseFrame(line);
  if (!frame.ok) {
    session.socket.destroy(new Error(frame.error));
    return;
  }
  inProgram(session.endpoint, () => {
    if (!session.closed) perform(session, frame.value);
  });
}

function say(session: Session, reply: AttachReply): void {
  const { socket } = session;
  if (session.closed || socket.destroyed) return;
  if (socket.writableLength > MAX_WAITING_BYTES) {
    socket.destroy();
    return;
  }
  socket.write(`${JSON.stringify(reply)}\n`);
}

function perform(session: Session, frame: AttachRequest): void {
  const { endpoint, world } = session;
  const { id } = frame;
  switch (frame.op) {
    case 'icmp': {
      const sent = ping(endpoint, frame, (from) => {
        session.pings.delete(id);
        say(session, { op: 'icmp-reply', id, from });
      });
      if (sent.ok) session.pings.set(id, sent.value);
      else say(session, { op: 'icmp-failed', id, reason: sent.error });
      break;
    }
    case 'tcp-open': {
      const opened = open(endpoint, frame, earsOf(session, id));
      if (opened.ok) session.connections.set(id, opened.value);
      else say(session, { op: 'tcp-reset', id, reason: opened.error });
      break;
    }
    case 'tcp-data':
      withConnection(session, id, (connection) => write(connection, Buffer.from(frame.data, 'base64')));
      break;
    case 'tcp-end':
      withConnection(session, id, finish);
      break;
    case 'tcp-abort':
      withConnection(session, id, abort);
      session.connections.delete(id);
      session.ports.get(id)?.close();
      session.ports.delete(id);
      break;
    case 'tcp-listen':
      startListening(session, id, frame.port);
      break;
    case 'udp-bind': {
      const bound = bindUdp(endpoint, frame.port, (from, data) => {
        say(session, {
          op: 'udp',
          id,
          from: from.address,
          port: from.port,
          data: Buffer.from(data).toString('base64'),
        });
      });
      if (bound.ok) session.ports.set(id, { close: bound.value, port: frame.port });
      else say(session, { op: 'tcp-reset', id, reason: bound.error });
      break;
    }
    case 'udp-send': {
      const fromPort = session.ports.get(id)?.port;
      if (fromPort !== undefined)
        sendUdp(endpoint, { ...frame, fromPort, data: Buffer.from(frame.data, 'base64') });
      break;
    }
    case 'guest':
      changeGuest(world, endpoint.name, frame.changes, (failure) =>
        session.later(() =>
          say(session, { op: 'guest-done', id, ...(failure !== undefined && { failure }) }),
        ),
      );
      break;
    case 'resolve':
      programTimer(endpoint, RESOLVE_MS, () =>
        say(session, { op: 'resolved', id, addresses: resolveName(frame.name) }),
      );
      break;
    default:
      unreachable(frame);
  }
}

function withConnection(session: Session, id: number, what: (connection: Connection) => void): void {
  const connection = session.connections.get(id);
  if (connection !== undefined) what(connection);
}

/** What a connection's daemon hears of it. */
function earsOf(session: Session, id: number): TcpProgram {
  return {
    opened: () => say(session, { op: 'tcp-opened', id }),
    data: (bytes) => say(session, { op: 'tcp-data', id, data: Buffer.from(bytes).toString('base64') }),
    end: () => say(session, { op: 'tcp-end', id }),
    reset: (reason) => {
      session.connections.delete(id);
      say(session, { op: 'tcp-reset', id, reason });
    },
  };
}

function startListening(session: Session, listener: number, port: number): void {
  const listening = listen(session.endpoint, port, (peer, connection) => {
    const id = session.nextAccepted--;
    session.connections.set(id, connection);
    say(session, { op: 'tcp-accepted', listener, id, from: peer.address, port: peer.port });
    return earsOf(session, id);
  });
  if (listening.ok) session.ports.set(listener, { close: listening.value, port });
  else say(session, { op: 'tcp-reset', id: listener, reason: listening.error });
}

/**
 * The process is gone: its kernel closes what it had open (close with unread data resets; RFC 9293 3.10.4 is
 * for politer ends).
 */
function leave(session: Session): void {
  for (const cancel of session.pings.values()) cancel();
  for (const port of session.ports.values()) port.close();
  for (const connection of session.connections.values()) abort(connection);
  session.connections.clear();
}
