/**
 * Transit gateway Connect: BGP and packets in GRE between a transit gateway and appliances, through the VPC's
 * own route tables and security groups. Amendment A3.
 */
import type { SearchTransitGatewayRoutesResult } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest, setProfile } from '../../sim/world/guests.ts';
import { startDaemon } from '../../sim/world/node.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { openWorld, parseWorldFile, worldLines } from '../../sim/world/world-file.ts';
import {
  appliance,
  BLOCK,
  type ConnectScene,
  connectScene,
  SERVER,
  sessions,
  tableOf,
  tunnelsOf,
} from './connect.ts';
import { call } from './pair.ts';
import { configOf, pass } from './sync.ts';

const routes = ({ world, table }: ConnectScene): string[] =>
  (
    call<SearchTransitGatewayRoutesResult>(world, 'SearchTransitGatewayRoutes', {
      TransitGatewayRouteTableId: table,
      Filters: [{ Name: 'type', Values: ['propagated'] }],
    }).Routes ?? []
  ).map(({ DestinationCidrBlock, TransitGatewayAttachments: [by] = [] }) => {
    return `${DestinationCidrBlock} ${by?.ResourceType}`;
  });

const out = ({ world, spoke }: ConnectScene, more: object = {}) =>
  must(tracePacket(world, { from: spoke.instance, to: SERVER, protocol: 'tcp', port: 443, ...more }));

const PORTS = Array.from({ length: 30 }, (_, i) => 5000 + i);

/** The appliance that a flow from this port takes. */
const usedFrom = (one: ConnectScene, sourcePort: number): string | undefined =>
  out(one, { sourcePort }).hops.find(({ id }) => [one.pair.a.instance, one.pair.b.instance].includes(id))?.id;

const usedBy = (one: ConnectScene) => [...new Set(PORTS.map((port) => usedFrom(one, port)))].sort();

const portOf = (one: ConnectScene, instance: string): number | undefined =>
  PORTS.find((port) => usedFrom(one, port) === instance);

