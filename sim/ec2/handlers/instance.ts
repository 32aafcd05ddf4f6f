/** Instances as EC2 shows them. */
import type { GroupIdentifier, Instance, InstanceNetworkInterface, InstanceState } from '@aws-sdk/client-ec2';
import type { InstanceState as StateName } from '../../vpc/model.ts';
import { INSTANCE_TYPES } from '../catalog/instance-types.ts';
import { shownTags } from '../describe.ts';
import { privateDnsName, publicDnsName } from '../dns-name.ts';
import type { Tx } from '../handler.ts';
import type { InstanceRecord } from '../record/compute.ts';
import type { NetworkInterfaceRecord, PublicAddress } from '../record/network.ts';

/** The codes of the states. */
export const STATE_CODES: Readonly<Record<StateName, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** The state as EC2 shows it: a code and a name. */
export const shownState = (name: StateName): InstanceState => ({ Code: STATE_CODES[name], Name: name });

/** The ENIs attached to an instance, by device index; the primary one first. */
export const interfacesOf = (tx: Tx, instance: string): readonly NetworkInterfaceRecord[] =>
  tx
    .referring('network-interface', instance)
    .toSorted((a, b) => (a.attachment?.deviceIndex ?? 0) - (b.attachment?.deviceIndex ?? 0));

/** The security groups of an ENI, as EC2 shows them. */
export const groupsOf = (tx: Tx, eni: NetworkInterfaceRecord): GroupIdentifier[] =>
  eni.groups.map((id) => ({ GroupId: id, GroupName: tx.get('security-group', id)?.name }));

/** Whether public addresses in the VPC have names. */
export const hasDnsNames = (tx: Tx, vpc: string): boolean => tx.get('vpc', vpc)?.dnsHostnames ?? false;

interface ShownAssociation {
  readonly PublicIp: string;
  readonly PublicDnsName: string;
  readonly IpOwnerId: string;
}

function association(
  tx: Tx,
  eni: NetworkInterfaceRecord,
  { public: ip, allocation }: PublicAddress,
): ShownAssociation {
  const name = hasDnsNames(tx, eni.vpc) ? publicDnsName(tx.region, ip) : '';
  return { PublicIp: ip, PublicDnsName: name, IpOwnerId: allocation === undefined ? 'amazon' : tx.account };
}

function shownInterface(tx: Tx, eni: NetworkInterfaceRecord): InstanceNetworkInterface {
  const attachment = eni.attachment;
  const addresses = eni.ipv4.map((ip, index) => {
    const pair = eni.publicAddresses.find((each) => each.private === ip);
    return {
      PrivateIpAddress: ip,
      PrivateDnsName: privateDnsName(tx.region, ip),
      Primary: index === 0,
      ...(pair && { Association: association(tx, eni, pair) }),
    };
  });
  const [primary] = addresses;
  return {
    NetworkInterfaceId: eni.id,
    Description: eni.description,
    Groups: groupsOf(tx, eni),
    InterfaceType: eni.interfaceType,
    Ipv6Addresses: eni.ipv6.map((ip) => ({ Ipv6Address: ip, IsPrimaryIpv6: false })),
    MacAddress: eni.mac,
    OwnerId: eni.account,
    ...(primary && { PrivateDnsName: primary.PrivateDnsName, PrivateIpAddress: primary.PrivateIpAddress }),
    PrivateIpAddresses: addresses,
    SourceDestCheck: eni.sourceDestCheck,
    Status: 'in-use',
    SubnetId: eni.subnet,
    VpcId: eni.vpc,
    ...(primary?.Association && { Association: primary.Association }),
    ...(attachment && {
      Attachment: {
        AttachmentId: attachment.id,
        AttachTime: attachment.attachTime,
        DeleteOnTermination: attachment.deleteOnTermination,
        DeviceIndex: attachment.deviceIndex,
        NetworkCardIndex: attachment.networkCardIndex,
        Status: attachment.status,
      },
    }),
  };
}

