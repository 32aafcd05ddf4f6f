/** Pieces of plans that designs share: the subnets of a zone, and how appliances are probed. Pure. */
import { blockOf } from '../brought.ts';
import type { PlanArgs } from '../design.ts';
import { hostAddress, layout, observerBlock, type ZoneLayout } from '../layout.ts';
import {
  type AppliancePlan,
  defaults,
  type ObserverPlan,
  type Plan,
  type RoutePlan,
  type SubnetPlan,
  type ThroughPlan,
} from '../plan.ts';

/** How soon a flow is back where routes are rewritten: three missed probes, two calls, and propagation. */
export const ROUTES_OBJECTIVE_MS = 5_000;
/** Where machines take another route by BGP: BFD's detection, or three missed probes; no call. */
export const BGP_OBJECTIVE_MS = 3_000;
/** Where addresses move: two daemons that cannot see each other may both begin before they agree. */
export const ADDRESS_OBJECTIVE_MS = 10_000;
/** Where an ENI is detached, by force where its instance does not answer, and attached again. */
export const ENI_OBJECTIVE_MS = 30_000;

/** Private AS numbers (RFC 6996): of appliances, who takes their routes, and VPN gateways (AWS's default). */
export const AS = { appliances: 65001, takers: 65000, gateways: 64512 } as const;

/** Public resolvers that answer ICMP echo, for the appliances a to h. */
const TARGETS = [
  '1.1.1.1',
  '8.8.8.8',
  '9.9.9.9',
  '208.67.222.222',
  '1.0.0.1',
  '8.8.4.4',
  '149.112.112.112',
  '208.67.220.220',
];

/** Letters of appliances that share a zone. */
export const LETTERS: readonly string[] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** The place of a name in its subnet, whoever else there is: letters first, then any other. */
const placeOf = (name: string): number => {
  const place = LETTERS.indexOf(name);
  return place < 0 ? LETTERS.length + 1 : place;
};

/** What is probed by way of an appliance: of a given list the one in its place, else its letter's. */
export function targetOf({ probeTargets }: PlanArgs, names: readonly string[], name: string): string {
  const place = names.indexOf(name);
  if (probeTargets === undefined) return TARGETS[placeOf(name)] ?? TARGETS.at(-1) ?? '';
  const given = probeTargets[place];
  if (given !== undefined) return given;
  throw new Error(
    `${names.length} appliances need as many probe targets, and ${probeTargets.length} are given`,
  );
}

/** A way into an appliance for the probes of others: the target of its own, by its ENI. */
const probeRoutes = (args: PlanArgs, names: readonly string[], but?: string): readonly RoutePlan[] =>
  names
    .filter((name) => name !== but)
    .map((name) => ({
      destination: `${targetOf(args, names, name)}/32`,
      to: { kind: 'appliance', appliance: name },
    }));

const internet = (ipv6: boolean): readonly RoutePlan[] =>
  defaults(ipv6).map((destination) => ({ destination, to: { kind: 'internet' } }));

/** The blocks of each zone: as the layout has them, or of the subnets that exist. */
export const zonesOf = (args: PlanArgs): readonly ZoneLayout[] =>
  layout(args.cidr, args.zones).map((one) => ({
    ...one,
    blocks: {
      appliance: blockOf(args, `appliance-${one.zone}`, () => one.blocks.appliance),
      workload: blockOf(args, `workload-${one.zone}`, () => one.blocks.workload),
    },
  }));

const observersBlock = (args: PlanArgs, zone: string): string =>
  blockOf(args, `observer-${zone}`, () => observerBlock(args.cidr, zone));

/** The appliance subnet of a zone: to the Internet, but to what is probed through others by way of them. */
export const applianceSubnet = (
  { zone, blocks }: ZoneLayout,
  ipv6: boolean,
  routes: readonly RoutePlan[] = [],
): SubnetPlan => ({
  name: `appliance-${zone}`,
  role: 'appliance',
  zone,
  cidr: blocks.appliance,
  ipv6Index: 0,
  routes: [...internet(ipv6), ...routes],
});

/** The workload subnet of a zone. */
export const workloadSubnet = (
  { zone, blocks }: ZoneLayout,
  routes: readonly RoutePlan[],
): SubnetPlan & { readonly role: 'workload' } => ({
  name: `workload-${zone}`,
  role: 'workload',
  zone,
  cidr: blocks.workload,
  ipv6Index: 1,
  routes,
});

const NAT = 'nat';

/**
 * A NAT gateway that stands by, in the appliance subnet of the first zone: default routes lead there while
 * every appliance is dead. One is enough for that, costs half of two, and fits EC2's five Elastic IPs.
 */
