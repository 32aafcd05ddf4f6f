/** The sockets of machines: ICMP echo, UDP and TCP, made of packets that the wire carries and may lose. */
import { err, ok, present, type Result, unreachable } from '../../controller/base/result.ts';
import {
  type Endpoint,
  inKernel,
  inProgram,
  kernelTimer,
  type Listener,
  type Packet,
  takePort,
  type UdpProgram,
} from './endpoint.ts';
import {
  accept,
  type Connection,
  connect,
  receive,
  refusal,
  type Segment,
  type TcpKernel,
  type TcpProgram,
} from './tcp.ts';

export interface Destination {
  readonly to: string;
  /** Next hop in the same subnet, instead of what the routes say. */
  readonly via?: string | undefined;
}

/** Sends one ICMP echo request (RFC 792, RFC 4443); `reply` runs at most once. The answer stops waiting. */
export function ping(
  endpoint: Endpoint,
  { to, via }: Destination,
  reply: (from: string) => void,
): Result<() => void> {
  const source = endpoint.network.source(to, via);
  if (!source.ok) return source;
  const id = takePort(endpoint);
  endpoint.echoes.set(id, (from) => inProgram(endpoint, () => reply(from)));
  const body = { kind: 'echo-request', sequence: 1 } as const;
  endpoint.network.output(
    { source: source.value, destination: to, sourcePort: id, destinationPort: id, body },
    via,
  );
  return ok(() => endpoint.echoes.delete(id));
}

/** Gives a UDP port to a program; the answer gives it back. */
export function bindUdp(endpoint: Endpoint, port: number, program: UdpProgram): Result<() => void> {
  if (endpoint.udp.has(port)) return err(`UDP port ${port} of ${endpoint.name} is in use`);
  endpoint.udp.set(port, program);
  return ok(() => {
    if (endpoint.udp.get(port) === program) endpoint.udp.delete(port);
  });
}

export interface UdpMessage extends Destination {
  readonly port: number;
  readonly fromPort: number;
  /** The source address where it matters, e.g. of an answer; else the routes choose it. */
  readonly from?: string | undefined;
  readonly data: Uint8Array;
}

/** A datagram as it leaves the machine. */
export function datagramOf(endpoint: Endpoint, message: UdpMessage): Result<Packet> {
  const source =
    message.from === undefined ? endpoint.network.source(message.to, message.via) : ok(message.from);
  if (!source.ok) return source;
  return ok({
    source: source.value,
    destination: message.to,
    sourcePort: message.fromPort,
    destinationPort: message.port,
    body: { kind: 'datagram', data: message.data },
  });
}

/** Sends a datagram. */
export function sendUdp(endpoint: Endpoint, message: UdpMessage): Result<void> {
  const packet = datagramOf(endpoint, message);
  if (!packet.ok) return packet;
  endpoint.network.output(packet.value, message.via);
  return ok(undefined);
}

/** Listens on a TCP port of all addresses; the answer closes the port, not the connections. */
export function listen(endpoint: Endpoint, port: number, listener: Listener): Result<() => void> {
  if (endpoint.listeners.has(port)) return err(`TCP port ${port} of ${endpoint.name} is in use`);
  endpoint.listeners.set(port, listener);
  return ok(() => {
    if (endpoint.listeners.get(port) === listener) endpoint.listeners.delete(port);
  });
}

/**
 * Opens a TCP connection; the program hears `opened`, or `reset` where it was refused or nothing answered.
 */
export function open(
  endpoint: Endpoint,
  { to, via, port }: Destination & { readonly port: number },
  program: TcpProgram,
): Result<Connection> {
  const source = endpoint.network.source(to, via);
  if (!source.ok) return source;
  const local = { address: source.value, port: takePort(endpoint) };
  const kernel = tcpKernel(endpoint, local, { address: to, port }, via);
  const connection = connect(kernel, inUserSpace(endpoint, program), endpoint.boot * 1_000_000);
  endpoint.connections.set(keyOf(local, { address: to, port }), connection);
  return ok(connection);
}

