/**
 * How a VPC forwards packets, fact by fact: F1-F14 and A1 here, F15-F28 in facts-from-15.test.ts, F2, F3
 * and A3 in facts-of-the-api.test.ts, A2 (VPC Route Server) in world/route-server.test.ts.
 *
 * Shown elsewhere, since they need other parts: the positive sides of F14 and F20 (BGP with VPN gateways),
 * and of F27 the designs made of those. Their negative sides, what plainly does not happen inside a VPC, are
 * here.
 */
import { describe, expect, it } from 'vitest';
import { present } from '../controller/base/result.ts';
import { boot, setGuest } from '../sim/vpc/guest.ts';
import { changeGuest } from '../sim/vpc/guest-change.ts';
import { formatMac } from '../sim/vpc/header.ts';
import { done, frame, pair, path, port, three, UDP_TO } from './facts-scene.ts';
import {
  APPLIANCE,
  createLab,
  eni,
  machine,
  put,
  roundTrip,
  route,
  SERVER,
  SERVER6,
  subnet,
  table,
  udp,
} from './vpc/lab.ts';

describe('the big picture', () => {
  it('F1: VPCs are isolated, even with the same addresses; the way out is an Internet gateway', () => {
    const { lab, a } = three();
    put(lab, 'vpc', { id: 'vpc-2', account: '1', region: 'eu-central-1', cidrs: ['10.0.0.0/16'] });
    put(lab, 'subnet', { id: 'subnet-x', vpc: 'vpc-2', zone: 'eu-central-1a', cidrs: ['10.0.9.0/24'] });
    machine(lab, 'x', 9, 9, { vpc: 'vpc-2', subnet: 'subnet-x', addresses: ['10.0.9.9', '10.0.1.11'] });
    expect(udp(lab, a, '10.0.9.9').disposition).toBe('NO_POSSIBLE_DESTINATION');
    expect(udp(lab, a, '10.0.1.11').deliveredTo).toBe('i-b');
    expect(udp(lab, a, SERVER).disposition).toBe('NO_ROUTE_TO_DESTINATION');
    expect(udp(lab, SERVER, '10.0.1.10').disposition).toBe('IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS');
  });
});

