/** Drills of a design in a lab: each failure in turn, what the traffic saw of it, and where the time went. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '../../../controller/base/time.ts';
import type { LabFlow } from '../told-design.ts';
import { FAILURES, type LabFailure, type Struck } from './failures.ts';
import type { FlowReport } from './report.ts';
import { type Split, splitOf } from './split.ts';
import { type LabStage, openStage, peopleOf, until, withoutDamping } from './stage.ts';

/** What became of a flow. */
export interface FlowSeen {
  readonly flow: string;
  /** All silences together; undefined where it did not come back. */
  readonly blackoutMs: Millis | undefined;
  readonly lost: number;
  /** Connections that broke: of one that is kept, and of short ones that failed. */
  readonly broken: number;
  readonly failed: number;
}

export interface LabDrill {
  readonly failure: string;
  /** Why it was not done. */
  readonly spared?: string;
  readonly owner: string;
  /** Flows with both ends alive. */
  readonly flows: readonly FlowSeen[];
  readonly split: Split;
}

export interface LabReport {
  readonly design: string;
  readonly drills: readonly LabDrill[];
}

const SETTLE_MS = 90_000;
const AT_LEAST_MS = 4000;
const ROUTES_MS = 2000;
const GRACE_MS = 15_000;
const FRESH_MS = 250;
const TCP_FRESH_MS = 1000;

const clock = (): number => performance.timeOrigin + performance.now();

/** Who has the flows. */
async function ownerOf(stage: LabStage): Promise<string | undefined> {
  const first = stage.told.appliances[0]?.name;
  for (const { name } of stage.told.nodes) {
    const status = await stage.status(name);
    if (status !== undefined && status.groups.length > 0) return status.groups[0]?.ownerMember;
  }
  return first;
}

/** Whether every daemon finds everything well, and all of them know the same owners. */
async function isWell(stage: LabStage): Promise<boolean> {
  const owners = new Map<string, string>();
  for (const { name } of stage.told.nodes) {
    const status = await stage.status(name);
    if (status === undefined) return false;
    if (status.appliances.some(({ verdict }) => verdict !== 'healthy')) return false;
    for (const { name: group, ownerMember, operation } of status.groups) {
      if (ownerMember === undefined || operation !== undefined) return false;
      if ((owners.get(group) ?? ownerMember) !== ownerMember) return false;
      owners.set(group, ownerMember);
    }
    if ((await stage.sessions(name)).some((state) => state !== 'Established')) return false;
  }
  return true;
}

const isAnswered = ({ udp, tcp }: FlowReport, now: number): boolean =>
  udp.answered > 0 && now - udp.lastAt < FRESH_MS && now - tcp.lastAt < TCP_FRESH_MS;

/** The flows of those named that are not answered now. */
async function unanswered(stage: LabStage, names: readonly string[]): Promise<readonly string[]> {
  const reports = await stage.reports();
  const now = clock();
  return names.filter((name) => {
    const report = reports.get(name);
    return report === undefined || !isAnswered(report, now);
  });
}

/** Waits until all of them are answered; fails with those that are not. */
async function answered(stage: LabStage, names: readonly string[], limitMs: Millis): Promise<void> {
  let left = names;
  await until('flows work', limitMs, async () => {
    left = await unanswered(stage, names);
    return left.length === 0;
  }).catch(() => {
    throw new Error(`not answered within ${limitMs / 1000} s: ${left.join(', ')}`);
  });
}

/** Everything is well, and every flow works. */
export async function settle(stage: LabStage): Promise<void> {
  const { told } = stage;
  for (const machine of peopleOf(told)) if (!stage.isBusy(machine)) await stage.traffic(machine);
  const names = told.flows.map(({ name }) => name);
  await until(`${told.design} is well`, SETTLE_MS, () => isWell(stage));
  // Sessions that have come back bring better routes, which are followed.
  if (stage.speaks) await pause(ROUTES_MS);
  await answered(stage, names, SETTLE_MS);
}

