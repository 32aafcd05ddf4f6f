/**
 * Which subnet gets which addresses: pure arithmetic on CIDR blocks and zone names. A zone's place follows
 * from its letter (`eu-central-1b` is the second eighth of the VPC), so adding or removing a zone never moves
 * another zone's subnets. Knows availability zones only, not local or wavelength zones.
 */

/** The blocks of one zone; IPv4 only, IPv6 comes from `ipv6Block`. */
export interface ZoneLayout {
  readonly zone: string;
  /** The zone's letter, which names its resources. */
  readonly letter: string;
  readonly blocks: { readonly appliance: string; readonly workload: string };
}

const ZONES_PER_VPC = 8;
const ZONE = /^([a-z]{2}(?:-[a-z]+)+-\d)([a-h])$/;
const VPC_BLOCK = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;
/** Appliance subnets are no larger than this: a few appliances, their endpoints and floating ENIs. */
const APPLIANCE_LENGTH = 24;
/** EC2 reserves the first four addresses of a subnet and the last. */
const RESERVED_AT_START = 4;

interface Block {
  readonly base: number;
  readonly length: number;
}

const blockText = ({ base, length }: Block): string => `${addressText(base)}/${length}`;
const addressText = (value: number): string =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');

/** Reads the IPv4 block of a VPC; EC2 allows /16 to /28, and eight zones of two subnets need at least /24. */
function vpcBlock(cidr: string): Block {
  const numbers = VPC_BLOCK.exec(cidr)?.slice(1).map(Number);
  const [a = 0, b = 0, c = 0, d = 0, length = 0] = numbers ?? [];
  const remedy = 'give a block such as 10.0.0.0/16';
  if (numbers === undefined || [a, b, c, d].some((octet) => octet > 255)) {
    throw new Error(`'${cidr}' is not an IPv4 CIDR block; ${remedy}`);
  }
  if (length < 16 || length > 24) {
    throw new Error(
      `'${cidr}': the VPC's block must be between /16 and /24 to hold the subnets of 8 zones; ${remedy}`,
    );
  }
  const base = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  if (base % 2 ** (32 - length) !== 0) {
    const masked = base - (base % 2 ** (32 - length));
    throw new Error(`'${cidr}' has host bits set; did you mean ${addressText(masked)}/${length}?`);
  }
  return { base, length };
}

/** The letter of an availability zone: `b` of `eu-central-1b`. */
export function zoneLetter(zone: string): string {
  const letter = ZONE.exec(zone)?.[2];
  if (letter !== undefined) return letter;
  throw new Error(`'${zone}' is not an availability zone; give names such as eu-central-1a (letters a to h)`);
}

/** The position of a zone's eighth: 0 for letter a. */
const zoneIndex = (zone: string): number => zoneLetter(zone).charCodeAt(0) - 'a'.charCodeAt(0);

/**
 * One zone's part of the VPC: the first half begins with the appliance subnet, the second half is the
 * workloads'.
 */
export function zoneLayout(vpcCidr: string, zone: string): ZoneLayout {
  const vpc = vpcBlock(vpcCidr);
  const zoneLength = vpc.length + Math.log2(ZONES_PER_VPC);
  const base = vpc.base + zoneIndex(zone) * 2 ** (32 - zoneLength);
  const half = zoneLength + 1;
  return {
    zone,
    letter: zoneLetter(zone),
    blocks: {
      appliance: blockText({ base, length: Math.max(half, APPLIANCE_LENGTH) }),
      workload: blockText({ base: base + 2 ** (32 - half), length: half }),
    },
  };
}

/**
 * A /28 of a zone's part, counted from the end of its first half; a block of the VPC above /19 has no room
 * for it beside the appliance subnet.
 */
function smallBlock(vpcCidr: string, zone: string, fromEnd: number, whose: string): string {
  const vpc = vpcBlock(vpcCidr);
  const half = vpc.length + Math.log2(ZONES_PER_VPC) + 1;
  if (half >= APPLIANCE_LENGTH)
    throw new Error(`'${vpcCidr}' has no room for subnets of ${whose}; give a block of /19 or larger`);
  const start = vpc.base + zoneIndex(zone) * 2 ** (33 - half);
  return blockText({ base: start + 2 ** (32 - half) - 16 * fromEnd, length: 28 });
}

export const observerBlock = (vpcCidr: string, zone: string): string =>
  smallBlock(vpcCidr, zone, 1, 'observers');

export const transitBlock = (vpcCidr: string, zone: string): string =>
  smallBlock(vpcCidr, zone, 2, 'the transit gateway');

