/** The route tables that entries of the configuration name, as they were seen. */
import { isChosen } from '../base/prefix-range.ts';
import type { Instant } from '../base/time.ts';
import { type Config, routeSetsOf, type SyncConfig } from '../config.ts';
import type { Observed } from '../failover/observe.ts';
import { tableSource, tagSource } from '../failover/sources.ts';

/** A table that follows an entry of the configuration, as it was seen. */
export interface Place {
  readonly scope: number;
  readonly entry: SyncConfig;
  readonly source: string;
  readonly table: Observed['tables'][string];
  readonly seen: { readonly request: number; readonly at: Instant };
  /** Destinations that groups move. */
  readonly moved: readonly string[];
}

/** The tables that have been seen; one that several entries name follows the first. */
export function placesOf(config: Config, observed: Observed): readonly Place[] {
  const places = new Map<string, Place>();
  config.routeSync.forEach((entry, scope) => {
    for (const { table, tag } of entry.tables) {
      const source = tableSource({ ...(tag && { tag }) });
      const seen = observed.sources[source]?.seen;
      const ids = table === undefined ? (observed.listed[source] ?? []) : [table];
      for (const id of ids) {
        const found = observed.tables[id];
        if (seen === undefined || found === undefined || places.has(id)) continue;
        places.set(id, { scope, entry, source, table: found, seen, moved: movedIn(config, observed, id) });
      }
    }
  });
  return [...places.values()];
}

/** Whether an entry names a table, as far as tags have been seen. */
export const isNamed = ({ routeSync }: Config, { sources, listed }: Observed, id: string): boolean =>
  routeSync.some(({ tables }) =>
    tables.some(({ table, tag }) => {
      if (tag === undefined) return table === id;
      const source = tagSource(tag);
      return sources[source]?.seen === undefined || listed[source]?.includes(id) === true;
    }),
  );

function movedIn({ groups }: Config, { listed }: Observed, id: string): readonly string[] {
  return groups.flatMap(routeSetsOf).flatMap(({ table, tag, prepared, destinations, at }) => {
    const isPrepared = Object.values(prepared?.tables ?? {}).includes(id);
    const isIn =
      table === id ||
      isPrepared ||
      (tag !== undefined && listed[tagSource(tag, { ...(at && { at }) })]?.includes(id) === true);
    return isIn ? destinations : [];
  });
}

/** Whether a route that nobody is known to have made may be taken over. */
export const isAdopted = ({ adopt }: SyncConfig, { routes }: Place['table'], destination: string): boolean =>
  isChosen(adopt, destination) &&
  !routes.some((one) => one.destination === destination && one.target === 'local');
