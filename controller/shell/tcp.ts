/**
 * TCP for BGP: options that must be there before the first SYN (TCP-MD5, TTL, minimal TTL) are set on sockets
 * of our own making, which Node then takes over; listeners have the keys of all who may dial. RFC 2385, RFC
 * 5082. What was asked for and cannot be had ends the connection with a sentence: nothing goes out
 * unprotected. Linux.
 */
import { createServer, isIPv6, type Server, Socket } from 'node:net';
import { type Address, formatAddress, parseAddress, parsePrefix } from '../base/ip.ts';
import { err, must, ok, type Result, unreachable } from '../base/result.ts';
import type { SocketSecurity, SpeakerEffect, SpeakerEvent } from '../bgp/event.ts';
import { bindSocket, closeSocket, LEVEL, openSocket, setSocketOption } from './libc.ts';

type TcpEffect = Extract<SpeakerEffect, { kind: `tcp-${string}` }>;
type ListenEffect = Extract<TcpEffect, { kind: 'tcp-listen' }>;
type Key = ListenEffect['keys'][number];

export interface Tcp {
  perform(effect: TcpEffect): void;
  /** Reading goes on, or waits: the speaker has more than it has worked off. */
  setReading(on: boolean): void;
  close(): void;
}

/** Options by family: ip(7), ipv6(7), tcp(7), linux/tcp.h. */
const OPTION = {
  4: { level: LEVEL.ip, ttl: 2, minTtl: 21, class: 1 },
  6: { level: LEVEL.ipv6, ttl: 16, minTtl: 73, class: 67 },
} as const;
const SO_REUSEADDR = 2;
const IPV6_V6ONLY = 26;
const TCP_MD5SIG = 14;
const TCP_MD5SIG_EXT = 32;
const MD5_PREFIX = 1;
const MOST_KEY_BYTES = 80;
/** Internetwork control, RFC 4271 appendix E by way of RFC 791. */
const CLASS = 0xc0;

/** `struct tcp_md5sig` of linux/tcp.h; an empty key removes the one that is there. */
function md5(address: Address, length: number | undefined, key: string): Result<Uint8Array> {
  const secret = Buffer.from(key);
  if (secret.length > MOST_KEY_BYTES)
    return err(`a TCP-MD5 password has ${secret.length} bytes; ${MOST_KEY_BYTES} at most`);
  const bytes = Buffer.alloc(216);
  bytes.writeUInt16LE(address.family === 4 ? 2 : 10);
  if (address.family === 4) bytes.writeUInt32BE(address.words[3], 4);
  else address.words.forEach((word, index) => void bytes.writeUInt32BE(word, 8 + index * 4));
  if (length !== undefined) {
    bytes[128] = MD5_PREFIX;
    bytes[129] = length;
  }
  bytes.writeUInt16LE(secret.length, 130);
  secret.copy(bytes, 136);
  return ok(bytes);
}

function option(
  fd: number,
  level: number,
  name: number,
  value: number | Uint8Array,
  what: string,
): Result<number> {
  const set = setSocketOption(fd, level, name, value);
  return set.ok ? set : err(`cannot set ${what} (${set.error})${REMEDY[set.error] ?? ''}`);
}

const REMEDY: Readonly<Record<string, string>> = {
  ENOPROTOOPT: '; this kernel was built without it',
  EACCES: '; a port below 1024 needs CAP_NET_BIND_SERVICE, or sysctl net.ipv4.ip_unprivileged_port_start=179',
  EPERM: '; it needs a capability that this process lacks',
  EADDRINUSE: '; another program listens there',
  EADDRNOTAVAIL: '; no interface of this machine has that address',
};

function setKey(fd: number, peer: Address, length: number | undefined, key: string): Result<number> {
  const bytes = md5(peer, length, key);
  if (!bytes.ok) return bytes;
  return option(fd, LEVEL.tcp, length === undefined ? TCP_MD5SIG : TCP_MD5SIG_EXT, bytes.value, 'TCP-MD5');
}

function setTtls(fd: number, family: 4 | 6, { ttl, minTtl }: SocketSecurity): Result<number> {
  const names = OPTION[family];
  const classed = option(fd, names.level, names.class, CLASS, 'the traffic class');
  if (!classed.ok) return classed;
  if (ttl !== undefined) {
    const set = option(fd, names.level, names.ttl, ttl, `TTL ${ttl}`);
    if (!set.ok) return set;
  }
  return minTtl === undefined
    ? classed
    : option(fd, names.level, names.minTtl, minTtl, `the minimal TTL ${minTtl}`);
}

