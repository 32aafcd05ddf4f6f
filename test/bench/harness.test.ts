/** The arithmetic behind every figure that we publish. */

import { describe, expect, it } from 'vitest';
import { goal, median, spread, table } from '../../bench/harness.ts';
import { quantile } from '../../controller/base/quantile.ts';

describe('figures', () => {
  it('takes medians and quantiles of any number of values in any order', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quantile([10, 20, 30, 40, 50], 0.75)).toBe(40);
    expect(quantile([7], 0.99)).toBe(7);
    expect(median([])).toBeNaN();
  });

  it('judges goals by the measured value, not by the rounded one', () => {
    expect(goal('a', 5, '<=', 5, 'ms')).toEqual({
      name: 'a',
      value: 5,
      op: '<=',
      limit: 5,
      unit: 'ms',
      met: true,
    });
    expect(goal('a', 5.00001, '<=', 5, 'ms')).toMatchObject({ value: 5, met: false });
    expect(goal('a', 2, '>=', 3, 'x').met).toBe(false);
    expect(goal('a', Number.NaN, '<=', 5, 'ms').met).toBe(false);
  });

  it('lays out a table, numbers to the right', () => {
    const rows = [
      { what: 'bundle', ...spread([1, 2, 30], 'ms') },
      { what: 'executable', runs: 12 },
    ];
    expect(table(rows).split('\n')).toEqual([
      'what        runs   min  median    max',
      'bundle         3  1 ms    2 ms  30 ms',
      'executable    12',
    ]);
  });
});
