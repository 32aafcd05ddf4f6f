/** Packets that are too long: the MTU of each border, what answers by ICMP, and who lets the answer in. */
import { describe, expect, it } from 'vitest';
import { address } from '../../controller/base/ip.ts';
import type { Guest } from '../../sim/vpc/guest.ts';
import type { SecurityGroupRule } from '../../sim/vpc/model.ts';
import { addHost } from '../../sim/vpc/network.ts';
import { DEFAULT_SETTINGS, type VpcSettings } from '../../sim/vpc/settings.ts';
import {
  createLab,
  eni,
  everything,
  type Lab,
  machine,
  put,
  route,
  SERVER,
  SERVER6,
  subnet,
  table,
  tunnel,
  udp,
} from './lab.ts';

const SITE = '172.16.0.9';
const FAR = '10.2.1.10';

/**
 * Machine a in subnet 1 of vpc-1 with a public address, and vpc-2 in another region with machine b; a NAT
 * gateway in subnet 3; vpc-1 has routes to a site, and to vpc-2 by `far`.
 */
function scene(far: string, settings: Partial<VpcSettings> = {}): { lab: Lab; a: Guest } {
  const lab = createLab(settings);
  for (const n of [1, 2, 3]) subnet(lab, n);
  const routes = [route('10.2.0.0/16', far), route('172.16.0.0/16', 'vgw-1')];
  table(lab, 'rtb-main', { main: true, routes: [...routes, ...open('igw-1')] });
  table(lab, 'rtb-2', {
    subnets: ['subnet-2'],
    routes: [route('0.0.0.0/0', 'nat-1'), route('::/0', 'eigw-1')],
  });
  put(lab, 'vpn-gateway', { id: 'vgw-1', vpc: 'vpc-1' });
  const tunnels = [tunnel('198.51.100.201')];
  const vpn = { gateway: 'vgw-1', customerGateway: 'cgw-1', routes: ['172.16.0.0/16'], tunnels };
  put(lab, 'vpn-connection', {
    account: '123456789012',
    region: 'eu-central-1',
    id: 'vpn-1',
    ...vpn,
  });
  addHost(lab.network, address(SITE), 'cgw-1');
  eni(lab, 'nat', 3, 5, { publicAddress: '198.51.100.5', sourceDestCheck: false, securityGroups: [] });
  put(lab, 'nat-gateway', { id: 'nat-1', eni: 'eni-nat', address: '10.0.3.5', available: true });
  put(lab, 'egress-only-gateway', { id: 'eigw-1', vpc: 'vpc-1' });
  secondVpc(lab, far);
  return { lab, a: machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1' }) };
}

const open = (gateway: string) => ['0.0.0.0/0', '::/0'].map((all) => route(all, gateway));

function secondVpc(lab: Lab, back: string, region = 'us-east-1'): void {
  put(lab, 'vpc', { id: 'vpc-2', account: '1', region, cidrs: ['10.2.0.0/16'] });
  put(lab, 'subnet', { id: 'subnet-b', vpc: 'vpc-2', zone: 'eu-central-1a', cidrs: ['10.2.1.0/24'] });
  const local = [route('10.2.0.0/16', 'local')];
  table(lab, 'rtb-b', { vpc: 'vpc-2', main: true, local, routes: [route('10.0.0.0/16', back)] });
  machine(lab, 'b', 9, 9, { vpc: 'vpc-2', subnet: 'subnet-b', addresses: [FAR] });
  put(lab, 'vpc-peering-connection', {
    id: 'pcx-1',
    requesterVpc: 'vpc-1',
    accepterVpc: 'vpc-2',
    active: true,
  });
  for (const [vpc, name] of [
    ['vpc-1', 'subnet-1'],
    ['vpc-2', 'subnet-b'],
  ] as const) {
    const link = { kind: 'vpc' as const, vpc, subnets: [name] };
    const rest = { gateway: 'tgw-1', available: true, applianceMode: false, routeTable: 'tgw-rtb-1' };
    put(lab, 'transit-gateway-attachment', { id: `tgw-attach-${vpc}`, link, ...rest });
  }
  const to = (destination: string, vpc: string) => ({
    destination,
    paths: [{ attachment: `tgw-attach-${vpc}` }],
  });
  const both = [to('10.0.0.0/16', 'vpc-1'), to('10.2.0.0/16', 'vpc-2')];
  put(lab, 'transit-gateway-route-table', { id: 'tgw-rtb-1', gateway: 'tgw-1', routes: both });
}

/** Whether a packet of this length gets there, and whether its sender hears of the MTU. */
function ends(lab: Lab, from: Guest, to: string, lengthBytes: number, dontFragment = true): string {
  const { disposition, icmp } = udp(lab, from, to, { lengthBytes, dontFragment });
  const told = icmp?.deliveredTo === from.id ? `, tells ${icmp.packet.mtuBytes}` : '';
  return `${disposition}${told}`;
}

describe('MTU', () => {
  it.each([
    ['within a VPC', 'pcx-1', '10.0.2.20', 9001, 'MTU_EXCEEDED'],
    ['an Internet gateway', 'pcx-1', SERVER, 1500, 'MTU_EXCEEDED, tells 1500'],
    ['an Internet gateway, IPv6', 'pcx-1', SERVER6, 1500, 'MTU_EXCEEDED, tells 1500'],
    ['a VPN', 'pcx-1', SITE, 1500, 'MTU_EXCEEDED'],
    ['peering between regions', 'pcx-1', FAR, 8500, 'MTU_EXCEEDED, tells 8500'],
    ['a transit gateway', 'tgw-1', FAR, 8500, 'MTU_EXCEEDED, tells 8500'],
  ])('of %s (far VPC by %s): to %s up to %i bytes, above with DF %s', (_, far, to, mtuBytes, above) => {
    const { lab, a } = scene(far);
    machine(lab, 'c', 2, 20);
    expect(ends(lab, a, to, mtuBytes)).toBe('DELIVERED');
    expect(ends(lab, a, to, mtuBytes + 1)).toBe(above);
  });

  it.each([
    ['NAT', SERVER],
    ['egress-only Internet', SERVER6],
  ])('of %s gateways is 1500, told to the machine behind', (_, to) => {
    const { lab } = scene('pcx-1');
    const c = machine(lab, 'c', 2, 20);
    expect(ends(lab, c, to, 1500)).toBe('DELIVERED');
    expect(ends(lab, c, to, 1501)).toBe('MTU_EXCEEDED, tells 1500');
  });

  it('of peering within a region is that of the ENIs', () => {
    const { lab, a } = scene('pcx-1');
    secondVpc(lab, 'pcx-1', 'eu-central-1');
    expect(ends(lab, a, FAR, 9001)).toBe('DELIVERED');
  });

  it('lets IPv4 without DF pass in fragments, but for a transit gateway, and IPv6 never', () => {
    expect(ends(scene('pcx-1').lab, scene('pcx-1').a, SERVER, 9000, false)).toBe('DELIVERED');
    const { lab, a } = scene('tgw-1');
    expect(ends(lab, a, FAR, 9000, false)).toBe('MTU_EXCEEDED');
    expect(ends(lab, a, SITE, 9000, false)).toBe('DELIVERED');
    expect(ends(lab, a, SERVER6, 9000, false)).toBe('MTU_EXCEEDED, tells 1500');
  });

  it('takes nothing longer from outside, and answers nobody there', () => {
    const { lab } = scene('pcx-1');
    expect(udp(lab, SERVER, '198.51.100.1', { lengthBytes: 1500 }).deliveredTo).toBe('i-a');
    const { disposition, icmp } = udp(lab, SERVER, '198.51.100.1', { lengthBytes: 1501 });
    expect([disposition, icmp]).toEqual(['MTU_EXCEEDED', undefined]);
  });

  it('is told by the router of the sender with what was sent, and never about ICMP errors', () => {
    const { lab, a } = scene('pcx-1');
    const { icmp } = udp(lab, a, SERVER, { lengthBytes: 2000 });
    expect(icmp?.packet).toMatchObject({
      source: '10.0.1.1',
      destination: '10.0.1.10',
      icmp: { type: 3, code: 4 },
      lengthBytes: 576,
      quoted: { source: '10.0.1.10', destination: SERVER, destinationPort: 7 },
    });
    expect(udp(lab, a, SERVER6, { lengthBytes: 2000 }).icmp?.packet.icmp).toMatchObject({ type: 2, code: 0 });
    const error = { protocol: 'icmp', icmp: { type: 3, code: 1, id: 0 }, lengthBytes: 2000 } as const;
    const about = {
      ...error,
      quoted: { destination: '10.0.1.10', source: SERVER, protocol: 'udp' },
    } as const;
    expect(udp(lab, a, SERVER, about)).toMatchObject({ disposition: 'MTU_EXCEEDED' });
    expect(udp(lab, a, SERVER, about).icmp).toBeUndefined();
  });

  it('is a setting of each border', () => {
    const mtu = { ...DEFAULT_SETTINGS.mtu, vpn: { mtuBytes: 1400, answers: true, fragments: false } };
    const { lab, a } = scene('pcx-1', { mtu });
    expect(ends(lab, a, SITE, 1401)).toBe('MTU_EXCEEDED, tells 1400');
    expect(ends(lab, a, SITE, 1401, false)).toBe('MTU_EXCEEDED');
  });
});

describe('the ICMP error', () => {
  const ping: SecurityGroupRule = {
    protocol: 1,
    fromPort: 3,
    toPort: 4,
    peer: { kind: 'cidr', cidr: '10.0.0.0/16' },
  };
  const behind = (ingress: readonly SecurityGroupRule[], settings: Partial<VpcSettings> = {}) => {
    const { lab } = scene('pcx-1', settings);
    const rule = { ...ping, protocol: 17, fromPort: 0, toPort: 65_535 };
    const egress = [{ ...rule, peer: { kind: 'cidr', cidr: '203.0.113.0/24' } as const }];
    put(lab, 'security-group', { id: 'sg-a', vpc: 'vpc-1', ingress, egress });
    const a = machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1', securityGroups: ['sg-a'] });
    return udp(lab, a, SERVER, { lengthBytes: 1501 }).icmp?.disposition;
  };

  it('needs an inbound rule, though it is about a tracked flow', () => {
    expect(behind([])).toBe('SG_HAS_NO_RULES');
    expect(behind([{ ...ping, fromPort: 8, toPort: -1 }])).toBe('ENI_SG_RULES_MISMATCH');
    expect(behind([ping])).toBe('DELIVERED');
  });

  it('needs none with icmpErrorsAreRelated, where it is about a tracked flow', () => {
    expect(behind([], { icmpErrorsAreRelated: true })).toBe('DELIVERED');
    const { lab, a } = scene('pcx-1', { icmpErrorsAreRelated: true });
    put(lab, 'security-group', { id: 'sg-c', vpc: 'vpc-1', ingress: [], egress: everything() });
    machine(lab, 'c', 1, 11, { securityGroups: ['sg-c'] });
    const about = { destination: SERVER, source: '10.0.1.11', protocol: 'udp', sourcePort: 9 } as const;
    const forged = { protocol: 'icmp', icmp: { type: 3, code: 4, id: 0 }, quoted: about } as const;
    expect(udp(lab, a, '10.0.1.11', forged).disposition).toBe('SG_HAS_NO_RULES');
  });

  it('meets the network ACL of the subnet that it enters', () => {
    const { lab, a } = scene('pcx-1');
    // The appliance forwards for a, and stands in subnet 2: the router there answers.
    const profile = { ipForward: true, masquerade: [] };
    machine(lab, 'fw', 2, 30, { sourceDestCheck: false, profile });
    const entry = { protocol: -1, fromPort: -1, toPort: -1, cidr: '0.0.0.0/0', action: 'allow' } as const;
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'eni-fw')] });
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: open('igw-1') });
    expect(ends(lab, a, SERVER, 1501)).toBe('MTU_EXCEEDED, tells 1500');
    const entries = [{ ...entry, number: 1, egress: true }];
    put(lab, 'network-acl', { id: 'acl-1', vpc: 'vpc-1', subnets: ['subnet-1'], entries });
    expect(udp(lab, a, SERVER, { lengthBytes: 1501 }).icmp?.disposition).toBe('SUBNET_ACL_RESTRICTION');
  });

  it('finds the machine behind a masquerading appliance, about the packet as it was sent', () => {
    const { lab, a } = scene('pcx-1');
    const profile = { ipForward: true, masquerade: [0] };
    machine(lab, 'fw', 2, 30, { sourceDestCheck: false, profile, publicAddress: '198.51.100.9' });
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'eni-fw')] });
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: open('igw-1') });
    const { icmp } = udp(lab, a, SERVER, { lengthBytes: 1501, sourcePort: 80 });
    expect(icmp?.deliveredTo).toBe('i-a');
    expect(icmp?.packet.quoted).toMatchObject({ source: '10.0.1.10', sourcePort: 80, destination: SERVER });
  });
});
