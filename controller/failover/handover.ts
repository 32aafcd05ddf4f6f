/** What has to be with others before the own machine may stop. Pure. */
import type { Instant } from '../base/time.ts';
import { type Status, statusOf } from './status.ts';

/** What the own appliance has yet, as a whole or as far as is known in part: groups by name. */
function ownedOf({ appliances, groups }: Status): readonly string[] {
  const self = appliances.find(({ own }) => own)?.name;
  return groups
    .filter(
      ({ ownerMember, members }) =>
        self !== undefined && members.includes(self) && (ownerMember ?? self) === self,
    )
    .map(({ name }) => name);
}

/** What nobody else has yet, in words. */
export const keptOf = (status: Status): readonly string[] => [
  ...ownedOf(status),
  ...(status.relieved ? [] : ['its neighbors']),
];

/** The same of a node. */
export const keptBy = (node: Parameters<typeof statusOf>[0], now: Instant): readonly string[] =>
  keptOf(statusOf(node, now));
