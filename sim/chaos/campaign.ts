/** Many runs: what seeds find, counted and summed up. Pure; who plays them, and on which core, is main's. */
import { present } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { drawPlan, type Places, type Plan, scenarioOf } from './plan.ts';
import { type Outcome, type PlayOptions, placesOf, play } from './play.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenes/all.ts';

/** How a run failed, by what it means for users. */
export type Grade = 'passed' | 'crash' | 'safety' | 'liveness';

/** What is kept of a run, and travels between processes. */
export interface Finding {
  readonly seed: number;
  readonly scenario: string;
  readonly grade: Grade;
  /** The invariant that was broken, when, and how; or what was thrown. */
  readonly failure?: { readonly invariant: string; readonly atMs: Millis; readonly text: string };
  readonly hash: string;
  readonly simulatedMs: Millis;
  readonly seen: Readonly<Record<string, number>>;
  readonly blackoutsMs: readonly Millis[];
}

const LIVENESS = ['recovery', 'agreement', 'quiet'];

export function scenarioNamed(name: string): Scenario {
  return present(SCENARIOS[name], `a scenario named ${name}`);
}

const places = new Map<string, Places>();

/** What a scenario offers to faults, found once. */
export function placesIn(name: string): Places {
  const known = places.get(name) ?? placesOf(scenarioNamed(name));
  places.set(name, known);
  return known;
}

/** The plan of a seed, in the scenario that it draws or in the one that is given. */
export function planOf(seed: number, only?: string): Plan {
  const name = only ?? scenarioOf(seed, Object.keys(SCENARIOS));
  return drawPlan(seed, placesIn(name));
}

export function findingOf(outcome: Outcome): Finding {
  const { plan, violations, crash, hash, simulatedMs, seen, blackouts } = outcome;
  const first = violations[0];
  const failure =
    crash !== undefined
      ? { invariant: 'crash', atMs: simulatedMs, text: crash }
      : first && { invariant: first.invariant, atMs: first.at, text: first.text };
  return {
    seed: plan.seed,
    scenario: plan.scenario,
    grade: gradeOf(failure?.invariant),
    ...(failure && { failure }),
    hash,
    simulatedMs,
    seen: Object.fromEntries(seen),
    blackoutsMs: blackouts.flatMap(({ from, to }) => (to === undefined ? [] : [to - from])),
  };
}

const gradeOf = (invariant: string | undefined): Grade => {
  if (invariant === undefined) return 'passed';
  if (invariant === 'crash') return 'crash';
  return LIVENESS.includes(invariant) ? 'liveness' : 'safety';
};

export const playPlan = (plan: Plan, options: PlayOptions = {}): Finding =>
  findingOf(play(plan, scenarioNamed(plan.scenario), options));

/**
 * What must sometimes happen in many runs; one that never does shows that the runs do not test it. Names as
 * the judge counts them.
 */
export const SOMETIMES: readonly string[] = [
  ...['kill', 'hang', 'freeze', 'drop', 'reboot', 'stop', 'stuck', 'terminate', 'full'].map(
    (how) => `fault machine ${how}`,
  ),
  ...['slow', 'stale', 'errors', 'unanswered', 'forbidden', 'late-effect'].map((how) => `fault api ${how}`),
  ...['throttle', 'error', 'applied-no-answer', 'lost', 'late'].map((what) => `fault calls ${what}`),
  ...['outage', 'expired', 'emptied', 'detach-hangs', 'revoked', 'ipv6-refused', 'no-credentials'].map(
    (how) => `fault api ${how}`,
  ),
  ...['kill', 'crash', 'pause', 'clock'].map((how) => `fault daemon ${how}`),
  ...['cut both', 'cut one-way', 'loss'].map((what) => `fault link ${what}`),
  ...['delay', 'reordering', 'twice'].map((what) => `fault path ${what}`),
  ...['same', 'older'].map((from) => `fault upgrade ${from}`),
  ...['moves', 'deletes'].map((what) => `fault operator ${what}`),
  'fault zone',
  'fault pulumi',
  ...['silent', 'slow', 'unanswered'].map((how) => `fault store ${how}`),
  'move takeover',
  'move completion',
  'write replace-route',
  'write create-route',
  'write detach-network-interface',
  'write attach-network-interface',
  'write assign-private-ip-addresses',
  'write replace-route-table-association',
];

export interface Summary {
  readonly runs: number;
  readonly simulatedMs: Millis;
  readonly failed: readonly Finding[];
  /** Of `SOMETIMES`, what never happened. */
  readonly never: readonly string[];
  readonly seen: Readonly<Record<string, number>>;
  /** By scenario. */
  readonly blackouts: Readonly<Record<string, readonly Millis[]>>;
}

export function summarize(findings: readonly Finding[]): Summary {
  const seen: Record<string, number> = {};
  const blackouts: Record<string, Millis[]> = {};
  for (const finding of findings) {
    for (const [what, times] of Object.entries(finding.seen)) seen[what] = (seen[what] ?? 0) + times;
    const kept = blackouts[finding.scenario] ?? [];
    kept.push(...finding.blackoutsMs);
    blackouts[finding.scenario] = kept;
  }
  return {
    runs: findings.length,
    simulatedMs: findings.reduce((sum, { simulatedMs }) => sum + simulatedMs, 0),
    failed: findings.filter(({ grade }) => grade !== 'passed').toSorted((a, b) => a.seed - b.seed),
    never: SOMETIMES.filter((what) => seen[what] === undefined),
    seen,
    blackouts,
  };
}
