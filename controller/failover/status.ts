/**
 * What `byoa status` shows: the answer to the status command. Instants are left out; ages are in
 * milliseconds.
 */
import type { Instant } from '../base/time.ts';
import type { Config, Group } from '../config.ts';
import { bucketsOf, tokens } from '../ec2/budget.ts';
import type { Call } from '../ec2/call.ts';
import type { Orders } from '../event.ts';
import { evidenceOf, type Health } from '../health/health.ts';
import { type Says, says } from '../health/probe.ts';
import { isRelieved, type Known } from '../health/relief.ts';
import type { VerdictKind } from '../health/verdict.ts';
import { type Cause, type GroupState, type Move, newGroup } from './group.ts';
import { gateOf, type Leases } from './leases.ts';
import type { Observed } from './observe.ts';
import { describeOrders } from './orders.ts';
import type { Readiness } from './readiness.ts';
import type { Resources } from './turn.ts';
import { describeOwner, type GroupView, viewGroup } from './view.ts';

export interface ProbeStatus {
  readonly id: string;
  readonly kind: string;
  readonly advisory: boolean;
  readonly says: Says;
  readonly ageMs?: number;
  readonly reason: string;
}

export interface ApplianceStatus {
  readonly name: string;
  readonly own: boolean;
  readonly verdict: VerdictKind;
  readonly forMs: number;
  readonly reason: string;
  readonly evidenceAgeMs?: number;
  readonly probes: readonly ProbeStatus[];
}

export interface LeaseStatus {
  /** The run that holds it, as last seen; absent where nobody does. */
  readonly holder?: string;
  readonly token: number;
  /** Since it was last seen to be renewed. */
  readonly ageMs: number;
  /** Whether this daemon may write, by having it (`held`) or without (`open`). */
  readonly right: 'held' | 'open' | 'shut';
  /** Why the store did not answer. */
  readonly problem?: string;
}

export interface GroupStatus {
  readonly name: string;
  readonly members: readonly string[];
  /** In words; `ownerMember` only where one member owns all of it. */
  readonly owner: string;
  readonly ownerMember?: string;
  readonly observedAgeMs?: number;
  /** Where a move under way is going. */
  readonly desired?: string;
  readonly decision: string;
  readonly decidedAgeMs: number;
  /** Why its prepared tables cannot be used. */
  readonly flaw?: string;
  readonly lease?: LeaseStatus;
  readonly operation?: {
    readonly to: string;
    readonly cause: Cause;
    readonly forMs: number;
    readonly steps: Readonly<Record<string, string>>;
  };
  readonly moves: readonly (Omit<Move, 'at'> & { readonly agoMs: number })[];
}

export interface Status {
  readonly node: string;
  readonly version: string;
  readonly observeOnly: boolean;
  readonly uptimeMs: number;
  readonly appliances: readonly ApplianceStatus[];
  readonly groups: readonly GroupStatus[];
  /** What would keep this node from acting, as last tried. */
  readonly readiness: { readonly checkedAgoMs?: number; readonly degraded: readonly string[] };
  /** Whether another appliance announces to as many neighbors as the own one, so that this may stop. */
  readonly relieved: boolean;
  /** What operators want of this daemon until they say otherwise, in sentences. */
  readonly orders: readonly string[];
  /** Calls left before EC2 would refuse, by action; and what cannot be observed at present. */
  readonly api: { readonly tokens: Readonly<Record<string, number>>; readonly problems: readonly string[] };
}

const age = (since: Instant | undefined, now: Instant): number | undefined =>
  since === undefined ? undefined : Math.round((now - since) * 10) / 10;

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

/** The status of one appliance. */
function applianceStatus(config: Config, health: Health, name: string, now: Instant): ApplianceStatus {
  const verdict = health.verdicts[name] ?? {
    kind: 'unknown',
    since: now,
    reason: 'it has not been judged yet',
  };
  const probes = evidenceOf(health, config).filter((one) => one.config.appliance === name);
  return {
    name,
    own: name === config.node,
    verdict: verdict.kind,
    forMs: Math.round(now - verdict.since),
    reason: verdict.reason,
    ...given('evidenceAgeMs', age(verdict.evidenceAt, now)),
    probes: probes.map(({ config: probe, state }) => ({
      id: probe.id,
      kind: probe.kind,
      advisory: probe.advisory,
      says: says(state, probe, now),
      ...given('ageMs', age(state.last?.at, now)),
      reason: state.silence ?? state.last?.reason ?? 'no result yet',
    })),
  };
}

