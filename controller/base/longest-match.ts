/**
 * Longest-prefix match: a path-compressed binary trie per address family. Insertion and removal touch one
 * path; a lookup allocates nothing and visits about log2(entries) nodes. It owns its nodes and mutates them;
 * it does not notify anybody.
 *
 * Keys are the four words of an address as *signed* 32-bit integers, so that engines keep them unboxed.
 */
import { type Address, mask, type Prefix } from './ip.ts';

export interface Match<T> {
  readonly prefix: Prefix;
  readonly value: T;
}

/** The words of a prefix and its mask, as signed 32-bit integers, for comparisons that allocate nothing. */
export interface Masked {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  readonly m0: number;
  readonly m1: number;
  readonly m2: number;
  readonly m3: number;
}

interface Node<T> extends Masked {
  /** Significant bits out of 128; an IPv4 prefix of length n has 96 + n. */
  readonly bits: number;
  entry: Match<T> | undefined;
  zero: Node<T> | undefined;
  one: Node<T> | undefined;
}

/** One trie; keep one for each family, since an IPv4 address looks like a low IPv6 address here. */
export interface LongestMatch<T> {
  root: Node<T> | undefined;
  size: number;
}

export const createLongestMatch = <T>(): LongestMatch<T> => ({ root: undefined, size: 0 });

/** The bits of a prefix out of 128. */
const bitsOf = (prefix: Prefix): number => prefix.length + (prefix.address.family === 4 ? 96 : 0);

const maskWord = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits));

/** The first `bits` of 128 of an address; those of an IPv4 address begin at bit 96. */
export function masked(address: Address, bits: number): Masked {
  const length = address.family === 4 ? bits - 96 : bits;
  const [a, b, c, d] = length < 0 ? [0, 0, 0, 0] : mask(address, length).words;
  return {
    w0: a | 0,
    w1: b | 0,
    w2: c | 0,
    w3: d | 0,
    m0: maskWord(bits),
    m1: maskWord(bits - 32),
    m2: maskWord(bits - 64),
    m3: maskWord(bits - 96),
  };
}

/** Field by field: a literal with a spread gives every node a hidden class of its own. */
function createNode<T>(address: Address, bits: number, entry: Match<T> | undefined): Node<T> {
  const { w0, w1, w2, w3, m0, m1, m2, m3 } = masked(address, bits);
  return { w0, w1, w2, w3, m0, m1, m2, m3, bits, entry, zero: undefined, one: undefined };
}

function bitAt(index: number, w0: number, w1: number, w2: number, w3: number): number {
  const word = index >= 96 ? w3 : index >= 64 ? w2 : index >= 32 ? w1 : w0;
  return (word >>> (31 - (index & 31))) & 1;
}

/** How many leading bits two nodes share, at most the shorter one's. */
function sharedBits<T>(a: Node<T>, b: Node<T>): number {
  const limit = Math.min(a.bits, b.bits);
  if (a.w0 !== b.w0) return Math.min(limit, Math.clz32(a.w0 ^ b.w0));
  if (a.w1 !== b.w1) return Math.min(limit, 32 + Math.clz32(a.w1 ^ b.w1));
  if (a.w2 !== b.w2) return Math.min(limit, 64 + Math.clz32(a.w2 ^ b.w2));
  if (a.w3 !== b.w3) return Math.min(limit, 96 + Math.clz32(a.w3 ^ b.w3));
  return limit;
}

function adopt<T>(parent: Node<T>, child: Node<T>): void {
  if (bitAt(parent.bits, child.w0, child.w1, child.w2, child.w3) === 0) parent.zero = child;
  else parent.one = child;
}

/** Sets the value of a prefix, replacing any value it has. */
export function insert<T>(table: LongestMatch<T>, prefix: Prefix, value: T): void {
  const fresh = createNode(prefix.address, bitsOf(prefix), { prefix, value });
  const attach = (parent: Node<T> | undefined, node: Node<T>): void => {
    if (parent === undefined) table.root = node;
    else adopt(parent, node);
  };
  let parent: Node<T> | undefined;
  let node = table.root;
  while (node !== undefined) {
    const shared = sharedBits(node, fresh);
    if (shared < node.bits) {
      table.size++;
      if (shared === fresh.bits) {
        adopt(fresh, node);
        attach(parent, fresh);
        return;
      }
      const fork = createNode<T>(prefix.address, shared, undefined);
      adopt(fork, node);
      adopt(fork, fresh);
      attach(parent, fork);
      return;
    }
    if (node.bits === fresh.bits) {
      if (node.entry === undefined) table.size++;
      node.entry = fresh.entry;
      return;
    }
    parent = node;
    node = bitAt(node.bits, fresh.w0, fresh.w1, fresh.w2, fresh.w3) === 0 ? node.zero : node.one;
  }
  table.size++;
  attach(parent, fresh);
}

/** Removes a prefix; false where it was absent. */
export function remove<T>(table: LongestMatch<T>, prefix: Prefix): boolean {
  const key = createNode<T>(prefix.address, bitsOf(prefix), undefined);
  let grandparent: Node<T> | undefined;
  let parent: Node<T> | undefined;
  let node = table.root;
  while (node !== undefined && node.bits < key.bits && sharedBits(node, key) === node.bits) {
    grandparent = parent;
    parent = node;
    node = bitAt(node.bits, key.w0, key.w1, key.w2, key.w3) === 0 ? node.zero : node.one;
  }
  if (node?.entry === undefined || node.bits !== key.bits || sharedBits(node, key) !== key.bits) return false;
  node.entry = undefined;
  table.size--;
  const replace = (above: Node<T> | undefined, old: Node<T>, by: Node<T> | undefined): void => {
    if (above === undefined) table.root = by;
    else if (above.zero === old) above.zero = by;
    else above.one = by;
  };
  if (node.zero === undefined || node.one === undefined) replace(parent, node, node.zero ?? node.one);
  if (
    parent !== undefined &&
    parent.entry === undefined &&
    (parent.zero === undefined || parent.one === undefined)
  ) {
    replace(grandparent, parent, parent.zero ?? parent.one);
  }
  return true;
}

/** The entry with the longest prefix that contains the address, given as four signed words. */
export function lookup<T>(
  table: LongestMatch<T>,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): Match<T> | undefined {
  let best: Match<T> | undefined;
  let node = table.root;
  while (node !== undefined) {
    if (((w3 ^ node.w3) & node.m3) !== 0 || ((w2 ^ node.w2) & node.m2) !== 0) break;
    if (((w1 ^ node.w1) & node.m1) !== 0 || ((w0 ^ node.w0) & node.m0) !== 0) break;
    if (node.entry !== undefined) best = node.entry;
    node = bitAt(node.bits, w0, w1, w2, w3) === 0 ? node.zero : node.one;
  }
  return best;
}

/** Whether an IPv4 trie has an entry for everything, 0.0.0.0/0. */
export const hasDefault = <T>({ root }: LongestMatch<T>): boolean =>
  root !== undefined && root.bits === 96 && root.entry !== undefined;

/** All entries, shorter prefixes before the longer ones that they contain. */
export function* entries<T>(table: LongestMatch<T>): Generator<Match<T>> {
  const pending = [table.root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (node === undefined) continue;
    if (node.entry !== undefined) yield node.entry;
    pending.push(node.one, node.zero);
  }
}
