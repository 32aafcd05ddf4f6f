/** What attributes cross a session, and in which form UPDATEs come and go: by section. */

import { describe, expect, it } from 'vitest';
import { nextUpdates } from '../../controller/bgp/adj-rib-out.ts';
import type { PolicyRule } from '../../controller/bgp/options.ts';
import { originate } from '../../controller/bgp/rib.ts';
import type { PeerFacts } from '../../controller/bgp/rib-peer.ts';
import { explain } from '../../controller/bgp/rib-query.ts';
import { receiveUpdate } from '../../controller/bgp/rib-receive.ts';
import { COMMUNITY, type PathAttributes } from '../../controller/wire/attribute.ts';
import { HEADER } from '../../controller/wire/message.ts';
import { mpReachHead, updateMessage } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';
import {
  announce,
  attributesOf,
  join,
  newRib,
  nlriOf,
  policy,
  Receiver,
  settle,
  withdraw,
} from './rib-scene.ts';
import { route } from './settings.ts';

const P = '198.51.100.0/24';
const OUTSIDE: Partial<PeerFacts> = {};
const INSIDE: Partial<PeerFacts> = { as: 65000 };
const sequence = (...as: number[]) => ({ type: 'sequence' as const, as });

/** Takes what asks for a blackhole. */
const agreed: PolicyRule = { match: { communities: ['blackhole'] }, set: {}, action: 'accept' };

/** What a neighbor gets of a route that came from AS 65002, or from inside. */
function passed(
  attributes: Partial<PathAttributes>,
  to = OUTSIDE,
  from = OUTSIDE,
  rules: Parameters<typeof join>[3] = {},
  taken: Parameters<typeof join>[3] = {},
): PathAttributes | undefined {
  const rib = newRib();
  const receiver = new Receiver();
  announce(rib, join(rib, 2, from, taken), [P], attributes);
  receiver.pull(rib, join(rib, 3, to, rules));
  return receiver.held.get(P);
}

