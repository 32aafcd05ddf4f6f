/**
 * The sockets of BFD: one to receive for each address, family and kind (RFC 5881 4: port 3784; RFC 5883 5:
 * 4784), one to send for each session, from a port of its own of 49152 to 65535. For a single hop the kernel
 * lets only packets with TTL 255 through (RFC 5881 5). A kernel filter does that, as IP_MINTTL is not heeded
 * for UDP.
 */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { type Address, address, formatAddress } from '../../base/ip.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { BfdOptions } from '../../bfd/options.ts';
import {
  attachFilter,
  bindSocket,
  closeSocket,
  type Instruction,
  LEVEL,
  openSocket,
  sendTo,
  setSocketOption,
  socketAddress,
} from '../libc.ts';

const SINGLE_HOP_PORT = 3784;
const MULTIHOP_PORT = 4784;
const FIRST_SOURCE_PORT = 49152;
const PORTS_TRIED = 64;
/** Network control. RFC 4594 3.1. */
const CLASS_SELECTOR_6 = 0xc0;
const TTL = 255;

const IP_TOS = 1;
const IP_TTL = 2;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;

const ANY = { 4: address('0.0.0.0'), 6: address('::') } as const;

/** Passes packets whose TTL or hop limit is 255: loads the octet from the network header, and compares. */
const onlyTtl255 = (family: 4 | 6): readonly Instruction[] => [
  [0x30, 0, 0, 0xfff00000 + (family === 4 ? 8 : 7)],
  [0x15, 0, 1, TTL],
  [0x06, 0, 0, 0xffffffff],
  [0x06, 0, 0, 0],
];

/** A socket that only sends need queue nothing. */
const nothing: readonly Instruction[] = [[0x06, 0, 0, 0]];

/** What was sent to a port, to whom it came, and on which kind of port. */
export interface Arrival {
  readonly from: string;
  readonly to?: string;
  readonly multihop: boolean;
  readonly data: Uint8Array;
}

interface Receiver {
  readonly socket: Socket;
  users: number;
}

interface Sender {
  readonly fd: number;
  readonly to: Uint8Array;
  readonly receiver: string;
}

const portOf = (multihop: boolean): number => (multihop ? MULTIHOP_PORT : SINGLE_HOP_PORT);

const remedyOf = (error: string, where: string): string => {
  if (error.includes('glibc')) return 'run byoa there, or without BFD';
  if (error === 'EADDRINUSE')
    return `another program receives BFD there; stop it (\`ss -ulpn\` names it), or give the session a local address`;
  if (error === 'EADDRNOTAVAIL') return `this machine does not have ${where} (yet); tried again every second`;
  if (error === 'EACCES' || error === 'EPERM')
    return 'the process may not; look at its seccomp, SELinux or AppArmor rules';
  if (error === 'EMFILE') return 'too many open files; raise LimitNOFILE';
  return 'tried again every second';
};

/** What could not be done, with which address and port, why, and what to do. */
function fault(what: string, at: Address, port: number, error: string): string {
  const where = formatAddress(at);
  const spot = where.includes(':') ? `[${where}]:${port}` : `${where}:${port}`;
  return `BFD cannot ${what} ${spot} (${error}): ${remedyOf(error, where)}`;
}

/** Runs the steps in order until one fails, and says how it was called. */
function inTurn(steps: readonly (readonly [string, () => Result<number>])[]): Result<void> {
  for (const [name, step] of steps) {
    const result = step();
    if (!result.ok) return err(name === '' ? result.error : `${name}: ${result.error}`);
  }
  return ok(undefined);
}

function openReceiver(at: Address, multihop: boolean): Result<number> {
  const { family } = at;
  const port = portOf(multihop);
  const fd = openSocket(family, 'datagram');
  if (!fd.ok) return err(fault('open a socket for', at, port, fd.error));
  const done = inTurn([
    // Before it has a port, so that nothing slips in.
    ...(multihop ? [] : [['SO_ATTACH_FILTER', () => attachFilter(fd.value, onlyTtl255(family))] as const]),
    ...(family === 6
      ? [['IPV6_V6ONLY', () => setSocketOption(fd.value, LEVEL.ipv6, IPV6_V6ONLY, 1)] as const]
      : []),
    ['', () => bindSocket(fd.value, at, port)],
  ]);
  if (done.ok) return fd;
  closeSocket(fd.value);
  return err(fault('receive on', at, port, done.error));
}

