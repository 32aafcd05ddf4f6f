/** How often, how long, and when again: timers of a session and of the peer behind it. */
import { describe, expect, it } from 'vitest';
import {
  earliestOf,
  idleHoldTime,
  jitter,
  keepaliveInterval,
  MOST_IDLE_HOLD,
  sendHoldTime,
} from '../../controller/bgp/timers.ts';
import { encodeKeepalive } from '../../controller/wire/message.ts';
import { isUp, linesOf, lossesOf, settle } from './looks.ts';
import { breakConnections, cut, freeze, heal, kill, thaw, until, wait } from './net.ts';
import { pairOf, route, startAll } from './settings.ts';
import {
  dial,
  establish,
  heard,
  isClosed,
  lines,
  meet,
  messages,
  openOf,
  pass,
  say,
  step,
} from './tester.ts';

describe('RFC 4271 10: lengths', () => {
  it('10: jitter takes up to a quarter away', () => {
    expect(jitter(1000, 0)).toBe(750);
    expect(jitter(1000, 1)).toBe(1000);
  });

  it('10: the KEEPALIVE interval is a third of the Hold Time', () =>
    expect(keepaliveInterval(90)).toBe(30_000));

  it('RFC 9687 4: the Send Hold Time is at least 8 minutes and twice the Hold Time', () => {
    expect(sendHoldTime(90)).toBe(480_000);
    expect(sendHoldTime(600)).toBe(1_200_000);
    expect(sendHoldTime(0)).toBe(0);
  });

  it('8.1.1: damping doubles, is bounded, and leaves the first fault free', () => {
    expect([0, 1, 2, 3, 4].map((count) => idleHoldTime(count, 1))).toEqual([0, 0, 1000, 2000, 4000]);
    expect(idleHoldTime(1000, 1)).toBe(MOST_IDLE_HOLD);
    expect(idleHoldTime(3, 0)).toBe(1500);
  });

  it('the earliest of timers leaves out those that do not run', () => {
    expect(earliestOf({})).toBeUndefined();
    expect(earliestOf({ a: 7, b: undefined as never, c: 5 })).toBe(5);
  });
});

const dials = (tester: ReturnType<typeof meet>) =>
  tester.effects.filter(({ kind }) => kind === 'tcp-connect').length;

describe('RFC 4271 8: connecting', () => {
  it('8.2.2: the ConnectRetryTimer dials again while nobody answers', () => {
    const tester = meet({ passive: false, connectRetryMs: 5000 });
    expect(dials(tester)).toBe(1);
    pass(tester, 20_000);
    expect(dials(tester)).toBeGreaterThanOrEqual(5);
    expect(dials(tester)).toBeLessThanOrEqual(6);
  });

  it('8.2.2: a connection that is refused is tried again, while we listen', () => {
    const tester = meet({ passive: false });
    for (let count = 0; count < 4; count++) {
      const [last] = tester.effects.filter(({ kind }) => kind === 'tcp-connect').slice(-1);
      if (last?.kind !== 'tcp-connect') throw new Error('it never dialed');
      step(tester, { kind: 'tcp-closed', connection: last.connection, reason: 'connection refused' });
      expect(tester.peer.main.state).toBe('Active');
      pass(tester, 5000);
    }
    expect(dials(tester)).toBe(5);
    establish(tester);
  });

  it('8.1.1: a passive neighbor is never dialed', () => {
    const tester = meet({ passive: true });
    pass(tester, 600_000);
    expect(dials(tester)).toBe(0);
    expect(tester.peer.main.state).toBe('Active');
  });

  it('8.1.1: with DelayOpen ours waits, and goes out when the timer ends', () => {
    const tester = meet({ delayOpenMs: 3000 });
    dial(tester);
    expect(messages(tester)).toEqual([]);
    pass(tester, 3001);
    expect(messages(tester).map(({ type }) => type)).toEqual([1]);
    expect(tester.peer.main.state).toBe('OpenSent');
  });

  it("8.1.1: with DelayOpen the neighbor's OPEN is answered at once", () => {
    const tester = meet({ delayOpenMs: 3000 });
    dial(tester);
    say(tester, openOf());
    expect(messages(tester).map(({ type }) => type)).toEqual([1, 4]);
    expect(tester.peer.main.state).toBe('OpenConfirm');
    say(tester, encodeKeepalive());
    expect(tester.peer.main.state).toBe('Established');
    expect(tester.peer.main.session?.holdTimeS).toBe(90);
  });

  it('8.1.1: with DelayOpen an OPEN that is not acceptable is refused all the same', () => {
    const tester = meet({ delayOpenMs: 3000 });
    dial(tester);
    say(tester, openOf({ bgpId: 0 }));
    expect(heard(tester)).toEqual(['OPEN Message Error / Bad BGP Identifier (2/3)']);
  });
});

