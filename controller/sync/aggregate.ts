/**
 * Routes that forward the same as the announced ones, within a limit: as few writes as possible from what is
 * installed, and only where those leave too many routes, as few routes as possible (what ORTC gives,
 * "Constructing optimal IP routing tables", Draves, King, Venkatachary and Zill, 1999). A hole, space that
 * nobody announced, cannot be expressed: a node above a hole takes no route. Routes of others stand where
 * they stand: what lies in them is theirs, but for what is announced below.
 *
 * Bottom up, each node learns what its routes cost at least for each target that it may inherit from our
 * route above; top down, the cheapest are taken. Most targets cost the same: only the others are kept. Pure,
 * and in portions.
 */
import { formatPrefix, type Prefix } from '../base/ip.ts';
import { isPortion, type Portions } from './portions.ts';
import {
  type Costs,
  comparePrefixes,
  createTrie,
  GONE,
  type Mark,
  NONE,
  type Node,
  prefixAt,
} from './trie.ts';

/** A route that is announced or installed; `target` is what packets are sent to. */
export interface Announced {
  readonly prefix: string;
  readonly at: Prefix;
  readonly target: string;
}

export interface Planned {
  readonly prefix: string;
  readonly length: number;
  readonly target: string;
}

export interface AggregateOptions {
  /** Of one IP version, in the order of `comparePrefixes`, each prefix once. */
  readonly announced: readonly Announced[];
  /** Routes of others, in any order. One of the same prefix is stronger than what is announced. */
  readonly barriers: readonly Prefix[];
  /** Our routes that are there, in any order; none at the prefix of a barrier. */
  readonly installed: readonly Announced[];
  /** Most routes. */
  readonly limit: number;
}

/** What a call costs, and a route. */
interface Prices {
  readonly write: number;
  readonly route: number;
}

/** More than there ever are routes or writes. */
const MANY = 2 ** 24;
/** Tried one after the other until the routes fit. */
const PRICES: readonly Prices[] = [
  { write: MANY, route: 1 },
  { write: 1, route: 1 },
  { write: 1, route: MANY },
];

/** The table; it may exceed the limit where even the smallest one does. */
export function* aggregation(options: AggregateOptions): Portions<readonly Planned[]> {
  const { announced, limit, installed } = options;
  const [first] = announced;
  if (first === undefined) return [];
  const targets = [...new Set(announced.map(({ target }) => target))].sort();
  const offset = first.at.address.family === 4 ? 96 : 0;
  const root = yield* trieOf(options, new Map(targets.map((target, index) => [target, index])), offset);
  const nodes = yield* inOrder(root);
  let planned: Planned[] = [];
  // Where nothing is installed each route costs a write: all prices give the same.
  for (const prices of installed.length === 0 ? PRICES.slice(0, 1) : PRICES) {
    planned = [];
    yield* fill({ ...prices, plain: [] }, nodes);
    const emit: Emit = (node, bits, flipped, target) => {
      const prefix = formatPrefix(prefixAt(node.address, bits, flipped));
      planned.push({ prefix, length: bits - offset, target: targets[target] ?? '' });
    };
    yield* select({ prices, emit, pending: [{ node: root, inherited: NONE, part: 'here' }] });
    if (planned.length <= limit) break;
  }
  return planned;
}

function* trieOf(
  { announced, barriers, installed }: AggregateOptions,
  numbers: ReadonlyMap<string, number>,
  offset: number,
): Portions<Node> {
  const { root, put } = createTrie(offset);
  const marks: readonly Mark[] = [
    ...barriers.map((at): Mark => ({ at, isBarrier: true })),
    ...installed.map(({ at, target }): Mark => ({ at, installed: numbers.get(target) ?? GONE })),
  ].sort((a, b) => comparePrefixes(a.at, b.at));
  let next = 0;
  let count = 0;
  for (const one of announced) {
    for (
      let mark = marks[next];
      mark !== undefined && comparePrefixes(mark.at, one.at) <= 0;
      mark = marks[++next]
    )
      put(mark);
    put({ at: one.at, announced: numbers.get(one.target) ?? NONE });
    if (isPortion(++count)) yield;
  }
  for (const mark of marks.slice(next)) put(mark);
  return root;
}

/** All nodes, each before those within it, with what each is without our routes. */
function* inOrder(root: Node): Portions<readonly Node[]> {
  const nodes: Node[] = [];
  const pending: [Node, number][] = [[root, NONE]];
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    const [node, above] = one;
    node.gap = node.isBarrier ? NONE : (node.announced ?? above);
    nodes.push(node);
    if (node.one !== undefined) pending.push([node.one, node.gap]);
    if (node.zero !== undefined) pending.push([node.zero, node.gap]);
    if (isPortion(nodes.length)) yield;
  }
  return nodes;
}

/** A target unlike all that are named. */
const OTHER = -3;

interface Filling extends Prices {
  /** The costs of space that belongs to one target as a whole, by target: most nodes share them. */
  readonly plain: Costs[];
}

function costOf({ costs }: Node, inherited: number): number {
  if (costs === undefined) return Number.POSITIVE_INFINITY;
  const index = costs.keys.indexOf(inherited);
  return index < 0 ? costs.base : (costs.values[index] ?? costs.base);
}

