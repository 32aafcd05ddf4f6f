import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deadlines, firstDeadline, type Waiting, wakeAt } from '../../controller/bfd/deadlines.ts';
import { bfdStatus, createBfd, nextBfdDeadline, stepBfd } from '../../controller/bfd/machine.ts';
import { STATE } from '../../controller/wire/bfd.ts';
import { bothUp, gaps, lone, options, ours, pair } from './scene.ts';

const { down, up } = STATE;

describe('transmission', () => {
  it('RFC 5880 6.8.3: sends once a second at most until Up, and says so', () => {
    const scene = lone(options({ intervalMs: 10 }));
    scene.run(60_000);
    expect(Math.min(...gaps(scene.sent))).toBeGreaterThanOrEqual(750);
    expect(scene.sent.every(({ packet }) => packet.desiredMinTxUs === 1_000_000)).toBe(true);
    expect(scene.sent[0]?.packet.requiredMinRxUs).toBe(10_000);
  });

  it.each([
    [3, 0.75, 1],
    [2, 0.75, 1],
    [1, 0.75, 0.9],
  ])(
    'RFC 5880 6.8.7: with Detect Mult %i the jitter leaves %f to %f of the interval',
    (multiplier, least, most) => {
      const scene = lone(options({ multiplier }));
      scene.bringUp({ desiredMinTxUs: 4_000_000_000 });
      scene.hear({ state: up, yourDiscriminator: ours, final: true, desiredMinTxUs: 4_000_000_000 });
      scene.run(300_000);
      const seen = gaps(scene.sent.filter(({ at }) => at > 0));
      expect(seen.length).toBeGreaterThan(900);
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(300 * least - 1e-6);
      expect(Math.max(...seen)).toBeLessThanOrEqual(300 * most + 1e-6);
      // The whole range is used.
      expect(Math.min(...seen)).toBeLessThan(300 * (least + 0.02));
      expect(Math.max(...seen)).toBeGreaterThan(300 * (most - 0.02));
    },
  );

  it('RFC 5880 6.8.7: keeps to the slower of both wishes', () => {
    const scene = lone(options({ intervalMs: 50 }));
    scene.bringUp({ requiredMinRxUs: 400_000, desiredMinTxUs: 50_000_000 });
    scene.run(60_000);
    const seen = gaps(scene.sent).slice(3);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(300);
    expect(Math.max(...seen)).toBeLessThanOrEqual(400);
  });

  it('RFC 5880 6.8.7: is silent towards a peer whose Required Min RX Interval is 0', () => {
    const scene = lone();
    scene.bringUp({ requiredMinRxUs: 0, desiredMinTxUs: 50_000_000 });
    const count = scene.sent.length;
    scene.run(10_000);
    expect(scene.sent.length).toBe(count);
    scene.hear({ state: up, yourDiscriminator: ours, requiredMinRxUs: 300_000 });
    scene.run(1);
    expect(scene.sent.length).toBe(count + 1);
  });

  it('RFC 5880 6.8.7: a change of state is sent at once', () => {
    const scene = lone();
    for (const [says, becomes] of [
      [down, STATE.init],
      [up, STATE.up],
      [down, STATE.down],
    ] as const) {
      scene.run(10);
      scene.hear({ state: says, yourDiscriminator: ours });
      expect(scene.sent.at(-1)).toMatchObject({ at: scene.now, packet: { state: becomes } });
    }
  });

  it('makes no storm of changes that follow each other, and tells the last one', () => {
    const scene = lone();
    scene.run(100);
    const count = scene.sent.length;
    for (let round = 0; round < 400; round += 1)
      scene.hear({ state: round % 2 === 0 ? down : STATE.init, yourDiscriminator: ours });
    expect(scene.sent.length - count).toBeLessThan(10);
    const { state } = scene.status();
    scene.run(20);
    expect(scene.sent.at(-1)?.packet).toMatchObject({
      state: STATE[state === 'admin-down' ? 'adminDown' : state],
    });
  });

  it('RFC 5880 6.8.2: takes up a faster pace at once when the peer allows it', () => {
    const scene = lone(options({ intervalMs: 10 }));
    scene.bringUp({ requiredMinRxUs: 2_000_000, desiredMinTxUs: 50_000_000 });
    scene.run(1000);
    const count = scene.sent.length;
    scene.hear({ state: up, yourDiscriminator: ours, requiredMinRxUs: 10_000, desiredMinTxUs: 50_000_000 });
    scene.run(0);
    expect(scene.sent.length).toBe(count + 1);
    scene.run(100);
    expect(scene.sent.length).toBeGreaterThanOrEqual(count + 10);
  });

  it('RFC 5880 6.8.2: takes up a slower pace with the next packet', () => {
    const scene = lone(options({ intervalMs: 10 }));
    scene.bringUp({ requiredMinRxUs: 10_000, desiredMinTxUs: 50_000_000 });
    scene.run(100);
    scene.hear({
      state: up,
      yourDiscriminator: ours,
      requiredMinRxUs: 1_000_000,
      desiredMinTxUs: 50_000_000,
    });
    const last = scene.sent.at(-1)?.at ?? 0;
    scene.run(5000);
    const after = scene.sent.filter(({ at }) => at > last);
    expect((after[0]?.at ?? 0) - last).toBeGreaterThanOrEqual(750);
  });

  it('keeps an absolute schedule when it is woken late, and is never too fast for the peer', () => {
    const scene = lone(options({ intervalMs: 100 }));
    scene.bringUp({ requiredMinRxUs: 10_000, desiredMinTxUs: 50_000_000 });
    const count = scene.sent.length;
    scene.run(60_000, 5);
    const sent = scene.sent.slice(count);
    expect(Math.min(...gaps(sent))).toBeGreaterThanOrEqual(75 - 1e-6);
    // Very late once, then in time: the next is not sooner for that.
    for (const lateMs of [60, 0, 60, 0, 60, 0, 60, 0]) {
      const before = scene.sent.length;
      while (scene.sent.length === before) scene.run(1, lateMs);
    }
    expect(Math.min(...gaps(scene.sent.slice(count)))).toBeGreaterThanOrEqual(75 - 1e-6);
    // 87.5 ms is the mean of the jitter; lateness that added up would make it 90.
    expect(60_000 / sent.length).toBeLessThan(88.6);
  });
});

