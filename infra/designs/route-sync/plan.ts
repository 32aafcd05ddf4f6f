/**
 * Appliances announce routes by BGP; two small instances in their subnet take them and keep the best in the
 * tables of the workloads' subnets (`routeSync`): what VPC Route Server does, with the same appliances. Both
 * write what they see, and see the same; a failover is one call for each table.
 */
import type { Design } from '../../design.ts';
import { hostAddress } from '../../layout.ts';
import { defaults, type RoutePlan } from '../../plan.ts';
import { AS, appliancesInZone, LETTERS, ROUTES_OBJECTIVE_MS, workloadSubnet, zonesOf } from '../parts.ts';

/** Beyond the places of all appliances that there may be. */
const OBSERVER_PLACE = 16;

export const routeSync: Design = {
  summary: 'route tables follow what appliances announce by BGP, as with a route server',
  zones: { min: 1, max: 8 },
  keys: ['ipv6', 'appliances'],
  keptBy: 'bgp',
  role: 'nat',
  failback: 'never',
  plan: (args) => {
    const ipv6 = args.ipv6 ?? false;
    const zones = zonesOf(args);
    const [home] = zones;
    if (home === undefined) throw new Error('route-sync needs a zone, and has none');
    const { appliances, subnets } = appliancesInZone(args, LETTERS.slice(0, args.appliances ?? 2));
    const announced = defaults(ipv6).map(
      (destination): RoutePlan => ({ destination, to: { kind: 'announced' } }),
    );
    const workloads = zones.map((zone) => workloadSubnet(zone, announced));
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6, subnets: [...subnets, ...workloads] }],
      appliances,
      observers: LETTERS.slice(0, 2).map((letter, place) => ({
        name: `observer-${letter}`,
        subnet: `appliance-${home.zone}`,
        address: hostAddress(home.blocks.appliance, OBSERVER_PLACE + place),
      })),
      groups: [],
      bgp: {
        as: AS.appliances,
        announces: defaults(ipv6),
        takerAs: AS.takers,
        takers: 'observers',
      },
      flows: workloads.map(({ name }) => ({
        from: { kind: 'subnet', subnet: name },
        to: { kind: 'internet' },
        objectiveMs: ROUTES_OBJECTIVE_MS,
      })),
    };
  },
};
