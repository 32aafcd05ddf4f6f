/**
 * How fast BFD sees a peer die, and whether load makes it see deaths that are none: byoa, BIRD and FRR in
 * turn in a network namespace, three packets of Detection Time, measured on the wire by the same peer.
 * Detection is the time from the last packet of the peer to the packet with state Down and diagnostic 1.
 *
 * `BYOA_BENCH_MINUTES=10` watches byoa for false Downs for so long; one minute else, and the others always.
 */
import { quantile } from '../controller/base/quantile.ts';
import {
  type Cell,
  isOurs,
  LOAD,
  type Load,
  type Measured,
  measure,
  refusal,
  SESSIONS,
  SUBJECTS,
  type Subject,
  watch,
} from './bfd/scene.ts';
import { type Benchmark, type Goal, goal, median, type Row } from './harness.ts';
import { versionsOf } from './scene/versions.ts';

const INTERVALS = [10, 50, 300] as const;
const ROUNDS = 5;
const MINUTES = Number(process.env.BYOA_BENCH_MINUTES ?? 1);

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

interface Watched {
  readonly name: string;
  readonly ours: boolean;
  readonly count: number;
  readonly excused: number;
}

type Plan = Omit<Cell, 'intervals'>;

/** For how long a subject is watched. */
const minutesOf = (subject: Subject): number => (subject === 'byoa' ? MINUTES : 1);

/** The usual scheduling is what byoa has without the privilege: it is looked at under load only. */
const PLANS: readonly Plan[] = SUBJECTS.flatMap((subject): readonly Plan[] => {
  const loads: readonly Load[] = isOurs(subject) ? Object.values(LOAD) : [LOAD.idle, LOAD.busy];
  return loads
    .filter((load) => subject !== 'byoa, usual scheduling' || load === LOAD.busy || load === LOAD.both)
    .map((load) => ({ subject, load }));
});

/** The heaviest load of each. */
const WATCHED: readonly Plan[] = PLANS.filter(
  ({ subject, load }) => load === (isOurs(subject) ? LOAD.both : LOAD.busy),
);

function goalsOf(measured: readonly Measured[], watched: readonly Watched[]): readonly Goal[] {
  const times = (load: Load, pick: (one: Measured) => readonly number[]): readonly number[] =>
    measured.filter((one) => one.subject === 'byoa' && one.load === load).flatMap(pick);
  const late = ({ detection, intervals }: Measured): readonly number[] =>
    detection.map((ms) => ms - 3 * (intervals[0] ?? 0));
  const known = ({ toMainThread }: Measured): readonly number[] => toMainThread;
  const falseDowns = watched
    .filter(({ ours }) => ours)
    .reduce((sum, { count, excused }) => sum + count - excused, 0);
  return [
    goal('false-downs', falseDowns, '<=', 0, 'while the machine ran'),
    goal('late-idle-median', median(times(LOAD.idle, late)), '<=', 2, 'ms'),
    goal('main-thread-idle-p50', median(times(LOAD.idle, known)), '<=', 5, 'ms'),
    goal('main-thread-import-p99', quantile(times(LOAD.import, known), 0.99), '<=', 15, 'ms'),
  ];
}

async function measureAll(plans: readonly Plan[], say: (line: string) => void): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (const plan of plans) {
    for (const intervalMs of INTERVALS) {
      const one = await measure({ ...plan, intervals: [intervalMs] }, ROUNDS);
      measured.push(one);
      const said = `${round(median(one.detection))} ms, at most ${round(Math.max(...one.detection))} ms`;
      say(`${plan.subject}, ${intervalMs} ms x 3, ${plan.load}: ${said}`);
    }
  }
  return measured;
}

async function watchAll(plans: readonly Plan[], say: (line: string) => void): Promise<readonly Watched[]> {
  const watched: Watched[] = [];
  for (const { subject, load } of plans) {
    // BIRD has one interval for an interface.
    const intervals = isOurs(subject) ? INTERVALS : ([10] as const);
    const found = await watch({ subject, load, intervals }, 60 * minutesOf(subject));
    for (const { intervalMs, ...counts } of found) {
      const name = `${subject}, ${intervalMs} ms x 3, ${load}, ${minutesOf(subject)} min`;
      watched.push({ name, ours: subject === 'byoa', ...counts });
      say(`${name}: ${counts.count} false Downs, ${counts.excused} of them while the machine stood still`);
    }
  }
  return watched;
}

export const benchmark: Benchmark = {
  question: 'How fast does BFD see a dead peer, and does load make it see one that lives?',
  run: async (say) => {
    const absent = SUBJECTS.filter((subject) => refusal(subject) !== undefined);
    const present = ({ subject }: Plan): boolean => !absent.includes(subject);
    const measured = await measureAll(PLANS.filter(present), say);
    const watched = await watchAll(WATCHED.filter(present), say);
    const falseDowns = watched.map(({ name, count, excused }) => `${name}: ${count}, of these ${excused}`);
    return {
      rows: measured.map(rowOf),
      goals: goalsOf(measured, watched),
      notes: [
        ...absent.map((subject) => `${subject} skipped: ${refusal(subject)}`),
        `false Downs of ${SESSIONS} sessions, counted on both sides; of these so many right after the`,
        'machine itself had stood still for half a Detection Time, when no process got a CPU:',
        ...falseDowns.map((line) => `  ${line}`),
        `Peers: ${versionsOf(['bird2', 'frr'])}.`,
      ],
    };
  },
};