describe('the Poll Sequence', () => {
  it('RFC 5880 6.8.3: is begun when coming Up changes the pace, and ends with the Final bit', () => {
    const scene = lone();
    scene.bringUp({ desiredMinTxUs: 50_000_000 });
    scene.run(1000);
    const polls = scene.sent.filter(({ packet }) => packet.state === up);
    expect(polls.length).toBeGreaterThanOrEqual(3);
    expect(polls.every(({ packet }) => packet.poll && packet.desiredMinTxUs === 300_000)).toBe(true);
    scene.hear({ state: up, yourDiscriminator: ours, final: true, desiredMinTxUs: 50_000_000 });
    const count = scene.sent.length;
    scene.run(1000);
    expect(scene.sent.slice(count).every(({ packet }) => !packet.poll)).toBe(true);
  });

  it('RFC 5880 6.5, 6.8.7: a Poll is answered at once with Final and without Poll, in any state', () => {
    const scene = lone();
    const ask = (): void => {
      const count = scene.sent.length;
      scene.hear({ state: down, poll: true, yourDiscriminator: ours });
      const answers = scene.sent.slice(count).filter(({ packet }) => packet.final);
      expect(answers).toHaveLength(1);
      expect(answers[0]?.packet.poll).toBe(false);
      expect(answers[0]?.at).toBe(scene.now);
    };
    ask();
    scene.bringUp();
    scene.run(1);
    ask();
    scene.step({ kind: 'admin', session: 's', down: true });
    scene.run(1);
    ask();
  });

  it('RFC 5880 6.5: is carried by the periodic packets; no more are sent for it', () => {
    const scene = lone();
    scene.bringUp({ desiredMinTxUs: 50_000_000 });
    scene.run(30_000);
    const polling = scene.sent.filter(({ packet }) => packet.poll);
    expect(polling.length).toBeGreaterThan(90);
    expect(Math.min(...gaps(polling))).toBeGreaterThanOrEqual(225 - 1e-6);
  });

  it('RFC 5880 6.8.3: while Up, a slower pace of ours waits for the end of the sequence', () => {
    const scene = lone(options({ intervalMs: 50 }));
    const steady = {
      state: up,
      yourDiscriminator: ours,
      requiredMinRxUs: 10_000,
      desiredMinTxUs: 50_000_000,
    };
    scene.bringUp({ requiredMinRxUs: 10_000, desiredMinTxUs: 50_000_000 });
    scene.hear({ ...steady, final: true });
    scene.step({ kind: 'open', session: 's', options: options({ intervalMs: 500 }) });
    const before = scene.sent.length;
    scene.run(1000);
    const held = scene.sent.slice(before);
    expect(held.length).toBeGreaterThanOrEqual(19);
    expect(held.every(({ packet }) => packet.poll && packet.desiredMinTxUs === 500_000)).toBe(true);
    scene.hear({ ...steady, final: true });
    const after = scene.sent.length;
    scene.run(1000);
    expect(scene.sent.length - after).toBeLessThanOrEqual(3);
  });

  it('RFC 5880 6.8.3: while Up, a faster pace of ours is taken up at once', () => {
    const scene = lone(options({ intervalMs: 500 }));
    const steady = {
      state: up,
      yourDiscriminator: ours,
      requiredMinRxUs: 10_000,
      desiredMinTxUs: 50_000_000,
    };
    scene.bringUp({ requiredMinRxUs: 10_000, desiredMinTxUs: 50_000_000 });
    scene.hear({ ...steady, final: true });
    scene.step({ kind: 'open', session: 's', options: options({ intervalMs: 50 }) });
    const before = scene.sent.length;
    scene.run(500);
    expect(scene.sent.length - before).toBeGreaterThanOrEqual(9);
    expect(scene.sent.at(-1)?.packet.poll).toBe(true);
  });

  it('RFC 5880 6.8.3: while Up, a faster pace wanted of the peer shortens the Detection Time after the sequence', () => {
    const scene = lone(options({ intervalMs: 500 }));
    const steady = { state: up, yourDiscriminator: ours, desiredMinTxUs: 10_000 };
    scene.bringUp({ desiredMinTxUs: 10_000 });
    scene.hear({ ...steady, final: true });
    scene.step({ kind: 'open', session: 's', options: options({ intervalMs: 50 }) });
    scene.hear(steady);
    expect(scene.status().detectionTimeMs).toBe(1500);
    scene.hear({ ...steady, final: true });
    expect(scene.status().detectionTimeMs).toBe(150);
  });

  it('RFC 5880 6.8.3: while Up, a slower pace wanted of the peer lengthens the Detection Time at once', () => {
    const scene = lone(options({ intervalMs: 50 }));
    const steady = { state: up, yourDiscriminator: ours, desiredMinTxUs: 10_000 };
    scene.bringUp({ desiredMinTxUs: 10_000 });
    scene.hear({ ...steady, final: true });
    scene.step({ kind: 'open', session: 's', options: options({ intervalMs: 500 }) });
    expect(scene.status().detectionTimeMs).toBe(1500);
  });

  it('RFC 5880 6.5: a second change during a sequence is polled anew, after a packet without the bit', () => {
    const scene = lone(options({ intervalMs: 50 }));
    const steady = {
      state: up,
      yourDiscriminator: ours,
      requiredMinRxUs: 10_000,
      desiredMinTxUs: 50_000_000,
    };
    scene.bringUp({ requiredMinRxUs: 10_000, desiredMinTxUs: 50_000_000 });
    scene.hear({ ...steady, final: true });
    scene.step({ kind: 'open', session: 's', options: options({ intervalMs: 500 }) });
    scene.run(100);
    scene.step({ kind: 'open', session: 's', options: options({ intervalMs: 700 }) });
    scene.run(100);
    // This answers the first sequence, which said 500 ms: nothing may slow down yet.
    scene.hear({ ...steady, final: true });
    const before = scene.sent.length;
    scene.run(300);
    const bits = scene.sent.slice(before).map(({ packet }) => packet.poll);
    expect(bits.length).toBeGreaterThanOrEqual(5);
    expect(bits).toEqual([false, ...bits.slice(1).map(() => true)]);
    scene.hear({ ...steady, final: true });
    expect(scene.status().transmitIntervalMs).toBe(700);
  });

  it('RFC 5880 6.8.3: two machines change their pace while Up without a flap', () => {
    const scene = pair({ intervalMs: 300 });
    scene.until('up', () => bothUp(scene), 3000);
    for (const intervalMs of [10, 1000, 50, 300]) {
      scene.step(scene.a, {
        kind: 'open',
        session: 's',
        options: options({ peer: '192.0.2.2', intervalMs }),
      });
      scene.run(5000);
    }
    expect([scene.status(scene.a).flaps, scene.status(scene.b).flaps]).toEqual([0, 0]);
    expect(scene.status(scene.a).transmitIntervalMs).toBe(300);
  });
});

