/**
 * What is decided about a group that has a last resort: when it goes there, and back. It goes only when every
 * member is shown to be dead, by more than a silence that this node's own isolation would explain as well.
 */
import { formatMillis } from '../base/time.ts';
import { hasLastResort } from '../config.ts';
import { allDead } from '../health/verdict.ts';
import type { Cause } from './group.ts';
import { LAST_RESORT } from './part.ts';
import {
  type Decision,
  heirs,
  hold,
  isFit,
  move,
  readyAt,
  type Situation,
  seenBefore,
  verdictOf,
} from './situation.ts';

/**
 * Terms for which the holder of a lease waits: a member that lives, and whose daemon reaches the store, has
 * asked for the lease by then.
 */
const PATIENT_TERMS = 2;

/** The decision where every member is dead; undefined where one is not, or the group has no last resort. */
export function toLastResort(
  situation: Situation,
  what: string,
  cause: Cause,
  from?: string,
): Decision | undefined {
  const { group, gate, now } = situation;
  if (!hasLastResort(group) || !allDead(group.members, situation.verdicts)) return undefined;
  const text = `${group.name}: ${what}, and every member is dead`;
  const weak = weakness(situation);
  if (weak !== undefined)
    return hold(`last resort ${weak}`, `${text}; does not go to ${LAST_RESORT}, for ${weak}.`, {
      alarm: true,
    });
  const doubted = group.members.filter((member) => !verdictOf(situation, member).positive);
  if (doubted.length > 0) {
    const doubt = `nothing shows that ${doubted.join(' and ')} cannot be reached for another reason than that this node is cut off`;
    if (gate.kind !== 'held' || group.lease === undefined)
      return hold('last resort doubt', `${text}; does not go to ${LAST_RESORT}, for ${doubt}.`, {
        alarm: true,
      });
    const since = Math.max(gate.since, ...doubted.map((member) => verdictOf(situation, member).since));
    const at = since + PATIENT_TERMS * group.lease.termMs;
    if (now < at) {
      const left = `leaves a member that lives ${formatMillis(at - since)} to ask for the lease, for ${doubt}`;
      return hold('last resort lease', `${text}; ${left}.`, { wakeAt: at, alarm: true });
    }
  }
  return move(LAST_RESORT, cause, `Moves ${text.replace(':', ` to ${LAST_RESORT}:`)}.`, from);
}

/** Why the last resort would not help, as far as it is an appliance that is probed. */
function weakness(situation: Situation): string | undefined {
  const failedAt = Math.max(
    ...situation.group.members.map((member) => {
      const { failedSince, since } = verdictOf(situation, member);
      return failedSince ?? since;
    }),
  );
  for (const name of situation.standIns) {
    const verdict = verdictOf(situation, name);
    if (verdict.kind !== 'healthy') return `${name} is ${verdict.kind}`;
    if ((verdict.lastUpAt ?? Number.NEGATIVE_INFINITY) < failedAt)
      return `there is no evidence of ${name} that is newer than those failures`;
  }
  return undefined;
}

/** The last resort has the group: a fit member takes it back, the preferred one first. */
export function fromLastResort(situation: Situation): Decision {
  const { group, self, now } = situation;
  const to = self ?? heirs(situation)[0];
  if (to === undefined || !isFit(situation, to))
    return hold('at last resort', `${group.name}: ${LAST_RESORT} has it, until a member is fit.`, {
      alarm: true,
    });
  const afterMs = group.failback?.afterMs ?? 0;
  const before = group.members
    .slice(0, group.members.indexOf(to))
    .filter((one) => isFit(situation, one)).length;
  const healthyAt = verdictOf(situation, to).since + afterMs;
  const at = Math.max(healthyAt, readyAt(situation, to)) + before * group.takeoverStaggerMs;
  if (now < at) {
    const text = `${group.name}: ${LAST_RESORT} has it; ${to} takes it back when it has been healthy for ${formatMillis(at - verdictOf(situation, to).since)}.`;
    return hold(`back from last resort ${to}`, text, { wakeAt: at, alarm: true });
  }
  if (before > 0 && seenBefore(situation, at))
    return hold(`look ${to}`, `${group.name}: looks whether a member before ${to} has taken it back.`, {
      look: true,
    });
  return move(
    to,
    'failback',
    `Moves ${group.name} from ${LAST_RESORT} back to ${to}, which is healthy.`,
    LAST_RESORT,
  );
}
