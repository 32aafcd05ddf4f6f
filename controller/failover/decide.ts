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
 *   failback; or when it has had the lease all the time, or the winner has let it run out.
 * - Where a group has a lease, only its holder moves it.
 * - Nothing is changed when all are dead or unknown, or the view is stale.
 */
import { unreachable } from '../base/result.ts';
import { formatMillis, type Instant } from '../base/time.ts';
import type { Group } from '../config.ts';
import type { Verdict } from '../health/verdict.ts';
import { type Cause, type GroupState, recentMoves } from './group.ts';
import { type Gate, isBarred } from './leases.ts';
import { describeOwner, type GroupView, type Owner } from './view.ts';

export interface Situation {
  readonly group: Group;
  readonly state: GroupState;
  readonly view: GroupView;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** This node's appliance; absent for an observer. */
  readonly self?: string;
  readonly gate: Gate;
  readonly staleAfterMs: number;
  readonly now: Instant;
}

export type Decision =
  | {
      readonly kind: 'hold';
      /** What the decision is, without figures: it is logged when this changes. */
      readonly key: string;
      readonly text: string;
      /** When time alone may change it. */
      readonly wakeAt?: Instant;
      readonly alarm?: true;
      /** EC2 must be seen again first, at once. */
      readonly look?: true;
    }
  | {
      readonly kind: 'move';
      readonly key: string;
      readonly text: string;
      readonly to: string;
      readonly from?: string;
      readonly cause: Cause;
    };

const hold = (
  key: string,
  text: string,
  more: { wakeAt?: Instant; alarm?: true; look?: true } = {},
): Decision => ({
  kind: 'hold',
  key: `hold ${key}`,
  text,
  ...more,
});

const move = (to: string, cause: Cause, text: string, from?: string): Decision => ({
  kind: 'move',
  key: `${cause} ${to}`,
  text,
  to,
  cause,
  ...(from === undefined ? {} : { from }),
});

