/**
 * A secondary private address and an Elastic IP that move between appliances of one zone: a service at an
 * address, such as a proxy or a VPN endpoint. Routes do not follow an address; what is routed through an
 * appliance needs another design.
 */
import type { Design } from '../../design.ts';
import { hostAddress } from '../../layout.ts';
import { ADDRESS_OBJECTIVE_MS, appliancesInZone, LETTERS, workloadSubnet, zonesOf } from '../parts.ts';

const GROUP = 'service';

export const floatingAddress: Design = {
  summary: 'a private address and its Elastic IP move between appliances of one zone',
  zones: { min: 1, max: 1 },
  keys: ['appliances'],
  role: 'firewall',
  failback: 'never',
  plan: (args) => {
    const [zone] = zonesOf(args);
    if (zone === undefined) throw new Error('floating-address needs a zone, and has none');
    const names = LETTERS.slice(0, args.appliances ?? 2);
    const { appliances, observers, subnets } = appliancesInZone(args, names);
    const workload = workloadSubnet(zone, []);
    const address = hostAddress(zone.blocks.appliance, 16);
    const promised = { group: GROUP, objectiveMs: ADDRESS_OBJECTIVE_MS };
    return {
      vpcs: [{ name: '', cidr: args.cidr, ipv6: false, open: true, subnets: [...subnets, workload] }],
      appliances,
      observers,
      groups: [{ name: GROUP, members: names, addresses: [address], eip: true }],
      flows: [
        { from: { kind: 'subnet', subnet: workload.name }, to: { kind: 'address', address }, ...promised },
        { from: { kind: 'internet' }, to: { kind: 'eip', group: GROUP }, ...promised },
      ],
    };
  },
};
