/**
 * Two appliances; the default routes of two private tables lead to one of them. Their daemons run on them, or
 * on machines beside them that observe both.
 */
import { must } from '../../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../../controller/config.ts';
import type { World } from '../../world/state.ts';
import type { Scenario, Scene } from '../scenario.ts';
import { createLeases } from './leases.ts';
import {
  ask,
  createAppliance,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  HOST,
  ICMP,
  type Machine,
  makePublic,
  PLACE,
  type Probes,
  probed,
  type Site,
  THROUGH,
  THROUGH_ITSELF,
} from './network.ts';
import { createRoles } from './roles.ts';

const NAMES = ['a', 'b'] as const;
type Appliances = Readonly<Record<(typeof NAMES)[number], Machine>>;

type Design = 'zones' | 'bfd' | 'role' | 'observer' | 'lease' | 'last-resort' | 'quorum';
/** Of leases. */
const TABLE = 'leases';
const DEFAULT = '0.0.0.0/0';
/** A machine beside the appliances that watches them. */
const OBSERVER = 'observer';
/** Another one, which tells that the network beyond the appliances is there. */
const WITNESS = 'witness';

/** Who decides: the appliances' own daemons, or those of observers. */
const DECIDING: Readonly<Record<Design, readonly string[]>> = {
  zones: NAMES,
  bfd: NAMES,
  role: NAMES,
  observer: [OBSERVER],
  lease: [OBSERVER, 'other'],
  'last-resort': [OBSERVER],
  quorum: NAMES,
};
/** Those beside the appliances on which nobody decides. */
const BYSTANDERS: Partial<Record<Design, readonly string[]>> = {
  'last-resort': [WITNESS],
  quorum: [OBSERVER],
};

/** Whether the appliances are in two zones; else both are in one subnet, which single-hop BFD needs. */
const isApart = (design: Design): boolean => design === 'zones' || design === 'quorum';

/** In a common subnet each can probe through the other; else an appliance probes through itself only. */
function probesOf(design: Design): Probes {
  if (isApart(design)) return [ICMP, THROUGH_ITSELF];
  return [design === 'bfd' || design === 'role' ? { kind: 'bfd', interval: '300ms' } : ICMP, THROUGH];
}

interface Made {
  readonly design: Design;
  readonly appliances: Appliances;
  readonly others: Readonly<Record<string, Machine>>;
  readonly tables: readonly string[];
  readonly nat: string | undefined;
  readonly role: string | undefined;
}

function configOf(node: string, { design, appliances, others, tables, nat, role }: Made): Config {
  const decides = DECIDING[design].includes(node);
  const witness = others[WITNESS];
  const observer = others[OBSERVER];
  const asks = { quorum: 2, observers: { [OBSERVER]: `${observer?.address}:8179` } };
  const input: ConfigInput = {
    version: 1,
    node,
    aws: { region: PLACE.region },
    appliances: [
      ...probed(appliances, NAMES, probesOf(design)),
      ...(witness === undefined ? [] : probed({ [WITNESS]: witness }, [WITNESS], [ICMP])),
    ],
    groups: decides
      ? [
          {
            name: 'egress',
            members: [...NAMES],
            routes: tables.map((table) => ({
              table,
              destinations: [DEFAULT],
              ...(nat !== undefined && { lastResort: nat }),
              ...(role !== undefined && { role }),
            })),
          },
        ]
      : [],
    ...(design === 'lease' ? { lease: { kind: 'dynamodb', table: TABLE } } : {}),
    ...(design === 'quorum' ? { health: decides ? asks : {} } : {}),
  };
  return must(checkConfig(input));
}