/** The decision for a group that is not being moved by this node: a move only by who may write. */
export function decide(situation: Situation): Decision {
  const { group, gate } = situation;
  const decision = decideFreely(situation);
  if (decision.kind !== 'move' || gate.kind !== 'shut') return decision;
  const text = `${group.name}: would move it to ${decision.to} (${decision.cause}), and does not, for ${gate.reason}.`;
  return hold(`lease ${decision.to} ${gate.reason}`, text, gate.alarm ? { alarm: true } : {});
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
  return decision.kind === 'move' ? damped(situation, decision) : decision;
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

const verdictOf = ({ verdicts }: Situation, member: string): Verdict =>
  verdicts[member] ?? { kind: 'unknown', since: 0, reason: `${member} is not probed` };

const isHealthy = (situation: Situation, member: string): boolean =>
  verdictOf(situation, member).kind === 'healthy';
const isDead = (situation: Situation, member: string): boolean =>
  verdictOf(situation, member).kind === 'dead';

function decideOwned(situation: Situation, owner: Extract<Owner, { kind: 'member' }>): Decision {
  const { group, self } = situation;
  const { member } = owner;
  const verdict = verdictOf(situation, member);
  if (verdict.kind !== 'dead' || member === self) {
    const back = member === self ? undefined : decideFailback(situation, owner);
    if (back !== undefined) return back;
    const alarm = verdict.kind === 'healthy' || verdict.kind === 'unknown' ? {} : { alarm: true as const };
    return hold(
      `owned ${member} ${verdict.kind}`,
      `${group.name}: ${describeOwner(owner)} owns it and is ${verdict.kind}${because(verdict)}.`,
      alarm,
    );
  }
  return decideTakeover(situation, owner, verdict);
}

const because = ({ kind, reason }: Verdict): string => (kind === 'healthy' ? '' : ` (${reason})`);

/** The owner is dead: is there a member that this node may give the group to, now? */
function decideTakeover(
  situation: Situation,
  { member: owner, phase }: Extract<Owner, { kind: 'member' }>,
  verdict: Verdict,
): Decision {
  const { group, state, self, now } = situation;
  const dead = `${owner} owns it and is dead (${verdict.reason})`;
  const to = self ?? group.members.find((member) => member !== owner && isHealthy(situation, member));
  if (to === undefined) {
    const others = group.members.filter((member) => member !== owner);
    const words = others.map((member) => `${member} is ${verdictOf(situation, member).kind}`).join(', ');
    return hold(`nobody ${owner}`, `${group.name}: changes nothing although ${dead}, for ${words}.`, {
      alarm: true,
    });
  }
  const own = verdictOf(situation, to);
  if (own.kind !== 'healthy') {
    const text = `${group.name}: changes nothing although ${dead}, for ${to} is ${own.kind} (${own.reason}).`;
    return hold(`unfit ${owner} ${to} ${own.kind}`, text, { alarm: true });
  }
  if (state.lost !== undefined && isBarred(state, situation.gate)) {
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

/** Whether what was left to others until `at` must be looked at once more before doing it oneself. */
const seenBefore = ({ view }: Situation, at: Instant): boolean =>
  (view.observedAt ?? Number.NEGATIVE_INFINITY) < at;

/** The members that `to` gives precedence: those preferred to it that are not dead. None, for an observer. */
function rank(situation: Situation, to: string, except?: string): number {
  const { group, self } = situation;
  if (self === undefined) return 0;
  const before = group.members.slice(0, group.members.indexOf(to));
  return before.filter((member) => member !== except && !isDead(situation, member)).length;
}

/** Nobody owns the group as a whole, and this node is not at work on it. */
function decideUnowned(situation: Situation, owner: Extract<Owner, { kind: 'split' | 'none' }>): Decision {
  const { group, state, self, now } = situation;
  const what = `${describeOwner(owner)} owns it`;
  if (situation.view.parts.every(({ thing }) => thing.kind === 'eni' && thing.eni === undefined)) {
    const text = `${group.name}: there is nothing to move, for ${owner.reason}.`;
    return hold('nothing', text, { alarm: true });
  }
  const held = owner.kind === 'split' ? owner.members : [];
  const healthy = group.members.filter((member) => isHealthy(situation, member));
  const to = self ?? healthy.find((member) => held.includes(member)) ?? healthy[0];
  if (to === undefined || !isHealthy(situation, to)) {
    const words = group.members
      .map((member) => `${member} is ${verdictOf(situation, member).kind}`)
      .join(', ');
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

/**
 * A preferred member that has been healthy for long enough takes a group back from an owner that is alive.
 */
function decideFailback(
  situation: Situation,
  owner: Extract<Owner, { kind: 'member' }>,
): Decision | undefined {
  const { group, self, now } = situation;
  if (group.failbackAfterMs === undefined || owner.phase !== 'settled') return undefined;
  const to = self ?? group.members.find((member) => isHealthy(situation, member));
  if (to === undefined || group.members.indexOf(to) >= group.members.indexOf(owner.member)) return undefined;
  if (!isHealthy(situation, to) || verdictOf(situation, owner.member).kind === 'unknown') return undefined;
  const before = group.members.slice(0, group.members.indexOf(to));
  if (before.some((member) => isHealthy(situation, member))) return undefined;
  const at = verdictOf(situation, to).since + group.failbackAfterMs;
  if (now < at) {
    const text = `${group.name}: ${owner.member} owns it; ${to} takes it back when it has been healthy for ${formatMillis(group.failbackAfterMs)}.`;
    return hold(`failback ${owner.member} ${to}`, text, { wakeAt: at });
  }
  const text = `Moves ${group.name} from ${owner.member} back to ${to}: it is preferred, and has been healthy for ${formatMillis(group.failbackAfterMs)}.`;
  return move(to, 'failback', text, owner.member);
}

/** At most so many moves in such a time; what an operator asks for is not held back. */
function damped({ group, state, now }: Situation, decision: Extract<Decision, { kind: 'move' }>): Decision {
  const recent = recentMoves(state.moves, group.damping.withinMs, now);
  const first = recent.at(-group.damping.moves);
  if (first === undefined || recent.length < group.damping.moves) return decision;
  const text =
    `${group.name}: would move it to ${decision.to}, but has moved it ${recent.length} times within ` +
    `${formatMillis(group.damping.withinMs)}; waits, or for byoa switchover.`;
  return hold(`damped ${decision.to}`, text, { wakeAt: first + group.damping.withinMs, alarm: true });
}
