/** What every stored resource has. Records are never changed in place: a handler puts a new one. */

export type Tags = Readonly<Record<string, string>>;

export interface Stored {
  /** The resource id (`vpc-...`), or another name that is unique within the kind and scope. */
  readonly id: string;
  readonly tags: Tags;
}

/**
 * Where a kind of resource lives: in one region of an account, in an account, or once for the whole cloud.
 */
export type Scope = 'region' | 'account' | 'cloud';
