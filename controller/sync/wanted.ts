/**
 * What neighbors want in route tables: best paths as lists in the order of addresses, one for each IP
 * version. A prefix that is withdrawn stays until its hold time is over, so that a flap changes nothing.
 */
import { type Prefix, parsePrefix } from '../base/ip.ts';
import { isChosen } from '../base/prefix-range.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { RouteChange } from '../bgp/event.ts';
import type { SyncConfig } from '../config.ts';
import { comparePrefixes } from './trie.ts';

export interface Want {
  readonly prefix: string;
  readonly at: Prefix;
  /** Address of the next hop. */
  readonly hop: string;
  /** The next hop before, which is good until the ENI of the present one is known. */
  readonly was?: string;
  /** The neighbor that announced it. */
  readonly peer: string;
  /** When it was withdrawn. */
  readonly goneAt?: Instant;
}

export const FAMILIES = [4, 6] as const;
export type IpVersion = (typeof FAMILIES)[number];

export interface Wanted {
  readonly 4: readonly Want[];
  readonly 6: readonly Want[];
  /** When the first prefix that was withdrawn is given up. */
  readonly nextGoneAt?: Instant;
}

export const nothingWanted: Wanted = { 4: [], 6: [] };

export interface Applied {
  readonly wanted: Wanted;
  /** Whether the way of any prefix is another one now; attributes and flaps change none. */
  readonly changed: boolean;
  /** Whether a prefix has left a neighbor of `lost`. */
  readonly urgent: boolean;
}

/** Takes in changed best paths; of several of one prefix the last counts. */
export function applyChanges(
  wanted: Wanted,
  changes: readonly RouteChange[],
  { prefixes, holdMs }: SyncConfig,
  lost: readonly string[],
  now: Instant,
): Applied {
  const last = new Map<string, RouteChange>();
  for (const change of changes) if (isChosen(prefixes, change.prefix)) last.set(change.prefix, change);
  if (last.size === 0) return { wanted, changed: false, urgent: false };
  const parsed = [...last.values()].flatMap((change) => {
    const at = parsePrefix(change.prefix);
    return at.ok ? [{ at: at.value, change }] : [];
  });
  let changed = false;
  let urgent = false;
  let nextGoneAt = wanted.nextGoneAt;
  const merge = (family: IpVersion): readonly Want[] => {
    const news = parsed.filter(({ at }) => at.address.family === family);
    if (news.length === 0) return wanted[family];
    news.sort((a, b) => comparePrefixes(a.at, b.at));
    const list: Want[] = [];
    let from = 0;
    for (const { at, change } of news) {
      const to = position(wanted[family], at, from);
      for (; from < to; from++) pushTo(list, wanted[family][from]);
      const found = wanted[family][from];
      const before = found !== undefined && comparePrefixes(found.at, at) === 0 ? found : undefined;
      if (before !== undefined) from++;
      const after = wantOf(change, at, before, now);
      if (after?.hop !== before?.hop) {
        changed = true;
        urgent ||= before !== undefined && lost.includes(before.peer);
      }
      if (after?.goneAt !== undefined) nextGoneAt = earliest(nextGoneAt, after.goneAt + holdMs);
      pushTo(list, after);
    }
    for (; from < wanted[family].length; from++) pushTo(list, wanted[family][from]);
    return list;
  };
  const next = { 4: merge(4), 6: merge(6) };
  return { wanted: { ...next, ...(nextGoneAt === undefined ? {} : { nextGoneAt }) }, changed, urgent };
}

/** Whether a change takes a prefix away from a neighbor of `lost`. */
export function leavesLost(
  wanted: Wanted,
  { prefix, nextHops }: RouteChange,
  { prefixes }: SyncConfig,
  lost: readonly string[],
): boolean {
  const at = parsePrefix(prefix);
  if (!at.ok || nextHops.length === 0 || !isChosen(prefixes, prefix)) return false;
  const list = wanted[at.value.address.family];
  const found = list[position(list, at.value, 0)];
  return found?.prefix === prefix && lost.includes(found.peer);
}

function pushTo(list: Want[], want: Want | undefined): void {
  if (want !== undefined) list.push(want);
}

/** Where a prefix stands, or would stand, in a list. */
function position(list: readonly Want[], at: Prefix, from: number): number {
  let [low, high] = [from, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = list[middle];
    if (one !== undefined && comparePrefixes(one.at, at) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of several next hops the present one stays; a withdrawn prefix keeps its own for now. */
function wantOf(
  { prefix, nextHops }: RouteChange,
  at: Prefix,
  before: Want | undefined,
  now: Instant,
): Want | undefined {
  const chosen = nextHops.find(({ address }) => address === before?.hop) ?? nextHops[0];
  if (chosen !== undefined) {
    const was = chosen.address === before?.hop ? before.was : before?.hop;
    const hop = { prefix, at, hop: chosen.address, peer: chosen.peer };
    return was === undefined ? hop : { ...hop, was };
  }
  if (before === undefined || before.goneAt !== undefined) return before;
  return { ...before, goneAt: now };
}

/** Gives up what was withdrawn longer ago than the hold time. */
export function expire(wanted: Wanted, holdMs: number, now: Instant): Applied {
  if (wanted.nextGoneAt === undefined || wanted.nextGoneAt > now)
    return { wanted, changed: false, urgent: false };
  let nextGoneAt: Instant | undefined;
  const keep = ({ goneAt }: Want): boolean => {
    if (goneAt === undefined) return true;
    if (goneAt + holdMs <= now) return false;
    nextGoneAt = earliest(nextGoneAt, goneAt + holdMs);
    return true;
  };
  const next = { 4: wanted[4].filter(keep), 6: wanted[6].filter(keep) };
  const changed = next[4].length !== wanted[4].length || next[6].length !== wanted[6].length;
  return { wanted: { ...next, ...(nextGoneAt === undefined ? {} : { nextGoneAt }) }, changed, urgent: false };
}
