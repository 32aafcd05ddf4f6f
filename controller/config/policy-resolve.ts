/** Policies as the daemon uses them. */
import { unreachable } from '../base/result.ts';
import type { Finding, Note } from './finding.ts';
import {
  type Appliance,
  type Failback,
  type Fence,
  type Group,
  type GroupLease,
  hasLastResort,
} from './model.ts';
import type { ParsedFailback } from './policy-schema.ts';
import type { ParsedFile } from './schema.ts';

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** The failback of a group; absent where it never fails back. */
export function resolveFailback(given: ParsedFailback): Failback | undefined {
  if (given === 'never') return undefined;
  const { after, window } = given;
  if (window === undefined) return { afterMs: after };
  const { days = [], from, to, zone } = window;
  return { afterMs: after, window: { days, fromMinute: minuteOf(from), toMinute: minuteOf(to), zone } };
}

/** The fence of a group; absent where it has none. Two daemons without a lease would stop each other. */
export function resolveFence(
  { fence, fenceTimeout }: Pick<ParsedFile['groups'][number], 'fence' | 'fenceTimeout'>,
  lease: GroupLease | undefined,
  path: Finding['path'],
  note: Note,
): Fence | undefined {
  if (fence === 'none') return undefined;
  if (fence === 'stop-instance' && lease === undefined)
    note(
      [...path, 'fence'],
      'two daemons that cannot see each other would stop each other',
      'configure a lease, of which one daemon at a time has one, or choose detach-eni',
    );
  return { kind: fence, timeoutMs: fenceTimeout };
}

/** What has no last resort, by its key: it is with a member, or with nobody. */
const WITHOUT_LAST_RESORT = { eni: 'eni', address: 'addresses', eip: 'eips' } as const;

/** All that a group owns has a last resort, or nothing has: half of a group is no way out. */
export function checkLastResort(
  group: Group,
  path: Finding['path'],
  appliances: readonly Appliance[],
  note: Note,
): void {
  if (!hasLastResort(group)) return;
  for (const resource of group.resources) {
    switch (resource.kind) {
      case 'eni':
      case 'address':
      case 'eip': {
        const why =
          'it has no last resort, and routes of the group have: an ENI or address serves a member or nobody';
        note(
          [...path, WITHOUT_LAST_RESORT[resource.kind]],
          why,
          'move it by another group, or remove lastResort',
        );
        break;
      }
      case 'transit-routes':
        resource.sets.forEach(({ table, lastResort }, index) => {
          const at = [...path, 'transitRoutes', index];
          checkTarget(group, table, lastResort, at, appliances, note);
        });
        break;
      case 'routes':
        resource.sets.forEach(({ table = 'its tables', prepared, lastResort }, index) => {
          const at = [...path, 'routes', index];
          checkTarget(group, table, prepared?.lastResort ?? lastResort, at, appliances, note);
          const isTable = (prepared?.lastResort ?? lastResort)?.startsWith('rtb-');
          if (isTable !== undefined && isTable !== (prepared !== undefined))
            note(
              [...at, 'lastResort'],
              isTable
                ? 'a table takes the place of prepared tables only'
                : 'subnets and gateways change between tables',
              isTable ? 'name where the routes lead, such as nat-...' : 'name a table, rtb-...',
            );
          if (prepared !== undefined && Object.values(prepared.tables).includes(prepared.lastResort ?? ''))
            note([...at, 'lastResort'], 'it is the table of a member', 'name another table');
        });
        break;
      default:
        unreachable(resource);
    }
  }
}

function checkTarget(
  { members }: Group,
  what: string,
  lastResort: string | undefined,
  path: Finding['path'],
  appliances: readonly Appliance[],
  note: Note,
): void {
  if (lastResort === undefined)
    note(
      path,
      `${what} has no last resort, and others of the group have`,
      'add lastResort, or remove it there',
    );
  const member = appliances.find(
    ({ name, eni, attachment }) => members.includes(name) && [eni, attachment].includes(lastResort ?? ''),
  );
  if (member !== undefined)
    note([...path, 'lastResort'], `it leads to member ${member.name}`, 'name something that is no member');
}
