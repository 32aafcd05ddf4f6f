import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BfdState } from '../../controller/bfd/event.ts';
import { bfdStatus, createBfd, stepBfd } from '../../controller/bfd/machine.ts';
import { STATE } from '../../controller/wire/bfd.ts';
import { bothUp, HERE, lone, options, ours, pair, THERE } from './scene.ts';

const { adminDown, down, init, up } = STATE;

/** A session brought into a state by what a peer says. */
function inState(state: BfdState) {
  const scene = lone();
  if (state === 'init') scene.hear({ state: down });
  if (state === 'up') scene.bringUp();
  if (state === 'admin-down') scene.step({ kind: 'admin', session: 's', down: true });
  expect(scene.status().state).toBe(state);
  return scene;
}

describe('the state machine', () => {
  it.each([
    ['down', down, 'init'],
    ['down', init, 'up'],
    ['down', up, 'down'],
    ['down', adminDown, 'down'],
    ['init', down, 'init'],
    ['init', init, 'up'],
    ['init', up, 'up'],
    ['init', adminDown, 'down'],
    ['up', down, 'down'],
    ['up', init, 'up'],
    ['up', up, 'up'],
    ['up', adminDown, 'down'],
    ['admin-down', down, 'admin-down'],
    ['admin-down', init, 'admin-down'],
    ['admin-down', up, 'admin-down'],
    ['admin-down', adminDown, 'admin-down'],
  ] as const)('RFC 5880 6.2, 6.8.6: in %s a packet with state %i makes it %s', (before, says, after) => {
    const scene = inState(before);
    scene.hear({ state: says, yourDiscriminator: ours });
    expect(scene.status().state).toBe(after);
  });

  it('RFC 5880 6.8.6: says that the neighbor signaled it where the neighbor did', () => {
    for (const says of [down, adminDown]) {
      const scene = inState('up');
      scene.hear({ state: says, yourDiscriminator: ours });
      const remoteState = says === down ? 'down' : 'admin-down';
      expect(scene.changes.at(-1)).toMatchObject({
        session: 's',
        state: 'down',
        diagnostic: 'neighbor signaled session down',
        remoteState,
      });
      expect(scene.sent.at(-1)?.packet).toMatchObject({ state: down, diagnostic: 3 });
    }
  });

  it('RFC 5880 6.8.4: goes Down with diagnostic 1 after a Detection Time of silence, and not before', () => {
    const scene = inState('up');
    // Detect Mult 3, and the peer's 1 s is slower than our 300 ms.
    scene.run(2999.9);
    expect(scene.status().state).toBe('up');
    scene.run(0.2);
    expect(scene.changes.at(-1)).toMatchObject({
      state: 'down',
      diagnostic: 'control detection time expired',
      remoteState: 'up',
      detectionTimeMs: 3000,
      lastReceivedAt: 0,
      at: 3000,
    });
    expect(scene.status().flaps).toBe(1);
  });

  it('RFC 5880 6.8.4: Init ends in silence as well', () => {
    const scene = inState('init');
    scene.run(3001);
    expect(scene.status()).toMatchObject({
      state: 'down',
      diagnostic: 'control detection time expired',
      flaps: 0,
    });
  });

  it('RFC 5880 6.8.4: each packet begins the Detection Time anew', () => {
    const scene = inState('up');
    for (let count = 0; count < 5; count++) {
      scene.run(2900);
      scene.hear({ state: up, yourDiscriminator: ours });
    }
    expect(scene.status().state).toBe('up');
  });

  it('RFC 5880 6.8.4: a shorter Detection Time counts at once', () => {
    const scene = inState('up');
    scene.hear({ state: up, yourDiscriminator: ours, desiredMinTxUs: 300_000 });
    scene.run(901);
    expect(scene.changes.at(-1)).toMatchObject({ state: 'down', detectionTimeMs: 900, at: 900 });
  });

  it('RFC 5880 6.8.4: the Detection Time is the larger of our RequiredMinRx and its DesiredMinTx, times its mult', () => {
    const scene = inState('up');
    scene.hear({ state: up, yourDiscriminator: ours, desiredMinTxUs: 10_000, detectMult: 5 });
    expect(scene.status().detectionTimeMs).toBe(1500);
    scene.hear({ state: up, yourDiscriminator: ours, desiredMinTxUs: 700_000, detectMult: 2 });
    expect(scene.status().detectionTimeMs).toBe(1400);
  });

  it('RFC 5880 6.8.1: forgets the discriminator of a peer that is silent for a Detection Time', () => {
    for (const state of ['down', 'up', 'admin-down'] as const) {
      const scene = inState(state);
      scene.hear({ state: state === 'up' ? up : adminDown, yourDiscriminator: ours });
      expect(scene.status().remoteDiscriminator).toBe(77);
      scene.run(3001);
      expect(scene.status().remoteDiscriminator).toBe(0);
    }
  });

  it('RFC 5880 6.8.6: thrown away packets do not keep a session up', () => {
    const scene = inState('up');
    for (let count = 0; count < 4; count++) {
      scene.run(800);
      scene.hear({ state: up, yourDiscriminator: 4711 });
    }
    expect(scene.status()).toMatchObject({ state: 'down', discarded: { 'your discriminator unknown': 4 } });
  });
});

