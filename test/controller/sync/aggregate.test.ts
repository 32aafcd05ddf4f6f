/** Aggregation against plain longest-prefix match over random tables. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressAt, contains, formatPrefix, mask, type Prefix, prefix } from '../../../controller/base/ip.ts';
import { aggregate, comparePrefixes, type Planned } from '../../../controller/sync/aggregate.ts';

interface Scene {
  readonly routes: Readonly<Record<string, string>>;
  readonly barriers?: readonly string[];
  readonly installed?: Readonly<Record<string, string>>;
}

function run({ routes, barriers = [], installed = {} }: Scene): readonly Planned[] {
  const sorted = (texts: readonly string[]) => texts.map(prefix).sort(comparePrefixes);
  const announced = sorted(Object.keys(routes)).map((at) => {
    const text = formatPrefix(at);
    return { prefix: text, at, target: routes[text] ?? '' };
  });
  return aggregate({ announced, barriers: sorted(barriers), installed: (text) => installed[text] });
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
  it('does not take the place of a route of somebody else, nor passes over it', () => {
    const routes = { '10.0.0.0/25': 'a', '10.0.0.128/25': 'a' };
    expect(shown({ routes, barriers: ['10.0.0.0/24'] })).toEqual(routes);
    expect(shown({ routes: { ...routes, '10.0.0.0/24': 'a' }, barriers: ['10.0.0.0/24'] })).toEqual(routes);
  });
  it('passes over what belongs to others as a whole', () =>
    expect(shown({ routes: { '10.0.0.0/25': 'a' }, barriers: ['10.0.0.128/25'] })).toEqual({
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
      installed: fc.dictionary(one.map(formatPrefix), fc.constantFrom('a', 'b', 'c'), { maxKeys: 20 }),
    });
  };

  for (const family of [4, 6] as const) {
    it(`IPv${family}: forwards as the plain table does everywhere, with no more routes, and leaves holes alone`, () => {
      fc.assert(
        fc.property(random(family), (scene) => {
          const barriers = scene.barriers.map(prefix);
          const plain = Object.entries(scene.routes)
            .filter(([text]) => !scene.barriers.includes(text))
            .map(([text, target]) => ({ at: prefix(text), target }));
          const planned = run(scene);
          const small = planned.map((route) => ({ at: prefix(route.prefix), target: route.target }));
          expect(new Set(planned.map((route) => route.prefix)).size).toBe(planned.length);
          expect(planned.length).toBeLessThanOrEqual(plain.length);
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
