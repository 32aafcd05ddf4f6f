/** Two appliances of one zone and an ENI that one of them has; clients' default route leads to the ENI. */
import { must } from '../../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../../controller/config.ts';
import type { World } from '../../world/state.ts';
import type { Scenario, Scene } from '../scenario.ts';
import {
  ask,
  createAppliance,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  forwardFor,
  HOST,
  ICMP,
  type Machine,
  PLACE,
  probed,
  THROUGH,
} from './network.ts';

const NAMES = ['a', 'b'] as const;

function configOf(node: string, appliances: Readonly<Record<'a' | 'b', Machine>>, eni: string): Config {
  const input: ConfigInput = {
    version: 1,
    node,
    aws: { region: PLACE.region },
    appliances: probed(appliances, NAMES, [ICMP, THROUGH]),
    groups: [{ name: 'floating', members: [...NAMES], eni: { id: eni, deviceIndex: 1 } }],
  };
  return must(checkConfig(input));
}

function build(world: World): Scene {
  const site = createSite(world);
  const outside = createSubnet(site, '10.0.0.0/24', 'a', createTable(site, { GatewayId: site.gateway }));
  const { NetworkInterface } = ask<{ NetworkInterface: { NetworkInterfaceId: string } }>(
    world,
    'CreateNetworkInterface',
    { SubnetId: outside, PrivateIpAddress: '10.0.0.100', Groups: [site.group] },
  );
  const eni = NetworkInterface.NetworkInterfaceId;
  forwardFor(world, eni);
  const a = createAppliance(site, { SubnetId: outside, address: '10.0.0.10', zone: 'a' });
  const b = createAppliance(site, { SubnetId: outside, address: '10.0.0.11', zone: 'a' });
  const inside = createSubnet(site, '10.0.10.0/24', 'c', createTable(site, { NetworkInterfaceId: eni }));
  const at = { SubnetId: inside, address: '10.0.10.10', zone: 'c' };
  const client = createMachine(site, at, { role: 'host', services: [] });
  const appliances = { a, b };
  return {
    machines: { a, b, client },
    appliances: [...NAMES],
    daemons: Object.fromEntries(NAMES.map((name) => [name, configOf(name, appliances, eni)])),
    groups: [{ name: 'floating', members: [...NAMES], parts: [{ kind: 'eni', eni }] }],
    flows: [{ from: 'client', to: HOST, group: 'floating' }],
  };
}

export const floatingEni: Scenario = {
  name: 'floating-eni',
  what: 'two appliances of one zone, an ENI that is moved between them',
  seesDrops: true,
  build,
  writes: ['DetachNetworkInterface', 'AttachNetworkInterface'],
  freshMs: 2000,
  recoverMs: 60_000,
};
