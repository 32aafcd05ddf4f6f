/**
 * Two appliances; the default routes of two private tables lead to one of them. Their daemons run on them, or
 * one beside them that observes both.
 */
import { must } from '../../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../../controller/config.ts';
import type { World } from '../../world/state.ts';
import type { Scenario, Scene } from '../scenario.ts';
import { createLeases } from './leases.ts';
import {
  createAppliance,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  HOST,
  type Machine,
  makePublic,
  PLACE,
} from './network.ts';

const NAMES = ['a', 'b'] as const;
type Appliances = Readonly<Record<(typeof NAMES)[number], Machine>>;

type Design = 'zones' | 'bfd' | 'observer' | 'lease';
/** Of leases. */
const TABLE = 'leases';

/** In a common subnet each can probe through the other; else an appliance probes through itself only. */
function probesOf(design: Design): NonNullable<NonNullable<ConfigInput['appliances']>[number]['probes']> {
  const quick = { interval: '200ms', timeout: '180ms' };
  const through = { kind: 'through', target: { icmp: HOST }, ...quick } as const;
  if (design === 'zones')
    return [
      { kind: 'icmp', ...quick },
      { ...through, by: 'route', from: 'self' },
    ];
  return [design === 'bfd' ? { kind: 'bfd', interval: '300ms' } : { kind: 'icmp', ...quick }, through];
}

function configOf(node: string, appliances: Appliances, tables: readonly string[], design: Design): Config {
  const input: ConfigInput = {
    version: 1,
    node,
    aws: { region: PLACE.region },
    appliances: NAMES.map((name) => {
      const { address, eni } = appliances[name];
      return { name, address, eni, probes: probesOf(design) };
    }),
    groups: [
      {
        name: 'egress',
        members: [...NAMES],
        routes: tables.map((table) => ({ table, destinations: ['0.0.0.0/0'] })),
      },
    ],
    ...(design === 'lease' ? { lease: { kind: 'dynamodb', table: TABLE } } : {}),
  };
  return must(checkConfig(input));
}

const observersOf = (design: Design): readonly string[] =>
  design === 'lease' ? ['observer', 'other'] : ['observer'];

/** `zones`: one subnet in each of two zones; otherwise both in one, which single-hop BFD needs. */
function build(world: World, design: Design): Scene {
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const SubnetId = createSubnet(site, '10.0.0.0/24', 'a', edge);
  const a = createAppliance(site, { SubnetId, address: '10.0.0.10', zone: 'a' });
  const b =
    design === 'zones'
      ? createAppliance(site, {
          SubnetId: createSubnet(site, '10.0.1.0/24', 'b', edge),
          address: '10.0.1.10',
          zone: 'b',
        })
      : createAppliance(site, { SubnetId, address: '10.0.0.11', zone: 'a' });
  const tables = [1, 2].map(() => createTable(site, { NetworkInterfaceId: a.eni }));
  const clients = tables.map((table, index) => {
    const inside = createSubnet(site, `10.0.1${index + 1}.0/24`, 'c', table);
    const at = { SubnetId: inside, address: `10.0.1${index + 1}.10`, zone: 'c' };
    return createMachine(site, at, { role: 'host', services: [] });
  });
  const watchers = observersOf(design).map((name, index): [string, Machine] => {
    const at = { SubnetId, address: `10.0.0.2${index}`, zone: 'a' };
    const machine = createMachine(site, at, { role: 'host', services: [] });
    makePublic(world, machine.eni);
    return [name, machine];
  });
  if (design === 'lease') createLeases(world, TABLE);
  const daemons = design === 'observer' || design === 'lease' ? observersOf(design) : NAMES;
  const parts = tables.map((table) => ({ kind: 'route', table, destination: '0.0.0.0/0' }) as const);
  return {
    machines: {
      a,
      b,
      ...Object.fromEntries(watchers),
      ...Object.fromEntries(clients.map((client, index) => [`client${index + 1}`, client])),
    },
    appliances: [...NAMES],
    daemons: Object.fromEntries(daemons.map((name) => [name, configOf(name, { a, b }, tables, design)])),
    groups: [{ name: 'egress', members: [...NAMES], parts }],
    flows: clients.map((_, index) => ({ from: `client${index + 1}`, to: HOST, group: 'egress' })),
  };
}

const shared = { writes: ['ReplaceRoute'], freshMs: 2000, recoverMs: 60_000 };

export const egressRoutes: Scenario = {
  ...shared,
  name: 'egress-routes',
  what: 'two appliances in two zones, ICMP probes, routes of two tables',
  seesDrops: false,
  build: (world) => build(world, 'zones'),
};

export const egressBfd: Scenario = {
  ...shared,
  name: 'egress-bfd',
  what: 'two appliances of one subnet, BFD at 300 ms, routes of two tables',
  seesDrops: true,
  build: (world) => build(world, 'bfd'),
};

export const egressObserver: Scenario = {
  ...shared,
  name: 'egress-observer',
  what: 'two appliances without a daemon, observed from a third machine, routes of two tables',
  seesDrops: true,
  build: (world) => build(world, 'observer'),
};

export const egressLease: Scenario = {
  ...shared,
  name: 'egress-lease',
  what: 'two appliances without a daemon, two observers that share a lease, routes of two tables',
  seesDrops: true,
  build: (world) => build(world, 'lease'),
};
