/**
 * The guests' kernels: several ENIs, policy routes, reverse path filter, neighbours, power, changes that are
 * refused.
 */
import { describe, expect, it } from 'vitest';
import type { GuestChange } from '../../controller/event.ts';
import { type Guest, setGuest } from '../../sim/vpc/guest.ts';
import { changeGuest } from '../../sim/vpc/guest-change.ts';
import { createLab, drop, eni, type Lab, machine, roundTrip, subnet, udp } from './lab.ts';

const ETH0 = '02:00:00:00:01:0a';
const ETH1 = '02:00:00:00:03:0a';

function change(guest: Guest, ...changes: readonly GuestChange[]): void {
  for (const each of changes) expect(changeGuest(guest, each)).toBeUndefined();
}

/** Guest a with eth0 in subnet 1 and eth1 in subnet 3 (10.0.3.10, configured), and a client in subnet 2. */
function multihomed(): { readonly lab: Lab; readonly a: Guest; readonly client: Guest } {
  const lab = createLab();
  for (const n of [1, 2, 3]) subnet(lab, n);
  const a = machine(lab, 'a', 1, 10);
  const client = machine(lab, 'client', 2, 20);
  eni(lab, 'second', 3, 10, { attachment: { instance: 'i-a', deviceIndex: 1 } });
  change(
    a,
    { kind: 'link-up', mac: ETH1 },
    { kind: 'address-add', mac: ETH1, address: '10.0.3.10', length: 24 },
  );
  return { lab, a, client };
}

const POLICY: readonly GuestChange[] = [
  { kind: 'route-add', mac: ETH1, table: 1001, destination: '0.0.0.0/0', via: '10.0.3.1' },
  { kind: 'rule-add', from: '10.0.3.10', table: 1001 },
];

describe('a guest with several ENIs', () => {
  it('answers out of eth0, where the source check of that ENI drops the answer', () => {
    const { lab, client } = multihomed();
    const { there, back } = roundTrip(lab, client, '10.0.3.10');
    expect(there.deliveredTo).toBe('i-a');
    expect(back?.disposition).toBe('ENI_SOURCE_DEST_CHECK_RESTRICTION');
    expect(back?.hops.at(-1)?.id).toBe('eni-a');
  });

  it('answers through the right ENI with policy routes', () => {
    const { lab, a, client } = multihomed();
    change(a, ...POLICY);
    expect(roundTrip(lab, client, '10.0.3.10').back?.deliveredTo).toBe('i-client');
    change(a, { kind: 'rule-remove', from: '10.0.3.10', table: 1001 });
    expect(roundTrip(lab, client, '10.0.3.10').back?.disposition).toBe('ENI_SOURCE_DEST_CHECK_RESTRICTION');
  });

  it('refuses what came in on eth1 but would go back through eth0 where rp_filter is strict', () => {
    const { lab, a, client } = multihomed();
    change(a, { kind: 'rp-filter', mac: ETH1, mode: 1 });
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('GUEST_RP_FILTER');
    change(a, ...POLICY);
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('DELIVERED');
  });

  it('loses device, addresses and routes with the ENI, and gets a bare link with the next', () => {
    const { lab, a, client } = multihomed();
    change(a, ...POLICY);
    eni(lab, 'second', 3, 10);
    expect(a.devices).toHaveLength(1);
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('BAD_STATE_ATTACHMENT');
    expect(changeGuest(a, { kind: 'link-up', mac: ETH1 })).toMatch(
      /no device with MAC 02:00:00:00:03:0a in i-a/,
    );
    eni(lab, 'second', 3, 10, { attachment: { instance: 'i-a', deviceIndex: 1 } });
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('GUEST_LINK_DOWN');
    change(a, { kind: 'link-up', mac: ETH1 });
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('GUEST_NOT_FORWARDING');
  });
});

describe('changes that a guest has already', () => {
  it('make no difference, nor does what is gone already', () => {
    const { lab, a, client } = multihomed();
    change(a, ...POLICY);
    change(a, ...POLICY);
    expect(a.rules).toHaveLength(POLICY.filter(({ kind }) => kind === 'rule-add').length);
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('DELIVERED');
    const removals: GuestChange[] = [
      { kind: 'rule-remove', from: '10.0.3.10', table: 7 },
      { kind: 'route-remove', mac: ETH1, table: 7, destination: '192.0.2.0/24' },
      { kind: 'route-remove', mac: '02:00:00:00:09:09', table: 7, destination: '192.0.2.0/24' },
      { kind: 'address-remove', mac: ETH0, address: '10.0.1.99', length: 24 },
    ];
    change(a, ...removals);
    expect(udp(lab, client, '10.0.3.10').disposition).toBe('DELIVERED');
  });
});

