/** Longest-prefix match against a linear scan, over random insertions and removals of both families. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  contains,
  formatPrefix,
  mask,
  type Prefix,
  prefix,
} from '../../../controller/base/ip.ts';
import {
  createLongestMatch,
  entries,
  insert,
  type LongestMatch,
  lookup,
  remove,
} from '../../../controller/base/longest-match.ts';

/** Words that share leading bits often. */
const word = fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0xff000000, 0xf0f0f0f0, 0xfffffffe);

const addressOf = (family: 4 | 6): fc.Arbitrary<Address> =>
  fc
    .tuple(word, word, word, word)
    .map(([a, b, c, d]) => ({ family, words: family === 4 ? [0, 0, 0, d] : [a, b, c, d] }));

const prefixOf = (family: 4 | 6): fc.Arbitrary<Prefix> =>
  fc
    .tuple(addressOf(family), fc.nat(family === 4 ? 32 : 128))
    .map(([address, length]) => ({ address: mask(address, length), length }));

const find = <T>(table: LongestMatch<T>, address: Address): T | undefined => {
  const [a, b, c, d] = address.words;
  return lookup(table, a | 0, b | 0, c | 0, d | 0)?.value;
};

describe('longest match', () => {
  for (const family of [4, 6] as const) {
    it(`agrees with a linear scan, IPv${family}`, () => {
      const operation = fc.record({
        add: fc.constantFrom(true, true, false),
        at: fc.nat(9),
        value: fc.nat(),
      });
      const prefixes = fc.array(prefixOf(family), { minLength: 10, maxLength: 10 });
      const probes = fc.array(addressOf(family), { minLength: 1, maxLength: 9 });
      fc.assert(
        fc.property(
          prefixes,
          fc.array(operation, { maxLength: 40 }),
          probes,
          (pool, operations, addresses) => {
            const table = createLongestMatch<number>();
            const plain = new Map<string, { prefix: Prefix; value: number }>();
            for (const { add, at, value } of operations) {
              const chosen = pool[at];
              if (chosen === undefined) continue;
              const name = formatPrefix(chosen);
              if (add) {
                insert(table, chosen, value);
                plain.set(name, { prefix: chosen, value });
              } else {
                expect(remove(table, chosen)).toBe(plain.delete(name));
              }
            }
            expect(table.size).toBe(plain.size);
            const listed = [...entries(table)].map((match) => formatPrefix(match.prefix)).sort();
            expect(listed).toEqual([...plain.keys()].sort());
            for (const address of [...addresses, ...pool.map((each) => each.address)]) {
              const fitting = [...plain.values()].filter((each) => contains(each.prefix, address));
              const longest = fitting.sort((x, y) => y.prefix.length - x.prefix.length)[0];
              expect(find(table, address)).toBe(longest?.value);
            }
          },
        ),
      );
    });
  }

  it('prefers the longer prefix and falls back to the shorter when it goes', () => {
    const table = createLongestMatch<string>();
    insert(table, prefix('0.0.0.0/0'), 'default');
    insert(table, prefix('10.0.0.0/16'), 'local');
    insert(table, prefix('10.0.2.0/24'), 'subnet');
    const at = prefix('10.0.2.7/32').address;
    expect(find(table, at)).toBe('subnet');
    remove(table, prefix('10.0.2.0/24'));
    expect(find(table, at)).toBe('local');
    remove(table, prefix('10.0.0.0/16'));
    expect(find(table, at)).toBe('default');
  });
});
