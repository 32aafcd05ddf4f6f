/** From the parsed groups to what the daemon uses, and what their fields must agree on. */
import { formatAddress, parseAddress } from '../base/ip.ts';
import { unreachable } from '../base/result.ts';
import { given } from './bgp-resolve.ts';
import { type Finding, type Note, unique } from './finding.ts';
import { resolveLease } from './lease-resolve.ts';
import {
  addressesOf,
  type Config,
  type Course,
  enisOf,
  type Group,
  type HookAction,
  type Prepared,
  preparedTablesOf,
  type Resource,
  type RouteSet,
} from './model.ts';
import { checkLastResort, resolveFailback, resolveFence } from './policy-resolve.ts';
import { checkRealms, resolveRealm } from './realm-resolve.ts';
import type { ParsedFile } from './schema.ts';

type ParsedGroup = ParsedFile['groups'][number];

/** One group. */
export function resolveGroup(file: ParsedFile, group: ParsedGroup, path: Finding['path'], note: Note): Group {
  const hooks = group.hooks;
  const failback = resolveFailback(group.failback);
  const lease = resolveLease(file, group.lease, path, note);
  const fence = resolveFence(group, lease, path, note);
  const hook = (key: 'on-own' | 'on-lose' | 'on-fail'): HookAction | undefined => {
    const given = hooks[key];
    if (given === undefined) return undefined;
    if ((given.command === undefined) === (given.webhook === undefined)) {
      note(
        [...path, 'hooks', key],
        'a hook is one command or one webhook',
        'name exactly one of command and webhook',
      );
    }
    return given.webhook === undefined
      ? { kind: 'command', command: given.command ?? [] }
      : { kind: 'webhook', url: given.webhook };
  };
  const [onOwn, onLose, onFail] = [hook('on-own'), hook('on-lose'), hook('on-fail')];
  return {
    name: group.name,
    members: group.members,
    resources: resolveResources(group, file, path, note),
    ...(failback === undefined ? {} : { failback }),
    slowStartMs: group.slowStart,
    ...(group.objective === undefined ? {} : { objectiveMs: group.objective }),
    damping: { moves: group.damping.moves, withinMs: group.damping.within },
    takeoverStaggerMs: group.takeoverStagger,
    orphanGraceMs: group.orphanGrace,
    ...(lease === undefined ? {} : { lease }),
    ...(fence === undefined ? {} : { fence }),
    hooks: {
      ...(onOwn === undefined ? {} : { onOwn }),
      ...(onLose === undefined ? {} : { onLose }),
      ...(onFail === undefined ? {} : { onFail }),
      timeoutMs: hooks.timeout,
    },
  };
}

/** What a group owns, in the order in which it is moved. */
function resolveResources(
  { members, eni, addresses = [], eips = [], routes, transitRoutes }: ParsedGroup,
  file: ParsedFile,
  path: Finding['path'],
  note: Note,
): readonly Resource[] {
  const resources: Resource[] = [];
  if (eni !== undefined) {
    const { id, deviceIndex, forceAfter, guestTable = 1000 + deviceIndex } = eni;
    resources.push({ kind: 'eni', id, deviceIndex, forceAfterMs: forceAfter, guestTable });
  }
  resources.push(...addresses.map((text): Resource => ({ kind: 'address', address: canonical(text) })));
  resources.push(
    ...eips.map(
      ({ allocation, address }): Resource => ({
        kind: 'eip',
        allocation,
        ...given('address', address === undefined ? undefined : canonical(address)),
      }),
    ),
  );
  if (routes !== undefined) {
    const sets = routes.map((set, index) => resolveSet(set, file, members, [...path, 'routes', index], note));
    resources.push({ kind: 'routes', sets });
  }
  if (transitRoutes !== undefined) {
    const sets = transitRoutes.map(({ table, destinations, lastResort, role, region, ...course }, index) => ({
      table,
      destinations,
      ...resolveRealm({ role, region }, file),
      ...given('lastResort', lastResort),
      ...resolveCourse(course, [...path, 'transitRoutes', index], note),
    }));
    resources.push({ kind: 'transit-routes', sets });
  }
  if (resources.length === 0)
    note(path, 'the group moves nothing', 'name routes, transitRoutes, an eni, addresses or eips');
  return resources;
}

