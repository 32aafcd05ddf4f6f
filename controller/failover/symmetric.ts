/**
 * Paths that carry two ways of the same traffic: they are written together, when the API budget allows all of
 * them, and the time in which only some were moved is told.
 */
import type { Instant, Millis } from '../base/time.ts';
import type { Appliance } from '../config.ts';
import { type BucketName, bucketOf } from '../ec2/budget.ts';
import type { Half, Operation } from './group.ts';
import { isWith, type Part } from './part.ts';
import type { Turn } from './turn.ts';
import { writeOf } from './write.ts';

/** The parts of each symmetric set. */
export function setsOf(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const sets = new Map<string, readonly Part[]>();
  for (const part of parts) {
    const { symmetric } = part;
    if (symmetric !== undefined) sets.set(symmetric, [...(sets.get(symmetric) ?? []), part]);
  }
  return sets;
}

/** The same parts; those of a set follow its first one, so that nothing is sent between them. */
export function together(parts: readonly Part[]): readonly Part[] {
  const sets = setsOf(parts);
  const told = new Set<string>();
  return parts.flatMap((part): readonly Part[] => {
    if (part.symmetric === undefined) return [part];
    if (told.has(part.symmetric)) return [];
    told.add(part.symmetric);
    return sets.get(part.symmetric) ?? [];
  });
}

/** When the budget allows all writes of a set that have not been sent yet; now, where it does already. */
export function roomAt(set: readonly Part[], { steps }: Operation, target: Appliance, turn: Turn): Instant {
  const counts = new Map<BucketName, number>();
  for (const { key, thing, exists, held } of set) {
    if (thing.kind === 'eni' || steps[key] !== undefined) continue;
    if (held.kind === 'member' && held.member === target.name) continue;
    const bucket = bucketOf(writeOf(thing, exists, undefined, target));
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return Math.max(turn.now, ...[...counts].map(([bucket, count]) => turn.roomAt(bucket, count)));
}

/** The operation with what is half moved, by the last answers and looks. */
export function noteHalves(
  operation: Operation,
  parts: readonly Part[],
  seen: number,
  now: Instant,
): Operation {
  const halves: Record<string, Half> = { ...operation.halves };
  for (const [name, set] of setsOf(parts)) {
    const arrived = set.filter((part) => hasArrived(part, operation, seen)).length;
    const { since, ms } = halves[name] ?? { ms: 0 };
    if (arrived > 0 && arrived < set.length) halves[name] = { ms, since: since ?? now };
    else if (since !== undefined) halves[name] = { ms: ms + now - since };
  }
  return Object.keys(halves).length === 0 ? operation : { ...operation, halves };
}

/** An answer counts until there is a look that was sent after it. */
function hasArrived(part: Part, { steps, to }: Operation, seen: number): boolean {
  const step = steps[part.key];
  const isNews = step?.state === 'ok' && seen <= (step.endedAfter ?? -1);
  return isNews || isWith(part, to);
}

/** Whether some set is half moved. */
export const isHalfMoved = ({ halves = {} }: Operation): boolean =>
  Object.values(halves).some(({ since }) => since !== undefined);

/** For how long the set that took longest was half moved; absent where none was. */
export function asymmetricMs({ halves = {} }: Operation, now: Instant): Millis | undefined {
  const times = Object.values(halves).map(({ ms, since = now }) => ms + now - since);
  return times.length === 0 ? undefined : Math.round(Math.max(...times) * 10) / 10;
}
