/** A cloud's resources as text, to compare. */
import type { Cloud } from '../../sim/ec2/service.ts';

/** Everything that a cloud remembers of its resources, with its indexes, as text. */
export const snapshot = (cloud: Cloud): string =>
  JSON.stringify(
    [...cloud.store.scopes]
      .filter(([, tables]) => [...tables.values()].some((table) => table.entries.size > 0))
      .map(([scope, tables]) => [
        scope,
        [...tables]
          .filter(([, table]) => table.entries.size > 0)
          .map(([kind, table]) => [
            kind,
            [...table.entries].sort(([a], [b]) => (a < b ? -1 : 1)),
            [...table.referring].map(([id, by]) => [id, [...by].sort()]).sort(),
          ]),
      ]),
  );
