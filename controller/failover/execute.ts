/** Starts, carries on and ends the moves of a group, and answers those who asked for them. */
import { formatMillis, type Instant } from '../base/time.ts';
import type { Config, Group } from '../config.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import type { Verdict } from '../health/verdict.ts';
import { advanceFence } from './fence.ts';
import { type GroupState, type Move, type Operation, recentMoves, without } from './group.ts';
import type { Gate } from './leases.ts';
import { advanceParts } from './move.ts';
import type { Observed } from './observe.ts';
import { beginWatch, runHook } from './ownership.ts';
import { LAST_RESORT, lastResort } from './part.ts';
import { instanceOf } from './parts.ts';
import type { Decision, Setting } from './situation.ts';
import { type Advance, type Ended, ended, type Need } from './step.ts';
import { asymmetricMs, isHalfMoved } from './symmetric.ts';
import type { Turn } from './turn.ts';
import type { GroupView } from './view.ts';

/** After a refusal for good, or after yielding, nothing is tried for this long. */
const FAILED_HOLD_MS = 30_000;
const YIELDED_HOLD_MS = 5_000;
/** Tries of one write after which people are told. */
const ALARM_TRIES = 5;
const HISTORY = 10;

export interface Scene {
  readonly config: Config;
  readonly group: Group;
  readonly view: GroupView;
  readonly observed: Observed;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** Whether the group may be written to. */
  readonly gate: Gate;
  readonly setting: Setting;
  /** The appliances that can carry no other group. */
  readonly full: readonly string[];
}

/** The state with the operation that the decision asks for; its first writes are sent by `advance`. */
export function begin(
  group: Group,
  state: GroupState,
  decision: Extract<Decision, { kind: 'move' }>,
  turn: Turn,
): GroupState {
  const { to, from, cause, text } = decision;
  const operation: Operation = {
    to,
    ...(from === undefined ? {} : { from }),
    cause,
    reason: text,
    startedAt: turn.now,
    ...(state.switchover === undefined ? {} : { command: state.switchover.command }),
    steps: {},
  };
  const moves = [...recentMoves(state.moves, group.damping.withinMs, turn.now), turn.now];
  return { ...without(state, 'holdUntil', 'holdReason'), operation, moves };
}

/** Carries the operation on as far as it goes now. */
export function advance(scene: Scene, state: GroupState, turn: Turn): { state: GroupState; need: Need } {
  const { operation } = state;
  if (operation === undefined) return { state, need: {} };
  const vain = whyInVain(scene, operation);
  if (vain !== undefined) {
    // What has been sent is waited for; nothing follows it.
    const isBusy = Object.values(operation.steps).some((step) => step.state === 'sent');
    if (isBusy) return { state, need: {} };
    return { state: end(scene, state, operation, { result: 'cancelled', detail: vain }, turn), need: {} };
  }
  const { operation: next, need, ended: result } = advanceTo(scene, operation, turn);
  const back = result === undefined ? undefined : putBack(scene, next, result, turn);
  if (back !== undefined) return advance(scene, { ...state, operation: back }, turn);
  const { effectiveAt, watched } = next;
  const begins = effectiveAt !== undefined && !watched;
  const seen = begins ? beginWatch(scene.config, scene.group, state, next.to, effectiveAt, turn) : state;
  if (result !== undefined) return { state: end(scene, seen, next, result, turn), need: {} };
  const going: Operation = begins ? { ...next, watched: true } : next;
  return { state: { ...seen, operation: alarm(scene.group, going, turn) }, need };
}

function advanceTo(scene: Scene, operation: Operation, turn: Turn): Advance {
  const { config, group, view, observed } = scene;
  const target =
    operation.to === LAST_RESORT ? lastResort : config.appliances.find(({ name }) => name === operation.to);
  if (target === undefined)
    return {
      operation,
      need: {},
      ended: { result: 'cancelled', detail: `${operation.to} is not configured any more` },
    };
  const { after = Number.NEGATIVE_INFINITY } = operation.back ?? {};
  if (view.seen <= after) return { operation, need: { look: { after, at: turn.now } } };
  const fenced = advanceFence(scene, operation, turn);
  if (fenced !== undefined) return fenced;
  const instance = instanceOf(target, observed);
  const errand = { group: group.name, target, view, ...(instance === undefined ? {} : { instance }) };
  return advanceParts(operation, errand, turn);
}

/**
 * The move back of one that failed and left a symmetric set half moved; absent where the former owner cannot
 * have it, for then the next try finishes it.
 */
function putBack(
  { group, verdicts }: Scene,
  operation: Operation,
  { result, detail }: Ended,
  turn: Turn,
): Operation | undefined {
  const { from, to, back, startedAt, command, cause, reason, halves } = operation;
  if (result !== 'failed' || back !== undefined || from === undefined || !isHalfMoved(operation))
    return undefined;
  if (verdicts[from]?.kind !== 'healthy') return undefined;
  const text = `Puts ${group.name} back from ${to} to ${from}: only some of a symmetric set was moved (${detail}).`;
  turn.log('warn', 'decision', text, { group: group.name, to: from });
  return {
    to: from,
    from: to,
    cause,
    reason,
    startedAt,
    ...(command === undefined ? {} : { command }),
    ...(halves === undefined ? {} : { halves }),
    steps: {},
    back: { to, why: detail, after: turn.lastRequest() },
  };
}

