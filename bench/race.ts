/**
 * The race: the same lab, appliances, kill, API latency and propagation for byoa and its peers, each as its
 * own documentation configures it. With `--record`, what was measured goes to race/results.json, and
 * docs/race.md and docs/race.svg are written from all that stands there.
 *
 * `--kills N` (20) sets how often each owner dies; `--only TEXT` runs the entrants whose name or settings
 * have the text.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from '../controller/base/quantile.ts';
import { missingHere } from '../test/lab/rig.ts';
import { type Benchmark, type Goal, goal, machine, type Row } from './harness.ts';
import { byoaEntrants } from './race/byoa.ts';
import type { Entrant } from './race/entrant.ts';
import { type Course, runCourse } from './race/kills.ts';
import { API_MS, PROPAGATION_MS } from './race/knobs.ts';
import { pageOf } from './race/page.ts';
import { bird, keepalived, pacemaker } from './race/peers.ts';
import { pictureOf } from './race/picture.ts';
import { INJECTED_MS, remainders, type Saved, savedOf } from './race/saved.ts';

const RESULTS = new URL('race/results.json', import.meta.url);
const FEWEST_FOR_P99 = 200;

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

const entrantsIn = async (folder: string): Promise<readonly Entrant[]> => [
  ...(await byoaEntrants(folder)),
  keepalived(1, 'recommended'),
  keepalived(0.3, 'fastest safe'),
  bird(300, 'equal detection'),
  pacemaker(3000, 'recommended'),
  pacemaker(1000, 'fastest safe'),
];

interface Titled {
  readonly name: string;
  readonly settings: string;
}
const titleOf = ({ name, settings }: Titled): string => `${name}, ${settings}`;
const isSame = (one: Titled, two: Titled): boolean => titleOf(one) === titleOf(two);

/** What stands recorded, without what has been measured anew. */
function recorded(fresh: readonly Saved[]): readonly Saved[] {
  const old: readonly Saved[] = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : [];
  return [...old.filter((one) => !fresh.some((each) => isSame(each, one))), ...fresh];
}

const rowOf = (saved: Saved): Row => {
  const blackouts = saved.kills.map(({ blackoutMs }) => blackoutMs);
  return {
    entrant: saved.name,
    settings: saved.settings,
    kills: saved.kills.length,
    'blackout p50': `${quantile(blackouts, 0.5).toFixed(0)} ms`,
    max: `${Math.max(...blackouts).toFixed(0)} ms`,
    remainder: `${quantile(remainders(saved), 0.5).toFixed(0)} ms`,
    cpu: `${saved.idle.cpuPercent.toFixed(1)} %`,
    rss: `${saved.idle.rssMiB.toFixed(0)} MiB`,
  };
};

function goalsOf(all: readonly Saved[]): readonly Goal[] {
  const goals: Goal[] = [];
  const ours = all.find(({ mark }) => mark === 'default');
  if (ours === undefined) return goals;
  const over = ours.kills.flatMap(({ overBoundMs }) => overBoundMs ?? []);
  goals.push(goal('over-bound-p50', quantile(over, 0.5), '<=', 10, 'ms'));
  if (over.length >= FEWEST_FOR_P99) goals.push(goal('over-bound-p99', quantile(over, 0.99), '<=', 25, 'ms'));
  const near = all.find(({ injectedMs }) => injectedMs === 0);
  const nearOver = near?.kills.flatMap(({ overBoundMs }) => overBoundMs ?? []) ?? [];
  if (nearOver.length > 0)
    goals.push(goal('same-subnet-over-bound-p50', quantile(nearOver, 0.5), '<=', 5, 'ms'));
  goals.push(goal('switchover-lost', Math.max(...ours.switchovers), '<=', 0, 'packets'));
  const own = quantile(remainders(ours), 0.5);
  for (const peer of all.filter(({ name }) => !name.startsWith(ours.name))) {
    const ratio = quantile(remainders(peer), 0.5) / own;
    goals.push(goal(`remainder of ${peer.name}, ${peer.settings}, over ours`, ratio, '>=', 5, 'x'));
  }
  return goals;
}

async function run(say: (line: string) => void): ReturnType<Benchmark['run']> {
  const missing = missingHere();
  if (missing.length > 0) throw new Error(`the lab needs ${missing.join('; ')}`);
  const kills = Number(argument('--kills') ?? 20);
  if (!(kills >= 1)) throw new Error(`--kills is '${argument('--kills')}': give a number from 1 on`);
  const only = argument('--only') ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'byoa-race-'));
  const notes: string[] = [];
  const courses: Course[] = [];
  const entrants = await entrantsIn(folder);
  try {
    for (const entrant of entrants) {
      if (!titleOf(entrant).includes(only)) continue;
      const why = entrant.missing();
      if (why !== undefined) {
        notes.push(`${titleOf(entrant)}, is skipped: it ${why}`);
        continue;
      }
      const course = await runCourse(entrant, kills, say).catch((error: unknown) => {
        notes.push(`${titleOf(entrant)}, broke off: ${String(error)}`);
        return undefined;
      });
      if (course !== undefined) courses.push(course);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const fresh = courses.map((course) => savedOf(course, machine()));
  const all = recorded(fresh);
  return {
    rows: all.map(rowOf),
    goals: goalsOf(all),
    notes: [...notes, `injected: ${INJECTED_MS} ms; measured now: ${fresh.map(titleOf).join('; ')}`],
    files: {
      'bench/race/results.json': `[\n${all.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`,
      'docs/race.md': pageOf(
        all,
        entrants.filter((one) => !all.some((has) => isSame(has, one))).map(titleOf),
      ),
      'docs/race.svg': pictureOf(all),
    },
  };
}

export const benchmark: Benchmark = {
  question: `How long is the blackout when the owner dies, beside the peers? (API ${API_MS} ms, propagation ${PROPAGATION_MS} ms)`,
  run,
};
