/**
 * What a policy made of attribute sets lately, so that prefixes that came with one set ask it once. Small: a
 * newer result takes the place of an older one, which costs time only.
 */

export interface PolicyCache {
  /** The set that was asked for plus one; 0: nothing. */
  readonly sets: Int32Array;
  /** The rules that the prefix fits, and where the route is from: as the caller numbers it. */
  readonly signatures: Float64Array;
  readonly sources: Int32Array;
  readonly results: Int32Array;
}

/** A power of two. */
const PLACES = 1024;

export const createPolicyCache = (): PolicyCache => ({
  sets: new Int32Array(PLACES),
  signatures: new Float64Array(PLACES),
  sources: new Int32Array(PLACES),
  results: new Int32Array(PLACES),
});

const placeFor = (set: number, signature: number, source: number): number =>
  (set + Math.imul(signature | 0, 0x9e3779b1) + Math.imul(source, 0x85ebca6b)) & (PLACES - 1);

/** The result that was kept, or undefined. */
export function cached(
  { sets, signatures, sources, results }: PolicyCache,
  set: number,
  signature: number,
  source: number,
): number | undefined {
  const at = placeFor(set, signature, source);
  const isIt = sets[at] === set + 1 && signatures[at] === signature && sources[at] === source;
  return isIt ? results[at] : undefined;
}

export function keep(
  cache: PolicyCache,
  set: number,
  signature: number,
  source: number,
  result: number,
): void {
  const at = placeFor(set, signature, source);
  cache.sets[at] = set + 1;
  cache.signatures[at] = signature;
  cache.sources[at] = source;
  cache.results[at] = result;
}

export const clearCache = ({ sets }: PolicyCache): void => void sets.fill(0);
