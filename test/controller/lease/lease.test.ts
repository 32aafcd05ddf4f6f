/** The machine of one lease: each transition, whatever the store and network do, and a fleet of daemons. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FITNESS, holds, isCutOff, newLease, tellsAt } from '../../../controller/lease/lease.ts';
import {
  clockOf,
  createFleet,
  type Daemon,
  type Fleet,
  join,
  LEASE,
  later,
  recordOf,
  run,
  writersOf,
} from './fleet.ts';

const POLL_MS = LEASE.termMs / 3;

function two(): { fleet: Fleet; a: Daemon; b: Daemon } {
  const fleet = createFleet(1, ['a', 'b'], ['g']);
  const [a, b] = fleet.daemons;
  if (a === undefined || b === undefined) throw new Error('two daemons');
  a.fitness = () => FITNESS.owner;
  return { fleet, a, b };
}

describe('a lease', () => {
  test('is taken by whoever could take over, and renewed with the same token', () => {
    const { fleet, b } = two();
    run(fleet, 60_000);
    // The owner may have made the record before anybody else came.
    const record = recordOf(fleet, 'g');
    expect(record).toMatchObject({ holder: b.id, fitness: FITNESS.heir });
    expect(writersOf(fleet, 'g')).toEqual([b.id]);
    run(fleet, 120_000);
    expect(recordOf(fleet, 'g')?.token).toBe(record?.token);
    expect(recordOf(fleet, 'g')?.beat).toBeGreaterThan((record?.beat ?? 0) + 40);
  });

  test('is taken by the only daemon, on the owner, when nobody else has it', () => {
    const { fleet, a, b } = two();
    run(fleet, 10_000);
    b.alive = false;
    run(fleet, 10_000 + LEASE.termMs + POLL_MS);
    expect(recordOf(fleet, 'g')?.holder).toBe(b.id);
    run(fleet, 10_000 + 2 * LEASE.termMs + 2 * POLL_MS);
    expect(writersOf(fleet, 'g')).toEqual([a.id]);
    expect(recordOf(fleet, 'g')?.token).toBeGreaterThan(1);
  });

  test('goes to a better placed daemon that asks for it, and not while a move is under way', () => {
    const { fleet, a, b } = two();
    run(fleet, 10_000);
    b.fitness = () => FITNESS.owner;
    b.busy = true;
    a.fitness = () => FITNESS.heir;
    run(fleet, 20_000);
    expect(recordOf(fleet, 'g')).toMatchObject({ holder: b.id, wanted: { by: a.id } });
    b.busy = false;
    run(fleet, 20_000 + LEASE.termMs);
    expect(writersOf(fleet, 'g')).toEqual([a.id]);
    expect(recordOf(fleet, 'g')?.wanted).toBeUndefined();
  });

  test('stays where it is among equals', () => {
    const { fleet, a } = two();
    run(fleet, 10_000);
    const { token } = recordOf(fleet, 'g') ?? {};
    a.fitness = () => FITNESS.heir;
    run(fleet, 100_000);
    expect(recordOf(fleet, 'g')?.token).toBe(token);
  });

  test('is not wanted by who could not use it', () => {
    const { fleet, a, b } = two();
    a.fitness = () => FITNESS.unable;
    b.alive = false;
    run(fleet, 60_000);
    expect(recordOf(fleet, 'g')).toBeUndefined();
    expect(a.leases.get('g')?.record).toBeUndefined();
  });

  test('ends for a holder that hangs before another has it, and does not come back by waking', () => {
    const { fleet, a, b } = two();
    run(fleet, 10_000);
    b.hungUntil = 40_000;
    run(fleet, 10_000 + LEASE.termMs);
    expect(writersOf(fleet, 'g')).toEqual([]);
    run(fleet, 39_999);
    expect(writersOf(fleet, 'g')).toEqual([a.id]);
    run(fleet, 40_100);
    expect(writersOf(fleet, 'g')).toEqual([a.id]);
  });

  test('is cut off only after requests without an answer: a hang is none', () => {
    const { fleet, b } = two();
    const isCut = (): boolean => {
      const lease = b.leases.get('g');
      return lease !== undefined && isCutOff(lease, LEASE, clockOf(fleet, b));
    };
    run(fleet, 10_000);
    b.hungUntil = 30_000;
    run(fleet, 30_001);
    expect(isCut()).toBe(false);
    fleet.reachable = () => false;
    run(fleet, 34_000);
    expect(isCut()).toBe(false);
    run(fleet, 38_000);
    expect(isCut()).toBe(true);
    fleet.reachable = () => true;
    run(fleet, 40_000);
    expect(isCut()).toBe(false);
  });

  test('tells the driver when time alone ends it, or makes its store count as out of reach', () => {
    const held = { ...newLease(0), told: true, begunAt: 1000 };
    const endAt = tellsAt(held, LEASE) ?? Number.NaN;
    expect([holds(held, LEASE, endAt - 1), holds(held, LEASE, endAt)]).toEqual([true, false]);
    const silent = { ...newLease(0), failures: 4 };
    const cutAt = tellsAt(silent, LEASE) ?? Number.NaN;
    expect([isCutOff(silent, LEASE, cutAt - 1), isCutOff(silent, LEASE, cutAt)]).toEqual([false, true]);
    expect(tellsAt(newLease(0), LEASE)).toBeUndefined();
    expect(tellsAt({ ...silent, alarmed: true }, LEASE)).toBeUndefined();
  });

  test('that was taken without an answer is settled by reading the record', () => {
    const { fleet, a, b } = two();
    a.alive = false;
    let lost = 0;
    fleet.answers = ({ kind }) => kind !== 'write' || lost++ > 0;
    run(fleet, 2500);
    expect(recordOf(fleet, 'g')).toMatchObject({ holder: b.id, token: 1, beat: 1 });
    expect(writersOf(fleet, 'g')).toEqual([]);
    run(fleet, 5000);
    expect(recordOf(fleet, 'g')).toMatchObject({ holder: b.id, token: 1, beat: 2 });
    expect(writersOf(fleet, 'g')).toEqual([b.id]);
  });
});

interface Scheme {
  readonly seed: number;
  readonly loss: number;
  readonly delayMs: number;
  readonly late: number;
  readonly hangs: readonly { readonly at: number; readonly daemon: number; readonly forMs: number }[];
  readonly turns: readonly { readonly at: number; readonly daemon: number; readonly fitness: number }[];
  readonly deaths: readonly { readonly at: number; readonly daemon: number }[];
}

const SPAN_MS = 60_000;
const at = fc.integer({ min: 0, max: SPAN_MS });
const daemon = fc.integer({ min: 0, max: 2 });
const scheme: fc.Arbitrary<Scheme> = fc.record({
  seed: fc.integer({ min: 0 }),
  loss: fc.constantFrom(0, 0.05, 0.3),
  delayMs: fc.constantFrom(5, 300, 900),
  late: fc.constantFrom(0, 0.2),
  hangs: fc.array(fc.record({ at, daemon, forMs: fc.integer({ min: 100, max: 20_000 }) }), { maxLength: 6 }),
  turns: fc.array(fc.record({ at, daemon, fitness: fc.integer({ min: 0, max: 4 }) }), { maxLength: 12 }),
  deaths: fc.array(fc.record({ at, daemon }), { maxLength: 2 }),
});

/** Plays a scheme; the instants at which more than one could write. */
function breachesOf({ seed, loss, delayMs, late, hangs, turns, deaths }: Scheme): string[] {
  const fleet = createFleet(seed, ['a', 'b', 'c'], ['g']);
  fleet.trouble = { loss, delayMs, late, lateMs: 10_000 };
  const breaches: string[] = [];
  let token = 0;
  fleet.check = () => {
    const writers = writersOf(fleet, 'g');
    if (writers.length > 1) breaches.push(`${fleet.now}: ${writers.join(' and ')}`);
    const now = recordOf(fleet, 'g')?.token ?? 0;
    if (now < token || now > token + 1) breaches.push(`${fleet.now}: token ${token} to ${now}`);
    token = now;
  };
  const one = (index: number): Daemon | undefined => fleet.daemons[index];
  for (const { at, daemon, forMs } of hangs)
    later(fleet, at, () => {
      const hung = one(daemon);
      if (hung !== undefined) hung.hungUntil = Math.max(hung.hungUntil, fleet.now + forMs);
    });
  for (const { at, daemon, fitness } of turns)
    later(fleet, at, () => {
      const turned = one(daemon);
      if (turned !== undefined) turned.fitness = () => fitness;
    });
  for (const { at, daemon } of deaths)
    later(fleet, at, () => {
      const dead = one(daemon);
      if (dead === undefined || !dead.alive) return;
      dead.alive = false;
      later(fleet, 1000, () => void join(fleet, dead.id.charAt(0)));
    });
  run(fleet, SPAN_MS);
  return breaches;
}

