/**
 * An appliance in each of two zones carries what is inside its zone, and takes over from the other; a third
 * one stands by for both, and carries one of them at most. One zone has prepared tables, the other a route.
 */
import { must, present } from '../../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../../controller/config.ts';
import type { World } from '../../world/state.ts';
import type { OwnedGroup, Scenario, Scene } from '../scenario.ts';
import {
  createAppliance,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  HOST,
  ICMP,
  type Machine,
  PLACE,
  probed,
  THROUGH_ITSELF,
} from './network.ts';

const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];
const DEFAULT = '0.0.0.0/0';
/** By group: its own appliance first, then the one that stands by, then that of the other zone. */
const MEMBERS = { 'zone-a': ['a', 'c', 'b'], 'zone-b': ['b', 'c', 'a'] } as const;
const CAPACITY = { a: 2, b: 2, c: 1 } as const;

interface Inside {
  readonly subnet: string;
  readonly prepared: Readonly<Record<Name, string>>;
  readonly table: string;
}

function configOf(node: Name, appliances: Readonly<Record<Name, Machine>>, inside: Inside): Config {
  const input: ConfigInput = {
    version: 1,
    node,
    aws: { region: PLACE.region },
    appliances: probed(appliances, NAMES, [ICMP, THROUGH_ITSELF]).map((one, index) => ({
      ...one,
      capacity: CAPACITY[present(NAMES[index], 'its name')],
    })),
    groups: [
      {
        name: 'zone-a',
        members: [...MEMBERS['zone-a']],
        routes: [{ subnets: [inside.subnet], tables: { ...inside.prepared }, destinations: [DEFAULT] }],
      },
      {
        name: 'zone-b',
        members: [...MEMBERS['zone-b']],
        routes: [{ table: inside.table, destinations: [DEFAULT] }],
      },
    ],
  };
  return must(checkConfig(input));
}

function build(world: World): Scene {
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const appliance = (zone: Name, index: number): Machine =>
    createAppliance(site, {
      SubnetId: createSubnet(site, `10.0.${index}.0/24`, zone, edge),
      address: `10.0.${index}.10`,
      zone,
    });
  const appliances = { a: appliance('a', 0), b: appliance('b', 1), c: appliance('c', 2) };
  const tableTo = (name: Name): string => createTable(site, { NetworkInterfaceId: appliances[name].eni });
  const prepared = { a: tableTo('a'), b: tableTo('b'), c: tableTo('c') };
  const subnet = createSubnet(site, '10.0.10.0/24', 'a', prepared.a);
  const table = tableTo('b');
  const client = (SubnetId: string, address: string, zone: string): Machine =>
    createMachine(site, { SubnetId, address, zone }, { role: 'host', services: [] });
  const groups: readonly OwnedGroup[] = [
    {
      name: 'zone-a',
      members: MEMBERS['zone-a'],
      parts: [{ kind: 'association', subnet, tables: prepared, destinations: [DEFAULT] }],
    },
    { name: 'zone-b', members: MEMBERS['zone-b'], parts: [{ kind: 'route', table, destination: DEFAULT }] },
  ];
  return {
    machines: {
      ...appliances,
      'client-a': client(subnet, '10.0.10.10', 'a'),
      'client-b': client(createSubnet(site, '10.0.11.0/24', 'b', table), '10.0.11.10', 'b'),
    },
    appliances: [...NAMES],
    daemons: Object.fromEntries(
      NAMES.map((name) => [name, configOf(name, appliances, { subnet, prepared, table })]),
    ),
    groups,
    capacity: CAPACITY,
    flows: [
      { from: 'client-a', to: HOST, group: 'zone-a' },
      { from: 'client-b', to: HOST, group: 'zone-b' },
    ],
  };
}

export const zones: Scenario = {
  name: 'zones',
  what: 'an appliance in each of two zones, a third that carries one of them at most, prepared tables',
  seesDrops: false,
  build,
  writes: ['ReplaceRouteTableAssociation', 'ReplaceRoute'],
  freshMs: 2000,
  recoverMs: 60_000,
};
