/** Aggregation against plain longest-prefix match over random tables. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressAt, contains, formatPrefix, mask, type Prefix, prefix } from '../../../controller/base/ip.ts';
import { type Announced, aggregation, type Planned } from '../../../controller/sync/aggregate.ts';
import { inOneGo } from '../../../controller/sync/portions.ts';
import { comparePrefixes } from '../../../controller/sync/trie.ts';

type Routes = Readonly<Record<string, string>>;

interface Scene {
  readonly routes: Routes;
  readonly barriers?: readonly string[];
  readonly installed?: Routes;
  readonly limit?: number;
}

const listed = (routes: Routes): readonly Announced[] =>
  Object.entries(routes)
    .map(([text, target]) => ({ prefix: text, at: prefix(text), target }))
    .sort((a, b) => comparePrefixes(a.at, b.at));

const run = ({ routes, barriers = [], installed = {}, limit = 500 }: Scene): readonly Planned[] =>
  inOneGo(
    aggregation({
      announced: listed(routes),
      barriers: barriers.map(prefix),
      installed: listed(installed).filter((one) => !barriers.includes(one.prefix)),
      limit,
    }),
  );

/** The calls that lead from what is installed to what is planned. */
function writesOf(planned: readonly Planned[], { installed = {}, barriers = [] }: Scene): number {
  const gone = Object.keys(installed).filter(
    (text) => !barriers.includes(text) && !planned.some((one) => one.prefix === text),
  );
  return gone.length + planned.filter((one) => installed[one.prefix] !== one.target).length;
}

const shown = (scene: Scene): Readonly<Record<string, string>> =>
  Object.fromEntries(run(scene).map((one) => [one.prefix, one.target]));

/** Longest match the slow way; a route of others wins with `other`. */
function match(
  routes: readonly { readonly at: Prefix; readonly target: string }[],
  barriers: readonly Prefix[],
  probe: Prefix,
): string {
  let best = { length: -1, target: 'none' };
  for (const { at, target } of routes)
    if (at.length > best.length && contains(at, probe.address)) best = { length: at.length, target };
  for (const at of barriers)
    if (at.length >= best.length && contains(at, probe.address))
      best = { length: at.length, target: 'other' };
  return best.target;
}

