/** The cases that leave a daemon running: each has its own session, so that all can run at once. */
import { expect } from 'vitest';
import { askForRefresh, kernelCounter, reset, shutDown, tales } from './actions.ts';
import type { Case, Trial } from './case.ts';
import { exabgp } from './exabgp.ts';
import { until } from './lab.ts';
import type { Ours } from './ours.ts';
import { isEstablished, routeFrom, routes, sessions, sessionWith } from './peer.ts';

const PASSWORD = 'correct-horse';
const TEXT = 'maintenance 4711: back at noon';
/** BGP message types. RFC 4271 4.1, RFC 2918. */
const [UPDATE, NOTIFICATION, REFRESH] = [2, 3, 5];

const count = (ours: Ours, direction: 'sent' | 'received', type: number): number =>
  ours.messages.filter((one) => one.direction === direction && one.type === type).length;

/** The notifications that passed, as `received 6/2`. */
export const notifications = (ours: Ours): readonly string[] =>
  ours.messages
    .filter(({ type }) => type === NOTIFICATION)
    .map(({ direction, body }) => `${direction} ${body?.[0]}/${body?.[1]}`);

/** Both ends say that the session stands. */
export async function bothUp({ ours, peer, address }: Trial): Promise<void> {
  await ours.becomes('established');
  await sessionWith(peer, address, isEstablished);
}

/** Routes went both ways, with what belongs to them. */
export async function exchange(trial: Trial): Promise<void> {
  const { ours, peer, network, own, address, theirs } = trial;
  const [hop] = await ours.has(network);
  expect(hop?.address).toBe(theirs);
  const seen = await routeFrom(peer, address, own);
  expect(seen).toMatchObject({ nextHop: address, asPath: '65000', communities: ['65000:7'] });
}

/** Neither end comes to a session while `happens` goes on. */
async function stayDown(trial: Trial, ours: Ours, what: string, happens: () => boolean): Promise<void> {
  const { peer, address } = trial;
  await until(what, () => happens() || undefined);
  expect(ours.sessions.filter(({ state }) => state === 'established')).toEqual([]);
  const seen = (await sessions(peer)).find((one) => one.address === address);
  expect(seen?.state).not.toBe('established');
}

/** A counter of TCP, of either side, grew by two: the kernel threw segments away for that reason. */
function dropsCounted(trial: Trial, names: readonly string[]): () => boolean {
  const at = (): number => names.reduce((sum, name) => sum + kernelCounter(trial.process.pid, name), 0);
  const before = at();
  return () => at() >= before + 2;
}

const md5: readonly Case[] = [
  {
    name: 'MD5, right password',
    peer: { password: PASSWORD },
    ours: { password: PASSWORD },
    run: async (trial) => {
      await bothUp(trial);
      await exchange(trial);
    },
  },
  {
    name: 'MD5, right password, they dial',
    kinds: ['bird', 'frr', 'gobgp', 'exabgp', 'openbgpd'],
    peer: { password: PASSWORD },
    ours: { password: PASSWORD, passive: true },
    run: async (trial) => {
      await bothUp(trial);
      expect(trial.ours.connections).toContain('tcp-accepted');
    },
  },
  {
    name: 'MD5, wrong password',
    peer: { password: PASSWORD },
    manual: true,
    run: (trial) => refused(trial, 'wrong-horse', ['TCPMD5Failure']),
  },
  {
    name: 'MD5, password only theirs',
    peer: { password: PASSWORD },
    manual: true,
    run: (trial) => refused(trial, undefined, ['TCPMD5Unexpected', 'TCPMD5NotFound']),
  },
  {
    name: 'MD5, password only ours',
    manual: true,
    run: (trial) => refused(trial, PASSWORD, ['TCPMD5NotFound', 'TCPMD5Unexpected']),
  },
];

async function refused(trial: Trial, password: string | undefined, names: readonly string[]): Promise<void> {
  const counted = dropsCounted(trial, names);
  const given = password === undefined ? {} : { password };
  const ours = trial.start('refused', trial.optionsAt(trial.address, given));
  await stayDown(trial, ours, `${names.join(' or ')} counted`, counted);
}

const gtsm: readonly Case[] = [
  {
    name: 'GTSM both',
    peer: { gtsm: true },
    ours: { gtsmHops: 1 },
    run: async (trial) => {
      await bothUp(trial);
      await exchange(trial);
    },
  },
  {
    name: 'GTSM only ours: their TTL is too low',
    // GoBGP and ExaBGP send with the kernel's 64 where nothing is configured, the others with 1.
    manual: true,
    run: async (trial) => {
      const counted = dropsCounted(trial, ['TCPMinTTLDrop']);
      const ours = trial.start('gtsm', trial.optionsAt(trial.address, { gtsmHops: 1 }));
      await stayDown(trial, ours, 'TCPMinTTLDrop counted', counted);
    },
  },
];