describe('changes that a guest refuses', () => {
  const cases: readonly (readonly [string, GuestChange, RegExp])[] = [
    ['an unknown MAC', { kind: 'link-up', mac: '02:00:00:00:09:09' }, /it has 02:00:00:00:01:0a/],
    [
      'a next hop that is not on the link',
      { kind: 'route-add', mac: ETH0, table: 254, destination: '192.0.2.0/24', via: '10.0.9.9' },
      /next hop 10\.0\.9\.9 is not on the link/,
    ],
    [
      'what is no address',
      { kind: 'address-add', mac: ETH0, address: '10.0.1', length: 24 },
      /'10\.0\.1' is not an IP address/,
    ],
  ];
  it.each(cases)('%s', (_, refused, why) => {
    const lab = createLab();
    subnet(lab, 1);
    expect(changeGuest(machine(lab, 'a', 1, 10), refused)).toMatch(why);
  });

  it('an address that another device has', () => {
    const { a } = multihomed();
    const taken: GuestChange = { kind: 'address-add', mac: ETH1, address: '10.0.1.10', length: 24 };
    expect(changeGuest(a, taken)).toMatch(/10\.0\.1\.10 exists on device 02:00:00:00:01:0a of i-a/);
  });

  it('anything while it is dead', () => {
    const lab = createLab();
    subnet(lab, 1);
    const a = machine(lab, 'a', 1, 10);
    setGuest(a, { power: 'dead' });
    expect(changeGuest(a, { kind: 'link-up', mac: ETH0 })).toMatch(/i-a is dead/);
  });
});

describe('power', () => {
  it('a frozen or dead guest takes and sends nothing; a hung one still forwards', () => {
    const lab = createLab();
    subnet(lab, 1);
    const a = machine(lab, 'a', 1, 10);
    const b = machine(lab, 'b', 1, 11);
    setGuest(b, { power: 'frozen' });
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('GUEST_FROZEN');
    expect(udp(lab, b, '10.0.1.10').disposition).toBe('GUEST_FROZEN');
    setGuest(b, { power: 'dead' });
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('GUEST_DOWN');
    setGuest(b, { power: 'running' });
    setGuest(b, { hung: true });
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('DELIVERED');
  });
});

describe('neighbours', () => {
  /** a talks to 10.0.1.100, which moves from b to c. */
  function move(fabricGarp: boolean): { readonly lab: Lab; readonly a: Guest } {
    const lab = createLab({ fabricGarp });
    subnet(lab, 1);
    const a = machine(lab, 'a', 1, 10);
    const owners = [machine(lab, 'b', 1, 11), machine(lab, 'c', 1, 12)];
    const give = (name: string, n: number, extra: readonly string[]): void => {
      const attachment = { instance: `i-${name}`, deviceIndex: 0 };
      eni(lab, name, 1, n, { attachment, addresses: [`10.0.1.${n}`, ...extra] });
    };
    give('b', 11, ['10.0.1.100']);
    for (const [i, guest] of owners.entries()) {
      change(guest, {
        kind: 'address-add',
        mac: `02:00:00:00:01:0${'bc'[i]}`,
        address: '10.0.1.100',
        length: 24,
      });
    }
    expect(udp(lab, a, '10.0.1.100').deliveredTo).toBe('i-b');
    give('b', 11, []);
    give('c', 12, ['10.0.1.100']);
    return { lab, a };
  }

  it('learn the new MAC at once where the fabric announces it', () => {
    const { lab, a } = move(true);
    expect(udp(lab, a, '10.0.1.100').deliveredTo).toBe('i-c');
  });

  it('keep the old MAC where it does not, until the entry is confirmed anew', () => {
    const { lab, a } = move(false);
    expect(udp(lab, a, '10.0.1.100').disposition).toBe('STALE_ARP');
    lab.now = 59_999;
    expect(udp(lab, a, '10.0.1.100').disposition).toBe('STALE_ARP');
    lab.now = 60_000;
    expect(udp(lab, a, '10.0.1.100').deliveredTo).toBe('i-c');
  });

  it('are not asked across subnets', () => {
    const { lab } = move(false);
    subnet(lab, 2);
    expect(udp(lab, machine(lab, 'd', 2, 20), '10.0.1.100').deliveredTo).toBe('i-c');
  });
});

describe('late records', () => {
  it('an address that moves is the new ENI’s in whichever order the two records come', () => {
    const lab = createLab();
    subnet(lab, 1);
    subnet(lab, 2);
    machine(lab, 'b', 1, 11);
    machine(lab, 'c', 1, 12);
    const d = machine(lab, 'd', 2, 20);
    const give = (name: string, n: number, extra: readonly string[]): void => {
      const attachment = { instance: `i-${name}`, deviceIndex: 0 };
      eni(lab, name, 1, n, { attachment, addresses: [`10.0.1.${n}`, ...extra] });
    };
    const last = (): string | undefined =>
      udp(lab, d, '10.0.1.100').hops.findLast((hop) => hop.place === 'eni')?.id;
    give('b', 11, ['10.0.1.100']);
    give('c', 12, ['10.0.1.100']);
    give('b', 11, []);
    expect(last()).toBe('eni-c');
    give('b', 11, ['10.0.1.100']);
    give('b', 11, []);
    expect(last()).toBe('eni-c');
    give('c', 12, []);
    expect(udp(lab, d, '10.0.1.100').disposition).toBe('NO_POSSIBLE_DESTINATION');
  });

  it('an ENI whose subnet arrives later works', () => {
    const lab = createLab();
    subnet(lab, 1);
    const a = machine(lab, 'a', 1, 10);
    eni(lab, 'late', 5, 50, { attachment: { instance: 'i-late', deviceIndex: 0 } });
    expect(udp(lab, a, '10.0.5.50').disposition).toBe('BAD_STATE_ATTACHMENT');
    subnet(lab, 5);
    machine(lab, 'late', 5, 50);
    expect(udp(lab, a, '10.0.5.50').deliveredTo).toBe('i-late');
    drop(lab, 'network-interface', 'eni-late');
    expect(udp(lab, a, '10.0.5.50').disposition).toBe('NO_POSSIBLE_DESTINATION');
  });
});
