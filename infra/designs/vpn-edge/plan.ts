/**
 * Spokes reach each other and the Internet by VPN: the VPN gateway of each has a connection to every
 * appliance of the hub, one in each zone, and learns the default route from them by BGP. The gateways have no
 * BFD and keep the routes of a dead appliance for 30 s; the next one announces more specific ones meanwhile.
 */
import type { Design } from '../../design.ts';
import { layout, tunnelBlocks, type ZoneLayout } from '../../layout.ts';
import type { AppliancePlan, VpcPlan, VpnPlan } from '../../plan.ts';
import { AS, appliancePerZone, ROUTES_OBJECTIVE_MS } from '../parts.ts';
import { flowsOf, HUB, insideOf, nameOf, spokesOf } from '../spokes.ts';

const DEFAULT = '0.0.0.0/0';
const TUNNELS = [1, 2];

const spoke = (cidr: string, zones: readonly ZoneLayout[], inside: readonly string[]): VpcPlan => ({
  name: `spoke-${nameOf(cidr)}`,
  cidr,
  ipv6: false,
  isPrivate: true,
  admits: inside,
  hasVpnGateway: true,
  subnets: zones.map(({ zone, blocks }) => ({
    name: `workload-${nameOf(cidr)}-${zone}`,
    role: 'workload',
    zone,
    cidr: blocks.workload,
    routes: [{ destination: DEFAULT, to: { kind: 'propagated' } }],
  })),
});

/** A connection of every spoke to every appliance. */
function connectionsOf(spokes: readonly string[], appliances: readonly AppliancePlan[]): readonly VpnPlan[] {
  const all = spokes.flatMap((cidr) => appliances.map(({ name }) => ({ cidr, appliance: name })));
  const named = all.map((one) => ({ ...one, name: `${nameOf(one.cidr)}-${one.appliance}` }));
  const blocks = tunnelBlocks(named.flatMap(({ name }) => TUNNELS.map((tunnel) => `${name}-${tunnel}`)));
  return named.map(({ cidr, appliance, name }, index) => ({
    name,
    vpc: `spoke-${nameOf(cidr)}`,
    appliance,
    inside: blocks.slice(index * TUNNELS.length, (index + 1) * TUNNELS.length),
  }));
}

export const vpnEdge: Design = {
  summary: 'spokes reach each other and the Internet by VPN connections to appliances, which speak BGP',
  zones: { min: 2, max: 4 },
  keys: ['spokes'],
  keptBy: 'vpn',
  role: 'nat',
  failback: 'never',
  plan: (args) => {
    const blocks = spokesOf(args);
    const inside = insideOf([args.cidr, ...blocks]);
    const { appliances, observers, subnets } = appliancePerZone(args);
    const spokes = blocks.map((cidr) => spoke(cidr, layout(cidr, args.zones), inside));
    return {
      vpcs: [{ name: HUB, cidr: args.cidr, ipv6: false, subnets }, ...spokes],
      appliances,
      observers,
      groups: [],
      bgp: { as: AS.appliances, announces: [DEFAULT], takerAs: AS.gateways, takers: 'gateways' },
      vpn: connectionsOf(blocks, appliances),
      inside,
      flows: flowsOf(spokes, ROUTES_OBJECTIVE_MS),
    };
  },
};