describe('deadlines', () => {
  it('come in order, whatever is set, moved and taken out', () => {
    const command = fc.tuple(fc.nat(15), fc.oneof(fc.nat(100), fc.constant(Infinity)));
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const items = Array.from({ length: 16 }, (): Waiting => ({ wakeAt: Infinity, place: -1 }));
        const model = new Map<Waiting, number>();
        const heap: Deadlines<Waiting> = [];
        for (const [index, at] of commands) {
          const item = items[index];
          if (item === undefined) continue;
          wakeAt(heap, item, at);
          if (at === Infinity) model.delete(item);
          else model.set(item, at);
          const least = model.size === 0 ? undefined : Math.min(...model.values());
          expect(firstDeadline(heap)).toBe(least);
          expect(heap.length).toBe(model.size);
        }
      }),
    );
  });

  it('a hundred sessions at 10 ms take no more work each than one', () => {
    const bfd = createBfd({ seed: 1 });
    for (let index = 0; index < 100; index++)
      stepBfd(bfd, { kind: 'open', session: `${index}`, options: options({ peer: `10.0.0.${index}` }) }, 0);
    let sent = 0;
    let steps = 0;
    for (let at = nextBfdDeadline(bfd); at !== undefined && at < 10_000; at = nextBfdDeadline(bfd)) {
      sent += stepBfd(bfd, { kind: 'deadline' }, at).length;
      steps++;
    }
    // No step without a packet: nobody is woken in vain.
    expect(steps).toBeLessThanOrEqual(sent);
    expect(bfdStatus(bfd)).toHaveLength(100);
  });
});
