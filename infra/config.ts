/**
 * The stack's configuration (`Pulumi.<stack>.yaml`, keys `byoa:...`) as typed settings. Pure: touches neither
 * Pulumi nor AWS. The daemon's own configuration is another file's: `components/daemon-config.ts`.
 */
import { readBrought, withBrought } from './brought.ts';
import { type Design, movesGroups, type PlanArgs, zonesText } from './design.ts';
import { DESIGNS, type DesignName, isDesign, NAMES } from './designs/catalog.ts';
import { type Key, KeyError, keysOf, wrong } from './keys.ts';
import { layout, transitBlock } from './layout.ts';
import type { Plan } from './plan.ts';
import { type ApplianceKind, type Architecture, type Settings, SPEAKERS } from './settings.ts';

/** What an operator chooses for a stack. Absent `zones` and `ami` are looked up when deploying. */
export interface StackConfig extends Settings {
  readonly design: DesignName;
  readonly zones?: readonly string[];
  readonly ami?: string;
  /** An existing VPC, and its Internet gateway. */
  readonly vpcId?: string;
  readonly internetGatewayId?: string;
  readonly instanceType: string;
  readonly architecture: Architecture;
  readonly daemonUrl: string;
  readonly daemonSha256: string;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The keys of a stack without `byoa:`, as one reads them. */
interface Reader {
  readonly get: (key: Key) => string | undefined;
  readonly text: (key: Key, pattern: RegExp, why: string, fallback?: string) => string;
  readonly optional: (key: Key, pattern: RegExp, why: string) => string | undefined;
  readonly flag: (key: Key) => boolean;
}

function readerOf(keys: Readonly<Record<string, string>>): Reader {
  const get = (key: Key): string | undefined => keys[key];
  const text: Reader['text'] = (key, pattern, why, fallback) => {
    const value = get(key) ?? fallback;
    if (value === undefined || !pattern.test(value)) throw wrong(key, value, why);
    return value;
  };
  return {
    get,
    text,
    optional: (key, pattern, why) => (get(key) === undefined ? undefined : text(key, pattern, why)),
    flag: (key) => text(key, /^(true|false)$/, 'it must be true or false', 'false') === 'true',
  };
}

/** Reads and checks all keys (without `byoa:`); throws an error that names key, value and remedy. */
export function stackConfig(keys: Readonly<Record<string, string>>): StackConfig {
  const read = readerOf(keys);
  const name = readDesign(read.get('design') ?? 'egress-pair');
  checkKeys(Object.keys(keys), name);
  const design: Design = DESIGNS[name];
  const cidr = read.get('cidr') ?? '10.0.0.0/16';
  const zones = readList(read, 'zones');
  checkZones(design, name, cidr, zones);
  const ami = read.optional('ami', /^ami-[0-9a-f]{8,17}$/, 'an AMI id looks like ami-0123456789abcdef0');
  const type = /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/;
  const instanceType = read.text('instanceType', type, 'it is not an instance type', 't3.micro');
  const observers = read.flag('observers');
  const config: StackConfig = {
    design: name,
    cidr,
    ...(zones === undefined ? {} : { zones }),
    ...(ami === undefined ? {} : { ami }),
    ...readVpc(read),
    ...readSubnets(read),
    instanceType,
    architecture: architectureOf(instanceType),
    daemonUrl: read.text('daemonUrl', /^https?:\/\/\S+$/, "it must be the URL of the daemon's executable"),
    daemonSha256: read.text(
      'daemonSha256',
      /^[0-9a-f]{64}$/,
      "it must be the executable's SHA-256 in lower case",
    ),
    appliance: readAppliance(read, design, observers),
    observers,
    failback: readFailback(read.get('failback'), design),
    ...readOptional(read),
    speaker: readSpeaker(read),
    fence: readFence(read),
    ipv6: read.flag('ipv6'),
    ...(read.flag('lastResort') ? { lastResort: true } : {}),
    workload: read.flag('workload'),
    tags: readTags(read.get('tags')),
  };
  if (zones !== undefined) planOf({ ...config, zones });
  return config;
}

/** The plan of a stack whose zones are known; throws an error that says what does not fit. */
export function planOf(config: StackConfig & Pick<PlanArgs, 'zones'>): Plan {
  try {
    return withBrought(DESIGNS[config.design].plan(config), config.subnets);
  } catch (error) {
    throw new Error(`byoa:design ${config.design} cannot be planned: ${messageOf(error)}`);
  }
}

function readDesign(value: string): DesignName {
  if (isDesign(value)) return value;
  throw wrong('design', value, `it must be ${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1)}`);
}

/** Refuses keys that nobody reads, which would be mistakes. */
function checkKeys(given: readonly string[], name: DesignName): void {
  const taken: readonly string[] = keysOf(DESIGNS[name]);
  const stranger = given.find((key) => !taken.includes(key));
  if (stranger === undefined) return;
  const others = NAMES.filter((other) => keysOf(DESIGNS[other]).some((key) => key === stranger));
  const why =
    others.length === 0 ? 'no design takes it' : `${name} does not take it; ${others.join(', ')} do`;
  throw new KeyError(
    stranger,
    `is not taken: ${why}. It takes ${taken.join(', ')}`,
    `Run: pulumi config rm byoa:${stranger}`,
  );
}

function readList(read: Reader, key: Key): readonly string[] | undefined {
  const value = read.get(key);
  if (value === undefined) return undefined;
  const list = value.startsWith('[') ? parseJson(value) : value.split(',');
  if (!Array.isArray(list)) throw wrong(key, value, 'it must be names separated by commas');
  return list.map((one) => String(one).trim());
}

function checkZones(design: Design, name: string, cidr: string, zones: readonly string[] | undefined): void {
  const { min, max } = design.zones;
  if (zones !== undefined && (zones.length < min || zones.length > max))
    throw wrong('zones', zones.join(','), `${name} needs ${zonesText(design)}, separated by commas`);
  const check = (key: Key, value: string, names: readonly string[]): void => {
    try {
      layout(cidr, names);
    } catch (error) {
      throw wrong(key, value, messageOf(error));
    }
  };
  check('cidr', cidr, ['eu-central-1a']);
  if (zones !== undefined) check('zones', zones.join(','), zones);
}

/** Both or neither; an existing VPC has its own IPv6 blocks, which the design cannot divide. */
function readVpc(read: Reader): Pick<StackConfig, 'vpcId' | 'internetGatewayId'> {
  const hex = '[0-9a-f]{8,17}$';
  const vpcId = read.optional('vpcId', new RegExp(`^vpc-${hex}`), 'it must be the id of a VPC');
  const gatewayId = new RegExp(`^igw-${hex}`);
  const why = 'it must be the id of an Internet gateway';
  const internetGatewayId = read.optional('internetGatewayId', gatewayId, why);
  if (vpcId === undefined && internetGatewayId === undefined) return {};
  if (vpcId === undefined) throw wrong('vpcId', vpcId, 'byoa:internetGatewayId is the gateway of this VPC');
  if (internetGatewayId === undefined)
    throw wrong('internetGatewayId', internetGatewayId, 'appliances in byoa:vpcId need its Internet gateway');
  if (read.flag('ipv6')) throw wrong('ipv6', 'true', 'byoa:vpcId exists, and its IPv6 blocks are in use');
  return { vpcId, internetGatewayId };
}

/** Subnets that exist, which are of a VPC that exists. */
function readSubnets(read: Reader): Pick<StackConfig, 'subnets'> {
  const value = read.get('subnets');
  if (value === undefined) return {};
  if (read.get('vpcId') === undefined)
    throw wrong('vpcId', undefined, 'byoa:subnets are of a VPC that exists');
  try {
    return { subnets: readBrought(parseJson(value)) };
  } catch (error) {
    throw wrong('subnets', value, messageOf(error));
  }
}

function readAppliance(read: Reader, design: Design, observers: boolean): ApplianceKind {
  const [rules, userData, sync] = [read.get('rules'), read.get('userData'), read.get('stateSync')];
  const kind = read.text('appliance', /^(nat|firewall|own)$/, 'it must be nat, firewall or own', design.role);
  if (rules !== undefined && kind !== 'firewall')
    throw wrong('rules', rules, `they are for byoa:appliance firewall, and it is ${kind}`);
  if (sync !== undefined && (rules ?? '').trim() === '')
    throw wrong('stateSync', sync, 'only a firewall with byoa:rules keeps connections in mind');
  if (userData !== undefined && kind !== 'own')
    throw wrong('userData', userData.slice(0, 40), `it is for byoa:appliance own, and that is ${kind}`);
  if (kind === 'nat') return { kind };
  if (kind === 'firewall')
    return { kind, rules: rules ?? '', stateSync: sync === undefined || read.flag('stateSync') };
  if (read.get('ami') === undefined) throw wrong('ami', undefined, 'byoa:appliance own needs its AMI');
  if (!observers && movesGroups(design))
    throw wrong(
      'observers',
      read.get('observers'),
      'where byoa does not set up the appliances, its daemons run on instances of their own',
    );
  return { kind: 'own', userData: userData ?? '' };
}

const readParameter = (read: Reader, key: 'bgpPasswordParameter' | 'bfdKeyParameter'): string | undefined =>
  read.optional(key, /^(\/[\w.-]+)+$|^[\w.-]+$/, 'a parameter has a name such as /byoa/egress/bgp');

/** What is absent where the stack does not set it. */
function readOptional(
  read: Reader,
): Pick<
  Settings,
  | 'probeTargets'
  | 'leaseTable'
  | 'bgpPasswordParameter'
  | 'bfdKeyParameter'
  | 'endpoint'
  | 'appliances'
  | 'overlay'
  | 'spokes'
> {
  const probeTargets = readList(read, 'probeTargets');
  const ipv4 = /^(\d{1,3}\.){3}\d{1,3}$/;
  const bad = probeTargets?.find((one) => !ipv4.test(one));
  if (bad !== undefined) throw wrong('probeTargets', bad, 'it must be IPv4 addresses, separated by commas');
  const leaseTable = read.optional(
    'leaseTable',
    /^[a-zA-Z0-9_.-]{3,255}$/,
    'a table has 3 to 255 letters, digits, _ . or -',
  );
  const bgpPasswordParameter = readParameter(read, 'bgpPasswordParameter');
  const bfdKeyParameter = readParameter(read, 'bfdKeyParameter');
  const endpoint = read.optional('endpoint', /^https?:\/\/\S+$/, 'it must be an http:// or https:// URL');
  const appliances = read.optional('appliances', /^[2-8]$/, 'it must be from 2 to 8');
  const overlay = read.optional('overlay', ipv4, 'it must be an IPv4 address outside the VPC');
  const spokes = readSpokes(read);
  return {
    ...(probeTargets === undefined ? {} : { probeTargets }),
    ...(leaseTable === undefined ? {} : { leaseTable }),
    ...(bgpPasswordParameter === undefined ? {} : { bgpPasswordParameter }),
    ...(bfdKeyParameter === undefined ? {} : { bfdKeyParameter }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(appliances === undefined ? {} : { appliances: Number(appliances) }),
    ...(overlay === undefined ? {} : { overlay }),
    ...(spokes === undefined ? {} : { spokes }),
  };
}

function readSpokes(read: Reader): readonly string[] | undefined {
  const spokes = readList(read, 'spokes');
  for (const one of spokes ?? []) {
    try {
      transitBlock(one, 'eu-central-1a');
    } catch (error) {
      throw wrong('spokes', one, messageOf(error));
    }
  }
  return spokes;
}

function readFailback(value: string | undefined, design: Design): Settings['failback'] {
  if (value === undefined) return design.failback;
  if (value === 'never') return 'never';
  if (/^\d+(ms|s|m|h)$/.test(value)) return { after: value };
  throw wrong(
    'failback',
    value,
    'it must be never, or how long the preferred appliance must have been healthy, as 10m',
  );
}

function readSpeaker(read: Reader): Settings['speaker'] {
  const value = read.text('speaker', /^(byoa|bird|frr)$/, 'it must be byoa, bird or frr', 'byoa');
  const speaker = SPEAKERS.find((one) => one === value) ?? 'byoa';
  if (speaker !== 'byoa' && read.get('appliance') === 'own')
    throw wrong('speaker', value, 'what speaks on an AMI of your own (byoa:appliance own) is yours to say');
  if (speaker === 'frr' && read.get('bfdKeyParameter') !== undefined)
    throw wrong('speaker', value, 'FRR does not authenticate BFD (byoa:bfdKeyParameter); BIRD does');
  return speaker;
}

function readFence(read: Reader): Settings['fence'] {
  // The designs forward by primary ENIs, which cannot be detached.
  const value = read.text('fence', /^(none|stop-instance)$/, 'it must be none or stop-instance', 'none');
  if (value !== 'stop-instance') return 'none';
  if (read.get('leaseTable') === undefined)
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
