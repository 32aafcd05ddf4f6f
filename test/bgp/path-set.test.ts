/** The set of a peer's paths, against a plain one. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deletePath, insertPath, nextPath, type PathSet } from '../../controller/bgp/path-set.ts';

/** Beside each other, at both ends of words and pages, and far away. */
const number = fc.oneof(
  fc.integer({ min: 0, max: 70 }),
  fc.integer({ min: 32_760, max: 32_775 }),
  fc.integer({ min: 0, max: 200_000 }),
);

it('holds what was put in and not taken out, and gives it in order', () => {
  const ops = fc.array(fc.record({ number, isIn: fc.boolean() }), { maxLength: 80 });
  fc.assert(
    fc.property(ops, number, (all, from) => {
      const set: PathSet = [];
      const plain = new Set<number>();
      for (const { number: one, isIn } of all) {
        if (isIn) insertPath(set, one);
        else if (plain.has(one)) deletePath(set, one);
        if (isIn) plain.add(one);
        else plain.delete(one);
      }
      const found: number[] = [];
      for (let path = nextPath(set, from); path >= 0; path = nextPath(set, path + 1)) found.push(path);
      expect(found).toEqual([...plain].filter((one) => one >= from).sort((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});