const refresh: readonly Case[] = [
  {
    name: 'route refresh, asked by us',
    // OpenBGPD 7.7 takes the family for not negotiated, also with BIRD. ExaBGP 4.2 ends the session.
    kinds: ['bird', 'frr', 'gobgp'],
    // Without End-of-RIB, FRR 8.4 answers nobody.
    peer: { restartTimeS: 60 },
    ours: {
      gracefulRestart: { restartTimeS: 60, staleTimeMs: 60_000, forwardingKept: true, notification: true },
    },
    run: async (trial) => {
      const { ours, family } = trial;
      await bothUp(trial);
      await exchange(trial);
      const before = count(ours, 'received', UPDATE);
      ours.input({ kind: 'route-refresh', peer: 'peer', family });
      await until('UPDATEs came again', () => count(ours, 'received', UPDATE) > before || undefined);
      await exchange(trial);
      expect(ours.sessions).toHaveLength(1);
    },
  },
  {
    name: 'route refresh, asked by them',
    // GoBGP takes its own copy instead.
    kinds: ['bird', 'frr', 'openbgpd'],
    run: async (trial) => {
      const { ours, peer, address } = trial;
      await bothUp(trial);
      await exchange(trial);
      const before = count(ours, 'sent', UPDATE);
      await askForRefresh(peer, address);
      await until('they asked', () => count(ours, 'received', REFRESH) > 0 || undefined);
      await until('we told them again', () => count(ours, 'sent', UPDATE) > before || undefined);
      await exchange(trial);
      expect(ours.sessions).toHaveLength(1);
    },
  },
];

const roles: readonly Case[] = [
  {
    name: 'roles that fit',
    kinds: ['bird', 'frr', 'openbgpd'],
    peer: { role: 'provider' },
    ours: { role: 'customer', strictRole: true },
    run: async (trial) => {
      await bothUp(trial);
      await exchange(trial);
    },
  },
  {
    name: 'roles mismatch',
    kinds: ['bird', 'frr', 'openbgpd'],
    peer: { role: 'provider' },
    ours: { role: 'peer' },
    run: async (trial) => {
      const { ours } = trial;
      await until('Role Mismatch', () => notifications(ours).find((one) => one.endsWith(' 2/11')));
      expect(ours.sessions.filter(({ state }) => state === 'established')).toEqual([]);
      expect(ours.log.join('\n')).toMatch(/role/i);
    },
  },
];

const shutdown: readonly Case[] = [
  {
    name: 'shutdown text, from us',
    run: async (trial) => {
      const { ours, peer, address } = trial;
      await bothUp(trial);
      ours.input({ kind: 'shutdown', peer: 'peer', text: TEXT });
      const down = await ours.becomes('down');
      expect(down).toMatchObject({ administrative: true });
      await sessionWith(peer, address, (session) => !isEstablished(session));
      expect(notifications(ours)).toContain('sent 6/2');
      // BIRD and ExaBGP tell of the code; the others of the text, too.
      const heard = ['bird', 'exabgp'].includes(peer.spec.kind) ? /shutdown/i : /maintenance 4711/;
      await until('they tell of it', async () => heard.test(await tales(peer, address)) || undefined);
    },
  },
  {
    name: 'shutdown text, from them',
    kinds: ['bird', 'frr', 'gobgp', 'openbgpd'],
    run: async (trial) => {
      const { ours, peer, address } = trial;
      await bothUp(trial);
      await shutDown(peer, address, TEXT);
      const down = await ours.becomes('down');
      expect(down.reason).toContain(TEXT);
      expect(notifications(ours)).toContain('received 6/2');
    },
  },
];

/**
 * Two of ours tell a third of the same prefix; it sends both ways on by add-path, and the daemon does too.
 */
const addPath: readonly Case[] = [
  {
    name: 'add-path both ways',
    kinds: ['bird', 'frr', 'gobgp', 'openbgpd'],
    peer: { addPath: true },
    others: [{ addPath: true, transit: true, as: 64_603 }],
    spares: 2,
    manual: true,
    run: async (trial) => {
      const { address, others, own, peer, family } = trial;
      const [last = '', left = '', right = ''] = others;
      const source = (at: string, as: number) => {
        const options = trial.optionsAt(
          at,
          { address, as: 65_000 },
          {
            as,
            originate: [{ prefix: own, nextHop: 'self', communities: [] }],
          },
        );
        return trial.start(`source ${at}`, options);
      };
      const teller = trial.optionsAt(address, { addPath: { receive: true, send: 4 } }, { originate: [] });
      const [toPeer] = teller.neighbors;
      if (toPeer === undefined) throw new Error('the speaker has no neighbor');
      const from = (name: string, at: string, as: number) => ({
        ...toPeer,
        name,
        address: at,
        as,
        addPath: { receive: false, send: 0 },
      });
      const middle = trial.start('middle', {
        ...teller,
        neighbors: [toPeer, from('left', left, 64_601), from('right', right, 64_602)],
      });
      source(left, 64_601);
      source(right, 64_602);
      await middle.becomes('established', 'peer');
      const paths = await until('they have both paths', async () => {
        const seen = (await routes(peer, family)).filter((one) => one.prefix === own && one.from === address);
        return seen.length === 2 ? seen : undefined;
      });
      expect(paths.map(({ asPath }) => asPath).sort()).toEqual(['65000 64601', '65000 64602']);
      const receiver = trial.start(
        'receiver',
        trial.optionsAt(
          last,
          { addPath: { receive: true, send: 0 } },
          { as: 64_603, originate: [], multipath: 4 },
        ),
      );
      await until(
        'we have both paths',
        () => receiver.routes.get(own)?.length === 2 || undefined,
        15_000,
        () => [...receiver.routes],
      );
    },
  },
];

