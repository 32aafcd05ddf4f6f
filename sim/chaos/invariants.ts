/**
 * What must hold at every step of every daemon, whatever happens around it. Each is judged by the truth of
 * the world, not by what daemons believe.
 */
import { present } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import { type Call, isRead } from '../../controller/ec2/call.ts';
import type { Effect, Event } from '../../controller/event.ts';
import { programPower } from '../world/endpoint.ts';
import type { Daemon } from '../world/node.ts';
import type { Cast } from './cast.ts';
import type { Fault } from './fault.ts';
import { aliveFor, isLastResortDue, needlessness } from './need.ts';
import { isPreparation, touched } from './owned.ts';
import type { Scenario } from './scenario.ts';
import {
  heirsOf,
  holderOf,
  isFit,
  isLeaving,
  isOnlyAppliances,
  recentFaults,
  type Truth,
  unfitForMs,
} from './truth.ts';
import type { Watch } from './watch.ts';

export type Invariant =
  /** A daemon writes only what its groups own. */
  | 'owned'
  /** A group that has a lease is written to only by its holder, as the store has it. */
  | 'lease'
  /** A group goes only to an appliance that was able to forward a moment ago. */
  | 'fresh-evidence'
  /**
   * Nothing is taken from an owner that forwards, while all is calm; or, where several must agree, while too
   * few could be mistaken.
   */
  | 'needless'
  /** Nothing goes to a last resort while a member forwards that the writer could see. */
  | 'last-resort'
  /** Where only appliances are in trouble, and one of a group is fit, traffic goes on through it. */
  | 'failover'
  /** Writes stay within EC2's request buckets. */
  | 'budget'
  /** Moves stay within the damping of the configuration. */
  | 'damping'
  /** What a daemon sees of EC2 is what EC2 shows. */
  | 'view'
  /** Where appliances shut down one after the other, and nothing else is wrong, no flow is interrupted. */
  | 'leave'
  /** When the faults have ended: traffic returns, one owner says so, and then nothing more is written. */
  | 'recovery'
  | 'agreement'
  | 'quiet'
  /** What no group owns stays as it was. */
  | 'foreign';

export interface Violation {
  readonly at: Instant;
  readonly invariant: Invariant;
  readonly text: string;
}

/** A failover takes no longer, ms. */
export const FAILOVER_MS = 15_000;
/** What was wrong with links, calls or daemons is not felt for longer than this, ms. */
const AFTERMATH_MS = 35_000;
/** ReplaceRoute and its like: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html */
const BUCKET = 50;
const REFILL_PER_S = 5;

interface Bucket {
  left: number;
  at: Instant;
}

export interface Judge {
  readonly truth: Truth;
  readonly scenario: Scenario;
  readonly violations: Violation[];
  /** How often what must sometimes happen has happened. */
  readonly seen: Map<string, number>;
  readonly buckets: Map<string, Bucket>;
  /** The moves of each daemon and group: when they began by the daemon's clock, and by the world's. */
  readonly begun: Map<string, { readonly startedAt: Instant; readonly at: Instant }[]>;
  /** By daemon and request, the writes under way. */
  readonly asked: Map<string, Call['kind']>;
  /** By daemon and group, what it takes for so and is not, and since when. */
  readonly wrongViews: Map<string, { readonly text: string; readonly since: Instant }>;
  /** When a daemon last waited for what it cannot settle alone, by flow. */
  readonly waited: Map<string, Instant>;
  /** Writes of all daemons so far. */
  writes: number;
}

export const createJudge = (truth: Truth, scenario: Scenario): Judge => ({
  truth,
  scenario,
  violations: [],
  seen: new Map(),
  buckets: new Map(),
  begun: new Map(),
  asked: new Map(),
  wrongViews: new Map(),
  waited: new Map(),
  writes: 0,
});

export function count(judge: Judge, what: string): void {
  judge.seen.set(what, (judge.seen.get(what) ?? 0) + 1);
}

export function violate(judge: Judge, invariant: Invariant, text: string): void {
  judge.violations.push({ at: judge.truth.world.now, invariant, text });
}

interface Step {
  readonly event: Event;
  readonly effects: readonly Effect[];
}

/** Judges one step of a daemon. */
export function judgeStep(judge: Judge, name: string, daemon: Daemon, { event, effects }: Step): void {
  judgeMoves(judge, name, daemon);
  if (event.kind === 'ec2-outcome') countOutcome(judge, `${name}/${event.request}`, event.outcome.kind);
  for (const effect of effects) {
    if (effect.kind === 'log') count(judge, `log ${effect.topic}`);
    if (effect.kind === 'ec2-call' && !isRead(effect.call.kind))
      judge.asked.set(`${name}/${effect.request}`, effect.call.kind);
    if (effect.kind === 'ec2-call') judgeCall(judge, name, daemon, effect.call);
  }
}

