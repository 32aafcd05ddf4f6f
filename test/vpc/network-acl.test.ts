/** Network ACLs in forwarding: stateless, at the border of a subnet, by order of numbers. */
import { describe, expect, it } from 'vitest';
import type { NetworkAclRule } from '../../sim/vpc/model.ts';
import type { VpcSettings } from '../../sim/vpc/settings.ts';
import {
  createLab,
  drop,
  type Lab,
  machine,
  put,
  roundTrip,
  route,
  SERVER,
  subnet,
  table,
  udp,
} from './lab.ts';

/** Two machines in subnet 1, one in subnet 2, and a way to the Internet for all. */
function scene(settings: Partial<VpcSettings> = {}) {
  const lab = createLab(settings);
  subnet(lab, 1);
  subnet(lab, 2);
  table(lab, 'rtb-main', { main: true, routes: [route('0.0.0.0/0', 'igw-1')] });
  const a = machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1' });
  const b = machine(lab, 'b', 1, 11);
  const c = machine(lab, 'c', 2, 12);
  return { lab, a, b, c };
}

const entry = (number: number, more: Partial<NetworkAclRule> = {}): NetworkAclRule => ({
  number,
  egress: false,
  protocol: -1,
  action: 'allow',
  cidr: '0.0.0.0/0',
  fromPort: -1,
  toPort: -1,
  ...more,
});

const guard = (lab: Lab, n: number, entries: readonly NetworkAclRule[]): void =>
  put(lab, 'network-acl', { id: 'acl-1', vpc: 'vpc-1', entries, subnets: [`subnet-${n}`] });

const UDP = 17;

describe('network ACLs', () => {
  it('deny what no entry allows, and say which ACL and which way', () => {
    const { lab, a, c } = scene();
    guard(lab, 2, []);
    const into = udp(lab, a, '10.0.2.12');
    expect(into.disposition).toBe('SUBNET_ACL_RESTRICTION');
    const hop = { place: 'network-acl', id: 'acl-1', text: 'no inbound entry matches: dropped' };
    expect(into.hops.at(-1)).toMatchObject(hop);
    expect(udp(lab, c, '10.0.1.10').hops.at(-1)?.text).toBe('no outbound entry matches: dropped');
  });

  it('A3: keep no state: an answer needs an entry of its own', () => {
    const { lab, a } = scene();
    const inbound = entry(100, { protocol: UDP, fromPort: 7, toPort: 7 });
    guard(lab, 2, [inbound]);
    const { there, back } = roundTrip(lab, a, '10.0.2.12');
    expect([there.disposition, back?.disposition]).toEqual(['DELIVERED', 'SUBNET_ACL_RESTRICTION']);
    guard(lab, 2, [inbound, entry(100, { egress: true, protocol: UDP, fromPort: 1024, toPort: 65535 })]);
    expect(roundTrip(lab, a, '10.0.2.12').back?.disposition).toBe('DELIVERED');
  });

  it('the lowest number that matches decides, whatever the order of the record', () => {
    const { lab, a } = scene();
    const deny = { action: 'deny', cidr: '10.0.1.10/32' } as const;
    guard(lab, 2, [entry(200), entry(100, deny)]);
    expect(udp(lab, a, '10.0.2.12').hops.at(-1)?.text).toBe('inbound entry 100 denies it: dropped');
    guard(lab, 2, [entry(200, deny), entry(100)]);
    expect(udp(lab, a, '10.0.2.12').disposition).toBe('DELIVERED');
  });

  it('cut a tracked flow at once, both ways, where security groups would let it live', () => {
    const { lab, a } = scene();
    expect(roundTrip(lab, a, '10.0.2.12').back?.disposition).toBe('DELIVERED');
    guard(lab, 1, [entry(100, { egress: true })]);
    const { there, back } = roundTrip(lab, a, '10.0.2.12');
    expect([there.disposition, back?.disposition]).toEqual(['DELIVERED', 'SUBNET_ACL_RESTRICTION']);
  });

  it('tell ICMP by type and code, TCP and UDP by destination port, IPv6 apart from IPv4', () => {
    const { lab, a } = scene();
    guard(lab, 2, [
      entry(100, { protocol: 1, fromPort: 8, toPort: -1 }),
      entry(110, { protocol: 6, fromPort: 80, toPort: 443 }),
      entry(120, { protocol: 58, cidr: '::/0', fromPort: 128, toPort: 0 }),
    ]);
    const got = (destination: string, more: Parameters<typeof udp>[3]): string =>
      udp(lab, a, destination, more).disposition;
    const icmp = (type: number, code: number) => ({ protocol: 'icmp', icmp: { type, code, id: 1 } }) as const;
    const denied = 'SUBNET_ACL_RESTRICTION';
    expect(got('10.0.2.12', icmp(8, 0))).toBe('DELIVERED');
    expect(got('10.0.2.12', icmp(13, 0))).toBe(denied);
    expect(got('10.0.2.12', { protocol: 'tcp', destinationPort: 443 })).toBe('DELIVERED');
    expect(got('10.0.2.12', { protocol: 'tcp', destinationPort: 444 })).toBe(denied);
    expect(got('10.0.2.12', { protocol: 'udp', destinationPort: 80 })).toBe(denied);
    expect(got('2001:db8:0:2::12', icmp(128, 0))).toBe('DELIVERED');
    expect(got('2001:db8:0:2::12', icmp(128, 1))).toBe(denied);
    expect(got('2001:db8:0:2::12', { protocol: 'tcp', destinationPort: 443 })).toBe(denied);
  });

  it('guard the border to the Internet with private addresses on the inside', () => {
    const { lab, a } = scene();
    guard(lab, 1, [entry(100, { cidr: `${SERVER}/32` }), entry(100, { egress: true, cidr: `${SERVER}/32` })]);
    expect(roundTrip(lab, a, SERVER).back?.disposition).toBe('DELIVERED');
    expect(udp(lab, '203.0.113.99', '198.51.100.1').disposition).toBe('SUBNET_ACL_RESTRICTION');
    expect(udp(lab, a, '203.0.113.99').disposition).toBe('SUBNET_ACL_RESTRICTION');
  });

  it('A3: are not evaluated within a subnet, by MAC or by the router, unless the knob says so', () => {
    for (const aclAtRouterWithinSubnet of [false, true]) {
      const { lab, a } = scene({ aclAtRouterWithinSubnet });
      guard(lab, 1, []);
      expect(udp(lab, a, '10.0.1.11').disposition).toBe('DELIVERED');
      const viaRouter = udp(lab, a, '10.0.1.11', { via: '10.0.1.1' }).disposition;
      expect(viaRouter).toBe(aclAtRouterWithinSubnet ? 'SUBNET_ACL_RESTRICTION' : 'DELIVERED');
    }
  });

  it('guard only the subnets that they are associated with now', () => {
    const { lab, a, c } = scene();
    guard(lab, 2, []);
    put(lab, 'network-acl', {
      id: 'acl-2',
      vpc: 'vpc-1',
      entries: [entry(1), entry(1, { egress: true })],
      subnets: ['subnet-2'],
    });
    guard(lab, 1, [entry(1, { egress: true })]);
    expect(udp(lab, a, '10.0.2.12').disposition).toBe('DELIVERED');
    expect(udp(lab, c, '10.0.1.10').disposition).toBe('SUBNET_ACL_RESTRICTION');
    drop(lab, 'network-acl', 'acl-1');
    drop(lab, 'network-acl', 'acl-2');
    expect(udp(lab, a, '10.0.2.12').disposition).toBe('DELIVERED');
  });
});
