/**
 * Network ACLs: the default one of each VPC, which lets everything pass, and own ones, which deny all until
 * they have entries. A subnet always has exactly one. Entries are in network-acl-entry.ts.
 */
import type {
  CreateNetworkAclRequest,
  CreateNetworkAclResult,
  DeleteNetworkAclRequest,
  DescribeNetworkAclsRequest,
  DescribeNetworkAclsResult,
  NetworkAcl,
  NetworkAclEntry,
  ReplaceNetworkAclAssociationRequest,
  ReplaceNetworkAclAssociationResult,
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
import { specifiedTags } from '../tags.ts';

/** The last IPv4 entry, which denies and cannot be changed; that of IPv6 has the next number. */
export const LAST_RULE = 32767;

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

/** An ACL of one's own denies everything at first, in both families where the VPC has IPv6. */
function createNetworkAcl(tx: Tx, input: CreateNetworkAclRequest): CreateNetworkAclResult {
  const vpc = tx.need('vpc', input.VpcId ?? '');
  if (tx.referring('network-acl', vpc.id).length >= tx.settings.quotas.networkAclsPerVpc) {
    refuse('NetworkAclLimitExceeded', 'The maximum number of network ACLs has been reached.');
  }
  const ipv6 = vpc.ipv6.length > 0 ? both(LAST_RULE + 1, '::/0') : [];
  const acl = tx.put('network-acl', {
    id: tx.newId('acl'),
    tags: specifiedTags(tx, input.TagSpecifications, 'network-acl'),
    account: tx.account,
    vpc: vpc.id,
    isDefault: false,
    entries: [...both(LAST_RULE, '0.0.0.0/0'), ...ipv6],
    associations: [],
  });
  return { NetworkAcl: shown(acl), ...(input.ClientToken && { ClientToken: input.ClientToken }) };
}

function deleteNetworkAcl(tx: Tx, { NetworkAclId: id = '' }: DeleteNetworkAclRequest): undefined {
  const acl = tx.need('network-acl', id);
  if (acl.isDefault) {
    refuse('InvalidParameterValue', `The default network ACL '${acl.id}' cannot be deleted.`);
  }
  if (acl.associations.length > 0) {
    refuse('DependencyViolation', `The networkAcl '${acl.id}' has dependencies and cannot be deleted.`);
  }
  tx.remove('network-acl', acl.id);
  return undefined;
}

/** Moves a subnet to another ACL; the association gets a new id. */
function replaceAssociation(
  tx: Tx,
  input: ReplaceNetworkAclAssociationRequest,
): ReplaceNetworkAclAssociationResult {
  const id = input.AssociationId ?? '';
  const [holder] = tx.referring('network-acl', id);
  const found = holder?.associations.find((each) => each.association === id);
  if (holder === undefined || found === undefined) {
    return refuse('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  }
  const target = tx.need('network-acl', input.NetworkAclId ?? '');
  if (target.vpc !== holder.vpc) {
    refuse(
      'InvalidParameterValue',
      `Network ACL ${target.id} and subnet ${found.subnet} belong to different networks`,
    );
  }
  tx.put('network-acl', {
    ...holder,
    associations: holder.associations.filter((each) => each !== found),
  });
  const association = tx.newId('aclassoc');
  const acl = tx.need('network-acl', target.id);
  const associations = [...acl.associations, { association, subnet: found.subnet }];
  tx.put('network-acl', { ...acl, associations });
  return { NewAssociationId: association };
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
  'entry.cidr': (acl) => acl.entries.filter((each) => !each.cidr.includes(':')).map((each) => each.cidr),
  'entry.icmp.code': (acl) => acl.entries.map((each) => each.icmp?.code),
  'entry.icmp.type': (acl) => acl.entries.map((each) => each.icmp?.type),
  'entry.ipv6-cidr': (acl) => acl.entries.filter((each) => each.cidr.includes(':')).map((each) => each.cidr),
  'entry.port-range.from': (acl) => acl.entries.map((each) => each.ports?.from),
  'entry.port-range.to': (acl) => acl.entries.map((each) => each.ports?.to),
  'entry.protocol': (acl) => acl.entries.map((each) => each.protocol),
  'entry.rule-action': (acl) => acl.entries.map((each) => each.action),
  'entry.egress': (acl) => acl.entries.map((each) => String(each.egress)),
  'entry.rule-number': (acl) => acl.entries.map((each) => each.number),
  'network-acl-id': (acl) => acl.id,
  'owner-id': (acl) => acl.account,
  'vpc-id': (acl) => acl.vpc,
};

const indexed = ['association.association-id', 'association.subnet-id', 'vpc-id'];

const shownEntry = ({ number, egress, protocol, action, cidr, ports, icmp }: Entry): NetworkAclEntry => ({
  RuleNumber: number,
  Egress: egress,
  Protocol: String(protocol),
  RuleAction: action,
  ...(cidr.includes(':') ? { Ipv6CidrBlock: cidr } : { CidrBlock: cidr }),
  ...(ports && { PortRange: { From: ports.from, To: ports.to } }),
  ...(icmp && { IcmpTypeCode: { Type: icmp.type, Code: icmp.code } }),
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
  CreateNetworkAcl: handler(createNetworkAcl),
  DeleteNetworkAcl: handler(deleteNetworkAcl),
  ReplaceNetworkAclAssociation: handler(replaceAssociation),
  DescribeNetworkAcls: handler((tx, input: DescribeNetworkAclsRequest): DescribeNetworkAclsResult => {
    const page = describe(tx, { kind: 'network-acl', ids: input.NetworkAclIds, input, filters, indexed });
    return { NetworkAcls: page.records.map(shown), ...page.next };
  }),
};
