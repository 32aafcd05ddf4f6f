/** `aws:ec2` SecurityGroup, and `aws:vpc` SecurityGroupIngressRule and SecurityGroupEgressRule. */
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { need, only, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { arn } from './network.ts';
import { count, type Definition, defined, optionalText, retag, tagging, text } from './type.ts';

export const securityGroup: Definition = {
  inputs: ['tags'],
  fixed: ['vpcId', 'name', 'description'],
  named: 'name',
  defaults: { description: 'Managed by Pulumi' },
  create: async (clients, inputs) => {
    const command = new CreateSecurityGroupCommand({
      VpcId: text(inputs, 'vpcId'),
      GroupName: text(inputs, 'name'),
      Description: text(inputs, 'description'),
      ...tagging('security-group', inputs),
    });
    const id = need((await clients.ec2.send(command)).GroupId, 'GroupId');
    const made = await until(`security group ${id} is there`, () => securityGroup.read(clients, id, inputs));
    // EC2 lets everything out by default; Pulumi's provider takes that away: only rules in the program count.
    const rules = await clients.ec2.send(
      new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [id] }] }),
    );
    const SecurityGroupRuleIds = (rules.SecurityGroupRules ?? []).flatMap(
      (rule) => rule.SecurityGroupRuleId ?? [],
    );
    if (SecurityGroupRuleIds.length > 0) {
      await clients.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: id, SecurityGroupRuleIds }));
    }
    return made;
  },
  read: async (clients, id) => {
    const answer = await unlessGone(clients.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] })));
    const found = answer?.SecurityGroups?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: found.SecurityGroupArn ?? arn(clients, found.OwnerId, 'security-group', id),
      ownerId: found.OwnerId,
      vpcId: found.VpcId,
      name: found.GroupName,
      description: found.Description,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    const work = () => clients.ec2.send(new DeleteSecurityGroupCommand({ GroupId: id }));
    await unlessGone(whileRefused(['DependencyViolation'], work));
  },
};

/** One rule as EC2's permission. */
function permission(inputs: Properties) {
  const Description = optionalText(inputs, 'description');
  const [CidrIp, CidrIpv6] = [optionalText(inputs, 'cidrIpv4'), optionalText(inputs, 'cidrIpv6')];
  const GroupId = optionalText(inputs, 'referencedSecurityGroupId');
  const PrefixListId = optionalText(inputs, 'prefixListId');
  return {
    IpProtocol: text(inputs, 'ipProtocol'),
    ...('fromPort' in inputs ? { FromPort: count(inputs, 'fromPort') } : {}),
    ...('toPort' in inputs ? { ToPort: count(inputs, 'toPort') } : {}),
    ...(CidrIp === undefined ? {} : { IpRanges: [{ CidrIp, Description }] }),
    ...(CidrIpv6 === undefined ? {} : { Ipv6Ranges: [{ CidrIpv6, Description }] }),
    ...(GroupId === undefined ? {} : { UserIdGroupPairs: [{ GroupId, Description }] }),
    ...(PrefixListId === undefined ? {} : { PrefixListIds: [{ PrefixListId, Description }] }),
  };
}

const rule = (direction: 'ingress' | 'egress'): Definition => {
  const definition: Definition = {
    inputs: ['tags'],
    fixed: [
      'securityGroupId',
      'ipProtocol',
      'fromPort',
      'toPort',
      'cidrIpv4',
      'cidrIpv6',
      'referencedSecurityGroupId',
      'prefixListId',
      'description',
    ],
    create: async (clients, inputs) => {
      const input = {
        GroupId: text(inputs, 'securityGroupId'),
        IpPermissions: [permission(inputs)],
        ...tagging('security-group-rule', inputs),
      };
      const answer =
        direction === 'ingress'
          ? await clients.ec2.send(new AuthorizeSecurityGroupIngressCommand(input))
          : await clients.ec2.send(new AuthorizeSecurityGroupEgressCommand(input));
      const made = only(answer.SecurityGroupRules, 'the rule');
      const id = need(made.SecurityGroupRuleId, 'SecurityGroupRuleId');
      return until(`rule ${id} is there`, () => definition.read(clients, id, inputs));
    },
    read: async (clients, id) => {
      const command = new DescribeSecurityGroupRulesCommand({ SecurityGroupRuleIds: [id] });
      const found = (await unlessGone(clients.ec2.send(command)))?.SecurityGroupRules?.[0];
      if (found === undefined) return undefined;
      const outputs = defined({
        arn: arn(clients, found.GroupOwnerId, 'security-group-rule', id),
        securityGroupRuleId: id,
        securityGroupId: found.GroupId,
        ipProtocol: found.IpProtocol,
        fromPort: found.FromPort,
        toPort: found.ToPort,
        cidrIpv4: found.CidrIpv4,
        cidrIpv6: found.CidrIpv6,
        referencedSecurityGroupId: found.ReferencedGroupInfo?.GroupId,
        prefixListId: found.PrefixListId,
        description: found.Description,
        tags: tagsFrom(found.Tags),
        tagsAll: tagsFrom(found.Tags),
      });
      return { id, outputs };
    },
    update: retag,
    remove: async (clients, id, inputs) => {
      const input = { GroupId: text(inputs, 'securityGroupId'), SecurityGroupRuleIds: [id] };
      await unlessGone(
        direction === 'ingress'
          ? clients.ec2.send(new RevokeSecurityGroupIngressCommand(input))
          : clients.ec2.send(new RevokeSecurityGroupEgressCommand(input)),
      );
    },
  };
  return definition;
};

export const ingressRule = rule('ingress');
export const egressRule = rule('egress');
