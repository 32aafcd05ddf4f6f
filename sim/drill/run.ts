/** One drill: a stage at rest, failures that strike at once and stay, and what becomes of every flow. */
import { present } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import { enisOf, type Group, type RouteSet, routeSetsOf } from '../../controller/config.ts';
import { type Cast, startCast } from '../chaos/cast.ts';
import { watchFlow } from '../chaos/watch.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import type { RouteTable } from '../vpc/model.ts';
import { setKnobs } from '../world/api.ts';
import { advance } from '../world/kernel.ts';
import { cutBetween } from '../world/links.ts';
import { AWS } from '../world/settings.ts';
import { type Failure, strike } from './failure.ts';
import type { DrilledFlow } from './flows.ts';
import { type Stage, type Subject, stageOf } from './subject.ts';

/** What became of a flow. Times are in ms since the failures struck. */
export interface FlowOutcome {
  readonly flow: string;
  readonly group?: string;
  /** How soon it was to be back, where that was promised. */
  readonly objectiveMs?: Millis;
  readonly interruptions: readonly { readonly fromMs: Millis; readonly toMs: Millis }[];
  /** Why it was interrupted at the end, where it was. */
  readonly lost?: string;
  /** Whether its sender or its receiver has failed. */
  readonly orphaned: boolean;
  /** Whether a member that forwards, and a daemon that may act for it, are left. */
  readonly savable: boolean;
}

export interface Said {
  readonly sinceMs: Millis;
  readonly who: string;
  readonly topic: string;
  readonly text: string;
}

export interface Drill {
  readonly failures: readonly Failure[];
  readonly flows: readonly FlowOutcome[];
  /** What daemons said about it. */
  readonly said: readonly Said[];
}

export interface DrillOptions {
  readonly seed: number;
  /** For so long the flows are watched after the failures. */
  readonly limitMs: Millis;
}

/** So long daemons have to come up and to agree. */
const SETTLE_MS: Millis = 15_000;

/** Plays a drill; without failures it shows whether all flows work when nothing is wrong. */
export function drill(subject: Subject, failures: readonly Failure[], options: DrillOptions): Drill {
  const stage = stageOf(subject, options.seed);
  const { world, flows } = stage;
  setKnobs(world.api, AWS);
  const said: Said[] = [];
  let struckAt: Instant | undefined;
  const cast = startCast(world, stage, options.seed, {
    onStep: (who, _daemon, _event, effects) => {
      if (struckAt === undefined) return;
      for (const effect of effects)
        if (effect.kind === 'log' && effect.level !== 'debug')
          said.push({ sinceMs: world.now - struckAt, who, topic: effect.topic, text: effect.text });
    },
  });
  advance(world, world.now + SETTLE_MS);
  const watches = flows.map(({ name, from, to }) => watchFlow(world, { name, instance: from }, to));
  advance(world, world.now + 1);
  const before = ownersOf(stage);
  struckAt = world.now;
  for (const failure of failures) strike(stage, cast, failure);
  advance(world, struckAt + options.limitMs);
  const outcomes = flows.map((flow, index): FlowOutcome => {
    const { blackouts, down } = present(watches[index], 'a watch');
    const at = present(struckAt, 'an instant');
    const past = blackouts.map(({ from, to }) => ({ fromMs: from - at, toMs: (to ?? world.now) - at }));
    const last = down === undefined ? [] : [{ fromMs: down.since - at, toMs: options.limitMs }];
    return {
      flow: flow.name,
      ...(flow.group !== undefined && { group: flow.group }),
      ...(flow.objectiveMs !== undefined && { objectiveMs: flow.objectiveMs }),
      interruptions: [...past, ...last],
      ...(down !== undefined && { lost: down.why }),
      orphaned: [flow.from, flow.receiver ?? ''].some(
        (end) => world.network.guests.has(end) && !isOn(stage, end),
      ),
      savable: isSavable(stage, cast, flow, before),
    };
  });
  return { failures, flows: outcomes, said };
}

