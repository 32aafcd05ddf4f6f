/**
 * A floating ENI between appliances of one zone. The workload table leads to that ENI for good; the daemons
 * attach it to the appliance that owns the group. Until they run, it is attached to nothing.
 */
import type { Design } from '../../design.ts';
import { hostAddress } from '../../layout.ts';
import { defaults } from '../../plan.ts';
import { appliancesInZone, ENI_OBJECTIVE_MS, LETTERS, workloadSubnet, zonesOf } from '../parts.ts';

const GROUP = 'floating';

export const floatingEni: Design = {
  summary: 'appliances in one zone; the ENI that the default route targets is moved between them',
  zones: { min: 1, max: 1 },
  keys: ['ipv6', 'appliances'],
  role: 'nat',
  failback: 'never',
  plan: (args) => {
    const ipv6 = args.ipv6 ?? false;
    const { appliances, observers, subnets } = appliancesInZone(args, LETTERS.slice(0, args.appliances ?? 2));
    const workloads = zonesOf(args).map((zone) =>
      workloadSubnet(
        zone,
        defaults(ipv6).map((destination) => ({ destination, to: { kind: 'floating', group: GROUP } })),
      ),
    );
    const floating = zonesOf(args).map(({ zone, blocks }) => ({
      subnet: `appliance-${zone}`,
      // Beyond all appliances that there may be, so that one more does not need its place.
      address: hostAddress(blocks.appliance, LETTERS.length),
    }))[0];
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6, subnets: [...subnets, ...workloads] }],
      appliances,
      observers,
      groups: [
        {
          name: GROUP,
          members: appliances.map(({ name }) => name),
          ...(floating === undefined ? {} : { floating }),
        },
      ],
      flows: workloads.map(({ name: subnet }) => ({
        from: { kind: 'subnet', subnet },
        to: { kind: 'internet' },
        group: GROUP,
        objectiveMs: ENI_OBJECTIVE_MS,
      })),
    };
  },
};
