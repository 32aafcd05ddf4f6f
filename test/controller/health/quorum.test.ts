/** How many sources must find an appliance dead: verdicts, and whole brains against the real EC2 service. */
import { describe, expect, it } from 'vitest';
import { type ConfigInput, checkConfig, formatConfigError } from '../../../controller/config.ts';
import { toldBy } from '../../../controller/event.ts';
import { accusers } from '../../../controller/health/quorum.ts';
import { design } from '../designs.ts';
import { api } from '../moved.ts';
import { addDaemon, type Daemon, run, type Stage, texts } from '../stage.ts';

type Health = NonNullable<ConfigInput['health']>;
const gone = ({ kind }: { readonly kind: string }): false | 'silent' => kind === 'daemon' && 'silent';
const last = (daemon: Daemon): string => texts(daemon, 'decision').at(-1) ?? '';
const OBSERVERS = { o: '10.0.9.1:8179', p: '10.0.9.2:8179' };

/** Observers o and p of the pair a and b, ten seconds old. */
function observers(health: Health, names: readonly string[] = ['o', 'p']) {
  const made = design();
  const daemons = names.map((node) => addDaemon(made.stage, { ...made.config(node), health }));
  run(made.stage, 10_000);
  const [o, p] = daemons as [Daemon, Daemon];
  return { ...made, o, p };
}

/** The nodes `cut` reach nothing, and nobody reaches the appliances `dead`. */
function befall(stage: Stage, dead: readonly string[], cut: readonly string[] = []): void {
  stage.reach = (from, probe) => !(cut.includes(from) || dead.includes(probe.appliance)) || gone(probe);
}

describe('a quorum of two', () => {
  it('is reached by another observer that finds the owner dead itself', () => {
    const { stage, owner, o, p } = observers({ quorum: 2, observers: OBSERVERS });
    befall(stage, ['a']);
    run(stage, 20_000, () => owner() === 'b');
    expect(owner()).toBe('b');
    // Three probes of 200 ms; the word of the other is asked for at once, not at its next round.
    expect(stage.now).toBeLessThan(11_500);
    expect([o, p].flatMap((one) => texts(one, 'verdict')).join()).toContain('a is dead');
  });

  it('is not reached by an observer that is cut off, nor by silence', () => {
    const { stage, owner, o, p } = observers({ quorum: 2, observers: OBSERVERS });
    stage.reach = (from, probe) => from !== 'o' || probe.appliance === 'b' || gone(probe);
    run(stage, 40_000);
    expect([owner(), stage.writes]).toEqual(['a', []]);
    expect(last(o)).toMatch(
      /a owns it and is suspect \(.*1 of 2 sources find it dead \(no other beside this node\)\)/,
    );
    expect(last(p)).toBe('g: a owns it and is healthy.');
  });

  it('is reached by EC2, when the instance is stopped', () => {
    const { stage, owner, o, instances } = observers({ quorum: 2, instanceStatus: '10s' }, ['o']);
    befall(stage, ['a']);
    run(stage, 20_000);
    expect([owner(), texts(o, 'verdict').at(-1)]).toEqual(['a', expect.stringContaining('1 of 2 sources')]);
    api(stage, 'StopInstances', { InstanceIds: [instances.a], Force: true });
    run(stage, 60_000, () => owner() === 'b');
    expect(owner()).toBe('b');
    expect(texts(o, 'verdict').join()).not.toContain('b is suspect');
  });

  it('asks EC2 at once, and no more often than configured otherwise', () => {
    const { stage, owner, o, instances } = observers({ quorum: 2, instanceStatus: '1m' }, ['o']);
    const asked = () =>
      o.journal.flatMap(({ at, effects }) =>
        effects.some((one) => one.kind === 'ec2-call' && one.call.kind === 'describe-instance-status')
          ? [at]
          : [],
      );
    const before = asked().length;
    api(stage, 'StopInstances', { InstanceIds: [instances.a], Force: true });
    befall(stage, ['a']);
    run(stage, 25_000, () => owner() === 'b');
    expect([owner(), asked().length - before]).toEqual(['b', 1]);
  });

  it('is needed by the daemon of the peer as well, for which its own word of itself does not count', () => {
    const made = design();
    const health = { quorum: 2, observers: OBSERVERS };
    const [, b] = ['a', 'b'].map((node) => addDaemon(made.stage, { ...made.config(node), health }));
    run(made.stage, 10_000);
    befall(made.stage, ['a', 'o', 'p']);
    run(made.stage, 30_000);
    expect([made.owner(), made.stage.writes]).toEqual(['a', []]);
    expect(last(b as Daemon)).toContain('1 of 2 sources');
  });

  it('is never reached against what the own probes find', () => {
    const { stage, owner } = observers({ quorum: 2, observers: OBSERVERS });
    stage.reach = (from, probe) => from === 'p' || probe.appliance !== 'a' || gone(probe);
    run(stage, 30_000);
    expect([owner(), stage.writes]).toEqual(['a', []]);
  });
});

describe('words', () => {
  const jury = { quorum: 2, reports: { a: { dead: true, reason: 'its instance is stopped', until: 1000 } } };

  it('of EC2 count until they are old', () => {
    expect(accusers('a', [], jury, 1000)).toEqual(['EC2 (its instance is stopped)']);
    expect(accusers('a', [], jury, 1001)).toEqual([]);
    expect(accusers('b', [], jury, 0)).toEqual([]);
  });

  it('are read from what a daemon answers, and from nothing else', () => {
    expect(toldBy('{"node":"p","healthy":true,"reason":"","dead":["a",3]}')).toEqual({ dead: ['a'] });
    expect(toldBy('{"drained":["a"]}')).toEqual({ drained: ['a'] });
    expect([toldBy('<html>'), toldBy('{"dead":"a"}'), toldBy('null')]).toEqual([{}, {}, {}]);
  });

  it.each([
    [{ quorum: 5 }, '5 sources must agree that an appliance is dead, and there are 3'],
    [{ observers: { a: '10.0.0.1:8179' } }, 'it is an appliance'],
  ])('the configuration %j is refused', (health, why) => {
    const checked = checkConfig({ ...design().config('o'), health });
    expect(checked.ok ? '' : checked.error.map(formatConfigError).join()).toContain(why);
  });
});
