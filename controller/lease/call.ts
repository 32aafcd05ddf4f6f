/** What a daemon asks the store of leases for, and how that ends. Pure data; imports nothing. */

/**
 * The record of one group's lease. `token` grows by one with each change of holder, `beat` with each write.
 */
export interface LeaseRecord {
  /** The id of the daemon's run that holds it, `NODE/RUN`; absent: nobody does. */
  readonly holder?: string;
  readonly token: number;
  readonly beat: number;
  /** How well the holder is placed to use it, 0 (cannot) to 4. */
  readonly fitness: number;
  /** A better placed run that asks for it. */
  readonly wanted?: Wish;
}

export interface Wish {
  readonly by: string;
  readonly fitness: number;
}

/** One request about the lease of `group`. Every write is conditional. */
export type LeaseCall =
  | { readonly kind: 'read'; readonly group: string }
  /**
   * Replaces the record where token and beat are as expected, or where there is none; `wanted` goes with its
   * token.
   */
  | {
      readonly kind: 'write';
      readonly group: string;
      readonly expect: 'absent' | { readonly token: number; readonly beat: number };
      readonly next: Omit<LeaseRecord, 'wanted'>;
    }
  /** Adds `wanted` to the record while its token is this one. */
  | { readonly kind: 'wish'; readonly group: string; readonly token: number; readonly wish: Wish };

/**
 * How a request ended. `rejected`: the condition did not hold. `refused`: certainly not done, for a reason
 * that has nothing to do with the record. `unknown`: it may have been done, and may yet be.
 */
export type LeaseOutcome =
  /** `record`: as it is after the request; absent where none exists. */
  | { readonly kind: 'ok'; readonly record?: LeaseRecord }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };
