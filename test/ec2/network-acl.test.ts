import type {
  DescribeNetworkAclsResult,
  NetworkAcl,
  NetworkAclEntry,
  ReplaceNetworkAclAssociationResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { takeChanges } from '../../sim/ec2/service.ts';
import { name, refusal, type Site, site } from './site.ts';

const create = (at: Site, more: object = {}): string =>
  name(
    at.call<{ NetworkAcl: NetworkAcl }>('CreateNetworkAcl', { VpcId: at.vpc, ...more }).NetworkAcl
      .NetworkAclId,
  );

const shown = (at: Site, input: object): readonly NetworkAcl[] =>
  present(at.call<DescribeNetworkAclsResult>('DescribeNetworkAcls', input).NetworkAcls, 'ACLs');

const one = (at: Site, id: string): NetworkAcl => present(shown(at, { NetworkAclIds: [id] })[0], id);

const filter = (Name: string, ...Values: string[]): object => ({ Filters: [{ Name, Values }] });

const entry = (NetworkAclId: string, more: object = {}): object => ({
  NetworkAclId,
  RuleNumber: 100,
  Egress: false,
  Protocol: '6',
  RuleAction: 'allow',
  CidrBlock: '10.0.0.0/8',
  PortRange: { From: 22, To: 22 },
  ...more,
});

const associationOf = (at: Site, subnet: string): string => {
  const [acl] = shown(at, filter('association.subnet-id', subnet));
  const found = acl?.Associations?.find((each) => each.SubnetId === subnet);
  return name(found?.NetworkAclAssociationId);
};

describe('network ACLs', () => {
  it('of one’s own deny everything at first; the default one lets all pass and cannot be deleted', () => {
    const at = site();
    const acl = one(at, create(at, { ClientToken: 'once' }));
    expect(create(at, { ClientToken: 'once' })).toBe(acl.NetworkAclId);
    expect(acl).toMatchObject({ IsDefault: false, VpcId: at.vpc, Associations: [] });
    expect(acl.Entries?.map((each) => [each.RuleNumber, each.RuleAction, each.Egress])).toEqual([
      [32767, 'deny', true],
      [32767, 'deny', false],
    ]);
    const [standard] = shown(at, filter('default', 'true'));
    expect(standard?.Associations).toHaveLength(2);
    expect(at.code('DeleteNetworkAcl', { NetworkAclId: standard?.NetworkAclId })).toBe(
      'InvalidParameterValue',
    );
    expect(at.code('CreateNetworkAcl', { VpcId: at.vpc, DryRun: true })).toBe('DryRunOperation');
  });

  it('show their entries as they were given, in order of numbers', () => {
    const at = site();
    const id = create(at);
    at.call('CreateNetworkAclEntry', entry(id, { RuleNumber: 200, Protocol: 'udp' }));
    at.call('CreateNetworkAclEntry', entry(id, { CidrBlock: '10.9.9.9/8' }));
    const icmp = { Protocol: '1', IcmpTypeCode: { Type: 8, Code: -1 }, PortRange: undefined };
    at.call('CreateNetworkAclEntry', entry(id, { ...icmp, RuleNumber: 150, RuleAction: 'deny' }));
    const v6 = { CidrBlock: undefined, Ipv6CidrBlock: '2001:db8::/32', Egress: true };
    at.call('CreateNetworkAclEntry', entry(id, v6));
    const inbound = (one(at, id).Entries ?? []).filter((each: NetworkAclEntry) => !each.Egress);
    expect(inbound).toEqual([
      {
        RuleNumber: 100,
        Egress: false,
        Protocol: '6',
        RuleAction: 'allow',
        CidrBlock: '10.0.0.0/8',
        PortRange: { From: 22, To: 22 },
      },
      {
        RuleNumber: 150,
        Egress: false,
        Protocol: '1',
        RuleAction: 'deny',
        CidrBlock: '10.0.0.0/8',
        IcmpTypeCode: { Type: 8, Code: -1 },
      },
      expect.objectContaining({ RuleNumber: 200, Protocol: '17' }),
      expect.objectContaining({ RuleNumber: 32767, Protocol: '-1', CidrBlock: '0.0.0.0/0' }),
    ]);
    expect(shown(at, filter('entry.ipv6-cidr', '2001:db8::/32'))).toHaveLength(1);
    expect(shown(at, filter('entry.icmp.type', '8'))).toHaveLength(1);
    expect(shown(at, filter('entry.port-range.to', '22'))).toHaveLength(1);
    at.call('ReplaceNetworkAclEntry', entry(id, { PortRange: { From: 80, To: 81 } }));
    at.call('DeleteNetworkAclEntry', { NetworkAclId: id, RuleNumber: 150, Egress: false });
    const left = (one(at, id).Entries ?? []).filter((each) => !each.Egress);
    expect(left.map((each) => [each.RuleNumber, each.PortRange?.To])).toEqual([
      [100, 81],
      [200, 22],
      [32767, undefined],
    ]);
  });

  it('take a subnet over by a new association, once, and give it back', () => {
    const at = site();
    const id = create(at);
    const old = associationOf(at, at.subnets[0]);
    takeChanges(at.cloud);
    const { NewAssociationId: association } = at.call<ReplaceNetworkAclAssociationResult>(
      'ReplaceNetworkAclAssociation',
      { AssociationId: old, NetworkAclId: id },
    );
    expect(takeChanges(at.cloud).map((change) => change.kind)).toEqual(['network-acl', 'network-acl']);
    expect(association).not.toBe(old);
    expect(one(at, id).Associations).toEqual([
      { NetworkAclAssociationId: association, NetworkAclId: id, SubnetId: at.subnets[0] },
    ]);
    expect(refusal(at, 'DeleteNetworkAcl', { NetworkAclId: id })).toBe(
      `DependencyViolation: The networkAcl '${id}' has dependencies and cannot be deleted.`,
    );
    expect(at.code('ReplaceNetworkAclAssociation', { AssociationId: old, NetworkAclId: id })).toBe(
      'InvalidAssociationID.NotFound',
    );
    at.call('DeleteSubnet', { SubnetId: at.subnets[0] });
    at.call('DeleteNetworkAcl', { NetworkAclId: id });
    expect(at.code('DescribeNetworkAcls', { NetworkAclIds: [id] })).toBe('InvalidNetworkAclID.NotFound');
  });

  it('refuse what EC2 refuses', () => {
    const at = site({ quotas: { networkAclsPerVpc: 2, entriesPerNetworkAcl: 1 } });
    const id = create(at);
    at.call('CreateNetworkAclEntry', entry(id));
    const cases: readonly [string, object, RegExp][] = [
      [
        'CreateNetworkAclEntry',
        entry(id),
        /^NetworkAclEntryAlreadyExists: The network acl entry identified by 100 already exists\./,
      ],
      ['CreateNetworkAclEntry', entry(id, { RuleNumber: 101 }), /^NetworkAclEntryLimitExceeded/],
      ['CreateNetworkAclEntry', entry(id, { RuleNumber: 0 }), /^InvalidParameterValue/],
      ['CreateNetworkAclEntry', entry(id, { RuleNumber: 32767 }), /^InvalidParameterValue/],
      ['CreateNetworkAclEntry', entry(id, { PortRange: undefined }), /^MissingParameter: .*portRange/],
      ['CreateNetworkAclEntry', entry(id, { Protocol: '1' }), /^MissingParameter: .*icmpTypeCode/],
      ['CreateNetworkAclEntry', entry(id, { PortRange: { From: 2, To: 1 } }), /^InvalidParameterValue/],
      ['CreateNetworkAclEntry', entry(id, { RuleAction: 'drop' }), /^InvalidParameterValue/],
      ['CreateNetworkAclEntry', entry(id, { CidrBlock: '10.0.0' }), /^InvalidParameterValue/],
      ['CreateNetworkAclEntry', entry(id, { CidrBlock: undefined }), /^MissingParameter: .*cidrBlock/],
      [
        'CreateNetworkAclEntry',
        entry(id, { Ipv6CidrBlock: '::/0' }),
        /^InvalidParameterCombination: .*exactly one/,
      ],
      ['ReplaceNetworkAclEntry', entry(id, { RuleNumber: 7 }), /^InvalidNetworkAclEntry.NotFound/],
      ['DeleteNetworkAclEntry', entry(id, { Egress: true }), /^InvalidNetworkAclEntry.NotFound/],
      ['CreateNetworkAclEntry', entry('acl-00000000000000000'), /^InvalidNetworkAclID.NotFound/],
      ['CreateNetworkAcl', { VpcId: at.vpc }, /^NetworkAclLimitExceeded/],
    ];
    for (const [action, input, words] of cases) expect(refusal(at, action, input)).toMatch(words);
    const { Vpc: other } = at.call<{ Vpc: { VpcId: string } }>('CreateVpc', { CidrBlock: '10.1.0.0/16' });
    const far = name(shown(at, filter('vpc-id', other.VpcId))[0]?.NetworkAclId);
    const across = { AssociationId: associationOf(at, at.subnets[0]), NetworkAclId: far };
    expect(refusal(at, 'ReplaceNetworkAclAssociation', across)).toMatch(/different networks$/);
  });
});
