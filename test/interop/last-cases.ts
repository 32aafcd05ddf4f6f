/** The cases that stop, kill or freeze a daemon: one after another, at the end. */
import { expect } from 'vitest';
import type { GracefulRestartOptions } from '../../controller/bgp/options.ts';
import type { Case, Trial } from './case.ts';
import { until } from './lab.ts';
import type { Ours } from './ours.ts';
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
import { REFUSAL_CASES } from './refusal-cases.ts';
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

/** Starts a speaker so that the daemon and we dial each other at once. */
async function dialTogether(trial: Trial, name: string): Promise<Ours> {
  const { peer, address } = trial;
  // Our connection waits in the backlog of a frozen daemon; once it thaws it dials us and accepts us at once.
  freezePeer(peer);
  const ours = trial.start(name, trial.optionsAt(address));
  try {
    await until('our connection stands', () => ours.connections.includes('tcp-opened'));
    // Meanwhile the daemon's own timers come due.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
  } finally {
    thawPeer(peer);
  }
  return ours;
}

const collision: readonly Case[] = [
  {
    name: 'collision: both dial',
    without: {
      exabgp: 'it listens nowhere unless told to',
      gobgp: 'it rarely dials while it accepts, so that connections meet by chance only',
      openbgpd: 'it gives its own dial up as soon as it accepts',
    },
    manual: true,
    run: async (trial) => {
      const { kind, peer, address } = trial;
      for (let attempt = 0; attempt < 8; attempt++) {
        const ours = await dialTogether(trial, `attempt ${attempt}`);
        await bothUp(trial, ours);
        await exchange(trial, ours);
        // FRR 8.4 sometimes drops what it keeps ("No AFI/SAFI activated for peer"), and comes back at once.
        if (kind !== 'frr') expect(ours.sessions.map(({ state }) => state)).toEqual(['established']);
        if (ours.connections.includes('tcp-accepted') && ours.connections.includes('tcp-opened')) {
          expect(notifications(ours).filter((one) => !one.endsWith(' 6/7'))).toEqual([]);
          return;
        }
        ours.order('vanish');
        await sessionWith(peer, address, (session) => !isEstablished(session));
      }
      throw new Error('no two connections met in eight attempts');
    },
  },
];

export const LAST_CASES: readonly Case[] = [...REFUSAL_CASES, ...collision, ...lost, ...graceful];
