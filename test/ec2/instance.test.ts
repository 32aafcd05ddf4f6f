/** Instances, their types, images, volumes and key pairs, through the service without HTTP. */
import type {
  DescribeIamInstanceProfileAssociationsResult,
  DescribeImagesResult,
  DescribeInstanceAttributeRequest,
  DescribeInstanceStatusResult,
  DescribeInstancesResult,
  DescribeInstanceTypesResult,
  DescribeVolumesResult,
  Instance,
  InstanceAttribute,
  InstanceStatus,
  StartInstancesResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { nextAt, takeChanges } from '../../sim/ec2/service.ts';
import type { Calls } from './calls.ts';
import { name, type Site, site } from './site.ts';

const LAUNCH = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 };
const SLOW = { startMs: 30_000, stopMs: 20_000, terminateMs: 10_000 };

function shown({ call }: Calls, id: string): Instance {
  const found = call<DescribeInstancesResult>('DescribeInstances', { InstanceIds: [id] });
  const [instance] = found.Reservations?.flatMap((each) => each.Instances ?? []) ?? [];
  if (instance === undefined) throw new Error(`${id} is not shown`);
  return instance;
}

const stateOf = (ec2: Calls, id: string): string | undefined => shown(ec2, id).State?.Name;

function launch(ec2: Site, more: object = {}): string {
  const run = ec2.call<{ Instances: Instance[] }>('RunInstances', {
    ...LAUNCH,
    SubnetId: ec2.subnets[0],
    ...more,
  });
  return name(run.Instances[0]?.InstanceId);
}

describe('the state machine of an instance', () => {
  it('takes the time of the settings for each step', () => {
    const ec2 = site(SLOW);
    const id = launch(ec2);
    expect(stateOf(ec2, id)).toBe('pending');
    expect(nextAt(ec2.cloud)).toBe(30_000);
    ec2.pass(29_999);
    expect(stateOf(ec2, id)).toBe('pending');
    ec2.pass(1);
    expect(stateOf(ec2, id)).toBe('running');
    ec2.call('StopInstances', { InstanceIds: [id] });
    expect(stateOf(ec2, id)).toBe('stopping');
    ec2.pass(20_000);
    expect(stateOf(ec2, id)).toBe('stopped');
    const started = ec2.call<StartInstancesResult>('StartInstances', { InstanceIds: [id] });
    expect(started.StartingInstances).toEqual([
      {
        InstanceId: id,
        PreviousState: { Code: 80, Name: 'stopped' },
        CurrentState: { Code: 0, Name: 'pending' },
      },
    ]);
    ec2.call('TerminateInstances', { InstanceIds: [id] });
    ec2.pass(10_000);
    expect(stateOf(ec2, id)).toBe('terminated');
    ec2.pass(25_000); // when the start would have been over
    expect(stateOf(ec2, id)).toBe('terminated');
  });

  it('tells the data plane of each state', () => {
    const ec2 = site({ stopMs: 5 });
    takeChanges(ec2.cloud);
    const id = launch(ec2);
    ec2.call('StopInstances', { InstanceIds: [id] });
    ec2.pass(5);
    const states = takeChanges(ec2.cloud).flatMap((change) =>
      change.kind === 'instance' ? [change.value?.state] : [],
    );
    expect(states).toEqual(['pending', 'running', 'stopping', 'stopped']);
  });

  it('refuses steps from the wrong state, and does nothing of a request that names one such instance', () => {
    const ec2 = site(SLOW);
    const pending = launch(ec2);
    expect(ec2.code('StopInstances', { InstanceIds: [pending] })).toBe('IncorrectInstanceState');
    expect(ec2.code('RebootInstances', { InstanceIds: [pending] })).toBe('IncorrectInstanceState');
    ec2.pass(30_000);
    const second = launch(ec2);
    expect(ec2.code('StopInstances', { InstanceIds: [pending, second] })).toBe('IncorrectInstanceState');
    expect(stateOf(ec2, pending)).toBe('running');
    ec2.call('RebootInstances', { InstanceIds: [pending] });
    expect(ec2.code('StartInstances', { InstanceIds: ['i-0123456789abcdef0'] })).toBe(
      'InvalidInstanceID.NotFound',
    );
    expect(ec2.code('StartInstances', { InstanceIds: ['web'] })).toBe('InvalidInstanceID.Malformed');
  });

  it('keeps a terminated instance in sight for an hour, out of its VPC', () => {
    const ec2 = site();
    const id = launch(ec2);
    ec2.call('TerminateInstances', { InstanceIds: [id] });
    expect(shown(ec2, id)).toMatchObject({ State: { Name: 'terminated' }, NetworkInterfaces: [] });
    expect(shown(ec2, id).VpcId).toBeUndefined();
    expect(ec2.call<DescribeVolumesResult>('DescribeVolumes').Volumes).toEqual([]);
    ec2.call('DeleteSubnet', { SubnetId: ec2.subnets[0] });
    ec2.pass(3_600_000);
    expect(ec2.code('DescribeInstances', { InstanceIds: [id] })).toBe('InvalidInstanceID.NotFound');
  });

  it('protects from termination and from stopping when told', () => {
    const ec2 = site();
    const id = launch(ec2, { DisableApiTermination: true, DisableApiStop: true });
    expect(ec2.code('TerminateInstances', { InstanceIds: [id] })).toBe('OperationNotPermitted');
    expect(ec2.code('StopInstances', { InstanceIds: [id] })).toBe('OperationNotPermitted');
    ec2.call('ModifyInstanceAttribute', { InstanceId: id, DisableApiTermination: { Value: false } });
    ec2.call('TerminateInstances', { InstanceIds: [id] });
  });
});

