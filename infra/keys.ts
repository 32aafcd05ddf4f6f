/**
 * What a stack may say of a design (`byoa:KEY`), and a program in any language of its component: name, type,
 * meaning, an example. One list; `config.ts` reads the values. Pure.
 */
import { type Design, movesGroups, type OwnKey } from './design.ts';

export interface KeyPlan {
  /** As an argument of a component; a stack says the same in text. */
  readonly type: 'text' | 'flag' | 'number' | 'list' | 'map' | 'subnets' | 'id';
  readonly what: string;
  readonly example: string;
  /** Whether it must be said. */
  readonly required?: true;
}

const text = (example: string, what: string): KeyPlan => ({ type: 'text', what, example });
const flag = (what: string): KeyPlan => ({ type: 'flag', what, example: 'true' });

/** Of something that may be made by the same program. */
const id = (example: string, what: string): KeyPlan => ({ type: 'id', what, example });

export const KEYS = {
  design: text('egress-pair', 'Which design.'),
  cidr: text('10.0.0.0/16', 'IPv4 block of the VPC, /16 to /24; 10.0.0.0/16 where absent.'),
  vpcId: id(
    'vpc-0123456789abcdef0',
    'A VPC that exists, which has the block `cidr` free; needs its gateway.',
  ),
  internetGatewayId: id('igw-0123456789abcdef0', 'The Internet gateway of `vpcId`.'),
  subnets: {
    type: 'subnets',
    what: 'Subnets of `vpcId` that exist, by the names that the design gives them: id, cidr, and its route table.',
    example:
      '\'{"workload-eu-central-1a":{"id":"subnet-0123456789abcdef0","cidr":"10.0.16.0/20","table":"rtb-0123456789abcdef0"}}\'',
  },
  zones: {
    type: 'list',
    what: 'Availability zones, the preferred first; a stack without them takes the first ones of its region.',
    example: 'eu-central-1a,eu-central-1b',
  },
  ami: text('ami-0123456789abcdef0', 'Image of the instances; the newest Debian 12 where absent.'),
  instanceType: text('t3.micro', 'Instance type of the appliances; t3.micro where absent.'),
  daemonUrl: {
    ...text('https://example.com/byoa-linux-x64', "URL of the daemon's executable."),
    required: true,
  },
  daemonSha256: {
    ...text('<64 hexadecimal digits>', 'SHA-256 of the executable, 64 lower-case hexadecimal digits.'),
    required: true,
  },
  appliance: text('firewall', 'What an appliance is: nat, firewall, or own for an AMI of your own.'),
  rules: text('"tcp dport 443 accept"', 'What a firewall lets through: lines of an nftables chain.'),
  stateSync: flag(
    'Whether two firewalls with rules tell each other of their connections (conntrackd); true where absent.',
  ),
  userData: text('"$(cat boot.sh)"', 'User data of your own AMI.'),
  observers: flag('Whether the daemons run on small instances of their own.'),
  probeTargets: {
    type: 'list',
    what: 'IPv4 addresses that answer ICMP echo, one for each appliance.',
    example: '1.1.1.1,8.8.8.8',
  },
  failback: text('10m', 'never, or how long the preferred appliance must have been healthy.'),
  leaseTable: text('byoa-leases', 'A DynamoDB table that exists, for leases of the groups.'),
  bgpPasswordParameter: text(
    '/byoa/egress/bgp',
    'A SecureString of Systems Manager that exists: the TCP-MD5 password of all BGP sessions.',
  ),
  bfdKeyParameter: text(
    '/byoa/egress/bfd',
    'A SecureString of Systems Manager that exists: the key of all BFD sessions, at most 20 characters.',
  ),
  speaker: text(
    'bird',
    'What speaks BGP on the appliances: byoa, or bird or frr, which are Debian packages.',
  ),
  fence: text('stop-instance', 'What is done to an owner that is lost: none, or stop-instance.'),
  workload: flag('Whether there is a client instance in each workload subnet.'),
  endpoint: text('http://127.0.0.1:4566', "EC2 and STS endpoint of the daemons, where it is not AWS's."),
  tags: { type: 'map', what: 'Tags of everything.', example: '\'{"team":"network"}\'' },
  ipv6: flag('Whether the VPC has IPv6 as well.'),
  appliances: { type: 'number', what: 'How many appliances, 2 to 8.', example: '3' },
  overlay: text('192.0.2.1', 'An IPv4 address outside the VPC that the appliances answer for.'),
  spokes: {
    type: 'list',
    what: 'IPv4 blocks of the VPCs around the hub; the two blocks after `cidr` where absent.',
    example: '10.1.0.0/16,10.2.0.0/16',
  },
  lastResort: flag('Whether NAT gateways stand by for when every appliance is dead; needs `observers`.'),
} as const satisfies Readonly<Record<string, KeyPlan>>;

export type Key = keyof typeof KEYS;

/** Keys that only some designs take. */
const OWN: readonly OwnKey[] = ['ipv6', 'appliances', 'overlay', 'spokes', 'lastResort'];

/** Keys of what groups are moved by. */
const OF_GROUPS: readonly Key[] = ['observers', 'failback', 'leaseTable', 'fence'];

/** Keys of what speaks BGP. */
const OF_BGP: readonly Key[] = ['bgpPasswordParameter', 'bfdKeyParameter', 'speaker'];

/** The keys that a design takes. */
export const keysOf = (design: Design): readonly Key[] =>
  (Object.keys(KEYS) as Key[]).filter((key) => {
    if (OF_GROUPS.includes(key) && !movesGroups(design)) return false;
    if (OF_BGP.includes(key) && design.keptBy !== 'bgp') return false;
    const own = OWN.find((one) => one === key);
    return own === undefined || design.keys.includes(own);
  });

/** What is wrong with the value of a key; the message is for the operator of a stack. */
export class KeyError extends Error {
  readonly key: string;
  /** What it is, and what it must be, without the place. */
  readonly why: string;

  constructor(key: string, why: string, remedy: string) {
    super(`byoa:${key} of the stack ${why}. ${remedy}`);
    this.name = 'KeyError';
    this.key = key;
    this.why = why;
  }
}

/** An error of one key: what, the value, where, why, and the command that mends it. */
export function wrong(key: Key, value: string | undefined, why: string): KeyError {
  const found = value === undefined ? 'is not set' : `is '${value}'`;
  return new KeyError(key, `${found}: ${why}`, `Run: pulumi config set byoa:${key} ${KEYS[key].example}`);
}