const isOn = ({ world }: Stage, instance: string): boolean =>
  world.network.guests.get(instance)?.power === 'running';

/** Whether an appliance forwards. */
function forwards({ world, machines }: Stage, name: string): boolean {
  const guest = world.network.guests.get(machines[name]?.instance ?? '');
  return guest?.power === 'running' && !guest.drop;
}

/** The members that each group's resources lead to, as far as the data plane says so. */
function ownersOf(stage: Stage): ReadonlyMap<string, readonly string[]> {
  const { world, machines, groups } = stage;
  const nameOf = (eni: string): string | undefined => {
    const instance = world.records['network-interface'].get(eni)?.attachment?.instance;
    return Object.keys(machines).find((name) => machines[name]?.instance === instance);
  };
  const tablesOf = ({ table, prepared }: RouteSet): readonly (RouteTable | undefined)[] => {
    const all = [...(table === undefined ? [] : [table]), ...Object.values(prepared?.tables ?? {})];
    return all.map((id) => world.records['route-table'].get(id));
  };
  // Of prepared tables only one is in use.
  const isUsed = (set: RouteSet, { subnets, gateways }: RouteTable): boolean =>
    set.prepared === undefined || [...subnets, ...gateways].some((id) => set.prepared?.places.includes(id));
  const targetsOf = (group: Group): readonly string[] =>
    routeSetsOf(group).flatMap((set) =>
      tablesOf(set).flatMap((table) =>
        (table !== undefined && isUsed(set, table) ? table.routes : []).flatMap(({ destination, target }) =>
          target.kind === 'eni' && set.destinations.includes(destination) ? [target.eni] : [],
        ),
      ),
    );
  const ledTo = (group: Group): readonly string[] =>
    [...enisOf(group).map(({ id }) => id), ...targetsOf(group)].flatMap((eni) => nameOf(eni) ?? []);
  return new Map(groups.map((group) => [group.name, ledTo(group)]));
}

/** Whether a flow can be expected back, by its group; by any of them where it names none. */
function isSavable(
  stage: Stage,
  cast: Cast,
  flow: DrilledFlow,
  owners: ReadonlyMap<string, readonly string[]>,
): boolean {
  if (stage.groups.length === 0) return isAnnounced(stage, cast);
  const groups = stage.groups.filter(({ name }) => flow.group === undefined || name === flow.group);
  return groups.every((group) => isMovable(stage, cast, group, owners.get(group.name) ?? []));
}

/**
 * Whether a group's owner forwards still, or there is a member that does and a daemon that may give the group
 * to it: the member's own, or one that is on no appliance.
 */
function isMovable(stage: Stage, cast: Cast, group: Group, owned: readonly string[]): boolean {
  if (owned.length > 0 && owned.every((owner) => forwards(stage, owner))) return true;
  const able = [...cast.values()].filter(({ name }) => isAble(stage, cast, name)).map(({ name }) => name);
  const observes = able.some((name) => !stage.appliances.includes(name));
  return group.members.some((name) => forwards(stage, name) && (observes || able.includes(name)));
}

/** The same where no group is moved: somebody forwards, and where tables follow BGP, somebody may write. */
function isAnnounced(stage: Stage, cast: Cast): boolean {
  const writers = Object.values(stage.daemons).filter(({ routeSync }) => routeSync.length > 0);
  return (
    stage.appliances.some((name) => forwards(stage, name)) &&
    (writers.length === 0 || writers.some(({ node }) => isAble(stage, cast, node)))
  );
}

/** Whether a daemon runs and reaches EC2. */
function isAble({ world, machines }: Stage, cast: Cast, name: string): boolean {
  const instance = machines[name]?.instance ?? '';
  const endpoint = world.guests.get(instance)?.endpoint;
  const runs = cast.get(name)?.daemon.running === true && endpoint?.power === 'running' && !endpoint.hung;
  return runs && !cutBetween(world, instance, API_ADDRESS);
}
