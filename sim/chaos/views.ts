/** Whether daemons see who has a group as it is: what they write is decided by that. */
import type { Instant, Millis } from '../../controller/base/time.ts';
import { viewGroup } from '../../controller/failover/view.ts';
import type { Daemon } from '../world/node.ts';
import type { Cast } from './cast.ts';
import { type Judge, violate } from './invariants.ts';
import { ownersOf } from './owned.ts';
import type { OwnedGroup } from './scenario.ts';

/** EC2 may show what was so 5 s before, and the data plane may follow after some more seconds, ms. */
const BEHIND_MS: Millis = 30_000;

/** Judges, now and then, what daemons take for the owners of groups: what they saw long after it was so. */
export function judgeViews(judge: Judge, cast: Cast): void {
  const { truth, wrongViews } = judge;
  for (const { name, daemon } of cast.values())
    for (const group of truth.scene.groups) {
      const key = `${name}/${group.name}`;
      const view = daemon.running ? viewOf(daemon, group) : undefined;
      const owners = ownersOf(truth, group);
      const others = owners.filter((owner) => group.members.includes(owner) && owner !== view?.member);
      if (view === undefined || others.length === 0) {
        wrongViews.delete(key);
        continue;
      }
      const text = `${name} takes ${view.member} for the owner of ${group.name}, which ${owners.join(' and ')} has`;
      const known = wrongViews.get(key);
      if (known?.text !== text) wrongViews.set(key, { text, since: truth.world.now });
      else if (view.seenAt - known.since > BEHIND_MS) violate(judge, 'view', text);
    }
}

/** The member that a daemon saw to have all of a group, and when it looked. */
function viewOf(
  { node, clock }: Daemon,
  { name }: OwnedGroup,
): { readonly member: string; readonly seenAt: Instant } | undefined {
  const group = node.config.groups.find((one) => one.name === name);
  if (group === undefined) return undefined;
  const { owner, observedAt } = viewGroup(node.config, group, node.observed);
  if (owner.kind !== 'member' || observedAt === undefined) return undefined;
  return { member: owner.member, seenAt: clock.at(observedAt) };
}