describe('packet forwarding', () => {
  it('F4: unicast IPv4 and IPv6 are forwarded, inside and to the Internet', () => {
    const { lab, a } = three();
    const routes = [route('0.0.0.0/0', 'igw-1'), route('::/0', 'igw-1')];
    table(lab, 'rtb-main', { main: true, routes });
    eni(lab, 'a', 1, 10, { attachment: { instance: 'i-a', deviceIndex: 0 }, publicAddress: '198.51.100.1' });
    for (const destination of [
      '10.0.2.12',
      '2001:db8:0:2::12',
      '10.0.1.11',
      '2001:db8:0:1::11',
      SERVER,
      SERVER6,
    ]) {
      const { there, back } = roundTrip(lab, a, destination);
      expect([destination, there.disposition, back?.deliveredTo]).toEqual([destination, 'DELIVERED', 'i-a']);
    }
    expect(udp(lab, a, SERVER).packet.source).toBe('198.51.100.1');
    expect(udp(lab, a, SERVER6).packet.source).toBe('2001:db8:0:1::10');
  });

  it('F5: there is no multicast inside a VPC (on a transit gateway: later)', () => {
    const { fabric } = three();
    const a = present(fabric.ports.get('eni-a'), 'eni-a');
    const group = { destination: '01:00:5e:00:00:12' };
    expect(frame(fabric, a, group, UDP_TO('224.0.0.18', '10.0.1.10')).disposition).toBe('L2_BUM');
    const router = { destination: formatMac(a.subnet.routerMac) };
    expect(frame(fabric, a, router, UDP_TO('224.0.0.18', '10.0.1.10')).disposition).toBe('L2_BUM');
    const group6 = { destination: '33:33:00:00:00:05' };
    expect(frame(fabric, a, group6, UDP_TO('ff02::5', '2001:db8:0:1::10')).disposition).toBe('L2_BUM');
  });

  it('F6: the orchestration system, not the VM, decides which address is whose', () => {
    const { lab, a, c } = three();
    const mac = formatMac(port(lab, 'eni-a').mac);
    done(changeGuest(a, { kind: 'address-add', mac, address: '10.0.1.77', length: 24 }));
    expect(udp(lab, c, '10.0.1.77').disposition).toBe('NO_POSSIBLE_DESTINATION');
    const attachment = { instance: 'i-a', deviceIndex: 0 };
    eni(lab, 'a', 1, 10, { attachment, addresses: ['10.0.1.10', '10.0.1.77'] });
    expect(udp(lab, c, '10.0.1.77').deliveredTo).toBe('i-a');
  });

  it('F7: the MAC address is a property of the virtual hardware', () => {
    const { lab, a } = three();
    expect(a.devices.map((device) => formatMac(device.mac))).toEqual(['02:00:00:00:01:0a']);
    boot(a, present(port(lab, 'eni-a').instance, 'instance').ports, lab.network.fabric.settings);
    expect(a.devices.map((device) => formatMac(device.mac))).toEqual(['02:00:00:00:01:0a']);
  });

  it('F8: DHCP gives the VM its primary addresses, on the first ENI', () => {
    const lab = createLab();
    subnet(lab, 1);
    const addresses = ['10.0.1.10', '10.0.1.50', '2001:db8:0:1::10'];
    const a = machine(lab, 'a', 1, 10, { addresses });
    eni(lab, 'second', 1, 60, { attachment: { instance: 'i-a', deviceIndex: 1 } });
    const configured = a.devices.map(({ up, addresses: own }) => [up, own.length]);
    expect(configured).toEqual([
      [true, 2],
      [false, 0],
    ]);
    expect(udp(lab, a, '10.0.1.10').deliveredTo).toBe('i-a');
    expect(udp(lab, a, '10.0.1.50').disposition).not.toBe('DELIVERED');
  });

  it('F9: a packet inside the VPC goes straight from the sending to the receiving vNIC', () => {
    const { lab, a } = three();
    expect(path(udp(lab, a, '10.0.1.11'))).toEqual(['eni-a', 'eni-b']);
    expect(path(udp(lab, a, '10.0.2.12'))).toEqual(['eni-a', 'rtb-main', 'eni-c']);
    expect(udp(lab, a, '10.0.2.12').packet.ttl).toBe(64);
  });

  it('F10: a next hop is an AWS object, never an address: it stays when the ENI gets other addresses', () => {
    const { lab, w, a } = pair();
    expect(path(udp(lab, w, SERVER))[2]).toBe('eni-a');
    const attachment = { instance: 'i-a', deviceIndex: 0 };
    const addresses = ['10.0.1.10', '10.0.1.200'];
    eni(lab, 'a', 1, 10, { attachment, addresses, sourceDestCheck: false, publicAddress: '198.51.100.1' });
    expect(udp(lab, w, SERVER)).toMatchObject({ disposition: 'DELIVERED' });
    expect(a.devices).toHaveLength(1);
  });

  it('F11: the VPC is one forwarding domain, yet each subnet may have its own route table', () => {
    const { lab, a, b, w } = pair();
    expect(path(udp(lab, w, SERVER))).toEqual(['eni-w', 'rtb-private', 'eni-a', 'rtb-public']);
    expect(path(udp(lab, b, SERVER))).toEqual(['eni-b', 'rtb-public']);
    expect(udp(lab, a, '10.0.2.20').deliveredTo).toBe('i-w');
    subnet(lab, 3);
    const d = machine(lab, 'd', 3, 30);
    expect(path(udp(lab, d, '10.0.2.20'))).toEqual(['eni-d', 'rtb-main', 'eni-w']);
  });

  it('F12: without an edge table, what enters from the Internet ignores all subnet route tables', () => {
    const { lab } = pair();
    eni(lab, 'w', 2, 20, { attachment: { instance: 'i-w', deviceIndex: 0 }, publicAddress: '198.51.100.9' });
    expect(path(udp(lab, SERVER, '198.51.100.9'))).toEqual(['eni-w']);
  });

  it('F12: an edge table hands what enters through its gateway to an appliance, and only that', () => {
    const { lab, a } = pair();
    subnet(lab, 3);
    const inside = machine(lab, 'inside', 3, 30);
    eni(lab, 'w', 2, 20, { attachment: { instance: 'i-w', deviceIndex: 0 }, publicAddress: '198.51.100.9' });
    const redirect = [route('10.0.2.0/24', 'eni-a')];
    table(lab, 'rtb-edge', { gateways: ['igw-1'], routes: redirect });
    setGuest(a, { profile: APPLIANCE });
    const { there, back } = roundTrip(lab, SERVER, '198.51.100.9');
    expect(path(there)).toEqual(['rtb-edge', 'eni-a', 'rtb-public', 'eni-w']);
    expect([path(back ?? there), back?.deliveredTo]).toEqual([
      ['eni-w', 'rtb-private', 'eni-a', 'rtb-public'],
      SERVER,
    ]);
    expect(path(udp(lab, inside, '10.0.2.20'))).toEqual(['eni-inside', 'rtb-main', 'eni-w']);
  });

  it('F13, A1: a route for a whole subnet beats the local route, for senders of that table', () => {
    const lab = createLab();
    for (const n of [1, 2, 3]) subnet(lab, n);
    machine(lab, 'fw', 3, 30, { sourceDestCheck: false, profile: APPLIANCE });
    const a = machine(lab, 'a', 1, 10);
    const c = machine(lab, 'c', 2, 12);
    expect(path(udp(lab, a, '10.0.2.12'))).toEqual(['eni-a', 'rtb-main', 'eni-c']);
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('10.0.2.0/24', 'eni-fw')] });
    expect(path(udp(lab, a, '10.0.2.12'))).toEqual(['eni-a', 'rtb-1', 'eni-fw', 'rtb-main', 'eni-c']);
    expect(path(udp(lab, c, '10.0.1.10'))).toEqual(['eni-c', 'rtb-main', 'eni-a']);
  });

  it('F14: nothing that guests send or configure fills a route table', () => {
    const { lab, a, w } = pair();
    const mac = formatMac(port(lab, 'eni-a').mac);
    const change = {
      kind: 'route-add',
      mac,
      table: 254,
      destination: '192.0.2.0/24',
      via: '10.0.1.11',
    } as const;
    done(changeGuest(a, change));
    expect(udp(lab, a, '10.0.1.1', { protocol: 'tcp', destinationPort: 179 }).disposition).not.toBe(
      'DELIVERED',
    );
    expect(path(udp(lab, w, '192.0.2.1')).slice(0, 3)).toEqual(['eni-w', 'rtb-private', 'eni-a']);
    expect([...present(lab.network.fabric.tables.get('rtb-private'), 'table').effective.keys()]).toEqual([
      '10.0.0.0/16',
      '2001:db8::/56',
      '0.0.0.0/0',
    ]);
  });
});