/** The cost of one half of a node, of which nothing below its child says more than `gap`. */
function halfCost(
  { write, route }: Prices,
  { bits }: Node,
  child: Node | undefined,
  gap: number,
  inherited: number,
): number {
  if (child === undefined) {
    if (inherited === gap) return 0;
    return gap === NONE ? Number.POSITIVE_INFINITY : write + route;
  }
  const steps = child.bits - bits - 1;
  if (steps === 0 || inherited === gap) return costOf(child, inherited);
  if (gap === NONE) return Number.POSITIVE_INFINITY;
  // One route for the whole half, or for the only other part of it.
  const whole = costOf(child, gap);
  return write + route + (steps === 1 ? Math.min(whole, costOf(child, inherited)) : whole);
}

function bothHalves(prices: Prices, node: Node, gap: number, inherited: number): number {
  if (node.bits === 128) return inherited === gap ? 0 : Number.POSITIVE_INFINITY;
  return halfCost(prices, node, node.zero, gap, inherited) + halfCost(prices, node, node.one, gap, inherited);
}

/** Bottom up: the costs of every node. */
function* fill(filling: Filling, nodes: readonly Node[]): Portions<void> {
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index];
    if (node !== undefined) node.costs = costsAt(filling, node);
    if (isPortion(index)) yield;
  }
}

function costsAt(filling: Filling, node: Node): Costs {
  const { zero, one, installed, bits, gap } = node;
  const isLeaf = zero === undefined && one === undefined;
  const isBare = installed === NONE && !node.isBarrier;
  const isFull = zero?.bits === bits + 1 && one?.bits === bits + 1;
  if (isBare && isLeaf && gap !== NONE) return plainCosts(filling, gap);
  if (
    isBare &&
    isFull &&
    zero.costs !== undefined &&
    zero.costs === one.costs &&
    isPlain(filling, zero.costs)
  )
    return zero.costs;
  return costsOf(filling, node);
}

const nothing: Costs = { base: 0, keys: [], values: [], best: NONE, bestCost: Number.POSITIVE_INFINITY };

const isPlain = ({ plain }: Filling, costs: Costs): boolean => plain[costs.best] === costs;

function plainCosts({ plain, write, route }: Filling, target: number): Costs {
  const cost = write + route;
  plain[target] ??= { base: cost, keys: [target], values: [0], best: target, bestCost: cost };
  return plain[target];
}

function costsOf(prices: Prices, node: Node): Costs {
  const { zero, one, installed, gap } = node;
  if (node.isBarrier) return { ...nothing, base: bothHalves(prices, node, NONE, NONE) };
  const named = new Set([NONE, gap, ...(zero?.costs?.keys ?? []), ...(one?.costs?.keys ?? [])]);
  if (installed >= 0) named.add(installed);
  let best = NONE;
  let bestCost = Number.POSITIVE_INFINITY;
  const without: [number, number][] = [];
  const deletion = installed === NONE ? 0 : prices.write;
  for (const target of named) {
    const below = bothHalves(prices, node, gap, target);
    without.push([target, below + deletion]);
    const cost = below + prices.route + (target === installed ? 0 : prices.write);
    if (target >= 0 && (cost < bestCost || (cost === bestCost && target < best)))
      [best, bestCost] = [target, cost];
  }
  const base = Math.min(bestCost, deletion + bothHalves(prices, node, gap, OTHER));
  const cheaper = without.filter(([, cost]) => cost < base);
  return {
    base,
    keys: cheaper.map(([target]) => target),
    values: cheaper.map(([, cost]) => cost),
    best,
    bestCost,
  };
}

type Emit = (node: Node, bits: number, flipped: boolean, target: number) => void;

/** A node, or half of it, whose routes are to be chosen below a route of ours to `inherited`, or NONE. */
interface Pending {
  readonly node: Node;
  readonly inherited: number;
  readonly part: 'here' | 'zero' | 'one';
}

interface Selection {
  readonly prices: Prices;
  readonly emit: Emit;
  /** The last one is next. */
  readonly pending: Pending[];
}

/** Top down: the routes. */
function* select(selection: Selection): Portions<void> {
  const { pending } = selection;
  let count = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.part === 'here') selectHere(selection, next);
    else selectHalf(selection, next, next.part);
    if (isPortion(++count)) yield;
  }
}

function selectHere({ prices, emit, pending }: Selection, { node, inherited }: Pending): void {
  if (costOf(node, inherited) === 0) return;
  let current = node.isBarrier ? NONE : inherited;
  const { best, bestCost } = node.costs ?? nothing;
  const deletion = node.installed === NONE ? 0 : prices.write;
  if (!node.isBarrier && bestCost < deletion + bothHalves(prices, node, node.gap, inherited)) {
    emit(node, node.bits, false, best);
    current = best;
  }
  if (node.bits === 128) return;
  pending.push({ node, inherited: current, part: 'one' }, { node, inherited: current, part: 'zero' });
}

function selectHalf({ emit, pending }: Selection, { node, inherited }: Pending, part: 'zero' | 'one'): void {
  const { gap, bits } = node;
  const child = node[part];
  const other = part === 'zero' ? node.one : node.zero;
  if (child === undefined) {
    if (other !== undefined && gap !== NONE && gap !== inherited) emit(other, bits + 1, true, gap);
    return;
  }
  const steps = child.bits - bits - 1;
  if (steps === 0 || gap === NONE || inherited === gap) {
    pending.push({ node: child, inherited, part: 'here' });
    return;
  }
  const isWhole = steps > 1 || costOf(child, gap) <= costOf(child, inherited);
  emit(child, isWhole ? bits + 1 : bits + 2, !isWhole, gap);
  pending.push({ node: child, inherited: isWhole ? gap : inherited, part: 'here' });
}