describe('attributes on their way out', () => {
  it('RFC 4271 5.1.2: inside the AS the path is what it was; outside, a full segment gets one before it', () => {
    const full = sequence(65002, ...Array.from({ length: 254 }, (_, index) => 1000 + index));
    expect(passed({ asPath: [full] }, INSIDE)?.asPath).toEqual([full]);
    expect(passed({ asPath: [full] })?.asPath).toEqual([sequence(65000), full]);
  });

  it('RFC 4271 5.1.2: a route of our own has an empty path inside, and our AS alone outside', () => {
    for (const [facts, path] of [
      [INSIDE, []],
      [OUTSIDE, [sequence(65000)]],
    ] as const) {
      const rib = newRib();
      const receiver = new Receiver();
      originate(rib, route(P));
      receiver.pull(rib, join(rib, 3, facts));
      expect(receiver.held.get(P)?.asPath).toEqual(path);
    }
  });

  it('RFC 4271 5.1.2: a route that is passed on for another speaker keeps its path behind our AS', () => {
    const rib = newRib();
    const receiver = new Receiver();
    originate(rib, route(P, { asPath: [65020, 65021] }));
    receiver.pull(rib, join(rib, 3, OUTSIDE));
    expect(receiver.held.get(P)?.asPath).toEqual([sequence(65000, 65020, 65021)]);
  });

  it('RFC 4271 5.1.3: inside the AS the next hop stays, unless we say next-hop-self', () => {
    expect(passed({}, INSIDE)?.nextHop?.words[3]).toBe(0x0a000002);
    expect(passed({}, INSIDE, OUTSIDE, { nextHopSelf: true })?.nextHop?.words[3]).toBe(0x0a000001);
  });

  it('RFC 4271 5.1.3: a neighbor is not told to send to its own address', () => {
    const rib = newRib();
    originate(rib, route(P, { nextHop: '10.0.0.3' }));
    const [three, four] = [new Receiver(), new Receiver()];
    three.pull(rib, join(rib, 3));
    four.pull(rib, join(rib, 4));
    expect([three.held.size, four.held.get(P)?.nextHop?.words[3]]).toEqual([0, 0x0a000003]);
    expect(passed({ nextHop: { family: 'ipv4', words: [0, 0, 0, 0x0a000003] } }, INSIDE)).toBeUndefined();
  });

  it('RFC 4271 5.1.4, 5.1.5: MULTI_EXIT_DISC and LOCAL_PREF go round inside the AS', () => {
    expect(passed({ med: 7 }, INSIDE)).toMatchObject({ med: 7, localPref: 100 });
    const inside = passed({ localPref: 300, asPath: [sequence(9)] }, OUTSIDE, INSIDE);
    expect([inside?.asPath, inside?.localPref]).toEqual([[sequence(65000, 9)], undefined]);
  });

  it('RFC 4271 5.1.6, 5.1.7: ATOMIC_AGGREGATE and AGGREGATOR are passed on', () => {
    const aggregator = { as: 65009, id: 5 };
    expect(passed({ atomicAggregate: true, aggregator })).toMatchObject({
      atomicAggregate: true,
      aggregator,
    });
  });

  it('RFC 1997: communities are passed on; NO_EXPORT_SUBCONFED stays inside', () => {
    expect(passed({ communities: [1, 2] })?.communities).toEqual([1, 2]);
    expect(passed({ communities: [COMMUNITY.noExportSubconfed] })).toBeUndefined();
    expect(passed({ communities: [COMMUNITY.noExportSubconfed] }, INSIDE)).toBeDefined();
  });

  it('RFC 4360 6: a non-transitive community does not leave the AS, but what policy adds does', () => {
    const extended = [
      [0x0002fde8, 1],
      [0x4004fde8, 2],
    ] as const;
    expect(passed({ extended }, INSIDE)?.extended).toEqual(extended);
    expect(passed({ extended })?.extended).toEqual([extended[0]]);
    const set = { addCommunities: ['bandwidth:65000:125000'] };
    const exportPolicy = policy({ match: {}, set, action: 'accept' });
    expect(passed({}, OUTSIDE, OUTSIDE, { exportPolicy })?.extended).toEqual([[0x4004fde8, 0x47f42400]]);
  });

  it('RFC 8092 3: large communities are passed on, each once', () =>
    expect(
      passed({
        large: [
          [1, 2, 3],
          [1, 2, 4],
          [1, 2, 3],
        ],
      })?.large,
    ).toEqual([
      [1, 2, 3],
      [1, 2, 4],
    ]));

  it('RFC 7947 2.2: a transparent server changes neither MULTI_EXIT_DISC nor communities', () => {
    const extended = [[0x4004fde8, 2]] as const;
    const communities = [1, 2];
    expect(passed({ med: 7, communities, extended }, OUTSIDE, OUTSIDE, { transparent: true })).toMatchObject({
      med: 7,
      communities,
      extended,
    });
  });

  it('RFC 7999 3.2: a blackhole goes no further than to us and those inside', () => {
    const attributes = { communities: [COMMUNITY.blackhole] };
    const importPolicy = policy(agreed);
    expect(passed(attributes, OUTSIDE, OUTSIDE, {}, { importPolicy })).toBeUndefined();
    expect(passed(attributes, INSIDE, OUTSIDE, {}, { importPolicy })).toBeDefined();
    const rib = newRib();
    const receiver = new Receiver();
    originate(rib, route(P, { communities: ['blackhole'] }));
    receiver.pull(rib, join(rib, 3));
    expect(receiver.held.get(P)?.communities).toEqual([COMMUNITY.blackhole]);
  });

  it('RFC 9234 5: an ONLY_TO_CUSTOMER that is there is kept as it is', () =>
    expect(passed({ otc: 7 }, OUTSIDE, OUTSIDE, { role: 'provider' })?.otc).toBe(7));
});

