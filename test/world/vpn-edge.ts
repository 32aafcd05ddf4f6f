/**
 * A VPC with a workload and a VPN gateway, whose connections end at two appliances of another VPC, which lead
 * to the Internet: a scene of tests. Not a test itself.
 */
import { present } from '../../controller/base/result.ts';
import { createSite } from '../../sim/chaos/scenes/network.ts';
import { setProfile } from '../../sim/world/guests.ts';
import { type Daemon, startDaemon } from '../../sim/world/node.ts';
import type { ProfileTunnel, World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair, launch, type Pair } from './pair.ts';
import { connect, connection, customerGateway } from './site.ts';
import { configOf, pass } from './sync.ts';

export const SERVER = '203.0.113.10';
export const SPOKE = '10.9.0.0/16';

export type Name = 'a' | 'b';

export interface EdgeScene {
  readonly world: World;
  readonly pair: Pair;
  readonly vgw: string;
  /** The main table of the spoke. */
  readonly table: string;
  readonly vpns: Readonly<Record<Name, string>>;
  readonly daemons: Readonly<Record<Name, Daemon>>;
  readonly spoke: { readonly instance: string; readonly address: string };
}

const INSIDE = {
  a: ['169.254.10.0/30', '169.254.10.4/30'],
  b: ['169.254.20.0/30', '169.254.20.4/30'],
} as const;

const end = (block: string, place: 1 | 2): string =>
  block.replace(/(\d+)\/30$/, (_, last) => String(Number(last) + place));

/** The address of one end inside a tunnel of an appliance: 1 is the gateway's. */
export const endOf = (name: Name, tunnel: 0 | 1, place: 1 | 2): string => end(INSIDE[name][tunnel], place);

/** Tunnels of an appliance to the gateway's ends of a connection. */
export const tunnelsOf = (world: World, vpn: string): ProfileTunnel[] =>
  (connection(world, vpn).Options?.TunnelOptions ?? []).map(
    ({ OutsideIpAddress = '', TunnelInsideCidr = '' }) => ({
      kind: 'ipsec',
      remote: OutsideIpAddress,
      inside: [`${end(TunnelInsideCidr, 2)}/30`],
    }),
  );

/** What b announces while a is dead, where it does. */
const standIns = (linger: string | undefined): readonly string[] =>
  linger === undefined
    ? []
    : ['0.0.0.0/1', '128.0.0.0/1'].map((half) => `{ prefix: ${half}, whileDead: [a], linger: ${linger} }`);

export interface EdgeOptions {
  /** Security groups let nothing in. */
  readonly closed?: boolean;
  /** b stands in for a while that is dead, and for so long after. */
  readonly linger?: string;
  /** `echo` of all neighbors. */
  readonly echo?: string;
}

/** A daemon's configuration. */
export const configText = (
  { a, b }: Pair,
  name: Name,
  { linger, echo = 'false' }: EdgeOptions = {},
): string => `
node: ${name}
appliances:
  - { name: a, address: ${a.address}, eni: ${a.eni}, probes: [ { kind: icmp } ] }
  - { name: b, address: ${b.address}, eni: ${b.eni}, probes: [ { kind: icmp } ] }
kernel: {}
bgp:
  as: 65001
  gracefulRestart: false
  originate:
    - { prefix: 0.0.0.0/0, med: ${name === 'a' ? 0 : 10} }
${(name === 'b' ? standIns(linger) : []).map((one) => `    - ${one}\n`).join('')}
  neighbors:
${INSIDE[name].map((block) => `    - { address: ${end(block, 1)}, localAddress: ${end(block, 2)}, as: 64900, import: all, export: all, holdTime: 30s, echo: ${echo} }`).join('\n')}
`;

function revokeIngress(world: World, GroupId: string): void {
  const all = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
  call(world, 'RevokeSecurityGroupIngress', { GroupId, IpPermissions: [all] });
}

/** The scene after a while: tunnels, sessions and routes are there. */
export function edgeScene(options: EdgeOptions = {}): EdgeScene {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world);
  const { vpc, group } = createSite(world, SPOKE);
  const { SubnetId } = call<{ Subnet: { SubnetId: string } }>(world, 'CreateSubnet', {
    ...{ VpcId: vpc, CidrBlock: '10.9.0.0/24', AvailabilityZone: 'eu-central-1a' },
  }).Subnet;
  const { VpnGatewayId: vgw } = call<{ VpnGateway: { VpnGatewayId: string } }>(world, 'CreateVpnGateway', {
    Type: 'ipsec.1',
    AmazonSideAsn: 64_900,
  }).VpnGateway;
  call(world, 'AttachVpnGateway', { VpnGatewayId: vgw, VpcId: vpc });
  pass(world, 2000);
  const tables = [...world.records['route-table'].values()];
  const table = present(tables.find((each) => each.vpc === vpc)?.id, 'a main table');
  call(world, 'EnableVgwRoutePropagation', { GatewayId: vgw, RouteTableId: table });
  const { instance } = launch(world, { SubnetId, PrivateIpAddress: '10.9.0.9', group });
  if (options.closed) revokeIngress(world, pair.group);
  const vpnTo = (name: Name): string =>
    connect(world, customerGateway(world, pair[name].publicAddress, 65_001), {
      VpnGatewayId: vgw,
      Options: { TunnelOptions: INSIDE[name].map((TunnelInsideCidr) => ({ TunnelInsideCidr })) },
    });
  const vpns = { a: vpnTo('a'), b: vpnTo('b') };
  const start = (name: Name): Daemon => {
    const machine = pair[name].instance;
    setProfile(world, machine, {
      ...{ role: 'nat', services: [], translates: [SPOKE] },
      tunnels: tunnelsOf(world, vpns[name]),
    });
    return startDaemon(world, { machine, config: configOf(configText(pair, name, options)) });
  };
  const daemons = { a: start('a'), b: start('b') };
  pass(world, 30_000);
  return { world, pair, vgw, table, vpns, daemons, spoke: { instance, address: '10.9.0.9' } };
}
