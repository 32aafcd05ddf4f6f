/**
 * The machines beside a daemon's node in a world: the production BGP speaker and BFD machine, whose bytes and
 * datagrams cross the simulated subnet, and the routes that the node puts into its guest's kernel. A
 * simulated guest has one next hop for a prefix: the first. TCP-MD5 and TTL checks are the real kernel's, and
 * not simulated.
 */
import { unreachable } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { BfdEvent } from '../../controller/bfd/event.ts';
import { type Bfd, createBfd, nextBfdDeadline, stepBfd } from '../../controller/bfd/machine.ts';
import type { SpeakerEffect, SpeakerEvent } from '../../controller/bgp/event.ts';
import {
  createSpeaker,
  nextSpeakerDeadline,
  type Speaker,
  stepSpeaker,
} from '../../controller/bgp/speaker.ts';
import { type Config, speakerOptions } from '../../controller/config.ts';
import type { Effect, Event, GuestChange, KernelRoute } from '../../controller/event.ts';
import { formatMac } from '../vpc/header.ts';
import { type Endpoint, inProgram, programTimer } from './endpoint.ts';
import { changeGuest } from './guests.ts';
import { schedule } from './kernel.ts';
import { bindUdp, listen, open, sendUdp } from './sockets.ts';
import type { World } from './state.ts';
import { abort, type Connection, finish, type TcpProgram, write } from './tcp.ts';

export type MachineEffect = Extract<Effect, { kind: 'bgp' | 'bfd' | 'kernel' }>;

/** RFC 5881 4, RFC 5883 5. */
const BFD_PORT = 3784;
const BFD_MULTIHOP_PORT = 4784;
const BFD_SOURCE_PORT = 49152;

/** The machines of one run of a daemon. */
export interface Machines {
  readonly speaker: Speaker | undefined;
  readonly bfd: Bfd;
  start(): void;
  perform(effect: MachineEffect): void;
  configure(config: Config): void;
  /** The process is gone: its connections are reset by its kernel, its routes stay. */
  end(): void;
}

type Post = (event: Event) => void;

/** The routes of a daemon in its guest's kernel. */
function createKernel(
  world: World,
  endpoint: Endpoint,
  config: Config,
  post: Post,
): (effect: Extract<MachineEffect, { kind: 'kernel' }>) => void {
  const installed = new Map<string, KernelRoute>();

  /** The device of the guest that is on the link of a next hop takes the route; the others refuse it. */
  function changeRoute(
    kind: 'route-add' | 'route-remove',
    { prefix, nextHops: [hop] }: KernelRoute,
  ): string | undefined {
    const guest = world.guests.get(endpoint.name)?.kernel;
    let failure: string | undefined = `no device of ${endpoint.name} is on the link of ${hop?.address}`;
    for (const { mac } of guest?.devices ?? []) {
      if (hop === undefined) continue;
      const table = config.kernel?.table ?? 254;
      const change: GuestChange = { kind, mac: formatMac(mac), table, destination: prefix, via: hop.address };
      changeGuest(world, endpoint.name, [change], (why) => {
        failure = why === undefined ? undefined : failure;
      });
      if (failure === undefined) break;
    }
    return failure;
  }

  function changeKernel({ request, change }: Extract<MachineEffect, { kind: 'kernel' }>): void {
    if (change.kind === 'list') {
      post({ kind: 'kernel-outcome', request, installed: [...installed.values()] });
      return;
    }
    const refused: Record<string, string> = {};
    for (const route of change.set) {
      const failure = changeRoute('route-add', route);
      if (failure === undefined) installed.set(route.prefix, route);
      else refused[route.prefix] = failure;
    }
    for (const prefix of change.remove) {
      const route = installed.get(prefix);
      if (route !== undefined) changeRoute('route-remove', route);
      installed.delete(prefix);
    }
    post({ kind: 'kernel-outcome', request, ...(Object.keys(refused).length === 0 ? {} : { refused }) });
  }

  return changeKernel;
}

