import type { DescribeTagsResult } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import { calls } from './calls.ts';
import { refusal, type Site, site } from './site.ts';

const tagsOf = (at: Site, id: string): Record<string, string> => {
  const Filters = [{ Name: 'resource-id', Values: [id] }];
  const { Tags: tags } = at.call<DescribeTagsResult>('DescribeTags', { Filters });
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
};

const tag = (Key: string, Value: string): object => ({ Key, Value });

describe('tags', () => {
  it('are laid over, and removed by key or by key and value', () => {
    const at = site();
    const Resources = [at.vpc, at.subnets[0]];
    at.call('CreateTags', { Resources, Tags: [tag('a', '1'), tag('b', '2'), tag('c', '')] });
    at.call('CreateTags', { Resources: [at.vpc], Tags: [tag('a', '9')] });
    expect(tagsOf(at, at.vpc)).toEqual({ a: '9', b: '2', c: '' });
    at.call('DeleteTags', { Resources, Tags: [tag('a', '1'), { Key: 'b' }] });
    expect([tagsOf(at, at.vpc), tagsOf(at, at.subnets[0])]).toEqual([{ a: '9', c: '' }, { c: '' }]);
    at.call('DeleteTags', { Resources: [at.vpc] });
    expect(tagsOf(at, at.vpc)).toEqual({});
  });

  it('of every kind are set, shown with the resource, described, and do not concern the data plane', () => {
    const at = site();
    const { id, eni } = at.instance(at.subnets[0]);
    const { AllocationId } = at.call<{ AllocationId: string }>('AllocateAddress');
    const { SecurityGroups: groups } = at.call<{ SecurityGroups: { GroupId: string }[] }>(
      'DescribeSecurityGroups',
    );
    const ids = [
      at.vpc,
      at.subnets[0],
      at.table,
      at.gateway,
      eni,
      id,
      AllocationId,
      groups[0]?.GroupId ?? '',
    ];
    takeChanges(at.cloud);
    at.call('CreateTags', { Resources: ids, Tags: [tag('Name', 'x')] });
    expect(takeChanges(at.cloud)).toEqual([]);
    const { Tags: found } = at.call<DescribeTagsResult>('DescribeTags', {
      Filters: [{ Name: 'key', Values: ['Name'] }],
    });
    expect(new Map((found ?? []).map((each) => [each.ResourceId, each.ResourceType]))).toEqual(
      new Map([
        ...[
          [at.vpc, 'vpc'],
          [at.subnets[0], 'subnet'],
          [at.table, 'route-table'],
          [at.gateway, 'internet-gateway'],
        ],
        ...[
          [eni, 'network-interface'],
          [id, 'instance'],
          [AllocationId, 'elastic-ip'],
          [groups[0]?.GroupId ?? '', 'security-group'],
        ],
      ] as [string, string][]),
    );
    expect(at.interfaceOf(eni).TagSet).toEqual([{ Key: 'Name', Value: 'x' }]);
  });

  it('reach a rule within its security group', () => {
    const at = site();
    const { SecurityGroupRules: rules } = at.call<{ SecurityGroupRules: { SecurityGroupRuleId: string }[] }>(
      'DescribeSecurityGroupRules',
    );
    const rule = rules[0]?.SecurityGroupRuleId ?? '';
    at.call('CreateTags', { Resources: [rule], Tags: [tag('Name', 'x')] });
    expect(tagsOf(at, rule)).toEqual({ Name: 'x' });
  });

  it('are all refused where one resource does not exist', () => {
    const at = site();
    const Resources = [at.vpc, 'eni-00000000000000000'];
    expect(refusal(at, 'CreateTags', { Resources, Tags: [tag('a', '1')] })).toMatch(
      /^InvalidNetworkInterfaceID.NotFound/,
    );
    expect(tagsOf(at, at.vpc)).toEqual({});
    expect(refusal(at, 'CreateTags', { Resources: ['nonsense'], Tags: [tag('a', '1')] })).toMatch(
      /^InvalidID/,
    );
  });

  it('keep the limits of number, length and form', () => {
    const at = site();
    const tags = (...Tags: object[]): string => refusal(at, 'CreateTags', { Resources: [at.vpc], Tags });
    expect(tags(...Array.from({ length: 51 }, (_, index) => tag(`k${index}`, '')))).toMatch(
      /^TagLimitExceeded/,
    );
    expect(tags(tag('k'.repeat(129), ''))).toMatch(/^InvalidParameterValue/);
    expect(tags(tag('k', 'v'.repeat(257)))).toMatch(/^InvalidParameterValue/);
    expect(tags(tag('aws:x', ''))).toMatch(/^InvalidParameterValue: .*reserved/);
    expect(tags(tag('k', '1'), tag('k', '2'))).toMatch(/^InvalidParameterValue: Duplicate/);
    const TagSpecifications = [{ ResourceType: 'subnet', Tags: [tag('a', '1')] }];
    expect(calls().code('CreateVpc', { CidrBlock: '10.0.0.0/16', TagSpecifications })).toBe(
      'InvalidParameterValue',
    );
  });
});
