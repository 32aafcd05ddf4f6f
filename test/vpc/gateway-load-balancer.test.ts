/** Gateway Load Balancers in forwarding: a flow keeps to its target, both ways, whatever becomes of that. */
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { setGuest } from '../../sim/vpc/guest.ts';
import type { BalancedTarget, LoadBalancer, TargetGroup } from '../../sim/vpc/model.ts';
import {
  createLab,
  eni,
  everything,
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

const ARN = 'arn:lb';
const GROUP = 'arn:tg';
const EVERYTHING = everything();
const GENEVE = { ipForward: true, masquerade: [], geneve: true };

const target = (lab: Lab, name: string, state: BalancedTarget['state'] = 'healthy'): BalancedTarget => {
  const port = present(lab.network.fabric.ports.get(`eni-${name}`), name);
  return { id: `i-${name}`, address: present(port.addresses[0], name).text, zone: port.subnet.zone, state };
};

const group = (lab: Lab, targets: readonly BalancedTarget[], more: Partial<TargetGroup> = {}): void =>
  put(lab, 'target-group', {
    id: GROUP,
    account: '1',
    region: 'eu-central-1',
    loadBalancers: [ARN],
    targets,
    stickiness: 'ports',
    rebalanceUnhealthy: false,
    rebalanceDeregistered: false,
    health: { protocol: 'TCP', port: 80, path: '/', intervalMs: 1, timeoutMs: 1, healthy: 2, unhealthy: 2 },
    ...more,
  });

const balancer = (lab: Lab, more: Partial<LoadBalancer> = {}): void =>
  put(lab, 'load-balancer', {
    id: ARN,
    available: true,
    crossZone: false,
    enis: ['eni-node'],
    targetGroup: GROUP,
    tcpIdleMs: 350_000,
    ...more,
  });

/** An ENI of something that is no instance, in subnet `n`. */
const own = (lab: Lab, name: string, n: number, host: number, attached = false): void => {
  const attachment = { instance: `eni-${name}`, deviceIndex: 0 };
  eni(lab, name, n, host, { securityGroups: [], ...(attached && { attachment }) });
};

/**
 * A workload in subnet 1 with a public address, whose way out and in leads through the endpoint in subnet 2;
 * the load balancer's node and two appliances in subnet 3.
 */
function scene() {
  const lab = createLab();
  for (const n of [1, 2, 3]) subnet(lab, n);
  own(lab, 'door', 2, 10);
  own(lab, 'node', 3, 10, true);
  balancer(lab);
  put(lab, 'vpc-endpoint', {
    id: 'vpce-1',
    vpc: 'vpc-1',
    available: true,
    enis: ['eni-door'],
    loadBalancer: ARN,
  });
  table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'vpce-1')] });
  table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'igw-1')] });
  table(lab, 'rtb-edge', { gateways: ['igw-1'], routes: [route('10.0.1.0/24', 'vpce-1')] });
  const w = machine(lab, 'w', 1, 20, { publicAddress: '198.51.100.20' });
  const guests = ['a', 'b'].map((name, i) => machine(lab, name, 3, 20 + i, { profile: GENEVE }));
  group(lab, [target(lab, 'a'), target(lab, 'b')]);
  return { lab, w, guests };
}

const through = (trace: { readonly hops: readonly { readonly id: string }[] } | undefined): string[] => [
  ...new Set((trace?.hops ?? []).map((hop) => hop.id).filter((id) => id === 'i-a' || id === 'i-b')),
];

const used = (lab: Lab, from: Parameters<typeof udp>[1], sourcePort: number, more: object = {}): string =>
  present(through(udp(lab, from, SERVER, { sourcePort, ...more }))[0], 'an appliance');

/** A source port of each appliance. */
function portsOf(lab: Lab, w: Parameters<typeof udp>[1]): { readonly a: number; readonly b: number } {
  const ports = Array.from({ length: 40 }, (_, i) => 5000 + i);
  const of = (id: string): number =>
    present(
      ports.find((each) => used(lab, w, each) === id),
      id,
    );
  return { a: of('i-a'), b: of('i-b') };
}

