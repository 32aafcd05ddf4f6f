/**
 * `byoa check --aws`: the identity, the permission for every action that the daemon will make (DryRun), and
 * the existence and sanity of everything that the configuration names. Reads and dry runs only.
 */
import { unreachable } from '../base/result.ts';
import {
  type Appliance,
  type Config,
  type EniResource,
  type Group,
  ownAppliance,
  type Realm,
  type Resource,
  type RouteSet,
  realmKey,
  realmsOf,
  routeSetsOf,
  sameRealm,
} from '../config.ts';
import { isTryable, type ObservedEni, routeEnd, type Write } from '../ec2/call.ts';
import { toRequest } from '../ec2/request.ts';
import { homeOf } from '../failover/sources.ts';
import { anyEni, staticRoute, trialsOfTable } from '../sync/trials.ts';
import { failureOf } from './aws-failure.ts';
import { checkDesign } from './check-design.ts';
import { checkLeases } from './check-lease.ts';
import { checkAddress, checkEip, checkTransitRoutes, writesOfResource } from './check-moved.ts';
import { checkParameters } from './check-parameters.ts';
import { changesOf, checkPrepared, seePrepared } from './check-prepared.ts';
import { type AwsReader, createReader, type Routes } from './check-reader.ts';
import { bad, type Finding, fine } from './finding.ts';

/**
 * Yields findings as they come; ends early where there is no identity, for then nothing else can be asked.
 */
export async function* checkAws(config: Config): AsyncGenerator<Finding> {
  const reader = await createReader(config);
  try {
    const accounts = new Map<string, string>();
    for (const at of [undefined, ...realmsOf(config)]) {
      const identity = await identify(reader, at);
      yield identity.finding;
      if (identity.account === undefined) return;
      accounts.set(realmKey({ ...(at && { at }) }), identity.account);
    }
    const enis = new Map<string, ObservedEni | undefined>();
    for (const appliance of config.appliances) {
      const seen = await reader.eni(appliance.eni, appliance);
      enis.set(appliance.eni, seen.eni);
      yield* checkAppliance(config, appliance, seen, accounts.get(realmKey(appliance)) ?? '');
    }
    yield* checkVpcs(config, enis);
    yield* checkDesign(reader, config, enis);
    for (const group of config.groups) {
      for (const resource of group.resources) yield* checkResource(reader, group, resource, config, enis);
    }
    yield* checkSyncedTables(reader, config);
    yield* checkFences(config, enis);
    yield* checkPermissions(reader, config, enis);
    yield* checkLeases(config);
    yield* checkParameters(config);
    yield* checkApiPaths(reader, config, enis);
  } catch (error) {
    yield bad(
      `EC2 does not answer: ${failureOf(error).message}`,
      `see that ${reader.endpoint} can be reached from here`,
    );
  } finally {
    reader.close();
  }
}

async function identify(
  reader: AwsReader,
  at: Realm | undefined,
): Promise<{ finding: Finding; account?: string }> {
  try {
    const { account, arn } = await reader.identity({ ...(at && { at }) });
    const where = at?.region === undefined ? '' : ` in ${at.region}`;
    return { finding: fine(`identity ${arn}${where}`), account };
  } catch (error) {
    if (at?.role !== undefined) {
      const what = `${at.role} cannot be assumed: ${failureOf(error).message}`;
      const remedy = `allow sts:AssumeRole on it in the role of this node, and that role in its trust policy`;
      return { finding: bad(what, remedy) };
    }
    const what = `no AWS identity: ${failureOf(error).message}`;
    return { finding: bad(what, 'attach an instance profile, or set AWS_PROFILE or AWS_ACCESS_KEY_ID') };
  }
}

type SeenEni = Awaited<ReturnType<AwsReader['eni']>>;

