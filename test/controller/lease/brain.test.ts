/** Who may write for a group that has a lease: whole brains against the real EC2 service and DynamoDB. */
import { describe, expect, it } from 'vitest';
import { holds } from '../../../controller/lease/lease.ts';
import { cut, design, die } from '../designs.ts';
import { decisions, pair, switchover } from '../pair.ts';
import { addDaemon, type Daemon, deliver, restart, run, type Stage, texts } from '../stage.ts';

const LEASE = { kind: 'dynamodb', table: 'leases' } as const;
const TERM_MS = 4000;
const POLL_MS = TERM_MS / 3;

const hasIt = ({ node, running }: Daemon, now: number): boolean => {
  const lease = node.leases.groups.g;
  const config = node.config.groups[0]?.lease;
  return running && lease !== undefined && config !== undefined && holds(lease, config, now);
};
const holdersOf = (stage: Stage): string[] =>
  [...stage.daemons.values()].filter((daemon) => hasIt(daemon, stage.now)).map(({ name }) => name);
const writersOf = (stage: Stage): string[] => [...new Set(stage.writes.map(({ from }) => from))];

describe.each(['routes', 'eni'] as const)('two daemons with a lease, by %s', (kind) => {
  const start = (lost: 'freeze' | 'precedence' = 'freeze') => pair({ kind, lease: { ...LEASE, lost } });

  it('the standby has it ahead, and takes over without waiting for anything', () => {
    const { stage, made, owner, b } = start();
    expect(holdersOf(stage)).toEqual(['b']);
    die(made, 'a');
    run(stage, 20_000, () => stage.writes.length > 0);
    const decided = b.logs.find(({ topic, text }) => topic === 'decision' && text.startsWith('Moves g'));
    expect(stage.writes[0]).toMatchObject({ from: 'b', at: decided?.at });
    run(stage, 20_000);
    expect(owner()).toBe('b');
  });

  it('it goes to the old owner when that is fit again', () => {
    const { stage, made, a } = start();
    const { reach } = stage;
    die(made, 'a');
    run(stage, 30_000);
    expect(holdersOf(stage)).toEqual(['b']);
    stage.reach = reach;
    restart(stage, a);
    run(stage, 45_000);
    expect(holdersOf(stage)).toEqual(['a']);
    expect(stage.writes.filter(({ from }) => from === 'a')).toEqual([]);
  });

  it('exactly one owns when both live and cannot see each other, and nobody else writes', () => {
    const { stage, made, owner } = start();
    const heal = cut(made);
    run(stage, 120_000);
    expect(owner()).toBe('b');
    expect(writersOf(stage)).toEqual(['b']);
    expect(holdersOf(stage)).toHaveLength(1);
    heal();
    run(stage, 180_000);
    expect(owner()).toBe('b');
    expect(writersOf(stage)).toEqual(['b']);
  });

  it('the lease that a lost winner lets run out shows that it may be taken over again', () => {
    const { stage, made, owner, b } = start();
    cut(made);
    run(stage, 40_000);
    expect(owner()).toBe('b');
    die(made, 'b');
    run(stage, 80_000);
    expect(owner()).toBe('a');
    expect(b.running).toBe(false);
  });

  it('no writes while the store cannot be reached, and an alarm', () => {
    const { stage, made, owner, b } = start('freeze');
    stage.storeOnline = () => false;
    run(stage, 20_000);
    expect(texts(b, 'alarm')).toEqual([
      'The store of leases has not answered for 4 s: nothing is written for g until it does.',
    ]);
    die(made, 'a');
    run(stage, 60_000);
    expect(owner()).toBe('a');
    expect(stage.writes).toEqual([]);
    expect(decisions(b)).toContain(
      'g: would move it to b (takeover), and does not, for the store of leases cannot be reached',
    );
    stage.storeOnline = () => true;
    run(stage, 75_000);
    expect(owner()).toBe('b');
  });

  it('precedence decides while the store cannot be reached, where that is configured', () => {
    const { stage, made, owner, b } = start('precedence');
    stage.storeOnline = () => false;
    run(stage, 20_000);
    expect(texts(b, 'alarm')[0]).toContain('precedence decides alone for g');
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
  });

  it('a switchover waits for the lease, which is handed over', () => {
    const both = start();
    const { stage, owner, a, b } = both;
    switchover(both, b, 'b');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(holdersOf(stage)).toEqual(['a']);
    // The lease has moved on to a, which is the standby now; b is asked to take it nevertheless.
    stage.writes.length = 0;
    switchover(both, a, 'a');
    run(stage, 50_000);
    expect(owner()).toBe('a');
    expect(writersOf(stage)).toEqual(['a']);
    expect(a.replies.at(-1)).toMatchObject({ ok: true });
  });

  it('a switchover is given up when the lease does not come', () => {
    const both = start();
    const { stage, owner, a, b } = both;
    switchover(both, b, 'b');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    stage.storeOnline = (name) => name === 'b';
    run(stage, 40_000);
    switchover(both, a, 'a');
    run(stage, 60_000);
    expect(a.replies.at(-1)).toMatchObject({
      ok: false,
      body: { message: 'The move was abandoned: the lease has not come within 12 s.' },
    });
    expect(owner()).toBe('b');
  });

  it('it is given up by a daemon that stops', () => {
    const { stage, b, a } = start();
    deliver(stage, b, { kind: 'stop' });
    expect(hasIt(a, stage.now)).toBe(false);
    run(stage, stage.now + TERM_MS + 2 * POLL_MS);
    expect(holdersOf(stage)).toEqual(['a']);
  });
});

describe('a group of routes with a lease', () => {
  it('its holder puts right what a late write of another has done', () => {
    const { stage, made, owner, tables, point } = pair({ lease: LEASE });
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    point(tables[0] ?? '', 'a');
    run(stage, 50_000);
    expect(owner()).toBe('b');
  });

  it('without the lease it would wait for an operator', () => {
    const { stage, made, owner, tables, point } = pair();
    die(made, 'a');
    run(stage, 30_000);
    point(tables[0] ?? '', 'a');
    run(stage, 50_000);
    expect(owner()).toBe('a');
  });

  it('of two observers one writes, and the other when that one is gone', () => {
    const made = design({ lease: LEASE });
    const { stage, owner } = made;
    const [x, y] = ['x', 'y'].map((name) => addDaemon(stage, made.config(name)));
    if (x === undefined || y === undefined) throw new Error('two observers');
    run(stage, 10_000);
    const [first] = holdersOf(stage);
    const [lost, left] = first === 'x' ? [x, y] : [y, x];
    lost.running = false;
    lost.life += 1;
    run(stage, 10_000 + TERM_MS + POLL_MS + 200);
    expect(holdersOf(stage)).toEqual([left.name]);
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(writersOf(stage)).toEqual([left.name]);
  });

  it('nothing is written by observers that only watch', () => {
    const made = design({ lease: LEASE });
    const { stage } = made;
    addDaemon(stage, made.config('x'), { observeOnly: true });
    run(stage, 20_000);
    expect(holdersOf(stage)).toEqual([]);
  });
});
