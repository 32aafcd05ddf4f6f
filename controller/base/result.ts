/** Results, assertions and exhaustive switches. Imports nothing. */

export type Result<T, E = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export const ok = <T>(value: T): Result<T, never> => ({ ok: true, value });
export const err = <E>(error: E): Result<never, E> => ({ ok: false, error });

/** The value of a result that cannot have failed; throws the error where it did: a bug of ours. */
export function must<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(`must: ${String(result.error)}`);
  return result.value;
}

/** Throws when `condition` is false: a broken invariant is our bug, and the process must not go on. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

/** The value, or an assertion failure where it is missing. */
export function present<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `${what} is missing`);
  return value;
}

/** The end of every `switch` over a union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
