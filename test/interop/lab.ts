/**
 * A lab of Linux network namespaces on one bridge: hosts with IPv4 and IPv6 addresses, links that can be cut.
 * Root only. Names carry the process that made them, so that what dead runs left behind is swept by the next.
 * No packet leaves the namespaces. Knows no protocol.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const PREFIX = 'byoa-lab-';

/** A namespace on the bridge, at `.N` and `::N` of the lab's subnets. */
export interface Host {
  readonly name: string;
  /** As `ip netns` knows it. */
  readonly namespace: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** A folder of its own for configurations, sockets and logs. */
  readonly folder: string;
}

/** A process in a host, with all that it started. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  /** Settles when it has ended, with its exit code; -1 for a signal. */
  readonly ended: Promise<number>;
}

export interface Lab {
  /** Makes a host with the number `number`, and more addresses of the same subnets for `others`. */
  readonly host: (name: string, number: number, others?: readonly number[]) => Host;
  readonly folder: string;
  /** Nothing crosses the link of a host any more; its interface stays up and notices nothing. */
  readonly cut: (host: Host) => void;
  readonly mend: (host: Host) => void;
  /** Ends every process in it and takes it down. */
  readonly close: () => Promise<void>;
}

export const ipv4Of = (number: number): string => `192.0.2.${number}`;
export const ipv6Of = (number: number): string => `2001:db8:1::${number}`;

/** Runs `ip` in a namespace, or in that of the caller, with lines of commands; throws with what it said. */
function ip(lines: readonly string[], namespace?: string): void {
  const where = namespace === undefined ? [] : ['-n', namespace];
  const result = spawnSync('ip', [...where, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`ip: ${result.stderr.trim()} in: ${lines.join('; ')}`);
}

const namespaces = (): readonly string[] =>
  existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(PREFIX)) : [];

const pidsIn = (namespace: string): readonly number[] =>
  spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' })
    .stdout.split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);

/** Whether there is a process of this id. */
export const alive = (pid: number): boolean => existsSync(`/proc/${pid}`);

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** Kills what runs in namespaces, and deletes them. */
function remove(names: readonly string[]): void {
  for (const name of names) {
    for (const pid of pidsIn(name)) signal(pid, 'SIGKILL');
    spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  }
}

/** Takes away the namespaces of runs whose process is dead. */
function sweep(): void {
  const orphan = (name: string): boolean => {
    const [, pid] = /^byoa-lab-(\d+)-/.exec(name) ?? [];
    return pid !== undefined && Number(pid) !== process.pid && !alive(Number(pid));
  };
  remove(namespaces().filter(orphan));
}

/** What a process started, itself first. */
export function familyOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
  } catch {
    return [];
  }
}

/** No waiting for duplicate addresses, and none from elsewhere. */
const SETTINGS = ['all', 'default'].flatMap((which) => [
  `net.ipv6.conf.${which}.accept_dad=0`,
  `net.ipv6.conf.${which}.accept_ra=0`,
]);

let labs = 0;

/** An empty lab: a bridge, and a temporary folder. Throws without root or `ip`. */
export function openLab(): Lab {
  sweep();
  const base = `${PREFIX}${process.pid}-${labs++}`;
  const folder = mkdtempSync(join(tmpdir(), `${base}-`));
  chmodSync(folder, 0o755);
  const bridge = `${base}-bridge`;
  const made = [bridge];
  const end = (): void => {
    remove(made.splice(0));
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);
  ip([`netns add ${bridge}`]);
  ip(['link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0', 'link set br0 up'], bridge);
  const host = (name: string, number: number, others: readonly number[] = []): Host => {
    const namespace = `${base}-${name}`;
    const own = join(folder, name);
    mkdirSync(own);
    made.push(namespace);
    ip([`netns add ${namespace}`]);
    spawnSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...SETTINGS]);
    ip(
      [`link add v-${name} type veth peer name eth0 netns ${namespace}`, `link set v-${name} master br0 up`],
      bridge,
    );
    const addresses = [number, ...others].flatMap((one) => [
      `addr add ${ipv4Of(one)}/24 dev eth0`,
      `addr add ${ipv6Of(one)}/64 dev eth0 nodad`,
    ]);
    ip(['link set lo up', ...addresses, 'link set eth0 up'], namespace);
    return { name, namespace, ipv4: ipv4Of(number), ipv6: ipv6Of(number), folder: own };
  };
  return {
    host,
    folder,
    cut: ({ name }) => ip([`link set v-${name} nomaster`], bridge),
    mend: ({ name }) => ip([`link set v-${name} master br0`], bridge),
    close: async () => {
      process.off('exit', end);
      end();
    },
  };
}

