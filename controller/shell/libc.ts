/**
 * The C library's socket calls, through koffi: for sockets that need options which Node does not offer, or
 * that must be set before the socket is used. Linux with glibc. Descriptors are handed to Node, or used with
 * `sendTo`; whoever opened one closes it. Errors are names of errno (`EADDRINUSE`), or a sentence where there
 * is no C library to call.
 */
import koffi from 'koffi';
import type { Address } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK = { stream: 1, datagram: 2, raw: 3 } as const;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SCHED_FIFO = 1;
const SO_ATTACH_FILTER = 26;

/** Levels of options: socket(7), ip(7), tcp(7), ipv6(7). */
export const LEVEL = { socket: 1, ip: 0, tcp: 6, ipv6: 41 } as const;

interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  attach(fd: number, level: number, name: number, program: object, length: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  sendto(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    to: Uint8Array,
    toLength: number,
  ): number;
  recvfrom(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    from: Uint8Array | null,
    fromLength: Uint8Array | null,
  ): number;
  send(fd: number, data: Uint8Array, length: number, flags: number): number;
  close(fd: number): number;
  sched_setscheduler(pid: number, policy: number, parameters: Uint8Array): number;
  malloc_trim(pad: number): number;
}

let loaded: Result<Libc> | undefined;

