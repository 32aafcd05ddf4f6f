/** How a VPC forwards packets, fact by fact: F15-F28. See facts.test.ts for the others. */
import { describe, expect, it } from 'vitest';
import { address } from '../controller/base/ip.ts';
import { must, present } from '../controller/base/result.ts';
import { find } from '../sim/vpc/address-map.ts';
import { answerNeighbour, macHigh, macLow } from '../sim/vpc/fabric.ts';
import { type Guest, setDevice, setGuest } from '../sim/vpc/guest.ts';
import { changeGuest } from '../sim/vpc/guest-change.ts';
import { formatMac, parseMac } from '../sim/vpc/header.ts';
import { done, frame, pair, path, port, three, UDP_TO } from './facts-scene.ts';
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
  subnet,
  table,
  udp,
} from './vpc/lab.ts';

describe('what follows', () => {
  it('F15: nobody can influence delivery inside the VPC', () => {
    const { lab, a, b, c } = three();
    const mac = formatMac(port(lab, 'eni-b').mac);
    done(changeGuest(b, { kind: 'address-add', mac, address: '10.0.2.12', length: 24 }));
    done(changeGuest(b, { kind: 'address-add', mac, address: '10.0.1.10', length: 24 }));
    expect(udp(lab, a, '10.0.2.12').deliveredTo).toBe('i-c');
    expect(udp(lab, c, '10.0.1.10').deliveredTo).toBe('i-a');
  });

  function renumber(lab: Lab, a: Guest): void {
    const mac = formatMac(port(lab, 'eni-a').mac);
    done(changeGuest(a, { kind: 'address-add', mac, address: '10.0.1.99', length: 24 }));
    done(changeGuest(a, { kind: 'address-remove', mac, address: '10.0.1.10', length: 24 }));
  }

  it('F16: a VM that changes its IP address is disconnected', () => {
    const { lab, a, b } = three();
    renumber(lab, a);
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('ENI_SOURCE_DEST_CHECK_RESTRICTION');
    expect(udp(lab, b, '10.0.1.99').disposition).toBe('NOTHING_ANSWERS_ARP');
    expect(udp(lab, b, '10.0.1.10').disposition).toBe('GUEST_NOT_FORWARDING');
  });

  it('F16: with source/dest check off it may send, and receive what a route hands it', () => {
    const { lab, a, c } = three();
    renumber(lab, a);
    eni(lab, 'a', 1, 10, { attachment: { instance: 'i-a', deviceIndex: 0 }, sourceDestCheck: false });
    expect(udp(lab, a, '10.0.1.11')).toMatchObject({ deliveredTo: 'i-b', packet: { source: '10.0.1.99' } });
    expect(udp(lab, c, '10.0.1.99').disposition).toBe('NO_POSSIBLE_DESTINATION');
    const mac = formatMac(port(lab, 'eni-a').mac);
    done(changeGuest(a, { kind: 'address-add', mac, address: '192.168.7.7', length: 32 }));
    table(lab, 'rtb-2', { subnets: ['subnet-2'], routes: [route('192.168.7.7/32', 'eni-a')] });
    expect(udp(lab, c, '192.168.7.7')).toMatchObject({
      deliveredTo: 'i-a',
      packet: { destination: '192.168.7.7' },
    });
  });

  it('F16: a VM that changes its MAC address is disconnected', () => {
    const { lab, a, b } = three();
    for (const device of a.devices) setDevice(a, device, { mac: must(parseMac('02:aa:aa:aa:aa:aa')) });
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('L2_SOURCE_MAC');
    expect(udp(lab, b, '10.0.1.10').disposition).toBe('GUEST_NOT_ITS_MAC');
  });

  it('F17: VRRP and HSRP do not work: no multicast, no virtual MAC, no virtual address', () => {
    const { lab, a, b, fabric } = three();
    const from = port(lab, 'eni-a');
    const advertisement = { protocol: 112, source: '10.0.1.10', destination: '224.0.0.18' };
    expect(frame(fabric, from, { destination: '01:00:5e:00:00:12' }, advertisement).disposition).toBe(
      'L2_BUM',
    );
    const virtual = { source: '00:00:5e:00:01:01', destination: '02:00:00:00:01:0b' };
    expect(frame(fabric, from, virtual, UDP_TO('10.0.1.11', '10.0.1.10')).disposition).toBe('L2_SOURCE_MAC');
    const toVirtual = { destination: '00:00:5e:00:01:01' };
    expect(frame(fabric, from, toVirtual, UDP_TO('10.0.1.100', '10.0.1.10')).disposition).toBe(
      'L2_UNKNOWN_MAC',
    );
    const mac = formatMac(port(lab, 'eni-b').mac);
    done(changeGuest(b, { kind: 'address-add', mac, address: '10.0.1.100', length: 24 }));
    expect(udp(lab, a, '10.0.1.100').disposition).toBe('NOTHING_ANSWERS_ARP');
  });

  it('F18: gratuitous ARP does nothing; only an orchestration call moves an address', () => {
    const addresses = ['10.0.1.10', '10.0.1.100'];
    const { lab, a, b, c, fabric } = three();
    const [toA, toB] = ['i-a', 'i-b'].map((instance) => ({ attachment: { instance, deviceIndex: 0 } }));
    eni(lab, 'a', 1, 10, { ...toA, addresses });
    for (const [guest, name] of [
      [a, 'eni-a'],
      [b, 'eni-b'],
    ] as const) {
      const mac = formatMac(port(lab, name).mac);
      done(changeGuest(guest, { kind: 'address-add', mac, address: '10.0.1.100', length: 24 }));
    }
    expect(answerNeighbour(fabric, port(lab, 'eni-a'), address('10.0.1.100'))).toBe(0);
    expect(udp(lab, c, '10.0.1.100').deliveredTo).toBe('i-a');
    eni(lab, 'a', 1, 10, { ...toA, addresses: ['10.0.1.10'] });
    eni(lab, 'b', 1, 11, { ...toB, addresses: ['10.0.1.11', '10.0.1.100'] });
    expect(udp(lab, c, '10.0.1.100').deliveredTo).toBe('i-b');
  });

  it("F19: taking over a failed instance's address changes no routing; the route must move", () => {
    const { lab, a, w } = pair();
    setGuest(a, { power: 'dead' });
    const toB = { attachment: { instance: 'i-b', deviceIndex: 0 }, sourceDestCheck: false };
    eni(lab, 'a', 1, 10, {
      attachment: { instance: 'i-a', deviceIndex: 0 },
      addresses: [],
      sourceDestCheck: false,
    });
    eni(lab, 'b', 1, 11, { ...toB, addresses: ['10.0.1.11', '10.0.1.10'], publicAddress: '198.51.100.2' });
    expect(udp(lab, w, SERVER).disposition).toBe('GUEST_DOWN');
    table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-b')] });
    expect(udp(lab, w, SERVER).disposition).toBe('DELIVERED');
  });

  it('F20: an instance cannot speak a routing protocol with the VPC router', () => {
    const { lab, a } = three();
    expect(udp(lab, a, '10.0.1.1', { protocol: 'tcp', destinationPort: 179 }).disposition).toBe(
      'NO_POSSIBLE_DESTINATION',
    );
    expect(udp(lab, a, '10.0.1.1', { destinationPort: 3784 }).disposition).toBe('NO_POSSIBLE_DESTINATION');
  });
});

