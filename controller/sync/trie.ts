/**
 * A path-compressed trie of what a route table holds and should hold: what is announced, routes of others,
 * and our own that are installed.
 */
import type { Address, Prefix } from '../base/ip.ts';
import { masked } from '../base/longest-match.ts';

/** No target: space that nobody announced; where routes are meant, no route. */
export const NONE = -1;
/** The target of one of our routes that nothing announced leads to. */
export const GONE = -2;

/** What is known of a prefix; targets by number. */
export interface Mark {
  readonly at: Prefix;
  readonly announced?: number;
  /** Our route there, or GONE. */
  readonly installed?: number;
  /** A route of somebody else is there. */
  readonly isBarrier?: true;
}

/** Least costs of a node's routes by the target that it inherits: `base`, but for those of `keys`. */
export interface Costs {
  readonly base: number;
  readonly keys: readonly number[];
  readonly values: readonly number[];
  /** The target of the best route here, and what it costs with all below. */
  readonly best: number;
  readonly bestCost: number;
}

/** A node; `bits` out of 128, those of IPv4 begin at 96. */
export interface Node {
  readonly address: Address;
  readonly bits: number;
  announced: number | undefined;
  installed: number;
  isBarrier: boolean;
  /** What packets within it are sent to where nothing below says otherwise. */
  gap: number;
  zero: Node | undefined;
  one: Node | undefined;
  costs: Costs | undefined;
}

/** Orders prefixes of one IP version: a shorter one before those within it. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  const [x, y] = [a.address.words, b.address.words];
  return x[0] - y[0] || x[1] - y[1] || x[2] - y[2] || x[3] - y[3] || a.length - b.length;
}

/** The first `bits` of an address; `flipped`: the last of them is the other one. */
export function prefixAt(address: Address, bits: number, flipped: boolean): Prefix {
  const { w0, w1, w2, w3, m0, m1, m2, m3 } = masked(address, bits);
  const words: [number, number, number, number] = [w0 & m0, w1 & m1, w2 & m2, w3 & m3];
  if (flipped) {
    const index = (bits - 1) >>> 5;
    words[index] = (words[index] ?? 0) ^ (1 << (31 - ((bits - 1) & 31)));
  }
  const [a, b, c, d] = words;
  const length = bits - (address.family === 4 ? 96 : 0);
  return { address: { family: address.family, words: [a >>> 0, b >>> 0, c >>> 0, d >>> 0] }, length };
}

const newNode = (address: Address, bits: number): Node => ({
  address,
  bits,
  announced: undefined,
  installed: NONE,
  isBarrier: false,
  gap: NONE,
  zero: undefined,
  one: undefined,
  costs: undefined,
});

function bitAt({ words }: Address, index: number): number {
  return (((words[index >>> 5] ?? 0) >>> (31 - (index & 31))) & 1) as 0 | 1;
}

/** How many leading bits two addresses share, at most `limit`. */
function sharedBits({ words: a }: Address, { words: b }: Address, limit: number): number {
  if (a[0] !== b[0]) return Math.min(limit, Math.clz32(a[0] ^ b[0]));
  if (a[1] !== b[1]) return Math.min(limit, 32 + Math.clz32(a[1] ^ b[1]));
  if (a[2] !== b[2]) return Math.min(limit, 64 + Math.clz32(a[2] ^ b[2]));
  if (a[3] !== b[3]) return Math.min(limit, 96 + Math.clz32(a[3] ^ b[3]));
  return limit;
}

/** Whether a prefix lies within another of the same IP version, or is it; allocates nothing. */
export function isWithin(outer: Prefix, { address, length }: Prefix): boolean {
  const bits = outer.length + (address.family === 4 ? 96 : 0);
  return length >= outer.length && sharedBits(outer.address, address, bits) === bits;
}

/** The trie of marks of one IP version, which come in the order of `comparePrefixes`. */
export function createTrie(offset: number): { readonly root: Node; readonly put: (mark: Mark) => void } {
  const root = newNode({ family: offset === 96 ? 4 : 6, words: [0, 0, 0, 0] }, offset);
  const path: Node[] = [root];
  const nodeAt = ({ address, length }: Prefix): Node => {
    const bits = length + offset;
    let top = path[path.length - 1] ?? root;
    const shared = sharedBits(top.address, address, Math.min(top.bits, bits));
    let below: Node | undefined;
    while (top.bits > shared) {
      below = top;
      path.pop();
      top = path[path.length - 1] ?? root;
    }
    if (top.bits === bits) return top;
    if (below !== undefined && top.bits < shared) {
      const fork = newNode(address, shared);
      attach(top, fork);
      attach(fork, below);
      path.push(fork);
      top = fork;
    }
    const node = newNode(address, bits);
    attach(top, node);
    path.push(node);
    return node;
  };
  const put = ({ at, announced, installed, isBarrier }: Mark): void => {
    const node = nodeAt(at);
    if (announced !== undefined) node.announced = announced;
    if (installed !== undefined) node.installed = installed;
    if (isBarrier) node.isBarrier = true;
  };
  return { root, put };
}

function attach(parent: Node, child: Node): void {
  if (bitAt(child.address, parent.bits) === 0) parent.zero = child;
  else parent.one = child;
}
