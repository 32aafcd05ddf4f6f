/** How many groups an appliance carries, and which can carry no more: a standby may serve several groups. */
import type { Config } from '../config.ts';
import type { GroupState } from './group.ts';
import type { Observed } from './observe.ts';
import { viewGroup } from './view.ts';

/** Whether any appliance carries so many groups at most. */
export const isLimited = ({ appliances }: Config): boolean =>
  appliances.some(({ capacity }) => capacity !== undefined);

/**
 * The appliances that carry as many groups as they may, `except` not counted: those that they own or, where a
 * move is under way, are being given.
 */
export function fullAppliances(
  config: Config,
  groups: Readonly<Record<string, GroupState>>,
  observed: Observed,
  except: string,
): readonly string[] {
  if (!isLimited(config)) return [];
  const carriers = config.groups.flatMap((group) => {
    if (group.name === except) return [];
    const to = groups[group.name]?.operation?.to;
    if (to !== undefined) return [to];
    const { owner } = viewGroup(config, group, observed);
    if (owner.kind === 'split') return owner.members;
    return owner.kind === 'member' ? [owner.member] : [];
  });
  return config.appliances.flatMap(({ name, capacity }) =>
    capacity !== undefined && carriers.filter((carrier) => carrier === name).length >= capacity ? [name] : [],
  );
}
