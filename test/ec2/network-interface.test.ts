import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextAt, takeChanges } from '../../sim/ec2/service.ts';
import { name, refusal, type Site, site } from './site.ts';

const attach = (at: Site, NetworkInterfaceId: string, InstanceId: string, DeviceIndex = 1): string => {
  const input = { NetworkInterfaceId, InstanceId, DeviceIndex };
  return name(at.call<{ AttachmentId: string }>('AttachNetworkInterface', input).AttachmentId);
};

describe('creating an ENI', () => {
  it('gives the lowest free addresses beyond the four that AWS keeps', () => {
    const at = site();
    const [subnet] = at.subnets;
    expect(at.interfaceOf(at.eni(subnet)).PrivateIpAddress).toBe('10.0.0.4');
    at.eni(subnet, { PrivateIpAddress: '10.0.0.6' });
    const third = at.interfaceOf(at.eni(subnet, { SecondaryPrivateIpAddressCount: 1 }));
    expect(third.PrivateIpAddresses?.map((each) => [each.PrivateIpAddress, each.Primary])).toEqual([
      ['10.0.0.5', true],
      ['10.0.0.7', false],
    ]);
  });

  it('takes the addresses that the provider lists, primary first', () => {
    const at = site();
    const PrivateIpAddresses = [
      { PrivateIpAddress: '10.0.0.20', Primary: false },
      { PrivateIpAddress: '10.0.0.10', Primary: true },
    ];
    const eni = at.interfaceOf(at.eni(at.subnets[0], { PrivateIpAddresses }));
    expect(eni.PrivateIpAddress).toBe('10.0.0.10');
    expect(eni).toMatchObject({
      Status: 'available',
      SourceDestCheck: true,
      Groups: [{ GroupName: 'default' }],
    });
    expect(eni.MacAddress).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  });

  it('refuses addresses that are reserved, outside, taken or not addresses', () => {
    const at = site();
    const [SubnetId] = at.subnets;
    at.eni(SubnetId, { PrivateIpAddress: '10.0.0.9' });
    const cases = [
      ['10.0.0.3', /^InvalidParameterValue: Address 10.0.0.3 is in subnet's reserved/],
      ['10.0.0.255', /^InvalidParameterValue: .*reserved/],
      ['10.0.1.9', /^InvalidParameterValue: Address 10.0.1.9 does not fall within/],
      ['10.0.0.9', /^InvalidIPAddress.InUse/],
      ['ten', /^InvalidParameterValue/],
    ] as const;
    for (const [PrivateIpAddress, words] of cases) {
      expect(refusal(at, 'CreateNetworkInterface', { SubnetId, PrivateIpAddress })).toMatch(words);
    }
  });

  it('picks the lowest free address and counts the rest, whatever was made, undone, moved and deleted', () => {
    const step = fc.record({
      action: fc.constantFrom('make', 'make two', 'try', 'name', 'move', 'delete'),
      nth: fc.nat({ max: 9 }),
      last: fc.integer({ min: 4, max: 14 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const at = site();
        const [SubnetId] = at.subnets;
        const lastsOf = (id: string): number[] =>
          (at.interfaceOf(id).PrivateIpAddresses ?? []).map((each) =>
            Number(each.PrivateIpAddress?.slice(7)),
          );
        const made: string[] = [];
        for (const { action, nth, last } of steps) {
          const taken = new Set(made.flatMap(lastsOf));
          const free = Array.from({ length: 40 }, (_, index) => index + 4).filter((each) => !taken.has(each));
          const one = made[nth % Math.max(1, made.length)];
          const PrivateIpAddress = `10.0.0.${last}`;
          if (action === 'make' || action === 'make two') {
            const count = action === 'make' ? 0 : 1;
            const id = at.eni(SubnetId, { SecondaryPrivateIpAddressCount: count });
            expect(lastsOf(id)).toEqual(free.slice(0, count + 1));
            made.push(id);
          } else if (action === 'try') {
            expect(at.code('CreateNetworkInterface', { SubnetId, DryRun: true })).toBe('DryRunOperation');
          } else if (action === 'name' && !taken.has(last)) {
            made.push(at.eni(SubnetId, { PrivateIpAddress }));
          } else if (action === 'move' && one !== undefined && !made.some((id) => lastsOf(id)[0] === last)) {
            const addresses = { PrivateIpAddresses: [PrivateIpAddress], AllowReassignment: true };
            at.call('AssignPrivateIpAddresses', { NetworkInterfaceId: one, ...addresses });
          } else if (action === 'delete' && one !== undefined) {
            at.call('DeleteNetworkInterface', { NetworkInterfaceId: one });
            made.splice(made.indexOf(one), 1);
          }
          const { Subnets } = at.call<{ Subnets: { AvailableIpAddressCount: number }[] }>('DescribeSubnets', {
            SubnetIds: [SubnetId],
          });
          expect(Subnets[0]?.AvailableIpAddressCount).toBe(251 - made.flatMap(lastsOf).length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('fills a subnet of /28 with 11 ENIs and no more', () => {
    const at = site();
    const { Subnet: small } = at.call<{ Subnet: { SubnetId: string } }>('CreateSubnet', {
      VpcId: at.vpc,
      CidrBlock: '10.0.2.0/28',
    });
    for (let index = 0; index < 11; index++) at.eni(small.SubnetId);
    expect(refusal(at, 'CreateNetworkInterface', { SubnetId: small.SubnetId })).toMatch(
      /^InsufficientFreeAddressesInSubnet/,
    );
  });

  it('draws IPv6 addresses only where the subnet has a block', () => {
    const at = site();
    const [SubnetId] = at.subnets;
    expect(refusal(at, 'CreateNetworkInterface', { SubnetId, Ipv6AddressCount: 1 })).toMatch(
      /no IPv6 CIDR block/,
    );
    const { Ipv6CidrBlockAssociation: block } = at.call<{
      Ipv6CidrBlockAssociation: { Ipv6CidrBlock: string };
    }>('AssociateVpcCidrBlock', { VpcId: at.vpc, AmazonProvidedIpv6CidrBlock: true });
    const Ipv6CidrBlock = block.Ipv6CidrBlock.replace('/56', '/64');
    at.call('AssociateSubnetCidrBlock', { SubnetId, Ipv6CidrBlock });
    at.call('ModifySubnetAttribute', { SubnetId, AssignIpv6AddressOnCreation: { Value: true } });
    const eni = at.interfaceOf(at.eni(SubnetId));
    expect(eni.Ipv6Addresses).toHaveLength(1);
    expect(eni.Ipv6Address?.startsWith(Ipv6CidrBlock.replace('::/64', ':'))).toBe(true);
  });
});

describe('attaching and detaching', () => {
  const timed = { attachMs: 3000, detachMs: 4000, forceDetachMs: 1000 };

  it('take their time, and the data plane sees the ENI only while it is attached', () => {
    const at = site(timed);
    const { id } = at.instance(at.subnets[0]);
    const eni = at.eni(at.subnets[0]);
    takeChanges(at.cloud);
    const attachment = attach(at, eni, id);
    expect(at.interfaceOf(eni)).toMatchObject({ Status: 'attaching', Attachment: { Status: 'attaching' } });
    at.pass(2999);
    expect(takeChanges(at.cloud).filter((change) => change.id === eni)).toEqual([]);
    at.pass(1);
    expect(at.interfaceOf(eni)).toMatchObject({ Status: 'in-use', Attachment: { Status: 'attached' } });
    expect(takeChanges(at.cloud)).toMatchObject([
      { id: eni, value: { attachment: { instance: id, deviceIndex: 1 } } },
    ]);
    at.call('DetachNetworkInterface', { AttachmentId: attachment });
    expect(at.interfaceOf(eni)).toMatchObject({ Status: 'detaching', Attachment: { Status: 'detaching' } });
    const [gone] = takeChanges(at.cloud);
    expect(gone?.value).not.toHaveProperty('attachment');
    const Filters = [{ Name: 'attachment.attachment-id', Values: [attachment] }];
    expect(at.call('DescribeNetworkInterfaces', { Filters })).toMatchObject({ NetworkInterfaces: [{}] });
    at.pass(4000);
    expect(at.interfaceOf(eni).Status).toBe('available');
    expect(at.call('DescribeNetworkInterfaces', { Filters })).toEqual({ NetworkInterfaces: [] });
    expect(nextAt(at.cloud)).toBeUndefined();
  });

  it('end sooner by force, and a late ordinary detach does not cut the next attachment', () => {
    const at = site(timed);
    const first = at.instance(at.subnets[0]);
    const second = at.instance(at.subnets[0]);
    const eni = at.eni(at.subnets[0]);
    const attachment = attach(at, eni, first.id);
    at.pass(3000);
    at.call('DetachNetworkInterface', { AttachmentId: attachment });
    expect(refusal(at, 'DetachNetworkInterface', { AttachmentId: attachment })).toMatch(/^IncorrectState/);
    at.call('DetachNetworkInterface', { AttachmentId: attachment, Force: true });
    at.pass(1000);
    expect(at.interfaceOf(eni).Status).toBe('available');
    attach(at, eni, second.id);
    at.pass(10_000);
    expect(at.interfaceOf(eni).Attachment).toMatchObject({ InstanceId: second.id, Status: 'attached' });
  });

  it('are refused in EC2 words', () => {
    const at = site();
    const near = at.instance(at.subnets[0]);
    const far = at.instance(at.subnets[1]);
    const eni = at.eni(at.subnets[0]);
    const tryAttach = (InstanceId: string, DeviceIndex: number, NetworkInterfaceId = eni): string =>
      refusal(at, 'AttachNetworkInterface', { NetworkInterfaceId, InstanceId, DeviceIndex });
    expect(tryAttach(far.id, 1)).toMatch(
      /^InvalidParameterCombination: You may not attach .* availability zone/,
    );
    expect(tryAttach(near.id, 0)).toMatch(/^InvalidParameterValue: .*already has an interface .* index '0'/);
    expect(tryAttach('i-00000000000000000', 1)).toMatch(/^InvalidInstanceID.NotFound/);
    attach(at, eni, near.id);
    expect(tryAttach(near.id, 2)).toBe(`InvalidNetworkInterface.InUse: Interface: [${eni}] in use.`);
    expect(refusal(at, 'DeleteNetworkInterface', { NetworkInterfaceId: eni })).toMatch(/currently in use/);
    attach(at, at.eni(at.subnets[0]), near.id, 2);
    expect(tryAttach(near.id, 3, at.eni(at.subnets[0]))).toMatch(/^AttachmentLimitExceeded/);
    const primary = at.interfaceOf(near.eni).Attachment?.AttachmentId;
    expect(refusal(at, 'DetachNetworkInterface', { AttachmentId: primary, Force: true })).toBe(
      'OperationNotPermitted: The network interface at device index 0 cannot be detached.',
    );
    expect(refusal(at, 'DetachNetworkInterface', { AttachmentId: 'eni-attach-00000000000000000' })).toMatch(
      /^InvalidAttachmentID.NotFound/,
    );
  });
});

describe('attributes of an ENI', () => {
  it('change one at a time', () => {
    const at = site();
    const NetworkInterfaceId = at.eni(at.subnets[0]);
    const modify = (more: object): unknown =>
      at.call('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId, ...more });
    takeChanges(at.cloud);
    modify({ SourceDestCheck: { Value: false } });
    modify({ Description: { Value: 'outside' } });
    expect(at.interfaceOf(NetworkInterfaceId)).toMatchObject({
      SourceDestCheck: false,
      Description: 'outside',
    });
    expect(takeChanges(at.cloud)).toMatchObject([{ value: { sourceDestCheck: false } }]);
    const both = { NetworkInterfaceId, SourceDestCheck: { Value: true }, Description: { Value: '' } };
    expect(refusal(at, 'ModifyNetworkInterfaceAttribute', both)).toMatch(/^InvalidParameterCombination/);
    expect(refusal(at, 'ModifyNetworkInterfaceAttribute', { NetworkInterfaceId })).toMatch(
      /^InvalidParameterCombination/,
    );
    at.call('ResetNetworkInterfaceAttribute', { NetworkInterfaceId, SourceDestCheck: 'sourceDestCheck' });
    expect(at.interfaceOf(NetworkInterfaceId).SourceDestCheck).toBe(true);
  });
});

describe('secondary private addresses', () => {
  const texts = (at: Site, eni: string): unknown =>
    at.interfaceOf(eni).PrivateIpAddresses?.map((each) => each.PrivateIpAddress);

  it('move between ENIs with their Elastic IP, only when that is allowed', () => {
    const at = site();
    const [from, to] = [at.eni(at.subnets[0]), at.eni(at.subnets[0])];
    const PrivateIpAddresses = ['10.0.0.50'];
    at.call('AssignPrivateIpAddresses', { NetworkInterfaceId: from, PrivateIpAddresses });
    const { AllocationId } = at.call<{ AllocationId: string }>('AllocateAddress');
    at.call('AssociateAddress', { AllocationId, NetworkInterfaceId: from, PrivateIpAddress: '10.0.0.50' });
    const take = { NetworkInterfaceId: to, PrivateIpAddresses };
    expect(refusal(at, 'AssignPrivateIpAddresses', take)).toBe(
      'InvalidParameterValue: [10.0.0.50] is assigned, but move is not allowed.',
    );
    at.call('AssignPrivateIpAddresses', { ...take, AllowReassignment: true });
    expect([texts(at, from), texts(at, to)]).toEqual([['10.0.0.4'], ['10.0.0.5', '10.0.0.50']]);
    expect(at.call('DescribeAddresses', { AllocationIds: [AllocationId] })).toMatchObject({
      Addresses: [{ NetworkInterfaceId: to, PrivateIpAddress: '10.0.0.50' }],
    });
    const primary = { ...take, PrivateIpAddresses: ['10.0.0.4'], AllowReassignment: true };
    expect(refusal(at, 'AssignPrivateIpAddresses', primary)).toMatch(/^InvalidParameterValue: .*primary/);
  });

  it('are bounded by the instance type, and the primary one stays', () => {
    const at = site();
    const { eni: NetworkInterfaceId } = at.instance(at.subnets[0], { InstanceType: 't3.micro' });
    const count = (SecondaryPrivateIpAddressCount: number): object => ({
      NetworkInterfaceId,
      SecondaryPrivateIpAddressCount,
    });
    expect(refusal(at, 'AssignPrivateIpAddresses', count(2))).toMatch(/^PrivateIpAddressLimitExceeded/);
    at.call('AssignPrivateIpAddresses', count(1));
    expect(texts(at, NetworkInterfaceId)).toEqual(['10.0.0.4', '10.0.0.5']);
    const drop = (...PrivateIpAddresses: string[]): object => ({ NetworkInterfaceId, PrivateIpAddresses });
    expect(refusal(at, 'UnassignPrivateIpAddresses', drop('10.0.0.4'))).toMatch(
      /^InvalidParameterValue: The primary/,
    );
    expect(refusal(at, 'UnassignPrivateIpAddresses', drop('10.0.0.5', '10.0.0.6'))).toMatch(/not assigned/);
    at.call('UnassignPrivateIpAddresses', drop('10.0.0.5'));
    expect(texts(at, NetworkInterfaceId)).toEqual(['10.0.0.4']);
  });

  it('never belong to two ENIs, whatever is assigned, moved and dropped', () => {
    const step = fc.record({
      action: fc.constantFrom('assign', 'move', 'drop', 'count'),
      eni: fc.nat({ max: 2 }),
      address: fc.integer({ min: 2, max: 12 }).map((last) => `10.0.0.${last}`),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const at = site();
        const enis = [0, 1, 2].map(() => at.eni(at.subnets[0]));
        for (const { action, eni, address } of steps) {
          const NetworkInterfaceId = enis[eni];
          const named = { NetworkInterfaceId, PrivateIpAddresses: [address] };
          try {
            if (action === 'drop') at.call('UnassignPrivateIpAddresses', named);
            else if (action === 'count') {
              at.call('AssignPrivateIpAddresses', { NetworkInterfaceId, SecondaryPrivateIpAddressCount: 1 });
            } else at.call('AssignPrivateIpAddresses', { ...named, AllowReassignment: action === 'move' });
          } catch {
            // A refusal is as good as a success here: the addresses must stay apart either way.
          }
        }
        const all = enis.flatMap((eni) => texts(at, eni) as string[]);
        expect(new Set(all).size).toBe(all.length);
        expect(all.filter((address) => /\.[0-3]$/.test(address))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