/** A socket that is ready to dial. */
function dialer({ to, from, security }: Extract<TcpEffect, { kind: 'tcp-connect' }>): Result<number> {
  const peer = parseAddress(to);
  if (!peer.ok) return peer;
  const { family } = peer.value;
  const opened = openSocket(family, 'stream');
  if (!opened.ok) return err(`cannot open a socket (${opened.error})`);
  const fd = opened.value;
  const steps = [
    () => setTtls(fd, family, security),
    () => (security.password === undefined ? ok(0) : setKey(fd, peer.value, undefined, security.password)),
    () => (from === undefined ? ok(0) : bound(fd, from, 0)),
  ];
  return finishOrClose(fd, steps);
}

function bound(fd: number, address: string, port: number): Result<number> {
  const set = bindSocket(fd, must(parseAddress(address)), port);
  return set.ok ? set : err(`cannot use ${address} port ${port} (${set.error})${REMEDY[set.error] ?? ''}`);
}

function finishOrClose(fd: number, steps: readonly (() => Result<number>)[]): Result<number> {
  for (const step of steps) {
    const done = step();
    if (done.ok) continue;
    closeSocket(fd);
    return done;
  }
  return ok(fd);
}

function listener(
  { address, port }: ListenEffect['at'][number],
  keys: readonly Key[],
  minTtl: number | undefined,
): Result<number> {
  const parsed = parseAddress(address);
  if (!parsed.ok) return parsed;
  const { family } = parsed.value;
  const opened = openSocket(family, 'stream');
  if (!opened.ok) return err(`cannot open a socket (${opened.error})`);
  const fd = opened.value;
  return finishOrClose(fd, [
    () => option(fd, LEVEL.socket, SO_REUSEADDR, 1, 'SO_REUSEADDR'),
    () => (family === 6 ? option(fd, LEVEL.ipv6, IPV6_V6ONLY, 1, 'IPV6_V6ONLY') : ok(0)),
    () => setTtls(fd, family, minTtl === undefined ? {} : { ttl: 255, minTtl }),
    ...keys.map((key) => () => keyOn(fd, family, key, key.password)),
    () => bound(fd, address, port),
  ]);
}

/** Why a listener cannot be had; undefined where it can. It is closed before anybody could dial. */
export function listenRefusal(
  at: ListenEffect['at'][number],
  keys: readonly Key[] = [],
  minTtl?: number,
): string | undefined {
  const made = listener(at, keys, minTtl);
  if (!made.ok) return made.error;
  closeSocket(made.value);
  return undefined;
}

/**
 * Sets the key of those who dial from a prefix; those of the other family are none of this listener's
 * business.
 */
function keyOn(fd: number, family: 4 | 6, { prefix }: Key, password: string): Result<number> {
  const parsed = parsePrefix(prefix);
  if (!parsed.ok) return parsed;
  const { address, length } = parsed.value;
  if (address.family !== family) return ok(0);
  const isHost = length === (family === 4 ? 32 : 128);
  return setKey(fd, address, isHost ? undefined : length, password);
}

interface Listening {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly minTtl: number | undefined;
  readonly server: Server;
  keys: readonly Key[];
}

/** The address as the speaker writes it: IPv4 also where it arrives mapped. */
const plain = (text: string | undefined): string => {
  const parsed = parseAddress((text ?? '').replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, ''));
  return parsed.ok ? formatAddress(parsed.value) : '';
};

/** The same bytes, of the type that the speaker has everywhere: its code is compiled once for one type. */
const plainBytes = ({ buffer, byteOffset, length }: Buffer): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);

interface Listeners {
  set(effect: ListenEffect): void;
  close(): void;
}

/** The listeners of a speaker, with the keys of those who may dial. */
function createListeners(accept: (socket: Socket) => void, onFault: (sentence: string) => void): Listeners {
  const listening = new Map<string, Listening>();

  function listen({ at, keys, minTtl }: ListenEffect): void {
    const wanted = new Set(at.map(({ address, port }) => `${address} ${port}`));
    for (const [name, one] of listening) {
      if (wanted.has(name) && one.minTtl === minTtl) continue;
      one.server.close();
      listening.delete(name);
    }
    for (const place of at) {
      const name = `${place.address} ${place.port}`;
      const present = listening.get(name);
      const failure = present === undefined ? open(name, place, keys, minTtl) : changeKeys(present, keys);
      if (failure !== undefined)
        onFault(`BGP cannot listen on ${place.address} port ${place.port}: ${failure}`);
    }
  }

  function open(
    name: string,
    place: ListenEffect['at'][number],
    keys: readonly Key[],
    minTtl: number | undefined,
  ): string | undefined {
    const made = listener(place, keys, minTtl);
    if (!made.ok) return made.error;
    const server = createServer(accept);
    server.on('error', (error) => onFault(`BGP cannot listen on ${name}: ${error.message}`));
    server.listen({ fd: made.value });
    const family = isIPv6(place.address) ? 6 : 4;
    listening.set(name, { fd: made.value, family, minTtl, server, keys });
    return undefined;
  }

  /** Keys of a listener that stays: those that are gone are removed, the others set. */
  function changeKeys(one: Listening, keys: readonly Key[]): string | undefined {
    const gone = one.keys.filter(({ prefix }) => !keys.some((other) => other.prefix === prefix));
    for (const key of gone) keyOn(one.fd, one.family, key, '');
    one.keys = keys;
    for (const key of keys) {
      const set = keyOn(one.fd, one.family, key, key.password);
      if (!set.ok) return set.error;
    }
    return undefined;
  }

  return {
    set: listen,
    close() {
      for (const { server } of listening.values()) server.close();
    },
  };
}

