/** Connect attachments of transit gateways, and their Connect peers: GRE and BGP with appliances. */
import type {
  CreateTransitGatewayConnectPeerRequest,
  CreateTransitGatewayConnectPeerResult,
  CreateTransitGatewayConnectRequest,
  CreateTransitGatewayConnectResult,
  DeleteTransitGatewayConnectPeerRequest,
  DeleteTransitGatewayConnectPeerResult,
  DeleteTransitGatewayConnectRequest,
  DeleteTransitGatewayConnectResult,
  DescribeTransitGatewayConnectPeersRequest,
  DescribeTransitGatewayConnectPeersResult,
  DescribeTransitGatewayConnectsRequest,
  DescribeTransitGatewayConnectsResult,
  TransitGatewayConnect,
  TransitGatewayConnectPeer,
} from '@aws-sdk/client-ec2';
import {
  addressAt,
  contains,
  formatAddress,
  overlaps,
  parseAddress,
  parsePrefix,
  prefix,
} from '../../../controller/base/ip.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { sessionOf } from '../gateway-speaker.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { insideOf, speakersOf } from '../record/connect-peer.ts';
import type { AttachmentLink, AttachmentRecord, ConnectPeerRecord } from '../record/connectivity.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { openSpeakers, refreshConnect } from '../transit-connect.ts';
import { attachmentsTo, DELETED_VISIBLE_MS, needAvailable, peersOf } from '../transit-gateway.ts';

const ATTACHMENT = 'transit-gateway-attachment';
const PEER = 'transit-gateway-connect-peer';

interface Connect extends AttachmentRecord {
  readonly link: Extract<AttachmentLink, { readonly kind: 'connect' }>;
}

const isConnect = (attachment: AttachmentRecord): attachment is Connect => attachment.link.kind === 'connect';

const filters: Filters<AttachmentRecord> = {
  'options.protocol': () => 'gre',
  state: (attachment) => attachment.state,
  'transit-gateway-attachment-id': (attachment) => attachment.id,
  'transit-gateway-id': (attachment) => attachment.gateway,
  'transport-transit-gateway-attachment-id': ({ link }) =>
    link.kind === 'connect' ? link.transport : undefined,
};

const shown = (connect: Connect): TransitGatewayConnect => ({
  TransitGatewayAttachmentId: connect.id,
  TransportTransitGatewayAttachmentId: connect.link.transport,
  TransitGatewayId: connect.gateway,
  State: connect.state,
  CreationTime: connect.created,
  Options: { Protocol: 'gre' },
  Tags: shownTags(connect.tags),
});

const peerFilters: Filters<ConnectPeerRecord> = {
  state: (peer) => peer.state,
  'transit-gateway-attachment-id': (peer) => peer.attachment,
  'transit-gateway-connect-peer-id': (peer) => peer.id,
};

function shownPeer(tx: Tx, peer: ConnectPeerRecord): TransitGatewayConnectPeer {
  const gateway = tx.get('transit-gateway', tx.get(ATTACHMENT, peer.attachment)?.gateway ?? '');
  return {
    TransitGatewayConnectPeerId: peer.id,
    TransitGatewayAttachmentId: peer.attachment,
    State: peer.state,
    CreationTime: peer.created,
    ConnectPeerConfiguration: {
      TransitGatewayAddress: peer.gatewayAddress,
      PeerAddress: peer.peerAddress,
      InsideCidrBlocks: [peer.inside],
      Protocol: 'gre',
      BgpConfigurations: speakersOf(peer).map(({ id, address }) => ({
        TransitGatewayAsn: gateway?.asn,
        PeerAsn: peer.asn,
        TransitGatewayAddress: address,
        PeerAddress: insideOf(peer, 1),
        BgpStatus: sessionOf(tx, id, insideOf(peer, 1))?.bgp ?? 'down',
      })),
    },
    Tags: shownTags(peer.tags),
  };
}

