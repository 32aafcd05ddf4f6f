/**
 * Many small pieces of bytes in blocks of a megabyte: to take more copies nothing, and what is given back
 * serves for pieces of about its size.
 */

export interface Arena {
  readonly blocks: Uint8Array[];
  /** Bytes of the last block that were given out. */
  used: number;
  /** Offsets that were given back, by units. */
  readonly free: Map<number, number[]>;
}

const BLOCK_BITS = 20;
const BLOCK = 2 ** BLOCK_BITS;
const UNIT = 16;

export const createArena = (): Arena => ({ blocks: [], used: BLOCK, free: new Map() });

const unitsOf = (size: number): number => Math.ceil(size / UNIT);

/** The offset of a piece of `size` bytes, a megabyte at most. */
export function allocate(arena: Arena, size: number): number {
  const units = unitsOf(size);
  const given = arena.free.get(units)?.pop();
  if (given !== undefined) return given;
  if (arena.used + units * UNIT > BLOCK) {
    arena.blocks.push(new Uint8Array(BLOCK));
    arena.used = 0;
  }
  const offset = (arena.blocks.length - 1) * BLOCK + arena.used;
  arena.used += units * UNIT;
  return offset;
}

/** Gives a piece back. */
export function release({ free }: Arena, offset: number, size: number): void {
  const units = unitsOf(size);
  const list = free.get(units);
  if (list === undefined) free.set(units, [offset]);
  else list.push(offset);
}

/** The block that a piece lies in, as a whole, from `placeOf` on. */
export const blockOf = ({ blocks }: Arena, offset: number): Uint8Array =>
  blocks[offset >>> BLOCK_BITS] as Uint8Array;

export const placeOf = (offset: number): number => offset & (BLOCK - 1);
