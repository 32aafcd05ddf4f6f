/**
 * The instance types that the simulator knows: size, burstable or not, and how many ENIs and addresses fit.
 * A subset of the families that appliances run on; it holds no prices and no regional offers.
 */

/** `memoryMiB` in MiB; `ipv4PerInterface` is the number of IPv4 addresses (and as many IPv6) for each ENI. */
export interface InstanceType {
  readonly name: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly hypervisor: 'nitro' | 'xen';
  readonly burstable: boolean;
  /** Credit mode of a burstable type when the launch names none. */
  readonly credits: 'standard' | 'unlimited';
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly interfaces: number;
  readonly ipv4PerInterface: number;
}

type Limits = readonly [interfaces: number, ipv4PerInterface: number];

/** Source: EC2 User Guide, "IP addresses per network interface per instance type". */
const FIXED_LIMITS: Readonly<Record<string, Limits>> = {
  nano: [2, 2],
  micro: [2, 2],
  small: [3, 4],
  medium: [3, 6],
  large: [3, 12],
  xlarge: [4, 15],
  '2xlarge': [4, 15],
};

const SCALED_LIMITS: Readonly<Record<string, Limits>> = {
  medium: [2, 4],
  large: [3, 10],
  xlarge: [4, 15],
  '2xlarge': [4, 15],
  '4xlarge': [8, 30],
  '8xlarge': [8, 30],
  '9xlarge': [8, 30],
  '12xlarge': [8, 30],
  '16xlarge': [15, 50],
  '18xlarge': [15, 50],
  '24xlarge': [15, 50],
  '32xlarge': [15, 50],
};

const BURSTABLE: readonly {
  readonly family: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly hypervisor: 'nitro' | 'xen';
  readonly credits: 'standard' | 'unlimited';
  /** vCPUs of the sizes below `large`, where they are not 2. */
  readonly vcpus: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, Limits>>;
}[] = [
  {
    family: 't2',
    architecture: 'x86_64',
    hypervisor: 'xen',
    credits: 'standard',
    vcpus: { nano: 1, micro: 1, small: 1 },
    limits: { xlarge: [3, 15], '2xlarge': [3, 15] },
  },
  { family: 't3', architecture: 'x86_64', hypervisor: 'nitro', credits: 'unlimited', vcpus: {}, limits: {} },
  {
    family: 't3a',
    architecture: 'x86_64',
    hypervisor: 'nitro',
    credits: 'unlimited',
    vcpus: {},
    limits: { small: [2, 4] },
  },
  { family: 't4g', architecture: 'arm64', hypervisor: 'nitro', credits: 'unlimited', vcpus: {}, limits: {} },
];

const BURSTABLE_SIZES: readonly (readonly [size: string, memoryMiB: number, vcpus: number])[] = [
  ['nano', 512, 2],
  ['micro', 1024, 2],
  ['small', 2048, 2],
  ['medium', 4096, 2],
  ['large', 8192, 2],
  ['xlarge', 16_384, 4],
  ['2xlarge', 32_768, 8],
];

const INTEL_5 = ['large', 'xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge', '24xlarge'];
const COMPUTE_5 = ['large', 'xlarge', '2xlarge', '4xlarge', '9xlarge', '12xlarge', '18xlarge', '24xlarge'];
const INTEL_6 = [...INTEL_5, '32xlarge'];
const GRAVITON = ['medium', 'large', 'xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge'];

const SCALED: readonly {
  readonly families: readonly string[];
  readonly architecture: 'x86_64' | 'arm64';
  readonly memoryMiBPerVcpu: number;
  readonly sizes: readonly string[];
}[] = [
  { families: ['c5', 'c5a'], architecture: 'x86_64', memoryMiBPerVcpu: 2048, sizes: COMPUTE_5 },
  {
    families: ['c5n'],
    architecture: 'x86_64',
    memoryMiBPerVcpu: 2688,
    sizes: ['large', 'xlarge', '2xlarge', '4xlarge', '9xlarge', '18xlarge'],
  },
  { families: ['m5', 'm5a', 'm5n'], architecture: 'x86_64', memoryMiBPerVcpu: 4096, sizes: INTEL_5 },
  { families: ['r5', 'r5n'], architecture: 'x86_64', memoryMiBPerVcpu: 8192, sizes: INTEL_5 },
  { families: ['c6i', 'c6in', 'c7i'], architecture: 'x86_64', memoryMiBPerVcpu: 2048, sizes: INTEL_6 },
  { families: ['m6i', 'm6in', 'm7i'], architecture: 'x86_64', memoryMiBPerVcpu: 4096, sizes: INTEL_6 },
  {
    families: ['c6g', 'c6gn', 'c7g', 'c7gn'],
    architecture: 'arm64',
    memoryMiBPerVcpu: 2048,
    sizes: GRAVITON,
  },
  { families: ['m6g', 'm7g'], architecture: 'arm64', memoryMiBPerVcpu: 4096, sizes: GRAVITON },
];

function vcpusOf(size: string): number {
  if (size === 'medium') return 1;
  if (size === 'large') return 2;
  return size === 'xlarge' ? 4 : 4 * Number(size.replace('xlarge', ''));
}

function catalogue(): ReadonlyMap<string, InstanceType> {
  const types = new Map<string, InstanceType>();
  for (const { family, architecture, hypervisor, credits, vcpus, limits } of BURSTABLE) {
    for (const [size, memoryMiB, usual] of BURSTABLE_SIZES) {
      const [interfaces, ipv4PerInterface] = limits[size] ?? FIXED_LIMITS[size] ?? [2, 2];
      const name = `${family}.${size}`;
      const cores = vcpus[size] ?? usual;
      types.set(name, {
        name,
        architecture,
        hypervisor,
        burstable: true,
        credits,
        vcpus: cores,
        memoryMiB,
        interfaces,
        ipv4PerInterface,
      });
    }
  }
  for (const { families, architecture, memoryMiBPerVcpu, sizes } of SCALED) {
    for (const name of families.flatMap((family) => sizes.map((size) => `${family}.${size}`))) {
      const size = name.slice(name.indexOf('.') + 1);
      const [interfaces, ipv4PerInterface] = SCALED_LIMITS[size] ?? [2, 4];
      const vcpus = vcpusOf(size);
      const memoryMiB = vcpus * memoryMiBPerVcpu;
      types.set(name, {
        name,
        architecture,
        hypervisor: 'nitro',
        burstable: false,
        credits: 'standard',
        vcpus,
        memoryMiB,
        interfaces,
        ipv4PerInterface,
      });
    }
  }
  return types;
}

/** Every known type by its name, e.g. `t3.micro`. */
export const INSTANCE_TYPES: ReadonlyMap<string, InstanceType> = catalogue();
