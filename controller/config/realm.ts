/**
 * A realm is where calls are made: a region, by the role of an account. Absent: the node's own region and
 * credentials.
 */
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
