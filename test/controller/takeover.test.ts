/** Who gets a group when, in both designs: takeover, cut, failback, switchover. Calls go to the real EC2 service. */
import { describe, expect, it } from 'vitest';
import { cut, design, die } from './designs.ts';
import { addDaemon, run, texts } from './stage.ts';

describe.each(['routes', 'eni'] as const)('a takeover by %s', (kind) => {
  const start = (options: Parameters<typeof design>[0] = {}) => {
    const made = design({ kind, ...options });
    const a = addDaemon(made.stage, made.config('a'));
    const b = addDaemon(made.stage, made.config('b'));
    run(made.stage, 10_000);
    return { ...made, made, a, b };
  };

  it('leaves a healthy owner alone', () => {
    const { stage, owner, a, b } = start();
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(owner()).toBe('a');
    expect(texts(a, 'owned')).toHaveLength(1);
    expect(texts(b, 'decision').at(-1)).toBe('g: a owns it and is healthy.');
  });

  it('gives the group of a dead owner to the other, with its reasons', () => {
    const { stage, made, owner, b } = start();
    die(made, 'a');
    run(stage, 20_000, () => owner() === 'b' && texts(b, 'owned').length > 1);
    expect(owner()).toBe('b');
    expect(stage.now).toBeLessThan(12_000);
    expect(texts(b, 'decision').at(-1)).toContain(
      'Moves g from a to b: a owns it and is dead (a/icmp failed 3 times in a row',
    );
  });

  it('moves at most once while two live appliances are cut off from each other', () => {
    const { stage, made, owner } = start();
    const heal = cut(made);
    run(stage, 120_000);
    expect(owner()).toBe('b');
    const moved = new Set(stage.writes.map(({ from }) => from));
    expect([...moved]).toEqual(['b']);
    heal();
    run(stage, 180_000);
    expect(owner()).toBe('b');
  });
});
