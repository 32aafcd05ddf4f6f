/**
 * Every code that a trace may show, as the simulator lists them, is produced by some world: by the faults of
 * faults.ts, and here by what no call of the API breaks: frames, ARP, the kernels of guests, time.
 */
import { describe, expect, test } from 'vitest';
import { address } from '../../controller/base/ip.ts';
import { present } from '../../controller/base/result.ts';
import { type Disposition, EXPLANATIONS } from '../../sim/vpc/dispositions.ts';
import { forward, type Trace } from '../../sim/vpc/forward.ts';
import { setDevice } from '../../sim/vpc/guest.ts';
import { changeGuest } from '../../sim/vpc/guest-change.ts';
import { TCP_ACK } from '../../sim/vpc/header.ts';
import { addHost } from '../../sim/vpc/network.ts';
import { NOTES } from '../../sim/vpc/note.ts';
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

/** A VPC and a transit gateway to which Direct Connect leads from a site with one host. */
function direct(up: boolean, gateway: 'vgw-1' | 'tgw-1', destination: string) {
  const { lab, a } = scene();
  const where = { account: '123456789012', region: 'eu-central-1' };
  table(lab, 'rtb-main', { main: true, routes: [route(destination, gateway)] });
  put(lab, 'vpn-gateway', { id: 'vgw-1', vpc: 'vpc-1' });
  const transit = {
    gateway: 'tgw-1',
    available: true,
    applianceMode: false,
    routeTable: 'tgw-rtb-1',
  } as const;
  const vpc = { kind: 'vpc', vpc: 'vpc-1', subnets: ['subnet-1'] } as const;
  put(lab, 'transit-gateway-attachment', { ...transit, id: 'tgw-attach-1', link: vpc });
  const link = { kind: 'direct-connect-gateway', gateway: 'dx-1' } as const;
  put(lab, 'transit-gateway-attachment', { ...transit, id: 'tgw-attach-2', link });
  const paths = [{ attachment: 'tgw-attach-2' }];
  put(lab, 'transit-gateway-route-table', {
    ...{ id: 'tgw-rtb-1', gateway: 'tgw-1', routes: [{ destination, paths }] },
  });
  const allowed = { directConnectGateway: 'dx-1', available: true, prefixes: ['10.1.0.0/16'] };
  put(lab, 'direct-connect-association', { ...allowed, id: 'a-1', gateway: 'vgw-1' });
  put(lab, 'direct-connect-association', { ...allowed, id: 'a-2', gateway: 'tgw-attach-2' });
  put(lab, 'virtual-interface', {
    ...{ ...where, id: 'dxvif-1', gateway: 'dx-1', site: 'dxcon-1', mtuBytes: 1500, siteLink: false, up },
    routes: ['172.16.0.0/16'],
  });
  return { lab, a, server: addHost(lab.network, address('172.16.0.9'), 'dxcon-1') };
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
    for (const device of a.devices) setDevice(a, device, { mac: 0x02_00_00_00_01_77 });
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
  DX_DOWN: () => {
    const { lab, a } = direct(false, 'vgw-1', '172.16.0.0/16');
    return udp(lab, a, '172.16.0.9');
  },
  DX_NO_ROUTE: () => {
    const { lab, a } = direct(true, 'tgw-1', '172.20.0.0/16');
    return udp(lab, a, '172.20.0.9');
  },
  DX_NOT_ANNOUNCED: () => {
    const { lab, server } = direct(true, 'vgw-1', '172.16.0.0/16');
    const packet = { protocol: 'udp', destination: '10.0.1.10', sourcePort: 7, destinationPort: 7 } as const;
    return forward(lab.network, packet, server, lab.now);
  },
  GUEST_LINK_DOWN: () => {
    const { lab, a, b } = scene();
    for (const device of b.devices) setDevice(b, device, { up: false });
    return udp(lab, a, '10.0.1.11');
  },
  GUEST_NOT_ITS_MAC: () => {
    const { lab, a, b } = scene();
    for (const device of b.devices) setDevice(b, device, { mac: 0x02_00_00_00_01_77 });
    return udp(lab, a, '10.0.1.11');
  },
  GUEST_NO_ROUTE: () => {
    const { lab, a } = scene();
    const [mac, via] = ['02:00:00:00:01:0a', '10.0.1.1'];
    changeGuest(a, { kind: 'route-remove', mac, table: 254, destination: '0.0.0.0/0', via });
    return udp(lab, a, '10.0.2.12');
  },
  GUEST_NO_SOURCE: () => {
    const { lab, a } = scene();
    for (const device of a.devices) setDevice(a, device, { addresses: [] });
    return udp(lab, a, '10.0.1.11');
  },
  GUEST_RP_FILTER: () => {
    const { lab, a } = scene();
    const mac = '02:00:00:00:02:0b';
    eni(lab, 'second', 2, 11, { attachment: { instance: 'i-b', deviceIndex: 1 } });
    const b = present(lab.network.guests.get('i-b'), 'i-b');
    changeGuest(b, { kind: 'link-up', mac });
    changeGuest(b, { kind: 'address-add', mac, address: '10.0.2.11', length: 24 });
    changeGuest(b, { kind: 'rp-filter', mac, mode: 1 });
    return udp(lab, a, '10.0.2.11');
  },
};

test.each(Object.entries(CASES))('%s', (code, produce) => {
  const { disposition, findings, hops } = produce();
  expect(disposition).toBe(code);
  expect(findings[0]?.code).toBe(code);
  expect(findings[0]?.objects.length).toBeGreaterThan(0);
  expect(hops.length).toBeGreaterThan(0);
});

const produced = new Set<string>([
  ...Object.keys(CASES),
  ...Object.values(FAULTS).flatMap((faults) => faults.map(({ code }) => code)),
]);

/** Loss rates do not touch a traced packet. */
const NEVER_TRACED = ['DELIVERED', 'LINK_LOSS'];

const WANTED = [
  ...Object.entries(EXPLANATIONS).flatMap(([code, { origin }]) => (origin === 'step' ? [] : [code])),
  ...Object.keys(NOTES),
].filter((code) => !NEVER_TRACED.includes(code));

describe('a world is broken so that its trace has', () => {
  test.each(WANTED)('%s', (code) => expect([...produced]).toContain(code));
});
