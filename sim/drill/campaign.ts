/** All drills of all subjects that were asked for, told as they go, and written where they are wanted. */
import { writeFileSync } from 'node:fs';
import type { Millis } from '../../controller/base/time.ts';
import { progress } from '../chaos/terminal.ts';
import { DESIGNS, type DesignName } from '../pulumi/designs.ts';
import { designProgram, readProgram } from '../pulumi/program.ts';
import { failuresOf, pairsOf } from './failure.ts';
import { junit } from './junit.ts';
import { drillPage } from './page.ts';
import { type Drill, drill } from './run.ts';
import { designSubject, type Given, liveSubject, worldSubject } from './source.ts';
import { type Subject, stageOf } from './subject.ts';
import { reportText, titleOf } from './text.ts';
import { judge, missedOf, type Report } from './verdict.ts';

export interface DrillCommandOptions {
  readonly design?: DesignName;
  /** A folder with a Pulumi project. */
  readonly program?: string;
  readonly stack: string;
  readonly world?: string;
  readonly config: readonly string[];
  readonly endpoint?: string;
  readonly on: Readonly<Record<string, string>>;
  readonly role: Subject['role'];
  /** Of all flows; absent: what was promised, or else `OBJECTIVE_MS`. */
  readonly objective?: Millis;
  readonly limit: Millis;
  readonly pairs: boolean;
  readonly seed: number;
  readonly html?: string;
  readonly junit?: string;
  readonly json?: boolean;
}

const OBJECTIVE_MS: Millis = 10_000;

/** The same without promises. */
const unpromised = (played: Drill): Drill => ({
  ...played,
  flows: played.flows.map(({ objectiveMs: _, ...flow }) => flow),
});

async function subjectsOf(options: DrillCommandOptions): Promise<readonly Subject[]> {
  const given: Given = { files: options.config, runsOn: options.on, role: options.role };
  if (options.world !== undefined) return [worldSubject(options.world, given)];
  if (options.config.length > 0) return [await liveSubject(given, options.endpoint)];
  if (options.program !== undefined)
    return [await designSubject(readProgram(options.program, options.stack), progress)];
  const subjects: Subject[] = [];
  for (const design of options.design === undefined ? DESIGNS : [options.design])
    subjects.push(await designSubject(designProgram(design), progress));
  return subjects;
}

function reportOf(subject: Subject, options: DrillCommandOptions): Report {
  const stage = stageOf(subject, options.seed);
  if (stage.flows.length === 0)
    throw new Error(`${subject.title}: no route leads to an appliance, so no flow depends on one.`);
  const failures = failuresOf(stage);
  const singles = failures.map((failure) => [failure]);
  const pairs = options.pairs ? pairsOf(stage, failures) : [];
  let done = 0;
  const play = (struck: Parameters<typeof drill>[1]) => {
    progress(
      `${subject.title}: ${done++} of ${1 + singles.length + pairs.length}: ${titleOf({ failures: struck })}`,
    );
    const { objective = OBJECTIVE_MS } = options;
    const played = drill(subject, struck, { seed: options.seed, limitMs: options.limit });
    return judge(options.objective === undefined ? played : unpromised(played), objective);
  };
  return {
    title: subject.title,
    notes: stage.notes,
    flows: stage.flows.map(({ name }) => name),
    calm: play([]),
    singles: singles.map(play),
    pairs: pairs.map(play),
    limitMs: options.limit,
  };
}

/** Plays them; exit code 1 where a flow misses its objective. */
export async function run(options: DrillCommandOptions): Promise<void> {
  const reports: Report[] = [];
  for (const subject of await subjectsOf(options)) {
    const report = reportOf(subject, options);
    progress('');
    if (!options.json) process.stdout.write(`${reportText(report)}\n\n`);
    reports.push(report);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(reports)}\n`);
  if (options.html !== undefined) writeFileSync(options.html, drillPage(reports, new Date().toISOString()));
  if (options.junit !== undefined) writeFileSync(options.junit, junit(reports));
  const missed = reports.reduce((sum, report) => sum + missedOf(report).length, 0);
  if (missed > 0) {
    process.stderr.write(`In ${missed} drills a flow missed its objective.\n`);
    process.exitCode = 1;
  }
}