/** The canonical text of an address that the schema has checked. */
const canonical = (text: string): string => {
  const parsed = parseAddress(text);
  return parsed.ok ? formatAddress(parsed.value) : text;
};

function resolveCourse(
  { direction, symmetric }: Pick<NonNullable<ParsedGroup['routes']>[number], 'direction' | 'symmetric'>,
  path: Finding['path'],
  note: Note,
): Course {
  if (direction !== undefined && symmetric !== undefined)
    note(
      [...path, 'direction'],
      `the paths of ${symmetric} are written together, and return paths before others`,
      'remove one of direction and symmetric',
    );
  return { ...given('direction', direction), ...given('symmetric', symmetric) };
}

type ParsedSet = NonNullable<ParsedGroup['routes']>[number];

function resolveSet(
  set: ParsedSet,
  file: ParsedFile,
  members: readonly string[],
  path: Finding['path'],
  note: Note,
): RouteSet {
  const { table, tag, tables, destinations, lastResort } = set;
  const found = [table, tag, tables].filter((one) => one !== undefined).length;
  if (found !== 1)
    note(
      path,
      'routes are found by table, by tag or in prepared tables',
      'name exactly one of table, tag and tables',
    );
  const prepared = resolvePrepared(set, members, path, note);
  return {
    ...(table === undefined ? {} : { table }),
    ...(tag === undefined ? {} : { tag }),
    ...(prepared === undefined ? given('lastResort', lastResort) : { prepared }),
    destinations,
    ...resolveRealm(set, file),
    ...resolveCourse(set, path, note),
  };
}

function resolvePrepared(
  { subnets = [], gateways = [], tables, destinations, lastResort }: ParsedSet,
  members: readonly string[],
  path: Finding['path'],
  note: Note,
): Prepared | undefined {
  const places = [...subnets, ...gateways];
  if (tables === undefined) {
    const key = subnets.length > 0 ? 'subnets' : 'gateways';
    if (places.length > 0)
      note(
        [...path, key],
        'they change between prepared tables, and there are none',
        'add tables, one for each member',
      );
    return undefined;
  }
  if (places.length === 0)
    note(
      [...path, 'tables'],
      'nothing changes between them',
      'name the subnets, or gateways, that use one of them',
    );
  for (const member of members)
    if (tables[member] === undefined)
      note(
        [...path, 'tables'],
        `member ${member} has no table`,
        `add ${member}: rtb-..., with the same routes`,
      );
  for (const name of Object.keys(tables))
    if (!members.includes(name))
      note([...path, 'tables', name], `'${name}' is no member`, `the members are ${members.join(', ')}`);
  const list = destinations.findIndex((one) => one.startsWith('pl-'));
  if (gateways.length > 0 && list >= 0)
    // Gateway route tables, Amazon VPC User Guide: no prefix lists.
    note([...path, 'destinations', list], "a gateway's table cannot have it", 'name its CIDR blocks instead');
  return { places, tables, ...given('lastResort', lastResort) };
}

