/**
 * The controller's own brain in a machine of a world: its probes are packets, its EC2 calls travel over the
 * simulated network, its journal is a list. Time, loss and power are the world's; it may crash at any event
 * and start again with its memory.
 */
import { must, present, unreachable } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { Config } from '../../controller/config.ts';
import { toOutcome } from '../../controller/ec2/failure.ts';
import type { Command, Effect, Event, Memory, OwnWord } from '../../controller/event.ts';
import { createNode, type Node, nextDeadline, recall, step } from '../../controller/node.ts';
import { instanceSession } from '../ec2/iam/principal.ts';
import { inspectInstance } from '../ec2/service.ts';
import { type Caller, callApi, callLeases, type Held, serveApis } from './api-client.ts';
import { actorOf, ownOf } from './assume.ts';
import { type Clock, TRUE_CLOCK } from './clock.ts';
import { type Endpoint, inProgram, programTimer } from './endpoint.ts';
import { changeGuest, endpointOf } from './guests.ts';
import { scheduleRoutine } from './kernel.ts';
import { createMachines, type Machines } from './machines.ts';
import { type Commands, runProbe } from './probe.ts';
import { listen } from './sockets.ts';
import type { World } from './state.ts';
import { type Connection, finish, type TcpProgram, write } from './tcp.ts';

/** What a guest change and a hook take, ms. */
const GUEST_MS = 5;
const HOOK_MS = 1;

export interface DaemonOptions {
  /** The instance, or the address of the Internet host, that it runs on. */
  readonly machine: string;
  readonly config: Config;
  readonly memory?: Memory;
  readonly seed?: number | string;
  readonly observeOnly?: boolean;
  /** The account of its calls; that of the instance's VPC where absent. */
  readonly account?: string;
  readonly commands?: Commands;
  /** Told of each step before its effects are played. */
  readonly onStep?: (daemon: Daemon, event: Event, effects: readonly Effect[]) => void;
  /** Falsifies what the daemon hears, to show that a test would notice. */
  readonly tamper?: (event: Event) => Event;
  /** What its clock shows, where that is not the world's time. */
  readonly clock?: Clock;
  /** Keeps no journal: for long runs. */
  readonly forgetful?: boolean;
  /** The failure of a hook, if it fails. */
  readonly hook?: (effect: Extract<Effect, { kind: 'hook' }>) => string | undefined;
  /** Asked at each step: after how many of its effects the daemon crashes; undefined where it lives on. */
  readonly crashes?: (taken: number, effects: readonly Effect[]) => number | undefined;
}

/**
 * A daemon that runs, or ran. `events` and `effects` are its journal: all that came in and went out, with
 * instants.
 */
export interface Daemon {
  readonly world: World;
  readonly endpoint: Endpoint;
  readonly options: DaemonOptions;
  /** BGP, BFD and the kernel's routes. */
  readonly machines: Machines;
  node: Node;
  running: boolean;
  /** Why it does not run any more. */
  ended: string | undefined;
  readonly events: { readonly at: Instant; readonly event: Event }[];
  readonly effects: { readonly at: Instant; readonly effect: Effect }[];
  /** Events taken in, and when the last was. */
  taken: number;
  takenAt: Instant;
  readonly replies: Map<number, { readonly ok: boolean; readonly body: unknown }>;
  /** What it last said of its own appliance. */
  word: OwnWord | undefined;
  /** Events that wait while one is handled. */
  readonly queue: Event[];
  handling: boolean;
  readonly clock: Clock;
  /** While its process is held up: what it will hear when it goes on. */
  paused: (() => void)[] | undefined;
  /** The deadline that is scheduled, and how to call it off. */
  armed: { readonly at: Instant; readonly cancel: () => void } | undefined;
  /** Orders its deadlines among those of others at the same instant. */
  readonly rank: number;
  /** Rounds of echo probes that are under way, by probe: each can be given up. */
  readonly rounds: Map<string, () => void>;
  /** Credentials that this run has been given. */
  readonly held: Held;
  nextCommand: number;
  /** What its end gives back: ports, calls. */
  readonly cleanUp: Set<() => void>;
}

