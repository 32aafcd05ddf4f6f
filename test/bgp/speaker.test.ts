/** Two speakers and more: what sessions carry, and what limits, operators and strangers do to them. */
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import type { Policy, SpeakerOptions } from '../../controller/bgp/options.ts';
import { summary, neighbor as view } from '../../controller/bgp/query.ts';
import { explain, listRoutes } from '../../controller/bgp/rib-query.ts';
import { isUp, linesOf, lossesOf, messagesOf, notificationsOf, settle, staleOf } from './looks.ts';
import { addHost, breakConnections, createNet, feed, input, kill, reboot, until, wait } from './net.ts';
import {
  A,
  B,
  GRACEFUL,
  neighbor,
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

const both = (change: PairOptions['ab']): PairOptions => ({ ab: { ...change }, ba: { ...change } });

describe('routes both ways', () => {
  it('RFC 4760, RFC 2545: IPv6 over an IPv6 session', () => {
    const net = createNet();
    const v6 = { families: ['ipv6'] as const };
    const listen = [{ address: '::', port: 179 }];
    const a = addHost(
      net,
      'a',
      ['2001:db8::1'],
      speakerOptions(65001, A, [neighbor('b', '2001:DB8:0::2', 65002, v6)], {
        listen,
        originate: [route('2001:db8:a::/48')],
      }),
    );
    const b = addHost(
      net,
      'b',
      ['2001:db8::2'],
      speakerOptions(65002, B, [neighbor('a', '2001:db8::1', 65001, v6)], {
        listen,
        originate: [route('2001:db8:b::/48')],
      }),
    );
    for (const host of net.hosts) feed(net, host, { kind: 'start' });
    expect(until(net, 20_000, () => a.routes.size === 1 && b.routes.size === 1)).toBe(true);
    expect(a.routes.get('2001:db8:b::/48')?.nextHops[0]?.address).toBe('2001:db8::2');
    expect(b.routes.get('2001:db8:a::/48')?.nextHops[0]?.address).toBe('2001:db8::1');
    input(net, a, { kind: 'withdraw', prefix: '2001:db8:a::/48' });
    expect(until(net, 1000, () => !b.routes.has('2001:db8:a::/48'))).toBe(true);
  });

  it('RFC 8950: IPv4 over an IPv6 session', () => {
    const net = createNet();
    const change = { families: ['ipv4', 'ipv6'], extendedNextHop: true } as const;
    const listen = [{ address: '::', port: 179 }];
    const a = addHost(
      net,
      'a',
      ['2001:db8::1'],
      speakerOptions(65001, A, [neighbor('b', '2001:db8::2', 65002, change)], {
        listen,
        originate: [route('10.1.0.0/16')],
      }),
    );
    const b = addHost(
      net,
      'b',
      ['2001:db8::2'],
      speakerOptions(65002, B, [neighbor('a', '2001:db8::1', 65001, change)], { listen }),
    );
    for (const host of net.hosts) feed(net, host, { kind: 'start' });
    expect(until(net, 20_000, () => b.routes.size === 1)).toBe(true);
    expect(b.routes.get('10.1.0.0/16')?.nextHops[0]?.address).toBe('2001:db8::1');
    expect(a.routes.size).toBe(0);
  });

  it('come and go while the session stands', () => {
    const pair = up();
    input(pair.net, pair.a, { kind: 'originate', route: route('10.9.0.0/16') });
    wait(pair.net, 100);
    expect(pair.b.routes.has('10.9.0.0/16')).toBe(true);
    input(pair.net, pair.a, { kind: 'withdraw', prefix: '10.9.0.0/16' });
    wait(pair.net, 100);
    expect(pair.b.routes.has('10.9.0.0/16')).toBe(false);
    input(pair.net, pair.a, { kind: 'originate', route: route('10.9.0.1/16') });
    expect(linesOf(pair.a).some((line) => /not announced.*did you mean/.test(line))).toBe(true);
  });

  it('RFC 8654: thousands of prefixes of one set, in messages longer than 4096', () => {
    const originate = Array.from({ length: 3000 }, (_, at) => route(`11.${at >> 8}.${at & 255}.0/24`));
    for (const extendedMessages of [true, false]) {
      const pair = pairOf({ ...both({ extendedMessages }), a: { originate } });
      startAll(pair);
      expect(until(pair.net, 20_000, () => pair.b.routes.size === 3000)).toBe(true);
      const longest = Math.max(...messagesOf(pair.a, B, 2).map(({ body }) => body.length + 19));
      if (extendedMessages) expect(longest).toBeGreaterThan(4096);
      else expect(longest).toBeLessThanOrEqual(4096);
    }
  });

  it('RFC 8212: without policy nothing passes on eBGP', () => {
    const none = { importPolicy: undefined, exportPolicy: undefined } as never;
    const pair = pairOf(both(none));
    startAll(pair);
    expect(until(pair.net, 20_000, () => isUp(pair.a, 'b'))).toBe(true);
    wait(pair.net, 5000);
    expect([pair.a.routes.size, pair.b.routes.size]).toEqual([0, 0]);
    expect(view(pair.a.speaker, 'b', pair.net.now)?.policies.import).toBe('none (RFC 8212)');
  });

  it('RFC 7911: more than one path of a prefix', () => {
    const net = createNet();
    const addPath = { addPath: { receive: true, send: 4 } };
    const paths = ['c', 'd'].map((name, index) => {
      const address = `10.0.0.${3 + index}`;
      const sees = [neighbor('b', B, 65002)];
      const originate = [route('10.7.0.0/16')];
      addHost(net, name, [address], speakerOptions(65003 + index, address, sees, { originate }));
      return neighbor(name, address, 65003 + index);
    });
    const toA = neighbor('a', A, 65001, addPath);
    addHost(net, 'b', [B], speakerOptions(65002, B, [...paths, toA]));
    const a = addHost(net, 'a', [A], speakerOptions(65001, A, [neighbor('b', B, 65002, addPath)]));
    for (const host of net.hosts) feed(net, host, { kind: 'start' });
    expect(until(net, 30_000, () => a.routes.has('10.7.0.0/16'))).toBe(true);
    wait(net, 5000);
    const paths4 = listRoutes(a.speaker.rib, { table: 'in', family: 'ipv4', peer: 'b', scan: 100 }).routes;
    expect(paths4.map(({ asPath }) => asPath).sort()).toEqual(['65002 65003', '65002 65004']);
  });
});

describe('RFC 9234', () => {
  it('4.2: roles that do not fit keep the session down, and say so', () => {
    const pair = pairOf({ ab: { role: 'provider' }, ba: { role: 'provider' } });
    startAll(pair);
    wait(pair.net, 20_000);
    expect(isUp(pair.a, 'b')).toBe(false);
    const said = [...notificationsOf(pair.a, B), ...notificationsOf(pair.b, A)];
    expect(said).toContain('OPEN Message Error / Role Mismatch (2/11)');
    expect(
      linesOf(pair.a).some((line) => /we are provider, and the neighbor says.*provider/.test(line)),
    ).toBe(true);
  });

  it('4.2: roles that fit do not', () => {
    up({ ab: { role: 'provider', strictRole: true }, ba: { role: 'customer', strictRole: true } });
  });
});

describe('RFC 4271 6.7: maximum prefixes', () => {
  const limited = (action: 'warn' | 'stop', restartAfterMs?: number): PairOptions => ({
    ab: {
      maxPrefixes: {
        ipv4: {
          limit: 3,
          warnPercent: 80,
          action,
          ...(restartAfterMs === undefined ? {} : { restartAfterMs }),
        },
      },
    },
  });

  const flood = (pair: Pair): void => {
    for (let at = 0; at < 5; at++)
      input(pair.net, pair.b, { kind: 'originate', route: route(`10.2.${at}.0/24`) });
    wait(pair.net, 1000);
  };

  it('6.7, RFC 4486 4: ends the session with Cease, limit and family, and stays down', () => {
    const pair = up(limited('stop'));
    flood(pair);
    expect(notificationsOf(pair.a, B)).toContain(
      'Cease / Maximum Number of Prefixes Reached (6/1): limit 3 of AFI 1, SAFI 1',
    );
    wait(pair.net, 3_600_000);
    expect(isUp(pair.a, 'b')).toBe(false);
    expect(summary(pair.a.speaker, pair.net.now).peers[0]?.blocked).toContain('the limit is 3');
    expect(pair.a.routes.size).toBe(0);
    expect(pair.a.sessions.slice(-1)[0]).toMatchObject({ administrative: true, retained: false });
  });

  it('6.7: comes back after its time, or when it is reset by hand', () => {
    const pair = up(limited('stop', 60_000));
    flood(pair);
    for (let at = 0; at < 5; at++) input(pair.net, pair.b, { kind: 'withdraw', prefix: `10.2.${at}.0/24` });
    wait(pair.net, 50_000);
    expect(isUp(pair.a, 'b')).toBe(false);
    expect(until(pair.net, 80_000, () => isUp(pair.a, 'b'))).toBe(true);
    const byHand = up(limited('stop'));
    flood(byHand);
    for (let at = 0; at < 5; at++)
      input(byHand.net, byHand.b, { kind: 'withdraw', prefix: `10.2.${at}.0/24` });
    input(byHand.net, byHand.a, { kind: 'reset', peer: 'b', hard: false, text: '' });
    settle(byHand, 120_000);
  });

  it('6.7: or warns, once', () => {
    const pair = up(limited('warn'));
    flood(pair);
    expect(isUp(pair.a, 'b')).toBe(true);
    expect(linesOf(pair.a).filter((line) => line.includes('the limit is 3')).length).toBeGreaterThan(0);
    expect(linesOf(pair.a).filter((line) => line.includes('the limit is 3')).length).toBeLessThanOrEqual(2);
  });
});

const fromB = (localPref: number): Policy => ({
  name: 'from-b',
  rules: [{ match: {}, set: { localPref }, action: 'accept' }],
  otherwise: 'reject',
});

describe('soft reset and route refresh', () => {
  it('RFC 2918 4: a request is answered with all routes', () => {
    const pair = up();
    const before = messagesOf(pair.b, A, 2).length;
    input(pair.net, pair.a, { kind: 'route-refresh', peer: 'b', family: 'ipv4' });
    wait(pair.net, 100);
    expect(messagesOf(pair.b, A, 2).length).toBeGreaterThan(before);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(true);
  });

  it('RFC 7313 4: the answer stands between BoRR and EoRR, and what is not in it goes', () => {
    const pair = up();
    input(pair.net, pair.a, { kind: 'route-refresh', peer: 'b', family: 'ipv4' });
    wait(pair.net, 100);
    const subtypes = messagesOf(pair.b, A, 5).map(({ body }) => body[2]);
    expect(subtypes).toEqual([1, 2]);
    expect(staleOf(pair.a)).toEqual([]);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(true);
    expect(pair.a.speaker.peers.get('b')?.stale.size).toBe(0);
  });

  it('soft reset out sends all again, in looks at all again, and the session stands', () => {
    const pair = up({ a: { policies: [fromB(200)] }, ab: { importPolicy: 'from-b' } });
    input(pair.net, pair.b, { kind: 'soft-reset', peer: 'a', direction: 'out' });
    input(pair.net, pair.a, { kind: 'soft-reset', peer: 'b', direction: 'in' });
    wait(pair.net, 100);
    expect(lossesOf(pair.a)).toEqual([]);
    expect(explain(pair.a.speaker.rib, '10.2.0.0/16')?.paths[0]?.localPref).toBe(200);
  });
});

describe('operators', () => {
  it('RFC 9003: shut a neighbor down with a text, until it is enabled', () => {
    const pair = up();
    input(pair.net, pair.a, { kind: 'shutdown', peer: 'b', text: 'ticket 4711' });
    wait(pair.net, 100);
    expect(lossesOf(pair.b)).toEqual(['received Cease / Administrative Shutdown (6/2): "ticket 4711"']);
    expect(pair.b.sessions.slice(-1)[0]?.administrative).toBe(true);
    wait(pair.net, 600_000);
    expect(isUp(pair.a, 'b')).toBe(false);
    expect(notificationsOf(pair.a, B).slice(-1)).toEqual(['Cease / Connection Rejected (6/5)']);
    input(pair.net, pair.a, { kind: 'enable', peer: 'b' });
    settle(pair, 120_000);
  });

  it('RFC 4486 4: reset a session, which comes back', () => {
    const pair = up();
    input(pair.net, pair.a, { kind: 'reset', peer: 'b', hard: false, text: '' });
    wait(pair.net, 100);
    expect(lossesOf(pair.b)).toEqual(['received Cease / Administrative Reset (6/4)']);
    settle(pair);
  });

  it('hear of names that do not exist', () => {
    const pair = up();
    input(pair.net, pair.a, { kind: 'reset', peer: 'c', hard: false, text: '' });
    expect(linesOf(pair.a).slice(-1)).toEqual(["reset: there is no neighbor 'c'"]);
  });

  it('RFC 8326 4: drain gracefully, or by withdrawal, and back', () => {
    const pair = up();
    input(pair.net, pair.a, { kind: 'drain', how: 'graceful-shutdown', reason: 'maintenance' });
    wait(pair.net, 100);
    const path = () => explain(pair.b.speaker.rib, '10.1.0.0/16')?.paths[0];
    expect(path()).toMatchObject({ localPref: 0, communities: ['graceful-shutdown'] });
    input(pair.net, pair.a, { kind: 'drain', how: 'withdraw', reason: 'maintenance' });
    wait(pair.net, 100);
    expect(pair.b.routes.has('10.1.0.0/16')).toBe(false);
    input(pair.net, pair.a, { kind: 'drain', how: 'none', reason: 'done' });
    wait(pair.net, 100);
    expect(path()).toMatchObject({ localPref: 100, communities: [] });
    expect(lossesOf(pair.b)).toEqual([]);
  });
});

describe('dynamic neighbors', () => {
  const dynamic = (change: object = {}) => ({
    ...PEER,
    name: 'workloads',
    prefix: '10.0.0.0/24',
    as: [{ from: 65100, to: 65199 }],
    limit: 2,
    passive: true,
    ...change,
  });

  function cloud(as: readonly number[], change: Partial<SpeakerOptions> = {}) {
    const net = createNet();
    const options = { dynamic: [dynamic()], originate: [route('0.0.0.0/0')], ...change };
    const hub = addHost(net, 'hub', [A], speakerOptions(65001, A, [], options));
    const leaves = as.map((one, index) => {
      const address = `10.0.0.${10 + index}`;
      const sees = [neighbor('hub', A, 65001)];
      return addHost(net, `leaf ${index}`, [address], speakerOptions(one, address, sees));
    });
    for (const host of net.hosts) feed(net, host, { kind: 'start' });
    return { net, hub, leaves };
  }

  it('come by prefix and AS range, and go without a trace', () => {
    const { net, hub, leaves } = cloud([65100, 65199]);
    const [leaf] = leaves;
    expect(
      until(net, 20_000, () => leaves.every((one) => isUp(one, 'hub') && one.routes.has('0.0.0.0/0'))),
    ).toBe(true);
    expect([...hub.speaker.peers.keys()].sort()).toEqual(['workloads/10.0.0.10', 'workloads/10.0.0.11']);
    if (leaf === undefined) throw new Error('no leaf');
    input(net, leaf, { kind: 'stop', restart: false, text: '' });
    wait(net, 1000);
    expect([...hub.speaker.peers.keys()]).toEqual(['workloads/10.0.0.11']);
    expect(hub.speaker.byAddress.has('10.0.0.10')).toBe(false);
  });

  it('with an AS outside the range hear Bad Peer AS', () => {
    const { net, hub } = cloud([65200]);
    wait(net, 5000);
    expect(notificationsOf(hub, '10.0.0.10')[0]).toBe('OPEN Message Error / Bad Peer AS (2/2)');
    expect(hub.speaker.peers.size).toBe(0);
  });

  it('beyond the limit, or from elsewhere, are refused', () => {
    const { net, hub, leaves } = cloud([65100, 65101, 65102]);
    wait(net, 10_000);
    expect(leaves.filter((one) => isUp(one, 'hub'))).toHaveLength(2);
    expect(linesOf(hub).some((line) => /has its 2 neighbors already/.test(line))).toBe(true);
    feed(net, hub, { kind: 'tcp-accepted', connection: 501, local: A, remote: '192.0.2.1' });
    expect(linesOf(hub).slice(-1)).toEqual(['192.0.2.1 dialed, which is no neighbor; refused']);
  });

  it('of the longest prefix count', () => {
    const narrow = dynamic({ name: 'one', prefix: '10.0.0.10/32', as: [{ from: 65300, to: 65300 }] });
    const { net, hub } = cloud([65300], { dynamic: [dynamic(), narrow] });
    expect(until(net, 20_000, () => isUp(hub, 'one/10.0.0.10'))).toBe(true);
  });

  it('that restart are let in at once, while their routes are kept as stale', () => {
    const graceful = { gracefulRestart: GRACEFUL };
    const { net, hub, leaves } = cloud([65100], { dynamic: [dynamic(graceful)] });
    const leaf = present(leaves[0], 'a leaf');
    const sees = [neighbor('hub', A, 65001, graceful)];
    const options = speakerOptions(65100, '10.0.0.10', sees, { originate: [route('10.9.0.0/16')] });
    reboot(net, leaf, options, false);
    expect(until(net, 20_000, () => hub.routes.has('10.9.0.0/16'))).toBe(true);
    breakConnections(net, hub, leaf);
    kill(leaf);
    wait(net, 10);
    expect(staleOf(hub)).toEqual(['10.9.0.0/16']);
    reboot(net, leaf, options, true);
    expect(until(net, 2000, () => isUp(hub, 'workloads/10.0.0.10') && staleOf(hub).length === 0)).toBe(true);
  });

  it('stay known while an operator keeps them out', () => {
    const { net, hub, leaves } = cloud([65100]);
    expect(until(net, 20_000, () => isUp(hub, 'workloads/10.0.0.10'))).toBe(true);
    input(net, hub, { kind: 'shutdown', peer: 'workloads/10.0.0.10', text: 'out' });
    wait(net, 300_000);
    expect(leaves.some((one) => isUp(one, 'hub'))).toBe(false);
    input(net, hub, { kind: 'enable', peer: 'workloads/10.0.0.10' });
    expect(until(net, 120_000, () => isUp(hub, 'workloads/10.0.0.10'))).toBe(true);
  });
});

describe('what the sockets are told', () => {
  it('RFC 2385: keys of neighbors and of dynamic prefixes, for the listener and the dialer', () => {
    const secret = 'swordfish';
    const pair = up(both({ password: secret }));
    expect(pair.a.listening?.keys).toEqual([{ prefix: '10.0.0.2/32', password: secret }]);
    const shown = JSON.stringify([
      summary(pair.a.speaker, 0),
      view(pair.a.speaker, 'b', 0),
      linesOf(pair.a),
      pair.a.sessions,
    ]);
    expect(shown).not.toContain(secret);
  });

  it('RFC 2385: with a wrong key there is no session', () => {
    const pair = pairOf({ ab: { password: 'a' }, ba: { password: 'b' } });
    startAll(pair);
    wait(pair.net, 60_000);
    expect(isUp(pair.a, 'b')).toBe(false);
  });

  it('RFC 5082 3: TTL 255 out, and at least 255 in for one hop', () => {
    const pair = up(both({ gtsmHops: 1 }));
    expect(pair.a.listening?.minTtl).toBe(255);
    const secured = pair.a.effects.flatMap(({ effect }) =>
      effect.kind === 'tcp-secure' || effect.kind === 'tcp-connect' ? [effect.security] : [],
    );
    expect(secured.length).toBeGreaterThan(0);
    for (const one of secured) expect(one).toEqual({ ttl: 255, minTtl: 255 });
  });

  it('RFC 5082 3: the listener asks only for what every neighbor can give', () => {
    const options = speakerOptions(65001, A, [
      neighbor('b', B, 65002, { gtsmHops: 1 }),
      neighbor('c', '10.0.0.3', 65003, { gtsmHops: 3 }),
    ]);
    const net = createNet();
    const host = addHost(net, 'a', [A], options);
    feed(net, host, { kind: 'start' });
    expect(host.listening?.minTtl).toBe(253);
    const open = addHost(net, 'b', [B], {
      ...options,
      neighbors: [...options.neighbors, neighbor('d', '10.0.0.4', 1)],
    });
    feed(net, open, { kind: 'start' });
    expect(open.listening?.minTtl).toBeUndefined();
  });
});

describe('what is shown', () => {
  it('says of a neighbor what was negotiated, counted and said', () => {
    const pair = up(both({ holdTimeS: 30 }));
    wait(pair.net, 60_000);
    const one = view(pair.a.speaker, 'b', pair.net.now);
    expect(one).toMatchObject({
      name: 'b',
      address: B,
      as: 65002,
      state: 'Established',
      received: { ipv4: 1, ipv6: 0 },
      sent: { ipv4: 1, ipv6: 0 },
      negotiated: {
        holdTimeS: 30,
        families: ['ipv4'],
        as4: true,
        extendedMessages: true,
        routeRefresh: 'enhanced',
      },
      bgpId: '10.0.0.2',
      ibgp: false,
    });
    expect(one?.messages.received.keepalive).toBeGreaterThan(5);
    expect(one?.timers.HoldTimer).toBeGreaterThan(0);
    expect(view(pair.a.speaker, B, 0)?.name).toBe('b');
    expect(view(pair.a.speaker, 'nobody', 0)).toBeUndefined();
    expect(JSON.parse(JSON.stringify(one))).toEqual(one);
    expect(summary(pair.a.speaker, pair.net.now)).toMatchObject({
      as: 65001,
      state: 'running',
      routes: { ipv4: { prefixes: 2 } },
      peers: [{ name: 'b', flaps: 0, stale: false }],
    });
  });

  it('says why a session ended, both ways', () => {
    const pair = up();
    input(pair.net, pair.b, { kind: 'reset', peer: 'a', hard: false, text: 'again' });
    wait(pair.net, 100);
    expect(view(pair.a.speaker, 'b', pair.net.now)?.lastReceived?.text).toBe(
      'Cease / Administrative Reset (6/4): "again"',
    );
    expect(view(pair.b.speaker, 'a', pair.net.now)?.lastSent?.text).toBe(
      'Cease / Administrative Reset (6/4): "again"',
    );
    expect(view(pair.a.speaker, 'b', pair.net.now)?.flaps).toBe(1);
  });
});
