/**
 * Egress with an appliance at work in each zone, each the standby of the others. The workload table of a zone
 * is a group of its own: at first with the zone's own appliance, after that one's loss with the next.
 */
import type { Design } from '../../design.ts';
import {
  appliancePerZone,
  defaultsBy,
  membersFrom,
  natGatewaysOf,
  ROUTES_OBJECTIVE_MS,
  workloadSubnet,
  zonesOf,
} from '../parts.ts';

const groupOf = (zone: string): string => `egress-${zone}`;

export const egressPerZone: Design = {
  summary: 'an appliance at work in each zone, and the next one takes over the routes of its zone',
  zones: { min: 2, max: 8 },
  keys: ['ipv6', 'lastResort'],
  role: 'nat',
  // Otherwise the first loss would leave the zone's traffic crossing zones for good.
  failback: { after: '10m' },
  plan: (args) => {
    const ipv6 = args.ipv6 ?? false;
    const zones = zonesOf(args);
    const { appliances, observers, subnets } = appliancePerZone(args);
    const names = appliances.map(({ name }) => name);
    const workloads = zones.map((zone) => workloadSubnet(zone, defaultsBy(args, groupOf(zone.zone))));
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6, subnets: [...subnets, ...workloads] }],
      appliances,
      observers,
      ...natGatewaysOf(args),
      groups: zones.map(({ zone, letter }) => ({ name: groupOf(zone), members: membersFrom(names, letter) })),
      flows: workloads.map(({ name: subnet, zone }) => ({
        from: { kind: 'subnet', subnet },
        to: { kind: 'internet' },
        group: groupOf(zone),
        objectiveMs: ROUTES_OBJECTIVE_MS,
      })),
    };
  },
};
