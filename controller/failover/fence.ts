/**
 * Takes a dead owner out of use before its group is moved: its instance is stopped, or the ENI that traffic
 * reaches it by is detached. What counts is what EC2 shows afterwards. Until it does, nothing is moved:
 * whoever asks for a fence wants no two owners, and rather none.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import { type Appliance, type Config, type Fence, type Group, ownAppliance, sameRealm } from '../config.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import type { Fencing, Operation } from './group.ts';
import type { Observed } from './observe.ts';
import { runHook } from './ownership.ts';
import { instanceOf } from './parts.ts';
import { type Advance, send } from './step.ts';
import type { Turn } from './turn.ts';

/** The step of an operation that its fence is. */
export const FENCE = 'fence';
const LOOK_MS = 1000;

export interface FenceScene {
  readonly config: Config;
  readonly group: Group;
  readonly observed: Observed;
}

/** Whom a fence is for, as far as it is known. */
interface Target {
  readonly fence: Fence;
  readonly owner: Appliance;
  readonly instance: string | undefined;
}

/** The target of the operation's fence that is still to be done; absent where there is nothing to do. */
function targetOf({ config, group, observed }: FenceScene, operation: Operation): Target | undefined {
  const { fence } = group;
  const owner = config.appliances.find(({ name }) => name === operation.from);
  if (fence === undefined || owner === undefined || operation.cause !== 'takeover') return undefined;
  // Who is dead and goes to the last resort need not be kept from itself.
  if (operation.fencing?.doneAt !== undefined || owner.name === ownAppliance(config)?.name) return undefined;
  return { fence, owner, instance: instanceOf(owner, observed) };
}

/** Carries the fence on as far as it goes now; absent where the group may be moved. */
export function advanceFence(scene: FenceScene, start: Operation, turn: Turn): Advance | undefined {
  const target = targetOf(scene, start);
  if (target === undefined) return undefined;
  const began = start.fencing ?? { since: turn.now, lookAt: turn.now };
  const told = tellLate(scene.group, { ...start, fencing: began }, target, turn);
  const step = told.steps[FENCE];
  if (step?.state === 'sent') return { operation: told, need: {} };
  if (step?.state === 'failed') return fail(told, target, step.error ?? 'it was refused');
  const call = dueCall(scene, told, target, turn.now);
  if (typeof call === 'string') return fail(told, target, call);
  if (call !== undefined) {
    const sent = send(told, scene.group.name, FENCE, call, turn);
    if (sent.wakeAt !== undefined) return { operation: sent.operation, need: { wakeAt: sent.wakeAt } };
    return { operation: sent.operation, need: {} };
  }
  return look(scene, told, target, turn);
}

const fail = (operation: Operation, { owner, fence }: Target, why: string): Advance => ({
  operation,
  need: {},
  ended: { result: 'failed', detail: `${owner.name} cannot be fenced (${fence.kind}): ${why}` },
});

/** The write that is due; a sentence where there can be none. */
function dueCall(
  { observed }: FenceScene,
  { steps, fencing }: Operation,
  { fence, owner, instance }: Target,
  now: Instant,
): Call | string | undefined {
  const step = steps[FENCE];
  const isUnderWay =
    step?.state === 'ok' || (fencing?.found?.kind === 'instance' && fencing.found.state === 'stopping');
  const again = step === undefined ? now : isUnderWay ? step.sentAt + fence.timeoutMs : step.notBefore;
  if (now < again) return undefined;
  if (fence.kind === 'stop-instance') {
    // An instance that is gone has taken its primary ENI with it.
    return instance === undefined
      ? undefined
      : { kind: 'stop-instances', instances: [instance], ...sameRealm(owner) };
  }
  const attachment =
    fencing?.found?.kind === 'eni' ? fencing.found.attachment : observed.enis[owner.eni]?.attachment;
  if (attachment === undefined) return undefined;
  if (attachment.deviceIndex === 0)
    return `${owner.eni} is the primary ENI of ${attachment.instance}, which cannot be detached; choose fence: stop-instance or none`;
  return { kind: 'detach-network-interface', attachment: attachment.id, force: true, ...sameRealm(owner) };
}

