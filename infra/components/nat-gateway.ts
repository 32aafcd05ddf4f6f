/**
 * NAT gateways that stand by: nothing leads to them while an appliance lives. Each has an Elastic IP and lies
 * in a subnet whose routes to the Internet must exist first.
 */
import * as aws from '@pulumi/aws';
import type * as pulumi from '@pulumi/pulumi';
import type { Context } from './context.ts';
import { tagged } from './tags.ts';

/** Their ids by their names in the plan. */
export function natGateways({
  parent,
  prefix,
  plan,
  tags,
  network,
  internet,
}: Context): Readonly<Record<string, pulumi.Output<string>>> {
  const made = (plan.natGateways ?? []).map(({ name, subnet }) => {
    const full = `${prefix}-${name}`;
    const dependsOn = [...network.vpcs.flatMap(({ gateway }) => gateway ?? []), ...(internet[subnet] ?? [])];
    const own = tagged(tags, full);
    const eip = new aws.ec2.Eip(full, { domain: 'vpc', tags: own }, { parent, dependsOn });
    const subnetId = network.subnets.find((one) => one.plan.name === subnet)?.id ?? '';
    const gateway = new aws.ec2.NatGateway(
      full,
      { subnetId, allocationId: eip.allocationId, connectivityType: 'public', tags: own },
      { parent, dependsOn },
    );
    return [name, gateway.id] as const;
  });
  return Object.fromEntries(made);
}
