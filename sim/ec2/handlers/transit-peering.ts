/**
 * Peering attachments between transit gateways of one account and region: an attachment at each, routed to by
 * static routes only. Either id names the pair.
 */
import type {
  AcceptTransitGatewayPeeringAttachmentRequest,
  AcceptTransitGatewayPeeringAttachmentResult,
  CreateTransitGatewayPeeringAttachmentRequest,
  CreateTransitGatewayPeeringAttachmentResult,
  DeleteTransitGatewayPeeringAttachmentRequest,
  DeleteTransitGatewayPeeringAttachmentResult,
  DescribeTransitGatewayPeeringAttachmentsRequest,
  DescribeTransitGatewayPeeringAttachmentsResult,
  RejectTransitGatewayPeeringAttachmentRequest,
  RejectTransitGatewayPeeringAttachmentResult,
  TransitGatewayPeeringAttachment,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { AttachmentLink, AttachmentRecord, AttachmentState } from '../record/connectivity.ts';
import { refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { closeAttachment, needAvailable, openAttachment } from '../transit-gateway.ts';

const KIND = 'transit-gateway-attachment';

interface Peering extends AttachmentRecord {
  readonly link: Extract<AttachmentLink, { readonly kind: 'peering' }>;
}

const isPeering = (attachment: AttachmentRecord): attachment is Peering => attachment.link.kind === 'peering';

const filters: Filters<AttachmentRecord> = {
  'transit-gateway-attachment-id': (attachment) => attachment.id,
  'local-owner-id': (attachment) => attachment.account,
  'remote-owner-id': (attachment) => attachment.account,
  state: (attachment) => attachment.state,
  'transit-gateway-id': (attachment) => attachment.gateway,
};

function shown(peering: Peering): TransitGatewayPeeringAttachment {
  const { link, gateway, account: OwnerId, region: Region } = peering;
  const [requester, accepter] =
    link.role === 'requester' ? [gateway, link.peerGateway] : [link.peerGateway, gateway];
  return {
    TransitGatewayAttachmentId: peering.id,
    ...(link.role === 'requester' && { AccepterTransitGatewayAttachmentId: link.peer }),
    RequesterTgwInfo: { TransitGatewayId: requester, OwnerId, Region },
    AccepterTgwInfo: { TransitGatewayId: accepter, OwnerId, Region },
    State: peering.state,
    CreationTime: peering.created,
    Tags: shownTags(peering.tags),
  };
}

function create(
  tx: Tx,
  input: CreateTransitGatewayPeeringAttachmentRequest,
): CreateTransitGatewayPeeringAttachmentResult {
  const { PeerAccountId: account, PeerRegion: region } = input;
  if (account !== tx.account || region !== tx.region) {
    const why = 'is not simulated: both transit gateways must be of one account and region.';
    refuse('UnsupportedOperation', `Peering with account ${account} in ${region} ${why}`);
  }
  const near = needAvailable(tx.need('transit-gateway', input.TransitGatewayId ?? ''));
  const far = needAvailable(tx.need('transit-gateway', input.PeerTransitGatewayId ?? ''));
  if (near.id === far.id) {
    refuse('InvalidParameterValue', `The transit gateway ${near.id} cannot be peered with itself`);
  }
  const twin = tx.referring(KIND, near.id).find(({ link }) => {
    return link.kind === 'peering' && [near.id, far.id].includes(link.peerGateway);
  });
  if (twin !== undefined) {
    const why = `has non-deleted Transit Gateway Attachments with the same peer: ${twin.id}.`;
    refuse('DuplicateTransitGatewayAttachment', `${near.id} ${why}`);
  }
  const ids = [tx.newId('tgw-attach'), tx.newId('tgw-attach')] as const;
  const side = (role: 'requester' | 'accepter', tags: Peering['tags']): Peering => ({
    id: role === 'requester' ? ids[0] : ids[1],
    tags,
    account: tx.account,
    region: tx.region,
    gateway: role === 'requester' ? near.id : far.id,
    state: 'initiatingRequest',
    created: tx.date(),
    link: {
      kind: 'peering',
      peer: role === 'requester' ? ids[1] : ids[0],
      peerGateway: role === 'requester' ? far.id : near.id,
      role,
    },
    propagations: [],
  });
  const requester = side('requester', specifiedTags(tx, input.TagSpecifications, KIND));
  tx.put(KIND, requester);
  tx.put(KIND, side('accepter', {}));
  tx.after(0, { name: 'transit-peering-requested', id: requester.id });
  return { TransitGatewayPeeringAttachment: shown(requester) };
}

/** Both attachments of a pair, the one of the id first. */
function sides(tx: Tx, id: string): readonly Peering[] {
  const named = tx.get(KIND, id);
  if (named === undefined || !isPeering(named)) return [];
  const other = tx.get(KIND, named.link.peer);
  return other !== undefined && isPeering(other) ? [named, other] : [named];
}

/** Moves both sides on; refused where they are in another state. */
function move(tx: Tx, id: string, from: readonly AttachmentState[], to: AttachmentState): Peering {
  tx.need(KIND, id);
  const both = sides(tx, id);
  const [named] = both;
  if (named === undefined) {
    return refuse('InvalidTransitGatewayAttachmentID.NotFound', `${id} is no peering attachment`);
  }
  if (!from.includes(named.state)) refuse('IncorrectState', `${id} is in invalid state`);
  for (const each of both) tx.put(KIND, { ...each, state: to });
  return { ...named, state: to };
}

export const transitPeeringHandlers: Handlers = {
  CreateTransitGatewayPeeringAttachment: handler(create),

  AcceptTransitGatewayPeeringAttachment: handler(
    (
      tx,
      { TransitGatewayAttachmentId: id = '' }: AcceptTransitGatewayPeeringAttachmentRequest,
    ): AcceptTransitGatewayPeeringAttachmentResult => {
      const peering = move(tx, id, ['pendingAcceptance'], 'pending');
      tx.after(0, { name: 'transit-peering-available', id });
      return { TransitGatewayPeeringAttachment: shown(peering) };
    },
  ),

  RejectTransitGatewayPeeringAttachment: handler(
    (
      tx,
      { TransitGatewayAttachmentId: id = '' }: RejectTransitGatewayPeeringAttachmentRequest,
    ): RejectTransitGatewayPeeringAttachmentResult => {
      const peering = move(tx, id, ['pendingAcceptance'], 'rejected');
      for (const each of sides(tx, id)) closeAttachment(tx, each, 'rejected');
      return { TransitGatewayPeeringAttachment: shown(peering) };
    },
  ),

  DeleteTransitGatewayPeeringAttachment: handler(
    (
      tx,
      { TransitGatewayAttachmentId: id = '' }: DeleteTransitGatewayPeeringAttachmentRequest,
    ): DeleteTransitGatewayPeeringAttachmentResult => {
      const peering = move(tx, id, ['available', 'pendingAcceptance'], 'deleting');
      tx.after(0, { name: 'transit-peering-deleted', id });
      return { TransitGatewayPeeringAttachment: shown(peering) };
    },
  ),

  DescribeTransitGatewayPeeringAttachments: handler(
    (
      tx,
      input: DescribeTransitGatewayPeeringAttachmentsRequest,
    ): DescribeTransitGatewayPeeringAttachmentsResult => {
      const ids = input.TransitGatewayAttachmentIds;
      const page = describe(tx, { kind: KIND, ids, input, filters, visible: isPeering });
      return { TransitGatewayPeeringAttachments: page.records.filter(isPeering).map(shown), ...page.next };
    },
  ),
};

/** A step of both sides that applies only while they are in the state that it was planned for. */
const step =
  (from: AttachmentState, next: (tx: Tx, side: Peering) => void) =>
  (tx: Tx, id: string): void => {
    for (const side of sides(tx, id)) if (side.state === from) next(tx, side);
  };

export const transitPeeringTransitions: Transitions = {
  'transit-peering-requested': step('initiatingRequest', (tx, side) =>
    tx.put(KIND, { ...side, state: 'pendingAcceptance' }),
  ),
  'transit-peering-available': step('pending', openAttachment),
  'transit-peering-deleted': step('deleting', (tx, side) => closeAttachment(tx, side, 'deleted')),
};
