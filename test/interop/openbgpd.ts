/** OpenBGPD as a peer: its configuration, and what `bgpctl` says. */
import { join } from 'node:path';
import type { Host } from './lab.ts';
import { ask } from './lab.ts';
import {
  DEFAULT_HOLD_S,
  type NeighborSpec,
  type PeerSpec,
  type SeenRoute,
  type SeenSession,
} from './spec.ts';

const ROLE_WORD = {
  provider: 'provider',
  customer: 'customer',
  peer: 'peer',
  'route-server': 'rs',
  'route-server-client': 'rs-client',
} as const;

const neighbor = (one: NeighborSpec): string =>
  [
    `neighbor ${one.address} {`,
    `  remote-as ${one.as}`,
    `  local-address ${one.local}`,
    `  holdtime ${one.holdTimeS ?? DEFAULT_HOLD_S}`,
    ...(one.passive ? ['  passive'] : []),
    ...(one.password === undefined ? [] : [`  tcp md5sig password ${one.password}`]),
    ...(one.gtsm ? ['  ttl-security yes'] : []),
    ...(one.role === undefined ? [] : [`  announce policy ${ROLE_WORD[one.role]}`]),
    `  announce IPv4 ${one.families.includes('ipv4') ? 'unicast' : 'none'}`,
    `  announce IPv6 ${one.families.includes('ipv6') ? 'unicast' : 'none'}`,
    ...(one.addPath ? ['  announce add-path recv yes', '  announce add-path send all'] : []),
    '  announce enhanced refresh yes',
    '}',
    one.transit
      ? `allow to ${one.address}`
      : `deny to ${one.address}\nallow to ${one.address} prefix-set own`,
  ].join('\n');

/** `bgpd.conf`; it must be readable for its owner alone. */
export function openbgpdConfiguration(spec: PeerSpec, folder: string): string {
  const locals = [...new Set(spec.neighbors.map(({ local }) => local))];
  return [
    `AS ${spec.as}`,
    `router-id ${spec.routerId}`,
    'fib-update no',
    'connect-retry 1',
    `socket "${join(folder, 'bgpd.sock')}"`,
    ...locals.map((address) => `listen on ${address}`),
    `prefix-set own { ${spec.networks.join(' ')} }`,
    ...spec.networks.map((network) => `network ${network}`),
    'allow from any',
    ...spec.neighbors.map(neighbor),
    '',
  ].join('\n');
}

export const openbgpdCommand = (folder: string): readonly string[] => [
  'bgpd',
  '-d',
  '-f',
  join(folder, 'bgpd.conf'),
];

export const bgpctl = (host: Host, ...words: readonly string[]): Promise<string> =>
  ask(host, ['bgpctl', '-s', join(host.folder, 'bgpd.sock'), ...words]);

interface BgpctlNeighbor {
  readonly remote_addr: string;
  readonly state: string;
  readonly last_error?: string;
  readonly last_shutdown_reason?: string;
}

export async function openbgpdSessions(host: Host): Promise<readonly SeenSession[]> {
  const said: { readonly neighbors?: readonly BgpctlNeighbor[] } = JSON.parse(
    await bgpctl(host, '-j', 'show', 'neighbor'),
  );
  return (said.neighbors ?? []).map((one) => ({
    address: one.remote_addr,
    state: one.state.toLowerCase(),
    error: [one.last_error, one.last_shutdown_reason].filter((text) => text !== undefined).join('; '),
  }));
}

interface BgpctlRoute {
  readonly prefix: string;
  readonly aspath?: string;
  readonly exit_nexthop?: string;
  readonly true_nexthop?: string;
  readonly communities?: readonly string[];
  readonly neighbor?: { readonly remote_addr?: string };
}

export async function openbgpdRoutes(host: Host, ipv6: boolean): Promise<readonly SeenRoute[]> {
  const family = ipv6 ? 'inet6' : 'inet';
  const said: { readonly rib?: readonly BgpctlRoute[] } = JSON.parse(
    await bgpctl(host, '-j', 'show', 'rib', family, 'detail'),
  );
  return (said.rib ?? []).map((one) => ({
    prefix: one.prefix,
    from: /[.:]/.test(one.neighbor?.remote_addr ?? '') ? (one.neighbor?.remote_addr ?? '') : '',
    nextHop: one.exit_nexthop ?? '',
    asPath: one.aspath ?? '',
    communities: one.communities ?? [],
  }));
}
