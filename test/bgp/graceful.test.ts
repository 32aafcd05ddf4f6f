/** RFC 4724 and RFC 8538, as helper and as the one who restarts; what BFD and the owner's word do to it. */
import { describe, expect, it } from 'vitest';
import type { NeighborOptions } from '../../controller/bgp/options.ts';
import { isUp, linesOf, lossesOf, messagesOf, notificationsOf, settle, staleOf } from './looks.ts';
import { breakConnections, cut, feed, heal, input, kill, reboot, until, wait } from './net.ts';
import { A, B, GRACEFUL, optionsOfB, type Pair, pairOf, route, startAll } from './settings.ts';

const BFD = { intervalMs: 300, multiplier: 3, multihop: false, passive: false, strict: false };

function gracefulPair(ab: Partial<NeighborOptions> = {}, ba: Partial<NeighborOptions> = {}): Pair {
  const pair = pairOf({
    ab: { gracefulRestart: GRACEFUL, ...ab },
    ba: { gracefulRestart: GRACEFUL, ...ba },
  });
  startAll(pair);
  settle(pair);
  return pair;
}

const retainedOf = ({ a }: Pair) =>
  a.sessions.filter(({ state }) => state === 'down').map(({ retained }) => retained);

/** B goes away without a word, and its connections are reset. */
function crash(pair: Pair): void {
  breakConnections(pair.net, pair.a, pair.b);
  kill(pair.b);
  wait(pair.net, 10);
}

describe('RFC 4724 4.2: the helper', () => {
  it('4.2: keeps routes as stale when the connection ends, until End-of-RIB', () => {
    const pair = gracefulPair();
    crash(pair);
    expect(retainedOf(pair)).toEqual([true]);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    reboot(pair.net, pair.b, optionsOfB({ ba: { gracefulRestart: GRACEFUL } }), true);
    expect(until(pair.net, 30_000, () => isUp(pair.a, 'b') && staleOf(pair.a).length === 0)).toBe(true);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(true);
  });

  it('4.2: gives up what the neighbor does not announce again before End-of-RIB', () => {
    const b = { originate: [route('10.2.0.0/16'), route('10.3.0.0/16')] };
    const pair = pairOf({ ab: { gracefulRestart: GRACEFUL }, ba: { gracefulRestart: GRACEFUL }, b });
    startAll(pair);
    settle(pair);
    crash(pair);
    expect([...staleOf(pair.a)].sort()).toEqual(['10.2.0.0/16', '10.3.0.0/16']);
    reboot(pair.net, pair.b, optionsOfB({ ba: { gracefulRestart: GRACEFUL } }), true);
    expect(until(pair.net, 30_000, () => !pair.a.routes.has('10.3.0.0/16'))).toBe(true);
    expect(pair.a.routes.get('10.2.0.0/16')?.nextHops[0]?.stale).toBe(false);
  });

  it("4.2: gives them up after the neighbor's Restart Time", () => {
    const pair = gracefulPair({}, { gracefulRestart: { ...GRACEFUL, restartTimeS: 30 } });
    crash(pair);
    wait(pair.net, 29_000);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    wait(pair.net, 1500);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(false);
  });

  it('4.2: gives them up at once when the neighbor is back and did not keep forwarding', () => {
    const pair = gracefulPair();
    crash(pair);
    reboot(pair.net, pair.b, optionsOfB({ ba: { gracefulRestart: GRACEFUL } }), false);
    expect(
      until(pair.net, 30_000, () => linesOf(pair.a).some((line) => /did not keep forwarding/.test(line))),
    ).toBe(true);
  });

  it('4.2: gives them up at once when the neighbor is back without the family, or without the capability', () => {
    const pair = gracefulPair();
    crash(pair);
    reboot(pair.net, pair.b, optionsOfB({ b: { originate: [] } }), false);
    expect(until(pair.net, 30_000, () => isUp(pair.a, 'b'))).toBe(true);
    wait(pair.net, 1);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(false);
  });

  it('4.2: without graceful restart on both sides routes go with the session', () => {
    const pair = gracefulPair({}, { gracefulRestart: undefined } as never);
    crash(pair);
    expect(retainedOf(pair)).toEqual([false]);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(false);
  });

  it('4.2: what was stale already is not kept a second time', () => {
    const b = { originate: [route('10.2.0.0/16'), route('10.3.0.0/16')] };
    const pair = pairOf({ ab: { gracefulRestart: GRACEFUL }, ba: { gracefulRestart: GRACEFUL }, b });
    startAll(pair);
    settle(pair);
    crash(pair);
    // Back, but it waits for an End-of-RIB of ours that cannot come, and says nothing of its own.
    reboot(pair.net, pair.b, optionsOfB({ ba: { gracefulRestart: GRACEFUL } }), true);
    expect(until(pair.net, 30_000, () => isUp(pair.a, 'b'))).toBe(true);
    expect(staleOf(pair.a)).toHaveLength(2);
    breakConnections(pair.net, pair.a, pair.b);
    kill(pair.b);
    wait(pair.net, 1000);
    expect(pair.a.routes.size).toBe(0);
  });

  it('4: a NOTIFICATION ends it all where one side lacks the N bit', () => {
    const plain = { gracefulRestart: { ...GRACEFUL, notification: false } };
    const pair = gracefulPair(plain, plain);
    input(pair.net, pair.b, { kind: 'reset', peer: 'a', hard: false, text: '' });
    wait(pair.net, 100);
    expect(retainedOf(pair)).toEqual([false]);
  });

  it('2: End-of-RIB is sent for each family once the table is out, also when it is empty', () => {
    const pair = gracefulPair();
    const updates = messagesOf(pair.a, B, 2).map(({ body }) => body.length);
    expect(updates.filter((length) => length === 4)).toHaveLength(1);
    expect(updates.indexOf(4)).toBe(updates.length - 1);
  });
});

