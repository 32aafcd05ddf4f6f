/** What operators order, and policies: whole brains against the real EC2 service, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../controller/event.ts';
import { isOpen } from '../../../controller/failover/window.ts';
import { design, die, PROBES } from '../designs.ts';
import { decisions, type GroupInput, type Pair, pair } from '../pair.ts';
import { addDaemon, type Daemon, deliver, restart, run, texts } from '../stage.ts';

let lastId = 100;

/** Gives an order to daemons; their answers. */
function tell(command: Command, ...daemons: readonly Daemon[]): readonly { ok: boolean; text: string }[] {
  return daemons.map((daemon) => {
    lastId += 1;
    const { stage } = stageOf(daemon);
    deliver(stage, daemon, { kind: 'command', id: lastId, command });
    const reply = daemon.replies.find(({ id }) => id === lastId);
    return { ok: reply?.ok ?? false, text: String((reply?.body as { message?: string })?.message) };
  });
}

const stages = new Map<Daemon, Pair>();
const stageOf = (daemon: Daemon): Pair => stages.get(daemon) as Pair;

function start(group: GroupInput = {}, options: Parameters<typeof design>[0] = {}): Pair {
  const made = pair(options, group);
  stages.set(made.a, made).set(made.b, made);
  return made;
}

/** Kills a, lets b take over, and brings a back at `backAt`. */
function comeback(made: Pair, backAt: number): void {
  const { stage, a } = made;
  const { reach } = stage;
  die(made.made, 'a');
  run(stage, backAt);
  expect(made.owner()).toBe('b');
  stage.reach = reach;
  restart(stage, a);
}

describe.each(['routes', 'eni'] as const)('drain, by %s', (kind) => {
  it('moves the groups of the appliance to a fit member, and gives it none until undrained', () => {
    const made = start({ failback: { after: '10s' } }, { kind });
    const { stage, owner, a, b } = made;
    expect(tell({ kind: 'drain', appliance: 'a' }, a, b)[0]?.text).toContain('Daemons that ask this one');
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(decisions(b)).toContain('Moves g from a to b: a is to be emptied, and b is healthy.');
    run(stage, 90_000);
    expect(owner()).toBe('b');
    tell({ kind: 'undrain', appliance: 'a' }, a, b);
    run(stage, 120_000);
    expect(owner()).toBe('a');
  });

  it('leaves the group where it is while nobody else is fit, and does not save a dead owner by it', () => {
    const made = start({}, { kind });
    const { stage, owner, a, b } = made;
    tell({ kind: 'drain', appliance: 'b' }, a, b);
    tell({ kind: 'drain', appliance: 'a' }, a, b);
    run(stage, 20_000);
    expect(owner()).toBe('a');
    expect(decisions(b)).toContain(
      'a owns it and is to be emptied, and stays there, for b is healthy and drained.',
    );
    die(made.made, 'a');
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(decisions(b)).toContain('for b is healthy and drained');
  });
});

describe('drain', () => {
  it('is remembered over a restart, shown in the status, and refuses switchovers to it', () => {
    const made = start();
    const { stage, a, b } = made;
    tell({ kind: 'drain', appliance: 'b' }, b);
    restart(stage, b);
    run(stage, 15_000);
    const [answer] = tell({ kind: 'switchover', group: 'g', to: 'b' }, b);
    expect(answer).toEqual({ ok: false, text: 'b is drained; run byoa undrain b first.' });
    deliver(stage, b, { kind: 'command', id: 1, command: { kind: 'status' } });
    expect(b.replies.at(-1)?.body).toMatchObject({ orders: ['b is drained'] });
    expect(tell({ kind: 'drain', appliance: 'x' }, a)[0]).toEqual({
      ok: false,
      text: "There is no appliance 'x'; the appliances are a, b.",
    });
  });

  it('leaves the preferred members time to go first', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    const { stage } = made;
    const [a, b, c] = ['a', 'b', 'c'].map((name) => addDaemon(stage, made.config(name)));
    run(stage, 10_000);
    for (const daemon of [a, b, c])
      if (daemon !== undefined)
        deliver(stage, daemon, { kind: 'command', id: 1, command: { kind: 'drain', appliance: 'a' } });
    run(stage, 30_000);
    expect(made.owner()).toBe('b');
    expect(stage.writes.map(({ from }) => from)).toEqual(['b']);
  });
});

