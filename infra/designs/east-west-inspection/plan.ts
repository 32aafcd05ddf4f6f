/**
 * Traffic between two tiers of one VPC passes an appliance: the tables of each tier have a route for every
 * subnet of the other, more specific than the local route. All of them are one symmetric set.
 */
import { blockOf } from '../../brought.ts';
import type { Design } from '../../design.ts';
import { halves } from '../../layout.ts';
import type { RoutePlan, SubnetPlan } from '../../plan.ts';
import { appliancePerZone, ROUTES_OBJECTIVE_MS, zonesOf } from '../parts.ts';

const GROUP = 'inspection';

export const eastWestInspection: Design = {
  summary: 'traffic between two tiers of a VPC passes a firewall, by routes more specific than the local one',
  zones: { min: 2, max: 8 },
  keys: [],
  role: 'firewall',
  failback: 'never',
  plan: (args) => {
    const { appliances, observers, subnets } = appliancePerZone(args);
    const tiers = zonesOf(args).map(({ zone, blocks }) => {
      const [app, data] = halves(blocks.workload);
      return {
        zone,
        app: blockOf(args, `app-${zone}`, () => app),
        data: blockOf(args, `data-${zone}`, () => data),
      };
    });
    const to = (cidr: string): RoutePlan => ({
      destination: cidr,
      to: { kind: 'group', group: GROUP },
      symmetric: GROUP,
    });
    const tier = (name: 'app' | 'data', other: 'app' | 'data'): readonly SubnetPlan[] =>
      tiers.map((one) => ({
        name: `${name}-${one.zone}`,
        role: 'workload',
        zone: one.zone,
        cidr: one[name],
        routes: tiers.map((peer) => to(peer[other])),
      }));
    const workloads = [...tier('app', 'data'), ...tier('data', 'app')];
    const promised = { group: GROUP, objectiveMs: ROUTES_OBJECTIVE_MS };
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6: false, subnets: [...subnets, ...workloads] }],
      appliances,
      observers,
      groups: [{ name: GROUP, members: appliances.map(({ name }) => name) }],
      flows: tiers.flatMap((from) =>
        tiers.flatMap((peer) =>
          [
            [`app-${from.zone}`, `data-${peer.zone}`] as const,
            [`data-${peer.zone}`, `app-${from.zone}`] as const,
          ].map(([one, two]) => ({
            from: { kind: 'subnet' as const, subnet: one },
            to: { kind: 'subnet' as const, subnet: two },
            ...promised,
          })),
        ),
      ),
    };
  },
};
