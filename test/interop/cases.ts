/** The cases that leave a daemon running: each has its own session, so that all can run at once. */
import { expect } from 'vitest';
import { askForRefresh, changeRoute, reset, shutDown, tales } from './actions.ts';
import type { Case } from './case.ts';
import { until } from './lab.ts';
import { PEER_DEFAULTS } from './ours.ts';
import { PATH_CASES } from './path-cases.ts';
import { isEstablished, routes, sessionWith } from './peer.ts';
import { SECURE_CASES } from './refusal-cases.ts';
import { bothUp, count, exchange, notifications } from './steps.ts';

const TEXT = 'maintenance 4711: back at noon';

const refresh: readonly Case[] = [
  {
    name: 'route refresh, asked by us',
    without: {
      exabgp: 'Debian has 4.2, which ends the session',
      openbgpd: 'Debian has 7.7, which takes the family for not negotiated, also with BIRD',
    },
    // Without End-of-RIB, FRR 8.4 answers nobody.
    peer: { restartTimeS: 60 },
    ours: {
      gracefulRestart: { restartTimeS: 60, staleTimeMs: 60_000, forwardingKept: true, notification: true },
    },
    run: async (trial, ours) => {
      const { family } = trial;
      await bothUp(trial, ours);
      await exchange(trial, ours);
      const [before, sessions] = [count(ours, 'received', 'update'), ours.sessions.length];
      ours.input({ kind: 'route-refresh', peer: 'peer', family });
      await until('UPDATEs came again', () => count(ours, 'received', 'update') > before || undefined);
      await exchange(trial, ours);
      expect(ours.sessions).toHaveLength(sessions);
    },
  },
  {
    name: 'route refresh, asked by them',
    without: {
      gobgp: 'it looks at its own copy instead of asking',
      exabgp: 'it has no command for that',
    },
    run: async (trial, ours) => {
      const { peer, address } = trial;
      await bothUp(trial, ours);
      await exchange(trial, ours);
      const [before, sessions] = [count(ours, 'sent', 'update'), ours.sessions.length];
      await askForRefresh(peer, address);
      await until('they asked', () => count(ours, 'received', 'refresh') > 0 || undefined);
      await until('we told them again', () => count(ours, 'sent', 'update') > before || undefined);
      await exchange(trial, ours);
      expect(ours.sessions).toHaveLength(sessions);
    },
  },
];

const NO_ROLES = {
  gobgp: 'it has no roles',
  exabgp: 'it has no roles',
};

const roles: readonly Case[] = [
  {
    name: 'roles that fit',
    without: NO_ROLES,
    peer: { role: 'provider' },
    ours: { role: 'customer', strictRole: true },
    run: async (trial, ours) => {
      await bothUp(trial, ours);
      await exchange(trial, ours);
    },
  },
  {
    name: 'roles mismatch',
    without: NO_ROLES,
    peer: { role: 'provider' },
    ours: { role: 'peer' },
    run: async (_, ours) => {
      await until('Role Mismatch', () => notifications(ours).find((one) => one.endsWith(' 2/11')));
      expect(ours.sessions.filter(({ state }) => state === 'established')).toEqual([]);
      await until('it is logged', () => /role/i.test(ours.log.join('\n')));
    },
  },
];

const shutdown: readonly Case[] = [
  {
    name: 'shutdown text, from us',
    without: { exabgp: 'Debian has 4.2, whose decoder of the text fails' },
    run: async (trial, ours) => {
      const { peer, address } = trial;
      await bothUp(trial, ours);
      ours.input({ kind: 'shutdown', peer: 'peer', text: TEXT });
      const down = await ours.becomes('down');
      expect(down).toMatchObject({ administrative: true });
      await sessionWith(peer, address, (session) => !isEstablished(session));
      expect(notifications(ours)).toContain('sent 6/2');
      // BIRD tells of the code; the others of the text, too.
      const heard = peer.spec.kind === 'bird' ? /shutdown/i : /maintenance 4711/;
      await until('they tell of it', async () => heard.test(await tales(peer, address)));
    },
  },
  {
    name: 'shutdown text, from them',
    without: { exabgp: 'it can send no text' },
    run: async (trial, ours) => {
      const { peer, address } = trial;
      await bothUp(trial, ours);
      await shutDown(peer, address, TEXT);
      const down = await ours.becomes('down');
      expect(down.reason).toContain(TEXT);
      expect(notifications(ours)).toContain('received 6/2');
    },
  },
];