export function natGatewaysOf(args: PlanArgs): Pick<Plan, 'natGateways'> {
  if (args.lastResort !== true) return {};
  if (args.observers !== true)
    throw new Error(
      'a last resort is for when every appliance is dead, and daemons on appliances are dead then, too; set observers',
    );
  if (args.ipv6 === true)
    throw new Error('a NAT gateway is no last resort for IPv6; leave out ipv6 or lastResort');
  return { natGateways: [{ name: NAT, subnet: `appliance-${args.zones[0]}` }] };
}

/** Default routes, which a group moves. */
export const defaultsBy = (args: PlanArgs, group: string): readonly RoutePlan[] =>
  defaults(args.ipv6 ?? false).map((destination) => ({
    destination,
    to: { kind: 'group', group, ...(args.lastResort === true ? { lastResort: NAT } : {}) },
  }));

/** All of them, beginning with one, then those after it. */
export function membersFrom(names: readonly string[], first: string): readonly string[] {
  const at = names.indexOf(first);
  return [...names.slice(at), ...names.slice(0, at)];
}

export interface Site {
  readonly appliances: readonly AppliancePlan[];
  readonly observers: readonly ObserverPlan[];
  /** Subnets of appliances and observers. */
  readonly subnets: readonly SubnetPlan[];
}

/**
 * One appliance in each zone, named by the zone's letter. Each is probed through by all others, which reach
 * its target by its ENI: what else goes to this address goes by this appliance, too. `more` are further
 * routes of their subnets.
 */
export function appliancePerZone(args: PlanArgs, more: readonly RoutePlan[] = []): Site {
  const zones = zonesOf(args);
  const ipv6 = args.ipv6 ?? false;
  const names = zones.map(({ letter }) => letter);
  const watched = args.observers !== true;
  return {
    appliances: zones.map(({ zone, letter, blocks }) => ({
      name: letter,
      subnet: `appliance-${zone}`,
      address: hostAddress(blocks.appliance, 0),
      through: { target: targetOf(args, names, letter), by: 'route', from: 'all' },
    })),
    subnets: [
      ...zones.map((zone) =>
        applianceSubnet(zone, ipv6, [...more, ...(watched ? probeRoutes(args, names, zone.letter) : [])]),
      ),
      ...observerSubnets(args, names),
    ],
    observers: observersOf(args),
  };
}

/** Appliances in the subnet of one zone, which send to one target by way of each other. */
export function appliancesInZone(args: PlanArgs, names: readonly string[]): Site {
  const [zone] = zonesOf(args);
  if (zone === undefined) throw new Error('the design needs a zone, and has none');
  const through = (name: string): ThroughPlan =>
    args.observers === true
      ? { target: targetOf(args, names, name), by: 'route', from: 'all' }
      : { target: targetOf(args, ['a'], 'a'), by: 'next-hop', from: 'all' };
  return {
    appliances: names.map((name) => ({
      name,
      subnet: `appliance-${zone.zone}`,
      address: hostAddress(zone.blocks.appliance, placeOf(name)),
      through: through(name),
    })),
    subnets: [applianceSubnet(zone, args.ipv6 ?? false), ...observerSubnets(args, names)],
    observers: observersOf(args),
  };
}

/** Appliances in the subnet of those whom they serve, who probe one target by way of each. */
export const appliancesBeside = (
  args: PlanArgs,
  {
    subnet,
    cidr,
    names,
  }: { readonly subnet: string; readonly cidr: string; readonly names: readonly string[] },
): readonly AppliancePlan[] =>
  names.map((name) => ({
    name,
    subnet,
    address: hostAddress(cidr, placeOf(name)),
    through: { target: targetOf(args, ['a'], 'a'), by: 'next-hop', from: 'all' },
  }));

/** Observers have a subnet of their own in each zone, whose table leads by each appliance to its target. */
const observerSubnets = (args: PlanArgs, names: readonly string[]): readonly SubnetPlan[] =>
  args.observers === true
    ? args.zones.map((zone) => ({
        name: `observer-${zone}`,
        role: 'observer',
        zone,
        cidr: observersBlock(args, zone),
        ipv6Index: 2,
        routes: [...internet(args.ipv6 ?? false), ...probeRoutes(args, names)],
      }))
    : [];

/** Two of them: in two zones, or in the only one. */
function observersOf(args: PlanArgs): readonly ObserverPlan[] {
  if (args.observers !== true) return [];
  const zones = zonesOf(args).slice(0, 2);
  const seats =
    zones.length > 1
      ? zones.map(({ zone, letter }) => ({ zone, letter, host: 0 }))
      : zones.flatMap(({ zone }) => ['a', 'b'].map((letter, host) => ({ zone, letter, host })));
  return seats.map(({ zone, letter, host }) => ({
    name: `observer-${letter}`,
    subnet: `observer-${zone}`,
    address: hostAddress(observersBlock(args, zone), host),
  }));
}