describe('RunInstances', () => {
  it('takes an existing ENI as primary and leaves it behind on termination', () => {
    const ec2 = site();
    const eni = ec2.eni(ec2.subnets[0]);
    const id = launch(ec2, {
      SubnetId: undefined,
      NetworkInterfaces: [
        { DeviceIndex: 0, NetworkInterfaceId: eni },
        { DeviceIndex: 1, SubnetId: ec2.subnets[0], PrivateIpAddress: '10.0.0.99' },
      ],
    });
    const [first, second] = shown(ec2, id).NetworkInterfaces ?? [];
    expect(first).toMatchObject({
      NetworkInterfaceId: eni,
      Attachment: { DeviceIndex: 0, DeleteOnTermination: false },
    });
    expect(second).toMatchObject({
      PrivateIpAddress: '10.0.0.99',
      Attachment: { DeleteOnTermination: true },
    });
    ec2.call('TerminateInstances', { InstanceIds: [id] });
    expect(ec2.interfaceOf(eni).Status).toBe('available');
    const gone = { NetworkInterfaceIds: [second?.NetworkInterfaceId] };
    expect(ec2.code('DescribeNetworkInterfaces', gone)).toBe('InvalidNetworkInterfaceID.NotFound');
  });

  it('lends a public address while the instance runs, another after a stop', () => {
    const ec2 = site();
    ec2.call('ModifySubnetAttribute', { SubnetId: ec2.subnets[0], MapPublicIpOnLaunch: { Value: true } });
    const id = launch(ec2);
    const first = name(shown(ec2, id).PublicIpAddress);
    ec2.call('StopInstances', { InstanceIds: [id] });
    expect(shown(ec2, id).PublicIpAddress).toBeUndefined();
    ec2.call('StartInstances', { InstanceIds: [id] });
    expect(name(shown(ec2, id).PublicIpAddress)).not.toBe(first);
    const NetworkInterfaces = [{ DeviceIndex: 0, SubnetId: ec2.subnets[0], AssociatePublicIpAddress: false }];
    expect(
      shown(ec2, launch(ec2, { SubnetId: undefined, NetworkInterfaces })).PublicIpAddress,
    ).toBeUndefined();
  });

  it('launches several in one reservation, once for each client token', () => {
    const ec2 = site();
    const input = { ...LAUNCH, SubnetId: ec2.subnets[0], MaxCount: 3, ClientToken: 'once' };
    const [one, again] = [ec2.call('RunInstances', input), ec2.call('RunInstances', input)];
    expect(again).toEqual(one);
    const found = ec2.call<DescribeInstancesResult>('DescribeInstances');
    expect(
      found.Reservations?.map((each) => each.Instances?.map((instance) => instance.AmiLaunchIndex)),
    ).toEqual([[0, 1, 2]]);
    expect(ec2.code('RunInstances', { ...input, MaxCount: 2 })).toBe('IdempotentParameterMismatch');
  });

  it('leaves nothing behind when the last check fails', () => {
    const ec2 = site();
    const before = ec2.call('DescribeNetworkInterfaces');
    takeChanges(ec2.cloud);
    const NetworkInterfaces = [0, 1, 2].map((DeviceIndex) => ({ DeviceIndex, SubnetId: ec2.subnets[0] }));
    const tooMany = { ...LAUNCH, NetworkInterfaces };
    expect(ec2.code('RunInstances', tooMany)).toBe('AttachmentLimitExceeded');
    expect(ec2.call('DescribeNetworkInterfaces')).toEqual(before);
    expect(ec2.call<DescribeVolumesResult>('DescribeVolumes').Volumes).toEqual([]);
    expect(takeChanges(ec2.cloud)).toEqual([]);
  });

  const userData = (bytes: number): string => btoa('x'.repeat(bytes));
  it.each([
    ['no image', { ImageId: undefined }, 'MissingParameter'],
    ['a malformed image', { ImageId: 'debian' }, 'InvalidAMIID.Malformed'],
    ['an unknown type', { InstanceType: 'z9.huge' }, 'InvalidParameterValue'],
    ['an unknown subnet', { SubnetId: 'subnet-0123456789abcdef0' }, 'InvalidSubnetID.NotFound'],
    ['an unknown group', { SecurityGroupIds: ['sg-0123456789abcdef0'] }, 'InvalidGroup.NotFound'],
    ['an unknown profile', { IamInstanceProfile: { Name: 'none' } }, 'InvalidParameterValue'],
    ['an unknown key pair', { KeyName: 'none' }, 'InvalidKeyPair.NotFound'],
    ['user data over 16 KB', { UserData: userData(16_385) }, 'InvalidParameterValue'],
    ['user data that is not base64', { UserData: '!' }, 'InvalidParameterValue'],
    ['more at least than at most', { MinCount: 2 }, 'InvalidParameterCombination'],
    ['one address for two', { MaxCount: 2, PrivateIpAddress: '10.0.0.9' }, 'InvalidParameterCombination'],
    ['an address outside', { PrivateIpAddress: '10.9.0.9' }, 'InvalidParameterValue'],
    ['a reserved address', { PrivateIpAddress: '10.0.0.3' }, 'InvalidParameterValue'],
    ['a subnet and ENIs', { NetworkInterfaces: [{ DeviceIndex: 0 }] }, 'InvalidParameterCombination'],
    [
      'an unknown launch template',
      { LaunchTemplate: { LaunchTemplateName: 'x' } },
      'InvalidLaunchTemplateName.NotFoundException',
    ],
    ['another zone', { Placement: { AvailabilityZone: 'eu-central-1b' } }, 'InvalidParameterValue'],
    [
      'credits on a type without',
      { InstanceType: 'm5.large', CreditSpecification: { CpuCredits: 'standard' } },
      'InvalidParameterCombination',
    ],
  ])('refuses %s', (_, more, expected) => {
    const ec2 = site();
    expect(ec2.code('RunInstances', { ...LAUNCH, SubnetId: ec2.subnets[0], ...more })).toBe(expected);
  });

  it('takes 16 KB of user data and gives it back', () => {
    const ec2 = site();
    const id = launch(ec2, { UserData: userData(16_384) });
    const input: DescribeInstanceAttributeRequest = { InstanceId: id, Attribute: 'userData' };
    const { UserData } = ec2.call<InstanceAttribute>('DescribeInstanceAttribute', input);
    expect(UserData?.Value).toBe(userData(16_384));
  });
});

