/**
 * Whether this node could act if it had to: every few minutes it tries dry each write that its groups may
 * need of it and that EC2 can try, and looks at its credentials, its leases and its own health. A right that
 * was taken away is found long before it is missed. Trials take from the API budget what moves leave, and
 * change nothing.
 */
import { next, prng } from '../base/prng.ts';
import type { Instant } from '../base/time.ts';
import {
  type Appliance,
  type Config,
  type Group,
  hasLastResort,
  ownAppliance,
  sameRealm,
} from '../config.ts';
import { isTryable, type Outcome, type Tryable, type Write } from '../ec2/call.ts';
import type { Verdict } from '../health/verdict.ts';
import { crowdedTables } from './headroom.ts';
import type { Leases } from './leases.ts';
import type { Observed } from './observe.ts';
import { runHook } from './ownership.ts';
import { lastResort, type Part } from './part.ts';
import { instanceOf } from './parts.ts';
import { describeCall } from './step.ts';
import type { Turn } from './turn.ts';
import { viewGroup } from './view.ts';
import { writeOf } from './write.ts';

interface Trial {
  /** The write in words; one of each kind and resource. */
  readonly key: string;
  readonly write: Tryable;
}

export interface Readiness {
  /** When the next round begins, or goes on. */
  readonly nextAt: Instant;
  /** The trials of the round under way that have not been sent; absent between rounds. */
  readonly left?: readonly Trial[];
  /** Trials that have not been answered. */
  readonly asked: readonly string[];
  /** What this round has found. */
  readonly found: readonly string[];
  readonly checkedAt?: Instant;
  /** What the last round has found, as told. */
  readonly degraded: readonly string[];
  /** What the driver says of credentials and addresses. */
  readonly surroundings: readonly string[];
}

/** Nothing has been tried; the first round is spread over the second half of the time between rounds. */
export function newReadiness({ readiness, node }: Config, seed: number | string, now: Instant): Readiness {
  const [value] = next(prng(seed, `${node}/readiness`));
  const nextAt = now + readiness.everyMs * (0.5 + value / 2);
  return { nextAt, asked: [], found: [], degraded: [], surroundings: [] };
}

export interface ReadinessScene {
  readonly config: Config;
  readonly observed: Observed;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  readonly leases: Leases;
  /** Writes of others than groups. */
  readonly others: () => readonly Tryable[];
}

/** So much of each bucket is left to moves: as much as routine observation leaves. */
const RESERVE = 0.5;

/** Begins a round, carries it on, or ends it. */
export function pumpReadiness(start: Readiness, scene: ReadinessScene, turn: Turn): Readiness {
  if (start.left === undefined && turn.now < start.nextAt) return start;
  const left = [...(start.left ?? trialsOf(scene))];
  const asked = [...start.asked];
  for (let trial = left[0]; trial !== undefined; trial = left[0]) {
    const call = { kind: 'dry-run', of: trial.write } as const;
    const sent = turn.call(call, { kind: 'readiness', trial: trial.key }, RESERVE);
    if ('at' in sent) return { ...start, left, asked, nextAt: sent.at };
    asked.push(trial.key);
    left.shift();
  }
  if (asked.length > 0) return { ...start, left, asked };
  return conclude({ ...start, left }, scene, turn);
}

/** When time alone leads on. */
export const nextReadinessAt = ({ left, asked, nextAt }: Readiness): Instant | undefined =>
  left !== undefined && left.length === 0 && asked.length > 0 ? undefined : nextAt;

/** Takes in how a trial ended. What passes with time, such as throttling, says nothing. */
export function tried(readiness: Readiness, trial: string, outcome: Outcome): Readiness {
  const asked = readiness.asked.filter((one) => one !== trial);
  const problem = problemOf(trial, outcome);
  return {
    ...readiness,
    asked,
    found: problem === undefined ? readiness.found : [...readiness.found, problem],
  };
}

function problemOf(trial: string, outcome: Outcome): string | undefined {
  if (outcome.kind === 'ok') return undefined;
  if (outcome.kind === 'unknown') return `${trial}: EC2 does not answer (${outcome.reason})`;
  if (outcome.code === 'DryRunOperation' || outcome.retry) return undefined;
  return outcome.code === 'UnauthorizedOperation'
    ? `${trial} is not allowed any more`
    : `${trial}: ${outcome.code}: ${outcome.message}`;
}

