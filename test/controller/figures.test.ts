/** 500 routes within the API budget, in virtual time. */
import { describe, expect, it } from 'vitest';
import { byPrefixLists, byPreparedTables, oneAfterAnother, TABLES } from './figures.ts';

describe('500 routes, 50 in each of ten tables', () => {
  it('change hands within 3 s by ten calls, where tables or prefix lists were prepared', () => {
    for (const figure of [byPreparedTables(), byPrefixLists()]) {
      expect(figure).toMatchObject({ calls: TABLES, refused: 0 });
      expect(figure.readBackS).toBeLessThan(3);
    }
  });
  it('take 90 s one after another', () => {
    const { changedS } = oneAfterAnother();
    expect(changedS).toBeGreaterThan(88);
    expect(changedS).toBeLessThan(93);
  });
});
