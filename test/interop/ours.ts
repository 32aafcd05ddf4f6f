/** Speakers of ours in a host of the lab, seen from a test: what they are told, and what they said so far. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RouteChange, SessionChange, SpeakerInput } from '../../controller/bgp/event.ts';
import { DEFAULT_PEER, type NeighborOptions, type SpeakerOptions } from '../../controller/bgp/options.ts';
import { type Host, until } from './lab.ts';
import type { Answer, Order, Passed } from './speaker-program.ts';

const PROGRAM = fileURLToPath(new URL('speaker-program.ts', import.meta.url));
const LOADER = import.meta.resolve('tsx');

/** One speaker of ours. */
export interface Ours {
  readonly id: string;
  readonly options: SpeakerOptions;
  /** All changes of sessions, oldest first. */
  readonly sessions: SessionChange[];
  /** What is reachable, by prefix, and all changes that led there. */
  readonly routes: Map<string, RouteChange['nextHops']>;
  readonly changes: RouteChange[];
  readonly messages: Passed[];
  readonly connections: string[];
  readonly bfd: string[];
  readonly log: string[];
  stopped: boolean;
  /** When this process heard of the last change of a session; `performance.now()`. */
  changedAt: number;
  readonly input: (input: SpeakerInput) => void;
  readonly order: (op: 'freeze' | 'thaw' | 'vanish') => void;
  /** The change that the session is in now. */
  readonly session: (peer?: string) => SessionChange | undefined;
  /** Resolves with the change when a session is so, or has been since this was last asked. */
  readonly becomes: (
    state: SessionChange['state'],
    peer?: string,
    limitMs?: number,
  ) => Promise<SessionChange>;
  readonly has: (prefix: string, nextHop?: string, limitMs?: number) => Promise<RouteChange['nextHops']>;
  /** The AS paths of a prefix that the neighbor `peer` sent. */
  readonly paths: (prefix: string) => Promise<readonly string[]>;
  readonly lacks: (prefix: string, limitMs?: number) => Promise<true>;
}

/** The process that runs them. */
export interface OurProcess {
  readonly host: Host;
  readonly pid: number;
  readonly start: (id: string, options: SpeakerOptions, restarted?: boolean) => Ours;
  readonly end: () => Promise<void>;
}

function record(ours: Ours, answer: Answer): void {
  if (answer.kind === 'message') ours.messages.push(answer.message);
  if (answer.kind === 'bfd') ours.bfd.push(answer.state);
  if (answer.kind === 'connection') ours.connections.push(answer.how);
  if (answer.kind !== 'effect') return;
  const { effect } = answer;
  if (effect.kind === 'session') {
    ours.sessions.push(effect.change);
    ours.changedAt = performance.now();
  }
  if (effect.kind === 'log') ours.log.push(`${effect.level} ${effect.peer ?? ''}: ${effect.text}`);
  if (effect.kind === 'stopped') ours.stopped = true;
  if (effect.kind !== 'routes') return;
  for (const change of effect.changes) {
    ours.changes.push(change);
    if (change.nextHops.length === 0) ours.routes.delete(change.prefix);
    else ours.routes.set(change.prefix, change.nextHops);
  }
}

/** Starts the process in a host. */
export function startOurs(host: Host): OurProcess {
  const command = ['netns', 'exec', host.namespace, process.execPath, '--import', LOADER, PROGRAM];
  const child: ChildProcess = spawn('ip', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const known = new Map<string, Ours>();
  const asked = new Map<string, (paths: readonly string[]) => void>();
  child.on('message', (answer: Answer) => {
    const ours = known.get(answer.id);
    if (answer.kind === 'paths') asked.get(answer.id)?.(answer.paths);
    else if (ours !== undefined) record(ours, answer);
  });
  const tell = (order: Order): void => void child.send(order);
  const start = (id: string, options: SpeakerOptions, restarted = false): Ours => {
    const session = (peer?: string): SessionChange | undefined =>
      ours.sessions.filter((one) => peer === undefined || one.peer === peer).at(-1);
    const about = (): string =>
      JSON.stringify({
        sessions: ours.sessions.slice(-3),
        bfd: ours.bfd.slice(-6),
        log: ours.log.slice(-6),
        routes: [...ours.routes].slice(0, 20),
      });
    let seen = 0;
    const changeTo = (state: SessionChange['state'], peer?: string): SessionChange | undefined => {
      const last = session(peer);
      const fresh = ours.sessions.slice(seen).filter((one) => peer === undefined || one.peer === peer);
      const change = last?.state === state ? last : fresh.findLast((one) => one.state === state);
      if (change !== undefined) seen = ours.sessions.indexOf(change) + 1;
      return change;
    };
    const ours: Ours = {
      id,
      options,
      sessions: [],
      routes: new Map(),
      changes: [],
      messages: [],
      connections: [],
      bfd: [],
      log: [],
      stopped: false,
      changedAt: 0,
      input: (input) => tell({ op: 'input', id, input }),
      order: (op) => tell({ op, id }),
      session,
      becomes: (state, peer, limitMs) =>
        until(`our session ${id} is ${state}`, () => changeTo(state, peer), limitMs, about),
      has: (prefix, nextHop, limitMs) =>
        until(
          `${id} has ${prefix}`,
          () => {
            const hops = ours.routes.get(prefix);
            return nextHop === undefined || hops?.some(({ address }) => address === nextHop)
              ? hops
              : undefined;
          },
          limitMs,
          about,
        ),
      paths: (prefix) =>
        new Promise((resolve) => {
          asked.set(id, resolve);
          tell({ op: 'paths', id, prefix });
        }),
      lacks: (prefix, limitMs) =>
        until(`${id} has lost ${prefix}`, () => !ours.routes.has(prefix) || undefined, limitMs, about),
    };
    known.set(id, ours);
    tell({ op: 'start', id, options, restarted });
    return ours;
  };
  return {
    host,
    pid: child.pid ?? 0,
    start,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Everything goes in and out. */
export const PEER_DEFAULTS = {
  ...DEFAULT_PEER,
  connectRetryMs: 1_000,
  importPolicy: 'all',
  exportPolicy: 'all',
  shutdown: false,
};

export const OUR_AS = 65_000;

/** A neighbor of ours: everything goes in and out, unless told otherwise. */
export const neighbor = (
  given: Pick<NeighborOptions, 'name' | 'address' | 'as' | 'families'> & Partial<NeighborOptions>,
): NeighborOptions => ({ ...PEER_DEFAULTS, ...given });

/** A speaker of ours at an address, which listens there and speaks from there. */
export const speaker = (
  address: string,
  routerId: string,
  neighbors: readonly NeighborOptions[],
  more: Partial<SpeakerOptions> = {},
): SpeakerOptions => ({
  as: OUR_AS,
  routerId,
  listen: [{ address, port: 179 }],
  neighbors: neighbors.map((one) => ({ localAddress: address, ...one })),
  dynamic: [],
  policies: [{ name: 'all', rules: [], otherwise: 'accept' }],
  originate: [],
  multipath: 1,
  subnets: [],
  track: true,
  ...more,
});
