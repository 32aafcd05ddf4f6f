/**
 * Spokes reach each other and the Internet by way of a transit gateway and the appliances of an inspection
 * VPC, the hub. An appliance is at work in each zone, each the standby of the others; appliance mode keeps
 * both ways of a flow in one zone, and so at one appliance.
 */
import { blockOf } from '../../brought.ts';
import type { Design } from '../../design.ts';
import { layout, transitBlock, type ZoneLayout } from '../../layout.ts';
import type { RoutePlan, SubnetPlan, VpcPlan } from '../../plan.ts';
import { appliancePerZone, membersFrom, ROUTES_OBJECTIVE_MS, zonesOf } from '../parts.ts';
import { flowsOf, HUB, insideOf, nameOf, spokesOf } from '../spokes.ts';

/** Tables of the transit gateway: of what comes from spokes, and of what comes from the hub. */
const TABLES = { spokes: 'spokes', hub: HUB };

const groupOf = (zone: string): string => `inspection-${zone}`;

const everywhereBy = (to: RoutePlan['to']): readonly RoutePlan[] => [{ destination: '0.0.0.0/0', to }];

const transitSubnet = (
  name: string,
  zone: string,
  cidr: string,
  routes: readonly RoutePlan[],
): SubnetPlan => ({ name, role: 'transit', zone, cidr, routes });

function spoke(cidr: string, zones: readonly ZoneLayout[], inside: readonly string[]): VpcPlan {
  const name = nameOf(cidr);
  return {
    name: `spoke-${name}`,
    cidr,
    ipv6: false,
    isPrivate: true,
    admits: inside,
    attachment: { table: TABLES.spokes, propagates: [TABLES.hub], applianceMode: false },
    subnets: zones.flatMap(({ zone, blocks }) => [
      {
        name: `workload-${name}-${zone}`,
        role: 'workload',
        zone,
        cidr: blocks.workload,
        routes: everywhereBy({ kind: 'transit' }),
      },
      transitSubnet(`transit-${name}-${zone}`, zone, transitBlock(cidr, zone), []),
    ]),
  };
}

export const transitHub: Design = {
  summary:
    'spokes of a transit gateway reach each other and the Internet by appliances in a hub, in appliance mode',
  zones: { min: 2, max: 8 },
  keys: ['spokes'],
  role: 'nat',
  // Otherwise the first loss would leave one appliance with the flows of two zones for good.
  failback: { after: '10m' },
  plan: (args) => {
    const blocks = spokesOf(args);
    const inside = insideOf([args.cidr, ...blocks]);
    const zones = zonesOf(args);
    const back = inside.map((destination): RoutePlan => ({ destination, to: { kind: 'transit' } }));
    const { appliances, observers, subnets } = appliancePerZone(args, back);
    const spokes = blocks.map((cidr) => spoke(cidr, layout(cidr, args.zones), inside));
    const names = appliances.map(({ name }) => name);
    return {
      vpcs: [
        {
          name: HUB,
          cidr: args.cidr,
          ipv6: false,
          admits: inside,
          attachment: { table: TABLES.hub, propagates: [], applianceMode: true },
          subnets: [
            ...subnets,
            ...zones.map(({ zone }) =>
              transitSubnet(
                `transit-${zone}`,
                zone,
                blockOf(args, `transit-${zone}`, () => transitBlock(args.cidr, zone)),
                everywhereBy({ kind: 'group', group: groupOf(zone) }),
              ),
            ),
          ],
        },
        ...spokes,
      ],
      appliances,
      observers,
      groups: zones.map(({ zone, letter }) => ({ name: groupOf(zone), members: membersFrom(names, letter) })),
      transit: [
        { name: TABLES.spokes, routes: [{ destination: '0.0.0.0/0', vpc: HUB }] },
        { name: TABLES.hub, routes: [] },
      ],
      inside,
      flows: flowsOf(spokes, ROUTES_OBJECTIVE_MS),
    };
  },
};
