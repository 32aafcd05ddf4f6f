/** NAT gateways and egress-only Internet gateways in forwarding. */
import { describe, expect, it } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { CODE } from '../../sim/vpc/dispositions.ts';
import { createHeader, fill } from '../../sim/vpc/header.ts';
import { natOut } from '../../sim/vpc/nat-gateway.ts';
import {
  createLab,
  eni,
  host,
  type Lab,
  machine,
  put,
  roundTrip,
  route,
  SERVER,
  SERVER6,
  subnet,
  table,
  udp,
} from './lab.ts';

/** A workload in private subnet 2, a NAT gateway with a public address in public subnet 1. */
function scene() {
  const lab = createLab();
  subnet(lab, 1);
  subnet(lab, 2);
  table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'igw-1')] });
  table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'nat-1')] });
  eni(lab, 'nat', 1, 5, { publicAddress: '198.51.100.5', sourceDestCheck: false, securityGroups: [] });
  nat(lab, true);
  const w = machine(lab, 'w', 2, 20);
  return { lab, w };
}

const nat = (lab: Lab, available: boolean): void =>
  put(lab, 'nat-gateway', { id: 'nat-1', eni: 'eni-nat', address: '10.0.1.5', available });

describe('a NAT gateway', () => {
  it('F1: lets private machines out by its public address, and their answers back in', () => {
    const { lab, w } = scene();
    const { there, back } = roundTrip(lab, w, SERVER, { sourcePort: 500 });
    expect(there.packet.source).toBe('198.51.100.5');
    expect(there.packet.sourcePort).toBeGreaterThanOrEqual(1024);
    expect(there.hops.map((hop) => hop.id)).toEqual([
      'i-w',
      'eni-w',
      'rtb-2',
      'nat-1',
      'rtb-1',
      'igw-1',
      SERVER,
    ]);
    expect(back).toMatchObject({ deliveredTo: 'i-w', packet: { destination: '10.0.2.20' } });
    expect(back?.packet.destinationPort).toBe(500);
    const ping = { protocol: 'icmp', icmp: { type: 8, code: 0, id: 7 } } as const;
    expect(roundTrip(lab, w, SERVER, ping).back?.deliveredTo).toBe('i-w');
  });

  it('takes nothing from outside that answers no flow, and forgets flows that were idle for 350 s', () => {
    const { lab, w } = scene();
    expect(udp(lab, SERVER, '198.51.100.5').disposition).toBe('NGW_NO_FLOW');
    const { packet } = udp(lab, w, SERVER);
    const answer = { sourcePort: 7, destinationPort: present(packet.sourcePort, 'port') };
    lab.now += 349_000;
    expect(udp(lab, SERVER, '198.51.100.5', answer).deliveredTo).toBe('i-w');
    lab.now += 351_000;
    expect(udp(lab, SERVER, '198.51.100.5', answer).disposition).toBe('NGW_NO_FLOW');
  });

  it('drops other protocols, and sources that are not of its VPC', () => {
    const { lab, w } = scene();
    expect(udp(lab, w, SERVER, { protocol: 47 }).disposition).toBe('NGW_PROTOCOL');
    eni(lab, 'w', 2, 20, { attachment: { instance: 'i-w', deviceIndex: 0 }, sourceDestCheck: false });
    const spoofed = udp(lab, w, SERVER, { source: '192.0.2.9' });
    expect(spoofed.disposition).toBe('NGW_REQUIRES_SOURCE_IN_VPC');
  });

  it('is a blackhole until it is available; two that lead to each other end by TTL', () => {
    const { lab, w } = scene();
    nat(lab, false);
    expect(udp(lab, w, SERVER).disposition).toBe('BAD_STATE_ROUTE');
    nat(lab, true);
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'nat-1')] });
    expect(udp(lab, w, SERVER).disposition).toBe('TTL');
  });

  it('meets the network ACL of its own subnet, with the private address of its client', () => {
    const { lab, w } = scene();
    const every = { egress: true, protocol: -1, fromPort: -1, toPort: -1, action: 'allow' } as const;
    const entries = [
      { ...every, number: 1, cidr: '0.0.0.0/0' },
      { ...every, number: 1, egress: false, cidr: '10.0.2.20/32' },
    ];
    put(lab, 'network-acl', { id: 'acl-1', vpc: 'vpc-1', entries, subnets: ['subnet-1'] });
    const { there, back } = roundTrip(lab, w, SERVER);
    expect([there.disposition, back?.disposition]).toEqual(['DELIVERED', 'SUBNET_ACL_RESTRICTION']);
  });

  it('has 55,000 flows to one destination, and more to another', () => {
    const { lab } = scene();
    const { fabric } = lab.network;
    const node = present(fabric.nats.get('nat-1'), 'nat-1');
    const from = {
      vpc: present(fabric.vpcs.get('vpc-1'), 'vpc-1'),
      subnet: present(fabric.subnets.get('subnet-2'), 'subnet-2'),
    };
    const ports = new Set<number>();
    const open = (n: number, destination: string): number => {
      const source = `10.0.${2 + Math.floor(n / 60_000)}.20`;
      const packet = {
        protocol: 'udp',
        source,
        destination,
        sourcePort: n % 60_000,
        destinationPort: 53,
      } as const;
      const h = must(fill(createHeader(), packet));
      const code = natOut(fabric, node, from, h);
      if (code === 0) ports.add(h.sourcePort);
      return code;
    };
    for (let n = 0; n < 55_000; n++) if (open(n, SERVER) !== 0) throw new Error(`flow ${n} was refused`);
    expect(ports.size).toBe(55_000);
    expect(Math.min(...[...ports].slice(0, 1), ...[...ports].slice(-1))).toBeGreaterThanOrEqual(1024);
    expect(open(55_000, SERVER)).toBe(CODE.NGW_PORTS_EXHAUSTED);
    expect(open(55_000, '203.0.113.11')).toBe(0);
  });
});

describe('an egress-only Internet gateway', () => {
  it('lets IPv6 out and its answers in, and nobody begin from outside, beside an Internet gateway', () => {
    const { lab, w } = scene();
    put(lab, 'egress-only-gateway', { id: 'eigw-1', vpc: 'vpc-1' });
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('::/0', 'eigw-1')] });
    const other = '2001:db8:eeee::1';
    host(lab, other);
    expect(roundTrip(lab, w, SERVER6).back?.deliveredTo).toBe('i-w');
    expect(udp(lab, other, '2001:db8:0:2::20').disposition).toBe('EIGW_NO_FLOW');
    expect(udp(lab, SERVER6, '2001:db8:0:2::20', { sourcePort: 7, destinationPort: 9 }).disposition).toBe(
      'EIGW_NO_FLOW',
    );
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('::/0', 'igw-1')] });
    expect(udp(lab, other, '2001:db8:0:2::20').deliveredTo).toBe('i-w');
  });

  it('is a blackhole in another VPC, and needs no Internet gateway', () => {
    const { lab, w } = scene();
    put(lab, 'internet-gateway', { id: 'igw-1' });
    put(lab, 'egress-only-gateway', { id: 'eigw-1', vpc: 'vpc-1' });
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('::/0', 'eigw-1')] });
    expect(roundTrip(lab, w, SERVER6).back?.deliveredTo).toBe('i-w');
    put(lab, 'egress-only-gateway', { id: 'eigw-1', vpc: 'vpc-2' });
    expect(udp(lab, w, SERVER6).disposition).toBe('BAD_STATE_ROUTE');
  });
});
