/**
 * The world of the race: an appliance in each of two zones, and a client whose route table leads to an
 * overlay address (no address of the VPC) by the first one's ENI.
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
  readonly client: string;
  readonly table: string;
}

/** A world with the scene. */
export function createRaceWorld(): { readonly world: World; readonly scene: RaceScene } {
  const world = createWorld({ hosts: [HOST] });
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const appliance = (number: number, zone: string): RaceAppliance => {
    const address = `10.0.${number}.10`;
    const subnet = createSubnet(site, `10.0.${number}.0/24`, zone, edge);
    const made = launch(site, subnet, address);
    forwardFor(world, made.eni);
    makePublic(world, made.eni);
    return { ...made, address };
  };
  const [a, b] = [appliance(0, 'a'), appliance(1, 'b')];
  const table = createTable(site);
  addRoute(site, table, `${OVERLAY}/32`, { NetworkInterfaceId: a.eni });
  const inside = createSubnet(site, '10.0.10.0/24', 'a', table);
  const client = launch(site, inside, '10.0.10.10').instance;
  return { world, scene: { a, b, client, table } };
}
