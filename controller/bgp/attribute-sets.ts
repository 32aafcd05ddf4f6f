/**
 * Attribute sets as numbers. What came is known by its raw bytes, so that each set is read once however many
 * prefixes share it; what policy made is known by its canonical bytes, so that equal sets have one number.
 * Sets that nobody uses any more are found by `rib-tidy.ts`, not counted.
 */
import type { NextHop, PathAttributes } from '../wire/attribute.ts';
import { readAttributes } from '../wire/read-attributes.ts';
import { nextHopBytes, writeForNow } from '../wire/write-attributes.ts';
import { type Arena, allocate, blockOf, createArena, placeOf, release } from './arena.ts';
import { FIRST_ROOM, type Growth, growFor, newGrowth, type Widen, wider } from './columns.ts';
import { createSlots, type HashSlots, placeIn, removeFrom, segmentOf } from './hash-slots.ts';

export interface AttributeSets {
  /**
   * Records that were read lately, by number modulo their count; the others are read again from their bytes.
   */
  readonly recent: (PathAttributes | undefined)[];
  readonly recentIds: Int32Array;
  /** Numbers ever used. */
  used: number;
  live: number;
  readonly free: number[];
  /** The next hop of each set. */
  readonly hops: (NextHop | undefined)[];
  readonly hopsByWord: Map<number, NextHop>;
  /** What routes with these raw bytes come to instead, where they cannot be used. */
  readonly faults: Map<number, string>;
  /** Where a set lies, its mark first. */
  readonly arena: Arena;
  offsets: Uint32Array;
  /** Bytes of a set with its mark; 0 where the number is free. */
  sizes: Uint32Array;
  readonly slots: HashSlots;
  readonly growth: Growth;
  /** While unused sets are looked for: 1 for those that are in use for all that is known. */
  marks: Uint8Array;
  isMarking: boolean;
}

/** Records that are kept: those of a full table would cost 100 MB and their share of garbage collection. */
const RECENT = 1024;

const COLUMNS: readonly Widen<AttributeSets>[] = [
  (sets, size) => {
    sets.offsets = wider(sets.offsets, size);
  },
  (sets, size) => {
    sets.sizes = wider(sets.sizes, size);
  },
  (sets, size) => {
    sets.marks = wider(sets.marks, size);
  },
];

export function createAttributeSets(): AttributeSets {
  return {
    recent: [],
    recentIds: new Int32Array(RECENT).fill(-1),
    used: 0,
    live: 0,
    free: [],
    hops: [],
    hopsByWord: new Map(),
    faults: new Map(),
    arena: createArena(),
    offsets: new Uint32Array(FIRST_ROOM),
    sizes: new Uint32Array(FIRST_ROOM),
    slots: createSlots(),
    marks: new Uint8Array(FIRST_ROOM),
    growth: newGrowth(COLUMNS),
    isMarking: false,
  };
}

/** The bytes of a set, `start` to `end`; the mark keeps sets apart that sessions read differently. */
export interface SetKey {
  readonly mark: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

export const keyOf = (mark: number, bytes: Uint8Array, start: number, end: number): SetKey => ({
  mark,
  bytes,
  start,
  end,
  hash: hashBytes(mark, bytes, start, end),
});

/** Over the mark and the bytes, four at a time: multiplied and turned, so that each changes all bits. */
function hashBytes(mark: number, bytes: Uint8Array, start: number, end: number): number {
  let h = mark;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
    h = Math.imul(h ^ (low | (high << 16)), 0x85ebca6b);
    h = (h << 13) | (h >>> 19);
  }
  for (; at < end; at++) h = Math.imul(h ^ (bytes[at] as number), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return (h ^ (h >>> 13)) >>> 0;
}

/** The number of the set with these bytes, or -1. */
export function findSet(sets: AttributeSets, key: SetKey): number {
  const { hash } = key;
  const segment = segmentOf(sets.slots, hash);
  const mask = segment.length / 2 - 1;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const value = segment[2 * at + 1] as number;
    if (value === 0) return -1;
    if (value < 0 || segment[2 * at] !== (hash | 0) || !sameBytes(sets, value - 1, key)) continue;
    markSet(sets, value - 1);
    return value - 1;
  }
}

function sameBytes(
  { arena, offsets, sizes }: AttributeSets,
  id: number,
  { mark, bytes, start, end }: SetKey,
): boolean {
  if (sizes[id] !== end - start + 1) return false;
  const offset = offsets[id] as number;
  const block = blockOf(arena, offset);
  const at = placeOf(offset);
  if (block[at] !== mark) return false;
  for (let i = start; i < end; i++) {
    if (block[at + 1 + i - start] !== bytes[i]) return false;
  }
  return true;
}

/** Says that a set is in use: while unused ones are looked for, also of what is referred to meanwhile. */
export function markSet(sets: AttributeSets, id: number): void {
  if (sets.isMarking) sets.marks[id] = 1;
}

/** What is known of a new set; of its record only until another one takes its place. */
interface SetValue {
  readonly record?: PathAttributes;
  readonly fault?: string;
  readonly hop?: NextHop | undefined;
}

