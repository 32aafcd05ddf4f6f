/**
 * A realm is where calls are made: a region, by the role of an account. Absent: the node's own region and
 * credentials.
 */
import type { Config } from './model.ts';

export interface Realm {
  /** The ARN of a role, whose credentials the node asks STS for. */
  readonly role?: string;
  /** Another region than the node's own. */
  readonly region?: string;
}

/** Something that may be elsewhere. */
export interface InRealm {
  readonly at?: Realm;
}

/** A realm as text, to compare and to show: empty for the node's own. */
export const realmKey = ({ at }: InRealm): string =>
  at === undefined ? '' : [at.region, at.role].filter((one) => one !== undefined).join(' ');

/** What can be spread into something that is in the same realm. */
export const sameRealm = ({ at }: InRealm): InRealm => (at === undefined ? {} : { at });

/** The account of a role's ARN. */
export const accountOf = (role: string): string => role.split(':')[4] ?? '';

/** All realms of a configuration but the node's own, each once. */
export function realmsOf({ appliances, groups }: Config): readonly Realm[] {
  const sets = groups.flatMap(({ resources }) =>
    resources.flatMap((resource): readonly InRealm[] => ('sets' in resource ? resource.sets : [])),
  );
  const realms = [...appliances, ...sets].flatMap((one: InRealm) =>
    one.at === undefined ? [] : [[realmKey(one), one.at] as const],
  );
  return [...new Map(realms).values()];
}
