/** MD5 and GTSM, with what the kernel counts when it throws segments away for them: one after another. */
import { expect } from 'vitest';
import type { Case, Trial } from './case.ts';
import { ask, socketAddress, until } from './lab.ts';
import { killPeer, restartPeer, routes } from './peer.ts';
import { bothUp, dropsCounted, exchange, stayDown } from './steps.ts';

const PASSWORD = 'correct-horse';

/**
 * Lets the daemon dial anew: ExaBGP and OpenBGPD wait ever longer between their dials while nobody answers,
 * and it is their dials that these cases watch.
 */
export async function beginAnew({ kind, peer }: Trial): Promise<void> {
  if (kind !== 'exabgp' && kind !== 'openbgpd') return;
  await killPeer(peer);
  await restartPeer(peer);
}

async function refused(trial: Trial, password: string | undefined, counter: string): Promise<void> {
  await beginAnew(trial);
  const counted = dropsCounted(trial.process.pid, counter);
  const options = trial.optionsAt(trial.address, {
    ...(password === undefined ? {} : { password }),
    // OpenBGPD's listener knows no key, so that it takes whoever dials unsigned. What it dials is signed.
    passive: trial.kind === 'openbgpd',
  });
  await stayDown(trial, trial.start('refused', options), `${counter} counted`, counted);
}

export const SECURE_CASES: readonly Case[] = [
  {
    name: 'MD5, right password',
    peer: { password: PASSWORD },
    ours: { password: PASSWORD },
    run: async (trial, ours) => {
      await bothUp(trial, ours);
      await exchange(trial, ours);
    },
  },
  {
    name: 'MD5, right password, they dial',
    peer: { password: PASSWORD },
    ours: { password: PASSWORD, passive: true },
    run: async (trial, ours) => {
      await bothUp(trial, ours);
      expect(ours.connections).toContain('tcp-accepted');
    },
  },
  {
    name: 'GTSM both',
    peer: { gtsm: true },
    ours: { gtsmHops: 1 },
    run: async (trial, ours) => {
      await bothUp(trial, ours);
      await exchange(trial, ours);
    },
  },
];

export const REFUSAL_CASES: readonly Case[] = [
  {
    name: 'MD5, wrong password',
    peer: { password: PASSWORD },
    manual: true,
    run: (trial) => refused(trial, 'wrong-horse', 'TCPMD5Failure'),
  },
  {
    name: 'MD5, password only theirs',
    peer: { password: PASSWORD },
    manual: true,
    run: (trial) => refused(trial, undefined, 'TCPMD5Unexpected'),
  },
  {
    name: 'MD5, password only ours',
    manual: true,
    run: (trial) => refused(trial, PASSWORD, 'TCPMD5NotFound'),
  },
  {
    name: 'GTSM only ours: their TTL is too low',
    // GoBGP and ExaBGP send with the kernel's 64 where nothing is configured, the others with 1.
    manual: true,
    run: async (trial) => {
      await beginAnew(trial);
      const counted = dropsCounted(trial.process.pid, 'TCPMinTTLDrop');
      const ours = trial.start('gtsm', trial.optionsAt(trial.address, { gtsmHops: 1 }));
      await stayDown(trial, ours, 'TCPMinTTLDrop counted', counted);
    },
  },
  {
    name: 'GTSM only theirs: our TTL is too low',
    without: { exabgp: 'its listener lets any TTL through' },
    peer: { gtsm: true },
    manual: true,
    run: async (trial) => {
      const { process, address, peer, family, own } = trial;
      trial.start('low', trial.optionsAt(address, { ttl: 64 }));
      // Some daemons look at the TTL only once they have accepted, and may take an OPEN before that.
      const unacknowledged = /timer:\(on,[^,]*,[2-9]\)/;
      const connections = (): Promise<string> =>
        ask(process.host, ['ss', '-Htino', 'src', socketAddress(address)]);
      await until(
        'their kernel acknowledges nothing',
        async () => unacknowledged.test(await connections()),
        30_000,
        connections,
      );
      const seen = await routes(peer, family);
      expect(seen.filter(({ prefix, from }) => prefix === own && from === address)).toEqual([]);
    },
  },
];
