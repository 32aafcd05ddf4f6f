/**
 * What is remembered of flows against the whole way: two networks live through the same, and one of them
 * forgets everything before each packet.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { CODE } from '../../sim/vpc/dispositions.ts';
import { send } from '../../sim/vpc/forward.ts';
import { boot, type Guest, setDevice, setGuest } from '../../sim/vpc/guest.ts';
import { changeGuest } from '../../sim/vpc/guest-change.ts';
import { createHeader, fill, formatMac, type Packet } from '../../sim/vpc/header.ts';
import type { NetworkAcl, SecurityGroupRule } from '../../sim/vpc/model.ts';
import {
  APPLIANCE,
  createLab,
  drop,
  eni,
  everything,
  type Lab,
  machine,
  OPEN_GROUP,
  put,
  route,
  SERVER,
  subnet,
  table,
} from './lab.ts';

const NAMES = ['a', 'b', 'c', 'fw'] as const;
type Name = (typeof NAMES)[number];
const PLACES = { a: [1, 10], b: [1, 11], c: [2, 12], fw: [1, 20] } as const;

const guestOf = (lab: Lab, name: Name): Guest => present(lab.network.guests.get(`i-${name}`), name);

const rules = (...cidrs: readonly string[]): readonly SecurityGroupRule[] =>
  cidrs.map((cidr) => ({ protocol: -1, fromPort: -1, toPort: -1, peer: { kind: 'cidr', cidr } }));
const INSIDE = rules('10.0.0.0/8', '2001:db8::/32');

const group = (lab: Lab, ingress: readonly SecurityGroupRule[], egress = ingress): void =>
  put(lab, 'security-group', { id: OPEN_GROUP, vpc: 'vpc-1', ingress, egress });

const acl = (lab: Lab, action: 'allow' | 'deny'): void => {
  const entry = { number: 1, action, protocol: -1, fromPort: 0, toPort: 0, cidr: '0.0.0.0/0' } as const;
  const entries: NetworkAcl['entries'] = [
    { ...entry, egress: false },
    { ...entry, egress: true },
  ];
  put(lab, 'network-acl', { id: 'acl-2', vpc: 'vpc-1', entries, subnets: ['subnet-2'] });
};

const machineEni = (lab: Lab, name: Name, more: Parameters<typeof eni>[4] = {}): void => {
  const [n, host] = PLACES[name];
  const attachment = { instance: `i-${name}`, deviceIndex: 0 };
  eni(lab, name, n, host, { attachment, sourceDestCheck: name !== 'fw', ...more });
};

function scene(): Lab {
  const lab = createLab();
  group(lab, INSIDE);
  for (const n of [1, 2]) subnet(lab, n, `eu-central-1${'ab'[n - 1]}`);
  for (const name of NAMES) {
    const [n, host] = PLACES[name];
    machine(lab, name, n, host, name === 'fw' ? { sourceDestCheck: false, profile: APPLIANCE } : {});
  }
  return lab;
}

const own = (lab: Lab, name: Name): { readonly mac: string; readonly table: 254 } => ({
  mac: formatMac(guestOf(lab, name).devices[0]?.mac ?? 0),
  table: 254,
});

/** What may happen to a network between two packets. */
const CHANGES: Readonly<Record<string, (lab: Lab) => unknown>> = {
  'rules only for c': (lab) => group(lab, rules('10.0.2.0/24'), INSIDE),
  'rules for the VPC': (lab) => group(lab, INSIDE),
  'no rules': (lab) => group(lab, []),
  'rules open to everywhere': (lab) => group(lab, everything()),
  'no security groups': (lab) => machineEni(lab, 'c', { securityGroups: [] }),
  'the ACL denies': (lab) => acl(lab, 'deny'),
  'the ACL allows': (lab) => acl(lab, 'allow'),
  'no ACL': (lab) => drop(lab, 'network-acl', 'acl-2'),
  'a route by the firewall': (lab) =>
    table(lab, 'rtb-main', { main: true, routes: [route('10.0.2.0/24', 'eni-fw')] }),
  'a table of its own': (lab) => table(lab, 'rtb-2', { subnets: ['subnet-2'] }),
  'the local routes alone': (lab) => table(lab, 'rtb-main', { main: true }),
  'the ENI of c moves away': (lab) => drop(lab, 'network-interface', 'eni-c'),
  'the ENI of c is there': (lab) => machineEni(lab, 'c'),
  'b takes the address of c': (lab) =>
    machineEni(lab, 'b', {
      addresses: ['10.0.1.11', '2001:db8:0:1::11', '10.0.2.12'],
      sourceDestCheck: false,
    }),
  'b has another MAC': (lab) => machineEni(lab, 'b', { mac: '02:00:00:00:09:99' }),
  'the instance stops': (lab) => put(lab, 'instance', { id: 'i-c', vpc: 'vpc-1', state: 'stopped' }),
  'the instance runs': (lab) => put(lab, 'instance', { id: 'i-c', vpc: 'vpc-1', state: 'running' }),
  'c is dead': (lab) => setGuest(guestOf(lab, 'c'), { power: 'dead' }),
  'c boots': (lab) =>
    boot(
      guestOf(lab, 'c'),
      lab.network.fabric.instances.get('i-c')?.ports ?? [],
      lab.network.fabric.settings,
    ),
  'a is frozen': (lab) => setGuest(guestOf(lab, 'a'), { power: 'frozen' }),
  'a runs': (lab) => setGuest(guestOf(lab, 'a'), { power: 'running' }),
  'the firewall drops': (lab) => setGuest(guestOf(lab, 'fw'), { drop: true }),
  'the firewall translates': (lab) =>
    setGuest(guestOf(lab, 'fw'), { drop: false, profile: { ipForward: true, masquerade: [0] } }),
  'the firewall forwards': (lab) => setGuest(guestOf(lab, 'fw'), { drop: false, profile: APPLIANCE }),
  'a link down': (lab) => {
    const guest = guestOf(lab, 'c');
    for (const device of guest.devices) setDevice(guest, device, { up: false });
  },
  'a link up': (lab) => changeGuest(guestOf(lab, 'c'), { kind: 'link-up', ...own(lab, 'c') }),
  'a sends by the firewall': (lab) =>
    changeGuest(guestOf(lab, 'a'), {
      kind: 'route-add',
      ...own(lab, 'a'),
      destination: '10.0.2.0/24',
      via: '10.0.1.20',
    }),
  'a sends by itself': (lab) =>
    changeGuest(guestOf(lab, 'a'), {
      kind: 'route-remove',
      ...own(lab, 'a'),
      destination: '10.0.2.0/24',
      via: '10.0.1.20',
    }),
  'a has another address': (lab) =>
    changeGuest(guestOf(lab, 'a'), {
      kind: 'address-add',
      ...own(lab, 'a'),
      address: '10.0.2.12',
      length: 32,
    }),
};