describe('attributes on their way in', () => {
  /** What becomes of a route from AS 65002. */
  const taken = (attributes: Partial<PathAttributes>, rules: Parameters<typeof join>[3], facts = OUTSIDE) => {
    const rib = newRib();
    announce(rib, join(rib, 2, facts, rules), [P], attributes);
    settle(rib);
    return explain(rib, P)?.paths[0];
  };
  /** ONLY_TO_CUSTOMER that such a route has inside the AS. */
  const otcOf = (role: NonNullable<Parameters<typeof join>[3]>['role'], otc?: number) => {
    const rib = newRib();
    const receiver = new Receiver();
    const rules = role === undefined ? {} : { role };
    announce(rib, join(rib, 2, OUTSIDE, rules), [P], otc === undefined ? {} : { otc });
    receiver.pull(rib, join(rib, 3, INSIDE));
    return receiver.held.get(P)?.otc;
  };

  it('RFC 9234 5: from a provider, a peer or a route server a route is marked with its AS, if it is not yet', () => {
    for (const role of ['customer', 'peer', 'route-server-client'] as const)
      expect(otcOf(role), role).toBe(65002);
    for (const role of ['provider', 'route-server', undefined] as const)
      expect(otcOf(role), role).toBeUndefined();
    expect(otcOf('customer', 7)).toBe(7);
  });

  it('RFC 9234 5: from a client or a customer a marked route leaks, from a peer one that others marked', () => {
    for (const role of ['provider', 'route-server'] as const)
      expect(taken({ otc: 65002 }, { role })?.refused, role).toMatch(/leaks/);
    expect(taken({ otc: 7 }, { role: 'peer' })?.refused).toMatch(/leaks/);
    expect(taken({ otc: 65002 }, { role: 'peer' })?.refused).toBeUndefined();
    expect(taken({ otc: 7 }, { role: 'customer' })?.refused).toBeUndefined();
  });

  it('RFC 8326 4: GRACEFUL_SHUTDOWN makes LOCAL_PREF 0, whatever policy says of it', () => {
    const importPolicy = policy({ match: {}, set: { localPref: 500 }, action: 'accept' });
    expect(taken({ communities: [COMMUNITY.gracefulShutdown] }, { importPolicy })?.localPref).toBe(0);
    expect(taken({}, { importPolicy })?.localPref).toBe(500);
  });

  it('RFC 7999 3.3: BLACKHOLE of another AS is taken only where the import policy names it', () => {
    const asked = { communities: [COMMUNITY.blackhole] };
    expect(taken(asked, {})?.refused).toMatch(/BLACKHOLE, which no rule/);
    expect(taken({}, {})?.best).toBe(true);
    const rest: PolicyRule = { match: {}, set: {}, action: 'accept' };
    const outcomes: readonly (readonly [PolicyRule, boolean])[] = [
      [agreed, true],
      [{ ...agreed, match: { communities: ['65535:666'] } }, true],
      [{ ...agreed, match: { communities: ['65000:666'] } }, false],
      [{ match: { ...agreed.match, peers: ['peer-9'] }, set: {}, action: 'reject' }, false],
    ];
    for (const [rule, expected] of outcomes)
      expect(taken(asked, { importPolicy: policy(rule, rest) })?.best, JSON.stringify(rule)).toBe(expected);
    expect(taken({ ...asked, localPref: 100 }, {}, INSIDE)?.best).toBe(true);
  });

  it('RFC 8212 3: iBGP needs no policy, either way', () => {
    const none = { importPolicy: undefined, exportPolicy: undefined } as never;
    expect(taken({ asPath: [sequence(9)], localPref: 100 }, none, INSIDE)?.best).toBe(true);
    expect(passed({}, INSIDE, OUTSIDE, none)).toBeDefined();
  });
});

describe('UPDATEs on their way out', () => {
  const V6: Partial<PeerFacts> = {
    families: ['ipv6'],
    address: { family: 'ipv6', words: [0x20010db8, 0, 0, 3] },
    localAddress: { family: 'ipv6', words: [0x20010db8, 0, 0, 1] },
  };

  it('RFC 7606 5.1: MP_REACH_NLRI and MP_UNREACH_NLRI are the first attribute, RFC 2545 3: with one address', () => {
    const rib = newRib();
    const to = join(rib, 3, V6);
    originate(rib, route('2001:db8:1::/48'));
    settle(rib);
    const bytes = nextUpdates(rib, to, 4096) ?? new Uint8Array();
    expect([bytes[HEADER + 5], bytes[HEADER + 11]]).toEqual([14, 16]);
  });

  it('RFC 2545 3: a link-local next hop is not passed on', () => {
    const rib = newRib();
    const from = join(rib, 2, {
      ...V6,
      ...INSIDE,
      address: { family: 'ipv6', words: [0x20010db8, 0, 0, 2] },
    });
    const nextHop = {
      family: 'ipv6',
      words: [0x20010db8, 0, 0, 2],
      linkLocal: [0xfe800000, 0, 0, 2],
    } as const;
    const nlri = [16, 0x20, 0x01];
    const attributes = writeAttributes(attributesOf(2, { nextHop, localPref: 100 }), {
      as4: true,
      inMpReach: true,
    });
    const bytes = updateMessage(
      [],
      [...mpReachHead('ipv6', nextHop, nlri.length), ...nlri, ...attributes],
      [],
    );
    expect(receiveUpdate(rib, from, bytes, HEADER, bytes.length)).toMatchObject({
      kind: 'taken',
      discarded: [],
    });
    const to = join(rib, 3, { ...V6, as: 65003 }, { transparent: true });
    settle(rib);
    const sent = nextUpdates(rib, to, 4096) ?? new Uint8Array();
    expect([sent[HEADER + 5], sent[HEADER + 11]]).toEqual([14, 16]);
  });

  it('RFC 4271 9.2, RFC 8654 4: what does not fit into a message is not sent, and withdrawn if it was', () => {
    const large = Array.from({ length: 400 }, (_, index) => [1, 2, index] as const);
    for (const maxMessage of [4096, 65535]) {
      const rib = newRib();
      const from = join(rib, 2);
      const to = join(rib, 3, { maxMessage });
      const receiver = new Receiver();
      announce(rib, from, [P]);
      receiver.pull(rib, to);
      expect(receiver.held.size).toBe(1);
      announce(rib, from, [P], { large });
      receiver.pull(rib, to);
      expect(receiver.held.get(P)?.large.length).toBe(maxMessage === 4096 ? undefined : 400);
      expect(to.out.ipv4.count).toBe(receiver.held.size);
    }
  });
});

