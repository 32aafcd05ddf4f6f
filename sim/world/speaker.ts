/**
 * The production BGP speaker and BFD machine at work on an endpoint of a world: their bytes and datagrams
 * cross the simulated network, their timers are the world's. Beside a daemon's node (machines.ts) and beside
 * gateways (gateways.ts) they are the same. TCP-MD5 and TTL checks are the real kernel's, and not simulated.
 */
import { type Result, unreachable } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { BfdChange, BfdEffect, BfdEvent } from '../../controller/bfd/event.ts';
import { type Bfd, createBfd, nextBfdDeadline, stepBfd } from '../../controller/bfd/machine.ts';
import type { SpeakerEffect, SpeakerEvent } from '../../controller/bgp/event.ts';
import type { SpeakerOptions } from '../../controller/bgp/options.ts';
import {
  createSpeaker,
  nextSpeakerDeadline,
  type Speaker,
  stepSpeaker,
} from '../../controller/bgp/speaker.ts';
import { type Clock, TRUE_CLOCK } from './clock.ts';
import { type Endpoint, inProgram, type Packet, programTimer } from './endpoint.ts';
import { schedule, scheduleRoutine } from './kernel.ts';
import { bindUdp, datagramOf, listen, open, sendUdp, type UdpMessage } from './sockets.ts';
import type { World } from './state.ts';
import { abort, type Connection, finish, type TcpProgram, write } from './tcp.ts';

/** RFC 5881 4, RFC 5883 5. */
const BFD_PORT = 3784;
const BFD_MULTIHOP_PORT = 4784;
const BFD_SOURCE_PORT = 49152;

/** One timer for the earliest deadline of a machine. */
function createAlarm(
  world: World,
  endpoint: Endpoint,
  clock: Clock,
  isRunning: () => boolean,
): (due: Instant | undefined, feed: () => void) => void {
  let armedFor: Instant | undefined;
  return (due, feed) => {
    if (!isRunning() || due === undefined || (armedFor !== undefined && armedFor <= due)) return;
    armedFor = due;
    schedule(world, clock.at(due), () => {
      if (armedFor !== due) return;
      armedFor = undefined;
      inProgram(endpoint, feed);
    });
  };
}

export interface BfdDriver {
  readonly endpoint: Endpoint;
  readonly machine: Bfd;
  isRunning(): boolean;
  feed(event: BfdEvent): void;
  /** Sets the timer for the machine's earliest deadline, after somebody else has stepped it. */
  arm(): void;
  end(): void;
}

type BfdSend = Omit<Extract<BfdEffect, { kind: 'send' }>, 'session'>;

const messageOf = ({ to, local, multihop, data }: BfdSend): UdpMessage => ({
  to,
  port: multihop ? BFD_MULTIHOP_PORT : BFD_PORT,
  fromPort: BFD_SOURCE_PORT,
  from: local,
  data,
});

/** A control packet as it leaves a machine. */
export const bfdPacket = (endpoint: Endpoint, send: BfdSend): Result<Packet> =>
  datagramOf(endpoint, messageOf(send));

/** The BFD machine with its two ports; `hear` is told each change of a session. */
export function createBfdDriver(
  world: World,
  endpoint: Endpoint,
  seed: string,
  hear: (change: BfdChange) => void,
  clock: Clock = TRUE_CLOCK,
): BfdDriver {
  const bfd = createBfd({ seed });
  let running = true;
  let armed: { readonly at: Instant; readonly cancel: () => void } | undefined;
  const rank = world.nextRank++;
  const closers: (() => void)[] = [];
  for (const [port, multihop] of [
    [BFD_PORT, false],
    [BFD_MULTIHOP_PORT, true],
  ] as const) {
    const bound = bindUdp(endpoint, port, (from, data, at) =>
      feedBfd({ kind: 'datagram', from: from.address, to: at, multihop, data }),
    );
    if (bound.ok) closers.push(bound.value);
  }

  function feedBfd(event: BfdEvent): void {
    if (!running) return;
    for (const effect of stepBfd(bfd, event, clock.read(world.now))) {
      if (effect.kind === 'state') hear(effect.change);
      if (effect.kind === 'send') sendUdp(endpoint, messageOf(effect));
    }
    arm();
  }

  function arm(): void {
    const due = nextBfdDeadline(bfd);
    if (due === armed?.at) return;
    armed?.cancel();
    armed = undefined;
    if (!running || due === undefined) return;
    const cancel = scheduleRoutine(world, clock.at(due), rank, () => {
      armed = undefined;
      inProgram(endpoint, () => feedBfd({ kind: 'deadline' }));
    });
    armed = { at: due, cancel };
  }

  return {
    endpoint,
    machine: bfd,
    isRunning: () => running,
    feed: feedBfd,
    arm,
    end() {
      running = false;
      armed?.cancel();
      armed = undefined;
      for (const close of closers) close();
    },
  };
}

interface Streams {
  perform(effect: TcpEffect): void;
  close(): void;
}

type TcpEffect = Extract<SpeakerEffect, { kind: `tcp-${string}` }>;

