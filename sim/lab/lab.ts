/**
 * A lab: a simulator whose instances are real machines. The world decides what exists and when it takes
 * effect; the fabric's thread is told of every change and forwards by it; machines start and end as the
 * world says.
 */
import { existsSync, statSync } from 'node:fs';
import { inspectInstance } from '../ec2/service.ts';
import { type Simulator, startServer } from '../server/server.ts';
import type { Change, ResourceKind } from '../vpc/model.ts';
import type { Happening, Power } from '../world/happening.ts';
import type { WorldOptions } from '../world/settings.ts';
import type { World } from '../world/state.ts';
import type { SavedWorld } from '../world/world-file.ts';
import { bootMachine } from './boot.ts';
import { type FabricThread, startFabric } from './fabric.ts';
import { type Captured, type Counts, NAMESPACES, OUTSIDE, SERVICES, type SeenPacket } from './message.ts';
import { signalAll } from './processes.ts';
import { leaveRoot } from './root.ts';
import { openServices } from './services.ts';

export interface LabOptions extends WorldOptions {
  readonly saved?: SavedWorld;
  /** TCP port of the API inside the lab's own namespace. */
  readonly port?: number;
  /** Whether machines run the user data of their instances at their first boot. */
  readonly userData?: boolean;
  /** Told what people should know. */
  readonly say: (text: string) => void;
}

export interface Machine {
  /** The instance's id, `outside` or `services`. */
  readonly id: string;
  readonly name: string | undefined;
  readonly power: Power;
  readonly addresses: readonly string[];
}

export interface Lab {
  readonly simulator: Simulator;
  /** Resolves when all that has happened has reached the fabric. */
  readonly settled: () => Promise<Counts>;
  readonly machines: () => readonly Machine[];
  /** The id of a machine, by id or by the tag Name of its instance; fails where there is none that runs. */
  readonly find: (name: string) => string;
  /** Tells of packets until the answer is called. */
  readonly watch: (listener: Watcher) => () => void;
  /** Tells of the frames of an ENI until the answer is called. */
  readonly capture: (eni: string, listener: (frames: readonly Captured[]) => void) => () => void;
  readonly close: () => Promise<void>;
}

export type Watcher = (packets: readonly SeenPacket[], missed: number) => void;

/** The changes that make the data plane of a world, or, with `gone`, that take it away. */
function changesOf({ records }: World, gone: boolean): readonly Change[] {
  return (Object.keys(records) as ResourceKind[]).flatMap((kind) =>
    [...records[kind]].map(([id, value]) => ({ kind, id, value: gone ? undefined : value }) as Change),
  );
}

const hostsOf = (world: World): readonly string[] =>
  [...world.placed.values()].filter(({ behind }) => behind === undefined).map(({ address }) => address);

/** Keeps the fabric and the machines as a world has them. */
function createFollower(fabric: FabricThread, booted: (world: World, instance: string) => void) {
  const { tell } = fabric;
  /** The namespaces of machines that run, by their inode numbers. */
  const inodes = new Map<string, number>();
  let last: World | undefined;
  let hosts = -1;
  const syncHosts = (world: World): void => {
    if (world.placed.size === hosts) return;
    hosts = world.placed.size;
    tell({ kind: 'hosts', addresses: hostsOf(world) });
  };
  /** Learns the namespaces of machines that have been made. */
  const learn = (machines: Iterable<string>): void => {
    for (const machine of machines) {
      const path = `${NAMESPACES}/${machine}`;
      if (!inodes.has(machine) && existsSync(path)) inodes.set(machine, statSync(path).ino);
    }
  };
  /** A machine has its network. */
  const up = (instance: string): void => {
    learn([instance]);
    if (last?.guests.get(instance)?.endpoint.power === 'running') booted(last, instance);
  };
  const setPower = (instance: string, power: Power): void => {
    // The fabric first: a dead machine is dead to the network at once.
    tell({ kind: 'power', instance, power });
    const inode = inodes.get(instance);
    if (inode === undefined) {
      if (power !== 'dead') void fabric.settled().then(() => up(instance));
      return;
    }
    if (power === 'dead') {
      inodes.delete(instance);
      signalAll(inode, 'SIGKILL');
      leaveRoot(instance);
    } else signalAll(inode, power === 'frozen' ? 'SIGSTOP' : 'SIGCONT');
  };
  const happened = (world: World, happening: Happening): void => {
    if (happening.kind === 'power') setPower(happening.instance, happening.power);
    else if (happening.kind === 'link') tell({ kind: 'cuts', cuts: [...world.cuts.values()] });
    else if (happening.kind === 'guest' && happening.what.startsWith('hangs')) {
      const inode = inodes.get(happening.instance);
      if (inode !== undefined) signalAll(inode, 'SIGSTOP');
    }
  };
  /** A world begins: what the last one had is taken away. */
  const begin = (world: World): void => {
    if (last !== undefined) tell({ kind: 'changes', changes: changesOf(last, true) });
    last = world;
    hosts = -1;
    syncHosts(world);
    tell({ kind: 'changes', changes: changesOf(world, false) });
    tell({ kind: 'cuts', cuts: [...world.cuts.values()] });
    for (const [instance, { endpoint }] of world.guests) {
      if (endpoint.power !== 'dead') setPower(instance, endpoint.power);
    }
    const { apply } = world.api;
    world.api.apply = (change) => {
      // Machines that start because of the change find it in the fabric.
      tell({ kind: 'changes', changes: [change] });
      apply(change);
      syncHosts(world);
    };
    world.listeners.add((logged) => happened(world, logged));
  };
  return { begin, learn, syncHosts };
}