function* checkAppliance(
  config: Config,
  { name, eni: id, address, at }: Appliance,
  { eni, owner }: SeenEni,
  account: string,
): Generator<Finding> {
  if (eni === undefined) {
    yield bad(
      `${name}: ENI ${id} does not exist in ${at?.region ?? config.aws.region}`,
      `correct \`eni\` of appliance ${name}`,
    );
    return;
  }
  if (owner !== account)
    yield bad(`${name}: ${id} belongs to account ${owner}, not ${account}`, 'use credentials of its account');
  yield eni.addresses.includes(address)
    ? fine(`${name}: ${id} in ${eni.zone} has address ${address}`)
    : bad(
        `${name}: ${id} has no address ${address} (it has ${eni.addresses.join(', ')})`,
        `correct \`address\` of ${name}`,
      );
  if (!eni.sourceDestCheck) yield fine(`${name}: the source/dest check of ${id} is off`);
  const attachment = eni.attachment;
  if (attachment === undefined)
    yield bad(`${name}: ${id} is attached to no instance`, 'attach it as the primary ENI of the appliance');
  else if (attachment.deviceIndex !== 0 && isDetached(config, name))
    yield fine(`${name}: ${id} is device ${attachment.deviceIndex} of ${attachment.instance}`);
  else if (attachment.deviceIndex !== 0)
    yield bad(
      `${name}: ${id} is device ${attachment.deviceIndex} of ${attachment.instance}`,
      'name the primary ENI (device 0)',
    );
  else yield fine(`${name}: ${id} is the primary ENI of ${attachment.instance}`);
}

/** Whether a fence may detach the ENI of an appliance, which has to be a second one then. */
const isDetached = ({ groups }: Config, name: string): boolean =>
  groups.some(({ fence, members }) => fence?.kind === 'detach-eni' && members.includes(name));

function* checkVpcs({ appliances }: Config, enis: SeenEnis): Generator<Finding> {
  for (const key of new Set(appliances.map(realmKey))) {
    const there = appliances.filter((one) => realmKey(one) === key);
    const vpcs = new Set(there.flatMap(({ eni }) => enis.get(eni)?.vpc ?? []));
    if (vpcs.size > 1)
      yield bad(
        `the appliances are in several VPCs: ${[...vpcs].join(', ')}`,
        'a route can only lead to an ENI of its own VPC',
      );
  }
}

type SeenEnis = ReadonlyMap<string, ObservedEni | undefined>;

async function* checkResource(
  reader: AwsReader,
  group: Group,
  resource: Resource,
  config: Config,
  enis: SeenEnis,
): AsyncGenerator<Finding> {
  switch (resource.kind) {
    case 'eni':
      return yield* checkFloatingEni(reader, group, resource, config, enis);
    case 'routes': {
      const plain = resource.sets.filter(({ prepared }) => prepared === undefined);
      yield* checkRoutes(reader, group, plain, config);
      for (const view of await seePrepared(reader, group, config)) yield* checkPrepared(group.name, view);
      return;
    }
    case 'address':
      return yield* checkAddress(reader, group, resource.address, config, enis);
    case 'eip':
      return yield* checkEip(reader, group, resource, config);
    case 'transit-routes':
      return yield* checkTransitRoutes(reader, group, resource.sets, config);
    default:
      return unreachable(resource);
  }
}

async function* checkRoutes(
  reader: AwsReader,
  group: Group,
  sets: readonly RouteSet[],
  config: Config,
): AsyncGenerator<Finding> {
  const byEni = new Map(config.appliances.map(({ name, eni }) => [eni, name]));
  for (const set of sets) {
    const named = set.table ?? `tag ${set.tag?.key}=${set.tag?.value}`;
    const tables = await reader.tables(set);
    if (tables.length === 0)
      yield bad(`${group.name}: no route table for ${named}`, 'correct `routes`, or tag the tables');
    for (const table of tables) {
      for (const destination of set.destinations) {
        const route = table.routes.find((one) => one.destination === destination);
        const owner = byEni.get(route?.target ?? '');
        const where = `${group.name}: ${destination} in ${table.id}`;
        if (route === undefined)
          yield bad(
            `${where} does not exist`,
            'create it once, towards the preferred member; the daemon then moves it',
          );
        else if (route.target === set.lastResort)
          yield fine(`${where} points at its last resort, ${route.target}`);
        else if (owner === undefined)
          yield bad(`${where} points at ${route.target}, no appliance`, 'point it at a member of the group');
        else yield fine(`${where} points at ${owner}${route.state === 'blackhole' ? ' (blackhole)' : ''}`);
      }
    }
  }
}

