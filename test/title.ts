/** The title of tests that may be skipped, with the reason where they are. */
export const titleOf = (name: string, why: string | undefined): string =>
  why === undefined ? name : `${name} (skipped: ${why})`;