/** One timer for the earliest deadline of a machine. */
function createAlarm(
  world: World,
  endpoint: Endpoint,
  isRunning: () => boolean,
): (due: Instant | undefined, feed: () => void) => void {
  let armedFor: Instant | undefined;
  return (due, feed) => {
    if (!isRunning() || due === undefined || (armedFor !== undefined && armedFor <= due)) return;
    const at = Math.max(due, world.now);
    armedFor = at;
    schedule(world, at, () => {
      if (armedFor !== at) return;
      armedFor = undefined;
      inProgram(endpoint, feed);
    });
  };
}

interface BfdDriver {
  readonly machine: Bfd;
  feed(event: BfdEvent): void;
  close(): void;
}

/** The BFD machine with its two ports. */
function createBfdDriver(
  world: World,
  endpoint: Endpoint,
  seed: string,
  isRunning: () => boolean,
  post: Post,
): BfdDriver {
  const bfd = createBfd({ seed });
  const arm = createAlarm(world, endpoint, isRunning);
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
    if (!isRunning()) return;
    for (const effect of stepBfd(bfd, event, world.now)) {
      if (effect.kind === 'state') post({ kind: 'bfd-state', change: effect.change });
      if (effect.kind === 'send') {
        const { to, local, multihop, data } = effect;
        const port = multihop ? BFD_MULTIHOP_PORT : BFD_PORT;
        sendUdp(endpoint, { to, port, fromPort: BFD_SOURCE_PORT, from: local, data });
      }
    }
    arm(nextBfdDeadline(bfd), () => feedBfd({ kind: 'deadline' }));
  }

  return {
    machine: bfd,
    feed: feedBfd,
    close() {
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

const toEvent = (effect: Extract<SpeakerEffect, { kind: 'session' | 'routes' }>): Event =>
  effect.kind === 'session'
    ? { kind: 'bgp-session', change: effect.change }
    : { kind: 'bgp-routes', changes: effect.changes };

/** `post` gives the node an event. */
export function createMachines(
  world: World,
  endpoint: Endpoint,
  config: Config,
  seed: number | string,
  post: Post,
): Machines {
  let running = true;
  const arm = createAlarm(world, endpoint, () => running);
  const bfd = createBfdDriver(world, endpoint, `${seed}/bfd`, () => running, post);
  const speaker =
    config.bgp === undefined
      ? undefined
      : createSpeaker(speakerOptions(config.bgp, new Map()), { seed: `${seed}/bgp` }, world.now);
  const waiting: SpeakerEvent[] = [];
  let stepping = false;
  const streams = createStreams(endpoint, feedSpeaker);
  const changeKernel = createKernel(world, endpoint, config, post);

  /** What an effect is answered with comes after the other effects of its step. */
  function feedSpeaker(event: SpeakerEvent): void {
    if (speaker === undefined) return;
    waiting.push(event);
    if (stepping) return;
    stepping = true;
    for (let next = waiting.shift(); running && next !== undefined; next = waiting.shift()) {
      for (const effect of stepSpeaker(speaker, next, world.now)) perform(effect);
    }
    stepping = false;
    arm(nextSpeakerDeadline(speaker), () => feedSpeaker({ kind: 'deadline' }));
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
        bfd.feed({ kind: 'open', session: effect.session, options: effect.options });
        break;
      case 'bfd-close':
        bfd.feed({ kind: 'close', session: effect.session });
        break;
      case 'session':
      case 'routes':
        post(toEvent(effect));
        break;
      case 'log':
      case 'stopped':
        break;
      default:
        unreachable(effect);
    }
  }

  return {
    speaker,
    bfd: bfd.machine,
    start: () => feedSpeaker({ kind: 'start' }),
    perform(effect) {
      if (effect.kind === 'kernel') changeKernel(effect);
      else if (effect.kind === 'bfd') bfd.feed(effect.event);
      else feedSpeaker(effect.input);
    },
    configure(next) {
      if (next.bgp !== undefined)
        feedSpeaker({ kind: 'configured', options: speakerOptions(next.bgp, new Map()) });
    },
    end() {
      running = false;
      bfd.close();
      streams.close();
    },
  };
}
