/**
 * A binary heap of things to do, ordered by (at, seq): what was scheduled first for an instant runs first.
 * No clock.
 */
import type { Instant } from '../../controller/base/time.ts';

export interface Entry {
  readonly at: Instant;
  readonly seq: number;
  readonly run: () => void;
}

/** The heap's storage; only this file looks inside. */
export type Heap = Entry[];

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

/** The entry that runs next, without removing it. */
export const peek = (heap: Heap): Entry | undefined => heap[0];

export function push(heap: Heap, entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

export function pop(heap: Heap): Entry | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    let below = heap[child];
    if (below === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, below)) {
      child += 1;
      below = right;
    }
    if (!before(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
  return first;
}
