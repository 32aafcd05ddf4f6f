/**
 * VPCs and their attributes. Each is made with a main route table, a default security group and a default
 * ACL.
 */
import type {
  CreateDefaultVpcRequest,
  CreateDefaultVpcResult,
  CreateVpcRequest,
  CreateVpcResult,
  DeleteVpcRequest,
  DescribeVpcAttributeRequest,
  DescribeVpcAttributeResult,
  DescribeVpcsRequest,
  DescribeVpcsResult,
  ModifyVpcAttributeRequest,
  Vpc,
} from '@aws-sdk/client-ec2';
import { formatPrefix, type Prefix } from '../../../controller/base/ip.ts';
import { cidrParameter } from '../addressing.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { giveBack, takeIpv6Block } from '../public-address.ts';
import type { Tags } from '../record/base.ts';
import type { CidrAssociation, VpcRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { refreshPropagations } from '../transit-gateway.ts';
import { refreshVpn } from '../vpn.ts';
import { defaultDhcpOptions } from './dhcp-options.ts';
import { createInternetGateway } from './internet-gateway.ts';
import { createDefaultNetworkAcl } from './network-acl.ts';
import { createRouteTable, mainTable, refreshLocalRoutes } from './route-table.ts';
import { createDefaultSecurityGroup } from './security-group.ts';
import { createSubnet } from './subnet.ts';

const filters: Filters<VpcRecord> = {
  cidr: (vpc) => vpc.ipv4[0]?.cidr,
  'cidr-block': (vpc) => vpc.ipv4[0]?.cidr,
  'cidr-block-association.cidr-block': (vpc) => vpc.ipv4.map((block) => block.cidr),
  'cidr-block-association.association-id': (vpc) => vpc.ipv4.map((block) => block.association),
  'cidr-block-association.state': () => 'associated',
  'dhcp-options-id': (vpc) => vpc.dhcpOptions,
  'ipv6-cidr-block-association.ipv6-cidr-block': (vpc) => vpc.ipv6.map((block) => block.cidr),
  'ipv6-cidr-block-association.ipv6-pool': (vpc) => (vpc.ipv6.length > 0 ? 'Amazon' : undefined),
  'ipv6-cidr-block-association.association-id': (vpc) => vpc.ipv6.map((block) => block.association),
  'ipv6-cidr-block-association.state': (vpc) => (vpc.ipv6.length > 0 ? 'associated' : undefined),
  'is-default': (vpc) => vpc.isDefault,
  isDefault: (vpc) => vpc.isDefault,
  'owner-id': (vpc) => vpc.account,
  state: () => 'available',
  'vpc-id': (vpc) => vpc.id,
};

const indexed = ['dhcp-options-id', 'ipv6-cidr-block-association.association-id'];

/** A VPC as EC2 shows it. */
export const shownVpc = (vpc: VpcRecord): Vpc => ({
  VpcId: vpc.id,
  OwnerId: vpc.account,
  CidrBlock: vpc.ipv4[0]?.cidr,
  CidrBlockAssociationSet: vpc.ipv4.map(({ association, cidr }) => ({
    AssociationId: association,
    CidrBlock: cidr,
    CidrBlockState: { State: 'associated' },
  })),
  Ipv6CidrBlockAssociationSet: vpc.ipv6.map(({ association, cidr }) => ({
    AssociationId: association,
    Ipv6CidrBlock: cidr,
    Ipv6CidrBlockState: { State: 'associated' },
    NetworkBorderGroup: vpc.region,
    Ipv6Pool: 'Amazon',
    IpSource: 'amazon',
    Ipv6AddressAttribute: 'public',
  })),
  DhcpOptionsId: vpc.dhcpOptions,
  InstanceTenancy: vpc.tenancy,
  IsDefault: vpc.isDefault,
  State: 'available',
  Tags: shownTags(vpc.tags),
});

/** A VPC's IPv4 block: its length is 16 to 28. VPC user guide, "VPC CIDR blocks". */
export function vpcBlock(text: string): Prefix {
  const block = cidrParameter('cidrBlock', text, 4);
  if (block.length < 16 || block.length > 28) refuse('InvalidVpc.Range', `The CIDR '${text}' is invalid.`);
  return block;
}

interface NewVpc {
  readonly cidr: string;
  readonly ipv6: boolean;
  readonly tenancy: 'default' | 'dedicated';
  readonly isDefault: boolean;
  readonly tags: Tags;
}

function createVpc(tx: Tx, wanted: NewVpc): VpcRecord {
  const block = vpcBlock(wanted.cidr);
  if (tx.count('vpc') >= tx.settings.quotas.vpcs) {
    refuse('VpcLimitExceeded', 'The maximum number of VPCs has been reached.');
  }
  const id = tx.newId('vpc');
  const ipv6: readonly CidrAssociation[] = wanted.ipv6
    ? [{ association: tx.newId('vpc-cidr-assoc'), cidr: takeIpv6Block(tx, id) }]
    : [];
  const vpc = tx.put('vpc', {
    id,
    tags: wanted.tags,
    account: tx.account,
    region: tx.region,
    isDefault: wanted.isDefault,
    dhcpOptions: defaultDhcpOptions(tx).id,
    tenancy: wanted.tenancy,
    ipv4: [{ association: tx.newId('vpc-cidr-assoc'), cidr: formatPrefix(block) }],
    ipv6,
    dnsSupport: true,
    dnsHostnames: wanted.isDefault,
    networkAddressUsageMetrics: false,
  });
  const table = createRouteTable(tx, vpc, {});
  tx.put('route-table', { ...table, associations: [{ association: tx.newId('rtbassoc') }] });
  createDefaultNetworkAcl(tx, vpc);
  createDefaultSecurityGroup(tx, vpc);
  return vpc;
}

/**
 * Makes the default VPC with a subnet in each zone and a way to the Internet, as a new AWS account has it.
 */
export function createDefaultVpc(tx: Tx): VpcRecord {
  const existing = tx.list('vpc').find((vpc) => vpc.isDefault);
  if (existing)
    refuse('DefaultVpcAlreadyExists', `A Default VPC already exists for this account in this region.`);
  const vpc = createVpc(tx, {
    cidr: '172.31.0.0/16',
    ipv6: false,
    tenancy: 'default',
    isDefault: true,
    tags: {},
  });
  const gateway = tx.put('internet-gateway', { ...createInternetGateway(tx), vpc: vpc.id });
  for (const [index, zone] of tx.settings.zones.entries()) {
    const cidr = `172.31.${16 * index}.0/20`;
    const subnet = createSubnet(tx, vpc, { cidr, zone: tx.region + zone, tags: {} });
    tx.put('subnet', { ...subnet, defaultForAz: true, mapPublicIpOnLaunch: true });
  }
  const table = mainTable(tx, vpc.id);
  const target = { kind: 'internet-gateway', gateway: gateway.id } as const;
  const route = { destination: '0.0.0.0/0', target, origin: 'CreateRoute' } as const;
  tx.put('route-table', { ...table, routes: [...table.routes, route] });
  return vpc;
}

function deleteVpc(tx: Tx, vpc: VpcRecord): void {
  const main = mainTable(tx, vpc.id);
  const groups = tx.referring('security-group', vpc.id);
  const used =
    tx.referring('subnet', vpc.id).length > 0 ||
    tx.referring('network-interface', vpc.id).length > 0 ||
    tx.referring('internet-gateway', vpc.id).length > 0 ||
    tx.referring('egress-only-gateway', vpc.id).length > 0 ||
    tx.referring('nat-gateway', vpc.id).length > 0 ||
    tx.referring('vpc-endpoint', vpc.id).length > 0 ||
    tx.referring('vpc-peering-connection', vpc.id).length > 0 ||
    tx.referring('transit-gateway-attachment', vpc.id).length > 0 ||
    tx.referring('vpn-gateway', vpc.id).length > 0 ||
    tx.referring('route-table', vpc.id).some((table) => table.id !== main.id) ||
    tx.referring('network-acl', vpc.id).some((acl) => !acl.isDefault) ||
    groups.some((group) => group.name !== 'default');
  if (used) refuse('DependencyViolation', `The vpc '${vpc.id}' has dependencies and cannot be deleted.`);
  for (const group of groups) tx.remove('security-group', group.id);
  for (const acl of tx.referring('network-acl', vpc.id)) tx.remove('network-acl', acl.id);
  for (const block of vpc.ipv6) giveBack(tx, block.cidr);
  tx.remove('route-table', main.id);
  tx.remove('vpc', vpc.id);
}

/** Puts a VPC whose blocks have changed, and the local routes of its tables with it. */
export function putBlocks(tx: Tx, vpc: VpcRecord): VpcRecord {
  const stored = tx.put('vpc', vpc);
  refreshLocalRoutes(tx, stored);
  for (const attachment of tx.referring('transit-gateway-attachment', vpc.id)) {
    refreshPropagations(tx, attachment.propagations);
  }
  for (const gateway of tx.referring('vpn-gateway', vpc.id)) refreshVpn(tx, gateway.id);
  return stored;
}

function modifyAttribute(tx: Tx, input: ModifyVpcAttributeRequest): undefined {
  const vpc = tx.need('vpc', input.VpcId ?? '');
  const changes = {
    dnsSupport: input.EnableDnsSupport?.Value,
    dnsHostnames: input.EnableDnsHostnames?.Value,
    networkAddressUsageMetrics: input.EnableNetworkAddressUsageMetrics?.Value,
  };
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (given.length === 0) missing('enableDnsSupport');
  if (given.length > 1)
    refuse('InvalidParameterCombination', 'Only one VPC attribute can be modified at a time.');
  tx.put('vpc', { ...vpc, ...Object.fromEntries(given) });
  return undefined;
}

function describeAttribute(tx: Tx, input: DescribeVpcAttributeRequest): DescribeVpcAttributeResult {
  const vpc = tx.need('vpc', input.VpcId ?? '');
  const attribute = input.Attribute as string | undefined;
  switch (attribute) {
    case 'enableDnsSupport':
      return { VpcId: vpc.id, EnableDnsSupport: { Value: vpc.dnsSupport } };
    case 'enableDnsHostnames':
      return { VpcId: vpc.id, EnableDnsHostnames: { Value: vpc.dnsHostnames } };
    case 'enableNetworkAddressUsageMetrics':
      return { VpcId: vpc.id, EnableNetworkAddressUsageMetrics: { Value: vpc.networkAddressUsageMetrics } };
    default:
      return invalidValue('attribute', attribute);
  }
}

export const vpcHandlers: Handlers = {
  CreateVpc: handler((tx, input: CreateVpcRequest): CreateVpcResult => {
    const { CidrBlock: cidr, InstanceTenancy: tenancy = 'default' } = input;
    if (input.Ipv4IpamPoolId || input.Ipv6IpamPoolId || input.Ipv6Pool) {
      refuse('UnsupportedOperation', 'IPAM pools and own IPv6 pools are not simulated; give a CidrBlock.');
    }
    if (tenancy !== 'default' && tenancy !== 'dedicated') invalidValue('instanceTenancy', tenancy);
    const vpc = createVpc(tx, {
      cidr: cidr ?? missing('cidrBlock'),
      ipv6: input.AmazonProvidedIpv6CidrBlock ?? false,
      tenancy: tenancy === 'dedicated' ? 'dedicated' : 'default',
      isDefault: false,
      tags: specifiedTags(tx, input.TagSpecifications, 'vpc'),
    });
    return { Vpc: { ...shownVpc(vpc), State: 'pending' } };
  }),

  CreateDefaultVpc: handler((tx, _input: CreateDefaultVpcRequest): CreateDefaultVpcResult => {
    return { Vpc: shownVpc(createDefaultVpc(tx)) };
  }),

  DescribeVpcs: handler((tx, input: DescribeVpcsRequest): DescribeVpcsResult => {
    const page = describe(tx, { kind: 'vpc', ids: input.VpcIds, input, filters, indexed });
    return { Vpcs: page.records.map(shownVpc), ...page.next };
  }),

  DeleteVpc: handler((tx, { VpcId: id = '' }: DeleteVpcRequest) => {
    deleteVpc(tx, tx.need('vpc', id));
    return undefined;
  }),

  DescribeVpcAttribute: handler(describeAttribute),

  ModifyVpcAttribute: handler(modifyAttribute),
};
