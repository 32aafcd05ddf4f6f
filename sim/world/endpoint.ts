/**
 * Machines that send and receive: guests of the VPC and hosts on the Internet. Here is their power, and when
 * their kernel and their programs run; their sockets are in sockets.ts, how their packets travel in wire.ts.
 */
import { type Result, unreachable } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Power } from './happening.ts';
import { after, type Kernel, scheduleRoutine } from './kernel.ts';
import type { Connection, Segment, TcpProgram } from './tcp.ts';

/**
 * A packet as the world carries it. Addresses are canonical text; an ICMP echo has its identifier as both
 * ports.
 */
export interface Packet {
  /** Absent: the routes choose. Always present on arrival. */
  readonly source?: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly body: Body;
}

export type Body =
  | { readonly kind: 'echo-request' | 'echo-reply'; readonly sequence: number }
  | { readonly kind: 'datagram'; readonly data: Uint8Array }
  | { readonly kind: 'segment'; readonly segment: Segment }
  /** A numbered UDP datagram of a flow, or the echo of it; its fate is known, for the flow's books. */
  | { readonly kind: 'flow'; readonly echo: boolean; readonly number: number; readonly fate: Fate };

/** What a flow learns of each of its packets; exactly one of `answered` and `lost` for each number. */
export interface Fate {
  readonly delivered: (number: number) => void;
  readonly answered: (number: number) => void;
  readonly lost: (number: number, why: string) => void;
  /** The ENIs that the packet, or its echo, is handed to, in order. */
  readonly path: (enis: readonly string[], echo: boolean) => void;
}

/** A program that listens: it is told of each new connection and says what to do with it. */
export type Listener = (
  peer: { readonly address: string; readonly port: number },
  connection: Connection,
) => TcpProgram;

export type UdpProgram = (
  from: { readonly address: string; readonly port: number },
  data: Uint8Array,
  at: string,
) => void;

/**
 * How an endpoint reaches the wire. `via` is a next hop in the same subnet, as a static route of the machine
 * would name it.
 */
export interface Network {
  /** The source address that the machine's routes choose; why it cannot send where they choose none. */
  readonly source: (to: string, via: string | undefined) => Result<string>;
  /** Sends; what the network drops is gone without a word. */
  readonly output: (packet: Packet, via: string | undefined) => void;
}

export interface Endpoint {
  readonly kind: 'guest' | 'host';
  /** An instance id, or a host's address. */
  readonly name: string;
  readonly kernel: Kernel;
  readonly network: Network;
  power: Power;
  /** User space does not run; the kernel does. */
  hung: boolean;
  /** Counts starts: what belongs to an earlier start is gone. */
  boot: number;
  /** What waits for the machine to thaw, and for its programs to run again. */
  frozenWork: (() => void)[];
  hungWork: (() => void)[];
  readonly listeners: Map<number, Listener>;
  readonly connections: Map<string, Connection>;
  readonly udp: Map<number, UdpProgram>;
  readonly echoes: Map<number, (from: string) => void>;
  /** What ICMP told of the ways to other addresses. */
  readonly pathMtus: Map<string, { readonly mtuBytes: number; readonly until: Instant }>;
  nextPort: number;
  /** Told of power, for programs that live outside (an attached daemon) or beside (a node). */
  readonly powerListeners: Set<(power: Power) => void>;
}

const FIRST_PORT = 32_768;
const LAST_PORT = 60_999;

export const createEndpoint = (
  kernel: Kernel,
  network: Network,
  kind: 'guest' | 'host',
  name: string,
): Endpoint => ({
  kind,
  name,
  kernel,
  network,
  power: 'running',
  hung: false,
  boot: 1,
  frozenWork: [],
  hungWork: [],
  listeners: new Map(),
  connections: new Map(),
  udp: new Map(),
  echoes: new Map(),
  pathMtus: new Map(),
  nextPort: FIRST_PORT,
  powerListeners: new Set(),
});

/** The next ephemeral port (Linux: ip_local_port_range), also used as ICMP echo identifier. */
export function takePort(endpoint: Endpoint): number {
  const port = endpoint.nextPort;
  endpoint.nextPort = port === LAST_PORT ? FIRST_PORT : port + 1;
  return port;
}

/** Runs `work` in the machine's kernel: now, when it thaws, or never where it is dead. */
export function inKernel(endpoint: Endpoint, work: () => void): void {
  switch (endpoint.power) {
    case 'running':
      work();
      break;
    case 'frozen':
      endpoint.frozenWork.push(work);
      break;
    case 'dead':
      break;
    default:
      unreachable(endpoint.power);
  }
}

