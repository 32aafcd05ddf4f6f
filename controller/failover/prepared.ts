/**
 * Tables that were prepared, as EC2 was last seen: one for each member with the same routes, which lead to
 * that member. Subnets and gateways change from one to another by one call each, however many routes there
 * are.
 */
import type { Appliance, Group, Prepared, RouteSet } from '../config.ts';
import type { Observed } from './observe.ts';
import { isWith, type Part } from './part.ts';
import { rankOf, routesOfTable, useOf } from './parts.ts';

/** A subnet or gateway that uses one of the tables. */
export interface Use {
  readonly place: string;
  readonly table: string;
  readonly association: string;
}

export interface PreparedTable {
  readonly id: string;
  /** Whom it is for. */
  readonly member: string;
  /** Whether something uses it, be it none of the group's: then packets go by it. */
  readonly inUse: boolean;
  readonly routes: readonly Part[];
  /** Those that do not lead to its member, and that nobody leads elsewhere on purpose. */
  readonly wrong: readonly Part[];
  /** Where its other routes lead, by destination: those of no group. */
  readonly others: Readonly<Record<string, string>>;
}

/** One set of prepared tables. */
export interface PreparedView {
  readonly set: RouteSet;
  readonly rank: number;
  readonly uses: readonly Use[];
  /** Those that are there. */
  readonly tables: readonly PreparedTable[];
  /** Why they cannot be used, and no write of ours will mend it. */
  readonly flaw?: string;
}

/** The prepared tables of a group. */
export function preparedOf(
  { resources }: Group,
  members: readonly Appliance[],
  observed: Observed,
): readonly PreparedView[] {
  return resources.flatMap((resource) => {
    if (resource.kind !== 'routes') return [];
    return resource.sets.flatMap((set, index) =>
      set.prepared === undefined
        ? []
        : [viewOf(set, set.prepared, rankOf(resource.sets, index), members, observed)],
    );
  });
}

function viewOf(
  set: RouteSet,
  prepared: Prepared,
  rank: number,
  members: readonly Appliance[],
  observed: Observed,
): PreparedView {
  const uses = prepared.places.flatMap((place) => {
    const use = useOf(place, prepared, observed);
    return use === undefined ? [] : [{ place, ...use }];
  });
  const tables = Object.entries(prepared.tables).flatMap(([member, id]): PreparedTable[] => {
    const seen = observed.tables[id];
    if (seen === undefined) return [];
    const others = seen.routes.filter(({ destination }) => !set.destinations.includes(destination));
    const routes = routesOfTable(id, set, rank, members, observed);
    return [
      {
        id,
        member,
        inUse: seen.main || seen.associations.length > 0,
        routes,
        wrong: routes.filter((part) => !isWith(part, member) && part.held.kind !== 'foreign'),
        others: Object.fromEntries(others.map(({ destination, target }) => [destination, target])),
      },
    ];
  });
  const flaw = lastingFlaw(prepared, tables);
  return { set, rank, uses, tables, ...(flaw === undefined ? {} : { flaw }) };
}

function lastingFlaw(prepared: Prepared, tables: readonly PreparedTable[]): string | undefined {
  for (const [member, id] of Object.entries(prepared.tables))
    if (!tables.some((table) => table.id === id)) return `${id}, which is for ${member}, does not exist`;
  const foreign = tables.flatMap(({ routes }) => routes).find(({ held }) => held.kind === 'foreign');
  if (foreign?.held.kind === 'foreign') return foreign.held.reason;
  const [first, ...others] = tables;
  for (const next of others) {
    const difference = first === undefined ? undefined : differenceOf(first, next);
    if (difference !== undefined) return `${next.id} ${difference}`;
  }
  return undefined;
}

function differenceOf(table: PreparedTable, next: PreparedTable): string | undefined {
  const names = [...new Set([...Object.keys(table.others), ...Object.keys(next.others)])];
  const other = names.find((name) => table.others[name] !== next.others[name]);
  return other === undefined
    ? undefined
    : `differs from ${table.id} in ${other}, which is no route of the group`;
}

/**
 * Why `next` cannot take the place of `table` for `member`, in words that follow its id; undefined where it
 * can. It must be complete, and must not differ in what no group owns.
 */
export function flawOf(table: PreparedTable, next: PreparedTable): string | undefined {
  const wrong = next.routes.filter((part) => !isWith(part, next.member));
  if (wrong.length > 0)
    return `does not lead ${wrong.length} of ${next.routes.length} routes to ${next.member}, the first being ${wrong[0]?.key}`;
  return differenceOf(table, next);
}