function create(tx: Tx, input: CreateTransitGatewayConnectRequest): CreateTransitGatewayConnectResult {
  const transport = needAvailable(tx.need(ATTACHMENT, input.TransportTransitGatewayAttachmentId ?? ''));
  if (transport.link.kind !== 'vpc') {
    refuse('InvalidParameterValue', `${transport.id} is no attachment of a VPC: it cannot carry GRE`);
  }
  const protocol = input.Options?.Protocol ?? missing('options.protocol');
  if (protocol !== 'gre') invalidValue('options.protocol', protocol, 'It must be gre.');
  const connect: Connect = {
    id: tx.newId('tgw-attach'),
    tags: specifiedTags(tx, input.TagSpecifications, ATTACHMENT),
    account: tx.account,
    region: tx.region,
    gateway: transport.gateway,
    state: 'pending',
    created: tx.date(),
    link: { kind: 'connect', transport: transport.id },
    propagations: [],
  };
  tx.put(ATTACHMENT, connect);
  tx.after(0, { name: 'transit-attachment-available', id: connect.id });
  return { TransitGatewayConnect: shown(connect) };
}

function needConnect(tx: Tx, id: string): Connect {
  const attachment = tx.need(ATTACHMENT, id);
  if (isConnect(attachment)) return needAvailable(attachment);
  return refuse('InvalidTransitGatewayAttachmentID.NotFound', `${id} is no Connect attachment`);
}

function remove(tx: Tx, id: string): DeleteTransitGatewayConnectResult {
  const connect = needConnect(tx, id);
  const peers = peersOf(tx, id).map((each) => each.id);
  if (peers.length > 0) refuse('IncorrectState', `${id} has non-deleted Connect Peers: ${peers.join(', ')}.`);
  const deleting: Connect = { ...connect, state: 'deleting' };
  tx.put(ATTACHMENT, deleting);
  tx.after(0, { name: 'transit-attachment-deleted', id });
  return { TransitGatewayConnect: shown(deleting) };
}

/** All peers of the gateway of a Connect attachment. */
const peersOfGateway = (tx: Tx, { gateway }: Connect): readonly ConnectPeerRecord[] =>
  attachmentsTo(tx, gateway)
    .filter(isConnect)
    .flatMap(({ id }) => peersOf(tx, id));

function ipv4(parameter: string, text: string): string {
  const parsed = parseAddress(text);
  if (!parsed.ok) return invalidValue(parameter, text, 'It is no IP address.');
  if (parsed.value.family === 6) refuse('UnsupportedOperation', 'GRE over IPv6 is not simulated.');
  return formatAddress(parsed.value);
}

/** The gateway's outer address: the one asked for, or the first that is free, of its IPv4 blocks. */
function gatewayAddress(tx: Tx, connect: Connect, asked: string | undefined): string {
  const cidrs = tx.get('transit-gateway', connect.gateway)?.cidrs ?? [];
  const blocks = cidrs.filter((each) => !each.includes(':')).map((each) => prefix(each));
  if (asked !== undefined) {
    const text = ipv4('transitGatewayAddress', asked);
    const parsed = parseAddress(text);
    const isOurs = parsed.ok && blocks.some((block) => contains(block, parsed.value));
    return isOurs
      ? text
      : invalidValue('transitGatewayAddress', asked, 'It is of no CIDR block of the gateway.');
  }
  const taken = new Set(peersOfGateway(tx, connect).map((each) => each.gatewayAddress));
  for (const block of blocks) {
    for (let n = 1; n < 2 ** (32 - block.length); n++) {
      const text = formatAddress(addressAt(block, n));
      if (!taken.has(text)) return text;
    }
  }
  const why = `The transit gateway ${connect.gateway} has no free address in a CIDR block`;
  return refuse('InvalidParameterValue', why);
}

/** /29 blocks of 169.254.0.0/16 that AWS keeps for itself. "Connect peers", reserved ranges. */
const RESERVED = /^169\.254\.([0-5]\.0|169\.248)\/29$/;

/** The inside block: a free /29 of 169.254.0.0/16. A block of IPv6 beside it is taken, and not used. */
function insideBlock(tx: Tx, connect: Connect, asked: readonly string[]): string {
  const [block = missing('insideCidrBlocks'), ...more] = asked.filter((each) => !each.includes(':'));
  const parsed = parsePrefix(block);
  const isBlock = /^169\.254\.\d{1,3}\.\d{1,3}\/29$/.test(block) && parsed.ok && !RESERVED.test(block);
  if (!isBlock || more.length > 0) {
    invalidValue('insideCidrBlocks', asked.join(', '), 'It must be one /29 of 169.254.0.0/16.');
  }
  const user = peersOfGateway(tx, connect).find(({ inside }) => overlaps(prefix(inside), prefix(block)));
  if (user !== undefined) invalidValue('insideCidrBlocks', block, `It overlaps with that of ${user.id}.`);
  return block;
}