/** Runs `work` in a program of the machine: as `inKernel`, and not while the machine hangs. */
export function inProgram(endpoint: Endpoint, work: () => void): void {
  inKernel(endpoint, () => {
    if (endpoint.hung) endpoint.hungWork.push(work);
    else work();
  });
}

/** Has work done after a while; the answer calls it off. */
type Later = (endpoint: Endpoint, delayMs: Millis, work: () => void) => () => void;

const inMain: Later = ({ kernel }, delayMs, work) => after(kernel, delayMs, work);

/** A wait for an answer that mostly comes: routine, and at one instant before the timers of daemons. */
const inRoutine: Later = ({ kernel }, delayMs, work) =>
  scheduleRoutine(kernel, kernel.now + delayMs, 0, work);

/** Runs `work` in the machine's kernel after `delayMs`, unless it has been started anew since. */
export function kernelTimer(
  endpoint: Endpoint,
  delayMs: Millis,
  work: () => void,
  later = inMain,
): () => void {
  const { boot } = endpoint;
  let cancelled = false;
  const cancel = later(endpoint, delayMs, () => {
    inKernel(endpoint, () => {
      if (!cancelled && endpoint.boot === boot) work();
    });
  });
  return () => {
    cancelled = true;
    cancel();
  };
}

/** As `kernelTimer`, for a program. */
export function programTimer(
  endpoint: Endpoint,
  delayMs: Millis,
  work: () => void,
  later = inMain,
): () => void {
  let cancelled = false;
  const inKernelTime = (): void =>
    inProgram(endpoint, () => {
      if (!cancelled) work();
    });
  const cancel = kernelTimer(endpoint, delayMs, inKernelTime, later);
  return () => {
    cancelled = true;
    cancel();
  };
}

/** As `programTimer`, for a wait that is routine. */
export const routineTimer: Later = (endpoint, delayMs, work) =>
  programTimer(endpoint, delayMs, work, inRoutine);

/** Powers off: everything that the machine held is gone. */
export function powerOff(endpoint: Endpoint): void {
  if (endpoint.power === 'dead') return;
  endpoint.power = 'dead';
  endpoint.hung = false;
  endpoint.frozenWork = [];
  endpoint.hungWork = [];
  for (const connection of endpoint.connections.values()) {
    connection.state = 'closed';
    connection.cancelTimer?.();
  }
  endpoint.connections.clear();
  endpoint.listeners.clear();
  endpoint.udp.clear();
  endpoint.echoes.clear();
  endpoint.pathMtus.clear();
  tell(endpoint);
}

/** Powers on with a fresh kernel: no sockets, no programs. */
export function powerOn(endpoint: Endpoint): void {
  powerOff(endpoint);
  endpoint.boot += 1;
  endpoint.nextPort = FIRST_PORT + ((endpoint.boot * 997) % 20_000);
  endpoint.power = 'running';
  tell(endpoint);
}

/** Stops the machine between two instructions; its memory stays. */
export function freeze(endpoint: Endpoint): void {
  if (endpoint.power !== 'running') return;
  endpoint.power = 'frozen';
  tell(endpoint);
}

/** Lets a frozen machine, and a hung user space, run again: what had waited runs now, in order. */
export function resume(endpoint: Endpoint): void {
  if (endpoint.power === 'dead') return;
  const thawed = endpoint.power === 'frozen';
  const wasHung = endpoint.hung;
  endpoint.power = 'running';
  endpoint.hung = false;
  const programs = endpoint.hungWork;
  const kernel = endpoint.frozenWork;
  endpoint.hungWork = [];
  endpoint.frozenWork = [];
  if (thawed || wasHung) tell(endpoint);
  for (const work of [...programs, ...kernel]) work();
}

/** What programs of the machine experience: a hung user space is frozen as far as they are concerned. */
export const programPower = (endpoint: Endpoint): Power =>
  endpoint.power === 'running' && endpoint.hung ? 'frozen' : endpoint.power;

/** Stops user space only. */
export function hang(endpoint: Endpoint): void {
  if (endpoint.power !== 'running' || endpoint.hung) return;
  endpoint.hung = true;
  tell(endpoint);
}

function tell(endpoint: Endpoint): void {
  const power = programPower(endpoint);
  for (const listener of [...endpoint.powerListeners]) listener(power);
}
