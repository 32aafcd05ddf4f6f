/** Faults within a VPC and at its Internet gateway. Not a test itself. */
import { must, present } from '../../controller/base/result.ts';
import { createHeader, fill } from '../../sim/vpc/header.ts';
import { natOut } from '../../sim/vpc/nat-gateway.ts';
import { applyChange } from '../../sim/world/guests.ts';
import { addCut } from '../../sim/world/links.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import type { Bases } from './bases.ts';
import {
  acts,
  checked,
  control,
  deny,
  EVERYWHERE,
  end,
  type Faults,
  instead,
  noRoute,
  reroute,
  revoke,
  stop,
  wholly,
} from './breaks.ts';
import { HOST } from './maker.ts';

/** As many flows to the host as a NAT gateway has ports for. */
function exhaust({ world, app, nat }: Bases['office']): void {
  const { fabric } = world.network;
  const { vpc, subnet } = present(fabric.ports.get(app.eni), app.eni);
  const node = present(fabric.nats.get(nat), nat);
  for (let n = 0; n < 55_000; n++) {
    const packet = { source: '10.0.1.20', destination: HOST, sourcePort: n, destinationPort: 443 };
    const h = must(fill(createHeader(), { protocol: 'tcp', ...packet }));
    natOut(fabric, node, { vpc, subnet }, Object.assign(h, { now: world.now }));
  }
}

