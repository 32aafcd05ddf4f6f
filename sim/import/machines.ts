/** Instances, network interfaces, volumes and security groups, from their descriptions. */
import type { InstanceRecord } from '../ec2/record/compute.ts';
import type { EniAttachment, NetworkInterfaceRecord } from '../ec2/record/network.ts';
import type { GroupRuleRecord } from '../ec2/record/security.ts';
import { type Item, tagsOf } from './item.ts';
import { nodesOf } from './load-balancing.ts';
import { publicAddressesOf, taken } from './network.ts';
import { derivedId, made, type Place, type Reader } from './place.ts';

const EPOCH = new Date(0);

/** Interfaces that EC2 keeps for a service, and that forwarding takes for plain ones. */
const INTERFACE_TYPES = ['interface', 'efa', 'branch', 'trunk', 'efa-only'] as const;

function attachmentOf(item: Item): EniAttachment | undefined {
  const attachment = item.item('Attachment');
  const instance = attachment.text('InstanceId');
  const status = attachment.text('Status');
  attachment.ignore('EnaSrdSpecification');
  const found = {
    id: attachment.text('AttachmentId') ?? '',
    instance: instance ?? '',
    instanceOwner: attachment.text('InstanceOwnerId') ?? '',
    deviceIndex: attachment.number('DeviceIndex') ?? 0,
    networkCardIndex: attachment.number('NetworkCardIndex') ?? 0,
    status: 'attached' as const,
    attachTime: attachment.date('AttachTime') ?? EPOCH,
    deleteOnTermination: attachment.flag('DeleteOnTermination'),
  };
  return instance === undefined || status === 'detaching' || status === 'detached' ? undefined : found;
}

const ENDPOINT_TYPES: Readonly<Record<string, NetworkInterfaceRecord['interfaceType']>> = {
  Interface: 'vpc_endpoint',
  GatewayLoadBalancer: 'gateway_load_balancer_endpoint',
};

type Managed = Pick<NetworkInterfaceRecord, 'manager' | 'interfaceType' | 'machine'>;

/** The gateway of whatever kind whose own interface this is, as it is stored with that. */
function managedBy(eni: string, { described }: Place): Managed | undefined {
  const all = (list: string): readonly Item[] => described.get(list) ?? [];
  const nat = all('NatGateways')
    .find((each) => each.items('NatGatewayAddresses').some((at) => at.text('NetworkInterfaceId') === eni))
    ?.text('NatGatewayId');
  if (nat !== undefined) return { manager: nat, interfaceType: 'nat_gateway' };
  const endpoint = all('VpcEndpoints').find((each) => each.texts('NetworkInterfaceIds').includes(eni));
  const [manager, type] = [endpoint?.text('VpcEndpointId'), endpoint?.text('VpcEndpointType')];
  const interfaceType = ENDPOINT_TYPES[type ?? ''];
  if (manager !== undefined && interfaceType !== undefined) return { manager, interfaceType };
  const server = all('RouteServerEndpoints')
    .find((each) => each.text('EniId') === eni)
    ?.text('RouteServerEndpointId');
  if (server !== undefined) return { manager: server, interfaceType: 'interface', machine: server };
  const balancer = all('LoadBalancers').find((each) => nodesOf(each, described).some(({ id }) => id === eni));
  const arn = balancer?.text('LoadBalancerArn');
  return arn === undefined
    ? undefined
    : { manager: arn, interfaceType: 'gateway_load_balancer', machine: eni };
}

