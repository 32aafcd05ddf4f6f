/**
 * What a failover will cost: the calls that bring a group to its next owner, in the batches that the API
 * budget allows, and how long they take. Nothing is sent. From the verdict on; how soon that comes is the
 * probes' affair.
 */
import type { Instant, Millis } from '../base/time.ts';
import { type Appliance, type Config, type Group, hasLastResort, sameRealm } from '../config.ts';
import type { Budget } from '../ec2/budget.ts';
import { isRead } from '../ec2/call.ts';
import { toRequest } from '../ec2/request.ts';
import { type Due, schedule } from '../ec2/schedule.ts';
import type { Verdict } from '../health/verdict.ts';
import { isWith, LAST_RESORT, lastResort, memberOf, type Part, STAGES } from './part.ts';
import { partsToMove } from './plan.ts';
import { flawOf } from './prepared.ts';
import { describeCall } from './step.ts';
import { describeOwner, type GroupView } from './view.ts';
import { writeOf } from './write.ts';

/** From a request to its answer. */
export const LATENCY_MS: Millis = 150;
/**
 * What EC2 takes to detach an ENI, and to attach it, at the least: it publishes no figure, and vendors whose
 * HA moves ENIs speak of 20 s to over a minute for both.
 */
const ENI_MS: Millis = 10_000;
/** The same for stopping an instance; one that hangs takes minutes. */
const STOP_MS: Millis = 30_000;

