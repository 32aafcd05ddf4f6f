/** Import and export policy: what each condition matches, what each change makes, and what is refused. */
import { describe, expect, it } from 'vitest';
import { parsePrefix } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import type { PolicyMatch, PolicyRule, PolicySet } from '../../controller/bgp/options.ts';
import { type CompiledPolicy, compilePolicy, compileRange, inRanges } from '../../controller/bgp/policy.ts';
import { createPrefixTable, internPrefix } from '../../controller/bgp/prefix-table.ts';
import { explain, listRoutes } from '../../controller/bgp/rib-query.ts';
import type { PathAttributes } from '../../controller/wire/attribute.ts';
import { announce, join, newRib, policy, Receiver, settle } from './rib-scene.ts';

const P = '198.51.100.0/24';
const ALL = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.4/30', '11.0.0.0/16', '0.0.0.0/0'];

/** The prefixes that a policy lets in. */
function letIn(compiled: CompiledPolicy, prefixes: readonly string[] = ALL): readonly string[] {
  const rib = newRib();
  announce(rib, join(rib, 2, {}, { importPolicy: compiled }), prefixes);
  settle(rib);
  const { routes } = listRoutes(rib, { table: 'loc', family: 'ipv4', scan: 100 });
  return routes.map(({ prefix }) => prefix);
}

const accepts = (match: PolicyMatch): CompiledPolicy => policy({ match, set: {}, action: 'accept' });

/** Whether a route of AS 65002 with these attributes matches. */
const matches = (match: PolicyMatch, attributes: Partial<PathAttributes>): boolean => {
  const rib = newRib();
  announce(rib, join(rib, 2, {}, { importPolicy: accepts(match) }), [P], attributes);
  settle(rib);
  return explain(rib, P)?.paths[0]?.refused === undefined;
};

/** What a change on import makes of a route. */
const changed = (set: PolicySet, attributes: Partial<PathAttributes> = {}) => {
  const rib = newRib();
  const importPolicy = policy({ match: {}, set, action: 'accept' });
  announce(rib, join(rib, 2, {}, { importPolicy }), [P], attributes);
  settle(rib);
  return explain(rib, P)?.paths[0];
};

describe('prefix lists', () => {
  it('match the prefix alone without ge and le', () =>
    expect(letIn(accepts({ prefixes: [{ prefix: '10.0.0.0/8' }] }))).toEqual(['10.0.0.0/8']));

  it('match what is within and at least ge long', () =>
    expect(letIn(accepts({ prefixes: [{ prefix: '10.0.0.0/8', ge: 24 }] }))).toEqual([
      '10.1.2.0/24',
      '10.1.2.4/30',
    ]));

  it('match what is within and at most le long, the prefix itself too', () =>
    expect(letIn(accepts({ prefixes: [{ prefix: '10.0.0.0/8', le: 16 }] }))).toEqual([
      '10.0.0.0/8',
      '10.1.0.0/16',
    ]));

  it('match between ge and le, by any of several ranges', () =>
    expect(
      letIn(accepts({ prefixes: [{ prefix: '10.0.0.0/8', ge: 16, le: 24 }, { prefix: '0.0.0.0/0' }] })),
    ).toEqual(['10.1.0.0/16', '10.1.2.0/24', '0.0.0.0/0']));

  it('of IPv6 match nothing of IPv4, nor does the family', () => {
    expect(letIn(accepts({ prefixes: [{ prefix: '::/0', ge: 0, le: 128 }] }))).toEqual([]);
    expect(letIn(accepts({ family: 'ipv6' }))).toEqual([]);
    expect(letIn(accepts({ family: 'ipv4' }))).toHaveLength(ALL.length);
  });

  it.each([
    ['2001:db8:1::/48', '2001:db8:1:2::/64', true],
    ['2001:db8:1::/48', '2001:db8:2:2::/64', false],
    ['2001:db8:1::/48', '2001:db9:1:2::/64', false],
    ['2001:db8:0:0:1::/80', '2001:db8::1:2:0:0/96', true],
    ['2001:db8:0:0:1::/80', '2001:db8::2:2:0:0/96', false],
    ['2001:db8::4/126', '2001:db8::6/128', true],
    ['2001:db8::4/126', '2001:db8::8/128', false],
  ])('of IPv6 compare all four words: %s and %s', (prefix, inner, isWithin) => {
    const table = createPrefixTable('ipv6');
    const { address, length } = must(parsePrefix(inner));
    const [w0, w1, w2, w3] = address.words;
    const id = internPrefix(table, length, w0, w1, w2, w3);
    expect(inRanges([must(compileRange({ prefix, le: 128 }))], table, id)).toBe(isWithin);
  });
});