/** What is moved is moved by one group alone, and can be moved. */
export function checkMoved({ appliances, groups }: Config, note: Note): void {
  const moved = groups.flatMap(({ resources }, index) =>
    resources.flatMap((resource) => movedBy(resource, ['groups', index])),
  );
  unique(moved, 'the moved resource', note);
  checkPrepared(groups, note);
  groups.forEach((group, index) => {
    for (const { id } of enisOf(group)) {
      const primary = appliances.find(({ eni }) => eni === id);
      if (primary === undefined) continue;
      const why = `it is the primary ENI of appliance ${primary.name}, which cannot be moved`;
      note(['groups', index, 'eni', 'id'], why, 'create a second ENI in the same zone and name that one');
    }
    addressesOf(group).forEach((address, at) => {
      const primary = appliances.find((one) => one.address === address);
      if (primary === undefined) return;
      const why = `${address} is the primary address of appliance ${primary.name}, which cannot be moved`;
      note(['groups', index, 'addresses', at], why, 'name a secondary address of the subnet');
    });
    checkAttachments(group, ['groups', index], appliances, note);
    checkRealms(group, ['groups', index], appliances, note);
    checkLastResort(group, ['groups', index], appliances, note);
  });
  const addresses = groups.flatMap(addressesOf);
  for (const family of ['IPv4', 'IPv6']) {
    const count = addresses.filter((address) => address.includes(':') === (family === 'IPv6')).length;
    if (count > MOST_ADDRESSES)
      note([], `${count} ${family} addresses are moved`, `one daemon moves ${MOST_ADDRESSES} at most`);
  }
}

/** A filter takes so many values. Amazon EC2 API reference, "Filter". */
const MOST_ADDRESSES = 200;

/** Transit gateway routes tell by the attachment who owns them. */
function checkAttachments(
  { members, resources }: Group,
  path: Finding['path'],
  appliances: Config['appliances'],
  note: Note,
): void {
  if (resources.every(({ kind }) => kind !== 'transit-routes')) return;
  const at = [...path, 'transitRoutes'];
  const owners = new Map<string, string>();
  for (const name of members) {
    const attachment = appliances.find((one) => one.name === name)?.attachment;
    if (attachment === undefined) {
      note(at, `appliance ${name} has no attachment to lead them to`, `name \`attachment\` at ${name}`);
      continue;
    }
    const other = owners.get(attachment);
    if (other !== undefined)
      note(
        at,
        `${other} and ${name} have the same attachment, so that nobody could tell who owns them`,
        'lead them by appliances with attachments of their own, or move routes of the VPC instead',
      );
    owners.set(attachment, name);
  }
}

/** Each thing that is moved, by a name that is the same wherever it stands. */
function movedBy(resource: Resource, path: Finding['path']): readonly (readonly [string, Finding['path']])[] {
  switch (resource.kind) {
    case 'eni':
      return [[resource.id, [...path, 'eni', 'id']]];
    case 'routes':
      return resource.sets.flatMap((set, index) => movedBySet(set, [...path, 'routes', index]));
    case 'transit-routes':
      return resource.sets.flatMap(({ table, destinations }, set) =>
        destinations.map((destination, at): readonly [string, Finding['path']] => [
          `${destination} of ${table}`,
          [...path, 'transitRoutes', set, 'destinations', at],
        ]),
      );
    case 'address':
      return [[resource.address, [...path, 'addresses']]];
    case 'eip':
      return [[resource.allocation, [...path, 'eips']]];
    default:
      return unreachable(resource);
  }
}

function movedBySet(set: RouteSet, path: Finding['path']): readonly (readonly [string, Finding['path']])[] {
  const { table, tag, prepared, destinations } = set;
  if (prepared !== undefined)
    return [
      ...prepared.places.map((place): readonly [string, Finding['path']] => [place, path]),
      ...Object.values(prepared.tables).map((one): readonly [string, Finding['path']] => [
        one,
        [...path, 'tables'],
      ]),
    ];
  return destinations.map((destination, at) => [
    `${destination} of ${table ?? `tag ${tag?.key}=${tag?.value}`}`,
    [...path, 'destinations', at],
  ]);
}

/** A prepared table leads to its member alone: nothing else may move its routes. */
function checkPrepared(groups: readonly Group[], note: Note): void {
  const prepared = new Set(groups.flatMap(preparedTablesOf));
  groups.forEach(({ resources }, index) => {
    for (const resource of resources) {
      if (resource.kind !== 'routes') continue;
      resource.sets.forEach(({ table }, set) => {
        if (table === undefined || !prepared.has(table)) return;
        const path = ['groups', index, 'routes', set, 'table'];
        note(path, `${table} is a prepared table`, 'name its routes there, or another table here');
      });
    }
  });
}
