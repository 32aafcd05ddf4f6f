/** Policies as the daemon uses them. */
import type { Finding, Note } from './finding.ts';
import type { Failback, Fence, GroupLease } from './model.ts';
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
