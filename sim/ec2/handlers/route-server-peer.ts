/**
 * The endpoints of route servers, each at an ENI of its own, their BGP peers, and the routing database that
 * comes of what the peers announce.
 */
import type {
  CreateRouteServerEndpointRequest,
  CreateRouteServerEndpointResult,
  CreateRouteServerPeerRequest,
  CreateRouteServerPeerResult,
  DeleteRouteServerEndpointRequest,
  DeleteRouteServerEndpointResult,
  DeleteRouteServerPeerRequest,
  DeleteRouteServerPeerResult,
  DescribeRouteServerEndpointsRequest,
  DescribeRouteServerEndpointsResult,
  DescribeRouteServerPeersRequest,
  DescribeRouteServerPeersResult,
  GetRouteServerRoutingDatabaseRequest,
  GetRouteServerRoutingDatabaseResult,
  RouteServerEndpoint,
  RouteServerPeer,
  RouteServerRoute,
} from '@aws-sdk/client-ec2';
import { parseAddress } from '../../../controller/base/ip.ts';
import { describe, type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { sessionOf } from '../gateway-speaker.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { makeInterface, removeInterface } from '../network-interface.ts';
import type { RouteServerEndpointRecord, RouteServerPath, RouteServerPeerRecord } from '../record/routing.ts';
import { invalidValue, refuse } from '../refusal.ts';
import {
  begin,
  forwardingTable,
  installationsIn,
  needPart,
  refreshEndpoint,
  refreshRouteServer,
  retire,
} from '../route-server.ts';
import { specifiedTags } from '../tags.ts';

const ENDPOINT = 'route-server-endpoint';
const PEER = 'route-server-peer';

const endpointFilters: Filters<RouteServerEndpointRecord> = {
  'eni-id': (endpoint) => endpoint.eni,
  'route-server-endpoint-id': (endpoint) => endpoint.id,
  'route-server-id': (endpoint) => endpoint.server,
  state: (endpoint) => endpoint.state,
  'subnet-id': (endpoint) => endpoint.subnet,
  'vpc-id': (endpoint) => endpoint.vpc,
};

const shownEndpoint = (endpoint: RouteServerEndpointRecord): RouteServerEndpoint => ({
  RouteServerId: endpoint.server,
  RouteServerEndpointId: endpoint.id,
  VpcId: endpoint.vpc,
  SubnetId: endpoint.subnet,
  EniId: endpoint.eni,
  EniAddress: endpoint.address,
  State: endpoint.state,
  Tags: shownTags(endpoint.tags),
});

function createEndpoint(tx: Tx, input: CreateRouteServerEndpointRequest): CreateRouteServerEndpointResult {
  const server = needPart(tx, 'route-server', input.RouteServerId ?? '');
  const subnet = tx.need('subnet', input.SubnetId ?? '');
  if (server.vpc !== subnet.vpc) {
    const why = `is not associated with ${subnet.vpc}`;
    refuse('InvalidRouteServerId.NotAssociated', `The route server '${server.id}' ${why}`);
  }
  const { endpointsPerRouteServer, routeServerEndpointsPerSubnet } = tx.settings.quotas;
  const full =
    tx.referring(ENDPOINT, server.id).length >= endpointsPerRouteServer ||
    tx.referring(ENDPOINT, subnet.id).length >= routeServerEndpointsPerSubnet;
  if (full) refuse('RouteServerEndpointLimitExceeded', 'The maximum number of endpoints has been reached.');
  const id = tx.newId('rse');
  const eni = makeInterface(tx, { subnet: subnet.id, description: `Route Server Endpoint ${id}` });
  tx.put('network-interface', { ...eni, groups: [], manager: id, machine: id });
  const endpoint = tx.put(ENDPOINT, {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, ENDPOINT),
    account: tx.account,
    state: 'pending',
    server: server.id,
    vpc: subnet.vpc,
    subnet: subnet.id,
    eni: eni.id,
    address: eni.ipv4[0] ?? '',
  });
  refreshEndpoint(tx, endpoint);
  begin(tx, id);
  return { RouteServerEndpoint: shownEndpoint(endpoint) };
}

