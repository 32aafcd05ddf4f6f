/**
 * Workloads and appliances share a subnet, in which machines forward to each other directly (facts F24, F26):
 * the appliances announce default routes by BGP, and a daemon on each workload puts the best into its kernel.
 * No API is called. IPv4 leaves with the appliance's address, so that answers come back by it; IPv6, where
 * chosen, is forwarded without NAT, and its answers come in past the appliance.
 */
import type { Design } from '../../design.ts';
import { hostAddress } from '../../layout.ts';
import { defaults } from '../../plan.ts';
import { AS, appliancesBeside, BGP_OBJECTIVE_MS, LETTERS, zonesOf } from '../parts.ts';

/** Beyond the places of all appliances that there may be. */
const CLIENT_PLACE = 16;

export const sameSubnetBgp: Design = {
  summary:
    'workloads take their default route by BGP from appliances in their own subnet, without any API call',
  zones: { min: 1, max: 1 },
  keys: ['ipv6', 'appliances'],
  keptBy: 'bgp',
  role: 'nat',
  failback: 'never',
  plan: (args) => {
    const ipv6 = args.ipv6 ?? false;
    const [zone] = zonesOf(args);
    if (zone === undefined) throw new Error('same-subnet-bgp needs a zone, and has none');
    const subnet = `workload-${zone.zone}`;
    const cidr = zone.blocks.workload;
    const names = LETTERS.slice(0, args.appliances ?? 2);
    return {
      vpcs: [
        {
          name: '',
          cidr: args.cidr,
          ipv6,
          subnets: [
            {
              name: subnet,
              role: 'workload',
              zone: zone.zone,
              cidr,
              ipv6Index: 0,
              // For the appliances: workloads have no public address, and get nowhere by it.
              routes: defaults(ipv6).map((destination) => ({ destination, to: { kind: 'internet' } })),
              client: hostAddress(cidr, CLIENT_PLACE),
            },
          ],
        },
      ],
      appliances: appliancesBeside(args, { subnet, cidr, names }),
      observers: [],
      groups: [],
      bgp: { as: AS.appliances, announces: defaults(ipv6), takerAs: AS.takers, takers: 'clients' },
      flows: [{ from: { kind: 'subnet', subnet }, to: { kind: 'internet' }, objectiveMs: BGP_OBJECTIVE_MS }],
    };
  },
};
