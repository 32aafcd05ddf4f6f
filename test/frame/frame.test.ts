import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../controller/base/ip.ts';
import { must, present } from '../../controller/base/result.ts';
import { createFrame, type Frame, readPacket, writePacket } from '../../sim/frame/frame.ts';
import { createSwitch, plug, type Switch, switchFrame } from '../../sim/frame/switch.ts';
import { applyChange } from '../../sim/vpc/apply-change.ts';
import { createHeader, formatMac, setDestination, setSource } from '../../sim/vpc/header.ts';
import type { Change } from '../../sim/vpc/model.ts';
import { addHost, createNetwork } from '../../sim/vpc/network.ts';
import { encode, HEADROOM, type Words, wrongSums } from './bytes.ts';

const frameOf = (bytes: Buffer): Frame => ({
  ...createFrame(),
  view: new DataView(bytes.buffer, bytes.byteOffset),
  start: HEADROOM,
  end: bytes.length,
});

const word = fc.integer({ min: 0, max: 0xffff });
const address4 = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  .map((octets) => octets.join('.'));
const address6 = fc
  .tuple(word, word, word)
  .map((words) => `2001:db8:${words.map((each) => each.toString(16)).join(':')}::1`);
const port = fc.integer({ min: 0, max: 65_535 });

const words = fc
  .record({
    family: fc.constantFrom(4, 6),
    kind: fc.constantFrom('tcp', 'udp', 'icmp'),
    ports: fc.tuple(port, port),
    lengthBytes: fc.integer({ min: 64, max: 600 }),
    ttl: fc.integer({ min: 2, max: 255 }),
    dontFragment: fc.boolean(),
  })
  .chain(({ family, kind, ports, ...rest }) => {
    const address = family === 4 ? address4 : address6;
    const protocol = kind === 'tcp' ? 6 : kind === 'udp' ? 17 : family === 4 ? 1 : 58;
    const echo = { type: family === 4 ? 8 : 128, code: 0, id: ports[0] };
    return fc
      .record({ source: address, destination: address, newSource: address, newDestination: address })
      .map((ends) => ({
        ...ends,
        ...rest,
        protocol,
        sourcePort: ports[0],
        destinationPort: ports[1],
        sourceMac: '02:00:00:00:00:01',
        destinationMac: '02:00:00:00:00:02',
        ...(kind === 'icmp' && { icmp: echo }),
      }));
  });

describe('a frame', () => {
  it('has right checksums after addresses, ports and TTL were rewritten in place', () => {
    fc.assert(
      fc.property(words, port, port, (drawn, a, b) => {
        const bytes = encode(drawn);
        const frame = frameOf(bytes);
        const h = createHeader();
        expect(readPacket(frame, h)).toBe(true);
        setSource(h, must(parseAddress(drawn.newSource)));
        setDestination(h, must(parseAddress(drawn.newDestination)));
        h.ttl--;
        if (drawn.icmp === undefined) [h.sourcePort, h.destinationPort] = [a, b];
        else h.icmpId = a;
        writePacket(frame, h);
        expect(wrongSums(bytes.subarray(HEADROOM))).toEqual([]);
        const again = createHeader();
        expect(readPacket(frame, again)).toBe(true);
        expect(again).toEqual({ ...h, ttl: drawn.ttl - 1 });
      }),
    );
  });

  it('is refused where it is cut short', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        const bytes = Buffer.concat([Buffer.alloc(HEADROOM + 12), Buffer.from('0800', 'hex'), noise]);
        readPacket(frameOf(bytes), createHeader());
        const six = Buffer.concat([Buffer.alloc(HEADROOM + 12), Buffer.from('86dd', 'hex'), noise]);
        readPacket(frameOf(six), createHeader());
      }),
    );
  });
});

const MAC = '02:00:00:00:00:0a';
const PEER_MAC = '02:00:00:00:00:0b';
const OWN = { id: 'eni-a', mac: MAC, addresses: ['10.0.0.10', '2001:db8::10'], public: '198.51.100.1' };
const PEER = { id: 'eni-b', mac: PEER_MAC, addresses: ['10.0.0.11', '2001:db8::11'], public: '198.51.100.2' };