/** The speaker's connections over the simulated TCP. */
function createStreams(endpoint: Endpoint, feedSpeaker: (event: SpeakerEvent) => void): Streams {
  const connections = new Map<number, Connection>();
  let listeners: (() => void)[] = [];
  let accepted = 1;

  function addressTowards(peer: string): string {
    const source = endpoint.network.source(peer, undefined);
    return source.ok ? source.value : '';
  }

  function acceptor(peer: { readonly address: string }, connection: Connection): TcpProgram {
    accepted += 2;
    const number = accepted;
    connections.set(number, connection);
    const local = addressTowards(peer.address);
    feedSpeaker({ kind: 'tcp-accepted', connection: number, local, remote: peer.address });
    return programOf(number, peer.address);
  }

  function programOf(connection: number, remote: string): TcpProgram {
    const closed = (reason: string): void => {
      if (connections.delete(connection)) feedSpeaker({ kind: 'tcp-closed', connection, reason });
    };
    return {
      opened: () => feedSpeaker({ kind: 'tcp-opened', connection, local: addressTowards(remote), remote }),
      data: (data) => feedSpeaker({ kind: 'tcp-data', connection, data }),
      drained: () => feedSpeaker({ kind: 'tcp-drained', connection }),
      end: () => closed('closed by the other side'),
      reset: closed,
    };
  }

  function connect({ connection, to, port }: Extract<TcpEffect, { kind: 'tcp-connect' }>): void {
    const made = open(endpoint, { to, port }, programOf(connection, to));
    if (made.ok) connections.set(connection, made.value);
    else programTimer(endpoint, 1, () => feedSpeaker({ kind: 'tcp-closed', connection, reason: made.error }));
  }

  function perform(effect: TcpEffect): void {
    switch (effect.kind) {
      case 'tcp-connect':
        connect(effect);
        break;
      case 'tcp-listen':
        for (const close of listeners) close();
        listeners = [...new Set(effect.at.map(({ port }) => port))].flatMap((port) => {
          const bound = listen(endpoint, port, acceptor);
          return bound.ok ? [bound.value] : [];
        });
        break;
      case 'tcp-secure':
        break;
      case 'tcp-send': {
        const connection = connections.get(effect.connection);
        if (connection !== undefined) write(connection, effect.data);
        break;
      }
      case 'tcp-close': {
        const connection = connections.get(effect.connection);
        connections.delete(effect.connection);
        if (connection !== undefined && effect.abort) abort(connection);
        else if (connection !== undefined) finish(connection);
        break;
      }
      default:
        unreachable(effect);
    }
  }

  return {
    perform,
    close() {
      for (const close of listeners) close();
      for (const connection of connections.values()) abort(connection);
      connections.clear();
    },
  };
}

/** What a speaker tells its owner, and whom its BFD machine watches. */
export type SpeakerWord = Extract<
  SpeakerEffect,
  { kind: 'session' | 'routes' | 'bfd-open' | 'bfd-close' | 'stopped' }
>;

export interface SpeakerDriver {
  readonly speaker: Speaker;
  feed(event: SpeakerEvent): void;
  /** Its connections are reset; the speaker does nothing any more. */
  end(): void;
}

/**
 * The speaker with its connections; `hear` is told what is not of TCP, `settled` when a step left no work.
 */
export function createSpeakerDriver(
  world: World,
  endpoint: Endpoint,
  options: SpeakerOptions,
  seed: string,
  hear: (word: SpeakerWord) => void,
  { settled, clock = TRUE_CLOCK }: { readonly settled?: () => void; readonly clock?: Clock } = {},
): SpeakerDriver {
  const speaker = createSpeaker(options, { seed }, clock.read(world.now));
  let running = true;
  const arm = createAlarm(world, endpoint, clock, () => running);
  const waiting: SpeakerEvent[] = [];
  let stepping = false;
  const streams = createStreams(endpoint, feed);

  /** What an effect is answered with comes after the other effects of its step. */
  function feed(event: SpeakerEvent): void {
    waiting.push(event);
    if (stepping) return;
    stepping = true;
    for (let next = waiting.shift(); running && next !== undefined; next = waiting.shift()) {
      for (const effect of stepSpeaker(speaker, next, clock.read(world.now))) perform(effect);
    }
    stepping = false;
    if (!running) return;
    const due = nextSpeakerDeadline(speaker);
    if (due === undefined || due > clock.read(world.now)) settled?.();
    arm(due, () => feed({ kind: 'deadline' }));
  }

  function perform(effect: SpeakerEffect): void {
    switch (effect.kind) {
      case 'tcp-connect':
      case 'tcp-listen':
      case 'tcp-secure':
      case 'tcp-send':
      case 'tcp-close':
        streams.perform(effect);
        break;
      case 'bfd-open':
      case 'bfd-close':
      case 'session':
      case 'routes':
      case 'stopped':
        hear(effect);
        break;
      // Ways beyond the links of a guest are not looked at: the VPC's router has one to all of the VPC.
      case 'next-hops':
      case 'log':
        break;
      default:
        unreachable(effect);
    }
  }

  return {
    speaker,
    feed,
    end() {
      running = false;
      streams.close();
    },
  };
}
