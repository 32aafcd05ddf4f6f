/** The decision process by itself: each step with the reason that it gives. RFC 4271 9.1.2.2. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areEqual, type Candidate, compare, selectBest } from '../../controller/bgp/best-path.ts';
import { COMMUNITY, NO_ATTRIBUTES, type PathAttributes } from '../../controller/wire/attribute.ts';

type Source = NonNullable<Candidate['peer']>;

const sequence = (...as: number[]) => [{ type: 'sequence' as const, as }];

/** A path from AS 65001 by a neighbor outside, unless told otherwise. */
const candidate = (
  attributes: Partial<PathAttributes> = {},
  source: Partial<Source> | 'local' = {},
  pathId = 0,
): Candidate => ({
  attributes: { ...NO_ATTRIBUTES, asPath: sequence(65001), ...attributes },
  ...(source === 'local' ? {} : { peer: { ibgp: false, bgpId: 1, address: [0, 0, 0, 1], ...source } }),
  pathId,
});

/** The first is better by this step, and the second worse by it. */
function wins(better: Candidate, worse: Candidate, current?: Candidate): string {
  const there = compare(better, worse, current);
  const back = compare(worse, better, current);
  expect([Math.sign(there.order), Math.sign(back.order), back.step]).toEqual([-1, 1, there.step]);
  return there.step;
}

describe('a step of ours', () => {
  it('a neighbor that does not forward is the last choice, whatever its LOCAL_PREF, and never equal', () => {
    const lame = candidate({ localPref: 900 }, { unfit: true });
    expect(wins(candidate(), lame)).toBe('neighbor forwards');
    expect(wins(candidate({ communities: [COMMUNITY.llgrStale] }), lame)).toBe('neighbor forwards');
    expect(areEqual(candidate({}, { bgpId: 2 }), candidate({}, { unfit: true }))).toBe(false);
    expect(wins(candidate({ localPref: 900 }, { unfit: true }), candidate({}, { unfit: true }))).toBe(
      'LOCAL_PREF',
    );
  });
});

describe('RFC 4271 9.1.2.2: each step tells two paths apart', () => {
  const inside = { ibgp: true };

  it('9.1: a route of our own comes before all that is learned', () =>
    expect(wins(candidate({}, 'local'), candidate({ localPref: 900 }))).toBe('originated here'));

  it('RFC 9494 4.3: LLGR_STALE is the last choice, whatever its LOCAL_PREF', () =>
    expect(wins(candidate(), candidate({ localPref: 900, communities: [COMMUNITY.llgrStale] }))).toBe(
      'not LLGR stale',
    ));

  it('9.1.1: LOCAL_PREF, 100 where there is none', () => {
    expect(wins(candidate({ localPref: 101 }), candidate())).toBe('LOCAL_PREF');
    expect(wins(candidate(), candidate({ localPref: 99 }))).toBe('LOCAL_PREF');
  });

  it('a: AS_PATH length, in which a set counts one', () => {
    const set = [{ type: 'set' as const, as: [1, 2, 3, 4] }];
    expect(
      wins(candidate({ asPath: [...sequence(65001), ...set] }), candidate({ asPath: sequence(65001, 1, 2) })),
    ).toBe('AS_PATH length');
  });

  it('b: ORIGIN, IGP before EGP before INCOMPLETE', () => {
    expect(wins(candidate({ origin: 0 }), candidate({ origin: 1 }))).toBe('ORIGIN');
    expect(wins(candidate({ origin: 1 }), candidate({ origin: 2 }))).toBe('ORIGIN');
  });

  it('c: MULTI_EXIT_DISC of one neighboring AS alone, 0 where there is none', () => {
    expect(wins(candidate(), candidate({ med: 1 }))).toBe('MULTI_EXIT_DISC');
    const other = candidate({ med: 1, asPath: sequence(65002) }, { bgpId: 2 });
    expect(wins(candidate({ med: 9 }), other)).toBe('router identifier');
  });

  it('d: eBGP before iBGP', () =>
    expect(wins(candidate({}, { bgpId: 9 }), candidate({}, inside))).toBe('eBGP over iBGP'));

  it('RFC 5004 3: the eBGP path that is best stays, between routers that differ', () => {
    const best = candidate({}, { bgpId: 9 });
    expect(wins(best, candidate(), best)).toBe('oldest eBGP path');
    expect(wins(candidate({ origin: 0 }), candidate({ origin: 1 }), candidate({ origin: 1 }))).toBe('ORIGIN');
  });

  it('RFC 5004 3: not between iBGP paths, nor between two of one router', () => {
    const best = candidate({}, { ...inside, bgpId: 9 });
    expect(wins(candidate({}, inside), best, best)).toBe('router identifier');
    const twin = candidate({}, { address: [0, 0, 0, 9] });
    expect(wins(candidate(), twin, twin)).toBe('peer address');
  });

  it('f: the BGP Identifier, or ORIGINATOR_ID in its place (RFC 4456 9)', () => {
    expect(wins(candidate(), candidate({}, { bgpId: 2 }))).toBe('router identifier');
    const reflected = candidate({ originatorId: 1 }, { ...inside, bgpId: 9 });
    expect(wins(reflected, candidate({}, { ...inside, bgpId: 2 }))).toBe('router identifier');
  });

  it('RFC 4456 9: the shorter CLUSTER_LIST', () =>
    expect(wins(candidate({ clusterList: [1] }, inside), candidate({ clusterList: [1, 2] }, inside))).toBe(
      'CLUSTER_LIST length',
    ));

  it('g: the address of the neighbor, as an unsigned number', () => {
    const [low, high] = [0x7fffffff, 0xf0000000];
    expect(
      wins(candidate({}, { address: [0, 0, 0, low] }), candidate({}, { address: [0, 0, 0, high] })),
    ).toBe('peer address');
    expect(wins(candidate({}, { address: [1, 9, 9, 9] }), candidate({}, { address: [2, 0, 0, 0] }))).toBe(
      'peer address',
    );
  });

  it('RFC 7911 3: two paths of one neighbor are told apart by their identifiers', () =>
    expect(wins(candidate({}, {}, 1), candidate({}, {}, 2))).toBe('path identifier'));
});

describe('of many paths', () => {
  const arbitrary = fc.record({
    med: fc.integer({ min: 0, max: 2 }),
    as: fc.integer({ min: 1, max: 2 }),
    ibgp: fc.boolean(),
    bgpId: fc.integer({ min: 1, max: 3 }),
    pathId: fc.integer(),
  });

  it('RFC 4451 2.2: MULTI_EXIT_DISC makes the outcome hang on no order of arrival', () => {
    fc.assert(
      fc.property(fc.uniqueArray(arbitrary, { selector: ({ pathId }) => pathId, maxLength: 7 }), (all) => {
        const paths = all.map(({ med, as, pathId, ...source }) =>
          candidate({ med, asPath: sequence(as) }, source, pathId),
        );
        const best = (list: readonly Candidate[]) => list[selectBest(list)];
        expect(best([...paths].reverse())).toBe(best(paths));
        expect(best([...paths].sort((a, b) => a.pathId - b.pathId))).toBe(best(paths));
      }),
    );
  });

  it('there is none of none', () => expect(selectBest([])).toBe(-1));

  it('those are equal, and may be used together, that only ties tell apart', () => {
    expect(areEqual(candidate(), candidate({}, { bgpId: 7, address: [0, 0, 0, 7] }, 3))).toBe(true);
    expect(areEqual(candidate(), candidate({ med: 1 }))).toBe(false);
  });
});
