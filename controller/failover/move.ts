/**
 * Moves the parts of a group, stage by stage: every write of a stage at once, the first in the same step as
 * the decision; then a look at EC2 that was sent after the last answer, and with it the next stage. A part
 * that is not with the target then is looked at again, written again, and in the end left to whoever keeps
 * moving it back: EC2 has no compare-and-set.
 */
import { earliest, type Instant } from '../base/time.ts';
import type { Appliance } from '../config.ts';
import type { Operation, Step } from './group.ts';
import { advanceEni } from './move-eni.ts';
import { isWith, LAST_RESORT, type Part, STAGES } from './part.ts';
import { partsToMove } from './plan.ts';
import { type Advance, contradicted, type Fate, type Fated, type Need, send, withStep } from './step.ts';
import { noteHalves, roomAt, setsOf, together } from './symmetric.ts';
import type { Turn } from './turn.ts';
import type { GroupView } from './view.ts';
import { writeOf } from './write.ts';

export interface Errand {
  readonly group: string;
  readonly target: Appliance;
  /** The instance of the target, where it is known. */
  readonly instance?: string;
  readonly view: GroupView;
}

/** Carries an operation as far as it goes now. */
export function advanceParts(start: Operation, errand: Errand, turn: Turn): Advance {
  const parts = together(partsToMove(start, errand.view));
  const sets = setsOf(parts);
  const rooms = new Map<string, Instant>();
  let operation = start;
  let open: number = STAGES.length;
  const fates = parts.map((part): Fate => {
    const stage = STAGES.indexOf(part.stage);
    const { symmetric } = part;
    if (symmetric !== undefined && !rooms.has(symmetric))
      rooms.set(symmetric, roomAt(sets.get(symmetric) ?? [], operation, errand.target, turn));
    const from = symmetric === undefined ? turn.now : (rooms.get(symmetric) ?? turn.now);
    const fated = advancePart(operation, part, errand, { isOpen: stage <= open, from }, turn);
    operation = fated.operation;
    if (fated.fate.kind !== 'done') open = Math.min(open, stage);
    return fated.fate;
  });
  operation = noteHalves(operation, parts, errand.view.seen, turn.now);
  const isBusy = fates.some(({ kind }) => kind === 'busy');
  const [bad] = fates.flatMap((fate) => (fate.kind === 'failed' || fate.kind === 'yielded' ? [fate] : []));
  if (bad !== undefined && !isBusy)
    return { operation, need: {}, ended: { result: bad.kind, detail: bad.detail } };
  if (fates.some(({ kind }) => kind !== 'done')) return { operation, need: needOf(fates, isBusy) };
  const isPlain = parts.every(isPath);
  return {
    operation: isPlain ? operation : { effectiveAt: turn.now, ...operation },
    need: {},
    ended: { result: 'done', detail: detailOf(parts, errand) },
  };
}

/** What all of it waits for; nothing is looked at before the last answer is there. */
function needOf(fates: readonly Fate[], isBusy: boolean): Need {
  let wakeAt: Instant | undefined;
  let look: Need['look'];
  for (const fate of fates) {
    if (fate.kind === 'wait') wakeAt = earliest(wakeAt, fate.at);
    if (fate.kind !== 'look') continue;
    look = { after: Math.max(fate.after, look?.after ?? -1), at: Math.max(fate.at, look?.at ?? fate.at) };
    wakeAt = earliest(wakeAt, fate.wakeAt);
  }
  return {
    ...(wakeAt === undefined ? {} : { wakeAt }),
    ...(look === undefined || isBusy ? {} : { look }),
  };
}

/** Whether packets may go by it from its write on. */
const isPath = ({ stage }: Part): boolean => stage === 'paths' || stage === 'return-paths';

function detailOf(parts: readonly Part[], { target, instance }: Errand): string {
  if (target.name === LAST_RESORT) return 'every route leads to its last resort';
  if (parts.every(isPath)) return `every route leads to ${target.eni}`;
  const kinds = new Set(parts.map(({ thing }) => thing.kind));
  const [first] = parts;
  if (kinds.size > 1 || first === undefined) return `all of it is with ${target.name}`;
  if (first.thing.kind !== 'eni') return `${target.name} has ${parts.map(({ key }) => key).join(' and ')}`;
  return `${parts.map(({ key }) => key).join(' and ')} ${parts.length > 1 ? 'are' : 'is'} attached to ${instance}`;
}

/** Whether the stages before are complete, so that a part may be written, and from when on. */
interface Leave {
  readonly isOpen: boolean;
  readonly from: Instant;
}

function advancePart(
  operation: Operation,
  part: Part,
  errand: Errand,
  { isOpen, from }: Leave,
  turn: Turn,
): Fated {
  if (part.thing.kind === 'eni') {
    const { instance, group, target, view } = errand;
    return advanceEni({ operation, part, thing: part.thing, instance, group, target, view }, turn);
  }
  const { step, fate } = fateOf(operation, part, errand, turn);
  const judged = step === undefined ? operation : withStep(operation, part.key, step);
  if (fate.kind !== 'send') return { operation: judged, fate };
  if (!isOpen) return { operation: judged, fate: { kind: 'blocked' } };
  if (from > turn.now) return { operation: judged, fate: { kind: 'wait', at: from } };
  const call = writeOf(part.thing, part.exists, operation.steps[part.key], errand.target);
  const sent = send(judged, errand.group, part.key, call, turn);
  const next: Fate = sent.wakeAt === undefined ? { kind: 'busy' } : { kind: 'wait', at: sent.wakeAt };
  return { operation: sent.operation, fate: next };
}

/** `step` where a look has been judged. */
function fateOf(
  { steps }: Operation,
  part: Part,
  { target, view }: Errand,
  turn: Turn,
): { readonly fate: Fate; readonly step?: Step } {
  const step = steps[part.key];
  const after = step?.endedAfter ?? -1;
  const there = isWith(part, target.name);
  if (step === undefined) return { fate: { kind: there ? 'done' : 'send' } };
  const again: Fate = step.notBefore > turn.now ? { kind: 'wait', at: step.notBefore } : { kind: 'send' };
  switch (step.state) {
    case 'sent':
      return { fate: { kind: 'busy' } };
    case 'failed':
      return { fate: { kind: 'failed', detail: `${part.key}: ${step.error}` } };
    case 'halfway':
    case 'refused':
      // An association has a new id each time that it changes.
      if (part.thing.kind === 'association' && view.seen <= after)
        return { fate: { kind: 'look', after, at: turn.now } };
      return { fate: again };
    default:
  }
  if (view.seen <= after) return { fate: { kind: 'look', after, at: turn.now } };
  if (there) return { fate: { kind: 'done' } };
  if (step.state === 'unknown') return { fate: again };
  if (step.judged === view.seen) return { fate: { kind: 'look', after: view.seen, at: step.notBefore } };
  const next = contradicted(step, view.seen, turn);
  if (next.kind === 'look') return { fate: { kind: 'look', after: view.seen, at: next.at }, step: next.step };
  if (next.kind === 'send') return { fate: next };
  const detail = `somebody else leads ${part.key} to ${part.shown || 'nothing'}, again and again`;
  return { fate: { kind: 'yielded', detail } };
}
