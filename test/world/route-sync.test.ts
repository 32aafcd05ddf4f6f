/**
 * Route tables follow what appliances announce: real BGP bytes in virtual time, the simulated EC2, and
 * packets that follow the tables. Every scenario counts the writes. Facts F20 and A2.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { crash, give, logOf, restartDaemon, startDaemon } from '../../sim/world/node.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { call } from './pair.ts';
import { announcer, pass, routesOf, type SyncScene, syncScene, told, writesOf, wroteOf } from './sync.ts';

const HOST = '203.0.113.10';
const HOSTS = '203.0.113.0/24';

const withdraw = ({ a }: SyncScene, prefix: string): unknown =>
  give(a, { kind: 'bgp', input: { kind: 'withdraw', prefix } });
const originate = ({ a }: SyncScene, prefix: string): unknown =>
  give(a, { kind: 'bgp', input: { kind: 'originate', route: { prefix, nextHop: 'self', communities: [] } } });

describe('route sync', () => {
  test('F20: what appliances announce stands in the table, each prefix by one call', () => {
    const scene = syncScene({ a: [HOSTS, '198.51.100.0/24'], b: [HOSTS, '192.0.2.0/24'] });
    const expected = { [HOSTS]: 'a', '198.51.100.0/24': 'a', '192.0.2.0/24': 'b' };
    expect(routesOf(scene, scene.table), told(scene.w)).toEqual(expected);
    expect(writesOf(scene.w)).toHaveLength(3);
    pass(scene.world, 60_000);
    expect(writesOf(scene.w)).toHaveLength(3);
  });

  for (const appliances of [true, false]) {
    const how = appliances ? 'configured appliances' : 'neighbors whose ENIs were looked up before';
    test(`${how}: packets follow the table, and BFD Down is answered by one ReplaceRoute in the same instant`, () => {
      const scene = syncScene(undefined, { appliances });
      const { world, pair, w, client, table } = scene;
      const flow = must(beginFlow(world, { from: client, to: HOST }));
      pass(world, 1000);
      expect(flowStats(flow), told(w)).toMatchObject({ lost: 0 });
      const killedAt = world.now;
      must(controlGuest(world, pair.a.instance, 'kill'));
      pass(world, 5000);
      const down = w.events.find(
        ({ at, event }) => at > killedAt && event.kind === 'bfd-state' && event.change.state === 'down',
      );
      const wrote = w.effects.filter(
        ({ at, effect }) =>
          at > killedAt && effect.kind === 'ec2-call' && effect.call.kind === 'replace-route',
      );
      expect(
        wrote.map(({ at }) => at),
        told(w),
      ).toEqual([down?.at]);
      expect(writesOf(w, killedAt)).toHaveLength(1);
      expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
      const { gaps } = flowStats(flow);
      expect(gaps).toHaveLength(1);
      expect((gaps[0]?.to ?? Number.POSITIVE_INFINITY) - killedAt).toBeLessThan(2000);
    });
  }

  test('a flap costs no call; a withdrawn prefix goes by one call when its hold time is over', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w, table } = scene;
    const since = world.now;
    for (let flap = 0; flap < 5; flap++) {
      withdraw(scene, HOSTS);
      pass(world, 3000);
      originate(scene, HOSTS);
      pass(world, 1000);
    }
    expect(writesOf(w, since), told(w)).toEqual([]);
    withdraw(scene, HOSTS);
    pass(world, 4900);
    expect(writesOf(w, since)).toEqual([]);
    pass(world, 2000);
    expect(wroteOf(w, since), told(w)).toEqual([`delete-route ${HOSTS}`]);
    expect(routesOf(scene, table)).toEqual({});
    pass(world, 30_000);
    expect(writesOf(w, since)).toHaveLength(1);
  });

  test('changes of one prefix while its call is under way cost one call more, not one each', () => {
    const scene = syncScene({ b: [HOSTS] });
    const { world, w, table } = scene;
    const since = world.now;
    originate(scene, HOSTS);
    pass(world, 60);
    expect(wroteOf(w, since), told(w)).toEqual([`replace-route ${HOSTS}`]);
    for (let turn = 0; turn < 4; turn++) {
      withdraw(scene, HOSTS);
      pass(world, 10);
      originate(scene, HOSTS);
      pass(world, 10);
    }
    withdraw(scene, HOSTS);
    pass(world, 5000);
    expect(wroteOf(w, since), told(w)).toEqual([`replace-route ${HOSTS}`, `replace-route ${HOSTS}`]);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
  });

  test('a crash and a restart leave the table as it is, without a call and without a lost packet', () => {
    const scene = syncScene({ a: [HOSTS], b: [HOSTS, '192.0.2.0/24'] });
    const { world, client, table } = scene;
    const flow = must(beginFlow(world, { from: client, to: HOST }));
    pass(world, 1000);
    crash(scene.w);
    pass(world, 3000);
    const again = restartDaemon(scene.w);
    pass(world, 200_000);
    expect(writesOf(again), told(again)).toEqual([]);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a', '192.0.2.0/24': 'b' });
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
  });

  test('what was withdrawn while the daemon was away goes once the sessions have said all', () => {
    const scene = syncScene({ a: [HOSTS, '198.51.100.0/24'] });
    const { world } = scene;
    crash(scene.w);
    withdraw(scene, '198.51.100.0/24');
    pass(world, 1000);
    const again = restartDaemon(scene.w);
    pass(world, 4000);
    expect(writesOf(again), told(again)).toEqual([]);
    pass(world, 5000);
    expect(wroteOf(again), told(again)).toEqual(['delete-route 198.51.100.0/24']);
  });

  test('a crash at any event of a failover ends in the same table', () => {
    for (const events of [1, 2, 3, 5, 8]) {
      const scene = syncScene({ a: [HOSTS], b: [HOSTS] });
      const { world, pair, w, table } = scene;
      const doomed = restartDaemon(w);
      pass(world, 20_000);
      const since = doomed.events.length;
      const mortal = restartDaemon(doomed, {
        crashes: (taken) => (taken === since + events ? events % 2 : undefined),
      });
      pass(world, 20_000);
      must(controlGuest(world, pair.a.instance, 'kill'));
      pass(world, 5000);
      const last = mortal.running ? mortal : restartDaemon(mortal);
      pass(world, 30_000);
      expect(routesOf(scene, table), `${events}\n${told(last)}`).toEqual({ [HOSTS]: 'b' });
    }
  });

  test('a route that somebody else made is left alone, with one alarm', () => {
    const scene = syncScene({ a: [] });
    const { world, pair, w, table } = scene;
    const since = world.now;
    call(world, 'CreateRoute', {
      RouteTableId: table,
      DestinationCidrBlock: HOSTS,
      NetworkInterfaceId: pair.b.eni,
    });
    pass(world, 6000);
    originate(scene, HOSTS);
    pass(world, 60_000);
    withdraw(scene, HOSTS);
    pass(world, 60_000);
    expect(writesOf(w, since), told(w)).toEqual([]);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
    expect(logOf(w, 'alarm').filter(({ text }) => text.includes(HOSTS))).toHaveLength(1);
  });

  test('one that was made just before our CreateRoute is seen as theirs', () => {
    const scene = syncScene({ a: [] });
    const { world, pair, w, table } = scene;
    const since = world.now;
    pass(world, 100);
    call(world, 'CreateRoute', {
      RouteTableId: table,
      DestinationCidrBlock: HOSTS,
      NetworkInterfaceId: pair.b.eni,
    });
    originate(scene, HOSTS);
    pass(world, 30_000);
    withdraw(scene, HOSTS);
    pass(world, 60_000);
    expect(
      wroteOf(w, since).filter((one) => !one.startsWith('create')),
      told(w),
    ).toEqual([]);
    expect(writesOf(w, since).length).toBeLessThanOrEqual(1);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
  });

  test('adopted routes: right ones cost no call, wrong ones are replaced, unwanted ones go', () => {
    const scene = syncScene({}, { sync: ', adopt: [ { prefix: 203.0.113.0/24, ge: 24 } ]' });
    const { world, pair, w, table } = scene;
    const make = (DestinationCidrBlock: string, NetworkInterfaceId: string) =>
      call(world, 'CreateRoute', { RouteTableId: table, DestinationCidrBlock, NetworkInterfaceId });
    crash(w);
    make('203.0.113.0/26', pair.a.eni);
    make('203.0.113.64/26', pair.b.eni);
    make('203.0.113.128/26', pair.b.eni);
    make('198.51.100.0/24', pair.b.eni);
    originate(scene, '203.0.113.0/26');
    originate(scene, '203.0.113.64/26');
    const again = restartDaemon(w, { memory: { groups: {} } });
    pass(world, 60_000);
    expect([...wroteOf(again)].sort(), told(again)).toEqual([
      'delete-route 203.0.113.128/26',
      'replace-route 203.0.113.64/26',
    ]);
    expect(routesOf(scene, table)).toEqual({
      '203.0.113.0/26': 'a',
      '203.0.113.64/26': 'a',
      '198.51.100.0/24': 'b',
    });
  });

  test('persist: when all sessions are gone the routes stay, and still when they are back', () => {
    const scene = syncScene({ a: [HOSTS], b: ['192.0.2.0/24'] });
    const { world, w, table } = scene;
    const since = world.now;
    crash(scene.a);
    crash(scene.b);
    pass(world, 900_000);
    expect(writesOf(w, since), told(w)).toEqual([]);
    startDaemon(world, { machine: scene.pair.a.instance, config: announcer(scene.pair, 'a', [HOSTS]) });
    pass(world, 100_000);
    expect(writesOf(w, since), told(w)).toEqual([]);
    // The other one does not come back: its routes go at last.
    pass(world, 60_000);
    expect(wroteOf(w, since), told(w)).toEqual(['delete-route 192.0.2.0/24']);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a' });
  });

  test('persist: false, and a duration', () => {
    for (const [persist, afterMs] of [
      ['false', 0],
      ['30s', 30_000],
    ] as const) {
      const scene = syncScene({ a: [HOSTS] }, { sync: `, persist: ${persist}` });
      const { world, pair, w } = scene;
      pass(world, 200_000);
      const since = world.now;
      must(controlGuest(world, pair.a.instance, 'kill'));
      must(controlGuest(world, pair.b.instance, 'kill'));
      pass(world, afterMs);
      expect(writesOf(w, since), told(w)).toEqual([]);
      pass(world, 10_000);
      expect(wroteOf(w, since), told(w)).toEqual([`delete-route ${HOSTS}`]);
    }
  });

  test('--observe decides and says so once, and writes nothing', () => {
    const scene = syncScene({ a: [HOSTS] }, { observeOnly: true });
    pass(scene.world, 60_000);
    expect(writesOf(scene.w)).toEqual([]);
    expect(logOf(scene.w, 'call').map(({ text }) => text)).toEqual([
      `Would send (observing only) CreateRoute ${HOSTS} of ${scene.table} to ${scene.pair.a.eni}.`,
    ]);
  });
});
