/**
 * When a table gets a new plan: once something that it depends on has changed. Other routes than ours, next
 * hops and ENIs count at once, what neighbors announce at most every so often; a look that shows nothing new
 * changes nothing. A plan for many prefixes is made in several steps, one right after the other.
 */
import type { Instant, Millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Observed } from '../failover/observe.ts';
import type { Turn } from '../failover/turn.ts';
import { type Hops, targetsOf } from './hops.ts';
import type { Place } from './places.ts';
import { isOurs, othersOf, type Plan, type PlanJob, type PlanOptions, planTable } from './plan.ts';
import type { Portions } from './portions.ts';
import type { TableSync } from './table.ts';
import { tellPlan } from './tell.ts';
import type { Wanted } from './wanted.ts';

/** Changes of the same table are gathered for so long. */
export const PACE_MS: Millis = 50;
/** Portions of plans that one step makes: about half a millisecond. */
export const PORTIONS = 4;

export interface Planning {
  readonly config: Config;
  readonly observed: Observed;
  readonly place: Place;
  readonly state: TableSync;
  readonly wanted: Wanted;
  /** Counts changes of any prefix's way. */
  readonly version: number;
  readonly hops: Hops;
  /** Blocks of the subnets of the VPC, once they are known. */
  readonly cidrs: readonly string[] | undefined;
  readonly lost: readonly string[];
  /** Prefixes have left a neighbor that is lost: the plan does not wait. */
  readonly isUrgent: boolean;
  /** Portions of plans that this step may still make. */
  readonly left: number;
}

export interface Planned {
  readonly state: TableSync;
  readonly left: number;
  readonly wakeAt?: Instant;
}

/** The table with a plan for what is wanted and seen now, unless it may wait or takes more than a step. */
export function replan(planning: Planning, turn: Turn): Planned {
  if (planning.state.job === undefined) return begin(planning, turn);
  const made = carryOn(planning, planning.state.job, turn);
  // What has changed meanwhile asks for the next plan.
  return made.state.job === undefined ? begin({ ...planning, ...made }, turn) : made;
}

function begin(planning: Planning, turn: Turn): Planned {
  const { config, observed, place, state, wanted, version, cidrs, lost, hops, left } = planning;
  const { table, entry, seen, moved } = place;
  const abandoned = Object.entries(state.edits).flatMap(([one, { yieldedUntil }]) =>
    yieldedUntil === undefined ? [] : [one],
  );
  const yielded = [...moved, ...abandoned];
  const { basis } = state;
  const around = `${hopsKey(hops, table.vpc)} ${enisKey(config, observed)} ${yielded.join()} ${cidrs?.join()}`;
  const isKnown = basis?.request === seen.request && basis.around === around;
  const whose = { config: entry, table, ours: state.ours, yielded };
  const others = isKnown ? basis.others : othersOf(whose).map(textOf).join();
  const isSame = basis?.around === around && basis.others === others;
  const next = { request: seen.request, version, around, others };
  if (isSame && basis.version === version)
    return { state: isKnown ? state : { ...state, basis: next }, left };
  const paceAt = (state.plannedAt ?? Number.NEGATIVE_INFINITY) + PACE_MS;
  if (isSame && !planning.isUrgent && paceAt > turn.now)
    return { state: { ...state, basis: { ...next, version: basis.version } }, left, wakeAt: paceAt };
  const options: PlanOptions = {
    ...whose,
    wanted,
    installed: installedOf(planning),
    lost,
    targets: targetsOf(hops, config, observed, table.vpc),
    aggregated: state.plan?.aggregated ?? { 4: false, 6: false },
    ...(cidrs === undefined ? {} : { subnets: cidrs }),
  };
  return carryOn(planning, { options, basis: next, done: 0 }, turn);
}

/** Plans in the making by what they are made for: the work itself, which a job in the journal lacks. */
const works = new WeakMap<PlanOptions, { readonly work: Portions<Plan>; done: number }>();

/** The work of a job; what is done already is done again where it is not at hand. */
function workOf({ options, done }: PlanJob): { readonly work: Portions<Plan>; done: number } {
  const known = works.get(options);
  if (known?.done === done) return known;
  const made = { work: planTable(options), done: 0 };
  for (; made.done < done; made.done++) made.work.next();
  works.set(options, made);
  return made;
}

/** Makes portions of a plan until it is there, or this step has made enough. */
function carryOn({ state, left, place }: Planning, job: PlanJob, turn: Turn): Planned {
  if (left <= 0) return { state: { ...state, job }, left, wakeAt: turn.now };
  const making = workOf(job);
  for (let used = 1; used <= left; used++) {
    const { done, value: plan } = making.work.next();
    making.done += 1;
    if (!done) continue;
    const told = tellPlan(place.table.id, plan, state.told, turn);
    const { passKey: _, job: __, ...rest } = state;
    const planned = { ...rest, plan, basis: job.basis, plannedAt: turn.now, told };
    return { state: planned, left: left - used };
  }
  return { state: { ...state, job: { ...job, done: making.done } }, left: 0, wakeAt: turn.now };
}

const textOf = (one: Place['table']['routes'][number]): string =>
  `${one.destination}=${one.target}${one.propagated === undefined ? '' : ' propagated'}`;

/** What next hops lead to, as a text to compare. */
const hopsKey = ({ found }: Hops, vpc: string): string =>
  Object.entries(found[vpc] ?? {})
    .flatMap(([address, { eni }]) => (eni === undefined ? [] : `${address}=${eni}`))
    .join();

/** What the ENIs of appliances own, likewise. */
const enisKey = ({ appliances }: Config, { enis }: Observed): string =>
  appliances.map(({ eni }) => `${eni}=${enis[eni]?.vpc} ${enis[eni]?.addresses.join(' ')}`).join();

/** Where our routes lead once all that was sent is done. */
function installedOf({ place, state }: Planning): Readonly<Record<string, string>> {
  const installed: Record<string, string> = {};
  for (const route of place.table.routes)
    if (isOurs(route, state.ours, place.entry)) installed[route.destination] = route.target;
  for (const [destination, { state: how, eni }] of Object.entries(state.writes)) {
    if (how === 'failed' || how === 'refused') continue;
    if (eni === undefined) delete installed[destination];
    else installed[destination] = eni;
  }
  return installed;
}