/** Two ENIs in a public subnet, a host outside, and what comes out of their taps 0, 1 and 2. */
function setUp(): { sw: Switch; out: { tap: number; bytes: Buffer }[]; routerMac: string } {
  const network = createNetwork();
  const target = { kind: 'internet-gateway', gateway: 'igw-1' } as const;
  const route = (destination: string, to: typeof target | { kind: 'local' }) =>
    ({ destination, target: to, origin: 'CreateRoute' }) as const;
  const changes: Change[] = [
    {
      kind: 'vpc',
      id: 'vpc-1',
      value: { id: 'vpc-1', account: '1', region: 'r', cidrs: ['10.0.0.0/16', '2001:db8::/56'] },
    },
    {
      kind: 'subnet',
      id: 'subnet-1',
      value: { id: 'subnet-1', vpc: 'vpc-1', zone: 'a', cidrs: ['10.0.0.0/24', '2001:db8::/64'] },
    },
    { kind: 'internet-gateway', id: 'igw-1', value: { id: 'igw-1', vpc: 'vpc-1' } },
    { kind: 'instance', id: 'i-1', value: { id: 'i-1', vpc: 'vpc-1', state: 'running' } },
    {
      kind: 'route-table',
      id: 'rtb-1',
      value: {
        id: 'rtb-1',
        vpc: 'vpc-1',
        main: true,
        subnets: [],
        gateways: [],
        routes: [route('10.0.0.0/16', { kind: 'local' }), route('0.0.0.0/0', target)],
      },
    },
    ...[OWN, PEER].map(
      (eni, deviceIndex): Change => ({
        kind: 'network-interface',
        id: eni.id,
        value: {
          id: eni.id,
          mac: eni.mac,
          addresses: eni.addresses,
          vpc: 'vpc-1',
          subnet: 'subnet-1',
          sourceDestCheck: true,
          securityGroups: [],
          publicAddresses: [{ private: present(eni.addresses[0], 'an address'), public: eni.public }],
          attachment: { instance: 'i-1', deviceIndex },
        },
      }),
    ),
  ];
  for (const change of changes) applyChange(network.fabric, change);
  addHost(network, must(parseAddress('8.8.8.8')));
  const out: { tap: number; bytes: Buffer }[] = [];
  const sw = createSwitch(network, (tap, frame) => {
    out.push({
      tap,
      bytes: Buffer.from(frame.view.buffer, frame.view.byteOffset + frame.start, frame.end - frame.start),
    });
  });
  for (const [tap, { id }] of [OWN, PEER].entries()) {
    plug(sw, tap, { kind: 'eni', port: present(network.fabric.ports.get(id), id), running: true });
  }
  plug(sw, 2, { kind: 'outside' });
  const routerMac = formatMac(present(network.fabric.subnets.get('subnet-1'), 'the subnet').routerMac);
  return { sw, out, routerMac };
}

const send = (sw: Switch, bytes: Buffer): void => switchFrame(sw, 0, frameOf(bytes), 0);
const hex = (...parts: readonly string[]): Buffer =>
  Buffer.from(parts.join('').replaceAll(/[:. ]/g, ''), 'hex');
const room = '00'.repeat(HEADROOM);

const arp = (sender: string, target: string): Buffer =>
  hex(room, 'ffffffffffff', MAC, '0806', '0001080006040001', MAC, sender, '000000000000', target);

