/** BGP with BFD, and how long both sides took: one after another, since each makes the machine busy. */
import { expect } from 'vitest';
import { tales } from './actions.ts';
import type { Case, Trial } from './case.ts';
import { ask, freeze, thaw, until } from './lab.ts';
import type { Ours } from './ours.ts';
import { isEstablished, sessionWith } from './peer.ts';
import { bothUp, notifications } from './steps.ts';

/** How long something took with a daemon, for people; judged by nobody. */
export interface Reaction {
  readonly intervalMs: number;
  readonly what: string;
  readonly trial: Trial;
  readonly tookMs: number;
}

export const reactions: Reaction[] = [];

async function up(trial: Trial, ours: Ours): Promise<void> {
  await bothUp(trial, ours);
  await until('BFD is Up', () => ours.bfd.at(-1) === 'up', 30_000);
}

/** Nothing that our BFD sends leaves the host any more; BGP goes on. */
const silence = ({ process, address, theirs }: Trial): Promise<string> => {
  const family = address.includes(':') ? '-6' : '-4';
  const packets = ['from', address, 'to', theirs, 'ipproto', 'udp', 'dport', '3784'];
  return ask(process.host, ['ip', family, 'rule', 'add', 'priority', '10', ...packets, 'blackhole']);
};

const bfd = (intervalMs: number): readonly Case[] => {
  const shared = {
    without: {
      gobgp: 'Debian has 3.10; BFD came with 4.6',
      exabgp: 'it has no BFD',
      openbgpd: 'it has no BFD',
    },
    peer: { bfdIntervalMs: intervalMs },
    ours: { bfd: { multihop: false, intervalMs, multiplier: 3, passive: false, strict: false } },
  } as const;
  const note = (trial: Trial, what: string, ours: Ours, since: number): void => {
    reactions.push({ intervalMs, what, trial, tookMs: ours.changedAt - since });
  };
  return [
    {
      ...shared,
      name: `BFD ${intervalMs} ms: we fall silent`,
      run: async (trial, ours) => {
        const { kind, peer, address } = trial;
        await up(trial, ours);
        await silence(trial);
        const began = performance.now();
        const down = await ours.becomes('down');
        note(trial, 'we fall silent, they end the session', ours, began);
        // Their BFD may tell ours before their BGP tells ours. BIRD 2.0 does not know RFC 9384.
        const theirs = kind === 'frr' ? 'received 6/10' : 'received 6/0';
        expect(notifications(ours).filter((one) => one === theirs || one === 'sent 6/10')).not.toEqual([]);
        expect(down.reason).toMatch(/BFD|Cease/);
        await sessionWith(peer, address, (session) => !isEstablished(session));
      },
    },
    {
      ...shared,
      name: `BFD ${intervalMs} ms: they fall silent`,
      run: async (trial, ours) => {
        const { kind, peer, network, address } = trial;
        await up(trial, ours);
        await ours.has(network);
        // Of FRR only bfdd, so that bgpd can tell what it heard.
        const silent = peer.running.filter(({ name }) => kind !== 'frr' || name === 'bfdd');
        const began = performance.now();
        silent.forEach(freeze);
        try {
          const down = await ours.becomes('down');
          note(trial, 'they fall silent, we end the session', ours, began);
          expect(down.reason).toMatch(/BFD/);
          expect(notifications(ours)).toContain('sent 6/10');
          await ours.lacks(network);
          if (kind === 'frr') await until('they read it', async () => /BFD/.test(await tales(peer, address)));
        } finally {
          silent.forEach(thaw);
        }
        await ours.becomes('established', undefined, 30_000);
      },
    },
  ];
};

export const BFD_CASES: readonly Case[] = [300, 50, 10].flatMap(bfd);
