/**
 * EC2 at its worst: throttled, refused, unanswered, applied unseen, late; and chaos of all of it, which ends
 * well.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeSetsOf } from '../../controller/config.ts';
import { cut, design, die } from './designs.ts';
import { addDaemon, type Fault, kill, restart, run, texts } from './stage.ts';

const pair = (kind: 'routes' | 'eni', cloud = {}) => {
  const made = design({ kind, tables: 2, cloud });
  made.stage.latencyMs = 40;
  const a = addDaemon(made.stage, made.config('a'));
  const b = addDaemon(made.stage, made.config('b'));
  run(made.stage, 5000);
  return { ...made, made, a, b };
};

const WRITE = {
  routes: ['replace-route'],
  eni: ['detach-network-interface', 'attach-network-interface'],
} as const;

describe.each(['routes', 'eni'] as const)('a takeover by %s', (kind) => {
  const faults: Fault[] = [
    { kind: 'throttle' },
    { kind: 'lost' },
    { kind: 'applied' },
    { kind: 'late', afterMs: 700 },
    { kind: 'late', afterMs: 3000 },
  ];
  const cases = faults.flatMap((fault) =>
    WRITE[kind].flatMap((call) => [1, 3].map((times) => ({ fault, call, times }))),
  );
  it.each(cases)('ends well when $times of $call meet $fault', ({ fault, call, times }) => {
    const { stage, made, owner, b } = pair(kind);
    stage.faults.push({ kind: call, fault, times });
    die(made, 'a');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(b.node.groups.g?.announced).toBe(true);
    expect(b.node.groups.g?.operation).toBeUndefined();
  });

  it('runs on-fail and tries again slowly where it is not allowed', () => {
    const { stage, made, owner, b } = pair(kind);
    stage.faults.push({ kind: WRITE[kind][0], fault: { kind: 'unauthorised' }, times: 1000 });
    die(made, 'a');
    run(stage, 100_000);
    expect(owner()).toBe('a');
    expect(texts(b, 'moved')[0]).toContain('UnauthorizedOperation');
    expect(stage.writes.length).toBeLessThanOrEqual(8);
    stage.faults.length = 0;
    run(stage, 800_000);
    expect(owner()).toBe('b');
  });

  it('ends well although reads are stale', () => {
    const { stage, made, owner, b } = pair(kind, { staleReadsMs: 1500 });
    die(made, 'a');
    run(stage, 60_000);
    expect(owner()).toBe('b');
    expect(b.node.groups.g).toMatchObject({ announced: true });
  });
});

describe('routes', () => {
  it('that somebody else keeps moving back are left to him after a while', () => {
    const { stage, made, b } = pair('routes');
    const replace = (): void => {
      for (const { table } of b.node.config.groups.flatMap(routeSetsOf)) made.point(table ?? '', 'a');
    };
    die(made, 'a');
    for (let at = stage.now; at < 20_000; at += 10) {
      run(stage, at);
      replace();
    }
    expect(texts(b, 'moved').join()).toContain('somebody else leads');
    expect(stage.writes.length).toBeLessThan(40);
  });
});

const fault = fc.oneof(
  fc.constantFrom<Fault>({ kind: 'throttle' }, { kind: 'lost' }, { kind: 'applied' }),
  fc.nat(2000).map((afterMs): Fault => ({ kind: 'late', afterMs })),
);
const happening = fc.record({
  at: fc.nat(20_000),
  what: fc.oneof(
    fc.record({ kind: fc.constant('fault' as const), fault, times: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constantFrom('kill', 'restart', 'sleep', 'wake'), node: fc.constantFrom('a', 'b') }),
    fc.record({ kind: fc.constantFrom('cut', 'heal', 'offline', 'online') }),
  ),
});

describe.each(['routes', 'eni'] as const)('chaos, by %s', (kind) => {
  it('ends with one live owner once it is over, and without endless moves', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 8 }), (happenings) => {
        const { stage, made, owner, a, b } = pair(kind, { attachMs: 300, detachMs: 300 });
        const normal = stage.reach;
        const dead = new Set<string>();
        for (const { at, what } of happenings.toSorted((x, y) => x.at - y.at)) {
          run(stage, 5000 + at);
          if ('fault' in what) stage.faults.push({ fault: what.fault, times: what.times });
          else if ('node' in what) {
            const daemon = what.node === 'a' ? a : b;
            if (what.kind === 'kill') kill(daemon);
            if (what.kind === 'restart' && !daemon.running) restart(stage, daemon);
            if (what.kind === 'sleep') dead.add(what.node);
            if (what.kind === 'wake') dead.delete(what.node);
          } else if (what.kind === 'cut') cut(made);
          else if (what.kind === 'heal') stage.reach = normal;
          else stage.online = () => what.kind === 'online';
          const reach = stage.reach;
          stage.reach = (from, probe) => !dead.has(probe.appliance) && reach(from, probe);
        }
        const before = stage.writes.length;
        stage.faults.length = 0;
        stage.online = () => true;
        stage.reach = normal;
        for (const daemon of [a, b]) if (!daemon.running) restart(stage, daemon);
        run(stage, stage.now + 60_000);
        expect(['a', 'b']).toContain(owner());
        const settled = stage.writes.length;
        expect(settled - before).toBeLessThan(20);
        run(stage, stage.now + 60_000);
        expect(stage.writes.length).toBe(settled);
        const announced = [a, b].filter(({ node }) => node.groups.g?.announced).map(({ name }) => name);
        expect(announced).toEqual([owner()]);
      }),
      { numRuns: 10 },
    );
  }, 120_000);
});
