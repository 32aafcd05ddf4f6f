/** Faults where packets travel inside of others, or are copied. Not a test itself. */
import { present } from '../../controller/base/result.ts';
import { applyChange } from '../../sim/world/guests.ts';
import { acts, control, type Faults, instead, noRoute, wholly } from './breaks.ts';

export const chain: Faults['chain'] = [
  {
    name: 'no target is registered',
    probe: 'client to the Internet',
    breaks: (w) => {
      w.tell('DeregisterTargets');
      w.settle();
    },
    object: (w) => w.lb,
    code: 'GWLB_NO_TARGET',
  },
  {
    name: 'the load balancer has no node in the zone of its endpoint',
    probe: 'client to the Internet',
    breaks: ({ world, lb }) => {
      const value = { ...present(world.records['load-balancer'].get(lb), lb), enis: [] };
      applyChange(world, { kind: 'load-balancer', id: lb, value });
    },
    object: (w) => w.lb,
    code: 'VPCE_SERVICE_NOT_INSTALLED_IN_AZ',
  },
  {
    name: 'the appliance knows no GENEVE',
    probe: 'client to the Internet',
    breaks: (w) => acts(w, w.box.instance, 'router'),
    object: (w) => w.box.instance,
    code: 'GUEST_NO_GENEVE',
  },
  {
    name: 'the group of the appliance lets GENEVE in on another port',
    probe: 'client to the Internet',
    breaks: (w) => instead(w, w.fleetGroup, 'udp 6082 10.40.2.0/24', 'udp 6081 10.40.2.0/24'),
    object: (w) => w.fleetGroup,
    code: 'ENI_SG_RULES_MISMATCH',
  },
  {
    name: 'the appliance is dead, and its flows stay with it',
    probe: 'client to the Internet',
    breaks: (w) => control(w, w.box.instance, 'kill'),
    object: (w) => w.box.instance,
    code: 'GUEST_DOWN',
  },
  {
    name: 'the table of the subnet with the endpoint leads nowhere',
    probe: 'client to the Internet',
    breaks: (w) => noRoute(w, w.doorTable),
    object: (w) => w.doorTable,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
];

export const overlay: Faults['overlay'] = [
  {
    name: 'the Connect peers are gone that told the route of the Connect attachment',
    probe: 'spoke to the Internet',
    breaks: ({ world }) => {
      for (const id of [...world.records['transit-gateway-connect-peer'].keys()]) {
        applyChange(world, { kind: 'transit-gateway-connect-peer', id, value: undefined });
      }
    },
    object: (w) => w.connect,
    code: 'TGW_CONNECT_NO_PEER',
  },
  {
    name: 'the images of the appliances have no tunnels',
    probe: 'spoke to the Internet',
    breaks: (w) => {
      for (const each of w.boxes) acts(w, each, 'nat');
    },
    object: (w) => w.used,
    code: 'GUEST_NO_TUNNEL',
  },
  {
    name: 'the block of the transit gateway is routed to the Internet',
    probe: 'appliance to spoke',
    breaks: (w) => noRoute(w, w.outer, w.block),
    object: (w) => w.outer,
    code: 'GRE_NO_GATEWAY',
  },
];

export const edge: Faults['edge'] = [
  {
    name: 'the image of the appliance has no tunnels',
    probe: 'spoke to the Internet',
    breaks: (w) => acts(w, w.box.instance, 'nat'),
    object: (w) => w.box.instance,
    code: 'GUEST_NO_TUNNEL',
  },
  {
    name: 'the customer gateway has another address than the appliance',
    probe: 'appliance to spoke',
    breaks: ({ world, cgw: id }) => {
      applyChange(world, { kind: 'customer-gateway', id, value: { id, address: '203.0.113.99' } });
    },
    object: (w) => w.box.eni,
    code: 'VPN_NO_TUNNEL',
  },
  {
    name: 'the table of the appliance has no way to the Internet',
    probe: 'appliance to spoke',
    breaks: (w) => noRoute(w, w.outer),
    object: (w) => w.outer,
    code: 'NO_ROUTE_TO_DESTINATION',
  },
];

export const stage: Faults['stage'] = [
  {
    name: 'nobody is a member of the group any more',
    probe: 'sender to the group',
    breaks: (w) => w.register('Deregister', 'Members'),
    object: (w) => w.domain,
    code: 'TGW_MULTICAST_NO_MEMBER',
  },
  {
    name: 'the sender is no source of the group any more',
    probe: 'sender to the group',
    breaks: (w) => w.register('Deregister', 'Sources'),
    object: (w) => w.domain,
    code: 'TGW_MULTICAST_NO_SOURCE',
  },
  {
    name: 'the subnet belongs to no multicast domain any more',
    probe: 'sender to the group',
    breaks: (w) => wholly(w, 'DisassociateTransitGatewayMulticastDomain', w.joined),
    object: (w) => w.sender.instance,
    code: 'L2_BUM',
  },
  {
    name: 'the members let in another port',
    probe: 'sender to the group',
    breaks: (w) => instead(w, w.memberGroup, 'udp 5001 10.50.0.0/16', 'udp 5000 10.50.0.0/16'),
    object: (w) => w.memberGroup,
    code: 'ENI_SG_RULES_MISMATCH',
  },
];
