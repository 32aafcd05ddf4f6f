/** Which appliances traffic goes through, and which it may go through next. Decides nothing. */
import { type Config, ownAppliance } from '../config.ts';
import type { Health } from '../health/health.ts';
import type { GroupState } from './group.ts';
import type { Observed } from './observe.ts';
import { viewGroup } from './view.ts';

/**
 * The appliances that this node may give a group to, of each group whose owner has just begun to fail. A
 * takeover wants evidence of them that is newer than the failure: asked for now, it is there with the
 * verdict.
 */
export function successorsOf(
  { config, observed }: { readonly config: Config; readonly observed: Observed },
  before: Health,
  after: Health,
): readonly string[] {
  const self = ownAppliance(config)?.name;
  return config.groups.flatMap((group) => {
    const { owner } = viewGroup(config, group, observed);
    if (owner.kind !== 'member' || owner.member === self) return [];
    const was = before.verdicts[owner.member]?.kind;
    const is = after.verdicts[owner.member]?.kind;
    if (was !== 'healthy' || (is !== 'suspect' && is !== 'dead')) return [];
    return group.members.filter((name) => name !== owner.member && (self === undefined || name === self));
  });
}

/**
 * The appliances that routes lead to: where a move has taken effect already, its target. Absent until EC2 has
 * been seen.
 */
export function carriersOf(
  config: Config,
  groups: Readonly<Record<string, GroupState>>,
  observed: Observed,
): readonly string[] | undefined {
  const views = config.groups.map((group) => ({ group, view: viewGroup(config, group, observed) }));
  if (views.every(({ view }) => view.observedAt === undefined)) return undefined;
  const owners = views.flatMap(({ group, view: { owner } }) => {
    const operation = groups[group.name]?.operation;
    if (operation?.effectiveAt !== undefined) return [operation.to];
    return owner.kind === 'member' ? [owner.member] : [];
  });
  return [...new Set(owners)];
}
