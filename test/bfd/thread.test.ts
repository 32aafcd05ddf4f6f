/** The thread with real sockets over the loopback: threads of the same process speak to each other. */
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BfdChange } from '../../controller/bfd/event.ts';
import type { BfdOptions } from '../../controller/bfd/options.ts';
import { type RunningBfd, startBfd } from '../../controller/shell/bfd/bfd.ts';
import { encodeControl } from '../../controller/wire/bfd.ts';
import { packet } from './scene.ts';

const onLinux = process.platform === 'linux';
const WAIT = { timeout: 20_000, interval: 20 };

interface Running {
  readonly bfd: RunningBfd;
  readonly changes: BfdChange[];
  readonly logs: string[];
  readonly faults: string[];
}

const running: Running[] = [];

function start(fifo?: boolean): Running {
  const changes: BfdChange[] = [];
  const logs: string[] = [];
  const faults: string[] = [];
  const bfd = startBfd({
    onChange: (change) => changes.push(change),
    onLog: (level, text) => logs.push(`${level}: ${text}`),
    onFault: (text, session) => faults.push(`${session}: ${text}`),
    ...(fifo === undefined ? {} : { fifo }),
  });
  const one = { bfd, changes, logs, faults };
  running.push(one);
  return one;
}

const between = (local: string, peer: string, changes: Partial<BfdOptions> = {}): BfdOptions => ({
  peer,
  local,
  multihop: false,
  intervalMs: 100,
  multiplier: 3,
  passive: false,
  ...changes,
});

const open = ({ bfd }: Running, options: BfdOptions): void =>
  bfd.post({ kind: 'open', session: options.peer, options });

const states = (one: Running): readonly string[] => one.changes.map(({ state }) => state);

async function bothUp(a: Running, b: Running): Promise<void> {
  await vi.waitFor(() => {
    expect([a.faults, b.faults]).toEqual([[], []]);
    expect([states(a).at(-1), states(b).at(-1)]).toEqual(['up', 'up']);
  }, WAIT);
}

