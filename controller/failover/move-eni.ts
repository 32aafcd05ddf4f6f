/**
 * Moves an ENI: detach, by force after a while, wait until it is available, attach, wait until it is
 * attached. Each cycle looks at what EC2 shows and does the one thing that leads on from there, so it makes
 * no difference who did the things before.
 */
import { type Appliance, sameRealm } from '../config.ts';
import type { ObservedEni } from '../ec2/call.ts';
import type { EniProgress, Operation, Step } from './group.ts';
import type { Part, Thing } from './part.ts';
import { type Fated, send } from './step.ts';
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
  readonly group: string;
  readonly part: Part;
  readonly thing: Extract<Thing, { kind: 'eni' }>;
  readonly target: Appliance;
  /** The instance of the target, where it is known. */
  readonly instance: string | undefined;
  readonly view: GroupView;
}

const WRITES = ['detach', 'force', 'attach'] as const;

const keyOf = ({ part }: EniMove, write: (typeof WRITES)[number]): string => `${part.key} ${write}`;
const stepOf = (move: EniMove, write: (typeof WRITES)[number]): Step | undefined =>
  move.operation.steps[keyOf(move, write)];
const progressOf = ({ operation, part }: EniMove): EniProgress => operation.enis?.[part.key] ?? {};

/** Carries an ENI as far as it goes now. */
export function advanceEni(move: EniMove, turn: Turn): Fated {
  const { operation, view, instance, thing, target } = move;
  const { resource, eni } = thing;
  const steps = WRITES.flatMap((write) => stepOf(move, write) ?? []);
  if (steps.some(({ state }) => state === 'sent')) return { operation, fate: { kind: 'busy' } };
  const failed = steps.find(({ state }) => state === 'failed');
  if (failed !== undefined) return fail(operation, failed.error ?? 'refused');
  const after = Math.max(-1, ...steps.map(({ endedAfter }) => endedAfter ?? -1));
  if (view.seen <= after) return { operation, fate: { kind: 'look', after, at: turn.now } };
  if (eni === undefined) return fail(operation, `${resource.id} does not exist`);
  if (instance === undefined)
    return fail(operation, `the instance of ${target.name} is not known: ${target.eni} is attached to none`);
  const { attachment } = eni;
  if (attachment === undefined || attachment.status === 'detached') {
    if (eni.status !== 'available') return poll(move, turn);
    const { deviceIndex } = resource;
    return write(
      move,
      'attach',
      { kind: 'attach-network-interface', eni: eni.id, instance, deviceIndex, ...sameRealm(thing) },
      turn,
    );
  }
  if (attachment.instance === instance)
    return attachment.status === 'attached' ? { operation, fate: { kind: 'done' } } : poll(move, turn);
  if (isTakenByAnother(move, attachment.id)) {
    const detail = `somebody else has attached ${eni.id} to ${attachment.instance}`;
    return { operation, fate: { kind: 'yielded', detail } };
  }
  return detach(move, attachment, turn);
}

/**
 * Whether the ENI has gone to a member other than the one that it is being taken from, or to that one again:
 * a new attachment is somebody's decision, and not the one that this move set out to end.
 */
function isTakenByAnother(move: EniMove, attachment: string): boolean {
  const { held } = move.part;
  if (held.kind !== 'member' || held.phase === 'leaving') return false;
  const { detaches } = progressOf(move);
  if (detaches !== undefined && detaches !== attachment) return true;
  const { from } = move.operation;
  return stepOf(move, 'attach') !== undefined || (from !== undefined && held.member !== from);
}

function detach(start: EniMove, attachment: NonNullable<ObservedEni['attachment']>, turn: Turn): Fated {
  const { resource } = start.thing;
  const { id, status } = attachment;
  const call = { kind: 'detach-network-interface', attachment: id, ...sameRealm(start.thing) } as const;
  const { detachSince = turn.now, detaches = id } = progressOf(start);
  const move = { ...start, operation: withProgress(start, { detachSince, detaches }) };
  const forceAt = detachSince + resource.forceAfterMs;
  const [normal, forced] = [stepOf(move, 'detach'), stepOf(move, 'force')];
  if (turn.now >= forceAt && (forced === undefined || turn.now >= forced.sentAt + FORCE_AGAIN_MS)) {
    return write(move, 'force', { ...call, force: true }, turn);
  }
  const repeat = normal === undefined || (normal.state !== 'ok' && turn.now >= normal.notBefore);
  if (status !== 'detaching' && repeat && forced === undefined) {
    return write(move, 'detach', { ...call, force: false }, turn);
  }
  const { operation, fate } = poll(move, turn);
  return forced === undefined && fate.kind === 'look'
    ? { operation, fate: { ...fate, wakeAt: forceAt } }
    : { operation, fate };
}

const withProgress = (move: EniMove, more: EniProgress): Operation => ({
  ...move.operation,
  enis: { ...move.operation.enis, [move.part.key]: { ...progressOf(move), ...more } },
});

function write(
  move: EniMove,
  what: (typeof WRITES)[number],
  call: Parameters<typeof send>[3],
  turn: Turn,
): Fated {
  const step = stepOf(move, what);
  if (step !== undefined && turn.now < step.notBefore)
    return { operation: move.operation, fate: { kind: 'wait', at: step.notBefore } };
  const start = withProgress(move, { pollMs: FIRST_POLL_MS });
  const { operation, wakeAt } = send(start, move.group, keyOf(move, what), call, turn);
  return { operation, fate: wakeAt === undefined ? { kind: 'busy' } : { kind: 'wait', at: wakeAt } };
}

/** Nothing to do but look again: soon at first, then less often. */
function poll(move: EniMove, turn: Turn): Fated {
  const { seen } = move.view;
  const { pollMs = FIRST_POLL_MS, looked } = progressOf(move);
  const fate = { kind: 'look', after: seen, at: turn.now + pollMs } as const;
  if (looked === seen) return { operation: move.operation, fate };
  const next = Math.min(LONGEST_POLL_MS, pollMs * POLL_GROWTH);
  return { operation: withProgress(move, { looked: seen, pollMs: next }), fate };
}

const fail = (operation: Operation, detail: string): Fated => ({
  operation,
  fate: { kind: 'failed', detail },
});
