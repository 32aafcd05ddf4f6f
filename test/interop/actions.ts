/** What a test makes a routing daemon do while it runs, in the daemon's own commands. */
import { readFileSync } from 'node:fs';
import { birdc } from './bird.ts';
import { exabgp, exabgpEvents } from './exabgp.ts';
import { vtysh } from './frr.ts';
import { gobgp } from './gobgp.ts';
import { printed } from './lab.ts';
import { bgpctl } from './openbgpd.ts';
import type { PeerDaemon } from './peer.ts';
import { sessions } from './peer.ts';
import { isIpv6 } from './spec.ts';

/** The name of BIRD's protocol for a neighbor. */
const protocolOf = ({ spec }: PeerDaemon, address: string): string =>
  `n${spec.neighbors.findIndex((one) => one.address === address)}`;

/** Asks us for our routes again. RFC 2918. ExaBGP has no command for that. */
export async function askForRefresh(peer: PeerDaemon, address: string): Promise<void> {
  switch (peer.spec.kind) {
    case 'bird':
      await birdc(peer.host, 'reload', 'in', protocolOf(peer, address));
      return;
    case 'frr':
      await vtysh(peer.host, `clear bgp ${address} soft in`);
      return;
    case 'gobgp':
      await gobgp(peer.host, 'neighbor', address, 'softresetin');
      return;
    case 'openbgpd':
      await bgpctl(peer.host, 'neighbor', address, 'refresh');
      return;
    case 'exabgp':
      throw new Error('ExaBGP asks for no routes');
  }
}

/** Ends the session and lets it come again at once. */
export async function reset(peer: PeerDaemon, address: string): Promise<void> {
  switch (peer.spec.kind) {
    case 'bird':
      await birdc(peer.host, 'restart', protocolOf(peer, address));
      return;
    case 'frr':
      await vtysh(peer.host, `clear bgp ${address}`);
      return;
    case 'gobgp':
      // After a reset of its own it would stay away for 30 s.
      await gobgp(peer.host, 'neighbor', address, 'disable');
      await gobgp(peer.host, 'neighbor', address, 'enable');
      return;
    case 'openbgpd':
      await bgpctl(peer.host, 'neighbor', address, 'clear');
      return;
    case 'exabgp':
      exabgp(peer.host, `neighbor ${address} teardown 4`);
      return;
  }
}

/** Announces a route of the daemon's own with a MED, or withdraws it (`undefined`); BIRD can do neither. */
export async function changeRoute(
  { host, spec }: PeerDaemon,
  address: string,
  prefix: string,
  med: number | undefined,
): Promise<void> {
  const family = isIpv6(prefix) ? 'ipv6' : 'ipv4';
  const hop = isIpv6(prefix) ? host.ipv6 : host.ipv4;
  switch (spec.kind) {
    case 'exabgp': {
      const what = med === undefined ? 'withdraw' : 'announce';
      exabgp(host, `neighbor ${address} ${what} route ${prefix} next-hop ${hop} med ${med ?? 0}`);
      return;
    }
    case 'frr':
      await vtysh(
        host,
        'configure terminal',
        `router bgp ${spec.as}`,
        `address-family ${family} unicast`,
        `${med === undefined ? 'no ' : ''}network ${prefix}`,
      );
      return;
    case 'gobgp': {
      const more = med === undefined ? [] : ['med', String(med)];
      const what = med === undefined ? 'del' : 'add';
      await gobgp(host, 'global', 'rib', what, prefix, 'nexthop', hop, ...more, '-a', family);
      return;
    }
    case 'openbgpd':
      await bgpctl(host, 'network', med === undefined ? 'delete' : 'add', prefix);
      return;
    case 'bird':
      throw new Error('BIRD takes no route from a command');
  }
}

/** Shuts the session down with a text of RFC 9003; ExaBGP can send none. */
export async function shutDown(peer: PeerDaemon, address: string, text: string): Promise<void> {
  switch (peer.spec.kind) {
    case 'bird':
      await birdc(peer.host, 'disable', protocolOf(peer, address), `"${text}"`);
      return;
    case 'frr':
      await vtysh(
        peer.host,
        'configure terminal',
        `router bgp ${peer.spec.as}`,
        `neighbor ${address} shutdown message ${text}`,
      );
      return;
    case 'gobgp':
      await gobgp(peer.host, 'neighbor', address, 'shutdown', '--reason', text);
      return;
    case 'openbgpd':
      await bgpctl(peer.host, 'neighbor', address, 'down', text);
      return;
    case 'exabgp':
      throw new Error('ExaBGP sends no text');
  }
}

/** Everything that a daemon tells of its past with a neighbor: session, events, log. */
export async function tales(peer: PeerDaemon, address: string): Promise<string> {
  const session = (await sessions(peer)).find((one) => one.address === address);
  const events = peer.spec.kind === 'exabgp' ? JSON.stringify(exabgpEvents(peer.host)) : '';
  return [session?.error, events, ...peer.running.map(printed)].join('\n');
}

/** A counter of TCP in the namespace of a process, such as `TCPMD5NotFound`. */
export function kernelCounter(pid: number, name: string): number {
  const [heads = '', values = ''] = readFileSync(`/proc/${pid}/net/netstat`, 'utf8').split('\n');
  const value = values.split(' ')[heads.split(' ').indexOf(name)];
  if (value === undefined) throw new Error(`this kernel counts no ${name}`);
  return Number(value);
}