/** The block of the same size that begins `steps` blocks after this one. */
export function blockAfter(vpcCidr: string, steps: number): string {
  const { base, length } = vpcBlock(vpcCidr);
  return blockText({ base: (base + steps * 2 ** (32 - length)) >>> 0, length });
}

/** Whether two IPv4 blocks have addresses in common. */
export function blocksOverlap(one: string, other: string): boolean {
  const [first = ''] = one.split('/');
  const [second = ''] = other.split('/');
  return blockContains(one, second) || blockContains(other, first);
}

/** The eight parts of a block; of one above /25 they are too small for subnets. */
export function eighths(cidr: string): readonly string[] {
  const parts = halves(cidr).flatMap(halves).flatMap(halves);
  const length = Number(parts[0]?.split('/')[1]);
  if (length <= 28) return parts;
  throw new Error(`'${cidr}' is too small for eight subnets; give the VPC a block of /21 or larger`);
}

/** Whether an IPv4 address is in a block. */
export function blockContains(cidr: string, address: string): boolean {
  const [text = '', length = '32'] = cidr.split('/');
  const number = (one: string): number => one.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(length));
  return Math.floor(number(text) / size) === Math.floor(number(address) / size);
}

/** The two halves of a block. */
export function halves(cidr: string): readonly [string, string] {
  const [text = '', length = '32'] = cidr.split('/');
  const base = text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const half = Number(length) + 1;
  return [blockText({ base, length: half }), blockText({ base: base + 2 ** (32 - half), length: half })];
}

/** Of 169.254.0.0/16 what AWS leaves to tunnels, and no instance knows otherwise: 169.254.8.0 to .159. */
const TUNNELS = { base: 0xa9fe0800, blocks: (152 * 256) / 4 } as const;

/** FNV-1a. */
const hashOf = (text: string): number =>
  [...text].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5);

/**
 * A /30 inside a VPN tunnel for each name, by a hash of the name: who is added at the end takes no other's.
 * Two names of one hash are rare; the later then gets the next block.
 */
export function tunnelBlocks(names: readonly string[]): readonly string[] {
  const taken = new Set<number>();
  return names.map((name) => {
    let at = hashOf(name) % TUNNELS.blocks;
    while (taken.has(at)) at = (at + 1) % TUNNELS.blocks;
    taken.add(at);
    return blockText({ base: TUNNELS.base + at * 4, length: 30 });
  });
}

/** An address of a /30 inside a VPN tunnel: 1 is the gateway's, 2 the other end's. */
export function tunnelAddress(block: string, end: 1 | 2): string {
  const [text = ''] = block.split('/');
  return addressText(text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0) + end);
}

/** The layout of several zones of one region; each zone's is the same whichever others there are. */
export function layout(vpcCidr: string, zones: readonly string[]): readonly ZoneLayout[] {
  const regions = new Set(zones.map((zone) => ZONE.exec(zone)?.[1] ?? zone));
  if (regions.size > 1)
    throw new Error(`the zones ${zones.join(', ')} are not of one region; a VPC lies in one region`);
  if (new Set(zones).size < zones.length)
    throw new Error(`the zones ${zones.join(', ')} name one zone twice`);
  return zones.map((zone) => zoneLayout(vpcCidr, zone));
}

/** The address `host` places after the first one that EC2 leaves to us: host 0 of 10.0.0.0/24 is 10.0.0.4. */
export function hostAddress(cidr: string, host: number): string {
  const [text = '', length = '32'] = cidr.split('/');
  const base = text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const free = 2 ** (32 - Number(length)) - RESERVED_AT_START - 1;
  if (host < 0 || host >= free)
    throw new Error(`'${cidr}' has ${free} addresses for us, and number ${host} is not one`);
  return addressText(base + RESERVED_AT_START + host);
}

/** A zone's /64 number `index` of the VPC's Amazon-provided IPv6 /56; 32 of the 256 are for each zone. */
export function ipv6Block(vpcBlock56: string, zone: string, index: number): string {
  const [text = '', length] = vpcBlock56.split('/');
  if (length !== '56' || !text.endsWith('::'))
    throw new Error(`'${vpcBlock56}' is not the IPv6 /56 of a VPC`);
  const words = text.slice(0, -2).split(':');
  const [a = '0', b = '0', c = '0', d = '0'] = words;
  if (words.length > 4) throw new Error(`'${vpcBlock56}' is not the IPv6 /56 of a VPC`);
  const subnet = zoneIndex(zone) * 32 + index;
  const last = (Number.parseInt(d, 16) + subnet).toString(16);
  // As EC2 writes it (RFC 5952): no zero before the colons.
  return `${[a, b, c, last].join(':').replace(/(:0)+$/, '')}::/64`;
}
