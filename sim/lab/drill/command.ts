/** `byoa lab drill` and `byoa soak`: what they check, run and print. */
import { DESIGNS } from '../../pulumi/designs.ts';
import { ownCommand } from '../client.ts';
import { LAB_DESIGNS, whyNotInLabs } from '../designs.ts';
import { missingForLab } from '../wrapper.ts';
import { FAILURES } from './failures.ts';
import { drillDesign, type LabReport } from './run.ts';
import { soak } from './soak.ts';
import { lineOf } from './text.ts';

export interface DrillOptions {
  readonly only?: readonly string[];
  readonly latency: number;
  readonly propagation: number;
  readonly config: readonly string[];
  readonly json?: boolean;
}

/** The API's knobs as options of `byoa lab up`. */
const knobsOf = ({
  latency,
  propagation,
}: Pick<DrillOptions, 'latency' | 'propagation'>): readonly string[] => [
  '--latency',
  String(latency),
  '--propagation',
  String(propagation),
];

/** The names that are not among those known. */
const strangers = (given: readonly string[], known: readonly string[]): readonly string[] =>
  given.filter((one) => !known.includes(one));

function refuse(what: string, given: readonly string[], known: readonly string[]): void {
  const unknown = strangers(given, known);
  if (unknown.length > 0)
    throw new Error(`There is no ${what} '${unknown.join(', ')}'; there are: ${known.join(', ')}.`);
}

function refuseDesigns(given: readonly string[]): void {
  refuse('design', given, DESIGNS);
  for (const name of DESIGNS.filter((one) => given.includes(one))) {
    const why = whyNotInLabs(name);
    if (why !== undefined) throw new Error(`${name} cannot be in a lab: ${why}.`);
  }
}

/** Drills the designs, all of them where none is named; the exit code: 1 where a flow did not come back. */
export async function runDrills(designs: readonly string[], options: DrillOptions): Promise<number> {
  const names = FAILURES.map(({ name }) => name);
  refuseDesigns(designs);
  refuse('failure', options.only ?? [], names);
  const missing = missingForLab();
  if (missing.length > 0) throw new Error(`The lab cannot run here; it needs ${missing.join('; ')}.`);
  const say = (line: string): void =>
    void (options.json === true ? process.stderr : process.stdout).write(`${line}\n`);
  const reports: LabReport[] = [];
  let broke = 0;
  for (const design of designs.length > 0 ? designs : LAB_DESIGNS)
    try {
      reports.push(
        await drillDesign(design, {
          program: ownCommand(),
          options: [...knobsOf(options), ...options.config.flatMap((key) => ['--config', key])],
          ...(options.only !== undefined && { only: options.only }),
          say,
          told: (drill) => say(lineOf(design, drill)),
        }),
      );
    } catch (error) {
      // The others are drilled all the same.
      broke += 1;
      say(`${design} broke off: ${error instanceof Error ? error.message : String(error)}`);
    }
  if (options.json === true) console.log(JSON.stringify(reports));
  const flows = reports.flatMap(({ drills }) => drills.flatMap((drill) => drill.flows));
  return broke > 0 || flows.some(({ blackoutMs }) => blackoutMs === undefined) ? 1 : 0;
}

export interface SoakCommandOptions {
  readonly minutes: number;
  readonly design: string;
  readonly seed: number;
  readonly latency: number;
  readonly propagation: number;
}

/** Of memory a daemon may gain so much an hour, judged where it was watched for half an hour. */
const MOST_BYTES_PER_HOUR = 1_000_000;
const JUDGED_AFTER_MS = 29 * 60_000;

/** Runs a soak and prints what came of it; the exit code: 1 where something must not be. */
export async function runSoak({ latency, propagation, ...options }: SoakCommandOptions): Promise<number> {
  refuseDesigns([options.design]);
  const missing = missingForLab();
  if (missing.length > 0) throw new Error(`The lab cannot run here; it needs ${missing.join('; ')}.`);
  const report = await soak({
    ...options,
    program: ownCommand(),
    options: knobsOf({ latency, propagation }),
    say: (line) => console.log(line),
    told: (drill) => console.log(lineOf(options.design, drill)),
  });
  const { drills, violations, growth, leftNetworks } = report;
  console.log(`${drills} failures, ${violations.length} violations, ${leftNetworks} networks left`);
  for (const violation of violations) console.log(`  ${violation}`);
  const grows = growth.filter(
    (one) => one.watchedMs >= JUDGED_AFTER_MS && one.bytesPerHour > MOST_BYTES_PER_HOUR,
  );
  for (const { node, watchedMs, bytesPerHour, files } of growth)
    console.log(
      `  ${node}: ${(bytesPerHour / 1e6).toFixed(2)} MB an hour over ${(watchedMs / 60_000).toFixed(1)} min` +
        `${watchedMs < JUDGED_AFTER_MS ? ' (too short to judge)' : ''}, ${files.first} open files, then ${files.last}`,
    );
  return violations.length + leftNetworks + grows.length > 0 ? 1 : 0;
}
