/** From the parsed groups to what the daemon uses, and what their fields must agree on. */
import { unreachable } from '../base/result.ts';
import { type Finding, type Note, unique } from './finding.ts';
import { resolveLease } from './lease-resolve.ts';
import { type Config, enisOf, type Group, type HookAction, type Resource, type RouteSet } from './model.ts';
import { resolveFailback } from './policy-resolve.ts';
import type { ParsedFile } from './schema.ts';

type ParsedGroup = ParsedFile['groups'][number];

/** One group. */
export function resolveGroup(file: ParsedFile, group: ParsedGroup, path: Finding['path'], note: Note): Group {
  const hooks = group.hooks;
  const failback = resolveFailback(group.failback);
  const lease = resolveLease(file, group.lease, path, note);
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
    resources: resolveResources(group, path, note),
    ...(failback === undefined ? {} : { failback }),
    slowStartMs: group.slowStart,
    damping: { moves: group.damping.moves, withinMs: group.damping.within },
    takeoverStaggerMs: group.takeoverStagger,
    orphanGraceMs: group.orphanGrace,
    ...(lease === undefined ? {} : { lease }),
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
  { eni, routes }: ParsedGroup,
  path: Finding['path'],
  note: Note,
): readonly Resource[] {
  const resources: Resource[] = [];
  if (eni !== undefined) {
    const { id, deviceIndex, forceAfter, guestTable = 1000 + deviceIndex } = eni;
    resources.push({ kind: 'eni', id, deviceIndex, forceAfterMs: forceAfter, guestTable });
  }
  if (routes !== undefined) {
    const sets = routes.map((set, index) => resolveSet(set, [...path, 'routes', index], note));
    resources.push({ kind: 'routes', sets });
  }
  if (resources.length === 0) note(path, 'the group moves nothing', 'name routes, an eni, or both');
  return resources;
}

function resolveSet(
  { table, tag, destinations }: NonNullable<ParsedGroup['routes']>[number],
  path: Finding['path'],
  note: Note,
): RouteSet {
  if ((table === undefined) === (tag === undefined))
    note(path, 'routes are found by table or by tag', 'name exactly one of table and tag');
  return { ...(table === undefined ? {} : { table }), ...(tag === undefined ? {} : { tag }), destinations };
}

/** What is moved is moved by one group alone, and can be moved. */
export function checkMoved({ appliances, groups }: Config, note: Note): void {
  const moved = groups.flatMap(({ resources }, index) =>
    resources.flatMap((resource) => movedBy(resource, ['groups', index])),
  );
  unique(moved, 'the moved resource', note);
  groups.forEach((group, index) => {
    for (const { id } of enisOf(group)) {
      const primary = appliances.find(({ eni }) => eni === id);
      if (primary === undefined) continue;
      const why = `it is the primary ENI of appliance ${primary.name}, which cannot be moved`;
      note(['groups', index, 'eni', 'id'], why, 'create a second ENI in the same zone and name that one');
    }
  });
}

/** Each thing that is moved, by a name that is the same wherever it stands. */
function movedBy(resource: Resource, path: Finding['path']): readonly (readonly [string, Finding['path']])[] {
  switch (resource.kind) {
    case 'eni':
      return [[resource.id, [...path, 'eni', 'id']]];
    case 'routes':
      return resource.sets.flatMap(({ table, tag, destinations }, set) =>
        destinations.map((destination, at): readonly [string, Finding['path']] => [
          `${destination} of ${table ?? `tag ${tag?.key}=${tag?.value}`}`,
          [...path, 'routes', set, 'destinations', at],
        ]),
      );
    default:
      return unreachable(resource);
  }
}