describe('UPDATEs on their way in', () => {
  /** Whether the prefix is there after an UPDATE of these parts. */
  function take(
    attributes: readonly number[] | Uint8Array,
    { withdrawn, nlri = nlriOf([P]) }: { withdrawn?: Uint8Array; nlri?: Uint8Array } = {},
  ) {
    const rib = newRib();
    const bytes = updateMessage(withdrawn ?? [], attributes, nlri);
    const taken = receiveUpdate(rib, join(rib, 2), bytes, HEADER, bytes.length);
    settle(rib);
    return { taken, path: explain(rib, P)?.paths[0] };
  }
  const plain = writeAttributes(attributesOf(2), { as4: true, inMpReach: false });
  const [origin, path, hop] = [plain.slice(0, 4), plain.slice(4, 13), plain.slice(13)];

  it('RFC 4271 4.3: a prefix that is withdrawn and announced at once is announced', () =>
    expect(take(plain, { withdrawn: nlriOf([P]) }).path?.best).toBe(true));

  it('RFC 4271 4.3: bits beyond the length of a prefix mean nothing', () =>
    expect(take(plain, { nlri: Uint8Array.of(20, 198, 51, 0x6f) }).taken).toMatchObject({ kind: 'taken' }));

  it('RFC 4271 5: attributes may come in any order', () =>
    expect(take([...hop, ...path, ...origin]).path?.best).toBe(true));

  it('RFC 4760 3: NEXT_HOP beside MP_REACH_NLRI is ignored, whatever it says', () => {
    const nextHop = attributesOf(2).nextHop;
    if (nextHop === undefined) throw new Error('no next hop');
    const nlri = nlriOf([P]);
    const reach = [...mpReachHead('ipv4', nextHop, nlri.length), ...nlri];
    const zero = [0x40, 3, 4, 0, 0, 0, 0];
    const { path: found } = take([...origin, ...path, ...zero, ...reach], { nlri: new Uint8Array() });
    expect(found?.nextHop).toBe('10.0.0.2');
  });

  it('RFC 7606 5.1: MP_REACH_NLRI may stand anywhere', () => {
    const nextHop = attributesOf(2).nextHop;
    if (nextHop === undefined) throw new Error('no next hop');
    const nlri = nlriOf([P]);
    const reach = [...mpReachHead('ipv4', nextHop, nlri.length), ...nlri];
    for (const all of [
      [...reach, ...origin, ...path],
      [...origin, ...reach, ...path],
      [...origin, ...path, ...reach],
    ])
      expect(take(all, { nlri: new Uint8Array() }).path?.best).toBe(true);
  });

  it('RFC 7606 5.2: a fault without any route to withdraw resets; what would be left out does not', () => {
    const none = { nlri: new Uint8Array() };
    const bad = [0x40, 1, 1, 9];
    expect(take([...bad, ...path, ...hop], none).taken).toMatchObject({
      kind: 'reset',
      notification: { subcode: 1 },
    });
    expect(take([...plain, 0x40, 2, 64], none).taken).toMatchObject({ kind: 'reset' });
    expect(take([...plain, 0xc0, 7, 1, 0], none).taken).toMatchObject({ kind: 'taken' });
    expect(take(plain, none).taken).toMatchObject({ kind: 'taken' });
    expect(take([...bad, ...path, ...hop]).taken).toMatchObject({
      kind: 'taken',
      withdrawn: 'ORIGIN: it is 9',
    });
  });

  it('RFC 7606 3 h: of a fault to discard and one to withdraw the stronger counts', () =>
    expect(take([...plain.slice(4), 0x40, 6, 1, 0]).taken).toMatchObject({
      kind: 'taken',
      withdrawn: expect.stringMatching(/ORIGIN is missing/),
    }));

  it('RFC 7911 5: a path takes the place of that of its identifier, and is withdrawn by it', () => {
    const rib = newRib();
    const from = join(rib, 2, { addPathIn: { ipv4: true, ipv6: false } });
    const ids = () => {
      settle(rib);
      return explain(rib, P)?.paths.map(({ pathId, med }) => [pathId, med]);
    };
    announce(rib, from, [P], { med: 1 }, 1);
    announce(rib, from, [P], { med: 2 }, 2);
    announce(rib, from, [P], { med: 3 }, 1);
    expect(ids()).toEqual([
      [2, 2],
      [1, 3],
    ]);
    withdraw(rib, from, [P], 2);
    withdraw(rib, from, [P], 7);
    expect(ids()).toEqual([[1, 3]]);
  });
});
