/** Work that is done in portions, so that no step of the node is long. */

/** Yields after each portion, and gives the result at last. */
export type Portions<T> = Generator<undefined, T>;

/** Prefixes or nodes of a portion: about 0.1 ms. */
const PORTION = 250;

/** Whether a portion is full after so many. */
export const isPortion = (count: number): boolean => count % PORTION === 0;

/** The result at once. */
export function inOneGo<T>(work: Portions<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