describe('RFC 8538', () => {
  it('3: routes outlive a NOTIFICATION where both set the N bit', () => {
    const pair = gracefulPair();
    input(pair.net, pair.b, { kind: 'reset', peer: 'a', hard: false, text: 'again' });
    wait(pair.net, 100);
    expect(retainedOf(pair)).toEqual([true]);
    expect(lossesOf(pair.a)).toEqual(['received Cease / Administrative Reset (6/4): "again"']);
    settle(pair);
    wait(pair.net, 1000);
    expect(staleOf(pair.a)).toEqual([]);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(true);
  });

  it('3: routes outlive an expired Hold Timer', () => {
    const pair = gracefulPair({ holdTimeS: 9 });
    cut(pair.net, pair.a, pair.b);
    wait(pair.net, 10_000);
    expect(retainedOf(pair)).toEqual([true]);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    heal(pair.net, pair.a, pair.b);
    settle(pair);
    wait(pair.net, 10_000);
    expect(staleOf(pair.a)).toEqual([]);
  });

  it('3.1: Hard Reset takes the routes away', () => {
    const pair = gracefulPair();
    input(pair.net, pair.b, { kind: 'reset', peer: 'a', hard: true, text: 'for good' });
    wait(pair.net, 100);
    expect(retainedOf(pair)).toEqual([false]);
    expect(lossesOf(pair.a)[0]).toContain('Hard Reset (6/9): Cease / Administrative Reset (6/4): "for good"');
  });

  it('4: a shutdown is a Hard Reset, so that the routes go', () => {
    const pair = gracefulPair();
    input(pair.net, pair.b, { kind: 'shutdown', peer: 'a', text: 'upgrade' });
    wait(pair.net, 100);
    expect(lossesOf(pair.a)[0]).toContain(
      'Hard Reset (6/9): Cease / Administrative Shutdown (6/2): "upgrade"',
    );
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(false);
  });
});

describe('RFC 4724 4.1: the one who restarts', () => {
  it('4.1: sets the R bit, decides after End-of-RIB, and then sends its own', () => {
    const pair = gracefulPair();
    crash(pair);
    reboot(pair.net, pair.b, optionsOfB({ ba: { gracefulRestart: GRACEFUL } }), true);
    expect(until(pair.net, 30_000, () => isUp(pair.b, 'a'))).toBe(true);
    expect(pair.b.routes.size).toBe(0);
    expect(until(pair.net, 1000, () => pair.b.routes.has('10.1.0.0/16'))).toBe(true);
    expect(linesOf(pair.b)).toContain('our restart is over, all have sent End-of-RIB');
    const [open] = messagesOf(pair.b, A, 1).slice(-1);
    expect(open).toBeDefined();
    const flags = indexOfGraceful(open?.body ?? new Uint8Array(0));
    expect(flags & 0x80).toBe(0x80);
  });

  it('4.1: does not wait for ever for a neighbor that stays away', () => {
    const pair = gracefulPair();
    kill(pair.a);
    reboot(pair.net, pair.b, optionsOfB({ ba: { gracefulRestart: GRACEFUL } }), true);
    wait(pair.net, 119_000);
    expect(linesOf(pair.b).some((line) => /our restart is over/.test(line))).toBe(false);
    wait(pair.net, 2000);
    expect(linesOf(pair.b).some((line) => /our restart is over, although.*: a$/.test(line))).toBe(true);
  });

  it('4.1: two that restart at once do not wait for each other', () => {
    const pair = pairOf({ ab: { gracefulRestart: GRACEFUL }, ba: { gracefulRestart: GRACEFUL } });
    for (const host of pair.net.hosts) feed(pair.net, host, { kind: 'start', restarted: true });
    settle(pair, 20_000);
  });

  it('4.1: leaving for a restart ends the connection without a word, and the neighbor keeps the routes', () => {
    const pair = gracefulPair();
    input(pair.net, pair.b, { kind: 'stop', restart: true, text: 'upgrade' });
    wait(pair.net, 100);
    expect(notificationsOf(pair.b, A).filter((text) => !text.includes('6/7'))).toEqual([]);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    expect(pair.b.effects.slice(-1)[0]?.effect.kind).toBe('stopped');
  });

  it('4.1: leaving for good says so, and the routes go', () => {
    const pair = gracefulPair();
    input(pair.net, pair.b, { kind: 'stop', restart: false, text: 'bye' });
    wait(pair.net, 100);
    expect(lossesOf(pair.a)[0]).toContain('Administrative Shutdown (6/2): "bye"');
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(false);
  });
});

