/** The RIB by section, and against a plain reference over random sequences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refreshOut } from '../../controller/bgp/adj-rib-out.ts';
import {
  peerDown,
  reimport,
  setDrain,
  setPolicy,
  setTracking,
  sweepStale,
  takeChanges,
  tellAgain,
} from '../../controller/bgp/rib.ts';
import type { RibPeer } from '../../controller/bgp/rib-peer.ts';
import { explain, listRoutes } from '../../controller/bgp/rib-query.ts';
import { createRib, type Rib } from '../../controller/bgp/rib-state.ts';
import { tidy } from '../../controller/bgp/rib-tidy.ts';
import { COMMUNITY, type PathAttributes } from '../../controller/wire/attribute.ts';
import {
  announce,
  join,
  lostSets,
  newRib,
  policy,
  preferring,
  Receiver,
  settle,
  withdraw,
} from './rib-scene.ts';

const P = '198.51.100.0/24';
const path = (...as: number[]) => [{ type: 'sequence' as const, as }];
const bestOf = (rib: Rib, prefix = P): string | undefined => {
  settle(rib);
  return explain(rib, prefix)?.paths.find(({ best }) => best)?.peer;
};
const whyOf = (rib: Rib, prefix = P) => {
  settle(rib);
  return explain(rib, prefix)?.paths.map(({ peer, reason }) => `${peer} ${reason}`);
};

/** Two peers that announce one prefix at the same time. */
function contest(
  first: Partial<PathAttributes>,
  second: Partial<PathAttributes>,
  facts: readonly [object, object] = [{}, {}],
): Rib {
  const rib = newRib();
  announce(rib, join(rib, 2, facts[0]), [P], first);
  announce(rib, join(rib, 3, facts[1]), [P], second);
  return rib;
}

describe('RFC 4271 9.1.2.2, step by step', () => {
  const duel = (
    first: Partial<PathAttributes>,
    second: Partial<PathAttributes>,
    facts: readonly [object, object] = [{}, {}],
  ): readonly string[] | undefined => whyOf(contest(first, second, facts));
  const inside = { as: 65000 };
  it('LOCAL_PREF: the higher', () =>
    expect(duel({ localPref: 90 }, { localPref: 200 }, [inside, inside])?.[0]).toBe(
      'peer-3 wins by LOCAL_PREF',
    ));
  it('a: the shorter AS_PATH', () =>
    expect(duel({ asPath: path(65002, 1) }, {})?.[0]).toBe('peer-3 wins by AS_PATH length'));
  it('b: the lower ORIGIN', () =>
    expect(duel({ origin: 2 }, { origin: 1 })?.[0]).toBe('peer-3 wins by ORIGIN'));
  it('c: the lower MULTI_EXIT_DISC of one neighboring AS, a missing one being 0', () => {
    const same = [{ as: 65009 }, { as: 65009 }] as const;
    const from = { asPath: path(65009) };
    expect(duel({ ...from, med: 5 }, from, same)?.[0]).toBe('peer-3 wins by MULTI_EXIT_DISC');
  });
  it('c: not between different ASes', () =>
    expect(duel({ med: 500 }, { med: 1 })?.[0]).toBe('peer-2 wins by oldest eBGP path'));
  it('d: eBGP before iBGP', () =>
    expect(duel({ asPath: path(1), localPref: 100 }, {}, [inside, {}])?.[0]).toBe(
      'peer-3 wins by eBGP over iBGP',
    ));
  it('f: the lower identifier, by ORIGINATOR_ID where there is one', () =>
    expect(
      duel({ asPath: path(1), localPref: 100, originatorId: 99 }, { asPath: path(1), localPref: 100 }, [
        inside,
        inside,
      ])?.[0],
    ).toBe('peer-3 wins by router identifier'));
  it('RFC 5004 3: of equal eBGP paths the one that was best stays, whatever its router identifier', () => {
    const rib = newRib();
    announce(rib, join(rib, 2, { bgpId: 50 }), [P]);
    settle(rib);
    announce(rib, join(rib, 3, { bgpId: 9 }), [P]);
    expect(whyOf(rib)?.[0]).toBe('peer-2 wins by oldest eBGP path');
  });
  it('RFC 5004 3: none was best before, so that the router identifier decides', () =>
    expect(bestOf(contest({}, {}, [{ bgpId: 50 }, { bgpId: 9 }]))).toBe('peer-3'));
});

