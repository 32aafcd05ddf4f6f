/**
 * Attribute sets as numbers. What came is known by its raw bytes, so that each set is read once however many prefixes
 * share it; what policy made is known by its canonical bytes, so that equal sets have one number. Sets that nobody
 * uses any more are found by `collect`, not counted.
 */
import { type NextHop, ORIGIN_NAMES, type PathAttributes } from '../wire/attribute.ts';
import { nextHopBytes, writeAttributes } from '../wire/write-attributes.ts';

export interface AttributeSets {
  /** By number; absent where it is free. */
  readonly records: (PathAttributes | undefined)[];
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

export function createAttributeSets(): AttributeSets {
  return {
    records: [],
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
  value: { readonly record?: PathAttributes; readonly fault?: string },
): number {
  if ((sets.live + 1) * 2 > sets.slots.length) rehash(sets, sets.slots.length * 2);
  const id = sets.free.pop() ?? sets.records.length;
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
  sets.records[id] = value.record;
  sets.faults[id] = value.fault;
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
  for (let id = 0; id < sets.records.length; id++) {
    if (sets.records[id] !== undefined || sets.faults[id] !== undefined) place(sets, id);
  }
}

/** Marks for `findSet`: what a session of that kind sent, and what we made ourselves. */
export const receivedMark = (as4: boolean, ibgp: boolean, acceptSets: boolean): number =>
  (as4 ? 1 : 0) | (ibgp ? 2 : 0) | (acceptSets ? 4 : 0);
const MADE = 255;

/** The number of a set that policy made; equal sets have one number. */
export function internRecord(sets: AttributeSets, record: PathAttributes): number {
  const written = writeAttributes(record, { as4: true, inMpReach: true });
  const hop =
    record.nextHop === undefined ? [] : [record.nextHop.family === 'ipv4' ? 4 : 6, ...hopOf(record.nextHop)];
  const bytes = new Uint8Array(written.length + hop.length);
  bytes.set(written);
  bytes.set(hop, written.length);
  const found = findSet(sets, MADE, bytes, 0, bytes.length);
  return found >= 0 ? found : addSet(sets, MADE, bytes, 0, bytes.length, { record });
}

const hopOf = (hop: NextHop): readonly number[] => nextHopBytes(hop);

/** The record of a number that is in use. */
export function recordOf({ records }: AttributeSets, id: number): PathAttributes {
  const record = records[id];
  if (record === undefined) throw new Error(`attribute set ${id} is not in use`);
  return record;
}

/** Forgets all sets but those marked; numbers of the forgotten are given out again. */
export function collect(sets: AttributeSets, marked: Uint8Array): void {
  const { arena, offsets, sizes } = sets;
  const order: number[] = [];
  for (let id = 0; id < sets.records.length; id++) {
    const inUse = sets.records[id] !== undefined || sets.faults[id] !== undefined;
    if (!inUse) continue;
    if (marked[id] === 1) order.push(id);
    else {
      sets.records[id] = undefined;
      sets.faults[id] = undefined;
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

/** The attributes in words that people read. */
export const originName = ({ origin }: PathAttributes): string => ORIGIN_NAMES[origin];
