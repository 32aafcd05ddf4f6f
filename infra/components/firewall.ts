/**
 * One security group that lets in everything from the VPC, or from anywhere, and lets out everything. An
 * appliance forwards what its workloads send, so a narrower group belongs on the workloads.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Plan } from '../plan.ts';
import type { Network, Vpc } from './network.ts';
import { type Tags, tagged } from './tags.ts';

export interface FirewallArgs {
  readonly vpcId: pulumi.Input<string>;
  /** Blocks of the VPC. */
  readonly cidr: string;
  readonly ipv6Cidr?: pulumi.Input<string>;
  /** Further IPv4 blocks from which it lets in everything. */
  readonly admits: readonly string[];
  /** Whether it lets in what comes from anywhere. */
  readonly open: boolean;
  readonly description: string;
  readonly tags: Tags;
}

export class Firewall extends pulumi.ComponentResource {
  readonly securityGroupId: pulumi.Output<string>;

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Firewall', name, {}, opts);
    const child = { parent: this };
    const group = new aws.ec2.SecurityGroup(
      name,
      { vpcId: args.vpcId, description: args.description, tags: tagged(args.tags, name) },
      child,
    );
    const common = { securityGroupId: group.id, ipProtocol: '-1' };
    const rule = (text: string) => ({
      ...common,
      description: text,
      tags: tagged(args.tags, `${name}: ${text}`),
    });
    const { SecurityGroupIngressRule, SecurityGroupEgressRule } = aws.vpc;
    const source = args.open ? 'anywhere' : 'the VPC';
    const from = args.open ? '0.0.0.0/0' : args.cidr;
    new SecurityGroupIngressRule(`${name}-in`, { ...rule(`from ${source}`), cidrIpv4: from }, child);
    for (const cidrIpv4 of args.admits)
      new SecurityGroupIngressRule(
        `${name}-in-${cidrIpv4}`,
        { ...rule(`from ${cidrIpv4}`), cidrIpv4 },
        child,
      );
    new SecurityGroupEgressRule(`${name}-out`, { ...rule('to anywhere'), cidrIpv4: '0.0.0.0/0' }, child);
    if (args.ipv6Cidr !== undefined) {
      const from6 = args.open ? '::/0' : args.ipv6Cidr;
      const text = `from ${source}, IPv6`;
      new SecurityGroupIngressRule(`${name}-in6`, { ...rule(text), cidrIpv6: from6 }, child);
      new SecurityGroupEgressRule(`${name}-out6`, { ...rule('to anywhere, IPv6'), cidrIpv6: '::/0' }, child);
    }
    this.securityGroupId = group.id;
    this.registerOutputs({ securityGroupId: this.securityGroupId });
  }
}

/** One for each VPC of a plan, by the VPC's name. */
export function firewalls(
  {
    parent,
    prefix,
    plan,
    network,
  }: {
    readonly parent: pulumi.ComponentResource;
    readonly prefix: string;
    readonly plan: Plan;
    readonly network: Network;
  },
  tags: Tags,
): Readonly<Record<string, pulumi.Output<string>>> {
  const whose = ({ plan: { subnets } }: Vpc): string =>
    plan.appliances.some(({ subnet }) => subnets.some(({ name }) => name === subnet))
      ? 'appliance'
      : 'workload';
  const firewall = (vpc: Vpc): Firewall => {
    const { name, cidr, ipv6, admits = [], open = false } = vpc.plan;
    const parts = [prefix, whose(vpc), name].filter((part) => part !== '');
    return new Firewall(
      parts.join('-'),
      {
        vpcId: vpc.id,
        cidr,
        ...(ipv6 ? { ipv6Cidr: vpc.ipv6Cidr } : {}),
        admits,
        open,
        description: `byoa ${whose(vpc)}s`,
        tags,
      },
      { parent },
    );
  };
  return Object.fromEntries(network.vpcs.map((vpc) => [vpc.plan.name, firewall(vpc).securityGroupId]));
}