/** Starts a program in a host; what it prints goes to `NAME.log` in the host's folder. */
export function start(
  host: Host,
  name: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const log = join(host.folder, `${name}.log`);
  const output = openSync(log, 'a');
  const child = spawn('ip', ['netns', 'exec', host.namespace, ...command], {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
    cwd: host.folder,
  });
  closeSync(output);
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code) => resolve(code ?? -1));
  });
  if (child.pid === undefined) throw new Error(`${name}: 'ip netns exec' could not be started`);
  return { name, pid: child.pid, log, ended };
}

/** What a program that ends by itself prints in a host; throws with what it complained of. */
export async function ask(host: Host, command: readonly string[]): Promise<string> {
  const options = { maxBuffer: 2 ** 28, cwd: host.folder, timeout: 20_000 };
  const { stdout } = await execute('ip', ['netns', 'exec', host.namespace, ...command], options);
  return stdout;
}

/** Packets that come into a host are thrown away, as far as an nftables match fits, until `release`. */
export async function hold(
  host: Host,
  name: string,
  match: string,
): Promise<{ readonly release: () => Promise<void> }> {
  const chain = 'chain come { type filter hook input priority 0';
  await ask(host, ['nft', `table inet ${name} { ${chain}; policy accept; ${match} drop; }; }`]);
  let isHeld = true;
  return {
    release: async () => {
      if (isHeld) await ask(host, ['nft', `delete table inet ${name}`]);
      isHeld = false;
    },
  };
}

/** An address as `ss` wants it. */
export const socketAddress = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Stops a process and its family until `thaw`, as a frozen machine stops. */
export const freeze = ({ pid }: Running): void => {
  for (const one of familyOf(pid)) signal(one, 'SIGSTOP');
};

export const thaw = ({ pid }: Running): void => {
  for (const one of familyOf(pid)) signal(one, 'SIGCONT');
};

/** Ends a process and its family without a word; settles when it is gone. */
export async function kill(running: Running): Promise<void> {
  for (const one of familyOf(running.pid)) signal(one, 'SIGKILL');
  await running.ended;
}

/** Asks a process to end, and kills it after five seconds. */
export async function stop(running: Running): Promise<number> {
  signal(running.pid, 'SIGTERM');
  const timer = setTimeout(() => void kill(running), 5_000);
  const code = await running.ended;
  clearTimeout(timer);
  return code;
}

/** What a process printed so far. */
export const printed = ({ log }: Running): string => readFileSync(log, 'utf8');

/**
 * Asks again and again until `attempt` gives something, 15 s at most; after a pause of twice the time that
 * the answer took, so that many who ask leave the machine to those who answer. An error counts as nothing;
 * the last one, or what `otherwise` says, stands in the error that is thrown when the time is over.
 */
export async function until<T>(
  what: string,
  attempt: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 40_000,
  otherwise: () => unknown = () => '',
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  let began: number;
  do {
    began = performance.now();
    try {
      const found = await attempt();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    const pauseMs = Math.min(1_000, Math.max(25, 2 * (performance.now() - began)));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  } while (performance.now() < end);
  const why = last instanceof Error ? last.message : otherwise();
  throw new Error(
    `not within ${limitMs} ms: ${what}. ${typeof why === 'string' ? why : JSON.stringify(why)}`,
  );
}