/** Ends a round: what has changed is told once, and `on-fail` is run where something new is wrong. */
function conclude(readiness: Readiness, scene: ReadinessScene, turn: Turn): Readiness {
  const { config, verdicts, leases } = scene;
  const self = ownAppliance(config)?.name;
  const own = self === undefined ? undefined : verdicts[self];
  const cutOff = config.groups.filter(({ name }) => leases.groups[name]?.alarmed).map(({ name }) => name);
  const degraded = [
    ...readiness.found,
    ...readiness.surroundings,
    ...crowdedTables(config, scene.observed),
    ...(cutOff.length === 0 ? [] : [`the store of leases cannot be reached (${cutOff.join(', ')})`]),
    ...(own === undefined || own.kind === 'healthy' ? [] : [`${self} itself is ${own.kind}: ${own.reason}`]),
  ];
  const fresh = degraded.filter((problem) => !readiness.degraded.includes(problem));
  for (const problem of fresh) turn.log('error', 'degraded', `This node could not act: ${problem}.`);
  if (fresh.length > 0)
    for (const group of config.groups) runHook(group, 'on-fail', `degraded: ${fresh.join('; ')}`, turn);
  if (degraded.length === 0 && readiness.degraded.length > 0)
    turn.log('info', 'degraded', 'This node could act again: every trial passes.');
  const { left: _, ...rest } = readiness;
  const nextAt = turn.now + config.readiness.everyMs * (0.9 + turn.random() * 0.2);
  return { ...rest, nextAt, found: [], checkedAt: turn.now, degraded };
}

/** The writes that this node may have to make, one of each kind and resource. */
function trialsOf({ config, observed, others }: ReadinessScene): readonly Trial[] {
  const moves = config.groups.flatMap((group) => writesOf(config, group, observed).filter(isTryable));
  const writes = [...moves, ...others()];
  return [...new Map(writes.map((write) => [keyOf(write), { key: keyOf(write), write }])).values()];
}

/** A table's routes are all under one right, wherever they lead; but not to all that there is. */
function keyOf(write: Write): string {
  if (write.kind !== 'replace-route' && write.kind !== 'create-route') return describeCall(write);
  const end = write.target === undefined ? '' : ` to ${write.target}`;
  return `${write.kind === 'replace-route' ? 'ReplaceRoute' : 'CreateRoute'} of ${write.table}${end}`;
}

function writesOf(config: Config, group: Group, observed: Observed): readonly Write[] {
  const { owner, parts } = viewGroup(config, group, observed);
  const self = ownAppliance(config)?.name;
  if (self !== undefined && !group.members.includes(self)) return [];
  const holder = owner.kind === 'member' ? owner.member : undefined;
  const members = config.appliances.filter(({ name }) => group.members.includes(name));
  // An observer may have to give it to any of them, and to relieve any.
  const heirs = members.filter(({ name }) => (self === undefined ? name !== holder : name === self));
  const others = self === undefined ? members : members.filter(({ name }) => name !== self);
  return [
    ...heirs.flatMap((heir) => parts.flatMap((part) => writesOfPart(part, heir, instanceOf(heir, observed)))),
    ...(hasLastResort(group) ? parts.flatMap((part) => writesOfPart(part, lastResort)) : []),
    ...others.flatMap((other) => fenceOf(group, other, observed)),
  ];
}

function writesOfPart({ thing, exists }: Part, target: Appliance, instance?: string): readonly Write[] {
  // What uses no table yet cannot be tried.
  if (thing.kind === 'association' && thing.association === undefined) return [];
  if (thing.kind !== 'eni') return [writeOf(thing, exists, undefined, target)];
  const { eni, resource } = thing;
  const { attachment } = eni ?? {};
  // What the target has already, it cannot be given.
  const isThere = instance === undefined || attachment?.instance === instance;
  return [
    ...(isThere
      ? []
      : [
          {
            kind: 'attach-network-interface',
            eni: resource.id,
            instance,
            deviceIndex: resource.deviceIndex,
            ...sameRealm(thing),
          } as const,
        ]),
    ...(attachment === undefined
      ? []
      : [
          {
            kind: 'detach-network-interface',
            attachment: attachment.id,
            force: false,
            ...sameRealm(thing),
          } as const,
        ]),
  ];
}

function fenceOf({ fence }: Group, other: Appliance, observed: Observed): readonly Write[] {
  const attachment = observed.enis[other.eni]?.attachment;
  if (fence === undefined || attachment === undefined) return [];
  const at = sameRealm(other);
  if (fence.kind === 'stop-instance')
    return [{ kind: 'stop-instances', instances: [attachment.instance], ...at }];
  return [{ kind: 'detach-network-interface', attachment: attachment.id, force: true, ...at }];
}