function bindSource(fd: number, at: Address): Result<number> {
  let result: Result<number> = err('EADDRINUSE');
  for (let tries = 0; tries < PORTS_TRIED; tries++) {
    result = bindSocket(fd, at, randomInt(FIRST_SOURCE_PORT, 65536));
    if (result.ok || result.error !== 'EADDRINUSE') break;
  }
  return result;
}

function openSender(at: Address): Result<number> {
  const { family } = at;
  const fd = openSocket(family, 'datagram');
  if (!fd.ok) return err(fault('open a socket for', at, 0, fd.error));
  const level = family === 4 ? LEVEL.ip : LEVEL.ipv6;
  const done = inTurn([
    ['TTL', () => setSocketOption(fd.value, level, family === 4 ? IP_TTL : IPV6_UNICAST_HOPS, TTL)],
    ['TOS', () => setSocketOption(fd.value, level, family === 4 ? IP_TOS : IPV6_TCLASS, CLASS_SELECTOR_6)],
    ['SO_ATTACH_FILTER', () => attachFilter(fd.value, nothing)],
    ['', () => bindSource(fd.value, at)],
  ]);
  if (done.ok) return fd;
  closeSocket(fd.value);
  return err(fault('send from', at, FIRST_SOURCE_PORT, done.error));
}

/** The sockets of all sessions. */
export interface BfdSockets {
  /** Opens what a session needs; undefined when it has it, else why not, as a sentence. */
  open(session: string, options: BfdOptions): string | undefined;
  /** Sends from the session's port; the name of the errno where it failed, undefined where it did not. */
  send(session: string, data: Uint8Array): string | undefined;
  has(session: string): boolean;
  close(session: string): void;
  closeAll(): void;
}

/** No sockets yet; `arrived` is called for every packet that the kernel lets through. */
export function createBfdSockets(arrived: (arrival: Arrival) => void): BfdSockets {
  const receivers = new Map<string, Receiver>();
  const senders = new Map<string, Sender>();

  function join(key: string, at: Address, to: string | undefined, multihop: boolean): string | undefined {
    const known = receivers.get(key);
    if (known !== undefined) {
      known.users++;
      return undefined;
    }
    const fd = openReceiver(at, multihop);
    if (!fd.ok) return fd.error;
    const socket = createSocket(at.family === 4 ? 'udp4' : 'udp6');
    const here = to === undefined ? {} : { to };
    socket.on('message', (data, { address: from }) => arrived({ from, ...here, multihop, data }));
    // An ICMP error that came for an earlier packet: silence says the same.
    socket.on('error', () => undefined);
    socket.bind({ fd: fd.value, exclusive: true });
    receivers.set(key, { socket, users: 1 });
    return undefined;
  }

  function leave(key: string): void {
    const receiver = receivers.get(key);
    if (receiver === undefined || --receiver.users > 0) return;
    receivers.delete(key);
    receiver.socket.close();
  }

  function close(session: string): void {
    const sender = senders.get(session);
    if (sender === undefined) return;
    senders.delete(session);
    closeSocket(sender.fd);
    leave(sender.receiver);
  }

  return {
    open(session, { peer, local, multihop }) {
      close(session);
      const remote = address(peer);
      const at = local === undefined ? ANY[remote.family] : address(local);
      const receiver = `${formatAddress(at)} ${portOf(multihop)}`;
      const refused = join(receiver, at, local, multihop);
      if (refused !== undefined) return refused;
      const fd = openSender(at);
      if (!fd.ok) {
        leave(receiver);
        return fd.error;
      }
      senders.set(session, { fd: fd.value, to: socketAddress(remote, portOf(multihop)), receiver });
      return undefined;
    },
    send(session, data) {
      const sender = senders.get(session);
      if (sender === undefined) return 'ENOTCONN';
      const sent = sendTo(sender.fd, data, sender.to);
      return sent.ok ? undefined : sent.error;
    },
    has: (session) => senders.has(session),
    close,
    closeAll() {
      for (const session of [...senders.keys()]) close(session);
    },
  };
}
