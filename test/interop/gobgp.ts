/**
 * GoBGP as a peer: its configuration, and what `gobgp` says. It announces through its API, after its start.
 */
import { join } from 'node:path';
import type { Host } from './lab.ts';
import { ask } from './lab.ts';
import {
  DEFAULT_HOLD_S,
  isIpv6,
  type NeighborSpec,
  type PeerSpec,
  type SeenRoute,
  type SeenSession,
} from './spec.ts';

function neighbor(one: NeighborSpec): string {
  const hold = one.holdTimeS ?? DEFAULT_HOLD_S;
  const families = one.families.flatMap((family) => [
    '  [[neighbors.afi-safis]]',
    '    [neighbors.afi-safis.config]',
    `      afi-safi-name = "${family}-unicast"`,
    ...(one.restartTimeS === undefined
      ? []
      : ['    [neighbors.afi-safis.mp-graceful-restart.config]', '      enabled = true']),
    ...(one.addPath
      ? ['    [neighbors.afi-safis.add-paths.config]', '      receive = true', '      send-max = 8']
      : []),
  ]);
  return [
    '[[neighbors]]',
    '  [neighbors.config]',
    `    neighbor-address = "${one.address}"`,
    `    peer-as = ${one.as}`,
    ...(one.password === undefined ? [] : [`    auth-password = "${one.password}"`]),
    '  [neighbors.timers.config]',
    `    hold-time = ${hold}`,
    `    keepalive-interval = ${Math.floor(hold / 3)}`,
    '    connect-retry = 1',
    '    idle-hold-time-after-reset = 1',
    '  [neighbors.transport.config]',
    `    local-address = "${one.local}"`,
    ...(one.passive ? ['    passive-mode = true'] : []),
    ...(one.gtsm ? ['  [neighbors.ttl-security.config]', '    enabled = true', '    ttl-min = 255'] : []),
    ...(one.restartTimeS === undefined
      ? []
      : [
          '  [neighbors.graceful-restart.config]',
          '    enabled = true',
          '    notification-enabled = true',
          `    restart-time = ${one.restartTimeS}`,
          // After its restart GoBGP holds routes back for all neighbors that know graceful restart.
          '    deferral-time = 3',
        ]),
    ...families,
  ].join('\n');
}

/** `gobgpd.toml`. */
export const gobgpConfiguration = (spec: PeerSpec): string =>
  [
    '[global.config]',
    `  as = ${spec.as}`,
    `  router-id = "${spec.routerId}"`,
    ...spec.neighbors.map(neighbor),
    '',
  ].join('\n');

export const gobgpCommand = (folder: string, ...more: readonly string[]): readonly string[] => [
  'gobgpd',
  ...['-t', 'toml', '-f', join(folder, 'gobgpd.toml'), '--api-hosts', '127.0.0.1:50051', ...more],
];

export const gobgp = (host: Host, ...words: readonly string[]): Promise<string> =>
  ask(host, ['gobgp', ...words]);

/** Throws until GoBGP speaks: its API answers before its configuration is read, with AS 0. */
export async function gobgpSpeaks(host: Host): Promise<void> {
  const said = await gobgp(host, 'global');
  if (!/^AS: +[1-9]/m.test(said)) throw new Error(`GoBGP has not begun: ${said}`);
}

/** Announces the networks with an address of the daemon's as next hop. */
export async function gobgpAnnounce(host: Host, networks: readonly string[]): Promise<void> {
  for (const network of networks) {
    const family = isIpv6(network) ? 'ipv6' : 'ipv4';
    const nextHop = isIpv6(network) ? host.ipv6 : host.ipv4;
    await gobgp(host, 'global', 'rib', 'add', network, 'nexthop', nextHop, '-a', family);
  }
}

const STATES = ['unknown', 'idle', 'connect', 'active', 'opensent', 'openconfirm', 'established'];

interface GobgpNeighbor {
  readonly state: {
    readonly neighbor_address: string;
    readonly session_state?: number;
    readonly messages?: unknown;
  };
}

export async function gobgpSessions(host: Host): Promise<readonly SeenSession[]> {
  const known: readonly GobgpNeighbor[] = JSON.parse(await gobgp(host, 'neighbor', '-j'));
  return known.map(({ state }) => ({
    address: state.neighbor_address,
    state: STATES[state.session_state ?? 0] ?? 'unknown',
    error: '',
  }));
}

interface GobgpPath {
  readonly attrs: readonly {
    readonly type: number;
    readonly as_paths?: readonly { readonly asns: readonly number[] }[];
    readonly nexthop?: string;
    readonly communities?: readonly number[];
  }[];
  readonly 'source-ip'?: string;
  readonly 'neighbor-ip'?: string;
}

export async function gobgpRoutes(host: Host, ipv6: boolean): Promise<readonly SeenRoute[]> {
  const said = await gobgp(host, 'global', 'rib', '-j', '-a', ipv6 ? 'ipv6' : 'ipv4');
  const known: Record<string, readonly GobgpPath[]> = JSON.parse(said || '{}');
  return Object.entries(known).flatMap(([prefix, paths]) =>
    paths.map((path) => {
      const attribute = (...types: readonly number[]) => path.attrs.find(({ type }) => types.includes(type));
      const asns = attribute(2)?.as_paths?.flatMap((segment) => segment.asns) ?? [];
      const communities = attribute(8)?.communities ?? [];
      const from = path['source-ip'] ?? path['neighbor-ip'] ?? '';
      return {
        prefix,
        from: from === '<nil>' ? '' : from,
        nextHop: (isIpv6(prefix) ? attribute(14) : (attribute(3) ?? attribute(14)))?.nexthop ?? '',
        asPath: asns.join(' '),
        communities: communities.map((value) => `${value >>> 16}:${value & 0xffff}`),
      };
    }),
  );
}
