/**
 * The two machines beside the node in production: the BGP speaker on this thread, BFD on its own; and the
 * kernel's routes. What they say becomes events of the node, what it says becomes their inputs. Nothing here
 * decides.
 */
import { unreachable } from '../base/result.ts';
import type { BfdStatus } from '../bfd/event.ts';
import type { Speaker } from '../bgp/speaker.ts';
import { bfdOptions, type Config, type Secrets, speakerOptions } from '../config.ts';
import type { Effect, Event } from '../event.ts';
import { type RunningBfd, startBfd } from './bfd/bfd.ts';
import { now } from './clock.ts';
import { type KernelRoutes, openKernelRoutes } from './kernel.ts';
import type { Log } from './log.ts';
import { type ReachWatch, watchReach } from './reach.ts';
import { type Outward, type RunningSpeaker, startSpeaker } from './speaker.ts';

export type MachineEffect = Extract<Effect, { kind: 'bgp' | 'bfd' | 'kernel' }>;

export interface Machines {
  perform(effect: MachineEffect): void;
  /** Begins: from now on events come. */
  start(): void;
  /** The next configuration; the speaker resets only what it must. */
  configure(config: Config, secrets: Secrets): void;
  speaker(): Speaker | undefined;
  bfdStatus(): Promise<readonly BfdStatus[]>;
  slices(): ReturnType<RunningSpeaker['slices']> | undefined;
  /** Ends all sessions with a word; resolves when it has been said, or cannot be. */
  stop(): Promise<void>;
}

/** How long a neighbor that does not read may hold up our leaving. */
const STOP_LIMIT_MS = 1000;

const wantsBfd = (config: Config): boolean =>
  config.bfd.length > 0 ||
  [...(config.bgp?.options.neighbors ?? []), ...(config.bgp?.options.dynamic ?? [])].some(
    ({ bfd }) => bfd !== undefined,
  );

function openBfd(log: Log, post: (event: Event) => void): RunningBfd {
  return startBfd({
    onChange: (change) => post({ kind: 'bfd-state', change }),
    onLog: (level, text) => log.write(level, 'bfd', text),
    onFault: (text) => log.write('error', 'bfd', `${text}.`),
  });
}

/** The kernel's routes: opened when they are first wanted. */
function createKernel(
  configNow: () => Config,
  post: (event: Event) => void,
): { change(effect: Extract<MachineEffect, { kind: 'kernel' }>): void; close(): void } {
  let kernel: KernelRoutes | undefined;
  function changeKernel({ request, change }: Extract<MachineEffect, { kind: 'kernel' }>): void {
    const config = configNow();
    if (config.kernel === undefined) return;
    if (kernel === undefined) {
      const opened = openKernelRoutes(config.kernel);
      if (!opened.ok) {
        post({ kind: 'kernel-outcome', request, failure: opened.error });
        return;
      }
      kernel = opened.value;
    }
    post({ kind: 'kernel-outcome', request, ...kernel.apply(change) });
  }

  return { change: changeKernel, close: () => kernel?.close() };
}

/** Where the speaker's effects go that are not its sockets'. */
const outward =
  (
    log: Log,
    post: (event: Event) => void,
    orderBfd: RunningBfd['post'],
    follow: ReachWatch['follow'],
    stopped: () => void,
  ) =>
  (effect: Outward): void => {
    switch (effect.kind) {
      case 'bfd-open':
        orderBfd({ kind: 'open', session: effect.session, options: effect.options });
        return;
      case 'bfd-close':
        orderBfd({ kind: 'close', session: effect.session });
        return;
      case 'session':
        post({ kind: 'bgp-session', change: effect.change });
        return;
      case 'routes':
        post({ kind: 'bgp-routes', changes: effect.changes });
        return;
      case 'next-hops':
        follow(effect.addresses);
        return;
      case 'log':
        log.write(
          effect.level,
          'bgp',
          effect.peer === undefined ? effect.text : `${effect.peer}: ${effect.text}`,
        );
        return;
      case 'stopped':
        stopped();
        return;
      default:
        unreachable(effect);
    }
  };

/** `post` handles an event in this turn of the loop: a lost session must not wait. */
export function createMachines(
  first: Config,
  firstSecrets: Secrets,
  log: Log,
  post: (event: Event) => void,
): Machines {
  let config = first;
  let secrets = firstSecrets;
  let stopped: () => void = () => undefined;
  const hasStopped = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  let bfd: RunningBfd | undefined = wantsBfd(config) ? openBfd(log, post) : undefined;
  const kernel = createKernel(() => config, post);
  const running =
    config.bgp === undefined
      ? undefined
      : startSpeaker(
          speakerOptions(config.bgp, secrets),
          now,
          outward(log, post, orderBfd, (hops) => reach.follow(hops), stopped),
          (sentence) => log.write('error', 'bgp', `${sentence}.`),
        );

  const reach = watchReach(
    (input) => running?.post(input),
    () => config.kernel !== undefined,
  );

  function orderBfd(order: Parameters<RunningBfd['post']>[0]): void {
    bfd ??= openBfd(log, post);
    bfd.post(order);
  }

  function orderFromNode({ event }: Extract<MachineEffect, { kind: 'bfd' }>): void {
    const configured = config.bfd.find(({ session }) => session === event.session);
    if (event.kind === 'open' && configured !== undefined)
      orderBfd({ ...event, options: bfdOptions(configured, secrets) });
    else orderBfd(event);
  }

  return {
    perform(effect) {
      if (effect.kind === 'kernel') kernel.change(effect);
      else if (effect.kind === 'bfd') orderFromNode(effect);
      else running?.post(effect.input);
    },
    start() {
      if (running === undefined) return;
      reach.start();
      running.post({ kind: 'start' });
    },
    configure(next, nextSecrets) {
      config = next;
      secrets = nextSecrets;
      if (next.bgp !== undefined)
        running?.post({ kind: 'configured', options: speakerOptions(next.bgp, nextSecrets) });
    },
    speaker: () => running?.speaker,
    bfdStatus: async () => (await bfd?.status()) ?? [],
    slices: () => running?.slices(),
    async stop() {
      reach.close();
      if (running !== undefined) {
        const timer = setTimeout(stopped, STOP_LIMIT_MS);
        await hasStopped;
        clearTimeout(timer);
        running.close();
      }
      await bfd?.stop();
      kernel.close();
    },
  };
}
