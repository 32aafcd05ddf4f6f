/** Whole journeys: loops, next hops, the Internet, crossings, masquerade limits, what a trace says. */
import { describe, expect, it } from 'vitest';
import { address } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { CODE, dispositionOf } from '../../sim/vpc/dispositions.ts';
import { type Crossing, send } from '../../sim/vpc/forward.ts';
import { type GuestProfile, setGuest } from '../../sim/vpc/guest.ts';
import { createHeader, fill } from '../../sim/vpc/header.ts';
import type { Route } from '../../sim/vpc/model.ts';
import { removeHost } from '../../sim/vpc/network.ts';
import {
  APPLIANCE,
  createLab,
  drop,
  eni,
  host,
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

const NAT: GuestProfile = { ipForward: true, masquerade: [0] };

/** A workload behind appliance a (subnet 1, NAT), its gateway igw-1. */
function egress(lab = createLab()) {
  subnet(lab, 1);
  subnet(lab, 2, 'eu-central-1b');
  table(lab, 'rtb-public', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'igw-1')] });
  table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-a')] });
  const a = machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1', sourceDestCheck: false, profile: NAT });
  const w = machine(lab, 'w', 2, 20);
  return { lab, a, w };
}

describe('journeys', () => {
  it('a loop between an appliance and its own route ends by TTL', () => {
    const { lab, a, w } = egress();
    setGuest(a, { profile: APPLIANCE });
    table(lab, 'rtb-public', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'eni-a')] });
    expect(udp(lab, w, SERVER, { ttl: 9 })).toMatchObject({ disposition: 'TTL', packet: { ttl: 1 } });
  });

  it('a next hop in the same subnet takes the place of the route', () => {
    const { lab } = egress();
    const b = machine(lab, 'b', 1, 11);
    expect(udp(lab, b, SERVER).disposition).toBe('IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS');
    expect(udp(lab, b, SERVER, { via: '10.0.1.10' })).toMatchObject({ deliveredTo: SERVER });
    expect(roundTrip(lab, b, SERVER, { via: '10.0.1.10' }).back?.deliveredTo).toBe('i-b');
    expect(udp(lab, b, SERVER, { via: '10.0.2.20' }).disposition).toBe('GUEST_NO_ROUTE');
  });

  it('public addresses reach each other over the Internet', () => {
    const { lab, a } = egress();
    const b = machine(lab, 'b', 1, 11, { publicAddress: '198.51.100.2' });
    const trace = udp(lab, b, '198.51.100.1', { ttl: 30 });
    expect(trace).toMatchObject({
      deliveredTo: 'i-a',
      packet: { source: '198.51.100.2', destination: '10.0.1.10' },
    });
    expect(a.id).toBe('i-a');
  });

  it('unknown Internet hosts, private destinations and detached gateways are told apart', () => {
    const { lab, w, a } = egress();
    expect(udp(lab, w, '192.0.2.77').disposition).toBe('INTERNET_NO_HOST');
    host(lab, '192.0.2.77');
    expect(udp(lab, w, '192.0.2.77').disposition).toBe('DELIVERED');
    removeHost(lab.network, { address: address('192.0.2.77'), site: 0 });
    expect(udp(lab, w, '192.0.2.77').disposition).toBe('INTERNET_NO_HOST');
    expect(udp(lab, w, '192.168.3.3').disposition).toBe('IGW_PRIVATE_DESTINATION');
    put(lab, 'internet-gateway', { id: 'igw-1' });
    expect(udp(lab, w, SERVER).disposition).toBe('BAD_STATE_ROUTE');
    expect(udp(lab, SERVER, '198.51.100.1').disposition).toBe('BAD_STATE_ATTACHMENT');
    expect(a.power).toBe('running');
  });

  it('routes to a deleted, a detached and a stopped target drop, each in its own words', () => {
    const { lab, w } = egress();
    put(lab, 'instance', { id: 'i-a', vpc: 'vpc-1', state: 'stopped' });
    expect(udp(lab, w, SERVER).disposition).toBe('BAD_STATE_ATTACHMENT');
    eni(lab, 'a', 1, 10, { sourceDestCheck: false });
    expect(udp(lab, w, SERVER).disposition).toBe('BAD_STATE_ROUTE');
    drop(lab, 'network-interface', 'eni-a');
    const gone = udp(lab, w, SERVER);
    expect(gone.disposition).toBe('BAD_STATE_ROUTE');
    expect(gone.hops.at(-1)?.text).toBe('0.0.0.0/0 -> eni-a matches: a blackhole: which does not exist');
  });

  it('a static route beats a propagated one, and the local route all propagated ones inside it', () => {
    const { lab, w } = egress();
    machine(lab, 'b', 1, 11, { sourceDestCheck: false, profile: APPLIANCE });
    const propagated = (destination: string): Route => ({
      ...route(destination, 'eni-b'),
      origin: 'Advertisement',
    });
    const routes = [
      propagated('0.0.0.0/0'),
      route('0.0.0.0/0', 'eni-a'),
      propagated('10.0.1.0/24'),
      propagated('192.0.2.0/24'),
    ];
    table(lab, 'rtb-private', { subnets: ['subnet-2'], routes });
    const first = (to: string) => udp(lab, w, to).hops.find((hop) => hop.place === 'router')?.route?.target;
    expect([first(SERVER), first('10.0.1.10'), first('192.0.2.1')]).toEqual(['eni-a', 'local', 'eni-b']);
  });

  it('an appliance that drops or does not forward says so', () => {
    const { lab, a, w } = egress();
    setGuest(a, { drop: true });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_DROPS');
    expect(udp(lab, w, '10.0.1.10').disposition).toBe('DELIVERED');
    setGuest(a, { drop: false });
    setGuest(a, { profile: { ipForward: false, masquerade: [] } });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_NOT_FORWARDING');
  });

  it('tells every crossing, which may end the packet', () => {
    const { lab, w } = egress();
    const zones: (string | undefined)[][] = [];
    const crossing: Crossing = (from, to) => {
      zones.push([from?.subnet.zone, to?.subnet.zone]);
      return to === undefined && zones.length > 2 ? CODE.LINK_CUT : 0;
    };
    const once = (): string => {
      const h = must(fill(createHeader(), { protocol: 'udp', destination: SERVER, destinationPort: 7 }));
      return dispositionOf(send(lab.network, w, h, { crossing }).code);
    };
    expect(once()).toBe('DELIVERED');
    expect(zones).toEqual([
      ['eu-central-1b', 'eu-central-1a'],
      ['eu-central-1a', undefined],
    ]);
    expect(once()).toBe('LINK_CUT');
  });

  it('a packet to itself never leaves the guest', () => {
    const { lab, w } = egress();
    const trace = udp(lab, w, '10.0.2.20');
    expect(trace).toMatchObject({ deliveredTo: 'i-w', packet: { source: '10.0.2.20' } });
    expect(trace.hops.map((hop) => hop.text)).toEqual(['delivers to itself']);
  });

  it('a trace names who did what, with the packet as it left each place', () => {
    const { lab, w } = egress();
    expect(udp(lab, w, SERVER).hops.map(({ place, id, packet }) => `${place} ${id}: ${packet}`)).toEqual([
      'guest i-w: udp 10.0.2.20:4000 > 203.0.113.10:7 ttl 64',
      'eni eni-w: udp 10.0.2.20:4000 > 203.0.113.10:7 ttl 64',
      'router rtb-private: udp 10.0.2.20:4000 > 203.0.113.10:7 ttl 64',
      'eni eni-a: udp 10.0.2.20:4000 > 203.0.113.10:7 ttl 64',
      'guest i-a: udp 10.0.2.20:4000 > 203.0.113.10:7 ttl 63',
      'guest i-a: udp 10.0.1.10:4000 > 203.0.113.10:7 ttl 63',
      'eni eni-a: udp 10.0.1.10:4000 > 203.0.113.10:7 ttl 63',
      'router rtb-public: udp 10.0.1.10:4000 > 203.0.113.10:7 ttl 63',
      'internet-gateway igw-1: udp 198.51.100.1:4000 > 203.0.113.10:7 ttl 63',
      'internet 203.0.113.10: udp 198.51.100.1:4000 > 203.0.113.10:7 ttl 63',
    ]);
  });
});

