/**
 * The stack's configuration (`Pulumi.<stack>.yaml`, keys `byoa:...`) as typed settings. Pure: reads through a
 * function and touches neither Pulumi nor AWS. The daemon's own configuration is another file's:
 * `components/daemon-config.ts`.
 */
import { layout } from './layout.ts';

export type Design = 'egress-pair' | 'floating-eni';
export type Architecture = 'x86_64' | 'arm64';

/** What an operator chooses for a stack. Absent `zones` and `ami` are looked up when deploying. */
export interface StackConfig {
  readonly design: Design;
  /** IPv4 block of the VPC. */
  readonly cidr: string;
  readonly zones?: readonly string[];
  readonly ami?: string;
  readonly instanceType: string;
  readonly architecture: Architecture;
  readonly daemon: { readonly url: string; readonly sha256: string };
  /** Address that appliances probe beyond themselves, to see that they forward. */
  readonly probeTarget: string;
  readonly failback: 'never' | { readonly after: string };
  /** A DynamoDB table that exists, for leases of the group. */
  readonly leaseTable?: string;
  readonly fence: 'none' | 'stop-instance';
  readonly ipv6: boolean;
  /** A client instance in a workload subnet. */
  readonly workload: boolean;
  /** EC2 and STS endpoint of the daemons, where it is not AWS's. */
  readonly endpoint?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** How the text of a key is found: `pulumi.Config.get`. */
export type ReadKey = (key: string) => string | undefined;

const EXAMPLES = {
  design: 'egress-pair',
  cidr: '10.0.0.0/16',
  zones: 'eu-central-1a,eu-central-1b',
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa-linux-x64',
  daemonSha256: '<64 hexadecimal digits>',
  probeTarget: '1.1.1.1',
  failback: '10m',
  leaseTable: 'byoa-leases',
  fence: 'stop-instance',
  ipv6: 'true',
  workload: 'true',
  endpoint: 'http://127.0.0.1:4566',
  tags: '\'{"team":"network"}\'',
} as const;

type Key = keyof typeof EXAMPLES;

/** An error of one key: what, the value, where, why, and the command that mends it. */
function wrong(key: Key, value: string | undefined, why: string): Error {
  const found = value === undefined ? 'is not set' : `is '${value}'`;
  return new Error(
    `byoa:${key} of the stack ${found}: ${why}. Run: pulumi config set byoa:${key} ${EXAMPLES[key]}`,
  );
}

/** Reads and checks all keys; throws an error that names the key, its value and the remedy. */
export function stackConfig(read: ReadKey): StackConfig {
  const text = (key: Key, pattern: RegExp, why: string, fallback?: string): string => {
    const value = read(key) ?? fallback;
    if (value === undefined || !pattern.test(value)) throw wrong(key, value, why);
    return value;
  };
  const optional = (key: Key, pattern: RegExp, why: string): string | undefined =>
    read(key) === undefined ? undefined : text(key, pattern, why);
  const flag = (key: Key, fallback: boolean): boolean =>
    text(key, /^(true|false)$/, 'it must be true or false', String(fallback)) === 'true';

  const design = readDesign(read('design') ?? 'egress-pair');
  const cidr = read('cidr') ?? '10.0.0.0/16';
  const zones = readZones(read('zones'), design);
  checkLayout(cidr, zones);
  const ami = optional('ami', /^ami-[0-9a-f]{8,17}$/, 'an AMI id looks like ami-0123456789abcdef0');
  const instanceType = text(
    'instanceType',
    /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
    'it is not an instance type',
    't3.micro',
  );
  const leaseTable = optional(
    'leaseTable',
    /^[a-zA-Z0-9_.-]{3,255}$/,
    'a table has 3 to 255 letters, digits, _ . or -',
  );
  const endpoint = optional('endpoint', /^https?:\/\/\S+$/, 'it must be an http:// or https:// URL');
  return {
    design,
    cidr,
    ...(zones === undefined ? {} : { zones }),
    ...(ami === undefined ? {} : { ami }),
    instanceType,
    architecture: architectureOf(instanceType),
    daemon: {
      url: text('daemonUrl', /^https?:\/\/\S+$/, "it must be the URL of the daemon's executable"),
      sha256: text('daemonSha256', /^[0-9a-f]{64}$/, "it must be the executable's SHA-256 in lower case"),
    },
    probeTarget: text('probeTarget', /^(\d{1,3}\.){3}\d{1,3}$/, 'it must be an IPv4 address', '1.1.1.1'),
    failback: readFailback(read('failback') ?? 'never'),
    ...(leaseTable === undefined ? {} : { leaseTable }),
    fence: readFence(read('fence') ?? 'none', leaseTable),
    ipv6: flag('ipv6', false),
    workload: flag('workload', false),
    ...(endpoint === undefined ? {} : { endpoint }),
    tags: readTags(read('tags')),
  };
}

function readDesign(value: string): Design {
  if (value === 'egress-pair' || value === 'floating-eni') return value;
  throw wrong('design', value, 'it must be egress-pair or floating-eni');
}

/** How many zones a design spans. */
export const zonesOf = (design: Design): number => (design === 'egress-pair' ? 2 : 1);

function readZones(value: string | undefined, design: Design): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = value.startsWith('[') ? parseJson(value) : value.split(',');
  if (!Array.isArray(list)) throw wrong('zones', value, 'it must be zone names separated by commas');
  const zones = list.map((zone) => String(zone).trim());
  const wanted = zonesOf(design);
  if (zones.length !== wanted)
    throw wrong('zones', value, `${design} needs ${wanted} zone(s), separated by commas`);
  return zones;
}

function checkLayout(cidr: string, zones: readonly string[] | undefined): void {
  const check = (key: Key, value: string, run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      throw wrong(key, value, error instanceof Error ? error.message : String(error));
    }
  };
  check('cidr', cidr, () => layout(cidr, ['eu-central-1a']));
  if (zones !== undefined) check('zones', zones.join(','), () => layout(cidr, zones));
}

function readFailback(value: string): StackConfig['failback'] {
  if (value === 'never') return 'never';
  if (/^\d+(ms|s|m|h)$/.test(value)) return { after: value };
  throw wrong(
    'failback',
    value,
    'it must be never, or how long the preferred appliance must have been healthy, as 10m',
  );
}

function readFence(value: string, leaseTable: string | undefined): StackConfig['fence'] {
  if (value === 'none') return value;
  // The designs forward by primary ENIs, which cannot be detached.
  if (value !== 'stop-instance') throw wrong('fence', value, 'it must be none or stop-instance');
  if (leaseTable === undefined)
    throw wrong('leaseTable', undefined, 'without leases the appliances would stop each other (byoa:fence)');
  return value;
}

function readTags(value: string | undefined): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const parsed = parseJson(value);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw wrong('tags', value, 'it must be a JSON object of texts');
  }
  const entries = Object.entries(parsed).map(([name, tag]): [string, string] => {
    if (typeof tag !== 'string') throw wrong('tags', value, `the value of '${name}' is not text`);
    if (/^(aws|byoa):/i.test(name)) throw wrong('tags', value, `the tag '${name}' is reserved`);
    return [name, tag];
  });
  return Object.fromEntries(entries);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The processor of an instance type: a `g` after the generation is Graviton, as in t4g or c7gn. */
export const architectureOf = (instanceType: string): Architecture =>
  /^[a-z]+\d+[a-z]*g[a-z]*(-[a-z0-9]+)?\./.test(instanceType) || instanceType.startsWith('a1.')
    ? 'arm64'
    : 'x86_64';
