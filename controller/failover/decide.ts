/**
 * Who should own a group, and why: one decision a cycle, each with a sentence. Sees observations and verdicts
 * only; sends nothing. What keeps two nodes from fighting is decided here:
 *
 * - A node on an appliance moves a group to its own appliance only; an observer to the most preferred healthy
 *   member.
 * - A takeover needs a fresh view, an owner that is dead, and evidence of the candidate that is newer than
 *   the failure: a node that has been cut off fails to reach everybody, and must not mistake that for the
 *   owner's death.
 * - Who lost a group takes it over again only when it has seen the winner healthy since, and then dead; or by
 *   failback; or when it has had the lease all the time, or the winner has let it run out; or when EC2 shows
 *   that no instance has the winner's ENI.
 * - Where a group has a lease, only its holder moves it.
 * - Nothing is changed when all are dead or unknown, or the view is stale; nor while a group is paused.
 */
import { unreachable } from '../base/result.ts';
import { formatMillis } from '../base/time.ts';
import { decideOwned } from './decide-owned.ts';
import { decideUnowned } from './decide-unowned.ts';
import { recentMoves } from './group.ts';
import { pauseOf } from './orders.ts';
import { type Decision, hold, isUnplugged, move, type Situation } from './situation.ts';
import { describeOwner, type Owner } from './view.ts';

/** The decision for a group that is not being moved by this node: a move only by who may write. */
export function decide(situation: Situation): Decision {
  const { group, gate } = situation;
  const decision = decideFreely(situation);
  const pause = pauseOf(situation.orders, group.name);
  if (pause !== undefined) return paused(situation, decision, pause.until);
  if (decision.kind !== 'move' || gate.kind !== 'shut') return decision;
  const text = `${group.name}: would move it to ${decision.to} (${decision.cause}), and does not, for ${gate.reason}.`;
  return hold(`lease ${decision.to} ${gate.reason}`, text, gate.alarm ? { alarm: true } : {});
}

/** What would be decided, and that nothing is done about it. */
function paused({ group, now }: Situation, decision: Decision, until: number | undefined): Decision {
  const left = until === undefined ? '' : `, for ${formatMillis(Math.ceil((until - now) / 1000) * 1000)} yet`;
  if (decision.kind === 'hold')
    return {
      ...decision,
      key: `${decision.key} paused`,
      text: `${decision.text} It is paused${left}.`,
      alarm: true,
    };
  const text = `${group.name}: would move it to ${decision.to} (${decision.cause}), and does not, for it is paused${left}.`;
  return hold(`paused ${decision.key}`, text, { alarm: true });
}

function decideFreely(situation: Situation): Decision {
  const { group, state, view, now, staleAfterMs, self } = situation;
  const { owner, observedAt } = view;
  if (observedAt === undefined || owner.kind === 'unknown') {
    return hold('unseen', `${group.name}: changes nothing before EC2 has been seen.`, { look: true });
  }
  if (now - observedAt > staleAfterMs) {
    const text = `${group.name}: changes nothing, for EC2 was last seen more than ${formatMillis(staleAfterMs)} ago.`;
    return hold('stale', text, { look: true, alarm: true });
  }
  if (state.switchover !== undefined) {
    const from = owner.kind === 'member' ? owner.member : undefined;
    const text = `Moves ${group.name} from ${describeOwner(owner)} to ${state.switchover.to}: an operator asked for it.`;
    return move(state.switchover.to, 'switchover', text, from);
  }
  if (state.holdUntil !== undefined && now < state.holdUntil) {
    return hold('failed', `${group.name}: waits after a failed move (${state.holdReason}).`, {
      wakeAt: state.holdUntil,
    });
  }
  if (self !== undefined && !group.members.includes(self)) {
    return hold('watch', `${group.name}: only watches, for ${self} is not a member.`);
  }
  const decision = decideByOwner(situation, owner);
  if (decision.kind !== 'move' || decision.cause === 'drain') return decision;
  const { moves } = group.damping;
  return damped(situation, decision, isHurt(situation, owner) ? 2 * moves : moves);
}

function decideByOwner(situation: Situation, owner: Owner): Decision {
  const { group } = situation;
  switch (owner.kind) {
    case 'member':
      return decideOwned(situation, owner);
    case 'split':
    case 'none':
      return decideUnowned(situation, owner);
    case 'foreign':
      return hold('foreign', `${group.name}: changes nothing, for ${owner.reason}, by somebody's decision.`, {
        alarm: true,
      });
    case 'unknown':
      return hold('unseen', `${group.name}: ${owner.reason}.`, { look: true });
    default:
      return unreachable(owner);
  }
}

/** Whether waiting mends nothing: nobody has it as a whole, or EC2 shows its owner attached to nothing. */
const isHurt = (situation: Situation, owner: Owner): boolean =>
  owner.kind === 'split' ||
  owner.kind === 'none' ||
  (owner.kind === 'member' && isUnplugged(situation, owner.member));

/**
 * At most so many moves in such a time; twice as many where waiting mends nothing. What an operator asks for
 * is not held back.
 */
function damped(
  { group, state, now }: Situation,
  decision: Extract<Decision, { kind: 'move' }>,
  most: number,
): Decision {
  const recent = recentMoves(state.moves, group.damping.withinMs, now);
  const first = recent.at(-most);
  if (first === undefined || recent.length < most) return decision;
  const text =
    `${group.name}: would move it to ${decision.to}, but has moved it ${recent.length} times within ` +
    `${formatMillis(group.damping.withinMs)}; waits, or for byoa switchover.`;
  return hold(`damped ${decision.to}`, text, { wakeAt: first + group.damping.withinMs, alarm: true });
}
