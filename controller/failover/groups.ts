/** All groups at once: a cycle of each, under another configuration, and when the daemon stops. */
import { earliest, type Instant } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Verdict } from '../health/verdict.ts';
import { fullAppliances, isLimited } from './capacity.ts';
import { abandon } from './command.ts';
import { runCycle } from './cycle.ts';
import { type GroupState, newGroup } from './group.ts';
import { gateOf, type Leases, type Standing } from './leases.ts';
import type { Observed } from './observe.ts';
import type { Setting } from './situation.ts';
import type { Purpose, Turn } from './turn.ts';
import { viewGroup } from './view.ts';

type Groups = Readonly<Record<string, GroupState>>;

interface Before {
  readonly config: Config;
  readonly observeOnly: boolean;
  readonly groups: Groups;
  readonly leases: Leases;
}

/** What all groups see, and what is wanted of them. */
interface Surroundings {
  readonly verdicts: Readonly<Record<string, Verdict>>;
  readonly observed: Observed;
  readonly setting: Setting;
}

/** One cycle of each group; what one wants to see of EC2, and whom it is moved to, the next one knows. */
export function cycleGroups(
  { config, observeOnly, groups: before, leases }: Before,
  { verdicts, observed: asked, setting }: Surroundings,
  turn: Turn,
) {
  const groups: Record<string, GroupState> = {};
  const standings: Standing[] = [];
  const limited = isLimited(config);
  let observed = asked;
  let wakeAt: Instant | undefined;
  for (const group of config.groups) {
    const view = viewGroup(config, group, observed);
    const state = before[group.name] ?? newGroup(turn.now);
    const gate = gateOf(group, leases, turn.now);
    // Copied for each group: only where it matters.
    const all = limited ? { ...before, ...groups } : groups;
    const full = fullAppliances(config, all, observed, group.name);
    const scene = { config, group, view, observed, verdicts, gate, setting, full };
    const cycled = runCycle(scene, state, observeOnly, turn);
    groups[group.name] = cycled.state;
    standings.push({ group, state: cycled.state, view, full });
    observed = cycled.observed;
    wakeAt = earliest(wakeAt, cycled.wakeAt);
  }
  return { groups, standings, observed, wakeAt };
}

/** The groups of another configuration: what a changed one was doing is given up. */
export function groupsConfigured(states: Groups, from: Config, to: Config, turn: Turn): Groups {
  const same = new Map(from.groups.map((group) => [group.name, JSON.stringify(group)]));
  const groups = to.groups.map((group): [string, GroupState] => {
    const state = states[group.name] ?? newGroup(turn.now);
    const isSame = same.get(group.name) === JSON.stringify(group);
    return [group.name, isSame ? state : abandon(state, 'the configuration changed', turn)];
  });
  for (const [name, state] of Object.entries(states)) {
    if (!to.groups.some((group) => group.name === name))
      abandon(state, `${name} is not configured any more`, turn);
  }
  return Object.fromEntries(groups);
}

/** The groups' names, for a sentence. */
export const groupsText = ({ groups }: Config): string =>
  groups.length === 0 ? 'no groups' : `groups ${groups.map(({ name }) => name).join(', ')}`;

/** Says what is left unfinished when the daemon stops, and answers who waits for it. */
export function groupsStopped(states: Groups, turn: Turn): void {
  for (const [name, state] of Object.entries(states)) {
    const { operation } = state;
    if (operation !== undefined) {
      const sent = Object.entries(operation.steps).map(([key, { state: how }]) => `${key} ${how}`);
      const moving = `Stops while moving ${name} to ${operation.to} (${sent.join(', ') || 'nothing sent'})`;
      const text = `${moving}; the next run or the other node completes it.`;
      turn.log('warn', 'stop', text, { group: name, to: operation.to });
    }
    abandon(state, 'the daemon stops', turn);
  }
}

/** Logs how a hook, started at `startedAt`, has ended. */
export function tellHook(
  { group, hook }: Extract<Purpose, { kind: 'hook' }>,
  startedAt: Instant,
  failure: string | undefined,
  turn: Turn,
): void {
  const ms = Math.round(turn.now - startedAt);
  if (failure === undefined)
    turn.log('info', 'hook', `${hook} of ${group} ended after ${ms} ms.`, { group, hook, ms });
  else turn.log('error', 'hook', `${hook} of ${group} failed: ${failure}.`, { group, hook, ms });
}
