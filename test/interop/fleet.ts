/**
 * A lab with daemons of ours in it, as they are shipped: `byoa sim` for EC2, `byoa run` on hosts, appliances
 * that forward to a network beyond, and packets that are counted where they pass. Not a test itself.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { present } from '../../controller/base/result.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { ACCOUNT, REGION } from '../clients/simulator.ts';
import { byoa, type DaemonProcess, startByoa } from '../shell/daemon-process.ts';
import { type Program, startProgram } from './bfd-lab.ts';
import { whereIs } from './daemons.ts';
import type { Made, Seen } from './ec2-program.ts';
import { ask, type Host, type Lab, type Running, start, until } from './lab.ts';
import type { NeighborSpec, PeerSpec } from './spec.ts';

export const BEYOND = { ipv4: '198.51.100.0/24', ipv6: '2001:db8:64::/48' } as const;
export const TARGET = { ipv4: '198.51.100.1', ipv6: '2001:db8:64::1' } as const;
export const OUR_AS = 65_000;
export const THEIR_AS = 65_002;
/** Time from packet to packet: slow enough for a machine that others use too. */
export const BFD_MS = 200;

const PROGRAM = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));

/** Why daemons of ours cannot run in a lab here; undefined where they can. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  return ['ip', 'ping'].some((program) => whereIs(program) === undefined) ? 'needs ip and ping' : undefined;
}

const run = (host: Host, ...command: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', host.namespace, ...command], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command.join(' ')} in ${host.name}: ${stderr}`);
  return stdout;
};

/** Sets kernel settings, as `name=value`. */
export const settings = (host: Host, ...pairs: readonly string[]): void =>
  void run(host, 'sysctl', '-qw', ...pairs);

export const ip = (host: Host, ...words: readonly string[]): string => run(host, 'ip', ...words);

/** A host that answers for all addresses of the networks beyond. */
export function beyond(lab: Lab, number: number): Host {
  const host = lab.host('beyond', number);
  ip(host, 'route', 'add', 'local', BEYOND.ipv4, 'dev', 'lo');
  ip(host, '-6', 'route', 'add', 'local', BEYOND.ipv6, 'dev', 'lo');
  return host;
}

