/**
 * How fast BFD sees a peer die, and whether load makes it see deaths that there are none: byoa, BIRD and FRR
 * in turn in a network namespace, three packets of Detection Time, measured on the wire by the same peer. It
 * is the time from the last packet of the peer to the packet with state Down and diagnostic 1.
 *
 * `BYOA_BENCH_MINUTES=10` watches for false Downs for so long; one minute else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Node, optionsFor, startBfdPeer, startNode, startProgram } from '../test/interop/bfd-lab.ts';
import { whyNot } from '../test/interop/daemons.ts';
import { type Host, ipv4Of, openLab, until } from '../test/interop/lab.ts';
import type { TesterLine, TesterOrder, TesterSession } from './bfd/tester.ts';
import { type Benchmark, type Goal, goal, median, quantile, type Row } from './harness.ts';

const INTERVALS = [10, 50, 300] as const;
const TESTERS = [21, 22, 23, 24, 25, 26, 27, 28];
const ROUNDS = 5;
const HOGS = 4;
const MINUTES = Number(process.env.BYOA_BENCH_MINUTES ?? 1);

const SUBJECTS = ['byoa', 'byoa, SCHED_FIFO', 'BIRD', 'FRR'] as const;
type Subject = (typeof SUBJECTS)[number];

/** What else runs on the machine: nothing, busy processes, and in byoa's own main thread full imports. */
const LOADS = ['idle', '4 busy processes', '4 busy processes, 1M imports'] as const;
type Load = (typeof LOADS)[number];

interface Cell {
  readonly subject: Subject;
  readonly load: Load;
  /** Of the sessions in turn. */
  readonly intervals: readonly number[];
}

interface Measured extends Cell {
  /** Detection, ms; and from the Down on the wire until the daemon's main thread knew, ms (byoa only). */
  readonly detection: readonly number[];
  readonly toMainThread: readonly number[];
}

const refusal = (subject: Subject): string | undefined => {
  if (subject === 'BIRD') return whyNot('bird');
  if (subject === 'FRR') return whyNot('frr');
  if (process.platform !== 'linux') return 'needs Linux';
  return process.getuid?.() === 0 ? undefined : 'needs root';
};

