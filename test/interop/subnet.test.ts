/**
 * Failover within a subnet without any call to AWS: a daemon on a workload takes its routes from two
 * appliances by BGP, puts them into its kernel, and moves on BFD Down. Real packets, real processes;
 * the EC2 API is a
 * black hole all the time.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../controller/config.ts';
import { titleOf } from '../title.ts';
import { whyNot } from './daemons.ts';
import * as fleet from './fleet.ts';
import { type Host, type Lab, openLab, until } from './lab.ts';
import { type PeerDaemon, startPeer } from './peer.ts';

const LIMIT_MS = 60_000;
/** Nobody is there. */
const BLACK_HOLE = 'http://192.0.2.250:4566';

const why = fleet.whyNoLab() ?? whyNot('bird');
const test = (name: string, run: () => Promise<void>): void =>
  it.skipIf(why !== undefined)(titleOf(name, why), run, LIMIT_MS);

/** IPv4: `a` is preferred. IPv6: both at once. */
function workload(appliances: readonly Host[], kernel: NonNullable<ConfigInput['kernel']> = {}) {
  const shared = { as: fleet.THEIR_AS, connectRetry: '1s', bfd: { interval: `${fleet.BFD_MS}ms` } };
  return {
    node: 'node',
    aws: { region: 'eu-central-1', endpoint: BLACK_HOLE },
    appliances: appliances.map(({ name, ipv4 }, index) => ({
      name,
      address: ipv4,
      eni: `eni-0123456789abcdef${index}`,
      probes: [{ kind: 'bfd' as const }],
    })),
    groups: [
      {
        name: 'egress',
        members: appliances.map(({ name }) => name),
        routes: [{ table: 'rtb-0123456789abcdef0', destinations: [fleet.BEYOND.ipv4] }],
      },
    ],
    bgp: {
      as: fleet.OUR_AS,
      routerId: '192.0.2.1',
      listen: ['0.0.0.0:179', '[::]:179'],
      multipath: 2,
      policies: [
        { name: 'first', rules: [{ set: { localPref: 200 }, action: 'accept' as const }] },
        { name: 'second', rules: [{ set: { localPref: 100 }, action: 'accept' as const }] },
      ],
      neighbors: appliances.flatMap(({ name, ipv6 }, index) => [
        { ...shared, appliance: name, import: index === 0 ? 'first' : 'second' },
        { ...shared, appliance: name, name: `${name}6`, address: ipv6, import: 'all' },
      ]),
    },
    kernel,
  };
}

interface KernelRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly nexthops?: readonly { readonly gateway: string }[];
  readonly metric?: number;
}

/** The routes of a protocol in a kernel: by prefix, the next hops in order. */
function routesOf(host: Host, protocol = '98'): Readonly<Record<string, readonly string[]>> {
  const read = (family: '-4' | '-6'): readonly KernelRoute[] =>
    JSON.parse(fleet.ip(host, '-j', family, 'route', 'show', 'proto', protocol) || '[]');
  const found: Record<string, string[]> = {};
  for (const { dst, gateway, nexthops } of [...read('-4'), ...read('-6')]) {
    const hops = gateway === undefined ? (nexthops ?? []).map((hop) => hop.gateway) : [gateway];
    found[dst] = [...(found[dst] ?? []), ...hops].sort();
  }
  return found;
}

const routesBecome = (host: Host, wanted: Readonly<Record<string, readonly string[]>>): Promise<true> =>
  until(
    `the routes of ${host.name} are ${JSON.stringify(wanted)}`,
    () => (JSON.stringify(routesOf(host)) === JSON.stringify(wanted) ? true : undefined),
    20_000,
    () => routesOf(host),
  );

