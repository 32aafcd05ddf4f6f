/** BIRD 2 as a peer: its configuration, and what `birdc` says. */
import { join } from 'node:path';
import type { Host } from './lab.ts';
import { ask } from './lab.ts';
import {
  DEFAULT_HOLD_S,
  familyOfPrefix,
  isIpv6,
  type NeighborSpec,
  type PeerSpec,
  type SeenRoute,
  type SeenSession,
} from './spec.ts';

const ROLE_WORD = {
  provider: 'provider',
  customer: 'customer',
  peer: 'peer',
  'route-server': 'rs_server',
  'route-server-client': 'rs_client',
} as const;

function neighbor(one: NeighborSpec, index: number, as: number): string {
  const hold = one.holdTimeS ?? DEFAULT_HOLD_S;
  const restart = one.restartTimeS;
  const out = one.transit ? 'all' : 'where source = RTS_STATIC';
  const addPath = one.addPath ? ' add paths on;' : '';
  const channel = (family: string): string =>
    `  ${family} { import all; export ${out}; next hop self;${addPath} };`;
  const interval = one.bfdIntervalMs;
  const both = `min rx interval ${interval} ms; min tx interval ${interval} ms;`;
  const timers = `${both} idle tx interval 100 ms; multiplier 3;`;
  return [
    `protocol bgp n${index} {`,
    `  local ${one.local} as ${as}; neighbor ${one.address} as ${one.as};`,
    '  strict bind on; connect delay time 1; connect retry time 1; error wait time 1, 2;',
    `  hold time ${hold}; keepalive time ${Math.floor(hold / 3)};`,
    one.passive ? '  passive on;' : '',
    one.password === undefined ? '' : `  password "${one.password}";`,
    one.gtsm ? '  ttl security on;' : '',
    one.role === undefined ? '' : `  local role ${ROLE_WORD[one.role]};`,
    restart === undefined
      ? '  graceful restart off;'
      : `  graceful restart on; graceful restart time ${restart};`,
    '  enable extended messages on; enforce first as on;',
    interval === undefined ? '' : `  bfd { ${timers} };`,
    ...one.families.map(channel),
    '}',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** `bird.conf`. */
export function birdConfiguration(spec: PeerSpec): string {
  const statics = (['ipv4', 'ipv6'] as const).map((family) => {
    const own = spec.networks.filter((network) => familyOfPrefix(network) === family);
    return `protocol static { ${family}; ${own.map((network) => `route ${network} blackhole;`).join(' ')} }`;
  });
  return [
    'log stderr all;',
    `router id ${spec.routerId};`,
    // After its restart BIRD holds routes back for all neighbors that know graceful restart.
    'graceful restart wait 3;',
    'protocol device { scan time 10; }',
    'protocol bfd { accept direct; interface "*" { min rx interval 300 ms; min tx interval 300 ms; }; }',
    ...statics,
    ...spec.neighbors.map((one, index) => neighbor(one, index, spec.as)),
    '',
  ].join('\n');
}

export const birdCommand = (folder: string): readonly string[] => [
  'bird',
  '-f',
  ...['-c', join(folder, 'bird.conf'), '-s', join(folder, 'bird.ctl')],
];

export const birdc = (host: Host, ...words: readonly string[]): Promise<string> =>
  ask(host, ['birdc', '-s', join(host.folder, 'bird.ctl'), ...words]);

const field = (text: string, name: string): string =>
  new RegExp(`^\\s*${name}:\\s*(.*?)\\s*$`, 'm').exec(text)?.[1] ?? '';

export async function birdSessions(host: Host): Promise<readonly SeenSession[]> {
  const blocks = (await birdc(host, 'show', 'protocols', 'all')).split(/^(?=\S)/m);
  return blocks
    .filter((block) => /^\S+\s+BGP\s/.test(block))
    .map((block) => ({
      address: field(block, 'Neighbor address'),
      state: field(block, 'BGP state').toLowerCase(),
      error: field(block, 'Last error'),
    }));
}

/** The routes of one family; the name of the protocol is turned into the neighbor's address by `spec`. */
export async function birdRoutes(host: Host, spec: PeerSpec, ipv6: boolean): Promise<readonly SeenRoute[]> {
  const routes: SeenRoute[] = [];
  let prefix = '';
  const text = await birdc(host, 'show', 'route', 'all', 'table', ipv6 ? 'master6' : 'master4');
  for (const block of text.split(/^(?=\S.*\[| {10,}\S.*\[)/m)) {
    const head = /^(\S*)\s+\S+.*\[(\w+) /.exec(block);
    if (head === null) continue;
    if (head[1] !== '') prefix = head[1] ?? '';
    const index = /^n(\d+)$/.exec(head[2] ?? '')?.[1];
    const communities = field(block, 'BGP.community').matchAll(/\((\d+),(\d+)\)/g);
    routes.push({
      prefix,
      from: index === undefined ? '' : (spec.neighbors[Number(index)]?.address ?? ''),
      nextHop: field(block, 'BGP.next_hop').split(' ')[0] ?? '',
      asPath: field(block, 'BGP.as_path'),
      communities: [...communities].map(([, high, low]) => `${high}:${low}`),
    });
  }
  return routes.filter((route) => isIpv6(route.prefix) === ipv6);
}
