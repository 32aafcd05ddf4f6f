/** What drills mean: which flow is well, which was not to be saved, which missed its objective. Pure. */
import type { Millis } from '../../controller/base/time.ts';
import type { Drill, FlowOutcome } from './run.ts';

/**
 * `kept`: never interrupted. `back`: in time. `late`, `lost`: an objective is missed. `unsavable`: it was not
 * kept, but nobody was left who could have. `orphaned`: its sender or receiver failed.
 */
export type Verdict = 'kept' | 'back' | 'late' | 'lost' | 'unsavable' | 'orphaned';

export interface Judged extends FlowOutcome {
  readonly verdict: Verdict;
  /** All interruptions together. */
  readonly blackoutMs: Millis;
  readonly objectiveMs: Millis;
}

export interface Report {
  readonly title: string;
  readonly notes: readonly string[];
  readonly flows: readonly string[];
  /** Nothing fails, and all flows must work. */
  readonly calm: JudgedDrill;
  readonly singles: readonly JudgedDrill[];
  readonly pairs: readonly JudgedDrill[];
  readonly limitMs: Millis;
}

export interface JudgedDrill extends Omit<Drill, 'flows'> {
  readonly flows: readonly Judged[];
}

/** Judges each flow by what was promised of it, or else by an objective for all, ms. */
export const judge = (drill: Drill, otherwiseMs: Millis): JudgedDrill => ({
  ...drill,
  flows: drill.flows.map((flow) => {
    const blackoutMs = flow.interruptions.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    const { objectiveMs = otherwiseMs } = flow;
    return { ...flow, blackoutMs, objectiveMs, verdict: verdictOf(flow, blackoutMs, objectiveMs) };
  }),
});

function verdictOf(flow: FlowOutcome, blackoutMs: Millis, objectiveMs: Millis): Verdict {
  if (flow.orphaned) return 'orphaned';
  if (flow.interruptions.length === 0) return 'kept';
  const isLost = flow.lost !== undefined;
  if (!isLost && blackoutMs <= objectiveMs) return 'back';
  if (!flow.savable) return 'unsavable';
  return isLost ? 'lost' : 'late';
}

export const isMissed = ({ verdict }: Judged): boolean => verdict === 'late' || verdict === 'lost';

/** The drills of a report in which a flow missed its objective. */
export const missedOf = ({ calm, singles, pairs }: Report): readonly JudgedDrill[] =>
  [calm, ...singles, ...pairs].filter(({ flows }) => flows.some(isMissed));

/** The flow that fared worst. */
export function worstOf({ flows }: JudgedDrill): Judged | undefined {
  const order: readonly Verdict[] = ['orphaned', 'kept', 'back', 'unsavable', 'late', 'lost'];
  return flows.toSorted(
    (a, b) => order.indexOf(b.verdict) - order.indexOf(a.verdict) || b.blackoutMs - a.blackoutMs,
  )[0];
}
