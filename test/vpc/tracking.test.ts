/** Which flows security groups track, how long, and what a failover leaves of them; by the facts of A3. */
import { describe, expect, it } from 'vitest';
import type { SecurityGroupRule } from '../../sim/vpc/model.ts';
import { DEFAULT_SETTINGS, type VpcSettings } from '../../sim/vpc/settings.ts';
import {
  APPLIANCE,
  createLab,
  eni,
  everything,
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

const ANYWHERE = '0.0.0.0/0';
const [UDP, TCP, ICMP, GRE] = [17, 6, 1, 47];

const allow = (protocol: number, cidr = ANYWHERE, port = 7): SecurityGroupRule => {
  const ports = protocol === UDP || protocol === TCP ? port : -1;
  return { protocol, fromPort: ports, toPort: ports, peer: { kind: 'cidr', cidr } };
};

type Rules = readonly SecurityGroupRule[];

const rules = (lab: Lab, ingress: Rules, egress: Rules): void =>
  put(lab, 'security-group', { id: 'sg-b', vpc: 'vpc-1', ingress, egress });

/** Machine a, and machine b with the group sg-b, in subnets 1 and 2. */
function pair(settings: Partial<VpcSettings> = {}) {
  const lab = createLab(settings);
  for (const n of [1, 2]) subnet(lab, n);
  const a = machine(lab, 'a', 1, 10);
  const b = machine(lab, 'b', 2, 20, { securityGroups: ['sg-b'] });
  return { lab, a, b, to: '10.0.2.20' };
}

describe('A3: a flow', () => {
  it.each([
    ['an open port, answered by open rules', [allow(UDP)], everything(), 'SG_HAS_NO_RULES'],
    ['a port that is open to some', [allow(UDP, '10.0.0.0/8')], everything(), 'DELIVERED'],
    ['an open port, answered by rules of one port', [allow(UDP)], [allow(UDP, ANYWHERE, 4000)], 'DELIVERED'],
  ])('from outside to %s: when its rule goes', (_, ingress, egress, then) => {
    const { lab, a, to } = pair();
    rules(lab, ingress, egress);
    expect(roundTrip(lab, a, to).back?.deliveredTo).toBe('i-a');
    rules(lab, [], egress);
    expect(udp(lab, a, to).disposition).toBe(then);
  });

  it.each([
    ['by rules open to everywhere both ways', everything(), everything(), 'SG_HAS_NO_RULES'],
    ['by rules open on the way out only', [allow(TCP)], everything(), 'DELIVERED'],
  ])('from inside %s: when its rules go', (_, ingress, egress, then) => {
    const { lab, b } = pair();
    rules(lab, ingress, egress);
    expect(udp(lab, b, '10.0.1.10').disposition).toBe('DELIVERED');
    rules(lab, ingress, []);
    expect(udp(lab, b, '10.0.1.10').disposition).toBe(then);
  });

  it('of ICMP is tracked though its rules are open to everywhere', () => {
    const { lab, a, to } = pair();
    rules(lab, everything(), everything());
    const ping = { protocol: 'icmp', icmp: { type: 8, code: 0, id: 5 } } as const;
    roundTrip(lab, a, to, ping);
    rules(lab, [], []);
    expect(roundTrip(lab, a, to, ping).back?.deliveredTo).toBe('i-a');
  });

  it('is cut by a network ACL at once, tracked or not', () => {
    for (const ingress of [everything(), [allow(UDP, '10.0.0.0/8')]]) {
      const { lab, a, to } = pair();
      rules(lab, ingress, everything());
      expect(roundTrip(lab, a, to).back?.deliveredTo).toBe('i-a');
      put(lab, 'network-acl', { id: 'acl-1', vpc: 'vpc-1', subnets: ['subnet-2'], entries: [] });
      expect(udp(lab, a, to).disposition).toBe('SUBNET_ACL_RESTRICTION');
    }
  });
});

/** Machine b in subnet 2 with a route to the target, and vpc-2 with machine c behind tgw-1 and pcx-1. */
function borders(target: string) {
  const { lab, b } = pair();
  const far = target.startsWith('tgw-') || target.startsWith('pcx-');
  const destination = far ? '10.2.0.0/16' : target === 'eigw-1' ? '::/0' : ANYWHERE;
  const routes = target === 'vpce-1' ? [] : [route(destination, target)];
  table(lab, 'rtb-main', { main: true, routes: [route(ANYWHERE, 'igw-1')] });
  table(lab, 'rtb-2', { subnets: ['subnet-2'], routes });
  eni(lab, 'nat', 1, 5, { publicAddress: '198.51.100.5', sourceDestCheck: false, securityGroups: [] });
  put(lab, 'nat-gateway', { id: 'nat-1', eni: 'eni-nat', address: '10.0.1.5', available: true });
  put(lab, 'egress-only-gateway', { id: 'eigw-1', vpc: 'vpc-1' });
  eni(lab, 'vpce', 1, 7, { securityGroups: [] });
  const endpoint = { id: 'vpce-1', vpc: 'vpc-1', available: true, address: SERVER };
  put(lab, 'vpc-endpoint', { ...endpoint, enis: ['eni-vpce'] });
  eni(lab, 'b', 2, 20, {
    attachment: { instance: 'i-b', deviceIndex: 0 },
    securityGroups: ['sg-b'],
    publicAddress: '198.51.100.2',
  });
  const home = { account: '1', region: 'eu-central-1' };
  put(lab, 'vpc', { id: 'vpc-2', ...home, cidrs: ['10.2.0.0/16'] });
  put(lab, 'subnet', { id: 'subnet-c', vpc: 'vpc-2', zone: 'eu-central-1a', cidrs: ['10.2.1.0/24'] });
  const local = [route('10.2.0.0/16', 'local')];
  table(lab, 'rtb-c', { vpc: 'vpc-2', main: true, local, routes: far ? [route('10.0.0.0/16', target)] : [] });
  const c = machine(lab, 'c', 9, 9, { vpc: 'vpc-2', subnet: 'subnet-c', addresses: ['10.2.1.10'] });
  const ends = { requesterVpc: 'vpc-1', accepterVpc: 'vpc-2' };
  put(lab, 'vpc-peering-connection', { id: 'pcx-1', ...ends, active: true });
  for (const [vpc, name] of [
    ['vpc-1', 'subnet-2'],
    ['vpc-2', 'subnet-c'],
  ] as const) {
    const link = { kind: 'vpc' as const, vpc, subnets: [name] };
    const rest = { gateway: 'tgw-1', available: true, applianceMode: false, routeTable: 'tgw-rtb-1' };
    put(lab, 'transit-gateway-attachment', { id: `tgw-attach-${vpc}`, link, ...rest });
  }
  const transit = [
    { destination: '10.0.0.0/16', paths: [{ attachment: 'tgw-attach-vpc-1' }] },
    { destination: '10.2.0.0/16', paths: [{ attachment: 'tgw-attach-vpc-2' }] },
  ];
  put(lab, 'transit-gateway-route-table', { id: 'tgw-rtb-1', gateway: 'tgw-1', routes: transit });
  rules(lab, everything(), everything());
  return { lab, b, c };
}

describe('A3: a flow whose rules are open to everywhere both ways', () => {
  it.each([
    ['a NAT gateway', 'nat-1', SERVER, 'DELIVERED'],
    ['an egress-only Internet gateway', 'eigw-1', SERVER6, 'DELIVERED'],
    ['a transit gateway', 'tgw-1', '10.2.1.10', 'DELIVERED'],
    ['an interface endpoint', 'vpce-1', '10.0.1.7', 'DELIVERED'],
    ['an Internet gateway', 'igw-1', SERVER, 'SG_HAS_NO_RULES'],
    ['a peering connection', 'pcx-1', '10.2.1.10', 'SG_HAS_NO_RULES'],
  ])('from inside over %s (%s): when its rules go, the next packet to %s', (_, target, to, then) => {
    const { lab, b } = borders(target);
    expect(roundTrip(lab, b, to).back?.deliveredTo).toBe('i-b');
    rules(lab, [], []);
    expect(udp(lab, b, to).disposition).toBe(then);
    if (then === 'DELIVERED') expect(roundTrip(lab, b, to).back?.deliveredTo).toBe('i-b');
  });

  it.each([
    ['a transit gateway', 'tgw-1', 'DELIVERED'],
    ['a peering connection', 'pcx-1', 'SG_HAS_NO_RULES'],
  ])('from outside over %s (%s): when its rules go', (_, target, then) => {
    const { lab, c } = borders(target);
    expect(udp(lab, c, '10.0.2.20').deliveredTo).toBe('i-b');
    rules(lab, [], []);
    expect(udp(lab, c, '10.0.2.20').disposition).toBe(then);
  });
});

const DAY_S = 86_400;
const nitroV6 = { tracking: { ...DEFAULT_SETTINGS.tracking, tcpMs: 350_000 } };

describe('A3: a tracked flow that is idle ends', () => {
  it.each([
    ['TCP', TCP, {}, true, 5 * DAY_S],
    ['TCP on Nitro v6', TCP, nitroV6, true, 350],
    ['UDP of one direction', UDP, {}, false, 30],
    ['a UDP stream', UDP, {}, true, 180],
    ['ICMP', ICMP, {}, true, 600],
    ['another protocol', GRE, {}, true, 600],
  ])('%s (protocol %i)', (_, protocol, settings, answered, idleS) => {
    const { lab, a, to } = pair(settings);
    const packet = { protocol };
    const send = () => (answered ? roundTrip(lab, a, to, packet).there : udp(lab, a, to, packet));
    rules(lab, [allow(protocol, '10.0.0.0/8')], []);
    send();
    rules(lab, [], []);
    lab.now += 1000 * idleS - 1;
    expect(send().disposition).toBe('DELIVERED');
    lab.now += 1000 * idleS;
    expect(send().disposition).toBe('SG_HAS_NO_RULES');
  });
});

/** A client in subnet 1 whose server in subnet 2 is behind fw1 or fw2 (group sg-b) of subnet 3, both ways. */
function failover(ingress: Rules, egress: Rules, settings: Partial<VpcSettings> = {}) {
  const lab = createLab(settings);
  for (const n of [1, 2, 3]) subnet(lab, n);
  const client = machine(lab, 'client', 1, 10);
  const server = machine(lab, 'server', 2, 20);
  const options = { sourceDestCheck: false, profile: APPLIANCE, securityGroups: ['sg-b'] };
  machine(lab, 'fw1', 3, 31, options);
  machine(lab, 'fw2', 3, 32, options);
  rules(lab, ingress, egress);
  const takeOver = (fw: string): void => {
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('10.0.2.0/24', `eni-${fw}`)] });
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('10.0.1.0/24', `eni-${fw}`)] });
  };
  const segment = { protocol: 'tcp', destinationPort: 443 } as const;
  const send = (tcpFlags = 0x10) => udp(lab, client, '10.0.2.20', { ...segment, tcpFlags }).disposition;
  const answer = () => {
    const back = { sourcePort: 443, destinationPort: 4000, tcpFlags: 0x10 };
    return udp(lab, server, '10.0.1.10', { ...segment, ...back }).disposition;
  };
  takeOver('fw1');
  expect([send(0x02), answer(), send()]).toEqual(['DELIVERED', 'DELIVERED', 'DELIVERED']);
  takeOver('fw2');
  return { send, answer };
}

