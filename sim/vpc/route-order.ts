/**
 * Which routes of a table count, by destination. Amazon VPC User Guide, "Route priority": the longest prefix
 * wins; of equal prefixes a local route beats a static one, that one a prefix list's, that one a propagated
 * one, and of those Direct Connect beats static VPN routes, which beat those of a VPN's BGP. A local route
 * beats propagated ones inside it, too.
 */
import { covers, formatPrefix, type Prefix, prefix } from '../../controller/base/ip.ts';
import { seedOf } from './flow-hash.ts';
import type { Route, RouteTable } from './model.ts';

export const isPropagated = (route: Route): boolean =>
  route.origin === 'EnableVgwRoutePropagation' || route.origin === 'Advertisement';

/** The local routes keep their origin when they are retargeted. */
export const isLocalRoute = (route: Route): boolean => route.origin === 'CreateRouteTable';

export const isPrefixListRoute = (route: Route): boolean => route.destination.startsWith('pl-');

/** What kinds of routes there are, by rank. */
const RANKS = [
  'local',
  'static',
  'prefix list',
  'Direct Connect',
  'static VPN',
  'VPN BGP',
  'Route Server',
] as const;

/** The rank of a route in a word. */
export const rankName = (route: Route): string => RANKS[rank(route)] ?? '';

/** Lower wins. Routes of a Route Server come last: AWS does not rank them among the propagated ones. */
function rank(route: Route): number {
  if (isLocalRoute(route)) return 0;
  if (!isPropagated(route)) return isPrefixListRoute(route) ? 2 : 1;
  switch (route.propagatedFrom) {
    case 'direct-connect':
      return 3;
    case 'vpn-static':
      return 4;
    default:
      return route.origin === 'Advertisement' ? 6 : 5;
  }
}

/** The effective routes of a table by canonical destination, prefix lists written out. */
export function effectiveRoutes(
  table: RouteTable,
  entriesOf: (list: string) => readonly string[],
): Map<string, Route> {
  const wanted = new Map<string, Route>();
  const propagated = table.routes.filter(isPropagated);
  for (const route of table.routes) {
    if (isPropagated(route)) continue;
    if (!isPrefixListRoute(route)) offer(table.id, wanted, route.destination, route);
    else for (const cidr of entriesOf(route.destination)) offer(table.id, wanted, cidr, route);
  }
  if (propagated.length === 0) return wanted;
  const local: readonly Prefix[] = table.routes
    .filter(isLocalRoute)
    .map((route) => prefix(route.destination));
  for (const route of propagated) {
    const destination = prefix(route.destination);
    if (local.some((outer) => covers(outer, destination))) continue;
    offer(table.id, wanted, formatPrefix(destination), route);
  }
  return wanted;
}

function offer(table: string, wanted: Map<string, Route>, destination: string, route: Route): void {
  const held = wanted.get(destination);
  if (held === undefined || beats(table, destination, route, held)) wanted.set(destination, route);
}

/**
 * Between prefix lists that overlap AWS chooses at random and keeps to it; here a hash of table, destination
 * and list chooses.
 */
function beats(table: string, destination: string, a: Route, b: Route): boolean {
  if (rank(a) !== rank(b)) return rank(a) < rank(b);
  if (!isPrefixListRoute(a)) return false;
  const draw = (route: Route): number => seedOf(`${table} ${destination} ${route.destination}`);
  return draw(a) < draw(b);
}
