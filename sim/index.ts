/**
 * The simulator in process (`byoa/sim`), for tests of other projects: start it, point any AWS client at its
 * URL, do things to its machines, look at its packets, stop it.
 *
 *     const simulator = await startSimulator({ profile: 'instant' });
 *     const ec2 = new EC2Client({ endpoint: simulator.url, region, credentials });
 *     ...
 *     await simulator.close();
 */
import { type ServerOptions, startServer } from './server/server.ts';
import { type State, stateOf } from './server/state.ts';
import type { Trace } from './vpc/forward.ts';
import { type Injection, inject, setKnobs } from './world/api.ts';
import { type FlowStats, flowStats } from './world/flows.ts';
import { addHost, controlGuest, type GuestVerb, type Profile, setProfile } from './world/guests.ts';
import type { Logged } from './world/happening.ts';
import { addCut, type Cut, removeCut } from './world/links.ts';
import type { Service } from './world/services.ts';
import type { Knobs } from './world/settings.ts';
import { type TracedFlow, type TracedPacket, tracePacket } from './world/trace.ts';
import { beginFlow, endFlow, type FlowRequest } from './world/traffic.ts';

export type {
  Cut,
  FlowRequest,
  FlowStats,
  Injection,
  Knobs,
  Logged,
  Profile,
  ServerOptions,
  Service,
  State,
  Trace,
  TracedFlow,
  TracedPacket,
};

export interface RunningSimulator {
  /** The endpoint of the EC2, STS and IAM APIs, and of the control API under `/_byoa/`. */
  readonly url: string;
  readonly port: number;
  /** What `--attach` takes to put a daemon into an instance. */
  readonly attachTo: (instance: string) => string;
  readonly state: () => State;
  /** What has happened since the event numbered `since`. */
  readonly events: (since?: number) => readonly Logged[];
  /** start, kill, hang, freeze, resume, drop, nodrop or reboot; throws where it cannot be done. */
  readonly instance: (id: string, verb: GuestVerb) => void;
  readonly profile: (id: string, profile: Profile) => void;
  readonly addHost: (address: string, services?: readonly Service[]) => void;
  readonly startFlow: (flow: FlowRequest) => FlowStats;
  readonly flow: (id: string) => FlowStats | undefined;
  readonly stopFlow: (id: string) => FlowStats | undefined;
  readonly cut: (cut: Omit<Cut, 'id'> & { readonly id?: string }) => Cut;
  readonly heal: (id: string) => boolean;
  readonly trace: (packet: TracedPacket) => TracedFlow;
  /** Where the metadata of an instance is served to who is so many hops away; needs the option `imds`. */
  readonly imds: (instance: string, hops?: number) => Promise<string>;
  readonly knobs: (knobs: Partial<Knobs>) => void;
  readonly inject: (injection: Injection) => void;
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

/** Starts a simulator on a free port of 127.0.0.1 unless told otherwise. */
export async function startSimulator(options: ServerOptions = {}): Promise<RunningSimulator> {
  const server = await startServer(options);
  const { act, world } = server;
  return {
    url: server.url,
    port: server.port,
    attachTo: (instance) => `${server.url}#${instance}`,
    state: () => act(() => stateOf(world())),
    events: (since = 0) => act(() => world().log.filter((logged) => logged.seq > since)),
    instance: (id, verb) => act(() => orThrow(controlGuest(world(), id, verb))),
    profile: (id, profile) => act(() => orThrow(setProfile(world(), id, profile))),
    addHost: (address, services) => act(() => orThrow(addHost(world(), address, services))),
    startFlow: (flow) => act(() => flowStats(orThrow(beginFlow(world(), flow)))),
    flow: (id) =>
      act(() => {
        const flow = world().flows.get(id);
        return flow && flowStats(flow);
      }),
    stopFlow: (id) =>
      act(() => {
        const flow = endFlow(world(), id);
        return flow && flowStats(flow);
      }),
    cut: (cut) => act(() => orThrow(addCut(world(), cut))),
    heal: (id) => act(() => removeCut(world(), id)),
    trace: (packet) => act(() => orThrow(tracePacket(world(), packet))),
    imds: async (instance, hops) => {
      if (server.imds === undefined) throw new Error('The simulator was started without the option imds.');
      return server.imds.endpointOf(instance, hops);
    },
    knobs: (knobs) => act(() => setKnobs(world().api, knobs)),
    inject: (injection) => act(() => inject(world().api, injection)),
    reset: () => server.reset(),
    close: server.close,
  };
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

function orThrow<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new Error(outcome.error);
}
