/**
 * Columns that are indexed by one number and grow with it: in the second half of their room, one after the
 * other, so that no step has to copy all columns of a full table.
 */

export interface Growth {
  /** Numbers that every column has room for. */
  room: number;
  /** Columns that have twice as much room already. */
  grown: number;
  /** From this number on the next column has to grow. */
  at: number;
}

/** How a column of `owner` gets room for `size` numbers. */
export type Widen<T> = (owner: T, size: number) => void;

type Column = Int32Array | Int16Array | Uint32Array | Uint8Array;

/** Numbers that a column has room for when it is made. */
export const FIRST_ROOM = 256;

export const newGrowth = (columns: readonly unknown[]): Growth => ({
  room: FIRST_ROOM,
  grown: 0,
  at: dueAt(FIRST_ROOM, 0, columns.length),
});

/** Tables that fill together have their columns grow at numbers of their own: by how many they have. */
const dueAt = (room: number, grown: number, count: number): number =>
  Math.floor((room / 2) * (1 + (grown + 1) / (count + 1)));

/** Called when `number` is at `growth.at` or beyond: makes columns grow, so that all have room for it. */
export function growFor<T>(owner: T, growth: Growth, columns: readonly Widen<T>[], number: number): void {
  while (number >= growth.at) {
    columns[growth.grown]?.(owner, growth.room * 2);
    growth.grown++;
    if (growth.grown === columns.length) {
      growth.room *= 2;
      growth.grown = 0;
    }
    growth.at = dueAt(growth.room, growth.grown, columns.length);
  }
}

/** A copy of a column with room for `size` elements. */
export function wider<T extends Column>(old: T, size: number): T {
  const next = new (old.constructor as new (size: number) => T)(size);
  next.set(old as never);
  return next;
}