describe('RFC 4271 8.1.1: peer oscillation damping', () => {
  /** Fails `count` sessions in a row, and gives how long each time the neighbor had to stay away. */
  function fail(tester: ReturnType<typeof meet>, count: number): readonly number[] {
    const waits: number[] = [];
    for (let at = 0; at < count; at++) {
      dial(tester);
      say(tester, openOf({ bgpId: 0 }));
      const since = tester.now;
      while (tester.peer.main.state === 'Idle') pass(tester, 50);
      waits.push(tester.now - since);
    }
    return waits;
  }

  it('8.1.1: waits longer each time, up to a bound, and refuses connections meanwhile', () => {
    const tester = meet();
    const waits = fail(tester, 12);
    expect(waits[0]).toBe(0);
    expect(waits[1]).toBeGreaterThanOrEqual(750);
    expect(waits[3]).toBeGreaterThan((waits[1] ?? 0) * 1.9);
    expect(Math.max(...waits)).toBeLessThanOrEqual(MOST_IDLE_HOLD + 50);
    dial(tester);
    say(tester, openOf({ bgpId: 0 }));
    dial(tester);
    expect(isClosed(tester)).toBe(true);
    expect(lines(tester).some((line) => /refused a connection.*oscillates/.test(line))).toBe(true);
  });

  it('8.1.1: a session that stood for a minute begins anew', () => {
    const tester = meet();
    fail(tester, 5);
    establish(tester);
    for (let at = 0; at < 6; at++) {
      pass(tester, 15_000);
      say(tester, encodeKeepalive());
    }
    step(tester, { kind: 'tcp-closed', connection: tester.connection, reason: 'reset' });
    expect(tester.peer.main.state).toBe('Active');
    expect(tester.peer.oscillations).toBe(0);
  });
});

describe('RFC 4271 6.5: two speakers', () => {
  it('6.5: both sides give up when the path is cut, and come back when it is healed', () => {
    const pair = pairOf({ ab: { holdTimeS: 9 } });
    startAll(pair);
    settle(pair);
    cut(pair.net, pair.a, pair.b);
    wait(pair.net, 9500);
    expect([isUp(pair.a, 'b'), isUp(pair.b, 'a')]).toEqual([false, false]);
    expect(lossesOf(pair.a)).toEqual(['nothing was heard of the neighbor for the Hold Time']);
    expect(pair.a.routes.size).toBe(0);
    heal(pair.net, pair.a, pair.b);
    settle(pair);
  });

  it('6.5: a frozen neighbor is given up, and comes back when it thaws', () => {
    const pair = pairOf({ ab: { holdTimeS: 9 } });
    startAll(pair);
    settle(pair);
    freeze(pair.b);
    wait(pair.net, 10_000);
    expect(isUp(pair.a, 'b')).toBe(false);
    wait(pair.net, 60_000);
    thaw(pair.net, pair.b);
    settle(pair, 120_000);
  });
});

describe('RFC 9687: a neighbor that does not read', () => {
  it('4: is given up after the Send Hold Time although it sends KEEPALIVEs', () => {
    const tester = meet();
    establish(tester);
    tester.drains = false;
    step(tester, { kind: 'originate', route: route('10.77.0.0/16') });
    for (let at = 0; at < 24; at++) {
      pass(tester, 19_900);
      say(tester, encodeKeepalive());
    }
    expect(tester.peer.main.state).toBe('Established');
    pass(tester, 19_900);
    expect(tester.peer.main.state).not.toBe('Established');
    expect(heard(tester)).toEqual(['Send Hold Timer Expired (8/0)']);
    expect(tester.peer.lastChange?.reason).toContain('Send Hold Timer');
    expect(tester.effects.find((one) => one.kind === 'tcp-close')).toMatchObject({ abort: true });
  });

  it('4: goes on while it reads something now and then', () => {
    const tester = meet();
    establish(tester);
    tester.drains = false;
    for (let at = 0; at < 100; at++) {
      pass(tester, 19_900);
      say(tester, encodeKeepalive());
      if (at % 20 === 19) step(tester, { kind: 'tcp-drained', connection: tester.connection });
    }
    expect(tester.peer.main.state).toBe('Established');
  });
});

describe('many UPDATEs to a slow neighbor', () => {
  it('are sent one portion at a time, and KEEPALIVEs pass them', () => {
    const tester = meet({ holdTimeS: 30 }, { originate: [] });
    establish(tester);
    tester.drains = false;
    for (let at = 0; at < 20_000; at++) {
      const prefix = `11.${at >> 8}.${at & 255}.0/24`;
      step(tester, { kind: 'originate', route: route(prefix, { med: at }) });
    }
    step(tester, { kind: 'tcp-drained', connection: tester.connection });
    const before = sizes(tester);
    say(tester, encodeKeepalive());
    pass(tester, 11_000);
    expect(
      sizes(tester)
        .slice(before.length)
        .every((size) => size === 19),
    ).toBe(true);
    expect(sizes(tester).length).toBeGreaterThan(before.length);
    step(tester, { kind: 'tcp-drained', connection: tester.connection });
    const [portion = 0] = sizes(tester).slice(-1);
    expect(portion).toBeGreaterThan(8 * 1024);
    expect(portion).toBeLessThanOrEqual(256 * 1024);
  });
});

const sizes = (tester: ReturnType<typeof meet>): readonly number[] =>
  tester.effects.flatMap((one) => (one.kind === 'tcp-send' ? [one.data.length] : []));

describe('a neighbor that dies', () => {
  it('without a word is given up after the Hold Time, with an RST at once', () => {
    const silent = pairOf({ ab: { holdTimeS: 9 } });
    startAll(silent);
    settle(silent);
    kill(silent.b);
    expect(until(silent.net, 8000, () => !isUp(silent.a, 'b'))).toBe(false);
    expect(until(silent.net, 2000, () => !isUp(silent.a, 'b'))).toBe(true);
    const loud = pairOf({ ab: { holdTimeS: 9 } });
    startAll(loud);
    settle(loud);
    breakConnections(loud.net, loud.a, loud.b);
    expect(until(loud.net, 100, () => !isUp(loud.a, 'b'))).toBe(true);
    expect(linesOf(loud.a).some((line) => /the connection ended: connection reset/.test(line))).toBe(true);
  });
});
