/** Gateway and interface endpoints in forwarding. */
import { describe, expect, it } from 'vitest';
import type { VpcEndpoint } from '../../sim/vpc/model.ts';
import {
  APPLIANCE,
  createLab,
  eni,
  host,
  type Lab,
  machine,
  put,
  roundTrip,
  route,
  subnet,
  table,
  udp,
} from './lab.ts';

const S3 = '240.1.2.1';
const TCP = { protocol: 'tcp' } as const;

const endpoint = (lab: Lab, more: Partial<VpcEndpoint> = {}): void =>
  put(lab, 'vpc-endpoint', { id: 'vpce-1', vpc: 'vpc-1', available: true, enis: [], ...more });

/** A machine in subnet 1, whose table leads to a gateway endpoint for the service's list and nowhere else. */
function gateway() {
  const lab = createLab();
  subnet(lab, 1);
  put(lab, 'prefix-list', { id: 'pl-1', entries: ['240.1.2.0/24'] });
  endpoint(lab, { address: S3 });
  table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('pl-1', 'vpce-1')] });
  host(lab, S3);
  return { lab, w: machine(lab, 'w', 1, 20) };
}

describe('a gateway endpoint', () => {
  it('leads to the service with the private address, and its answers back, without an Internet gateway', () => {
    const { lab, w } = gateway();
    put(lab, 'internet-gateway', { id: 'igw-1' });
    const { there, back } = roundTrip(lab, w, S3, TCP);
    expect(there).toMatchObject({ deliveredTo: S3, packet: { source: '10.0.1.20' } });
    expect(there.hops.map((hop) => hop.id)).toEqual(['i-w', 'eni-w', 'rtb-1', 'vpce-1', S3]);
    expect(back?.deliveredTo).toBe('i-w');
    const ping = { protocol: 'icmp', icmp: { type: 8, code: 0, id: 3 } } as const;
    expect(roundTrip(lab, w, S3, ping).back?.deliveredTo).toBe('i-w');
  });

  it('takes TCP and ICMP echo only', () => {
    const { lab, w } = gateway();
    expect(udp(lab, w, S3).disposition).toBe('VPCE_GATEWAY_PROTOCOL_RESTRICTION');
    const reply = { protocol: 'icmp', icmp: { type: 0, code: 0, id: 3 } } as const;
    expect(udp(lab, w, S3, reply).disposition).toBe('VPCE_GATEWAY_PROTOCOL_RESTRICTION');
  });

  it('lets nothing in that answers no flow, and forgets flows that were idle for 350 s', () => {
    const { lab, w } = gateway();
    const answer = { ...TCP, sourcePort: 443, destinationPort: 500 };
    const lost = udp(lab, S3, '10.0.1.20', answer).disposition;
    expect(lost).not.toBe('DELIVERED');
    udp(lab, w, S3, { ...TCP, sourcePort: 500, destinationPort: 443 });
    lab.now += 349_000;
    expect(udp(lab, S3, '10.0.1.20', answer).deliveredTo).toBe('i-w');
    expect(udp(lab, S3, '10.0.1.20', { ...answer, destinationPort: 501 }).disposition).toBe(lost);
    lab.now += 2_000;
    expect(udp(lab, S3, '10.0.1.20', answer).disposition).toBe(lost);
  });

  it('is a blackhole where it is not available, or of another VPC', () => {
    const { lab, w } = gateway();
    endpoint(lab, { address: S3, available: false });
    expect(udp(lab, w, S3, TCP).disposition).toBe('BAD_STATE_ROUTE');
    endpoint(lab, { address: S3, vpc: 'vpc-2' });
    expect(udp(lab, w, S3, TCP).disposition).toBe('BAD_STATE_ROUTE');
  });

  it('serves its own VPC only: a forwarded source is refused, a masqueraded one passes', () => {
    const { lab } = gateway();
    const box = (masquerade: readonly number[]) =>
      machine(lab, 'fw', 1, 5, { sourceDestCheck: false, profile: { ...APPLIANCE, masquerade } });
    const forwarded = { ...TCP, source: '192.168.7.7' };
    expect(udp(lab, box([]), S3, forwarded).disposition).toBe('VPCE_REQUIRES_SOURCE_IN_VPC');
    expect(udp(lab, box([0]), S3, forwarded)).toMatchObject({
      deliveredTo: S3,
      packet: { source: '10.0.1.5' },
    });
  });

  it('is not reached over peering: the far VPC delivers to ENIs alone', () => {
    const { lab } = gateway();
    put(lab, 'vpc', { id: 'vpc-2', account: '1', region: 'eu-central-1', cidrs: ['10.9.0.0/16'] });
    put(lab, 'subnet', { id: 'subnet-9', vpc: 'vpc-2', zone: 'eu-central-1a', cidrs: ['10.9.9.0/24'] });
    const pair = { requesterVpc: 'vpc-2', accepterVpc: 'vpc-1', active: true };
    put(lab, 'vpc-peering-connection', { id: 'pcx-1', ...pair });
    table(lab, 'rtb-9', { vpc: 'vpc-2', subnets: ['subnet-9'], routes: [route('240.0.0.0/8', 'pcx-1')] });
    const far = machine(lab, 'far', 9, 9, { vpc: 'vpc-2', addresses: ['10.9.9.9'] });
    expect(udp(lab, far, S3, TCP).disposition).toBe('PCX_REQUIRES_ADDRESS_IN_VPC_CIDR');
  });

  it('meets the network ACL of the subnet, both ways', () => {
    const { lab, w } = gateway();
    const every = { protocol: -1, fromPort: -1, toPort: -1, action: 'allow', number: 1 } as const;
    const entries = [
      { ...every, egress: true, cidr: '0.0.0.0/0' },
      { ...every, egress: false, cidr: '10.0.0.0/8' },
    ];
    put(lab, 'network-acl', { id: 'acl-1', vpc: 'vpc-1', entries, subnets: ['subnet-1'] });
    expect(roundTrip(lab, w, S3, TCP).back?.disposition).toBe('SUBNET_ACL_RESTRICTION');
  });
});