const storms: readonly Case[] = [
  {
    name: 'flap storm of the session, from them',
    run: async (trial, ours) => {
      const { peer, address } = trial;
      // Each one in a row doubles how long we wait. RFC 4271 8.1.1.
      for (let flap = 1; flap <= 4; flap++) {
        await bothUp(trial, ours);
        const downs = ours.sessions.filter(({ state }) => state === 'down').length;
        await reset(peer, address);
        await until('a flap', () => ours.sessions.filter(({ state }) => state === 'down').length > downs);
      }
      await bothUp(trial, ours);
      await exchange(trial, ours);
    },
  },
  {
    name: 'flap storm of the session, from us',
    without: { openbgpd: 'it stays away for 30 s and more from whoever ended two sessions' },
    run: async (trial, ours) => {
      for (let flap = 1; flap <= 4; flap++) {
        await bothUp(trial, ours);
        ours.input({ kind: 'reset', peer: 'peer', hard: false, text: '' });
        await until('a flap', () => ours.sessions.length >= 2 * flap);
      }
      await bothUp(trial, ours);
      await exchange(trial, ours);
      expect(ours.sessions.filter(({ state }) => state === 'down')).toHaveLength(4);
    },
  },
  {
    name: 'flap storm of routes, from them',
    without: { bird: 'it has no command that adds or withdraws a route' },
    peer: { transit: true },
    run: async (trial, ours) => {
      const { kind, peer, address, family } = trial;
      await bothUp(trial, ours);
      const prefix = (index: number): string =>
        family === 'ipv4' ? `172.20.${index}.0/24` : `2001:db8:aa${index}::/48`;
      // FRR may drop at first what it keeps, and come back at once: only what the storm ends counts.
      const lost = (): number => ours.sessions.filter(({ state }) => state === 'down').length;
      const before = lost();
      // The storm may be too fast for a daemon to tell each turn: one withdrawal is waited for.
      await changeRoute(peer, address, prefix(11), 0);
      await ours.has(prefix(11));
      await changeRoute(peer, address, prefix(11), undefined);
      await until('it is withdrawn', () => !ours.routes.has(prefix(11)));
      // Only ExaBGP takes a flood of commands; of the others each is a process.
      const [turns, most] = kind === 'exabgp' ? [25, 30] : [7, 14];
      for (let turn = 0; turn < turns; turn++) {
        for (let index = 10; index < most; index++) {
          const isThere = turn % 2 === 0 || index % 2 === 0;
          await changeRoute(peer, address, prefix(index), isThere ? turn : undefined);
        }
      }
      await changeRoute(peer, address, prefix(99), 0);
      await ours.has(prefix(99));
      for (let index = 10; index < most; index++) expect(ours.routes.has(prefix(index))).toBe(true);
      expect(lost()).toBe(before);
    },
  },
  {
    name: 'flap storm of routes, from us',
    run: async (trial, ours) => {
      const { peer, address, family } = trial;
      await bothUp(trial, ours);
      const sessions = ours.sessions.length;
      const prefix = family === 'ipv4' ? '172.21.0.0/16' : '2001:db8:bb::/48';
      for (let turn = 0; turn < 200; turn++) {
        ours.input({ kind: 'originate', route: { prefix, nextHop: 'self', communities: [`65000:${turn}`] } });
        if (turn % 3 === 0) ours.input({ kind: 'withdraw', prefix });
      }
      await until('they have the last word', async () => {
        const seen = (await routes(peer, family)).find(
          (one) => one.prefix === prefix && one.from === address,
        );
        return seen?.communities.includes('65000:199') || undefined;
      });
      ours.input({ kind: 'withdraw', prefix });
      await until('it is gone', async () => {
        const seen = (await routes(peer, family)).find(
          (one) => one.prefix === prefix && one.from === address,
        );
        return seen === undefined || undefined;
      });
      expect(ours.sessions).toHaveLength(sessions);
    },
  },
];

const dynamicCase = (name: string, password?: string): Case => {
  const secret = password === undefined ? {} : { password };
  return {
    name,
    peer: secret,
    manual: true,
    run: async (trial) => {
      const { address, theirs, family, peer } = trial;
      const prefix = family === 'ipv4' ? theirs.replace(/\d+$/, '0/24') : theirs.replace(/\d+$/, '/64');
      const range = { from: peer.spec.as - 1, to: peer.spec.as + 1 };
      const group = { name: 'group', prefix, as: [range], limit: 1, families: [family] };
      const { neighbors, ...options } = trial.optionsAt(address);
      const ours = trial.start('dynamic', {
        ...{ ...options, neighbors: [] },
        dynamic: [{ ...PEER_DEFAULTS, localAddress: address, ...group, ...secret }],
      });
      await bothUp(trial, ours);
      await exchange(trial, ours);
      expect(ours.session()).toMatchObject({ peer: `group/${theirs}`, address: theirs });
    },
  };
};

const dynamic: readonly Case[] = [
  dynamicCase('dynamic neighbor by prefix'),
  dynamicCase('dynamic neighbor by prefix, MD5', 'correct-horse'),
];

export const CASES: readonly Case[] = [
  {
    name: 'session, routes both ways',
    run: async (trial, ours) => {
      await bothUp(trial, ours);
      await exchange(trial, ours);
    },
  },
  {
    name: 'session that they dial',
    ours: { passive: true },
    run: async (trial, ours) => {
      await bothUp(trial, ours);
      expect(ours.connections).toEqual(expect.arrayContaining(['tcp-accepted']));
      expect(ours.connections).not.toContain('tcp-opened');
    },
  },
  {
    name: 'hold timer expires at them: we freeze',
    peer: { holdTimeS: 3 },
    ours: { holdTimeS: 3 },
    run: async (trial, ours) => {
      const { peer, address } = trial;
      await bothUp(trial, ours);
      ours.order('freeze');
      await sessionWith(peer, address, (session) => !isEstablished(session));
      ours.order('thaw');
      await ours.becomes('down');
      await ours.becomes('established', undefined, 25_000);
    },
  },
  ...dynamic,
  ...SECURE_CASES,
  ...refresh,
  ...roles,
  ...shutdown,
  ...PATH_CASES,
  ...storms,
];
