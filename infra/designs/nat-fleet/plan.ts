/**
 * NAT instances of one zone at work side by side, and one spare for all of them. Each has a workload subnet
 * whose routes, private address and Elastic IP are a group; the spare takes over one such group. The address
 * that others see moves along.
 */
import { blockOf } from '../../brought.ts';
import type { Design } from '../../design.ts';
import { eighths, hostAddress } from '../../layout.ts';
import { ADDRESS_OBJECTIVE_MS, appliancesInZone, LETTERS, zonesOf } from '../parts.ts';

/** Not a letter of the others, so that it keeps its name when the fleet grows. */
const SPARE = 's';

const groupOf = (name: string): string => `nat-${name}`;

export const natFleet: Design = {
  summary: 'NAT instances side by side with a spare that takes over routes, address and Elastic IP of any',
  zones: { min: 1, max: 1 },
  keys: ['appliances'],
  role: 'nat',
  failback: { after: '10m' },
  plan: (args) => {
    const [zone] = zonesOf(args);
    if (zone === undefined) throw new Error('nat-fleet needs a zone, and has none');
    const count = args.appliances ?? 3;
    const active = LETTERS.slice(0, count - 1);
    const site = appliancesInZone(args, [...active, SPARE]);
    const subnets = eighths(zone.blocks.workload);
    const subnetOf = (name: string): string => `workload-${zone.zone}-${name}`;
    const fleet = active.map((name, index) => ({
      name,
      group: groupOf(name),
      subnet: subnetOf(name),
      cidr: blockOf(args, subnetOf(name), () => subnets[index] ?? ''),
      // Beyond the places of all appliances that there may be.
      address: hostAddress(zone.blocks.appliance, 16 + index),
    }));
    const objectiveMs = ADDRESS_OBJECTIVE_MS;
    return {
      vpcs: [
        {
          name: '',
          cidr: args.cidr,
          ipv6: false,
          open: true,
          subnets: [
            ...site.subnets,
            ...fleet.map(({ subnet, cidr, group }) => ({
              name: subnet,
              role: 'workload' as const,
              zone: zone.zone,
              cidr,
              routes: [{ destination: '0.0.0.0/0', to: { kind: 'group' as const, group } }],
            })),
          ],
        },
      ],
      appliances: site.appliances.map((one) => ({
        ...one,
        capacity: 1,
        translate: fleet.map(({ cidr, address }) => ({ from: cidr, to: address })),
      })),
      observers: site.observers,
      groups: fleet.map(({ name, group, address }) => ({
        name: group,
        members: [name, SPARE],
        addresses: [address],
        eip: true,
      })),
      flows: fleet.flatMap(({ group, subnet }) => [
        { from: { kind: 'subnet', subnet }, to: { kind: 'internet' }, group, objectiveMs },
        { from: { kind: 'internet' }, to: { kind: 'eip', group }, group, objectiveMs },
      ]),
    };
  },
};
