/** Whether tables have room for the routes that groups have yet to make in them. */

import { type Config, ROUTES_PER_TABLE } from '../config.ts';
import type { ObservedRouteTable } from '../ec2/call.ts';
import type { Observed } from './observe.ts';
import type { Part } from './part.ts';
import { viewGroup } from './view.ts';

const isV6 = (destination: string): boolean => destination.includes(':');

/** What counts against the quota: neither local routes nor propagated ones. Amazon VPC quotas page. */
const held = ({ routes }: ObservedRouteTable, v6: boolean): number =>
  routes.filter(
    ({ destination, target, propagated }) =>
      target !== 'local' && propagated === undefined && isV6(destination) === v6,
  ).length;

/** A sentence for each table and IP version that has no room for what is missing in it. */
export function crowdedTables(config: Config, observed: Observed): readonly string[] {
  const missing = new Map<string, number>();
  const note = ({ thing, exists }: Part): void => {
    if (thing.kind !== 'route' || exists) return;
    const key = `${thing.table} ${isV6(thing.destination) ? 'IPv6' : 'IPv4'}`;
    missing.set(key, (missing.get(key) ?? 0) + 1);
  };
  for (const group of config.groups) {
    const { parts, prepared } = viewGroup(config, group, observed);
    for (const part of parts) note(part);
    for (const { tables } of prepared) for (const { wrong } of tables) for (const part of wrong) note(part);
  }
  return [...missing].flatMap(([key, count]) => {
    const [id = '', version = ''] = key.split(' ');
    const table = observed.tables[id];
    const room = table === undefined ? count : ROUTES_PER_TABLE - held(table, version === 'IPv6');
    if (room >= count) return [];
    const has = `${id} has room for ${Math.max(0, room)} ${version} routes, and ${count} are missing in it`;
    return [`${has} (quota ${ROUTES_PER_TABLE})`];
  });
}
