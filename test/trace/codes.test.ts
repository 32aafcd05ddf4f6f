/**
 * Every code that a trace may show is produced by some world: of Reachability Analyzer's those of faults.ts,
 * and here ours for what that tool does not model: frames, ARP, time.
 */
import { describe, expect, test } from 'vitest';
import type { Disposition } from '../../sim/vpc/dispositions.ts';
import type { Trace } from '../../sim/vpc/forward.ts';
import { TCP_ACK } from '../../sim/vpc/header.ts';
import { APPLIANCE, createLab, eni, machine, put, route, SERVER, subnet, table, udp } from '../vpc/lab.ts';
import { FAULTS } from './faults.ts';

/** Two machines in a subnet, and a third in another one. */
function scene(settings: Parameters<typeof createLab>[0] = {}) {
  const lab = createLab(settings);
  subnet(lab, 1);
  subnet(lab, 2);
  const a = machine(lab, 'a', 1, 10);
  const b = machine(lab, 'b', 1, 11, { profile: APPLIANCE, sourceDestCheck: false });
  machine(lab, 'c', 2, 12);
  return { lab, a, b };
}

const CASES: Readonly<Partial<Record<Disposition, () => Trace>>> = {
  L2_BUM: () => {
    const { lab, a } = scene();
    return udp(lab, a, '224.0.0.18');
  },
  L2_UNKNOWN_MAC: () => {
    const { lab, a } = scene({ fabricGarp: false });
    udp(lab, a, '10.0.1.11');
    eni(lab, 'b', 1, 12, { mac: '02:00:00:00:01:99' });
    return udp(lab, a, '10.0.1.11');
  },
  L2_SOURCE_MAC: () => {
    const { lab, a } = scene();
    for (const device of a.devices) device.mac = 0x02_00_00_00_01_77;
    return udp(lab, a, '10.0.1.11');
  },
  STALE_ARP: () => {
    const { lab, a } = scene({ fabricGarp: false });
    udp(lab, a, '10.0.1.11');
    eni(lab, 'b', 1, 11, { addresses: ['10.0.1.99'], attachment: { instance: 'i-b', deviceIndex: 0 } });
    eni(lab, 'd', 1, 11, { mac: '02:00:00:00:01:55' });
    return udp(lab, a, '10.0.1.11');
  },
  CONNTRACK_MISS: () => {
    const { lab, a } = scene({ midFlowPassesByRule: false });
    const everybody = {
      protocol: 6,
      fromPort: 80,
      toPort: 80,
      peer: { kind: 'cidr', cidr: '10.0.0.0/8' },
    } as const;
    put(lab, 'security-group', { id: 'sg-open', vpc: 'vpc-1', ingress: [everybody], egress: [everybody] });
    return udp(lab, a, '10.0.1.11', { protocol: 'tcp', tcpFlags: TCP_ACK, destinationPort: 80 });
  },
  TTL: () => {
    const { lab, a } = scene();
    table(lab, 'rtb-main', { main: true, routes: [route('0.0.0.0/0', 'eni-b')] });
    return udp(lab, a, SERVER);
  },
  NOTHING_ANSWERS_ARP: () => {
    const { lab, a } = scene();
    return udp(lab, a, '10.0.1.77');
  },
  RESERVED_ADDRESS: () => {
    const { lab, a } = scene();
    return udp(lab, a, '169.254.169.254');
  },
  GUEST_LINK_DOWN: () => {
    const { lab, a, b } = scene();
    for (const device of b.devices) device.up = false;
    return udp(lab, a, '10.0.1.11');
  },
  INTERNET_NO_HOST: () => {
    const { lab } = scene();
    table(lab, 'rtb-main', { main: true, routes: [route('0.0.0.0/0', 'igw-1')] });
    const d = machine(lab, 'd', 1, 14, { publicAddress: '198.51.100.14' });
    return udp(lab, d, '192.0.2.77');
  },
};

test.each(Object.entries(CASES))('%s', (code, produce) => {
  const { disposition, findings, hops } = produce();
  expect(disposition).toBe(code);
  expect(findings[0]?.code).toBe(code);
  expect(findings[0]?.objects.length).toBeGreaterThan(0);
  expect(hops.length).toBeGreaterThan(0);
});

const produced = new Set<string>(Object.values(FAULTS).flatMap((faults) => faults.map(({ code }) => code)));

/** The codes of Reachability Analyzer that this simulator has adopted. */
const ADOPTED = `
  BAD_STATE_ATTACHMENT BAD_STATE_ROUTE BAD_STATE_VPN ENI_ADDRESS_RESTRICTION ENI_SG_RULES_MISMATCH
  ENI_SOURCE_DEST_CHECK_RESTRICTION GATEWAY_REJECTS_SPOOFED_TRAFFIC HIGHER_PRIORITY_ROUTE
  IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS INGRESS_RTB_NO_PUBLIC_IP
  INGRESS_RTB_TRAFFIC_REDIRECTION MORE_SPECIFIC_ROUTE NGW_REQUIRES_SOURCE_IN_VPC NO_POSSIBLE_DESTINATION
  NO_ROUTE_TO_DESTINATION PCX_REQUIRES_ADDRESS_IN_VPC_CIDR SG_HAS_NO_RULES SG_REFERENCES_NOT_PRESERVED
  SUBNET_ACL_RESTRICTION TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION TGW_ATTACH_VPC_AZ_RESTRICTION
  TGW_ROUTE_AZ_RESTRICTION TGW_RTB_BAD_STATE_ROUTE TGW_RTB_CANNOT_ROUTE TGW_RTB_HIGHER_PRIORITY_ROUTE
  TGW_RTB_MORE_SPECIFIC_ROUTE TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT TGW_RTB_ROUTES_ARE_UNKNOWN
  VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS
  VPCE_GATEWAY_PROTOCOL_RESTRICTION`
  .trim()
  .split(/\s+/);

describe('codes of Reachability Analyzer', () => {
  test.each(ADOPTED)('%s is what some fault comes to', (code) => expect(produced).toContain(code));
});
