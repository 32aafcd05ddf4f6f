/**
 * Keeps prepared tables as they should be: each leads to its member. Only those that nothing uses are
 * written, for a write to any other moves traffic, and that is a decision; by who may write for the group;
 * and with half of the API budget, the other being for moves. A route that somebody leads elsewhere is left
 * alone.
 */
import { earliest, type Instant } from '../base/time.ts';
import { type Group, ownAppliance } from '../config.ts';
import { backoffMs } from '../ec2/budget.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import type { Scene } from './execute.ts';
import { type GroupState, type Step, without } from './group.ts';
import type { Gate } from './leases.ts';
import type { PreparedTable } from './prepared.ts';
import { endedStep, type Need } from './step.ts';
import type { Turn } from './turn.ts';
import type { GroupView } from './view.ts';
import { writeOf } from './write.ts';

const RESERVE = 0.5;
/** After a refusal for good. */
const FAILED_WAIT_MS = 60_000;

type Steps = Readonly<Record<string, Step>>;

/** Sends what is due, as the budget allows, unless it `rests`, and tells what stands in the way. */
export function keepPrepared(
  { config, group, view, gate }: Scene,
  start: GroupState,
  rests: boolean,
  turn: Turn,
): { readonly state: GroupState; readonly need: Need } {
  if (view.prepared.length === 0 || view.observedAt === undefined) return { state: start, need: {} };
  const state = tellFlaw(group, start, view, turn);
  if (rests || state.operation !== undefined) return { state, need: {} };
  const steps: Record<string, Step> = {};
  let wakeAt: Instant | undefined;
  for (const table of ownTables(view, gate, ownAppliance(config)?.name)) {
    const target = config.appliances.find(({ name }) => name === table.member);
    for (const part of table.wrong) {
      const step = state.prepares?.[part.key];
      if (part.thing.kind !== 'route' || target === undefined) continue;
      if (step !== undefined) steps[part.key] = step;
      if (isOpen(step, view.seen)) continue;
      if (step !== undefined && step.notBefore > turn.now) {
        wakeAt = earliest(wakeAt, step.notBefore);
        continue;
      }
      const call = writeOf(part.thing, part.exists, step, target);
      const sent = turn.call(call, { kind: 'prepare', group: group.name, step: part.key }, RESERVE);
      if ('at' in sent) wakeAt = earliest(wakeAt, sent.at);
      else steps[part.key] = sentStep(step, turn.now);
    }
  }
  return { state: withSteps(state, steps), need: wakeAt === undefined ? {} : { wakeAt } };
}

const withSteps = (state: GroupState, steps: Steps): GroupState => {
  if (Object.keys(steps).length > 0) return { ...state, prepares: steps };
  return state.prepares === undefined ? state : without(state, 'prepares');
};

/** The tables that this node keeps: without a lease those for its own appliance, so that nobody else does. */
function ownTables({ prepared }: GroupView, gate: Gate, self: string | undefined): readonly PreparedTable[] {
  if (gate.kind === 'shut') return [];
  const isOwn = ({ member }: PreparedTable): boolean =>
    gate.kind === 'held' || self === undefined || member === self;
  return prepared.flatMap(({ tables }) => tables.filter((table) => !table.inUse && isOwn(table)));
}

/** What was answered, or may have been applied, shows in the next look that was sent after it. */
const isOpen = (step: Step | undefined, seen: number): boolean =>
  step?.state === 'sent' ||
  ((step?.state === 'ok' || step?.state === 'unknown') && seen <= (step.endedAfter ?? -1));

const sentStep = (before: Step | undefined, now: Instant): Step => ({
  state: 'sent',
  attempts: (before?.attempts ?? 0) + 1,
  sentAt: now,
  notBefore: now,
  mismatches: 0,
  judged: -1,
});

/** Takes in the outcome of such a write. */
export function prepareEnded(
  group: string,
  state: GroupState,
  sent: { readonly step: string; readonly call: Call; readonly sentAt: Instant },
  outcome: Outcome,
  turn: Turn,
): GroupState {
  const before = state.prepares?.[sent.step];
  if (before?.state !== 'sent' || before.sentAt !== sent.sentAt) return state;
  const step = endedStep(before, sent.call, outcome, { group, step: sent.step }, turn);
  // Where the route is as before all the same, somebody else is at work there: less and less often.
  const againMs = backoffMs(step.attempts, turn.random(), 1000, FAILED_WAIT_MS);
  const waitMs = step.state === 'failed' ? FAILED_WAIT_MS : step.state === 'ok' ? againMs : 0;
  const notBefore = Math.max(step.notBefore, turn.now + waitMs);
  return { ...state, prepares: { ...state.prepares, [sent.step]: { ...step, notBefore } } };
}

/** Tells, when it changes, why prepared tables cannot be used although nothing is being written to them. */
function tellFlaw(group: Group, state: GroupState, view: GroupView, turn: Turn): GroupState {
  const flaw = view.prepared.find((one) => one.flaw !== undefined)?.flaw;
  if (flaw === state.flaw) return state;
  const fields = { group: group.name };
  if (flaw !== undefined) {
    const text = `${group.name}: ${flaw}; until that is mended, routes are replaced one by one.`;
    turn.log('warn', 'prepared', text, fields);
    return { ...state, flaw };
  }
  turn.log('info', 'prepared', `${group.name}: its prepared tables are in order again.`, fields);
  return without(state, 'flaw');
}
