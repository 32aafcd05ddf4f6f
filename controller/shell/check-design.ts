/** `byoa check --aws`: whether the design keeps the rules that deployments are held to, `config/rules.ts`. */

import { judgeDesign, type SeenAppliance, type SeenTable } from '../config/rules.ts';
import { type Config, type InRealm, realmKey, routeSetsOf, sameRealm } from '../config.ts';
import type { ObservedEni } from '../ec2/call.ts';
import type { AwsReader, Routes } from './check-reader.ts';
import type { Finding } from './finding.ts';

type SeenEnis = ReadonlyMap<string, ObservedEni | undefined>;

export async function* checkDesign(
  reader: AwsReader,
  config: Config,
  enis: SeenEnis,
): AsyncGenerator<Finding> {
  const instances = await seeInstances(reader, config, enis);
  if (instances === undefined) {
    const actions = 'ec2:DescribeInstances and ec2:DescribePlacementGroups';
    yield { ok: true, what: `instance types and placement are not checked: that takes ${actions}` };
  }
  const appliances = config.appliances.map(({ name, eni }): [string, SeenAppliance] => {
    const seen = enis.get(eni);
    const instance = instances?.get(seen?.attachment?.instance ?? '');
    return [
      name,
      seen === undefined ? {} : { zone: seen.zone, sourceDestCheck: seen.sourceDestCheck, ...instance },
    ];
  });
  const tables = await seeTables(reader, config);
  const faults = judgeDesign(config, { appliances: Object.fromEntries(appliances), tables });
  for (const { what, remedy } of faults) yield { ok: false, what, remedy };
  if (faults.length === 0) yield { ok: true, what: 'the design keeps its rules' };
}

/** Types and placement of the appliances' instances; undefined where this may not be seen. */
async function seeInstances(
  reader: AwsReader,
  config: Config,
  enis: SeenEnis,
): Promise<ReadonlyMap<string, Pick<SeenAppliance, 'instanceType' | 'placement'>> | undefined> {
  const homes = new Map(config.appliances.map((one) => [realmKey(one), sameRealm(one)]));
  const found = new Map<string, Pick<SeenAppliance, 'instanceType' | 'placement'>>();
  for (const [key, home] of homes) {
    const there = config.appliances.filter((one) => realmKey(one) === key);
    const ids = there.flatMap(({ eni }) => enis.get(eni)?.attachment?.instance ?? []);
    const seen = ids.length === 0 ? [] : await reader.instances(ids, home);
    if (seen === undefined) return undefined;
    for (const { id, type, placement } of seen) found.set(id, { instanceType: type, placement });
  }
  return found;
}

/** The tables whose routes groups move or sync, each once. */
async function seeTables(reader: AwsReader, config: Config): Promise<readonly SeenTable[]> {
  const found = new Map<string, SeenTable>();
  const add = async (
    table: Routes,
    more: Partial<SeenTable>,
    moved: readonly string[],
    home: InRealm = {},
  ): Promise<void> => {
    const known = found.get(table.id) ?? (await tableOf(reader, config, table, home));
    const groups = [...known.groups, ...(more.groups ?? [])];
    const fixed = known.fixed.filter(({ destination }) => !moved.includes(destination));
    found.set(table.id, { ...known, ...more, groups, fixed });
  };
  for (const group of config.groups) {
    for (const set of routeSetsOf(group)) {
      const more = { groups: [group.name] };
      for (const table of await reader.tables(set)) await add(table, more, set.destinations, set);
    }
  }
  for (const { tables, limit } of config.routeSync) {
    for (const place of tables) {
      for (const table of await reader.tables(place)) {
        // What leads to an appliance there is synced, or may be.
        await add(table, { ...(limit !== undefined && { synced: limit }), fixed: [] }, []);
      }
    }
  }
  return [...found.values()];
}

async function tableOf(
  reader: AwsReader,
  { appliances }: Config,
  table: Routes,
  home: InRealm,
): Promise<SeenTable> {
  const statics = table.routes.filter(
    ({ propagated, target }) => propagated === undefined && target !== 'local',
  );
  const isV6 = ({ destination }: Routes['routes'][number]): boolean => destination.includes(':');
  const subnets = table.associations.flatMap(({ place }) => (place.startsWith('subnet-') ? [place] : []));
  return {
    name: table.id,
    groups: [],
    zones: await reader.zonesOf(subnets, home),
    routes: { v4: statics.filter((route) => !isV6(route)).length, v6: statics.filter(isV6).length },
    fixed: statics.flatMap(({ destination, target }) => {
      const owner = appliances.find(({ eni }) => eni === target);
      return owner === undefined ? [] : [{ destination, appliance: owner.name }];
    }),
  };
}