async function* checkFloatingEni(
  reader: AwsReader,
  group: Group,
  resource: EniResource,
  config: Config,
  enis: SeenEnis,
): AsyncGenerator<Finding> {
  const members = config.appliances.filter(({ name }) => group.members.includes(name));
  const { eni } = await reader.eni(resource.id, homeOf(members));
  if (eni === undefined) {
    yield bad(`${group.name}: ENI ${resource.id} does not exist`, 'correct `eni.id` of the group');
    return;
  }
  const elsewhere = members.filter((member) => {
    const own = enis.get(member.eni);
    return own !== undefined && own.zone !== eni.zone;
  });
  yield elsewhere.length === 0
    ? fine(`${group.name}: ${eni.id} is in the zone of its members, ${eni.zone}`)
    : bad(
        `${group.name}: ${eni.id} is in ${eni.zone}, but not ${elsewhere.map(({ name }) => name).join(', ')}`,
        'an ENI moves within its zone only: use routes instead',
      );
  const holder = members.find(
    (member) => enis.get(member.eni)?.attachment?.instance === eni.attachment?.instance,
  );
  if (eni.attachment === undefined) yield fine(`${group.name}: ${eni.id} is available`);
  else if (holder === undefined)
    yield bad(
      `${group.name}: ${eni.id} is attached to ${eni.attachment.instance}, no member`,
      'detach it, or correct the members',
    );
  else yield fine(`${group.name}: ${eni.id} is attached to ${holder.name}`);
}

/** The tables that follow best paths, each once. */
async function syncedTables(reader: AwsReader, { routeSync }: Config): Promise<readonly Routes[]> {
  const places = routeSync.flatMap(({ tables }) => tables);
  const found = (await Promise.all(places.map((place) => reader.tables(place)))).flat();
  return [...new Map(found.map((table) => [table.id, table])).values()];
}

async function* checkSyncedTables(reader: AwsReader, { routeSync }: Config): AsyncGenerator<Finding> {
  for (const place of routeSync.flatMap(({ tables }) => tables)) {
    const named = place.table ?? `tag ${place.tag?.key}=${place.tag?.value}`;
    const tables = await reader.tables(place);
    if (tables.length === 0)
      yield bad(`routeSync: no route table for ${named}`, 'correct `tables`, or tag the tables');
    for (const table of tables) {
      const untried = ', without a static route on which ec2:ReplaceRoute and DeleteRoute could be tried dry';
      yield fine(`routeSync: ${table.id} exists${staticRoute(table) === undefined ? untried : ''}`);
    }
  }
}

/** The writes that this node may have to make, one of each action and resource. */
async function writesOf(reader: AwsReader, config: Config, enis: SeenEnis): Promise<readonly Write[]> {
  const calls: Write[] = [];
  for (const [resource, own] of config.groups.flatMap((group) => targetsOf(group, config))) {
    const instance = enis.get(own.eni)?.attachment?.instance;
    const at = sameRealm(own);
    switch (resource.kind) {
      case 'eni': {
        const { eni } = await reader.eni(resource.id, own);
        const { id, deviceIndex } = resource;
        if (instance !== undefined)
          calls.push({ kind: 'attach-network-interface', eni: id, instance, deviceIndex, ...at });
        const attachment = eni?.attachment?.id;
        if (attachment !== undefined)
          calls.push({ kind: 'detach-network-interface', attachment, force: false, ...at });
        break;
      }
      case 'address':
      case 'eip':
      case 'transit-routes':
        calls.push(...(await writesOfResource(reader, resource, own)));
        break;
      case 'routes':
        for (const set of resource.sets) {
          for (const { id, routes } of await reader.tables(set)) {
            const present = set.destinations.find((one) => routes.some((route) => route.destination === one));
            const [destination = ''] = present === undefined ? set.destinations : [present];
            const target = { table: id, destination, eni: own.eni, ...sameRealm(set) };
            calls.push({ kind: 'create-route', ...target });
            // EC2 refuses to replace what is not there; routes of prepared tables may be still to be made.
            if (present !== undefined || set.prepared === undefined)
              calls.push({ kind: 'replace-route', ...target });
            const end = set.lastResort;
            if (end !== undefined && present !== undefined)
              calls.push({
                kind: 'replace-route',
                table: id,
                destination,
                ...routeEnd(end),
                ...sameRealm(set),
              });
          }
        }
        break;
      default:
        unreachable(resource);
    }
  }
  for (const group of config.groups)
    calls.push(...(await seePrepared(reader, group, config)).flatMap(changesOf));
  calls.push(...fencesOf(config, enis));
  for (const synced of await syncedTables(reader, config))
    calls.push(...trialsOfTable(synced, anyEni(config)));
  return calls;
}

/** The resources of a group, each with a member that may get it: this node's own, where that is one. */
function targetsOf(
  { members, resources }: Group,
  config: Config,
): readonly (readonly [Resource, Appliance])[] {
  const self = ownAppliance(config)?.name;
  const heir = members.find((name) => name === self) ?? members[0];
  const target = config.appliances.find(({ name }) => name === heir);
  return target === undefined ? [] : resources.map((resource) => [resource, target] as const);
}