describe('import', () => {
  const refused = (changed: Partial<PathAttributes>, facts = {}, rules = {}) => {
    const rib = newRib();
    announce(rib, join(rib, 2, facts, rules), [P], changed);
    settle(rib);
    return explain(rib, P)?.paths[0]?.refused;
  };
  it('RFC 4271 9.1.2: our own AS in the path', () =>
    expect(refused({ asPath: path(65002, 65000) })).toMatch(/own AS/));
  it('RFC 4271 6.3: a path that does not begin with the neighbor', () =>
    expect(refused({ asPath: path(65077) })).toMatch(/does not begin/));
  it('RFC 4271 5.1.3: a next hop that is our own address', () =>
    expect(refused({ nextHop: { family: 'ipv4', words: [0, 0, 0, 0x0a000001] } })).toMatch(/own address/));
  it('RFC 8212 3: eBGP without import policy', () =>
    expect(refused({}, {}, { importPolicy: undefined })).toMatch(/RFC 8212/));
  it('RFC 9234 5: a customer that sends a marked route leaks it', () =>
    expect(refused({ otc: 65002 }, {}, { role: 'provider' })).toMatch(/leaks/));
  it('RFC 4456 8: our cluster in CLUSTER_LIST, our identifier in ORIGINATOR_ID', () => {
    const inside = { as: 65000 };
    const base = { asPath: path(1), localPref: 100 };
    expect(refused({ ...base, clusterList: [1] }, inside)).toMatch(/cluster/);
    expect(refused({ ...base, originatorId: 1 }, inside)).toMatch(/ORIGINATOR_ID/);
  });
  it('RFC 4271 9.1.4: overlapping routes stand side by side, and go one by one', () => {
    const rib = newRib();
    const [wide, narrow] = ['198.51.0.0/16', '198.51.100.0/24'];
    const [two, three] = [join(rib, 2), join(rib, 3)];
    announce(rib, two, [wide]);
    announce(rib, three, [narrow]);
    const best = () => {
      settle(rib);
      return [wide, narrow].map((prefix) => explain(rib, prefix)?.paths.find((one) => one.best)?.peer);
    };
    expect(best()).toEqual(['peer-2', 'peer-3']);
    withdraw(rib, three, [narrow]);
    expect(best()).toEqual(['peer-2', undefined]);
  });
  it('RFC 8326 4: GRACEFUL_SHUTDOWN makes a path the last choice', () => {
    const rib = newRib();
    announce(rib, join(rib, 2), [P], { communities: [COMMUNITY.gracefulShutdown] });
    announce(rib, join(rib, 3), [P], { asPath: path(65003, 1, 2, 3) });
    expect(bestOf(rib)).toBe('peer-3');
  });
  it('RFC 4271 6.7: beyond the limit it says so', () => {
    const rib = newRib();
    const limits = { limit: 2, warnPercent: 100, action: 'stop' as const };
    const peer = join(rib, 2, {}, { maxPrefixes: { ipv4: limits } });
    expect(announce(rib, peer, ['10.1.0.0/16', '10.2.0.0/16'])).not.toHaveProperty('limit');
    expect(announce(rib, peer, ['10.3.0.0/16'])).toMatchObject({ limit: { count: 3 } });
  });
  it('soft reset in: another policy without a new UPDATE', () => {
    const rib = newRib();
    const peer = join(rib, 2);
    announce(rib, peer, [P, '10.1.0.0/16']);
    settle(rib);
    const only = policy({
      match: { prefixes: [{ prefix: '10.0.0.0/8', ge: 16 }] },
      set: {},
      action: 'accept',
    });
    setPolicy(rib, peer, { ...peer.policy, importPolicy: only });
    reimport(rib, peer);
    settle(rib);
    expect(
      listRoutes(rib, { table: 'loc', family: 'ipv4', scan: 100 }).routes.map(({ prefix }) => prefix),
    ).toEqual(['10.1.0.0/16']);
  });
});

