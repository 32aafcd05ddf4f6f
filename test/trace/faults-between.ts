/** Faults between VPCs, and on the way to sites. Not a test itself. */
import { applyChange } from '../../sim/world/guests.ts';
import type { Bases } from './bases.ts';
import { acts, EVERYWHERE, end, type Faults, instead, noRoute, reroute, routeAt, wholly } from './breaks.ts';

export const neighbours: Faults['neighbours'] = [
  {
    name: 'the peering connection is deleted, its routes are not',
    probe: 'first to second',
    breaks: (w) => w.act('DeleteVpcPeeringConnection', { VpcPeeringConnectionId: w.toSecond }),
    object: (w) => w.toSecond,
    code: 'BAD_STATE_ROUTE',
  },
  {
    name: 'the far VPC has no route back',
    probe: 'first to second',
    breaks: (w) => noRoute(w, w.second.table, '10.1.0.0/16'),
    object: (w) => w.second.table,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
  {
    name: 'the route to the third VPC leads to the second',
    probe: 'first to third',
    breaks: (w) => reroute(w, w.first.table, '10.3.0.0/16', { VpcPeeringConnectionId: w.toSecond }),
    object: (w) => w.first.table,
    code: 'PCX_REQUIRES_ADDRESS_IN_VPC_CIDR',
  },
  {
    name: 'the group of the far VPC lets in another network',
    probe: 'first to second',
    breaks: (w) => instead(w, w.second.group, 'tcp 5432 10.3.0.0/16', 'tcp 5432 10.0.0.0/8'),
    object: (w) => w.second.group,
    code: 'ENI_SG_RULES_MISMATCH',
  },
];

export const hub: Faults['hub'] = [
  {
    name: 'the attachment of the near VPC has no subnet in the zone of the client',
    probe: 'near to far',
    breaks: (w) => {
      const input = { TransitGatewayAttachmentId: w.near.attachment, RemoveSubnetIds: [w.near.a.door] };
      wholly(w, 'ModifyTransitGatewayVpcAttachment', input);
    },
    object: (w) => w.near.attachment,
    code: 'TGW_ROUTE_AZ_RESTRICTION',
  },
  {
    name: 'appliance mode is off, so that answers meet the firewall of the other zone',
    probe: 'near to far',
    breaks: (w) => {
      const Options = { ApplianceModeSupport: 'disable' };
      const input = { TransitGatewayAttachmentId: w.checks.attachment, Options };
      wholly(w, 'ModifyTransitGatewayVpcAttachment', input);
    },
    object: (w) => w.checks.attachment,
    code: 'TGW_ATTACH_VPC_AZ_RESTRICTION',
  },
  {
    name: 'the attachment of the near VPC is associated with no table',
    probe: 'near to far',
    breaks: (w) => w.join(w.spokes, w.near.attachment, 'DisassociateTransitGatewayRouteTable'),
    object: (w) => w.near.attachment,
    code: 'TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION',
  },
  {
    name: 'nothing is known of the table of the spokes',
    probe: 'near to far',
    breaks: (w) =>
      applyChange(w.world, { kind: 'transit-gateway-route-table', id: w.spokes, value: undefined }),
    object: (w) => w.spokes,
    code: 'TGW_RTB_ROUTES_ARE_UNKNOWN',
  },
  {
    name: 'the table of the spokes has no default route',
    probe: 'near to far',
    breaks: (w) => {
      const named = { TransitGatewayRouteTableId: w.spokes, DestinationCidrBlock: EVERYWHERE };
      w.act('DeleteTransitGatewayRoute', named);
    },
    object: (w) => w.spokes,
    code: 'TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT',
  },
  {
    name: 'a blackhole in the table of the spokes',
    probe: 'near to far',
    breaks: (w) => {
      const named = { TransitGatewayRouteTableId: w.spokes, DestinationCidrBlock: EVERYWHERE };
      w.act('ReplaceTransitGatewayRoute', { ...named, Blackhole: true });
    },
    object: (w) => w.spokes,
    code: 'TGW_RTB_BAD_STATE_ROUTE',
  },
  {
    name: 'a static route of the firewalls beats what the far VPC propagates',
    probe: 'near to far',
    breaks: (w) => routeAt(w, w.checked, '10.2.0.0/16', w.near.attachment),
    object: (w) => w.checked,
    code: 'TGW_RTB_HIGHER_PRIORITY_ROUTE',
  },
  {
    name: 'a more specific route of the firewalls leads back',
    probe: 'near to far',
    breaks: (w) => routeAt(w, w.checked, '10.2.11.0/24', w.near.attachment),
    object: (w) => w.checked,
    code: 'TGW_RTB_MORE_SPECIFIC_ROUTE',
  },
  {
    name: 'a static route with a wrong block stands for what the far VPC propagated',
    probe: 'near to far',
    breaks: (w) => {
      w.join(w.checked, w.far.attachment, 'DisableTransitGatewayRouteTablePropagation');
      routeAt(w, w.checked, '10.22.0.0/16', w.far.attachment);
    },
    object: (w) => w.checked,
    code: 'TGW_RTB_CANNOT_ROUTE',
  },
  {
    name: 'the near VPC has no route to the transit gateway',
    probe: 'near to far',
    breaks: (w) => noRoute(w, w.near.table),
    object: (w) => w.near.table,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
  {
    name: 'the attachment of the near VPC is deleted',
    probe: 'near to far',
    breaks: (w) => {
      const input = { TransitGatewayAttachmentId: w.near.attachment };
      wholly(w, 'DeleteTransitGatewayVpcAttachment', input);
    },
    object: (w) => w.tgw,
    code: 'BAD_STATE_ROUTE',
  },
  {
    name: 'the firewalls may not be talked to any more by the near VPC',
    probe: 'near to far',
    breaks: (w) => instead(w, w.firewallGroup, 'tcp 443 10.3.0.0/16', 'tcp 443 10.1.0.0/16'),
    object: (w) => w.firewallGroup,
    code: 'ENI_SG_RULES_MISMATCH',
  },
  {
    name: 'a packet that is too long for the transit gateway',
    probe: 'near to far',
    sends: () => ({ bytes: 8501 }),
    object: (w) => w.tgw,
    code: 'MTU_EXCEEDED',
  },
];

const rerouteV6 = (w: Bases['branch'], to: object): void =>
  w.act('ReplaceRoute', { RouteTableId: w.rtb, DestinationIpv6CidrBlock: '::/0', ...to });

export const branch: Faults['branch'] = [
  {
    name: 'the VPN gateway is detached',
    probe: 'the site to host',
    breaks: (w) => wholly(w, 'DetachVpnGateway', { VpnGatewayId: w.vgw, VpcId: w.id }),
    object: (w) => w.vpn,
    code: 'BAD_STATE_VPN',
  },
  {
    name: 'the routes of the VPN are not propagated',
    probe: 'host to the site',
    breaks: (w) => w.act('DisableVgwRoutePropagation', { RouteTableId: w.rtb, GatewayId: w.vgw }),
    object: (w) => w.rtb,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
  {
    name: 'a static route beats what the VPN propagates',
    probe: 'host to the site',
    breaks: (w) => w.route(w.rtb, '192.168.0.0/16', { NetworkInterfaceId: w.box.eni }),
    object: (w) => w.rtb,
    code: 'HIGHER_PRIORITY_ROUTE',
  },
  {
    name: 'the box does not masquerade, and its VPN gateway takes no foreign sources',
    probe: 'behind the box',
    breaks: (w) => acts(w, w.box.instance, 'router'),
    object: (w) => w.box.eni,
    code: 'VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS',
  },
  {
    name: 'the host is gone, and the site still sends to it',
    probe: 'the site to host',
    breaks: (w) => end(w, w.machine.instance),
    object: (w) => w.vgw,
    code: 'VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS',
  },
  {
    name: 'the IPv6 address has been taken from the ENI, and the guest still uses it',
    probe: 'host to the Internet',
    breaks: (w) =>
      w.act('UnassignIpv6Addresses', { NetworkInterfaceId: w.machine.eni, Ipv6Addresses: [w.v6] }),
    object: (w) => w.machine.eni,
    code: 'GATEWAY_REJECTS_SPOOFED_TRAFFIC',
  },
  {
    name: 'the Internet gateway is detached',
    probe: 'host to the Internet',
    breaks: (w) => w.act('DetachInternetGateway', { InternetGatewayId: w.igw, VpcId: w.id }),
    object: (w) => w.igw,
    code: 'BAD_STATE_ROUTE',
  },
  {
    name: 'the group of the host lets in another site',
    probe: 'the site to host',
    breaks: (w) => instead(w, w.hostGroup, 'tcp 22 192.0.2.0/24', 'tcp 22 192.168.0.0/16'),
    object: (w) => w.hostGroup,
    code: 'ENI_SG_RULES_MISMATCH',
  },
  {
    name: 'a packet that is too long for the VPN',
    probe: 'host to the site',
    sends: () => ({ bytes: 1501 }),
    object: (w) => w.vgw,
    code: 'MTU_EXCEEDED',
  },
  {
    name: 'nobody at the site has the address',
    probe: 'host to the site',
    sends: () => ({ to: '192.168.7.11' }),
    object: () => '192.168.7.11',
    code: 'SITE_NO_HOST',
  },
  {
    name: 'IPv6 is routed to the VPN gateway',
    probe: 'host to the Internet',
    breaks: (w) => rerouteV6(w, { GatewayId: w.vgw }),
    object: (w) => w.rtb,
    code: 'VGW_IPV4_ONLY',
  },
  {
    name: 'the subnet sends IPv6 out by an egress-only Internet gateway',
    probe: 'the Internet to host',
    breaks: (w) => rerouteV6(w, { EgressOnlyInternetGatewayId: w.eigw }),
    object: (w) => w.eigw,
    code: 'EIGW_NO_FLOW',
  },
];