function removeEndpoint(tx: Tx, input: DeleteRouteServerEndpointRequest): DeleteRouteServerEndpointResult {
  const endpoint = needPart(tx, ENDPOINT, input.RouteServerEndpointId ?? '');
  const peers = tx.referring(PEER, endpoint.id).map(({ id }) => id);
  if (peers.length > 0)
    refuse('IncorrectState', `The route server endpoint '${endpoint.id}' has peers: ${peers.join(', ')}`);
  tx.remove('gateway-speaker', endpoint.id);
  const eni = tx.get('network-interface', endpoint.eni);
  if (eni !== undefined) removeInterface(tx, eni);
  retire(tx, endpoint.id);
  refreshRouteServer(tx, endpoint.server);
  return { RouteServerEndpoint: { ...shownEndpoint(endpoint), State: 'deleting' } };
}

const peerFilters: Filters<RouteServerPeerRecord> = {
  'peer-address': (peer) => peer.address,
  'route-server-endpoint-id': (peer) => peer.endpoint,
  'route-server-id': (peer) => peer.server,
  'route-server-peer-id': (peer) => peer.id,
  state: (peer) => peer.state,
  'vpc-id': (peer, tx) => tx.get(ENDPOINT, peer.endpoint)?.vpc,
};

function shownPeer(tx: Tx, peer: RouteServerPeerRecord): RouteServerPeer {
  const endpoint = tx.get(ENDPOINT, peer.endpoint);
  const session = sessionOf(tx, peer.endpoint, peer.id);
  return {
    RouteServerPeerId: peer.id,
    RouteServerEndpointId: peer.endpoint,
    RouteServerId: peer.server,
    VpcId: endpoint?.vpc,
    SubnetId: endpoint?.subnet,
    State: peer.state,
    EndpointEniId: endpoint?.eni,
    EndpointEniAddress: endpoint?.address,
    PeerAddress: peer.address,
    BgpOptions: { PeerAsn: peer.asn, PeerLivenessDetection: peer.liveness },
    BgpStatus: { Status: session?.bgp ?? 'down' },
    BfdStatus: { Status: session?.bfd ?? 'down' },
    Tags: shownTags(peer.tags),
  };
}

function createPeer(tx: Tx, input: CreateRouteServerPeerRequest): CreateRouteServerPeerResult {
  const endpoint = needPart(tx, ENDPOINT, input.RouteServerEndpointId ?? '');
  const { PeerAddress: address = '', BgpOptions: options } = input;
  const liveness = options?.PeerLivenessDetection ?? 'bgp-keepalive';
  const asn = options?.PeerAsn ?? 0;
  if (!parseAddress(address).ok) invalidValue('peerAddress', address, 'Invalid IP address.');
  if (liveness !== 'bfd' && liveness !== 'bgp-keepalive') invalidValue('peerLivenessDetection', liveness);
  if (asn < 1 || asn > 4_294_967_295) invalidValue('peerAsn', asn);
  if (tx.referring(PEER, endpoint.id).some((each) => each.address === address))
    refuse('IncorrectState', `The route server endpoint '${endpoint.id}' has a peer ${address} already`);
  const { routeServerPeersPerInterface: most } = tx.settings.quotas;
  const here = tx.list(PEER).filter((each) => {
    const same = each.address === address && each.state !== 'deleted';
    return same && tx.get(ENDPOINT, each.endpoint)?.vpc === endpoint.vpc;
  });
  if (here.length >= most)
    refuse('RouteServerPeerLimitExceeded', `The maximum number of sessions of ${address} is ${most}.`);
  const peer = tx.put(PEER, {
    id: tx.newId('rsp'),
    tags: specifiedTags(tx, input.TagSpecifications, PEER),
    account: tx.account,
    state: 'pending',
    server: endpoint.server,
    endpoint: endpoint.id,
    address,
    asn,
    liveness,
  });
  refreshEndpoint(tx, endpoint);
  begin(tx, peer.id);
  return { RouteServerPeer: shownPeer(tx, peer) };
}