const networkInterface: Reader = (item, place) => {
  const id = item.text('NetworkInterfaceId') ?? '';
  item.ignore('OwnerId', 'Status', 'RequesterId', 'RequesterManaged', 'PrivateIpAddress', 'PrivateDnsName');
  item.ignore('Association', 'Ipv6Address', 'AvailabilityZoneId', 'PublicDnsName', 'Operator');
  item.ignore('PublicIpDnsNameOptions', 'NetworkInterfaceArn');
  const given = item.text('InterfaceType') ?? 'interface';
  const managed = managedBy(id, place);
  const plain = INTERFACE_TYPES.find((each) => each === given) ?? 'interface';
  if (managed === undefined && plain !== given) {
    const why = `'${given}' is taken for a plain interface: what answers behind it is not modelled`;
    place.find({ list: 'NetworkInterfaces', id, field: 'InterfaceType', why });
  }
  for (const each of item.items('Groups')) each.ignore('GroupName');
  const addresses = item.items('PrivateIpAddresses');
  for (const each of addresses) each.ignore('PrivateDnsName');
  const isPrimary = new Map(addresses.map((each) => [each, each.flag('Primary')]));
  const ordered = [...addresses].sort((a, b) => Number(isPrimary.get(b)) - Number(isPrimary.get(a)));
  const attachment = attachmentOf(item);
  const publicAddresses = publicAddressesOf(item);
  const record: NetworkInterfaceRecord = {
    id,
    tags: tagsOf(item, 'TagSet'),
    account: place.account,
    vpc: item.text('VpcId') ?? '',
    subnet: item.text('SubnetId') ?? '',
    zone: item.text('AvailabilityZone') ?? '',
    mac: item.text('MacAddress') ?? '',
    description: item.text('Description') ?? '',
    interfaceType: plain,
    ipv4: ordered.map((each) => each.text('PrivateIpAddress') ?? ''),
    ipv6: item.items('Ipv6Addresses').map((each) => each.text('Ipv6Address') ?? ''),
    publicAddresses,
    groups: item.items('Groups').map((each) => each.text('GroupId') ?? ''),
    sourceDestCheck: item.flag('SourceDestCheck'),
    ...managed,
    ...(attachment !== undefined && { attachment }),
  };
  const lent = publicAddresses.filter((pair) => pair.allocation === undefined);
  return [...made('network-interface', record), ...lent.flatMap((pair) => taken(pair.public, id))];
};

const STATES: Readonly<Record<string, InstanceRecord['state']>> = {
  pending: 'running',
  running: 'running',
  stopping: 'stopped',
  stopped: 'stopped',
};

const DERIVED = [
  'PrivateDnsName',
  'PublicDnsName',
  'PrivateIpAddress',
  'PublicIpAddress',
  'Ipv6Address',
  'NetworkInterfaces',
  'SecurityGroups',
  'SourceDestCheck',
  'Architecture',
  'Hypervisor',
  'RootDeviceType',
  'VirtualizationType',
  'EnaSupport',
  'BootMode',
  'CurrentInstanceBootMode',
  'PlatformDetails',
  'UsageOperation',
  'UsageOperationUpdateTime',
  'CapacityReservationSpecification',
  'PrivateDnsNameOptions',
  'EnclaveOptions',
  'NetworkPerformanceOptions',
  'Operator',
];

function metadataOf(item: Item): InstanceRecord['metadata'] {
  const options = item.item('MetadataOptions');
  options.ignore('State');
  const on = (name: string) => (options.text(name) === 'enabled' ? 'enabled' : 'disabled');
  return {
    httpTokens: options.text('HttpTokens') === 'required' ? 'required' : 'optional',
    httpEndpoint: options.text('HttpEndpoint') === 'disabled' ? 'disabled' : 'enabled',
    httpPutResponseHopLimit: options.number('HttpPutResponseHopLimit') ?? 1,
    httpProtocolIpv6: on('HttpProtocolIpv6'),
    instanceMetadataTags: on('InstanceMetadataTags'),
  };
}

/** The end of the life of an instance's profile association, which DescribeInstances does not name. */
function profileOf(item: Item, id: string): Pick<InstanceRecord, 'profile'> {
  const profile = item.item('IamInstanceProfile');
  const [arn, name] = [profile.text('Arn'), profile.text('Id')];
  if (arn === undefined) return {};
  return { profile: { association: derivedId('iip-assoc', id, arn), id: name ?? '', arn } };
}

function devicesOf(item: Item): InstanceRecord['devices'] {
  return item.items('BlockDeviceMappings').map((each) => {
    const ebs = each.item('Ebs');
    ebs.ignore('Status');
    return {
      device: each.text('DeviceName') ?? '',
      volume: ebs.text('VolumeId') ?? '',
      attachTime: ebs.date('AttachTime') ?? EPOCH,
      deleteOnTermination: ebs.flag('DeleteOnTermination'),
    };
  });
}

