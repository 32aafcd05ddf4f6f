/**
 * An address outside the VPC's range that every appliance answers for, and a route to the one that owns it in
 * each workload table: a service at one address across zones.
 */
import type { Design } from '../../design.ts';
import { blockContains } from '../../layout.ts';
import { appliancePerZone, ROUTES_OBJECTIVE_MS, workloadSubnet, zonesOf } from '../parts.ts';

const GROUP = 'overlay';
/** Of the range that RFC 5737 keeps for documents: it is nobody's. */
const DEFAULT = '192.0.2.1';

export const overlayAddress: Design = {
  summary: "an address outside the VPC's range, routed to the appliance that owns it, across zones",
  zones: { min: 2, max: 8 },
  keys: ['overlay'],
  role: 'firewall',
  failback: 'never',
  plan: (args) => {
    const address = args.overlay ?? DEFAULT;
    if (blockContains(args.cidr, address))
      throw new Error(
        `the overlay address ${address} is in ${args.cidr}; a route table has no routes within`,
      );
    const { appliances, observers, subnets } = appliancePerZone(args);
    const workloads = zonesOf(args).map((zone) =>
      workloadSubnet(zone, [{ destination: `${address}/32`, to: { kind: 'group', group: GROUP } }]),
    );
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6: false, subnets: [...subnets, ...workloads] }],
      appliances: appliances.map((one) => ({ ...one, overlay: [address] })),
      observers,
      groups: [{ name: GROUP, members: appliances.map(({ name }) => name) }],
      flows: workloads.map(({ name: subnet }) => ({
        from: { kind: 'subnet', subnet },
        to: { kind: 'address', address },
        group: GROUP,
        objectiveMs: ROUTES_OBJECTIVE_MS,
      })),
    };
  },
};