/** A socket of our own making in Node's hands, before it connects: `manualStart` is not in the types. */
const unconnected = (fd: number): Socket =>
  new Socket({ fd, manualStart: true } as ConstructorParameters<typeof Socket>[0]);

/** Sockets of a speaker; `onFault` is told in a sentence what cannot be had. */
export function createTcp(post: (event: SpeakerEvent) => void, onFault: (sentence: string) => void): Tcp {
  const sockets = new Map<number, Socket>();
  let accepted = 1;
  let reading = true;
  const listeners = createListeners((socket) => {
    accepted += 2;
    adopt(accepted, socket);
    const [local, remote] = [plain(socket.localAddress), plain(socket.remoteAddress)];
    post({ kind: 'tcp-accepted', connection: accepted, local, remote });
  }, onFault);

  function adopt(connection: number, socket: Socket): void {
    sockets.set(connection, socket);
    let reason = 'closed by the other side';
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => post({ kind: 'tcp-data', connection, data: plainBytes(data) }));
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => {
      if (sockets.delete(connection)) post({ kind: 'tcp-closed', connection, reason });
    });
    if (!reading) socket.pause();
  }

  function connect(effect: Extract<TcpEffect, { kind: 'tcp-connect' }>): void {
    const { connection, to, port } = effect;
    const made = dialer(effect);
    // In a turn of its own: the speaker is in the middle of a step.
    if (!made.ok) setImmediate(() => post({ kind: 'tcp-closed', connection, reason: made.error }));
    if (!made.ok) return;
    const socket = unconnected(made.value);
    adopt(connection, socket);
    const opened = (): void =>
      post({ kind: 'tcp-opened', connection, local: plain(socket.localAddress), remote: plain(to) });
    socket.connect({ host: to, port }, opened);
  }

  function drained(connection: number): void {
    if (sockets.has(connection)) post({ kind: 'tcp-drained', connection });
  }

  return {
    perform(effect) {
      switch (effect.kind) {
        case 'tcp-connect':
          connect(effect);
          return;
        case 'tcp-listen':
          listeners.set(effect);
          return;
        case 'tcp-secure':
          secure(sockets.get(effect.connection), effect.security);
          return;
        case 'tcp-send':
          write(sockets.get(effect.connection), effect.data, () => drained(effect.connection));
          return;
        case 'tcp-close':
          end(sockets.get(effect.connection), effect.abort);
          sockets.delete(effect.connection);
          return;
        default:
          return unreachable(effect);
      }
    },
    setReading(on) {
      if (on === reading) return;
      reading = on;
      for (const socket of sockets.values()) socket[on ? 'resume' : 'pause']();
    },
    close() {
      listeners.close();
      for (const socket of sockets.values()) socket.destroySoon();
      sockets.clear();
    },
  };
}

/** Writes, and tells when the kernel has it: before it returns where that was so at once. */
function write(socket: Socket | undefined, data: Uint8Array, drained: () => void): void {
  if (socket === undefined) return;
  let isLate = false;
  socket.write(data, () => {
    if (isLate) drained();
  });
  isLate = socket.writableLength > 0;
  if (!isLate) drained();
}

/** Ends a connection when all has left, or throws that away. */
function end(socket: Socket | undefined, abort: boolean): void {
  if (abort) socket?.resetAndDestroy();
  else socket?.destroySoon();
}

/** Sets the TTLs of an accepted socket; one that cannot have them is given up. */
function secure(socket: Socket | undefined, security: SocketSecurity): void {
  const fd = descriptor(socket);
  if (socket === undefined || fd === undefined) return;
  const set = setTtls(fd, isIPv6(socket.remoteAddress ?? '') ? 6 : 4, security);
  if (!set.ok) socket.destroy(new Error(set.error));
}

/** The descriptor of an accepted socket: Node has no documented way to it. */
function descriptor(socket: Socket | undefined): number | undefined {
  const handle: unknown = socket === undefined ? undefined : Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