describe('neither purely L2 nor purely L3', () => {
  it('F21: within a subnet the MAC decides, and nothing is flooded', () => {
    const { lab, fabric } = three();
    const a = port(lab, 'eni-a');
    eni(lab, 'b', 1, 11, { attachment: { instance: 'i-b', deviceIndex: 0 }, sourceDestCheck: false });
    const other = UDP_TO('10.0.2.12', '10.0.1.10');
    expect(frame(fabric, a, { destination: '02:00:00:00:01:0b' }, other)).toEqual({
      disposition: 'DELIVERED',
      to: 'eni-b',
    });
    expect(frame(fabric, a, { destination: 'ff:ff:ff:ff:ff:ff' }, other).disposition).toBe('L2_BUM');
    expect(frame(fabric, a, { destination: '02:00:00:00:01:63' }, other).disposition).toBe('L2_UNKNOWN_MAC');
    expect(frame(fabric, a, { destination: '02:00:00:00:02:0c' }, other).disposition).toBe('L2_UNKNOWN_MAC');
  });

  it('F22: across subnets the destination IP decides', () => {
    const { lab, fabric } = three();
    const a = port(lab, 'eni-a');
    const router = { destination: formatMac(a.subnet.routerMac) };
    expect(frame(fabric, a, router, UDP_TO('10.0.2.12', '10.0.1.10')).to).toBe('eni-c');
    expect(frame(fabric, a, router, UDP_TO('2001:db8:0:2::12', '2001:db8:0:1::10')).to).toBe('eni-c');
  });

  it('F23: ARP caches hold the real MAC addresses of the other VMs', () => {
    const { lab, a, fabric } = three();
    udp(lab, a, '10.0.1.11');
    udp(lab, a, '10.0.2.12');
    const device = present(a.devices[0], 'device 0');
    const cached = (text: string): number | undefined => {
      const [w0, w1, w2, w3] = address(text).words.map((word) => word | 0);
      return find(device.neighbours, 0, w0 ?? 0, w1 ?? 0, w2 ?? 0, w3 ?? 0)?.mac;
    };
    expect(cached('10.0.1.11')).toBe(port(lab, 'eni-b').mac);
    expect(cached('10.0.1.1')).toBe(device.port.subnet.routerMac);
    expect(cached('10.0.2.12')).toBeUndefined();
    expect(answerNeighbour(fabric, port(lab, 'eni-a'), address('10.0.2.12'))).toBe(0);
    expect(answerNeighbour(fabric, port(lab, 'eni-a'), address('10.0.1.200'))).toBe(0);
    const { mac } = port(lab, 'eni-b');
    expect(find(fabric.macs, 0, 0, 0, macHigh(mac), macLow(mac))?.id).toBe('eni-b');
  });

  it('F24: a static route in a VM with a next hop in the same subnet works', () => {
    const { lab, a } = three();
    const settings = { attachment: { instance: 'i-b', deviceIndex: 0 }, sourceDestCheck: false };
    eni(lab, 'b', 1, 11, settings);
    setGuest(present(lab.network.guests.get('i-b'), 'i-b'), { profile: APPLIANCE });
    const mac = formatMac(port(lab, 'eni-a').mac);
    const change = {
      kind: 'route-add',
      mac,
      table: 254,
      destination: '10.0.2.0/24',
      via: '10.0.1.11',
    } as const;
    done(changeGuest(a, change));
    const trace = udp(lab, a, '10.0.2.12');
    expect(trace).toMatchObject({ deliveredTo: 'i-c', packet: { ttl: 63 } });
    expect(path(trace)).toEqual(['eni-a', 'eni-b', 'rtb-main', 'eni-c']);
  });

  it("F25: across subnets a VM's next hop has no say: the VPC router delivers straight", () => {
    const lab = createLab();
    for (const n of [1, 2, 3]) subnet(lab, n);
    const a = machine(lab, 'a', 1, 10, { sourceDestCheck: false, profile: APPLIANCE });
    machine(lab, 'fw', 2, 20, { sourceDestCheck: false, profile: APPLIANCE });
    machine(lab, 'c', 3, 30);
    const mac = formatMac(port(lab, 'eni-a').mac);
    const toFirewall = {
      kind: 'route-add',
      mac,
      table: 254,
      destination: '10.0.3.0/24',
      via: '10.0.2.20',
    } as const;
    expect(changeGuest(a, toFirewall)).toMatch(/next hop 10\.0\.2\.20 is not on the link/);
    done(changeGuest(a, { ...toFirewall, via: '10.0.1.1' }));
    expect(path(udp(lab, a, '10.0.3.30'))).toEqual(['eni-a', 'rtb-main', 'eni-c']);
  });

  it('F26: VMs of one subnet speak unicast BGP and forward across the subnet by its routes', () => {
    const { lab, a, b } = three();
    const bgp = { protocol: 'tcp', sourcePort: 40000, destinationPort: 179 } as const;
    expect(roundTrip(lab, a, '10.0.1.11', bgp).back?.deliveredTo).toBe('i-a');
    for (const [guest, name, via] of [
      [a, 'eni-a', '10.0.1.11'],
      [b, 'eni-b', '10.0.1.10'],
    ] as const) {
      const device = port(lab, name);
      const hostPart = name === 'eni-a' ? 10 : 11;
      const attachment = { instance: guest.id, deviceIndex: 0 };
      eni(lab, name.slice(4), 1, hostPart, { attachment, sourceDestCheck: false });
      setGuest(guest, { profile: APPLIANCE });
      const mac = formatMac(device.mac);
      const lan = guest === a ? '192.168.1.1' : '192.168.2.1';
      done(changeGuest(guest, { kind: 'address-add', mac, address: lan, length: 32 }));
      const destination = guest === a ? '192.168.2.0/24' : '192.168.1.0/24';
      done(changeGuest(guest, { kind: 'route-add', mac, table: 254, destination, via }));
    }
    const trace = udp(lab, a, '192.168.2.1', { source: '192.168.1.1' });
    expect(trace).toMatchObject({ deliveredTo: 'i-b', packet: { source: '192.168.1.1', ttl: 64 } });
    expect(path(trace)).toEqual(['eni-a', 'eni-b']);
  });

  it('F27: rewriting route tables works as an appliance design', () => {
    const { lab, a, w } = pair();
    setGuest(a, { power: 'dead' });
    table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-b')] });
    expect(roundTrip(lab, w, SERVER).back?.deliveredTo).toBe('i-w');
  });

  it('F27: moving the ENI that is the next hop works as an appliance design', () => {
    const lab = createLab();
    for (const n of [1, 2, 3]) subnet(lab, n);
    table(lab, 'rtb-public', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'igw-1')] });
    table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-float')] });
    const profile = { ipForward: true, masquerade: [0] };
    const guests = ['a', 'b'].map((name, i) => {
      const publicAddress = `198.51.100.${i + 1}`;
      return machine(lab, name, 1, 10 + i, { publicAddress, sourceDestCheck: false, profile });
    });
    const w = machine(lab, 'w', 2, 20);
    const dispositions = guests.map((guest) => {
      const attachment = { instance: guest.id, deviceIndex: 1 };
      const { mac } = eni(lab, 'float', 3, 30, { attachment, sourceDestCheck: false });
      const bare = udp(lab, w, SERVER).disposition;
      done(changeGuest(guest, { kind: 'link-up', mac }));
      const up = roundTrip(lab, w, SERVER).back?.deliveredTo;
      eni(lab, 'float', 3, 30, { sourceDestCheck: false });
      return [bare, up, udp(lab, w, SERVER).disposition];
    });
    const each = ['GUEST_LINK_DOWN', 'i-w', 'BAD_STATE_ROUTE'];
    expect(dispositions).toEqual([each, each]);
  });

  it('F28: packets are checked in the sending and in the receiving hypervisor', () => {
    const { lab, a } = three();
    const none = { vpc: 'vpc-1', ingress: [], egress: [] };
    put(lab, 'security-group', { ...none, id: 'sg-in', ingress: everything() });
    put(lab, 'security-group', { ...none, id: 'sg-out', egress: everything() });
    const deny = (name: string, hostPart: number, group: string): void => {
      const attachment = { instance: `i-${name}`, deviceIndex: 0 };
      eni(lab, name, 1, hostPart, { attachment, securityGroups: [group] });
    };
    deny('a', 10, 'sg-in');
    const refused = udp(lab, a, '10.0.1.11');
    expect([refused.disposition, refused.hops.at(-1)?.id]).toEqual(['SG_HAS_NO_RULES', 'eni-a']);
    deny('a', 10, 'sg-open');
    deny('b', 11, 'sg-out');
    const arrived = udp(lab, a, '10.0.1.11');
    expect([arrived.disposition, arrived.hops.at(-1)?.id]).toEqual(['SG_HAS_NO_RULES', 'eni-b']);
  });
});