describe('attributes of instances', () => {
  it('change the ENI where there is one, and ask for the ENI where there are two', () => {
    const ec2 = site();
    const id = launch(ec2);
    ec2.call('ModifyInstanceAttribute', { InstanceId: id, SourceDestCheck: { Value: false } });
    expect(shown(ec2, id).SourceDestCheck).toBe(false);
    const eni = ec2.eni(ec2.subnets[0]);
    ec2.call('AttachNetworkInterface', { NetworkInterfaceId: eni, InstanceId: id, DeviceIndex: 1 });
    const again = { InstanceId: id, SourceDestCheck: { Value: true } };
    expect(ec2.code('ModifyInstanceAttribute', again)).toBe('InvalidInstanceID');
  });

  it('change the type and user data of a stopped instance only', () => {
    const ec2 = site();
    const id = launch(ec2);
    const resize = { InstanceId: id, InstanceType: { Value: 'c5n.18xlarge' } };
    expect(ec2.code('ModifyInstanceAttribute', resize)).toBe('IncorrectInstanceState');
    ec2.call('StopInstances', { InstanceIds: [id] });
    ec2.call('ModifyInstanceAttribute', resize);
    expect(shown(ec2, id)).toMatchObject({ InstanceType: 'c5n.18xlarge', CpuOptions: { CoreCount: 36 } });
    expect(ec2.code('ModifyInstanceAttribute', { InstanceId: id })).toBe('InvalidParameterCombination');
    const two = { ...resize, EbsOptimized: { Value: true } };
    expect(ec2.code('ModifyInstanceAttribute', two)).toBe('InvalidParameterCombination');
  });

  it('are found by filters on their ENIs, tags and state', () => {
    const ec2 = site();
    const id = launch(ec2, {
      PrivateIpAddress: '10.0.0.77',
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'a' }] }],
    });
    launch(ec2);
    const find = (Name: string, ...Values: string[]): (string | undefined)[] =>
      ec2
        .call<DescribeInstancesResult>('DescribeInstances', { Filters: [{ Name, Values }] })
        .Reservations?.flatMap((each) => each.Instances?.map((instance) => instance.InstanceId) ?? []) ?? [];
    const mac = shown(ec2, id).NetworkInterfaces?.[0]?.MacAddress ?? '';
    expect(find('private-ip-address', '10.0.0.7?')).toEqual([id]);
    expect(find('network-interface.mac-address', mac)).toEqual([id]);
    expect(find('tag:Name', 'a', 'b')).toEqual([id]);
    expect(find('network-interface.attachment.device-index', '0')).toHaveLength(2);
    expect(find('instance-state-name', 'stopped')).toEqual([]);
    expect(find('subnet-id', ec2.subnets[0])).toHaveLength(2);
  });

  it('include one instance profile, which can be replaced while it runs', () => {
    const ec2 = site();
    for (const InstanceProfileName of ['one', 'two']) {
      ec2.call('CreateInstanceProfile', { InstanceProfileName }, 'iam');
    }
    const id = launch(ec2, { IamInstanceProfile: { Name: 'one' } });
    const another = { InstanceId: id, IamInstanceProfile: { Name: 'two' } };
    expect(ec2.code('AssociateIamInstanceProfile', another)).toBe('IncorrectState');
    const found = ec2.call<DescribeIamInstanceProfileAssociationsResult>(
      'DescribeIamInstanceProfileAssociations',
      {
        Filters: [{ Name: 'instance-id', Values: [id] }],
      },
    );
    const AssociationId = found.IamInstanceProfileAssociations?.[0]?.AssociationId;
    ec2.call('ReplaceIamInstanceProfileAssociation', { AssociationId, IamInstanceProfile: { Name: 'two' } });
    expect(shown(ec2, id).IamInstanceProfile?.Arn).toBe('arn:aws:iam::111122223333:instance-profile/two');
    expect(ec2.code('DisassociateIamInstanceProfile', { AssociationId })).toBe('NoSuchAssociation');
  });

  it('name the volumes, which carry the tags and sizes of the launch', () => {
    const ec2 = site();
    const id = launch(ec2, {
      BlockDeviceMappings: [
        { DeviceName: '/dev/xvda', Ebs: { VolumeSize: 20 } },
        { DeviceName: '/dev/sdf', Ebs: { VolumeSize: 5, VolumeType: 'gp2', DeleteOnTermination: false } },
      ],
    });
    const by = { Filters: [{ Name: 'attachment.instance-id', Values: [id] }] };
    const volumes = ec2.call<DescribeVolumesResult>('DescribeVolumes', by).Volumes ?? [];
    expect(volumes.map((each) => [each.Size, each.VolumeType, each.Attachments?.[0]?.Device])).toEqual([
      [20, 'gp3', '/dev/xvda'],
      [5, 'gp2', '/dev/sdf'],
    ]);
    ec2.call('TerminateInstances', { InstanceIds: [id] });
    const left = ec2.call<DescribeVolumesResult>('DescribeVolumes').Volumes ?? [];
    expect(left.map((each) => [each.Size, each.State])).toEqual([[5, 'available']]);
    const small = { BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 2 } }] };
    const launching = { ...LAUNCH, SubnetId: ec2.subnets[0], ...small };
    expect(ec2.code('RunInstances', launching)).toBe('InvalidBlockDeviceMapping');
  });

  it('name a key pair that was imported', () => {
    const ec2 = site();
    const PublicKeyMaterial = new TextEncoder().encode('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me');
    ec2.call('ImportKeyPair', { KeyName: 'me', PublicKeyMaterial });
    expect(ec2.code('ImportKeyPair', { KeyName: 'me', PublicKeyMaterial })).toBe('InvalidKeyPair.Duplicate');
    expect(shown(ec2, launch(ec2, { KeyName: 'me' })).KeyName).toBe('me');
    ec2.call('DeleteKeyPair', { KeyName: 'me' });
    expect(ec2.code('DescribeKeyPairs', { KeyNames: ['me'] })).toBe('InvalidKeyPair.NotFound');
  });

  it('name a placement group, of which a spread one takes seven in a zone', () => {
    const ec2 = site();
    ec2.call('CreatePlacementGroup', { GroupName: 'apart', Strategy: 'spread' });
    expect(ec2.code('CreatePlacementGroup', { GroupName: 'apart' })).toBe('InvalidPlacementGroup.Duplicate');
    const Placement = { GroupName: 'apart' };
    const ids = Array.from({ length: 7 }, () => launch(ec2, { Placement }));
    expect(shown(ec2, ids[0] ?? '').Placement?.GroupName).toBe('apart');
    const full = { ...LAUNCH, SubnetId: ec2.subnets[0], Placement };
    expect(ec2.code('RunInstances', full)).toBe('InsufficientInstanceCapacity');
    expect(ec2.code('DeletePlacementGroup', Placement)).toBe('InvalidPlacementGroup.InUse');
    ec2.call('TerminateInstances', { InstanceIds: ids });
    ec2.call('DeletePlacementGroup', Placement);
    expect(ec2.code('RunInstances', full)).toBe('InvalidPlacementGroup.Unknown');
  });

  it('say whether an instance is reachable as far as the API knows', () => {
    const ec2 = site();
    const [running, stopped] = [launch(ec2), launch(ec2)];
    ec2.call('StopInstances', { InstanceIds: [stopped] });
    const status = (more: object): readonly InstanceStatus[] =>
      ec2.call<DescribeInstanceStatusResult>('DescribeInstanceStatus', more).InstanceStatuses ?? [];
    expect(status({}).map((each) => [each.InstanceId, each.InstanceStatus?.Status])).toEqual([
      [running, 'ok'],
    ]);
    expect(status({ IncludeAllInstances: true })).toHaveLength(2);
  });
});

