/** Connect peers and multicast domains of transit gateways, from their descriptions. */
import { insideOf } from '../ec2/record/connect-peer.ts';
import type { ConnectPeerRecord } from '../ec2/record/connectivity.ts';
import { connectSpeakers } from '../ec2/transit-connect.ts';
import { enabled, type Item, stateOf, tagsOf } from './item.ts';
import { alive, made, type Place, type Reader, silentSpeaker } from './place.ts';

const EPOCH = new Date(0);

const isUp = (peer: Item): boolean =>
  peer
    .item('ConnectPeerConfiguration')
    .items('BgpConfigurations')
    .some((each) => each.text('BgpStatus') === 'up');

/** The peers of an attachment with a session that is up; none of what is no Connect attachment. */
export const upPeersOf = (attachment: string, { described }: Place): readonly string[] =>
  (described.get('TransitGatewayConnectPeers') ?? [])
    .filter((each) => each.text('TransitGatewayAttachmentId') === attachment && isUp(each))
    .flatMap((each) => each.text('TransitGatewayConnectPeerId') ?? []);

/** The destinations of routes to an attachment, in all transit gateway route tables. */
const destinationsOf = (attachment: string, { described }: Place): ReadonlySet<string> =>
  new Set(
    [...described].flatMap(([list, items]) =>
      (list.startsWith('Routes tgw-rtb-') ? items : []).flatMap((route) => {
        const leads = route.items('TransitGatewayAttachments');
        const isOne = leads.some((each) => each.text('TransitGatewayAttachmentId') === attachment);
        return isOne ? (route.text('DestinationCidrBlock') ?? []) : [];
      }),
    ),
  );

/**
 * The prefixes that a peer has told. No description says which: those of an attachment whose sessions are up
 * share its routes.
 */
function toldBy(id: string, attachment: string, place: Place): readonly string[] {
  const peers = upPeersOf(attachment, place);
  const prefixes = [...destinationsOf(attachment, place)];
  if (!peers.includes(id)) return [];
  if (peers.length > 1 && prefixes.length > 0) {
    const why = `which routes each of the ${peers.length} peers has told is not described: they share them`;
    place.find({ list: 'TransitGatewayConnectPeers', id, why });
  }
  return prefixes;
}

/** What the gateway tells its peer: the routes of the attachment's table, but those that lead back. */
function announcesTo(attachment: string, { described }: Place): readonly string[] {
  const table = described
    .get('TransitGatewayAttachments')
    ?.find((each) => each.text('TransitGatewayAttachmentId') === attachment)
    ?.item('Association')
    .text('TransitGatewayRouteTableId');
  const routes = described.get(`Routes ${table}`) ?? [];
  const leads = routes.flatMap((route) => {
    const [first] = route.items('TransitGatewayAttachments');
    const to = first?.text('TransitGatewayAttachmentId');
    return to === undefined || to === attachment ? [] : [route.text('DestinationCidrBlock') ?? ''];
  });
  return [...new Set(leads)];
}

const connectPeer: Reader = (item, place) => {
  const { account, region } = place;
  const id = item.text('TransitGatewayConnectPeerId') ?? '';
  const attachment = item.text('TransitGatewayAttachmentId') ?? '';
  const configuration = item.item('ConnectPeerConfiguration');
  configuration.ignore('Protocol');
  const [bgp] = configuration.items('BgpConfigurations').map((each) => {
    each.ignore('TransitGatewayAddress', 'PeerAddress', 'BgpStatus');
    return { as: each.number('TransitGatewayAsn') ?? 0, asn: each.number('PeerAsn') ?? 0 };
  });
  const blocks = configuration.texts('InsideCidrBlocks');
  const record: ConnectPeerRecord = {
    id,
    tags: tagsOf(item),
    account,
    region,
    attachment,
    state: 'available',
    created: item.date('CreationTime') ?? EPOCH,
    gatewayAddress: configuration.text('TransitGatewayAddress') ?? '',
    peerAddress: configuration.text('PeerAddress') ?? '',
    inside: blocks.find((each) => !each.includes(':')) ?? '',
    asn: bgp?.asn ?? 0,
  };
  const appliance = insideOf(record, 1);
  const told = { neighbor: appliance, nextHop: appliance, asPath: `${record.asn}`, communities: [] };
  const paths = toldBy(id, attachment, place).map((prefix) => ({ ...told, prefix, origin: 'igp' as const }));
  const speakers = connectSpeakers(record, bgp?.as ?? 0).flatMap((speaker, index) => {
    const announces = announcesTo(attachment, place);
    return silentSpeaker({ ...speaker, announces }, place, index === 0 ? paths : []);
  });
  return [...made('transit-gateway-connect-peer', record), ...speakers];
};

/** Associations and groups come by calls of their own; the files' names say of which domain. */
const multicastDomain: Reader = (item, { account, region, described, find }) => {
  const id = item.text('TransitGatewayMulticastDomainId') ?? '';
  item.ignore('TransitGatewayMulticastDomainArn', 'OwnerId');
  const options = item.item('Options');
  const detail = (list: string, call: string): readonly Item[] => {
    const given = described.get(`${list} ${id}`);
    if (given === undefined) {
      const why = `they are not known: save those of ${call} in a file named after it`;
      find({ list: 'TransitGatewayMulticastDomains', id, field: list, why });
    }
    return given ?? [];
  };
  const associations = detail(
    'MulticastDomainAssociations',
    'get-transit-gateway-multicast-domain-associations',
  ).map((each) => {
    each.ignore('ResourceId', 'ResourceType', 'ResourceOwnerId');
    const subnet = each.item('Subnet');
    subnet.ignore('State');
    return {
      attachment: each.text('TransitGatewayAttachmentId') ?? '',
      subnet: subnet.text('SubnetId') ?? '',
    };
  });
  const rows = detail('MulticastGroups', 'search-transit-gateway-multicast-groups').map((each) => {
    each.ignore('TransitGatewayAttachmentId', 'SubnetId', 'ResourceId', 'ResourceType', 'ResourceOwnerId');
    each.ignore('MemberType', 'SourceType');
    const membership = {
      group: each.text('GroupIpAddress') ?? '',
      eni: each.text('NetworkInterfaceId') ?? '',
    };
    return { membership, member: each.flag('GroupMember'), source: each.flag('GroupSource') };
  });
  if (enabled(options, 'Igmpv2Support')) {
    const why = 'IGMP is not simulated: the members are those of the description';
    find({ list: 'TransitGatewayMulticastDomains', id, field: 'Options.Igmpv2Support', why });
  }
  return made('transit-gateway-multicast-domain', {
    id,
    tags: tagsOf(item),
    account,
    region,
    gateway: item.text('TransitGatewayId') ?? '',
    state: 'available',
    created: item.date('CreationTime') ?? EPOCH,
    staticSources: enabled(options, 'StaticSourcesSupport'),
    autoAccept: enabled(options, 'AutoAcceptSharedAssociations'),
    associations,
    members: rows.flatMap(({ membership, member }) => (member ? [membership] : [])),
    sources: rows.flatMap(({ membership, source }) => (source ? [membership] : [])),
  });
};

export const transitReaders: Readonly<Record<string, Reader>> = {
  TransitGatewayConnectPeers: alive(
    'TransitGatewayConnectPeers',
    'TransitGatewayConnectPeerId',
    stateOf,
    connectPeer,
  ),
  TransitGatewayMulticastDomains: alive(
    'TransitGatewayMulticastDomains',
    'TransitGatewayMulticastDomainId',
    stateOf,
    multicastDomain,
  ),
};
