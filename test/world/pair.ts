/**
 * A pair of appliances in a world of virtual time, deployed by API calls: the scene of many tests. Not a
 * test itself.
 */
import {
  ask,
  createSite,
  createSubnet,
  createTable,
  forwardFor,
  launch as launchIn,
  makePublic,
  PLACE,
} from '../../sim/chaos/scenes/network.ts';
import type { Reply } from '../../sim/ec2/service.ts';
import { setProfile } from '../../sim/world/guests.ts';
import { tryCall } from '../../sim/world/operator.ts';
import type { World } from '../../sim/world/state.ts';

export const { account: ACCOUNT, region: REGION } = PLACE;

/** Makes a call that must succeed, and lets time pass until it is answered, at most a minute. */
export const call = ask;

/** As `call`, but the answer may be an error, or undefined where there was none within a minute. */
export const callRaw = (world: World, action: string, input: object): Reply | undefined =>
  tryCall(world, PLACE, action, input);

export interface Appliance {
  readonly instance: string;
  readonly eni: string;
  readonly address: string;
  readonly publicAddress: string;
}

export interface Pair {
  readonly vpc: string;
  /** The private route table whose 0.0.0.0/0 points at the owner's ENI. */
  readonly table: string;
  readonly a: Appliance;
  readonly b: Appliance;
  readonly workload: { readonly instance: string; readonly address: string; readonly eni: string };
  readonly group: string;
}

/**
 * A VPC with two appliances in two zones (NAT, routed to by one private table) and a workload. The owner is
 * `a`. `together`: all three are in one subnet.
 */
export function deployPair(world: World, { together = false } = {}): Pair {
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const appliance = (SubnetId: string, address: string): Appliance => {
    const launched = launch(world, { SubnetId, PrivateIpAddress: address, group: site.group });
    forwardFor(world, launched.eni);
    const publicAddress = makePublic(world, launched.eni);
    setProfile(world, launched.instance, { role: 'nat', services: [{ kind: 'tcp-echo', port: 22 }] });
    return { ...launched, address, publicAddress };
  };
  const first = createSubnet(site, '10.0.0.0/24', 'a', edge);
  const a = appliance(first, '10.0.0.10');
  const b = together
    ? appliance(first, '10.0.0.11')
    : appliance(createSubnet(site, '10.0.1.0/24', 'b', edge), '10.0.1.10');
  const table = createTable(site, { NetworkInterfaceId: a.eni });
  const inside = together ? first : createSubnet(site, '10.0.10.0/24', 'a', table);
  const address = together ? '10.0.0.20' : '10.0.10.10';
  const workload = launch(world, { SubnetId: inside, PrivateIpAddress: address, group: site.group });
  return { vpc: site.vpc, table, a, b, workload: { ...workload, address }, group: site.group };
}

export { makePublic };

/** Starts an instance and gives its id and that of its ENI. */
export const launch = (
  world: World,
  { SubnetId, PrivateIpAddress, group }: { SubnetId: string; PrivateIpAddress: string; group: string },
): { instance: string; eni: string } => launchIn({ world, group }, SubnetId, PrivateIpAddress);

/** Moves the private default route. */
export const moveTo = (world: World, pair: Pair, to: Appliance): unknown =>
  call(world, 'ReplaceRoute', {
    RouteTableId: pair.table,
    DestinationCidrBlock: '0.0.0.0/0',
    NetworkInterfaceId: to.eni,
  });
