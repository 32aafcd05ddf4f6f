import type { AllocateAddressResult, DescribeNatGatewaysResult, NatGateway } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { name, refusal, type Site, site } from './site.ts';

const allocate = (at: Site): string =>
  name(at.call<AllocateAddressResult>('AllocateAddress', { Domain: 'vpc' }).AllocationId);

const create = (at: Site, more: object = {}): string =>
  name(
    at.call<{ NatGateway: NatGateway }>('CreateNatGateway', { SubnetId: at.subnets[0], ...more }).NatGateway
      .NatGatewayId,
  );

const one = (at: Site, id: string): NatGateway =>
  present(
    at.call<DescribeNatGatewaysResult>('DescribeNatGateways', { NatGatewayIds: [id] }).NatGateways?.[0],
    id,
  );

const anywhere = { DestinationCidrBlock: '0.0.0.0/0' };

describe('a NAT gateway', () => {
  it('takes an Elastic IP and an ENI that nobody else may touch, and gives both back', () => {
    const at = site({ natGatewayMs: 1000 });
    const AllocationId = allocate(at);
    const id = create(at, { AllocationId });
    expect(one(at, id)).toMatchObject({ State: 'pending', ConnectivityType: 'public', VpcId: at.vpc });
    at.pass(1000);
    const made = one(at, id);
    expect(made.State).toBe('available');
    const [address] = made.NatGatewayAddresses ?? [];
    const eni = name(address?.NetworkInterfaceId);
    expect(address).toMatchObject({ AllocationId, IsPrimary: true, Status: 'succeeded' });
    expect(at.interfaceOf(eni)).toMatchObject({
      InterfaceType: 'nat_gateway',
      Status: 'in-use',
      RequesterManaged: true,
      Groups: [],
    });
    expect(at.code('DeleteNetworkInterface', { NetworkInterfaceId: eni })).toBe('InvalidParameterValue');
    expect(at.code('DeleteSubnet', { SubnetId: at.subnets[0] })).toBe('DependencyViolation');
    expect(refusal(at, 'CreateNatGateway', { SubnetId: at.subnets[0], AllocationId })).toMatch(
      /^Resource.AlreadyAssociated/,
    );
    at.call('CreateRoute', { RouteTableId: at.table, ...anywhere, NatGatewayId: id });
    expect(at.routes().at(-1)).toMatchObject({ NatGatewayId: id, State: 'active' });
    at.call('DeleteNatGateway', { NatGatewayId: id });
    expect(one(at, id).State).toBe('deleting');
    at.pass(1000);
    expect(one(at, id).State).toBe('deleted');
    expect(at.routes().at(-1)).toMatchObject({ NatGatewayId: id, State: 'blackhole' });
    expect(at.code('DescribeNetworkInterfaces', { NetworkInterfaceIds: [eni] })).toBe(
      'InvalidNetworkInterfaceID.NotFound',
    );
    at.call('ReleaseAddress', { AllocationId });
    at.call('DeleteSubnet', { SubnetId: at.subnets[0] });
    at.pass(3_600_000);
    expect(at.code('DescribeNatGateways', { NatGatewayIds: [id] })).toBe('NatGatewayNotFound');
  });

  it('that is private has no public address, and may stand inside the VPC', () => {
    const at = site();
    const id = create(at, { ConnectivityType: 'private', PrivateIpAddress: '10.0.0.77' });
    expect(one(at, id).NatGatewayAddresses?.[0]).toMatchObject({ PrivateIp: '10.0.0.77' });
    const inside = { RouteTableId: at.table, DestinationCidrBlock: '10.0.1.0/24', NatGatewayId: id };
    at.call('CreateRoute', inside);
    const found = at.call<DescribeNatGatewaysResult>('DescribeNatGateways', {
      Filter: [{ Name: 'subnet-id', Values: [at.subnets[1]] }],
    });
    expect(found.NatGateways).toEqual([]);
  });

  it('fails later in a VPC without an Internet gateway, and says why', () => {
    const at = site();
    at.call('DetachInternetGateway', { InternetGatewayId: at.gateway, VpcId: at.vpc });
    const AllocationId = allocate(at);
    const id = create(at, { AllocationId });
    expect(one(at, id)).toMatchObject({ State: 'failed', FailureCode: 'Gateway.NotAttached' });
    at.call('ReleaseAddress', { AllocationId });
  });

  it('refuses what EC2 refuses', () => {
    const at = site({ quotas: { natGatewaysPerZone: 1 } });
    const SubnetId = at.subnets[0];
    const refused = (more: object): string => refusal(at, 'CreateNatGateway', { SubnetId, ...more });
    expect(refused({})).toMatch(/^MissingParameter: .*AllocationId/);
    expect(refused({ ConnectivityType: 'odd' })).toMatch(/^InvalidParameterValue/);
    const both = { ConnectivityType: 'private', AllocationId: allocate(at) };
    expect(refused(both)).toMatch(/^InvalidParameterCombination/);
    expect(refused({ AllocationId: 'eipalloc-00000000000000000' })).toMatch(/^InvalidAllocationID.NotFound/);
    const id = create(at, { ConnectivityType: 'private' });
    expect(refused({ ConnectivityType: 'private' })).toMatch(/^NatGatewayLimitExceeded/);
    expect(at.code('DeleteVpc', { VpcId: at.vpc })).toBe('DependencyViolation');
    at.call('AssociateRouteTable', { RouteTableId: at.table, GatewayId: at.gateway });
    const edge = { RouteTableId: at.table, DestinationCidrBlock: '10.0.1.0/24', NatGatewayId: id };
    expect(refusal(at, 'CreateRoute', edge)).toMatch(/neither local nor a network interface/);
  });
});

describe('an egress-only Internet gateway', () => {
  it('is made for a VPC, routes IPv6 only, and leaves a blackhole', () => {
    const at = site({ quotas: { egressOnlyGateways: 1 } });
    const { EgressOnlyInternetGateway: made } = at.call<{
      EgressOnlyInternetGateway: { EgressOnlyInternetGatewayId: string };
    }>('CreateEgressOnlyInternetGateway', { VpcId: at.vpc });
    const id = made.EgressOnlyInternetGatewayId;
    expect(made).toMatchObject({ Attachments: [{ State: 'attached', VpcId: at.vpc }] });
    expect(at.code('CreateEgressOnlyInternetGateway', { VpcId: at.vpc })).toBe(
      'EgressOnlyInternetGatewayLimitExceeded',
    );
    const route = { RouteTableId: at.table, EgressOnlyInternetGatewayId: id };
    expect(refusal(at, 'CreateRoute', { ...route, ...anywhere })).toMatch(
      /^InvalidParameterValue: .*IPv6 only/,
    );
    at.call('CreateRoute', { ...route, DestinationIpv6CidrBlock: '::/0' });
    expect(at.routes().at(-1)).toMatchObject({ EgressOnlyInternetGatewayId: id, State: 'active' });
    at.call('DeleteEgressOnlyInternetGateway', { EgressOnlyInternetGatewayId: id });
    expect(at.routes().at(-1)?.State).toBe('blackhole');
    const gone = { EgressOnlyInternetGatewayIds: [id] };
    expect(at.code('DescribeEgressOnlyInternetGateways', gone)).toBe('InvalidGatewayID.NotFound');
  });
});
