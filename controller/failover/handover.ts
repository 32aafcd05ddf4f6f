/** What has to be with others before the own machine may stop. Pure. */
import type { Instant, Millis } from '../base/time.ts';
import { type Status, statusOf } from './status.ts';

/** It is looked for so often. */
export const LOOK_EVERY_MS: Millis = 200;
/** Until EC2's changes have taken effect, and neighbors have taken other routes, packets come here yet. */
export const LAST_PACKETS_MS: Millis = 2000;

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
