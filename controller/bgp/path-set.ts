/**
 * The paths of a peer as a set of their numbers: a bit for each, in pages that exist where there are some. To
 * go through it costs a step for each path that it holds, and one for 32 that it does not.
 */

/** Pages in order; each has a word for 32 numbers. */
export type PathSet = (Int32Array | undefined)[];

/** Numbers of a page: 4 KiB. */
const PAGE_BITS = 15;
const PAGE_WORDS = 2 ** (PAGE_BITS - 5);

const wordIn = (path: number): number => (path >>> 5) & (PAGE_WORDS - 1);

export function insertPath(set: PathSet, path: number): void {
  const index = path >>> PAGE_BITS;
  while (set.length < index) set.push(undefined);
  const page = set[index] ?? new Int32Array(PAGE_WORDS);
  set[index] = page;
  page[wordIn(path)] = (page[wordIn(path)] as number) | (1 << (path & 31));
}

/** Takes a path out that is there. */
export function deletePath(set: PathSet, path: number): void {
  const page = set[path >>> PAGE_BITS] as Int32Array;
  page[wordIn(path)] = (page[wordIn(path)] as number) & ~(1 << (path & 31));
}

/** The first path from a number on, or -1. */
export function nextPath(set: PathSet, from: number): number {
  for (let index = from >>> PAGE_BITS, first = from; index < set.length; first = ++index << PAGE_BITS) {
    const page = set[index];
    if (page === undefined) continue;
    // Of the first word only the bits from `first` on count.
    let bits = (page[wordIn(first)] as number) & (-1 << (first & 31));
    for (let word = wordIn(first); ; bits = page[word] as number) {
      if (bits !== 0) return (index << PAGE_BITS) + (word << 5) + 31 - Math.clz32(bits & -bits);
      if (++word === PAGE_WORDS) break;
    }
  }
  return -1;
}
