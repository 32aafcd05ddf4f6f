/**
 * Security groups and their rules, through the service without HTTP; what they do to packets is test/vpc's.
 */
import type {
  AuthorizeSecurityGroupIngressResult,
  CreateManagedPrefixListResult,
  CreateSecurityGroupResult,
  CreateVpcResult,
  DescribePrefixListsResult,
  DescribeSecurityGroupRulesResult,
  DescribeSecurityGroupsResult,
  IpPermission,
  SecurityGroup,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import { type Calls, calls } from './calls.ts';

const SSH: IpPermission = {
  IpProtocol: 'tcp',
  FromPort: 22,
  ToPort: 22,
  IpRanges: [{ CidrIp: '10.0.0.0/8' }],
};

function vpcOf({ call }: Calls, input: object = {}): string {
  return call<CreateVpcResult>('CreateVpc', { CidrBlock: '10.0.0.0/16', ...input }).Vpc?.VpcId ?? '';
}

function groupOf({ call }: Calls, vpc: string, name = 'web'): string {
  const input = { GroupName: name, Description: 'a group', VpcId: vpc };
  return call<CreateSecurityGroupResult>('CreateSecurityGroup', input).GroupId ?? '';
}

function listOf({ call }: Calls, MaxEntries: number): string {
  const wanted = { PrefixListName: 'branches', AddressFamily: 'IPv4', MaxEntries };
  return (
    call<CreateManagedPrefixListResult>('CreateManagedPrefixList', wanted).PrefixList?.PrefixListId ?? ''
  );
}

function shown({ call }: Calls, id: string): SecurityGroup | undefined {
  return call<DescribeSecurityGroupsResult>('DescribeSecurityGroups', { GroupIds: [id] }).SecurityGroups?.[0];
}

describe('security groups', () => {
  it('come with a VPC as its default group, whose members may talk to each other', () => {
    const ec2 = calls();
    const vpc = vpcOf(ec2);
    const found = ec2.call<DescribeSecurityGroupsResult>('DescribeSecurityGroups', {
      Filters: [
        { Name: 'vpc-id', Values: [vpc] },
        { Name: 'group-name', Values: ['default'] },
      ],
    });
    const [group] = found.SecurityGroups ?? [];
    expect(group?.IpPermissions).toMatchObject([
      { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: group?.GroupId }] },
    ]);
    expect(group?.IpPermissionsEgress).toMatchObject([
      { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
    ]);
    expect(ec2.code('DeleteSecurityGroup', { GroupId: group?.GroupId })).toBe('CannotDelete');
  });

  it('let everything out over IPv6 too where the VPC has a block', () => {
    const ec2 = calls();
    const id = groupOf(ec2, vpcOf(ec2, { AmazonProvidedIpv6CidrBlock: true }));
    expect(shown(ec2, id)?.IpPermissionsEgress).toMatchObject([
      { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }], Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
    ]);
    expect(shown(ec2, id)?.IpPermissions).toEqual([]);
  });

  it('refuse names that EC2 refuses', () => {
    const ec2 = calls();
    const vpc = vpcOf(ec2);
    groupOf(ec2, vpc, 'web');
    const code = (name: string, description = 'd'): string =>
      ec2.code('CreateSecurityGroup', { GroupName: name, Description: description, VpcId: vpc });
    expect(code('web')).toBe('InvalidGroup.Duplicate');
    expect(code('sg-web')).toBe('InvalidParameterValue');
    expect(code('default')).toBe('InvalidGroup.Reserved');
    expect(ec2.code('CreateSecurityGroup', { GroupName: 'x', Description: 'd' })).toBe('VPCIdNotSpecified');
    expect(ec2.code('DescribeSecurityGroups', { GroupIds: ['sg-0123456789abcdef0'] })).toBe(
      'InvalidGroup.NotFound',
    );
    expect(ec2.code('DescribeSecurityGroups', { GroupIds: ['web'] })).toBe('InvalidGroupId.Malformed');
  });

  it('authorize, find and revoke rules by permission and by id', () => {
    const ec2 = calls();
    const GroupId = groupOf(ec2, vpcOf(ec2));
    const added = ec2.call<AuthorizeSecurityGroupIngressResult>('AuthorizeSecurityGroupIngress', {
      GroupId,
      IpPermissions: [
        SSH,
        { IpProtocol: '6', FromPort: 80, ToPort: 80, Ipv6Ranges: [{ CidrIpv6: '2001:db8::1/32' }] },
      ],
    });
    expect(added.SecurityGroupRules).toMatchObject([
      { IpProtocol: 'tcp', FromPort: 22, CidrIpv4: '10.0.0.0/8', IsEgress: false, GroupId },
      { IpProtocol: 'tcp', FromPort: 80, CidrIpv6: '2001:db8::/32' },
    ]);
    const [ssh, web] = added.SecurityGroupRules ?? [];
    expect(ec2.code('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [SSH] })).toBe(
      'InvalidPermission.Duplicate',
    );
    ec2.call('RevokeSecurityGroupIngress', { GroupId, SecurityGroupRuleIds: [web?.SecurityGroupRuleId] });
    const rules = ec2.call<DescribeSecurityGroupRulesResult>('DescribeSecurityGroupRules', {
      Filters: [{ Name: 'group-id', Values: [GroupId] }],
    });
    expect(rules.SecurityGroupRules).toHaveLength(2);
    expect(rules.SecurityGroupRules?.map((rule) => rule.IsEgress).sort()).toEqual([false, true]);
    ec2.call('RevokeSecurityGroupIngress', { GroupId, IpPermissions: [SSH] });
    expect(ec2.code('RevokeSecurityGroupIngress', { GroupId, IpPermissions: [SSH] })).toBe(
      'InvalidPermission.NotFound',
    );
    const gone = { SecurityGroupRuleIds: [ssh?.SecurityGroupRuleId] };
    expect(ec2.code('DescribeSecurityGroupRules', gone)).toBe('InvalidSecurityGroupRuleId.NotFound');
  });

  it('lose their egress when it is revoked, and forwarding learns of it', () => {
    const ec2 = calls();
    const GroupId = groupOf(ec2, vpcOf(ec2));
    takeChanges(ec2.cloud);
    const everything = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
    ec2.call('RevokeSecurityGroupEgress', { GroupId, IpPermissions: [everything] });
    expect(takeChanges(ec2.cloud)).toMatchObject([
      { kind: 'security-group', id: GroupId, value: { egress: [] } },
    ]);
  });

  it('modify a rule and its description in place', () => {
    const ec2 = calls();
    const GroupId = groupOf(ec2, vpcOf(ec2));
    const flat = { GroupId, IpProtocol: 'udp', FromPort: 53, ToPort: 53, CidrIp: '10.1.2.3/16' };
    const added = ec2.call<AuthorizeSecurityGroupIngressResult>('AuthorizeSecurityGroupIngress', flat);
    const id = added.SecurityGroupRules?.[0]?.SecurityGroupRuleId;
    ec2.call('ModifySecurityGroupRules', {
      GroupId,
      SecurityGroupRules: [
        {
          SecurityGroupRuleId: id,
          SecurityGroupRule: { IpProtocol: 'icmp', FromPort: 8, ToPort: -1, CidrIpv4: '10.1.0.0/16' },
        },
      ],
    });
    ec2.call('UpdateSecurityGroupRuleDescriptionsIngress', {
      GroupId,
      SecurityGroupRuleDescriptions: [{ SecurityGroupRuleId: id, Description: 'echo' }],
    });
    expect(shown(ec2, GroupId)?.IpPermissions).toEqual([
      {
        IpProtocol: 'icmp',
        FromPort: 8,
        ToPort: -1,
        IpRanges: [{ CidrIp: '10.1.0.0/16', Description: 'echo' }],
        Ipv6Ranges: [],
        UserIdGroupPairs: [],
        PrefixListIds: [],
      },
    ]);
  });

  it.each([
    [{ IpProtocol: 'tcp', FromPort: 22, IpRanges: [{ CidrIp: '10.0.0.0/8' }] }, 'InvalidParameterValue'],
    [
      { IpProtocol: 'tcp', FromPort: 23, ToPort: 22, IpRanges: [{ CidrIp: '10.0.0.0/8' }] },
      'InvalidParameterValue',
    ],
    [
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 70_000, IpRanges: [{ CidrIp: '10.0.0.0/8' }] },
      'InvalidParameterValue',
    ],
    [{ IpProtocol: 'ipx', IpRanges: [{ CidrIp: '10.0.0.0/8' }] }, 'InvalidParameterValue'],
    [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '10.0.0.0/33' }] }, 'InvalidParameterValue'],
    [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '2001:db8::/32' }] }, 'InvalidParameterValue'],
    [{ IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-0123456789abcdef0' }] }, 'InvalidGroup.NotFound'],
    [
      { IpProtocol: '-1', PrefixListIds: [{ PrefixListId: 'pl-0123456789abcdef0' }] },
      'InvalidPrefixListID.NotFound',
    ],
    [{ IpProtocol: '-1' }, 'MissingParameter'],
  ])('refuse the permission %j as %s', (permission, expected) => {
    const ec2 = calls();
    const GroupId = groupOf(ec2, vpcOf(ec2));
    expect(ec2.code('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [permission] })).toBe(
      expected,
    );
    expect(shown(ec2, GroupId)?.IpPermissions).toEqual([]);
  });

  it('cannot be deleted while another group or an ENI refers to them', () => {
    const ec2 = calls();
    const vpc = vpcOf(ec2);
    const [GroupId, other] = [groupOf(ec2, vpc, 'one'), groupOf(ec2, vpc, 'other')];
    const pair = { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId }] };
    ec2.call('AuthorizeSecurityGroupIngress', { GroupId: other, IpPermissions: [pair] });
    expect(ec2.code('DeleteSecurityGroup', { GroupId })).toBe('DependencyViolation');
    ec2.call('DeleteSecurityGroup', { GroupId: other });
    ec2.call('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [pair] });
    ec2.call('DeleteSecurityGroup', { GroupId });
    expect(ec2.code('DescribeSecurityGroups', { GroupIds: [GroupId] })).toBe('InvalidGroup.NotFound');
  });

  it('count IPv4 and IPv6 rules apart, groups for both, and prefix lists by their MaxEntries', () => {
    const ec2 = calls({ quotas: { rulesPerGroup: 3 } });
    const GroupId = groupOf(ec2, vpcOf(ec2));
    const list = listOf(ec2, 2);
    const add = (peer: object): unknown =>
      ec2.call('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [{ IpProtocol: '-1', ...peer }] });
    const refused = (peer: object): string =>
      ec2.code('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [{ IpProtocol: '-1', ...peer }] });
    add({ PrefixListIds: [{ PrefixListId: list }] });
    add({ UserIdGroupPairs: [{ GroupId }] });
    expect(refused({ IpRanges: [{ CidrIp: '10.0.0.0/8' }] })).toBe('RulesPerSecurityGroupLimitExceeded');
    add({ Ipv6Ranges: [{ CidrIpv6: '2001:db8::/32' }, { CidrIpv6: '2001:db9::/32' }] });
    expect(refused({ Ipv6Ranges: [{ CidrIpv6: '::/0' }] })).toBe('RulesPerSecurityGroupLimitExceeded');
    const larger = { PrefixListId: list, MaxEntries: 3 };
    expect(ec2.code('ModifyManagedPrefixList', larger)).toBe('RulesPerSecurityGroupLimitExceeded');
    ec2.call('ModifyManagedPrefixList', { PrefixListId: list, MaxEntries: 1 });
    add({ IpRanges: [{ CidrIp: '10.0.0.0/8' }] });
    const wide = { PrefixListId: list, MaxEntries: 2 };
    expect(ec2.code('ModifyManagedPrefixList', wide)).toBe('RulesPerSecurityGroupLimitExceeded');
  });

  it("count one of AWS's prefix lists as one rule of either family", () => {
    const ec2 = calls({ quotas: { rulesPerGroup: 1 } });
    const GroupId = groupOf(ec2, vpcOf(ec2));
    const { PrefixLists: lists } = ec2.call<DescribePrefixListsResult>('DescribePrefixLists');
    const PrefixListIds = [{ PrefixListId: lists?.[0]?.PrefixListId }];
    const permission = { IpProtocol: '-1', PrefixListIds };
    ec2.call('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [permission] });
    expect(shown(ec2, GroupId)?.IpPermissions).toMatchObject([{ PrefixListIds }]);
    const more = { IpProtocol: '-1', Ipv6Ranges: [{ CidrIpv6: '::/0' }] };
    expect(ec2.code('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [more] })).toBe(
      'RulesPerSecurityGroupLimitExceeded',
    );
  });

  it('name prefix lists, which cannot be deleted meanwhile', () => {
    const ec2 = calls();
    const GroupId = groupOf(ec2, vpcOf(ec2));
    const list = listOf(ec2, 2);
    const wanted = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22 };
    const IpPermissions = [
      { ...wanted, PrefixListIds: [{ PrefixListId: list, Description: 'the branches' }] },
    ];
    const made = ec2.call<AuthorizeSecurityGroupIngressResult>('AuthorizeSecurityGroupIngress', {
      GroupId,
      IpPermissions,
    });
    const rule = { PrefixListId: list, IsEgress: false, Description: 'the branches' };
    expect(made.SecurityGroupRules).toMatchObject([rule]);
    expect(made.SecurityGroupRules?.[0]).not.toHaveProperty('CidrIpv4');
    expect(shown(ec2, GroupId)?.IpPermissions).toMatchObject(IpPermissions);
    const by = { Filters: [{ Name: 'ip-permission.prefix-list-id', Values: [list] }] };
    const found = ec2.call<DescribeSecurityGroupsResult>('DescribeSecurityGroups', by);
    expect(found.SecurityGroups?.map((each) => each.GroupId)).toEqual([GroupId]);
    expect(ec2.code('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions })).toBe(
      'InvalidPermission.Duplicate',
    );
    expect(ec2.code('DeleteManagedPrefixList', { PrefixListId: list })).toBe('DependencyViolation');
    const SecurityGroupRuleId = made.SecurityGroupRules?.[0]?.SecurityGroupRuleId;
    const SecurityGroupRule = { ...wanted, PrefixListId: 'pl-00000000000000000' };
    const change = { GroupId, SecurityGroupRules: [{ SecurityGroupRuleId, SecurityGroupRule }] };
    expect(ec2.code('ModifySecurityGroupRules', change)).toBe('InvalidPrefixListID.NotFound');
    ec2.call('RevokeSecurityGroupIngress', { GroupId, IpPermissions });
    ec2.call('DeleteManagedPrefixList', { PrefixListId: list });
  });

  it('stop at the quota of rules, which is a setting', () => {
    const ec2 = calls({ quotas: { rulesPerGroup: 2 } });
    const GroupId = groupOf(ec2, vpcOf(ec2));
    const ranges = ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16'].map((CidrIp) => ({ CidrIp }));
    const permission = { IpProtocol: '-1', IpRanges: ranges };
    expect(ec2.code('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [permission] })).toBe(
      'RulesPerSecurityGroupLimitExceeded',
    );
  });
});
