/**
 * Route servers with their endpoints and peers, from their descriptions. Nobody speaks BGP to them at first:
 * what they have learnt stays as it was described until a peer dials.
 */
import type {
  LearntPath,
  RouteServerEndpointRecord,
  RouteServerPath,
  RouteServerPeerRecord,
} from '../ec2/record/routing.ts';
import { endpointSpeaker } from '../ec2/route-server.ts';
import { type Item, stateOf, tagsOf } from './item.ts';
import { alive, made, type Place, type Reader, silentSpeaker } from './place.ts';

/** Paths come by GetRouteServerRoutingDatabase; the file's name says of which route server. */
const pathsOf = (server: string, { described }: Place): readonly RouteServerPath[] =>
  (described.get(`Routes ${server}`) ?? []).map((route) => {
    route.ignore('RouteStatus', 'RouteInstallationDetails');
    const med = route.number('Med');
    return {
      endpoint: route.text('RouteServerEndpointId') ?? '',
      neighbor: route.text('RouteServerPeerId') ?? '',
      prefix: route.text('Prefix') ?? '',
      nextHop: route.text('NextHopIp') ?? '',
      asPath: route.texts('AsPaths').join(' '),
      origin: 'igp',
      ...(med !== undefined && { med }),
      communities: [],
    };
  });

const routeServer: Reader = (item, place) => {
  const { account, described, find } = place;
  const id = item.text('RouteServerId') ?? '';
  item.ignore('SnsTopicArn');
  const detail = (list: string): readonly Item[] =>
    (described.get(list) ?? []).filter((each) => {
      each.ignore('State');
      return each.text('RouteServerId') === id;
    });
  const [vpc] = detail('RouteServerAssociations').flatMap((each) => each.text('VpcId') ?? []);
  const tables = detail('RouteServerPropagations').flatMap((each) => each.text('RouteTableId') ?? []);
  if (vpc === undefined) {
    const why = 'its VPC is not known: save those of get-route-server-associations too';
    find({ list: 'RouteServers', id, field: 'VpcId', why });
  }
  if (!described.has(`Routes ${id}`)) {
    const why =
      'its paths are not known: save those of get-route-server-routing-database in a file named after it';
    find({ list: 'RouteServers', id, field: 'Routes', why });
  }
  return made('route-server', {
    id,
    tags: tagsOf(item),
    account,
    state: 'available',
    asn: item.number('AmazonSideAsn') ?? 65_000,
    persist: {
      on: item.text('PersistRoutesState') === 'enabled',
      minutes: item.number('PersistRoutesDuration') ?? 1,
    },
    notifies: item.flag('SnsNotificationsEnabled'),
    ...(vpc !== undefined && { vpc }),
    tables,
    paths: pathsOf(id, place),
  });
};

function peerOf(item: Item, account: string): RouteServerPeerRecord {
  const options = item.item('BgpOptions');
  return {
    id: item.text('RouteServerPeerId') ?? '',
    tags: tagsOf(item),
    account,
    state: 'available',
    server: item.text('RouteServerId') ?? '',
    endpoint: item.text('RouteServerEndpointId') ?? '',
    address: item.text('PeerAddress') ?? '',
    asn: options.number('PeerAsn') ?? 0,
    liveness: options.text('PeerLivenessDetection') === 'bfd' ? 'bfd' : 'bgp-keepalive',
  };
}

const peer: Reader = (item, { account }) => {
  item.ignore('VpcId', 'SubnetId', 'EndpointEniId', 'EndpointEniAddress', 'BgpStatus', 'BfdStatus');
  return made('route-server-peer', peerOf(item, account));
};

/** An endpoint, and the speaker there. */
const endpoint: Reader = (item, place) => {
  const { account, described } = place;
  const record: RouteServerEndpointRecord = {
    id: item.text('RouteServerEndpointId') ?? '',
    tags: tagsOf(item),
    account,
    state: 'available',
    server: item.text('RouteServerId') ?? '',
    vpc: item.text('VpcId') ?? '',
    subnet: item.text('SubnetId') ?? '',
    eni: item.text('EniId') ?? '',
    address: item.text('EniAddress') ?? '',
  };
  const server = described.get('RouteServers')?.find((each) => each.text('RouteServerId') === record.server);
  const peers = (described.get('RouteServerPeers') ?? [])
    .filter((each) => each.text('RouteServerEndpointId') === record.id && stateOf(each) === 'available')
    .map((each) => peerOf(each, account));
  const speaker = endpointSpeaker(record, server?.number('AmazonSideAsn') ?? 0, peers);
  const paths = pathsOf(record.server, place).flatMap(({ endpoint: at, ...path }): readonly LearntPath[] =>
    at === record.id ? [path] : [],
  );
  return [...made('route-server-endpoint', record), ...silentSpeaker(speaker, place, paths)];
};

const part = (list: string, name: string, read: Reader): Readonly<Record<string, Reader>> => ({
  [list]: alive(list, name, stateOf, read),
});

export const routeServerReaders: Readonly<Record<string, Reader>> = {
  ...part('RouteServers', 'RouteServerId', routeServer),
  ...part('RouteServerEndpoints', 'RouteServerEndpointId', endpoint),
  ...part('RouteServerPeers', 'RouteServerPeerId', peer),
};
