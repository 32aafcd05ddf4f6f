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

/** EC2's ways to say that ReplaceRoute found no route, and CreateRoute found one. */
const NO_SUCH_ROUTE = /no route defined|InvalidRoute\.NotFound/i;
const ROUTE_EXISTS = /RouteAlreadyExists/;

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
  const base = { ...before, endedAfter: turn.lastRequest() };
  const ms = Math.round((turn.now - before.sentAt) * 10) / 10;
  const told = (level: 'info' | 'warn', what: string): void =>
    turn.log(level, 'outcome', `${capital(describeCall(call))} ${what} after ${ms} ms.`, {
      group,
      step: key,
      ms,
      outcome: outcome.kind,
    });
  const retryAt = turn.now + backoffMs(before.attempts, turn.random());
  switch (outcome.kind) {
    case 'ok': {
      told('info', 'was answered');
      const next = withStep(operation, key, { ...base, state: 'ok' });
      const effective = isRouteWrite(call) && operation.effectiveAt === undefined;
      return effective ? { ...next, effectiveAt: turn.now } : next;
    }
    case 'unknown':
      told('warn', `has an unknown outcome (${outcome.reason})`);
      return withStep(operation, key, {
        ...base,
        state: 'unknown',
        notBefore: retryAt,
        error: outcome.reason,
      });
    case 'rejected': {
      const error = `${outcome.code}: ${outcome.message}`;
      told('warn', `was refused (${error})`);
      const instead =
        call.kind === 'replace-route' && NO_SUCH_ROUTE.test(error)
          ? 'create'
          : ROUTE_EXISTS.test(error)
            ? 'replace'
            : undefined;
      if (instead !== undefined && before.attempts < 4) {
        return withStep(operation, key, { ...base, state: 'refused', notBefore: turn.now, error, instead });
      }
      return withStep(operation, key, {
        ...base,
        state: outcome.retry ? 'refused' : 'failed',
        notBefore: retryAt,
        error,
      });
    }
    default:
      return unreachable(outcome);
  }
}

const isRouteWrite = ({ kind }: Call): boolean => kind === 'replace-route' || kind === 'create-route';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The call in words that name all its ids. */
export function describeCall(call: Call): string {
  switch (call.kind) {
    case 'replace-route':
    case 'create-route':
      return `${call.kind === 'replace-route' ? 'ReplaceRoute' : 'CreateRoute'} ${call.destination} of ${call.table} to ${call.eni}`;
    case 'detach-network-interface':
      return `DetachNetworkInterface ${call.attachment}${call.force ? ' by force' : ''}`;
    case 'attach-network-interface':
      return `AttachNetworkInterface ${call.eni} to ${call.instance}`;
    case 'describe-route-tables':
      return 'DescribeRouteTables';
    case 'describe-network-interfaces':
      return 'DescribeNetworkInterfaces';
    case 'describe-subnets':
      return 'DescribeSubnets';
    default:
      return unreachable(call);
  }
}
