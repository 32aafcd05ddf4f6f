/** The journey that the product lives on: workload -> appliance -> Internet gateway -> server, and back. */
import { describe, expect, it } from 'vitest';
import { type GuestProfile, setGuest } from '../../sim/vpc/guest.ts';
import {
  APPLIANCE,
  createLab,
  eni,
  type Lab,
  machine,
  roundTrip,
  route,
  SERVER,
  subnet,
  table,
  udp,
} from './lab.ts';

const NAT: GuestProfile = { ipForward: true, masquerade: [0] };

function pair(lab: Lab, profile = NAT) {
  subnet(lab, 1);
  subnet(lab, 2);
  table(lab, 'rtb-public', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'igw-1')] });
  table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-a')] });
  const a = machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1', sourceDestCheck: false, profile });
  const b = machine(lab, 'b', 1, 11, { publicAddress: '198.51.100.2', sourceDestCheck: false, profile });
  const w = machine(lab, 'w', 2, 20);
  return { a, b, w };
}

describe('egress through a NAT appliance', () => {
  it('reaches an Internet server and the answer comes back', () => {
    const lab = createLab();
    const { w } = pair(lab);
    const { there, back } = roundTrip(lab, w, SERVER);
    expect(there).toMatchObject({
      disposition: 'DELIVERED',
      deliveredTo: SERVER,
      packet: { source: '198.51.100.1' },
    });
    expect(back).toMatchObject({
      disposition: 'DELIVERED',
      deliveredTo: 'i-w',
      packet: { source: SERVER, destination: '10.0.2.20' },
    });
  });

  it('works for ICMP echo too', () => {
    const lab = createLab();
    const { w } = pair(lab);
    const { back } = roundTrip(lab, w, SERVER, { protocol: 'icmp', icmp: { type: 8, code: 0, id: 77 } });
    expect(back).toMatchObject({ deliveredTo: 'i-w', packet: { icmp: { type: 0, id: 77 } } });
  });

  it('takes an echo request with the identifier of a flow for no answer', () => {
    const lab = createLab();
    const { w } = pair(lab);
    const icmp = { code: 0, id: 77 };
    roundTrip(lab, w, SERVER, { protocol: 'icmp', icmp: { ...icmp, type: 8 } });
    const from = (type: number) =>
      udp(lab, SERVER, '198.51.100.1', { protocol: 'icmp', icmp: { ...icmp, type } }).deliveredTo;
    expect(from(8)).toBe('i-a');
    expect(from(0)).toBe('i-w');
  });

  it('keeps two flows with the same port apart', () => {
    const lab = createLab();
    const { w } = pair(lab);
    const v = machine(lab, 'v', 2, 21);
    const first = roundTrip(lab, w, SERVER);
    const second = roundTrip(lab, v, SERVER);
    expect(first.there.packet.sourcePort).not.toBe(second.there.packet.sourcePort);
    expect(second.back).toMatchObject({ deliveredTo: 'i-v', packet: { destinationPort: 4000 } });
    expect(roundTrip(lab, w, SERVER).back?.deliveredTo).toBe('i-w');
  });

  it('fails with the appliance and recovers with the route', () => {
    const lab = createLab();
    const { a, w } = pair(lab);
    setGuest(a, { power: 'dead' });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_DOWN');
    table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-b')] });
    expect(udp(lab, w, SERVER)).toMatchObject({
      disposition: 'DELIVERED',
      packet: { source: '198.51.100.2' },
    });
  });

  it('an appliance that does not NAT works for sources with a public address of their own', () => {
    const lab = createLab();
    const { w } = pair(lab, APPLIANCE);
    expect(udp(lab, w, SERVER).disposition).toBe('IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS');
    eni(lab, 'w', 2, 20, { attachment: { instance: 'i-w', deviceIndex: 0 }, publicAddress: '198.51.100.9' });
    expect(udp(lab, w, SERVER)).toMatchObject({
      disposition: 'DELIVERED',
      packet: { source: '198.51.100.9' },
    });
  });
});