/** An interface endpoint with an ENI in subnet 2, and a machine in subnet 1. */
function interfaces(more: Partial<VpcEndpoint> = {}) {
  const lab = createLab();
  subnet(lab, 1);
  subnet(lab, 2);
  eni(lab, 'vpce', 2, 50);
  endpoint(lab, { address: '192.0.2.10', enis: ['eni-vpce'], ...more });
  host(lab, '192.0.2.10');
  return { lab, w: machine(lab, 'w', 1, 20), neighbour: machine(lab, 'n', 2, 21) };
}

describe('an interface endpoint', () => {
  it('answers at the address of its ENI as the host behind it does, from any subnet', () => {
    const { lab, w, neighbour } = interfaces();
    for (const client of [w, neighbour]) {
      const { there, back } = roundTrip(lab, client, '10.0.2.50', { ...TCP, destinationPort: 443 });
      expect(there.deliveredTo).toBe('192.0.2.10');
      expect(back).toMatchObject({ deliveredTo: client.id });
    }
    udp(lab, w, '10.0.2.50', { ...TCP, sourcePort: 900, destinationPort: 443 });
    const answer = udp(lab, '192.0.2.10', '10.0.1.20', { ...TCP, sourcePort: 443, destinationPort: 900 });
    expect(answer.packet).toMatchObject({ source: '10.0.2.50', destination: '10.0.1.20' });
  });

  it('takes what its security groups allow, and no ping', () => {
    const { lab, w } = interfaces();
    const ping = { protocol: 'icmp', icmp: { type: 8, code: 0, id: 3 } } as const;
    expect(udp(lab, w, '10.0.2.50', ping).disposition).toBe('VPCE_INTERFACE_PROTOCOL');
    put(lab, 'security-group', { id: 'sg-https', vpc: 'vpc-1', ingress: [https], egress: [] });
    eni(lab, 'vpce', 2, 50, { securityGroups: ['sg-https'] });
    expect(udp(lab, w, '10.0.2.50', { ...TCP, destinationPort: 80 }).disposition).toBe(
      'ENI_SG_RULES_MISMATCH',
    );
    expect(roundTrip(lab, w, '10.0.2.50', { ...TCP, destinationPort: 443 }).back?.deliveredTo).toBe('i-w');
  });

  it('leads nowhere without a simulated service, and while it is not available', () => {
    const { lab, w } = interfaces();
    put(lab, 'vpc-endpoint', { id: 'vpce-1', vpc: 'vpc-1', available: true, enis: ['eni-vpce'] });
    expect(udp(lab, w, '10.0.2.50').disposition).toBe('VPCE_NO_SERVICE');
    endpoint(lab, { enis: ['eni-vpce'], available: false });
    expect(udp(lab, w, '10.0.2.50').disposition).toBe('BAD_STATE_ATTACHMENT');
  });

  it('serves a peered VPC too', () => {
    const { lab } = interfaces();
    put(lab, 'vpc', { id: 'vpc-2', account: '1', region: 'eu-central-1', cidrs: ['10.9.0.0/16'] });
    put(lab, 'subnet', { id: 'subnet-9', vpc: 'vpc-2', zone: 'eu-central-1a', cidrs: ['10.9.9.0/24'] });
    const pair = { requesterVpc: 'vpc-2', accepterVpc: 'vpc-1', active: true };
    put(lab, 'vpc-peering-connection', { id: 'pcx-1', ...pair });
    const routes = [route('10.0.0.0/16', 'pcx-1')];
    table(lab, 'rtb-9', { vpc: 'vpc-2', subnets: ['subnet-9'], routes, local: [] });
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('10.9.0.0/16', 'pcx-1')] });
    const far = machine(lab, 'far', 9, 9, { vpc: 'vpc-2', addresses: ['10.9.9.9'] });
    expect(roundTrip(lab, far, '10.0.2.50', TCP).back?.deliveredTo).toBe('i-far');
  });
});

const https = {
  protocol: 6,
  fromPort: 443,
  toPort: 443,
  peer: { kind: 'cidr', cidr: '10.0.0.0/8' },
} as const;