describe('what one daemon is told', () => {
  it('others that ask for its word follow, and no longer once it is taken back', () => {
    const made = start({ failback: { after: '10s' } });
    const { stage, owner, a } = made;
    tell({ kind: 'drain', appliance: 'a' }, a);
    run(stage, 30_000);
    expect(owner()).toBe('b');
    run(stage, 90_000);
    expect(owner()).toBe('b');
    tell({ kind: 'undrain', appliance: 'a' }, a);
    run(stage, 120_000);
    expect(owner()).toBe('a');
  });

  it('is done by the daemon of the owner where nobody asks for its word', () => {
    const made = start({}, { probes: PROBES.filter(({ kind }) => kind !== 'daemon') });
    const { stage, owner, a } = made;
    tell({ kind: 'leave' }, a);
    run(stage, stage.now + 10_000);
    expect([owner(), stage.writes.map(({ from }) => from)]).toEqual(['b', ['a']]);
    expect(decisions(a)).toContain('Moves g from a to b: a is to be emptied, and nobody has taken it.');
  });

  it('is left to those who have heard it', () => {
    const made = start();
    const { stage, owner, a } = made;
    tell({ kind: 'leave' }, a);
    run(stage, stage.now + 10_000);
    expect([owner(), stage.writes.map(({ from }) => from)]).toEqual(['b', ['b']]);
  });

  it('is heard from the daemon of another appliance, too', () => {
    const made = start();
    const { stage, owner, b } = made;
    tell({ kind: 'drain', appliance: 'a' }, b);
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(b.told.drained).toEqual(['a']);
    // What it has only heard it does not tell: otherwise nobody could take it back.
    expect(made.a.told.drained).toEqual([]);
  });

  it('holds for an appliance that is about to stop, until its daemon starts anew', () => {
    const made = start({ failback: { after: '10s' } });
    const { stage, owner, a, b } = made;
    expect(tell({ kind: 'leave' }, a)[0]).toEqual({
      ok: true,
      text: 'a is about to stop: its groups go to other members, which its word tells.',
    });
    run(stage, 30_000);
    expect(owner()).toBe('b');
    expect(decisions(b)).toContain('Moves g from a to b: a is to be emptied, and b is healthy.');
    restart(stage, a);
    run(stage, 60_000);
    expect(owner()).toBe('a');
  });

  it('waits for somebody to be healthy', () => {
    const made = start();
    const { stage, owner, a } = made;
    const { reach } = stage;
    die(made.made, 'b');
    run(stage, 20_000);
    tell({ kind: 'leave' }, a);
    run(stage, 40_000);
    expect(owner()).toBe('a');
    stage.reach = reach;
    restart(stage, made.b);
    run(stage, 80_000);
    expect(owner()).toBe('b');
  });
});

describe('pause', () => {
  it('holds back every move, with an alarm, until it is resumed', () => {
    const made = start();
    const { stage, owner, a, b } = made;
    tell({ kind: 'pause', group: 'g' }, a, b);
    die(made.made, 'a');
    run(stage, 60_000);
    expect(stage.writes).toEqual([]);
    expect(texts(b, 'decision').at(-1)).toMatch(
      /would move it to b \(takeover\), and does not, for it is paused/,
    );
    expect(tell({ kind: 'switchover', group: 'g', to: 'b' }, b)[0]?.text).toContain('is paused');
    tell({ kind: 'resume', group: 'g' }, b);
    run(stage, 70_000);
    expect(owner()).toBe('b');
  });

  it('of all groups ends by itself when its time is over, also after a restart', () => {
    const made = start();
    const { stage, owner, b } = made;
    tell({ kind: 'pause', forMs: 60_000 }, b);
    die(made.made, 'a');
    run(stage, 30_000);
    restart(stage, b);
    run(stage, 69_000);
    expect(stage.writes).toEqual([]);
    run(stage, 80_000);
    expect(owner()).toBe('b');
    expect(texts(b, 'order')).toContain('The time of the pause of all groups is over.');
  });
});