function createPeer(
  tx: Tx,
  input: CreateTransitGatewayConnectPeerRequest,
): CreateTransitGatewayConnectPeerResult {
  const connect = needConnect(tx, input.TransitGatewayAttachmentId ?? '');
  const { connectPeersPerAttachment: most } = tx.settings.quotas;
  if (peersOf(tx, connect.id).length >= most) {
    const why = `The maximum number of Connect peers of ${connect.id} has been reached (${most}).`;
    refuse('TransitGatewayConnectPeerLimitExceeded', why);
  }
  const peerAddress = ipv4('peerAddress', input.PeerAddress ?? '');
  const ours = gatewayAddress(tx, connect, input.TransitGatewayAddress);
  const twin = peersOfGateway(tx, connect).find(
    (each) => each.gatewayAddress === ours && each.peerAddress === peerAddress,
  );
  if (twin !== undefined) invalidValue('peerAddress', peerAddress, `${twin.id} has the same addresses.`);
  const gateway = tx.get('transit-gateway', connect.gateway);
  const peer = tx.put(PEER, {
    id: tx.newId('tgw-connect-peer'),
    tags: specifiedTags(tx, input.TagSpecifications, PEER),
    account: tx.account,
    region: tx.region,
    attachment: connect.id,
    state: 'pending',
    created: tx.date(),
    gatewayAddress: ours,
    peerAddress,
    inside: insideBlock(tx, connect, input.InsideCidrBlocks ?? []),
    asn: input.BgpOptions?.PeerAsn ?? gateway?.asn ?? 0,
  });
  tx.after(0, { name: 'connect-peer-available', id: peer.id });
  return { TransitGatewayConnectPeer: shownPeer(tx, peer) };
}

function removePeer(tx: Tx, id: string): DeleteTransitGatewayConnectPeerResult {
  const peer = needAvailable(tx.need(PEER, id));
  for (const speaker of speakersOf(peer)) tx.remove('gateway-speaker', speaker.id);
  const deleting = tx.put(PEER, { ...peer, state: 'deleting' });
  refreshConnect(tx, peer.attachment);
  tx.after(0, { name: 'connect-peer-deleted', id });
  return { TransitGatewayConnectPeer: shownPeer(tx, deleting) };
}

export const transitConnectHandlers: Handlers = {
  CreateTransitGatewayConnect: handler(create),
  DeleteTransitGatewayConnect: handler(
    (tx, { TransitGatewayAttachmentId: id = '' }: DeleteTransitGatewayConnectRequest) => remove(tx, id),
  ),
  DescribeTransitGatewayConnects: handler(
    (tx, input: DescribeTransitGatewayConnectsRequest): DescribeTransitGatewayConnectsResult => {
      const ids = input.TransitGatewayAttachmentIds;
      const page = describe(tx, { kind: ATTACHMENT, ids, input, filters, visible: isConnect });
      return { TransitGatewayConnects: page.records.filter(isConnect).map(shown), ...page.next };
    },
  ),
  CreateTransitGatewayConnectPeer: handler(createPeer),
  DeleteTransitGatewayConnectPeer: handler(
    (tx, { TransitGatewayConnectPeerId: id = '' }: DeleteTransitGatewayConnectPeerRequest) =>
      removePeer(tx, id),
  ),
  DescribeTransitGatewayConnectPeers: handler(
    (tx, input: DescribeTransitGatewayConnectPeersRequest): DescribeTransitGatewayConnectPeersResult => {
      const ids = input.TransitGatewayConnectPeerIds;
      const page = describe(tx, { kind: PEER, ids, input, filters: peerFilters });
      return { TransitGatewayConnectPeers: page.records.map((each) => shownPeer(tx, each)), ...page.next };
    },
  ),
};

export const transitConnectTransitions: Transitions = {
  'connect-peer-available': (tx, id) => {
    const peer = tx.get(PEER, id);
    if (peer?.state !== 'pending') return;
    openSpeakers(tx, tx.put(PEER, { ...peer, state: 'available' }));
  },
  'connect-peer-deleted': (tx, id) => {
    const peer = tx.get(PEER, id);
    if (peer?.state !== 'deleting') return;
    tx.put(PEER, { ...peer, state: 'deleted' });
    tx.after(DELETED_VISIBLE_MS, { name: 'connect-peer-forgotten', id });
  },
  'connect-peer-forgotten': (tx, id) => tx.remove(PEER, id),
};