/** A host that forwards to the networks beyond. */
export function appliance(lab: Lab, name: string, number: number, behind: Host): Host {
  const host = lab.host(name, number);
  const quiet = ['all', 'default', 'eth0'].map((which) => `net.ipv4.conf.${which}.send_redirects=0`);
  settings(host, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', ...quiet);
  ip(host, 'route', 'add', BEYOND.ipv4, 'via', behind.ipv4);
  ip(host, '-6', 'route', 'add', BEYOND.ipv6, 'via', behind.ipv6);
  return host;
}

/** Packets that a host has forwarded. Linux, Documentation/networking/snmp_counter.rst. */
export function forwarded(host: Host, family: 'ipv4' | 'ipv6'): number {
  if (family === 'ipv6') {
    const [, value] = /^Ip6OutForwDatagrams\s+(\d+)$/m.exec(run(host, 'cat', '/proc/net/snmp6')) ?? [];
    return Number(present(value, 'the counter'));
  }
  const [head = '', values = ''] = run(host, 'cat', '/proc/net/snmp').split('\n');
  return Number(values.split(' ')[head.split(' ').indexOf('ForwDatagrams')]);
}

/** Whether all of some addresses beyond answer at once. */
export async function reaches(host: Host, targets: readonly string[]): Promise<boolean> {
  const pings = targets.map((target) => ask(host, ['ping', '-c', '1', '-W', '2', target]));
  return (await Promise.allSettled(pings)).every(({ status }) => status === 'fulfilled');
}

/** An echo every 20 ms, until told to stop; what was sent and answered. */
export interface Stream {
  end(): Promise<{ readonly sent: number; readonly answered: number }>;
}

export function stream(host: Host, name: string, target: string): Stream {
  const running: Running = start(host, name, ['ping', '-q', '-i', '0.02', '-W', '2', target]);
  return {
    async end() {
      process.kill(running.pid, 'SIGINT');
      await running.ended;
      const said = readFileSync(running.log, 'utf8');
      const [, sent, answered] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? [];
      return { sent: Number(present(sent, said)), answered: Number(answered) };
    },
  };
}

export interface Region {
  readonly url: string;
  readonly made: Made;
  readonly look: () => Promise<Seen>;
  readonly end: () => Promise<void>;
}

/** Runs a simulated region in a host, with appliances at `addresses`; the route points at the first. */
export async function startRegion(host: Host, addresses: readonly string[]): Promise<Region> {
  const url = `http://${host.ipv4}:4566`;
  const running = start(host, 'sim', [process.execPath, PROGRAM, 'sim', '--host', host.ipv4]);
  await until(
    'the simulator runs',
    () => readFileSync(running.log, 'utf8').includes('ready'),
    30_000,
    () => readFileSync(running.log, 'utf8'),
  );
  const file = new URL('./ec2-program.ts', import.meta.url);
  const program: Program<Made | Seen> = startProgram(host, file, [url, ...addresses]);
  const line = (index: number) =>
    until(`line ${index} of the EC2 client`, () => program.lines[index], 30_000);
  const made = await line(0);
  if (made.kind !== 'made') throw new Error('the EC2 client made nothing');
  return {
    url,
    made,
    async look() {
      const index = program.lines.length;
      program.send({});
      const seen = await line(index);
      if (seen.kind !== 'seen') throw new Error('the EC2 client saw nothing');
      return seen;
    },
    end: () => program.end(),
  };
}

/** A daemon of ours in a host. */
export interface Daemon extends DaemonProcess {
  readonly host: Host;
  readonly file: string;
  /** Waits for a line of a topic. */
  readonly says: (topic: string, words: string | RegExp) => Promise<string>;
  /** Waits for such a line that comes after now. */
  readonly next: (topic: string, words: string | RegExp) => Promise<string>;
  /** Runs `byoa WORDS` against it. */
  readonly asked: (...words: readonly string[]) => ReturnType<typeof byoa>;
  readonly kill: (signal?: NodeJS.Signals) => Promise<number | string>;
}

/** Writes the configuration of a daemon, with files in the host's folder. */
export function configure(
  host: Host,
  config: Omit<ConfigInput, 'version' | 'aws'> & Partial<ConfigInput>,
): string {
  const file = join(host.folder, 'byoa.yaml');
  const own = {
    version: 1,
    aws: { region: REGION },
    journal: { directory: join(host.folder, 'journal') },
    control: { socket: join(host.folder, 'byoa.sock') },
  } as const;
  writeFileSync(file, formatConfig({ ...own, ...config }));
  return file;
}

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: ACCOUNT,
  AWS_SECRET_ACCESS_KEY: 'simulated',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** Starts the daemon whose configuration lies in the host's folder, and waits until it runs. */
export async function startDaemon(
  host: Host,
  environment: Record<string, string> = {},
  by: readonly string[] = [],
): Promise<Daemon> {
  const file = join(host.folder, 'byoa.yaml');
  const within = ['ip', 'netns', 'exec', host.namespace, ...by];
  const daemon = startByoa(['run', '--config', file], { ...CREDENTIALS, ...environment }, within);
  const matches = (topic: string, words: string | RegExp) => (line: { topic: string; msg: string }) =>
    line.topic === topic && (typeof words === 'string' ? line.msg.includes(words) : words.test(line.msg));
  const says = async (topic: string, words: string | RegExp): Promise<string> =>
    (await daemon.logged(matches(topic, words), `${topic}: ${words}`)).msg;
  const next = (topic: string, words: string | RegExp): Promise<string> => {
    const past = new Set(daemon.lines);
    const fresh = matches(topic, words);
    const line = daemon.logged((one) => !past.has(one) && fresh(one), `again ${topic}: ${words}`);
    const said = line.then(({ msg }) => msg);
    // Whoever waits hears of a failure; who has failed before does not wait any more.
    said.catch(() => undefined);
    return said;
  };
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): Promise<number | string> => {
    daemon.child.kill(signal);
    return daemon.ended;
  };
  const asked = (...words: readonly string[]) => byoa([...words, '--config', file]);
  await says('started', '');
  return { ...daemon, host, file, says, next, asked, kill };
}

/** What an appliance of other people is: it announces the networks beyond to one host, by both families. */
export function announcer(
  kind: 'bird' | 'frr',
  host: Host,
  to: Host,
  more: Partial<NeighborSpec> = {},
): PeerSpec {
  const shared = { as: OUR_AS, bfdIntervalMs: BFD_MS, ...more };
  return {
    kind,
    as: THEIR_AS,
    routerId: host.ipv4,
    networks: [BEYOND.ipv4, BEYOND.ipv6],
    neighbors: [
      { ...shared, address: to.ipv4, local: host.ipv4, families: ['ipv4'] },
      { ...shared, address: to.ipv6, local: host.ipv6, families: ['ipv6'] },
    ],
  };
}
