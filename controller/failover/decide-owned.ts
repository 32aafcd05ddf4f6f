/** What is decided about a group that a member owns: it stays, is taken over, given away or taken back. */
import { formatMillis } from '../base/time.ts';
import type { Verdict } from '../health/verdict.ts';
import { fromLastResort, toLastResort } from './decide-last-resort.ts';
import { isBarred } from './leases.ts';
import { LAST_RESORT } from './part.ts';
import {
  type Decision,
  describeMember,
  describeMembers,
  heirs,
  hold,
  isDrained,
  isFit,
  isUnplugged,
  move,
  rank,
  readyAt,
  type Situation,
  seenBefore,
  verdictOf,
} from './situation.ts';
import { describeOwner, type Owner } from './view.ts';
import { describeWindow, isOpen, nextMinute } from './window.ts';

type Member = Extract<Owner, { kind: 'member' }>;

export function decideOwned(situation: Situation, owner: Member): Decision {
  const { group, self } = situation;
  const { member } = owner;
  const verdict = verdictOf(situation, member);
  if (member === LAST_RESORT) return fromLastResort(situation);
  if (verdict.kind === 'dead' && member !== self) return decideTakeover(situation, owner, verdict);
  const last =
    verdict.kind === 'dead'
      ? toLastResort(situation, deadText(owner, verdict), 'takeover', member)
      : undefined;
  if (last !== undefined) return last;
  const other =
    member === self
      ? decideGiving(situation, owner)
      : (decideRelief(situation, owner) ?? decideFailback(situation, owner));
  if (other !== undefined) return other;
  const isCalm = verdict.kind === 'healthy' || verdict.kind === 'unknown';
  const drained = isDrained(situation, member) ? ', and is to be emptied' : '';
  return hold(
    `owned ${member} ${verdict.kind}${verdict.wantsSince === undefined ? '' : ' to some'}${drained}`,
    `${group.name}: ${describeOwner(owner)} owns it and is ${verdict.kind}${because(verdict)}${drained}.`,
    isCalm ? {} : { alarm: true as const },
  );
}

const deadText = ({ member }: Member, { reason }: Verdict): string =>
  `${member} owns it and is dead (${reason})`;

const because = ({ kind, reason }: Verdict): string => (kind === 'healthy' ? '' : ` (${reason})`);

/** The owner is dead: is there a member that this node may give the group to, now? */
function decideTakeover(situation: Situation, held: Member, verdict: Verdict): Decision {
  const { member: owner, phase } = held;
  const { group, state, self, now } = situation;
  const dead = deadText(held, verdict);
  const last = toLastResort(situation, dead, 'takeover', owner);
  if (last !== undefined) return last;
  const to = self ?? heirs(situation, owner)[0];
  if (to === undefined) {
    const words = describeMembers(
      situation,
      group.members.filter((member) => member !== owner),
    );
    return hold(`nobody ${owner}`, `${group.name}: changes nothing although ${dead}, for ${words}.`, {
      alarm: true,
    });
  }
  const own = verdictOf(situation, to);
  if (!isFit(situation, to)) {
    const is = describeMember(situation, to);
    const text = `${group.name}: changes nothing although ${dead}, for ${to} is ${is} (${own.reason}).`;
    return hold(`unfit ${owner} ${to} ${is}`, text, { alarm: true });
  }
  if (state.lost !== undefined && isBarred(state, situation.gate) && !isUnplugged(situation, owner)) {
    const text =
      `${group.name}: changes nothing although ${dead}, for ${self} lost it to ${state.lost.to} and has not seen ` +
      `${owner} healthy since: they may only be cut off from each other.`;
    return hold(`lost ${owner}`, text, { alarm: true });
  }
  if (phase === 'arriving' && state.announced) {
    const text = `${group.name}: changes nothing although ${dead}, for somebody is just giving it to ${owner}.`;
    return hold(`given ${owner}`, text, { alarm: true });
  }
  if (state.lossSeen !== undefined) {
    return hold(`losing ${owner}`, `${group.name}: looks again whether ${owner} has really got it.`);
  }
  if ((own.lastUpAt ?? Number.NEGATIVE_INFINITY) < (verdict.failedSince ?? verdict.since)) {
    const text = `${group.name}: ${dead}; waits for evidence of ${to} that is newer than that failure.`;
    return hold(`proof ${owner} ${to}`, text);
  }
  // Where its ENI is on the way already, somebody is at work and gets the time that an honest move takes.
  const moving = phase === 'settled' ? undefined : state.unowned;
  const since = moving?.since ?? verdict.since;
  const before = rank(situation, to, owner);
  const at =
    since + (moving === undefined ? before * group.takeoverStaggerMs : (before + 1) * group.orphanGraceMs);
  if (now < at) {
    const wait = formatMillis(at - since);
    const text = `${group.name}: ${dead}; leaves the members before ${to} ${wait} to take over.`;
    return hold(`stagger ${owner} ${to}`, text, { wakeAt: at });
  }
  if (before > 0 && seenBefore(situation, at)) {
    const text = `${group.name}: ${dead}; looks whether a member before ${to} has taken over.`;
    return hold(`look ${owner} ${to}`, text, { look: true });
  }
  return move(
    to,
    'takeover',
    `Moves ${group.name} from ${owner} to ${to}: ${dead}, and ${to} is healthy.`,
    owner,
  );
}

