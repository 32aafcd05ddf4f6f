/**
 * A daemon that is killed at every single step of a move: what it leaves is completed by the survivor, or by
 * itself after a restart. Steps are the events that it handles from the beginning of the failure to the end
 * of the move.
 */
import { describe, expect, it } from 'vitest';
import { type Design, design, die } from './designs.ts';
import { addDaemon, type Daemon, deliver, restart, run, type Stage } from './stage.ts';

type Kind = 'routes' | 'eni';

/** Slow calls and state machines, so that there is much to interrupt. */
const cloud = { attachMs: 700, detachMs: 700, forceDetachMs: 300 };
const make = (kind: Kind, members: readonly string[]): Design => {
  const made = design({ kind, members, tables: 3, cloud });
  made.stage.latencyMs = 60;
  run(made.stage, 1000);
  for (const name of members) addDaemon(made.stage, made.config(name));
  run(made.stage, 3000);
  return made;
};

const daemonOf = ({ daemons }: Stage, name: string): Daemon => {
  const daemon = daemons.get(name);
  if (daemon === undefined) throw new Error(`no daemon ${name}`);
  return daemon;
};

/** The events that `mover` handles from the failure on until the move to it is complete. */
function stepsOf(made: Design, mover: string, begin: (made: Design) => void): readonly number[] {
  const daemon = daemonOf(made.stage, mover);
  const first = daemon.handled;
  begin(made);
  run(made.stage, 60_000, () => made.owner() === mover && daemon.node.groups.g?.announced === true);
  expect(made.owner()).toBe(mover);
  return Array.from({ length: daemon.handled - first }, (_, index) => first + index + 1);
}

const failure = (made: Design): void => die(made, 'a');
const planned = ({ stage }: Design): void =>
  deliver(stage, daemonOf(stage, 'b'), {
    kind: 'command',
    id: 1,
    command: { kind: 'switchover', group: 'g', to: 'b' },
  });

/** Plays the move with a kill after the event number `step`; says whether it came to that. */
function killedAt(
  made: Design,
  step: number,
  begin: (made: Design) => void,
  then: (b: Daemon) => void,
): boolean {
  const b = daemonOf(made.stage, 'b');
  b.crashAfter = step;
  begin(made);
  run(made.stage, 30_000, () => !b.running);
  const killed = !b.running;
  if (killed) then(b);
  return killed;
}

/** Runs until one of `members` owns the group and nobody moves it, for at most a minute and a half. */
function settleOn({ stage, owner }: Design, members: readonly string[]): string {
  const isMoving = (): boolean =>
    [...stage.daemons.values()].some(
      ({ running, node }) => running && node.groups.g?.operation !== undefined,
    );
  for (let seconds = 0; seconds < 90; seconds += 3) {
    run(stage, stage.now + 3000);
    if (members.includes(owner()) && !isMoving()) break;
  }
  return owner();
}

describe.each(['routes', 'eni'] as const)('a takeover by %s, killed at every step', (kind) => {
  it('is completed by the same daemon after its restart', () => {
    const steps = stepsOf(make(kind, ['a', 'b']), 'b', failure);
    expect(steps.length).toBeGreaterThan(10);
    for (const step of steps) {
      const made = make(kind, ['a', 'b']);
      expect(
        killedAt(made, step, failure, (b) => {
          run(made.stage, made.stage.now + 500);
          restart(made.stage, b);
        }),
      ).toBe(true);
      expect(settleOn(made, ['b']), `killed after event ${step}`).toBe('b');
      expect(daemonOf(made.stage, 'b').hooks, `killed after event ${step}`).toEqual([]);
      expect(daemonOf(made.stage, 'b').node.groups.g).toMatchObject({ announced: true });
    }
  });

  it('is completed by the survivor, when its machine dies with it', () => {
    const steps = stepsOf(make(kind, ['a', 'b', 'c']), 'b', failure);
    for (const step of steps) {
      const made = make(kind, ['a', 'b', 'c']);
      expect(killedAt(made, step, failure, () => die(made, 'b'))).toBe(true);
      expect(settleOn(made, ['c']), `killed after event ${step}`).toBe('c');
    }
  });

  it('is completed by the survivor, when only the daemon dies', () => {
    const steps = stepsOf(make(kind, ['a', 'b', 'c']), 'b', failure);
    for (const step of steps) {
      const made = make(kind, ['a', 'b', 'c']);
      expect(killedAt(made, step, failure, () => {})).toBe(true);
      expect(['b', 'c'], `killed after event ${step}`).toContain(settleOn(made, ['b', 'c']));
    }
  });
});

describe.each(['routes', 'eni'] as const)('a switchover by %s, killed at every step', (kind) => {
  it('leaves a group that one live member owns', () => {
    const steps = stepsOf(make(kind, ['a', 'b']), 'b', planned);
    for (const step of steps) {
      const made = make(kind, ['a', 'b']);
      expect(killedAt(made, step, planned, () => {})).toBe(true);
      expect(['a', 'b'], `killed after event ${step}`).toContain(settleOn(made, ['a', 'b']));
    }
  });

  it('leaves a group that the old owner takes back when the machine dies with it, unless it was lost before', () => {
    const steps = stepsOf(make(kind, ['a', 'b']), 'b', planned);
    let lost = 0;
    for (const step of steps) {
      const made = make(kind, ['a', 'b']);
      expect(killedAt(made, step, planned, () => die(made, 'b'))).toBe(true);
      run(made.stage, made.stage.now + 1000);
      // Then a cannot tell b's death from a cut between the two, and holds.
      const whole = made.owner() === 'b';
      if (whole) lost += 1;
      const expected = whole ? 'b' : 'a';
      expect(settleOn(made, [expected]), `killed after event ${step}`).toBe(expected);
    }
    if (kind === 'eni') expect(lost).toBeLessThan(steps.length);
  });
});
