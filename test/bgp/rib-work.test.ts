/** What comes first when there is more than a portion of work. */
import { describe, expect, it } from 'vitest';
import { countStale, peerDown, reimport, setPolicy, takeChanges } from '../../controller/bgp/rib.ts';
import { explain } from '../../controller/bgp/rib-query.ts';
import { createRib, type Rib } from '../../controller/bgp/rib-state.ts';
import { hasWork, work } from '../../controller/bgp/rib-work.ts';
import { encodeKeepalive } from '../../controller/wire/message.ts';
import { announce, join, newRib, open, preferring, settle } from './rib-scene.ts';
import { A, B, neighbor } from './settings.ts';
import { establish, meet, openOf, pass, say, step, updateOf } from './tester.ts';

const many = (net: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${net}.${n >> 8}.${n & 255}.0/24`);
const TRACKED = '198.51.100.0/24';

/** Two peers with many routes, of which the last of both is tracked; all is told. */
function scene() {
  const rib = createRib({ multipath: 1, track: [{ prefix: TRACKED }] });
  const [lost, other] = [join(rib, 2), join(rib, 3)];
  for (const from of [lost, other]) announce(rib, from, [...many(10, 300), TRACKED]);
  settle(rib);
  takeChanges(rib);
  return { rib, lost, other };
}
const heard = (rib: Rib) => takeChanges(rib).map(({ prefix, nextHops: [hop] }) => [prefix, hop?.address]);

describe('the routes of a lost peer', () => {
  it('are taken away before the decisions that wait', () => {
    const { rib, lost, other } = scene();
    announce(rib, other, many(20, 500));
    peerDown(rib, lost, []);
    work(rib, 301);
    expect([lost.received.ipv4, countStale(rib, lost, 'ipv4')]).toEqual([0, 0]);
    expect(explain(rib, '10.0.7.0/24')?.paths.map(({ peer }) => peer)).toEqual(['peer-3']);
    expect(explain(rib, '20.0.7.0/24')?.paths.some(({ best }) => best)).toBe(false);
    settle(rib);
    expect(explain(rib, '20.0.7.0/24')?.paths.some(({ best }) => best)).toBe(true);
  });
  it('are taken away first of all where the owner has been told of them', () => {
    const { rib, lost } = scene();
    peerDown(rib, lost, []);
    work(rib, 1);
    expect(heard(rib)).toEqual([[TRACKED, '10.0.0.3']]);
    expect(lost.received.ipv4).toBe(300);
  });
  it('are taken away before policy is asked anew', () => {
    const { rib, lost, other } = scene();
    reimport(rib, other);
    peerDown(rib, lost, []);
    work(rib, 1);
    expect(heard(rib)).toEqual([[TRACKED, '10.0.0.3']]);
  });
  it('are no others, and none that the peer has announced again meanwhile', () => {
    const { rib, lost, other } = scene();
    peerDown(rib, lost, []);
    work(rib, 100);
    const again = join(rib, 2);
    announce(rib, again, ['10.1.5.0/24']);
    settle(rib);
    expect(again.received.ipv4).toBe(1);
    expect(other.received.ipv4).toBe(301);
    const peers = explain(rib, '10.1.5.0/24')?.paths.map(({ peer }) => peer);
    expect(peers?.sort()).toEqual(['peer-2', 'peer-3']);
  });
  it('that are kept are told again as stale, and nothing else is', () => {
    const { rib, lost } = scene();
    peerDown(rib, lost, ['ipv4']);
    settle(rib);
    expect(takeChanges(rib)).toMatchObject([{ prefix: TRACKED, nextHops: [{ stale: true }] }]);
  });
  it('with many paths of a prefix are all taken away', () => {
    const rib = newRib();
    const peer = join(rib, 2, { addPathIn: { ipv4: true, ipv6: false } });
    for (const pathId of [1, 2, 3]) announce(rib, peer, many(10, 3), {}, pathId);
    settle(rib);
    peerDown(rib, peer, []);
    settle(rib);
    expect(peer.received.ipv4).toBe(0);
    expect(takeChanges(rib).every(({ nextHops }) => nextHops.length === 0)).toBe(true);
  });
});

it('a new import policy reaches all paths of its peer and no other, in portions', () => {
  const { rib, lost, other } = scene();
  setPolicy(rib, other, { ...open, importPolicy: preferring.importPolicy });
  work(rib, 100);
  expect(hasWork(rib)).toBe(true);
  settle(rib);
  const localPrefs = explain(rib, '10.1.7.0/24')?.paths.map(({ peer, localPref }) => [peer, localPref]);
  expect(localPrefs?.sort()).toEqual([
    ['peer-2', 100],
    ['peer-3', 200],
  ]);
  expect([lost, other].map(({ received }) => received.ipv4)).toEqual([301, 301]);
});

describe('UPDATEs that come while routes of a lost peer are taken away', () => {
  const C = '10.0.0.3';
  const octets = (net: number): readonly number[] =>
    Array.from({ length: 700 }, (_, n) => [24, net, n >> 8, n & 255]).flat();

  it('wait until that is done, and then count', () => {
    const passive = { passive: true };
    const neighbors = [neighbor('b', B, 65002, passive), neighbor('c', C, 65002, passive)];
    const tester = meet({}, { neighbors });
    const { rib, peers } = tester.speaker;
    establish(tester);
    const first = tester.connection;
    for (const net of [20, 21, 22]) say(tester, updateOf(octets(net)));
    pass(tester, 0);
    tester.connection = 101;
    step(tester, { kind: 'tcp-accepted', connection: 101, local: A, remote: C });
    for (const bytes of [openOf({ bgpId: 0x0a000003 }), encodeKeepalive()]) say(tester, bytes);
    pass(tester, 0);
    expect(peers.get('b')?.rib?.received.ipv4).toBe(2100);
    tester.drains = false;
    step(tester, { kind: 'tcp-closed', connection: first, reason: 'broken' });
    say(tester, updateOf([8, 30]));
    expect(peers.get('b')?.rib?.received.ipv4).toBeLessThan(2100);
    expect(explain(rib, '30.0.0.0/8')).toBeUndefined();
    pass(tester, 0);
    expect(explain(rib, '30.0.0.0/8')?.paths.map(({ peer }) => peer)).toEqual(['c']);
  });
});
