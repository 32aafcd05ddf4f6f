/**
 * The worlds of the race. `zones`: an appliance in each of two zones, and a client whose route table leads to
 * an overlay address (no address of the VPC) by the first one's ENI. `subnet`: both appliances in the
 * client's subnet, whose kernel leads there.
 */
import {
  addRoute,
  createSite,
  createSubnet,
  createTable,
  forwardFor,
  HOST,
  launch,
  makePublic,
} from '../../sim/chaos/scenes/network.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';

export { HOST };
export const OVERLAY = '10.99.0.1';

export interface RaceAppliance {
  readonly instance: string;
  readonly eni: string;
  readonly address: string;
}

export interface RaceScene {
  readonly a: RaceAppliance;
  readonly b: RaceAppliance;
  /** The instance that sends. */
  readonly client: RaceAppliance;
  readonly table: string;
}

export type Layout = 'zones' | 'subnet';

/** A world with the scene. */
export function createRaceWorld(layout: Layout): { readonly world: World; readonly scene: RaceScene } {
  const world = createWorld({ hosts: [HOST] });
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const machine = (subnet: string, address: string): RaceAppliance => ({
    ...launch(site, subnet, address),
    address,
  });
  const appliance = (subnet: string, address: string): RaceAppliance => {
    const made = machine(subnet, address);
    forwardFor(world, made.eni);
    makePublic(world, made.eni);
    return made;
  };
  if (layout === 'subnet') {
    const shared = createSubnet(site, '10.0.10.0/24', 'a', edge);
    const [a, b] = [appliance(shared, '10.0.10.11'), appliance(shared, '10.0.10.12')];
    return { world, scene: { a, b, client: machine(shared, '10.0.10.10'), table: edge } };
  }
  const own = (number: number, zone: string): RaceAppliance =>
    appliance(createSubnet(site, `10.0.${number}.0/24`, zone, edge), `10.0.${number}.10`);
  const [a, b] = [own(0, 'a'), own(1, 'b')];
  const table = createTable(site);
  addRoute(site, table, `${OVERLAY}/32`, { NetworkInterfaceId: a.eni });
  const inside = createSubnet(site, '10.0.10.0/24', 'a', table);
  return { world, scene: { a, b, client: machine(inside, '10.0.10.10'), table } };
}
