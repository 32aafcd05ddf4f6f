/** Instance types and where they are offered: every type of the catalogue, in every zone. */
import type {
  DescribeInstanceTypeOfferingsRequest,
  DescribeInstanceTypeOfferingsResult,
  DescribeInstanceTypesRequest,
  DescribeInstanceTypesResult,
  InstanceTypeInfo,
} from '@aws-sdk/client-ec2';
import { INSTANCE_TYPES, type InstanceType } from '../catalog/instance-types.ts';
import { byShown, type Filters, matcher, paginate } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import { refuse } from '../refusal.ts';

type Described = InstanceType & { readonly tags: Tags };

const shown = (type: InstanceType): InstanceTypeInfo => ({
  InstanceType: type.name as InstanceTypeInfo['InstanceType'],
  CurrentGeneration: type.hypervisor === 'nitro',
  FreeTierEligible: type.name === 't2.micro' || type.name === 't3.micro',
  SupportedUsageClasses: ['on-demand', 'spot'],
  SupportedRootDeviceTypes: ['ebs'],
  SupportedVirtualizationTypes: ['hvm'],
  BareMetal: false,
  Hypervisor: type.hypervisor,
  ProcessorInfo: { SupportedArchitectures: [type.architecture] },
  VCpuInfo: {
    DefaultVCpus: type.vcpus,
    DefaultCores: coresOf(type),
    DefaultThreadsPerCore: type.vcpus / coresOf(type),
  },
  MemoryInfo: { SizeInMiB: type.memoryMiB },
  InstanceStorageSupported: false,
  EbsInfo: { EbsOptimizedSupport: 'default', EncryptionSupport: 'supported', NvmeSupport: 'required' },
  NetworkInfo: {
    MaximumNetworkInterfaces: type.interfaces,
    MaximumNetworkCards: 1,
    DefaultNetworkCardIndex: 0,
    NetworkCards: [{ NetworkCardIndex: 0, MaximumNetworkInterfaces: type.interfaces }],
    Ipv4AddressesPerInterface: type.ipv4PerInterface,
    Ipv6AddressesPerInterface: type.ipv4PerInterface,
    Ipv6Supported: true,
    EnaSupport: type.hypervisor === 'nitro' ? 'required' : 'unsupported',
    EfaSupported: false,
    EncryptionInTransitSupported: false,
  },
  PlacementGroupInfo: { SupportedStrategies: ['partition', 'spread'] },
  HibernationSupported: false,
  BurstablePerformanceSupported: type.burstable,
  DedicatedHostsSupported: false,
  AutoRecoverySupported: true,
  SupportedBootModes: type.architecture === 'arm64' ? ['uefi'] : ['legacy-bios', 'uefi'],
  NitroEnclavesSupport: 'unsupported',
  NitroTpmSupport: 'unsupported',
});

const filters: Filters<Described> = {
  'auto-recovery-supported': () => true,
  'bare-metal': () => false,
  'burstable-performance-supported': (type) => type.burstable,
  'current-generation': (type) => type.hypervisor === 'nitro',
  hypervisor: (type) => type.hypervisor,
  'instance-type': (type) => type.name,
  'memory-info.size-in-mib': (type) => type.memoryMiB,
  'network-info.ipv4-addresses-per-interface': (type) => type.ipv4PerInterface,
  'network-info.maximum-network-interfaces': (type) => type.interfaces,
  'processor-info.supported-architecture': (type) => type.architecture,
  'supported-root-device-type': () => 'ebs',
  'supported-virtualization-type': () => 'hvm',
  'vcpu-info.default-vcpus': (type) => type.vcpus,
  ...byShown(
    (_, type: Described) => shown(type),
    'dedicated-hosts-supported',
    'ebs-info.attachment-limit-type',
    'ebs-info.maximum-ebs-attachments',
    'ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps',
    'ebs-info.ebs-optimized-info.baseline-iops',
    'ebs-info.ebs-optimized-info.baseline-throughput-in-mbps',
    'ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps',
    'ebs-info.ebs-optimized-info.maximum-iops',
    'ebs-info.ebs-optimized-info.maximum-throughput-in-mbps',
    'ebs-info.ebs-optimized-support',
    'ebs-info.encryption-support',
    'ebs-info.nvme-support',
    'free-tier-eligible',
    'hibernation-supported',
    'instance-storage-info.disk.count',
    'instance-storage-info.disk.size-in-gb',
    'instance-storage-info.disk.type',
    'instance-storage-info.encryption-support',
    'instance-storage-info.nvme-support',
    'instance-storage-info.total-size-in-gb',
    'instance-storage-supported',
    'network-info.bandwidth-weightings',
    'network-info.efa-info.maximum-efa-interfaces',
    'network-info.efa-supported',
    'network-info.ena-support',
    'network-info.flexible-ena-queues-support',
    'network-info.encryption-in-transit-supported',
    'network-info.ipv6-addresses-per-interface',
    'network-info.ipv6-supported',
    'network-info.maximum-network-cards',
    'network-info.network-performance',
    'nitro-enclaves-support',
    'nitro-tpm-support',
    'nitro-tpm-info.supported-versions',
    'processor-info.sustained-clock-speed-in-ghz',
    'processor-info.supported-features',
    'reboot-migration-support',
    'supported-boot-mode',
    'supported-usage-class',
    'vcpu-info.default-cores',
    'vcpu-info.default-threads-per-core',
    'vcpu-info.valid-cores',
    'vcpu-info.valid-threads-per-core',
  ),
};