export interface PlannedCall {
  /** From 1; calls of one batch are sent at once. */
  readonly batch: number;
  readonly atMs: Millis;
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** So many calls, and the time until all of them are answered and in effect. */
export interface Cost {
  readonly calls: number;
  readonly predictedMs: Millis;
}

export interface Forecast {
  readonly group: string;
  readonly fail: string;
  /** Who takes over. */
  readonly to: string;
  readonly calls: readonly PlannedCall[];
  readonly batches: number;
  readonly predictedMs: Millis;
  readonly latencyMs: Millis;
  readonly objectiveMs?: Millis;
  readonly meetsObjective: boolean;
  /** The same by nothing but writes to what is in use: as the budget allows, and one after another. */
  readonly plain: Cost;
  readonly oneByOne: Cost;
  /** What the operator should know, in sentences. */
  readonly notes: readonly string[];
}

export interface Question {
  readonly group: string;
  /** One or more members, with commas between them; or `all`. */
  readonly fail: string;
  readonly to?: string | undefined;
}

/** What the answer is made from. */
export interface Known {
  readonly config: Config;
  readonly view: GroupView | undefined;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  readonly budget: Budget;
  readonly now: Instant;
}

export type Answer =
  | { readonly ok: true; readonly body: Forecast }
  | { readonly ok: false; readonly body: { readonly message: string } };

/** The forecast, or why there is none. */
export function forecast(question: Question, known: Known): Answer {
  const { config, view, verdicts } = known;
  const group = config.groups.find(({ name }) => name === question.group);
  if (group === undefined || view === undefined)
    return no(
      `There is no group '${question.group}'; the groups are ${config.groups.map(({ name }) => name).join(', ')}.`,
    );
  const fail = question.fail === 'all' ? group.members : question.fail.split(',');
  const to = question.to ?? heirOf(group, fail, verdicts);
  const stranger = [...fail, ...(to === undefined || to === LAST_RESORT ? [] : [to])].find(
    (name) => !group.members.includes(name),
  );
  if (stranger !== undefined)
    return no(`'${stranger}' is not a member of ${group.name}; the members are ${group.members.join(', ')}.`);
  if (to === undefined)
    return no(`Nothing is moved when all of ${fail.join(', ')} fail: ${group.name} has no last resort.`);
  if (fail.includes(to)) return no(`${to} cannot take over from itself; name another member with --to.`);
  const target = to === LAST_RESORT ? lastResort : config.appliances.find(({ name }) => name === to);
  if (target === undefined) return no(`${to} is not configured.`);
  if (view.observedAt === undefined) return no('EC2 has not been seen yet: ask again in a moment.');
  return { ok: true, body: forecastTo(group, fail, target, view, known) };
}

const no = (message: string): Answer => ({ ok: false, body: { message } });

/**
 * The member that is preferred among the healthy ones; where none is known to be, among all others; the last
 * resort, where the group has one and all members fail.
 */
function heirOf(group: Group, fail: readonly string[], verdicts: Known['verdicts']): string | undefined {
  const others = group.members.filter((name) => !fail.includes(name));
  const last = hasLastResort(group) ? LAST_RESORT : undefined;
  return others.find((name) => verdicts[name]?.kind === 'healthy') ?? others[0] ?? last;
}

function forecastTo(
  group: Group,
  fail: readonly string[],
  target: Appliance,
  view: GroupView,
  { config, budget, now }: Known,
): Forecast {
  const { name, objectiveMs } = group;
  const owners = fail.filter((one) => view.parts.some((part) => memberOf(part) === one));
  const moves = owners.length > 0;
  const fence = fenceOf(
    group,
    config.appliances.find((one) => one.name === owners[0]),
  );
  const dues = (from: GroupView): readonly Due[] => (moves ? duesOf(from, target, fence) : []);
  const chosen = dues(view);
  const plain = dues({ ...view, prepared: [] });
  const times = schedule(chosen, budget, now, LATENCY_MS);
  const predictedMs = lastOf(times);
  const writes = chosen.flatMap(({ call }, index) =>
    isRead(call.kind) ? [] : [{ call, atMs: Math.round(times[index]?.atMs ?? 0) }],
  );
  const starts = [...new Set(writes.map(({ atMs }) => atMs))].toSorted((one, other) => one - other);
  const calls = writes.map(
    ({ call, atMs }): PlannedCall => ({
      batch: starts.indexOf(atMs) + 1,
      atMs,
      ...toRequest(call),
      text: describeCall(call),
    }),
  );
  return {
    group: name,
    fail: fail.join(','),
    to: target.name,
    calls: calls.toSorted((a, b) => a.batch - b.batch),
    batches: starts.length,
    predictedMs,
    latencyMs: LATENCY_MS,
    ...(objectiveMs === undefined ? {} : { objectiveMs }),
    meetsObjective: objectiveMs === undefined || predictedMs <= objectiveMs,
    plain: costOf(plain, schedule(plain, budget, now, LATENCY_MS)),
    oneByOne: costOf(plain, schedule(plain, budget, now, LATENCY_MS, 1)),
    notes: notesOf(group, fail.join(','), target.name, view, moves),
  };
}

const lastOf = (times: readonly { readonly endMs: Millis }[]): Millis =>
  Math.round(Math.max(0, ...times.map(({ endMs }) => endMs)));

const costOf = (dues: readonly Due[], times: Parameters<typeof lastOf>[0]): Cost => ({
  calls: dues.filter(({ call }) => !isRead(call.kind)).length,
  predictedMs: lastOf(times),
});

/** What makes sure first that the owner is out. */
function fenceOf({ fence }: Group, owner: Appliance | undefined): readonly Due[] {
  if (fence === undefined || owner === undefined) return [];
  const { name, eni, instance = `the instance of ${name}` } = owner;
  const due = { key: 'fence', after: [] };
  const at = sameRealm(owner);
  return fence.kind === 'stop-instance'
    ? [{ ...due, call: { kind: 'stop-instances', instances: [instance], ...at }, takesMs: STOP_MS }]
    : [
        {
          ...due,
          call: { kind: 'detach-network-interface', attachment: `of ${eni}`, force: true, ...at },
          takesMs: ENI_MS,
        },
      ];
}

/** All calls, in order; those of a stage wait for a look that shows the stages before in their places. */
function duesOf(view: GroupView, target: Appliance, fence: readonly Due[]): readonly Due[] {
  const parts = partsToMove({ to: target.name, cause: 'takeover', steps: {} }, view);
  const due = parts.filter((part) => !isWith(part, target.name));
  const dues: Due[] = [...fence];
  let after = fence.map(({ key }) => key);
  for (const stage of STAGES) {
    const writes = due
      .filter((part) => part.stage === stage)
      .flatMap((part) => writesOf(part, target, after));
    if (writes.length === 0) continue;
    if (dues.length > 0) {
      const look = {
        key: `look ${stage}`,
        call: { kind: 'describe-network-interfaces', enis: [] },
        after,
      } as const;
      dues.push(look);
      after = [look.key];
    }
    dues.push(...writes.map((write) => ({ ...write, after: [...new Set([...after, ...write.after])] })));
    after = writes.map(({ key }) => key);
  }
  return dues;
}

function writesOf({ key, thing, exists }: Part, target: Appliance, after: readonly string[]): readonly Due[] {
  if (thing.kind !== 'eni') return [{ key, call: writeOf(thing, exists, undefined, target), after }];
  const { eni, resource } = thing;
  const { name, instance = `the instance of ${name}` } = target;
  const { attachment } = eni ?? {};
  const [detach, attach] = [`${key} detach`, `${key} attach`];
  const at = sameRealm(thing);
  const detached: Due[] =
    attachment === undefined
      ? []
      : [
          {
            key: detach,
            call: { kind: 'detach-network-interface', attachment: attachment.id, force: false, ...at },
            after,
            takesMs: ENI_MS,
          },
        ];
  const { id, deviceIndex } = resource;
  return [
    ...detached,
    {
      key: attach,
      call: { kind: 'attach-network-interface', eni: id, instance, deviceIndex, ...at },
      after: detached.length > 0 ? [detach] : after,
      takesMs: ENI_MS,
    },
  ];
}

function notesOf(
  { fence }: Group,
  fail: string,
  to: string,
  view: GroupView,
  moves: boolean,
): readonly string[] {
  if (!moves) return [`${fail} has nothing of it: ${describeOwner(view.owner)} owns it.`];
  const notes: string[] = [];
  if (to === LAST_RESORT)
    notes.push(
      'It goes there only when each death is shown by more than silence, or by a lease kept for two terms.',
    );
  for (const { tables, set } of view.prepared) {
    if (to === LAST_RESORT) break;
    const id = set.prepared?.tables[to];
    const next = tables.find((one) => one.id === id);
    if (next === undefined) notes.push(`${id}, which is for ${to}, does not exist.`);
    const flaw = tables.flatMap((one) =>
      next !== undefined && one.inUse && one.id !== next.id ? (flawOf(one, next) ?? []) : [],
    )[0];
    if (flaw !== undefined) notes.push(`${id} cannot be used: it ${flaw}.`);
  }
  for (const { held } of view.parts) if (held.kind === 'foreign') notes.push(`Left alone: ${held.reason}.`);
  if (view.parts.some(({ thing }) => thing.kind === 'eni'))
    notes.push(`The move of an ENI is counted with ${(2 * ENI_MS) / 1000} s; it may take over a minute.`);
  if (fence !== undefined) {
    const ms = fence.kind === 'stop-instance' ? STOP_MS : ENI_MS;
    notes.push(`The fence (${fence.kind}) is counted with ${ms / 1000} s; EC2 may take minutes.`);
  }
  return notes;
}
