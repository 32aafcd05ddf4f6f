/** The kinds of what leads out of a VPC; kind.ts says what each field is. */
import { unreachable } from '../../../controller/base/result.ts';
import type { AttachmentLink, ConnectivityRecords } from './connectivity.ts';
import type { EgressRecords } from './egress.ts';
import { defined, type KindTable } from './kind.ts';

/** What an attachment leads to. */
function farEnds(link: AttachmentLink): readonly string[] {
  switch (link.kind) {
    case 'vpc':
      return [link.vpc, ...link.subnets];
    case 'peering':
      return [link.peer, link.peerGateway];
    case 'vpn':
      return [link.connection];
    case 'direct-connect-gateway':
      return [link.gateway];
    case 'connect':
      return [link.transport];
    default:
      return unreachable(link);
  }
}

export const connectivityKinds: KindTable<keyof (ConnectivityRecords & EgressRecords)> = {
  'nat-gateway': {
    scope: 'region',
    refersTo: ({ state, vpc, subnet, address }) =>
      state === 'deleted' || state === 'failed' ? [] : [vpc, subnet, address.eni],
    prefix: 'nat',
    resourceType: 'natgateway',
    notFound: 'NatGatewayNotFound',
    malformed: 'NatGatewayMalformed',
    noun: 'Nat Gateway',
  },
  'egress-only-gateway': {
    scope: 'region',
    refersTo: (gateway) => [gateway.vpc],
    prefix: 'eigw',
    resourceType: 'egress-only-internet-gateway',
    notFound: 'InvalidGatewayID.NotFound',
    malformed: 'InvalidEgressOnlyInternetGatewayId.Malformed',
    noun: 'eigw ID',
  },
  'vpn-gateway': {
    scope: 'region',
    refersTo: (gateway) => defined([gateway.vpc]),
    prefix: 'vgw',
    resourceType: 'vpn-gateway',
    notFound: 'InvalidVpnGatewayID.NotFound',
    malformed: 'InvalidVpnGatewayID.Malformed',
    noun: 'vpnGateway ID',
  },
  'customer-gateway': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'cgw',
    resourceType: 'customer-gateway',
    notFound: 'InvalidCustomerGatewayID.NotFound',
    malformed: 'InvalidCustomerGatewayId.Malformed',
    noun: 'customerGateway ID',
  },
  'vpn-connection': {
    scope: 'region',
    refersTo: ({ state, gateway, customerGateway }) =>
      state === 'deleted' ? [] : [gateway, customerGateway],
    prefix: 'vpn',
    resourceType: 'vpn-connection',
    notFound: 'InvalidVpnConnectionID.NotFound',
    malformed: 'InvalidVpnConnectionID.Malformed',
    noun: 'vpnConnection ID',
  },
  'transit-gateway': {
    scope: 'region',
    refersTo: (gateway) => defined([gateway.associationTable, gateway.propagationTable]),
    prefix: 'tgw',
    resourceType: 'transit-gateway',
    notFound: 'InvalidTransitGatewayID.NotFound',
    malformed: 'InvalidTransitGatewayID.Malformed',
    noun: 'transitGateway ID',
  },
  'transit-gateway-attachment': {
    scope: 'region',
    refersTo: ({ state, gateway, link, association, propagations }) =>
      ['deleted', 'rejected', 'failed'].includes(state)
        ? []
        : defined([gateway, ...farEnds(link), association, ...propagations]),
    prefix: 'tgw-attach',
    resourceType: 'transit-gateway-attachment',
    notFound: 'InvalidTransitGatewayAttachmentID.NotFound',
    malformed: 'InvalidTransitGatewayAttachmentID.Malformed',
    noun: 'transitGatewayAttachment ID',
  },
  'transit-gateway-connect-peer': {
    scope: 'region',
    refersTo: ({ state, attachment }) => (state === 'deleted' ? [] : [attachment]),
    prefix: 'tgw-connect-peer',
    resourceType: 'transit-gateway-connect-peer',
    notFound: 'InvalidTransitGatewayConnectPeerID.NotFound',
    malformed: 'InvalidTransitGatewayConnectPeerID.Malformed',
    noun: 'transitGatewayConnectPeer ID',
  },
  'transit-gateway-multicast-domain': {
    scope: 'region',
    refersTo: ({ state, gateway, associations }) =>
      state === 'deleted'
        ? []
        : [...new Set([gateway, ...associations.flatMap(({ attachment, subnet }) => [attachment, subnet])])],
    prefix: 'tgw-mcast-domain',
    resourceType: 'transit-gateway-multicast-domain',
    notFound: 'InvalidTransitGatewayMulticastDomainId.NotFound',
    malformed: 'InvalidTransitGatewayMulticastDomainId.Malformed',
    noun: 'transitGatewayMulticastDomain ID',
  },
  'transit-gateway-route-table': {
    scope: 'region',
    refersTo: ({ state, gateway }) => (state === 'deleted' ? [] : [gateway]),
    prefix: 'tgw-rtb',
    resourceType: 'transit-gateway-route-table',
    notFound: 'InvalidRouteTableID.NotFound',
    malformed: 'InvalidRouteTableId.Malformed',
    noun: 'transitGatewayRouteTable ID',
  },
  'vpc-peering-connection': {
    scope: 'region',
    refersTo: ({ state, requesterVpc, accepterVpc }) =>
      ['rejected', 'expired', 'failed', 'deleted'].includes(state) ? [] : [requesterVpc, accepterVpc],
    prefix: 'pcx',
    resourceType: 'vpc-peering-connection',
    notFound: 'InvalidVpcPeeringConnectionID.NotFound',
    malformed: 'InvalidVpcPeeringConnectionId.Malformed',
    noun: 'vpcPeeringConnection ID',
  },
};
