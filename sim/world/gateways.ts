/**
 * The BGP speakers beside gateways: the production speaker and BFD machine at work at the gateway's own
 * address, exchanging bytes with whatever speaks there: a daemon in a simulated instance, an attached one, a
 * router at a site. What a speaker learns goes to the API, which alone decides what routes come of it.
 */
import { unreachable } from '../../controller/base/result.ts';
import type { BfdChange } from '../../controller/bfd/event.ts';
import {
  DEFAULT_PEER,
  DEFAULT_SPEAKER,
  type NeighborOptions,
  type SpeakerOptions,
} from '../../controller/bgp/options.ts';
import { summary } from '../../controller/bgp/query.ts';
import { listRoutes } from '../../controller/bgp/rib-query.ts';
import type { Speaker } from '../../controller/bgp/speaker.ts';
import type { Learnt } from '../ec2/gateway-speaker.ts';
import { learn } from '../ec2/service.ts';
import type { GatewayNeighbor, GatewaySpeaker } from '../vpc/model.ts';
import { publish } from './api.ts';
import { removeMachine, startMachine } from './guests.ts';
import { schedule } from './kernel.ts';
import { createBfdDriver, createSpeakerDriver, type SpeakerWord } from './speaker.ts';
import type { Gateway, World } from './state.ts';

/** What AWS documents of Direct Connect's BFD, taken for all gateways. */
const BFD = { multihop: false, intervalMs: 300, multiplier: 3, passive: false, strict: false };
const BGP_PORT = 179;
/** Prefixes of one page of a speaker's routes. */
const PAGE = 10_000;

/** A speaker has changed in the data plane: it begins, becomes another, or ends. */
export function followSpeaker(world: World, id: string, value: GatewaySpeaker | undefined): void {
  const running = world.gateways.get(id);
  if (value === undefined) {
    running?.end();
    world.gateways.delete(id);
    return;
  }
  if (running !== undefined) running.configure(value);
  else world.gateways.set(id, startGateway(world, value));
}

/** Waits for its neighbors to dial, takes all that they announce, and tells them only what is its own. */
function optionsOf({ as, routerId, neighbors, announces }: GatewaySpeaker): SpeakerOptions {
  const own = announces.map((prefix) => ({ prefix }));
  const accept = { set: {}, action: 'accept' } as const;
  return {
    ...DEFAULT_SPEAKER,
    as,
    routerId,
    listen: [{ address: '0.0.0.0', port: BGP_PORT }],
    neighbors: neighbors.map(neighborOf),
    policies: [
      { name: 'all', rules: [], otherwise: 'accept' },
      {
        name: 'own',
        rules: own.length === 0 ? [] : [{ match: { prefixes: own }, ...accept }],
        otherwise: 'reject',
      },
    ],
    originate: announces.map((prefix) => ({ prefix, nextHop: 'self', communities: [] })),
  };
}

const neighborOf = (neighbor: GatewayNeighbor): NeighborOptions => ({
  ...DEFAULT_PEER,
  name: neighbor.name,
  address: neighbor.address,
  ...(neighbor.localAddress !== undefined && { localAddress: neighbor.localAddress }),
  as: neighbor.as,
  shutdown: false,
  passive: true,
  holdTimeS: neighbor.holdTimeS,
  families: ['ipv4', 'ipv6'],
  importPolicy: 'all',
  exportPolicy: 'own',
  ...(neighbor.bfd && { bfd: BFD }),
});

function startGateway(world: World, first: GatewaySpeaker): Gateway {
  const { id } = first;
  let value = first;
  let isReporting = false;
  const bfdStates = new Map<string, BfdChange['state']>();
  const endpoint = startMachine(world, id, 'its gateway is there').endpoint;
  const bfd = createBfdDriver(world, endpoint, `${world.seed}/${id}/bfd`, hearBfd);
  const driver = createSpeakerDriver(
    world,
    endpoint,
    optionsOf(value),
    `${world.seed}/${id}/bgp`,
    hear,
    report,
  );

  /** Tells the API once the present instant's work is done. */
  function report(): void {
    if (isReporting) return;
    isReporting = true;
    schedule(world, world.now, () => {
      isReporting = false;
      if (world.gateways.get(id)?.speaker !== driver.speaker) return;
      learn(world.api.cloud, value, learntBy(driver.speaker, value, bfdStates, world.now), world.now);
      publish(world.api);
    });
  }

  function hearBfd({ session, state, controlPlaneIndependent }: BfdChange): void {
    bfdStates.set(session, state);
    if (state !== 'init') driver.feed({ kind: 'bfd', address: session, state, controlPlaneIndependent });
  }

  function hear(word: SpeakerWord): void {
    switch (word.kind) {
      case 'bfd-open':
        bfd.feed({ kind: 'open', session: word.session, options: word.options });
        break;
      case 'bfd-close':
        bfdStates.delete(word.session);
        bfd.feed({ kind: 'close', session: word.session });
        break;
      case 'session':
      case 'routes':
      case 'stopped':
        break;
      default:
        unreachable(word);
    }
  }

  driver.feed({ kind: 'start' });
  return {
    speaker: driver.speaker,
    configure(next) {
      value = next;
      driver.feed({ kind: 'configured', options: optionsOf(next) });
    },
    end() {
      driver.end();
      bfd.end();
      removeMachine(world, id, 'its gateway is gone');
    },
  };
}

/** All that a speaker knows of its neighbors, in the API's words. */
function learntBy(
  speaker: Speaker,
  { neighbors }: GatewaySpeaker,
  bfdStates: ReadonlyMap<string, BfdChange['state']>,
  now: number,
): Learnt {
  const states = new Map(summary(speaker, now).peers.map((peer) => [peer.name, peer.state]));
  return {
    sessions: neighbors.map(({ name, address }) => ({
      neighbor: name,
      bgp: states.get(name) === 'Established' ? 'up' : 'down',
      bfd: bfdStates.get(address) === 'up' ? 'up' : 'down',
    })),
    paths: neighbors.flatMap(({ name }) => pathsFrom(speaker, name)),
  };
}

function pathsFrom(speaker: Speaker, peer: string): Learnt['paths'] {
  const found: Learnt['paths'][number][] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = listRoutes(speaker.rib, { table: 'in', family, peer, after, scan: PAGE });
      for (const { prefix, nextHop, asPath, origin, med, communities, refused } of page.routes) {
        if (refused !== undefined) continue;
        const path = { neighbor: peer, prefix, nextHop, asPath, origin, communities };
        found.push(med === undefined ? path : { ...path, med });
      }
      after = page.after;
    }
  }
  return found;
}
