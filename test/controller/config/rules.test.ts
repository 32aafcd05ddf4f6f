/** The rules of designs: each broken once, and each kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import {
  judgeDesign,
  type Seen,
  type SeenAppliance,
  type SeenTable,
} from '../../../controller/config/rules.ts';
import { type Config, checkConfig } from '../../../controller/config.ts';

interface Shape {
  readonly capacity?: Readonly<Record<string, number>>;
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** BFD every so many ms. */
  readonly bfdMs?: number;
}

const NAMES = ['a', 'b', 'c', 'd'];

/** Appliances a to d, by default with one group of the first two. */
function configOf({ capacity = {}, groups = { egress: ['a', 'b'] }, bfdMs }: Shape = {}): Config {
  const input = {
    version: 1,
    node: 'a',
    aws: { region: 'eu-central-1' },
    appliances: NAMES.map((name, index) => ({
      ...{ name, address: `10.0.0.1${index}`, eni: `eni-0000000000000000${index}` },
      probes: [{ kind: 'icmp', from: 'all' }],
      ...(capacity[name] !== undefined && { capacity: capacity[name] }),
    })),
    groups: Object.entries(groups).map(([name, members], index) => ({
      ...{ name, members, routes: [{ table: `rtb-0000000000000000${index}`, destinations: ['0.0.0.0/0'] }] },
    })),
    ...(bfdMs !== undefined && {
      bgp: { as: 65_000, neighbors: [{ appliance: 'b', as: 65_000, bfd: { interval: `${bfdMs}ms` } }] },
    }),
  };
  return must(checkConfig(input));
}

const RIGHT: SeenAppliance = {
  sourceDestCheck: false,
  instanceType: 't3.micro',
  placement: { kind: 'none' },
};
const TABLE: SeenTable = {
  ...{ name: 'rtb-1', groups: ['egress'], zones: ['x1', 'x2'], routes: { v4: 1, v6: 0 }, fixed: [] },
};
/** Two appliances in two zones, and what is changed of that. */
const seenOf = ({
  a = {},
  b = {},
  table = {},
}: {
  a?: SeenAppliance;
  b?: SeenAppliance;
  table?: Partial<SeenTable>;
} = {}): Seen => ({
  appliances: { a: { ...RIGHT, zone: 'x1', ...a }, b: { ...RIGHT, zone: 'x2', ...b } },
  tables: [{ ...TABLE, ...table }],
});
const broken = (seen: Seen, shape?: Shape): readonly string[] =>
  judgeDesign(configOf(shape), seen).map(({ rule, what }) => `${rule}: ${what}`);

describe('a right design', () => {
  it('breaks no rule, nor does one of which nothing is known', () => {
    expect(broken(seenOf(), { bfdMs: 300 })).toEqual([]);
    expect(broken({ appliances: {}, tables: [] }, { bfdMs: 100 })).toEqual([]);
  });
});

describe('a wrong design', () => {
  const spread = { kind: 'group', name: 'pair', strategy: 'spread' } as const;
  const cases: readonly (readonly [string, Seen, Shape, readonly string[]])[] = [
    [
      'forwards behind a source/dest check',
      seenOf({ b: { sourceDestCheck: true } }),
      {},
      [
        'source-dest-check: b: the source/dest check of eni-00000000000000001 is on, so EC2 drops what it forwards',
      ],
    ],
    [
      'has a route that nobody moves',
      seenOf({ table: { fixed: [{ destination: '192.0.2.0/24', appliance: 'a' }] } }),
      {},
      ['standby: 192.0.2.0/24 in rtb-1 leads to a and has no standby: no group moves it'],
    ],
    [
      'has a table beyond its quota',
      seenOf({ table: { routes: { v4: 501, v6: 500 } } }),
      {},
      ['route-quota: rtb-1 may have 501 IPv4 routes, and its quota is 500'],
    ],
    [
      'syncs more routes than there is room for',
      seenOf({ table: { routes: { v4: 2, v6: 0 }, synced: 499 } }),
      {},
      ['route-quota: rtb-1 may have 501 IPv4 routes, 499 of them by routeSync, and its quota is 500'],
    ],
    [
      'has a pair in one zone for two',
      seenOf({ b: { zone: 'x1', placement: spread }, a: { placement: spread } }),
      {},
      ['zones: egress: all members (a, b) are in x1, and subnets in x2 depend on them'],
    ],
    [
      'has burstable instances with short BFD',
      seenOf({ b: { instanceType: 'c7g.large' } }),
      { bfdMs: 299 },
      ['burstable-bfd: a: a t3.micro without CPU credits is too late for BFD every 299 ms'],
    ],
    [
      'has a pair that may share a rack',
      seenOf({ b: { zone: 'x1' }, table: { zones: ['x1'] } }),
      {},
      [
        'spread-placement: a and b are in x1 and may run on the same rack: they are in no common spread placement group',
      ],
    ],
    [
      'cannot lose an appliance',
      seenOf(),
      { capacity: { a: 1, b: 1 }, groups: { egress: ['a', 'b'], other: ['b', 'a'] } },
      [
        'capacity: without a the other appliances cannot carry all 2 groups',
        'capacity: without b the other appliances cannot carry all 2 groups',
      ],
    ],
  ];

  it.each(cases)('%s', (_, seen, shape, faults) => {
    expect(broken(seen, shape)).toEqual(faults);
    for (const { remedy } of judgeDesign(configOf(shape), seen)) expect(remedy).toMatch(/^(aws ec2 )?[a-z]/);
  });

  it.each([
    ['another spread group', { ...spread, name: 'other' }, 1],
    ['the same spread group', spread, 0],
    ['a cluster', { ...spread, strategy: 'cluster' }, 1],
  ] as const)('of one zone, the second in %s', (_, placement, faults) => {
    const seen = seenOf({ a: { placement: spread }, b: { zone: 'x1', placement }, table: { zones: ['x1'] } });
    expect(broken(seen)).toHaveLength(faults);
  });
});

describe('capacity', () => {
  it('is enough without an appliance exactly where some way to share the groups is', () => {
    const members = fc.subarray(NAMES, { minLength: 2 });
    const sizes = fc.record({ a: fc.nat(2), b: fc.nat(2), c: fc.nat(2), d: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 4 }), sizes, (all, size) => {
        const capacity = Object.fromEntries(NAMES.map((name) => [name, 1 + (size[name as 'a'] ?? 0)]));
        const groups = Object.fromEntries(all.map((each, index) => [`g${index}`, each]));
        const fits = (index: number, room: Readonly<Record<string, number>>): boolean => {
          const own = all[index];
          if (own === undefined) return true;
          return own.some(
            (name) => (room[name] ?? 0) > 0 && fits(index + 1, { ...room, [name]: (room[name] ?? 0) - 1 }),
          );
        };
        const lost = NAMES.filter((name) => !fits(0, { ...capacity, [name]: 0 }));
        const faults = broken({ appliances: {}, tables: [] }, { capacity, groups });
        expect(faults.map((fault) => /without (\w)/.exec(fault)?.[1])).toEqual(lost);
      }),
    );
  });
});