describe('a Gateway Load Balancer', () => {
  it('sends a flow through one appliance and back to the subnet of the endpoint, the same both ways', () => {
    const { lab, w } = scene();
    const seen = new Set<string>();
    for (let port = 5000; port < 5040; port++) {
      const { there, back } = roundTrip(lab, w, SERVER, { sourcePort: port });
      expect([there.deliveredTo, back?.deliveredTo]).toEqual([SERVER, 'i-w']);
      expect(there.packet.source).toBe('198.51.100.20');
      expect(through(back)).toEqual(through(there));
      expect(through(there)).toHaveLength(1);
      for (const id of through(there)) seen.add(id);
    }
    expect([...seen].sort()).toEqual(['i-a', 'i-b']);
    const { hops } = udp(lab, w, SERVER);
    const order = ['i-w', 'rtb-1', ARN, 'eni-node', ARN, 'rtb-2', 'igw-1', SERVER];
    expect(hops.map((hop) => hop.id).filter((id) => order.includes(id))).toEqual(order);
  });

  it('keeps a flow on its target that has died, and sends new flows to the other', () => {
    const { lab, w } = scene();
    const { a } = portsOf(lab, w);
    group(lab, [target(lab, 'a', 'unhealthy'), target(lab, 'b')]);
    expect(used(lab, w, a)).toBe('i-a');
    const answer = { sourcePort: 7, destinationPort: a };
    expect(through(udp(lab, SERVER, '198.51.100.20', answer))).toEqual(['i-a']);
    for (let port = 6000; port < 6010; port++) expect(used(lab, w, port)).toBe('i-b');
    group(lab, [target(lab, 'b')]);
    expect(used(lab, w, a)).toBe('i-a');
    lab.now += 119_000;
    expect(used(lab, w, a)).toBe('i-a');
    lab.now += 121_000;
    expect(used(lab, w, a)).toBe('i-b');
  });

  it('moves flows from a target that is unhealthy or gone where it is told to rebalance', () => {
    const { lab, w } = scene();
    const { a } = portsOf(lab, w);
    const rebalance = { rebalanceUnhealthy: true, rebalanceDeregistered: true };
    group(lab, [target(lab, 'a', 'draining'), target(lab, 'b')], rebalance);
    expect(used(lab, w, a)).toBe('i-a');
    group(lab, [target(lab, 'a', 'unhealthy'), target(lab, 'b')], rebalance);
    expect(used(lab, w, a)).toBe('i-b');
    group(lab, [target(lab, 'a'), target(lab, 'b')], rebalance);
    expect(used(lab, w, a)).toBe('i-b');
    group(lab, [target(lab, 'a')], rebalance);
    expect(used(lab, w, a)).toBe('i-a');
  });

  it('keeps TCP flows for the time of its listener', () => {
    const { lab, w } = scene();
    const { a } = portsOf(lab, w);
    const tcp = { protocol: 'tcp' } as const;
    const ports = Array.from({ length: 40 }, (_, i) => a + i);
    const port = present(
      ports.find((each) => used(lab, w, each, tcp) === 'i-a'),
      'a port',
    );
    group(lab, [target(lab, 'a', 'unhealthy'), target(lab, 'b')]);
    lab.now += 349_000;
    expect(used(lab, w, port, tcp)).toBe('i-a');
    lab.now += 351_000;
    expect(used(lab, w, port, tcp)).toBe('i-b');
  });

  it('is sticky by addresses and protocol where it is told so', () => {
    const { lab, w } = scene();
    group(lab, [target(lab, 'a'), target(lab, 'b')], { stickiness: 'protocol' });
    const all = new Set(Array.from({ length: 40 }, (_, i) => used(lab, w, 5000 + i)));
    expect(all.size).toBe(1);
  });

  it('falls back on all targets where none is healthy, and drops where there is none', () => {
    const { lab, w } = scene();
    group(lab, [target(lab, 'a', 'unhealthy')]);
    expect(used(lab, w, 7000)).toBe('i-a');
    group(lab, []);
    expect(udp(lab, w, SERVER, { sourcePort: 7001 }).disposition).toBe('GWLB_NO_TARGET');
  });

  it('uses targets of its zone, of all zones with cross-zone load balancing', () => {
    const { lab, w } = scene();
    subnet(lab, 4, 'eu-central-1b');
    machine(lab, 'a', 4, 20, { profile: GENEVE });
    group(lab, [target(lab, 'a')]);
    expect(udp(lab, w, SERVER, { sourcePort: 1 }).disposition).toBe('GWLB_NO_TARGET');
    balancer(lab, { crossZone: true });
    expect(used(lab, w, 1)).toBe('i-a');
    subnet(lab, 2, 'eu-central-1c');
    expect(udp(lab, w, SERVER, { sourcePort: 2 }).disposition).toBe('VPCE_SERVICE_NOT_INSTALLED_IN_AZ');
  });

  it('loses what a dead, a dropping or a deaf appliance does not give back', () => {
    const { lab, w, guests } = scene();
    group(lab, [target(lab, 'a')]);
    const a = present(guests[0], 'a');
    setGuest(a, { drop: true });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_DROPS');
    setGuest(a, { drop: false });
    setGuest(a, { profile: { ipForward: true, masquerade: [] } });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_NO_GENEVE');
    setGuest(a, { power: 'dead' });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_DOWN');
  });

  it('needs GENEVE to be allowed by the appliance, there and back', () => {
    const { lab, w } = scene();
    group(lab, [target(lab, 'a')]);
    const attachment = { instance: 'i-a', deviceIndex: 0 };
    const allow = (fromPort: number) => {
      const rule = {
        protocol: 17,
        fromPort,
        toPort: fromPort,
        peer: { kind: 'cidr', cidr: '10.0.3.0/24' },
      } as const;
      put(lab, 'security-group', { id: 'sg-a', vpc: 'vpc-1', ingress: [rule], egress: [rule] });
      eni(lab, 'a', 3, 20, { attachment, securityGroups: ['sg-a'] });
    };
    allow(6080);
    expect(udp(lab, w, SERVER).disposition).toBe('ENI_SG_RULES_MISMATCH');
    allow(6081);
    expect(udp(lab, w, SERVER).deliveredTo).toBe(SERVER);
  });

  it('A1: is a target for a whole subnet of the VPC too, between subnets', () => {
    const { lab, w } = scene();
    subnet(lab, 5);
    const other = machine(lab, 'other', 5, 5);
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('10.0.5.0/24', 'vpce-1')] });
    table(lab, 'rtb-5', { subnets: ['subnet-5'], routes: [route('10.0.1.0/24', 'vpce-1')] });
    const { there, back } = roundTrip(lab, w, '10.0.5.5');
    expect([there.deliveredTo, back?.deliveredTo]).toEqual([other.id, 'i-w']);
    expect(through(there)).toHaveLength(1);
    expect(through(back)).toEqual(through(there));
  });

  it('reaches appliances in another VPC, where they see packets of any VPC', () => {
    const { lab, w } = scene();
    put(lab, 'vpc', { id: 'vpc-2', account: '1', region: 'eu-central-1', cidrs: ['10.0.0.0/16'] });
    put(lab, 'subnet', { id: 'subnet-9', vpc: 'vpc-2', zone: 'eu-central-1a', cidrs: ['10.0.9.0/24'] });
    table(lab, 'rtb-far', { vpc: 'vpc-2', main: true });
    const there = { vpc: 'vpc-2', securityGroups: [] };
    eni(lab, 'node', 9, 10, { ...there, attachment: { instance: 'eni-node', deviceIndex: 0 } });
    machine(lab, 'a', 9, 20, { ...there, profile: GENEVE });
    group(lab, [target(lab, 'a')]);
    const { there: out, back } = roundTrip(lab, w, SERVER);
    expect([out.deliveredTo, back?.deliveredTo]).toEqual([SERVER, 'i-w']);
    expect(through(back)).toEqual(['i-a']);
  });

  it.each([
    ['vpce-1', ['10.0.1.0/24'], 'DELIVERED'],
    ['igw-1', [], 'SG_HAS_NO_RULES'],
  ])('through %s: a flow between open rules outlives them only where it is tracked', (way, edge, after) => {
    const { lab, w } = scene();
    const open = (rules: typeof EVERYTHING) => {
      put(lab, 'security-group', { id: 'sg-w', vpc: 'vpc-1', ingress: rules, egress: rules });
    };
    open(EVERYTHING);
    const attachment = { instance: 'i-w', deviceIndex: 0 };
    eni(lab, 'w', 1, 20, { attachment, publicAddress: '198.51.100.20', securityGroups: ['sg-w'] });
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', way)] });
    table(lab, 'rtb-edge', { gateways: ['igw-1'], routes: edge.map((to) => route(to, way)) });
    const there = udp(lab, w, SERVER, { sourcePort: 5000, destinationPort: 53 });
    expect(there.deliveredTo).toBe(SERVER);
    open([]);
    const back = udp(lab, SERVER, '198.51.100.20', { sourcePort: 53, destinationPort: 5000 });
    expect(back.disposition).toBe(after);
    const again = udp(lab, w, SERVER, { sourcePort: 5000, destinationPort: 53 });
    expect(again.disposition).toBe(after);
  });

  it('is a blackhole while it, or the endpoint, is not available', () => {
    const { lab, w } = scene();
    balancer(lab, { available: false });
    expect(udp(lab, w, SERVER).disposition).toBe('BAD_STATE_ROUTE');
    expect(udp(lab, SERVER, '198.51.100.20').disposition).toBe('BAD_STATE_ROUTE');
  });
});