function countOutcome(judge: Judge, request: string, outcome: string): void {
  const kind = judge.asked.get(request);
  judge.asked.delete(request);
  if (kind !== undefined) count(judge, `outcome ${outcome} of ${kind}`);
}

function judgeCall(judge: Judge, name: string, daemon: Daemon, call: Call): void {
  const groups = touched(judge.truth, call);
  if (groups === undefined) return;
  judge.writes += 1;
  count(judge, `write ${call.kind}`);
  spend(judge, call.kind);
  if (groups.length === 0)
    violate(judge, 'owned', `${name} sends ${JSON.stringify(call)}, which no group owns`);
  const owned = groups.flatMap((group) => (group === 'synced' ? [] : [group]));
  if (isPreparation(judge.truth, call)) return;
  for (const group of owned) {
    judgeLease(judge, name, daemon, group.name);
    const to = daemon.node.groups[group.name]?.operation?.to;
    if (to === undefined) continue;
    if (!group.members.includes(to)) {
      const alive = aliveFor(judge.truth, name, group);
      if (alive !== undefined)
        violate(judge, 'last-resort', `${name} moves ${group.name} to a last resort, and ${alive} forwards`);
      continue;
    }
    const unfit = unfitForMs(judge.truth, to, name);
    if (unfit > judge.scenario.freshMs && !isHidden(judge, to, name))
      violate(
        judge,
        'fresh-evidence',
        `${name} moves ${group.name} to ${to}, which has not forwarded for ${unfit} ms`,
      );
  }
}

/** Whether no probe of a scenario shows to another daemon that an appliance which lives does not forward. */
const isHidden = ({ truth, scenario }: Judge, to: string, name: string): boolean =>
  name !== to &&
  !scenario.seesDrops &&
  [...truth.active].some((fault) => isDrop(fault) && fault.machine === to);

const isDrop = (fault: Fault): fault is Extract<Fault, { kind: 'machine' }> =>
  fault.kind === 'machine' && (fault.how === 'drop' || fault.how === 'full');

/** Whether the writer is the holder: by the store, not by what it believes. */
function judgeLease(judge: Judge, name: string, { node }: Daemon, group: string): void {
  const { leaseStore, groups } = node.config;
  if (leaseStore === undefined || groups.find((one) => one.name === group)?.lease === undefined) return;
  const holder = holderOf(judge.truth, leaseStore.table, group);
  if (holder !== node.leases.id)
    violate(
      judge,
      'lease',
      `${name} writes for ${group} as ${node.leases.id}, and ${holder ?? 'nobody'} holds its lease`,
    );
}

function spend(judge: Judge, action: string): void {
  const { now } = judge.truth.world;
  const bucket = judge.buckets.get(action) ?? { left: BUCKET, at: now };
  const left = Math.min(BUCKET, bucket.left + ((now - bucket.at) / 1000) * REFILL_PER_S) - 1;
  judge.buckets.set(action, { left, at: now });
  if (left < 0) violate(judge, 'budget', `the bucket of ${action} is empty`);
}

/** Whether no instance has the ENI of an appliance, or one that never runs again. */
function isUnplugged({ truth: { world, scene } }: Judge, name: string): boolean {
  const { eni, instance } = scene.machines[name] ?? {};
  if (eni === undefined || instance === undefined) return false;
  const { state = 'terminated' } = world.records.instance.get(instance) ?? {};
  return state === 'terminated' || world.records['network-interface'].get(eni)?.attachment === undefined;
}

/** Counts a move that a daemon has begun no more. */
function forget({ begun }: Judge, key: string, startedAt: Instant): void {
  const moves = begun.get(key) ?? [];
  if (moves.some((one) => one.startedAt === startedAt))
    begun.set(
      key,
      moves.filter((one) => one.startedAt !== startedAt),
    );
}

/** Judges moves that a daemon has begun in this step. */
function judgeMoves(judge: Judge, name: string, daemon: Daemon): void {
  const { node } = daemon;
  for (const { name: group, damping, members } of node.config.groups) {
    const { operation, history } = node.groups[group] ?? {};
    const key = `${name}/${group}`;
    const last = history?.at(-1);
    // One that failed is followed by a pause of its own.
    if (last?.result === 'failed') forget(judge, key, last.at);
    if (operation === undefined) continue;
    const before = judge.begun.get(key) ?? [];
    const { startedAt } = operation;
    if (before.at(-1)?.startedAt === startedAt) continue;
    const { now } = judge.truth.world;
    const recent = [...before.filter(({ at }) => now - at < damping.withinMs), { startedAt, at: now }];
    judge.begun.set(key, recent);
    count(judge, `move ${operation.cause}`);
    // What is torn apart may be put together beyond that, and what nobody can carry any more moved away.
    const isHurt =
      operation.from === undefined || !members.includes(operation.from) || isUnplugged(judge, operation.from);
    const most = isHurt ? 2 * damping.moves : damping.moves;
    // Damping holds back no drain: an operator wants it.
    if (recent.length > most && operation.cause !== 'drain')
      violate(
        judge,
        'damping',
        `${name} has begun ${recent.length} moves of ${group} within ${damping.withinMs} ms`,
      );
    if (operation.cause !== 'takeover' || operation.from === undefined) continue;
    const needless = needlessness(judge.truth, { name, daemon, group, owner: operation.from });
    if (needless !== undefined) violate(judge, 'needless', needless);
  }
}