describe('a workload between two BIRD appliances', () => {
  let lab: Lab;
  let node: Host;
  let hosts: readonly Host[] = [];
  let daemon: fleet.Daemon | undefined;
  const peers: PeerDaemon[] = [];
  const hostOf = (index: number): Host => {
    const host = hosts[index];
    if (host === undefined) throw new Error('the lab is not open');
    return host;
  };
  const start = async (kernel: NonNullable<ConfigInput['kernel']> = {}): Promise<fleet.Daemon> => {
    fleet.configure(node, workload(hosts, kernel));
    daemon = await fleet.startDaemon(node);
    return daemon;
  };
  const all = () => ({
    [fleet.BEYOND.ipv4]: [hostOf(0).ipv4],
    [fleet.BEYOND.ipv6]: [hostOf(0).ipv6, hostOf(1).ipv6],
  });
  const second = () => ({
    [fleet.BEYOND.ipv4]: [hostOf(1).ipv4],
    [fleet.BEYOND.ipv6]: [hostOf(1).ipv6],
  });

  beforeAll(async () => {
    if (why !== undefined) return;
    lab = openLab();
    const behind = fleet.beyond(lab, 30);
    node = lab.host('node', 1);
    // By next hops and by ports, so that flows of one pair of hosts take both ways.
    fleet.settings(node, 'net.ipv6.fib_multipath_hash_policy=0');
    hosts = [fleet.appliance(lab, 'a', 12, behind), fleet.appliance(lab, 'b', 13, behind)];
    peers.push(
      ...(await Promise.all(hosts.map((host) => startPeer(host, fleet.announcer('bird', host, node))))),
    );
  }, LIMIT_MS);
  afterAll(async () => {
    await daemon?.kill();
    await lab?.close();
  });

  /** Echoes of many addresses beyond, and what the two appliances forwarded of them. */
  async function counted(family: 'ipv4' | 'ipv6'): Promise<{ ok: boolean; by: readonly number[] }> {
    const base = family === 'ipv4' ? '198.51.100.' : '2001:db8:64::';
    const targets = Array.from({ length: 24 }, (_, index) => `${base}${index + 1}`);
    const before = hosts.map((host) => fleet.forwarded(host, family));
    const ok = await fleet.reaches(node, targets);
    return { ok, by: hosts.map((host, index) => fleet.forwarded(host, family) - (before[index] ?? 0)) };
  }

  test('has a route by the preferred one, and by both where they are equal; packets follow', async () => {
    await start();
    await routesBecome(node, all());
    const ipv4 = await counted('ipv4');
    expect(ipv4).toEqual({ ok: true, by: [24, 0] });
    const ipv6 = await counted('ipv6');
    expect(ipv6.ok).toBe(true);
    expect((ipv6.by[0] ?? 0) + (ipv6.by[1] ?? 0)).toBe(24);
    expect(Math.min(...ipv6.by)).toBeGreaterThan(0);
  });

  test('fails over on BFD Down while EC2 is silent, and comes back', async () => {
    // Routes do not wait for BFD, and what BFD has not seen live it does not see die.
    for (const { ipv4, ipv6 } of hosts)
      for (const address of [ipv4, ipv6]) await daemon?.says('bfd', `BFD with ${address} is up`);
    const down = daemon?.next('bfd', 'BFD with 192.0.2.12 is down');
    lab.cut(hostOf(0));
    await down;
    await routesBecome(node, second());
    for (const family of ['ipv4', 'ipv6'] as const)
      expect(await counted(family)).toEqual({ ok: true, by: [0, 24] });
    lab.mend(hostOf(0));
    await routesBecome(node, all());
    expect(await counted('ipv4')).toEqual({ ok: true, by: [24, 0] });
    expect(daemon?.lines.some(({ topic }) => topic === 'ready')).toBe(false);
    expect(daemon?.lines.some(({ topic }) => topic === 'call')).toBe(false);
  });

  test('leaves routes of others alone, says so, and cleans its own when it ends', async () => {
    const foreign = ['198.51.98.0/24', '198.51.97.0/24'];
    for (const prefix of foreign)
      fleet.ip(node, 'route', 'add', prefix, 'via', hostOf(1).ipv4, 'metric', '20', 'proto', '97');
    await daemon?.kill('SIGTERM');
    expect(routesOf(node)).toEqual({});
    // The same prefix with our metric: it is not ours, and stays.
    fleet.ip(node, 'route', 'add', fleet.BEYOND.ipv4, 'via', hostOf(1).ipv4, 'metric', '20', 'proto', '97');
    const { says } = await start();
    const told = await says('alarm', 'is not ours');
    expect(told).toContain(`${fleet.BEYOND.ipv4} with metric 20 in table 254`);
    expect(told).toContain('choose another kernel.metric');
    await routesBecome(node, { [fleet.BEYOND.ipv6]: all()[fleet.BEYOND.ipv6] ?? [] });
    expect(Object.keys(routesOf(node, '97')).sort()).toEqual([...foreign, fleet.BEYOND.ipv4].sort());
    fleet.ip(node, 'route', 'del', fleet.BEYOND.ipv4, 'proto', '97');
    await routesBecome(node, all());
    expect(Object.keys(routesOf(node, '97')).sort()).toEqual([...foreign].sort());
  });

  test('sweeps what a killed run left behind, and keeps what is still right', async () => {
    await daemon?.kill('SIGKILL');
    expect(routesOf(node)).toEqual(all());
    const stale = '198.51.99.0/24';
    fleet.ip(node, 'route', 'add', stale, 'via', hostOf(0).ipv4, 'metric', '20', 'proto', '98');
    const packets = fleet.stream(node, 'restart', fleet.TARGET.ipv4);
    await start({ keepOnStop: true });
    await until('the stale route is gone', () => routesOf(node)[stale] === undefined, 20_000);
    expect(routesOf(node)).toEqual(all());
    const { sent, answered } = await packets.end();
    expect(sent).toBeGreaterThan(20);
    expect(answered).toBe(sent);
  });

  test('keeps its routes when told so, and leaves a journal without a gap', async () => {
    expect(await daemon?.kill('SIGTERM')).toBe(0);
    expect(routesOf(node)).toEqual(all());
    expect(readFileSync(daemon?.file ?? '', 'utf8')).toContain('keepOnStop: true');
  });
});
