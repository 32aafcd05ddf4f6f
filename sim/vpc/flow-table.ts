/**
 * Tracked flows: a hash map from (scope, protocol, two addresses, two ports) to a value with an expiry, open
 * addressing, no allocation on lookup. Used by the security groups and by masquerading guests. It reads no
 * clock: `now` is an argument.
 */
import type { Instant } from '../../controller/base/time.ts';

const WORDS = 10;

/**
 * A key; fill it in place. `scope` holds what else tells flows apart, e.g. the ENI's number times 512 plus
 * protocol.
 */
export interface FlowKey {
  scope: number;
  a0: number;
  a1: number;
  a2: number;
  a3: number;
  b0: number;
  b1: number;
  b2: number;
  b3: number;
  /** Port of `a` in the upper 16 bits, of `b` in the lower. */
  ports: number;
}

export interface FlowTable<T> {
  keys: Int32Array;
  expiresAt: Float64Array;
  values: (T | undefined)[];
  mask: number;
  /** Used slots, expired ones included. */
  used: number;
}

export const createFlowKey = (): FlowKey => ({
  scope: 0,
  a0: 0,
  a1: 0,
  a2: 0,
  a3: 0,
  b0: 0,
  b1: 0,
  b2: 0,
  b3: 0,
  ports: 0,
});

export const createFlowTable = <T>(slots = 64): FlowTable<T> => ({
  keys: new Int32Array(slots * WORDS),
  expiresAt: new Float64Array(slots),
  values: new Array<T | undefined>(slots).fill(undefined),
  mask: slots - 1,
  used: 0,
});

export const copyFlows = <T>({ keys, expiresAt, values, ...counts }: FlowTable<T>): FlowTable<T> => ({
  keys: keys.slice(),
  expiresAt: expiresAt.slice(),
  values: values.slice(),
  ...counts,
});

function hash(key: FlowKey): number {
  let h = Math.imul(key.scope ^ 0x3c6ef372, 0x9e3779b1) ^ key.a3;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ key.b3;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) ^ key.ports;
  h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f) ^ key.a2 ^ Math.imul(key.b2, 31);
  h = Math.imul(h ^ (h >>> 15), 0x165667b1) ^ key.a1 ^ Math.imul(key.b1, 31);
  h = Math.imul(h ^ (h >>> 13), 0x85ebca6b) ^ key.a0 ^ Math.imul(key.b0, 31);
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return (h ^ (h >>> 15)) & 0x7fffffff;
}

function sameKey(keys: Int32Array, at: number, key: FlowKey): boolean {
  return (
    keys[at + 4] === key.a3 &&
    keys[at + 8] === key.b3 &&
    keys[at + 9] === key.ports &&
    keys[at] === key.scope &&
    keys[at + 1] === key.a0 &&
    keys[at + 2] === key.a1 &&
    keys[at + 3] === key.a2 &&
    keys[at + 5] === key.b0 &&
    keys[at + 6] === key.b1 &&
    keys[at + 7] === key.b2
  );
}

function slotOf<T>(table: FlowTable<T>, key: FlowKey): number {
  let slot = hash(key) & table.mask;
  while (table.values[slot] !== undefined) {
    if (sameKey(table.keys, slot * WORDS, key)) return slot;
    slot = (slot + 1) & table.mask;
  }
  return slot;
}

/** The slot of a live flow, or -1; a flow whose idle time is over is gone. */
export function findSlot<T>(table: FlowTable<T>, key: FlowKey, now: Instant): number {
  const slot = slotOf(table, key);
  return table.values[slot] !== undefined && (table.expiresAt[slot] ?? 0) > now ? slot : -1;
}

/** The value of a live flow, or undefined. */
export function findFlow<T>(table: FlowTable<T>, key: FlowKey, now: Instant): T | undefined {
  const slot = findSlot(table, key, now);
  return slot < 0 ? undefined : table.values[slot];
}

/** Rebuilds the table with what is live and passes `keep`, in a size that leaves half of the slots free. */
function rebuild<T>(table: FlowTable<T>, now: Instant, keep: (value: T) => boolean): void {
  const { keys, expiresAt, values } = table;
  const live = [...values.entries()].filter(
    ([slot, value]) => value !== undefined && (expiresAt[slot] ?? 0) > now && keep(value),
  );
  let slots = 2;
  while (slots < 4 * live.length) slots *= 2;
  Object.assign(table, createFlowTable<T>(slots));
  const key = createFlowKey();
  for (const [slot, value] of live) {
    if (value === undefined) continue;
    const words = keys.subarray(slot * WORDS, (slot + 1) * WORDS);
    const [scope = 0, a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0, ports = 0] = words;
    Object.assign(key, { scope, a0, a1, a2, a3, b0, b1, b2, b3, ports });
    setFlow(table, key, value, expiresAt[slot] ?? 0, now);
  }
}

/** Sets or refreshes a flow, to expire at `expiresAt`. */
export function setFlow<T>(
  table: FlowTable<T>,
  key: FlowKey,
  value: T,
  expiresAt: Instant,
  now: Instant,
): void {
  let slot = slotOf(table, key);
  if (table.values[slot] === undefined) {
    if ((table.used + 1) * 2 > table.mask) {
      rebuild(table, now, () => true);
      slot = slotOf(table, key);
    }
    table.used++;
    const { keys } = table;
    const at = slot * WORDS;
    keys[at] = key.scope;
    keys[at + 1] = key.a0;
    keys[at + 2] = key.a1;
    keys[at + 3] = key.a2;
    keys[at + 4] = key.a3;
    keys[at + 5] = key.b0;
    keys[at + 6] = key.b1;
    keys[at + 7] = key.b2;
    keys[at + 8] = key.b3;
    keys[at + 9] = key.ports;
  }
  table.values[slot] = value;
  table.expiresAt[slot] = expiresAt;
}

/** Forgets the flows that `drop` names, and the expired ones. */
export function dropFlows<T>(table: FlowTable<T>, now: Instant, drop: (value: T) => boolean): void {
  rebuild(table, now, (value) => !drop(value));
}