/** Cores of a type: two threads a core, except on Graviton and on single-vCPU types. */
export const coresOf = (type: InstanceType): number =>
  type.architecture === 'arm64' ? type.vcpus : Math.max(1, type.vcpus / 2);

/** The type that a launch names; refuses one that the catalogue lacks. */
export const needInstanceType = (name: string): InstanceType =>
  INSTANCE_TYPES.get(name) ?? refuse('InvalidParameterValue', `Invalid value '${name}' for InstanceType.`);

function describeTypes(tx: Tx, input: DescribeInstanceTypesRequest): DescribeInstanceTypesResult {
  const names: readonly string[] = input.InstanceTypes ?? [];
  const unknown = names.filter((name) => !INSTANCE_TYPES.has(name));
  if (unknown.length > 0) {
    const list = unknown.join(', ');
    refuse('InvalidInstanceType', `The following supplied instance types do not exist: [${list}]`);
  }
  const matches = matcher(tx, input.Filters ?? [], filters);
  const found = [...INSTANCE_TYPES.values()]
    .filter((type) => names.length === 0 || names.includes(type.name))
    .filter((type) => matches({ ...type, tags: {} }));
  // EC2 shows at most 100 types unless told, and a caller who does not page misses the rest.
  const page = paginate(found, names.length > 0 ? {} : { MaxResults: 100, ...input }, ({ name }) => [name]);
  return { InstanceTypes: page.records.map(shown), ...page.next };
}

interface Offering {
  readonly type: string;
  readonly location: string;
  readonly tags: Tags;
}

const offeringFilters: Filters<Offering> = {
  'instance-type': (offering) => offering.type,
  location: (offering) => offering.location,
};

function describeOfferings(
  tx: Tx,
  input: DescribeInstanceTypeOfferingsRequest,
): DescribeInstanceTypeOfferingsResult {
  const kind = input.LocationType ?? 'region';
  if (kind !== 'region' && kind !== 'availability-zone') {
    refuse(
      'InvalidParameterValue',
      `Invalid value '${kind}' for LocationType: region or availability-zone here.`,
    );
  }
  const locations = kind === 'region' ? [tx.region] : tx.settings.zones.map((letter) => tx.region + letter);
  const all = locations.flatMap((location) =>
    Array.from(INSTANCE_TYPES.keys(), (type): Offering => ({ type, location, tags: {} })),
  );
  const page = paginate(
    all.filter(matcher(tx, input.Filters ?? [], offeringFilters)),
    {
      MaxResults: 1000,
      ...input,
    },
    ({ type, location }) => [type, location],
  );
  const offerings = page.records.map(({ type, location }) => ({
    InstanceType: type as InstanceTypeInfo['InstanceType'],
    LocationType: kind,
    Location: location,
  }));
  return { InstanceTypeOfferings: offerings, ...page.next };
}

export const instanceTypeHandlers: Handlers = {
  DescribeInstanceTypes: handler(describeTypes),
  DescribeInstanceTypeOfferings: handler(describeOfferings),
};
