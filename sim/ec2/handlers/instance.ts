/** Instances as they are described: DescribeInstances and DescribeInstanceStatus. Changes nothing. */
import type {
  DescribeInstanceStatusRequest,
  DescribeInstanceStatusResult,
  DescribeInstancesRequest,
  DescribeInstancesResult,
  GroupIdentifier,
  Instance,
  InstanceNetworkInterface,
  InstanceState,
  InstanceStatus,
  Reservation,
} from '@aws-sdk/client-ec2';
import type { InstanceState as StateName } from '../../vpc/model.ts';
import { INSTANCE_TYPES } from '../catalog/instance-types.ts';
import { describe, type Filters, matcher, type Property, paginate, shownTags } from '../describe.ts';
import { privateDnsName, publicDnsName } from '../dns-name.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { InstanceRecord } from '../record/compute.ts';
import type { NetworkInterfaceRecord, PublicAddress } from '../record/network.ts';
import { refuse } from '../refusal.ts';

const STATE_CODES: Readonly<Record<StateName, number>> = {
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

const groupsOf = (tx: Tx, eni: NetworkInterfaceRecord): GroupIdentifier[] =>
  eni.groups.map((id) => ({ GroupId: id, GroupName: tx.get('security-group', id)?.name }));

const hasDnsNames = (tx: Tx, vpc: string): boolean => tx.get('vpc', vpc)?.dnsHostnames ?? false;

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
function shownNetwork(tx: Tx, instance: InstanceRecord): Partial<Instance> {
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
    Placement: { AvailabilityZone: instance.zone, GroupName: '', Tenancy: instance.tenancy },
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

const eachInterface =
  (value: (eni: NetworkInterfaceRecord) => string | number | boolean | undefined) =>
  (instance: InstanceRecord, tx: Tx): Property =>
    interfacesOf(tx, instance.id).map((eni) => {
      const found = value(eni);
      return typeof found === 'boolean' ? String(found) : found;
    });

const allAddresses =
  (values: (eni: NetworkInterfaceRecord) => readonly string[]) =>
  (instance: InstanceRecord, tx: Tx): Property =>
    interfacesOf(tx, instance.id).flatMap(values);

const primaryOf = (instance: InstanceRecord, tx: Tx): NetworkInterfaceRecord | undefined =>
  interfacesOf(tx, instance.id)[0];

const groupNames = (instance: InstanceRecord, tx: Tx): Property =>
  interfacesOf(tx, instance.id).flatMap((eni) => groupsOf(tx, eni).map((group) => group.GroupName));

const filters: Filters<InstanceRecord> = {
  architecture: (instance) => INSTANCE_TYPES.get(instance.type)?.architecture,
  'availability-zone': (instance) => instance.zone,
  'block-device-mapping.device-name': (instance) => instance.devices.map((each) => each.device),
  'block-device-mapping.volume-id': (instance) => instance.devices.map((each) => each.volume),
  'client-token': (instance) => instance.clientToken,
  'dns-name': (instance, tx) => shownNetwork(tx, instance).PublicDnsName,
  'iam-instance-profile.arn': (instance) => instance.profile?.arn,
  'iam-instance-profile.id': (instance) => instance.profile?.id,
  'image-id': (instance) => instance.image,
  'instance-id': (instance) => instance.id,
  'instance-state-code': (instance) => STATE_CODES[instance.state],
  'instance-state-name': (instance) => instance.state,
  'instance-type': (instance) => instance.type,
  'instance.group-id': allAddresses((eni) => eni.groups),
  'instance.group-name': groupNames,
  'ip-address': (instance, tx) => shownNetwork(tx, instance).PublicIpAddress,
  'key-name': (instance) => instance.keyName,
  'launch-index': (instance) => instance.launchIndex,
  'launch-time': (instance) => instance.launchTime.toISOString(),
  'metadata-options.http-endpoint': (instance) => instance.metadata.httpEndpoint,
  'metadata-options.http-tokens': (instance) => instance.metadata.httpTokens,
  'monitoring-state': (instance) => (instance.monitoring ? 'enabled' : 'disabled'),
  'network-interface.addresses.association.allocation-id': allAddresses((eni) =>
    eni.publicAddresses.flatMap((pair) => pair.allocation ?? []),
  ),
  'network-interface.addresses.association.public-ip': allAddresses((eni) =>
    eni.publicAddresses.map((pair) => pair.public),
  ),
  'network-interface.addresses.private-ip-address': allAddresses((eni) => eni.ipv4),
  'network-interface.association.public-ip': allAddresses((eni) =>
    eni.publicAddresses.map((pair) => pair.public),
  ),
  'network-interface.attachment.attachment-id': eachInterface((eni) => eni.attachment?.id),
  'network-interface.attachment.delete-on-termination': eachInterface(
    (eni) => eni.attachment?.deleteOnTermination,
  ),
  'network-interface.attachment.device-index': eachInterface((eni) => eni.attachment?.deviceIndex),
  'network-interface.attachment.status': eachInterface((eni) => eni.attachment?.status),
  'network-interface.availability-zone': eachInterface((eni) => eni.zone),
  'network-interface.description': eachInterface((eni) => eni.description),
  'network-interface.group-id': allAddresses((eni) => eni.groups),
  'network-interface.group-name': groupNames,
  'network-interface.ipv6-addresses.ipv6-address': allAddresses((eni) => eni.ipv6),
  'network-interface.mac-address': eachInterface((eni) => eni.mac),
  'network-interface.network-interface-id': eachInterface((eni) => eni.id),
  'network-interface.owner-id': eachInterface((eni) => eni.account),
  'network-interface.private-ip-address': eachInterface((eni) => eni.ipv4[0]),
  'network-interface.source-dest-check': eachInterface((eni) => eni.sourceDestCheck),
  'network-interface.subnet-id': eachInterface((eni) => eni.subnet),
  'network-interface.vpc-id': eachInterface((eni) => eni.vpc),
  'owner-id': (instance) => instance.account,
  'private-dns-name': (instance, tx) => shownNetwork(tx, instance).PrivateDnsName,
  'private-ip-address': (instance, tx) => primaryOf(instance, tx)?.ipv4[0],
  'reservation-id': (instance) => instance.reservation,
  'root-device-name': (instance) => instance.rootDevice,
  'root-device-type': () => 'ebs',
  'source-dest-check': (instance, tx) => primaryOf(instance, tx)?.sourceDestCheck,
  'subnet-id': (instance) => (instance.state === 'terminated' ? undefined : instance.subnet),
  tenancy: (instance) => instance.tenancy,
  'virtualization-type': () => 'hvm',
  'vpc-id': (instance) => (instance.state === 'terminated' ? undefined : instance.vpc),
};

/** Instances by their reservation, in order of launch. */
function reservations(tx: Tx, instances: readonly InstanceRecord[]): Reservation[] {
  const found = new Map<string, InstanceRecord[]>();
  for (const instance of instances) {
    const others = found.get(instance.reservation);
    if (others) others.push(instance);
    else found.set(instance.reservation, [instance]);
  }
  return Array.from(found, ([id, members]) => ({
    ReservationId: id,
    OwnerId: tx.account,
    Groups: [],
    Instances: members.map((instance) => shownInstance(tx, instance)),
  }));
}

const statusFilters: Filters<InstanceRecord> = {
  'availability-zone': (instance) => instance.zone,
  'instance-state-code': (instance) => STATE_CODES[instance.state],
  'instance-state-name': (instance) => instance.state,
  'instance-status.reachability': (instance) => reachability(instance).reachability,
  'instance-status.status': (instance) => reachability(instance).status,
  'system-status.reachability': (instance) => reachability(instance).reachability,
  'system-status.status': (instance) => reachability(instance).status,
};

function reachability({ state }: InstanceRecord): {
  readonly status: 'ok' | 'initializing' | 'not-applicable';
  readonly reachability?: 'passed' | 'initializing';
} {
  if (state === 'running') return { status: 'ok', reachability: 'passed' };
  return state === 'pending'
    ? { status: 'initializing', reachability: 'initializing' }
    : { status: 'not-applicable' };
}

function shownStatus(instance: InstanceRecord): InstanceStatus {
  const { status, reachability: found } = reachability(instance);
  const summary = {
    Status: status,
    ...(found !== undefined && { Details: [{ Name: 'reachability' as const, Status: found }] }),
  };
  return {
    InstanceId: instance.id,
    AvailabilityZone: instance.zone,
    InstanceState: shownState(instance.state),
    InstanceStatus: summary,
    SystemStatus: summary,
    AttachedEbsStatus: summary,
    Events: [],
  };
}

/**
 * Status checks say what the API knows; a guest that hangs passes them, so health needs probes of its own.
 */
function describeStatus(tx: Tx, input: DescribeInstanceStatusRequest): DescribeInstanceStatusResult {
  const { InstanceIds: ids = [], IncludeAllInstances: all = false } = input;
  if (ids.length > 0 && input.MaxResults !== undefined) {
    refuse(
      'InvalidParameterCombination',
      'The parameter instancesSet and the parameter maxResults cannot be used in the same request',
    );
  }
  const candidates = ids.length > 0 ? ids.map((id) => tx.need('instance', id)) : tx.list('instance');
  const found = candidates
    .filter((instance) => all || instance.state === 'running')
    .filter(matcher(tx, input.Filters ?? [], statusFilters));
  const page = paginate(found, input);
  return { InstanceStatuses: page.records.map(shownStatus), ...page.next };
}

export const instanceHandlers: Handlers = {
  DescribeInstances: handler((tx, input: DescribeInstancesRequest): DescribeInstancesResult => {
    const { InstanceIds: ids } = input;
    const indexed = ['vpc-id', 'subnet-id', 'reservation-id'];
    const page = describe(tx, { kind: 'instance', ids, input, filters, indexed });
    return { Reservations: reservations(tx, page.records), ...page.next };
  }),
  DescribeInstanceStatus: handler(describeStatus),
};
