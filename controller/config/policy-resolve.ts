/** Policies as the daemon uses them. */
import type { Failback } from './model.ts';
import type { ParsedFailback } from './policy-schema.ts';

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** The failback of a group; absent where it never fails back. */
export function resolveFailback(given: ParsedFailback): Failback | undefined {
  if (given === 'never') return undefined;
  const { after, window } = given;
  if (window === undefined) return { afterMs: after };
  const { days = [], from, to, zone } = window;
  return { afterMs: after, window: { days, fromMinute: minuteOf(from), toMinute: minuteOf(to), zone } };
}
