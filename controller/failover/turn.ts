/**
 * One step of a node in the making: what it emits, and the few things that every part of the brain draws from
 * (request numbers, random numbers, the API budget). It lives for one step; the node keeps what it ends with.
 */
import { next, type Prng } from '../base/prng.ts';
import type { Instant } from '../base/time.ts';
import { type BucketName, type Budget, bucketOf, exhausted, fullAt, take } from '../ec2/budget.ts';
import type { Call } from '../ec2/call.ts';
import type { Effect, GuestChange, HookName, KernelChange } from '../event.ts';
import type { LeaseCall } from '../lease/call.ts';

/** What a request was for: its outcome goes there. */
export type Purpose =
  | { readonly kind: 'observe'; readonly source: string }
  | { readonly kind: 'move'; readonly group: string; readonly step: string }
  /** A route of a prepared table that nothing uses. */
  | { readonly kind: 'prepare'; readonly group: string; readonly step: string }
  | { readonly kind: 'guest'; readonly group: string; readonly what: 'own' | 'lose' }
  | { readonly kind: 'hook'; readonly group: string; readonly hook: HookName }
  /** What has become of the owner that is being fenced. */
  | { readonly kind: 'fence'; readonly group: string }
  /** Whether a write would be allowed. */
  | { readonly kind: 'readiness'; readonly trial: string }
  | { readonly kind: 'kernel' }
  | { readonly kind: 'lease'; readonly group: string }
  /** Route sync: the ENIs of next hops, the subnets of a VPC, and writes. */
  | {
      readonly kind: 'sync';
      readonly what: 'hops';
      readonly vpc: string;
      readonly addresses: readonly string[];
    }
  | { readonly kind: 'sync'; readonly what: 'subnets'; readonly vpc: string }
  | { readonly kind: 'sync'; readonly what: 'write'; readonly table: string; readonly destination: string };

export interface Pending {
  readonly purpose: Purpose;
  readonly sentAt: Instant;
  readonly call?: Call;
}

/** What a step starts from and ends with. */
export interface Resources {
  readonly prng: Prng;
  /** The number of the last request; numbers grow, so they also tell what was sent before what. */
  readonly lastRequest: number;
  readonly pending: Readonly<Record<number, Pending>>;
  readonly budget: Budget;
}

type LogLevel = Extract<Effect, { kind: 'log' }>['level'];
type LogFields = NonNullable<Extract<Effect, { kind: 'log' }>['fields']>;

export interface Turn {
  readonly now: Instant;
  readonly random: () => number;
  readonly lastRequest: () => number;
  /** Sends a call where the budget allows, otherwise says when it will; `reserve` as in `take`. */
  readonly call: (
    call: Call,
    purpose: Purpose,
    reserve?: number,
  ) => { readonly request: number } | { readonly at: Instant };
  /** When the budget allows so many calls of a bucket at once, or as many as it ever does. */
  readonly roomAt: (bucket: BucketName, count: number) => Instant;
  /** EC2 refused such a call for throttling. */
  readonly throttled: (call: Call) => void;
  /** False where it only observes. */
  readonly guest: (changes: readonly GuestChange[], group: string, what: 'own' | 'lose') => boolean;
  /** Changes kernel routes, before anything is told; gives the request's number. */
  readonly kernel: (change: KernelChange) => number;
  /** Asks the store of leases; gives the request's number. */
  readonly lease: (call: LeaseCall, timeoutMs: number) => number;
  readonly hook: (hook: HookName, group: string, detail: string) => void;
  readonly log: (level: LogLevel, topic: string, text: string, fields?: LogFields) => void;
  readonly emit: (effect: Effect) => void;
  /** All effects, EC2 calls first: nothing that is told may delay them. */
  readonly finish: () => { readonly resources: Resources; readonly effects: readonly Effect[] };
}

/** `observeOnly`: hooks and changes of the guest are told, and not carried out. */
export function newTurn(start: Resources, now: Instant, observeOnly: boolean): Turn {
  let { prng, lastRequest, budget } = start;
  // Copied when something is sent: most steps send nothing.
  let pending: Record<number, Pending> | undefined;
  const calls: Effect[] = [];
  const rest: Effect[] = [];
  const log: Turn['log'] = (level, topic, text, fields) => {
    rest.push({ kind: 'log', level, topic, text, ...(fields === undefined ? {} : { fields }) });
  };
  const request = (purpose: Purpose, call?: Call): number => {
    lastRequest += 1;
    pending ??= { ...start.pending };
    pending[lastRequest] = { purpose, sentAt: now, ...(call === undefined ? {} : { call }) };
    return lastRequest;
  };
  return {
    now,
    log,
    random: () => {
      const [value, following] = next(prng);
      prng = following;
      return value;
    },
    lastRequest: () => lastRequest,
    call: (call, purpose, reserve) => {
      const taken = take(budget, bucketOf(call), now, reserve);
      if (!taken.granted) return { at: taken.at };
      budget = taken.budget;
      const number = request(purpose, call);
      calls.push({ kind: 'ec2-call', request: number, call });
      return { request: number };
    },
    roomAt: (bucket, count) => fullAt(budget, bucket, count, now),
    throttled: (call) => {
      budget = exhausted(budget, bucketOf(call), now);
    },
    guest: (changes, group, what) => {
      if (observeOnly) return false;
      rest.push({ kind: 'guest', request: request({ kind: 'guest', group, what }), changes });
      return true;
    },
    kernel: (change) => {
      const number = request({ kind: 'kernel' });
      calls.push({ kind: 'kernel', request: number, change });
      return number;
    },
    lease: (asked, timeoutMs) => {
      const number = request({ kind: 'lease', group: asked.group });
      rest.push({ kind: 'lease-call', request: number, call: asked, timeoutMs });
      return number;
    },
    hook: (hook, group, detail) => {
      const text = `${observeOnly ? 'Would run (observing only)' : 'Runs'} ${hook} of ${group}: ${detail}.`;
      log('info', 'hook', text, { group, hook });
      if (observeOnly) return;
      rest.push({ kind: 'hook', request: request({ kind: 'hook', group, hook }), hook, group, detail });
    },
    emit: (effect) => void rest.push(effect),
    finish: () => {
      const resources = { prng, lastRequest, pending: pending ?? start.pending, budget };
      return { resources, effects: [...calls, ...rest] };
    },
  };
}

/** The pending request of that number, and the resources without it. */
export function settle(
  resources: Resources,
  request: number,
): { readonly pending: Pending; readonly resources: Resources } | undefined {
  const { [request]: pending, ...others } = resources.pending;
  return pending === undefined ? undefined : { pending, resources: { ...resources, pending: others } };
}
