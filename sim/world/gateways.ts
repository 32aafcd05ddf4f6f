/**
 * The BGP speakers beside gateways: the production speaker and BFD machine at work at the gateway's own
 * address, exchanging bytes with whatever speaks there: a daemon in a simulated instance, an attached one, a
 * router at a site. What a speaker learns goes to the API, which alone decides what routes come of it.
 */
import { formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { err, must, ok, type Result } from '../../controller/base/result.ts';
import {
  DEFAULT_PEER,
  DEFAULT_SPEAKER,
  type NeighborOptions,
  type SpeakerOptions,
} from '../../controller/bgp/options.ts';
import { summary } from '../../controller/bgp/query.ts';
import type { Speaker } from '../../controller/bgp/speaker.ts';
import type { Learnt } from '../ec2/gateway-speaker.ts';
import { learn, setInterfaceLine, setVpnTunnel } from '../ec2/service.ts';
import type { GatewayNeighbor, GatewaySpeaker } from '../vpc/model.ts';
import { addSpeaker, removeHost } from '../vpc/network.ts';
import { publish } from './api.ts';
import { createEndpoint, type Network, powerOff } from './endpoint.ts';
import { removeMachine, startMachine } from './guests.ts';
import { record, schedule } from './kernel.ts';
import { ACCEPT_ALL, announceOnly, OWN, pathsFrom } from './routes-heard.ts';
import type { Gateway, World } from './state.ts';
import { endsAtInstance, tunnelNetwork } from './tunnels.ts';
import { BFD, createWatchedSpeaker, type WatchedSpeaker } from './watched-speaker.ts';
import { networkOf } from './wire.ts';

const BGP_PORT = 179;

/** A speaker has changed in the data plane: it begins, becomes another, or ends. */
export function followSpeaker(world: World, id: string, value: GatewaySpeaker | undefined): void {
  const running = world.gateways.get(id);
  if (value === undefined) {
    running?.end();
    world.gateways.delete(id);
  } else if (running !== undefined) running.configure(value);
  else world.gateways.set(id, startGateway(world, value));
  for (const router of world.routers.values()) router.refresh();
}

/** Cuts the line of a virtual interface, or mends it: its gateway finds out by BFD, or by its hold timer. */
export function setLine(world: World, id: string, state: 'up' | 'down'): Result<void> {
  const line = world.records['virtual-interface'].get(id);
  if (line === undefined) return err(`there is no virtual interface '${id}'`);
  setInterfaceLine(world.api.cloud, line, state === 'down', world.now);
  record(world, { kind: 'fault', what: `the line of ${id} is ${state}` });
  publish(world.api);
  return ok(undefined);
}

/** Sets a tunnel of a VPN connection up or down, by its address outside: IPsec, as the API shows it. */
export function setTunnel(world: World, id: string, outside: string, state: 'up' | 'down'): Result<void> {
  const connection = world.records['vpn-connection'].get(id);
  if (connection === undefined) return err(`there is no VPN connection '${id}'`);
  const down = state === 'down';
  if (!setVpnTunnel(world.api.cloud, connection, { outside, down }, world.now))
    return err(`${id} has no tunnel to ${outside}; DescribeVpnConnections lists them`);
  record(world, { kind: 'fault', what: `the tunnel ${outside} of ${id} is ${state}` });
  publish(world.api);
  return ok(undefined);
}

/** Waits for its neighbors to dial, takes all that they announce, and tells them only what is its own. */
const optionsOf = ({
  as,
  routerId,
  neighbors,
  announces,
  relays = {},
  place,
}: GatewaySpeaker): SpeakerOptions => ({
  ...DEFAULT_SPEAKER,
  as,
  routerId,
  listen: [{ address: '0.0.0.0', port: BGP_PORT }],
  neighbors: neighbors.map((each) => neighborOf(each, place.kind === 'site')),
  policies: [ACCEPT_ALL, announceOnly(announces)],
  originate: announces.map((prefix) => {
    const asPath = asesOf(relays[prefix] ?? '');
    return { prefix, nextHop: 'self', communities: [], ...(asPath.length > 0 && { asPath }) };
  }),
});

/** The ASes of a path as text, those of sets too. */
const asesOf = (path: string): readonly number[] => (path.match(/\d+/g) ?? []).map(Number);

/** To a site BFD waits for the customer's side to begin. */
const neighborOf = (neighbor: GatewayNeighbor, toSite: boolean): NeighborOptions => ({
  ...DEFAULT_PEER,
  name: neighbor.name,
  address: neighbor.address,
  ...(neighbor.localAddress !== undefined && { localAddress: neighbor.localAddress }),
  as: neighbor.as,
  shutdown: false,
  passive: true,
  holdTimeS: neighbor.holdTimeS,
  families: neighbor.address.includes(':') ? ['ipv6'] : ['ipv4', 'ipv6'],
  importPolicy: ACCEPT_ALL.name,
  exportPolicy: OWN,
  ...(neighbor.bfd && { bfd: { ...BFD, passive: toSite } }),
  ...(neighbor.maxPrefixes !== undefined && { maxPrefixes: mostOf(neighbor.maxPrefixes) }),
});

function mostOf(limit: number): NeighborOptions['maxPrefixes'] {
  const most = { limit, warnPercent: 80, action: 'stop' } as const;
  return { ipv4: most, ipv6: most };
}

type Placed = Pick<Gateway, 'endpoint' | 'hosts'> & { readonly leave: () => void };

/** Puts a speaker where it has its addresses; `leave` takes it away. */
function place(world: World, { id, place: where, neighbors }: GatewaySpeaker): Placed {
  if (where.kind === 'eni') {
    const { endpoint } = startMachine(world, id, 'its gateway is there');
    return { endpoint, hosts: [], leave: () => removeMachine(world, id, 'its gateway is gone') };
  }
  const hosts = neighbors.map(({ localAddress = '' }) =>
    addSpeaker(world.network, must(parseAddress(localAddress)), id),
  );
  const ways = new Map(hosts.map((host) => [formatAddress(host.address), networkOf(world, host)]));
  const endpoint = createEndpoint(world, wayOf(world, id, where.kind, ways), 'host', id);
  const leave = (): void => {
    powerOff(endpoint);
    for (const host of hosts) removeHost(world.network, host);
  };
  return { endpoint, hosts, leave };
}

/**
 * The way of a speaker to its neighbors: through the network where they are in instances, in GRE or IPsec;
 * by links beside it to a site.
 */
function wayOf(
  world: World,
  id: string,
  kind: 'connect-peer' | 'site',
  inside: ReadonlyMap<string, Network>,
): Network {
  const [first] = inside.values();
  if (kind === 'connect-peer' && first !== undefined) return first;
  const link = tunnelNetwork(world, id);
  return {
    source: link.source,
    output: (packet, via) => {
      const near = link.source(packet.destination, via);
      const way = near.ok && endsAtInstance(world, id) ? inside.get(near.value) : undefined;
      (way ?? link).output(packet, via);
    },
  };
}

function startGateway(world: World, first: GatewaySpeaker): Gateway {
  const { id } = first;
  let value = first;
  let isReporting = false;
  let hadSession = false;
  const { endpoint, hosts, leave } = place(world, first);
  const seeds = { bgp: `${world.seed}/${id}/bgp`, bfd: `${world.seed}/${id}/bfd` };
  const driver = createWatchedSpeaker(world, endpoint, optionsOf(value), seeds, report);

  /**
   * Tells the API once the present instant's work is done. What an earlier run of the world had learnt stays
   * for the Hold Time where no session has been there yet, as if only now the neighbors had fallen silent;
   * what was described, longer.
   */
  function report(): void {
    hadSession ||= hasSession(driver.speaker, world.now);
    const waits = value.described === true || world.now < silentUntil;
    if (isReporting || (waits && !hadSession)) return;
    isReporting = true;
    schedule(world, world.now, () => {
      isReporting = false;
      if (world.gateways.get(id)?.speaker !== driver.speaker) return;
      learn(world.api.cloud, value, learntBy(driver, value, world.now), world.now);
      publish(world.api);
    });
  }

  const silentUntil = world.now + 1000 * Math.max(0, ...first.neighbors.map(({ holdTimeS }) => holdTimeS));
  schedule(world, silentUntil, report);
  driver.feed({ kind: 'start' });
  return {
    endpoint,
    hosts,
    speaker: driver.speaker,
    configure(next) {
      value = next;
      driver.feed({ kind: 'configured', options: optionsOf(next) });
    },
    end() {
      driver.end();
      leave();
    },
  };
}

const hasSession = (speaker: Speaker, now: number): boolean =>
  summary(speaker, now).peers.some(({ state }) => state === 'Established');

/** All that a speaker knows of its neighbors, in the API's words. */
function learntBy(
  { speaker, bfdStates }: WatchedSpeaker,
  { neighbors }: GatewaySpeaker,
  now: number,
): Learnt {
  const states = new Map(summary(speaker, now).peers.map((peer) => [peer.name, peer.state]));
  return {
    sessions: neighbors.map(({ name, address }) => ({
      neighbor: name,
      bgp: states.get(name) === 'Established' ? 'up' : 'down',
      bfd: bfdStates.get(address) === 'up' ? 'up' : 'down',
    })),
    paths: neighbors.flatMap(({ name }) =>
      pathsFrom(speaker, name).map((path) => ({ neighbor: name, ...path })),
    ),
  };
}