function instanceOf(item: Item, reservation: string, place: Place): InstanceRecord | undefined {
  const id = item.text('InstanceId') ?? '';
  const given = item.item('State').text('Name') ?? '';
  const state = STATES[given];
  const subnet = item.text('SubnetId');
  if (state === undefined || subnet === undefined) {
    item.ignore(...item.unread());
    place.find({ list: 'Instances', id, why: `it is ${given}, in no subnet or without a machine: left out` });
    return undefined;
  }
  item.item('State').ignore('Code');
  item.ignore(...DERIVED);
  const placement = item.item('Placement');
  placement.ignore('AvailabilityZoneId');
  const tenancy = placement.text('Tenancy');
  const placementGroup = placement.text('GroupName') ?? '';
  const reason = item.item('StateReason');
  const [code, message] = [reason.text('Code'), reason.text('Message')];
  const cpu = item.item('CpuOptions');
  const [keyName, clientToken] = [item.text('KeyName'), item.text('ClientToken')];
  const primary = (place.described.get('NetworkInterfaces') ?? []).find((eni) => {
    const attachment = eni.item('Attachment');
    return attachment.text('InstanceId') === id && attachment.number('DeviceIndex') === 0;
  });
  const lent =
    primary !== undefined && publicAddressesOf(primary).some((pair) => pair.allocation === undefined);
  return {
    id,
    tags: tagsOf(item),
    account: place.account,
    region: place.region,
    vpc: item.text('VpcId') ?? '',
    subnet,
    zone: placement.text('AvailabilityZone') ?? '',
    type: item.text('InstanceType') ?? '',
    state,
    reservation,
    launchIndex: item.number('AmiLaunchIndex') ?? 0,
    launchTime: item.date('LaunchTime') ?? EPOCH,
    image: item.text('ImageId') ?? '',
    ...(keyName !== undefined && { keyName }),
    ...(placementGroup !== '' && { placementGroup }),
    ...(clientToken !== undefined && { clientToken }),
    ...profileOf(item, id),
    metadata: metadataOf(item),
    monitoring: item.item('Monitoring').text('State') === 'enabled',
    ebsOptimized: item.flag('EbsOptimized'),
    credits: 'unlimited',
    disableApiTermination: false,
    disableApiStop: false,
    shutdownBehavior: 'stop',
    tenancy: tenancy === 'dedicated' || tenancy === 'host' ? tenancy : 'default',
    hibernation: item.item('HibernationOptions').flag('Configured'),
    autoRecovery:
      item.item('MaintenanceOptions').text('AutoRecovery') === 'disabled' ? 'disabled' : 'default',
    cpuOptions: { cores: cpu.number('CoreCount') ?? 1, threadsPerCore: cpu.number('ThreadsPerCore') ?? 1 },
    rootDevice: item.text('RootDeviceName') ?? '',
    devices: devicesOf(item),
    lentPublicAddress: lent,
    transitionReason: item.text('StateTransitionReason') ?? '',
    ...(code !== undefined && { stateReason: { code, message: message ?? '' } }),
  };
}

const reservation: Reader = (item, place) => {
  item.ignore('OwnerId', 'RequesterId', 'Groups');
  const id = item.text('ReservationId') ?? '';
  return item.items('Instances').flatMap((each) => {
    const record = instanceOf(each, id, place);
    return record === undefined ? [] : made('instance', record);
  });
};

const volume: Reader = (item, { account }) => {
  const [attachment] = item.items('Attachments');
  attachment?.ignore('AttachTime', 'DeleteOnTermination', 'Device', 'State', 'VolumeId');
  item.ignore('State', 'AvailabilityZoneId', 'Operator');
  const [throughput, instance] = [item.number('Throughput'), attachment?.text('InstanceId')];
  return made('volume', {
    id: item.text('VolumeId') ?? '',
    tags: tagsOf(item),
    account,
    zone: item.text('AvailabilityZone') ?? '',
    sizeGiB: item.number('Size') ?? 0,
    type: item.text('VolumeType') ?? '',
    iops: item.number('Iops') ?? 0,
    ...(throughput !== undefined && { throughput }),
    encrypted: item.flag('Encrypted'),
    snapshot: item.text('SnapshotId') ?? '',
    created: item.date('CreateTime') ?? EPOCH,
    ...(instance !== undefined && { instance }),
  });
};

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, all: -1 };
const protocolOf = (text: string | undefined): number => PROTOCOLS[text ?? '-1'] ?? Number(text ?? -1);

type Ports = Pick<GroupRuleRecord, 'protocol' | 'fromPort' | 'toPort'>;
type Peer = GroupRuleRecord['peer'];

function portsOf(item: Item): Ports {
  const protocol = protocolOf(item.text('IpProtocol'));
  const ports = { fromPort: item.number('FromPort') ?? -1, toPort: item.number('ToPort') ?? -1 };
  const has = protocol === 6 || protocol === 17 || protocol === 1 || protocol === 58;
  return { protocol, ...(has ? ports : { fromPort: -1, toPort: -1 }) };
}

const described = (item: Item): { description?: string } => {
  const description = item.text('Description');
  return description === undefined ? {} : { description };
};

