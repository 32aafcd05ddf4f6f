/**
 * A transit gateway with a spoke VPC and a hub VPC, whose two appliances speak BGP with it in GRE and lead to
 * the Internet: a scene of tests. Not a test itself.
 */
import type {
  CreateTransitGatewayConnectPeerResult,
  CreateTransitGatewayConnectResult,
  DescribeTransitGatewayConnectPeersResult,
  TransitGateway,
} from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';
import { createSite } from '../../sim/chaos/scenes/network.ts';
import { setProfile } from '../../sim/world/guests.ts';
import { type Daemon, startDaemon } from '../../sim/world/node.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { type Appliance, call, deployPair, launch, type Pair } from './pair.ts';
import { configOf, pass } from './sync.ts';

export const BLOCK = '192.0.2.0/24';
export const SERVER = '203.0.113.10';

export type Name = 'a' | 'b';

export interface ConnectScene {
  readonly world: World;
  readonly pair: Pair;
  readonly tgw: string;
  /** The default route table of the gateway. */
  readonly table: string;
  readonly connect: string;
  readonly peers: Readonly<Record<Name, string>>;
  readonly daemons: Readonly<Record<Name, Daemon>>;
  readonly spoke: { readonly vpc: string; readonly instance: string; readonly address: string };
}

const INSIDE = { a: '169.254.6', b: '169.254.7' } as const;
const OUTSIDE = { a: '192.0.2.1', b: '192.0.2.2' } as const;

/** The configuration of an appliance that announces the default route. */
export const appliance = (pair: Pair, name: Name, prepend = 0): string => `
node: ${name}
appliances: [ { name: ${name}, address: ${pair[name].address}, eni: ${pair[name].eni} } ]
kernel: {}
bgp:
  as: 65001
  routerId: ${pair[name].address}
  gracefulRestart: false
  originate: [ { prefix: "0.0.0.0/0", nextHop: self } ]
  policies:
    - name: out
      rules: [ { match: { prefixes: [ { prefix: "0.0.0.0/0" } ] }, ${
        prepend > 0 ? `set: { prepend: { as: 65001, count: ${prepend} } }, ` : ''
      }action: accept } ]
  neighbors:
    - { name: first, address: ${INSIDE[name]}.2, as: 64800, import: all, export: out }
    - { name: second, address: ${INSIDE[name]}.3, as: 64800, import: all, export: out }
`;

export const tunnelsOf = (name: Name) => [{ remote: OUTSIDE[name], inside: [`${INSIDE[name]}.1/29`] }];

function attach(world: World, TransitGatewayId: string, VpcId: string, SubnetIds: readonly string[]): string {
  const made = call<{ TransitGatewayVpcAttachment: { TransitGatewayAttachmentId: string } }>(
    world,
    'CreateTransitGatewayVpcAttachment',
    { TransitGatewayId, VpcId, SubnetIds },
  );
  return made.TransitGatewayVpcAttachment.TransitGatewayAttachmentId;
}

/** The scene after a while: tunnels, sessions and routes are there. */
export function connectScene(prepends: Partial<Record<Name, number>> = {}): ConnectScene {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world);
  const { TransitGateway: made } = call<{ TransitGateway: TransitGateway }>(world, 'CreateTransitGateway', {
    Options: { AmazonSideAsn: 64_800, TransitGatewayCidrBlocks: [BLOCK] },
  });
  const tgw = present(made.TransitGatewayId, 'a transit gateway');
  pass(world, 100);
  const eni = (id: string) => present(world.records['network-interface'].get(id), id);
  const hub = attach(world, tgw, pair.vpc, [eni(pair.a.eni).subnet, eni(pair.b.eni).subnet]);
  const spoke = createSpoke(world, tgw);
  routeToGateway(world, pair, tgw);
  const named = { TransportTransitGatewayAttachmentId: hub, Options: { Protocol: 'gre' } };
  pass(world, 2000);
  const { TransitGatewayConnect: over } = call<CreateTransitGatewayConnectResult>(
    world,
    'CreateTransitGatewayConnect',
    named,
  );
  const connect = present(over?.TransitGatewayAttachmentId, 'a Connect attachment');
  pass(world, 2000);
  const peer = (name: Name): string => {
    const { TransitGatewayConnectPeer: peer } = call<CreateTransitGatewayConnectPeerResult>(
      world,
      'CreateTransitGatewayConnectPeer',
      {
        TransitGatewayAttachmentId: connect,
        PeerAddress: pair[name].address,
        BgpOptions: { PeerAsn: 65_001 },
        InsideCidrBlocks: [`${INSIDE[name]}.0/29`],
      },
    );
    return present(peer?.TransitGatewayConnectPeerId, 'a Connect peer');
  };
  const start = (name: Name): Daemon => {
    setProfile(world, pair[name].instance, { role: 'nat', services: [], tunnels: tunnelsOf(name) });
    const config = configOf(appliance(pair, name, prepends[name]));
    return startDaemon(world, { machine: pair[name].instance, config });
  };
  const peers = { a: peer('a'), b: peer('b') };
  const daemons = { a: start('a'), b: start('b') };
  pass(world, 30_000);
  const table = present(made.Options?.AssociationDefaultRouteTableId, 'a table');
  return { world, pair, tgw, table, connect, peers, daemons, spoke };
}

/** A VPC with a workload, whose main table leads to the gateway. */
function createSpoke(world: World, tgw: string): ConnectScene['spoke'] {
  const { vpc, group } = createSite(world, '10.9.0.0/16');
  const zone = { AvailabilityZone: 'eu-central-1a' };
  const { SubnetId } = call<{ Subnet: { SubnetId: string } }>(world, 'CreateSubnet', {
    ...{ VpcId: vpc, CidrBlock: '10.9.0.0/24', ...zone },
  }).Subnet;
  attach(world, tgw, vpc, [SubnetId]);
  pass(world, 2000);
  const tables = [...world.records['route-table'].values()];
  const RouteTableId = present(tables.find((each) => each.vpc === vpc)?.id, 'a main table');
  call(world, 'CreateRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', TransitGatewayId: tgw });
  const { instance } = launch(world, { SubnetId, PrivateIpAddress: '10.9.0.9', group });
  return { vpc, instance, address: '10.9.0.9' };
}

/** The table of an appliance's subnet. */
export function tableOf(world: World, { eni }: Appliance): string {
  const { subnet } = present(world.records['network-interface'].get(eni), eni);
  const tables = [...world.records['route-table'].values()];
  return present(tables.find(({ subnets }) => subnets.includes(subnet))?.id, 'a table');
}

/** The block of the gateway is reached through it, from the subnets of both appliances. */
function routeToGateway(world: World, pair: Pair, TransitGatewayId: string): void {
  for (const RouteTableId of new Set([tableOf(world, pair.a), tableOf(world, pair.b)])) {
    call(world, 'CreateRoute', { RouteTableId, DestinationCidrBlock: BLOCK, TransitGatewayId });
  }
}

/** The state of both sessions of a peer. */
export function sessions(world: World, peer: string): readonly (string | undefined)[] {
  const asked = { TransitGatewayConnectPeerIds: [peer] };
  const found = call<DescribeTransitGatewayConnectPeersResult>(
    world,
    'DescribeTransitGatewayConnectPeers',
    asked,
  ).TransitGatewayConnectPeers?.[0];
  return (found?.ConnectPeerConfiguration?.BgpConfigurations ?? []).map(({ BgpStatus }) => BgpStatus);
}
