/**
 * The customer's routers at sites: the production speaker again, which dials every tunnel of its connections
 * with dynamic routing and every virtual interface, and announces what an experiment gives it to announce.
 */
import { parsePrefix } from '../../controller/base/ip.ts';
import { err, ok, type Result } from '../../controller/base/result.ts';
import {
  DEFAULT_PEER,
  DEFAULT_SPEAKER,
  type Policy,
  type SpeakerOptions,
} from '../../controller/bgp/options.ts';
import { summary } from '../../controller/bgp/query.ts';
import type { GatewayNeighbor, GatewaySpeaker } from '../vpc/model.ts';
import { portAt } from '../vpc/vpn-tunnel.ts';
import { createEndpoint, powerOff, powerOn } from './endpoint.ts';
import { record } from './kernel.ts';
import { ACCEPT_ALL, announceOnly, OWN, pathsFrom } from './routes-heard.ts';
import type { Announced, SiteRouter, SiteRouterOptions, World } from './state.ts';
import { tunnelNetwork } from './tunnels.ts';
import { BFD, createWatchedSpeaker, type WatchedSpeaker } from './watched-speaker.ts';

/** Puts a router behind a customer gateway, or changes what it announces. */
export function setSiteRouter(world: World, site: string, options: SiteRouterOptions): Result<void> {
  if (!/^(cgw|dxcon)-/.test(site))
    return err(`'${site}' is not the id of a customer gateway or a Direct Connect connection`);
  const taken = instanceAt(world, site);
  if (taken !== undefined)
    return err(`${site} has the public address of ${taken}: its instance is the router; run BGP there`);
  const perTunnel = Object.entries(options.tunnels ?? {});
  for (const text of [options, ...perTunnel.map(([, each]) => each)].flatMap(
    (each) => each.announces ?? [],
  )) {
    if (!parsePrefix(text).ok) return err(`'${text}' is not a prefix`);
  }
  const there = tunnelsOf(world, site);
  for (const [outside] of perTunnel) {
    if (there.has(outside)) continue;
    const known = [...there].join(', ') || 'none';
    return err(`${site} has no tunnel with BGP to ${outside}; to these it has: ${known}`);
  }
  const held = world.routers.get(site);
  if (held === undefined) world.routers.set(site, startRouter(world, site, options));
  else {
    held.options = options;
    if (held.endpoint.power === 'dead') powerOn(held.endpoint);
    held.refresh();
  }
  world.unsaved.routers.add(site);
  const what = `announces ${options.announces.join(', ') || 'nothing'}`;
  record(world, { kind: 'guest', instance: site, what });
  return ok(undefined);
}

/** The ENI that has the address of a customer gateway. */
function instanceAt({ network: { fabric } }: World, site: string): string | undefined {
  const node = fabric.sites.get(site);
  return node === undefined ? undefined : portAt(fabric, node)?.id;
}

/** Switches a router off, as a power cut does: its neighbors hear nothing more. False where none is on. */
export function killSiteRouter(world: World, site: string): boolean {
  const router = world.routers.get(site);
  if (router === undefined || router.endpoint.power === 'dead') return false;
  powerOff(router.endpoint);
  router.refresh();
  world.unsaved.routers.add(site);
  record(world, { kind: 'guest', instance: site, what: 'its router is gone' });
  return true;
}

/** A session of a site's router, from the gateway's description of it. */
interface Session {
  readonly speaker: GatewaySpeaker;
  readonly neighbor: GatewayNeighbor;
}

const sessionsOf = (world: World, site: string): readonly Session[] =>
  [...world.records['gateway-speaker'].values()]
    .filter(({ place }) => place.kind === 'site' && place.site === site)
    .flatMap((speaker) => speaker.neighbors.map((neighbor) => ({ speaker, neighbor })));

/** The addresses outside of the tunnels of a site that BGP is spoken through. */
export const tunnelsOf = (world: World, site: string): ReadonlySet<string> =>
  new Set(sessionsOf(world, site).map(({ neighbor }) => neighbor.name));

/** What is announced, with which attributes. */
const policyOf = (
  name: string,
  as: number,
  { announces, med, prepend = 0, communities }: Announced,
): Policy => ({
  ...announceOnly(announces, {
    ...(med !== undefined && { med }),
    ...(prepend > 0 && { prepend: { as, count: prepend } }),
    ...(communities !== undefined && { addCommunities: communities }),
  }),
  name,
});

/** What the router is to be; undefined while no connection with dynamic routing leads to it. */
function optionsOf(
  sessions: readonly Session[],
  { tunnels = {}, bfd, ...everywhere }: SiteRouterOptions,
): SpeakerOptions | undefined {
  const [first] = sessions;
  if (first === undefined) return undefined;
  const { as } = first.neighbor;
  const { announces } = everywhere;
  const all = new Set([announces, ...Object.values(tunnels).map((each) => each.announces ?? [])].flat());
  return {
    ...DEFAULT_SPEAKER,
    as,
    routerId: first.neighbor.address,
    neighbors: sessions.map(({ speaker, neighbor }) => ({
      ...DEFAULT_PEER,
      name: neighbor.name,
      address: neighbor.localAddress ?? '',
      localAddress: neighbor.address,
      as: speaker.as,
      shutdown: false,
      holdTimeS: neighbor.holdTimeS,
      ...(neighbor.as !== as && { localAs: neighbor.as }),
      families: [neighbor.address.includes(':') ? 'ipv6' : 'ipv4'],
      ...(bfd === true && neighbor.bfd && { bfd: { ...BFD, passive: false } }),
      importPolicy: ACCEPT_ALL.name,
      exportPolicy: neighbor.name in tunnels ? neighbor.name : OWN,
    })),
    policies: [
      ACCEPT_ALL,
      policyOf(OWN, as, everywhere),
      ...Object.entries(tunnels).map(([outside, other]) =>
        policyOf(outside, as, { ...everywhere, ...other }),
      ),
    ],
    originate: [...all].map((prefix) => ({ prefix, nextHop: 'self', communities: [] })),
  };
}

function startRouter(world: World, site: string, first: SiteRouterOptions): SiteRouter {
  const endpoint = createEndpoint(world, tunnelNetwork(world, site), 'host', site);
  const seeds = { bgp: `${world.seed}/${site}`, bfd: `${world.seed}/${site}/bfd` };
  let driver: WatchedSpeaker | undefined;
  const router: SiteRouter = {
    endpoint,
    options: first,
    refresh() {
      if (endpoint.power === 'dead') driver = undefined;
      const options =
        endpoint.power === 'dead' ? undefined : optionsOf(sessionsOf(world, site), router.options);
      if (options === undefined) return;
      if (driver !== undefined) {
        driver.feed({ kind: 'configured', options });
        return;
      }
      driver = createWatchedSpeaker(world, endpoint, options, seeds);
      driver.feed({ kind: 'start' });
    },
    sessions() {
      const { speaker } = driver ?? {};
      if (speaker === undefined) return [];
      return summary(speaker, world.now).peers.map(({ name, state }) => ({
        tunnel: name,
        state,
        heard: pathsFrom(speaker, name),
      }));
    },
  };
  router.refresh();
  return router;
}