describe('whatever is lost, late or hung', () => {
  test('no two daemons may write at one instant, and the token grows by one', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(scheme, (one) => {
        expect(breachesOf(one)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('in the end somebody has it', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const fleet = createFleet(seed, ['a', 'b', 'c'], ['g']);
      fleet.trouble = { loss: 0.3, delayMs: 500, late: 0.2, lateMs: 5000 };
      run(fleet, 60_000);
      fleet.trouble = { loss: 0, delayMs: 10, late: 0, lateMs: 0 };
      run(fleet, 80_000);
      expect(writersOf(fleet, 'g'), `seed ${seed}`).toHaveLength(1);
    }
  });
});

describe('1,000 groups over five daemons', () => {
  const groups = Array.from({ length: 1000 }, (_, index) => `g${index}`);
  const names = ['a', 'b', 'c', 'd', 'e'];

  test('a lost daemon loses its groups to others within a term and a poll', { timeout: 120_000 }, () => {
    const fleet = createFleet(3, names, groups);
    // Each daemon is the heir of a fifth of the groups, and could take over the others.
    fleet.daemons.forEach((one, index) => {
      one.fitness = (group) => (Number(group.slice(1)) % 5 === index ? FITNESS.heir : FITNESS.spare);
    });
    run(fleet, 30_000);
    const [lost] = fleet.daemons;
    if (lost === undefined) throw new Error('a daemon');
    const had = groups.filter((group) => writersOf(fleet, group).includes(lost.id));
    expect(had).toHaveLength(200);
    const before = fleet.requests;
    run(fleet, 30_000 + 9 * POLL_MS);
    const perSecond = (fleet.requests - before) / 12;
    // One request for each group and daemon in a third of a term: 3,750 a second, 750 of them writes.
    expect(Math.round(perSecond)).toBe(3750);
    let events = 0;
    fleet.check = () => {
      events += 1;
      if (events % 500 !== 0) return;
      for (const group of groups)
        if (writersOf(fleet, group).length > 1) throw new Error(`two writers of ${group} at ${fleet.now}`);
    };
    lost.alive = false;
    run(fleet, 42_000 + LEASE.termMs + POLL_MS + 100);
    for (const group of had) expect(writersOf(fleet, group), group).toHaveLength(1);
    expect(had.flatMap((group) => writersOf(fleet, group))).not.toContain(lost.id);
  });
});

test('a run that begins anew is somebody else', () => {
  const { fleet, b } = two();
  run(fleet, 10_000);
  b.alive = false;
  const again = join(fleet, 'b');
  run(fleet, 10_000 + LEASE.termMs - 500);
  expect(writersOf(fleet, 'g')).toEqual([]);
  run(fleet, 10_000 + LEASE.termMs + 2 * POLL_MS);
  expect(writersOf(fleet, 'g')).toEqual([again.id]);
});