/** The owner lives and is being emptied: a fit member takes the group from it. */
function decideRelief(situation: Situation, owner: Member): Decision | undefined {
  const { group, self, orders, now } = situation;
  const since = orders.drained[owner.member];
  if (since === undefined || owner.phase !== 'settled') return undefined;
  const to = self ?? heirs(situation, owner.member)[0];
  const what = `${owner.member} owns it and is to be emptied`;
  if (to === undefined || !isFit(situation, to)) {
    const words = describeMembers(
      situation,
      group.members.filter((member) => member !== owner.member && (self === undefined || member === self)),
    );
    return hold(`drain ${owner.member}`, `${group.name}: ${what}, and stays there, for ${words}.`, {
      alarm: true,
    });
  }
  const before = rank(situation, to, owner.member);
  const at = since + before * group.takeoverStaggerMs;
  if (now < at)
    return hold(`drain wait ${to}`, `${group.name}: ${what}; leaves it to the members before ${to}.`, {
      wakeAt: at,
    });
  if (before > 0 && seenBefore(situation, at))
    return hold(`drain look ${to}`, `${group.name}: ${what}; looks whether a member before ${to} has it.`, {
      look: true,
    });
  const text = `Moves ${group.name} from ${owner.member} to ${to}: ${owner.member} is to be emptied, and ${to} is healthy.`;
  return move(to, 'drain', text, owner.member);
}

/** Those who are to take a group from an appliance that is emptied may have heard of it by then. */
const HEARD_MS = 1000;

/** This node's own appliance is being emptied, and nobody takes the group: nobody may have heard of it. */
function decideGiving(situation: Situation, owner: Member): Decision | undefined {
  const { group, orders, now } = situation;
  const since = orders.drained[owner.member];
  const [to] = heirs(situation, owner.member);
  if (since === undefined || to === undefined || owner.phase !== 'settled') return undefined;
  const at = since + HEARD_MS + group.members.length * group.takeoverStaggerMs;
  const what = `${owner.member} owns it and is to be emptied`;
  if (now < at)
    return hold(`drain give ${to}`, `${group.name}: ${what}; leaves it to ${to} to take it.`, { wakeAt: at });
  if (seenBefore(situation, at))
    return hold(`drain given ${to}`, `${group.name}: ${what}; looks whether ${to} has taken it.`, {
      look: true,
    });
  const text = `Moves ${group.name} from ${owner.member} to ${to}: ${owner.member} is to be emptied, and nobody has taken it.`;
  return move(to, 'drain', text, owner.member);
}

/**
 * A preferred member that has been healthy for long enough takes a group back from an owner that is alive:
 * not from one that an operator has put it on for a time, and only while the maintenance window is open.
 */
function decideFailback(situation: Situation, owner: Member): Decision | undefined {
  const { group, self, now, orders, wallOffsetMs } = situation;
  const { failback } = group;
  if (failback === undefined || owner.phase !== 'settled') return undefined;
  const to = self ?? group.members.find((member) => isFit(situation, member));
  if (to === undefined || group.members.indexOf(to) >= group.members.indexOf(owner.member)) return undefined;
  if (!isFit(situation, to) || verdictOf(situation, owner.member).kind === 'unknown') return undefined;
  const before = group.members.slice(0, group.members.indexOf(to));
  if (before.some((member) => isFit(situation, member))) return undefined;
  const at = Math.max(verdictOf(situation, to).since + failback.afterMs, readyAt(situation, to));
  const waits = (key: string, text: string, wakeAt: number): Decision =>
    hold(
      `failback ${key}${owner.member} ${to}`,
      `${group.name}: ${owner.member} owns it; ${to} takes it back ${text}.`,
      {
        wakeAt,
      },
    );
  if (now < at) return waits('', `when it has been healthy for ${formatMillis(failback.afterMs)}`, at);
  const pin = orders.pinned[group.name];
  if (pin?.to === owner.member)
    return waits('pinned ', `when an operator's order for ${pin.to} has run out`, pin.until);
  const wall = now + wallOffsetMs;
  if (failback.window !== undefined && !isOpen(failback.window, wall))
    return waits('window ', `within ${describeWindow(failback.window)}`, nextMinute(wall) - wallOffsetMs);
  const text = `Moves ${group.name} from ${owner.member} back to ${to}: it is preferred, and has been healthy for ${formatMillis(failback.afterMs)}.`;
  return move(to, 'failback', text, owner.member);
}
