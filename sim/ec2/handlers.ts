/** Which action is handled where. */

import { refreshDirectConnect } from './direct-connect.ts';
import { type Learnt, takeLearnt } from './gateway-speaker.ts';
import type { Handler, Handlers, Transitions, Tx } from './handler.ts';
import { addressHandlers } from './handlers/address.ts';
import { customerGatewayHandlers, customerGatewayTransitions } from './handlers/customer-gateway.ts';
import { dhcpOptionsHandlers } from './handlers/dhcp-options.ts';
import {
  directConnectAssociationHandlers,
  directConnectAssociationTransitions,
} from './handlers/direct-connect-association.ts';
import {
  directConnectConnectionHandlers,
  directConnectConnectionTransitions,
} from './handlers/direct-connect-connection.ts';
import {
  directConnectGatewayHandlers,
  directConnectGatewayTransitions,
} from './handlers/direct-connect-gateway.ts';
import { directConnectTagHandlers } from './handlers/direct-connect-tag.ts';
import { egressOnlyGatewayHandlers } from './handlers/egress-only-gateway.ts';
import { endpointServiceHandlers } from './handlers/endpoint-service.ts';
import { iamInstanceProfileHandlers } from './handlers/iam-instance-profile.ts';
import { iamRoleHandlers } from './handlers/iam-role.ts';
import { imageHandlers } from './handlers/image.ts';
import { instanceAttributeHandlers } from './handlers/instance-attribute.ts';
import { instanceDescribeHandlers } from './handlers/instance-describe.ts';
import { instanceStateHandlers, instanceTransitions } from './handlers/instance-state.ts';
import { instanceTypeHandlers } from './handlers/instance-type.ts';
import { internetGatewayHandlers } from './handlers/internet-gateway.ts';
import { keyPairHandlers } from './handlers/key-pair.ts';
import { launchTemplateHandlers } from './handlers/launch-template.ts';
import { listenerHandlers } from './handlers/listener.ts';
import { loadBalancerHandlers, loadBalancerTransitions } from './handlers/load-balancer.ts';
import { loadBalancerTagHandlers } from './handlers/load-balancer-tag.ts';
import { natGatewayHandlers, natGatewayTransitions } from './handlers/nat-gateway.ts';
import { networkAclHandlers } from './handlers/network-acl.ts';
import { networkAclEntryHandlers } from './handlers/network-acl-entry.ts';
import { networkInterfaceHandlers } from './handlers/network-interface.ts';
import { parameterHandlers } from './handlers/parameter.ts';
import { placementGroupHandlers } from './handlers/placement-group.ts';
import { prefixListHandlers, prefixListTransitions } from './handlers/prefix-list.ts';
import { privateAddressHandlers } from './handlers/private-address.ts';
import { profileAssociationHandlers } from './handlers/profile-association.ts';
import { routeHandlers } from './handlers/route.ts';
import { routeServerHandlers } from './handlers/route-server.ts';
import { routeServerPeerHandlers } from './handlers/route-server-peer.ts';
import { routeTableHandlers } from './handlers/route-table.ts';
import { routeTableAssociationHandlers } from './handlers/route-table-association.ts';
import { runInstancesHandlers } from './handlers/run-instances.ts';
import { securityGroupHandlers } from './handlers/security-group.ts';
import { securityGroupRuleHandlers } from './handlers/security-group-rules.ts';
import { stsHandlers } from './handlers/sts.ts';
import { subnetHandlers } from './handlers/subnet.ts';
import { tagHandlers } from './handlers/tag.ts';
import { targetHandlers, targetTransitions } from './handlers/target.ts';
import { targetGroupHandlers } from './handlers/target-group.ts';
import { transitAttachmentHandlers, transitAttachmentTransitions } from './handlers/transit-attachment.ts';
import { transitConnectHandlers, transitConnectTransitions } from './handlers/transit-connect.ts';
import { transitGatewayHandlers, transitGatewayTransitions } from './handlers/transit-gateway.ts';
import { transitMulticastHandlers, transitMulticastTransitions } from './handlers/transit-multicast.ts';
import { transitPeeringHandlers, transitPeeringTransitions } from './handlers/transit-peering.ts';
import { transitRouteHandlers } from './handlers/transit-route.ts';
import { transitRouteTableHandlers, transitRouteTableTransitions } from './handlers/transit-route-table.ts';
import { virtualInterfaceHandlers, virtualInterfaceTransitions } from './handlers/virtual-interface.ts';
import { virtualInterfacePeerHandlers } from './handlers/virtual-interface-peer.ts';
import { volumeHandlers } from './handlers/volume.ts';
import { vpcHandlers } from './handlers/vpc.ts';
import { vpcCidrHandlers } from './handlers/vpc-cidr.ts';
import { vpcEndpointHandlers, vpcEndpointTransitions } from './handlers/vpc-endpoint.ts';
import { vpcEndpointServiceHandlers } from './handlers/vpc-endpoint-service.ts';
import { peeringTransitions, vpcPeeringHandlers } from './handlers/vpc-peering.ts';
import { vpnConnectionHandlers, vpnConnectionTransitions } from './handlers/vpn-connection.ts';
import { vpnGatewayHandlers, vpnGatewayTransitions } from './handlers/vpn-gateway.ts';
import { zoneHandlers } from './handlers/zone.ts';
import { interfaceTransitions } from './network-interface.ts';
import { refreshRouteServer, routeServerTransitions } from './route-server.ts';
import type { ServiceName } from './shape.ts';
import { refreshConnect } from './transit-connect.ts';
import { refreshVpn } from './vpn.ts';

