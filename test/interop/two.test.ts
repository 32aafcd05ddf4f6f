/**
 * Two daemons of ours, as they are shipped, and nobody else: one asks and steers the other by `byoa bgp`, an
 * appliance drains itself, and a workload's kernel follows. Needs no routing daemon.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NeighborAnswer, RibAnswer } from '../../controller/shell/bgp-answer.ts';
import { askDaemon } from '../../controller/shell/control.ts';
import { titleOf } from '../title.ts';
import * as fleet from './fleet.ts';
import { type Lab, openLab, until } from './lab.ts';

const LIMIT_MS = 90_000;
const OWN = '203.0.113.0/24';
/** By a next hop that is on no subnet of the workload. */
const ASTRAY = '198.51.100.0/24';
const PASSWORD = 'correct-horse-battery';
const why = fleet.whyNoLab();

describe.skipIf(why !== undefined)(titleOf('two daemons of ours', why), () => {
  let lab: Lab;
  let workload: fleet.Daemon;
  let appliance: fleet.Daemon;
  let good: string;
  const bgp = async (daemon: fleet.Daemon, ...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await daemon.asked('bgp', ...words);
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
    return stdout;
  };
  const query = async <T>(daemon: fleet.Daemon, question: object): Promise<T> => {
    const socket = join(daemon.host.folder, 'byoa.sock');
    return (await askDaemon(socket, { kind: 'bgp-query', question } as never, LIMIT_MS)).body as T;
  };
  const neighborOf = async (daemon: fleet.Daemon, name: string) => {
    const { neighbors } = await query<NeighborAnswer>(daemon, { what: 'neighbor', name });
    const [one] = neighbors;
    if (one === undefined) throw new Error(`no neighbor ${name}`);
    return one;
  };
  /** What the workload has of the appliance, by policy. */
  const received = async () => {
    const question = { what: 'rib', table: 'loc', family: 'ipv4' };
    const { routes } = await query<RibAnswer>(workload, question);
    return routes.find(({ prefix }) => prefix === OWN);
  };
  const inKernel = (): string => fleet.ip(workload.host, 'route', 'show', 'proto', '98');
  const isUp = (daemon: fleet.Daemon, name: string) =>
    until(
      `${name} is established`,
      async () => (await neighborOf(daemon, name)).state === 'Established',
      LIMIT_MS,
    );

  beforeAll(async () => {
    if (why !== undefined) return;
    lab = openLab();
    const [w, a] = [lab.host('w', 1), lab.host('a', 2)];
    good = join(a.folder, 'good');
    writeFileSync(good, '');
    for (const host of [w, a]) writeFileSync(join(host.folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    const shared = (folder: string) => ({
      ...{ import: 'all', export: 'all', connectRetry: '1s', gtsm: true },
      password: { file: join(folder, 'password') },
      bfd: { interval: `${fleet.BFD_MS}ms` } as const,
    });
    fleet.configure(w, {
      node: 'w',
      bgp: {
        ...{ as: fleet.OUR_AS, routerId: w.ipv4, listen: [`${w.ipv4}:179`] },
        neighbors: [{ ...shared(w.folder), name: 'a', address: a.ipv4, as: fleet.THEIR_AS }],
      },
      kernel: {},
    });
    const command = ['test', '-e', good];
    fleet.configure(a, {
      node: 'a',
      appliances: [
        {
          ...{ name: 'a', address: a.ipv4, eni: 'eni-0a0a0a0a0a0a0a0a0' },
          probes: [{ kind: 'command', command, interval: '200ms', rise: 2, fall: 2 }],
        },
      ],
      bgp: {
        ...{
          as: fleet.THEIR_AS,
          listen: [`${a.ipv4}:179`],
          originate: [{ prefix: OWN }, { prefix: ASTRAY, nextHop: '172.31.0.9' }],
        },
        dynamic: [{ ...shared(a.folder), name: 'workloads', prefix: '192.0.2.0/24', as: [fleet.OUR_AS] }],
      },
      drain: { how: 'graceful-shutdown' },
    });
    [workload, appliance] = await Promise.all([fleet.startDaemon(w), fleet.startDaemon(a)]);
    await isUp(workload, 'a');
    await until('the route in the kernel', () => inKernel().includes(OWN), LIMIT_MS);
  }, LIMIT_MS);
  afterAll(async () => {
    await Promise.all([workload?.kill(), appliance?.kill()]);
    await lab?.close();
  });

  it('are up with password, GTSM and BFD, and each says once that they are', async () => {
    await workload.says('bfd', `BFD with ${appliance.host.ipv4} is up`);
    const summary = await bgp(workload, 'summary');
    expect(summary).toMatch(/^a +192\.0\.2\.2 +65002 +Established +[\d.]+ m?s +up +2 /m);
    expect(await bgp(workload, 'neighbor', 'a')).toMatch(/^ {2}security +.*TCP-MD5.*GTSM|GTSM.*TCP-MD5/m);
    expect(await bgp(appliance, 'neighbor')).toMatch(/^ {2}state +Established/m);
    const said = workload.lines.filter(({ msg }) => /established/.test(msg));
    expect(said.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^BGP with a \(192\.0\.2\.2\) is established/),
    ]);
  });

  it('RFC 4271 6.3: a next hop on no common subnet is told of, and its route is in no kernel', async () => {
    await workload.says('bgp', 'next hop 172.31.0.9: its next hop is on no subnet that we share');
    expect(await bgp(workload, 'route', ASTRAY)).toContain('on no subnet that we share with the neighbor');
    expect(inKernel()).not.toContain(ASTRAY.split('/')[0]);
    expect((await neighborOf(workload, 'a')).flaps).toBe(0);
  });

  it('refresh and soft: the routes come again, and the session stays', async () => {
    const before = (await neighborOf(workload, 'a')).messages.received.update;
    expect(await bgp(workload, 'refresh', 'a')).toContain('a is asked to send its ipv4 routes again');
    const after = await until('the routes came again', async () => {
      const { messages } = await neighborOf(workload, 'a');
      return messages.received.update > before ? messages.received.update : undefined;
    });
    const [name = ''] = (await query<NeighborAnswer>(appliance, { what: 'neighbor' })).neighbors.map(
      (one) => one.name,
    );
    await bgp(appliance, 'soft', name, 'out');
    await until('and again', async () => (await neighborOf(workload, 'a')).messages.received.update > after);
    expect((await neighborOf(workload, 'a')).flaps).toBe(0);
  });

  it('an appliance whose own check fails drains itself: GRACEFUL_SHUTDOWN, and the route stays', async () => {
    rmSync(good);
    await appliance.says('drain', 'Drains itself (graceful-shutdown): a/command fails.');
    const route = await until('the community', async () => {
      const one = await received();
      return one?.communities.includes('graceful-shutdown') === true ? one : undefined;
    });
    // RFC 8326 4.1: who is told takes every other way first.
    expect(route.localPref).toBe(0);
    expect(inKernel()).toContain(OWN);
    writeFileSync(good, '');
    await appliance.says('drain', 'Offers its routes again: all local checks pass.');
    await until('the plain route', async () => (await received())?.communities.length === 0);
  });

  it('an order drains by withdrawing: the kernel follows, and back', async () => {
    expect(await bgp(appliance, 'drain', 'withdraw')).toBe(
      'All routes are withdrawn from all neighbors; `byoa bgp drain none` ends it. See `byoa bgp summary`.\n',
    );
    await until('no route in the kernel', () => !inKernel().includes(OWN));
    expect(await received()).toBeUndefined();
    await bgp(appliance, 'drain', 'none');
    await until('the route in the kernel', () => inKernel().includes(OWN));
  });

  it(
    'shutdown tells the other why, lasts until enable, and is one line of the log',
    async () => {
      await bgp(workload, 'shutdown', 'a', '--text', 'night work');
      await appliance.says('bgp', /Administrative Shutdown \(6\/2\): "night work"/);
      const ended = workload.lines.filter(
        ({ msg }) => /\bis down\b|^a: down/.test(msg) && !msg.startsWith('BFD'),
      );
      expect(ended).toHaveLength(1);
      await until('the route is gone', () => !inKernel().includes(OWN));
      expect(await bgp(workload, 'enable', 'a')).toContain('The session with a may come up again');
      await isUp(workload, 'a');
      await until('the route is back', () => inKernel().includes(OWN), LIMIT_MS);
    },
    LIMIT_MS,
  );

  it(
    'a workload that stops takes its kernel routes along',
    async () => {
      expect(await workload.kill('SIGTERM')).toBe(0);
      expect(inKernel()).toBe('');
    },
    LIMIT_MS,
  );
});
