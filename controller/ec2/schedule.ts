/**
 * When calls can be sent, and when they are done: as the buckets allow, each after those that it waits
 * for. A prediction; what is sent takes its tokens when it is sent. Pure.
 */
import type { Instant, Millis } from '../base/time.ts';
import { type BucketName, type Budget, bucketOf, take } from './budget.ts';
import type { Call } from './call.ts';

/** A call to schedule; `after` names those that must be done before it is sent. */
export interface Due {
  readonly key: string;
  readonly call: Call;
  readonly after: readonly string[];
  /** What EC2 takes after its answer until it is done; 0 by default. */
  readonly takesMs?: Millis;
}

/** From now: when it is sent, and when it is done. */
export interface Times {
  readonly atMs: Millis;
  readonly endMs: Millis;
}

/**
 * The times of `calls`, in their order: an earlier one has the token where two want it. `width` is how many
 * may be unanswered at once; absent, any number.
 */
export function schedule(
  calls: readonly Due[],
  start: Budget,
  now: Instant,
  latencyMs: Millis,
  width = Number.POSITIVE_INFINITY,
): readonly Times[] {
  let budget = start;
  const ends = new Map<string, Instant>();
  /** An action's tokens are taken in order. */
  const reached = new Map<BucketName, Instant>();
  const answered: Instant[] = [];
  return calls.map(({ key, call, after, takesMs = 0 }, index) => {
    const free = index < width ? now : (answered[index - width] ?? now);
    const bucket = bucketOf(call);
    let at = Math.max(now, free, reached.get(bucket) ?? now, ...after.map((one) => ends.get(one) ?? now));
    let taken = take(budget, bucket, at);
    while (!taken.granted) {
      at = taken.at;
      taken = take(budget, bucket, at);
    }
    budget = taken.budget;
    reached.set(bucket, at);
    const end = at + latencyMs + takesMs;
    ends.set(key, end);
    answered.push(end);
    return { atMs: at - now, endMs: end - now };
  });
}