/** Processes that do nothing as fast as they can. */
function startHogs(load: Load): readonly ChildProcess[] {
  const count = load === 'idle' ? 0 : HOGS;
  return Array.from({ length: count }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
}

interface Scene {
  readonly node: Node | undefined;
  ask(order: TesterOrder): Promise<readonly TesterLine[]>;
}

const addresses = TESTERS.map(ipv4Of);

/** One subject with its sessions, one tester, and the load, for as long as `story` takes. */
async function within<T>(
  { subject, load, intervals }: Cell,
  story: (scene: Scene) => Promise<T>,
): Promise<T> {
  const lab = openLab();
  const ends: (() => Promise<void>)[] = [];
  const hogs = startHogs(load);
  try {
    const [first = 0, ...others] = TESTERS;
    const host = lab.host('subject', 1);
    const tester = startProgram<TesterLine>(
      lab.host('tester', first, others),
      new URL('./bfd/tester.ts', import.meta.url),
    );
    ends.push(tester.end);
    const [other = '', ...more] = addresses;
    let node: Node | undefined;
    if (subject === 'BIRD' || subject === 'FRR') {
      const kind = subject === 'BIRD' ? 'bird' : 'frr';
      await startBfdPeer(host, { kind, own: host.ipv4, other, more, intervalMs: intervals[0] ?? 0 });
    } else {
      node = startByoa(host, subject, load, intervals);
      ends.push(node.end);
    }
    const ask = async (order: TesterOrder): Promise<readonly TesterLine[]> => {
      tester.send(order);
      const limitMs = 120_000 + (order.kind === 'watch' ? order.seconds * 1000 : 0);
      await until(
        'the tester is done',
        () => tester.lines.some(isOver),
        limitMs,
        () => tester.lines.slice(-3),
      );
      const trouble = tester.lines.find((line) => line.kind === 'trouble');
      if (trouble?.kind === 'trouble') throw new Error(trouble.text);
      return tester.lines;
    };
    return await story({ node, ask });
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL');
    for (const end of ends) await end();
    await lab.close();
  }
}

const isOver = ({ kind }: TesterLine): boolean => kind === 'done' || kind === 'trouble';

function startByoa(host: Host, subject: Subject, load: Load, intervals: readonly number[]): Node {
  const fifo = subject === 'byoa' ? [] : ['--fifo'];
  const program = load === LOADS[2] ? new URL('./bfd/node.ts', import.meta.url) : undefined;
  const node = startNode(host, fifo, program);
  for (const { local, peer, intervalMs } of sessionsAt(intervals)) {
    const options = optionsFor({ kind: 'bird', own: local, other: peer, intervalMs });
    node.order({ kind: 'open', session: local, options });
  }
  return node;
}

/** The sessions as the tester sees them: one from each of its addresses. */
const sessionsAt = (intervals: readonly number[]): readonly TesterSession[] =>
  addresses.map((local, index) => ({
    local,
    peer: ipv4Of(1),
    intervalMs: intervals[index % intervals.length] ?? 0,
  }));

async function measure(cell: Cell): Promise<Measured> {
  return within(cell, async ({ node, ask }) => {
    const lines = await ask({ kind: 'measure', sessions: sessionsAt(cell.intervals), rounds: ROUNDS });
    const samples = lines.flatMap((line) => (line.kind === 'sample' ? [line] : []));
    const knew = (session: TesterSession, downAt: number): readonly number[] => {
      const times = (node?.lines ?? []).flatMap((line) =>
        line.kind === 'change' && line.change.session === session.local && line.change.state === 'down'
          ? [line.at - downAt]
          : [],
      );
      // The thread tells both at once: the main thread may know a little before the tester does.
      const own = times.find((time) => time > -20);
      return own === undefined ? [] : [Math.max(0, own)];
    };
    return {
      ...cell,
      detection: samples.map(({ silentAt, downAt }) => downAt - silentAt),
      toMainThread: samples.flatMap(({ session, downAt }) => knew(session, downAt)),
    };
  });
}

async function watch(cell: Cell): Promise<number> {
  return within(cell, async ({ ask }) => {
    const sessions = sessionsAt(cell.intervals);
    const lines = await ask({ kind: 'watch', sessions, seconds: 60 * MINUTES });
    return lines.reduce((sum, line) => (line.kind === 'watched' ? sum + line.theirs + line.ours : sum), 0);
  });
}

const round = (value: number): number => Number(value.toFixed(1));

function rowOf({ subject, load, intervals, detection, toMainThread }: Measured): Row {
  const row = {
    who: subject,
    interval: `${intervals} ms x 3`,
    load,
    samples: detection.length,
    min: round(Math.min(...detection)),
    median: round(median(detection)),
    p99: round(quantile(detection, 0.99)),
    'max ms': round(Math.max(...detection)),
  };
  if (toMainThread.length === 0) return row;
  const [half, most] = [median(toMainThread), quantile(toMainThread, 0.99)];
  return { ...row, 'main thread p50': Number(half.toFixed(2)), 'p99 ms': Number(most.toFixed(2)) };
}

const isOurs = (subject: Subject): boolean => subject.startsWith('byoa');

const CELLS: readonly Omit<Cell, 'intervals'>[] = SUBJECTS.flatMap((subject) =>
  LOADS.filter((load) => load !== LOADS[2] || isOurs(subject)).map((load) => ({ subject, load })),
);

const isWatched = ({ subject, load }: Omit<Cell, 'intervals'>): boolean =>
  load !== 'idle' && (subject !== 'byoa, SCHED_FIFO' || load === LOADS[2]);

function goalsOf(measured: readonly Measured[], falseDowns: ReadonlyMap<string, number>): readonly Goal[] {
  const times = (load: Load, pick: (one: Measured) => readonly number[]): readonly number[] =>
    measured.filter((one) => one.subject === 'byoa' && one.load === load).flatMap(pick);
  const overshoot = ({ detection, intervals }: Measured): readonly number[] =>
    detection.map((ms) => ms - 3 * (intervals[0] ?? 0));
  const known = ({ toMainThread }: Measured): readonly number[] => toMainThread;
  const ours = [...falseDowns].filter(([name]) => name.startsWith('byoa'));
  return [
    goal(
      'false-downs',
      ours.reduce((sum, [, count]) => sum + count, 0),
      '<=',
      0,
      'in all',
    ),
    goal('late-idle-median', median(times('idle', overshoot)), '<=', 2, 'ms'),
    goal('main-thread-idle-p50', median(times('idle', known)), '<=', 5, 'ms'),
    goal('main-thread-import-p99', quantile(times(LOADS[2], known), 0.99), '<=', 15, 'ms'),
  ];
}

export const benchmark: Benchmark = {
  question: `How fast does BFD see a dead peer, and does load make it see one that lives? (${MINUTES} min)`,
  run: async (say) => {
    const notes: string[] = [];
    const absent = SUBJECTS.filter((subject) => refusal(subject) !== undefined);
    for (const subject of absent) notes.push(`${subject} skipped: ${refusal(subject)}`);
    const present = CELLS.filter(({ subject }) => !absent.includes(subject));
    const measured: Measured[] = [];
    for (const cell of present) {
      for (const intervalMs of INTERVALS) {
        const one = await measure({ ...cell, intervals: [intervalMs] });
        measured.push(one);
        const said = `${round(median(one.detection))} ms, at most ${round(Math.max(...one.detection))} ms`;
        say(`${cell.subject}, ${intervalMs} ms x 3, ${cell.load}: ${said}`);
      }
    }
    const falseDowns = new Map<string, number>();
    for (const { subject, load } of present.filter(isWatched)) {
      // BIRD has one interval for an interface.
      const intervals = isOurs(subject) ? INTERVALS : ([10] as const);
      const name = `${subject}, ${intervals.join('/')} ms x 3, ${load}`;
      falseDowns.set(name, await watch({ subject, load, intervals }));
      say(`${name}: ${falseDowns.get(name)} false Downs`);
    }
    const rows = measured.map(rowOf);
    const sentences = [...falseDowns].map(
      ([name, count]) => `false Downs in ${MINUTES} min, ${TESTERS.length} sessions: ${name}: ${count}`,
    );
    return { rows, goals: goalsOf(measured, falseDowns), notes: [...notes, ...sentences] };
  },
};
