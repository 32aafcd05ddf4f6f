/** Symmetric sets: written together, finished or put back, and their asymmetric time told. */
import { describe, expect, it } from 'vitest';
import { design, die } from './designs.ts';
import { addDaemon, deliver, run, texts } from './stage.ts';

/** `tables` tables of one default route each; all of them one set, with daemons on both appliances. */
function pair(tables: number, alone = 0) {
  const made = design({ tables: tables + alone });
  const routes = made.tables.map((table, index) => ({
    table,
    destinations: ['0.0.0.0/0'],
    ...(index < tables ? { symmetric: 'both-ways' } : {}),
  }));
  const [a, b] = ['a', 'b'].map((name) => addDaemon(made.stage, made.config(name, { routes })));
  run(made.stage, 5000);
  if (a === undefined || b === undefined) throw new Error('two daemons');
  return { ...made, made, a, b };
}

describe('a symmetric set', () => {
  it('is written at once, and its asymmetric time is told', () => {
    const { stage, made, b, owner } = pair(2);
    stage.faults.push({ kind: 'replace-route', times: 1, fault: { kind: 'applied' } });
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(new Set(stage.writes.slice(0, 2).map(({ at }) => at)).size).toBe(1);
    const [move] = b.node.groups.g?.history ?? [];
    // The second was answered after one way to EC2, the first never: a look has shown it.
    expect(move?.asymmetricMs).toBeGreaterThan(900);
    expect(move?.asymmetricMs).toBeLessThan(1200);
    expect(texts(b, 'moved').join()).toContain('a symmetric set half moved for');
  });

  it('waits until the budget allows all of it, rather than be sent in halves', () => {
    const { stage, made, b, owner } = pair(3, 49);
    die(made, 'a');
    run(stage, 60_000);
    expect(owner()).toBe('b');
    const [first = '', second = '', third = ''] = made.tables;
    const times = stage.writes.flatMap(({ at, call }) =>
      'table' in call && [first, second, third].includes(call.table) ? [at] : [],
    );
    expect(times).toHaveLength(3);
    expect(new Set(times).size).toBe(1);
    expect(b.node.groups.g?.history[0]?.result).toBe('done');
  });

  it('of which a write is refused goes back to an owner that is healthy', () => {
    const { stage, b, owner } = pair(2);
    stage.faults.push({ kind: 'replace-route', times: 1, fault: { kind: 'unauthorised' } });
    deliver(stage, b, { kind: 'command', id: 7, command: { kind: 'switchover', group: 'g', to: 'b' } });
    run(stage, stage.now + 2000);
    expect(owner()).toBe('a');
    expect(b.replies).toMatchObject([{ id: 7, ok: false, body: { result: 'failed', to: 'b' } }]);
    expect(texts(b, 'moved').join()).toContain('put back to a');
    expect(b.node.groups.g?.history[0]?.asymmetricMs).toBeGreaterThan(0);
  });

  it('stays with the new owner, and is finished, where the former one is dead', () => {
    const { stage, made, owner } = pair(2);
    stage.faults.push({ kind: 'replace-route', times: 1, fault: { kind: 'unauthorised' } });
    die(made, 'a');
    run(stage, 80_000);
    expect(owner()).toBe('b');
    expect(stage.writes).toHaveLength(3);
  });
});
