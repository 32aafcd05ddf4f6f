/**
 * A VPC with a route server, whose two endpoints hear byoa's daemons on two appliances: a scene of tests. Not
 * a test itself.
 */
import type { RouteServerEndpoint, RouteServerPeer } from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';
import { setKnobs } from '../../sim/world/api.ts';
import { type Daemon, startDaemon } from '../../sim/world/node.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair, launch, makePublic, type Pair } from './pair.ts';
import { configOf, pass } from './sync.ts';

/** What the appliances announce unless told otherwise. */
export const HOSTS = '203.0.113.0/24';

export interface RouteServerScene {
  readonly world: World;
  readonly pair: Pair;
  readonly server: string;
  /** The empty table of the client's subnet, to which the route server propagates. */
  readonly table: string;
  readonly client: string;
  readonly endpoints: readonly [RouteServerEndpoint, RouteServerEndpoint];
  readonly peers: readonly [string, string];
  readonly a: Daemon;
  readonly b: Daemon;
}

export interface Wanted {
  readonly server?: object;
  readonly liveness?: 'bfd' | 'bgp-keepalive';
  /** What each announces, and with which MED. */
  readonly prefixes?: readonly string[];
  readonly meds?: readonly [number, number];
}

const announcer = (
  endpoint: string,
  name: 'a' | 'b',
  { prefixes = [HOSTS], meds = [0, 100], liveness }: Wanted,
) =>
  configOf(`
node: ${name}
bgp:
  as: ${name === 'a' ? 65001 : 65002}
  routerId: 10.0.0.${name === 'a' ? 10 : 11}
  gracefulRestart: false
  originate: [ ${prefixes.map((prefix) => `{ prefix: "${prefix}" }`).join(', ')} ]
  policies:
    - { name: out, rules: [ { set: { med: ${meds[name === 'a' ? 0 : 1]} }, action: accept } ] }
  neighbors: [ { name: rs, address: ${endpoint}, as: 65100, export: out, bfd: ${liveness !== 'bgp-keepalive'} } ]
`);

export function routeServerScene(wanted: Wanted = {}): RouteServerScene {
  const { server: options = {}, liveness = 'bfd' } = wanted;
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world, { together: true });
  const asked = { AmazonSideAsn: 65100, ...options };
  const { RouteServerId } = call<{ RouteServer: { RouteServerId: string } }>(
    world,
    'CreateRouteServer',
    asked,
  ).RouteServer;
  call(world, 'AssociateRouteServer', { RouteServerId, VpcId: pair.vpc });
  const subnet = present(world.records['network-interface'].get(pair.a.eni)?.subnet, 'the subnet');
  const endpoint = () =>
    call<{ RouteServerEndpoint: RouteServerEndpoint }>(world, 'CreateRouteServerEndpoint', {
      RouteServerId,
      SubnetId: subnet,
    }).RouteServerEndpoint;
  const endpoints = [endpoint(), endpoint()] as const;
  const peer = (at: RouteServerEndpoint, PeerAddress: string, PeerAsn: number): string => {
    const input = {
      RouteServerEndpointId: at.RouteServerEndpointId,
      PeerAddress,
      BgpOptions: { PeerAsn, PeerLivenessDetection: liveness },
    };
    const made = call<{ RouteServerPeer: RouteServerPeer }>(world, 'CreateRouteServerPeer', input);
    return present(made.RouteServerPeer.RouteServerPeerId, 'a peer');
  };
  const peers = [
    peer(endpoints[0], pair.a.address, 65001),
    peer(endpoints[1], pair.b.address, 65002),
  ] as const;
  const { RouteTableId: table } = call<{ RouteTable: { RouteTableId: string } }>(world, 'CreateRouteTable', {
    VpcId: pair.vpc,
  }).RouteTable;
  const { SubnetId } = call<{ Subnet: { SubnetId: string } }>(world, 'CreateSubnet', {
    VpcId: pair.vpc,
    CidrBlock: '10.0.10.0/24',
    AvailabilityZone: 'eu-central-1a',
  }).Subnet;
  call(world, 'AssociateRouteTable', { RouteTableId: table, SubnetId });
  call(world, 'EnableRouteServerPropagation', { RouteServerId, RouteTableId: table });
  const client = launch(world, { SubnetId, PrivateIpAddress: '10.0.10.10', group: pair.group }).instance;
  makePublic(world, pair.workload.eni);
  setKnobs(world.api, { latency: { medianMs: 150, spread: 0 }, propagation: { medianMs: 500, spread: 0 } });
  const start = (name: 'a' | 'b', at: RouteServerEndpoint): Daemon =>
    startDaemon(world, {
      machine: pair[name].instance,
      config: announcer(at.EniAddress ?? '', name, wanted),
    });
  const [a, b] = [start('a', endpoints[0]), start('b', endpoints[1])];
  pass(world, 25_000);
  return { world, pair, server: RouteServerId, table, client, endpoints, peers, a, b };
}
