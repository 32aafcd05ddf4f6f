/**
 * VPC Route Server in virtual time: byoa's daemons on two appliances announce a prefix to an endpoint each,
 * byte by byte, and the VPC's route follows what they say. Fact A2.
 */
import type {
  DescribeRouteServerPeersResult,
  DescribeRouteTablesResult,
  GetRouteServerRoutingDatabaseResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { addCut } from '../../sim/world/links.ts';
import { crash, give, restartDaemon } from '../../sim/world/node.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { call } from './pair.ts';
import { HOSTS, type RouteServerScene, routeServerScene } from './route-server.ts';
import { pass } from './sync.ts';

const HOST = '203.0.113.10';
const MINUTE = 60_000;

/** The propagated routes of the table as EC2 shows them: destination, whose ENI, next hop. */
function advertised({ world, pair, table }: RouteServerScene): string[] {
  const { RouteTables } = call<DescribeRouteTablesResult>(world, 'DescribeRouteTables', {
    RouteTableIds: [table],
  });
  const names: Record<string, string> = { [pair.a.eni]: 'a', [pair.b.eni]: 'b' };
  return (RouteTables?.[0]?.Routes ?? [])
    .filter(({ Origin }) => Origin === 'Advertisement')
    .map(
      (route) => `${route.DestinationCidrBlock} ${names[route.NetworkInterfaceId ?? '']} ${route.IpAddress}`,
    );
}

const database = ({ world, server }: RouteServerScene) =>
  call<GetRouteServerRoutingDatabaseResult>(world, 'GetRouteServerRoutingDatabase', {
    RouteServerId: server,
  });

const sessions = ({ world }: RouteServerScene): string[] =>
  (call<DescribeRouteServerPeersResult>(world, 'DescribeRouteServerPeers', {}).RouteServerPeers ?? []).map(
    ({ BgpStatus, BfdStatus }) => `${BgpStatus?.Status}/${BfdStatus?.Status}`,
  );

describe('VPC Route Server', () => {
  test('A2: installs the best announced path, next hop the ENI of the peer, and packets follow it', () => {
    const one = routeServerScene();
    expect(sessions(one)).toEqual(['up/up', 'up/up']);
    expect(advertised(one)).toEqual([`${HOSTS} a 10.0.0.10`]);
    const installed = [{ RouteTableId: one.table, RouteInstallationStatus: 'installed' }];
    expect(database(one)).toEqual({
      AreRoutesPersisted: false,
      Routes: [
        {
          RouteServerEndpointId: one.endpoints[0].RouteServerEndpointId,
          RouteServerPeerId: one.peers[0],
          Prefix: HOSTS,
          NextHopIp: '10.0.0.10',
          AsPaths: ['65001'],
          Med: 0,
          RouteStatus: 'in-fib',
          RouteInstallationDetails: installed,
        },
        expect.objectContaining({ RouteServerPeerId: one.peers[1], Med: 100, RouteStatus: 'in-rib' }),
      ],
    });
    const flow = must(beginFlow(one.world, { from: one.client, to: HOST }));
    pass(one.world, 2000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
  });

  test('the lower MED wins', () => {
    expect(advertised(routeServerScene({ meds: [100, 0] }))).toEqual([`${HOSTS} b 10.0.0.11`]);
  });

  test('BFD Down of the active moves the route: blackout is detection and propagation, and no more', () => {
    const one = routeServerScene();
    const flow = must(beginFlow(one.world, { from: one.client, to: HOST, intervalMs: 10 }));
    pass(one.world, 1000);
    const killedAt = one.world.now;
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    pass(one.world, 5000);
    expect(advertised(one)).toEqual([`${HOSTS} b 10.0.0.11`]);
    expect(sessions(one)).toEqual(['down/down', 'up/up']);
    const { gaps } = flowStats(flow);
    expect(gaps).toHaveLength(1);
    const blackout = (gaps[0]?.to ?? 0) - killedAt;
    // Detection within 3 x 300 ms of the last packet, and half a second until the data plane follows.
    expect(blackout).toBeGreaterThan(500);
    expect(blackout).toBeLessThan(900 + 500 + 50);
  });

  test('without BFD the hold timer of 90 s ends the session', () => {
    const one = routeServerScene({ liveness: 'bgp-keepalive' });
    expect(sessions(one)).toEqual(['up/down', 'up/down']);
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    pass(one.world, MINUTE);
    expect(advertised(one)).toEqual([`${HOSTS} a 10.0.0.10`]);
    pass(one.world, 32_000);
    expect(advertised(one)).toEqual([`${HOSTS} b 10.0.0.11`]);
  });

  test('a cut between endpoint and peer alone moves the route, and it comes back', () => {
    const one = routeServerScene();
    const from = one.endpoints[0].RouteServerEndpointId ?? '';
    const cut = must(addCut(one.world, { from, to: one.pair.a.instance, direction: 'both', loss: 1 }));
    pass(one.world, 3000);
    expect(advertised(one)).toEqual([`${HOSTS} b 10.0.0.11`]);
    one.world.cuts.delete(cut.id);
    pass(one.world, MINUTE);
    expect(advertised(one)).toEqual([`${HOSTS} a 10.0.0.10`]);
  });

  test('a withdrawn prefix leaves the table, and what is announced anew comes in', () => {
    const one = routeServerScene();
    for (const daemon of [one.a, one.b])
      give(daemon, { kind: 'bgp', input: { kind: 'withdraw', prefix: HOSTS } });
    const route = { prefix: '198.51.100.0/24', nextHop: 'self', communities: [] };
    give(one.b, { kind: 'bgp', input: { kind: 'originate', route } });
    pass(one.world, 2000);
    expect(advertised(one)).toEqual(['198.51.100.0/24 b 10.0.0.11']);
  });

  test('100 propagated routes fit into a table; what the local route covers is rejected', () => {
    const prefixes = Array.from({ length: 105 }, (_, index) => `198.18.${index}.0/24`);
    const one = routeServerScene({ prefixes: ['10.0.77.0/24', ...prefixes] });
    expect(advertised(one)).toHaveLength(100);
    const rejected = (database(one).Routes ?? []).flatMap(
      ({ Prefix, RouteInstallationDetails: [each] = [] }) =>
        each?.RouteInstallationStatus === 'rejected'
          ? [`${Prefix}: ${each.RouteInstallationStatusReason}`]
          : [],
    );
    expect(rejected).toHaveLength(6);
    expect(rejected).toContain('10.0.77.0/24: the local route of the table covers it');
  });

  test('routes persist when all sessions end, and for the minutes given once one is back', () => {
    const one = routeServerScene({ server: { PersistRoutes: 'enable', PersistRoutesDuration: 2 } });
    const known = (): string[] => (database(one).Routes ?? []).map((route) => route.RouteServerPeerId ?? '');
    for (const daemon of [one.a, one.b]) crash(daemon);
    pass(one.world, 10 * MINUTE);
    expect(sessions(one)).toEqual(['down/down', 'down/down']);
    expect(database(one).AreRoutesPersisted).toBe(true);
    expect(advertised(one)).toEqual([`${HOSTS} b 10.0.0.11`]);
    restartDaemon(one.a);
    pass(one.world, MINUTE);
    expect(advertised(one)).toEqual([`${HOSTS} a 10.0.0.10`]);
    expect(known()).toEqual([...one.peers]);
    pass(one.world, 2 * MINUTE);
    expect(database(one).AreRoutesPersisted).toBe(false);
    expect(known()).toEqual([one.peers[0]]);
  });

  test('without persistence nothing outlives the sessions; a deleted peer takes its routes along', () => {
    const one = routeServerScene();
    call(one.world, 'DeleteRouteServerPeer', { RouteServerPeerId: one.peers[0] });
    pass(one.world, 2000);
    expect(advertised(one)).toEqual([`${HOSTS} b 10.0.0.11`]);
    crash(one.b);
    pass(one.world, 5000);
    expect(advertised(one)).toEqual([]);
  });
});
