/** New options for a running speaker: only what changed is touched. */
import { describe, expect, it } from 'vitest';
import type { NeighborOptions, Policy, SpeakerOptions } from '../../controller/bgp/options.ts';
import { resetsFor } from '../../controller/bgp/reconfigure.ts';
import { explain } from '../../controller/bgp/rib-query.ts';
import { isUp, lossesOf, settle } from './looks.ts';
import { addHost, feed, input, until, wait } from './net.ts';
import {
  A,
  B,
  GRACEFUL,
  neighbor,
  optionsOfA,
  type Pair,
  type PairOptions,
  PEER,
  pairOf,
  route,
  speakerOptions,
  startAll,
} from './settings.ts';

function up(options: PairOptions = {}): Pair {
  const pair = pairOf(options);
  startAll(pair);
  settle(pair);
  return pair;
}

const configure = (pair: Pair, options: SpeakerOptions): void => {
  input(pair.net, pair.a, { kind: 'configured', options });
  wait(pair.net, 100);
};

const policy = (localPref: number): Policy => ({
  name: 'in',
  rules: [{ match: {}, set: { localPref }, action: 'accept' }],
  otherwise: 'reject',
});

const BFD = { intervalMs: 300, multiplier: 3, multihop: false, passive: false, strict: false };

describe('new options', () => {
  it('that are the old ones do nothing', () => {
    const pair = up({ ab: { gracefulRestart: GRACEFUL, bfd: BFD } });
    const before = pair.a.effects.length;
    configure(pair, structuredClone(optionsOfA({ ab: { gracefulRestart: GRACEFUL, bfd: BFD } })));
    expect(pair.a.effects.slice(before).map(({ effect }) => effect.kind)).toEqual([]);
  });

  const resets: readonly Partial<NeighborOptions>[] = [
    { holdTimeS: 30 },
    { families: ['ipv4', 'ipv6'] },
    { password: 'new' },
    { gtsmHops: 1 },
    { localAs: 65009 },
    { addPath: { receive: true, send: 2 } },
    { extendedMessages: false },
    { role: 'peer' },
    { gracefulRestart: GRACEFUL },
    { as: 65003 },
    { bfd: { ...BFD, strict: true } },
  ];
  for (const change of resets) {
    it(`RFC 4486 4: reset the session with Cease/6 for ${Object.keys(change).join()}`, () => {
      const pair = up();
      configure(pair, optionsOfA({ ab: change }));
      expect(lossesOf(pair.b)).toEqual(['received Cease / Other Configuration Change (6/6)']);
    });
  }

  const kept: readonly Partial<NeighborOptions>[] = [
    { connectRetryMs: 1000 },
    { passive: true },
    { importPolicy: 'none' },
    { exportPolicy: 'none' },
    { maxPrefixes: { ipv4: { limit: 100, warnPercent: 80, action: 'stop' } } },
    { allowOwnAs: 1 },
    { nextHopSelf: true },
    { onLoss: 'ask' },
    { bfd: BFD },
  ];
  for (const change of kept) {
    it(`keep the session for ${Object.keys(change).join()}`, () => {
      const pair = up();
      configure(pair, optionsOfA({ ab: change }));
      expect(lossesOf(pair.b)).toEqual([]);
      expect(isUp(pair.a, 'b')).toBe(true);
    });
  }

  it('of policies are followed both ways without session loss', () => {
    const pair = up({ a: { policies: [policy(150)] }, ab: { importPolicy: 'in' } });
    const path = () => explain(pair.a.speaker.rib, '10.2.0.0/16')?.paths[0]?.localPref;
    expect(path()).toBe(150);
    configure(pair, optionsOfA({ a: { policies: [policy(250)] }, ab: { importPolicy: 'in' } }));
    expect(path()).toBe(250);
    configure(pair, optionsOfA({ ab: { importPolicy: 'none', exportPolicy: 'none' } }));
    expect([pair.a.routes.size, pair.b.routes.has('10.1.0.0/16')]).toEqual([0, false]);
    configure(pair, optionsOfA({}));
    expect([pair.a.routes.size, pair.b.routes.has('10.1.0.0/16')]).toEqual([1, true]);
    expect(lossesOf(pair.a)).toEqual([]);
  });

  it('of originated routes are followed', () => {
    const pair = up();
    configure(
      pair,
      optionsOfA({ a: { originate: [route('10.8.0.0/16'), route('10.1.0.0/16', { med: 7 })] } }),
    );
    expect(pair.b.routes.has('10.8.0.0/16')).toBe(true);
    expect(explain(pair.b.speaker.rib, '10.1.0.0/16')?.paths[0]?.med).toBe(7);
    configure(pair, optionsOfA({ a: { originate: [] } }));
    expect([pair.b.routes.has('10.8.0.0/16'), pair.b.routes.has('10.1.0.0/16')]).toEqual([false, false]);
  });

  it('RFC 4486 4: without the neighbor say Peer De-configured, and forget it', () => {
    const pair = up();
    configure(pair, speakerOptions(65001, A, []));
    expect(lossesOf(pair.b)).toEqual(['received Cease / Peer De-configured (6/3)']);
    expect(pair.a.speaker.peers.size).toBe(0);
    expect(pair.a.routes.size).toBe(0);
  });

  it('with another neighbor dial it, and leave the first alone', () => {
    const pair = up();
    const c = addHost(
      pair.net,
      'c',
      ['10.0.0.3'],
      speakerOptions(65003, '10.0.0.3', [neighbor('a', A, 65001)]),
    );
    feed(pair.net, c, { kind: 'start' });
    const neighbors = [neighbor('b', B, 65002), neighbor('c', '10.0.0.3', 65003)];
    configure(pair, { ...optionsOfA({}), neighbors });
    expect(until(pair.net, 20_000, () => isUp(pair.a, 'c') && c.routes.size === 2)).toBe(true);
    expect(lossesOf(pair.b)).toEqual([]);
  });

  it('shut a neighbor down, and enable it again', () => {
    const pair = up();
    configure(pair, optionsOfA({ ab: { shutdown: true } }));
    expect(lossesOf(pair.b)).toEqual(['received Cease / Administrative Shutdown (6/2)']);
    configure(pair, optionsOfA({}));
    settle(pair, 120_000);
  });

  it('of dynamic neighbors reach those who came under the old ones', () => {
    const pair = pairOf();
    const dynamic = {
      ...PEER,
      name: 'all',
      prefix: '10.0.0.0/24',
      as: [{ from: 1, to: 70_000 }],
      limit: 9,
      passive: true,
    };
    configure(pair, speakerOptions(65001, A, [], { dynamic: [dynamic], originate: [route('10.1.0.0/16')] }));
    startAll(pair);
    expect(until(pair.net, 20_000, () => pair.b.routes.size === 1)).toBe(true);
    configure(
      pair,
      speakerOptions(65001, A, [], {
        dynamic: [{ ...dynamic, exportPolicy: 'none' }],
        originate: [route('10.1.0.0/16')],
      }),
    );
    expect([isUp(pair.b, 'a'), pair.b.routes.size]).toEqual([true, 0]);
  });

  it('of graceful restart keep the routes while the session is renewed', () => {
    const both = { ab: { gracefulRestart: GRACEFUL }, ba: { gracefulRestart: GRACEFUL } };
    const pair = up(both);
    configure(pair, optionsOfA({ ab: { gracefulRestart: GRACEFUL, holdTimeS: 30 } }));
    expect(pair.b.sessions.slice(-1)[0]).toMatchObject({ state: 'down', retained: true });
    settle(pair);
  });

  it('with another AS or identifier renew all', () => {
    const pair = up();
    configure(pair, { ...optionsOfA({}), routerId: '9.9.9.9' });
    expect(lossesOf(pair.b)).toEqual(['received Cease / Other Configuration Change (6/6)']);
    settle(pair);
    expect(pair.b.speaker.peers.get('a')?.main.session?.bgpId).toBe(0x09090909);
  });
});

describe('resetsFor', () => {
  it('names what a session cannot follow', () => {
    expect(resetsFor(PEER, { ...PEER, holdTimeS: 3, connectRetryMs: 1 })).toEqual(['holdTimeS']);
    expect(resetsFor({ ...PEER, bfd: BFD }, { ...PEER, bfd: { ...BFD, strict: true } })).toEqual([
      'bfd.strict',
    ]);
    expect(resetsFor({ ...PEER, bfd: BFD }, { ...PEER, bfd: { ...BFD, intervalMs: 50 } })).toEqual([]);
  });
});
