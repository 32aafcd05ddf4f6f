/**
 * What operators want of a node beside single moves, until they say otherwise or the time is over: appliances
 * to be emptied, groups that are left alone, groups that stay where they were put. A node follows what it was
 * told itself, and what the daemons of other appliances say that they were told to empty.
 */
import { earliest, formatMillis, type Instant } from '../base/time.ts';
import { type Config, ownAppliance, probesOfNode } from '../config.ts';
import type { Command, Orders, Pause } from '../event.ts';
import type { Health } from '../health/health.ts';
import { isFresh } from '../health/probe.ts';
import { abandon } from './command.ts';
import type { GroupState } from './group.ts';
import type { Turn } from './turn.ts';

export const noOrders: Orders = { drained: {}, paused: {}, pinned: {} };

/** The pause that holds for a group: its own, or that of all. */
export const pauseOf = ({ paused, pausedAll }: Orders, group: string): Pause | undefined =>
  paused[group] ?? pausedAll;

type Standing = Extract<Command, { kind: 'drain' | 'undrain' | 'leave' | 'pause' | 'resume' }>;

/** What becomes of an order: the answer, and the orders after it. */
export interface Ordered {
  readonly ok: boolean;
  readonly message: string;
  readonly orders: Orders;
}

const without = <V>(record: Readonly<Record<string, V>>, key: string): Readonly<Record<string, V>> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));

/** Takes in an order. */
export function order(orders: Orders, asked: Standing, config: Config, now: Instant): Ordered {
  const refused = (message: string): Ordered => ({ ok: false, message, orders });
  if (asked.kind === 'leave') return leave(orders, config, now);
  if ('appliance' in asked) {
    const names = config.appliances.map(({ name }) => name);
    if (!names.includes(asked.appliance))
      return refused(`There is no appliance '${asked.appliance}'; the appliances are ${names.join(', ')}.`);
    return asked.kind === 'drain' ? drain(orders, asked.appliance, now) : undrain(orders, asked.appliance);
  }
  const names = config.groups.map(({ name }) => name);
  if (asked.group !== undefined && !names.includes(asked.group))
    return refused(`There is no group '${asked.group}'; the groups are ${names.join(', ')}.`);
  return asked.kind === 'pause' ? pause(orders, asked, config, now) : resume(orders, asked.group, config);
}

/** Who hears of a drain by this node's word, for a sentence. */
const HEARD =
  'Daemons that ask this one for its word do the same; say it on each that does not, as observers.';

/** The other daemons that have to be told the same, for a sentence. */
function tellOthers({ appliances, node }: Config): string {
  const others = appliances.flatMap(({ name }) => (name === node ? [] : [name]));
  return `Each daemon follows its own orders: say the same on ${others.join(', ')}, and to observers.`;
}

function drain(orders: Orders, appliance: string, now: Instant): Ordered {
  if (orders.drained[appliance] !== undefined)
    return { ok: true, message: `${appliance} is drained already.`, orders };
  const message =
    `${appliance} is drained: it is given no group, and its groups go to other members; byoa undrain ${appliance} ` +
    `ends that. ${HEARD}`;
  return { ok: true, message, orders: { ...orders, drained: { ...orders.drained, [appliance]: now } } };
}

/** The own appliance is about to stop; a daemon that starts anew knows nothing of it. */
function leave(orders: Orders, config: Config, now: Instant): Ordered {
  const own = ownAppliance(config)?.name;
  if (own === undefined)
    return { ok: true, message: `${config.node} has no appliance of its own: it may stop.`, orders };
  const message = `${own} is about to stop: its groups go to other members, which its word tells.`;
  return { ok: true, message, orders: { ...orders, leaving: orders.leaving ?? now } };
}

/** Appliances that are to be emptied as this node was told, and since when. */
export const emptied = (
  { drained, leaving }: Orders,
  own: string | undefined,
): Readonly<Record<string, Instant>> =>
  leaving === undefined || own === undefined ? drained : { [own]: leaving, ...drained };

/** The orders with what other daemons were told of appliances that are to be emptied. */
export function withHeard(orders: Orders, config: Config, probes: Health['probes'], now: Instant): Orders {
  const heard = probesOfNode(config).flatMap((probe) => {
    const state = probes[probe.id];
    const speaks = probe.kind === 'daemon' && state !== undefined && isFresh(state, probe, now);
    return speaks ? Object.entries(state.drained ?? {}) : [];
  });
  const own = emptied(orders, ownAppliance(config)?.name);
  if (heard.length === 0 && own === orders.drained) return orders;
  return { ...orders, drained: { ...Object.fromEntries(heard), ...own } };
}

function undrain(orders: Orders, appliance: string): Ordered {
  if (orders.drained[appliance] === undefined)
    return { ok: true, message: `${appliance} is not drained.`, orders };
  const message = `${appliance} may be given groups again. ${HEARD}`;
  return { ok: true, message, orders: { ...orders, drained: without(orders.drained, appliance) } };
}

