/**
 * The APIs in world time: a request takes effect when its latency is over, just before its answer; its
 * changes reach the data plane after the propagation delay. Here are the faults too: errors, throttling,
 * answers that never come.
 */
import { unreachable } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Tables } from '../dynamodb/service.ts';
import {
  type Cloud,
  nextAt as cloudNextAt,
  handle,
  type Reply,
  type Request,
  settle,
  takeChanges,
} from '../ec2/service.ts';
import { DEFAULT_QUOTAS, NO_QUOTAS } from '../ec2/settings.ts';
import type { Change } from '../vpc/model.ts';
import { draw, drawDelay, type Kernel, record, schedule } from './kernel.ts';
import type { Knobs } from './settings.ts';

/**
 * What befalls the next requests of an action. `lost`: neither applied nor answered. `late`: applied after
 * `delayMs`.
 */
export type Fault =
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly status: number }
  | { readonly kind: 'throttle' }
  | { readonly kind: 'applied-no-answer' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'late'; readonly delayMs: Millis };

/** A fault for the next `times` requests of `action` (absent: of any action). */
export interface Injection {
  readonly action?: string | undefined;
  readonly fault: Fault;
  readonly times: number;
}

/** The API side of a world. */
export interface Api {
  readonly kernel: Kernel;
  readonly cloud: Cloud;
  /** DynamoDB's: not kept in world files. */
  readonly tables: Tables;
  knobs: Knobs;
  injections: Injection[];
  /** The instant for which the next settling is scheduled. */
  settleAt: Instant | undefined;
  /** The version of each resource made last, and of each that has taken effect. */
  readonly made: Map<string, number>;
  readonly applied: Map<string, number>;
  /** Called when a change takes effect in the data plane. */
  apply: (change: Change) => void;
  /** Called when a call has succeeded. */
  readonly called: (request: Request) => void;
}

const UNANSWERED = 'unanswered';

const STS_IS_DOWN: Reply = {
  kind: 'error',
  code: 'ServiceUnavailable',
  message: 'The service is unavailable. Please try again later.',
  status: 503,
};

/**
 * Makes an API request now. `reply` runs once when the answer is there, and never where the answer is lost:
 * time-outs are the caller's.
 */
export function request(api: Api, asked: Request, reply: (reply: Reply) => void): void {
  const { kernel, knobs } = api;
  const requestedAt = kernel.now;
  const latencyMs = drawDelay(kernel, 'api latency', knobs.latency);
  const fault = takeInjection(api, asked.action) ?? drawFault(api, asked.input);
  const isOut = asked.service === 'sts' && knobs.credentials === 'down';
  const perform = (): Reply => (isOut ? STS_IS_DOWN : performNow(api, asked));
  const note = (outcome: string, applied: boolean): void =>
    recordCall(kernel, asked, requestedAt, outcome, applied);
  schedule(kernel, requestedAt + latencyMs, () => {
    switch (fault?.kind) {
      case undefined: {
        const answer = perform();
        note(answer.kind === 'ok' ? 'ok' : answer.code, answer.kind === 'ok');
        return reply(answer);
      }
      case 'error':
        note(fault.code, false);
        return reply(fault);
      case 'throttle':
        note('RequestLimitExceeded', false);
        return reply({
          kind: 'error',
          code: 'RequestLimitExceeded',
          message: 'Request limit exceeded.',
          status: 503,
        });
      case 'applied-no-answer':
        return note(UNANSWERED, perform().kind === 'ok');
      case 'lost':
        return note(UNANSWERED, false);
      case 'late':
        return schedule(kernel, kernel.now + fault.delayMs, () => note(UNANSWERED, perform().kind === 'ok'));
      default:
        return unreachable(fault);
    }
  });
}

/** Records a request that ends at present. */
export function recordCall(
  kernel: Kernel,
  { service, action, account, region, input }: Request,
  requestedAt: Instant,
  outcome: string,
  applied: boolean,
): void {
  const durationMs = kernel.now - requestedAt;
  const subjects = subjectsOf(input);
  const call = { service, action, account, region, subjects, requestedAt, durationMs, outcome, applied };
  record(kernel, { kind: 'api', ...call });
}

/** Whether requests are answered as they are meant: none fails by chance, or is answered from the past. */
export const isFaultless = ({ injections, knobs }: Api): boolean =>
  injections.length === 0 &&
  knobs.errors.rate === 0 &&
  knobs.appliedButTimedOut === 0 &&
  knobs.staleReadsMs === 0 &&
  knobs.newIdLagMs === 0;

/** The fault for the next requests of an action, before what the knobs draw. */
export const inject = (api: Api, injection: Injection): void => {
  api.injections = [...api.injections, injection];
  record(api.kernel, {
    kind: 'fault',
    what: `${injection.fault.kind} for the next ${injection.times} of ${injection.action ?? 'any action'}`,
  });
};

