/** What `byoa status` shows of route sync, by table. */
import type { Instant } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Observed } from '../failover/observe.ts';
import { isNamed } from './places.ts';
import type { Sync } from './sync.ts';
import { some } from './tell.ts';

export interface TableStatus {
  readonly table: string;
  /** Prefixes that neighbors announce for it, and the routes that it takes for them. */
  readonly wanted: number;
  readonly planned: number;
  /** Planned routes that were seen in place. */
  readonly installed: number;
  /** Routes that byoa may change, planned or not. */
  readonly ours: number;
  /** Wanted prefixes that routes of others occupy. */
  readonly foreign: number;
  /** Wanted prefixes for which there is no room. */
  readonly leftOut: number;
  readonly aggregated: boolean;
  readonly lastWrite?: { readonly text: string; readonly agoMs: number };
  readonly problems: readonly string[];
}

export interface SyncStatus {
  /** Absent where no best paths go into route tables. */
  readonly routeSync?: readonly TableStatus[];
}

/** The status of all tables. */
export function syncStatus(sync: Sync, config: Config, observed: Observed, now: Instant): SyncStatus {
  const shown = Object.entries(sync.tables).filter(
    ([table, { ours }]) => isNamed(config, observed, table) || Object.keys(ours).length > 0,
  );
  if (sync.scopes.length === 0 && shown.length === 0) return {};
  const tables = shown.map(([table, state]): TableStatus => {
    const { plan, lastWrite } = state;
    const routes = plan?.routes ?? {};
    const seen = observed.tables[table]?.routes ?? [];
    return {
      table,
      wanted: plan?.wanted ?? 0,
      planned: Object.keys(routes).length,
      installed: seen.filter(({ destination, target }) => routes[destination] === target).length,
      ours: Object.keys(state.ours).length,
      foreign: plan?.foreign.length ?? 0,
      leftOut: plan?.leftOut.count ?? 0,
      aggregated: plan?.aggregated[4] === true || plan?.aggregated[6] === true,
      ...(lastWrite === undefined
        ? {}
        : { lastWrite: { text: lastWrite.text, agoMs: Math.round(now - lastWrite.at) } }),
      problems: [...problemsOf(state), ...notKept(config, observed, table)],
    };
  });
  return { routeSync: tables };
}

function notKept(config: Config, observed: Observed, table: string): readonly string[] {
  if (!isNamed(config, observed, table))
    return ['the configuration does not name it: routes that byoa made stay as they are'];
  return observed.tables[table] === undefined ? ['it has not been seen'] : [];
}

function problemsOf({ plan, edits, writes }: Sync['tables'][string]): readonly string[] {
  const problems: string[] = [];
  const tell = (list: readonly string[], why: string): void => {
    if (list.length > 0) problems.push(`${some(list)} ${why}`);
  };
  tell(plan?.foreign ?? [], 'occupied by routes of others');
  tell(plan?.unresolved ?? [], 'by way of next hops that no ENI owns');
  for (const [destination, why] of Object.entries(plan?.refused ?? {}))
    problems.push(`${destination}: ${why}`);
  tell(plan?.leftOut.first ?? [], 'left out for want of room');
  tell(
    Object.keys(edits).filter((one) => edits[one]?.yieldedUntil !== undefined),
    'left to somebody else who keeps changing them',
  );
  for (const [destination, { state, error = 'no answer' }] of Object.entries(writes))
    if (state === 'failed' || state === 'unknown') problems.push(`${destination}: ${error}`);
  return problems;
}
