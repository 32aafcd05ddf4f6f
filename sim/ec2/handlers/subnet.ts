/** Subnets, their attributes and their IPv6 block. */
import type {
  AssociateSubnetCidrBlockRequest,
  AssociateSubnetCidrBlockResult,
  CreateSubnetRequest,
  CreateSubnetResult,
  DeleteSubnetRequest,
  DescribeSubnetsRequest,
  DescribeSubnetsResult,
  DisassociateSubnetCidrBlockRequest,
  DisassociateSubnetCidrBlockResult,
  ModifySubnetAttributeRequest,
  Subnet,
  SubnetIpv6CidrBlockAssociation,
} from '@aws-sdk/client-ec2';
import { covers, formatPrefix, overlaps, prefix } from '../../../controller/base/ip.ts';
import { cidrParameter, freeCount } from '../addressing.ts';
import { byShown, describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { CidrAssociation, SubnetRecord, VpcRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { zoneNamed, zonesOf } from '../zones.ts';
import { associateDefaultAcl, forgetSubnet } from './network-acl.ts';
import { forgetAssociations } from './route-table-association.ts';

const indexed = ['vpc-id', 'ipv6-cidr-block-association.association-id'];

const arn = ({ region, account, id }: SubnetRecord): string =>
  `arn:aws:ec2:${region}:${account}:subnet/${id}`;

const zoneId = (tx: Tx, subnet: SubnetRecord): string | undefined =>
  zonesOf(tx).find((zone) => zone.name === subnet.zone)?.id;

const shownIpv6 = (
  { association, cidr }: CidrAssociation,
  State: 'associated' | 'associating' | 'disassociating',
): SubnetIpv6CidrBlockAssociation => ({
  AssociationId: association,
  Ipv6CidrBlock: cidr,
  Ipv6CidrBlockState: { State },
});

const shown = (tx: Tx, subnet: SubnetRecord): Subnet => ({
  SubnetId: subnet.id,
  SubnetArn: arn(subnet),
  OwnerId: subnet.account,
  VpcId: subnet.vpc,
  AvailabilityZone: subnet.zone,
  AvailabilityZoneId: zoneId(tx, subnet),
  CidrBlock: subnet.cidr,
  AvailableIpAddressCount: freeCount(tx, subnet),
  DefaultForAz: subnet.defaultForAz,
  MapPublicIpOnLaunch: subnet.mapPublicIpOnLaunch,
  MapCustomerOwnedIpOnLaunch: false,
  AssignIpv6AddressOnCreation: subnet.assignIpv6AddressOnCreation,
  Ipv6CidrBlockAssociationSet: subnet.ipv6 ? [shownIpv6(subnet.ipv6, 'associated')] : [],
  Ipv6Native: false,
  EnableDns64: subnet.enableDns64,
  PrivateDnsNameOptionsOnLaunch: {
    HostnameType: subnet.hostnameType,
    EnableResourceNameDnsARecord: subnet.resourceNameDnsA,
    EnableResourceNameDnsAAAARecord: subnet.resourceNameDnsAaaa,
  },
  State: 'available',
  Tags: shownTags(subnet.tags),
});

const filters: Filters<SubnetRecord> = {
  'availability-zone': (subnet) => subnet.zone,
  availabilityZone: (subnet) => subnet.zone,
  'availability-zone-id': (subnet, tx) => zoneId(tx, subnet),
  'available-ip-address-count': (subnet, tx) => freeCount(tx, subnet),
  cidr: (subnet) => subnet.cidr,
  'cidr-block': (subnet) => subnet.cidr,
  'default-for-az': (subnet) => subnet.defaultForAz,
  defaultForAz: (subnet) => subnet.defaultForAz,
  'ipv6-cidr-block-association.ipv6-cidr-block': (subnet) => subnet.ipv6?.cidr,
  'ipv6-cidr-block-association.association-id': (subnet) => subnet.ipv6?.association,
  'ipv6-cidr-block-association.state': (subnet) => subnet.ipv6 && 'associated',
  'map-public-ip-on-launch': (subnet) => subnet.mapPublicIpOnLaunch,
  'owner-id': (subnet) => subnet.account,
  state: () => 'available',
  'subnet-arn': (subnet) => arn(subnet),
  'subnet-id': (subnet) => subnet.id,
  'vpc-id': (subnet) => subnet.vpc,
  ...byShown(
    shown,
    'customer-owned-ipv4-pool',
    'enable-dns64',
    'enable-lni-at-device-index',
    'ipv6-native',
    'map-customer-owned-ip-on-launch',
    'outpost-arn',
    'private-dns-name-options-on-launch.hostname-type',
    'private-dns-name-options-on-launch.enable-resource-name-dns-a-record',
    'private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record',
  ),
};

interface NewSubnet {
  readonly cidr: string;
  readonly ipv6?: string | undefined;
  /** Zone name or zone id. */
  readonly zone?: string | undefined;
  readonly tags: Tags;
}

/** Makes a subnet in a VPC, under its default ACL and main route table. */
export function createSubnet(tx: Tx, vpc: VpcRecord, wanted: NewSubnet): SubnetRecord {
  const [first] = zonesOf(tx);
  const zone = wanted.zone === undefined ? first : zoneNamed(tx, wanted.zone);
  if (zone === undefined)
    return refuse('InvalidParameterValue', `The region ${tx.region} has no availability zone.`);
  const siblings = tx.referring('subnet', vpc.id);
  if (siblings.length >= tx.settings.quotas.subnetsPerVpc) {
    refuse('SubnetLimitExceeded', 'The maximum number of subnets has been reached.');
  }
  const ipv6 = wanted.ipv6 === undefined ? undefined : ipv6Association(tx, vpc, wanted.ipv6);
  const subnet = tx.put('subnet', {
    id: tx.newId('subnet'),
    tags: wanted.tags,
    account: tx.account,
    region: tx.region,
    vpc: vpc.id,
    zone: zone.name,
    cidr: ipv4Block(vpc, siblings, wanted.cidr),
    ...(ipv6 && { ipv6 }),
    defaultForAz: false,
    mapPublicIpOnLaunch: false,
    assignIpv6AddressOnCreation: false,
    enableDns64: false,
    hostnameType: 'ip-name',
    resourceNameDnsA: false,
    resourceNameDnsAaaa: false,
  });
  associateDefaultAcl(tx, subnet);
  return subnet;
}

/** A subnet's IPv4 block: length 16 to 28, within a block of the VPC, apart from its siblings. */
function ipv4Block(vpc: VpcRecord, siblings: readonly SubnetRecord[], text: string): string {
  const block = cidrParameter('cidrBlock', text, 4);
  const inside = vpc.ipv4.some((each) => covers(prefix(each.cidr), block));
  if (block.length < 16 || block.length > 28 || !inside) {
    refuse('InvalidSubnet.Range', `The CIDR '${text}' is invalid.`);
  }
  if (siblings.some((each) => overlaps(prefix(each.cidr), block))) {
    refuse('InvalidSubnet.Conflict', `The CIDR '${text}' conflicts with another subnet`);
  }
  return formatPrefix(block);
}

/**
 * A subnet's IPv6 block: length 44 to 64 in steps of 4, within a block of the VPC, apart from its siblings.
 */
function ipv6Association(tx: Tx, vpc: VpcRecord, text: string): CidrAssociation {
  const block = cidrParameter('ipv6CidrBlock', text, 6);
  const inside = vpc.ipv6.some((each) => covers(prefix(each.cidr), block));
  if (block.length < 44 || block.length > 64 || block.length % 4 !== 0 || !inside) {
    refuse('InvalidSubnet.Range', `The CIDR '${text}' is invalid.`);
  }
  const siblings = tx.referring('subnet', vpc.id);
  if (siblings.some(({ ipv6 }) => ipv6 && overlaps(prefix(ipv6.cidr), block))) {
    refuse('InvalidSubnet.Conflict', `The CIDR '${text}' conflicts with another subnet`);
  }
  return { association: tx.newId('subnet-cidr-assoc'), cidr: formatPrefix(block) };
}

function modifyAttribute(tx: Tx, input: ModifySubnetAttributeRequest): undefined {
  const subnet = tx.need('subnet', input.SubnetId ?? '');
  const changes: { readonly [K in keyof SubnetRecord]?: SubnetRecord[K] | undefined } = {
    mapPublicIpOnLaunch: input.MapPublicIpOnLaunch?.Value,
    assignIpv6AddressOnCreation: input.AssignIpv6AddressOnCreation?.Value,
    enableDns64: input.EnableDns64?.Value,
    hostnameType: input.PrivateDnsHostnameTypeOnLaunch,
    resourceNameDnsA: input.EnableResourceNameDnsARecordOnLaunch?.Value,
    resourceNameDnsAaaa: input.EnableResourceNameDnsAAAARecordOnLaunch?.Value,
  };
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (given.length === 0) {
    const why = 'No attribute is given, or one that is not simulated; see MapPublicIpOnLaunch and its like.';
    refuse('InvalidParameterCombination', why);
  }
  if (given.length > 1)
    refuse('InvalidParameterCombination', 'Only one subnet attribute can be modified at a time.');
  if (changes.assignIpv6AddressOnCreation === true && subnet.ipv6 === undefined) {
    const why = 'can only be modified for subnets with associated IPv6 CIDR blocks.';
    refuse('InvalidParameterValue', `The assignIpv6AddressOnCreation attribute ${why}`);
  }
  tx.put('subnet', { ...subnet, ...Object.fromEntries(given) });
  return undefined;
}

function associateBlock(tx: Tx, input: AssociateSubnetCidrBlockRequest): AssociateSubnetCidrBlockResult {
  const subnet = tx.need('subnet', input.SubnetId ?? '');
  const cidr = input.Ipv6CidrBlock ?? missing('ipv6CidrBlock');
  if (subnet.ipv6 !== undefined) {
    const why = `The subnet '${subnet.id}' has met its maximum number of allowed IPv6 CIDR blocks: 1`;
    refuse('SubnetIpv6CidrBlockAssociationLimitExceeded', why);
  }
  const ipv6 = ipv6Association(tx, tx.need('vpc', subnet.vpc), cidr);
  tx.put('subnet', { ...subnet, ipv6 });
  return { SubnetId: subnet.id, Ipv6CidrBlockAssociation: shownIpv6(ipv6, 'associating') };
}

function disassociateBlock(tx: Tx, association: string): DisassociateSubnetCidrBlockResult {
  const [found] = tx.referring('subnet', association);
  if (found?.ipv6?.association !== association) {
    const why = `The subnet CIDR block association ID '${association}' does not exist`;
    return refuse('InvalidSubnetCidrBlockAssociationID.NotFound', why);
  }
  const { ipv6, ...subnet } = found;
  if (tx.referring('network-interface', subnet.id).some((eni) => eni.ipv6.length > 0)) {
    refuse(
      'DependencyViolation',
      `The subnet CIDR block ${ipv6.cidr} has addresses in use and cannot be disassociated.`,
    );
  }
  tx.put('subnet', { ...subnet, assignIpv6AddressOnCreation: false });
  return { SubnetId: subnet.id, Ipv6CidrBlockAssociation: shownIpv6(ipv6, 'disassociating') };
}

export const subnetHandlers: Handlers = {
  CreateSubnet: handler((tx, input: CreateSubnetRequest): CreateSubnetResult => {
    const vpc = tx.need('vpc', input.VpcId ?? '');
    if (input.Ipv6Native)
      refuse('UnsupportedOperation', 'IPv6-only subnets are not simulated; give a CidrBlock.');
    const subnet = createSubnet(tx, vpc, {
      cidr: input.CidrBlock ?? missing('cidrBlock'),
      ipv6: input.Ipv6CidrBlock,
      zone: input.AvailabilityZone ?? input.AvailabilityZoneId,
      tags: specifiedTags(tx, input.TagSpecifications, 'subnet'),
    });
    return { Subnet: shown(tx, subnet) };
  }),

  DescribeSubnets: handler((tx, input: DescribeSubnetsRequest): DescribeSubnetsResult => {
    const page = describe(tx, { kind: 'subnet', ids: input.SubnetIds, input, filters, indexed });
    return { Subnets: page.records.map((subnet) => shown(tx, subnet)), ...page.next };
  }),

  DeleteSubnet: handler((tx, { SubnetId: id = '' }: DeleteSubnetRequest) => {
    const subnet = tx.need('subnet', id);
    const attachments = tx.referring('transit-gateway-attachment', subnet.id);
    if (attachments.length > 0 || tx.referring('network-interface', subnet.id).length > 0) {
      refuse('DependencyViolation', `The subnet '${subnet.id}' has dependencies and cannot be deleted.`);
    }
    forgetAssociations(tx, subnet.id);
    forgetSubnet(tx, subnet.id);
    tx.remove('subnet', subnet.id);
    return undefined;
  }),

  ModifySubnetAttribute: handler(modifyAttribute),
  AssociateSubnetCidrBlock: handler(associateBlock),
  DisassociateSubnetCidrBlock: handler((tx, input: DisassociateSubnetCidrBlockRequest) =>
    disassociateBlock(tx, input.AssociationId ?? ''),
  ),
};