const ec2: Handlers = {
  ...addressHandlers,
  ...customerGatewayHandlers,
  ...dhcpOptionsHandlers,
  ...egressOnlyGatewayHandlers,
  ...natGatewayHandlers,
  ...networkAclHandlers,
  ...networkAclEntryHandlers,
  ...networkInterfaceHandlers,
  ...prefixListHandlers,
  ...privateAddressHandlers,
  ...routeTableHandlers,
  ...routeTableAssociationHandlers,
  ...routeHandlers,
  ...routeServerHandlers,
  ...routeServerPeerHandlers,
  ...subnetHandlers,
  ...tagHandlers,
  ...vpcCidrHandlers,
  ...endpointServiceHandlers,
  ...vpcEndpointHandlers,
  ...vpcEndpointServiceHandlers,
  ...vpcHandlers,
  ...vpcPeeringHandlers,
  ...vpnConnectionHandlers,
  ...vpnGatewayHandlers,
  ...zoneHandlers,
  ...internetGatewayHandlers,
  ...securityGroupHandlers,
  ...securityGroupRuleHandlers,
  ...instanceDescribeHandlers,
  ...instanceAttributeHandlers,
  ...instanceStateHandlers,
  ...instanceTypeHandlers,
  ...imageHandlers,
  ...keyPairHandlers,
  ...launchTemplateHandlers,
  ...placementGroupHandlers,
  ...profileAssociationHandlers,
  ...runInstancesHandlers,
  ...transitAttachmentHandlers,
  ...transitConnectHandlers,
  ...transitGatewayHandlers,
  ...transitMulticastHandlers,
  ...transitPeeringHandlers,
  ...transitRouteHandlers,
  ...transitRouteTableHandlers,
  ...volumeHandlers,
};

const sts: Handlers = stsHandlers;

const elasticloadbalancing: Handlers = {
  ...loadBalancerHandlers,
  ...listenerHandlers,
  ...targetGroupHandlers,
  ...targetHandlers,
  ...loadBalancerTagHandlers,
};

const directconnect: Handlers = {
  ...directConnectConnectionHandlers,
  ...directConnectGatewayHandlers,
  ...directConnectAssociationHandlers,
  ...virtualInterfaceHandlers,
  ...virtualInterfacePeerHandlers,
  ...directConnectTagHandlers,
};

const iam: Handlers = { ...iamRoleHandlers, ...iamInstanceProfileHandlers };

const services: Readonly<Record<ServiceName, Handlers>> = {
  ec2,
  sts,
  iam,
  elasticloadbalancing,
  directconnect,
  ssm: parameterHandlers,
};

/** The handler of an action, or undefined where the action is not simulated. */
export const handlerFor = (service: ServiceName, action: string): Handler | undefined =>
  Object.hasOwn(services[service], action) ? services[service][action] : undefined;

/** Steps of state machines by name. */
export const transitions: Transitions = {
  ...interfaceTransitions,
  ...instanceTransitions,
  ...peeringTransitions,
  ...natGatewayTransitions,
  ...loadBalancerTransitions,
  ...targetTransitions,
  ...vpcEndpointTransitions,
  ...customerGatewayTransitions,
  ...directConnectAssociationTransitions,
  ...directConnectConnectionTransitions,
  ...directConnectGatewayTransitions,
  ...virtualInterfaceTransitions,
  ...vpnConnectionTransitions,
  ...vpnGatewayTransitions,
  ...prefixListTransitions,
  ...transitAttachmentTransitions,
  ...transitConnectTransitions,
  ...transitGatewayTransitions,
  ...transitMulticastTransitions,
  ...transitPeeringTransitions,
  ...transitRouteTableTransitions,
  ...routeServerTransitions,
};

/** A gateway's speaker says what it knows now; what it belongs to draws its conclusions. */
export function hearSpeaker(tx: Tx, id: string, learnt: Learnt): void {
  const speaker = tx.get('gateway-speaker', id);
  if (speaker === undefined || !takeLearnt(tx, speaker, learnt)) return;
  const endpoint = tx.get('route-server-endpoint', id);
  if (endpoint !== undefined) refreshRouteServer(tx, endpoint.server);
  const { place } = speaker;
  const peer = tx.get('transit-gateway-connect-peer', place.kind === 'connect-peer' ? place.peer : '');
  if (peer !== undefined) refreshConnect(tx, peer.attachment);
  const connection = tx.get('vpn-connection', id);
  if (connection !== undefined) refreshVpn(tx, connection.gateway);
  const line = tx.get('virtual-interface', id);
  if (line !== undefined) refreshDirectConnect(tx, line.gateway);
}
