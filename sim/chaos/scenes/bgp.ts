/**
 * A workload takes its way out from two appliances of its subnet by BGP with BFD, and puts it into its
 * own kernel: no route table is written, and EC2 is not needed. Or a machine takes them, and puts them into
 * the table of another subnet.
 */
import { must } from '../../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../../controller/config.ts';
import type { World } from '../../world/state.ts';
import type { Scenario, Scene } from '../scenario.ts';
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
  probed,
  THROUGH,
} from './network.ts';

/** The hosts that the appliances announce a way to. */
const HOSTS = '203.0.113.0/24';
const SUBNET = '10.0.0.0/24';
const AS = { a: 65001, b: 65002, workload: 65000 } as const;

const configOf = (input: Omit<ConfigInput, 'version' | 'aws'>): Config =>
  must(checkConfig({ version: 1, aws: { region: PLACE.region }, ...input }));

/** `b` makes its path longer, so that `a` is preferred. */
const applianceConfig = (name: 'a' | 'b', { address, eni }: Machine): Config =>
  configOf({
    node: name,
    appliances: [{ name, address, eni }],
    bgp: {
      as: AS[name],
      gracefulRestart: { restartTime: '120s' },
      originate: [{ prefix: HOSTS }],
      policies: [
        {
          name: 'hosts',
          rules: [{ set: name === 'b' ? { prepend: { as: AS.b } } : { med: 0 }, action: 'accept' }],
        },
      ],
      dynamic: [{ name: 'workloads', prefix: SUBNET, as: [AS.workload], export: 'hosts', bfd: true }],
    },
  });

/** `rest`: where the best paths go. */
function workloadConfig(
  appliances: Readonly<Record<'a' | 'b', Machine>>,
  rest: Pick<ConfigInput, 'kernel' | 'routeSync'>,
): Config {
  const names = ['a', 'b'] as const;
  return configOf({
    node: 'workload',
    appliances: probed(appliances, names, [{ kind: 'bfd' }, THROUGH]),
    bgp: {
      as: AS.workload,
      routerId: '10.0.0.20',
      policies: [{ name: 'hosts', rules: [{ match: { prefixes: [{ prefix: HOSTS }] }, action: 'accept' }] }],
      neighbors: names.map((appliance) => ({ appliance, as: AS[appliance], import: 'hosts', bfd: true })),
    },
    ...rest,
  });
}

/** `kernel`: the workload talks to the host itself. `tables`: it keeps the table of another's subnet. */
function build(world: World, into: 'kernel' | 'tables'): Scene {
  const site = createSite(world);
  const SubnetId = createSubnet(site, SUBNET, 'a', createTable(site, { GatewayId: site.gateway }));
  const a = createAppliance(site, { SubnetId, address: '10.0.0.10', zone: 'a' });
  const b = createAppliance(site, { SubnetId, address: '10.0.0.11', zone: 'a' });
  const host = { role: 'host', services: [] } as const;
  const workload = createMachine(site, { SubnetId, address: '10.0.0.20', zone: 'a' }, host);
  const scene = (rest: Pick<ConfigInput, 'kernel' | 'routeSync'>): Scene => ({
    machines: { a, b, workload },
    appliances: ['a', 'b'],
    daemons: {
      a: applianceConfig('a', a),
      b: applianceConfig('b', b),
      workload: workloadConfig({ a, b }, rest),
    },
    groups: [],
    flows: [{ from: 'workload', to: HOST }],
  });
  if (into === 'kernel') return scene({ kernel: {} });
  makePublic(world, workload.eni);
  const table = createTable(site);
  const inside = createSubnet(site, '10.0.10.0/24', 'b', table);
  const client = createMachine(site, { SubnetId: inside, address: '10.0.10.10', zone: 'b' }, host);
  const { machines, ...synced } = scene({
    routeSync: [{ tables: [{ table }], prefixes: [{ prefix: HOSTS }], adopt: [{ prefix: HOSTS }] }],
  });
  return {
    ...synced,
    machines: { ...machines, client },
    synced: [{ table, destination: HOSTS }],
    flows: [{ from: 'client', to: HOST }],
  };
}

const shared = { seesDrops: true, freshMs: 2000, recoverMs: 60_000 };

export const subnetBgp: Scenario = {
  ...shared,
  name: 'subnet-bgp',
  what: 'a workload that takes its routes from two appliances of its subnet by BGP and BFD',
  build: (world) => build(world, 'kernel'),
  writes: [],
};

export const routeSync: Scenario = {
  ...shared,
  name: 'route-sync',
  what: 'a table that follows, by route sync, what two appliances announce by BGP and BFD',
  build: (world) => build(world, 'tables'),
  writes: ['CreateRoute', 'ReplaceRoute'],
};
