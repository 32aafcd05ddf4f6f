/**
 * Attribute sets as numbers. What came is known by its raw bytes, so that each set is read once however many
 * prefixes share it; what policy made is known by its canonical bytes, so that equal sets have one number.
 * Sets that nobody uses any more are found by `collect`, not counted.
 */
import type { NextHop, PathAttributes } from '../wire/attribute.ts';
import { readAttributes } from '../wire/read-attributes.ts';
import { nextHopBytes, writeAttributes } from '../wire/write-attributes.ts';

export interface AttributeSets {
  /**
   * Records that were read lately, by number modulo their count; the others are read again from their bytes.
   */
  readonly recent: (PathAttributes | undefined)[];
  readonly recentIds: Int32Array;
  /** Numbers ever used. */
  used: number;
  /** The next hop of each set. */
  readonly hops: (NextHop | undefined)[];
  readonly hopsByWord: Map<number, NextHop>;
  /** What routes with these raw bytes come to instead, where they cannot be used. */
  readonly faults: (string | undefined)[];
  readonly free: number[];
  hashes: Uint32Array;
  offsets: Uint32Array;
  sizes: Uint32Array;
  arena: Uint8Array;
  arenaUsed: number;
  /** Number plus one, or 0. */
  slots: Int32Array;
  live: number;
}

/** Records that are kept: the rest of a full table would cost 100 MB and its share of garbage collection. */
const RECENT = 32768;

export function createAttributeSets(): AttributeSets {
  return {
    recent: [],
    recentIds: new Int32Array(RECENT).fill(-1),
    used: 0,
    hops: [],
    hopsByWord: new Map(),
    faults: [],
    free: [],
    hashes: new Uint32Array(256),
    offsets: new Uint32Array(256),
    sizes: new Uint32Array(256),
    arena: new Uint8Array(16384),
    arenaUsed: 0,
    slots: new Int32Array(1024),
    live: 0,
  };
}

/** FNV-1a over a mark and bytes; the mark keeps sets apart that sessions read differently. */
function hashBytes(mark: number, bytes: Uint8Array, start: number, end: number): number {
  let h = Math.imul(2166136261 ^ mark, 16777619);
  for (let i = start; i < end; i++) h = Math.imul(h ^ (bytes[i] as number), 16777619);
  return (h ^ (h >>> 15)) >>> 0;
}

/** The number of the set with these bytes, or -1. */
export function findSet(
  sets: AttributeSets,
  mark: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const hashed = hashBytes(mark, bytes, start, end);
  const mask = sets.slots.length - 1;
  for (let at = hashed & mask; ; at = (at + 1) & mask) {
    const slot = sets.slots[at] as number;
    if (slot === 0) return -1;
    if (sets.hashes[slot - 1] === hashed && sameBytes(sets, slot - 1, mark, bytes, start, end))
      return slot - 1;
  }
}

function sameBytes(
  { arena, offsets, sizes }: AttributeSets,
  id: number,
  mark: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const at = offsets[id] as number;
  if (sizes[id] !== end - start + 1 || arena[at] !== mark) return false;
  for (let i = start; i < end; i++) {
    if (arena[at + 1 + i - start] !== bytes[i]) return false;
  }
  return true;
}

/** Gives the set with these bytes a number; the bytes are copied. */
export function addSet(
  sets: AttributeSets,
  mark: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  value: { readonly record?: PathAttributes; readonly fault?: string; readonly hop?: NextHop | undefined },
): number {
  if ((sets.live + 1) * 2 > sets.slots.length) rehash(sets, sets.slots.length * 2);
  const id = sets.free.pop() ?? sets.used++;
  if (id >= sets.hashes.length) grow(sets);
  const size = end - start + 1;
  while (sets.arenaUsed + size > sets.arena.length) {
    const arena = new Uint8Array(sets.arena.length * 2);
    arena.set(sets.arena);
    sets.arena = arena;
  }
  sets.arena[sets.arenaUsed] = mark;
  sets.arena.set(bytes.subarray(start, end), sets.arenaUsed + 1);
  sets.offsets[id] = sets.arenaUsed;
  sets.sizes[id] = size;
  sets.hashes[id] = hashBytes(mark, bytes, start, end);
  sets.arenaUsed += size;
  if (value.record === undefined) forget(sets, id);
  else remember(sets, id, value.record);
  sets.faults[id] = value.fault;
  sets.hops[id] = sharedHop(sets, value.hop ?? value.record?.nextHop);
  sets.live++;
  place(sets, id);
  return id;
}