describe('administrative control', () => {
  it('RFC 5880 6.8.16: AdminDown is told at once, holds, and says why', () => {
    const scene = inState('up');
    scene.step({ kind: 'admin', session: 's', down: true });
    expect(scene.sent.at(-1)).toMatchObject({ at: scene.now, packet: { state: adminDown, diagnostic: 7 } });
    expect(scene.changes.at(-1)).toMatchObject({ state: 'admin-down', diagnostic: 'administratively down' });
    scene.hear({ state: down, yourDiscriminator: ours });
    expect(scene.status().state).toBe('admin-down');
  });

  it('RFC 5880 6.8.16: comes back from AdminDown through Down', () => {
    const scene = inState('admin-down');
    scene.step({ kind: 'admin', session: 's', down: false });
    expect(scene.status()).toMatchObject({ state: 'down', diagnostic: 'none' });
    expect(scene.sent.at(-1)?.packet.state).toBe(down);
    scene.bringUp();
    expect(scene.status().state).toBe('up');
  });

  it('RFC 5880 6.2: AdminDown makes the peer Down, which knows that this means nothing', () => {
    const scene = pair();
    scene.until('both up', () => bothUp(scene));
    scene.step(scene.a, { kind: 'admin', session: 's', down: true });
    scene.until('b down', () => scene.status(scene.b).state === 'down', 10);
    expect(scene.b.changes.at(-1)).toMatchObject({ remoteState: 'admin-down' });
    scene.run(20_000);
    expect(scene.status(scene.b).state).toBe('down');
    scene.step(scene.a, { kind: 'admin', session: 's', down: false });
    scene.until('both up again', () => bothUp(scene), 3000);
  });

  it('RFC 5880 6.8.16: a session that is closed leaves with AdminDown, and is gone', () => {
    const scene = inState('up');
    scene.step({ kind: 'close', session: 's' });
    expect(scene.sent.at(-1)?.packet).toMatchObject({ state: adminDown, diagnostic: 7 });
    expect(scene.changes.at(-1)).toMatchObject({ state: 'admin-down', diagnostic: 'administratively down' });
    const count = scene.sent.length;
    scene.run(60_000);
    scene.hear({ state: down });
    expect(scene.sent.length).toBe(count);
  });
});

describe('demultiplexing', () => {
  it('RFC 5880 6.3: finds the session by Your Discriminator, wherever the packet comes from', () => {
    const scene = lone();
    scene.hear({ state: down });
    scene.hear({ state: up, yourDiscriminator: ours }, '198.51.100.9');
    expect(scene.status().state).toBe('up');
  });

  it('RFC 5880 6.8.6: Your Discriminator 0 is good in Down and AdminDown only', () => {
    const scene = lone();
    scene.hear({ state: init });
    scene.hear({ state: up });
    expect(scene.status()).toMatchObject({
      state: 'down',
      received: 0,
      discarded: { 'your discriminator is 0 in state Init or Up': 2 },
    });
  });

  it('RFC 5881 3: finds the session of a first packet by the address of the peer', () => {
    const scene = lone();
    scene.hear({ state: down }, '192.0.2.3');
    expect(scene.status().state).toBe('down');
    scene.hear({ state: down }, THERE);
    expect(scene.status().state).toBe('init');
  });

  it('RFC 5881 3: IPv6 addresses are compared as addresses, not as text', () => {
    const scene = lone(options({ peer: '2001:DB8:0:0::2' }));
    scene.hear({ state: down }, '2001:db8::2');
    expect(scene.status().state).toBe('init');
  });

  it('RFC 5881 5: takes nothing for a single hop from the port that lets any TTL through', () => {
    const scene = inState('up');
    const data = scene.sent.at(-1)?.data ?? new Uint8Array();
    const answer = Uint8Array.from(data);
    // What it sent, turned round: its own discriminator is the receiver's.
    answer.set(data.subarray(4, 8), 8);
    answer.set([0, 0, 0, 77], 4);
    const before = scene.status().received;
    scene.hearBytes(answer, THERE, true);
    expect(scene.status().received).toBe(before);
    scene.hearBytes(answer, THERE, false);
    expect(scene.status().received).toBe(before + 1);
  });

  it('RFC 5883 3: several sessions with one peer are told apart by our own address', () => {
    const bfd = createBfd({ seed: 1 });
    for (const local of ['192.0.2.1', '192.0.2.9']) {
      const opened = options({ multihop: true, local });
      stepBfd(bfd, { kind: 'open', session: local, options: opened }, 0);
    }
    const [first] = stepBfd(createBfd({ seed: 2 }), { kind: 'open', session: 'x', options: options() }, 0);
    if (first?.kind !== 'send') throw new Error('nothing sent');
    const datagram = {
      kind: 'datagram',
      from: THERE,
      to: '192.0.2.9',
      multihop: true,
      data: first.data,
    } as const;
    stepBfd(bfd, datagram, 1);
    expect(bfdStatus(bfd).map(({ session, state }) => [session, state])).toEqual([
      ['192.0.2.1', 'down'],
      ['192.0.2.9', 'init'],
    ]);
  });

  it('RFC 5880 6.8.1: discriminators are random, not 0, and of one session only', () => {
    const seen = new Set<number>();
    for (const seed of [1, 2, 3]) {
      const bfd = createBfd({ seed });
      for (let index = 0; index < 300; index++) {
        const opened = options({ peer: `10.0.${index >> 8}.${index & 255}` });
        stepBfd(bfd, { kind: 'open', session: String(index), options: opened }, 0);
      }
      for (const { localDiscriminator } of bfdStatus(bfd)) seen.add(localDiscriminator);
    }
    expect(seen.size).toBe(900);
    expect(seen.has(0)).toBe(false);
    expect([...seen].filter((one) => one > 0x7fffffff).length).toBeGreaterThan(300);
  });
});

