/**
 * The whole way with real processes: appliances of other people in namespaces, a daemon of ours that watches
 * them by BGP, BFD and packets sent through them, and the EC2 endpoint of the simulator, whose routes it
 * moves.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../controller/config.ts';
import { titleOf } from '../title.ts';
import { whyNot } from './daemons.ts';
import { DESTINATION } from './ec2-program.ts';
import * as fleet from './fleet.ts';
import { type Host, type Lab, openLab, until } from './lab.ts';
import {
  isEstablished,
  killPeer,
  type PeerDaemon,
  restartPeer,
  sessionWith,
  startPeer,
  stopPeer,
} from './peer.ts';

const LIMIT_MS = 60_000;

/** The observer's configuration: sessions, BFD and packets to a host beyond are evidence. */
function observer(
  appliances: readonly Host[],
  { made, url }: fleet.Region,
): Parameters<typeof fleet.configure>[1] {
  const probes: NonNullable<NonNullable<ConfigInput['appliances']>[number]['probes']> = [
    { kind: 'bfd' },
    { kind: 'bgp' },
    {
      kind: 'through',
      target: { icmp: fleet.TARGET.ipv4 },
      by: 'next-hop',
      interval: '1s',
      timeout: '950ms',
    },
  ];
  const shared = {
    as: fleet.THEIR_AS,
    import: 'all',
    connectRetry: '1s',
    bfd: { interval: `${fleet.BFD_MS}ms` },
  };
  return {
    node: 'node',
    aws: { region: 'eu-central-1', endpoint: url },
    appliances: appliances.map(({ name, ipv4 }) => ({
      name,
      address: ipv4,
      eni: made.enis[ipv4] ?? '',
      probes,
    })),
    groups: [
      { name: 'egress', members: ['a', 'b'], routes: [{ table: made.table, destinations: [DESTINATION] }] },
    ],
    bgp: {
      as: fleet.OUR_AS,
      routerId: '192.0.2.1',
      listen: ['0.0.0.0:179', '[::]:179'],
      neighbors: appliances.flatMap(({ name, ipv6 }) => [
        { ...shared, appliance: name },
        { ...shared, appliance: name, name: `${name}6`, address: ipv6 },
      ]),
    },
    observe: { interval: '500ms', staleAfter: '5s' },
  };
}

describe.each(['bird', 'frr'] as const)(
  'a pair of %s appliances, failed over through the EC2 API',
  (kind) => {
    const why = fleet.whyNoLab() ?? whyNot(kind);
    const test = (name: string, run: () => Promise<void>): void =>
      it.skipIf(why !== undefined)(titleOf(name, why), run, LIMIT_MS);
    let lab: Lab;
    let region: fleet.Region;
    let daemon: fleet.Daemon;
    let [a, b]: PeerDaemon[] = [];
    const pair = (): readonly [PeerDaemon, PeerDaemon] => {
      if (a === undefined || b === undefined) throw new Error('the appliances were not started');
      return [a, b];
    };

    /** All sessions with an appliance come up from now on. */
    const sessionsOf = ({ ipv4, ipv6 }: Host): Promise<readonly string[]> =>
      Promise.all(
        [ipv4, ipv6].flatMap((address) => [
          daemon.next('bfd', `BFD with ${address} is up`),
          daemon.next('bgp', `(${address}) is established`),
        ]),
      );

    /** Starts the daemon of an appliance again, until all its sessions are there. */
    async function comeBack(peer: PeerDaemon): Promise<void> {
      const again = sessionsOf(peer.host);
      await restartPeer(peer);
      await again;
      const status = async (): Promise<boolean> => {
        const { appliances } = JSON.parse((await daemon.asked('status', '--json')).stdout);
        return appliances.some(
          (one: { name: string; verdict: string }) =>
            one.name === peer.host.name && one.verdict === 'healthy',
        );
      };
      await until(`${peer.host.name} is healthy`, status);
    }

    beforeAll(async () => {
      if (why !== undefined) return;
      lab = openLab();
      const behind = fleet.beyond(lab, 30);
      const node = lab.host('node', 1);
      const hosts = [fleet.appliance(lab, 'a', 12, behind), fleet.appliance(lab, 'b', 13, behind)];
      const started = hosts.map((host) => startPeer(host, fleet.announcer(kind, host, node)));
      region = await fleet.startRegion(
        lab.host('sim', 10),
        hosts.map(({ ipv4 }) => ipv4),
      );
      [a, b] = await Promise.all(started);
      fleet.configure(node, observer(hosts, region));
      daemon = await fleet.startDaemon(node);
    }, LIMIT_MS);
    afterAll(async () => {
      await daemon?.kill();
      await region?.end();
      await lab?.close();
    });

    test('is healthy by sessions over IPv4 and IPv6, BFD, and packets through it', async () => {
      for (const peer of pair()) {
        await sessionWith(peer, '192.0.2.1', isEstablished, LIMIT_MS);
        await sessionWith(peer, '2001:db8:1::1', isEstablished, LIMIT_MS);
        await daemon.says('verdict', `${peer.host.name} is healthy`);
        for (const address of [peer.host.ipv4, peer.host.ipv6])
          await daemon.says('bfd', `BFD with ${address} is up`);
      }
      await daemon.says('decision', 'a owns it and is healthy');
      expect(await region.look()).toMatchObject({ target: region.made.enis['192.0.2.12'], writes: [] });
    });

    test('stays where it is while the daemon of a forwarding appliance is killed, and alarms', async () => {
      const [active] = pair();
      await killPeer(active);
      expect(await daemon.says('alarm', 'The control plane of a is lost')).toContain('Nothing is moved');
      await daemon.says('bfd', 'BFD with 192.0.2.12 is down');
      await daemon.says('bgp', 'BGP with a (192.0.2.12) is down');
      await daemon.says('decision', 'a owns it and is suspect');
      await comeBack(active);
      expect((await region.look()).writes).toEqual([]);
    });

    test('stays where it is while the daemon is stopped as for an upgrade', async () => {
      const [active] = pair();
      const down = daemon.next('bgp', 'BGP with a (192.0.2.12) is down');
      await stopPeer(active);
      await down;
      await comeBack(active);
      expect((await region.look()).writes).toEqual([]);
    });

    test('moves to the other on BFD Down when the appliance is dead, and says why', async () => {
      const down = daemon.next('bfd', 'BFD with 192.0.2.12 is down');
      const moves = daemon.next('decision', 'Moves egress from a to b');
      const moved = daemon.next('moved', 'to b');
      lab.cut(pair()[0].host);
      expect(await down).toMatch(/detection time expired/i);
      expect(await moves).toMatch(/a owns it and is dead \(a\/(bfd|bgp) is down/);
      await moved;
      expect(await region.look()).toEqual({
        kind: 'seen',
        target: region.made.enis['192.0.2.13'],
        writes: ['ReplaceRoute'],
      });
    });

    test('changes nothing when both are dead, nor when they are back', async () => {
      const nobody = daemon.next('decision', 'changes nothing although b owns it and is dead');
      lab.cut(pair()[1].host);
      expect(await nobody).toContain('a is dead');
      // The owner first: it would be right to give the group to the only one that lives.
      for (const { host } of [...pair()].reverse()) {
        const healthy = daemon.next('verdict', `${host.name} is healthy`);
        // Packets pass before, and what its sessions lost meanwhile may make it dead once more.
        const again = sessionsOf(host);
        lab.mend(host);
        await healthy;
        await again;
      }
      expect(await region.look()).toMatchObject({
        target: region.made.enis['192.0.2.13'],
        writes: ['ReplaceRoute'],
      });
    });
  },
);
