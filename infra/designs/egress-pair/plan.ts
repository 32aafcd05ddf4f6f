/**
 * Egress through appliances in two or more zones, one active and the others standby. Each zone's workload
 * table leads to the appliance that owns the group; the daemons rewrite these routes. IPv6, where chosen, is
 * forwarded without NAT: its replies come in past the appliance.
 */
import type { Design } from '../../design.ts';
import {
  appliancePerZone,
  defaultsBy,
  natGatewaysOf,
  ROUTES_OBJECTIVE_MS,
  workloadSubnet,
  zonesOf,
} from '../parts.ts';

const GROUP = 'egress';

export const egressPair: Design = {
  summary: 'an appliance in each of two zones; the default routes of all workload subnets are rewritten',
  zones: { min: 2, max: 8 },
  keys: ['ipv6', 'lastResort'],
  role: 'nat',
  failback: 'never',
  plan: (args) => {
    const ipv6 = args.ipv6 ?? false;
    const { appliances, observers, subnets } = appliancePerZone(args);
    const workloads = zonesOf(args).map((zone) => workloadSubnet(zone, defaultsBy(args, GROUP)));
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6, subnets: [...subnets, ...workloads] }],
      appliances,
      observers,
      ...natGatewaysOf(args),
      groups: [{ name: GROUP, members: appliances.map(({ name }) => name) }],
      flows: workloads.map(({ name: subnet }) => ({
        from: { kind: 'subnet', subnet },
        to: { kind: 'internet' },
        group: GROUP,
        objectiveMs: ROUTES_OBJECTIVE_MS,
      })),
    };
  },
};
