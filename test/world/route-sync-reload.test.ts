/** A new configuration of route sync while it runs: what comes and goes costs no needless call. */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { give, logOf, reconfigureDaemon } from '../../sim/world/node.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { call } from './pair.ts';
import { pass, routesOf, type SyncScene, syncer, syncScene, told, wroteOf } from './sync.ts';

const HOSTS = '203.0.113.0/24';
const OTHER = '198.51.100.0/24';

const secondTable = ({ world, pair }: SyncScene): string =>
  call<{ RouteTable: { RouteTableId: string } }>(world, 'CreateRouteTable', { VpcId: pair.vpc }).RouteTable
    .RouteTableId;

/** The configuration with these entries of routeSync, as it is read from a file. */
const reload = ({ pair, table, w }: SyncScene, sync: string, first = table): void =>
  reconfigureDaemon(w, syncer(pair, first, { sync }));

describe('a new configuration while route sync runs', () => {
  test('a table that is added is filled, and the other one is left as it is', () => {
    const scene = syncScene({ a: [HOSTS, OTHER] });
    const { world, w, table } = scene;
    const second = secondTable(scene);
    const since = world.now;
    reload(scene, `}, { tables: [ { table: ${second} } ]`);
    pass(world, 30_000);
    expect([...wroteOf(w, since)].sort(), told(w)).toEqual([
      `create-route ${OTHER}`,
      `create-route ${HOSTS}`,
    ]);
    const expected = { [HOSTS]: 'a', [OTHER]: 'a' };
    expect(routesOf(scene, table)).toEqual(expected);
    expect(routesOf(scene, second)).toEqual(expected);
  });

  test('routes of a table that is removed stay, by name in the log and the status, and follow nobody', () => {
    const scene = syncScene();
    const { world, w, table } = scene;
    const second = secondTable(scene);
    const since = world.now;
    reload(scene, '', second);
    pass(world, 30_000);
    expect(wroteOf(w, since), told(w)).toEqual([`create-route ${HOSTS}`]);
    expect(routesOf(scene, second)).toEqual({ [HOSTS]: 'a' });
    must(controlGuest(world, scene.pair.a.instance, 'kill'));
    pass(world, 5000);
    expect(routesOf(scene, second)).toEqual({ [HOSTS]: 'b' });
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a' });
    const said = logOf(w, 'alarm').find(({ text }) => text.includes(table));
    expect(said?.text).toBe(
      `${table} is not kept in sync any more: what byoa made there stays as it is (${HOSTS}). ` +
        'Delete it by hand, or name the table in routeSync again.',
    );
    const id = give(w, { kind: 'status' });
    expect(w.replies.get(id)?.body).toMatchObject({
      routeSync: expect.arrayContaining([
        expect.objectContaining({
          table,
          ours: 1,
          problems: ['the configuration does not name it: routes that byoa made stay as they are'],
        }),
      ]),
    });
  });

  test('a table that is removed and named again is taken up where it was left', () => {
    const scene = syncScene();
    const { world, w, table, pair } = scene;
    const second = secondTable(scene);
    reload(scene, '', second);
    pass(world, 10_000);
    must(controlGuest(world, pair.a.instance, 'kill'));
    pass(world, 5000);
    const since = world.now;
    reload(scene, `}, { tables: [ { table: ${second} } ]`);
    pass(world, 30_000);
    expect(wroteOf(w, since), told(w)).toEqual([`replace-route ${HOSTS}`]);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'b' });
  });

  test('a narrower choice of prefixes deletes the others, once, and no packet of those that stay is lost', () => {
    const scene = syncScene({ a: [HOSTS, OTHER] });
    const { world, w, table, client } = scene;
    const flow = must(beginFlow(world, { from: client, to: '203.0.113.10' }));
    pass(world, 1000);
    const since = world.now;
    reload(scene, `, prefixes: [ { prefix: ${HOSTS} } ]`);
    pass(world, 4000);
    expect(wroteOf(w, since), told(w)).toEqual([]);
    pass(world, 30_000);
    expect(wroteOf(w, since), told(w)).toEqual([`delete-route ${OTHER}`]);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a' });
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
  });

  test('a lower limit keeps what fits, and says what does not; the old one brings it back', () => {
    const scene = syncScene({ a: [HOSTS, OTHER] });
    const { world, w, table } = scene;
    const since = world.now;
    reload(scene, ', limit: 1, aggregate: never');
    pass(world, 30_000);
    expect(wroteOf(w, since), told(w)).toHaveLength(1);
    expect(Object.keys(routesOf(scene, table))).toHaveLength(1);
    expect(logOf(w, 'alarm').at(-1)?.text).toContain('has no room for 1 routes');
    reload(scene, '');
    pass(world, 30_000);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a', [OTHER]: 'a' });
    expect(wroteOf(w, since), told(w)).toHaveLength(2);
  });

  test('adopt, told later, takes a route over that stood in the way', () => {
    const scene = syncScene({ a: [HOSTS] });
    const { world, w, table, pair } = scene;
    call(world, 'CreateRoute', {
      RouteTableId: table,
      DestinationCidrBlock: OTHER,
      NetworkInterfaceId: pair.b.eni,
    });
    give(scene.a, {
      kind: 'bgp',
      input: { kind: 'originate', route: { prefix: OTHER, nextHop: 'self', communities: [] } },
    });
    pass(world, 10_000);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a', [OTHER]: 'b' });
    const since = world.now;
    reload(scene, `, adopt: [ { prefix: ${OTHER} } ]`);
    pass(world, 30_000);
    expect(wroteOf(w, since), told(w)).toEqual([`replace-route ${OTHER}`]);
    expect(routesOf(scene, table)).toEqual({ [HOSTS]: 'a', [OTHER]: 'a' });
  });

  test('the same routeSync beside other changes writes nothing and asks nobody again', () => {
    const scene = syncScene();
    const { world, w } = scene;
    const since = world.now;
    reconfigureDaemon(w, {
      ...syncer(scene.pair, scene.table),
      observe: { ...w.options.config.observe, intervalMs: 7000 },
    });
    pass(world, 20_000);
    expect(wroteOf(w, since), told(w)).toEqual([]);
    expect(w.events.filter(({ at, event }) => at >= since && event.kind === 'bgp-routes')).toEqual([]);
  });
});