/** Gives the set with these bytes a number; the bytes are copied. */
export function addSet(sets: AttributeSets, key: SetKey, { record, fault, hop }: SetValue): number {
  const { mark, bytes, start, end, hash } = key;
  const id = sets.free.pop() ?? sets.used++;
  if (id >= sets.growth.at) growFor(sets, sets.growth, COLUMNS, id);
  const size = end - start + 1;
  const offset = allocate(sets.arena, size);
  const block = blockOf(sets.arena, offset);
  const at = placeOf(offset);
  block[at] = mark;
  for (let i = start; i < end; i++) block[at + 1 + i - start] = bytes[i] as number;
  sets.offsets[id] = offset;
  sets.sizes[id] = size;
  if (record === undefined) forget(sets, id);
  else remember(sets, id, record);
  if (fault !== undefined) sets.faults.set(id, fault);
  sets.hops[id] = sharedHop(sets, hop ?? record?.nextHop);
  sets.live++;
  placeIn(sets.slots, hash, id);
  markSet(sets, id);
  return id;
}

/** Marks for `findSet`: what a session of that kind sent, and what we made ourselves. */
export const receivedMark = (as4: boolean, ibgp: boolean, mpReach: boolean): number =>
  (as4 ? 1 : 0) | (ibgp ? 2 : 0) | (mpReach ? 4 : 0);
const MADE = 255;

/**
 * The number of a set that policy made; equal sets have one number. Its bytes are the attributes as they are
 * sent with 4-octet AS numbers, and the next hop behind them where MP_REACH_NLRI will hold it. `isKept`: the
 * record is wanted again soon; of what is only sent the bytes suffice.
 */
export function internRecord(sets: AttributeSets, record: PathAttributes, isKept = true): number {
  const hop = record.nextHop;
  const behind = hop?.family === 'ipv6' ? nextHopBytes(hop) : [];
  const { bytes, end } = writeForNow(record, { as4: true, inMpReach: false }, behind);
  const key = keyOf(MADE, bytes, 0, end);
  const found = findSet(sets, key);
  return found >= 0 ? found : addSet(sets, key, isKept ? { record } : { hop });
}

/**
 * Octets behind the attributes that name the next hop of MP_REACH_NLRI; two zeros before it where a peer sent
 * it.
 */
function tailOf(hop: NextHop | undefined, mark: number): number {
  const hasTail = mark === MADE ? hop?.family === 'ipv6' : (mark & 4) !== 0;
  if (!hasTail || hop === undefined) return 0;
  const size = hop.family === 'ipv4' ? 4 : hop.linkLocal === undefined ? 16 : 32;
  return size + (mark === MADE ? 0 : 2);
}

/** Where the attributes of a set lie that policy made, as `internRecord` wrote them. */
export function encodedOf(
  { arena, offsets, sizes, hops }: AttributeSets,
  id: number,
): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } {
  const offset = offsets[id] as number;
  const start = placeOf(offset) + 1;
  const end = start + (sizes[id] as number) - 1 - tailOf(hops[id], MADE);
  return { bytes: blockOf(arena, offset), start, end };
}

function remember({ recent, recentIds }: AttributeSets, id: number, record: PathAttributes): void {
  recent[id % RECENT] = record;
  recentIds[id % RECENT] = id;
}

function forget({ recentIds }: AttributeSets, id: number): void {
  if (recentIds[id % RECENT] === id) recentIds[id % RECENT] = -1;
}

/** One object for each IPv4 next hop: a table has few. */
function sharedHop({ hopsByWord }: AttributeSets, hop: NextHop | undefined): NextHop | undefined {
  if (hop?.family !== 'ipv4') return hop;
  const kept = hopsByWord.get(hop.words[3]);
  if (kept !== undefined) return kept;
  hopsByWord.set(hop.words[3], hop);
  return hop;
}

/** The attributes of a number that is in use and has no fault. */
export function recordOf(sets: AttributeSets, id: number): PathAttributes {
  const kept = sets.recentIds[id % RECENT] === id ? sets.recent[id % RECENT] : undefined;
  if (kept !== undefined) return kept;
  const offset = sets.offsets[id] as number;
  const block = blockOf(sets.arena, offset);
  const start = placeOf(offset);
  const mark = block[start] as number;
  const context = mark === MADE ? OWN : { as4: (mark & 1) !== 0, ibgp: (mark & 2) !== 0, acceptSets: false };
  const hop = sets.hops[id];
  const tail = tailOf(hop, mark);
  const end = start + (sets.sizes[id] as number) - tail;
  const read = readAttributes(block, start + 1, end, context, tail === 0 ? undefined : hop, false);
  if (read.kind !== 'ok') throw new Error(`attribute set ${id} is not in use`);
  remember(sets, id, read.attributes);
  return read.attributes;
}

/** What we made reads back whatever it holds. */
const OWN = { as4: true, ibgp: true, acceptSets: true };

/** Looks for unused sets from here on: whoever uses one says so by `markSet`, until `endMarking`. */
export function beginMarking(sets: AttributeSets): void {
  sets.marks.fill(0);
  sets.isMarking = true;
}

export function endMarking(sets: AttributeSets): void {
  sets.isMarking = false;
}

/** Gives a number back that nobody has marked; says whether it did. */
export function freeUnmarked(sets: AttributeSets, id: number): boolean {
  const size = sets.sizes[id] as number;
  if (size === 0 || sets.marks[id] === 1) return false;
  const offset = sets.offsets[id] as number;
  const start = placeOf(offset);
  const block = blockOf(sets.arena, offset);
  removeFrom(sets.slots, hashBytes(block[start] as number, block, start + 1, start + size), id);
  release(sets.arena, offset, size);
  forget(sets, id);
  sets.faults.delete(id);
  sets.hops[id] = undefined;
  sets.sizes[id] = 0;
  sets.free.push(id);
  sets.live--;
  return true;
}
