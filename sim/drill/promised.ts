/** The flows that a design promises, between those who are there. */
import { present, unreachable } from '../../controller/base/result.ts';
import type { EndOutput, FlowOutput } from '../pulumi/design.ts';
import type { World } from '../world/state.ts';
import { clientOf, type Depends, type DrilledFlow, type Found, hostOf, namesOf } from './flows.ts';

/** Promised flows as they can be drilled; a subnet in which nothing runs gets a small instance. */
export function promisedFlows(world: World, promises: readonly FlowOutput[], depends: Depends): Found {
  const names = namesOf(world);
  const clients = new Map<string, string>();
  const host = (): string => hostOf(world, 'ipv4', depends);
  const inSubnet = (subnetId: string) => {
    const client = present(clientOf(world, subnetId, depends.appliances, names), `somebody in ${subnetId}`);
    clients.set(client.name, client.instance);
    return client;
  };
  const addressOf = (end: EndOutput): string => {
    switch (end.kind) {
      case 'internet':
        return host();
      case 'address':
        return end.address;
      case 'subnet':
        return present(inSubnet(end.subnetId).eni.addresses[0], 'an address');
      case 'public': {
        const { name, eni } = inSubnet(end.subnetId);
        return present(eni.publicAddresses[0], `a public address of ${name}`).public;
      }
      default:
        return unreachable(end);
    }
  };
  const flows = promises.map(({ name, from, to, group, objectiveMs }): DrilledFlow => {
    const sender = from.kind === 'subnet' ? inSubnet(from.subnetId).instance : addressOf(from);
    return { name, from: sender, to: addressOf(to), group, objectiveMs };
  });
  return { flows, clients, notes: [] };
}
