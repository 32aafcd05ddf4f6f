/** RFC 4271 6.8: which of two connections stays; as a rule, and between two speakers. */
import { describe, expect, it } from 'vitest';
import {
  type Contender,
  type RestartSigns,
  resolveCollision,
  weWin,
} from '../../controller/bgp/collision.ts';
import { machinesOf } from '../../controller/bgp/peer.ts';
import { isUp, notificationsOf, settle } from './looks.ts';
import { feed, type Host, kill, reboot, until, wait } from './net.ts';
import { A, B, GRACEFUL, optionsOfA, type Pair, pairOf, startAll } from './settings.ts';

const LOW = { as: 65001, bgpId: 1 };
const HIGH = { as: 65002, bgpId: 2 };
const NO_SIGNS: RestartSigns = { graceful: false, restarting: false, silentMs: 0, keepaliveMs: 30_000 };

const ours = (state: Contender['state'], ageMs = 10): Contender => ({ dialed: true, state, ageMs });
const theirs = (state: Contender['state'], ageMs = 10): Contender => ({ dialed: false, state, ageMs });

describe('RFC 4271 6.8: the rule', () => {
  it('6.8: the connection that the higher BGP Identifier opened stays', () => {
    const fresh = theirs('OpenSent');
    expect(resolveCollision(fresh, ours('OpenConfirm'), LOW, HIGH, NO_SIGNS)).toBe('close-other');
    expect(resolveCollision(fresh, ours('OpenConfirm'), HIGH, LOW, NO_SIGNS)).toBe('close-fresh');
    expect(resolveCollision(ours('OpenSent'), theirs('OpenConfirm'), LOW, HIGH, NO_SIGNS)).toBe(
      'close-fresh',
    );
    expect(resolveCollision(ours('OpenSent'), theirs('OpenConfirm'), HIGH, LOW, NO_SIGNS)).toBe(
      'close-other',
    );
  });

  it('6.8: identifiers compare as unsigned numbers in host order', () =>
    expect(weWin({ as: 1, bgpId: 0xc0000201 }, { as: 1, bgpId: 0x0a000001 })).toBe(true));

  it('RFC 6286 2.3: where they are equal, the higher AS', () => {
    expect(weWin({ as: 2, bgpId: 7 }, { as: 1, bgpId: 7 })).toBe(true);
    expect(weWin({ as: 1, bgpId: 7 }, { as: 2, bgpId: 7 })).toBe(false);
  });

  it('6.8: a connection that stands Established closes the new one', () => {
    for (const fresh of [ours('OpenSent'), theirs('OpenSent')])
      expect(resolveCollision(fresh, ours('Established'), LOW, HIGH, NO_SIGNS)).toBe('close-fresh');
  });

  it('6.8: a connection that is being made does not count yet', () => {
    expect(resolveCollision(theirs('OpenSent'), ours('Connect'), LOW, HIGH, NO_SIGNS)).toBe('keep-both');
    expect(resolveCollision(theirs('OpenSent'), ours('OpenSent', 6000), LOW, HIGH, NO_SIGNS)).toBe(
      'keep-both',
    );
  });

  it('6.8: both sides close the same connection', () => {
    for (const state of ['OpenSent', 'OpenConfirm'] as const) {
      const low = resolveCollision(ours('OpenSent'), theirs(state), LOW, HIGH, NO_SIGNS);
      const high = resolveCollision(theirs('OpenSent'), ours(state), HIGH, LOW, NO_SIGNS);
      expect(low).toBe(high);
    }
  });

  it('RFC 4724 5: with graceful restart, a neighbor that has restarted replaces the old connection', () => {
    const fresh = theirs('OpenSent');
    const stands = theirs('Established');
    const graceful = { ...NO_SIGNS, graceful: true };
    expect(resolveCollision(fresh, stands, LOW, HIGH, graceful)).toBe('close-fresh');
    expect(resolveCollision(fresh, stands, LOW, HIGH, { ...graceful, restarting: true })).toBe('close-other');
    expect(resolveCollision(fresh, stands, LOW, HIGH, { ...graceful, silentMs: 30_001 })).toBe('close-other');
    expect(resolveCollision(fresh, stands, LOW, HIGH, { ...NO_SIGNS, restarting: true })).toBe('close-fresh');
  });
});

