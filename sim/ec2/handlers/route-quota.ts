/**
 * How many static routes a table may have: IPv4 and IPv6 apart, a prefix list with its MaxEntries, local
 * routes not counted. Amazon VPC User Guide, "Amazon VPC quotas".
 */
import type { Route } from '../../vpc/model.ts';
import { isLocalRoute, isPrefixListRoute, isPropagated } from '../../vpc/route-order.ts';
import type { Tx } from '../handler.ts';
import type { RouteTableRecord } from '../record/network.ts';
import { refuse } from '../refusal.ts';

/** Refuses routes that would be too many for the table. */
export function checkRoutesFit(tx: Tx, table: RouteTableRecord, routes: readonly Route[]): void {
  const most = tx.settings.quotas.routesPerTable;
  const count = { 4: 0, 6: 0 };
  for (const route of routes) {
    if (isLocalRoute(route) || isPropagated(route)) continue;
    const list = isPrefixListRoute(route) ? tx.get('prefix-list', route.destination) : undefined;
    if (list !== undefined) count[list.family] += list.maxEntries;
    else count[route.destination.includes(':') ? 6 : 4]++;
  }
  for (const family of [4, 6] as const) {
    if (count[family] <= most) continue;
    const why = `Route table ${table.id} would have ${count[family]} IPv${family} routes of ${most}.`;
    refuse('RouteLimitExceeded', `The maximum number of routes has been reached. ${why}`);
  }
}
