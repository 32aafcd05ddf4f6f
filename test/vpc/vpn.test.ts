/** VPN gateways in the fabric: ENIs of a VPC and hosts of the sites behind customer gateways. */
import { describe, expect, it } from 'vitest';
import { address } from '../../controller/base/ip.ts';
import { forward } from '../../sim/vpc/forward.ts';
import type { VpnConnection } from '../../sim/vpc/hybrid-model.ts';
import { addHost } from '../../sim/vpc/network.ts';
import {
  APPLIANCE,
  createLab,
  eni,
  type Lab,
  machine,
  put,
  route,
  subnet,
  table,
  tunnel,
  udp,
} from './lab.ts';

const connect = (lab: Lab, more: Partial<VpnConnection> = {}): void =>
  put(lab, 'vpn-connection', {
    id: 'vpn-1',
    account: '123456789012',
    region: 'eu-central-1',
    gateway: 'vgw-1',
    customerGateway: 'cgw-1',
    routes: ['172.16.0.0/16'],
    tunnels: [tunnel('198.51.100.201'), tunnel('198.51.100.202')],
    ...more,
  });

/** vpc-1 with machine a, attached to vgw-1, with a connection to the site of cgw-1 and its host. */
function site() {
  const lab = createLab();
  subnet(lab, 1);
  table(lab, 'rtb-main', { main: true, routes: [route('172.16.0.0/12', 'vgw-1'), route('::/0', 'vgw-1')] });
  const a = machine(lab, 'a', 1, 10);
  put(lab, 'vpn-gateway', { id: 'vgw-1', vpc: 'vpc-1' });
  connect(lab);
  const server = addHost(lab.network, address('172.16.0.9'), 'cgw-1');
  const back = (destination: string, from = server) =>
    forward(
      lab.network,
      { protocol: 'udp', destination, sourcePort: 7, destinationPort: 4000 },
      from,
      lab.now,
    );
  return { lab, a, server, back };
}

describe('VPN gateways (F1)', () => {
  it('carry packets between ENIs of the VPC and hosts of the site, untouched', () => {
    const { lab, a, back } = site();
    const there = udp(lab, a, '172.16.0.9');
    expect([there.disposition, there.deliveredTo]).toEqual(['DELIVERED', '172.16.0.9']);
    expect(there.packet.source).toBe('10.0.1.10');
    expect(there.hops.map((hop) => hop.place)).toEqual(['guest', 'eni', 'router', 'vpn-gateway', 'internet']);
    expect(back('10.0.1.10').deliveredTo).toBe('i-a');
  });

  it('tell sites with the same addresses apart, and from the Internet', () => {
    const { lab, a } = site();
    connect(lab, { id: 'vpn-2', customerGateway: 'cgw-2', routes: ['172.17.0.0/16'] });
    expect(udp(lab, a, '172.17.0.9').disposition).toBe('SITE_NO_HOST');
    addHost(lab.network, address('172.17.0.9'), 'cgw-1');
    expect(udp(lab, a, '172.17.0.9').disposition).toBe('SITE_NO_HOST');
    addHost(lab.network, address('172.17.0.9'), 'cgw-2');
    expect(udp(lab, a, '172.17.0.9').deliveredTo).toBe('172.17.0.9');
  });

  it('BAD_STATE_VPN without a tunnel that is up, both ways; another connection takes over', () => {
    const { lab, a, back } = site();
    connect(lab, { tunnels: [tunnel('198.51.100.201', { up: false })] });
    expect(udp(lab, a, '172.16.0.9').disposition).toBe('BAD_STATE_VPN');
    expect(back('10.0.1.10').disposition).toBe('BAD_STATE_VPN');
    connect(lab, { id: 'vpn-2' });
    expect(udp(lab, a, '172.16.0.9').disposition).toBe('DELIVERED');
    expect(back('10.0.1.10').disposition).toBe('DELIVERED');
  });

  it('are a blackhole for a VPC to which they are not attached, and lead only where a route says', () => {
    const { lab, a, back } = site();
    expect(udp(lab, a, '172.18.0.1').disposition).toBe('NO_ROUTE_TO_DESTINATION');
    put(lab, 'vpn-gateway', { id: 'vgw-1' });
    expect(udp(lab, a, '172.16.0.9').disposition).toBe('BAD_STATE_ROUTE');
    expect(back('10.0.1.10').disposition).toBe('BAD_STATE_VPN');
  });

  it('VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS: only sources that are private addresses of ENIs', () => {
    const { lab } = site();
    const box = machine(lab, 'box', 1, 20, { sourceDestCheck: false, profile: APPLIANCE });
    const trace = udp(lab, box, '172.16.0.9', { source: '192.0.2.1' });
    expect(trace.disposition).toBe('VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS');
    expect(trace.hops.at(-1)).toMatchObject({ id: 'vgw-1', text: expect.stringContaining('192.0.2.1') });
  });

  it('VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS: only destinations that are private addresses of ENIs', () => {
    const { back } = site();
    expect(back('10.0.1.99').disposition).toBe('VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS');
    expect(back('203.0.113.10').disposition).toBe('VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS');
  });

  it('carry no IPv6', () => {
    const { lab, a } = site();
    expect(udp(lab, a, '2001:db8:aaaa::1').disposition).toBe('VGW_IPV4_ONLY');
  });

  it('have edge tables (F12), whose appliance needs no public address', () => {
    const { lab, back } = site();
    subnet(lab, 2);
    const options = { sourceDestCheck: false, profile: APPLIANCE };
    machine(lab, 'fw', 2, 10, options);
    const edge = [route('10.0.1.0/24', 'eni-fw')];
    table(lab, 'rtb-edge', { gateways: ['vgw-1'], routes: edge });
    const trace = back('10.0.1.10');
    expect(trace.deliveredTo).toBe('i-a');
    expect(trace.hops.map((hop) => hop.id)).toContain('eni-fw');
    eni(lab, 'fw', 2, 10, { sourceDestCheck: false });
    expect(back('10.0.1.10').disposition).toBe('BAD_STATE_ROUTE');
  });
});
