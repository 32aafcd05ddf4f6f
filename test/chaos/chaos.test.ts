/** Runs drawn from seeds hold what must always hold; the judge finds bugs; plans shrink. */
import { describe, expect, test } from 'vitest';
import { placesIn, planOf, playPlan } from '../../sim/chaos/campaign.ts';
import type { Fault } from '../../sim/chaos/fault.ts';
import type { Plan } from '../../sim/chaos/plan.ts';
import { SCENARIOS } from '../../sim/chaos/scenes/all.ts';
import { shrink } from '../../sim/chaos/shrink.ts';
import { MUTANTS } from './mutants.ts';

const planned = (scenario: string, faults: readonly Fault[] = []): Plan => ({ seed: 1, scenario, faults });
const death: Fault = { kind: 'machine', how: 'kill', machine: 'a', at: 20_000, forMs: 60_000 };

describe('plans', () => {
  test('the same seed gives the same plan and the same run', { timeout: 60_000 }, () => {
    const [one, two] = [1, 2].map(() => playPlan(planOf(7)));
    expect(two).toEqual(one);
    expect(playPlan(planOf(8)).hash).not.toBe(one?.hash);
  });

  test('each scenario is drawn, and every kind of fault', () => {
    const plans = Array.from({ length: 300 }, (_, seed) => planOf(seed));
    expect(new Set(plans.map(({ scenario }) => scenario))).toEqual(new Set(Object.keys(SCENARIOS)));
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect(kinds).toEqual(
      new Set([
        'machine',
        'zone',
        'daemon',
        'link',
        'calls',
        'api',
        'operator',
        'store',
        'path',
        'upgrade',
        'pulumi',
        'leave',
      ]),
    );
  });
});

describe.each(Object.keys(SCENARIOS))('%s', (scenario) => {
  test('nothing is moved while nothing is wrong', () => {
    const finding = playPlan(planned(scenario));
    expect(finding.failure).toBeUndefined();
    expect(finding.seen['move takeover']).toBeUndefined();
    expect(finding.blackoutsMs).toEqual([]);
  });

  test('the death of the owner is a takeover, and short', () => {
    const finding = playPlan(planned(scenario, [death]));
    expect(finding.failure).toBeUndefined();
    if (placesIn(scenario).groups.length > 0) expect(finding.seen['move takeover']).toBe(1);
    expect(finding.blackoutsMs.length).toBeGreaterThan(0);
    expect(Math.max(...finding.blackoutsMs)).toBeLessThan(8000);
  });
});

test.each(['egress-routes', 'egress-bfd', 'subnet-bgp', 'route-sync'])(
  '%s: appliances that are replaced one after the other interrupt no flow',
  (scenario) => {
    const leaves = ['a', 'b'].map((machine, index): Fault => {
      return { kind: 'leave', machine, at: 5000 + index * 40_000, forMs: 30_000 };
    });
    const finding = playPlan(planned(scenario, leaves));
    expect([finding.failure, finding.blackoutsMs, finding.seen['fault leave']]).toEqual([undefined, [], 2]);
  },
);

test('a lost answer to a write is made good by looking', () => {
  const lost: Fault = {
    kind: 'calls',
    what: 'lost',
    action: 'ReplaceRoute',
    times: 1,
    lateMs: 0,
    at: 19_000,
    forMs: 60_000,
  };
  expect(playPlan(planned('egress-routes', [lost, death])).failure).toBeUndefined();
});

describe('a last resort', () => {
  const second: Fault = { ...death, kind: 'machine', how: 'kill', machine: 'b', at: 30_000, forMs: 30_000 };

  test('has the routes while every member is dead', () => {
    const { failure, blackoutsMs } = playPlan(planned('egress-last-resort', [death, second]));
    expect(failure).toBeUndefined();
    expect(blackoutsMs).toHaveLength(4);
    expect(Math.max(...blackoutsMs)).toBeLessThan(3000);
  });

  test('has nothing where none is configured', () => {
    const { failure, seen } = playPlan(planned('egress-observer', [death, second]));
    expect(failure).toBeUndefined();
    expect(seen['write replace-route']).toBe(2);
  });
});

test('a quorum: one that alone cannot reach the owner takes nothing', () => {
  const cut: Fault = {
    kind: 'link',
    from: 'b',
    to: 'a',
    direction: 'both',
    loss: 1,
    at: 10_000,
    forMs: 60_000,
  };
  const { failure, seen } = playPlan(planned('egress-quorum', [cut]));
  expect(failure).toBeUndefined();
  expect(seen['write replace-route']).toBeUndefined();
});

describe('two address families', () => {
  const play = (...faults: readonly Fault[]) => playPlan(planned('dual-stack', [...faults, death]));

  test('where IPv6 is refused, IPv4 goes with its new owner, and IPv6 follows when it may', () => {
    const refused: Fault = { kind: 'api', how: 'ipv6-refused', much: 1, at: 10_000, forMs: 45_000 };
    const { failure, blackoutsMs } = play(refused);
    expect(failure).toBeUndefined();
    // The address that moves is in the guest before all of the group is with it.
    const [ipv4, address, ipv6, ...others] = blackoutsMs.toSorted((a, b) => a - b);
    expect([ipv4, address].every((ms = 0) => ms < 3000)).toBe(true);
    expect(ipv6).toBeGreaterThan(30_000);
    expect(others).toEqual([]);
  });

  test('nothing goes to an heir whose connection table is full', () => {
    const full: Fault = { kind: 'machine', how: 'full', machine: 'b', at: 10_000, forMs: 40_000 };
    const { failure, blackoutsMs } = play(full);
    expect(failure).toBeUndefined();
    expect(blackoutsMs.every((ms) => ms > 30_000 && ms < 35_000)).toBe(true);
  });
});

test('of three appliances the one that stands by takes one group of two, and the other waits', () => {
  const both: Fault = { ...death, kind: 'machine', how: 'kill', machine: 'b', at: 25_000 };
  const { failure, blackoutsMs } = playPlan(planned('zones', [death, both]));
  expect(failure).toBeUndefined();
  const [short = 0, long = 0] = blackoutsMs.toSorted((a, b) => a - b);
  expect(short).toBeLessThan(3000);
  expect(long).toBeGreaterThan(50_000);
});

test('a failing plan is made small: the death alone is left of it', { timeout: 120_000 }, () => {
  const others: readonly Fault[] = [
    { kind: 'calls', what: 'throttle', action: 'ReplaceRoute', times: 1, lateMs: 0, at: 1000, forMs: 1000 },
    { kind: 'api', how: 'slow', much: 300, at: 3000, forMs: 2000 },
    { kind: 'daemon', how: 'kill', machine: 'a', aheadMs: 0, drift: 0, at: 5000, forMs: 2000 },
  ];
  const failureOf = (plan: Plan): string | undefined =>
    playPlan(plan, { mutant: MUTANTS.neverSeesDeath }).failure?.invariant;
  const small = shrink(planned('egress-routes', [...others, death]), failureOf);
  expect(small.faults.map(({ kind }) => kind)).toEqual(['machine']);
  expect(failureOf(small)).toBe('failover');
});
