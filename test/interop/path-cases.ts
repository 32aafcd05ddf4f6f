/** Add-path, long messages and large tables, which further speakers of ours send or receive. */
import { expect } from 'vitest';
import type { Family } from '../../controller/bgp/options.ts';
import type { Case, Trial } from './case.ts';
import { exabgp } from './exabgp.ts';
import { until } from './lab.ts';
import type { Ours } from './ours.ts';
import { routes } from './peer.ts';
import { bothUp, count } from './steps.ts';

const LEFT_AS = 64_601;
const RIGHT_AS = 64_602;

/** Tells the daemon two paths of one prefix, which it hears from two further speakers. */
function tellTwoPaths(trial: Trial, left: string, right: string): Ours {
  const { address, own } = trial;
  const route = { prefix: own, nextHop: 'self', communities: [] };
  for (const [at, as] of [
    [left, LEFT_AS],
    [right, RIGHT_AS],
  ] as const) {
    trial.start(`source ${at}`, trial.optionsAt(at, { address, as: 65_000 }, { as, originate: [route] }));
  }
  const teller = trial.optionsAt(address, { addPath: { receive: true, send: 4 } }, { originate: [] });
  const [toPeer] = teller.neighbors;
  if (toPeer === undefined) throw new Error('the speaker has no neighbor');
  const source = (name: string, at: string, as: number) => ({
    ...{ ...toPeer, name, address: at, as },
    addPath: { receive: false, send: 0 },
  });
  const neighbors = [toPeer, source('left', left, LEFT_AS), source('right', right, RIGHT_AS)];
  return trial.start('middle', { ...teller, neighbors });
}

/** What ExaBGP would tell if it passed on what it hears: two paths of a prefix, with their identifiers. */
function tellExabgpTwoPaths({ peer, own, theirs }: Trial, to: string): void {
  for (const [id, as] of [LEFT_AS, RIGHT_AS].entries()) {
    const path = `path-information 0.0.0.${id + 1} as-path [ ${peer.spec.as} 65000 ${as} ]`;
    exabgp(peer.host, `neighbor ${to} announce route ${own} next-hop ${theirs} ${path}`);
  }
}

const addPath: Case = {
  name: 'add-path both ways',
  peer: { addPath: true },
  others: [{ addPath: true, transit: true, as: 64_603 }],
  spares: 2,
  manual: true,
  run: async (trial) => {
    const { address, others, own, peer, family } = trial;
    const [last = '', left = '', right = ''] = others;
    const middle = tellTwoPaths(trial, left, right);
    await middle.becomes('established', 'peer');
    const paths = await until('they have both paths', async () => {
      const seen = (await routes(peer, family)).filter((one) => one.prefix === own && one.from === address);
      return seen.length === 2 ? seen : undefined;
    });
    expect(paths.map(({ asPath }) => asPath).sort()).toEqual([`65000 ${LEFT_AS}`, `65000 ${RIGHT_AS}`]);
    const receiver = trial.start(
      'receiver',
      trial.optionsAt(last, { addPath: { receive: true, send: 0 } }, { as: 64_603, originate: [] }),
    );
    await receiver.becomes('established', undefined, 30_000);
    if (trial.kind === 'exabgp') tellExabgpTwoPaths(trial, last);
    const all = await until('we have both paths', async () => {
      const seen = await receiver.paths(own);
      return seen.length === 2 ? seen : undefined;
    });
    const daemon = trial.optionsAt(last).neighbors[0]?.as;
    const through = (as: number): string => `${daemon} 65000 ${as}`;
    expect([...all].sort()).toEqual([through(LEFT_AS), through(RIGHT_AS)]);
  },
};

const prefixOf = (family: Family, index: number): string =>
  family === 'ipv4'
    ? `11.${index >> 8}.${index & 255}.0/24`
    : `2001:db8:${(0x1000 + index).toString(16)}::/48`;

const prefixes = (family: Family, length: number): readonly string[] =>
  Array.from({ length }, (_, index) => prefixOf(family, index));

const longest = (of: Ours, direction: 'sent' | 'received'): number =>
  Math.max(...of.messages.filter((one) => one.direction === direction).map(({ length }) => length));

const LONG = 2_500;

const extended: Case = {
  name: 'extended messages',
  without: {
    gobgp: 'Debian has 3.10, which does not offer RFC 8654',
    openbgpd: 'Debian has 7.7, which does not offer RFC 8654',
  },
  manual: true,
  run: async (trial) => {
    const { address, peer, family } = trial;
    const originate = prefixes(family, LONG).map((prefix) => ({ prefix, nextHop: 'self', communities: [] }));
    const ours = trial.start('long', trial.optionsAt(address, {}, { originate }));
    await until('they have all', async () => {
      const seen = (await routes(peer, family)).filter(({ from }) => from === address);
      return seen.length >= LONG;
    });
    await until('a long message was sent', () => longest(ours, 'sent') > 4_096);
  },
};

const LARGE = 10_000;
/** As many attribute sets; each takes messages of its own. */
const SETS = 100;

const large: Case = {
  name: `${LARGE} routes both ways, in messages of 4096`,
  without: { exabgp: 'it passes nothing on' },
  others: [{ transit: true, as: 64_605 }],
  manual: true,
  run: async (trial) => {
    const { address, others, family, network } = trial;
    const [other = ''] = others;
    const all = prefixes(family, LARGE);
    const originate = all.map((prefix, index) => ({
      ...{ prefix, nextHop: 'self' },
      communities: [`65000:${index % SETS}`],
    }));
    const short = { extendedMessages: false };
    const sender = trial.start('sender', trial.optionsAt(address, short, { originate }));
    const receiver = trial.start('receiver', trial.optionsAt(other, short, { as: 64_605, originate: [] }));
    await bothUp(trial, sender);
    await receiver.becomes('established', undefined, 30_000);
    const lacking = (): number => all.filter((prefix) => !receiver.routes.has(prefix)).length;
    await until('all came through', () => lacking() === 0, 40_000, lacking);
    expect(count(receiver, 'received', 'update')).toBeGreaterThan(SETS / 2);
    expect(longest(sender, 'sent')).toBeLessThanOrEqual(4_096);
    expect(longest(receiver, 'received')).toBeLessThanOrEqual(4_096);
    for (const prefix of all) sender.input({ kind: 'withdraw', prefix });
    await until('all are gone', () => lacking() === LARGE, 40_000, lacking);
    expect(receiver.routes.has(network)).toBe(true);
  },
};

export const PATH_CASES: readonly Case[] = [addPath, extended, large];
