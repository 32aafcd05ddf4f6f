/**
 * One cycle of one group: take note of who owns it, carry on the move under way, or decide; then what
 * follows. Every cycle ends in one sentence, which is logged when it changes.
 */

import { earliest, formatMillis, type Instant } from '../base/time.ts';
import { type Config, type Group, lastResortsOf, ownAppliance } from '../config.ts';
import { abandon } from './command.ts';
import { decide } from './decide.ts';
import { advance, begin, writeEnded as moveEnded, type Scene } from './execute.ts';
import type { GroupState } from './group.ts';
import { keepPrepared, prepareEnded } from './keep-prepared.ts';
import { type Observed, want } from './observe.ts';
import { pauseOf } from './orders.ts';
import { advanceGuest, checkWatch, noteOwner, receive } from './ownership.ts';
import type { Decision } from './situation.ts';
import type { Need } from './step.ts';
import type { Purpose, Turn } from './turn.ts';
import { type GroupView, isInTransition } from './view.ts';
import { lookAtClaim } from './word.ts';

/** How soon a group in transition is looked at again while somebody else is at work on it. */
const TRANSITION_MS = 500;

export interface Cycle {
  readonly state: GroupState;
  readonly observed: Observed;
  readonly wakeAt?: Instant;
}

export function runCycle(scene: Scene, start: GroupState, observeOnly: boolean, turn: Turn): Cycle {
  const { config, group, view, verdicts, gate } = scene;
  const self = ownAppliance(config)?.name;
  const needs: Need[] = [];
  const keep = (part: { readonly state: GroupState; readonly need: Need }): GroupState => {
    needs.push(part.need);
    return part.state;
  };
  needs.push(lookAtClaim(scene.setting.claims, view, group.name));
  let state = keep(noteOwner(group, start, view, verdicts, self, turn));
  state = keep(advance(scene, giveUpWaiting(group, state, turn), turn));
  if (state.operation === undefined) {
    const decision = decide({
      ...scene.setting,
      full: scene.full,
      standIns: standInsOf(config, group),
      group,
      state,
      view,
      verdicts,
      ...(self === undefined ? {} : { self }),
      gate,
      staleAfterMs: config.observe.staleAfterMs,
      now: turn.now,
    });
    state = tell(group.name, state, decision, observeOnly, turn);
    if (decision.kind === 'move' && !observeOnly)
      state = keep(advance(scene, begin(group, state, decision, turn), turn));
    else needs.push(needOf(decision, view, turn));
  }
  state = receive(group, state, self, turn);
  const rests = observeOnly || pauseOf(scene.setting.orders, group.name) !== undefined;
  state = keep(keepPrepared(scene, state, rests, turn));
  state = keep(advanceGuest(group, ownAppliance(config), state, scene.observed, turn));
  state = keep(checkWatch(group, state, view, turn));
  const wakeAt = needs.map((need) => need.wakeAt).reduce<Instant | undefined>(earliest, undefined);
  const observed = needs.reduce(
    (seen, { look }) => (look === undefined ? seen : want(seen, view.sources, look.after, look.at)),
    scene.observed,
  );
  return { state, observed, ...(wakeAt === undefined ? {} : { wakeAt }) };
}

/** The appliances that the last resort of a group leads to. */
function standInsOf({ appliances }: Config, { resources }: Group): readonly string[] {
  const ends = lastResortsOf(resources);
  if (ends.length === 0) return [];
  return appliances
    .filter(({ eni, attachment }) => ends.includes(eni) || ends.includes(attachment ?? ''))
    .map(({ name }) => name);
}

/** Takes in the outcome of a write. */
export const writeEnded = (purpose: Purpose, ...rest: Parameters<typeof moveEnded>): GroupState =>
  purpose.kind === 'prepare' ? prepareEnded(...rest) : moveEnded(...rest);

/** Terms that a planned move waits for its lease. */
const WAIT_TERMS = 3;

/** The state without a planned move that has waited for the lease too long. */
function giveUpWaiting({ lease }: Group, state: GroupState, turn: Turn): GroupState {
  const { switchover, operation } = state;
  if (lease === undefined || switchover === undefined || operation !== undefined) return state;
  const waits = turn.now - switchover.at > WAIT_TERMS * lease.termMs;
  return waits
    ? abandon(state, `the lease has not come within ${formatMillis(WAIT_TERMS * lease.termMs)}`, turn)
    : state;
}

/** Logs the decision where it is a new one, and keeps it for the status. */
function tell(
  group: string,
  state: GroupState,
  decision: Decision,
  observeOnly: boolean,
  turn: Turn,
): GroupState {
  const would = observeOnly && decision.kind === 'move';
  const key = would ? `would ${decision.key}` : decision.key;
  const text = would ? `Would move (observing only): ${decision.text}` : decision.text;
  if (state.decision.key !== key) {
    const level = decision.kind === 'move' || decision.alarm ? 'warn' : 'info';
    const to = decision.kind === 'move' ? { to: decision.to, cause: decision.cause } : {};
    turn.log(level, 'decision', text, { group, decision: key, ...to });
    return { ...state, decision: { key, text, at: turn.now } };
  }
  return state.decision.text === text ? state : { ...state, decision: { ...state.decision, text } };
}

function needOf(decision: Decision, view: GroupView, turn: Turn): Need {
  const { owner, seen } = view;
  const wakeAt = decision.kind === 'hold' && decision.wakeAt !== undefined ? { wakeAt: decision.wakeAt } : {};
  if (decision.kind === 'hold' && decision.look) return { ...wakeAt, look: { after: seen, at: turn.now } };
  return isInTransition(owner) ? { ...wakeAt, look: { after: seen, at: turn.now + TRANSITION_MS } } : wakeAt;
}
