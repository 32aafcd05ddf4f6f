/** What checks between fields find. Imports nothing. */

/** What is wrong at a place in the file, and what to do about it. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly why: string;
  readonly remedy: string;
}

export type Note = (path: Finding['path'], why: string, remedy: string) => void;

/** Notes each value that occurred before. */
export function unique(
  entries: readonly (readonly [string, Finding['path']])[],
  what: string,
  note: Note,
): void {
  const seen = new Set<string>();
  for (const [value, path] of entries) {
    if (seen.has(value)) note(path, `${what} '${value}' is there twice`, 'keep one, or correct the other');
    seen.add(value);
  }
}
