/** What is decided about a group that nobody owns as a whole. */
import { formatMillis } from '../base/time.ts';
import { toLastResort } from './decide-last-resort.ts';
import {
  type Decision,
  describeMembers,
  heirs,
  hold,
  isDead,
  isFit,
  move,
  rank,
  type Situation,
  seenBefore,
} from './situation.ts';
import { describeOwner, type Owner } from './view.ts';

/** Nobody owns the group as a whole, and this node is not at work on it. */
export function decideUnowned(
  situation: Situation,
  owner: Extract<Owner, { kind: 'split' | 'none' }>,
): Decision {
  const { group, state, self, now } = situation;
  const what = `${describeOwner(owner)} owns it`;
  if (situation.view.parts.every(({ thing }) => thing.kind === 'eni' && thing.eni === undefined)) {
    const text = `${group.name}: there is nothing to move, for ${owner.reason}.`;
    return hold('nothing', text, { alarm: true });
  }
  const held = owner.kind === 'split' ? owner.members : [];
  const fit = heirs(situation);
  const to = self ?? fit.find((member) => held.includes(member)) ?? fit[0];
  if (to === undefined || !isFit(situation, to)) {
    const last = toLastResort(situation, what, 'completion');
    if (last !== undefined) return last;
    const words = describeMembers(situation, group.members);
    return hold('unowned unfit', `${group.name}: changes nothing although ${what}, for ${words}.`, {
      alarm: true,
    });
  }
  const text = `Moves ${group.name} to ${to}: ${what}, and ${to} is healthy.`;
  const begun = held.includes(to) && held.every((member) => member === to || isDead(situation, member));
  const first = !state.ownerSeen && held.length === 0 && rank(situation, to) === 0 && group.members[0] === to;
  if (begun || first) return move(to, 'completion', text);
  const since = state.unowned?.since ?? now;
  const at = since + (rank(situation, to) + 1) * group.orphanGraceMs;
  if (now >= at && seenBefore(situation, at)) {
    return hold('unowned look', `${group.name}: ${what}; looks whether that is still so.`, { look: true });
  }
  if (now >= at) return move(to, 'completion', text);
  const wait = formatMillis(at - since);
  return hold(
    'unowned wait',
    `${group.name}: ${what}; leaves whoever is moving it ${wait} before ${to} does.`,
    { wakeAt: at },
  );
}
