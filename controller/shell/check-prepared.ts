/** `byoa check --aws` on prepared tables: that they are there, in use, and differ in members alone. */
import { type Config, type Group, sameRealm } from '../config.ts';
import type { Write } from '../ec2/call.ts';
import { nothingObserved } from '../failover/observe.ts';
import { type PreparedView, preparedOf } from '../failover/prepared.ts';
import type { AwsReader } from './check-reader.ts';
import type { Finding } from './finding.ts';

/** The prepared tables of a group as they are now. */
export async function seePrepared(
  reader: AwsReader,
  group: Group,
  { appliances }: Config,
): Promise<readonly PreparedView[]> {
  const sets = group.resources.flatMap((resource) => (resource.kind === 'routes' ? resource.sets : []));
  const found = await Promise.all(
    sets.flatMap((set) => (set.prepared === undefined ? [] : [reader.tables(set)])),
  );
  const tables = Object.fromEntries(found.flat().map((table) => [table.id, table]));
  const members = group.members.flatMap((name) => appliances.find((one) => one.name === name) ?? []);
  return preparedOf(group, members, { ...nothingObserved, tables });
}

/** The findings on one set of them. */
export function* checkPrepared(group: string, { set, uses, tables, flaw }: PreparedView): Generator<Finding> {
  const wanted = set.prepared ?? { places: [], tables: {} };
  const ids = Object.values(wanted.tables);
  for (const place of wanted.places) {
    const use = uses.find((one) => one.place === place);
    if (use !== undefined) yield { ok: true, what: `${group}: ${place} uses ${use.table}` };
    else
      yield {
        ok: false,
        what: `${group}: ${place} is associated with none of ${ids.join(', ')}, so it is never touched`,
        remedy: `associate it with one of them, e.g. aws ec2 associate-route-table --route-table-id ${ids[0]}`,
      };
  }
  for (const { id, member, routes, wrong } of tables) {
    const right = routes.length - wrong.length;
    const rest = wrong.length === 0 ? '' : '; the daemon makes the others while nothing uses it';
    yield { ok: true, what: `${group}: ${id} leads ${right} of ${routes.length} routes to ${member}${rest}` };
  }
  if (flaw !== undefined)
    yield {
      ok: false,
      what: `${group}: ${flaw}, so that a failover replaces routes one by one`,
      remedy: 'make the tables alike in all that is not in destinations',
    };
}

/** A change of each subnet and gateway to another of its tables, and to its last resort, to be tried dry. */
export const changesOf = ({ set, uses }: PreparedView): readonly Write[] =>
  uses.flatMap(({ place, association, table }) => {
    const { tables = {}, lastResort } = set.prepared ?? {};
    const other = Object.values(tables).find((one) => one !== table);
    const others = [other, lastResort].flatMap((one) => (one === undefined || one === table ? [] : [one]));
    return others.map((one) => ({
      kind: 'replace-route-table-association' as const,
      association,
      place,
      table: one,
      ...sameRealm(set),
    }));
  });