function machinesOf(world: World): readonly Machine[] {
  const enis = [...world.records['network-interface'].values()];
  const instances = [...world.guests].map(([id, { endpoint }]) => ({
    id,
    name: inspectInstance(world.api.cloud, id, world.now, (_, { tags }) => tags.Name),
    power: endpoint.power,
    addresses: enis
      .filter(({ attachment }) => attachment?.instance === id)
      .flatMap(({ addresses }) => addresses),
  }));
  const beyond = [
    { id: OUTSIDE, name: undefined, power: 'running' as const, addresses: hostsOf(world) },
    { id: SERVICES, name: undefined, power: 'running' as const, addresses: [] },
  ];
  return [...instances, ...beyond];
}

function findIn(machines: readonly Machine[], name: string): string {
  const found = machines.filter((machine) => machine.id === name || machine.name === name);
  const [machine] = found;
  if (machine === undefined)
    throw new Error(`There is no machine '${name}' in the lab; byoa lab list shows all.`);
  if (found.length > 1) throw new Error(`Several machines are named '${name}': say which by its id.`);
  if (machine.power === 'dead') throw new Error(`'${name}' is dead: byoa lab start ${name} starts it.`);
  return machine.id;
}

/** Starts a lab in this process's namespaces; resolves when its machines are up. */
export async function startLab({ saved, say, port, userData = false, ...options }: LabOptions): Promise<Lab> {
  const askers = new Map<string, string>();
  const watchers = new Set<Watcher>();
  let captured: ((frames: readonly Captured[]) => void) | undefined;
  const fabric = await startFabric(
    { settings: options.vpc ?? {}, seed: options.seed ?? 1 },
    {
      asker: (alias, eni) => void askers.set(alias, eni),
      seen: (packets, missed) => {
        for (const watcher of watchers) watcher(packets, missed);
      },
      captured: (frames) => captured?.(frames),
      fault: (text, goesOn) => {
        say(`the fabric failed: ${text}`);
        if (!goesOn) process.exit(1);
      },
    },
  );
  const follower = createFollower(fabric, (world, instance) => {
    try {
      if (userData) bootMachine(world, instance);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  });
  const simulator = await startServer({
    ...options,
    ...(saved !== undefined && { saved }),
    ...(port !== undefined && { port }),
    imds: { host: '127.0.0.1', port: 0 },
    began: follower.begin,
  });
  // The machine outside has its addresses by then.
  await fabric.settled();
  openServices(simulator, (alias) => askers.get(alias));
  const machines = (): readonly Machine[] => simulator.act(() => machinesOf(simulator.world()));
  const settled = async (): Promise<Counts> => {
    const counts = await fabric.settled();
    follower.learn(machines().flatMap(({ id, power }) => (power === 'dead' ? [] : [id])));
    return counts;
  };
  await settled();
  return {
    simulator,
    settled,
    machines,
    find: (name) => findIn(machines(), name),
    watch: (listener) => {
      watchers.add(listener);
      fabric.tell({ kind: 'watch', on: true });
      return () => {
        watchers.delete(listener);
        fabric.tell({ kind: 'watch', on: watchers.size > 0 });
      };
    },
    capture: (eni, listener) => {
      captured = listener;
      fabric.tell({ kind: 'capture', eni });
      return () => {
        captured = undefined;
        fabric.tell({ kind: 'capture', eni: undefined });
      };
    },
    close: async () => {
      await simulator.close();
      await fabric.stop();
    },
  };
}