describe('an override', () => {
  const held = (forMs: number): Pair => {
    const made = start({ failback: { after: '10s' } });
    tell({ kind: 'switchover', group: 'g', to: 'b', forMs }, made.b);
    expect(tell({ kind: 'switchover', group: 'g', to: 'b', forMs }, made.a)[0]?.ok).toBe(true);
    run(made.stage, 30_000);
    expect(made.owner()).toBe('b');
    return made;
  };

  it('keeps the group there until its time is over', () => {
    const { stage, owner, a } = held(120_000);
    run(stage, 120_000);
    expect(owner()).toBe('b');
    expect(decisions(a)).toContain("a takes it back when an operator's order for b has run out");
    run(stage, 140_000);
    expect(owner()).toBe('a');
  });

  it('does not keep it with a dead appliance', () => {
    const made = held(3_600_000);
    die(made.made, 'b');
    run(made.stage, 60_000);
    expect(made.owner()).toBe('a');
  });

  it('is ended by resume', () => {
    const { stage, owner, a, b } = held(3_600_000);
    tell({ kind: 'resume', group: 'g' }, a, b);
    run(stage, 60_000);
    expect(owner()).toBe('a');
  });
});

describe('a maintenance window', () => {
  it('holds failback back until it opens', () => {
    const window = { from: '00:02', to: '00:05' };
    const made = start({ failback: { after: '10s', window } });
    const { stage, owner, a } = made;
    comeback(made, 30_000);
    run(stage, 119_000);
    expect(owner()).toBe('b');
    expect(decisions(a)).toContain('a takes it back within 00:02-00:05 UTC');
    run(stage, 130_000);
    expect(owner()).toBe('a');
  });

  it('goes by the clock that the driver tells of', () => {
    const made = start({ failback: { after: '10s', window: { from: '03:00', to: '04:00' } } });
    const { stage, owner, a } = made;
    comeback(made, 30_000);
    run(stage, 60_000);
    expect(owner()).toBe('b');
    deliver(stage, a, { kind: 'wall', offsetMs: 3 * 3_600_000 });
    run(stage, 70_000);
    expect(owner()).toBe('a');
  });

  it.each([
    [[], 22 * 60, 2 * 60, '2026-11-26T23:00:00Z', true],
    [[], 22 * 60, 2 * 60, '2026-11-26T01:59:00Z', true],
    [[], 22 * 60, 2 * 60, '2026-11-26T02:00:00Z', false],
    [['thu'], 22 * 60, 2 * 60, '2026-11-27T01:00:00Z', true],
    [['thu'], 22 * 60, 2 * 60, '2026-11-26T01:00:00Z', false],
    [['fri'], 9 * 60, 10 * 60, '2026-11-27T09:30:00Z', true],
    [['fri'], 9 * 60, 10 * 60, '2026-11-26T09:30:00Z', false],
  ] as const)('%j %i-%i at %s: %s', (days, fromMinute, toMinute, time, open) => {
    expect(isOpen({ days, fromMinute, toMinute, zone: 'UTC' }, Date.parse(time))).toBe(open);
  });

  it('knows zones and their summer time', () => {
    const berlin = { days: [], fromMinute: 120, toMinute: 180, zone: 'Europe/Berlin' };
    expect(isOpen(berlin, Date.parse('2026-01-15T01:30:00Z'))).toBe(true);
    expect(isOpen(berlin, Date.parse('2026-07-15T01:30:00Z'))).toBe(false);
    expect(isOpen(berlin, Date.parse('2026-07-15T00:30:00Z'))).toBe(true);
  });
});

describe('slow start', () => {
  it('makes a returning appliance wait for failback', () => {
    const made = start({ failback: { after: '10s' }, slowStart: '2m' });
    comeback(made, 30_000);
    run(made.stage, 145_000);
    expect(made.owner()).toBe('b');
    run(made.stage, 160_000);
    expect(made.owner()).toBe('a');
  });

  it('does not keep it from saving a group in an emergency', () => {
    const made = start({ failback: { after: '10s' }, slowStart: '10m' });
    comeback(made, 30_000);
    run(made.stage, 45_000);
    die(made.made, 'b');
    run(made.stage, 60_000);
    expect(made.owner()).toBe('a');
  });

  it('lets an observer choose a member that has been well for longer', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    const { stage } = made;
    addDaemon(stage, made.config('x', { slowStart: '10m' }));
    run(stage, 10_000);
    const { reach } = stage;
    die(made, 'a');
    run(stage, 20_000);
    expect(made.owner()).toBe('b');
    stage.reach = reach;
    run(stage, 30_000);
    die(made, 'b');
    run(stage, 40_000);
    expect(made.owner()).toBe('c');
  });
});
