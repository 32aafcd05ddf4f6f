/** Plans that take more than one step. */
import { describe, expect, it } from 'vitest';
import { type Node, nextDeadline, step } from '../../../controller/node.ts';
import { change, createRun, ENIS, type Peer, type SyncRun, syncConfig, TABLE } from './scene.ts';

const MANY = 1000;
const prefixOf = (n: number): string => `100.${64 + (n >> 8)}.${n & 255}.0/24`;
const ownerOf = (n: number): Peer => (Math.floor(n / 100) % 2 === 0 ? 'a' : 'b');
const all = Array.from({ length: MANY }, (_, n) => change(prefixOf(n), ownerOf(n)));
const isPlanning = (node: Node): boolean => node.sync.tables[TABLE]?.job !== undefined;

const AGGREGATED = 'aggregate: always';
const PLAIN = `aggregate: never, limit: ${MANY}`;

/** All prefixes are announced, and the first portions of a plan for them are made. */
function half(run: SyncRun): void {
  run.feed({ kind: 'bgp-routes', changes: all });
  for (let at = 0; at < 1000 && !isPlanning(run.node()); at++) run.tick(at === 0 ? 100 : 0);
  expect(isPlanning(run.node())).toBe(true);
}

function finish(run: SyncRun): void {
  for (let turn = 0; turn < 200; turn++) run.pass(1000);
}

/** A run that is over, and what its node was after each step with a plan in the making. */
function whole(
  options: string,
  between?: (node: Node) => Node,
): { run: SyncRun; planning: Node[]; late: number } {
  const planning: Node[] = [];
  let late = 0;
  const run = createRun(options, (node, now) => {
    if (isPlanning(node)) {
      planning.push(node);
      if (nextDeadline(node) !== now) late += 1;
    }
    return between?.(node) ?? node;
  });
  run.feed({ kind: 'bgp-routes', changes: all });
  finish(run);
  return { run, planning, late };
}

describe('a plan for many prefixes', () => {
  it('is made in several steps of one instant, and nothing is written by half of it', () => {
    const { run, planning, late } = whole(AGGREGATED);
    expect(planning.length).toBeGreaterThan(5);
    expect(late).toBe(0);
    expect(planning.flatMap(({ sync }) => Object.keys(sync.tables[TABLE]?.writes ?? {}))).toEqual([]);
    expect(run.writes.length).toBe(run.routes.size);
    expect(run.routes.size).toBeGreaterThan(10);
    expect(run.routes.size).toBeLessThan(100);
  });

  it('is carried on from the journal, which has no more than data', () => {
    const { run, planning } = whole(AGGREGATED, (node) =>
      isPlanning(node) ? (JSON.parse(JSON.stringify(node)) as Node) : node,
    );
    expect(planning.length).toBeGreaterThan(5);
    expect(run.writes).toEqual(whole(AGGREGATED).run.writes);
  });

  it('is a function of the state: a step that is done twice gives the same', () => {
    const { planning } = whole(AGGREGATED);
    const [node] = planning;
    if (node === undefined) throw new Error('no plan took two steps');
    const play = (): unknown => {
      let [now, effects] = [node, [] as unknown[]];
      for (let turn = 0; turn < 30; turn++) {
        const stepped = step(now, { kind: 'deadline' }, node.wakeAt ?? 0);
        now = stepped.node;
        effects = [...effects, ...stepped.effects];
      }
      return [now.sync.tables[TABLE]?.plan, effects];
    };
    const first = play();
    expect(first).not.toEqual([undefined, []]);
    expect(play()).toEqual(first);
  });

  it('is followed by one for what has changed meanwhile', () => {
    const run = createRun(PLAIN);
    half(run);
    run.feed({
      kind: 'bgp-routes',
      changes: [change(prefixOf(0), 'b'), { prefix: prefixOf(1), nextHops: [] }],
    });
    for (let turn = 0; turn < 100; turn++) run.pass(100);
    const expected = all.map(({ prefix }, n): [string, string] => [prefix, ENIS[ownerOf(n)]]);
    expected[0] = [prefixOf(0), ENIS.b];
    expect(run.node().sync.tables[TABLE]?.plan?.routes).toEqual(
      Object.fromEntries(expected.filter(([prefix]) => prefix !== prefixOf(1))),
    );
  });

  it('is given up when the configuration wants other routes', () => {
    const run = createRun(AGGREGATED);
    half(run);
    run.feed({
      kind: 'configured',
      config: syncConfig(`aggregate: never, prefixes: [ { prefix: 100.64.0.0/16, le: 24 } ]`),
    });
    expect(isPlanning(run.node())).toBe(false);
    run.feed({ kind: 'bgp-routes', changes: all });
    finish(run);
    expect([...run.routes.keys()].every((prefix) => prefix.startsWith('100.64.'))).toBe(true);
    expect(run.routes.size).toBe(256);
    expect(run.writes).toHaveLength(256);
  });
});
