/**
 * Numbers by hash, in open addressing over typed arrays: many small tables, each of which grows by itself, so
 * that no step has to put all of a full table into their places anew.
 */

export interface HashSlots {
  /** By the upper bits of the hash; pairs of a hash and a number plus one: 0 is free, -1 was removed. */
  readonly segments: Int32Array[];
  /** Pairs of a segment that are not free, and those of them that hold a number. */
  readonly filled: Int32Array;
  readonly live: Int32Array;
}

const SEGMENT_BITS = 8;
const LEAST_PAIRS = 8;

export function createSlots(): HashSlots {
  const count = 2 ** SEGMENT_BITS;
  return {
    segments: Array.from({ length: count }, () => new Int32Array(2 * LEAST_PAIRS)),
    filled: new Int32Array(count),
    live: new Int32Array(count),
  };
}

/** The segment of a hash: a search begins at `hash`, modulo the pairs, and goes on by one. */
export const segmentOf = ({ segments }: HashSlots, hash: number): Int32Array =>
  segments[hash >>> (32 - SEGMENT_BITS)] as Int32Array;

/** Puts a number that is not there yet. */
export function placeIn(slots: HashSlots, hash: number, id: number): void {
  const index = hash >>> (32 - SEGMENT_BITS);
  const pairs = segmentOf(slots, hash).length / 2;
  if (((slots.filled[index] as number) + 1) * 3 > pairs * 2) rebuild(slots, index);
  put(slots, index, hash | 0, id + 1);
  slots.live[index] = (slots.live[index] as number) + 1;
}

function put({ segments, filled }: HashSlots, index: number, hash: number, value: number): void {
  const segment = segments[index] as Int32Array;
  const mask = segment.length / 2 - 1;
  let at = hash & mask;
  while ((segment[2 * at + 1] as number) > 0) at = (at + 1) & mask;
  if (segment[2 * at + 1] === 0) filled[index] = (filled[index] as number) + 1;
  segment[2 * at] = hash;
  segment[2 * at + 1] = value;
}

/** Without what was removed, and larger where that is not enough. */
function rebuild(slots: HashSlots, index: number): void {
  const old = slots.segments[index] as Int32Array;
  let pairs = LEAST_PAIRS;
  while (((slots.live[index] as number) + 1) * 2 > pairs) pairs *= 2;
  slots.segments[index] = new Int32Array(2 * pairs);
  slots.filled[index] = 0;
  for (let at = 0; at < old.length; at += 2) {
    const value = old[at + 1] as number;
    if (value > 0) put(slots, index, old[at] as number, value);
  }
}

/** Takes a number out that is there. */
export function removeFrom(slots: HashSlots, hash: number, id: number): void {
  const index = hash >>> (32 - SEGMENT_BITS);
  const segment = segmentOf(slots, hash);
  const mask = segment.length / 2 - 1;
  let at = hash & mask;
  while (segment[2 * at + 1] !== id + 1) at = (at + 1) & mask;
  segment[2 * at + 1] = -1;
  slots.live[index] = (slots.live[index] as number) - 1;
}
