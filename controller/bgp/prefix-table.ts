/**
 * Prefixes of one family as dense numbers. A number stays with its prefix until `release`; columns elsewhere
 * are indexed by it. Exact match only: BGP needs no other.
 */
import { FIRST_ROOM, type Growth, growFor, newGrowth, type Widen, wider } from './columns.ts';
import { createSlots, type HashSlots, placeIn, removeFrom, segmentOf } from './hash-slots.ts';
import type { Family } from './options.ts';

export interface PrefixTable {
  readonly family: Family;
  /** Words of a prefix: one for IPv4, four for IPv6. */
  readonly width: 1 | 4;
  words: Uint32Array;
  /** Prefix length plus one; 0 where the number is free. */
  lengths: Uint8Array;
  readonly growth: Growth;
  /** Numbers ever used: all below are valid or free. */
  used: number;
  live: number;
  readonly free: number[];
  readonly slots: HashSlots;
}

const COLUMNS: readonly Widen<PrefixTable>[] = [
  (table, size) => {
    table.words = wider(table.words, size * table.width);
  },
  (table, size) => {
    table.lengths = wider(table.lengths, size);
  },
];

export function createPrefixTable(family: Family): PrefixTable {
  const width = family === 'ipv4' ? 1 : 4;
  return {
    family,
    width,
    words: new Uint32Array(FIRST_ROOM * width),
    lengths: new Uint8Array(FIRST_ROOM),
    growth: newGrowth(COLUMNS),
    used: 0,
    live: 0,
    free: [],
    slots: createSlots(),
  };
}

function hash(length: number, w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(w3 ^ (length * 0x9e3779b1), 0x85ebca6b);
  if ((w0 | w1 | w2) !== 0)
    h = Math.imul(h ^ w0, 0xc2b2ae35) ^ Math.imul(w1, 0x27d4eb2f) ^ Math.imul(w2, 0x165667b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

function matches(
  table: PrefixTable,
  id: number,
  length: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): boolean {
  if (table.lengths[id] !== length + 1) return false;
  if (table.width === 1) return table.words[id] === w3;
  const at = id * 4;
  const { words } = table;
  return words[at] === w0 && words[at + 1] === w1 && words[at + 2] === w2 && words[at + 3] === w3;
}

/** The number of a prefix, or -1. */
export function findPrefix(
  table: PrefixTable,
  length: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  return findHashed(table, hash(length, w0, w1, w2, w3), length, w0, w1, w2, w3);
}

function findHashed(
  table: PrefixTable,
  hashed: number,
  length: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  const segment = segmentOf(table.slots, hashed);
  const mask = segment.length / 2 - 1;
  for (let at = hashed & mask; ; at = (at + 1) & mask) {
    const value = segment[2 * at + 1] as number;
    if (value === 0) return -1;
    if (value > 0 && segment[2 * at] === (hashed | 0) && matches(table, value - 1, length, w0, w1, w2, w3))
      return value - 1;
  }
}

/** The number of a prefix, a new one where it had none. */
export function internPrefix(
  table: PrefixTable,
  length: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  const hashed = hash(length, w0, w1, w2, w3);
  const found = findHashed(table, hashed, length, w0, w1, w2, w3);
  if (found >= 0) return found;
  const id = table.free.pop() ?? table.used++;
  if (id >= table.growth.at) growFor(table, table.growth, COLUMNS, id);
  table.lengths[id] = length + 1;
  if (table.width === 1) table.words[id] = w3;
  else table.words.set([w0, w1, w2, w3], id * 4);
  table.live++;
  placeIn(table.slots, hashed, id);
  return id;
}

/** One of the four words of a prefix, IPv4 in the last. */
export const wordOf = (table: PrefixTable, id: number, index: number): number =>
  table.width === 1
    ? index === 3
      ? (table.words[id] as number)
      : 0
    : (table.words[id * 4 + index] as number);

const hashOf = (table: PrefixTable, id: number): number =>
  hash(
    (table.lengths[id] as number) - 1,
    wordOf(table, id, 0),
    wordOf(table, id, 1),
    wordOf(table, id, 2),
    wordOf(table, id, 3),
  );

/** Gives the number of a prefix back. */
export function releasePrefix(table: PrefixTable, id: number): void {
  removeFrom(table.slots, hashOf(table, id), id);
  table.lengths[id] = 0;
  table.live--;
  table.free.push(id);
}

export const lengthOf = (table: PrefixTable, id: number): number => (table.lengths[id] as number) - 1;

/** The four words of a prefix, IPv4 in the last. */
export const wordsOf = (table: PrefixTable, id: number): readonly [number, number, number, number] => [
  wordOf(table, id, 0),
  wordOf(table, id, 1),
  wordOf(table, id, 2),
  wordOf(table, id, 3),
];
