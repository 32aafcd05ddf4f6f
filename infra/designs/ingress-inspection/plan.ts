/**
 * What comes in from the Internet for public workloads, and what they send, passes an appliance without
 * NAT: the table of the Internet gateway leads to it, and so do the workloads' default routes. Both ways are
 * one symmetric set, so that a stateful firewall sees whole connections.
 */
import type { Design } from '../../design.ts';
import type { RouteTarget } from '../../plan.ts';
import { appliancePerZone, ROUTES_OBJECTIVE_MS, workloadSubnet, zonesOf } from '../parts.ts';

const GROUP = 'inspection';
const SET = 'inspection';
const owner: RouteTarget = { kind: 'group', group: GROUP };

export const ingressInspection: Design = {
  summary: 'the Internet reaches public workloads by way of a firewall, both ways by the same one',
  zones: { min: 2, max: 8 },
  keys: [],
  role: 'firewall',
  failback: 'never',
  plan: (args) => {
    const { appliances, observers, subnets } = appliancePerZone(args);
    const workloads = zonesOf(args).map((zone) => ({
      ...workloadSubnet(zone, [{ destination: '0.0.0.0/0', to: owner, symmetric: SET }]),
      isPublic: true,
    }));
    const promised = { group: GROUP, objectiveMs: ROUTES_OBJECTIVE_MS };
    return {
      vpcs: [
        {
          name: '',
          cidr: args.cidr,
          ipv6: false,
          open: true,
          subnets: [...subnets, ...workloads],
          edge: workloads.map(({ cidr }) => ({ destination: cidr, to: owner, symmetric: SET })),
        },
      ],
      appliances,
      observers,
      groups: [{ name: GROUP, members: appliances.map(({ name }) => name) }],
      flows: workloads.flatMap(({ name: subnet }) => [
        { from: { kind: 'internet' }, to: { kind: 'public', subnet }, ...promised },
        { from: { kind: 'subnet', subnet }, to: { kind: 'internet' }, ...promised },
      ]),
    };
  },
};
