/**
 * A hash map from (scope, address) to a value: open addressing over one Int32Array, so that a lookup
 * allocates nothing. The scope is a small integer, e.g. the number of a VPC. Addresses are four signed 32-bit
 * words; MAC addresses use the last two. It does not keep insertion order.
 */

const WORDS = 5;

export interface AddressMap<T> {
  keys: Int32Array;
  values: (T | undefined)[];
  /** Slots minus one; the number of slots is a power of two. */
  mask: number;
  size: number;
}

/** At first: most maps belong to guests and hold one or two addresses. */
const SLOTS = 4;

export const createAddressMap = <T>(): AddressMap<T> => ({
  keys: new Int32Array(SLOTS * WORDS),
  values: new Array<T | undefined>(SLOTS).fill(undefined),
  mask: SLOTS - 1,
  size: 0,
});

function hash(scope: number, w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(scope ^ 0x2545f491, 0x9e3779b1) ^ w3;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ w2;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) ^ w1;
  h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f) ^ w0;
  h = Math.imul(h ^ (h >>> 15), 0x165667b1);
  return (h ^ (h >>> 16)) & 0x7fffffff;
}

/** The slot of a key, or the empty slot where it would go. */
function slotOf<T>(m: AddressMap<T>, scope: number, w0: number, w1: number, w2: number, w3: number): number {
  const keys = m.keys;
  let slot = hash(scope, w0, w1, w2, w3) & m.mask;
  while (m.values[slot] !== undefined) {
    const at = slot * WORDS;
    if (keys[at + 4] === w3 && keys[at + 3] === w2 && keys[at + 2] === w1 && keys[at + 1] === w0) {
      if (keys[at] === scope) return slot;
    }
    slot = (slot + 1) & m.mask;
  }
  return slot;
}

/** The value of a key, or undefined. */
export function find<T>(
  m: AddressMap<T>,
  scope: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): T | undefined {
  return m.values[slotOf(m, scope, w0, w1, w2, w3)];
}

function put<T>(m: AddressMap<T>, slot: number, key: readonly number[], value: T): void {
  for (let i = 0; i < WORDS; i++) m.keys[slot * WORDS + i] = key[i] ?? 0;
  m.values[slot] = value;
}

function grow<T>(m: AddressMap<T>): void {
  const { keys, values } = m;
  const slots = (m.mask + 1) * 2;
  m.keys = new Int32Array(slots * WORDS);
  m.values = new Array<T | undefined>(slots).fill(undefined);
  m.mask = slots - 1;
  for (const [slot, value] of values.entries()) {
    if (value === undefined) continue;
    const key = [...keys.subarray(slot * WORDS, (slot + 1) * WORDS)];
    const [scope = 0, w0 = 0, w1 = 0, w2 = 0, w3 = 0] = key;
    put(m, slotOf(m, scope, w0, w1, w2, w3), key, value);
  }
}

/** Sets the value of a key. */
export function set<T>(m: AddressMap<T>, scope: number, words: readonly number[], value: T): void {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  let slot = slotOf(m, scope, w0, w1, w2, w3);
  if (m.values[slot] === undefined) {
    m.size++;
    if (m.size * 2 > m.mask) {
      grow(m);
      slot = slotOf(m, scope, w0, w1, w2, w3);
    }
  }
  put(m, slot, [scope, w0, w1, w2, w3], value);
}

/** Removes a key; the entries behind it close up, so that no tombstones are needed. */
export function unset<T>(m: AddressMap<T>, scope: number, words: readonly number[]): void {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  let hole = slotOf(m, scope, w0, w1, w2, w3);
  if (m.values[hole] === undefined) return;
  m.size--;
  for (let slot = (hole + 1) & m.mask; ; slot = (slot + 1) & m.mask) {
    const value = m.values[slot];
    if (value === undefined) break;
    const key = [...m.keys.subarray(slot * WORDS, (slot + 1) * WORDS)];
    const [s = 0, a = 0, b = 0, c = 0, d = 0] = key;
    const home = hash(s, a, b, c, d) & m.mask;
    if (((slot - home) & m.mask) < ((slot - hole) & m.mask)) continue;
    put(m, hole, key, value);
    hole = slot;
  }
  m.values[hole] = undefined;
}

/** Calls `visit` with every value. */
export function eachValue<T>(m: AddressMap<T>, visit: (value: T) => void): void {
  for (const value of m.values) if (value !== undefined) visit(value);
}