/** The flags octet of the graceful restart capability in the body of an OPEN. */
function indexOfGraceful(body: Uint8Array): number {
  for (let at = 12; at + 2 <= body.length; at += 2 + (body[at + 1] ?? 0))
    if (body[at] === 64) return body[at + 2] ?? 0;
  return 0;
}

const bfd = (pair: Pair, state: 'up' | 'down' | 'admin-down', controlPlaneIndependent = false): void =>
  input(pair.net, pair.a, { kind: 'bfd', address: B, state, controlPlaneIndependent });

describe('RFC 5882 and graceful restart', () => {
  it('4.3: BFD Down flushes at once although graceful restart was negotiated', () => {
    const pair = gracefulPair({ bfd: BFD });
    bfd(pair, 'up');
    bfd(pair, 'down');
    wait(pair.net, 100);
    expect(retainedOf(pair)).toEqual([false]);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(false);
    expect(notificationsOf(pair.a, B)).toContain('Cease / Hard Reset (6/9): Cease / BFD Down (6/10)');
  });

  it('4.3: while the neighbor restarts, BFD Down ends it where BFD does not share the fate of its control plane', () => {
    for (const independent of [true, false]) {
      const pair = gracefulPair({ bfd: BFD });
      bfd(pair, 'up');
      crash(pair);
      expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
      bfd(pair, 'down', independent);
      wait(pair.net, 100);
      expect(pair.a.routes.has('10.2.0.0/16')).toBe(!independent);
    }
  });
});

describe("routes that are kept until their owner decides (onLoss 'ask')", () => {
  const asked = (change: Partial<NeighborOptions> = {}): Pair => {
    const pair = pairOf({ ab: { onLoss: 'ask', bfd: BFD, ...change } });
    startAll(pair);
    settle(pair);
    bfd(pair, 'up');
    return pair;
  };

  it('stay although BFD is Down, and go with a flush', () => {
    const pair = asked();
    bfd(pair, 'down');
    wait(pair.net, 100);
    expect(retainedOf(pair)).toEqual([true]);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    input(pair.net, pair.a, { kind: 'flush', peer: 'b', reason: 'no probe passes' });
    wait(pair.net, 1);
    expect(pair.a.routes.size).toBe(0);
  });

  it('go with a flush in the very step that hears it', () => {
    const pair = asked();
    bfd(pair, 'down');
    input(pair.net, pair.a, { kind: 'flush', peer: 'b', reason: 'no probe passes' });
    expect(pair.a.routes.size).toBe(0);
  });

  it('stay when the daemon of the neighbor crashes, and until it has announced them again', () => {
    const pair = asked();
    crash(pair);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    reboot(pair.net, pair.b, optionsOfB({}), false);
    settle(pair);
    wait(pair.net, 60_000);
    expect(staleOf(pair.a)).toEqual([]);
    expect(pair.a.routes.has('10.2.0.0/16')).toBe(true);
  });

  it('go after the stale time when nobody decides', () => {
    const pair = asked({ gracefulRestart: { ...GRACEFUL, staleTimeMs: 20_000 } });
    crash(pair);
    wait(pair.net, 19_000);
    expect(staleOf(pair.a)).toEqual(['10.2.0.0/16']);
    wait(pair.net, 2000);
    expect(pair.a.routes.size).toBe(0);
  });

  it.each([
    ['shut down', { kind: 'shutdown', peer: 'a', text: '' }, true],
    ['reset', { kind: 'reset', peer: 'a', text: '', hard: false }, undefined],
  ] as const)('stay when the neighbor has %s the session, of which its owner is told', (_, order, left) => {
    const pair = pairOf({
      ab: { onLoss: 'ask' },
      ba: { gracefulRestart: { ...GRACEFUL, notification: false } },
    });
    startAll(pair);
    settle(pair);
    input(pair.net, pair.b, order);
    wait(pair.net, 10);
    const change = pair.a.sessions.find(({ state }) => state === 'down');
    expect([change?.retained, change?.administrative, change?.left]).toEqual([true, true, left]);
  });

  it('go at once when we or an operator shut the neighbor down', () => {
    const pair = asked();
    input(pair.net, pair.a, { kind: 'shutdown', peer: 'b', text: '' });
    wait(pair.net, 100);
    expect(pair.a.routes.size).toBe(0);
    expect(pair.a.sessions.slice(-1)[0]).toMatchObject({ retained: false, administrative: true });
  });
});
