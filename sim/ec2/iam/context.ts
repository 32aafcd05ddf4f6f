/** What is known of a request: condition keys, in lower case, with their values. */

export type Context = ReadonlyMap<string, readonly string[]>;

/** Keys and their values; a key without a value is not there. */
export function contextOf(
  entries: Iterable<readonly [key: string, value: string | readonly string[] | undefined]>,
): Context {
  const context = new Map<string, readonly string[]>();
  for (const [key, value] of entries) {
    if (value !== undefined) context.set(key.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return context;
}

/** Both; what `more` has replaces what `context` has. */
export const withKeys = (context: Context, more: Context): Context => new Map([...context, ...more]);
