/**
 * Plays one run: builds the scene, lets its daemons settle, inflicts the faults of the plan, heals
 * everything, and judges. The same plan gives the same hash.
 */
import { present } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import { setKnobs } from '../world/api.ts';
import type { Logged } from '../world/happening.ts';
import { advance, nextAt } from '../world/kernel.ts';
import { leap } from '../world/leap.ts';
import { removeCut } from '../world/links.ts';
import { type Daemon, unpause } from '../world/node.ts';
import { AWS, type Knobs } from '../world/settings.ts';
import type { World } from '../world/state.ts';
import { createWorld } from '../world/world.ts';
import { type Cast, type Mutant, release, startCast } from './cast.ts';
import { type Fault, nameOfFault } from './fault.ts';
import { planFault, type Theatre, wake } from './inflict.ts';
import {
  count,
  createJudge,
  FAILOVER_MS,
  type Judge,
  judgeFailover,
  judgeLeaves,
  judgeStep,
  type Violation,
  violate,
} from './invariants.ts';
import { ownersOf } from './owned.ts';
import { FAULTS_MS, type Places, type Plan } from './plan.ts';
import type { Blackout, Scenario, Scene } from './scenario.ts';
import { createTruth, foreignOf, noteFault } from './truth.ts';
import { judgeViews } from './views.ts';
import { type Watch, watchFlow } from './watch.ts';

export interface Outcome {
  readonly plan: Plan;
  readonly hash: string;
  readonly violations: readonly Violation[];
  /** What was thrown, where something was. */
  readonly crash?: string;
  readonly simulatedMs: Millis;
  readonly seen: ReadonlyMap<string, number>;
  readonly blackouts: readonly Blackout[];
}

export interface PlayOptions {
  /** A bug in every daemon: for tests of the judge. */
  readonly mutant?: (name: string) => Mutant;
  /** For how long faults come and go; 90 s, as plans are drawn, where absent. */
  readonly faultsMs?: Millis;
  /** Sends every packet, also where nothing can change: for comparison. */
  readonly everyPacket?: boolean;
  /** Told of each fault that begins. */
  readonly onFault?: (fault: Fault, at: Instant) => void;
  /** Told of all that happens, and of what daemons log. */
  readonly onLine?: (at: Instant, text: string) => void;
}

const SETTLE_MS: Millis = 10_000;
/** After recovery, so long nothing is written. */
const QUIET_MS: Millis = 60_000;
/** While faults come and go, it is judged so often whether traffic goes on. */
const JUDGED_MS: Millis = 1000;
/** A run that does more than this in one simulated second makes no progress; each group adds its leases. */
const EVENTS_PER_S = 20_000;
const EVENTS_PER_GROUP_S = 200;

/** What a scenario offers to faults. */
export function placesOf(scenario: Scenario): Places {
  const scene = scenario.build(createWorld({ seed: 0 }));
  return {
    scenario: scenario.name,
    appliances: scene.appliances,
    daemons: Object.keys(scene.daemons),
    zones: [...new Set(scene.appliances.map((name) => present(scene.machines[name], name).zone))],
    groups: scene.groups.map(({ name }) => name),
    writes: scenario.writes,
    hasIpv6: scene.groups.some(({ parts }) =>
      parts.some((part) => part.kind === 'route' && part.destination.includes(':')),
    ),
    hasLeases: Object.values(scene.daemons).some(({ leaseStore }) => leaseStore !== undefined),
  };
}

