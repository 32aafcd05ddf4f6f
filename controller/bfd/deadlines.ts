/**
 * A binary heap of things with a deadline each, which know their own place in it, so that one can be moved
 * or taken out without a search. No clock.
 */
import type { Instant } from '../base/time.ts';

/** What the heap keeps: `wakeAt` and `place` belong to it; place -1 means not in the heap. */
export interface Waiting {
  wakeAt: Instant;
  place: number;
}

export type Deadlines<T extends Waiting> = T[];

/** Sets the deadline of an item, which joins, moves, or leaves (Infinity). O(log n). */
export function wakeAt<T extends Waiting>(heap: Deadlines<T>, item: T, at: Instant): void {
  if (item.place >= 0 && item.wakeAt === at) return;
  if (at === Infinity) {
    remove(heap, item);
    return;
  }
  item.wakeAt = at;
  if (item.place < 0) {
    item.place = heap.length;
    heap.push(item);
  }
  settle(heap, item);
}

/** The deadline of the first item. */
export const firstDeadline = <T extends Waiting>(heap: Deadlines<T>): Instant | undefined => heap[0]?.wakeAt;

function remove<T extends Waiting>(heap: Deadlines<T>, item: T): void {
  const { place } = item;
  if (place < 0) return;
  item.place = -1;
  const last = heap.pop();
  if (last === undefined || last === item) return;
  last.place = place;
  heap[place] = last;
  settle(heap, last);
}

function put<T extends Waiting>(heap: Deadlines<T>, item: T, place: number): void {
  heap[place] = item;
  item.place = place;
}

/** Moves an item up or down to where it belongs. */
function settle<T extends Waiting>(heap: Deadlines<T>, item: T): void {
  let place = item.place;
  for (let parent = (place - 1) >> 1; place > 0; parent = (place - 1) >> 1) {
    const above = heap[parent];
    if (above === undefined || above.wakeAt <= item.wakeAt) break;
    put(heap, above, place);
    place = parent;
  }
  for (;;) {
    const left = heap[2 * place + 1];
    const right = heap[2 * place + 2];
    const below = right !== undefined && left !== undefined && right.wakeAt < left.wakeAt ? right : left;
    if (below === undefined || below.wakeAt >= item.wakeAt) break;
    const next = below.place;
    put(heap, below, place);
    place = next;
  }
  put(heap, item, place);
}
