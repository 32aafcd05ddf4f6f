/** What checks between fields find. Imports nothing. */

/** What is wrong at a place in the file, and what to do about it. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly why: string;
  readonly remedy: string;
}
