/**
 * Network ACLs: the default one of each VPC, which lets everything pass. Forwarding does not evaluate ACLs.
 */
import type {
  DescribeNetworkAclsRequest,
  DescribeNetworkAclsResult,
  NetworkAcl,
  NetworkAclEntry,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type {
  NetworkAclEntry as Entry,
  NetworkAclRecord,
  SubnetRecord,
  VpcRecord,
} from '../record/network.ts';
import { refuse } from '../refusal.ts';

const LAST_RULE = 32767;

const entry = (number: number, egress: boolean, cidr: string): Entry => ({
  number,
  egress,
  protocol: -1,
  action: number >= LAST_RULE ? 'deny' : 'allow',
  cidr,
});

const both = (number: number, cidr: string): Entry[] => [
  entry(number, true, cidr),
  entry(number, false, cidr),
];

const ipv6Entries = [...both(101, '::/0'), ...both(LAST_RULE + 1, '::/0')];

/** Gives the default ACL of a VPC, that gets its first IPv6 block, the rules for IPv6. */
export function admitIpv6(tx: Tx, vpc: string): void {
  const acl = tx.referring('network-acl', vpc).find((each) => each.isDefault);
  if (acl === undefined || acl.entries.some((each) => each.cidr === '::/0')) return;
  tx.put('network-acl', { ...acl, entries: [...acl.entries, ...ipv6Entries] });
}

/** The ACL that a VPC is made with: rule 100 lets all pass, the last rule denies. */
export function createDefaultNetworkAcl(tx: Tx, vpc: VpcRecord): NetworkAclRecord {
  const ipv6 = vpc.ipv6.length > 0 ? ipv6Entries : [];
  return tx.put('network-acl', {
    id: tx.newId('acl'),
    tags: {},
    account: tx.account,
    vpc: vpc.id,
    isDefault: true,
    entries: [...both(100, '0.0.0.0/0'), ...both(LAST_RULE, '0.0.0.0/0'), ...ipv6],
    associations: [],
  });
}

/** Puts a new subnet under its VPC's default ACL. */
export function associateDefaultAcl(tx: Tx, subnet: SubnetRecord): void {
  const acl =
    tx.referring('network-acl', subnet.vpc).find((each) => each.isDefault) ??
    refuse('InternalError', `The VPC ${subnet.vpc} has no default network ACL`, 500);
  const association = { association: tx.newId('aclassoc'), subnet: subnet.id };
  tx.put('network-acl', { ...acl, associations: [...acl.associations, association] });
}

/** Takes a subnet that goes away from its ACL. */
export function forgetSubnet(tx: Tx, subnet: string): void {
  for (const acl of tx.referring('network-acl', subnet)) {
    tx.put('network-acl', {
      ...acl,
      associations: acl.associations.filter((each) => each.subnet !== subnet),
    });
  }
}

const filters: Filters<NetworkAclRecord> = {
  'association.association-id': (acl) => acl.associations.map((each) => each.association),
  'association.network-acl-id': (acl) => (acl.associations.length > 0 ? acl.id : undefined),
  'association.subnet-id': (acl) => acl.associations.map((each) => each.subnet),
  default: (acl) => acl.isDefault,
  'entry.cidr': (acl) => acl.entries.map((each) => each.cidr),
  'entry.protocol': (acl) => acl.entries.map((each) => each.protocol),
  'entry.rule-action': (acl) => acl.entries.map((each) => each.action),
  'entry.egress': (acl) => acl.entries.map((each) => String(each.egress)),
  'entry.rule-number': (acl) => acl.entries.map((each) => each.number),
  'network-acl-id': (acl) => acl.id,
  'owner-id': (acl) => acl.account,
  'vpc-id': (acl) => acl.vpc,
};

const indexed = ['association.association-id', 'association.subnet-id', 'vpc-id'];

const shownEntry = ({ number, egress, protocol, action, cidr }: Entry): NetworkAclEntry => ({
  RuleNumber: number,
  Egress: egress,
  Protocol: String(protocol),
  RuleAction: action,
  ...(cidr.includes(':') ? { Ipv6CidrBlock: cidr } : { CidrBlock: cidr }),
});

const shown = (acl: NetworkAclRecord): NetworkAcl => ({
  NetworkAclId: acl.id,
  OwnerId: acl.account,
  VpcId: acl.vpc,
  IsDefault: acl.isDefault,
  Entries: acl.entries.map(shownEntry),
  Associations: acl.associations.map((each) => ({
    NetworkAclAssociationId: each.association,
    NetworkAclId: acl.id,
    SubnetId: each.subnet,
  })),
  Tags: shownTags(acl.tags),
});

export const networkAclHandlers: Handlers = {
  DescribeNetworkAcls: handler((tx, input: DescribeNetworkAclsRequest): DescribeNetworkAclsResult => {
    const page = describe(tx, { kind: 'network-acl', ids: input.NetworkAclIds, input, filters, indexed });
    return { NetworkAcls: page.records.map(shown), ...page.next };
  }),
};
