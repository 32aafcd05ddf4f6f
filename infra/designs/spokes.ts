/** What designs with VPCs behind a hub share: the blocks of the spokes, and the flows between them. Pure. */
import type { PlanArgs } from '../design.ts';
import { blockAfter, blocksOverlap } from '../layout.ts';
import { type FlowPlan, PRIVATE_BLOCKS, type VpcPlan } from '../plan.ts';

/** The VPC of the appliances. */
export const HUB = 'hub';

/** Where a VPC's name, and those of its subnets, come from: `10.1.0.0` of `10.1.0.0/16`. */
export const nameOf = (cidr: string): string => cidr.replace(/\/\d+$/, '');

/** The spokes' blocks; throws where two VPCs have addresses in common, which routes cannot tell apart. */
export function spokesOf({
  cidr,
  spokes = [blockAfter(cidr, 1), blockAfter(cidr, 2)],
}: PlanArgs): readonly string[] {
  const all = [cidr, ...spokes];
  for (const [index, one] of all.entries())
    for (const other of all.slice(index + 1))
      if (blocksOverlap(one, other))
        throw new Error(`the blocks ${one} and ${other} overlap; give each VPC a block of its own`);
  return spokes;
}

/** Blocks of addresses that are of none but VPCs: the private ones, and what VPCs have of others. */
export const insideOf = (cidrs: readonly string[]): readonly string[] => [
  ...PRIVATE_BLOCKS,
  ...cidrs.filter((one) => !PRIVATE_BLOCKS.some((wide) => blocksOverlap(wide, one))),
];

/** Every workload to the Internet, and to every one of another spoke. */
export function flowsOf(spokes: readonly VpcPlan[], objectiveMs: number): readonly FlowPlan[] {
  const ends = spokes.flatMap(({ name, subnets }) =>
    subnets.filter(({ role }) => role === 'workload').map((subnet) => ({ vpc: name, subnet: subnet.name })),
  );
  return ends.flatMap(({ vpc, subnet }): readonly FlowPlan[] => [
    { from: { kind: 'subnet', subnet }, to: { kind: 'internet' }, objectiveMs },
    ...ends
      .filter((other) => other.vpc !== vpc)
      .map(
        (other): FlowPlan => ({
          from: { kind: 'subnet', subnet },
          to: { kind: 'subnet', subnet: other.subnet },
          objectiveMs,
        }),
      ),
  ]);
}