describe('aggregation', () => {
  it('merges halves with one target', () =>
    expect(shown({ routes: { '10.0.0.0/25': 'a', '10.0.0.128/25': 'a' } })).toEqual({ '10.0.0.0/24': 'a' }));
  it('leaves halves apart where nobody announced the other', () =>
    expect(shown({ routes: { '10.0.0.0/25': 'a', '10.0.1.0/25': 'a' } })).toEqual({
      '10.0.0.0/25': 'a',
      '10.0.1.0/25': 'a',
    }));
  it('drops what the route above says already', () =>
    expect(shown({ routes: { '0.0.0.0/0': 'a', '10.0.0.0/8': 'a', '10.1.0.0/16': 'b' } })).toEqual({
      '0.0.0.0/0': 'a',
      '10.1.0.0/16': 'b',
    }));
  it('turns a route around where that takes fewer', () =>
    expect(shown({ routes: { '0.0.0.0/0': 'b', '10.0.0.0/24': 'a', '10.0.0.0/25': 'b' } })).toEqual({
      '0.0.0.0/0': 'b',
      '10.0.0.128/25': 'a',
    }));
  it('keeps what is installed where there is a choice', () => {
    const routes = { '10.0.0.0/25': 'a', '10.0.0.128/25': 'b' };
    expect(shown({ routes, installed: { '10.0.0.0/24': 'b' } })).toEqual({
      '10.0.0.0/24': 'b',
      '10.0.0.0/25': 'a',
    });
    expect(shown({ routes, installed: { '10.0.0.0/24': 'a' } })).toEqual({
      '10.0.0.0/24': 'a',
      '10.0.0.128/25': 'b',
    });
  });
  it('costs fewer writes rather than fewer routes, as long as they fit', () => {
    const routes = { '10.0.0.0/25': 'a', '10.0.0.128/26': 'b', '10.0.0.192/26': 'b', '10.0.1.0/24': 'a' };
    const installed = { '10.0.0.0/25': 'a', '10.0.0.128/25': 'b', '10.0.1.0/24': 'a' };
    expect(shown({ routes, installed })).toEqual(installed);
    expect(shown({ routes, installed, limit: 2 })).toEqual({ '10.0.0.0/23': 'a', '10.0.0.128/25': 'b' });
  });
  it('does not rewrite a table whose tie at the top tips', () => {
    const owners = (moved: string): Routes =>
      Object.fromEntries(
        Array.from({ length: 256 }, (_, n) => [`10.0.${n}.0/24`, n >> 4 === 3 ? moved : n & 16 ? 'b' : 'a']),
      );
    const before = shown({ routes: owners('b') });
    const scene = { routes: owners('a'), installed: before };
    expect(writesOf(run(scene), scene)).toBe(1);
  });
  it('does not take the place of a route of somebody else, nor passes over it', () => {
    const routes = { '10.0.0.0/25': 'a', '10.0.0.128/25': 'a' };
    expect(shown({ routes, barriers: ['10.0.0.0/24'] })).toEqual(routes);
    expect(shown({ routes: { ...routes, '10.0.0.0/24': 'a' }, barriers: ['10.0.0.0/24'] })).toEqual(routes);
  });
  it('passes over what belongs to others as a whole', () =>
    expect(
      shown({ routes: { '10.0.0.0/25': 'a', '10.0.0.128/26': 'a' }, barriers: ['10.0.0.192/26'] }),
    ).toEqual({
      '10.0.0.0/24': 'a',
    }));
  it('IPv6: beyond a word, too', () =>
    expect(
      shown({ routes: { '2001:db8::/33': 'a', '2001:db8:8000::/33': 'a', '2001:db8::1/128': 'b' } }),
    ).toEqual({ '2001:db8::/32': 'a', '2001:db8::1/128': 'b' }));

  const random = (family: 4 | 6) => {
    const base = prefix(family === 4 ? '198.51.100.0/24' : '2001:db8:0:ff00::/56');
    const one = fc.record({ offset: fc.nat(255), cut: fc.nat(8) }).map(({ offset, cut }): Prefix => {
      // The eight bits behind the base: in the last word of IPv4, across two words of IPv6.
      const [a, b, c, d] = base.address.words;
      const words: readonly [number, number, number, number] =
        family === 4
          ? [a, b, c, (d + offset) >>> 0]
          : [a, (b + (offset >>> 4)) >>> 0, (c + ((offset & 15) << 28)) >>> 0, d];
      const length = (family === 4 ? 24 : 60) + cut;
      return { address: mask({ family, words }, length), length };
    });
    return fc.record({
      routes: fc.dictionary(one.map(formatPrefix), fc.constantFrom('a', 'b', 'c'), { maxKeys: 40 }),
      barriers: fc.uniqueArray(one.map(formatPrefix), { maxLength: 4 }),
      installed: fc.dictionary(one.map(formatPrefix), fc.constantFrom('a', 'b', 'c', 'gone'), {
        maxKeys: 20,
      }),
      limit: fc.nat(40),
    });
  };

  for (const family of [4, 6] as const) {
    it(`IPv${family}: forwards as the plain table does everywhere, within the limit, by few writes, and leaves holes alone`, () => {
      fc.assert(
        fc.property(random(family), (scene) => {
          const barriers = scene.barriers.map(prefix);
          const plain = Object.entries(scene.routes)
            .filter(([text]) => !scene.barriers.includes(text))
            .map(([text, target]) => ({ at: prefix(text), target }));
          const planned = run(scene);
          const small = planned.map((route) => ({ at: prefix(route.prefix), target: route.target }));
          expect(new Set(planned.map((route) => route.prefix)).size).toBe(planned.length);
          // Without routes that are there, it is the smallest table.
          const smallest = run({ ...scene, installed: {} });
          expect(smallest.length).toBeLessThanOrEqual(plain.length);
          expect(planned.length).toBeLessThanOrEqual(Math.max(scene.limit, smallest.length));
          expect(writesOf(planned, scene)).toBeLessThanOrEqual(writesOf(smallest, scene));
          for (const route of planned) expect(scene.barriers).not.toContain(route.prefix);
          const probes =
            family === 4
              ? Array.from({ length: 258 }, (_, n) => addressAt(prefix('198.51.99.255/32'), n))
              : Array.from({ length: 256 }, (_, n) => {
                  const [a, b, , d] = prefix('2001:db8:0:ff00::/56').address.words;
                  const words = [a, (b + (n >>> 4)) >>> 0, ((n & 15) << 28) >>> 0, d] as const;
                  return { family: 6 as const, words };
                });
          for (const address of probes) {
            const probe = { address, length: family === 4 ? 32 : 128 };
            expect([formatPrefix(probe), match(small, barriers, probe)]).toEqual([
              formatPrefix(probe),
              match(plain, barriers, probe),
            ]);
          }
        }),
        { numRuns: 300 },
      );
    });
  }
});
