/**
 * When a table gets a new plan: once something that it depends on has changed. Other routes than ours, next
 * hops and ENIs count at once, what neighbors announce at most every so often; a look that shows nothing new
 * changes nothing.
 */
import type { Instant, Millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Observed } from '../failover/observe.ts';
import type { Turn } from '../failover/turn.ts';
import { type Hops, resolver } from './hops.ts';
import type { Place } from './places.ts';
import { isOurs, othersOf, planTable } from './plan.ts';
import type { TableSync } from './table.ts';
import { tellPlan } from './tell.ts';
import type { Wanted } from './wanted.ts';

/** Changes of the same table are gathered for so long. */
export const PACE_MS: Millis = 50;
/** Prefixes above which one step makes one plan only. */
const HEAVY = 1500;

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
  /** This step has done something heavy already, or knows that more has changed: a new plan waits. */
  readonly isBusy: boolean;
}

export interface Planned {
  readonly state: TableSync;
  readonly isHeavy: boolean;
  readonly wakeAt?: Instant;
}

/** The table with a plan for what is wanted and seen now, unless it may wait. */
export function replan(planning: Planning, turn: Turn): Planned {
  const { config, observed, place, state, wanted, version, cidrs, lost, hops } = planning;
  const { table, entry, seen, moved } = place;
  const left = Object.entries(state.edits).flatMap(([one, { yieldedUntil }]) =>
    yieldedUntil === undefined ? [] : [one],
  );
  const yielded = [...moved, ...left];
  const { basis } = state;
  const around = `${hopsKey(hops, table.vpc)} ${enisKey(config, observed)} ${yielded.join()} ${cidrs?.join()}`;
  const isKnown = basis?.request === seen.request && basis.around === around;
  const whose = { config: entry, table, ours: state.ours, yielded };
  const others = isKnown ? basis.others : othersOf(whose).map(textOf).join();
  const isSame = basis?.around === around && basis.others === others;
  const next = { request: seen.request, version, around, others };
  if (isSame && basis.version === version)
    return { state: isKnown ? state : { ...state, basis: next }, isHeavy: false };
  const isHeavy = wanted[4].length + wanted[6].length > HEAVY;
  const paceAt = (state.plannedAt ?? Number.NEGATIVE_INFINITY) + PACE_MS;
  if (isSame && !planning.isUrgent && paceAt > turn.now)
    return {
      state: { ...state, basis: { ...next, version: basis.version } },
      isHeavy: false,
      wakeAt: paceAt,
    };
  if (isHeavy && planning.isBusy) return { state, isHeavy: false, wakeAt: turn.now };
  const plan = planTable({
    ...whose,
    wanted,
    installed: installedOf(planning),
    lost,
    resolve: resolver(hops, config, observed, table.vpc),
    ...(cidrs === undefined ? {} : { subnets: cidrs }),
    ...(state.plan === undefined ? {} : { before: state.plan }),
  });
  const told = tellPlan(table.id, plan, state.told, turn);
  const { passKey: _, ...rest } = state;
  return { state: { ...rest, plan, basis: next, plannedAt: turn.now, told }, isHeavy };
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
