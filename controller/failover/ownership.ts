/**
 * What follows from seeing who owns a group: the own appliance has got it or lost it (hooks, guest, memory),
 * and traffic by way of the new owner.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import {
  type Appliance,
  addressesOf,
  type Config,
  changesGuest,
  enisOf,
  type Group,
  probesOfNode,
} from '../config.ts';
import { backoffMs } from '../ec2/budget.ts';
import type { HookName } from '../event.ts';
import type { Verdict } from '../health/verdict.ts';
import { type GroupState, without } from './group.ts';
import * as guest from './guest.ts';
import type { Observed } from './observe.ts';
import type { Need } from './step.ts';
import type { Turn } from './turn.ts';
import { describeOwner, type GroupView, isInTransition } from './view.ts';

/** How long traffic is waited for after a move before people are told. */
const WATCH_MS = 30_000;

const hookOf = ({ hooks }: Group, name: HookName) =>
  name === 'on-own' ? hooks.onOwn : name === 'on-lose' ? hooks.onLose : hooks.onFail;

/** Runs the hook where one is configured. */
export function runHook(group: Group, name: HookName, detail: string, turn: Turn): void {
  if (hookOf(group, name) !== undefined) turn.hook(name, group.name, detail);
}

/** Takes note of the owner that EC2 shows. A loss is believed when a second look shows it too. */
export function noteOwner(
  group: Group,
  start: GroupState,
  view: GroupView,
  verdicts: Readonly<Record<string, Verdict>>,
  self: string | undefined,
  turn: Turn,
): { readonly state: GroupState; readonly need: Need } {
  let state = noteUnowned(start, view, turn);
  const { owner } = view;
  if (state.lost !== undefined && !state.lost.seenHealthy && verdicts[state.lost.to]?.kind === 'healthy') {
    state = { ...state, lost: { ...state.lost, seenHealthy: true } };
  }
  if (owner.kind !== 'member' || owner.phase !== 'settled') return { state, need: {} };
  const { member } = owner;
  if (member !== self) state = giveBack(group, state, view, turn);
  if (member === state.owner && (member !== self || state.announced)) {
    // A new attachment is a new device in the guest, also where the owner is the same as before.
    const isNew = !state.ownerSeen || state.attachments !== attachmentsOf(view);
    const again = member === self && isNew ? guestAt(group, view, turn) : {};
    return { state: { ...without(state, 'lossSeen'), ownerSeen: true, ...again }, need: {} };
  }
  if (self !== undefined && member !== self && (state.owner === self || state.announced)) {
    if (state.lossSeen?.to !== member || view.seen <= state.lossSeen.seen) {
      const lossSeen = state.lossSeen?.to === member ? state.lossSeen : { to: member, seen: view.seen };
      return { state: { ...state, lossSeen }, need: { look: { after: lossSeen.seen, at: turn.now } } };
    }
    return { state: lose(group, state, member, verdicts, turn), need: {} };
  }
  if (member === self) return { state: own(group, state, view, member, turn), need: {} };
  const from = state.owner ?? 'unknown';
  turn.log('info', 'owned', `${member} owns ${group.name}.`, { group: group.name, owner: member, from });
  const seenHealthy = verdicts[member]?.kind === 'healthy';
  const lost = state.lost === undefined ? {} : { lost: { ...state.lost, to: member, seenHealthy } };
  return { state: { ...state, owner: member, ownerSeen: true, ...lost }, need: {} };
}

/**
 * Since when the group has been in transition in the present way: any change means that somebody is at work.
 */
function noteUnowned(state: GroupState, { owner, parts }: GroupView, turn: Turn): GroupState {
  if (!isInTransition(owner)) return state.unowned === undefined ? state : without(state, 'unowned');
  const as = JSON.stringify([owner, parts.map(({ key, shown }) => [key, shown])]);
  return state.unowned?.as === as ? state : { ...state, unowned: { as, since: turn.now } };
}

