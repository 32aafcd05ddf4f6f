/** Multicast domains of transit gateways: subnets that take part, and the ENIs of each group. No IGMP. */
import type {
  AssociateTransitGatewayMulticastDomainRequest,
  AssociateTransitGatewayMulticastDomainResult,
  CreateTransitGatewayMulticastDomainRequest,
  CreateTransitGatewayMulticastDomainResult,
  DeleteTransitGatewayMulticastDomainRequest,
  DeleteTransitGatewayMulticastDomainResult,
  DescribeTransitGatewayMulticastDomainsRequest,
  DescribeTransitGatewayMulticastDomainsResult,
  DisassociateTransitGatewayMulticastDomainRequest,
  DisassociateTransitGatewayMulticastDomainResult,
  GetTransitGatewayMulticastDomainAssociationsRequest,
  GetTransitGatewayMulticastDomainAssociationsResult,
  SearchTransitGatewayMulticastGroupsRequest,
  SearchTransitGatewayMulticastGroupsResult,
  TransitGatewayMulticastDomain,
  TransitGatewayMulticastGroup,
} from '@aws-sdk/client-ec2';
import { contains, formatAddress, parseAddress, prefix } from '../../../controller/base/ip.ts';
import { describe, type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { MulticastDomainRecord } from '../record/connectivity.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { DELETED_VISIBLE_MS, needAvailable } from '../transit-gateway.ts';

const KIND = 'transit-gateway-multicast-domain';
const ATTACHMENT = 'transit-gateway-attachment';
const GROUPS = prefix('224.0.0.0/4');

const enabled = (on: boolean) => (on ? 'enable' : 'disable');

const filters: Filters<MulticastDomainRecord> = {
  state: (domain) => domain.state,
  'transit-gateway-id': (domain) => domain.gateway,
  'transit-gateway-multicast-domain-id': (domain) => domain.id,
};

const shown = (domain: MulticastDomainRecord): TransitGatewayMulticastDomain => ({
  TransitGatewayMulticastDomainId: domain.id,
  TransitGatewayId: domain.gateway,
  TransitGatewayMulticastDomainArn: `arn:aws:ec2:${domain.region}:${domain.account}:${KIND}/${domain.id}`,
  OwnerId: domain.account,
  Options: {
    Igmpv2Support: 'disable',
    StaticSourcesSupport: enabled(domain.staticSources),
    AutoAcceptSharedAssociations: enabled(domain.autoAccept),
  },
  State: domain.state,
  CreationTime: domain.created,
  Tags: shownTags(domain.tags),
});

function create(
  tx: Tx,
  input: CreateTransitGatewayMulticastDomainRequest,
): CreateTransitGatewayMulticastDomainResult {
  const gateway = needAvailable(tx.need('transit-gateway', input.TransitGatewayId ?? ''));
  if (!gateway.multicast) {
    refuse('InvalidParameterValue', `${gateway.id} was made without MulticastSupport`);
  }
  const { Options: options = {} } = input;
  if (options.Igmpv2Support === 'enable') {
    refuse('UnsupportedOperation', 'IGMP is not simulated: register the members of groups.');
  }
  const { multicastDomainsPerTransitGateway: most } = tx.settings.quotas;
  if (tx.referring(KIND, gateway.id).length >= most) {
    const why = `The maximum number of multicast domains of ${gateway.id} has been reached (${most}).`;
    refuse('TransitGatewayMulticastDomainLimitExceeded', why);
  }
  const domain = tx.put(KIND, {
    id: tx.newId('tgw-mcast-domain'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    region: tx.region,
    gateway: gateway.id,
    state: 'pending',
    created: tx.date(),
    staticSources: options.StaticSourcesSupport === 'enable',
    autoAccept: options.AutoAcceptSharedAssociations === 'enable',
    associations: [],
    members: [],
    sources: [],
  });
  tx.after(0, { name: 'multicast-domain-available', id: domain.id });
  return { TransitGatewayMulticastDomain: shown(domain) };
}

const needDomain = (tx: Tx, id: string | undefined): MulticastDomainRecord =>
  needAvailable(tx.need(KIND, id ?? missing('transitGatewayMulticastDomainId')));

function remove(tx: Tx, id: string): DeleteTransitGatewayMulticastDomainResult {
  const domain = needDomain(tx, id);
  const users = domain.associations.map((each) => each.subnet);
  if (users.length > 0) refuse('IncorrectState', `${id} has associated subnets: ${users.join(', ')}`);
  const deleting = tx.put(KIND, { ...domain, state: 'deleting', members: [], sources: [] });
  tx.after(0, { name: 'multicast-domain-deleted', id });
  return { TransitGatewayMulticastDomain: shown(deleting) };
}

interface SubnetsInput {
  readonly TransitGatewayMulticastDomainId: string | undefined;
  readonly TransitGatewayAttachmentId: string | undefined;
  readonly SubnetIds: readonly string[] | undefined;
}

/** The domain, the attachment of a VPC and its subnets that a request names. */
function needSubnets(tx: Tx, input: SubnetsInput) {
  const domain = needDomain(tx, input.TransitGatewayMulticastDomainId);
  const attachment = needAvailable(tx.need(ATTACHMENT, input.TransitGatewayAttachmentId ?? ''));
  const { link } = attachment;
  if (link.kind !== 'vpc' || attachment.gateway !== domain.gateway) {
    refuse('InvalidParameterValue', `${attachment.id} is no attachment of a VPC to ${domain.gateway}`);
  }
  const subnets = [...new Set(input.SubnetIds ?? [])].map((id) => tx.need('subnet', id));
  if (subnets.length === 0) missing('subnetIds');
  for (const { id, vpc } of subnets) {
    if (vpc !== link.vpc) refuse('InvalidParameterValue', `The subnet ${id} does not belong to ${link.vpc}`);
  }
  const ids = subnets.map((subnet) => subnet.id);
  const answer = (State: 'associating' | 'disassociating') => ({
    TransitGatewayMulticastDomainId: domain.id,
    TransitGatewayAttachmentId: attachment.id,
    ResourceId: link.vpc,
    ResourceType: 'vpc' as const,
    ResourceOwnerId: attachment.account,
    Subnets: ids.map((SubnetId) => ({ SubnetId, State })),
  });
  return { domain, attachment, ids, answer };
}

function associate(
  tx: Tx,
  input: AssociateTransitGatewayMulticastDomainRequest,
): AssociateTransitGatewayMulticastDomainResult {
  const { domain, attachment, ids, answer } = needSubnets(tx, input);
  for (const id of ids) {
    const user = tx
      .referring(KIND, id)
      .find(({ associations }) => associations.some(({ subnet }) => subnet === id));
    if (user !== undefined) refuse('Resource.AlreadyAssociated', `${id} is already associated to ${user.id}`);
  }
  const added = ids.map((subnet) => ({ attachment: attachment.id, subnet }));
  tx.put(KIND, { ...domain, associations: [...domain.associations, ...added] });
  return { Associations: answer('associating') };
}

/** With a subnet its ENIs leave the groups. */
function disassociate(
  tx: Tx,
  input: DisassociateTransitGatewayMulticastDomainRequest,
): DisassociateTransitGatewayMulticastDomainResult {
  const { domain, attachment, ids, answer } = needSubnets(tx, input);
  const isOurs = (each: { readonly attachment: string; readonly subnet: string }): boolean =>
    each.attachment === attachment.id && ids.includes(each.subnet);
  if (domain.associations.filter(isOurs).length < ids.length) {
    refuse('InvalidAssociation.NotFound', `not all of ${ids.join(', ')} are associated to ${domain.id}`);
  }
  const stays = ({ eni }: { readonly eni: string }): boolean =>
    !ids.includes(tx.get('network-interface', eni)?.subnet ?? '');
  tx.put(KIND, {
    ...domain,
    associations: domain.associations.filter((each) => !isOurs(each)),
    members: domain.members.filter(stays),
    sources: domain.sources.filter(stays),
  });
  return { Associations: answer('disassociating') };
}

interface GroupInput {
  readonly TransitGatewayMulticastDomainId?: string | undefined;
  readonly GroupIpAddress?: string | undefined;
  readonly NetworkInterfaceIds?: readonly string[] | undefined;
}

/** Registers or deregisters ENIs of a group, as members or as sources. */
function change(tx: Tx, input: GroupInput, list: 'members' | 'sources', on: boolean) {
  const domain = needDomain(tx, input.TransitGatewayMulticastDomainId);
  const text = input.GroupIpAddress ?? missing('groupIpAddress');
  const parsed = parseAddress(text);
  if (!parsed.ok || !contains(GROUPS, parsed.value)) {
    return invalidValue('groupIpAddress', text, 'It must be of 224.0.0.0/4.');
  }
  if (list === 'sources' && !domain.staticSources) {
    refuse('InvalidParameterValue', `${domain.id} has no StaticSourcesSupport: whoever it serves may send`);
  }
  const group = formatAddress(parsed.value);
  const enis = [...new Set(input.NetworkInterfaceIds ?? [])].map((id) => tx.need('network-interface', id));
  if (enis.length === 0) missing('networkInterfaceIds');
  const isHeld = (eni: string): boolean =>
    domain[list].some((each) => each.group === group && each.eni === eni);
  for (const { id, subnet } of enis) {
    if (!domain.associations.some((each) => each.subnet === subnet)) {
      refuse('InvalidParameterValue', `${id} is in ${subnet}, which is not associated to ${domain.id}`);
    }
    if (isHeld(id) === on) {
      const what = on ? 'is registered already' : 'is not registered';
      refuse('InvalidParameterValue', `${id} ${what} as one of the ${list} of ${group} in ${domain.id}`);
    }
  }
  const ids = enis.map(({ id }) => id);
  const kept = domain[list].filter((each) => each.group !== group || !ids.includes(each.eni));
  const added = on ? ids.map((eni) => ({ group, eni })) : [];
  tx.put(KIND, { ...domain, [list]: [...kept, ...added] });
  return { ids, words: { TransitGatewayMulticastDomainId: domain.id, GroupIpAddress: group } };
}

/** One of the four operations that register or deregister: their answers differ by what they call things. */
function changing(list: 'members' | 'sources', on: boolean) {
  const done = on ? 'Registered' : 'Deregistered';
  const answer = `${done}MulticastGroup${list === 'members' ? 'Members' : 'Sources'}`;
  return handler((tx, input: GroupInput) => {
    const { ids, words } = change(tx, input, list, on);
    return { [answer]: { ...words, [`${done}NetworkInterfaceIds`]: ids } };
  });
}

interface Row extends TransitGatewayMulticastGroup {
  readonly tags: Readonly<Record<string, string>>;
}

const rowFilters: Filters<Row> = {
  'group-ip-address': (row) => row.GroupIpAddress,
  'is-group-member': (row) => row.GroupMember,
  'is-group-source': (row) => row.GroupSource,
  'member-type': (row) => row.MemberType,
  'resource-id': (row) => row.ResourceId,
  'resource-type': (row) => row.ResourceType,
  'source-type': (row) => row.SourceType,
  'subnet-id': (row) => row.SubnetId,
  'transit-gateway-attachment-id': (row) => row.TransitGatewayAttachmentId,
};

/** A row for each ENI of each group; ENIs that are gone have left. */
function rowsOf(tx: Tx, domain: MulticastDomainRecord): readonly Row[] {
  const has = (list: MulticastDomainRecord['members'], { group, eni }: { group: string; eni: string }) =>
    list.some((each) => each.group === group && each.eni === eni);
  const both = [...domain.members, ...domain.sources.filter((each) => !has(domain.members, each))];
  return both.flatMap((each): readonly Row[] => {
    const eni = tx.get('network-interface', each.eni);
    if (eni === undefined) return [];
    const [member, source] = [has(domain.members, each), has(domain.sources, each)];
    return [
      {
        tags: {},
        GroupIpAddress: each.group,
        TransitGatewayAttachmentId: domain.associations.find(({ subnet }) => subnet === eni.subnet)
          ?.attachment,
        SubnetId: eni.subnet,
        ResourceId: eni.vpc,
        ResourceType: 'vpc',
        ResourceOwnerId: domain.account,
        NetworkInterfaceId: each.eni,
        GroupMember: member,
        GroupSource: source,
        ...(member && { MemberType: 'static' }),
        ...(source && { SourceType: 'static' }),
      },
    ];
  });
}

function search(
  tx: Tx,
  input: SearchTransitGatewayMulticastGroupsRequest,
): SearchTransitGatewayMulticastGroupsResult {
  const domain = tx.need(KIND, input.TransitGatewayMulticastDomainId ?? '');
  const found = rowsOf(tx, domain).filter(matcher(tx, input.Filters ?? [], rowFilters));
  const { records, next } = paginate(found, input, (row) => [
    row.GroupIpAddress ?? '',
    row.NetworkInterfaceId ?? '',
  ]);
  return { MulticastGroups: records.map(({ tags: _, ...row }) => row), ...next };
}

interface AssociationRow {
  readonly attachment: string;
  readonly subnet: string;
  readonly tags: Readonly<Record<string, string>>;
}

const associationFilters: Filters<AssociationRow> = {
  'resource-id': ({ subnet }, tx) => tx.get('subnet', subnet)?.vpc,
  'resource-type': () => 'vpc',
  state: () => 'associated',
  'subnet-id': ({ subnet }) => subnet,
  'transit-gateway-attachment-id': ({ attachment }) => attachment,
};

function associations(
  tx: Tx,
  input: GetTransitGatewayMulticastDomainAssociationsRequest,
): GetTransitGatewayMulticastDomainAssociationsResult {
  const domain = tx.need(KIND, input.TransitGatewayMulticastDomainId ?? '');
  const rows = domain.associations.map((each): AssociationRow => ({ ...each, tags: {} }));
  const found = rows.filter(matcher(tx, input.Filters ?? [], associationFilters));
  const { records, next } = paginate(found, input, ({ subnet }) => [tx.order('subnet', subnet)]);
  const shownRows = records.map(({ attachment, subnet }) => ({
    TransitGatewayAttachmentId: attachment,
    ResourceId: tx.get('subnet', subnet)?.vpc,
    ResourceType: 'vpc' as const,
    ResourceOwnerId: domain.account,
    Subnet: { SubnetId: subnet, State: 'associated' as const },
  }));
  return { MulticastDomainAssociations: shownRows, ...next };
}

export const transitMulticastHandlers: Handlers = {
  CreateTransitGatewayMulticastDomain: handler(create),
  DeleteTransitGatewayMulticastDomain: handler(
    (tx, { TransitGatewayMulticastDomainId: id = '' }: DeleteTransitGatewayMulticastDomainRequest) =>
      remove(tx, id),
  ),
  DescribeTransitGatewayMulticastDomains: handler(
    (
      tx,
      input: DescribeTransitGatewayMulticastDomainsRequest,
    ): DescribeTransitGatewayMulticastDomainsResult => {
      const ids = input.TransitGatewayMulticastDomainIds;
      const page = describe(tx, { kind: KIND, ids, input, filters });
      return { TransitGatewayMulticastDomains: page.records.map(shown), ...page.next };
    },
  ),
  AssociateTransitGatewayMulticastDomain: handler(associate),
  DisassociateTransitGatewayMulticastDomain: handler(disassociate),
  GetTransitGatewayMulticastDomainAssociations: handler(associations),
  RegisterTransitGatewayMulticastGroupMembers: changing('members', true),
  RegisterTransitGatewayMulticastGroupSources: changing('sources', true),
  DeregisterTransitGatewayMulticastGroupMembers: changing('members', false),
  DeregisterTransitGatewayMulticastGroupSources: changing('sources', false),
  SearchTransitGatewayMulticastGroups: handler(search),
};

export const transitMulticastTransitions: Transitions = {
  'multicast-domain-available': (tx, id) => {
    const domain = tx.get(KIND, id);
    if (domain?.state === 'pending') tx.put(KIND, { ...domain, state: 'available' });
  },
  'multicast-domain-deleted': (tx, id) => {
    const domain = tx.get(KIND, id);
    if (domain?.state !== 'deleting') return;
    tx.put(KIND, { ...domain, state: 'deleted' });
    tx.after(DELETED_VISIBLE_MS, { name: 'multicast-domain-forgotten', id });
  },
  'multicast-domain-forgotten': (tx, id) => tx.remove(KIND, id),
};