describe('export', () => {
  const sent = (changed: Partial<PathAttributes>, to: object = {}, rules: object = {}, from: object = {}) => {
    const rib = newRib();
    const receiver = new Receiver();
    announce(rib, join(rib, 2, from), [P], changed);
    receiver.pull(rib, join(rib, 3, to, rules));
    return receiver.held.get(P);
  };
  it('RFC 4271 5.1.2, 5.1.3: our AS in front, ourselves as next hop; MED and LOCAL_PREF stay behind', () =>
    expect(sent({ med: 9 })).toMatchObject({
      asPath: path(65000, 65002),
      nextHop: { words: [0, 0, 0, 0x0a000001] },
    }));
  it('RFC 4271 5.1.4: MED of one AS does not reach the next', () =>
    expect(sent({ med: 9 })).toMatchObject({ med: undefined }));
  it('RFC 4271 9.2: not back to whom it came from', () => {
    const rib = newRib();
    const peer = join(rib, 2);
    const receiver = new Receiver();
    announce(rib, peer, [P]);
    receiver.pull(rib, peer);
    expect(receiver.held.size).toBe(0);
  });
  it('RFC 8212 3: eBGP without export policy gets nothing', () =>
    expect(sent({}, {}, { exportPolicy: undefined })).toBeUndefined());
  it('RFC 1997: NO_EXPORT stays inside, NO_ADVERTISE goes to nobody', () => {
    expect(sent({ communities: [COMMUNITY.noExport] })).toBeUndefined();
    expect(sent({ communities: [COMMUNITY.noExport] }, { as: 65000 })).toBeDefined();
    expect(sent({ communities: [COMMUNITY.noAdvertise] }, { as: 65000 })).toBeUndefined();
  });
  it('RFC 4456 8: iBGP to iBGP only through a reflector, with originator and cluster', () => {
    const inside = { as: 65000 };
    const base = { asPath: path(1), localPref: 100 };
    expect(sent(base, inside, {}, inside)).toBeUndefined();
    expect(sent(base, inside, { reflectorClient: true }, inside)).toMatchObject({
      originatorId: 2,
      clusterList: [1],
    });
  });
  it('RFC 9234 5: a route for a customer is marked, a marked one does not go up', () => {
    expect(sent({}, {}, { role: 'provider' })).toMatchObject({ otc: 65000 });
    expect(sent({ otc: 7 }, {}, { role: 'customer' })).toBeUndefined();
  });
  it('RFC 7947 2.2: a transparent server leaves path and next hop alone', () =>
    expect(sent({}, {}, { transparent: true })).toMatchObject({
      asPath: path(65002),
      nextHop: { words: [0, 0, 0, 0x0a000002] },
    }));
  it('RFC 8326 4: drained, everything carries GRACEFUL_SHUTDOWN; or is withdrawn; and comes back', () => {
    const rib = newRib();
    const receiver = new Receiver();
    announce(rib, join(rib, 2), [P]);
    const to = join(rib, 3);
    setDrain(rib, 'graceful-shutdown');
    receiver.pull(rib, to);
    expect(receiver.held.get(P)?.communities).toEqual([COMMUNITY.gracefulShutdown]);
    setDrain(rib, 'withdraw');
    receiver.pull(rib, to);
    expect(receiver.held.size).toBe(0);
    setDrain(rib, 'none');
    receiver.pull(rib, to);
    expect(receiver.held.get(P)?.communities).toEqual([]);
  });
  it('RFC 2918 4: a refresh sends everything again, also what is held', () => {
    const rib = newRib();
    const receiver = new Receiver();
    announce(rib, join(rib, 2), [P]);
    const to = join(rib, 3);
    receiver.pull(rib, to);
    refreshOut(rib, to, 'ipv4', false);
    receiver.pull(rib, to);
    expect(receiver.needless).toBe(1);
  });
  it('RFC 7911 3: paths under identifiers of their own, each withdrawn alone', () => {
    const rib = newRib();
    const [a, b] = [join(rib, 2), join(rib, 3)];
    const to = join(rib, 4, { addPathOut: { ipv4: 2, ipv6: 0 } });
    const receiver = new Receiver();
    announce(rib, a, [P]);
    announce(rib, b, [P]);
    receiver.pull(rib, to);
    expect([...receiver.held.values()].map(({ asPath }) => asPath[0]?.as[1]).sort()).toEqual([65002, 65003]);
    withdraw(rib, a, [P]);
    receiver.pull(rib, to);
    expect([...receiver.held.values()].map(({ asPath }) => asPath[0]?.as[1])).toEqual([65003]);
  });
});

describe('stale routes', () => {
  it('RFC 4724 4.2: kept while the neighbor is away, swept when it does not say them again', () => {
    const rib = newRib();
    const peer = join(rib, 2);
    announce(rib, peer, [P, '10.1.0.0/16']);
    peerDown(rib, peer, ['ipv4']);
    expect(bestOf(rib)).toBe('peer-2');
    const again = join(rib, 2);
    announce(rib, again, [P]);
    sweepStale(rib, again, 'ipv4');
    expect([bestOf(rib), bestOf(rib, '10.1.0.0/16')]).toEqual(['peer-2', undefined]);
  });
  it('the owner hears of next hops only when they change', () => {
    const rib = newRib();
    const peer = join(rib, 2);
    announce(rib, peer, [P]);
    settle(rib);
    expect(takeChanges(rib)).toMatchObject([{ prefix: P, nextHops: [{ address: '10.0.0.2' }] }]);
    announce(rib, peer, [P], { med: 5 });
    settle(rib);
    expect(takeChanges(rib)).toEqual([]);
    withdraw(rib, peer, [P]);
    settle(rib);
    expect(takeChanges(rib)).toEqual([{ prefix: P, nextHops: [] }]);
  });
  it('the owner hears of the prefixes alone that it asks for, and of a new choice in full', () => {
    const rib = createRib({ multipath: 1, track: [{ prefix: '10.0.0.0/8', le: 16 }] });
    const peer = join(rib, 2);
    const heard = (): readonly string[] => {
      settle(rib);
      return takeChanges(rib)
        .map(({ prefix, nextHops }) => `${prefix} ${nextHops.length}`)
        .sort();
    };
    announce(rib, peer, [P, '10.1.0.0/16', '10.2.0.0/24']);
    expect(heard()).toEqual(['10.1.0.0/16 1']);
    setTracking(rib, [{ prefix: P }]);
    expect(heard()).toEqual(['10.1.0.0/16 0', `${P} 1`]);
    setTracking(rib, true);
    expect(heard()).toEqual(['10.1.0.0/16 1', '10.2.0.0/24 1', `${P} 1`]);
    tellAgain(rib);
    expect(heard()).toEqual(['10.1.0.0/16 1', '10.2.0.0/24 1', `${P} 1`]);
    setTracking(rib, false);
    expect(heard()).toEqual(['10.1.0.0/16 0', '10.2.0.0/24 0', `${P} 0`]);
    withdraw(rib, peer, [P]);
    expect(heard()).toEqual([]);
  });
});

