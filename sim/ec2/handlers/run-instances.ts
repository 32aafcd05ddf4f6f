/** RunInstances: one reservation of instances, each with its ENIs and volumes. Spot is refused. */
import type {
  InstanceMetadataOptionsRequest,
  InstanceNetworkInterfaceSpecification,
  Reservation,
  RunInstancesRequest,
} from '@aws-sdk/client-ec2';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { attachInterface, makeInterface, type NewInterface } from '../network-interface.ts';
import { lendPublicAddress } from '../public-address.ts';
import type { Tags } from '../record/base.ts';
import type { InstanceRecord, MetadataOptions } from '../record/compute.ts';
import type { SubnetRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { needImage } from './image.ts';
import { shownInstance } from './instance.ts';
import { coresOf, needInstanceType } from './instance-type.ts';
import { templateOfLaunch } from './launch-template.ts';
import { placementOf } from './placement-group.ts';
import { namedProfile } from './profile-association.ts';
import { defaultVpc, namedGroup } from './security-group.ts';
import { createVolumes, disksOf } from './volume.ts';

/** An ENI of a launch: one that exists, or one to be made. */
type LaunchInterface = {
  readonly deviceIndex: number;
  readonly networkCardIndex: number;
  readonly deleteOnTermination: boolean;
} & (
  | { readonly kind: 'existing'; readonly eni: string }
  | { readonly kind: 'new'; readonly wanted: NewInterface; readonly lendPublic: boolean }
);

interface LaunchTags {
  readonly instance: Tags;
  readonly volume: Tags;
  readonly interface: Tags;
}

const TAGGABLE = ['instance', 'volume', 'network-interface', 'spot-instances-request', 'elastic-gpu'];

/** Bytes of base64 text, or undefined where it is not base64. */
export function base64Bytes(text: string): number | undefined {
  const bare = text.replaceAll(/\s/g, '');
  if (bare.length % 4 === 1 || !/^[A-Za-z0-9+/]*={0,2}$/.test(bare)) return undefined;
  return Math.floor((bare.replace(/=+$/, '').length * 3) / 4);
}

/** User data as it is kept: base64; EC2 allows 16 KB before encoding. */
export function checkedUserData(text: string): string {
  const bytes = base64Bytes(text);
  if (bytes === undefined) return refuse('InvalidParameterValue', 'Invalid BASE64 encoding of user data.');
  if (bytes > 16_384)
    refuse('InvalidParameterValue', `User data is limited to 16384 bytes, this is ${bytes}`);
  return text;
}

function oneOf<T extends string>(
  parameter: string,
  value: string | undefined,
  allowed: readonly [T, ...T[]],
): T {
  if (value === undefined) return allowed[0];
  return (
    allowed.find((each) => each === value) ??
    invalidValue(parameter, value, `Valid values: ${allowed.join(', ')}.`)
  );
}

/** The metadata options with those of a request laid over. */
export function changedMetadata(
  old: MetadataOptions,
  request: Omit<InstanceMetadataOptionsRequest, 'State'>,
): MetadataOptions {
  const hops = request.HttpPutResponseHopLimit ?? old.httpPutResponseHopLimit;
  if (hops < 1 || hops > 64) invalidValue('HttpPutResponseHopLimit', hops, 'Valid values: 1 to 64.');
  const flag = (parameter: string, value: string | undefined, was: 'enabled' | 'disabled'): typeof was =>
    value === undefined ? was : oneOf(parameter, value, ['enabled', 'disabled']);
  return {
    httpTokens:
      request.HttpTokens === undefined
        ? old.httpTokens
        : oneOf('HttpTokens', request.HttpTokens, ['optional', 'required']),
    httpEndpoint: flag('HttpEndpoint', request.HttpEndpoint, old.httpEndpoint),
    httpPutResponseHopLimit: hops,
    httpProtocolIpv6: flag('HttpProtocolIpv6', request.HttpProtocolIpv6, old.httpProtocolIpv6),
    instanceMetadataTags: flag(
      'InstanceMetadataTags',
      request.InstanceMetadataTags,
      old.instanceMetadataTags,
    ),
  };
}

const METADATA: MetadataOptions = {
  httpTokens: 'optional',
  httpEndpoint: 'enabled',
  httpPutResponseHopLimit: 1,
  httpProtocolIpv6: 'disabled',
  instanceMetadataTags: 'disabled',
};

function subnetOf(tx: Tx, input: RunInstancesRequest): string {
  if (input.SubnetId !== undefined) return input.SubnetId;
  const zone = input.Placement?.AvailabilityZone;
  const vpc = defaultVpc(tx);
  const found = tx
    .referring('subnet', vpc.id)
    .find((subnet) => subnet.defaultForAz && (zone === undefined || subnet.zone === zone));
  const where = zone === undefined ? '' : ` in ${zone}`;
  return (
    found?.id ??
    refuse(
      'MissingInput',
      `No subnets found for the default VPC '${vpc.id}'${where}. Please specify a subnet.`,
    )
  );
}

/** The groups that the instance level of a request names. */
function groupsOf(tx: Tx, input: RunInstancesRequest): string[] {
  const named = (input.SecurityGroups ?? []).map((GroupName) => namedGroup(tx, { GroupName }).id);
  return [...(input.SecurityGroupIds ?? []), ...named];
}

function oneInterface(tx: Tx, input: RunInstancesRequest, tags: Tags): LaunchInterface[] {
  const subnet = tx.need('subnet', subnetOf(tx, input));
  const wanted: NewInterface = {
    subnet: subnet.id,
    ipv4: input.PrivateIpAddress === undefined ? [] : [input.PrivateIpAddress],
    ipv6: (input.Ipv6Addresses ?? []).flatMap((each) => each.Ipv6Address ?? []),
    ...(input.Ipv6AddressCount !== undefined && { ipv6Count: input.Ipv6AddressCount }),
    groups: groupsOf(tx, input),
    tags,
  };
  const lendPublic = subnet.mapPublicIpOnLaunch;
  return [
    { kind: 'new', wanted, lendPublic, deviceIndex: 0, networkCardIndex: 0, deleteOnTermination: true },
  ];
}

function specifiedInterface(
  tx: Tx,
  specification: InstanceNetworkInterfaceSpecification,
  { alone, tags }: { readonly alone: boolean; readonly tags: Tags },
): LaunchInterface {
  const { NetworkInterfaceId: eni, AssociatePublicIpAddress: asked } = specification;
  const place = {
    deviceIndex: specification.DeviceIndex ?? missing('NetworkInterface.N.DeviceIndex'),
    networkCardIndex: specification.NetworkCardIndex ?? 0,
  };
  if (asked !== undefined && (!alone || place.deviceIndex !== 0)) {
    const why =
      'The associatePublicIPAddress parameter cannot be specified when launching ' +
      'with multiple network interfaces.';
    refuse('InvalidParameterCombination', why);
  }
  if (eni !== undefined) {
    const { Groups, PrivateIpAddress, SubnetId } = specification;
    if (asked !== undefined || Groups?.length || PrivateIpAddress !== undefined || SubnetId !== undefined) {
      const why =
        'A network interface that exists may not be given a subnet, groups or addresses in the same request';
      refuse('InvalidParameterCombination', why);
    }
    tx.need('network-interface', eni);
    return {
      kind: 'existing',
      eni,
      ...place,
      deleteOnTermination: specification.DeleteOnTermination ?? false,
    };
  }
  const subnet = tx.need('subnet', specification.SubnetId ?? subnetOf(tx, {} as RunInstancesRequest));
  const addresses = specification.PrivateIpAddresses ?? [];
  const primaryFirst = addresses.toSorted((a, b) => Number(b.Primary ?? false) - Number(a.Primary ?? false));
  const named = specification.PrivateIpAddress === undefined ? [] : [specification.PrivateIpAddress];
  return {
    kind: 'new',
    wanted: {
      subnet: subnet.id,
      ipv4: [...named, ...primaryFirst.flatMap((each) => each.PrivateIpAddress ?? [])],
      secondaryCount: specification.SecondaryPrivateIpAddressCount ?? 0,
      ipv6: (specification.Ipv6Addresses ?? []).flatMap((each) => each.Ipv6Address ?? []),
      ...(specification.Ipv6AddressCount !== undefined && { ipv6Count: specification.Ipv6AddressCount }),
      groups: specification.Groups ?? [],
      description: specification.Description ?? '',
      tags,
    },
    lendPublic: alone && (asked ?? subnet.mapPublicIpOnLaunch),
    ...place,
    deleteOnTermination: specification.DeleteOnTermination ?? true,
  };
}

function interfacesOf(tx: Tx, input: RunInstancesRequest, tags: Tags): LaunchInterface[] {
  const specifications = input.NetworkInterfaces ?? [];
  if (specifications.length === 0) return oneInterface(tx, input, tags);
  const both = (what: string): never =>
    refuse(
      'InvalidParameterCombination',
      `Network interfaces and an instance-level ${what} may not be specified on the same request`,
    );
  if (input.SubnetId !== undefined) both('subnet ID');
  if (input.SecurityGroupIds?.length || input.SecurityGroups?.length) both('security groups');
  if (input.PrivateIpAddress !== undefined) both('private address');
  const alone = specifications.length === 1;
  const interfaces = specifications.map((each) => specifiedInterface(tx, each, { alone, tags }));
  interfaces.sort((a, b) => a.deviceIndex - b.deviceIndex);
  if (interfaces[0]?.deviceIndex !== 0) {
    refuse('InvalidParameterValue', 'The request must contain a network interface with device index 0.');
  }
  return interfaces;
}

/** How many to launch; nothing here runs out of capacity, so it is always MaxCount. */
function countOf(input: RunInstancesRequest, interfaces: readonly LaunchInterface[]): number {
  const [min, max] = [input.MinCount ?? missing('MinCount'), input.MaxCount ?? missing('MaxCount')];
  if (min < 1) invalidValue('minCount', min, 'Min count must be at least 1.');
  if (max < min)
    refuse('InvalidParameterCombination', `maxCount (${max}) must not be less than minCount (${min})`);
  if (max > 1000)
    refuse('InstanceLimitExceeded', `You have requested more instances (${max}) than your limit of 1000.`);
  const fixed = interfaces.some((each) => each.kind === 'existing' || (each.wanted.ipv4 ?? []).length > 0);
  if (max > 1 && fixed) {
    const why =
      'A network interface or a private address can only be given to a single instance (maxCount 1).';
    refuse('InvalidParameterCombination', why);
  }
  return max;
}

function zoneOf(tx: Tx, primary: LaunchInterface): { readonly subnet: SubnetRecord } {
  const subnet =
    primary.kind === 'new' ? primary.wanted.subnet : tx.need('network-interface', primary.eni).subnet;
  return { subnet: tx.need('subnet', subnet) };
}

/** A request with what its launch template gives beside it: what the request itself says counts. */
function withTemplate(tx: Tx, input: RunInstancesRequest): { input: RunInstancesRequest; tags: Tags } {
  const { LaunchTemplate: named, ...own } = input;
  if (named === undefined) return { input, tags: {} };
  const { template, version } = templateOfLaunch(tx, named);
  const { RamDiskId: _, ElasticGpuSpecifications: __, InstanceRequirements: needs, ...data } = version.data;
  if (needs) refuse('UnsupportedOperation', 'Choosing a type by requirements is not simulated: name one.');
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const types = new Set((own.TagSpecifications ?? []).map((each) => each.ResourceType));
  const inherited = (data.TagSpecifications ?? []).filter((each) => !types.has(each.ResourceType));
  const tags = {
    'aws:ec2launchtemplate:id': template.id,
    'aws:ec2launchtemplate:version': String(version.number),
  };
  const TagSpecifications = [...inherited, ...(own.TagSpecifications ?? [])];
  return { input: { ...data, ...given, TagSpecifications } as RunInstancesRequest, tags };
}

type Parameters = Omit<InstanceRecord, 'id' | 'launchIndex' | 'devices'>;

/** Everything about the instances of a launch that they have in common. */
function parametersOf(
  tx: Tx,
  input: RunInstancesRequest,
  primary: LaunchInterface,
  { tags, count }: { readonly tags: Tags; readonly count: number },
): Parameters {
  const type = needInstanceType(input.InstanceType ?? missing('InstanceType'));
  const image = needImage(tx, input.ImageId ?? missing('ImageId'));
  if (image.registered && image.architecture !== type.architecture) {
    const ours = `The architecture '${type.architecture}' of the specified instance type`;
    const theirs = `the architecture '${image.architecture}' of the specified AMI`;
    refuse('InvalidParameterValue', `${ours} does not match ${theirs}.`);
  }
  const { subnet } = zoneOf(tx, primary);
  const zone = input.Placement?.AvailabilityZone;
  if (zone !== undefined && zone !== '' && zone !== subnet.zone) {
    refuse(
      'InvalidParameterValue',
      `The subnet '${subnet.id}' is in ${subnet.zone}, not in the zone ${zone} of the placement.`,
    );
  }
  if (input.KeyName !== undefined && !tx.list('key-pair').some((pair) => pair.name === input.KeyName)) {
    refuse('InvalidKeyPair.NotFound', `The key pair '${input.KeyName}' does not exist`);
  }
  const credits = input.CreditSpecification?.CpuCredits;
  if (credits !== undefined && !type.burstable) {
    refuse('InvalidParameterCombination', `The CPU credit specification is not supported for ${type.name}.`);
  }
  const profile = namedProfile(tx, input.IamInstanceProfile);
  const cores = coresOf(type);
  return {
    tags,
    account: tx.account,
    region: tx.region,
    vpc: subnet.vpc,
    subnet: subnet.id,
    zone: subnet.zone,
    type: type.name,
    state: 'pending',
    reservation: tx.newId('r'),
    launchTime: tx.date(),
    image: image.id,
    ...(input.KeyName !== undefined && { keyName: input.KeyName }),
    ...(input.ClientToken !== undefined && { clientToken: input.ClientToken }),
    ...(input.UserData && { userData: checkedUserData(input.UserData) }),
    ...(profile && { profile }),
    metadata: changedMetadata(METADATA, input.MetadataOptions ?? {}),
    monitoring: input.Monitoring?.Enabled ?? false,
    ebsOptimized: input.EbsOptimized ?? false,
    credits: credits === undefined ? type.credits : oneOf('CpuCredits', credits, ['standard', 'unlimited']),
    disableApiTermination: input.DisableApiTermination ?? false,
    disableApiStop: input.DisableApiStop ?? false,
    shutdownBehavior: oneOf('instanceInitiatedShutdownBehavior', input.InstanceInitiatedShutdownBehavior, [
      'stop',
      'terminate',
    ]),
    tenancy: oneOf('tenancy', input.Placement?.Tenancy, ['default', 'dedicated', 'host']),
    ...placementOf(tx, input.Placement ?? {}, { zone: subnet.zone, count }),
    hibernation: input.HibernationOptions?.Configured ?? false,
    autoRecovery: oneOf('AutoRecovery', input.MaintenanceOptions?.AutoRecovery, ['default', 'disabled']),
    cpuOptions: {
      cores: input.CpuOptions?.CoreCount ?? cores,
      threadsPerCore: input.CpuOptions?.ThreadsPerCore ?? type.vcpus / cores,
    },
    rootDevice: image.rootDeviceName,
    lentPublicAddress: primary.kind === 'new' && primary.lendPublic,
    transitionReason: '',
  };
}

function addInterface(tx: Tx, instance: InstanceRecord, wanted: LaunchInterface): void {
  const eni =
    wanted.kind === 'new' ? makeInterface(tx, wanted.wanted) : tx.need('network-interface', wanted.eni);
  const { deviceIndex, networkCardIndex, deleteOnTermination } = wanted;
  attachInterface(tx, eni, instance, { deviceIndex, networkCardIndex, deleteOnTermination, atLaunch: true });
  if (wanted.kind === 'new' && wanted.lendPublic) lendPublicAddress(tx, eni.id);
}

function runInstances(tx: Tx, request: RunInstancesRequest): Reservation {
  const { input, tags: ofTemplate } = withTemplate(tx, request);
  if (input.InstanceMarketOptions) refuse('UnsupportedOperation', 'Spot instances are not simulated.');
  const of = (type: string): Tags => specifiedTags(tx, input.TagSpecifications, type, TAGGABLE);
  const tags: LaunchTags = {
    instance: { ...ofTemplate, ...of('instance') },
    volume: of('volume'),
    interface: of('network-interface'),
  };
  const interfaces = interfacesOf(tx, input, tags.interface);
  const [primary = missing('SubnetId')] = interfaces;
  const count = countOf(input, interfaces);
  const parameters = parametersOf(tx, input, primary, { tags: tags.instance, count });
  const disks = disksOf(needImage(tx, parameters.image), input.BlockDeviceMappings ?? []);
  const instances = Array.from({ length: count }, (_, launchIndex) => {
    const id = tx.newId('i');
    const devices = createVolumes(tx, disks, { instance: id, zone: parameters.zone, tags: tags.volume });
    const instance = tx.put('instance', { id, launchIndex, devices, ...parameters });
    for (const each of interfaces) addInterface(tx, instance, each);
    tx.after(tx.settings.startMs, { name: 'instance-started', id });
    return instance;
  });
  return {
    ReservationId: parameters.reservation,
    OwnerId: tx.account,
    Groups: [],
    Instances: instances.map((instance) => shownInstance(tx, instance)),
  };
}

export const runInstancesHandlers: Handlers = { RunInstances: handler(runInstances) };