/** When a daemon first said that something is dead or down, or that it moves something. */
function noticedAt(stage: LabStage, gone: readonly string[], since: number): number | undefined {
  const times = stage.told.nodes
    .filter(({ instanceId }) => !gone.includes(instanceId))
    .flatMap(({ name }) => stage.log(name))
    .filter(({ topic = '', msg = '' }) => NOTICES.some(([about, what]) => topic === about && what.test(msg)))
    .map(({ time }) => Date.parse(time))
    .filter((time) => time >= since);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Topics of a daemon's log, and what a notice of a failure, or of an order to move, says. */
const NOTICES: readonly (readonly [string, RegExp])[] = [
  ['verdict', /is dead/],
  ['bfd', /is down/],
  ['bgp', /is (idle|down)/],
];

/** Whether both ends of a flow live. */
const isAlive = ({ from, answerers }: LabFlow, { gone, mute }: Struck): boolean =>
  !gone.includes(from) &&
  !answerers.every((one) => gone.includes(one)) &&
  (mute === undefined || !answerers.includes(mute));

function flowsSeen(
  { told }: LabStage,
  struck: Struck,
  struckAt: number,
  reports: {
    readonly before: ReadonlyMap<string, FlowReport>;
    readonly after: ReadonlyMap<string, FlowReport>;
  },
): readonly FlowSeen[] {
  return told.flows
    .filter((flow) => isAlive(flow, struck))
    .map(({ name }) => {
      const [old, now] = [reports.before.get(name), reports.after.get(name)];
      const gaps = (now?.udp.gaps ?? []).filter(({ to }) => to > struckAt);
      const isBack = now !== undefined && clock() - now.udp.lastAt < GRACE_MS / 2;
      return {
        flow: name,
        blackoutMs: isBack ? gaps.reduce((sum, { from, to }) => sum + to - from, 0) : undefined,
        lost: gaps.reduce((sum, { lost }) => sum + lost, 0),
        broken: (now?.tcp.broken ?? 0) - (old?.tcp.broken ?? 0),
        failed: (now?.http.failed ?? 0) - (old?.http.failed ?? 0),
      };
    });
}

const lastGapEnd = (reports: ReadonlyMap<string, FlowReport>, since: number): number =>
  Math.max(since, ...[...reports.values()].flatMap(({ udp }) => udp.gaps.map(({ to }) => to)));

/** Lets a failure happen, watches until the flows are back, mends it, and waits until all is well. */
export async function drillOnce(stage: LabStage, failure: LabFailure): Promise<LabDrill> {
  const owner = (await ownerOf(stage)) ?? '';
  const spared = failure.spares?.(stage);
  if (spared !== undefined) return { failure: failure.name, spared, owner, flows: [], split: {} };
  const before = await stage.reports();
  const seq = await stage.lastEvent();
  const struckAt = clock();
  const struck = await failure.strike(stage, owner);
  const { flows } = stage.told;
  const alive = flows.filter((flow) => isAlive(flow, struck)).map(({ name }) => name);
  const limitMs = Math.max(...flows.map(({ objectiveMs }) => objectiveMs)) + GRACE_MS;
  await pause(AT_LEAST_MS);
  // What does not come back is a result, too.
  await answered(stage, alive, limitMs).catch(() => undefined);
  const after = await stage.reports();
  const seen = flowsSeen(stage, struck, struckAt, { before, after });
  const backAt = lastGapEnd(after, struckAt);
  const split =
    backAt === struckAt || failure.planned
      ? {}
      : splitOf({
          struckAt,
          backAt,
          noticedAt: noticedAt(stage, struck.gone, struckAt),
          events: await stage.events(seq),
        });
  await struck.undo();
  await settle(stage);
  return { failure: failure.name, owner, flows: seen, split };
}

export interface LabDrillOptions {
  /** The command line of byoa. */
  readonly program: readonly string[];
  /** Options of `byoa lab up`. */
  readonly options: readonly string[];
  /** Names of failures; all where absent. */
  readonly only?: readonly string[];
  readonly say: (line: string) => void;
  readonly told: (drill: LabDrill) => void;
}

/** Starts a lab with the design, does to it what it can bear, and ends the lab. */
export async function drillDesign(design: string, given: LabDrillOptions): Promise<LabReport> {
  const { program, options, only, say, told } = given;
  say(`${design}: deploying it into a lab`);
  const stage = await openStage(program, design, options);
  try {
    await withoutDamping(stage);
    await settle(stage);
    const drills: LabDrill[] = [];
    for (const failure of FAILURES.filter(({ name }) => only?.includes(name) ?? true)) {
      const drill = await drillOnce(stage, failure);
      drills.push(drill);
      told(drill);
    }
    return { design, drills };
  } finally {
    await stage.close();
  }
}