interface Sent {
  readonly from: Name;
  readonly packet: Packet;
  readonly lost: boolean;
}

/** In JSON all that can be seen of a packet's fate: code, receiver, what it is then, and the crossings. */
function fateOf(lab: Lab, { from, packet, lost }: Sent): string {
  const h = createHeader();
  h.now = lab.now;
  must(fill(h, packet));
  const crossings: unknown[] = [];
  const crossing = (near?: { id: string }, far?: { id: string }): number => {
    crossings.push([near?.id, far?.id]);
    return lost ? CODE.LINK_LOSS : 0;
  };
  const { code, at } = send(lab.network, guestOf(lab, from), h, { crossing });
  const { from: _, to, router, quoted, n0, n1, n2, n3, ...rest } = h;
  return JSON.stringify({ code, at: at?.id, crossings, ...rest });
}

/** In JSON what is left behind: tracked flows with their times, neighbours, translations. */
const tracesIn = ({ network }: Lab): string =>
  JSON.stringify({
    flows: network.fabric.flows,
    guests: [...network.guests.values()].map(({ devices, nat }) => [
      devices.map(({ neighbours }) => neighbours.values),
      nat.forward.expiresAt,
      nat.back.expiresAt,
    ]),
  });

const packet: fc.Arbitrary<Sent> = fc.record({
  from: fc.constantFrom(...NAMES),
  lost: fc.constantFrom(false, false, false, false, true),
  packet: fc
    .record({
      destination: fc.constantFrom(
        '10.0.2.12',
        '10.0.2.12',
        '10.0.1.10',
        '10.0.1.11',
        '2001:db8:0:2::12',
        SERVER,
      ),
      protocol: fc.constantFrom('udp', 'udp', 'tcp', 'icmp'),
      ports: fc.constantFrom([4000, 7], [7, 4000]),
      tcpFlags: fc.constantFrom(2, 16),
      ttl: fc.constantFrom(64, 64, 2, 1),
      lengthBytes: fc.constantFrom(64, 64, 9001, 9002),
      source: fc.constantFrom(undefined, undefined, '10.0.1.10'),
    })
    .map(({ ports: [sourcePort = 0, destinationPort = 0], source, ...rest }) => ({
      ...rest,
      sourcePort,
      destinationPort,
      ...(source !== undefined && !rest.destination.includes(':') && { source }),
    })),
});

const happening = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('packets' as const), of: fc.nat(5), count: fc.nat(3) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      what: fc.constantFrom(...Object.keys(CHANGES)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(1, 5000, 29_999, 60_000, 200_000),
    }),
  },
);

describe('what is remembered of flows', () => {
  it('shows in nothing, over random packets, changes and waits', () => {
    let hits = 0;
    const flows = fc.array(packet, { minLength: 6, maxLength: 6 });
    const property = fc.property(
      flows,
      fc.array(happening, { minLength: 20, maxLength: 60 }),
      (pool, happenings) => {
        const [lab, reference] = [scene(), scene()];
        for (const each of happenings) {
          for (const side of [lab, reference]) {
            if (each.kind === 'change') CHANGES[each.what]?.(side);
            if (each.kind === 'time') side.now += each.ms;
          }
          if (each.kind !== 'packets') continue;
          for (let i = 0; i <= each.count; i++) {
            reference.network.fabric.epoch.number++;
            const sent = present(pool[each.of], 'a packet');
            expect(fateOf(lab, sent)).toBe(fateOf(reference, sent));
          }
        }
        expect(tracesIn(lab)).toBe(tracesIn(reference));
        hits += lab.network.memo.hits;
      },
    );
    fc.assert(property, { numRuns: 250 });
    expect(hits).toBeGreaterThan(1000);
  });

  it('is of as many flows as there are, with the address that the sender chose and the ENIs to cross', () => {
    const lab = scene();
    const flows = Array.from({ length: 300 }, (_, i): Sent => {
      const [sourcePort, destinationPort] = [4000 + (i >> 1), 7 + (i & 1)];
      const packet: Packet = { protocol: 'udp', destination: '10.0.2.12', sourcePort, destinationPort };
      return { from: 'a', packet, lost: false };
    });
    const round = (): readonly string[] => flows.map((each) => fateOf(lab, each));
    const first = round();
    round();
    const { hits } = lab.network.memo;
    expect(round()).toEqual(first);
    expect(lab.network.memo.hits - hits).toBe(flows.length);
    expect(JSON.parse(present(first[0], 'a fate'))).toMatchObject({
      at: 'i-c',
      crossings: [['eni-a', 'eni-c']],
      s3: 0x0a00010a,
    });
  });
});
