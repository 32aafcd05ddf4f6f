/** What a table should hold, and whose its routes are. */
import { describe, expect, it } from 'vitest';
import { prefix } from '../../../controller/base/ip.ts';
import type { ObservedRoute } from '../../../controller/ec2/call.ts';
import { isOurs, type Plan, type PlanOptions, planTable } from '../../../controller/sync/plan.ts';
import { comparePrefixes } from '../../../controller/sync/trie.ts';
import type { Want } from '../../../controller/sync/wanted.ts';
import { ENIS, inOneGo, syncConfig } from './scene.ts';

const [A, B] = ['10.0.0.10', '10.0.0.11'];
const local: ObservedRoute = { destination: '10.0.0.0/16', target: 'local', state: 'active' };
const route = (destination: string, target = 'eni-other'): ObservedRoute => ({
  destination,
  target,
  state: 'active',
});

interface Scene extends Partial<Omit<PlanOptions, 'config' | 'wanted' | 'table'>> {
  /** Next hops by prefix. */
  readonly wants: Readonly<Record<string, string>>;
  readonly routes?: readonly ObservedRoute[];
  readonly options?: string;
  readonly was?: string;
}

function plan({ wants, routes = [], options = 'aggregate: never', was, ...rest }: Scene): Plan {
  const [config] = syncConfig(options).routeSync;
  if (config === undefined) throw new Error('no entry');
  const list = Object.entries(wants)
    .map(
      ([text, hop]): Want => ({
        ...{ prefix: text, at: prefix(text), hop, peer: hop === A ? 'a' : 'b' },
        ...(was === undefined ? {} : { was }),
      }),
    )
    .sort((x, y) => comparePrefixes(x.at, y.at));
  const of = (family: 4 | 6) => list.filter(({ at }) => at.address.family === family);
  return inOneGo(
    planTable({
      ...{ ours: {}, yielded: [], installed: {}, lost: [], aggregated: { 4: false, 6: false } },
      targets: { [A]: ENIS.a, [B]: ENIS.b },
      ...rest,
      config,
      wanted: { 4: of(4), 6: of(6) },
      table: { id: 'rtb-1', vpc: 'vpc-1', routes: [local, ...routes], associations: [], main: false },
    }),
  );
}

describe('whose a route is', () => {
  const [config] = syncConfig('adopt: [ { prefix: 203.0.113.0/24 } ]').routeSync;
  const mine = { '198.51.100.0/24': ENIS.a };
  it.each<[string, ObservedRoute, boolean]>([
    ['what we made', route('198.51.100.0/24'), true],
    ['what may be adopted', route('203.0.113.0/24'), true],
    ['what we did not make', route('192.0.2.0/24'), false],
    ['what lies within what may be adopted', route('203.0.113.0/25'), false],
    [
      'what was propagated, though we made one once',
      { ...route('198.51.100.0/24'), propagated: true },
      false,
    ],
    [
      'what was propagated, though it may be adopted',
      { ...route('203.0.113.0/24'), propagated: true },
      false,
    ],
    ['a local one', { ...route('203.0.113.0/24'), target: 'local' }, false],
  ])('%s', (_, one, expected) => {
    if (config === undefined) throw new Error('no entry');
    expect(isOurs(one, mine, config)).toBe(expected);
  });
});

