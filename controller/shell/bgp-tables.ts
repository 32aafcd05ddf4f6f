/** The answers of `byoa bgp` as tables for people. Pure text. */
import { formatMillis, type Millis } from '../base/time.ts';
import type { Neighbor } from '../bgp/query.ts';
import type { RouteView } from '../bgp/rib-query.ts';
import type { BfdAnswer, RouteAnswer, SummaryAnswer } from './bgp-answer.ts';
import { table } from './status-table.ts';

const ms = (value: number | undefined): string => (value === undefined ? '-' : formatMillis(value));

/** How long something is: `12.3 s`, `5m 03s`, `7h 41m`, `12d 04h`. */
export function formatAge(ms: Millis): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return formatMillis(ms < 1000 ? ms : Math.round(ms / 100) * 100);
  const units = [
    [86_400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'm'],
    [60, 'm', 1, 's'],
  ] as const;
  const [large, name, small, rest] = units.find(([size]) => seconds >= size) ?? units[2];
  const left = String(Math.floor((seconds % large) / small)).padStart(2, '0');
  return `${Math.floor(seconds / large)}${name} ${left}${rest}`;
}

const both = ({ ipv4, ipv6 }: { readonly ipv4: number; readonly ipv6: number }): string =>
  ipv6 === 0 ? String(ipv4) : `${ipv4}+${ipv6}`;

export function formatSummary({ as, routerId, state, drain, routes, peers, slices }: SummaryAnswer): string {
  const drained = drain === 'none' ? '' : `, drained by ${drain}`;
  const held = `${routes.ipv4.prefixes} IPv4 and ${routes.ipv6.prefixes} IPv6 prefixes`;
  const waits =
    slices === undefined
      ? ''
      : `longest portion of work ${formatMillis(slices.longestMs)}, ${slices.over10Ms} of ${slices.count} above 10 ms\n`;
  const rows = peers.map((peer) => [
    peer.name,
    peer.address,
    String(peer.as),
    peer.state,
    formatAge(peer.forMs),
    peer.bfd ?? '-',
    both(peer.received),
    both(peer.sent),
    String(peer.flaps),
    [
      peer.blocked,
      peer.stale ? 'routes kept as stale' : undefined,
      peer.unfit ? 'routes used last' : undefined,
      peer.reason,
    ]
      .filter(Boolean)
      .join('; '),
  ]);
  const list = table([
    ['NEIGHBOR', 'ADDRESS', 'AS', 'STATE', 'FOR', 'BFD', 'RECEIVED', 'SENT', 'FLAPS', 'WHY'],
    ...rows,
  ]);
  return `AS ${as}, identifier ${routerId}, ${state}${drained}: ${held}\n${waits}\n${list}\n`;
}

export function formatNeighbor(one: Neighbor): string {
  const { negotiated: agreed, messages } = one;
  const restart = agreed?.gracefulRestart;
  const lines: readonly (readonly [string, string | undefined])[] = [
    [
      'state',
      `${one.state} for ${formatAge(one.forMs)}${one.blocked === undefined ? '' : `, ${one.blocked}`}`,
    ],
    ['local', `AS ${one.localAs}${one.localAddress === undefined ? '' : `, ${one.localAddress}`}`],
    ['why', one.reason],
    ['flaps', String(one.flaps)],
    ['bfd', one.bfd],
    ['identifier', one.bgpId],
    ['hold time', agreed === undefined ? undefined : `${agreed.holdTimeS} s`],
    ['families', agreed?.families.join(', ')],
    ['route refresh', agreed?.routeRefresh],
    ['extended messages', agreed === undefined ? undefined : String(agreed.extendedMessages)],
    ['role', agreed?.role],
    ['graceful restart', restart === undefined ? undefined : `${restart.timeS} s asked`],
    ['policies', `import ${one.policies.import}, export ${one.policies.export}`],
    ['routes', `${both(one.received)} received, ${both(one.sent)} sent, ${both(one.stalePaths)} stale`],
    ['security', securityOf(one)],
    ['updates', `${messages.received.update} received, ${messages.sent.update} sent`],
    ['keepalives', `${messages.received.keepalive} received, ${messages.sent.keepalive} sent`],
    [
      'errors',
      `${messages.treatedAsWithdraw} taken as withdrawn, ${messages.attributesDiscarded} attributes left out`,
    ],
    [
      'timers',
      Object.entries(one.timers)
        .map(([name, left]) => `${name} ${ms(left)}`)
        .join(', '),
    ],
    ['last sent', one.lastSent && `${one.lastSent.text} (${formatAge(one.lastSent.agoMs)} ago)`],
    [
      'last received',
      one.lastReceived && `${one.lastReceived.text} (${formatAge(one.lastReceived.agoMs)} ago)`,
    ],
  ];
  const shown = lines.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`  ${name.padEnd(18)}${value}`],
  );
  return `${one.name} (${one.address}), AS ${one.as}\n${shown.join('\n')}\n`;
}

const securityOf = ({ security: { md5, gtsmHops } }: Neighbor): string =>
  [md5 ? 'TCP-MD5' : undefined, gtsmHops === undefined ? undefined : `GTSM ${gtsmHops} hops`]
    .filter(Boolean)
    .join(', ') || 'none';

export const ROUTE_HEAD = ['', 'PREFIX', 'NEXT HOP', 'FROM', 'PREF', 'MED', 'PATH', 'COMMUNITIES'] as const;

export function routeRow(route: RouteView): readonly string[] {
  const mark = route.refused !== undefined ? '!' : route.best ? '>' : '';
  return [
    route.stale ? `${mark}S` : mark,
    route.pathId === undefined ? route.prefix : `${route.prefix} #${route.pathId}`,
    route.nextHop === '' ? 'self' : route.nextHop,
    route.peer,
    String(route.localPref),
    route.med === undefined ? '-' : String(route.med),
    `${route.asPath} ${route.origin === 'igp' ? 'i' : route.origin === 'egp' ? 'e' : '?'}`.trim(),
    route.communities.join(' '),
  ];
}

/** `>` best, `!` refused, `S` stale. */
export const formatRoutes = (routes: readonly RouteView[], head = true): string =>
  routes.length === 0 && !head ? '' : `${table([...(head ? [ROUTE_HEAD] : []), ...routes.map(routeRow)])}\n`;

export function formatRoute({ prefix, paths, sentTo }: RouteAnswer): string {
  const rows = paths.map((path) => [...routeRow(path), path.reason]);
  return `${prefix}, sent to ${sentTo.join(', ') || 'nobody'}\n${table([[...ROUTE_HEAD, 'WHY'], ...rows])}\n`;
}

export function formatBfd({ sessions }: BfdAnswer): string {
  const rows = sessions.map((one) => [
    one.peer,
    one.state,
    one.remoteState,
    `${ms(one.transmitIntervalMs)}`,
    ms(one.detectionTimeMs),
    String(one.flaps),
    `${one.received}/${one.sent}`,
    Object.entries(one.discarded)
      .map(([why, count]) => `${count} ${why}`)
      .join(', '),
    one.diagnostic,
  ]);
  const head = [
    'PEER',
    'STATE',
    'REMOTE',
    'SENDS EVERY',
    'DETECTS IN',
    'FLAPS',
    'IN/OUT',
    'DISCARDED',
    'DIAGNOSTIC',
  ];
  return sessions.length === 0 ? 'No BFD session is configured.\n' : `${table([head, ...rows])}\n`;
}