describe('roles, demand and echo', () => {
  it('RFC 5880 6.1: the passive side is silent until the other begins', () => {
    const scene = lone(options({ passive: true }));
    scene.run(10_000);
    expect(scene.sent).toEqual([]);
    scene.hear({ state: down });
    expect(scene.sent.at(-1)?.packet).toMatchObject({ state: init, yourDiscriminator: 77 });
    scene.run(10_000);
    const count = scene.sent.length;
    scene.run(10_000);
    expect(scene.sent.length).toBe(count);
  });

  it('RFC 5880 6.1: an active and a passive side come up; two passive sides never do', () => {
    const one = pair({ passive: true }, { passive: false });
    one.until('up', () => bothUp(one), 5000);
    const none = pair({ passive: true });
    none.run(60_000);
    expect([...none.a.sent, ...none.b.sent]).toEqual([]);
  });

  it('RFC 5880 6.8.7: a peer in demand mode gets no periodic packets, but its Polls are answered', () => {
    const scene = inState('up');
    scene.hear({ state: up, yourDiscriminator: ours, final: true });
    scene.hear({ state: up, yourDiscriminator: ours, demand: true, desiredMinTxUs: 60_000_000 });
    const count = scene.sent.length;
    scene.run(30_000);
    expect(scene.sent.length).toBe(count);
    scene.hear({ state: up, yourDiscriminator: ours, demand: true, poll: true, desiredMinTxUs: 60_000_000 });
    expect(scene.sent.at(-1)?.packet).toMatchObject({ final: true, state: up });
    scene.hear({ state: up, yourDiscriminator: ours, demand: false });
    scene.run(1000);
    expect(scene.sent.length).toBeGreaterThan(count + 3);
  });

  it('RFC 5880 6.8.7: our own Poll Sequence is sent to a peer in demand mode until it answers', () => {
    const scene = inState('up');
    scene.hear({ state: up, yourDiscriminator: ours, demand: true });
    const count = scene.sent.length;
    scene.run(1000);
    const polls = scene.sent.slice(count);
    expect(polls.length).toBeGreaterThanOrEqual(2);
    expect(polls.every(({ packet }) => packet.poll)).toBe(true);
    scene.hear({ state: up, yourDiscriminator: ours, demand: true, final: true });
    const after = scene.sent.length;
    scene.run(1000);
    expect(scene.sent.length).toBe(after);
  });

  it('RFC 5880 6.6, 6.8.9: never asks for demand mode, and loops no echo packets', () => {
    const scene = pair();
    scene.run(5000);
    for (const { packet } of [...scene.a.sent, ...scene.b.sent]) {
      expect(packet).toMatchObject({ demand: false, requiredMinEchoRxUs: 0, controlPlaneIndependent: false });
    }
  });
});