/** Starts a daemon on a machine that runs; its first event is `start`, at once. */
export function startDaemon(world: World, options: DaemonOptions): Daemon {
  const endpoint = present(endpointOf(world, options.machine), `the machine ${options.machine}`);
  const { config, observeOnly = false, seed = 1, clock = TRUE_CLOCK } = options;
  serveApis(world);
  const post = (event: Event): void => feed(daemon, event);
  const machines = createMachines(world, endpoint, config, { seed, clock }, post);
  const daemon: Daemon = {
    world,
    endpoint,
    options,
    machines,
    node: createNode({ config, observeOnly, seed }, clock.read(world.now)),
    running: endpoint.power !== 'dead',
    ended: endpoint.power === 'dead' ? 'its machine is dead' : undefined,
    events: [],
    effects: [],
    taken: 0,
    takenAt: world.now,
    replies: new Map(),
    word: undefined,
    queue: [],
    handling: false,
    clock,
    paused: undefined,
    armed: undefined,
    rank: world.nextRank++,
    rounds: new Map(),
    held: new Map(),
    nextCommand: 1,
    cleanUp: new Set(),
  };
  const onPower = (power: string): void => {
    if (power === 'dead') end(daemon, 'its machine is dead');
  };
  endpoint.powerListeners.add(onPower);
  daemon.cleanUp.add(() => endpoint.powerListeners.delete(onPower));
  if (config.health !== undefined && daemon.running) {
    daemon.cleanUp.add(
      must(listen(endpoint, config.health.port, (_peer, connection) => sayWord(daemon, connection))),
    );
  }
  daemon.cleanUp.add(() => machines.end());
  feed(daemon, { kind: 'start', ...(options.memory && { memory: options.memory }) });
  if (daemon.running) machines.start();
  return daemon;
}

/** Kills the process: nothing is cleaned up but what its kernel does. The machine goes on. */
export const crash = (daemon: Daemon): void => end(daemon, 'it was killed');

/** Holds the process up, as a long collection of garbage would; its kernel and its BFD thread go on. */
export function pause(daemon: Daemon): void {
  daemon.paused ??= [];
}

/** Lets a process go on that was held up: it hears now what it has missed. */
export function unpause(daemon: Daemon): void {
  const missed = daemon.paused ?? [];
  daemon.paused = undefined;
  for (const hear of missed) hear();
}

/** What the journal of a daemon tells its next run. */
export const memoryOf = (daemon: Daemon): Memory => recall(daemon.node);

/** Starts a daemon anew, with what its journal holds; options that are given replace the old ones. */
export function restartDaemon(daemon: Daemon, changed: Partial<DaemonOptions> = {}): Daemon {
  if (daemon.running) crash(daemon);
  const { crashes: _, ...options } = daemon.options;
  return startDaemon(daemon.world, { ...options, memory: memoryOf(daemon), ...changed });
}

/** Gives a daemon an operator's command; its reply appears in `replies` under the number that is returned. */
export function give(daemon: Daemon, command: Command): number {
  const id = daemon.nextCommand++;
  feed(daemon, { kind: 'command', id, command });
  return id;
}

/** Tells a daemon to leave cleanly. */
export const stopDaemon = (daemon: Daemon): void => feed(daemon, { kind: 'stop' });

/** Gives a daemon a new configuration. */
export function reconfigureDaemon(daemon: Daemon, config: Config): void {
  // As in production: what the brain then wants announced, the speaker does not take back.
  daemon.machines.configure(config);
  feed(daemon, { kind: 'configured', config });
}

/** What a daemon has logged on a topic, or at all. */
export function logOf(daemon: Daemon, topic?: string): { at: Instant; text: string; topic: string }[] {
  return daemon.effects.flatMap(({ at, effect }) =>
    effect.kind === 'log' && (topic === undefined || effect.topic === topic)
      ? [{ at, text: effect.text, topic: effect.topic }]
      : [],
  );
}

function end(daemon: Daemon, why: string): void {
  if (!daemon.running) return;
  daemon.running = false;
  daemon.ended = why;
  daemon.armed?.cancel();
  daemon.armed = undefined;
  for (const cleanUp of [...daemon.cleanUp]) cleanUp();
  daemon.cleanUp.clear();
}

/** An event reaches the daemon when its machine lets programs run. */
export function feed(daemon: Daemon, event: Event): void {
  inProgram(daemon.endpoint, () => {
    if (daemon.paused !== undefined) {
      daemon.paused.push(() => feed(daemon, event));
      return;
    }
    daemon.queue.push(event);
    if (daemon.handling) return;
    daemon.handling = true;
    // What an effect is answered with at once comes after the other effects of its step.
    for (let next = daemon.queue.shift(); next !== undefined; next = daemon.queue.shift()) {
      if (daemon.running) handle(daemon, next);
    }
    daemon.handling = false;
  });
}

function handle(daemon: Daemon, heard: Event): void {
  const { world, options } = daemon;
  const at = daemon.clock.read(world.now);
  const event = options.tamper?.(heard) ?? heard;
  daemon.taken += 1;
  daemon.takenAt = world.now;
  if (!options.forgetful) daemon.events.push({ at, event });
  const { node, effects } = step(daemon.node, event, at);
  daemon.node = node;
  options.onStep?.(daemon, event, effects);
  const last = options.crashes?.(daemon.taken, effects);
  for (const effect of effects.slice(0, last)) {
    if (!options.forgetful) daemon.effects.push({ at, effect });
    perform(daemon, effect);
  }
  if (last !== undefined) end(daemon, `it crashed at event ${daemon.taken}`);
  else arm(daemon);
}

