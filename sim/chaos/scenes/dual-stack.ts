/**
 * Two appliances of one subnet with IPv4 and IPv6. One of them has an address with an Elastic IP, by which it
 * is reached, and the default routes of both versions, which are one symmetric set.
 */
import { must } from '../../../controller/base/result.ts';
import { type Config, checkConfig } from '../../../controller/config.ts';
import { addHost } from '../../world/guests.ts';
import type { World } from '../../world/state.ts';
import type { OwnedPart, Scenario, Scene } from '../scenario.ts';
import {
  addIpv6,
  addRoute,
  ask,
  createAppliance,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  giveIpv6,
  HOST,
  ICMP,
  type Machine,
  PLACE,
  probed,
  THROUGH,
} from './network.ts';

const NAMES = ['a', 'b'] as const;
const ADDRESS = '10.0.0.100';
const HOST_6 = '2001:db8:ffff::10';
const DEFAULTS = ['0.0.0.0/0', '::/0'] as const;

function configOf(
  node: string,
  appliances: Readonly<Record<'a' | 'b', Machine>>,
  table: string,
  allocation: string,
): Config {
  return must(
    checkConfig({
      version: 1,
      node,
      aws: { region: PLACE.region },
      appliances: probed(appliances, NAMES, [ICMP, THROUGH]),
      groups: [
        {
          name: 'edge',
          members: [...NAMES],
          addresses: [ADDRESS],
          eips: [{ allocation, address: ADDRESS }],
          routes: DEFAULTS.map((to) => ({ table, destinations: [to], symmetric: 'versions' })),
        },
      ],
    }),
  );
}

/** Gives an ENI the address that moves, with its Elastic IP. */
function createPublic(world: World, NetworkInterfaceId: string): { allocation: string; public: string } {
  ask(world, 'AssignPrivateIpAddresses', { NetworkInterfaceId, PrivateIpAddresses: [ADDRESS] });
  const made = ask<{ AllocationId: string; PublicIp: string }>(world, 'AllocateAddress', {});
  const { AllocationId, PublicIp } = made;
  ask(world, 'AssociateAddress', { AllocationId, NetworkInterfaceId, PrivateIpAddress: ADDRESS });
  return { allocation: AllocationId, public: PublicIp };
}

function build(world: World): Scene {
  const site = createSite(world);
  const block = addIpv6(site);
  must(addHost(world, HOST_6));
  const edge = createTable(site, { GatewayId: site.gateway });
  addRoute(site, edge, '::/0', { GatewayId: site.gateway });
  const outside = createSubnet(site, '10.0.0.0/24', 'a', edge);
  giveIpv6(site, outside, block, 0);
  const appliances = {
    a: createAppliance(site, { SubnetId: outside, address: '10.0.0.10', zone: 'a', hasIpv6: true }),
    b: createAppliance(site, { SubnetId: outside, address: '10.0.0.11', zone: 'a', hasIpv6: true }),
  };
  const elastic = createPublic(world, appliances.a.eni);
  const table = createTable(site, { NetworkInterfaceId: appliances.a.eni });
  addRoute(site, table, '::/0', { NetworkInterfaceId: appliances.a.eni });
  const inside = createSubnet(site, '10.0.10.0/24', 'c', table);
  giveIpv6(site, inside, block, 1);
  const at = { SubnetId: inside, address: '10.0.10.10', zone: 'c', hasIpv6: true };
  const client = createMachine(site, at, { role: 'host', services: [] });
  const parts: readonly OwnedPart[] = [
    { kind: 'address', address: ADDRESS },
    { kind: 'eip', ...elastic, address: ADDRESS },
    ...DEFAULTS.map((destination) => ({ kind: 'route', table, destination }) as const),
  ];
  return {
    machines: { ...appliances, client },
    appliances: [...NAMES],
    daemons: Object.fromEntries(
      NAMES.map((name) => [name, configOf(name, appliances, table, elastic.allocation)]),
    ),
    groups: [{ name: 'edge', members: [...NAMES], parts }],
    flows: [
      { from: 'client', to: HOST, group: 'edge' },
      { from: 'client', to: HOST_6, group: 'edge' },
      { from: HOST, to: elastic.public, group: 'edge' },
    ],
  };
}

export const dualStack: Scenario = {
  name: 'dual-stack',
  what: 'two appliances of one subnet, an address with its Elastic IP, routes of IPv4 and IPv6 as one set',
  seesDrops: true,
  build,
  writes: ['ReplaceRoute', 'AssignPrivateIpAddresses'],
  freshMs: 2000,
  recoverMs: 60_000,
};