const LONG = 2_500;

const extended: readonly Case[] = [
  {
    name: 'extended messages',
    kinds: ['bird', 'frr', 'exabgp'],
    others: [{ transit: true, as: 64_604 }],
    manual: true,
    run: async (trial) => {
      const { address, others, peer, family } = trial;
      const [other = ''] = others;
      const prefixes = Array.from({ length: LONG }, (_, index) =>
        family === 'ipv4'
          ? `11.${index >> 8}.${index & 255}.0/24`
          : `2001:db8:${(0x1000 + index).toString(16)}::/48`,
      );
      const originate = prefixes.map((prefix) => ({ prefix, nextHop: 'self', communities: [] }));
      const ours = trial.start('long', trial.optionsAt(address, {}, { originate }));
      const theirs =
        peer.spec.kind === 'exabgp'
          ? undefined
          : trial.start('other', trial.optionsAt(other, {}, { as: 64_604, originate: [] }));
      await until('they have all', async () => {
        const seen = (await routes(peer, family)).filter(({ from }) => from === address);
        return seen.length >= LONG || undefined;
      });
      const longest = (of: Ours, direction: 'sent' | 'received'): number =>
        Math.max(...of.messages.filter((one) => one.direction === direction).map(({ length }) => length));
      expect(longest(ours, 'sent')).toBeGreaterThan(4_096);
      if (theirs === undefined) return;
      await until(
        'all came through',
        () => prefixes.every((prefix) => theirs.routes.has(prefix)) || undefined,
      );
      console.log(peer.spec.kind, family, longest(theirs, 'received'));
    },
  },
];

const storms: readonly Case[] = [
  {
    name: 'flap storm of the session',
    run: async (trial) => {
      const { ours, peer, address } = trial;
      await bothUp(trial);
      for (let flap = 0; flap < 8; flap++) {
        const downs = ours.sessions.filter(({ state }) => state === 'down').length;
        await reset(peer, address);
        await until(
          'a flap',
          () => ours.sessions.filter(({ state }) => state === 'down').length > downs || undefined,
        );
        await ours.becomes('established', undefined, 25_000);
      }
      await bothUp(trial);
      await exchange(trial);
    },
  },
  {
    name: 'flap storm of routes, from them',
    kinds: ['exabgp'],
    run: async (trial) => {
      const { ours, peer, address, family, theirs } = trial;
      await bothUp(trial);
      const prefix = (index: number): string =>
        family === 'ipv4' ? `172.20.${index}.0/24` : `2001:db8:aa${index}::/48`;
      for (let turn = 0; turn < 25; turn++) {
        for (let index = 10; index < 30; index++) {
          const what = turn % 2 === 0 || index % 2 === 0 ? 'announce' : 'withdraw';
          exabgp(
            peer.host,
            `neighbor ${address} ${what} route ${prefix(index)} next-hop ${theirs} med ${turn}`,
          );
        }
      }
      exabgp(peer.host, `neighbor ${address} announce route ${prefix(99)} next-hop ${theirs}`);
      await ours.has(prefix(99));
      for (let index = 10; index < 30; index++) expect(ours.routes.has(prefix(index))).toBe(true);
      expect(ours.sessions).toHaveLength(1);
    },
  },
  {
    name: 'flap storm of routes, from us',
    run: async (trial) => {
      const { ours, peer, address, family } = trial;
      await bothUp(trial);
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
      expect(ours.sessions).toHaveLength(1);
    },
  },
];

export const CASES: readonly Case[] = [
  {
    name: 'session, routes both ways',
    run: async (trial) => {
      await bothUp(trial);
      await exchange(trial);
    },
  },
  {
    name: 'session that they dial',
    ours: { passive: true },
    run: async (trial) => {
      await bothUp(trial);
      expect(trial.ours.connections).toEqual(expect.arrayContaining(['tcp-accepted']));
      expect(trial.ours.connections).not.toContain('tcp-opened');
    },
  },
  {
    name: 'hold timer expires at them: we freeze',
    peer: { holdTimeS: 3 },
    ours: { holdTimeS: 3 },
    run: async (trial) => {
      const { ours, peer, address } = trial;
      await bothUp(trial);
      ours.order('freeze');
      await sessionWith(peer, address, (session) => !isEstablished(session));
      ours.order('thaw');
      await ours.becomes('down');
      await ours.becomes('established', undefined, 25_000);
    },
  },
  ...md5,
  ...gtsm,
  ...refresh,
  ...roles,
  ...shutdown,
  ...addPath,
  ...extended,
  ...storms,
];