export const office: Faults['office'] = [
  {
    name: 'the port is not the one that the group of app lets in',
    probe: 'web to app',
    breaks: (w) => instead(w, w.appGroup, `tcp 8081 ${w.webGroup}`, `tcp 8080 ${w.webGroup}`),
    object: (w) => w.appGroup,
    code: 'ENI_SG_RULES_MISMATCH',
  },
  {
    name: 'the group of app lets in nothing',
    probe: 'web to app',
    breaks: (w) => revoke(w, w.appGroup, `tcp 8080 ${w.webGroup}`),
    object: (w) => w.appGroup,
    code: 'SG_HAS_NO_RULES',
  },
  {
    name: 'the group of web lets out nothing',
    probe: 'web to the Internet',
    breaks: (w) => revoke(w, w.webGroup, `-1 - ${EVERYWHERE}`, 'Egress'),
    object: (w) => w.webGroup,
    code: 'SG_HAS_NO_RULES',
  },
  {
    name: 'web is in another group than the one that app knows',
    probe: 'web to app',
    breaks: (w) => {
      const Groups = [w.group(w.id)];
      w.act('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId: w.web.eni, Groups });
    },
    object: (w) => w.appGroup,
    code: 'ENI_SG_RULES_MISMATCH',
  },
  {
    name: 'an entry of the network ACL denies the port inwards',
    probe: 'web to app',
    breaks: (w) => deny(w, w.acl, { Protocol: '6', PortRange: { From: 8080, To: 8080 }, Egress: false }),
    object: (w) => w.acl,
    code: 'SUBNET_ACL_RESTRICTION',
  },
  {
    name: 'an entry of the network ACL denies the ephemeral ports of answers',
    probe: 'web to app',
    breaks: (w) => deny(w, w.acl, { Protocol: '6', PortRange: { From: 1024, To: 65_535 }, Egress: true }),
    object: (w) => w.acl,
    code: 'SUBNET_ACL_RESTRICTION',
  },
  {
    name: 'the network ACL lets nothing out',
    probe: 'app to the Internet',
    breaks: (w) => w.act('DeleteNetworkAclEntry', { NetworkAclId: w.acl, RuleNumber: 100, Egress: true }),
    object: (w) => w.acl,
    code: 'SUBNET_ACL_RESTRICTION',
  },
  {
    name: 'the private table has lost its default route',
    probe: 'app to the Internet',
    breaks: (w) => noRoute(w, w.privateTable),
    object: (w) => w.privateTable,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
  {
    name: 'the public table has lost its default route, so that answers find no way',
    probe: 'the Internet to web',
    breaks: (w) => noRoute(w, w.publicTable),
    object: (w) => w.publicTable,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
  {
    name: 'the NAT gateway is deleted, its route is not',
    probe: 'app to the Internet',
    breaks: (w) => wholly(w, 'DeleteNatGateway', { NatGatewayId: w.nat }),
    object: (w) => w.nat,
    code: 'BAD_STATE_ROUTE',
  },
  {
    name: 'the private subnet is routed straight to the Internet gateway, without a public address',
    probe: 'app to the Internet',
    breaks: (w) => reroute(w, w.privateTable, EVERYWHERE, { GatewayId: w.igw }),
    object: (w) => w.app.eni,
    code: 'IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS',
  },
  {
    name: 'web has lost its Elastic IP address',
    probe: 'web to the Internet',
    breaks: (w) => w.act('DisassociateAddress', { PublicIp: w.eip.address }),
    object: (w) => w.web.eni,
    code: 'IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS',
  },
  {
    name: 'the Elastic IP address is associated with nothing',
    probe: 'the Internet to web',
    breaks: (w) => w.act('DisassociateAddress', { PublicIp: w.eip.address }),
    object: (w) => w.eip.address,
    code: 'IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS',
  },
  {
    name: 'app is stopped',
    probe: 'web to app',
    breaks: (w) => stop(w, w.app.instance),
    object: (w) => w.app.instance,
    code: 'BAD_STATE_ATTACHMENT',
  },
  {
    name: 'app is terminated',
    probe: 'web to app',
    breaks: (w) => end(w, w.app.instance),
    object: () => '10.0.1.10',
    code: 'NO_POSSIBLE_DESTINATION',
  },
  {
    name: 'app is dead, and EC2 does not know',
    probe: 'web to app',
    breaks: (w) => control(w, w.app.instance, 'kill'),
    object: (w) => w.app.instance,
    code: 'GUEST_DOWN',
  },
  {
    name: 'a more specific route of the private table leads elsewhere',
    probe: 'app to the Internet',
    breaks: (w) => w.route(w.privateTable, '203.0.113.0/24', { NetworkInterfaceId: w.web.eni }),
    object: (w) => w.privateTable,
    code: 'MORE_SPECIFIC_ROUTE',
  },
  {
    name: 'the box does not masquerade, and its NAT gateway takes no foreign sources',
    probe: 'behind the box',
    breaks: (w) => acts(w, w.box.instance, 'router'),
    object: (w) => w.box.eni,
    code: 'NGW_REQUIRES_SOURCE_IN_VPC',
  },
  {
    name: 'a route names the ENI of the NAT gateway in its place',
    probe: 'app to the Internet',
    breaks: (w) => reroute(w, w.privateTable, EVERYWHERE, { NetworkInterfaceId: w.natEni }),
    object: (w) => w.natEni,
    code: 'ENI_ADDRESS_RESTRICTION',
  },
  {
    name: 'a gateway endpoint takes what is no TCP for the service',
    probe: 'app to the service',
    breaks: (w) =>
      w.act('ModifyVpcEndpoint', { VpcEndpointId: w.endpoint, AddRouteTableIds: [w.privateTable] }),
    object: (w) => w.endpoint,
    code: 'VPCE_GATEWAY_PROTOCOL_RESTRICTION',
  },
  {
    name: 'what the box forwards by the gateway endpoint keeps its foreign source',
    probe: 'behind the box',
    breaks: (w) => {
      acts(w, w.box.instance, 'router');
      w.act('ModifyVpcEndpoint', { VpcEndpointId: w.endpoint, AddRouteTableIds: [w.privateTable] });
    },
    sends: (w) => ({ to: w.serviceAddress, protocol: 'tcp', port: 443 }),
    object: (w) => w.endpoint,
    code: 'VPCE_REQUIRES_SOURCE_IN_VPC',
  },
  {
    name: 'a ping for an interface endpoint',
    probe: 'app to the endpoint',
    sends: () => ({ protocol: 'icmp' }),
    object: (w) => w.door,
    code: 'VPCE_INTERFACE_PROTOCOL',
  },
  {
    name: 'the interface endpoint leads to a service that nobody plays',
    probe: 'app to the endpoint',
    breaks: ({ world, door }) => {
      const { address: _, ...value } = present(world.records['vpc-endpoint'].get(door), door);
      applyChange(world, { kind: 'vpc-endpoint', id: door, value });
    },
    object: (w) => w.door,
    code: 'VPCE_NO_SERVICE',
  },
  {
    name: 'a packet that is too long for the Internet',
    probe: 'web to the Internet',
    sends: () => ({ bytes: 1501 }),
    object: (w) => w.igw,
    code: 'MTU_EXCEEDED',
  },
  {
    name: 'a private destination that only the default route knows',
    probe: 'web to the Internet',
    sends: () => ({ to: '10.99.0.1' }),
    object: (w) => w.publicTable,
    code: 'IGW_PRIVATE_DESTINATION',
  },
  {
    name: 'a protocol that a NAT gateway does not translate',
    probe: 'app to the Internet',
    sends: () => ({ protocol: 47 }),
    object: (w) => w.privateTable,
    code: 'NGW_PROTOCOL',
  },
  {
    name: 'the NAT gateway has a flow on each of its ports to this destination',
    probe: 'app to the Internet',
    breaks: exhaust,
    object: (w) => w.nat,
    code: 'NGW_PORTS_EXHAUSTED',
  },
  {
    name: 'somebody outside begins with the NAT gateway',
    probe: 'the Internet to web',
    sends: (w) => ({ to: w.natAddress }),
    object: (w) => w.nat,
    code: 'NGW_NO_FLOW',
  },
  {
    name: 'the box masquerades a protocol without ports for somebody else already',
    probe: 'behind the box',
    breaks: ({ world, probes }) =>
      void must(tracePacket(world, { ...probes['behind the box'], source: '172.30.0.6', protocol: 47 })),
    sends: () => ({ protocol: 47 }),
    object: (w) => w.box.instance,
    code: 'GUEST_NAT_EXHAUSTED',
  },
  {
    name: 'nobody outside has the address',
    probe: 'web to the Internet',
    sends: () => ({ to: '203.0.113.11' }),
    object: () => '203.0.113.11',
    code: 'INTERNET_NO_HOST',
  },
];

export const checkpoint: Faults['checkpoint'] = [
  {
    name: 'the firewall has no public address, which edge tables ask for',
    probe: 'the Internet to server',
    breaks: (w) => w.act('DisassociateAddress', { PublicIp: w.eip.address }),
    object: (w) => w.firewall.eni,
    code: 'INGRESS_RTB_NO_PUBLIC_IP',
  },
  {
    name: 'the way out goes past the firewall',
    probe: 'server to the Internet',
    breaks: (w) => reroute(w, w.innerTable, EVERYWHERE, { GatewayId: w.igw }),
    object: (w) => w.innerTable,
    code: 'INGRESS_RTB_TRAFFIC_REDIRECTION',
  },
  {
    name: 'the source/dest check of the firewall is on',
    probe: 'the Internet to server',
    breaks: (w) => checked(w, w.firewall.eni),
    object: (w) => w.firewall.eni,
    code: 'ENI_SOURCE_DEST_CHECK_RESTRICTION',
  },
  {
    name: 'the firewall is stopped',
    probe: 'the Internet to server',
    breaks: (w) => stop(w, w.firewall.instance),
    object: (w) => w.firewall.instance,
    code: 'BAD_STATE_ATTACHMENT',
  },
  {
    name: 'the firewall is terminated, its routes are not',
    probe: 'server to the Internet',
    breaks: (w) => end(w, w.firewall.instance),
    object: (w) => w.firewall.eni,
    code: 'BAD_STATE_ROUTE',
  },
  {
    name: 'the firewall does not forward',
    probe: 'client to server',
    breaks: (w) => acts(w, w.firewall.instance, 'host'),
    object: (w) => w.firewall.instance,
    code: 'GUEST_NOT_FORWARDING',
  },
  {
    name: 'the firewall drops everything',
    probe: 'client to server',
    breaks: (w) => control(w, w.firewall.instance, 'drop'),
    object: (w) => w.firewall.instance,
    code: 'GUEST_DROPS',
  },
  {
    name: 'the firewall is frozen',
    probe: 'client to server',
    breaks: (w) => control(w, w.firewall.instance, 'freeze'),
    object: (w) => w.firewall.instance,
    code: 'GUEST_FROZEN',
  },
  {
    name: 'the server knows the client by its group, which does not pass the firewall',
    probe: 'client to server',
    breaks: (w) => instead(w, w.serverGroup, `tcp 80 ${w.peerGroup}`, `tcp 80 ${EVERYWHERE}`),
    object: (w) => w.serverGroup,
    code: 'SG_REFERENCES_NOT_PRESERVED',
  },
  {
    name: 'the firewall and the routes point at each other',
    probe: 'client to server',
    breaks: (w) => w.route(w.outerTable, '10.20.1.0/24', { NetworkInterfaceId: w.firewall.eni }),
    object: (w) => w.outerTable,
    code: 'MORE_SPECIFIC_ROUTE',
  },
  {
    name: 'the link between firewall and server is cut',
    probe: 'client to server',
    breaks: (w) => {
      const ends = { from: w.firewall.instance, to: w.server.instance };
      must(addCut(w.world, { ...ends, direction: 'both', loss: 1 }));
    },
    object: (w) => w.firewall.eni,
    code: 'LINK_CUT',
  },
];
