/** Attachments of VPCs to transit gateways, and what all kinds of attachments have in common. */
import type {
  CreateTransitGatewayVpcAttachmentRequest,
  CreateTransitGatewayVpcAttachmentResult,
  DeleteTransitGatewayVpcAttachmentRequest,
  DeleteTransitGatewayVpcAttachmentResult,
  DescribeTransitGatewayAttachmentsRequest,
  DescribeTransitGatewayAttachmentsResult,
  DescribeTransitGatewayVpcAttachmentsRequest,
  DescribeTransitGatewayVpcAttachmentsResult,
  ModifyTransitGatewayVpcAttachmentRequest,
  ModifyTransitGatewayVpcAttachmentResult,
  TransitGatewayAttachment,
  TransitGatewayVpcAttachment,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { AttachmentLink, AttachmentRecord } from '../record/connectivity.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { closeAttachment, needAvailable, openAttachment, resourceOf } from '../transit-gateway.ts';

const KIND = 'transit-gateway-attachment';

type VpcLink = Extract<AttachmentLink, { readonly kind: 'vpc' }>;
interface VpcAttachment extends AttachmentRecord {
  readonly link: VpcLink;
}

const enabled = (on: boolean) => (on ? 'enable' : 'disable');

const isVpc = (attachment: AttachmentRecord): attachment is VpcAttachment => attachment.link.kind === 'vpc';

const filters: Filters<AttachmentRecord> = {
  'association.state': (attachment) => attachment.association && 'associated',
  'association.transit-gateway-route-table-id': (attachment) => attachment.association,
  'resource-id': (attachment) => resourceOf(attachment).ResourceId,
  'resource-owner-id': (attachment) => attachment.account,
  'resource-type': (attachment) => resourceOf(attachment).ResourceType,
  state: (attachment) => attachment.state,
  'transit-gateway-attachment-id': (attachment) => attachment.id,
  'transit-gateway-id': (attachment) => attachment.gateway,
  'transit-gateway-owner-id': (attachment) => attachment.account,
  'vpc-id': ({ link }) => (link.kind === 'vpc' ? link.vpc : undefined),
};

const shown = (attachment: AttachmentRecord): TransitGatewayAttachment => ({
  TransitGatewayAttachmentId: attachment.id,
  TransitGatewayId: attachment.gateway,
  TransitGatewayOwnerId: attachment.account,
  ResourceOwnerId: attachment.account,
  ...resourceOf(attachment),
  State: attachment.state,
  CreationTime: attachment.created,
  ...(attachment.association !== undefined && {
    Association: { TransitGatewayRouteTableId: attachment.association, State: 'associated' },
  }),
  Tags: shownTags(attachment.tags),
});

const shownVpc = (attachment: VpcAttachment): TransitGatewayVpcAttachment => ({
  TransitGatewayAttachmentId: attachment.id,
  TransitGatewayId: attachment.gateway,
  VpcId: attachment.link.vpc,
  VpcOwnerId: attachment.account,
  State: attachment.state,
  SubnetIds: [...attachment.link.subnets],
  CreationTime: attachment.created,
  Options: {
    DnsSupport: enabled(attachment.link.dns),
    SecurityGroupReferencingSupport: enabled(attachment.link.groupReferences),
    Ipv6Support: enabled(attachment.link.ipv6),
    ApplianceModeSupport: enabled(attachment.link.applianceMode),
  },
  Tags: shownTags(attachment.tags),
});

/** The subnets of an attachment: of the VPC, at least one, at most one for each zone. */
function checkedSubnets(tx: Tx, vpc: string, ids: readonly string[]): readonly string[] {
  if (ids.length === 0) missing('subnetIds');
  const subnets = [...new Set(ids)].map((id) => tx.need('subnet', id));
  for (const subnet of subnets) {
    if (subnet.vpc !== vpc) {
      refuse('InvalidParameterValue', `The subnet ${subnet.id} does not belong to the VPC ${vpc}`);
    }
  }
  if (new Set(subnets.map((subnet) => subnet.zone)).size < subnets.length) {
    refuse('DuplicateSubnetsInSameZone', 'Duplicate Subnets for same AZ');
  }
  return subnets.map((subnet) => subnet.id);
}

function create(
  tx: Tx,
  input: CreateTransitGatewayVpcAttachmentRequest,
): CreateTransitGatewayVpcAttachmentResult {
  const gateway = needAvailable(tx.need('transit-gateway', input.TransitGatewayId ?? ''));
  const vpc = tx.need('vpc', input.VpcId ?? '');
  const present = tx.referring(KIND, vpc.id);
  if (present.some((each) => each.gateway === gateway.id)) {
    const why = 'has non-deleted Transit Gateway Attachments with same VPC ID.';
    refuse('DuplicateTransitGatewayAttachment', `${gateway.id} ${why}`);
  }
  const { attachmentsPerVpc: most } = tx.settings.quotas;
  if (present.length >= most) {
    const why = `The maximum number of attachments of ${vpc.id} has been reached (${most}).`;
    refuse('TransitGatewayAttachmentLimitExceeded', why);
  }
  const { Options: options = {} } = input;
  const link: VpcLink = {
    kind: 'vpc',
    vpc: vpc.id,
    subnets: checkedSubnets(tx, vpc.id, input.SubnetIds ?? []),
    dns: options.DnsSupport !== 'disable',
    groupReferences: options.SecurityGroupReferencingSupport !== 'disable',
    ipv6: options.Ipv6Support === 'enable',
    applianceMode: options.ApplianceModeSupport === 'enable',
  };
  const attachment: VpcAttachment = {
    id: tx.newId('tgw-attach'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    region: tx.region,
    gateway: gateway.id,
    state: 'pending',
    created: tx.date(),
    link,
    propagations: [],
  };
  tx.put(KIND, attachment);
  tx.after(0, { name: 'transit-attachment-available', id: attachment.id });
  return { TransitGatewayVpcAttachment: shownVpc(attachment) };
}

function needVpcAttachment(tx: Tx, id: string): VpcAttachment {
  const attachment = tx.need(KIND, id);
  if (isVpc(attachment)) return needAvailable(attachment);
  return refuse('InvalidTransitGatewayAttachmentID.NotFound', `${id} is no attachment of a VPC`);
}

function modify(
  tx: Tx,
  input: ModifyTransitGatewayVpcAttachmentRequest,
): ModifyTransitGatewayVpcAttachmentResult {
  const attachment = needVpcAttachment(tx, input.TransitGatewayAttachmentId ?? '');
  const { link } = attachment;
  const { AddSubnetIds: added = [], RemoveSubnetIds: removed = [], Options: asked = {} } = input;
  const strange = removed.find((id) => !link.subnets.includes(id));
  if (strange !== undefined) {
    refuse('InvalidParameterValue', `The subnet ${strange} is not one of ${attachment.id}`);
  }
  const flag = (value: string | undefined, old: boolean): boolean =>
    value === undefined ? old : value === 'enable';
  const changed: VpcAttachment = {
    ...attachment,
    state: 'modifying',
    link: {
      ...link,
      subnets: checkedSubnets(tx, link.vpc, [
        ...link.subnets.filter((id) => !removed.includes(id)),
        ...added,
      ]),
      dns: flag(asked.DnsSupport, link.dns),
      groupReferences: flag(asked.SecurityGroupReferencingSupport, link.groupReferences),
      ipv6: flag(asked.Ipv6Support, link.ipv6),
      applianceMode: flag(asked.ApplianceModeSupport, link.applianceMode),
    },
  };
  tx.put(KIND, changed);
  tx.after(0, { name: 'transit-attachment-modified', id: attachment.id });
  return { TransitGatewayVpcAttachment: shownVpc(changed) };
}

export const transitAttachmentHandlers: Handlers = {
  CreateTransitGatewayVpcAttachment: handler(create),
  ModifyTransitGatewayVpcAttachment: handler(modify),

  DeleteTransitGatewayVpcAttachment: handler(
    (tx, input: DeleteTransitGatewayVpcAttachmentRequest): DeleteTransitGatewayVpcAttachmentResult => {
      const attachment = needVpcAttachment(tx, input.TransitGatewayAttachmentId ?? '');
      const carried = tx.referring(KIND, attachment.id).map((each) => each.id);
      if (carried.length > 0) {
        refuse('IncorrectState', `${attachment.id} carries Connect attachments: ${carried.join(', ')}.`);
      }
      const domains = tx.referring('transit-gateway-multicast-domain', attachment.id).map((each) => each.id);
      if (domains.length > 0) {
        refuse('IncorrectState', `${attachment.id} has subnets in multicast domains: ${domains.join(', ')}.`);
      }
      const deleting: VpcAttachment = { ...attachment, state: 'deleting' };
      tx.put(KIND, deleting);
      tx.after(0, { name: 'transit-attachment-deleted', id: attachment.id });
      return { TransitGatewayVpcAttachment: shownVpc(deleting) };
    },
  ),

  DescribeTransitGatewayVpcAttachments: handler(
    (tx, input: DescribeTransitGatewayVpcAttachmentsRequest): DescribeTransitGatewayVpcAttachmentsResult => {
      const ids = input.TransitGatewayAttachmentIds;
      const page = describe(tx, { kind: KIND, ids, input, filters, visible: isVpc });
      return { TransitGatewayVpcAttachments: page.records.filter(isVpc).map(shownVpc), ...page.next };
    },
  ),

  DescribeTransitGatewayAttachments: handler(
    (tx, input: DescribeTransitGatewayAttachmentsRequest): DescribeTransitGatewayAttachmentsResult => {
      const ids = input.TransitGatewayAttachmentIds;
      const page = describe(tx, { kind: KIND, ids, input, filters });
      return { TransitGatewayAttachments: page.records.map(shown), ...page.next };
    },
  ),
};

export const transitAttachmentTransitions: Transitions = {
  'transit-attachment-available': (tx, id) => {
    const attachment = tx.get(KIND, id);
    if (attachment?.state === 'pending') openAttachment(tx, attachment);
  },
  'transit-attachment-modified': (tx, id) => {
    const attachment = tx.get(KIND, id);
    if (attachment?.state === 'modifying') tx.put(KIND, { ...attachment, state: 'available' });
  },
  'transit-attachment-deleted': (tx, id) => {
    const attachment = tx.get(KIND, id);
    if (attachment?.state === 'deleting') closeAttachment(tx, attachment, 'deleted');
  },
  'transit-attachment-forgotten': (tx, id) => tx.remove(KIND, id),
};
