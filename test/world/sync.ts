/**
 * A simulated VPC whose route tables follow what two appliances announce: an observer beside them runs route
 * sync. The scene of the tests of route sync; not a test itself.
 */
import { type Config, parseConfig } from '../../controller/config.ts';
import { type Call, isRead } from '../../controller/ec2/call.ts';
import { setKnobs } from '../../sim/world/api.ts';
import { advance } from '../../sim/world/kernel.ts';
import { type Daemon, logOf, startDaemon } from '../../sim/world/node.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair, launch, makePublic, type Pair } from './pair.ts';

export interface SyncScene {
  readonly world: World;
  readonly pair: Pair;
  /** The empty table that is kept in sync. */
  readonly table: string;
  /** An instance whose subnet has that table. */
  readonly client: string;
  readonly a: Daemon;
  readonly b: Daemon;
  /** The observer with route sync. */
  readonly w: Daemon;
}

export function configOf(text: string): Config {
  const parsed = parseConfig(`version: 1\naws: { region: eu-central-1 }\n${text}`, 'test.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, undefined, 1));
  return parsed.value;
}

export interface Announce {
  /** Prefixes by appliance; `b` is the worse way to what both announce. */
  readonly a?: readonly string[];
  readonly b?: readonly string[];
}

const HOSTS = '203.0.113.0/24';

/** The configuration of an appliance that announces prefixes. */
export const announcer = (
  pair: Pair,
  name: 'a' | 'b',
  prefixes: readonly string[],
  nextHop = 'self',
): Config =>
  configOf(`
node: ${name}
appliances: [ { name: ${name}, address: ${pair[name].address}, eni: ${pair[name].eni} } ]
bgp:
  as: ${name === 'a' ? 65001 : 65002}
  gracefulRestart: false
  originate: [ ${prefixes.map((prefix) => `{ prefix: "${prefix}", nextHop: "${nextHop}" }`).join(', ')} ]
  policies:
    - name: hosts
      rules: [ { set: { ${name === 'b' ? 'prepend: { as: 65002 }' : 'med: 0'} }, action: accept } ]
  dynamic:
    - { name: peers, prefix: 10.0.0.0/16, as: [65000], export: hosts, bfd: true, families: [ipv4, ipv6], extendedNextHop: true }
`);

export interface Extra {
  /** Of the entry of routeSync. */
  readonly sync?: string;
  /** Of each neighbor. */
  readonly neighbor?: string;
  /** Whether the neighbors are configured appliances, or plain addresses. */
  readonly appliances?: boolean;
  readonly observeOnly?: boolean;
  readonly routerId?: string;
}

/** The configuration of the observer. */
export function syncer(
  pair: Pair,
  table: string,
  { sync = '', neighbor = '', appliances = true, routerId = '10.0.0.20' }: Extra = {},
): Config {
  const of = (name: 'a' | 'b'): string =>
    appliances ? `appliance: ${name}` : `name: ${name}, address: ${pair[name].address}`;
  const listed = (['a', 'b'] as const).map(
    (name) =>
      `{ name: ${name}, address: ${pair[name].address}, eni: ${pair[name].eni}, probes: [ { kind: bfd } ] }`,
  );
  return configOf(`
node: w
appliances: [ ${appliances ? listed.join(', ') : ''} ]
bgp:
  as: 65000
  routerId: ${routerId}
  neighbors:
    - { ${of('a')}, as: 65001, import: all, bfd: true, families: [ipv4, ipv6], extendedNextHop: true ${neighbor} }
    - { ${of('b')}, as: 65002, import: all, bfd: true, families: [ipv4, ipv6], extendedNextHop: true ${neighbor} }
routeSync: [ { tables: [ { table: ${table} } ] ${sync} } ]
`);
}

/** Two appliances and a workload in one subnet, and beside them a subnet whose table is kept in sync. */
export function syncScene(announce: Announce = { a: [HOSTS], b: [HOSTS] }, extra: Extra = {}): SyncScene {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world, { together: true });
  const made = call<{ RouteTable: { RouteTableId: string } }>(world, 'CreateRouteTable', { VpcId: pair.vpc });
  const table = made.RouteTable.RouteTableId;
  const { SubnetId } = call<{ Subnet: { SubnetId: string } }>(world, 'CreateSubnet', {
    VpcId: pair.vpc,
    CidrBlock: '10.0.10.0/24',
    AvailabilityZone: 'eu-central-1a',
  }).Subnet;
  call(world, 'AssociateRouteTable', { RouteTableId: table, SubnetId });
  const client = launch(world, { SubnetId, PrivateIpAddress: '10.0.10.10', group: pair.group }).instance;
  makePublic(world, pair.workload.eni);
  setKnobs(world.api, { latency: { medianMs: 150, spread: 0 }, propagation: { medianMs: 500, spread: 0 } });
  const start = (name: 'a' | 'b'): Daemon =>
    startDaemon(world, { machine: pair[name].instance, config: announcer(pair, name, announce[name] ?? []) });
  const [a, b] = [start('a'), start('b')];
  const w = startDaemon(world, {
    machine: pair.workload.instance,
    config: syncer(pair, table, extra),
    ...(extra.observeOnly === undefined ? {} : { observeOnly: extra.observeOnly }),
  });
  pass(world, 25_000);
  return { world, pair, table, client, a, b, w };
}

export const pass = (world: World, ms: number): void => advance(world, world.now + ms);

/** The routes of a table by EC2 itself, without the local one: the appliance or the id that they lead to. */
export function routesOf(
  { world, pair }: Pick<SyncScene, 'world' | 'pair'>,
  table: string,
): Readonly<Record<string, string>> {
  const names: Readonly<Record<string, string>> = { [pair.a.eni]: 'a', [pair.b.eni]: 'b' };
  const routes = world.records['route-table'].get(table)?.routes ?? [];
  return Object.fromEntries(
    routes.flatMap(({ destination, target }) => {
      if (target.kind === 'local') return [];
      const id =
        target.kind === 'eni' ? target.eni : target.kind === 'internet-gateway' ? target.gateway : '';
      return [[destination, names[id] ?? id]];
    }),
  );
}

/** The writes that a daemon has sent since an instant. */
export const writesOf = (daemon: Daemon, since = 0): readonly Call[] =>
  daemon.effects.flatMap(({ at, effect }) =>
    at >= since && effect.kind === 'ec2-call' && !isRead(effect.call.kind) ? [effect.call] : [],
  );

/** The same as short texts. */
export const wroteOf = (daemon: Daemon, since = 0): readonly string[] =>
  writesOf(daemon, since).map((one) => `${one.kind} ${'destination' in one ? one.destination : ''}`);

export const told = (daemon: Daemon): string =>
  logOf(daemon)
    .map(({ at, text }) => `${at} ${text}`)
    .join('\n');

/** A second observer, on a machine of its own, with another configuration of routeSync. */
export function startTwin({ world, pair, table }: SyncScene, sync: string): Daemon {
  const subnet = world.records['network-interface'].get(pair.workload.eni)?.subnet ?? '';
  const made = launch(world, { SubnetId: subnet, PrivateIpAddress: '10.0.0.21', group: pair.group });
  makePublic(world, made.eni);
  return startDaemon(world, {
    machine: made.instance,
    config: syncer(pair, table, { sync, routerId: '10.0.0.21' }),
  });
}