function pause(
  orders: Orders,
  { group, forMs }: Extract<Standing, { kind: 'pause' }>,
  config: Config,
  now: Instant,
): Ordered {
  const made: Pause = { since: now, ...(forMs === undefined ? {} : { until: now + forMs }) };
  const what = group === undefined ? 'All groups are' : `${group} is`;
  const end = forMs === undefined ? '' : ` for ${formatMillis(forMs)}`;
  const message =
    `${what} paused${end}: a move under way is completed, and no other is begun; byoa resume` +
    `${group === undefined ? '' : ` ${group}`} ends that. ${tellOthers(config)}`;
  const next =
    group === undefined
      ? { ...orders, pausedAll: made }
      : { ...orders, paused: { ...orders.paused, [group]: made } };
  return { ok: true, message, orders: next };
}

/** Ends pauses, and overrides with them: of one group, or all there are. */
function resume(orders: Orders, group: string | undefined, config: Config): Ordered {
  const { pausedAll, ...rest } = orders;
  if (group === undefined)
    return {
      ok: true,
      message: `No group is paused or held by an override any more. ${tellOthers(config)}`,
      orders: { ...rest, paused: {}, pinned: {} },
    };
  const next: Orders = {
    ...orders,
    paused: without(orders.paused, group),
    pinned: without(orders.pinned, group),
  };
  const message =
    pausedAll === undefined
      ? `${group} is neither paused nor held by an override any more. ${tellOthers(config)}`
      : `${group} is still paused, as all groups are: run byoa resume.`;
  return { ok: pausedAll === undefined, message, orders: next };
}

/** The orders with a group held where an operator puts it, or without such a hold. */
export function pinned(
  orders: Orders,
  { group, to, forMs }: Extract<Command, { kind: 'switchover' }>,
  now: Instant,
): Orders {
  const others = without(orders.pinned, group);
  return {
    ...orders,
    pinned: forMs === undefined ? others : { ...others, [group]: { to, until: now + forMs } },
  };
}

/** Whoever waits for a planned move that has not begun is told that it will not. */
export function abandonPaused(
  groups: Readonly<Record<string, GroupState>>,
  orders: Orders,
  turn: Turn,
): Readonly<Record<string, GroupState>> {
  const entries = Object.entries(groups).map(([name, state]): [string, GroupState] => {
    const waits = state.switchover !== undefined && state.operation === undefined;
    return [
      name,
      waits && pauseOf(orders, name) !== undefined ? abandon(state, 'it was paused', turn) : state,
    ];
  });
  return Object.fromEntries(entries);
}

/** The orders whose time is not over; which have ended is told. */
export function expired(orders: Orders, turn: Turn): Orders {
  const { pausedAll, ...rest } = orders;
  const isOver = (until: Instant | undefined): boolean => until !== undefined && until <= turn.now;
  const left = <V extends { readonly until?: Instant }>(
    all: Readonly<Record<string, V>>,
    what: string,
  ): Readonly<Record<string, V>> => {
    const over = Object.keys(all).filter((name) => isOver(all[name]?.until));
    for (const group of over)
      turn.log('warn', 'order', `The time of the ${what} of ${group} is over.`, { group });
    return over.length === 0
      ? all
      : Object.fromEntries(Object.entries(all).filter(([name]) => !over.includes(name)));
  };
  const paused = left(orders.paused, 'pause');
  const held = left(orders.pinned, 'override');
  const allOver = isOver(pausedAll?.until);
  if (allOver) turn.log('warn', 'order', 'The time of the pause of all groups is over.');
  if (!allOver && paused === orders.paused && held === orders.pinned) return orders;
  return { ...rest, ...(allOver || pausedAll === undefined ? {} : { pausedAll }), paused, pinned: held };
}

/** When the time of the next order is over. */
export const nextExpiryAt = ({ paused, pausedAll, pinned: held }: Orders): Instant | undefined =>
  [...Object.values(paused), ...Object.values(held), ...(pausedAll === undefined ? [] : [pausedAll])]
    .map(({ until }) => until)
    .reduce<Instant | undefined>(earliest, undefined);

/** What the next run has to know; nothing where there are no orders. */
export function ordersMemory({ leaving: _, ...orders }: Orders): { readonly orders?: Orders } {
  const isNone =
    orders.pausedAll === undefined &&
    [orders.drained, orders.paused, orders.pinned].every((all) => Object.keys(all).length === 0);
  return isNone ? {} : { orders };
}

/** The orders in sentences, for the status. */
export function describeOrders(orders: Orders, now: Instant): readonly string[] {
  const left = (until: Instant | undefined): string =>
    until === undefined ? '' : `, for ${formatMillis(Math.round((until - now) / 1000) * 1000)} yet`;
  return [
    ...(orders.leaving === undefined ? [] : ['the own appliance is about to stop']),
    ...Object.keys(orders.drained).map((name) => `${name} is drained`),
    ...(orders.pausedAll === undefined ? [] : [`all groups are paused${left(orders.pausedAll.until)}`]),
    ...Object.entries(orders.paused).map(([group, { until }]) => `${group} is paused${left(until)}`),
    ...Object.entries(orders.pinned).map(
      ([group, { to, until }]) => `${group} stays with ${to} while that is healthy${left(until)}`,
    ),
  ];
}
