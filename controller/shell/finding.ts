/** What a check found: one thing that holds, or does not. */
export interface Finding {
  readonly ok: boolean;
  readonly what: string;
  /** Where it does not hold: what to do. */
  readonly remedy?: string;
}

export const fine = (what: string): Finding => ({ ok: true, what });
export const bad = (what: string, remedy: string): Finding => ({ ok: false, what, remedy });