describe('transit gateway Connect', () => {
  test('two sessions for each peer, routes both ways, and flows out through the appliances and back', () => {
    const one = connectScene();
    const { world, pair, peers, spoke } = one;
    expect([sessions(world, peers.a), sessions(world, peers.b)]).toEqual([
      ['up', 'up'],
      ['up', 'up'],
    ]);
    expect(routes(one)).toEqual(['10.0.0.0/16 vpc', '10.9.0.0/16 vpc', '0.0.0.0/0 connect']);
    const flow = must(beginFlow(world, { from: spoke.instance, to: SERVER }));
    pass(world, 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    const traced = out(one, { both: true });
    expect([traced.deliveredTo, traced.answer?.deliveredTo]).toEqual([SERVER, spoke.instance]);
    const used = [pair.a, pair.b].filter(({ instance }) => traced.hops.some(({ id }) => id === instance));
    expect(used).toHaveLength(1);
    expect(traced.packet.source).toBe(used[0]?.publicAddress);
  });

  test('flows are shared by peers that announce alike; a longer AS path gets none; a dead one none after 30 s', () => {
    const one = connectScene();
    const { world, pair } = one;
    expect(usedBy(one)).toEqual([pair.a.instance, pair.b.instance].sort());
    must(controlGuest(world, pair.a.instance, 'kill'));
    expect(out(one, { sourcePort: portOf(one, pair.a.instance) }).disposition).toBe('GUEST_DOWN');
    pass(world, 31_000);
    expect(sessions(world, one.peers.a)).toEqual(['down', 'down']);
    expect(usedBy(one)).toEqual([pair.b.instance]);
    const longer = connectScene({ b: 2 });
    expect(usedBy(longer)).toEqual([longer.pair.a.instance]);
  });

  test('without a route to the block of the gateway nothing of the appliances arrives, and sessions end', () => {
    const one = connectScene();
    const { world, pair, peers } = one;
    const RouteTableId = tableOf(world, pair.a);
    call(world, 'DeleteRoute', { RouteTableId, DestinationCidrBlock: BLOCK });
    pass(world, 1000);
    const packet = { from: pair.a.instance, to: one.spoke.address };
    expect(must(tracePacket(world, packet)).disposition).toBe('GRE_NO_GATEWAY');
    pass(world, 31_000);
    expect([...sessions(world, peers.a), ...sessions(world, peers.b)]).toEqual(Array(4).fill('down'));
    expect(routes(one)).not.toContain('0.0.0.0/0 connect');
    expect(out(one).disposition).toBe('TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT');
  });

  test('a guest without the tunnel takes no GRE; the trace shows the outer packet and who dropped it', () => {
    const one = connectScene();
    const { world, pair } = one;
    for (const { instance } of [pair.a, pair.b])
      must(setProfile(world, instance, { role: 'nat', services: [] }));
    const { disposition, hops } = out(one);
    expect(disposition).toBe('GUEST_NO_TUNNEL');
    expect(hops.find(({ text }) => text.startsWith('in GRE to tgw-connect-peer-'))?.packet).toMatch(
      /^protocol 47 192\.0\.2\.[12] > 10\.0\.[01]\.10 /,
    );
    const there = { from: pair.a.instance, to: one.spoke.address };
    must(setProfile(world, pair.a.instance, { role: 'nat', services: [], tunnels: tunnelsOf('b') }));
    expect(must(tracePacket(world, { ...there, to: '169.254.7.2' })).disposition).toBe('GRE_NO_GATEWAY');
  });

  test('a tunnel may hang on another ENI: its packets leave by that one, and come back to it', () => {
    const { world, pair, connect: TransitGatewayAttachmentId } = connectScene();
    const { instance: InstanceId, eni } = pair.a;
    const SubnetId = present(world.records['network-interface'].get(eni), eni).subnet;
    const PrivateIpAddress = pair.a.address.replace(/\d+$/, '77');
    const { NetworkInterfaceId } = call<{ NetworkInterface: { NetworkInterfaceId: string } }>(
      world,
      'CreateNetworkInterface',
      { SubnetId, PrivateIpAddress, Groups: [pair.group] },
    ).NetworkInterface;
    call(world, 'AttachNetworkInterface', { NetworkInterfaceId, InstanceId, DeviceIndex: 1 });
    call(world, 'CreateTransitGatewayConnectPeer', {
      TransitGatewayAttachmentId,
      TransitGatewayAddress: '192.0.2.9',
      PeerAddress: PrivateIpAddress,
      InsideCidrBlocks: ['169.254.9.0/29'],
    });
    pass(world, 5000);
    const toSpeaker = (device: number) => {
      const more = { remote: '192.0.2.9', inside: ['169.254.9.1/29'], device };
      must(setProfile(world, InstanceId, { role: 'nat', services: [], tunnels: [...tunnelsOf('a'), more] }));
      return must(tracePacket(world, { from: InstanceId, to: '169.254.9.2', both: true }));
    };
    expect(toSpeaker(0).disposition).toBe('GRE_NO_GATEWAY');
    const { deliveredTo, hops, answer } = toSpeaker(1);
    expect([deliveredTo, answer?.deliveredTo]).toEqual([expect.stringContaining('/1'), InstanceId]);
    for (const each of [hops, answer?.hops]) {
      expect(each?.map(({ id }) => id)).toContain(NetworkInterfaceId);
    }
  });

  test('the rules of the appliance must let GRE in', () => {
    const one = connectScene();
    const { world, pair } = one;
    const IpPermissions = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
    call(world, 'RevokeSecurityGroupIngress', { GroupId: pair.group, IpPermissions });
    pass(world, 1000);
    expect(out(one)).toMatchObject({ disposition: 'SG_HAS_NO_RULES' });
    const gre = [{ IpProtocol: '47', IpRanges: [{ CidrIp: BLOCK }] }];
    call(world, 'AuthorizeSecurityGroupIngress', { GroupId: pair.group, IpPermissions: gre });
    pass(world, 1000);
    expect(out(one).disposition).toBe('DELIVERED');
  });

  test('a saved world has its peers and tunnels; sessions come up again', () => {
    const { world, spoke, peers, pair } = connectScene();
    const saved = must(parseWorldFile([...worldLines(world, 1)].join(''), 'world'));
    const again = openWorld(saved);
    const toPeers = [...again.records['transit-gateway-route-table'].values()]
      .flatMap(({ routes: held }) => held)
      .find(({ destination }) => destination === '0.0.0.0/0');
    expect(toPeers?.paths.map(({ peer }) => peer).sort()).toEqual([peers.a, peers.b].sort());
    expect(must(tracePacket(again, { from: spoke.instance, to: SERVER })).deliveredTo).toBe(SERVER);
    const config = configOf(appliance(pair, 'a'));
    startDaemon(again, { machine: pair.a.instance, config });
    pass(again, 30_000);
    expect([sessions(again, peers.a), sessions(again, peers.b)]).toEqual([
      ['up', 'up'],
      ['down', 'down'],
    ]);
  });
});
