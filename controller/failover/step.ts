/**
 * One write of an operation: sent, ended, sent again. Whether it took effect is for the next look at EC2 to
 * say.
 */
import { unreachable } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import { backoffMs } from '../ec2/budget.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import type { Operation, Step } from './group.ts';
import type { Turn } from './turn.ts';

/** What has to happen next for an operation that has not ended. */
export interface Need {
  /** A look at EC2 sent after this request, at this time or later. */
  readonly look?: { readonly after: number; readonly at: Instant };
  readonly wakeAt?: Instant;
}

export interface Ended {
  readonly result: 'done' | 'failed' | 'yielded' | 'cancelled';
  readonly detail: string;
}

/** What has become of one part in a cycle. */
export type Fate =
  /** `blocked`: it waits for parts of an earlier stage. */
  | { readonly kind: 'done' | 'busy' | 'blocked' }
  | { readonly kind: 'send' }
  | { readonly kind: 'wait'; readonly at: Instant }
  /** `wakeAt`: when time alone may lead on. */
  | { readonly kind: 'look'; readonly after: number; readonly at: Instant; readonly wakeAt?: Instant }
  | { readonly kind: 'failed' | 'yielded'; readonly detail: string };

export interface Fated {
  readonly operation: Operation;
  readonly fate: Fate;
}

/** An operation after a cycle: what it needs, or how it ended. */
export interface Advance {
  readonly operation: Operation;
  readonly need: Need;
  readonly ended?: Ended;
}

/** Sends the write, or says when the budget allows it. */
export function send(
  operation: Operation,
  group: string,
  key: string,
  call: Call,
  turn: Turn,
): { readonly operation: Operation; readonly wakeAt?: Instant } {
  const sent = turn.call(call, { kind: 'move', group, step: key });
  if ('at' in sent) return { operation, wakeAt: sent.at };
  const attempts = (operation.steps[key]?.attempts ?? 0) + 1;
  turn.log('info', 'call', `Sends ${describeCall(call)}${attempts > 1 ? `, try ${attempts}` : ''}.`, {
    group,
    request: sent.request,
    call: call.kind,
    attempts,
  });
  const step: Step = {
    state: 'sent',
    attempts,
    sentAt: turn.now,
    notBefore: turn.now,
    mismatches: 0,
    judged: -1,
  };
  return { operation: withStep(operation, key, step) };
}

export const withStep = (operation: Operation, key: string, step: Step): Operation => ({
  ...operation,
  steps: { ...operation.steps, [key]: step },
});

/** EC2's ways to say that there is no such route, or that there is one. */
const NO_SUCH_ROUTE = /no route defined|InvalidRoute\.NotFound/i;
const ROUTE_EXISTS = /RouteAlreadyExists/;
/** That an ENI does not have the address, or that another has it. */
const NOT_ASSIGNED = /(is|are) not assigned to interface/;
const ADDRESS_IN_USE = /InvalidIPAddress\.InUse/;

/** The operation after the outcome of one of its writes. */
export function ended(
  operation: Operation,
  group: string,
  key: string,
  call: Call,
  outcome: Outcome,
  turn: Turn,
): Operation {
  const before = operation.steps[key];
  if (before === undefined) return operation;
  const next = withStep(operation, key, endedStep(before, call, outcome, { group, step: key }, turn));
  const effective = outcome.kind === 'ok' && isRouteWrite(call) && operation.effectiveAt === undefined;
  return effective ? { ...next, effectiveAt: turn.now } : next;
}

/** A write after its outcome, which is told with `fields`. */
export function endedStep(
  before: Step,
  call: Call,
  outcome: Outcome,
  fields: Readonly<Record<string, string>>,
  turn: Turn,
): Step {
  const base = { ...before, endedAfter: turn.lastRequest() };
  const ms = Math.round((turn.now - before.sentAt) * 10) / 10;
  const told = (level: 'info' | 'warn', what: string): void =>
    turn.log(level, 'outcome', `${capital(describeCall(call))} ${what} after ${ms} ms.`, {
      ...fields,
      ms,
      outcome: outcome.kind,
    });
  const retryAt = turn.now + backoffMs(before.attempts, turn.random());
  switch (outcome.kind) {
    case 'ok':
      told('info', 'was answered');
      if (call.kind === 'unassign-ipv6-addresses')
        return { ...base, state: 'halfway', notBefore: turn.now, instead: 'create' };
      return { ...base, state: 'ok' };
    case 'unknown':
      told('warn', `has an unknown outcome (${outcome.reason})`);
      return { ...base, state: 'unknown', notBefore: retryAt, error: outcome.reason };
    case 'rejected': {
      const error = `${outcome.code}: ${outcome.message}`;
      told('warn', `was refused (${error})`);
      const instead = insteadOf(call, error);
      if (instead !== undefined && before.attempts < 4)
        return { ...base, state: 'refused', notBefore: turn.now, error, instead };
      const passes = outcome.retry || (call.kind === 'associate-address' && NOT_ASSIGNED.test(error));
      return { ...base, state: passes ? 'refused' : 'failed', notBefore: retryAt, error };
    }
    default:
      return unreachable(outcome);
  }
}