function own(group: Group, state: GroupState, view: GroupView, self: string, turn: Turn): GroupState {
  const from = state.owner ?? 'unknown';
  turn.log('info', 'owned', `This appliance owns ${group.name}.`, { group: group.name, from });
  runHook(
    group,
    'on-own',
    state.owner === undefined ? 'it owns the group' : `it has taken the group from ${from}`,
    turn,
  );
  return {
    ...without(state, 'lost', 'lossSeen', 'receivedAt'),
    owner: self,
    ownerSeen: true,
    announced: true,
    ...guestAt(group, view, turn),
  };
}

function lose(
  group: Group,
  state: GroupState,
  to: string,
  verdicts: Readonly<Record<string, Verdict>>,
  turn: Turn,
): GroupState {
  turn.log('warn', 'lost', `This appliance has lost ${group.name} to ${to}.`, { group: group.name, to });
  runHook(group, 'on-lose', `it has lost the group to ${to}`, turn);
  const seenHealthy = verdicts[to]?.kind === 'healthy';
  return {
    ...without(state, 'lossSeen', 'watch', 'attachments'),
    owner: to,
    ownerSeen: true,
    announced: false,
    lost: { at: turn.now, to, seenHealthy },
    ...guestWork(group, 'lose', turn),
  };
}

const guestWork = (group: Group, what: 'own' | 'lose', turn: Turn): Pick<GroupState, 'guest'> =>
  changesGuest(group) ? { guest: { what, state: 'due', notBefore: turn.now, attempts: 0 } } : {};

/**
 * The state in which the guest gets the addresses that this node moves to its own appliance as soon as EC2 is
 * told: packets for them may come before the answer is here.
 */
export function receive(group: Group, state: GroupState, self: string | undefined, turn: Turn): GroupState {
  const { operation } = state;
  if (operation === undefined || operation.to !== self || state.receivedAt !== undefined) return state;
  if (enisOf(group).length > 0) return state;
  if (!addressesOf(group).some((address) => operation.steps[address] !== undefined)) return state;
  return { ...state, receivedAt: turn.now, ...guestWork(group, 'own', turn) };
}

/** They are taken back where nothing has come of it: another member has all of the group. */
function giveBack(group: Group, state: GroupState, { observedAt = 0 }: GroupView, turn: Turn): GroupState {
  const { receivedAt, operation } = state;
  if (receivedAt === undefined || operation !== undefined || observedAt <= receivedAt) return state;
  return { ...without(state, 'receivedAt'), ...guestWork(group, 'lose', turn) };
}

/** The guest's work for having the ENIs by the attachments that were seen. */
const guestAt = (group: Group, view: GroupView, turn: Turn): Pick<GroupState, 'guest' | 'attachments'> => ({
  ...guestWork(group, 'own', turn),
  attachments: attachmentsOf(view),
});

const attachmentsOf = ({ parts }: GroupView): string =>
  parts.flatMap(({ thing }) => (thing.kind === 'eni' ? (thing.eni?.attachment?.id ?? []) : [])).join(' ');

const GUEST_TRIES = 8;

/** Sends the changes of the guest that are due. They wait until ENIs and their subnets are known. */
export function advanceGuest(
  group: Group,
  own: Appliance | undefined,
  state: GroupState,
  observed: Observed,
  turn: Turn,
): { state: GroupState; need: Need } {
  const work = state.guest;
  if (work === undefined || own === undefined || work.state !== 'due') return { state, need: {} };
  if (work.notBefore > turn.now) return { state, need: { wakeAt: work.notBefore } };
  const changes =
    work.what === 'own' ? guest.settle(group, own, observed) : guest.clear(group, own, observed);
  if (changes === undefined) return { state, need: {} };
  if (!turn.guest(changes, group.name, work.what)) return { state: without(state, 'guest'), need: {} };
  return { state: { ...state, guest: { ...work, state: 'sent', attempts: work.attempts + 1 } }, need: {} };
}