function place({ slots, hashes }: AttributeSets, id: number): void {
  const mask = slots.length - 1;
  let at = (hashes[id] as number) & mask;
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = id + 1;
}

function grow(sets: AttributeSets): void {
  const wider = (old: Uint32Array): Uint32Array => {
    const next = new Uint32Array(old.length * 2);
    next.set(old);
    return next;
  };
  sets.hashes = wider(sets.hashes);
  sets.offsets = wider(sets.offsets);
  sets.sizes = wider(sets.sizes);
}

function rehash(sets: AttributeSets, size: number): void {
  sets.slots = new Int32Array(size);
  for (let id = 0; id < sets.used; id++) {
    if (sets.sizes[id] !== 0) place(sets, id);
  }
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
  const written = writeAttributes(record, { as4: true, inMpReach: false });
  const bytes = hop?.family === 'ipv6' ? Uint8Array.from([...written, ...nextHopBytes(hop)]) : written;
  const found = findSet(sets, MADE, bytes, 0, bytes.length);
  if (found >= 0) return found;
  return addSet(sets, MADE, bytes, 0, bytes.length, isKept ? { record } : { hop });
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

/**
 * The attributes of a set that policy made, as `internRecord` wrote them; valid until the next set is added.
 */
export function encodedOf({ arena, offsets, sizes, hops }: AttributeSets, id: number): Uint8Array {
  const hop = hops[id];
  const at = (offsets[id] as number) + 1;
  return arena.subarray(at, at + (sizes[id] as number) - 1 - tailOf(hop, MADE));
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
  const start = sets.offsets[id] as number;
  const mark = sets.arena[start] as number;
  const context = mark === MADE ? OWN : { as4: (mark & 1) !== 0, ibgp: (mark & 2) !== 0, acceptSets: false };
  const hop = sets.hops[id];
  const tail = tailOf(hop, mark);
  const end = start + (sets.sizes[id] as number) - tail;
  const read = readAttributes(sets.arena, start + 1, end, context, tail === 0 ? undefined : hop, false);
  if (read.kind !== 'ok') throw new Error(`attribute set ${id} is not in use`);
  remember(sets, id, read.attributes);
  return read.attributes;
}

/** What we made reads back whatever it holds. */
const OWN = { as4: true, ibgp: true, acceptSets: true };

/** Forgets all sets but those marked; numbers of the forgotten are given out again. */
export function collect(sets: AttributeSets, marked: Uint8Array): void {
  const { arena, offsets, sizes } = sets;
  const order: number[] = [];
  for (let id = 0; id < sets.used; id++) {
    if (sizes[id] === 0) continue;
    if (marked[id] === 1) order.push(id);
    else {
      forget(sets, id);
      sets.faults[id] = undefined;
      sets.hops[id] = undefined;
      sizes[id] = 0;
      sets.free.push(id);
    }
  }
  const kept = new Uint8Array(arena.length);
  let used = 0;
  for (const id of order) {
    const at = offsets[id] as number;
    const size = sizes[id] as number;
    kept.set(arena.subarray(at, at + size), used);
    offsets[id] = used;
    used += size;
  }
  sets.arena = kept;
  sets.arenaUsed = used;
  sets.live = order.length;
  rehash(sets, sets.slots.length);
}
