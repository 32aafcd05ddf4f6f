/**
 * Checks of the own machine: a program runs, a device has its carrier, the connection table has room, another
 * BGP speaker has its sessions, no allowance of the ENA driver was exceeded since the last round. Linux; what
 * cannot be looked at says nothing, and why.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { err, ok, type Result, unreachable } from '../base/result.ts';
import { formatMillis } from '../base/time.ts';
import type { ProbeConfig } from '../config.ts';
import type { ProbeResult } from '../event.ts';

export type LocalProbe = Extract<ProbeConfig, { kind: LocalKind }>;
type LocalKind = 'process' | 'interface' | 'conntrack' | 'speaker' | 'ena';

const up = { kind: 'up', rttMs: 0 } as const;
const down = (reason: string): ProbeResult => ({ kind: 'down', reason });
const silent = (reason: string): ProbeResult => ({ kind: 'silent', reason });

/** One round of a local check. `proc` and `sys` are where the kernel shows itself. */
export async function checkLocally(probe: LocalProbe, proc = '/proc', sys = '/sys'): Promise<ProbeResult> {
  switch (probe.kind) {
    case 'process':
      return checkProcess(probe.program, proc);
    case 'interface':
      return checkInterface(probe.device, sys);
    case 'conntrack':
      return checkConntrack(probe.maxPercent, proc);
    case 'speaker':
      return checkSpeaker(probe.port, proc);
    case 'ena':
      return checkEna(probe);
    default:
      return unreachable(probe);
  }
}

const textOf = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

/** The kernel keeps 15 characters of a name. proc(5), /proc/PID/comm. */
async function checkProcess(program: string, proc: string): Promise<ProbeResult> {
  const wanted = program.slice(0, 15);
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return silent(`${proc} cannot be read`);
  const names = await Promise.all(pids.map((pid) => textOf(`${proc}/${pid}/comm`)));
  return names.includes(wanted) ? up : down(`no program '${program}' runs`);
}

async function checkInterface(device: string, sys: string): Promise<ProbeResult> {
  const devices = await readdir(`${sys}/class/net`).catch(() => undefined);
  if (devices === undefined) return silent(`${sys}/class/net cannot be read`);
  const state = await textOf(`${sys}/class/net/${device}/operstate`);
  if (state === undefined) return down(`there is no device ${device}`);
  const carrier = await textOf(`${sys}/class/net/${device}/carrier`);
  if (carrier === '0') return down(`${device} has no carrier`);
  return state === 'up' || state === 'unknown' ? up : down(`${device} is ${state}`);
}

async function checkConntrack(maxPercent: number, proc: string): Promise<ProbeResult> {
  const folder = `${proc}/sys/net/netfilter`;
  const [count, max] = await Promise.all([
    textOf(`${folder}/nf_conntrack_count`),
    textOf(`${folder}/nf_conntrack_max`),
  ]);
  if (count === undefined || max === undefined) return silent('the kernel tracks no connections');
  if (!(Number(max) > 0)) return silent(`nf_conntrack_max is ${max}: the connection table has no limit`);
  const percent = (Number(count) / Number(max)) * 100;
  return percent < maxPercent
    ? up
    : down(`the connection table is full to ${percent.toFixed(0)} % (${count} of ${max})`);
}

/** States of a TCP socket as the kernel numbers them: include/net/tcp_states.h. */
const [ESTABLISHED, LISTEN] = ['01', '0A'];

/**
 * By the kernel's sockets, which need no program's leave: whoever has connected to the port is a neighbor.
 * proc(5), /proc/net/tcp: addresses and ports in hexadecimal.
 */
async function checkSpeaker(port: number, proc: string): Promise<ProbeResult> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => textOf(`${proc}/net/${name}`)));
  if (tables.every((text) => text === undefined)) return silent(`${proc}/net/tcp cannot be read`);
  const own = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = tables
    .flatMap((text) => (text ?? '').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/));
  const at = sockets.filter(([, local]) => local?.endsWith(`:${own}`));
  if (!at.some(([, , , state]) => state === LISTEN)) return down(`nothing listens at port ${port}`);
  const neighbors = at.flatMap(([, , remote = '', state]) =>
    state === ESTABLISHED ? [remote.slice(0, remote.lastIndexOf(':'))] : [],
  );
  return { ...up, serves: new Set(neighbors).size };
}

/** Counters as they stood last, by probe. */
const last = new Map<string, ReadonlyMap<string, number>>();

async function checkEna({
  id,
  device,
  counters,
  timeoutMs,
}: Extract<LocalProbe, { kind: 'ena' }>): Promise<ProbeResult> {
  const statistics = await readStatistics(device, timeoutMs);
  if (!statistics.ok) return silent(statistics.error);
  const seen = new Map(
    [...statistics.value.matchAll(/^\s*([\w ]+?):\s*(\d+)$/gm)].map(
      ([, name = '', value]): [string, number] => [name, Number(value)],
    ),
  );
  const missing = counters.find((name) => !seen.has(name));
  if (missing !== undefined) return silent(`${device} has no counter ${missing}`);
  const before = last.get(id);
  last.set(id, seen);
  const grown = counters.find(
    (name) => (seen.get(name) ?? 0) > (before?.get(name) ?? Number.POSITIVE_INFINITY),
  );
  if (grown === undefined) return up;
  return down(`${grown} of ${device} grew by ${(seen.get(grown) ?? 0) - (before?.get(grown) ?? 0)}`);
}

const readStatistics = (device: string, timeoutMs: number): Promise<Result<string>> =>
  new Promise((resolve) => {
    execFile('ethtool', ['-S', device], { timeout: timeoutMs }, (error, stdout, stderr) => {
      if (error === null) resolve(ok(stdout));
      else if (error.code === 'ENOENT') resolve(err('there is no ethtool; install it'));
      else if (error.killed === true)
        resolve(err(`ethtool -S ${device} took longer than ${formatMillis(timeoutMs)}`));
      else resolve(err(`ethtool -S ${device} failed: ${stderr.trim() || error.message}`));
    });
  });
