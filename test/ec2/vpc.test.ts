import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import { calls } from './calls.ts';
import { name, refusal, site } from './site.ts';

interface Made {
  readonly Vpc: { readonly VpcId: string };
}

describe('a VPC', () => {
  it('comes with a main table, a default group, a default ACL, and goes with them', () => {
    const at = calls();
    const { Vpc: vpc } = at.call<Made>('CreateVpc', { CidrBlock: '10.0.0.7/16' });
    const Filters = [{ Name: 'vpc-id', Values: [vpc.VpcId] }];
    const of = (value: string, filter: string): object => ({
      Filters: [...Filters, { Name: filter, Values: [value] }],
    });
    expect(at.call('DescribeVpcs', { VpcIds: [vpc.VpcId] })).toMatchObject({
      Vpcs: [{ CidrBlock: '10.0.0.0/16', State: 'available', IsDefault: false, OwnerId: '111122223333' }],
    });
    expect(at.call('DescribeRouteTables', of('true', 'association.main'))).toMatchObject({
      RouteTables: [
        { Routes: [{ DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', State: 'active' }] },
      ],
    });
    expect(at.call('DescribeSecurityGroups', of('default', 'group-name'))).toMatchObject({
      SecurityGroups: [{}],
    });
    expect(at.call('DescribeNetworkAcls', of('true', 'default'))).toMatchObject({ NetworkAcls: [{}] });
    at.call('DeleteVpc', { VpcId: vpc.VpcId });
    expect(at.call('DescribeRouteTables', { Filters })).toEqual({ RouteTables: [] });
    expect(at.call('DescribeSecurityGroups', { Filters })).toEqual({ SecurityGroups: [] });
    expect(at.call('DescribeNetworkAcls', { Filters })).toEqual({ NetworkAcls: [] });
    expect(refusal(at, 'DeleteVpc', { VpcId: vpc.VpcId })).toBe(
      `InvalidVpcID.NotFound: The vpc ID '${vpc.VpcId}' does not exist`,
    );
    expect(takeChanges(at.cloud).filter((change) => change.value === undefined)).toHaveLength(4);
  });

  it('is not deleted while anything is in it', () => {
    const at = site();
    const gone = (): string => refusal(at, 'DeleteVpc', { VpcId: at.vpc }).split(':')[0] ?? '';
    expect(gone()).toBe('DependencyViolation');
    at.call('DeleteRouteTable', { RouteTableId: at.table });
    expect(gone()).toBe('DependencyViolation');
    at.call('DetachInternetGateway', { InternetGatewayId: at.gateway, VpcId: at.vpc });
    expect(gone()).toBe('DependencyViolation');
    const eni = at.eni(at.subnets[0]);
    expect(refusal(at, 'DeleteSubnet', { SubnetId: at.subnets[0] })).toMatch(/^DependencyViolation/);
    at.call('DeleteNetworkInterface', { NetworkInterfaceId: eni });
    for (const SubnetId of at.subnets) at.call('DeleteSubnet', { SubnetId });
    const group = { VpcId: at.vpc, GroupName: 'web', Description: 'web' };
    const { GroupId } = at.call<{ GroupId: string }>('CreateSecurityGroup', group);
    expect(gone()).toBe('DependencyViolation');
    at.call('DeleteSecurityGroup', { GroupId });
    at.call('DeleteVpc', { VpcId: at.vpc });
    expect(at.call('DescribeVpcs')).toEqual({ Vpcs: [] });
  });

  it.each([
    ['10.0.0.0/15', 'InvalidVpc.Range'],
    ['10.0.0.0/29', 'InvalidVpc.Range'],
    ['10.0.0.0', 'InvalidParameterValue'],
    ['2001:db8::/56', 'InvalidParameterValue'],
    [undefined, 'MissingParameter'],
  ])('cannot have the block %s', (CidrBlock, code) => {
    expect(calls().code('CreateVpc', { CidrBlock })).toBe(code);
  });

  it('has attributes that change one at a time', () => {
    const at = site();
    const read = (Attribute: string): object => at.call('DescribeVpcAttribute', { VpcId: at.vpc, Attribute });
    expect(read('enableDnsSupport')).toMatchObject({ EnableDnsSupport: { Value: true } });
    expect(read('enableDnsHostnames')).toMatchObject({ EnableDnsHostnames: { Value: false } });
    at.call('ModifyVpcAttribute', { VpcId: at.vpc, EnableDnsHostnames: { Value: true } });
    expect(read('enableDnsHostnames')).toMatchObject({ EnableDnsHostnames: { Value: true } });
    const both = { VpcId: at.vpc, EnableDnsHostnames: { Value: true }, EnableDnsSupport: { Value: true } };
    expect(refusal(at, 'ModifyVpcAttribute', both)).toMatch(/^InvalidParameterCombination/);
    expect(refusal(at, 'DescribeVpcAttribute', { VpcId: at.vpc, Attribute: 'size' })).toMatch(
      /^InvalidParameterValue/,
    );
  });

  it('takes further blocks within the rules', () => {
    const at = site();
    const add = (CidrBlock: string): object => ({ VpcId: at.vpc, CidrBlock });
    expect(refusal(at, 'AssociateVpcCidrBlock', add('10.0.128.0/17'))).toMatch(/^CidrConflict/);
    expect(refusal(at, 'AssociateVpcCidrBlock', add('192.168.0.0/16'))).toMatch(
      /^InvalidVpc.Range: .*restricted/,
    );
    expect(refusal(at, 'AssociateVpcCidrBlock', add('198.19.0.0/16'))).toMatch(/^InvalidVpc.Range/);
    const { CidrBlockAssociation: added } = at.call<{ CidrBlockAssociation: { AssociationId: string } }>(
      'AssociateVpcCidrBlock',
      add('100.64.0.0/16'),
    );
    const subnet = { VpcId: at.vpc, CidrBlock: '100.64.3.0/24' };
    const { Subnet: inside } = at.call<{ Subnet: { SubnetId: string } }>('CreateSubnet', subnet);
    const { AssociationId } = added;
    expect(refusal(at, 'DisassociateVpcCidrBlock', { AssociationId })).toMatch(/^DependencyViolation/);
    at.call('DeleteSubnet', { SubnetId: name(inside.SubnetId) });
    at.call('DisassociateVpcCidrBlock', { AssociationId });
  });

  it('gets an Amazon-provided IPv6 block of /56 of its own', () => {
    const at = calls();
    const blocks = ['10.0.0.0/16', '10.0.0.0/16'].map((CidrBlock) => {
      const input = { CidrBlock, AmazonProvidedIpv6CidrBlock: true };
      const { Vpc: vpc } = at.call<{ Vpc: { Ipv6CidrBlockAssociationSet: { Ipv6CidrBlock: string }[] } }>(
        'CreateVpc',
        input,
      );
      return vpc.Ipv6CidrBlockAssociationSet[0]?.Ipv6CidrBlock;
    });
    expect(new Set(blocks).size).toBe(2);
    for (const block of blocks) expect(block).toMatch(/^2001:db8:.*\/56$/);
  });

  it('lets IPv6 pass its default ACL once it has a block', () => {
    const at = site();
    const rules = (): number => {
      const {
        NetworkAcls: [acl],
      } = at.call<{ NetworkAcls: [{ Entries: { Ipv6CidrBlock?: string }[] }] }>('DescribeNetworkAcls');
      return acl.Entries.filter((entry) => entry.Ipv6CidrBlock === '::/0').length;
    };
    expect(rules()).toBe(0);
    for (const expected of [4, 4]) {
      at.call('AssociateVpcCidrBlock', { VpcId: at.vpc, AmazonProvidedIpv6CidrBlock: true });
      expect(rules()).toBe(expected);
    }
  });

  it('counts against the quota', () => {
    const at = calls({ quotas: { vpcs: 1 } });
    at.call('CreateVpc', { CidrBlock: '10.0.0.0/16' });
    expect(at.code('CreateVpc', { CidrBlock: '10.1.0.0/16' })).toBe('VpcLimitExceeded');
  });
});

describe('a subnet', () => {
  it.each([
    ['10.0.0.128/25', 'InvalidSubnet.Conflict'],
    ['10.0.0.0/16', 'InvalidSubnet.Conflict'],
    ['10.1.0.0/24', 'InvalidSubnet.Range'],
    ['10.0.9.0/29', 'InvalidSubnet.Range'],
    ['nonsense', 'InvalidParameterValue'],
  ])('cannot have the block %s', (CidrBlock, code) => {
    const at = site();
    expect(at.code('CreateSubnet', { VpcId: at.vpc, CidrBlock })).toBe(code);
  });

  it('lives in a zone of the region, by name or id', () => {
    const at = site();
    const make = (more: object): object => at.call('CreateSubnet', { VpcId: at.vpc, ...more });
    expect(make({ CidrBlock: '10.0.5.0/24', AvailabilityZoneId: 'euc1-az3' })).toMatchObject({
      Subnet: { AvailabilityZone: 'eu-central-1c', AvailableIpAddressCount: 251 },
    });
    const elsewhere = { VpcId: at.vpc, CidrBlock: '10.0.6.0/24', AvailabilityZone: 'us-east-1a' };
    expect(refusal(at, 'CreateSubnet', elsewhere)).toMatch(/^InvalidParameterValue: .*eu-central-1a/);
    expect(
      at.call('DescribeAvailabilityZones', { Filters: [{ Name: 'state', Values: ['available'] }] }),
    ).toMatchObject({ AvailabilityZones: [{ ZoneName: 'eu-central-1a' }, { ZoneId: 'euc1-az2' }, {}] });
  });

  it('leaves its route table and its ACL when it is deleted', () => {
    const at = site();
    const [SubnetId] = at.subnets;
    at.call('AssociateRouteTable', { RouteTableId: at.table, SubnetId });
    at.call('DeleteSubnet', { SubnetId });
    at.call('DeleteRouteTable', { RouteTableId: at.table });
    const Filters = [{ Name: 'association.subnet-id', Values: [SubnetId] }];
    expect(at.call('DescribeNetworkAcls', { Filters })).toEqual({ NetworkAcls: [] });
  });
});

describe('the default VPC', () => {
  it('is there from the start where the settings say so, with a subnet in each zone and a gateway', () => {
    const at = calls({ defaultVpc: true });
    expect(at.call('DescribeVpcs')).toMatchObject({
      Vpcs: [{ CidrBlock: '172.31.0.0/16', IsDefault: true }],
    });
    expect(at.call('DescribeSubnets')).toMatchObject({
      Subnets: [{ DefaultForAz: true, MapPublicIpOnLaunch: true }, {}, { CidrBlock: '172.31.32.0/20' }],
    });
    expect(at.code('CreateDefaultVpc')).toBe('DefaultVpcAlreadyExists');
    expect(calls().call('DescribeVpcs')).toEqual({ Vpcs: [] });
  });
});