interface Announced {
  readonly kind: 'announce';
  readonly peer: number;
  readonly prefixes: readonly number[];
  readonly length: number;
  readonly origin: 0 | 1 | 2;
}
type Op =
  | Announced
  | { readonly kind: 'withdraw'; readonly peer: number; readonly prefixes: readonly number[] }
  | { readonly kind: 'down'; readonly peer: number }
  | { readonly kind: 'up'; readonly peer: number }
  | { readonly kind: 'pull' }
  | { readonly kind: 'tidy' };

const peer = fc.integer({ min: 2, max: 4 });
const prefixes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('announce' as const),
      peer,
      prefixes,
      length: fc.integer({ min: 1, max: 3 }),
      origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), peer, prefixes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('down' as const, 'up' as const), peer }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('pull' as const, 'tidy' as const) }) },
);
const text = (n: number): string => `10.${n}.0.0/16`;

describe('against a plain reference', () => {
  it('after any sequence the receiver holds a best path of each prefix, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const rib = newRib();
        const to = join(rib, 9);
        const receiver = new Receiver();
        const peers = new Map<number, RibPeer>([2, 3, 4].map((n) => [n, join(rib, n, {}, preferring)]));
        const model = new Map<string, Announced>();
        for (const one of ops) {
          // Begun again and again, and carried on between any two events.
          rib.collectAbove = 0;
          for (let portion = 0; portion < 5; portion++) tidy(rib, 1);
          expect(lostSets(rib)).toEqual([]);
          if (one.kind === 'pull') receiver.pull(rib, to);
          if (one.kind === 'tidy') {
            settle(rib);
            while (tidy(rib, 1));
            expect(lostSets(rib)).toEqual([]);
          }
          if (one.kind === 'pull' || one.kind === 'tidy') continue;
          const from = peers.get(one.peer);
          if (from === undefined) continue;
          if (one.kind === 'up') peers.set(one.peer, join(rib, one.peer, {}, preferring));
          if (one.kind === 'down' || one.kind === 'up') {
            if (one.kind === 'down' && from.up) peerDown(rib, from, []);
            if (one.kind === 'up') sweepStale(rib, from, 'ipv4');
            for (const key of [...model.keys()]) if (key.endsWith(`@${one.peer}`)) model.delete(key);
            continue;
          }
          if (!from.up) continue;
          for (const n of one.prefixes) {
            if (one.kind === 'withdraw') model.delete(`${n}@${one.peer}`);
            else model.set(`${n}@${one.peer}`, one);
          }
          const list = one.prefixes.map(text);
          if (one.kind === 'withdraw') withdraw(rib, from, list);
          else {
            const as = Array.from({ length: one.length }, (_, index) =>
              index === 0 ? 65000 + one.peer : 100 + index,
            );
            announce(rib, from, list, { asPath: path(...as), origin: one.origin });
          }
        }
        receiver.pull(rib, to);
        for (let n = 0; n < 10; n++) {
          const candidates = [...model].flatMap(([key, one]) => (key.startsWith(`${n}@`) ? [one] : []));
          const least = Math.min(...candidates.map(({ length, origin }) => length * 10 + origin));
          const best = candidates.filter(({ length, origin }) => length * 10 + origin === least);
          const held = receiver.held.get(text(n));
          expect(held === undefined).toBe(best.length === 0);
          if (held === undefined) continue;
          const from = (held.asPath[0]?.as[1] ?? 0) - 65000;
          expect(best.map((one) => one.peer)).toContain(from);
          expect(held).toMatchObject({ origin: best[0]?.origin });
          expect(held.asPath[0]?.as).toHaveLength((best[0]?.length ?? 0) + 1);
        }
        expect(receiver.needless).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