describe('the catalogue', () => {
  /**
   * EC2 User Guide, "IP addresses per network interface per instance type"; ENIs and IPv4 addresses of
   * each.
   */
  it.each([
    ['t3.micro', 2, 2],
    ['t3.small', 3, 4],
    ['t3.medium', 3, 6],
    ['t3.large', 3, 12],
    ['t3.xlarge', 4, 15],
    ['m5.large', 3, 10],
    ['c5.xlarge', 4, 15],
    ['c5.4xlarge', 8, 30],
    ['m5.24xlarge', 15, 50],
    ['c5n.18xlarge', 15, 50],
  ])('knows that a %s has %i ENIs of %i addresses', (type, interfaces, addresses) => {
    const ec2 = site();
    const found = ec2.call<DescribeInstanceTypesResult>('DescribeInstanceTypes', { InstanceTypes: [type] });
    expect(found.InstanceTypes?.[0]).toMatchObject({
      NetworkInfo: { MaximumNetworkInterfaces: interfaces, Ipv4AddressesPerInterface: addresses },
      BurstablePerformanceSupported: type.startsWith('t'),
    });
  });

  it('finds Debian 12 by owner and name, and takes any well-formed AMI unless it is strict', () => {
    const ec2 = site({ strictAmi: true });
    const found = ec2.call<DescribeImagesResult>('DescribeImages', {
      Owners: ['136693071363'],
      Filters: [{ Name: 'name', Values: ['debian-12-arm64-*'] }],
    });
    expect(found.Images?.map((image) => image.Architecture)).toEqual(['arm64', 'arm64']);
    const arm = { ImageId: found.Images?.[0]?.ImageId };
    const input = { ...LAUNCH, SubnetId: ec2.subnets[0] };
    expect(ec2.code('RunInstances', { ...input, ...arm })).toBe('InvalidParameterValue');
    ec2.call('RunInstances', { ...input, ...arm, InstanceType: 't4g.micro' });
    expect(ec2.code('RunInstances', input)).toBe('InvalidAMIID.NotFound');
    site().call('DescribeImages', { ImageIds: [LAUNCH.ImageId] });
  });
});