/** What is shown of an instance only while it is in a VPC: a terminated one has left it. */
export function shownNetwork(tx: Tx, instance: InstanceRecord): Partial<Instance> {
  if (instance.state === 'terminated') {
    return { NetworkInterfaces: [], SecurityGroups: [], PrivateDnsName: '', PublicDnsName: '' };
  }
  const enis = interfacesOf(tx, instance.id);
  const primary = enis.find((eni) => eni.attachment?.deviceIndex === 0);
  const [ip] = primary?.ipv4 ?? [];
  const publicIp = primary?.publicAddresses.find((each) => each.private === ip)?.public;
  return {
    NetworkInterfaces: enis.map((eni) => shownInterface(tx, eni)),
    SecurityGroups: primary ? groupsOf(tx, primary) : [],
    SubnetId: instance.subnet,
    VpcId: instance.vpc,
    SourceDestCheck: primary?.sourceDestCheck ?? true,
    PrivateDnsName: ip === undefined ? '' : privateDnsName(tx.region, ip),
    ...(ip !== undefined && { PrivateIpAddress: ip }),
    ...(primary?.ipv6[0] !== undefined && { Ipv6Address: primary.ipv6[0] }),
    ...(publicIp !== undefined && { PublicIpAddress: publicIp }),
    PublicDnsName:
      publicIp !== undefined && hasDnsNames(tx, instance.vpc) ? publicDnsName(tx.region, publicIp) : '',
  };
}

/** An instance as RunInstances and DescribeInstances show it. */
export function shownInstance(tx: Tx, instance: InstanceRecord): Instance {
  const type = INSTANCE_TYPES.get(instance.type);
  return {
    InstanceId: instance.id,
    ImageId: instance.image,
    State: shownState(instance.state),
    StateTransitionReason: instance.transitionReason,
    ...(instance.stateReason && {
      StateReason: { Code: instance.stateReason.code, Message: instance.stateReason.message },
    }),
    ...(instance.keyName !== undefined && { KeyName: instance.keyName }),
    ...(instance.clientToken !== undefined && { ClientToken: instance.clientToken }),
    ...(instance.profile && { IamInstanceProfile: { Arn: instance.profile.arn, Id: instance.profile.id } }),
    AmiLaunchIndex: instance.launchIndex,
    ProductCodes: [],
    InstanceType: instance.type as Instance['InstanceType'],
    LaunchTime: instance.launchTime,
    Placement: {
      AvailabilityZone: instance.zone,
      GroupName: instance.placementGroup ?? '',
      Tenancy: instance.tenancy,
    },
    Monitoring: { State: instance.monitoring ? 'enabled' : 'disabled' },
    Architecture: type?.architecture ?? 'x86_64',
    BlockDeviceMappings: instance.devices.map((device) => ({
      DeviceName: device.device,
      Ebs: {
        AttachTime: device.attachTime,
        DeleteOnTermination: device.deleteOnTermination,
        Status: 'attached',
        VolumeId: device.volume,
      },
    })),
    EbsOptimized: instance.ebsOptimized,
    EnaSupport: true,
    Hypervisor: 'xen',
    RootDeviceName: instance.rootDevice,
    RootDeviceType: 'ebs',
    VirtualizationType: 'hvm',
    CpuOptions: { CoreCount: instance.cpuOptions.cores, ThreadsPerCore: instance.cpuOptions.threadsPerCore },
    CapacityReservationSpecification: { CapacityReservationPreference: 'open' },
    HibernationOptions: { Configured: instance.hibernation },
    MetadataOptions: shownMetadata(instance),
    EnclaveOptions: { Enabled: false },
    BootMode: 'uefi-preferred',
    CurrentInstanceBootMode: type?.architecture === 'arm64' ? 'uefi' : 'legacy-bios',
    PlatformDetails: 'Linux/UNIX',
    UsageOperation: 'RunInstances',
    UsageOperationUpdateTime: instance.launchTime,
    PrivateDnsNameOptions: {
      HostnameType: 'ip-name',
      EnableResourceNameDnsARecord: false,
      EnableResourceNameDnsAAAARecord: false,
    },
    MaintenanceOptions: { AutoRecovery: instance.autoRecovery },
    Tags: shownTags(instance.tags),
    ...shownNetwork(tx, instance),
  };
}

/** The metadata options as EC2 shows them. */
export const shownMetadata = ({ metadata }: InstanceRecord): NonNullable<Instance['MetadataOptions']> => ({
  State: 'applied',
  HttpTokens: metadata.httpTokens,
  HttpPutResponseHopLimit: metadata.httpPutResponseHopLimit,
  HttpEndpoint: metadata.httpEndpoint,
  HttpProtocolIpv6: metadata.httpProtocolIpv6,
  InstanceMetadataTags: metadata.instanceMetadataTags,
});
