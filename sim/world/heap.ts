/**
 * A binary heap of things to do, ordered by (at, rank, seq): of what has the same rank, what was
 * scheduled first for an instant runs first. No clock.
 */
import type { Instant } from '../../controller/base/time.ts';

export interface Entry {
  readonly at: Instant;
  /** Absent: 0. */
  readonly rank?: number;
  readonly seq: number;
  readonly run: () => void;
  /** It will not run, and counts as if it were not there. */
  cancelled?: boolean;
}

/** The heap's storage; only this file looks inside. */
export type Heap = Entry[];

function before(a: Entry, b: Entry): boolean {
  if (a.at !== b.at) return a.at < b.at;
  const [first, second] = [a.rank ?? 0, b.rank ?? 0];
  return first < second || (first === second && a.seq < b.seq);
}

/** The entry that runs next, without removing it; what was cancelled is removed on the way. */
export function peek(heap: Heap): Entry | undefined {
  while (heap[0]?.cancelled) pop(heap);
  return heap[0];
}

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