/** The lease of a group that has one. */
function leaseStatus(group: Group, leases: Leases, now: Instant): LeaseStatus | undefined {
  const lease = leases.groups[group.name];
  if (lease === undefined) return undefined;
  const { record, changedAt, problem } = lease;
  return {
    ...given('holder', record?.holder),
    token: record?.token ?? 0,
    ageMs: Math.round(now - changedAt),
    right: gateOf(group, leases, now).kind,
    ...given('problem', problem),
  };
}

/** The status of one group. */
function groupStatus(
  group: Group,
  state: GroupState,
  view: GroupView,
  leases: Leases,
  now: Instant,
): GroupStatus {
  const { name, members } = group;
  const { operation, decision } = state;
  const { owner } = view;
  return {
    name,
    members,
    owner: describeOwner(owner),
    ...given('ownerMember', owner.kind === 'member' && owner.phase === 'settled' ? owner.member : undefined),
    ...given('observedAgeMs', age(view.observedAt, now)),
    ...given('desired', operation?.to),
    decision: decision.text,
    decidedAgeMs: Math.round(now - decision.at),
    ...given('flaw', state.flaw),
    ...given('lease', leaseStatus(group, leases, now)),
    ...(operation === undefined
      ? {}
      : {
          operation: {
            to: operation.to,
            cause: operation.cause,
            forMs: Math.round(now - operation.startedAt),
            steps: Object.fromEntries(
              Object.entries(operation.steps).map(([key, step]) => [key, step.state]),
            ),
          },
        }),
    moves: state.history.map(({ at, ...move }) => ({ ...move, agoMs: Math.round(now - at) })),
  };
}

const SHOWN: readonly Call['kind'][] = [
  'describe-route-tables',
  'describe-network-interfaces',
  'replace-route',
  'create-route',
  'delete-route',
  'replace-route-table-association',
  'attach-network-interface',
  'detach-network-interface',
];

/** The API budget, in calls left; of other accounts and regions as far as it was used. */
const apiTokens = ({ budget }: Resources, now: Instant): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...SHOWN, ...bucketsOf(budget).filter((name) => name.includes(' '))].map((name) => [
      name,
      Math.floor(tokens(budget, name, now)),
    ]),
  );

/** The parts of a node that the status is made from. */
export interface StatusParts {
  readonly config: Config;
  readonly observeOnly: boolean;
  readonly version: string;
  readonly startedAt: Instant;
  readonly health: Health;
  readonly observed: Observed;
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly resources: Resources;
  readonly leases: Leases;
  readonly orders: Orders;
  readonly readiness: Readiness;
  readonly sessions: Known;
}

/** The whole status of a node. */
export function statusOf(node: StatusParts, now: Instant): Status {
  const { config, health, groups, observed, resources } = node;
  const problems = Object.entries(observed.sources).flatMap(([name, { problem }]) =>
    problem === undefined ? [] : `${name}: ${problem}`,
  );
  return {
    node: config.node,
    version: node.version,
    observeOnly: node.observeOnly,
    uptimeMs: Math.round(now - node.startedAt),
    appliances: config.appliances.map(({ name }) => applianceStatus(config, health, name, now)),
    groups: config.groups.map((group) => {
      const state = groups[group.name] ?? newGroup(now);
      return groupStatus(group, state, viewGroup(config, group, observed), node.leases, now);
    }),
    readiness: {
      ...given('checkedAgoMs', age(node.readiness.checkedAt, now)),
      degraded: node.readiness.degraded,
    },
    relieved: isRelieved(config, health, node.sessions, now),
    orders: describeOrders(node.orders, now),
    api: { tokens: apiTokens(resources, now), problems },
  };
}