/**
 * What a daemon without a lease cannot settle alone: it alarms, and waits for the other side or an operator.
 * The README names these limits.
 */
const WAITS = ['hold lost', 'hold given', 'hold damped', 'hold foreign'];

/** Judges, now and then, whether traffic goes on where it could. */
export function judgeFailover(judge: Judge, watches: readonly Watch[], cast: Cast): void {
  const { truth } = judge;
  const { now } = truth.world;
  const isUnseen = [...truth.active].some(isDrop) && !judge.scenario.seesDrops;
  for (const [index, { flow, down }] of watches.entries()) {
    const mayWait =
      isUnseen ||
      waits(cast, truth.scene.flows[index]?.group) ||
      isAsleep(truth, cast) ||
      isUnset(truth, cast, down);
    if (mayWait) judge.waited.set(flow, now);
  }
  if (!isOnlyAppliances(truth) || now - truth.troubledAt < AFTERMATH_MS) return;
  // A zone takes those with it who watch, and they start anew.
  const watchers = [...cast.keys()].filter((name) => !truth.scene.appliances.includes(name));
  if (watchers.length > 0 && recentFaults(truth, AFTERMATH_MS).some(({ kind }) => kind === 'zone')) return;
  if (isUnseen) return;
  for (const [index, { flow, down }] of watches.entries()) {
    const { group, ...ends } = present(truth.scene.flows[index], 'the flow of a watch');
    const since = Math.max(down?.since ?? now, judge.waited.get(flow) ?? 0);
    if (down === undefined || now - down.since < FAILOVER_MS) continue;
    const heirs = heirsOf(truth, { ...ends, ...(group !== undefined && { group }) }, FAILOVER_MS);
    const able = heirs.filter((name) => isAwake(cast, name) && !isLeaving(truth, name));
    if (able.length === 0 && isLastResortDue(truth, group, FAILOVER_MS)) able.push('the last resort');
    if (able.length === 0) continue;
    if (now - since < FAILOVER_MS) count(judge, 'waits for a lease or an operator');
    else
      violate(
        judge,
        'failover',
        `${flow} is lost (${down.why}) since ${down.since} ms, although ${able.join(' and ')} could take over`,
      );
  }
}

/** Judges runs in which appliances only shut down. An ENI or an address cannot be at two places meanwhile. */
export function judgeLeaves(judge: Judge, faults: readonly Fault[], watches: readonly Watch[]): void {
  const { scene } = judge.truth;
  const isSeamless = scene.groups.every(({ parts }) =>
    parts.every(({ kind }) => kind === 'route' || kind === 'association'),
  );
  if (!isSeamless || faults.length === 0 || faults.some(({ kind }) => kind !== 'leave')) return;
  for (const { flow, from, to } of watches.flatMap(({ blackouts }) => blackouts))
    violate(judge, 'leave', `${flow} was interrupted from ${from} to ${to} ms`);
}

/** Whether the daemon of an appliance can act, if it has one. */
const isAwake = (cast: Cast, name: string): boolean => {
  const daemon = cast.get(name)?.daemon;
  return daemon === undefined || (daemon.running && programPower(daemon.endpoint) === 'running');
};

/** Whether an ENI that moves is with a machine whose daemon is not there to set it up: nobody sees that. */
const isUnset = ({ world, scene }: Truth, cast: Cast, down: Watch['down']): boolean =>
  down?.why.endsWith('GUEST_LINK_DOWN') === true &&
  [...world.records['network-interface'].values()].some(({ id, attachment }) =>
    scene.appliances.some((name) => {
      const { instance, eni } = present(scene.machines[name], name);
      return attachment?.instance === instance && eni !== id && !isAwake(cast, name);
    }),
  );

/** Whether no appliance that forwards has a daemon that can act. */
const isAsleep = (truth: Truth, cast: Cast): boolean =>
  truth.scene.appliances.every((name) => !isFit(truth, name) || !isAwake(cast, name));

const waits = (cast: Cast, group: string | undefined): boolean =>
  [...cast.values()].some(({ daemon }) =>
    Object.entries(daemon.node.groups).some(
      ([name, { decision }]) =>
        (group === undefined || name === group) && WAITS.some((key) => decision.key.startsWith(key)),
    ),
  );
