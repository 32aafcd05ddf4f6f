/**
 * Which realms a configuration reaches into.
 */
import type { Config } from './model.ts';
import { type InRealm, type Realm, realmKey } from './realm.ts';

/** All realms of a configuration but the node's own, each once. */
export function realmsOf({ appliances, groups }: Config): readonly Realm[] {
  const sets = groups.flatMap(({ resources }) =>
    resources.flatMap((resource): readonly InRealm[] => ('sets' in resource ? resource.sets : [])),
  );
  const realms = [...appliances, ...sets].flatMap((one: InRealm) =>
    one.at === undefined ? [] : [[realmKey(one), one.at] as const],
  );
  return [...new Map(realms).values()];
}
