/**
 * A routing daemon of other people that runs in a host: started from a spec, asked in the same words for all.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../controller/bgp/options.ts';
import { birdCommand, birdConfiguration, birdc, birdRoutes, birdSessions } from './bird.ts';
import { EXABGP_ENV, exabgpCommand, exabgpRoutes, exabgpSessions, writeExabgp } from './exabgp.ts';
import { frrCommands, frrConfigurations, frrRoutes, frrSessions, vtysh } from './frr.ts';
import {
  gobgpAnnounce,
  gobgpCommand,
  gobgpConfiguration,
  gobgpRoutes,
  gobgpSessions,
  gobgpSpeaks,
} from './gobgp.ts';
import { freeze, type Host, kill, printed, type Running, start, stop, thaw, until } from './lab.ts';
import {
  bgpctl,
  openbgpdCommand,
  openbgpdConfiguration,
  openbgpdRoutes,
  openbgpdSessions,
} from './openbgpd.ts';
import { isIpv6, type PeerSpec, type SeenRoute, type SeenSession } from './spec.ts';

export interface PeerDaemon {
  readonly spec: PeerSpec;
  readonly host: Host;
  readonly running: Running[];
}

/** Starts the daemon and waits until it answers. */
export async function startPeer(host: Host, spec: PeerSpec): Promise<PeerDaemon> {
  const peer = { host, spec, running: [] };
  await launch(peer, false);
  return peer;
}

/** Starts a daemon again that was killed; `gracefully`: it knows that its earlier run is not long past. */
export async function restartPeer(peer: PeerDaemon, gracefully = false): Promise<void> {
  peer.running.length = 0;
  await launch(peer, gracefully);
}

async function launch(peer: PeerDaemon, again: boolean): Promise<void> {
  const { host, spec, running } = peer;
  const { folder } = host;
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  switch (spec.kind) {
    case 'bird':
      write('bird.conf', birdConfiguration(spec));
      running.push(start(host, 'bird', [...birdCommand(folder), ...(again ? ['-R'] : [])]));
      await answering(peer, () => birdc(host, 'show', 'status'));
      break;
    case 'frr':
      for (const [name, text] of Object.entries(frrConfigurations(spec))) write(`${name}.conf`, text);
      spawnSync('chown', ['-R', 'frr:frr', folder]);
      for (const [name, command] of frrCommands(folder)) {
        running.push(start(host, name, command));
        await answering(peer, () => vtysh(host, `show version`));
      }
      await answering(peer, async () => {
        const said = await vtysh(host, 'show daemons');
        if (!/bgpd/.test(said)) throw new Error(said);
      });
      break;
    case 'gobgp':
      write('gobgpd.toml', gobgpConfiguration(spec));
      running.push(start(host, 'gobgpd', gobgpCommand(folder, ...(again ? ['-r'] : []))));
      await answering(peer, () => gobgpSpeaks(host));
      await gobgpAnnounce(host, spec.networks);
      break;
    case 'exabgp':
      writeExabgp(spec, folder);
      running.push(start(host, 'exabgp', exabgpCommand(folder), EXABGP_ENV));
      break;
    case 'openbgpd':
      mkdirSync('/run/openbgpd', { recursive: true });
      write('bgpd.conf', openbgpdConfiguration(spec, folder));
      running.push(start(host, 'bgpd', openbgpdCommand(folder)));
      await answering(peer, () => bgpctl(host, 'show', 'summary'));
      break;
  }
}

/** Waits until a daemon answers a question; throws what it printed when it has ended or stays silent. */
async function answering(peer: PeerDaemon, question: () => Promise<unknown>): Promise<void> {
  const log = (): string => peer.running.map(printed).join('\n').slice(-2_000);
  let over = false;
  for (const one of peer.running) void one.ended.then(() => (over = true));
  await until(
    `${peer.spec.kind} answers`,
    async () => {
      if (over) return true;
      await question();
      return true;
    },
    15_000,
    log,
  );
  if (over) throw new Error(`${peer.spec.kind} ended by itself: ${log()}`);
}

export function sessions({ host, spec }: PeerDaemon): Promise<readonly SeenSession[]> {
  switch (spec.kind) {
    case 'bird':
      return birdSessions(host);
    case 'frr':
      return frrSessions(host);
    case 'gobgp':
      return gobgpSessions(host);
    case 'exabgp':
      return Promise.resolve(exabgpSessions(host, spec));
    case 'openbgpd':
      return openbgpdSessions(host);
  }
}

/** All routes of a family that the daemon knows, its own included where it tells of them. */
export async function routes({ host, spec }: PeerDaemon, family: Family): Promise<readonly SeenRoute[]> {
  const ipv6 = family === 'ipv6';
  switch (spec.kind) {
    case 'bird':
      return birdRoutes(host, spec, ipv6);
    case 'frr':
      return frrRoutes(host, ipv6);
    case 'gobgp':
      return gobgpRoutes(host, ipv6);
    case 'exabgp':
      return exabgpRoutes(host).filter(({ prefix }) => isIpv6(prefix) === ipv6);
    case 'openbgpd':
      return openbgpdRoutes(host, ipv6);
  }
}

/** The session with a neighbor, once it is as wanted. */
export const sessionWith = (
  peer: PeerDaemon,
  address: string,
  wanted: (session: SeenSession) => boolean,
  limitMs?: number,
): Promise<SeenSession> => {
  let last: readonly SeenSession[] = [];
  return until(
    `${peer.spec.kind}'s session with ${address}`,
    async () => {
      last = await sessions(peer);
      return last.find((session) => session.address === address && wanted(session));
    },
    limitMs,
    () => last,
  );
};

export const isEstablished = ({ state }: SeenSession): boolean => state === 'established';

/** A route of the daemon from a neighbor, once it is there. */
export const routeFrom = (
  peer: PeerDaemon,
  from: string,
  prefix: string,
  limitMs?: number,
): Promise<SeenRoute> => {
  const family = isIpv6(prefix) ? 'ipv6' : 'ipv4';
  return until(
    `${peer.spec.kind} has ${prefix} from ${from}`,
    async () => (await routes(peer, family)).find((one) => one.prefix === prefix && one.from === from),
    limitMs,
  );
};

export const freezePeer = ({ running }: PeerDaemon): void => running.forEach(freeze);
export const thawPeer = ({ running }: PeerDaemon): void => running.forEach(thaw);

export const killPeer = async ({ running }: PeerDaemon): Promise<void> => {
  await Promise.all(running.map(kill));
};

export const stopPeer = async ({ running }: PeerDaemon): Promise<void> => {
  await Promise.all(running.map(stop));
};

/** What it printed, for the message of a test that failed. */
export const logOf = ({ host, spec, running }: PeerDaemon): string =>
  [`${spec.kind} in ${host.name}:`, ...running.map((one) => printed(one).slice(-3_000))].join('\n');
