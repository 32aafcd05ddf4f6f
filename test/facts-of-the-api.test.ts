/** The facts that the orchestration system alone shows, by what EC2 takes and refuses: F2, F3 and A3. */
import type { AttachNetworkInterfaceResult, CreateSubnetResult, CreateVpcResult } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handle } from '../sim/ec2/service.ts';
import { name, type Site, site } from './ec2/site.ts';

const subnetIn = (at: Site, VpcId: string, CidrBlock: string, AvailabilityZone: string): string =>
  name(at.call<CreateSubnetResult>('CreateSubnet', { VpcId, CidrBlock, AvailabilityZone }).Subnet?.SubnetId);

describe('the big picture', () => {
  it('F2: a VPC lives in one region: no other knows it, and none of its subnets is elsewhere', () => {
    const at = site();
    const ask = (region: string) =>
      handle(
        at.cloud,
        {
          ...{ account: '111122223333', region, service: 'ec2' as const, action: 'DescribeVpcs' },
          input: { VpcIds: [at.vpc] },
        },
        0,
      );
    expect(ask('eu-central-1')).toMatchObject({ kind: 'ok', output: { Vpcs: [{ VpcId: at.vpc }] } });
    expect(ask('us-east-1')).toMatchObject({ kind: 'error', code: 'InvalidVpcID.NotFound' });
    const there = { VpcId: at.vpc, CidrBlock: '10.0.9.0/24', AvailabilityZone: 'us-east-1a' };
    expect(at.code('CreateSubnet', there)).toBe('InvalidParameterValue');
  });

  it('F3: a subnet lives in one zone, and what is in it with it', () => {
    const at = site();
    const [a, b] = at.subnets;
    const zoneOf = (subnet: string) => at.interfaceOf(at.eni(subnet)).AvailabilityZone;
    expect([zoneOf(a), zoneOf(b)]).toEqual(['eu-central-1a', 'eu-central-1b']);
    const { id } = at.instance(a);
    const attach = { InstanceId: id, DeviceIndex: 1 };
    expect(at.code('AttachNetworkInterface', { ...attach, NetworkInterfaceId: at.eni(b) })).toBe(
      'InvalidParameterCombination',
    );
    const same = { ...attach, NetworkInterfaceId: at.eni(a) };
    expect(at.call<AttachNetworkInterfaceResult>('AttachNetworkInterface', same).AttachmentId).toMatch(
      /^eni-attach-/,
    );
  });
});

describe('amendments', () => {
  it('A3: an instance may have ENIs of another VPC of its account, in its zone', () => {
    const at = site();
    const other = name(at.call<CreateVpcResult>('CreateVpc', { CidrBlock: '10.1.0.0/16' }).Vpc?.VpcId);
    const near = at.eni(subnetIn(at, other, '10.1.0.0/24', 'eu-central-1a'));
    const far = at.eni(subnetIn(at, other, '10.1.1.0/24', 'eu-central-1b'));
    const { id } = at.instance(at.subnets[0]);
    const attach = { InstanceId: id, DeviceIndex: 1 };
    expect(at.code('AttachNetworkInterface', { ...attach, NetworkInterfaceId: far })).toBe(
      'InvalidParameterCombination',
    );
    at.call('AttachNetworkInterface', { ...attach, NetworkInterfaceId: near });
    expect(at.interfaceOf(near)).toMatchObject({
      VpcId: other,
      Attachment: { InstanceId: id, Status: 'attached' },
    });
  });
});
