/**
 * The API budget: a token bucket per account, region and action, as EC2 documents them (bucket and refill in
 * "Request throttling for the Amazon EC2 API"). Others spend from the same account, so a refusal empties the
 * bucket. Pure: the caller says what time it is.
 */
import type { Instant } from '../base/time.ts';
import { accountOf } from '../config.ts';
import { type Call, isRead, madeIn } from './call.ts';

interface Bucket {
  readonly tokens: number;
  readonly at: Instant;
}

/** An action, in the node's own account and region; or, after a space, elsewhere. */
export type BucketName = Call['kind'] | `${Call['kind']} ${string}`;

export type Budget = Readonly<Partial<Record<BucketName, Bucket>>>;

export const bucketsOf = (budget: Budget): readonly BucketName[] => Object.keys(budget) as BucketName[];

interface Limit {
  readonly size: number;
  readonly perSecond: number;
}

const READ: Limit = { size: 100, perSecond: 20 };
const WRITE: Limit = { size: 50, perSecond: 5 };
/** AssignPrivateIpAddresses has a bucket of its own; its IPv6 relatives are not listed. */
const ASSIGN: Limit = { size: 100, perSecond: 5 };

const limitOf = (bucket: BucketName): Limit =>
  isRead(bucket) ? READ : bucket.startsWith('assign-private-ip-addresses') ? ASSIGN : WRITE;

/** What a call does, or would do. */
export const actionOf = (call: Call): Call['kind'] => (call.kind === 'dry-run' ? call.of.kind : call.kind);

/**
 * The bucket that a call takes from: all roles of an account share it. Which account the node's own is, it
 * does not know; a role of that one is counted apart, and a refusal tells.
 */
export function bucketOf(call: Call): BucketName {
  const { at } = madeIn(call);
  const action = actionOf(call);
  if (at === undefined) return action;
  const account = at.role === undefined ? '' : accountOf(at.role);
  return `${action} ${[at.region, account].filter((one) => one).join(' ')}`;
}

/** The tokens of a bucket at `now`. */
export function tokens(budget: Budget, kind: BucketName, now: Instant): number {
  const { size, perSecond } = limitOf(kind);
  const bucket = budget[kind];
  return bucket === undefined ? size : Math.min(size, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
}

/**
 * Takes a token, or says when there will be one. `reserve` is the part of the bucket (0 to 1) that must
 * remain: routine observation leaves half for moves.
 */
export function take(
  budget: Budget,
  kind: BucketName,
  now: Instant,
  reserve = 0,
): { readonly granted: true; readonly budget: Budget } | { readonly granted: false; readonly at: Instant } {
  const { size, perSecond } = limitOf(kind);
  const left = tokens(budget, kind, now);
  const needed = 1 + reserve * size;
  if (left + 1e-9 < needed) return { granted: false, at: now + ((needed - left) / perSecond) * 1000 };
  return { granted: true, budget: { ...budget, [kind]: { tokens: left - 1, at: now } } };
}

/** When the bucket of an action holds `count` tokens, or as many as it can hold. */
export function fullAt(budget: Budget, kind: BucketName, count: number, now: Instant): Instant {
  const { size, perSecond } = limitOf(kind);
  const missing = Math.min(count, size) - tokens(budget, kind, now);
  return missing <= 1e-9 ? now : now + (missing / perSecond) * 1000;
}

/** The budget after EC2 refused for throttling: the account's bucket is empty, whatever we counted. */
export const exhausted = (budget: Budget, kind: BucketName, now: Instant): Budget => ({
  ...budget,
  [kind]: { tokens: 0, at: now },
});

/**
 * Waiting time before try `attempt` (from 1): doubling from `firstMs` to `mostMs`, of which a random half;
 * `random` in [0, 1).
 */
export function backoffMs(attempt: number, random: number, firstMs = 100, mostMs = 5000): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(whole * (0.5 + random / 2));
}