describe('conditions', () => {
  it('communities: standard, large and extended, by name and by pattern', () => {
    const attributes: Partial<PathAttributes> = {
      communities: [0xfde80001, 0xffffff01],
      large: [[65000, 1, 2]],
      extended: [[0x0002fde8, 7]],
    };
    for (const text of ['65000:1', 'no-export', '65000:*', '65000:1:2', '65000:*:2', 'rt:65000:7'])
      expect(matches({ communities: [text] }, attributes), text).toBe(true);
    for (const text of ['65000:2', 'no-advertise', '65001:*', '65000:1:3', 'soo:65000:7'])
      expect(matches({ communities: [text] }, attributes), text).toBe(false);
  });

  it('AS path: what it contains, who originated it, from whom, and how long it is', () => {
    const asPath = [{ type: 'sequence' as const, as: [65002, 7, 9] }];
    const fits = (wanted: NonNullable<PolicyMatch['asPath']>) => matches({ asPath: wanted }, { asPath });
    expect([fits({ contains: [7] }), fits({ contains: [8] })]).toEqual([true, false]);
    expect([fits({ originatedBy: [9] }), fits({ originatedBy: [7] })]).toEqual([true, false]);
    expect([fits({ from: [65002] }), fits({ from: [9] })]).toEqual([true, false]);
    expect([fits({ minLength: 3 }), fits({ minLength: 4 })]).toEqual([true, false]);
    expect([fits({ maxLength: 3 }), fits({ maxLength: 2 })]).toEqual([true, false]);
    expect(fits({ contains: [7], maxLength: 2 })).toBe(false);
  });

  it('origin, next hop and neighbor', () => {
    expect(matches({ origin: ['egp', 'incomplete'] }, { origin: 2 })).toBe(true);
    expect(matches({ origin: ['egp'] }, { origin: 2 })).toBe(false);
    expect(matches({ nextHops: ['10.0.0.2'] }, {})).toBe(true);
    expect(matches({ nextHops: ['10.0.0.3'] }, {})).toBe(false);
    expect(matches({ peers: ['peer-2'] }, {})).toBe(true);
    expect(matches({ peers: ['peer-3'] }, {})).toBe(false);
  });
});

describe('changes', () => {
  it('LOCAL_PREF, MED, origin and next hop', () => {
    expect(changed({ localPref: 50, med: 7, origin: 'incomplete', nextHop: '10.0.0.77' })).toMatchObject({
      localPref: 50,
      med: 7,
      origin: 'incomplete',
      nextHop: '10.0.0.77',
    });
    expect(changed({ med: 'remove' }, { med: 9 })).not.toHaveProperty('med');
  });

  it('prepend, before our own AS on export', () => {
    expect(changed({ prepend: { as: 65002, count: 2 } })?.asPath).toBe('65002 65002 65002');
    const rib = newRib();
    const receiver = new Receiver();
    announce(rib, join(rib, 2), [P]);
    const exportPolicy = policy({ match: {}, set: { prepend: { as: 65000, count: 2 } }, action: 'accept' });
    receiver.pull(rib, join(rib, 3, {}, { exportPolicy }));
    expect(receiver.held.get(P)?.asPath[0]?.as).toEqual([65000, 65000, 65000, 65002]);
  });

  it('communities: added once, removed by pattern, replaced', () => {
    const attributes = { communities: [0xfde80001, 0xfde80002, 0xfde90001] };
    const of = (set: PolicySet) => changed(set, attributes)?.communities;
    expect(of({ addCommunities: ['65000:1', '65000:3'] })).toEqual([
      '65000:1',
      '65000:2',
      '65001:1',
      '65000:3',
    ]);
    expect(of({ removeCommunities: ['65000:*'] })).toEqual(['65001:1']);
    expect(of({ replaceCommunities: ['65000:1:2', 'blackhole'] })).toEqual(['blackhole', '65000:1:2']);
  });
});

describe('rules', () => {
  const rule = (match: PolicyMatch, action: PolicyRule['action'], set: PolicySet = {}): PolicyRule => ({
    match,
    set,
    action,
  });

  it('are tried in order, and the first that decides counts', () => {
    const ten = { prefixes: [{ prefix: '10.0.0.0/8', le: 32 }] };
    expect(letIn(policy(rule(ten, 'reject'), rule({}, 'accept')))).toEqual(['11.0.0.0/16', '0.0.0.0/0']);
    expect(letIn(policy(rule({}, 'accept'), rule(ten, 'reject')))).toHaveLength(ALL.length);
  });

  it('that say next change the route, and later ones see that', () => {
    const compiled = policy(
      rule({}, 'next', { addCommunities: ['65000:9'] }),
      rule({ communities: ['65000:9'] }, 'accept', { localPref: 7 }),
    );
    const rib = newRib();
    announce(rib, join(rib, 2, {}, { importPolicy: compiled }), [P]);
    settle(rib);
    expect(explain(rib, P)?.paths[0]).toMatchObject({ localPref: 7, communities: ['65000:9'] });
  });

  it('that match nothing leave the word to otherwise', () => {
    expect(letIn(policy())).toEqual([]);
    const open = compilePolicy({ name: 'open', rules: [], otherwise: 'accept' });
    expect(open.ok && letIn(open.value)).toHaveLength(ALL.length);
  });

  it('that are wrong say which one, and why', () => {
    const wrong = (match: PolicyMatch, set: PolicySet = {}) => {
      const compiled = compilePolicy({ name: 'p', rules: [rule(match, 'accept', set)], otherwise: 'reject' });
      return compiled.ok ? 'fine' : compiled.error;
    };
    expect(wrong({ prefixes: [{ prefix: '10.0.0.0/8', ge: 7 }] })).toMatch(
      /policy p, rule 1: .*between 8 and 32/,
    );
    expect(wrong({ prefixes: [{ prefix: '10.0.0.0/8', ge: 24, le: 16 }] })).toMatch(/in order/);
    expect(wrong({ communities: ['65000:x'] })).toMatch(/no community/);
    expect(wrong({}, { addCommunities: ['70000:1'] })).toMatch(/no community/);
    expect(wrong({}, { nextHop: 'router' })).toMatch(/policy p, rule 1/);
  });
});