/** How a move has ended, of which one that was put back has failed. */
function outcomeOf({ back, from = 'nobody', to }: Operation, { result, detail }: Ended) {
  if (back === undefined) return { result, detail, from, to };
  const how = result === 'done' ? `put back to ${to}` : `could not be put back to ${to}: ${detail}`;
  return { result: 'failed', detail: `${back.why}; ${how}`, from: to, to: back.to } as const;
}

/**
 * A reason to stop: the lease is gone; the target has died; or nothing has been written yet, and the owner
 * lives after all.
 */
function whyInVain(
  { verdicts, gate, group }: Scene,
  { to, from, cause, steps }: Operation,
): string | undefined {
  if (gate.kind === 'shut') return gate.reason;
  if (verdicts[to]?.kind === 'dead') return `${to} has died meanwhile (${verdicts[to].reason})`;
  // A member that is fit again is better than a last resort, also where a write may have been applied.
  const written = Object.values(steps).some(
    ({ state }) => state === 'ok' || state === 'halfway' || (state === 'unknown' && to !== LAST_RESORT),
  );
  if (written || Object.keys(steps).length === 0) return undefined;
  const others =
    to === LAST_RESORT ? group.members : cause === 'takeover' && from !== undefined ? [from] : [];
  const alive = others.find((member) => verdicts[member]?.kind === 'healthy');
  return alive === undefined ? undefined : `${alive} is healthy after all`;
}

/** Tells people, once, that writes are refused or unanswered again and again; the operation goes on. */
function alarm(group: Group, operation: Operation, turn: Turn): Operation {
  if (operation.alarmed) return operation;
  const worst = Object.entries(operation.steps).find(
    ([, step]) => step.attempts >= ALARM_TRIES && step.state !== 'ok',
  );
  if (worst === undefined) return operation;
  const detail = `${worst[0]} failed ${worst[1].attempts} times (${worst[1].error ?? 'no answer'})`;
  turn.log('error', 'trouble', `Moving ${group.name} to ${operation.to}: ${detail}; goes on trying.`, {
    group: group.name,
  });
  runHook(group, 'on-fail', detail, turn);
  return { ...operation, alarmed: true };
}

function end(scene: Scene, state: GroupState, operation: Operation, how: Ended, turn: Turn): GroupState {
  const { group } = scene;
  const { result, detail, from, to } = outcomeOf(operation, how);
  const tookMs = Math.round((turn.now - operation.startedAt) * 10) / 10;
  const { doneAt, since } = operation.fencing ?? {};
  const fencedMs = doneAt === undefined || since === undefined ? undefined : Math.round(doneAt - since);
  const fenced = fencedMs === undefined ? '' : `, ${formatMillis(fencedMs)} of it for the fence`;
  const halfMs = asymmetricMs(operation, turn.now);
  const half = halfMs === undefined ? '' : `, a symmetric set half moved for ${formatMillis(halfMs)} of it`;
  const move: Move = {
    at: operation.startedAt,
    from,
    to,
    cause: operation.cause,
    tookMs,
    ...(fencedMs === undefined ? {} : { fencedMs }),
    ...(halfMs === undefined ? {} : { asymmetricMs: halfMs }),
    result,
    detail,
  };
  const done = result === 'done';
  const words = done
    ? `Moved ${group.name} from ${from} to ${to} in ${formatMillis(tookMs)}${fenced}${half}`
    : `Did not move ${group.name} to ${to}`;
  const level = done ? 'info' : result === 'failed' ? 'error' : 'warn';
  turn.log(level, 'moved', `${words}: ${detail}.`, {
    group: group.name,
    to,
    result,
    ms: tookMs,
    ...(halfMs === undefined ? {} : { asymmetricMs: halfMs }),
  });
  if (result === 'failed') runHook(group, 'on-fail', detail, turn);
  if (operation.command !== undefined) {
    const body = { group: group.name, ...move, message: `${words}: ${detail}.` };
    turn.emit({ kind: 'reply', id: operation.command, ok: done, body });
  }
  const holdMs = result === 'failed' ? FAILED_HOLD_MS : result === 'yielded' ? YIELDED_HOLD_MS : 0;
  const held = holdMs === 0 ? {} : { holdUntil: turn.now + holdMs, holdReason: detail };
  const history = [...state.history, move].slice(-HISTORY);
  const rest = done
    ? without(state, 'operation', 'switchover')
    : without(state, 'operation', 'switchover', 'watch');
  const moves = isVoid(operation, result)
    ? state.moves.filter((at) => at !== operation.startedAt)
    : state.moves;
  return { ...rest, ...held, history, moves };
}

/** Whether EC2 has refused all of a move: damping does not count it. */
const isVoid = ({ steps, fencing }: Operation, result: Move['result']): boolean =>
  result === 'failed' &&
  fencing === undefined &&
  Object.values(steps).every(({ state }) => state === 'failed' || state === 'refused');

/**
 * Takes in the outcome of one of the operation's writes; those of operations that have ended are only told.
 */
export function writeEnded(
  group: string,
  state: GroupState,
  sent: { readonly step: string; readonly call: Call; readonly sentAt: Instant },
  outcome: Outcome,
  turn: Turn,
): GroupState {
  const { operation } = state;
  const step = operation?.steps[sent.step];
  if (operation === undefined || step?.state !== 'sent' || step.sentAt !== sent.sentAt) {
    turn.log('info', 'outcome', `A write of an earlier move of ${group} ended ${outcome.kind}.`, { group });
    return state;
  }
  return { ...state, operation: ended(operation, group, sent.step, sent.call, outcome, turn) };
}