const startOne = (pair: Pair, host: Host): void => feed(pair.net, host, { kind: 'start' });

/** Another connection from A to B, by nobody who speaks BGP. */
const strangerDials = ({ net, b }: Pair): void =>
  feed(net, b, { kind: 'tcp-accepted', connection: 99, local: B, remote: A });

/** A dies without a word, and a new run of it dials while B knows of nothing. */
function rebootSilently(pair: Pair): void {
  kill(pair.a);
  reboot(pair.net, pair.a, optionsOfA({ ab: { gracefulRestart: GRACEFUL } }), true);
}

const connectionsOf = (host: Host, name: string): number => {
  const peer = host.speaker.peers.get(name);
  return peer === undefined
    ? 0
    : machinesOf(peer).filter(({ connection }) => connection !== undefined).length;
};

describe('RFC 4271 6.8: two speakers', () => {
  it('6.8: both dial, and one connection remains, that of the higher identifier', () => {
    const pair = pairOf();
    startAll(pair);
    settle(pair);
    wait(pair.net, 5000);
    expect([connectionsOf(pair.a, 'b'), connectionsOf(pair.b, 'a')]).toEqual([1, 1]);
    expect(pair.a.speaker.peers.get('b')?.main.dialed).toBe(false);
    expect(pair.b.speaker.peers.get('a')?.main.dialed).toBe(true);
    const said = [...notificationsOf(pair.a, B), ...notificationsOf(pair.b, A)];
    expect(said.length).toBeGreaterThan(0);
    expect(new Set(said)).toEqual(new Set(['Cease / Connection Collision Resolution (6/7)']));
  });

  for (const delayMs of [1, 40, 400]) {
    for (const lead of [0, 1, 39, 40, 41, 80, 120]) {
      it(`6.8: ends with one session, path ${delayMs} ms, the other dials ${lead} ms later`, () => {
        const pair = pairOf();
        const { net, a, b } = pair;
        net.delayMs = delayMs;
        startOne(pair, a);
        wait(net, lead);
        startOne(pair, b);
        expect(until(net, 30_000, () => isUp(a, 'b') && isUp(b, 'a'))).toBe(true);
        wait(net, 30_000);
        expect([isUp(a, 'b'), isUp(b, 'a')]).toEqual([true, true]);
        expect([connectionsOf(a, 'b'), connectionsOf(b, 'a')]).toEqual([1, 1]);
        expect(a.sessions.filter(({ state }) => state === 'down')).toEqual([]);
      });
    }
  }

  it('RFC 6286 2.3: equal identifiers in different ASes come to one session', () => {
    const pair = pairOf({ a: { routerId: '9.9.9.9' }, b: { routerId: '9.9.9.9' } });
    startAll(pair);
    settle(pair);
    expect(pair.b.speaker.peers.get('a')?.main.dialed).toBe(true);
  });

  it('6.8: a second connection beside an Established one is closed, and the session stays', () => {
    const pair = pairOf({ ba: { passive: true } });
    startAll(pair);
    settle(pair);
    strangerDials(pair);
    expect(connectionsOf(pair.b, 'a')).toBe(2);
    wait(pair.net, 1000);
    expect(isUp(pair.b, 'a')).toBe(true);
  });

  it('RFC 4724 5: a neighbor whose old connection hangs is taken back on a new one', () => {
    const pair = pairOf({ ab: { gracefulRestart: GRACEFUL }, ba: { gracefulRestart: GRACEFUL } });
    startAll(pair);
    settle(pair);
    rebootSilently(pair);
    expect(until(pair.net, 20_000, () => isUp(pair.a, 'b'))).toBe(true);
    const downs = pair.b.sessions.filter(({ state }) => state === 'down');
    expect(downs.map(({ reason, retained }) => [reason, retained])).toEqual([
      ['the neighbor has restarted, and opened a new connection', true],
    ]);
    expect(pair.b.routes.has('10.1.0.0/16')).toBe(true);
  });
});
