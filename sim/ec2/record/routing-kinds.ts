/** The kinds of route servers and gateways' speakers; kind.ts says what each field is. */
import { defined, type KindTable } from './kind.ts';
import type { RoutingRecords } from './routing.ts';

export const routingKinds: KindTable<keyof RoutingRecords> = {
  'gateway-speaker': {
    scope: 'region',
    refersTo: () => [],
    notFound: 'InternalError',
    malformed: 'InternalError',
    noun: 'speaker',
  },
  'route-server': {
    scope: 'region',
    refersTo: (server) => (server.state === 'deleted' ? [] : defined([server.vpc, ...server.tables])),
    prefix: 'rs',
    resourceType: 'route-server',
    notFound: 'InvalidRouteServerId.NotFound',
    malformed: 'InvalidRouteServerId.Malformed',
    noun: 'route server ID',
  },
  'route-server-endpoint': {
    scope: 'region',
    refersTo: (endpoint) =>
      endpoint.state === 'deleted' ? [] : [endpoint.server, endpoint.subnet, endpoint.eni],
    prefix: 'rse',
    resourceType: 'route-server-endpoint',
    notFound: 'InvalidRouteServerEndpointId.NotFound',
    malformed: 'InvalidRouteServerEndpointId.Malformed',
    noun: 'route server endpoint ID',
  },
  'route-server-peer': {
    scope: 'region',
    refersTo: (peer) => (peer.state === 'deleted' ? [] : [peer.server, peer.endpoint]),
    prefix: 'rsp',
    resourceType: 'route-server-peer',
    notFound: 'InvalidRouteServerPeerId.NotFound',
    malformed: 'InvalidRouteServerPeerId.Malformed',
    noun: 'route server peer ID',
  },
};