export function play(plan: Plan, scenario: Scenario, options: PlayOptions = {}): Outcome {
  const world = createWorld({ seed: plan.seed });
  const scene = scenario.build(world);
  const truth = createTruth(world, scene);
  const judge = createJudge(truth, scenario);
  if (options.onLine !== undefined) tellHappenings(world, options.onLine);
  const startedAt = world.now;
  let watches: readonly Watch[] = [];
  let crash: string | undefined;
  try {
    watches = perform(plan, judge, scene, options);
  } catch (error) {
    crash = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return {
    plan,
    hash: world.traceHash.toString(16).padStart(8, '0'),
    violations: judge.violations,
    ...(crash !== undefined && { crash }),
    simulatedMs: world.now - startedAt,
    seen: judge.seen,
    blackouts: watches.flatMap(({ blackouts }) => blackouts),
  };
}

function perform(plan: Plan, judge: Judge, scene: Scene, options: PlayOptions): readonly Watch[] {
  const { truth, scenario } = judge;
  const { world } = truth;
  const knobs: Knobs = {
    ...AWS,
    attachMs: 1000,
    detachMs: 1000,
    startMs: 3000,
    stopMs: 3000,
    rebootMs: 8000,
  };
  setKnobs(world.api, knobs);
  const cast = startCast(world, scene, plan.seed, {
    onStep: (name, daemon, event, effects) => {
      judgeStep(judge, name, daemon, { event, effects });
      for (const effect of effects)
        if (effect.kind === 'log') options.onLine?.(world.now, `${name}: ${effect.text}`);
    },
    mutant: options.mutant,
  });
  const leaps =
    options.everyPacket === true ? undefined : () => [...cast.values()].map(({ daemon }) => daemon);
  const until = (ms: Millis): boolean => run(judge, world.now + ms, leaps);
  if (!until(SETTLE_MS)) return [];
  const watches = scene.flows.map(({ from, to }) =>
    watchFlow(world, { name: from, instance: scene.machines[from]?.instance ?? from }, to),
  );
  until(1);
  for (const { down, flow } of watches)
    if (down !== undefined)
      violate(judge, 'recovery', `${flow} does not work before anything is wrong: ${down.why}`);
  const doomed = plan.faults.flatMap((fault) =>
    fault.kind === 'machine' && fault.how === 'terminate' ? [fault.machine] : [],
  );
  const foreign = foreignOf(truth, doomed);
  const theatre: Theatre = { world, scene, cast, knobs, writes: scenario.writes };
  for (const fault of plan.faults)
    planFault(theatre, fault, (_, begins) => {
      noteFault(truth, fault, begins);
      if (!begins) return;
      count(judge, `fault ${nameOfFault(fault)}`);
      options.onFault?.(fault, world.now);
    });
  const { now: began } = world;
  for (const end = began + (options.faultsMs ?? FAULTS_MS); world.now < end; ) {
    const next = Math.min(end, began + JUDGED_MS * (Math.floor((world.now - began) / JUDGED_MS) + 1));
    // While every flow works, a leap finds nothing to judge on its way.
    const isUp = watches.every(({ down }) => down === undefined);
    if (!run(judge, next, leaps, isUp ? end : next)) return watches;
    judgeFailover(judge, watches, cast);
    judgeViews(judge, cast);
  }
  options.onLine?.(world.now, 'All faults have ended.');
  heal(theatre);
  if (!until(scenario.recoverMs)) return watches;
  // EC2 frees what a terminated owner had a minute later: a member that was away meanwhile begins only then.
  const isLate = doomed.length > 0 && watches.some(({ down }) => down !== undefined) && isMoving(cast);
  if (isLate && !until(FAILOVER_MS)) return watches;
  judgeViews(judge, cast);
  judgeRecovery(judge, plan, watches, cast);
  judgeLeaves(judge, plan.faults, watches);
  const { writes } = judge;
  if (!until(QUIET_MS)) return watches;
  judgeViews(judge, cast);
  if (judge.writes > writes)
    violate(judge, 'quiet', `${judge.writes - writes} writes after all had recovered`);
  const after = foreignOf(truth, doomed);
  if (after !== foreign)
    violate(judge, 'foreign', `what no group owns has changed:\n${foreign}\nto\n${after}`);
  return watches;
}

/**
 * Lets time pass until `to`, or the first violation; false where there is one. A leap may go on to `leapTo`;
 * what is due where it ends has happened then, too.
 */
function run(
  judge: Judge,
  to: Instant,
  leaps: (() => readonly Daemon[]) | undefined,
  leapTo: Instant = to,
): boolean {
  const { world, scene } = judge.truth;
  const most = EVENTS_PER_S + scene.groups.length * EVENTS_PER_GROUP_S;
  const budget = Math.max((to - world.now) / 1000, 1) * most;
  const first = world.nextSeq;
  for (let at = nextAt(world); at !== undefined && at <= Math.max(to, world.now); at = nextAt(world)) {
    if (judge.violations.length > 0) return false;
    if (leaps !== undefined && leap(world, leaps, leapTo)) continue;
    advance(world, at);
    if (world.nextSeq - first > budget)
      throw new Error(`no progress at ${world.now} ms: more than ${most} events a second`);
  }
  advance(world, to);
  return judge.violations.length === 0;
}

/** Ends all that is wrong, whichever fault it came from. */
function heal({ world, scene, cast, knobs }: Theatre): void {
  for (const id of [...world.cuts.keys()]) removeCut(world, id);
  world.api.injections = [];
  setKnobs(world.api, knobs);
  for (const { instance } of Object.values(scene.machines)) wake(world, instance);
  for (const actor of cast.values()) {
    release(world, actor);
    unpause(actor.daemon);
  }
}

/** Whether an operator has made a daemon move a group as often as damping allows: now it waits for him. */
const waitsForOperator = ({ faults }: Plan, cast: Cast): boolean =>
  faults.some(({ kind }) => kind === 'operator') && isDamped(cast);

/** Whether a daemon has moved a group as often as damping allows, and waits. */
const isDamped = (cast: Cast): boolean =>
  [...cast.values()].some(({ daemon }) =>
    Object.values(daemon.node.groups).some(({ decision }) => decision.key.startsWith('hold damped')),
  );

const isMoving = (cast: Cast): boolean =>
  [...cast.values()].some(({ daemon }) =>
    Object.values(daemon.node.groups).some(({ operation }) => operation !== undefined),
  );

function judgeRecovery(judge: Judge, plan: Plan, watches: readonly Watch[], cast: Cast): void {
  const { truth } = judge;
  if (waitsForOperator(plan, cast)) {
    count(judge, 'waits by damping');
    return;
  }
  for (const { flow, down } of watches)
    if (down !== undefined)
      violate(judge, 'recovery', `${flow} has not come back: ${down.why} since ${down.since} ms`);
  for (const group of truth.scene.groups) {
    const owners = ownersOf(truth, group);
    const announced = [...cast.values()]
      .filter(({ daemon }) => daemon.running && daemon.node.groups[group.name]?.announced)
      .map(({ name }) => name);
    const expected = owners.filter((owner) => cast.has(owner));
    // A last resort carries traffic for as long as damping keeps the group with it.
    const mayRest = group.hasLastResort === true && isDamped(cast);
    const isAstray = !mayRest && owners.some((owner) => !group.members.includes(owner));
    if (isAstray || owners.length !== 1 || announced.join() !== expected.join())
      violate(
        judge,
        'agreement',
        `${group.name} is owned by ${owners.join(' and ')}, and said to be by ${announced.join(' and ') || 'nobody'}`,
      );
  }
}

function tellHappenings(world: World, onLine: (at: Instant, text: string) => void): void {
  world.listeners.add(({ seq: _, at, ...happening }: Logged) => onLine(at, JSON.stringify(happening)));
}