describe('masquerade', () => {
  const answer = (lab: Lab, port: number): string =>
    udp(lab, SERVER, '198.51.100.1', { sourcePort: 7, destinationPort: port }).deliveredTo ?? 'nobody';

  it('lets answers in while the flow is fresh, and forgets it by idle time', () => {
    const { lab, w } = egress();
    udp(lab, w, SERVER);
    lab.now = 29_999;
    expect(answer(lab, 4000)).toBe('i-w');
    udp(lab, w, SERVER);
    lab.now += 119_999;
    expect(answer(lab, 4000)).toBe('i-w');
    lab.now += 120_000;
    expect(answer(lab, 4000)).toBe('i-a');
  });

  it('uses a port again for another destination, and runs out of ports only for one', () => {
    const { lab, w } = egress();
    host(lab, '192.0.2.1');
    const v = machine(lab, 'v', 2, 21);
    udp(lab, w, SERVER);
    expect(udp(lab, v, '192.0.2.1').packet.sourcePort).toBe(4000);
    expect(udp(lab, v, SERVER).packet.sourcePort).toBe(4001);
    const h = createHeader();
    const codes = new Set<number>();
    for (let port = 1024; port < 65536; port++) {
      must(fill(h, { protocol: 'udp', destination: SERVER, sourcePort: port, destinationPort: 7 }));
      codes.add(send(lab.network, w, h).code);
    }
    expect([...codes].map(dispositionOf)).toEqual(['DELIVERED', 'GUEST_NAT_EXHAUSTED']);
  });

  it('forgets what used an address that the guest loses', () => {
    const { lab, w, a } = egress();
    udp(lab, w, SERVER);
    put(lab, 'instance', { id: 'i-a', vpc: 'vpc-1', state: 'running' });
    eni(lab, 'a', 1, 10, { sourceDestCheck: false });
    const attachment = { instance: 'i-a', deviceIndex: 0 };
    eni(lab, 'a', 1, 10, { attachment, sourceDestCheck: false, publicAddress: '198.51.100.1' });
    expect(a.devices).toHaveLength(1);
    expect(answer(lab, 4000)).toBe('i-a');
  });
});
