/** The cases that stop, kill or freeze a daemon: one after another, at the end. */
import { expect } from 'vitest';
import type { GracefulRestartOptions } from '../../controller/bgp/options.ts';
import { tales } from './actions.ts';
import type { Case, Trial } from './case.ts';
import { bothUp, exchange, notifications } from './cases.ts';
import { freeze, thaw, until } from './lab.ts';
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

const GRACEFUL: GracefulRestartOptions = {
  restartTimeS: 60,
  staleTimeMs: 60_000,
  forwardingKept: true,
  notification: true,
};

const lost: readonly Case[] = [
  {
    name: 'peer killed',
    run: async (trial) => {
      const { ours, peer, network } = trial;
      await bothUp(trial);
      await ours.has(network);
      await killPeer(peer);
      const down = await ours.becomes('down');
      expect(down).toMatchObject({ retained: false });
      await ours.lacks(network);
      await restartPeer(peer);
      await bothUp(trial);
      await exchange(trial);
    },
  },
  {
    name: 'peer frozen: our hold timer expires',
    peer: { holdTimeS: 3 },
    ours: { holdTimeS: 3 },
    run: async (trial) => {
      const { ours, peer, network } = trial;
      await bothUp(trial);
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
    kinds: ['bird', 'frr', 'gobgp'],
    peer: { restartTimeS: 60 },
    ours: { gracefulRestart: GRACEFUL },
    run: async (trial) => {
      const { ours, peer, network, theirs } = trial;
      await bothUp(trial);
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
      await bothUp(trial);
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
    kinds: ['bird', 'frr', 'gobgp', 'openbgpd'],
    peer: { restartTimeS: 60 },
    manual: true,
    run: async (trial) => {
      const { peer, address, family, own } = trial;
      const options = trial.optionsAt(address, { gracefulRestart: GRACEFUL });
      const first = trial.start('before', options);
      await bothUp({ ...trial, ours: first });
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

/**
 * Our connection waits in the backlog of a frozen daemon; once it thaws it dials us and accepts us at once.
 */
const collision: readonly Case[] = [
  {
    name: 'collision: both dial',
    kinds: ['bird', 'frr', 'gobgp', 'openbgpd'],
    manual: true,
    run: async (trial) => {
      const { peer, address } = trial;
      for (let attempt = 0; attempt < 8; attempt++) {
        freezePeer(peer);
        const ours = trial.start(`attempt ${attempt}`, trial.optionsAt(address));
        try {
          await until('our connection stands', () => ours.connections.includes('tcp-opened') || undefined);
          // Meanwhile the daemon's own timers come due.
          await new Promise((resolve) => setTimeout(resolve, 1_200));
        } finally {
          thawPeer(peer);
        }
        await bothUp({ ...trial, ours });
        await exchange({ ...trial, ours });
        expect(ours.sessions.map(({ state }) => state)).toEqual(['established']);
        if (ours.connections.includes('tcp-accepted')) {
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

/** Milliseconds that something took, for people; judged by nobody. */
export const measured: string[] = [];

const bfd = (intervalMs: number): readonly Case[] => {
  const shared = {
    kinds: ['bird', 'frr'] as const,
    peer: { bfdIntervalMs: intervalMs },
    ours: { bfd: { multihop: false, intervalMs, multiplier: 3, passive: false, strict: false } },
  };
  const up = async (trial: Trial): Promise<void> => {
    await bothUp(trial);
    await until('BFD is Up', () => trial.ours.bfd.at(-1) === 'up' || undefined);
  };
  const note = (trial: Trial, what: string, since: number): void => {
    const took = Math.round(performance.now() - since);
    measured.push(`BFD ${intervalMs} ms x 3, ${trial.kind}, ${trial.family}: ${what} after ${took} ms`);
  };
  return [
    {
      ...shared,
      name: `BFD ${intervalMs} ms: we fall silent`,
      run: async (trial) => {
        const { ours, peer, address } = trial;
        await up(trial);
        const began = performance.now();
        ours.order('mute');
        const down = await ours.becomes('down');
        note(trial, 'they ended the session', began);
        // BIRD 2.0 does not know RFC 9384.
        expect(notifications(ours)).toContain(peer.spec.kind === 'frr' ? 'received 6/10' : 'received 6/0');
        expect(down.reason).toMatch(peer.spec.kind === 'frr' ? /BFD/ : /Cease/);
        await sessionWith(peer, address, (session) => !isEstablished(session));
      },
    },
    {
      ...shared,
      name: `BFD ${intervalMs} ms: they fall silent`,
      run: async (trial) => {
        const { ours, peer, network } = trial;
        await up(trial);
        await ours.has(network);
        // Of FRR only bfdd, so that bgpd can tell what it heard.
        const silent = peer.running.filter(({ name }) => peer.spec.kind !== 'frr' || name === 'bfdd');
        const began = performance.now();
        silent.forEach(freeze);
        try {
          const down = await ours.becomes('down');
          note(trial, 'we ended the session', began);
          expect(down.reason).toMatch(/BFD/);
          expect(notifications(ours)).toContain('sent 6/10');
          await ours.lacks(network);
          if (peer.spec.kind === 'frr') {
            await until(
              'they read it',
              async () => /BFD/.test(await tales(peer, trial.address)) || undefined,
            );
          }
        } finally {
          silent.forEach(thaw);
        }
        await ours.becomes('established', undefined, 30_000);
      },
    },
  ];
};

export const LAST_CASES: readonly Case[] = [
  ...collision,
  ...lost,
  ...graceful,
  ...[300, 50, 10].flatMap(bfd),
];