describe.skipIf(!onLinux)('the BFD thread (skipped: not Linux)', () => {
  afterEach(async () => {
    await Promise.all(running.map(({ bfd }) => bfd.stop()));
    running.length = 0;
  });

  it.each([
    ['IPv4', between('127.0.1.1', '127.0.1.2'), between('127.0.1.2', '127.0.1.1')],
    [
      'IPv4, multihop',
      between('127.0.1.3', '127.0.1.4', { multihop: true }),
      between('127.0.1.4', '127.0.1.3', { multihop: true }),
    ],
    [
      'IPv4, meticulous SHA1',
      between('127.0.1.5', '127.0.1.6', {
        authentication: { type: 'meticulous-sha1', keyId: 1, key: Buffer.from('key') },
      }),
      between('127.0.1.6', '127.0.1.5', {
        authentication: { type: 'meticulous-sha1', keyId: 1, key: Buffer.from('key') },
      }),
    ],
  ])('comes up over %s', async (_, one, other) => {
    const [a, b] = [start(), start()];
    open(a, one);
    open(b, other);
    await bothUp(a, b);
    const [status] = await a.bfd.status();
    expect(status).toMatchObject({ session: one.peer, state: 'up', flaps: 0, discarded: {} });
  });

  it('speaks IPv6 with itself', async () => {
    const one = start();
    open(one, between('::1', '::1'));
    // A session that hears itself: Down from itself makes it Init, Init makes it Up.
    await vi.waitFor(() => expect(states(one).at(-1)).toBe('up'), WAIT);
    expect(one.faults).toEqual([]);
  });

  it('tells the time of the main thread', async () => {
    const [a, b] = [start(), start()];
    const before = performance.timeOrigin + performance.now();
    open(a, between('127.0.1.11', '127.0.1.12'));
    open(b, between('127.0.1.12', '127.0.1.11'));
    await bothUp(a, b);
    const received = a.changes.at(-1)?.lastReceivedAt ?? 0;
    expect(received).toBeGreaterThanOrEqual(before - 0.01);
    expect(received).toBeLessThanOrEqual(performance.timeOrigin + performance.now() + 0.01);
  });

  it('RFC 5880 6.8.16: says AdminDown when it stops', async () => {
    const [a, b] = [start(), start()];
    open(a, between('127.0.1.13', '127.0.1.14'));
    open(b, between('127.0.1.14', '127.0.1.13'));
    await bothUp(a, b);
    await a.bfd.stop();
    await vi.waitFor(() => expect(states(b).at(-1)).toBe('down'), WAIT);
    expect(b.changes.at(-1)).toMatchObject({ remoteState: 'admin-down' });
    expect(await a.bfd.status()).toEqual([]);
  });

  it('does not flap while the main thread does something else for many Detection Times', async () => {
    const [a, b] = [start(), start()];
    open(a, between('127.0.1.15', '127.0.1.16'));
    open(b, between('127.0.1.16', '127.0.1.15'));
    await bothUp(a, b);
    const [before] = await a.bfd.status();
    const until = performance.now() + 2000;
    while (performance.now() < until);
    await vi.waitFor(async () => {
      const [after] = await a.bfd.status();
      // It was heard while nothing else ran: more than a Detection Time's worth.
      expect((after?.received ?? 0) - (before?.received ?? 0)).toBeGreaterThan(6);
    }, WAIT);
    const [one] = await a.bfd.status();
    const [other] = await b.bfd.status();
    expect([one?.flaps, other?.flaps]).toEqual([0, 0]);
    expect([states(a).at(-1), states(b).at(-1)]).toEqual(['up', 'up']);
  });

  it('RFC 5881 5: the kernel delivers no packet with a TTL below 255, and any on the multihop port', async () => {
    const one = start();
    // A passive session answers the first packet that it hears.
    open(one, between('127.0.1.21', '127.0.1.22', { passive: true }));
    open(one, between('127.0.1.21', '127.0.1.23', { passive: true, multihop: true }));
    await vi.waitFor(async () => expect(await one.bfd.status()).toHaveLength(2), WAIT);
    const say = (from: string, port: number, ttl: number, myDiscriminator: number): void => {
      const socket = createSocket('udp4');
      socket.bind(0, from, () => {
        socket.setTTL(ttl);
        socket.send(encodeControl(packet({ myDiscriminator })), port, '127.0.1.21', () => socket.close());
      });
    };
    say('127.0.1.22', 3784, 254, 1254);
    say('127.0.1.22', 3784, 1, 1001);
    say('127.0.1.23', 4784, 254, 2254);
    await vi.waitFor(async () => expect((await one.bfd.status())[1]?.remoteDiscriminator).toBe(2254), WAIT);
    say('127.0.1.22', 3784, 255, 1255);
    await vi.waitFor(async () => expect((await one.bfd.status())[0]?.received).toBe(1), WAIT);
    expect((await one.bfd.status())[0]?.remoteDiscriminator).toBe(1255);
  });

  it('RFC 5881 5: nor one with a hop limit below 255 over IPv6', async () => {
    const one = start();
    open(one, between('::1', '::1', { passive: true }));
    await vi.waitFor(async () => expect(await one.bfd.status()).toHaveLength(1), WAIT);
    const socket = createSocket('udp6');
    await new Promise<void>((resolve) => socket.bind(0, '::1', resolve));
    for (const hops of [254, 64, 255]) {
      socket.setTTL(hops);
      const data = encodeControl(packet({ myDiscriminator: hops }));
      await new Promise((resolve) => socket.send(data, 3784, '::1', resolve));
    }
    socket.close();
    await vi.waitFor(async () => expect((await one.bfd.status())[0]?.remoteDiscriminator).toBe(255), WAIT);
    // Its own answers come back to it as well, which it does not take for a peer's.
    expect((await one.bfd.status())[0]?.received).toBe(1);
  });

  it('RFC 5881 4: sends from one port of 49152 and above', async () => {
    const seen: { port: number; address: string }[] = [];
    const peer = createSocket('udp4');
    peer.on('message', (_, { port, address: from }) => seen.push({ port, address: from }));
    await new Promise<void>((resolve) => peer.bind(3784, '127.0.1.26', resolve));
    const one = start();
    open(one, between('127.0.1.25', '127.0.1.26'));
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(3), WAIT);
    peer.close();
    expect(new Set(seen.map(({ port }) => port)).size).toBe(1);
    expect(seen[0]?.port).toBeGreaterThanOrEqual(49152);
    expect(seen[0]?.address).toBe('127.0.1.25');
  });

  it('says which address and port it cannot have, why, and what to do; and tries again', async () => {
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(3784, '127.0.1.31', resolve));
    const [a, b] = [start(), start()];
    open(a, between('127.0.1.31', '127.0.1.32'));
    await vi.waitFor(() => expect(a.faults).toHaveLength(1), WAIT);
    expect(a.faults[0]).toMatch(/127\.0\.1\.31:3784 \(EADDRINUSE\).*another program.*ss -ulpn/);
    other.close();
    open(b, between('127.0.1.32', '127.0.1.31'));
    await vi.waitFor(() => expect([states(a).at(-1), states(b).at(-1)]).toEqual(['up', 'up']), WAIT);
    expect(a.logs.join()).toContain('has its sockets now');
    expect(a.faults).toHaveLength(1);
  });

  it('says that it lacks the local address', async () => {
    const one = start();
    open(one, between('192.0.2.77', '127.0.1.34'));
    await vi.waitFor(() => expect(one.faults).toHaveLength(1), WAIT);
    expect(one.faults[0]).toMatch(/192\.0\.2\.77:3784 \(EADDRNOTAVAIL\).*does not have 192\.0\.2\.77/);
  });

  it('refuses options that no session can have', async () => {
    const one = start();
    open(one, between('127.0.1.35', '127.0.1.36', { intervalMs: 1 }));
    await vi.waitFor(() => expect(one.faults).toHaveLength(1), WAIT);
    expect(one.faults[0]).toContain('the interval is 1 ms');
    expect(await one.bfd.status()).toEqual([]);
  });

  it.each([true, false, undefined])(
    'has real-time scheduling (%s), or says what it needs for that',
    async (fifo) => {
      const one = start(fifo);
      open(one, between('127.0.1.37', '127.0.1.38'));
      await vi.waitFor(async () => expect(await one.bfd.status()).toHaveLength(1), WAIT);
      const refused = one.logs.filter((line) => line.includes('real-time'));
      const threads = readdirSync('/proc/self/task').map((id) =>
        readFileSync(`/proc/self/task/${id}/stat`, 'utf8'),
      );
      // proc(5): the 41st field is the policy, 1 is SCHED_FIFO; the second may contain blanks, and ends in
      // `)`.
      const isRealTime = (stat: string): boolean =>
        stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38] === '1';
      const granted = threads.filter(isRealTime).length;
      expect(granted + refused.length).toBe(fifo === false ? 0 : 1);
      for (const line of refused) expect(line).toMatch(fifo ? /^warn: .*EPERM.*CAP_SYS_NICE/ : /^debug: /);
    },
  );
});