function removePeer(tx: Tx, input: DeleteRouteServerPeerRequest): DeleteRouteServerPeerResult {
  const peer = needPart(tx, PEER, input.RouteServerPeerId ?? '');
  retire(tx, peer.id);
  refreshEndpoint(tx, tx.need(ENDPOINT, peer.endpoint));
  return { RouteServerPeer: { ...shownPeer(tx, peer), State: 'deleting' } };
}

const routeFilters: Filters<RouteServerPath & { readonly tags: Record<string, string> }> = {
  'next-hop-ip': (path) => path.nextHop,
  prefix: (path) => path.prefix,
  'route-server-endpoint-id': (path) => path.endpoint,
  'route-server-peer-id': (path) => path.neighbor,
};

function database(tx: Tx, input: GetRouteServerRoutingDatabaseRequest): GetRouteServerRoutingDatabaseResult {
  const server = tx.need('route-server', input.RouteServerId ?? '');
  const tables = server.tables.flatMap((name) => tx.get('route-table', name) ?? []);
  const installed = tables.flatMap((table) => installationsIn(tx, server, table));
  const best = new Set(forwardingTable(server));
  const matches = matcher(tx, input.Filters ?? [], routeFilters);
  const page = paginate(
    server.paths.filter((path) => matches({ ...path, tags: {} })),
    input,
    ({ prefix, neighbor }) => [prefix, neighbor],
  );
  const shown = (path: RouteServerPath): RouteServerRoute => ({
    RouteServerEndpointId: path.endpoint,
    RouteServerPeerId: path.neighbor,
    Prefix: path.prefix,
    NextHopIp: path.nextHop,
    AsPaths: path.asPath === '' ? [] : path.asPath.split(' '),
    ...(path.med !== undefined && { Med: path.med }),
    RouteStatus: best.has(path) ? 'in-fib' : 'in-rib',
    RouteInstallationDetails: installed
      .filter((each) => each.path === path)
      .map(({ table, reason }) => ({
        RouteTableId: table,
        RouteInstallationStatus: reason === undefined ? 'installed' : 'rejected',
        ...(reason !== undefined && { RouteInstallationStatusReason: reason }),
      })),
  });
  return {
    AreRoutesPersisted: server.persisted !== undefined,
    Routes: page.records.map(shown),
    ...page.next,
  };
}

export const routeServerPeerHandlers: Handlers = {
  CreateRouteServerEndpoint: handler(createEndpoint),
  DeleteRouteServerEndpoint: handler(removeEndpoint),
  DescribeRouteServerEndpoints: handler(
    (tx, input: DescribeRouteServerEndpointsRequest): DescribeRouteServerEndpointsResult => {
      const filters = endpointFilters;
      const page = describe(tx, { kind: ENDPOINT, ids: input.RouteServerEndpointIds, input, filters });
      return { RouteServerEndpoints: page.records.map(shownEndpoint), ...page.next };
    },
  ),
  CreateRouteServerPeer: handler(createPeer),
  DeleteRouteServerPeer: handler(removePeer),
  DescribeRouteServerPeers: handler(
    (tx, input: DescribeRouteServerPeersRequest): DescribeRouteServerPeersResult => {
      const page = describe(tx, { kind: PEER, ids: input.RouteServerPeerIds, input, filters: peerFilters });
      return { RouteServerPeers: page.records.map((each) => shownPeer(tx, each)), ...page.next };
    },
  ),
  GetRouteServerRoutingDatabase: handler(database),
};