/** What a refusal says that should be done instead. */
function insteadOf({ kind }: Call, error: string): Step['instead'] {
  const replaces = kind === 'replace-route' || kind === 'replace-transit-gateway-route';
  if (replaces && NO_SUCH_ROUTE.test(error)) return 'create';
  if (kind === 'unassign-ipv6-addresses' && NOT_ASSIGNED.test(error)) return 'create';
  if (kind === 'assign-ipv6-addresses' && ADDRESS_IN_USE.test(error)) return 'replace';
  return ROUTE_EXISTS.test(error) ? 'replace' : undefined;
}

/**
 * Looks that may contradict an answered write before it is written again, and before it is left to others.
 */
const LOOKS_BEFORE_REWRITE = 3;
const LOOKS_BEFORE_YIELD = 4;

/**
 * What to do about a write that was answered, where the look `seen` does not show it: an old answer, or
 * somebody else's write.
 */
export function contradicted(
  step: Step,
  seen: number,
  turn: Turn,
):
  | { readonly kind: 'send' }
  | { readonly kind: 'yield' }
  | { readonly kind: 'look'; readonly at: Instant; readonly step: Step } {
  const mismatches = step.mismatches + 1;
  if (step.attempts + mismatches > LOOKS_BEFORE_YIELD) return { kind: 'yield' };
  if (mismatches >= LOOKS_BEFORE_REWRITE) return { kind: 'send' };
  const at = turn.now + backoffMs(mismatches, turn.random(), 250, 2000);
  return { kind: 'look', at, step: { ...step, mismatches, judged: seen, notBefore: at } };
}

/** Whether packets may go elsewhere by such a write. */
const isRouteWrite = ({ kind }: Call): boolean => ROUTE_WRITES.includes(kind);

const ROUTE_WRITES: readonly Call['kind'][] = [
  'replace-route',
  'create-route',
  'replace-route-table-association',
  'replace-transit-gateway-route',
  'create-transit-gateway-route',
];

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The call in words that name all its ids. */
export function describeCall(call: Call): string {
  switch (call.kind) {
    case 'replace-route':
    case 'create-route':
      return `${call.kind === 'replace-route' ? 'ReplaceRoute' : 'CreateRoute'} ${call.destination} of ${call.table} to ${call.eni ?? call.target}`;
    case 'delete-route':
      return `DeleteRoute ${call.destination} of ${call.table}`;
    case 'replace-route-table-association':
      return `ReplaceRouteTableAssociation of ${call.place} to ${call.table}`;
    case 'detach-network-interface':
      return `DetachNetworkInterface ${call.attachment}${call.force ? ' by force' : ''}`;
    case 'attach-network-interface':
      return `AttachNetworkInterface ${call.eni} to ${call.instance}`;
    case 'dry-run':
      return `a dry run of ${describeCall(call.of)}`;
    case 'stop-instances':
      return `StopInstances ${call.instances.join(', ')} by force`;
    case 'describe-instances':
      return 'DescribeInstances';
    case 'describe-instance-status':
      return 'DescribeInstanceStatus';
    case 'describe-route-tables':
      return 'DescribeRouteTables';
    case 'describe-network-interfaces':
      return 'DescribeNetworkInterfaces';
    case 'describe-subnets':
      return 'DescribeSubnets';
    case 'describe-addresses':
      return 'DescribeAddresses';
    case 'search-transit-gateway-routes':
      return `SearchTransitGatewayRoutes of ${call.table}`;
    case 'replace-transit-gateway-route':
      return `ReplaceTransitGatewayRoute ${call.destination} of ${call.table} to ${call.attachment}`;
    case 'create-transit-gateway-route':
      return `CreateTransitGatewayRoute ${call.destination} of ${call.table} to ${call.attachment}`;
    case 'assign-private-ip-addresses':
      return `AssignPrivateIpAddresses ${call.address} to ${call.eni}`;
    case 'assign-ipv6-addresses':
      return `AssignIpv6Addresses ${call.address} to ${call.eni}`;
    case 'unassign-ipv6-addresses':
      return `UnassignIpv6Addresses ${call.address} of ${call.eni}`;
    case 'associate-address':
      return `AssociateAddress ${call.allocation} to ${[call.eni, call.address].join(' ').trim()}`;
    default:
      return unreachable(call);
  }
}