/** The writes by which this node may have to fence others; those of primary ENIs cannot be made. */
function fencesOf(config: Config, enis: SeenEnis): readonly Write[] {
  const self = ownAppliance(config)?.name;
  const calls = config.groups.flatMap(({ fence, members }) =>
    members.flatMap((member): Write[] => {
      const appliance = config.appliances.find(({ name }) => name === member);
      const attachment = enis.get(appliance?.eni ?? '')?.attachment;
      if (fence === undefined || appliance === undefined || attachment === undefined || member === self)
        return [];
      const at = sameRealm(appliance);
      if (fence.kind === 'stop-instance')
        return [{ kind: 'stop-instances', instances: [attachment.instance], ...at }];
      if (attachment.deviceIndex === 0) return [];
      return [{ kind: 'detach-network-interface', attachment: attachment.id, force: true, ...at }];
    }),
  );
  return [...new Map(calls.map((call) => [JSON.stringify(call), call])).values()];
}

/** Whether what is to be detached can be. */
function* checkFences(config: Config, enis: SeenEnis): Generator<Finding> {
  for (const { name: group, fence, members } of config.groups) {
    if (fence?.kind !== 'detach-eni') continue;
    for (const { name, eni } of config.appliances) {
      if (!members.includes(name) || enis.get(eni)?.attachment?.deviceIndex !== 0) continue;
      yield bad(
        `${group}: fence: detach-eni cannot detach ${eni} of ${name}, which is a primary ENI (device 0)`,
        `lead the routes to a second ENI of ${name}, or choose fence: stop-instance or none`,
      );
    }
  }
}

/** What a permission for a write has to name. */
function resourceOf(call: Write): string {
  if ('place' in call) return `${call.place} and ${call.table}`;
  if ('table' in call) return call.table;
  if ('allocation' in call) return `${call.allocation} and ${call.eni}`;
  if ('eni' in call) return call.eni;
  if ('attachment' in call) return call.attachment;
  return call.kind === 'stop-instances' ? call.instances.join(', ') : '';
}

async function* checkPermissions(reader: AwsReader, config: Config, enis: SeenEnis): AsyncGenerator<Finding> {
  for (const call of await writesOf(reader, config, enis)) {
    const { action } = toRequest(call);
    const resource = resourceOf(call);
    if (!isTryable(call)) {
      yield fine(`ec2:${action} on ${resource} is not tried, for EC2 has no dry run of it`);
      continue;
    }
    const code = await reader.dryRun(call);
    const remedy = `allow ec2:${action} on ${resource} in the role of this node`;
    if (code === 'DryRunOperation') yield fine(`ec2:${action} on ${resource} is allowed`);
    else if (code === 'UnauthorizedOperation')
      yield bad(`ec2:${action} on ${resource} is not allowed`, remedy);
    else
      yield bad(
        `ec2:${action} on ${resource}: the dry run answered ${code}`,
        `if it is a permission, ${remedy}`,
      );
  }
}

/**
 * The way to the EC2 API must not lead through a route that byoa moves: it would be gone when it is needed.
 */
async function* checkApiPaths(reader: AwsReader, config: Config, enis: SeenEnis): AsyncGenerator<Finding> {
  const moved = new Set<string>();
  for (const set of config.groups.flatMap(routeSetsOf)) {
    if (!set.destinations.some((destination) => destination.endsWith('/0'))) continue;
    for (const { id } of await reader.tables(set)) moved.add(id);
  }
  for (const appliance of config.appliances) {
    const { name } = appliance;
    const seen = enis.get(appliance.eni);
    if (seen === undefined) continue;
    const table: Routes | undefined = await reader.tableOfSubnet(seen.subnet, seen.vpc, appliance);
    // One in another zone may be lost together with that zone.
    const zones = await reader.endpointZones(seen.vpc, appliance);
    if (zones.includes(seen.zone))
      yield fine(`${name}: reaches EC2 by an interface endpoint of ${seen.vpc} in ${seen.zone}`);
    else if (table === undefined)
      yield bad(`${name}: no route table of ${seen.subnet} can be seen`, 'allow ec2:DescribeRouteTables');
    else if (moved.has(table.id)) {
      yield bad(
        `${name}: its own default route is in ${table.id}, which byoa moves`,
        `give its subnet a route table of its own, or the VPC an interface endpoint for ec2 in ${seen.zone}`,
      );
    } else yield fine(`${name}: its way to the EC2 API (${table.id}) is not one that byoa moves`);
  }
}
