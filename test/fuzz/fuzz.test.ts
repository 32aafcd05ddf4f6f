/** A short run of the fuzzer; `npm run fuzz -- --seconds 600` for a long one. */
import { describe, expect, it } from 'vitest';
import { attempt, corpus, fuzz } from './fuzz.ts';

describe('fuzz', () => {
  it('reads every message of the corpus as what it is', () => {
    const outcomes = new Set(corpus().map((bytes) => attempt(bytes, true, false)));
    expect([...outcomes]).toEqual(expect.arrayContaining(['open', 'update', 'route-refresh', 'keepalive']));
  });
  it('finds nothing in 30,000 mutants, which come to every outcome', () => {
    const { find, outcomes, tried } = fuzz(7, (count) => count < 30_000);
    expect(find).toBeUndefined();
    expect(tried).toBe(30_000);
    for (const outcome of ['open', 'update', 'withdraw', 'reset', 'error'])
      expect(outcomes.get(outcome)).toBeGreaterThan(0);
  });
});
