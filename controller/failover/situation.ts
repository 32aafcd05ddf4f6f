/** What a decision about a group is made from, and the words that it is made of. */
import type { Instant } from '../base/time.ts';
import type { Group } from '../config.ts';
import type { Orders } from '../event.ts';
import type { Verdict } from '../health/verdict.ts';
import type { Cause, GroupState } from './group.ts';
import type { Gate } from './leases.ts';
import type { GroupView } from './view.ts';
import type { Claim } from './word.ts';

/** What is the same for all groups: what operators want, what other daemons say, what time it is for both. */
export interface Setting {
  readonly orders: Orders;
  readonly claims: readonly Claim[];
  /** When this run began. */
  readonly startedAt: Instant;
  /** Unix time less the instants of this run, ms. */
  readonly wallOffsetMs: number;
}

export interface Situation extends Setting {
  readonly group: Group;
  readonly state: GroupState;
  readonly view: GroupView;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** This node's appliance; absent for an observer. */
  readonly self?: string;
  readonly gate: Gate;
  /** The appliances that can carry no other group. */
  readonly full: readonly string[];
  /** The appliances that the group's last resort leads to. */
  readonly standIns: readonly string[];
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

export const hold = (
  key: string,
  text: string,
  more: { wakeAt?: Instant; alarm?: true; look?: true } = {},
): Decision => ({
  kind: 'hold',
  key: `hold ${key}`,
  text,
  ...more,
});

export const move = (to: string, cause: Cause, text: string, from?: string): Decision => ({
  kind: 'move',
  key: `${cause} ${to}`,
  text,
  to,
  cause,
  ...(from === undefined ? {} : { from }),
});

export const verdictOf = ({ verdicts }: Situation, member: string): Verdict =>
  verdicts[member] ?? { kind: 'unknown', since: 0, reason: `${member} is not probed` };

const isHealthy = (situation: Situation, member: string): boolean =>
  verdictOf(situation, member).kind === 'healthy';
export const isDead = (situation: Situation, member: string): boolean =>
  verdictOf(situation, member).kind === 'dead';

export const isDrained = ({ orders }: Situation, member: string): boolean =>
  orders.drained[member] !== undefined;

const isFull = ({ full }: Situation, member: string): boolean => full.includes(member);

/** Whether EC2 shows that it can carry nothing, whatever a cut may hide: no instance has its ENI. */
export const isUnplugged = ({ view, now, staleAfterMs }: Situation, member: string): boolean =>
  view.unplugged.members.includes(member) && now - view.unplugged.askedAt <= staleAfterMs;

/** Whether it may be given the group: it is healthy, nobody is emptying it, and it has room. */
export const isFit = (situation: Situation, member: string): boolean =>
  isHealthy(situation, member) && !isDrained(situation, member) && !isFull(situation, member);

/**
 * When the slow start of a member is over, which begins when it is healthy after a death; that of the own
 * appliance begins with the daemon, too, which cannot know why it was not there.
 */
export function readyAt({ group, self, startedAt, ...situation }: Situation, member: string): Instant {
  const { comeback } = situation.verdicts[member] ?? {};
  const began = Math.max(
    typeof comeback === 'number' ? comeback : Number.NEGATIVE_INFINITY,
    member === self ? startedAt : Number.NEGATIVE_INFINITY,
  );
  return group.slowStartMs === 0 ? Number.NEGATIVE_INFINITY : began + group.slowStartMs;
}

/** Whether it has been back for long enough to be given what another member carries as well. */
export const isReady = (situation: Situation, member: string): boolean =>
  readyAt(situation, member) <= situation.now;

/** The members that may be given the group, best first: those in their slow start come last. */
export function heirs(situation: Situation, except?: string): readonly string[] {
  const fit = situation.group.members.filter((member) => member !== except && isFit(situation, member));
  return [
    ...fit.filter((member) => isReady(situation, member)),
    ...fit.filter((member) => !isReady(situation, member)),
  ];
}

/** `b is dead, c is healthy and drained`. */
export const describeMembers = (situation: Situation, members: readonly string[]): string =>
  members.map((member) => `${member} is ${describeMember(situation, member)}`).join(', ');

export const describeMember = (situation: Situation, member: string): string =>
  [
    verdictOf(situation, member).kind,
    ...(isDrained(situation, member) ? ['drained'] : []),
    ...(isFull(situation, member) ? ['full'] : []),
  ].join(' and ');

/**
 * The members that `to` leaves to go first: those preferred to it that are neither dead, drained nor full,
 * and in its slow start all others that are ready. None, for an observer.
 */
export function rank(situation: Situation, to: string, except?: string): number {
  const { group, self } = situation;
  if (self === undefined) return 0;
  const place = group.members.indexOf(to);
  const before = group.members.filter((member, index) => {
    if (member === to || member === except) return false;
    if (isDrained(situation, member) || isFull(situation, member)) return false;
    if (index < place) return !isDead(situation, member);
    return !isReady(situation, to) && isFit(situation, member) && isReady(situation, member);
  });
  return before.length;
}

/** Whether what was left to others until `at` must be looked at once more before doing it oneself. */
export const seenBefore = ({ view }: Situation, at: Instant): boolean =>
  (view.observedAt ?? Number.NEGATIVE_INFINITY) < at;