export type SomeKnobs = { readonly [K in keyof Knobs]?: Knobs[K] | undefined };

/** Sets some knobs from now on; calls under way keep what they drew. */
export function setKnobs(api: Api, knobs: SomeKnobs): void {
  const given = Object.entries(knobs).filter(([, value]) => value !== undefined);
  api.knobs = { ...api.knobs, ...Object.fromEntries(given) };
  Object.assign(api.cloud.settings, cloudKnobs(api.knobs));
}

/** The knobs that the cloud itself turns. */
export const cloudKnobs = (knobs: Knobs) => ({
  throttle: knobs.throttle,
  staleReadsMs: knobs.staleReadsMs,
  newIdLagMs: knobs.newIdLagMs,
  attachMs: knobs.attachMs,
  detachMs: knobs.detachMs,
  startMs: knobs.startMs,
  stopMs: knobs.stopMs,
  terminateMs: knobs.stopMs,
  strictAmi: knobs.strictAmi,
  rulesOf2020: knobs.rulesOf2020,
  quotas: knobs.quotas === 'off' ? NO_QUOTAS : DEFAULT_QUOTAS,
});

function performNow(api: Api, asked: Request): Reply {
  const answer = handle(api.cloud, asked, api.kernel.now);
  publish(api);
  if (answer.kind === 'ok') api.called(asked);
  return answer;
}

function takeInjection(api: Api, action: string): Fault | undefined {
  const index = api.injections.findIndex((each) => each.action === undefined || each.action === action);
  const found = api.injections[index];
  if (found === undefined) return undefined;
  const rest = { ...found, times: found.times - 1 };
  api.injections = rest.times > 0 ? api.injections.with(index, rest) : api.injections.toSpliced(index, 1);
  return found.fault;
}

function drawFault(api: Api, input: object): Fault | undefined {
  const { errors, appliedButTimedOut } = api.knobs;
  const isMeant = errors.having === undefined || errors.having in input;
  if (isMeant && errors.rate > 0 && draw(api.kernel, 'api errors') < errors.rate) {
    return {
      kind: 'error',
      code: errors.code,
      status: errors.status,
      message: 'An internal error has occurred',
    };
  }
  if (appliedButTimedOut > 0 && draw(api.kernel, 'api answers') < appliedButTimedOut)
    return { kind: 'applied-no-answer' };
  return undefined;
}

/**
 * Sends the cloud's changes on their way to the data plane, and plans the next step of its state machines.
 */
export function publish(api: Api): void {
  const { kernel, cloud } = api;
  // A subnet that goes from one table to another is at no instant without: the tables change together.
  let tablesMs: Millis | undefined;
  for (const change of takeChanges(cloud)) {
    const isTable = change.kind === 'route-table';
    const delayMs = (isTable ? tablesMs : undefined) ?? delayFor(api, change);
    if (isTable) tablesMs = delayMs;
    propagate(api, change, delayMs);
  }
  const due = cloudNextAt(cloud);
  if (due === undefined || (api.settleAt !== undefined && api.settleAt <= due)) return;
  api.settleAt = due;
  schedule(kernel, due, () => {
    if (api.settleAt === due) api.settleAt = undefined;
    settle(cloud, kernel.now);
    publish(api);
  });
}

/** A machine's power needs no propagation. */
const delayFor = ({ kernel, knobs }: Api, { kind }: Change): Millis =>
  kind === 'instance' ? 0 : drawDelay(kernel, 'propagation', knobs.propagation);

/** An older version of a resource never overwrites a newer one. */
function propagate(api: Api, change: Change, delayMs: Millis): void {
  const { kernel } = api;
  const key = `${change.kind}/${change.id}`;
  const version = (api.made.get(key) ?? 0) + 1;
  api.made.set(key, version);
  const madeAt = kernel.now;
  const take = (): void => {
    if ((api.applied.get(key) ?? 0) > version) return;
    api.applied.set(key, version);
    const afterMs = kernel.now - madeAt;
    record(kernel, {
      kind: 'change',
      resource: change.kind,
      id: change.id,
      gone: change.value === undefined,
      afterMs,
    });
    api.apply(change);
  };
  if (delayMs === 0) take();
  else schedule(kernel, madeAt + delayMs, take);
}

/** The ids and blocks in a request, for the log: short strings at its top level and one list deep. */
function subjectsOf(input: object): string[] {
  const found: string[] = [];
  for (const value of Object.values(input)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === 'string' && /^([a-z]+(-[a-z]+)*-[0-9a-f]{8,17}|[0-9a-f.:]+\/\d+)$/.test(each))
        found.push(each);
    }
  }
  return found;
}
