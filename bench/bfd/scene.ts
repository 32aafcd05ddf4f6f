/**
 * Who is measured, and under which load: one BFD daemon in a namespace with eight sessions to one tester.
 * What the benchmark is made of; it judges nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { type Node, optionsFor, startBfdPeer, startNode, startProgram } from '../../test/interop/bfd-lab.ts';
import { whyNot } from '../../test/interop/daemons.ts';
import { type Host, ipv4Of, openLab, until } from '../../test/interop/lab.ts';
import type { Stall } from './meter.ts';
import type { TesterLine, TesterOrder, TesterSession } from './tester.ts';

const TESTERS = [21, 22, 23, 24, 25, 26, 27, 28];
const HOGS = 4;

/**
 * Node's flags for a program with real-time scheduling: threads that help to collect garbage have none, and
 * would be waited for. Of no use later than at start: V8 ends a process in which it is set while it runs.
 */
export const REAL_TIME_FLAGS = ['--single-threaded-gc'];

export const SESSIONS = TESTERS.length;

/** byoa's thread is scheduled as real-time where it may be; `usual` is without. */
export const SUBJECTS = ['byoa', 'byoa, usual scheduling', 'BIRD', 'FRR'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What else runs on the machine: nothing, busy processes, and full imports in byoa's own main thread. */
export const LOAD = {
  idle: 'idle',
  busy: '4 busy processes',
  import: '1M imports',
  both: '4 busy processes, 1M imports',
} as const;
export type Load = (typeof LOAD)[keyof typeof LOAD];

export interface Cell {
  readonly subject: Subject;
  readonly load: Load;
  /** Of the sessions in turn. */
  readonly intervals: readonly number[];
}

export interface Measured extends Cell {
  /** From the last packet of the peer to the Down on the wire, ms. */
  readonly detection: readonly number[];
  /** From there until the daemon's main thread knew, ms; byoa only. */
  readonly toMainThread: readonly number[];
}

export const isOurs = (subject: Subject): boolean => subject.startsWith('byoa');

/** Why a subject cannot be measured here; undefined where it can. */
export function refusal(subject: Subject): string | undefined {
  if (subject === 'BIRD') return whyNot('bird');
  if (subject === 'FRR') return whyNot('frr');
  if (process.platform !== 'linux') return 'needs Linux';
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

const withBusy = (load: Load): boolean => load === LOAD.busy || load === LOAD.both;
const withImport = (load: Load): boolean => load === LOAD.import || load === LOAD.both;

/** Processes that do nothing as fast as they can. */
const startHogs = (load: Load): readonly ChildProcess[] =>
  Array.from({ length: withBusy(load) ? HOGS : 0 }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );

interface Scene {
  readonly host: Host;
  readonly node: Node | undefined;
  ask(order: TesterOrder): Promise<readonly TesterLine[]>;
}

const addresses = TESTERS.map(ipv4Of);
const isOver = ({ kind }: TesterLine): boolean => kind === 'done' || kind === 'trouble';

/** The sessions as the tester sees them: one from each of its addresses. */
const sessionsAt = (intervals: readonly number[]): readonly TesterSession[] =>
  addresses.map((local, index) => ({
    local,
    peer: ipv4Of(1),
    intervalMs: intervals[index % intervals.length] ?? 0,
  }));

function startByoa(host: Host, { subject, load, intervals }: Cell): Node {
  const program = withImport(load) ? new URL('./node.ts', import.meta.url) : undefined;
  const node = startNode(host, subject === 'byoa' ? [] : ['--usual-scheduling'], program);
  for (const { local, peer, intervalMs } of sessionsAt(intervals)) {
    const options = optionsFor({ kind: 'bird', own: local, other: peer, intervalMs });
    node.order({ kind: 'open', session: local, options });
  }
  return node;
}

/** One subject with its sessions, one tester, and the load, for as long as `story` takes. */
async function within<T>(cell: Cell, story: (scene: Scene) => Promise<T>): Promise<T> {
  const { subject, load, intervals } = cell;
  const lab = openLab();
  const ends: (() => Promise<void>)[] = [];
  const hogs = startHogs(load);
  try {
    const [first = 0, ...others] = TESTERS;
    const host = lab.host('subject', 1);
    const tester = startProgram<TesterLine>(
      lab.host('tester', first, others),
      new URL('./tester.ts', import.meta.url),
      [],
      { flags: REAL_TIME_FLAGS },
    );
    ends.push(tester.end);
    let node: Node | undefined;
    if (isOurs(subject)) {
      node = startByoa(host, cell);
      ends.push(node.end);
    } else {
      const [other = '', ...more] = addresses;
      const kind = subject === 'BIRD' ? 'bird' : 'frr';
      await startBfdPeer(host, { kind, own: host.ipv4, other, more, intervalMs: intervals[0] ?? 0 });
    }
    const ask = async (order: TesterOrder): Promise<readonly TesterLine[]> => {
      tester.send(order);
      const limitMs = 200_000 + (order.kind === 'watch' ? order.seconds * 1000 : 0);
      const last = (): unknown => tester.lines.slice(-3);
      await until('the tester is done', () => tester.lines.some(isOver), limitMs, last);
      const trouble = tester.lines.find((line) => line.kind === 'trouble');
      if (trouble?.kind === 'trouble') throw new Error(`${subject}, ${load}: ${trouble.text}`);
      return tester.lines;
    };
    return await story({ host, node, ask });
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL');
    for (const end of ends) await end();
    await lab.close();
  }
}

/** When the main thread learned of a Down that stood on the wire at `downAt`, ms later. */
function knownAfter(node: Node | undefined, { local }: TesterSession, downAt: number): readonly number[] {
  const times = (node?.lines ?? []).flatMap((line) =>
    line.kind === 'change' && line.change.session === local && line.change.state === 'down'
      ? [line.at - downAt]
      : [],
  );
  // The thread tells both at once: the main thread may know a little before the tester does.
  const own = times.find((time) => time > -20);
  return own === undefined ? [] : [Math.max(0, own)];
}

/** Lets the peer of every session die `rounds` times. */
export function measure(cell: Cell, rounds: number): Promise<Measured> {
  return within(cell, async ({ node, ask }) => {
    const lines = await ask({ kind: 'measure', sessions: sessionsAt(cell.intervals), rounds });
    const samples = lines.flatMap((line) => (line.kind === 'sample' ? [line] : []));
    return {
      ...cell,
      detection: samples.map(({ silentAt, downAt }) => downAt - silentAt),
      toMainThread: samples.flatMap(({ session, downAt }) => knownAfter(node, session, downAt)),
    };
  });
}

/** How often living peers were taken for dead, on either side. */
export interface FalseDowns {
  readonly intervalMs: number;
  readonly count: number;
  /** Those of them right after the machine had stood still for half a Detection Time or longer. */
  readonly excused: number;
}

/** Watches sessions that nothing is wrong with, for so many seconds. */
export function watch(cell: Cell, seconds: number): Promise<readonly FalseDowns[]> {
  return within(cell, async ({ host, ask }) => {
    const meters = cpus().map((_, cpu) =>
      startProgram<Stall>(host, new URL('./meter.ts', import.meta.url), [], {
        by: ['taskset', '-c', String(cpu)],
        flags: REAL_TIME_FLAGS,
      }),
    );
    try {
      const lines = await ask({ kind: 'watch', sessions: sessionsAt(cell.intervals), seconds });
      const stalls = meters.flatMap((meter) => meter.lines);
      return cell.intervals.map((intervalMs) => {
        const instants = lines.flatMap((line) =>
          line.kind === 'false-down' && line.session.intervalMs === intervalMs ? [line.at] : [],
        );
        const excused = instants.filter((at) => stoodStill(stalls, at, 3 * intervalMs)).length;
        return { intervalMs, count: instants.length, excused };
      });
    } finally {
      for (const meter of meters) await meter.end();
    }
  });
}

function stoodStill(stalls: readonly Stall[], at: number, detectionMs: number): boolean {
  const before = stalls.filter((stall) => stall.at > at - 1.5 * detectionMs && stall.at - stall.ms < at);
  return before.reduce((sum, { ms }) => sum + ms, 0) >= detectionMs / 2;
}
