/**
 * Moves an ENI: detach, by force after a while, wait until it is available, attach, wait until it is
 * attached. Each cycle looks at what EC2 shows and does the one thing that leads on from there, so it makes
 * no difference who did the things before.
 */
import type { Appliance, Group } from '../config.ts';
import type { ObservedEni } from '../ec2/call.ts';
import type { Operation } from './group.ts';
import { type Advance, send } from './step.ts';
import type { Turn } from './turn.ts';
import type { GroupView } from './view.ts';

const FIRST_POLL_MS = 250;
const LONGEST_POLL_MS = 1000;
/** From the first to the longest within half a minute: an ENI takes seconds, and each wait is blackout. */
const POLL_GROWTH = 1.04;
/** A detachment that has been forced is forced again after this. */
const FORCE_AGAIN_MS = 5000;

export interface EniMove {
  readonly operation: Operation;
  readonly group: Group;
  readonly resource: Extract<Group['resource'], { kind: 'eni' }>;
  readonly target: Appliance;
  /** The instance of the target, where it is known. */
  readonly instance?: string;
  readonly view: GroupView;
}

/** Carries an ENI operation as far as it goes now. */
export function advanceEni(move: EniMove, turn: Turn): Advance {
  const { operation, view, instance, resource, target } = move;
  const steps = Object.values(operation.steps);
  if (steps.some(({ state }) => state === 'sent')) return { operation, need: {} };
  const failed = steps.find(({ state }) => state === 'failed');
  if (failed !== undefined) return fail(operation, failed.error ?? 'refused');
  const after = Math.max(-1, ...steps.map(({ endedAfter }) => endedAfter ?? -1));
  if (view.seen <= after) return { operation, need: { look: { after, at: turn.now } } };
  const { eni } = view;
  if (eni === undefined) return fail(operation, `${resource.id} does not exist`);
  if (instance === undefined)
    return fail(operation, `the instance of ${target.name} is not known: ${target.eni} is attached to none`);
  const { attachment } = eni;
  if (attachment === undefined || attachment.status === 'detached') {
    if (eni.status !== 'available') return poll(operation, view, turn);
    const call = {
      kind: 'attach-network-interface',
      eni: eni.id,
      instance,
      deviceIndex: resource.deviceIndex,
    } as const;
    return write(move, 'attach', call, turn);
  }
  if (attachment.instance === instance) {
    if (attachment.status !== 'attached') return poll(operation, view, turn);
    return {
      operation: { ...operation, effectiveAt: turn.now },
      need: {},
      ended: { result: 'done', detail: `${eni.id} is attached to ${instance}` },
    };
  }
  if (isTakenByAnother(operation, view, attachment.id)) {
    return {
      operation,
      need: {},
      ended: { result: 'yielded', detail: `somebody else has attached ${eni.id} to ${attachment.instance}` },
    };
  }
  return detach(move, attachment, turn);
}

/**
 * Whether the ENI has gone to a member other than the one that it is being taken from, or to that one again:
 * a new attachment is somebody's decision, and not the one that this move set out to end.
 */
function isTakenByAnother(
  { from, steps, detaches }: Operation,
  { owner }: GroupView,
  attachment: string,
): boolean {
  if (owner.kind !== 'member' || owner.phase === 'leaving') return false;
  if (detaches !== undefined && detaches !== attachment) return true;
  return steps.attach !== undefined || (from !== undefined && owner.member !== from);
}

function detach(move: EniMove, attachment: NonNullable<ObservedEni['attachment']>, turn: Turn): Advance {
  const { resource, view } = move;
  const { id, status } = attachment;
  const { detachSince = turn.now, detaches = id } = move.operation;
  const operation = { ...move.operation, detachSince, detaches };
  const forceAt = detachSince + resource.forceAfterMs;
  const { detach: normal, force: forced } = operation.steps;
  if (turn.now >= forceAt && (forced === undefined || turn.now >= forced.sentAt + FORCE_AGAIN_MS)) {
    const call = { kind: 'detach-network-interface', attachment: id, force: true } as const;
    return write({ ...move, operation }, 'force', call, turn);
  }
  const repeat = normal === undefined || (normal.state !== 'ok' && turn.now >= normal.notBefore);
  if (status !== 'detaching' && repeat && forced === undefined) {
    const call = { kind: 'detach-network-interface', attachment: id, force: false } as const;
    return write({ ...move, operation }, 'detach', call, turn);
  }
  const advance = poll(operation, view, turn);
  return forced === undefined ? { ...advance, need: { ...advance.need, wakeAt: forceAt } } : advance;
}

function write(move: EniMove, key: string, call: Parameters<typeof send>[3], turn: Turn): Advance {
  const step = move.operation.steps[key];
  if (step !== undefined && turn.now < step.notBefore) {
    return { operation: move.operation, need: { wakeAt: step.notBefore } };
  }
  const { operation, wakeAt } = send(
    { ...move.operation, pollMs: FIRST_POLL_MS },
    move.group.name,
    key,
    call,
    turn,
  );
  return { operation, need: wakeAt === undefined ? {} : { wakeAt } };
}

/** Nothing to do but look again: soon at first, then less often. */
function poll(operation: Operation, { seen }: GroupView, turn: Turn): Advance {
  const pollMs = operation.pollMs ?? FIRST_POLL_MS;
  const look = { after: seen, at: turn.now + pollMs };
  if (operation.looked === seen) return { operation, need: { look } };
  const next = Math.min(LONGEST_POLL_MS, pollMs * POLL_GROWTH);
  return { operation: { ...operation, looked: seen, pollMs: next }, need: { look } };
}

const fail = (operation: Operation, detail: string): Advance => ({
  operation,
  need: {},
  ended: { result: 'failed', detail },
});