function load(): Result<Libc> {
  try {
    const library = koffi.load('libc.so.6');
    // struct sock_fprog, linux/filter.h
    const program = koffi.struct({ length: 'uint16', filter: 'void *' });
    const pointer = koffi.pointer(program);
    return ok({
      socket: library.func('int socket(int domain, int type, int protocol)'),
      setsockopt: library.func(
        'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
      ),
      attach: library.func('setsockopt', 'int', ['int', 'int', 'int', pointer, 'uint32_t']),
      bind: library.func('int bind(int fd, const void *address, uint32_t length)'),
      sendto: library.func(
        'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)',
      ),
      recvfrom: library.func(
        'int64_t recvfrom(int fd, void *data, size_t length, int flags, void *from, void *fromLength)',
      ),
      send: library.func('int64_t send(int fd, const void *data, size_t length, int flags)'),
      close: library.func('int close(int fd)'),
      sched_setscheduler: library.func('int sched_setscheduler(int pid, int policy, const void *parameters)'),
      malloc_trim: library.func('int malloc_trim(size_t pad)'),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return err(
      `there is no C library that byoa can call on ${process.platform} (${why}); it needs Linux with glibc`,
    );
  }
}

function libc(): Result<Libc> {
  loaded ??= load();
  return loaded;
}

const errnoName = (): string => {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
};

function call(run: (library: Libc) => number): Result<number> {
  const library = libc();
  if (!library.ok) return library;
  const result = run(library.value);
  return result < 0 ? err(errnoName()) : ok(result);
}

/** Gives what is free in the C library's heap back to the kernel; 1 where there was any. malloc_trim(3) */
export const trimHeap = (): Result<number> => call(({ malloc_trim }) => malloc_trim(0));

/** A non-blocking socket that programs started by us do not inherit. */
export const openSocket = (family: 4 | 6, type: keyof typeof SOCK, protocol = 0): Result<number> =>
  call(({ socket }) =>
    socket(family === 4 ? AF_INET : AF_INET6, SOCK[type] | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol),
  );

/** A socket to the kernel's routing tables, rtnetlink(7), that waits for answers. */
export const openNetlink = (): Result<number> =>
  call(({ socket }) => socket(AF_NETLINK, SOCK.raw | SOCK_CLOEXEC, 0));

/** Sends to the other end of a socket at once. */
export const sendNow = (fd: number, data: Uint8Array): Result<number> =>
  call(({ send }) => send(fd, data, data.length, 0));

const received = Buffer.alloc(65536);

/** The next datagram, waited for: only where the kernel is sure to answer. Valid until the next call. */
export function receiveNow(fd: number): Result<Buffer> {
  const size = call(({ recvfrom }) => recvfrom(fd, received, received.length, 0, null, null));
  return size.ok ? ok(received.subarray(0, size.value)) : size;
}

/** The next datagram of a non-blocking socket, put into `into`, and who sent it; `EAGAIN`: none yet. */
export function receiveFrom(fd: number, into: Uint8Array): Result<{ length: number; from: Address }> {
  const name = Buffer.alloc(28);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(name.length);
  const length = call(({ recvfrom }) => recvfrom(fd, into, into.length, 0, name, size));
  return length.ok ? ok({ length: length.value, from: fromSocketAddress(name) }) : length;
}

/** Sets an option: an int, or a structure as bytes. */
export function setSocketOption(
  fd: number,
  level: number,
  name: number,
  value: number | Uint8Array,
): Result<number> {
  const bytes = typeof value === 'number' ? new Uint8Array(Int32Array.of(value).buffer) : value;
  return call(({ setsockopt }) => setsockopt(fd, level, name, bytes, bytes.length));
}

/**
 * One instruction of classic BPF: code, jumps where true and false, operand. bpf(4) of BSD, linux/filter.h.
 */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/** Lets the kernel judge each packet before it is queued. Needs no privilege. */
export function attachFilter(fd: number, program: readonly Instruction[]): Result<number> {
  const filter = Buffer.alloc(program.length * 8);
  program.forEach(([code, jt, jf, k], index) => {
    filter.writeUInt16LE(code, index * 8);
    filter.writeUInt8(jt, index * 8 + 2);
    filter.writeUInt8(jf, index * 8 + 3);
    filter.writeUInt32LE(k, index * 8 + 4);
  });
  return call(({ attach }) =>
    attach(fd, LEVEL.socket, SO_ATTACH_FILTER, { length: program.length, filter }, 16),
  );
}

/** A `sockaddr_in` or `sockaddr_in6`. ip(7), ipv6(7). */
export function socketAddress({ family, words }: Address, port: number): Uint8Array {
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6);
  bytes.writeUInt16BE(port, 2);
  if (family === 4) bytes.writeUInt32BE(words[3], 4);
  else words.forEach((word, index) => void bytes.writeUInt32BE(word, 8 + 4 * index));
  return bytes;
}

function fromSocketAddress(bytes: Buffer): Address {
  const word = (at: number): number => bytes.readUInt32BE(at);
  if (bytes.readUInt16LE() === AF_INET) return { family: 4, words: [0, 0, 0, word(4)] };
  return { family: 6, words: [word(8), word(12), word(16), word(20)] };
}

/** Gives a socket its address; port 0 lets the kernel choose one. */
export function bindSocket(fd: number, address: Address, port: number): Result<number> {
  const name = socketAddress(address, port);
  return call(({ bind }) => bind(fd, name, name.length));
}

/** Sends one datagram at once; `to` comes from `socketAddress`. */
export const sendTo = (fd: number, data: Uint8Array, to: Uint8Array): Result<number> =>
  call(({ sendto }) => sendto(fd, data, data.length, 0, to, to.length));

/**
 * Sends one datagram to a Unix socket; a path that begins with `@` is in the abstract namespace (unix(7)).
 */
export function sendUnixDatagram(path: string, text: string): Result<number> {
  const fd = call(({ socket }) => socket(AF_UNIX, SOCK.datagram | SOCK_CLOEXEC, 0));
  if (!fd.ok) return fd;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  const name = Buffer.concat([family, Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)]);
  const sent = sendTo(fd.value, Buffer.from(text), name);
  closeSocket(fd.value);
  return sent;
}

export const closeSocket = (fd: number): void => void call(({ close }) => close(fd));

/** Schedules this thread before all that are not real-time, sched(7); needs CAP_SYS_NICE. */
export function setRealTime(priority: number): Result<number> {
  const parameters = new Uint8Array(Int32Array.of(priority).buffer);
  return call((library) => library.sched_setscheduler(0, SCHED_FIFO, parameters));
}
