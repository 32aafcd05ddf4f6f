/**
 * The few system calls that Node does not offer, through koffi: sockets with a mark, for ICMP, or raw. Linux
 * only. All but raw sockets are handed to Node by their descriptor right after.
 */
import koffi from 'koffi';
import type { Address } from '../../base/ip.ts';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SOL_SOCKET = 1;
const SO_MARK = 36;

interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  sendto(
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: number,
  ): number;
  recvfrom(
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: Buffer,
  ): number;
  close(fd: number): number;
}

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load('libc.so.6');
    loaded = {
      socket: library.func('int socket(int domain, int type, int protocol)'),
      setsockopt: library.func(
        'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
      ),
      sendto: library.func(
        'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
      ),
      recvfrom: library.func(
        'int64_t recvfrom(int fd, void *data, size_t length, int flags, void *address, void *addressLength)',
      ),
      close: library.func('int close(int fd)'),
    };
  }
  return loaded;
}

const errnoName = (): string => {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
};

/**
 * A non-blocking socket; with `mark`, its packets carry it (SO_MARK, socket(7)), from the first on. The error
 * is the name of the errno: `EACCES`, `EPERM`.
 */
function open(family: 4 | 6, type: number, protocol: number, mark: number | undefined): Result<number> {
  const { socket, setsockopt, close } = libc();
  const fd = socket(family === 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) return err(errnoName());
  if (mark === undefined) return ok(fd);
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark);
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length) === 0) return ok(fd);
  const error = errnoName();
  close(fd);
  return err(error);
}

/** An ICMP echo socket (icmp(7), `ping_group_range`): the kernel fills in identifier and checksum. */
export const icmpSocket = (family: 4 | 6, mark?: number): Result<number> =>
  open(family, SOCK_DGRAM, family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, mark);

/** A raw socket for ICMP (raw(7), CAP_NET_RAW): it is given all ICMP packets that the machine gets. */
export const rawIcmpSocket = (family: 4 | 6, mark?: number): Result<number> =>
  open(family, SOCK_RAW, family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, mark);

/** A `sockaddr_in` or `sockaddr_in6` (ip(7), ipv6(7)) without a port. */
function socketAddress({ family, words }: Address): Buffer {
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6);
  if (family === 4) bytes.writeUInt32BE(words[3], 4);
  else words.forEach((word, index) => void bytes.writeUInt32BE(word, 8 + 4 * index));
  return bytes;
}

function fromSocketAddress(bytes: Buffer): Address {
  const word = (at: number): number => bytes.readUInt32BE(at);
  if (bytes.readUInt16LE() === AF_INET) return { family: 4, words: [0, 0, 0, word(4)] };
  return { family: 6, words: [word(8), word(12), word(16), word(20)] };
}

/** Sends one packet by a raw socket; the error is the name of the errno. */
export function sendRaw(fd: number, packet: Buffer, to: Address): Result<void> {
  const name = socketAddress(to);
  return libc().sendto(fd, packet, packet.length, 0, name, name.length) < 0
    ? err(errnoName())
    : ok(undefined);
}

/** The next packet that a raw socket has got, put into `into`; IPv4 with its header. Undefined: none yet. */
export function receiveRaw(fd: number, into: Buffer): { length: number; from: Address } | undefined {
  const name = Buffer.alloc(28);
  const nameLength = Buffer.alloc(4);
  nameLength.writeUInt32LE(name.length);
  const length = libc().recvfrom(fd, into, into.length, 0, name, nameLength);
  return length < 0 ? undefined : { length, from: fromSocketAddress(name) };
}

export const closeSocket = (fd: number): void => void libc().close(fd);

/** A TCP socket that is not connected yet. */
export const tcpSocket = (family: 4 | 6, mark: number): Result<number> => open(family, SOCK_STREAM, 0, mark);

/**
 * Sends one datagram to a Unix socket; a path that begins with `@` is in the abstract namespace (unix(7)).
 */
export function sendUnixDatagram(path: string, text: string): Result<void> {
  const { socket, sendto, close } = libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return err(errnoName());
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  const address = Buffer.concat([family, name]);
  const data = Buffer.from(text);
  const sent = sendto(fd, data, data.length, 0, address, address.length);
  const error = sent < 0 ? errnoName() : undefined;
  close(fd);
  return error === undefined ? ok(undefined) : err(error);
}
