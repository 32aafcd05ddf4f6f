/**
 * A planned move that an operator asks for: accepted into the group's state, or refused with what to do
 * instead.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import { type Config, ownAppliance } from '../config.ts';
import type { Orders } from '../event.ts';
import type { Verdict } from '../health/verdict.ts';
import { type GroupState, without } from './group.ts';
import type { Turn } from './turn.ts';
import type { GroupView } from './view.ts';

export type Answer =
  | { readonly kind: 'accepted'; readonly state: GroupState }
  | { readonly kind: 'done' | 'refused'; readonly message: string };

const refused = (message: string): Answer => ({ kind: 'refused', message });

export interface Request {
  readonly id: number;
  readonly group: string;
  readonly to: string;
  readonly at: Instant;
  /** How long the group is to stay there. */
  readonly forMs?: number | undefined;
}

/** Whom it is asked of. */
export interface Asked {
  readonly config: Config;
  readonly observeOnly: boolean;
  readonly orders: Orders;
}

/** What becomes of the request; an accepted one is answered when the move has ended. */
export function switchover(
  request: Request,
  { config, observeOnly, orders }: Asked,
  state: GroupState | undefined,
  view: GroupView | undefined,
  verdict: Verdict | undefined,
): Answer {
  const { group: name, to } = request;
  const group = config.groups.find((one) => one.name === name);
  if (group === undefined || state === undefined || view === undefined) {
    return refused(
      `There is no group '${name}'; the groups are ${config.groups.map((one) => one.name).join(', ')}.`,
    );
  }
  if (!group.members.includes(to)) {
    return refused(`'${to}' is not a member of ${name}; the members are ${group.members.join(', ')}.`);
  }
  const self = ownAppliance(config)?.name;
  if (orders.drained[to] !== undefined) {
    return refused(`${to} is drained; run byoa undrain ${to} first.`);
  }
  if (orders.paused[name] !== undefined || orders.pausedAll !== undefined) {
    return refused(`${name} is paused; run byoa resume first.`);
  }
  const held =
    request.forMs === undefined ? '' : ` It stays there for ${formatMillis(request.forMs)} while healthy.`;
  if (self !== undefined && self !== to) {
    // The daemon that would take it back has to know as well.
    if (request.forMs !== undefined)
      return {
        kind: 'done',
        message: `This daemon leaves ${name} with ${to} for ${formatMillis(request.forMs)}; it is moved there by the daemon on ${to}.`,
      };
    return refused(
      `This daemon runs on ${self} and moves groups to ${self} only; run byoa switchover ${name} --to ${to} on ${to}.`,
    );
  }
  if (observeOnly)
    return refused('This daemon only observes; run it without --observe to let it move groups.');
  if (state.operation !== undefined) {
    return refused(
      `${name} is being moved to ${state.operation.to} already (${state.operation.cause}); try again when that has ended.`,
    );
  }
  const { owner } = view;
  if (owner.kind === 'member' && owner.member === to && owner.phase === 'settled') {
    return { kind: 'done', message: `${to} owns ${name} already.${held}` };
  }
  if (verdict?.kind !== 'healthy') {
    const why = verdict === undefined ? 'it is not probed' : `it is ${verdict.kind} (${verdict.reason})`;
    return refused(`${to} is not fit to take ${name}: ${why}; make it healthy first.`);
  }
  return { kind: 'accepted', state: { ...state, switchover: { command: request.id, to, at: request.at } } };
}

/** The state without its move under way; whoever asked for that is told. */
export function abandon(state: GroupState, why: string, turn: Turn): GroupState {
  const id = state.operation?.command ?? state.switchover?.command;
  if (id !== undefined)
    turn.emit({ kind: 'reply', id, ok: false, body: { message: `The move was abandoned: ${why}.` } });
  return without(state, 'operation', 'switchover', 'watch');
}