/** Looks what has become of it, again and again. */
function look({ group }: FenceScene, operation: Operation, target: Target, turn: Turn): Advance {
  const fencing = operation.fencing ?? { since: turn.now, lookAt: turn.now };
  const { owner, instance, fence } = target;
  if (fencing.looking !== undefined) return { operation, need: {} };
  if (turn.now < fencing.lookAt) return { operation, need: { wakeAt: fencing.lookAt } };
  const call: Call =
    fence.kind === 'stop-instance' && instance !== undefined
      ? { kind: 'describe-instances', instances: [instance], ...sameRealm(owner) }
      : { kind: 'describe-network-interfaces', enis: [owner.eni], ...sameRealm(owner) };
  const sent = turn.call(call, { kind: 'fence', group: group.name });
  if ('at' in sent) return { operation, need: { wakeAt: sent.at } };
  const looking = { ...fencing, looking: sent.request, lookAt: turn.now + LOOK_MS };
  return { operation: { ...operation, fencing: looking }, need: {} };
}

/** Tells people, once, that it takes too long; the fence goes on. */
function tellLate(group: Group, operation: Operation, { fence, owner }: Target, turn: Turn): Operation {
  const { fencing } = operation;
  if (fencing === undefined || fencing.late || turn.now < fencing.since + fence.timeoutMs) return operation;
  const shown = fencing.found?.kind === 'instance' ? ` (its instance is ${fencing.found.state})` : '';
  const detail = `${owner.name} is not fenced after ${formatMillis(fence.timeoutMs)}${shown}`;
  const text = `${group.name} is not moved to ${operation.to}: ${detail}. Goes on trying; fence: none and a reload move it without.`;
  turn.log('error', 'alarm', text, { group: group.name });
  runHook(group, 'on-fail', detail, turn);
  return { ...operation, fencing: { ...fencing, late: true } };
}

/** Takes in what a look has shown. */
export function fenceLooked(operation: Operation, request: number, outcome: Outcome, turn: Turn): Operation {
  const { fencing } = operation;
  if (fencing?.looking !== request) return operation;
  const { looking: _, ...rest } = fencing;
  if (outcome.kind !== 'ok') return { ...operation, fencing: rest };
  const found = foundIn(outcome.value);
  if (found === undefined) return { ...operation, fencing: rest };
  const step = operation.steps[FENCE];
  // What was seen before the write ended says nothing of what the write did.
  const isNew = step === undefined || request > (step.endedAfter ?? Number.POSITIVE_INFINITY);
  if (!isNew || !isOut(found)) return { ...operation, fencing: { ...rest, found } };
  const { [FENCE]: __, ...steps } = operation.steps;
  const ms = Math.round(turn.now - fencing.since);
  const what = found.kind === 'instance' ? `its instance is ${found.state}` : 'its ENI is detached';
  const name = operation.from ?? '';
  turn.log('info', 'fenced', `${name} is fenced after ${formatMillis(ms)}: ${what}.`, {
    appliance: name,
    ms,
  });
  return { ...operation, steps, fencing: { ...rest, found, doneAt: turn.now } };
}

type Found = NonNullable<Fencing['found']>;

function foundIn(value: Extract<Outcome, { kind: 'ok' }>['value']): Found | undefined {
  if (value.kind === 'instances') return { kind: 'instance', state: value.instances[0]?.state ?? 'gone' };
  if (value.kind !== 'network-interfaces') return undefined;
  const attachment = value.enis[0]?.attachment;
  return { kind: 'eni', ...(attachment === undefined ? {} : { attachment }) };
}

/** Whether what was seen can carry no traffic any more. */
const isOut = (found: Found): boolean =>
  found.kind === 'instance'
    ? ['stopped', 'terminated', 'gone'].includes(found.state)
    : found.attachment === undefined || found.attachment.status === 'detached';
