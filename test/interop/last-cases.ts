/** The cases that stop, kill or freeze a daemon: one after another, at the end. */
import { expect } from 'vitest';
import type { GracefulRestartOptions } from '../../controller/bgp/options.ts';
import type { Case, Trial } from './case.ts';
import { hold, until } from './lab.ts';
import {
  freezePeer,
  isEstablished,
  killPeer,
  restartPeer,
  routeFrom,
  routes,
  sessionWith,
  thawPeer,
} from './peer.ts';
import { beginAnew, REFUSAL_CASES } from './refusal-cases.ts';
import { isIpv6 } from './spec.ts';
import { bothUp, exchange, notifications } from './steps.ts';

const GRACEFUL: GracefulRestartOptions = {
  restartTimeS: 60,
  staleTimeMs: 60_000,
  forwardingKept: true,
  notification: true,
};

const lost: readonly Case[] = [
  {
    name: 'peer killed',
    run: async (trial, ours) => {
      const { peer, network } = trial;
      await bothUp(trial, ours);
      await ours.has(network);
      await killPeer(peer);
      const down = await ours.becomes('down');
      expect(down).toMatchObject({ retained: false });
      await ours.lacks(network);
      await restartPeer(peer);
      await bothUp(trial, ours);
      await exchange(trial, ours);
    },
  },
  {
    name: 'peer frozen: our hold timer expires',
    peer: { holdTimeS: 3 },
    ours: { holdTimeS: 3 },
    run: async (trial, ours) => {
      const { peer, network } = trial;
      await bothUp(trial, ours);
      await ours.has(network);
      freezePeer(peer);
      try {
        const down = await ours.becomes('down');
        expect(down.reason).toMatch(/hold/i);
        expect(notifications(ours)).toContain('sent 4/0');
        await ours.lacks(network);
      } finally {
        thawPeer(peer);
      }
      await ours.becomes('established', undefined, 30_000);
    },
  },
];

const graceful: readonly Case[] = [
  {
    name: 'graceful restart of theirs',
    without: {
      exabgp: 'it has no routes of its own to keep',
      openbgpd: 'it helps others, but forgets all when it restarts itself',
    },
    peer: { restartTimeS: 60 },
    ours: { gracefulRestart: GRACEFUL },
    run: async (trial, ours) => {
      const { peer, network, theirs } = trial;
      await bothUp(trial, ours);
      await ours.has(network, theirs);
      const before = ours.changes.length;
      await killPeer(peer);
      const down = await ours.becomes('down');
      expect(down).toMatchObject({ retained: true });
      const stale = await until('the route is kept as stale', () =>
        ours.routes.get(network)?.find((hop) => hop.stale),
      );
      expect(stale.address).toBe(theirs);
      await restartPeer(peer, true);
      await bothUp(trial, ours);
      await until(
        'the route is fresh',
        () => ours.routes.get(network)?.find((hop) => !hop.stale),
        40_000,
        () => [ours.log.slice(-5), [...ours.routes]],
      );
      const gaps = ours.changes
        .slice(before)
        .filter((one) => one.prefix === network && one.nextHops.length === 0);
      expect(gaps).toEqual([]);
    },
  },
  {
    name: 'graceful restart of ours',
    without: { exabgp: 'it keeps no table' },
    peer: { restartTimeS: 60 },
    manual: true,
    run: async (trial) => {
      const { peer, address, family, own } = trial;
      const options = trial.optionsAt(address, { gracefulRestart: GRACEFUL });
      const first = trial.start('before', options);
      await bothUp(trial, first);
      await routeFrom(peer, address, own);
      let asked = 0;
      let missed = 0;
      const look = async (): Promise<void> => {
        const seen = (await routes(peer, family)).some((one) => one.prefix === own && one.from === address);
        asked++;
        if (!seen) missed++;
      };
      first.input({ kind: 'stop', restart: true, text: 'back soon' });
      await until('it has stopped', () => first.stopped || undefined);
      first.order('vanish');
      await sessionWith(peer, address, (session) => !isEstablished(session));
      for (let turn = 0; turn < 5; turn++) await look();
      const second = trial.start('after', options, true);
      await until('it is back', async () => {
        await look();
        return second.session()?.state === 'established' || undefined;
      });
      await sessionWith(peer, address, isEstablished);
      for (let turn = 0; turn < 5; turn++) await look();
      expect({ asked, missed }).toEqual({ asked, missed: 0 });
      expect(asked).toBeGreaterThan(10);
    },
  },
];

/** Where a daemon is dialed: ExaBGP listens only where it is told to, and for all neighbors at once. */
const LISTENS = 1179;
const portOf = ({ kind }: Trial): number => (kind === 'exabgp' ? LISTENS : 179);

const collision: readonly Case[] = [
  {
    name: 'collision: both dial',
    peer: { listen: LISTENS },
    manual: true,
    run: async (trial) => {
      const { kind, peer, address } = trial;
      await beginAnew(trial);
      const from = `${isIpv6(address) ? 'ip6' : 'ip'} saddr ${address} tcp`;
      // Neither our dial nor an OPEN of ours reaches the daemon until both connections stand. Then BIRD and
      // FRR compare identifiers, ExaBGP takes the newer one, GoBGP and OpenBGPD close it without a word.
      const dial = await hold(peer.host, 'dial', `${from} dport ${portOf(trial)}`);
      const opens = await hold(peer.host, 'opens', `${from} sport 179 tcp flags & psh == psh`);
      try {
        const ours = trial.start('ours', trial.optionsAt(address, { port: portOf(trial) }));
        await until('they dialed', () => ours.connections.includes('tcp-accepted'), 60_000);
        await dial.release();
        await until('ours stands beside it', () => ours.connections.includes('tcp-opened'), 30_000);
        await opens.release();
        await bothUp(trial, ours);
        await exchange(trial, ours);
        // FRR 8.4 sometimes drops what it keeps ("No AFI/SAFI activated for peer"), and comes back at once.
        if (kind !== 'frr') expect(ours.sessions.map(({ state }) => state)).toEqual(['established']);
        expect(notifications(ours).filter((one) => !one.endsWith(' 6/7'))).toEqual([]);
      } finally {
        await dial.release();
        await opens.release();
      }
    },
  },
];

export const LAST_CASES: readonly Case[] = [...REFUSAL_CASES, ...collision, ...lost, ...graceful];