/** The rules of one permission, whose peers are listed by sort. */
function permissionRules(
  item: Item,
  group: string,
  egress: boolean,
  place: Place,
): readonly GroupRuleRecord[] {
  const ports = portsOf(item);
  const rule = (each: Item, peer: Peer): GroupRuleRecord => {
    const id = derivedId('sgr', group, String(egress), JSON.stringify([ports, peer]));
    return { id, tags: {}, egress, ...ports, peer, ...described(each) };
  };
  const cidrs = (list: string, name: string) =>
    item.items(list).map((each) => rule(each, { kind: 'cidr', cidr: each.text(name) ?? '' }));
  const groups = item.items('UserIdGroupPairs').map((each) => {
    each.ignore('GroupName', 'VpcId', 'VpcPeeringConnectionId', 'PeeringStatus');
    const account = each.text('UserId') ?? place.account;
    return rule(each, { kind: 'group', group: each.text('GroupId') ?? '', account });
  });
  const lists = item
    .items('PrefixListIds')
    .map((each) => rule(each, { kind: 'prefix-list', list: each.text('PrefixListId') ?? '' }));
  return [...cidrs('IpRanges', 'CidrIp'), ...cidrs('Ipv6Ranges', 'CidrIpv6'), ...groups, ...lists];
}

/** A rule as DescribeSecurityGroupRules lists it. */
function listedRule(item: Item, place: Place): GroupRuleRecord | undefined {
  item.ignore('GroupOwnerId', 'SecurityGroupRuleArn', 'GroupId');
  const cidr = item.text('CidrIpv4') ?? item.text('CidrIpv6');
  const other = item.item('ReferencedGroupInfo');
  other.ignore('VpcId', 'VpcPeeringConnectionId', 'PeeringStatus');
  const group = other.text('GroupId');
  const list = item.text('PrefixListId');
  const account = other.text('UserId') ?? place.account;
  const peer: Peer | undefined = cidr
    ? { kind: 'cidr', cidr }
    : group
      ? { kind: 'group', group, account }
      : list
        ? { kind: 'prefix-list', list }
        : undefined;
  const base = {
    id: item.text('SecurityGroupRuleId') ?? '',
    tags: tagsOf(item),
    egress: item.flag('IsEgress'),
    ...portsOf(item),
    ...described(item),
  };
  return peer && { ...base, peer };
}

const securityGroup: Reader = (item, place) => {
  const id = item.text('GroupId') ?? '';
  item.ignore('OwnerId', 'SecurityGroupArn');
  const listed = (place.described.get('SecurityGroupRules') ?? []).filter(
    (rule) => rule.text('GroupId') === id,
  );
  const rules = listed.flatMap((rule) => listedRule(rule, place) ?? []);
  const permissions = (['IpPermissions', 'IpPermissionsEgress'] as const).flatMap((name) =>
    item.items(name).flatMap((each) => permissionRules(each, id, name === 'IpPermissionsEgress', place)),
  );
  return made('security-group', {
    id,
    tags: tagsOf(item),
    account: place.account,
    vpc: item.text('VpcId') ?? '',
    name: item.text('GroupName') ?? '',
    description: item.text('Description') ?? '',
    rules: listed.length > 0 ? rules : permissions,
  });
};

const keyPair: Reader = (item) =>
  made('key-pair', {
    id: item.text('KeyPairId') ?? '',
    tags: tagsOf(item),
    name: item.text('KeyName') ?? '',
    type: item.text('KeyType') === 'ed25519' ? 'ed25519' : 'rsa',
    publicKey: item.text('PublicKey') ?? '',
    fingerprint: item.text('KeyFingerprint') ?? '',
    created: item.date('CreateTime') ?? EPOCH,
  });

const placementGroup: Reader = (item, place) => {
  const strategy = item.text('Strategy');
  const partitions = item.number('PartitionCount');
  item.ignore('GroupArn', 'State', 'SpreadLevel');
  return made('placement-group', {
    id: item.text('GroupId') ?? '',
    tags: tagsOf(item),
    name: item.text('GroupName') ?? '',
    account: place.account,
    strategy: strategy === 'spread' || strategy === 'partition' ? strategy : 'cluster',
    ...(partitions !== undefined && { partitions }),
  });
};

export const machineReaders: Readonly<Record<string, Reader>> = {
  NetworkInterfaces: networkInterface,
  Reservations: reservation,
  Volumes: volume,
  SecurityGroups: securityGroup,
  KeyPairs: keyPair,
  PlacementGroups: placementGroup,
};