/** One timer for the earliest deadline. */
export function arm(daemon: Daemon): void {
  const due = nextDeadline(daemon.node);
  if (due === daemon.armed?.at) return;
  daemon.armed?.cancel();
  daemon.armed = undefined;
  if (!daemon.running || due === undefined) return;
  const cancel = scheduleRoutine(daemon.world, daemon.clock.at(due), daemon.rank, () => {
    daemon.armed = undefined;
    feed(daemon, { kind: 'deadline' });
  });
  daemon.armed = { at: due, cancel };
}

/** Calls EC2 as the role that the call names; a refusal of the role is the call's own failure. */
function callEc2(daemon: Daemon, { call, request }: Extract<Effect, { kind: 'ec2-call' }>): void {
  const answer = (outcome: ReturnType<typeof toOutcome>) =>
    feed(daemon, { kind: 'ec2-outcome', request, outcome });
  const actor = actorOf(callerOf(daemon), call);
  if (!('world' in actor)) {
    const outcome = toOutcome(actor);
    programTimer(daemon.endpoint, 0, () => answer(outcome));
    return;
  }
  const giveUp = callApi(actor, call, (outcome) => {
    daemon.cleanUp.delete(giveUp);
    answer(outcome);
  });
  daemon.cleanUp.add(giveUp);
}

function perform(daemon: Daemon, effect: Effect): void {
  const { endpoint, options, world } = daemon;
  switch (effect.kind) {
    case 'probe': {
      const { probe, round, spec } = effect;
      const commands = options.commands ?? noCommands;
      let over = false;
      const giveUp = runProbe(endpoint, spec, commands, (result) => {
        over = true;
        daemon.rounds.delete(probe);
        feed(daemon, { kind: 'probe-result', probe, round, result });
      });
      if (giveUp !== undefined && !over) daemon.rounds.set(probe, giveUp);
      break;
    }
    case 'ec2-call':
      callEc2(daemon, effect);
      break;
    case 'lease-call': {
      const { request, call, timeoutMs } = effect;
      const table = present(options.config.leaseStore, 'a store of leases').table;
      const caller = { ...callerOf(daemon), timeoutMs };
      const lacking = ownOf(caller);
      if (lacking !== undefined) {
        const outcome = { kind: 'refused', reason: lacking.message } as const;
        programTimer(endpoint, 0, () => feed(daemon, { kind: 'lease-outcome', request, outcome }));
        break;
      }
      const giveUp = callLeases(caller, call, table, (outcome) => {
        daemon.cleanUp.delete(giveUp);
        feed(daemon, { kind: 'lease-outcome', request, outcome });
      });
      daemon.cleanUp.add(giveUp);
      break;
    }
    case 'guest':
      programTimer(endpoint, GUEST_MS, () => {
        if (!daemon.running) return;
        changeGuest(world, endpoint.name, effect.changes, (failure) =>
          feed(daemon, {
            kind: 'guest-outcome',
            request: effect.request,
            ...(failure !== undefined && { failure }),
          }),
        );
      });
      break;
    case 'bgp':
    case 'bfd':
    case 'kernel':
      daemon.machines.perform(effect);
      break;
    case 'hook':
      programTimer(endpoint, HOOK_MS, () => {
        const failure = options.hook?.(effect);
        feed(daemon, {
          kind: 'hook-outcome',
          request: effect.request,
          ...(failure !== undefined && { failure }),
        });
      });
      break;
    case 'reply':
      daemon.replies.set(effect.id, { ok: effect.ok, body: effect.body });
      break;
    case 'own-word':
      daemon.word = effect;
      break;
    case 'log':
      break;
    case 'stopped':
      end(daemon, 'it has left');
      break;
    default:
      unreachable(effect);
  }
}

const noCommands: Commands = (command) => ({
  kind: 'silent',
  reason: `'${command[0]}' cannot run in a simulated world`,
});

/** How a daemon asks the APIs. */
export function callerOf({ world, endpoint, options, held }: Daemon): Caller {
  const { region, attemptTimeoutMs, timeoutMs } = options.config.aws;
  const vpc = world.records.vpc.get(world.records.instance.get(endpoint.name)?.vpc ?? '');
  const account = present(options.account ?? vpc?.account, `the account of ${endpoint.name}`);
  const principal = inspectInstance(world.api.cloud, endpoint.name, world.now, instanceSession);
  return { world, endpoint, account, region, principal, held, attemptTimeoutMs, timeoutMs };
}

/** The health address: 200 or 503, and why; 204 before the first word. */
function sayWord(daemon: Daemon, connection: Connection): TcpProgram {
  let head = '';
  return {
    data: (bytes) => {
      head += new TextDecoder('latin1').decode(bytes);
      if (!head.includes('\r\n\r\n')) return;
      head = '';
      const { word } = daemon;
      const status =
        word === undefined ? '204 No Content' : word.healthy ? '200 OK' : '503 Service Unavailable';
      const body = word === undefined ? '' : `${JSON.stringify(word)}\n`;
      const text = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${body}`;
      write(connection, new TextEncoder().encode(text));
      finish(connection);
    },
    end: () => finish(connection),
  };
}