describe('a plan', () => {
  it('leaves a prefix to the route of somebody else, and says so', () => {
    const { routes, foreign } = plan({
      wants: { '203.0.113.0/24': A, '198.51.100.0/24': B },
      routes: [route('203.0.113.0/24')],
    });
    expect(routes).toEqual({ '198.51.100.0/24': ENIS.b });
    expect(foreign).toEqual(['203.0.113.0/24']);
  });

  it('takes over what is ours, or may be', () => {
    const wants = { '203.0.113.0/24': A };
    const routes = [route('203.0.113.0/24', ENIS.b)];
    expect(plan({ wants, routes, ours: { '203.0.113.0/24': ENIS.b } })).toMatchObject({
      routes: { '203.0.113.0/24': ENIS.a },
      foreign: [],
    });
    expect(
      plan({ wants, routes, options: 'aggregate: never, adopt: [ { prefix: 203.0.113.0/24 } ]' }),
    ).toMatchObject({ routes: { '203.0.113.0/24': ENIS.a }, foreign: [] });
  });

  it('leaves what groups move and what was yielded alone, though it is ours', () => {
    const { routes, foreign } = plan({
      wants: { '203.0.113.0/24': A },
      routes: [route('203.0.113.0/24', ENIS.b)],
      ours: { '203.0.113.0/24': ENIS.b },
      yielded: ['203.0.113.0/24'],
    });
    expect({ routes, foreign }).toEqual({ routes: {}, foreign: ['203.0.113.0/24'] });
  });

  it('counts the static routes of others against the quota, of each IP version', () => {
    const v4 = plan({
      wants: {},
      routes: [
        route('203.0.113.0/24'),
        route('0.0.0.0/0'),
        route('2001:db8::/32'),
        { ...route('8.0.0.0/8'), propagated: true },
      ],
      ours: { '203.0.113.0/24': ENIS.a },
    });
    expect(v4.limit).toEqual({ 4: 499, 6: 499 });
  });

  it('writes nothing that EC2 would refuse, and says why', () => {
    const { routes, refused, isInside } = plan({
      wants: { '10.0.5.0/24': A, '10.0.6.0/25': A, '169.254.168.16/28': A, '203.0.113.0/24': A },
      subnets: ['10.0.5.0/24', '10.0.6.0/24'],
    });
    expect(routes).toEqual({ '10.0.5.0/24': ENIS.a, '203.0.113.0/24': ENIS.a });
    expect(refused).toEqual({
      '10.0.6.0/25': "it lies within the VPC's 10.0.0.0/16 and is not the whole block of a subnet",
      '169.254.168.16/28': 'AWS keeps these addresses for itself',
    });
    expect(isInside).toBe(true);
  });

  it('waits for the subnets where a prefix lies within the VPC, and deletes nothing meanwhile', () => {
    expect(plan({ wants: { '10.0.5.0/24': A } })).toMatchObject({
      routes: {},
      isPending: true,
      isInside: true,
    });
  });

  it('keeps the old way while the ENI of a next hop is looked up, and drops what no ENI owns', () => {
    const wants = { '203.0.113.0/24': B };
    const targets = { [A]: ENIS.a, [B]: 'soon' };
    expect(plan({ wants, targets, was: A })).toMatchObject({
      routes: { '203.0.113.0/24': ENIS.a },
      isPending: false,
    });
    expect(plan({ wants, targets })).toMatchObject({ routes: {}, isPending: true, unresolved: [] });
    expect(plan({ wants, targets: { [A]: ENIS.a }, was: A })).toMatchObject({
      routes: {},
      isPending: false,
      unresolved: ['203.0.113.0/24'],
    });
  });

  it('leaves the longest prefixes out where there is no room, and of one length those that are not there', () => {
    const { routes, leftOut } = plan({
      wants: { '203.0.113.0/24': A, '198.51.100.0/24': A, '198.51.0.0/16': A, '192.0.2.0/25': A },
      ours: { '203.0.113.0/24': ENIS.a },
      options: 'aggregate: never, limit: 2',
    });
    expect(Object.keys(routes).sort()).toEqual(['198.51.0.0/16', '203.0.113.0/24']);
    expect(leftOut).toEqual({ count: 2, first: ['198.51.100.0/24', '192.0.2.0/25'] });
  });

  const four = { '203.0.113.0/26': A, '203.0.113.64/26': A, '203.0.113.128/26': A, '203.0.113.192/26': A };
  it.each<[string, number, boolean, boolean]>([
    ['fits: as it is', 4, false, false],
    ['does not fit: aggregated', 3, false, true],
    ['fits again, by little: still aggregated', 4, true, true],
    ['fills less than 80 % of the limit: as it is', 5, true, false],
  ])('aggregates by itself: what %s', (_, limit, before, after) => {
    const made = plan({
      wants: four,
      options: `aggregate: auto, limit: ${limit}`,
      aggregated: { 4: before, 6: false },
    });
    expect(made.aggregated).toEqual({ 4: after, 6: false });
    expect(made.routes).toEqual(
      after
        ? { '203.0.113.0/24': ENIS.a }
        : Object.fromEntries(Object.keys(four).map((one) => [one, ENIS.a])),
    );
  });

  it('aggregates around routes of others, and never what lies within the VPC', () => {
    const { routes } = plan({
      wants: { ...four, '10.0.4.0/24': A, '10.0.5.0/24': A },
      routes: [route('203.0.113.64/26')],
      subnets: ['10.0.4.0/24', '10.0.5.0/24'],
      options: 'aggregate: always',
    });
    expect(routes).toMatchObject({ '10.0.4.0/24': ENIS.a, '10.0.5.0/24': ENIS.a });
    expect(routes).not.toHaveProperty('203.0.113.64/26');
  });

  it('knows the ENIs that living neighbors lead to', () => {
    const wants = { '203.0.113.0/24': A, '198.51.100.0/24': B };
    expect(plan({ wants, lost: ['a'] }).alive).toEqual([ENIS.b]);
  });
});
