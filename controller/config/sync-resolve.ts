/** From the parsed `routeSync` to what the daemon uses, and what its fields must agree on. */
import { isChosen } from '../base/prefix-range.ts';
import type { PrefixRange } from '../bgp/options.ts';
import type { KernelConfig } from './bgp-model.ts';
import { given, rangeOf } from './bgp-resolve.ts';
import type { Note } from './finding.ts';
import { type Group, routeSetsOf } from './model.ts';
import type { ParsedFile } from './schema.ts';
import type { SyncConfig } from './sync-model.ts';

type Place = SyncConfig['tables'][number];

const nameOf = ({ table, tag }: Place): string => table ?? `tag ${tag?.key}=${tag?.value}`;

/** The entries of `routeSync`. */
export function resolveSync(file: ParsedFile, note: Note): readonly SyncConfig[] {
  const entries = file.routeSync ?? [];
  if (entries.length > 0 && file.bgp === undefined)
    note(['routeSync'], 'there are no routes without BGP', 'configure bgp, or remove routeSync');
  const seen = new Set<string>();
  return entries.map((entry, index): SyncConfig => {
    const path = ['routeSync', index];
    const ranges = (key: 'prefixes' | 'adopt'): readonly PrefixRange[] | undefined =>
      entry[key]?.map((one, at) => rangeOf(one, [...path, key, at], note));
    const tables = entry.tables.map(({ table, tag }, at): Place => {
      const place = { ...given('table', table), ...given('tag', tag) };
      if ((table === undefined) === (tag === undefined))
        note(
          [...path, 'tables', at],
          'a table is found by id or by tag',
          'name exactly one of table and tag',
        );
      const name = nameOf(place);
      if (seen.has(name))
        note(
          [...path, 'tables', at],
          `${name} is there twice`,
          'keep one: a table follows one entry of routeSync alone',
        );
      seen.add(name);
      return place;
    });
    const { persist } = entry;
    return {
      tables,
      ...given('prefixes', ranges('prefixes')),
      ...given('limit', entry.limit),
      aggregate: entry.aggregate,
      ...given('persistMs', persist === true ? undefined : persist === false ? 0 : persist),
      holdMs: entry.hold,
      adopt: ranges('adopt') ?? [],
    };
  });
}

/** A route that a group moves may not be in `routeSync` too. */
export function checkSync(sync: readonly SyncConfig[], groups: readonly Group[], note: Note): void {
  for (const group of groups) {
    for (const set of routeSetsOf(group)) {
      sync.forEach(({ tables, prefixes }, index) => {
        const names = set.prepared === undefined ? [nameOf(set)] : Object.values(set.prepared.tables);
        const at = tables.findIndex((place) => names.includes(nameOf(place)));
        const both = set.destinations.find((destination) => isChosen(prefixes, destination));
        if (at < 0 || both === undefined) return;
        const why = `group ${group.name} moves ${both} of ${names.join(', ')} already`;
        note(
          ['routeSync', index, 'tables', at],
          why,
          `choose \`prefixes\` without ${both}, or another table`,
        );
      });
    }
  }
}

/** The best paths that the node has to hear of: those that the kernel or a route table takes. */
export function trackedRanges(
  kernel: KernelConfig | undefined,
  sync: readonly SyncConfig[],
): boolean | readonly PrefixRange[] {
  const users = [...(kernel === undefined ? [] : [kernel]), ...sync];
  if (users.length === 0) return false;
  const ranges = users.flatMap(({ prefixes }) => prefixes ?? []);
  return users.some(({ prefixes }) => prefixes === undefined) ? true : ranges;
}
