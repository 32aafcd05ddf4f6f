/** VPC peering in the fabric: what it carries, and what it is not a way to. */
import { describe, expect, it } from 'vitest';
import {
  createLab,
  type Lab,
  machine,
  OPEN_GROUP,
  put,
  roundTrip,
  route,
  SERVER,
  subnet,
  table,
  udp,
} from './lab.ts';

/** A second VPC `vpc-N` 10.N.0.0/16 with one subnet, an open main table to the peering, and a machine. */
function farVpc(lab: Lab, n: number, routes: Parameters<typeof table>[2]['routes'] = []) {
  const id = `vpc-${n}`;
  put(lab, 'vpc', { id, account: '1', region: 'eu-central-1', cidrs: [`10.${n}.0.0/16`] });
  put(lab, 'subnet', { id: `subnet-${id}`, vpc: id, zone: 'eu-central-1a', cidrs: [`10.${n}.1.0/24`] });
  const local = route(`10.${n}.0.0/16`, 'local');
  table(lab, `rtb-${id}`, { vpc: id, main: true, local: [local], routes });
  const options = { vpc: id, subnet: `subnet-${id}`, addresses: [`10.${n}.1.10`] };
  return machine(lab, `m${n}`, n, 10, options);
}

const peer = (lab: Lab, id: string, requesterVpc: string, accepterVpc: string, active = true): void =>
  put(lab, 'vpc-peering-connection', { id, requesterVpc, accepterVpc, active });

/** vpc-1 and vpc-2, peered, with routes to each other and a default route of vpc-2 to the connection. */
function pair() {
  const lab = createLab();
  subnet(lab, 1);
  table(lab, 'rtb-main', { main: true, routes: [route('10.2.0.0/16', 'pcx-12')] });
  const a = machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1' });
  const far = farVpc(lab, 2, [route('0.0.0.0/0', 'pcx-12')]);
  peer(lab, 'pcx-12', 'vpc-1', 'vpc-2');
  return { lab, a, far };
}

describe('VPC peering (F1)', () => {
  it('carries packets both ways, straight to the ENI, by the routes of the two senders', () => {
    const { lab, a } = pair();
    const { there, back } = roundTrip(lab, a, '10.2.1.10');
    expect([there.deliveredTo, back?.deliveredTo]).toEqual(['i-m2', 'i-a']);
    expect(there.hops.map((hop) => hop.place)).toEqual([
      'guest',
      'eni',
      'router',
      'vpc-peering-connection',
      'eni',
      'guest',
    ]);
  });

  it('is a blackhole while it is not active, gone, or of other VPCs', () => {
    const { lab, a } = pair();
    peer(lab, 'pcx-12', 'vpc-1', 'vpc-2', false);
    expect(udp(lab, a, '10.2.1.10').disposition).toBe('BAD_STATE_ROUTE');
    peer(lab, 'pcx-12', 'vpc-2', 'vpc-3');
    const trace = udp(lab, a, '10.2.1.10');
    expect(trace.disposition).toBe('BAD_STATE_ROUTE');
    expect(trace.hops.at(-1)).toMatchObject({ id: 'pcx-12', text: expect.stringContaining('blackhole') });
  });

  it('drops what has no ENI in the far VPC, although its block has the address', () => {
    const { lab, a } = pair();
    expect(udp(lab, a, '10.2.1.99').disposition).toBe('NO_POSSIBLE_DESTINATION');
  });

  it('is not transitive: PCX_REQUIRES_ADDRESS_IN_VPC_CIDR', () => {
    const { lab, a, far } = pair();
    farVpc(lab, 3, [route('10.1.0.0/16', 'pcx-23')]);
    peer(lab, 'pcx-23', 'vpc-2', 'vpc-3');
    table(lab, 'rtb-main', { main: true, routes: [route('10.3.0.0/16', 'pcx-12')] });
    table(lab, 'rtb-vpc-2', {
      vpc: 'vpc-2',
      main: true,
      local: [route('10.2.0.0/16', 'local')],
      routes: [route('10.3.0.0/16', 'pcx-23')],
    });
    expect(udp(lab, far, '10.3.1.10').deliveredTo).toBe('i-m3');
    const trace = udp(lab, a, '10.3.1.10');
    expect(trace.disposition).toBe('PCX_REQUIRES_ADDRESS_IN_VPC_CIDR');
    expect(trace.hops.at(-1)).toMatchObject({ place: 'vpc-peering-connection', id: 'pcx-12' });
  });

  it('leads to no gateway of the far VPC, which has one', () => {
    const { lab, a, far } = pair();
    table(lab, 'rtb-main', {
      main: true,
      routes: [route('0.0.0.0/0', 'igw-1'), route('10.2.0.0/16', 'pcx-12')],
    });
    expect(udp(lab, a, SERVER).deliveredTo).toBe(SERVER);
    expect(udp(lab, far, SERVER).disposition).toBe('PCX_REQUIRES_ADDRESS_IN_VPC_CIDR');
  });

  it('lets a source of the far VPC pass, only to find no ENI there', () => {
    const { lab } = pair();
    const options = { sourceDestCheck: false, profile: { ipForward: true, masquerade: [] } };
    const box = machine(lab, 'box', 1, 20, options);
    table(lab, 'rtb-main', { main: true, routes: [route('192.0.2.0/24', 'pcx-12')] });
    const spoofed = { source: '10.2.1.77' };
    expect(udp(lab, box, '192.0.2.1', spoofed).disposition).toBe('NO_POSSIBLE_DESTINATION');
    expect(udp(lab, box, '192.0.2.1').disposition).toBe('PCX_REQUIRES_ADDRESS_IN_VPC_CIDR');
  });

  it('lets rules name security groups of the far VPC while it is active', () => {
    const { lab, a } = pair();
    const only = {
      protocol: 17,
      fromPort: 7,
      toPort: 7,
      peer: { kind: 'group', group: OPEN_GROUP },
    } as const;
    put(lab, 'security-group', { id: 'sg-far', vpc: 'vpc-2', ingress: [only], egress: [] });
    const options = { vpc: 'vpc-2', subnet: 'subnet-vpc-2', addresses: ['10.2.1.10'] };
    machine(lab, 'm2', 2, 10, { ...options, securityGroups: ['sg-far'] });
    expect(udp(lab, a, '10.2.1.10').deliveredTo).toBe('i-m2');
    put(lab, 'security-group', { id: 'sg-a', vpc: 'vpc-1', ingress: [], egress: [only] });
    const closed = machine(lab, 'c', 1, 30, { securityGroups: ['sg-a'] });
    expect(udp(lab, closed, '10.2.1.10').disposition).toBe('ENI_SG_RULES_MISMATCH');
  });
});