/** Hands a packet that has arrived to the machine's kernel. */
export function deliver(endpoint: Endpoint, packet: Packet): void {
  inKernel(endpoint, () => {
    const { body } = packet;
    switch (body.kind) {
      case 'echo-request':
        return answer(endpoint, packet, { kind: 'echo-reply', sequence: body.sequence });
      case 'echo-reply': {
        const waiting = endpoint.echoes.get(packet.destinationPort);
        endpoint.echoes.delete(packet.destinationPort);
        return waiting?.(senderOf(packet));
      }
      case 'datagram': {
        const { port, program } = {
          port: packet.destinationPort,
          program: endpoint.udp.get(packet.destinationPort),
        };
        const from = { address: senderOf(packet), port: packet.sourcePort };
        if (program === undefined) return;
        return inProgram(endpoint, () => {
          if (endpoint.udp.get(port) === program) program(from, body.data, packet.destination);
        });
      }
      case 'segment':
        return deliverSegment(endpoint, packet, body.segment);
      case 'flow':
        return deliverFlow(endpoint, packet, body);
      default:
        return unreachable(body);
    }
  });
}

/** A flow's packet finds the echo service of its port, or is lost; its echo finds the flow. */
function deliverFlow(
  endpoint: Endpoint,
  packet: Packet,
  body: Extract<Packet['body'], { kind: 'flow' }>,
): void {
  const { number, fate } = body;
  if (endpoint.hung) {
    fate.lost(number, `user space of ${endpoint.name} does not run`);
  } else if (body.echo) {
    fate.answered(number);
  } else if (endpoint.udp.has(packet.destinationPort)) {
    fate.delivered(number);
    answer(endpoint, packet, { ...body, echo: true });
  } else {
    fate.lost(number, `no service on UDP port ${packet.destinationPort} of ${endpoint.name}`);
  }
}

const senderOf = (packet: Packet): string => present(packet.source, 'the source of a packet that arrived');

interface Side {
  readonly address: string;
  readonly port: number;
}

const keyOf = (local: Side, remote: Side): string =>
  `${local.port} ${remote.port} ${remote.address} ${local.address}`;

function answer(endpoint: Endpoint, packet: Packet, body: Packet['body']): void {
  const { destination, sourcePort, destinationPort } = packet;
  const back = {
    source: destination,
    destination: senderOf(packet),
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    body,
  };
  endpoint.network.output(back, undefined);
}

function deliverSegment(endpoint: Endpoint, packet: Packet, segment: Segment): void {
  const local = { address: packet.destination, port: packet.destinationPort };
  const remote = { address: senderOf(packet), port: packet.sourcePort };
  const key = keyOf(local, remote);
  const known = endpoint.connections.get(key);
  const opening = segment.syn && segment.ack === undefined;
  if (known !== undefined && !(opening && known.receiveFirst !== segment.seq && known.state !== 'syn-sent')) {
    receive(known, segment);
    return;
  }
  const listener = endpoint.listeners.get(local.port);
  if (!opening || listener === undefined) {
    if (!segment.rst) answer(endpoint, packet, { kind: 'segment', segment: refusal(segment) });
    return;
  }
  if (known !== undefined) forget(known);
  const kernel = tcpKernel(endpoint, local, remote, undefined);
  let program: TcpProgram = {};
  const connection: Connection = accept(
    kernel,
    inUserSpace(endpoint, {
      opened: () => {
        program = listener(remote, connection);
        program.opened?.();
      },
      data: (bytes) => program.data?.(bytes),
      end: () => program.end?.(),
      reset: (reason) => program.reset?.(reason),
      drained: () => program.drained?.(),
    }),
    endpoint.boot * 1_000_000,
    segment,
  );
  endpoint.connections.set(key, connection);
}

/** An old connection whose other side has begun a new one. */
function forget(connection: Connection): void {
  connection.state = 'closed';
  connection.cancelTimer?.();
  connection.kernel.closed();
  connection.program.reset?.('the other side has begun a new connection');
}

function tcpKernel(endpoint: Endpoint, local: Side, remote: Side, via: string | undefined): TcpKernel {
  const key = keyOf(local, remote);
  return {
    output: (segment) =>
      endpoint.network.output(
        {
          source: local.address,
          destination: remote.address,
          sourcePort: local.port,
          destinationPort: remote.port,
          body: { kind: 'segment', segment },
        },
        via,
      ),
    after: (delayMs, run) => kernelTimer(endpoint, delayMs, run),
    closed: () => endpoint.connections.delete(key),
  };
}

/** A program's ears: what the kernel says to them waits while user space does not run. */
const inUserSpace = (endpoint: Endpoint, program: TcpProgram): TcpProgram => ({
  opened: () => inProgram(endpoint, () => program.opened?.()),
  data: (bytes) => inProgram(endpoint, () => program.data?.(bytes)),
  end: () => inProgram(endpoint, () => program.end?.()),
  reset: (reason) => inProgram(endpoint, () => program.reset?.(reason)),
  drained: () => inProgram(endpoint, () => program.drained?.()),
});
