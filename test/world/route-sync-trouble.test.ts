/**
 * Route sync where the API, other people and other daemons do their worst: what was seen counts, and nothing
 * is written twice for one reason, nor fought over without end.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { inject, setKnobs } from '../../sim/world/api.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { crash, give, logOf, restartDaemon } from '../../sim/world/node.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { call } from './pair.ts';
import { pass, routesOf, type SyncScene, startTwin, syncScene, told, writesOf, wroteOf } from './sync.ts';

const HOST = '203.0.113.10';
const HOSTS = '203.0.113.0/24';
const OTHER = '198.51.100.0/24';

const withdraw = ({ a }: SyncScene, prefix: string): unknown =>
  give(a, { kind: 'bgp', input: { kind: 'withdraw', prefix } });
const originate = ({ a }: SyncScene, prefix: string): unknown =>
  give(a, { kind: 'bgp', input: { kind: 'originate', route: { prefix, nextHop: 'self', communities: [] } } });
const edit = ({ world, pair, table }: SyncScene, to: 'a' | 'b', DestinationCidrBlock = HOSTS): unknown =>
  call(world, 'ReplaceRoute', {
    RouteTableId: table,
    DestinationCidrBlock,
    NetworkInterfaceId: pair[to].eni,
  });
const alarms = ({ w }: SyncScene, what: string): number =>
  logOf(w, 'alarm').filter(({ text }) => text.includes(what)).length;

describe('the API', () => {
  test('applied and never answered: looked at again, and found done', () => {
    const scene = syncScene({ a: [HOSTS] });
    const since = scene.world.now;
    // All attempts of one call.
    inject(scene.world.api, { action: 'CreateRoute', fault: { kind: 'applied-no-answer' }, times: 3 });
    originate(scene, OTHER);
    pass(scene.world, 30_000);
    expect(wroteOf(scene.w, since), told(scene.w)).toEqual([`create-route ${OTHER}`]);
    expect(routesOf(scene, scene.table)).toEqual({ [HOSTS]: 'a', [OTHER]: 'a' });
  });

  test('never applied and never answered: looked at, and written again', () => {
    const scene = syncScene({ a: [HOSTS] });
    const since = scene.world.now;
    inject(scene.world.api, { action: 'CreateRoute', fault: { kind: 'lost' }, times: 3 });
    originate(scene, OTHER);
    pass(scene.world, 30_000);
    expect(wroteOf(scene.w, since), told(scene.w)).toEqual([
      `create-route ${OTHER}`,
      `create-route ${OTHER}`,
    ]);
    expect(routesOf(scene, scene.table)).toEqual({ [HOSTS]: 'a', [OTHER]: 'a' });
  });

  test('a call that is applied late, after its successor, is put right', () => {
    const scene = syncScene({ b: [HOSTS] });
    const { world, w } = scene;
    const since = world.now;
    inject(world.api, { action: 'ReplaceRoute', fault: { kind: 'late', delayMs: 12_000 }, times: 3 });
    originate(scene, HOSTS);
    pass(world, 6000);
    withdraw(scene, HOSTS);
    pass(world, 30_000);
    expect(routesOf(scene, scene.table), told(w)).toEqual({ [HOSTS]: 'b' });
    expect(writesOf(w, since).length, told(w)).toBeLessThanOrEqual(4);
  });

  test('throttled: tried again, and not more often than needed', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w } = scene;
    const since = world.now;
    inject(world.api, { action: 'CreateRoute', fault: { kind: 'throttle' }, times: 3 });
    originate(scene, OTHER);
    pass(world, 30_000);
    expect(routesOf(scene, scene.table), told(w)).toEqual({ [HOSTS]: 'a', [OTHER]: 'a' });
    expect(writesOf(w, since)).toHaveLength(4);
  });

  test('refused for good: an alarm, and a try every half minute', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w } = scene;
    const since = world.now;
    const fault = { kind: 'error', code: 'UnauthorizedOperation', message: 'no', status: 403 } as const;
    inject(world.api, { action: 'CreateRoute', fault, times: 1000 });
    originate(scene, OTHER);
    pass(world, 100_000);
    expect(writesOf(w, since).length, told(w)).toBeLessThanOrEqual(4);
    expect(alarms(scene, 'does not succeed')).toBe(1);
  });

  test('answers that are up to 4 s old cause no needless write', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w } = scene;
    setKnobs(world.api, { staleReadsMs: 4000 });
    pass(world, 10_000);
    const since = world.now;
    originate(scene, OTHER);
    pass(world, 20_000);
    withdraw(scene, OTHER);
    pass(world, 60_000);
    expect(wroteOf(w, since), told(w)).toEqual([`create-route ${OTHER}`, `delete-route ${OTHER}`]);
  });

  test('unreachable for a minute and back: planned anew from a fresh look, nothing replayed', () => {
    const scene = syncScene({ a: [HOSTS], b: [HOSTS] });
    const { world, w } = scene;
    inject(world.api, { fault: { kind: 'lost' }, times: 10_000 });
    pass(world, 20_000);
    const since = world.now;
    originate(scene, OTHER);
    pass(world, 20_000);
    withdraw(scene, OTHER);
    pass(world, 20_000);
    const back = world.now;
    world.api.injections = [];
    pass(world, 30_000);
    expect(wroteOf(w, back), told(w)).toEqual([]);
    expect(writesOf(w, since).length, told(w)).toBeLessThanOrEqual(1);
    expect(routesOf(scene, scene.table)).toEqual({ [HOSTS]: 'a' });
  });
});

describe('a restart while the API is away', () => {
  test('deletes nothing when it is back, although next hops are still to be looked up', () => {
    const inside = '10.0.10.0/24';
    const scene = syncScene({ a: [HOSTS, inside] }, { appliances: false });
    const { world, table } = scene;
    expect(Object.keys(routesOf(scene, table)).sort()).toEqual([inside, HOSTS]);
    inject(world.api, { fault: { kind: 'lost' }, times: 10_000 });
    const again = restartDaemon(scene.w);
    pass(world, 200_000);
    world.api.injections = [];
    inject(world.api, { action: 'DescribeNetworkInterfaces', fault: { kind: 'lost' }, times: 10 });
    inject(world.api, { action: 'DescribeSubnets', fault: { kind: 'lost' }, times: 10 });
    pass(world, 200_000);
    expect(writesOf(again), told(again)).toEqual([]);
    expect(Object.keys(routesOf(scene, table))).toHaveLength(2);
  });
});

describe('others', () => {
  test('an edit of our route is put right three times, then left to them with an alarm', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w, table } = scene;
    const since = world.now;
    for (let turn = 0; turn < 6; turn++) {
      edit(scene, 'b');
      pass(world, 15_000);
    }
    expect(wroteOf(w, since), told(w)).toEqual([1, 2, 3].map(() => `replace-route ${HOSTS}`));
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
    expect(alarms(scene, 'Somebody else changes')).toBe(1);
  });

  test('a deletion of our route is put right as well', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, table } = scene;
    call(world, 'DeleteRoute', { RouteTableId: table, DestinationCidrBlock: HOSTS });
    pass(world, 15_000);
    expect(routesOf(scene, table), told(scene.w)).toEqual({ [HOSTS]: 'a' });
  });

  test('two daemons with one view write the same, and none of them fights', () => {
    const adopt = ', adopt: [ { prefix: 0.0.0.0/0, ge: 1 } ]';
    const scene = syncScene({ a: [HOSTS], b: [HOSTS] }, { sync: adopt });
    const { world, pair, client, table, w } = scene;
    const other = startTwin(scene, adopt);
    pass(world, 25_000);
    expect(writesOf(other), told(other)).toEqual([]);
    const since = world.now;
    const flow = must(beginFlow(world, { from: client, to: HOST }));
    must(controlGuest(world, pair.a.instance, 'kill'));
    pass(world, 60_000);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
    expect(wroteOf(w, since).length + wroteOf(other, since).length, told(w)).toBeLessThanOrEqual(2);
    expect(flowStats(flow).gaps).toHaveLength(1);
  });

  test('two daemons with different views stop after three rounds, with an alarm', () => {
    const adopt = ', hold: 0s, adopt: [ { prefix: 0.0.0.0/0, ge: 1 } ]';
    const scene = syncScene({ a: [HOSTS, OTHER], b: [HOSTS] }, { sync: adopt });
    const { world, w } = scene;
    const since = world.now;
    const narrow = startTwin(scene, `${adopt}, prefixes: [ { prefix: 203.0.113.0/24 } ]`);
    pass(world, 400_000);
    const before = writesOf(w, since).length + writesOf(narrow).length;
    expect(before, told(w)).toBeLessThanOrEqual(8);
    pass(world, 100_000);
    expect(writesOf(w, since).length + writesOf(narrow).length).toBe(before);
    const texts = [...logOf(w, 'alarm'), ...logOf(narrow, 'alarm')].map(({ text }) => text);
    expect(texts.filter((text) => text.includes('Somebody else changes'))).not.toEqual([]);
  });
});

describe('what a table can hold', () => {
  const many = (count: number, length = 24): readonly string[] =>
    Array.from({ length: count }, (_, n) => `100.${64 + (n >> 8)}.${n & 255}.0/${length}`);

  test('beyond the quota of 500 the table is aggregated, and forwards the same', () => {
    const scene = syncScene({ a: many(600), b: many(600).slice(0, 100) });
    const { world, w, table } = scene;
    pass(world, 60_000);
    const routes = routesOf(scene, table);
    expect(Object.keys(routes).sort(), told(w)).toEqual(
      ['100.64.0.0/15', '100.66.0.0/18', '100.66.64.0/20', '100.66.80.0/21'].sort(),
    );
    expect(writesOf(w)).toHaveLength(4);
  });

  test('what does not fit is left out, the longest first, with one alarm that says how many', () => {
    const apart = Array.from({ length: 6 }, (_, n) => `100.64.${4 * n}.0/24`);
    const scene = syncScene({ a: [...apart, '100.80.0.0/16'] }, { sync: ', limit: 4' });
    const { world, w, table } = scene;
    pass(world, 60_000);
    expect(Object.keys(routesOf(scene, table)), told(w)).toHaveLength(4);
    expect(routesOf(scene, table)).toMatchObject({ '100.80.0.0/16': 'a' });
    expect(writesOf(w)).toHaveLength(4);
    expect(alarms(scene, 'no room for 3 routes')).toBe(1);
  });

  test('a full table makes room before it takes new routes: the limit is never exceeded', () => {
    const apart = Array.from({ length: 4 }, (_, n) => `100.64.${4 * n}.0/24`);
    const scene = syncScene({ a: apart }, { sync: ', limit: 4, hold: 0s' });
    const { world, w, table } = scene;
    const since = world.now;
    withdraw(scene, '100.64.0.0/24');
    originate(scene, '100.65.0.0/24');
    pass(world, 20_000);
    expect(wroteOf(w, since), told(w)).toEqual(['delete-route 100.64.0.0/24', 'create-route 100.65.0.0/24']);
    expect(Object.keys(routesOf(scene, table))).toHaveLength(4);
  });

  test('destinations that EC2 would refuse are refused here, once: A1 and what AWS keeps', () => {
    const scene = syncScene({ a: ['10.0.10.0/24', '10.0.10.0/25', '10.0.0.0/16', '169.254.168.0/24'] });
    const { world, w, table } = scene;
    pass(world, 60_000);
    expect(routesOf(scene, table), told(w)).toEqual({ '10.0.10.0/24': 'a' });
    expect(writesOf(w)).toHaveLength(1);
    expect(alarms(scene, 'stays out')).toBe(3);
  });

  test('a next hop that no ENI owns stays out, with one alarm', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w } = scene;
    const since = world.now;
    const route = { prefix: OTHER, nextHop: '10.0.0.99', communities: [] };
    give(scene.a, { kind: 'bgp', input: { kind: 'originate', route } });
    pass(world, 60_000);
    expect(writesOf(w, since), told(w)).toEqual([]);
    expect(alarms(scene, 'No ENI')).toBe(1);
  });

  test('--observe, restart and memory: a route remembered and gone is forgotten', () => {
    const scene = syncScene({ a: [HOSTS, OTHER] });
    const { world, w, table } = scene;
    crash(w);
    call(world, 'DeleteRoute', { RouteTableId: table, DestinationCidrBlock: OTHER });
    withdraw(scene, OTHER);
    const again = restartDaemon(w);
    pass(world, 30_000);
    expect(writesOf(again), told(again)).toEqual([]);
    expect(again.node.sync.tables[table]?.ours).toEqual({ [HOSTS]: scene.pair.a.eni });
  });
});

describe('IPv6', () => {
  for (const appliances of [true, false]) {
    const how = appliances ? 'of configured appliances' : 'that are looked up';
    test(`next hops ${how}: the table follows, apart from IPv4`, () => {
      const scene = syncScene({ a: [HOSTS] }, { appliances });
      const { world, pair, w, table } = scene;
      const made = call<{ Ipv6CidrBlockAssociation: { AssociationId: string } }>(
        world,
        'AssociateVpcCidrBlock',
        {
          VpcId: pair.vpc,
          AmazonProvidedIpv6CidrBlock: true,
        },
      );
      expect(made.Ipv6CidrBlockAssociation.AssociationId).toBeTruthy();
      const vpc = call<{ Vpcs: { Ipv6CidrBlockAssociationSet: { Ipv6CidrBlock: string }[] }[] }>(
        world,
        'DescribeVpcs',
        { VpcIds: [pair.vpc] },
      );
      const block = vpc.Vpcs[0]?.Ipv6CidrBlockAssociationSet[0]?.Ipv6CidrBlock.replace(/\/56$/, '/64');
      const SubnetId = world.records['network-interface'].get(pair.a.eni)?.subnet;
      call(world, 'AssociateSubnetCidrBlock', { SubnetId, Ipv6CidrBlock: block });
      const hop = (NetworkInterfaceId: string): string =>
        call<{ AssignedIpv6Addresses: string[] }>(world, 'AssignIpv6Addresses', {
          NetworkInterfaceId,
          Ipv6AddressCount: 1,
        }).AssignedIpv6Addresses[0] ?? '';
      const nextHops = { a: hop(pair.a.eni), b: hop(pair.b.eni) };
      pass(world, 10_000);
      const since = world.now;
      const prefix = '2001:db8:1::/48';
      for (const name of ['a', 'b'] as const) {
        const route = { prefix, nextHop: nextHops[name], communities: [] };
        give(scene[name], { kind: 'bgp', input: { kind: 'originate', route } });
      }
      pass(world, 10_000);
      expect(routesOf(scene, table), told(w)).toMatchObject({ [HOSTS]: 'a', [prefix]: 'a' });
      must(controlGuest(world, pair.a.instance, 'kill'));
      pass(world, 20_000);
      expect(routesOf(scene, table)[prefix], told(w)).toBe('b');
      expect(wroteOf(w, since).filter((one) => one.includes(prefix))).toEqual([
        `create-route ${prefix}`,
        `replace-route ${prefix}`,
      ]);
    });
  }
});

describe('status', () => {
  test('shows each table: wanted, installed, ours, foreign, left out, last write, problems', () => {
    const scene = syncScene({ a: [HOSTS, '100.64.0.0/24', '100.64.4.0/24'] }, { sync: ', limit: 2' });
    const { world, pair, w, table } = scene;
    const theirs = { RouteTableId: table, DestinationCidrBlock: OTHER, NetworkInterfaceId: pair.b.eni };
    call(world, 'CreateRoute', theirs);
    pass(world, 6000);
    originate(scene, OTHER);
    pass(world, 6000);
    const id = give(w, { kind: 'status' });
    expect(w.replies.get(id)?.body).toMatchObject({
      routeSync: [
        {
          table,
          wanted: 4,
          planned: 2,
          installed: 2,
          ours: 2,
          foreign: 1,
          leftOut: 1,
          aggregated: true,
          lastWrite: { text: expect.stringMatching(/^CreateRoute /) },
          problems: expect.arrayContaining([`${OTHER} occupied by routes of others`]),
        },
      ],
    });
  });
});
