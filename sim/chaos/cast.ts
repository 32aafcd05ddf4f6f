/**
 * The daemons of a run under their supervisors: a process that was killed, or whose machine was off, is
 * started again with its memory when its machine runs, as systemd would.
 */
import type { Instant, Millis } from '../../controller/base/time.ts';
import { isRead } from '../../controller/ec2/call.ts';
import type { Effect, Event, Memory } from '../../controller/event.ts';
import { after } from '../world/kernel.ts';
import { crash, type Daemon, type DaemonOptions, memoryOf, startDaemon } from '../world/node.ts';
import type { World } from '../world/state.ts';
import type { Scene } from './scenario.ts';

/** From a machine's start, or a process's end, to its next run. */
const RESTART_MS: Millis = 1000;

export interface Actor {
  /** The name of its machine. */
  readonly name: string;
  daemon: Daemon;
  /** Whether its supervisor may start it. */
  allowed: boolean;
  /** So many writes leave in the next step that makes any, and then it crashes. */
  doomed: number | undefined;
  /** What is different in its next runs. */
  next: Partial<DaemonOptions>;
}

export type Cast = ReadonlyMap<string, Actor>;

/** A bug in a daemon: what it hears is not what happened. It is told what the daemon does. */
export interface Mutant {
  readonly hear: (event: Event, now: Instant) => Event;
  readonly did?: (effects: readonly Effect[]) => void;
}

interface Options {
  readonly onStep: (name: string, daemon: Daemon, event: Event, effects: readonly Effect[]) => void;
  /** Makes one for each daemon, by the name of its machine. */
  readonly mutant?: ((name: string) => Mutant) | undefined;
}

/** Starts the daemons of a scene. */
export function startCast(
  world: World,
  scene: Pick<Scene, 'daemons' | 'machines'>,
  seed: number,
  options: Options,
): Cast {
  const cast = new Map<string, Actor>();
  for (const [name, config] of Object.entries(scene.daemons)) {
    const machine = scene.machines[name]?.instance ?? '';
    const mutant = options.mutant?.(name);
    const daemon = startDaemon(world, {
      machine,
      config,
      seed: `${seed}/${name}`,
      forgetful: true,
      onStep: (one, event, effects) => {
        mutant?.did?.(effects);
        options.onStep(name, one, event, effects);
      },
      crashes: (_, effects) => crashIn(world, cast.get(name), effects),
      ...(mutant && { tamper: (event: Event) => mutant.hear(event, world.now) }),
    });
    cast.set(name, { name, daemon, allowed: true, doomed: undefined, next: {} });
  }
  world.listeners.add((logged) => {
    if (logged.kind !== 'power' || logged.power !== 'running') return;
    for (const actor of cast.values())
      if (actor.daemon.endpoint.name === logged.instance) startLater(world, actor);
  });
  return cast;
}

/** Where a step of a daemon that is doomed breaks off: behind so many writes, or all that there are. */
function crashIn(world: World, actor: Actor | undefined, effects: readonly Effect[]): number | undefined {
  if (actor?.doomed === undefined) return undefined;
  const writes = effects.flatMap((effect, index) => (isWrite(effect) ? [index] : []));
  if (writes.length === 0) return undefined;
  const after = actor.doomed === 0 ? writes[0] : (writes[actor.doomed - 1] ?? writes.at(-1) ?? 0) + 1;
  actor.doomed = undefined;
  startLater(world, actor);
  return after;
}

const isWrite = (effect: Effect): boolean => effect.kind === 'ec2-call' && !isRead(effect.call.kind);

function startLater(world: World, actor: Actor): void {
  after(world, RESTART_MS, () => {
    const { daemon, allowed } = actor;
    if (!allowed || daemon.running || daemon.endpoint.power === 'dead') return;
    actor.daemon = startDaemon(world, { ...daemon.options, memory: memoryOf(daemon), ...actor.next });
    actor.next = {};
  });
}

/** Kills the process; it stays away until `release`. */
export function hold(actor: Actor): void {
  actor.allowed = false;
  crash(actor.daemon);
}

export function release(world: World, actor: Actor): void {
  if (actor.allowed) return;
  actor.allowed = true;
  startLater(world, actor);
}

/** Kills the process, which is started again at once, with other options where some are given. */
export function restart(world: World, actor: Actor, next: Partial<DaemonOptions> = {}): void {
  if (!actor.allowed) return;
  hold(actor);
  actor.next = { ...actor.next, ...next };
  release(world, actor);
}

/** Between two daemons that are upgraded one after the other. */
const UPGRADE_MS: Millis = 3000;

/** Starts all daemons anew, one after the other. */
export function upgrade(world: World, cast: Cast, from: 'same' | 'older'): void {
  for (const [index, actor] of [...cast.values()].entries())
    after(world, index * UPGRADE_MS, () =>
      restart(world, actor, from === 'older' ? { memory: older(memoryOf(actor.daemon)) } : {}),
    );
}

/** A memory as the first version wrote it: without what later ones have added. */
const older = ({ groups }: Memory): Memory => ({
  groups: Object.fromEntries(
    Object.entries(groups).map(([name, { owned, moves }]) => [name, { owned, moves }]),
  ),
});
