/**
 * ExaBGP as a peer: its configuration, two programs that it starts (one hands it commands, one keeps its
 * events), and what those events say. It has no table of its own: routes are what its events leave standing.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './lab.ts';
import {
  DEFAULT_HOLD_S,
  isIpv6,
  type NeighborSpec,
  type PeerSpec,
  type SeenRoute,
  type SeenSession,
} from './spec.ts';

function neighbor(one: NeighborSpec, index: number, spec: PeerSpec): string {
  const networks = spec.networks.filter((network) =>
    one.families.includes(isIpv6(network) ? 'ipv6' : 'ipv4'),
  );
  const capabilities = [
    'asn4 enable;',
    'route-refresh enable;',
    one.restartTimeS === undefined ? 'graceful-restart disable;' : `graceful-restart ${one.restartTimeS};`,
    one.addPath ? 'add-path send/receive;' : 'add-path disable;',
  ];
  return [
    `neighbor ${one.address} {`,
    `  router-id ${spec.routerId};`,
    `  local-address ${one.local};`,
    `  local-as ${spec.as};`,
    `  peer-as ${one.as};`,
    `  hold-time ${one.holdTimeS ?? DEFAULT_HOLD_S};`,
    ...(one.passive ? ['  passive;'] : []),
    ...(one.listen === undefined ? [] : [`  listen ${one.listen};`]),
    ...(one.password === undefined ? [] : [`  md5-password '${one.password}';`]),
    ...(one.gtsm ? ['  outgoing-ttl 255;', '  incoming-ttl 255;'] : []),
    `  capability { ${capabilities.join(' ')} }`,
    `  family { ${one.families.map((family) => `${family} unicast;`).join(' ')} }`,
    '  static {',
    ...networks.map((network) => {
      const nextHop = isIpv6(network) === isIpv6(one.local) ? one.local : 'self';
      return `    route ${network} next-hop ${nextHop};`;
    }),
    '  }',
    `  api commands${index} { processes [ commands ]; }`,
    `  api events${index} { processes [ events ]; neighbor-changes;`,
    '    receive { parsed; open; update; notification; refresh; } }',
    '}',
  ].join('\n');
}

/** Writes `exabgp.conf` and the two programs. */
export function writeExabgp(spec: PeerSpec, folder: string): void {
  const commands = join(folder, 'commands');
  const events = join(folder, 'events');
  writeFileSync(join(folder, 'commands.txt'), '');
  writeFileSync(join(folder, 'events.json'), '');
  writeFileSync(commands, `#!/bin/sh\nexec tail -n +1 -s 0.05 -f ${join(folder, 'commands.txt')}\n`, {
    mode: 0o755,
  });
  // Its standard output stays open: ExaBGP takes an end there for the program's death.
  writeFileSync(events, `#!/bin/sh\ncat >> ${join(folder, 'events.json')}\nexit $?\n`, { mode: 0o755 });
  const text = [
    `process commands { run ${commands}; encoder text; }`,
    `process events { run ${events}; encoder json; }`,
    ...spec.neighbors.map((one, index) => neighbor(one, index, spec)),
    '',
  ].join('\n');
  writeFileSync(join(folder, 'exabgp.conf'), text);
}

export const exabgpCommand = (folder: string): readonly string[] => ['exabgp', join(folder, 'exabgp.conf')];

export const EXABGP_ENV: Readonly<Record<string, string>> = {
  'exabgp.daemon.user': 'root',
  'exabgp.daemon.drop': 'false',
  'exabgp.api.ack': 'false',
  'exabgp.api.cli': 'false',
  'exabgp.log.level': 'INFO',
};

/** Hands ExaBGP a command of its API, such as `announce route 10.0.0.0/8 next-hop self`. */
export const exabgp = (host: Host, command: string): void =>
  appendFileSync(join(host.folder, 'commands.txt'), `${command}\n`);

interface Nlri {
  readonly nlri?: string;
  readonly 'path-information'?: string;
}

/** An event of ExaBGP 4, as far as tests read it. */
export interface ExabgpEvent {
  readonly type: string;
  readonly neighbor?: {
    readonly address: { readonly peer: string };
    readonly state?: string;
    readonly reason?: string;
    readonly message?: {
      readonly eor?: { readonly afi: string };
      readonly update?: {
        readonly attribute?: {
          readonly 'as-path'?: readonly number[];
          readonly community?: readonly (readonly [number, number])[];
        };
        readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly Nlri[]>>>>;
        readonly withdraw?: Readonly<Record<string, readonly Nlri[]>>;
      };
    };
    readonly notification?: { readonly code: number; readonly subcode: number; readonly data: string };
  };
}

/** All events so far; a line that is not whole yet is left out. */
export function exabgpEvents(host: Host): readonly ExabgpEvent[] {
  const file = join(host.folder, 'events.json');
  if (!existsSync(file)) return [];
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return whole.map((line): ExabgpEvent => {
    try {
      return JSON.parse(line);
    } catch {
      return { type: 'unreadable' };
    }
  });
}

export function exabgpSessions(host: Host, spec: PeerSpec): readonly SeenSession[] {
  const states = new Map<string, SeenSession>();
  for (const one of spec.neighbors) {
    states.set(one.address, { address: one.address, state: 'idle', error: '' });
  }
  for (const { type, neighbor: about } of exabgpEvents(host)) {
    const known = states.get(about?.address.peer ?? '');
    if (about === undefined || known === undefined) continue;
    if (type === 'state') {
      const state = about.state === 'up' ? 'established' : 'idle';
      states.set(known.address, { ...known, state, error: about.reason ?? known.error });
    }
  }
  return [...states.values()];
}

export function exabgpRoutes(host: Host): readonly SeenRoute[] {
  const routes = new Map<string, SeenRoute>();
  const keyOf = (from: string, one: Nlri): string => `${from} ${one.nlri} ${one['path-information'] ?? ''}`;
  for (const { type, neighbor: about } of exabgpEvents(host)) {
    const from = about?.address.peer ?? '';
    if (type === 'state' && about?.state !== 'up') {
      for (const [key, route] of routes) if (route.from === from) routes.delete(key);
    }
    const update = about?.message?.update;
    for (const [, gone] of Object.entries(update?.withdraw ?? {})) {
      for (const one of gone) routes.delete(keyOf(from, one));
    }
    for (const [, hops] of Object.entries(update?.announce ?? {})) {
      for (const [nextHop, all] of Object.entries(hops)) {
        if (nextHop.startsWith('fe80:') && Object.keys(hops).length > 1) continue;
        for (const one of all) {
          routes.set(keyOf(from, one), {
            prefix: one.nlri ?? '',
            from,
            nextHop,
            asPath: (update?.attribute?.['as-path'] ?? []).join(' '),
            communities: (update?.attribute?.community ?? []).map(([high, low]) => `${high}:${low}`),
          });
        }
      }
    }
  }
  return [...routes.values()];
}
