import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import { refusal, type Site, site } from './site.ts';

const allocate = (at: Site): { readonly AllocationId: string; readonly PublicIp: string } =>
  at.call('AllocateAddress');

describe('Elastic IP addresses', () => {
  it('are cut again without an error, as long as the association was the last', () => {
    const at = site();
    const NetworkInterfaceId = at.eni(at.subnets[0]);
    const { AllocationId } = allocate(at);
    const tie = (): object => at.call('AssociateAddress', { AllocationId, NetworkInterfaceId });
    const first = tie();
    for (let time = 0; time < 2; time++) at.call('DisassociateAddress', first);
    const second = tie();
    at.call('DisassociateAddress', first);
    expect(at.interfaceOf(NetworkInterfaceId).Association).toMatchObject(second);
    at.call('DisassociateAddress', second);
    expect(refusal(at, 'DisassociateAddress', first)).toMatch(/^InvalidAssociationID.NotFound/);
  });

  it('are tied to a private address, shown on the ENI, and cut when it goes', () => {
    const at = site();
    const NetworkInterfaceId = at.eni(at.subnets[0]);
    const { AllocationId, PublicIp } = allocate(at);
    takeChanges(at.cloud);
    const input = { AllocationId, NetworkInterfaceId };
    const { AssociationId } = at.call<{ AssociationId: string }>('AssociateAddress', input);
    expect(at.call('AssociateAddress', input)).toEqual({ AssociationId });
    expect(at.interfaceOf(NetworkInterfaceId).Association).toMatchObject({
      PublicIp,
      AllocationId,
      AssociationId,
    });
    expect(takeChanges(at.cloud)).toMatchObject([
      { id: NetworkInterfaceId, value: { publicAddresses: [{ private: '10.0.0.4', public: PublicIp }] } },
    ]);
    expect(refusal(at, 'ReleaseAddress', { AllocationId })).toMatch(/^InvalidIPAddress.InUse/);
    at.call('DeleteNetworkInterface', { NetworkInterfaceId });
    const Filters = [{ Name: 'association-id', Values: [AssociationId] }];
    expect(at.call('DescribeAddresses', { Filters })).toEqual({ Addresses: [] });
    at.call('ReleaseAddress', { AllocationId });
    expect(refusal(at, 'DescribeAddresses', { AllocationIds: [AllocationId] })).toMatch(
      /^InvalidAllocationID.NotFound/,
    );
  });

  it('move by themselves, unless AllowReassociation is false', () => {
    const at = site();
    const [one, two] = [at.eni(at.subnets[0]), at.eni(at.subnets[0])];
    const { AllocationId } = allocate(at);
    const to = (NetworkInterfaceId: string, more = {}): object => ({
      AllocationId,
      NetworkInterfaceId,
      ...more,
    });
    at.call('AssociateAddress', to(one));
    expect(refusal(at, 'AssociateAddress', to(two, { AllowReassociation: false }))).toMatch(
      /^Resource.AlreadyAssociated/,
    );
    at.call('AssociateAddress', to(two));
    expect(at.interfaceOf(one).Association).toBeUndefined();
    expect(at.interfaceOf(two).Association).toMatchObject({ AllocationId });
    const other = allocate(at);
    const displace = { AllocationId: other.AllocationId, NetworkInterfaceId: two };
    expect(refusal(at, 'AssociateAddress', { ...displace, AllowReassociation: false })).toMatch(
      /AlreadyAssociated/,
    );
    at.call('AssociateAddress', displace);
    const { Addresses: shown } = at.call<{ Addresses: { AssociationId?: string }[] }>('DescribeAddresses', {
      AllocationIds: [AllocationId],
    });
    expect(shown[0]?.AssociationId).toBeUndefined();
  });

  it('take the place of an address that was lent at launch', () => {
    const at = site();
    at.call('ModifySubnetAttribute', { SubnetId: at.subnets[0], MapPublicIpOnLaunch: { Value: true } });
    const { id, eni } = at.instance(at.subnets[0]);
    expect(at.interfaceOf(eni).Association).toMatchObject({ IpOwnerId: 'amazon' });
    const { AllocationId, PublicIp } = allocate(at);
    at.call('AssociateAddress', { AllocationId, InstanceId: id });
    expect(at.interfaceOf(eni).Association?.PublicIp).toBe(PublicIp);
    expect(at.call('DescribeAddresses')).toMatchObject({
      Addresses: [{ InstanceId: id, NetworkInterfaceId: eni }],
    });
  });

  it('are refused in EC2 words', () => {
    const at = site({ quotas: { addresses: 1 } });
    const NetworkInterfaceId = at.eni(at.subnets[0]);
    const { AllocationId, PublicIp } = allocate(at);
    expect(refusal(at, 'AllocateAddress', {})).toMatch(/^AddressLimitExceeded/);
    expect(refusal(at, 'AssociateAddress', { AllocationId, PublicIp, NetworkInterfaceId })).toMatch(
      /^InvalidParameterCombination/,
    );
    const wrong = { AllocationId, NetworkInterfaceId, PrivateIpAddress: '10.0.0.99' };
    expect(refusal(at, 'AssociateAddress', wrong)).toMatch(/^InvalidParameterValue/);
    expect(refusal(at, 'DisassociateAddress', { AssociationId: 'eipassoc-00000000000000000' })).toMatch(
      /^InvalidAssociationID.NotFound/,
    );
    at.call('DetachInternetGateway', { InternetGatewayId: at.gateway, VpcId: at.vpc });
    expect(refusal(at, 'AssociateAddress', { AllocationId, NetworkInterfaceId })).toMatch(
      /^Gateway.NotAttached/,
    );
  });

  it('keep the gateway from being detached while they are in use', () => {
    const at = site();
    const { AllocationId } = allocate(at);
    const input = { AllocationId, NetworkInterfaceId: at.eni(at.subnets[0]) };
    const { AssociationId } = at.call<{ AssociationId: string }>('AssociateAddress', input);
    const detach = { InternetGatewayId: at.gateway, VpcId: at.vpc };
    expect(refusal(at, 'DetachInternetGateway', detach)).toMatch(/^DependencyViolation/);
    at.call('DisassociateAddress', { AssociationId });
    at.call('DetachInternetGateway', detach);
  });
});