/** The subnet of the observers, and the appliances. */
function createPair(site: Site, design: Design): { readonly SubnetId: string; readonly pair: Appliances } {
  const edge = createTable(site, { GatewayId: site.gateway });
  const SubnetId = createSubnet(site, '10.0.0.0/24', 'a', edge);
  const a = createAppliance(site, { SubnetId, address: '10.0.0.10', zone: 'a' });
  if (!isApart(design))
    return { SubnetId, pair: { a, b: createAppliance(site, { SubnetId, address: '10.0.0.11', zone: 'a' }) } };
  const second = createSubnet(site, '10.0.1.0/24', 'b', edge);
  const b = createAppliance(site, { SubnetId: second, address: '10.0.1.10', zone: 'b' });
  if (design !== 'quorum') return { SubnetId, pair: { a, b } };
  return { SubnetId: createSubnet(site, '10.0.2.0/24', 'c', edge), pair: { a, b } };
}

function build(world: World, design: Design): Scene {
  const site = createSite(world);
  const { SubnetId, pair } = createPair(site, design);
  const tables = [1, 2].map(() => createTable(site, { NetworkInterfaceId: pair.a.eni }));
  const clients = tables.map((table, index) => {
    const inside = createSubnet(site, `10.0.1${index + 1}.0/24`, 'c', table);
    const at = { SubnetId: inside, address: `10.0.1${index + 1}.10`, zone: 'c' };
    return createMachine(site, at, { role: 'host', services: [] });
  });
  const beside = [...DECIDING[design].filter((name) => !(name in pair)), ...(BYSTANDERS[design] ?? [])];
  const net = design === 'quorum' ? { prefix: '10.0.2.2', zone: 'c' } : { prefix: '10.0.0.2', zone: 'a' };
  const others = beside.map((name, index): [string, Machine] => {
    const at = { SubnetId, address: `${net.prefix}${index}`, zone: net.zone };
    const machine = createMachine(site, at, { role: 'host', services: [] });
    makePublic(world, machine.eni);
    return [name, machine];
  });
  if (design === 'lease') createLeases(world, TABLE);
  const nat = design === 'last-resort' ? createNat(world, SubnetId) : undefined;
  const instances = Object.values(pair).map(({ instance }) => instance);
  const role = design === 'role' ? createRoles(world, instances) : undefined;
  const made = { design, appliances: pair, others: Object.fromEntries(others), tables, nat, role };
  const daemons = [...DECIDING[design], ...beside.filter((name) => name !== WITNESS)];
  const parts = tables.map((table) => ({ kind: 'route', table, destination: DEFAULT }) as const);
  return {
    machines: {
      ...pair,
      ...made.others,
      ...Object.fromEntries(clients.map((client, index) => [`client${index + 1}`, client])),
    },
    appliances: [...NAMES],
    daemons: Object.fromEntries(daemons.map((name) => [name, configOf(name, made)])),
    groups: [{ name: 'egress', members: [...NAMES], parts, hasLastResort: nat !== undefined }],
    flows: clients.map((_, index) => ({ from: `client${index + 1}`, to: HOST, group: 'egress' })),
  };
}

/** A NAT gateway in a public subnet. */
function createNat(world: World, SubnetId: string): string {
  const { AllocationId } = ask<{ AllocationId: string }>(world, 'AllocateAddress', {});
  return ask<{ NatGateway: { NatGatewayId: string } }>(world, 'CreateNatGateway', { SubnetId, AllocationId })
    .NatGateway.NatGatewayId;
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

export const egressRole: Scenario = {
  ...shared,
  name: 'egress-role',
  what: 'the same, whose routes may be written by another role only, which the daemons assume',
  seesDrops: true,
  build: (world) => build(world, 'role'),
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

export const egressLastResort: Scenario = {
  ...shared,
  name: 'egress-last-resort',
  what: 'two appliances without a daemon, observed from a third machine, routes with a NAT gateway as last resort',
  seesDrops: true,
  build: (world) => build(world, 'last-resort'),
};

export const egressQuorum: Scenario = {
  ...shared,
  name: 'egress-quorum',
  what: 'two appliances in two zones, of whose death an observer in a third zone must be convinced as well',
  seesDrops: false,
  build: (world) => build(world, 'quorum'),
};
