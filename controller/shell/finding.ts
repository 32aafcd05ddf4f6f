/** What a check found: one thing that holds, or does not. */
export interface Finding {
  readonly ok: boolean;
  readonly what: string;
  /** Where it does not hold: what to do. */
  readonly remedy?: string;
}