/**
 * Takes in how the changes of the guest ended: they are tried again, for the device may take a while to
 * appear.
 */
export function guestEnded(
  group: Group,
  state: GroupState,
  what: 'own' | 'lose',
  failure: string | undefined,
  turn: Turn,
): GroupState {
  const work = state.guest;
  if (work === undefined || work.what !== what || work.state !== 'sent') return state;
  const fields = { group: group.name };
  if (failure === undefined) {
    turn.log(
      'info',
      'guest',
      `The guest is set up for ${what === 'own' ? 'having' : 'having lost'} ${group.name}.`,
      fields,
    );
    return without(state, 'guest');
  }
  if (work.attempts >= GUEST_TRIES) {
    turn.log('error', 'guest', `Cannot set up the guest for ${group.name}: ${failure}; gives up.`, fields);
    if (what === 'own') runHook(group, 'on-fail', `the guest could not be set up: ${failure}`, turn);
    return without(state, 'guest');
  }
  turn.log(
    'warn',
    'guest',
    `Setting up the guest for ${group.name} failed: ${failure}; tries again.`,
    fields,
  );
  const notBefore = turn.now + backoffMs(work.attempts, turn.random(), 250, 4000);
  return { ...state, guest: { ...work, state: 'due', notBefore } };
}

/**
 * Begins to wait for traffic by way of the new owner. A probe by route follows the moved routes themselves;
 * one by next hop shows that the appliance carries traffic; its own look through itself shows only that it
 * could.
 */
export function beginWatch(
  config: Config,
  group: Group,
  state: GroupState,
  to: string,
  since: Instant,
  turn: Turn,
): GroupState {
  const through = probesOfNode(config).filter(
    ({ kind, appliance }) => kind === 'through' && appliance === to,
  );
  const byRoute = through.filter((probe) => probe.kind === 'through' && probe.by === 'route');
  const probes = (byRoute.length > 0 ? byRoute : through).map(({ id }) => id);
  if (probes.length > 0) return { ...state, watch: { to, since, probes, until: since + WATCH_MS } };
  const text = `${group.name} is moved to ${to}; not verified by traffic, for no probe goes through ${to} from here.`;
  turn.log('info', 'unverified', text, { group: group.name, appliance: to });
  return state;
}

/** A probe that was sent at `sentAt` has passed: is that the traffic that was waited for? */
export function passed(
  { group, config }: { readonly group: Group; readonly config: Config },
  state: GroupState,
  probe: string,
  sentAt: Instant,
  turn: Turn,
): GroupState {
  const { watch } = state;
  if (watch === undefined || !watch.probes.includes(probe) || sentAt < watch.since) return state;
  const ms = Math.round((turn.now - watch.since) * 10) / 10;
  const fields = { group: group.name, appliance: watch.to, probe, ms };
  const own = watch.to === config.node;
  const text = own
    ? `${watch.to} itself reaches ${probe} after getting ${group.name}; the moved route is not verified by traffic from here.`
    : `${group.name} carries traffic by way of ${watch.to}: ${probe} passed ${formatMillis(ms)} after the move.`;
  turn.log('info', own ? 'unverified' : 'route-in-effect', text, fields);
  return without(state, 'watch');
}

/** Tells people where traffic has not come within the time. */
export function checkWatch(
  group: Group,
  state: GroupState,
  view: GroupView,
  turn: Turn,
): { state: GroupState; need: Need } {
  const { watch } = state;
  if (watch === undefined) return { state, need: {} };
  if (turn.now < watch.until) return { state, need: { wakeAt: watch.until } };
  const text = `${group.name} was moved to ${watch.to}, and no traffic has passed for ${formatMillis(WATCH_MS)}; EC2 shows ${describeOwner(view.owner)} as owner.`;
  turn.log('error', 'no-traffic', text, { group: group.name, appliance: watch.to });
  runHook(group, 'on-fail', `no traffic by way of ${watch.to}`, turn);
  return { state: without(state, 'watch'), need: {} };
}