describe('the switch', () => {
  it('answers ARP with the real MAC of the peer, or the router, and nothing else', () => {
    const { sw, out, routerMac } = setUp();
    send(sw, arp('0a00000a', '0a00000b'));
    send(sw, arp('0a00000a', '0a000001'));
    send(sw, arp('0a00000a', 'a9fea9fe'));
    const answers = out.map(({ tap, bytes }) => [
      tap,
      bytes.toString('hex', 20, 22),
      bytes.toString('hex', 22, 28),
    ]);
    const router = routerMac.replaceAll(':', '');
    expect(answers).toEqual([
      [0, '0002', PEER_MAC.replaceAll(':', '')],
      [0, '0002', router],
      [0, '0002', router],
    ]);
    send(sw, arp('0a00000a', '0a000063'));
    send(sw, arp('0a00000a', '0a00000a'));
    expect(out).toHaveLength(3);
  });

  it('answers neighbour solicitations', () => {
    const { sw, out } = setUp();
    const body = hex('87 00 0000 00000000', '20010db8000000000000000000000011', '0101', MAC);
    const head = hex(
      '60000000',
      '0020',
      '3a',
      'ff',
      '20010db8000000000000000000000010',
      'ff0200000000000000000001ff000011',
    );
    send(sw, Buffer.concat([hex(room, '3333ff000011', MAC, '86dd'), head, body]));
    const [answer] = out;
    expect(answer?.tap).toBe(0);
    expect(answer?.bytes.readUInt8(54)).toBe(136);
    expect(answer?.bytes.subarray(-6).toString('hex')).toBe(PEER_MAC.replaceAll(':', ''));
    expect(wrongSums(answer?.bytes ?? Buffer.alloc(60))).toEqual([]);
  });

  it('gives an address by DHCP, and refuses another one', () => {
    const { sw, out } = setUp();
    const ask = (options: string): void => {
      const bootp = hex(
        '01010600',
        '12345678',
        '00'.repeat(20),
        MAC,
        '00'.repeat(202),
        '63825363',
        options,
        'ff',
      );
      const words: Words = {
        sourceMac: MAC,
        destinationMac: 'ff:ff:ff:ff:ff:ff',
        source: '0.0.0.0',
        destination: '255.255.255.255',
        protocol: 17,
        sourcePort: 68,
        destinationPort: 67,
        ttl: 64,
        lengthBytes: 28 + bootp.length,
        dontFragment: false,
      };
      const bytes = encode(words);
      bytes.set(bootp, bytes.length - bootp.length);
      send(sw, bytes);
    };
    ask('350101');
    ask('350103 32040a00000a');
    ask('350103 32040a000063');
    const told = out.map(({ bytes }) => ({
      type: bytes.readUInt8(14 + 28 + 240 + 2),
      own: bytes.toString('hex', 14 + 28 + 16, 14 + 28 + 20),
      wrong: wrongSums(bytes),
    }));
    expect(told).toEqual([
      { type: 2, own: '0a00000a', wrong: [] },
      { type: 5, own: '0a00000a', wrong: [] },
      { type: 6, own: '00000000', wrong: [] },
    ]);
  });

  it('answers a packet that is too long with the MTU, and the packet as it was sent', () => {
    const { sw, out, routerMac } = setUp();
    const bytes = encode({
      sourceMac: MAC,
      destinationMac: routerMac,
      source: '10.0.0.10',
      destination: '8.8.8.8',
      protocol: 17,
      sourcePort: 1000,
      destinationPort: 53,
      ttl: 64,
      lengthBytes: 1501,
      dontFragment: true,
    });
    const sent = Buffer.from(bytes.subarray(HEADROOM + 14));
    send(sw, bytes);
    const [answer] = out;
    const icmp = present(answer, 'an answer').bytes.subarray(34);
    expect([answer?.tap, icmp.readUInt8(0), icmp.readUInt8(1), icmp.readUInt16BE(6)]).toEqual([
      0, 3, 4, 1500,
    ]);
    expect(icmp.subarray(8).equals(sent.subarray(0, 548))).toBe(true);
    expect(wrongSums(present(answer, 'an answer').bytes)).toEqual([]);
  });

  it('counts segments, not what a TAP hands over in one', () => {
    const { sw, out, routerMac } = setUp();
    const bytes = encode({
      sourceMac: MAC,
      destinationMac: routerMac,
      source: '10.0.0.10',
      destination: '8.8.8.8',
      protocol: 6,
      sourcePort: 1000,
      destinationPort: 80,
      ttl: 64,
      lengthBytes: 20_000,
      dontFragment: true,
    });
    const again = Buffer.from(bytes);
    switchFrame(sw, 0, { ...frameOf(bytes), segmentBytes: 1460 }, 0);
    switchFrame(sw, 0, { ...frameOf(again), segmentBytes: 1461 }, 0);
    expect(out.map(({ tap }) => tap)).toEqual([2, 0]);
  });
});
