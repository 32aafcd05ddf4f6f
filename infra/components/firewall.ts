/**
 * One security group that lets in everything from the VPC, or from anywhere, and lets out everything. An
 * appliance forwards what its workloads send, so a narrower group belongs on the workloads.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { type Tags, tagged } from './tags.ts';

export interface FirewallArgs {
  readonly vpcId: pulumi.Input<string>;
  /** Blocks of the VPC. */
  readonly cidr: string;
  readonly ipv6Cidr?: pulumi.Input<string>;
  /** Whether it lets in what comes from outside the VPC. */
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
