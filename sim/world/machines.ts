/**
 * The machines beside a daemon's node in a world: the production BGP speaker and BFD machine (speaker.ts),
 * and the routes that the node puts into its guest's kernel. A simulated guest has one next hop for a prefix:
 * the first.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import type { BfdChange } from '../../controller/bfd/event.ts';
import type { Speaker } from '../../controller/bgp/speaker.ts';
import { type Config, speakerOptions } from '../../controller/config.ts';
import type { Effect, Event, GuestChange, KernelRoute } from '../../controller/event.ts';
import { formatMac } from '../vpc/header.ts';
import type { Clock } from './clock.ts';
import type { Endpoint } from './endpoint.ts';
import { changeGuest } from './guests.ts';
import { type BfdDriver, createBfdDriver, createSpeakerDriver, type SpeakerWord } from './speaker.ts';
import type { World } from './state.ts';

export type MachineEffect = Extract<Effect, { kind: 'bgp' | 'bfd' | 'kernel' }>;

/** The machines of one run of a daemon. */
export interface Machines {
  readonly speaker: Speaker | undefined;
  readonly bfd: BfdDriver;
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

/** The addresses of a guest's devices that are up, as `10.0.1.10/24`, by device. */
const interfacesOf = (world: World, { name }: Endpoint): readonly (readonly string[])[] =>
  (world.guests.get(name)?.kernel?.devices ?? [])
    .filter(({ up }) => up)
    .map(({ addresses }) =>
      addresses.map(({ address, prefix }) => `${formatAddress(address)}/${prefix.length}`),
    );

/** `post` gives the node an event. */
export function createMachines(
  world: World,
  endpoint: Endpoint,
  config: Config,
  { seed, clock }: { readonly seed: number | string; readonly clock: Clock },
  post: Post,
): Machines {
  const hearBfd = (change: BfdChange): void => post({ kind: 'bfd-state', change });
  const bfd = createBfdDriver(world, endpoint, `${seed}/bfd`, hearBfd, clock);
  const hear = (word: SpeakerWord): void => {
    switch (word.kind) {
      case 'bfd-open':
        bfd.feed({ kind: 'open', session: word.session, options: word.options });
        break;
      case 'bfd-close':
        bfd.feed({ kind: 'close', session: word.session });
        break;
      case 'session':
        post({ kind: 'bgp-session', change: word.change });
        break;
      case 'routes':
        post({ kind: 'bgp-routes', changes: word.changes });
        break;
      case 'stopped':
        break;
      default:
        unreachable(word);
    }
  };
  const driver =
    config.bgp === undefined
      ? undefined
      : createSpeakerDriver(world, endpoint, speakerOptions(config.bgp, new Map()), `${seed}/bgp`, hear, {
          clock,
        });
  const changeKernel = createKernel(world, endpoint, config, post);
  return {
    speaker: driver?.speaker,
    bfd,
    start() {
      driver?.feed({ kind: 'interfaces', addresses: interfacesOf(world, endpoint) });
      driver?.feed({ kind: 'start' });
    },
    perform(effect) {
      if (effect.kind === 'kernel') changeKernel(effect);
      else if (effect.kind === 'bfd') bfd.feed(effect.event);
      else driver?.feed(effect.input);
    },
    configure(next) {
      driver?.feed({ kind: 'interfaces', addresses: interfacesOf(world, endpoint) });
      if (next.bgp !== undefined)
        driver?.feed({ kind: 'configured', options: speakerOptions(next.bgp, new Map()) });
    },
    end() {
      bfd.end();
      driver?.end();
    },
  };
}
