/**
 * Random failures under load for a while: every flow must come back in time, and towards the end, where all
 * daemons live on, their memory and their open files must not grow. Afterwards nothing of the lab may be
 * left.
 */
import { next, type Prng, prng } from '../../../controller/base/prng.ts';
import { present } from '../../../controller/base/result.ts';
import type { Millis } from '../../../controller/base/time.ts';
import { FAILURES, type LabFailure } from './failures.ts';
import { type Held, heldBy } from './held.ts';
import { leftOf } from './left.ts';
import { drillOnce, type LabDrill, settle } from './run.ts';
import { type LabStage, openStage, withoutDamping } from './stage.ts';

export interface Sample extends Held {
  readonly node: string;
  /** Since the soak began. */
  readonly atMs: Millis;
}

export interface SoakOptions {
  readonly program: readonly string[];
  readonly options: readonly string[];
  readonly design: string;
  readonly minutes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly told: (drill: LabDrill) => void;
}

export interface Growth {
  readonly node: string;
  /** How long one process was watched. */
  readonly watchedMs: Millis;
  /** Slope of the line through all samples, bytes an hour. */
  readonly bytesPerHour: number;
  readonly files: { readonly first: number; readonly last: number };
}

export interface SoakReport {
  readonly drills: number;
  /** What did not come back, or not in time. */
  readonly violations: readonly string[];
  readonly growth: readonly Growth[];
  /** Networks of the lab that are used after its end. */
  readonly leftNetworks: number;
}

/** How late a flow may be over its objective on a computer that carries all of the lab. */
const LATE_MS = 1000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Of the end of a soak memory is judged for so long. */
const JUDGED_MS = 30 * MINUTE_MS;
/** Before that daemons live on for a while: V8 compiles what runs often, for about half an hour. */
const SETTLING_MS = 30 * MINUTE_MS;

/**
 * From when on no failure ends a daemon: for the second half, or for what a judgement takes, but not in the
 * first quarter.
 */
export const calmFrom = (lengthMs: Millis): Millis =>
  lengthMs > JUDGED_MS
    ? Math.max(lengthMs / 4, Math.min(lengthMs / 2, lengthMs - JUDGED_MS - SETTLING_MS))
    : lengthMs / 2;

/** What a drill has shown that must not be. */
export function violationsOf(drill: LabDrill, objectiveMs: Millis): readonly string[] {
  return drill.flows.flatMap(({ flow, blackoutMs }) => {
    if (blackoutMs === undefined) return [`${drill.failure}: ${flow} did not come back`];
    const late = Math.round(blackoutMs);
    return late > objectiveMs + LATE_MS ? [`${drill.failure}: ${flow} was away for ${late} ms`] : [];
  });
}

/** The slope of the line through points, y for each x; 0 for less than two. */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const spread = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / spread;
}

/** Of each node the growth of the process that ran last. */
export function growthOf(samples: readonly Sample[]): readonly Growth[] {
  return [...new Set(samples.map(({ node }) => node))].flatMap((node) => {
    const own = samples.filter((one) => one.node === node);
    const last = own.at(-1);
    const same = own.filter(({ process }) => process === last?.process);
    const [first] = same;
    if (first === undefined || last === undefined) return [];
    const slope = slopeOf(same.map(({ atMs, rssBytes }) => [atMs, rssBytes]));
    return [
      {
        node,
        watchedMs: last.atMs - first.atMs,
        bytesPerHour: slope * HOUR_MS,
        files: { first: first.files, last: last.files },
      },
    ];
  });
}

function drawn(state: Prng, failures: readonly LabFailure[]): readonly [LabFailure, Prng] {
  const [share, following] = next(state);
  return [present(failures[Math.floor(share * failures.length)], 'a failure'), following];
}

async function sampled(stage: LabStage, atMs: Millis): Promise<readonly Sample[]> {
  const all = await Promise.all(
    stage.told.nodes.map(async ({ name, instanceId }) => {
      const held = await heldBy(stage, instanceId).catch(() => undefined);
      return held === undefined ? [] : [{ node: name, atMs, ...held }];
    }),
  );
  return all.flat();
}

const heldText = ({ node, rssBytes, files }: Sample): string =>
  `${node} ${(rssBytes / 1e6).toFixed(1)} MB and ${files} open files`;

export async function soak(given: SoakOptions): Promise<SoakReport> {
  const { program, options, design, minutes, say, told } = given;
  say(`${design}: deploying it into a lab`);
  const stage = await openStage(program, design, options);
  const samples: Sample[] = [];
  const violations: string[] = [];
  let drills = 0;
  let networks: ReadonlySet<string> = new Set();
  try {
    await withoutDamping(stage);
    await settle(stage);
    const objectiveMs = Math.max(...stage.told.flows.map((flow) => flow.objectiveMs));
    const all = FAILURES.filter(({ spares }) => spares?.(stage) === undefined);
    const mild = all.filter(({ isMild }) => isMild);
    const began = performance.now();
    const lengthMs = minutes * MINUTE_MS;
    let state = prng(given.seed, 'soak');
    for (let atMs = 0; atMs < lengthMs; atMs = performance.now() - began) {
      const isCalm = atMs >= calmFrom(lengthMs);
      const [failure, following] = drawn(state, isCalm ? mild : all);
      state = following;
      const drill = await drillOnce(stage, failure);
      drills += 1;
      told(drill);
      violations.push(...violationsOf(drill, objectiveMs));
      if (!isCalm) continue;
      const held = await sampled(stage, performance.now() - began);
      say(`resident after a collection: ${held.map(heldText).join(', ')}`);
      samples.push(...held);
    }
    networks = stage.networks();
  } finally {
    await stage.close();
  }
  const judged = samples.filter(({ atMs }) => atMs >= minutes * MINUTE_MS - JUDGED_MS);
  return { drills, violations, growth: growthOf(judged), leftNetworks: await leftOf(networks) };
}
