/** FRR as a peer (zebra, bfdd, bgpd): its configuration, and what `vtysh` says. */
import { join } from 'node:path';
import type { Host } from './lab.ts';
import { ask } from './lab.ts';
import {
  DEFAULT_HOLD_S,
  familyOfPrefix,
  type NeighborSpec,
  type PeerSpec,
  type SeenRoute,
  type SeenSession,
} from './spec.ts';

const ROLE_WORD = {
  provider: 'provider',
  customer: 'customer',
  peer: 'peer',
  'route-server': 'rs-server',
  'route-server-client': 'rs-client',
} as const;

function neighbor(one: NeighborSpec): readonly string[] {
  const hold = one.holdTimeS ?? DEFAULT_HOLD_S;
  const to = ` neighbor ${one.address}`;
  return [
    `${to} remote-as ${one.as}`,
    `${to} update-source ${one.local}`,
    `${to} timers ${Math.floor(hold / 3)} ${hold}`,
    `${to} timers connect 1`,
    `${to} advertisement-interval 0`,
    ...(one.passive ? [`${to} passive`] : []),
    ...(one.password === undefined ? [] : [`${to} password ${one.password}`]),
    ...(one.gtsm ? [`${to} ttl-security hops 1`] : []),
    ...(one.role === undefined ? [] : [`${to} local-role ${ROLE_WORD[one.role]}`]),
    one.restartTimeS === undefined ? `${to} graceful-restart-disable` : `${to} graceful-restart`,
    ...(one.bfdIntervalMs === undefined ? [] : [`${to} bfd profile every${one.bfdIntervalMs}`]),
  ];
}

function activation(spec: PeerSpec, family: 'ipv4' | 'ipv6'): readonly string[] {
  const own = spec.neighbors.filter((one) => one.families.includes(family));
  return [
    ` address-family ${family} unicast`,
    ...spec.networks.filter((one) => familyOfPrefix(one) === family).map((one) => `  network ${one}`),
    ...own.flatMap((one) => [
      `  neighbor ${one.address} activate`,
      ...(one.addPath ? [`  neighbor ${one.address} addpath-tx-all-paths`] : []),
      ...(one.transit ? [] : [`  neighbor ${one.address} filter-list own out`]),
    ]),
    ' exit-address-family',
  ];
}

/** The files of the three daemons. */
export function frrConfigurations(spec: PeerSpec): Readonly<Record<string, string>> {
  const intervals = new Set(spec.neighbors.flatMap((one) => one.bfdIntervalMs ?? []));
  const restart = spec.neighbors.find((one) => one.restartTimeS !== undefined)?.restartTimeS;
  const head = ['frr defaults datacenter', 'hostname frr', 'log stdout informational'];
  const profiles = [...intervals].flatMap((interval) => [
    ` profile every${interval}`,
    '  detect-multiplier 3',
    `  receive-interval ${interval}`,
    `  transmit-interval ${interval}`,
    ' !',
  ]);
  const bgp = [
    'bgp as-path access-list own permit ^$',
    `router bgp ${spec.as}`,
    ` bgp router-id ${spec.routerId}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ' no bgp network import-check',
    ' bgp log-neighbor-changes',
    ...(restart === undefined
      ? []
      : [
          ` bgp graceful-restart restart-time ${restart}`,
          ' bgp graceful-restart notification',
          ' bgp graceful-restart preserve-fw-state',
          ' bgp graceful-restart select-defer-time 5',
        ]),
    ...spec.neighbors.flatMap(neighbor),
    ...activation(spec, 'ipv4'),
    ...activation(spec, 'ipv6'),
  ];
  const file = (lines: readonly string[]): string => `${[...head, ...lines].join('\n')}\n`;
  return { zebra: file([]), bfdd: file(['bfd', ...profiles]), bgpd: file(bgp) };
}

/** The daemons in the order in which they must start; the folder must belong to the user `frr`. */
export function frrCommands(folder: string): readonly (readonly [string, readonly string[]])[] {
  const shared = [...['-u', 'frr', '-g', 'frr', '-z', join(folder, 'zserv.api'), '--vty_socket', folder]];
  const daemon = (name: string, ...more: readonly string[]): readonly [string, readonly string[]] => [
    name,
    [
      `/usr/lib/frr/${name}`,
      ...shared,
      '-f',
      join(folder, `${name}.conf`),
      '-i',
      join(folder, `${name}.pid`),
      ...more,
    ],
  ];
  return [daemon('zebra'), daemon('bfdd', '--bfdctl', join(folder, 'bfdd.sock')), daemon('bgpd')];
}

export const vtysh = (host: Host, ...commands: readonly string[]): Promise<string> =>
  ask(host, ['vtysh', '--vty_socket', host.folder, ...commands.flatMap((one) => ['-c', one])]);

interface FrrNeighbor {
  readonly bgpState?: string;
  readonly lastResetDueTo?: string;
  readonly lastNotificationReason?: string;
  readonly lastShutdownDescription?: string;
}

/** Asks bgpd alone, which also answers while another of the daemons is frozen. */
const askBgpd = (host: Host, command: string): Promise<string> =>
  ask(host, ['vtysh', '--vty_socket', host.folder, '-d', 'bgpd', '-c', command]);

export async function frrSessions(host: Host): Promise<readonly SeenSession[]> {
  const known: Record<string, FrrNeighbor> = JSON.parse(await askBgpd(host, 'show bgp neighbors json'));
  return Object.entries(known)
    .filter(([, one]) => one.bgpState !== undefined)
    .map(([address, one]) => ({
      address,
      state: (one.bgpState ?? '').toLowerCase(),
      error: [one.lastResetDueTo, one.lastNotificationReason, one.lastShutdownDescription]
        .filter((text) => text !== undefined)
        .join('; '),
    }));
}

interface FrrPath {
  readonly aspath?: { readonly string: string };
  readonly community?: { readonly string: string };
  readonly nexthops?: readonly { readonly ip: string; readonly scope?: string }[];
  readonly peer?: { readonly peerId: string };
}

export async function frrRoutes(host: Host, ipv6: boolean): Promise<readonly SeenRoute[]> {
  const said = await askBgpd(host, `show bgp ${ipv6 ? 'ipv6' : 'ipv4'} unicast json detail`);
  const routes: Record<string, readonly FrrPath[] | { readonly paths: readonly FrrPath[] }> =
    JSON.parse(said).routes ?? {};
  return Object.entries(routes).flatMap(([prefix, value]) =>
    ('paths' in value ? value.paths : value)
      // The first item is about the prefix, not about a path.
      .filter((path) => path.nexthops !== undefined)
      .map((path) => ({
        prefix,
        from: path.peer?.peerId === '::' || path.peer?.peerId === '0.0.0.0' ? '' : (path.peer?.peerId ?? ''),
        nextHop: path.nexthops?.find(({ scope }) => scope !== 'link-local')?.ip ?? '',
        asPath: path.aspath?.string === 'Local' ? '' : (path.aspath?.string ?? ''),
        communities: path.community?.string.split(' ') ?? [],
      })),
  );
}
