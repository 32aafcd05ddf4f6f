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
  /** An end's address, and its instance where it has one. */
  const resolve = (end: EndOutput): { readonly address: string; readonly instance?: string } => {
    switch (end.kind) {
      case 'internet':
        return { address: host() };
      case 'address':
        return { address: end.address };
      case 'subnet': {
        const { instance, eni } = inSubnet(end.subnetId);
        return { address: present(eni.addresses[0], 'an address'), instance };
      }
      case 'public': {
        const { name, instance, eni } = inSubnet(end.subnetId);
        const { public: address } = present(eni.publicAddresses[0], `a public address of ${name}`);
        return { address, instance };
      }
      default:
        return unreachable(end);
    }
  };
  const flows = promises.map(({ name, from, to, group, objectiveMs }): DrilledFlow => {
    const [sender, receiver] = [resolve(from), resolve(to)];
    return {
      name,
      from: sender.instance ?? sender.address,
      to: receiver.address,
      ...(receiver.instance !== undefined && { receiver: receiver.instance }),
      ...(group !== undefined && { group }),
      objectiveMs,
    };
  });
  return { flows, clients, notes: [] };
}