describe('A3: a connection whose ENI is replaced in mid-flow', () => {
  const narrow: readonly [Rules, Rules] = [
    [allow(TCP, '10.0.1.0/24', 443)],
    [allow(TCP, '10.0.2.0/24', 443)],
  ];

  it.each([true, false])('lives on behind open rules, with midFlowPassesByRule=%s', (midFlowPassesByRule) => {
    const { send, answer } = failover(everything(), everything(), { midFlowPassesByRule });
    expect([answer(), send()]).toEqual(['DELIVERED', 'DELIVERED']);
  });

  it('behind rules for its requests only: loses answers until the client sends again', () => {
    const { send, answer } = failover(...narrow);
    expect([answer(), send(), answer()]).toEqual(['ENI_SG_RULES_MISMATCH', 'DELIVERED', 'DELIVERED']);
  });

  it('behind such rules, with midFlowPassesByRule=false: is over', () => {
    const { send, answer } = failover(...narrow, { midFlowPassesByRule: false });
    expect([answer(), send(), answer()]).toEqual([
      'ENI_SG_RULES_MISMATCH',
      'CONNTRACK_MISS',
      'ENI_SG_RULES_MISMATCH',
    ]);
    expect([send(0x02), answer()]).toEqual(['DELIVERED', 'DELIVERED']);
  });
});