describe('two machines', () => {
  it('come up, stay up, and see the path break on both sides within the Detection Time', () => {
    const scene = pair({ intervalMs: 50 });
    scene.until('up', () => bothUp(scene), 3000);
    scene.run(10_000);
    expect(scene.status(scene.a).flaps).toBe(0);
    const cutAt = scene.now;
    scene.link = () => undefined;
    scene.run(1000);
    for (const side of [scene.a, scene.b]) {
      const change = side.changes.at(-1);
      expect(change).toMatchObject({ state: 'down', diagnostic: 'control detection time expired' });
      expect((change?.at ?? 0) - cutAt).toBeLessThanOrEqual(150.3);
      expect((change?.at ?? 0) - cutAt).toBeGreaterThan(95);
    }
  });

  it('RFC 5880 6.8.6: a path that breaks in one direction takes both down', () => {
    const scene = pair({ intervalMs: 50 });
    scene.until('up', () => bothUp(scene), 3000);
    scene.link = (from) => (from.name === 'a' ? undefined : 0.2);
    scene.run(1500);
    expect([scene.status(scene.a).state, scene.status(scene.b).state]).toEqual(['init', 'down']);
    expect(scene.a.changes.map(({ diagnostic }) => diagnostic)).toContain('neighbor signaled session down');
  });

  it('come up again after one lost all its state and its discriminator', () => {
    const scene = pair({ intervalMs: 50 });
    scene.until('up', () => bothUp(scene), 3000);
    const before = scene.status(scene.b).localDiscriminator;
    scene.reboot(scene.b, options({ peer: HERE, intervalMs: 50 }));
    expect(scene.status(scene.b).localDiscriminator).not.toBe(before);
    scene.until('a down', () => scene.status(scene.a).state !== 'up', 10);
    scene.until('both up again', () => bothUp(scene), 3000);
    expect(scene.status(scene.a).remoteDiscriminator).toBe(scene.status(scene.b).localDiscriminator);
  });

  it('never remain Up on one side only for longer than both Detection Times, whatever is lost', () => {
    const plan = fc.record({
      seed: fc.nat(1e6),
      loss: fc.double({ min: 0, max: 0.9, noNaN: true }),
      intervalMs: fc.constantFrom(10, 50, 300),
      multiplier: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(plan, ({ seed, loss, intervalMs, multiplier }) => {
        const scene = pair({ intervalMs, multiplier }, { intervalMs, multiplier }, seed);
        let draw = seed;
        scene.link = () => {
          draw = (Math.imul(draw, 1103515245) + 12345) & 0x7fffffff;
          return draw / 0x80000000 < loss ? undefined : 0.5;
        };
        let lonely = 0;
        let known = 0;
        const step = intervalMs / 5;
        for (let count = 0; count < 500; count++) {
          scene.run(step);
          const one = scene.status(scene.a).state === 'up';
          const other = scene.status(scene.b).state === 'up';
          // It may have gone down and come up again since we looked.
          const changes = (one ? scene.a : scene.b).changes.length;
          lonely = one === other ? 0 : changes === known ? lonely + step : step;
          known = changes;
          // The lone one still uses the slow pace that the other told it before it was Up; and one that
          // waits in Init keeps it Up until its own Detection Time ends.
          expect(lonely).toBeLessThanOrEqual(2 * multiplier * 1000 + step);
        }
      }),
      {
        numRuns: 60,
        examples: [[{ seed: 915_515, loss: 0.8816486704163254, intervalMs: 300, multiplier: 3 }]],
      },
    );
  });
});

describe('options', () => {
  it.each([
    [{ peer: 'router' }, 'router'],
    [{ intervalMs: 9 }, '9 ms'],
    [{ multiplier: 0 }, 'multiplier is 0'],
    [{ multiplier: 256 }, 'multiplier is 256'],
    [{ local: '2001:db8::1' }, 'different families'],
    [{ authentication: { type: 'keyed-md5', keyId: 1, key: new Uint8Array(17) } }, '17 bytes'],
    [{ authentication: { type: 'simple', keyId: 256, key: new Uint8Array(1) } }, 'key ID is 256'],
  ] as const)('refuses %j with a reason', (wrong, reason) => {
    const scene = lone(options(wrong));
    expect(scene.logs.join()).toContain(reason);
    expect(scene.sent).toEqual([]);
  });

  it('opens anew where peer, local address or kind changed', () => {
    const scene = inState('up');
    const before = scene.status().localDiscriminator;
    scene.step({ kind: 'open', session: 's', options: options({ multihop: true }) });
    expect(scene.status()).toMatchObject({ state: 'down', multihop: true });
    expect(scene.status().localDiscriminator).not.toBe(before);
    expect(scene.sent.slice(-2).map(({ packet, multihop }) => [packet.state, multihop])).toEqual([
      [adminDown, false],
      [down, true],
    ]);
  });
});
