/** One probe over time: rounds, rise and fall, freshness. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProbeConfig } from '../../../controller/config.ts';
import {
  begin,
  dueAt,
  hear,
  isFresh,
  newProbe,
  type ProbeState,
  record,
  says,
} from '../../../controller/health/probe.ts';

const config: ProbeConfig = {
  kind: 'icmp',
  id: 'a/icmp',
  appliance: 'a',
  address: '10.0.0.10',
  intervalMs: 200,
  timeoutMs: 180,
  rise: 2,
  fall: 3,
  advisory: false,
  from: 'others',
};
const up = { kind: 'up', rttMs: 1 } as const;
const down = { kind: 'down', reason: 'no answer' } as const;

/** Plays rounds, one every 200 ms; the state and the time after the last result. */
function play(results: string, from: ProbeState = newProbe(0)): { state: ProbeState; now: number } {
  let state = from;
  let now = state.nextAt;
  for (const result of results) {
    now = Math.max(now, state.nextAt);
    state = begin(state, config, now);
    now += 10;
    const silent = { kind: 'silent', reason: 'refused' } as const;
    state = record(state, config, state.round, result === 'u' ? up : result === 'd' ? down : silent, now);
  }
  return { state, now };
}

describe('a probe', () => {
  it.each([
    ['u', 'rising'],
    ['uu', 'passing'],
    ['uud', 'failing'],
    ['uudd', 'failing'],
    ['uuddd', 'down'],
    ['uudddu', 'rising'],
    ['uudddud', 'down'],
    ['uuddduu', 'passing'],
    ['uuddudd', 'failing'],
    ['ddd', 'down'],
    ['uus', 'passing'],
    ['uussss', 'unknown'],
  ])('after %s says %s', (results, expected) => {
    const { state, now } = play(results);
    expect(says(state, config, now)).toBe(expected);
  });

  it('says nothing when its evidence is old', () => {
    const { state, now } = play('uu');
    expect(isFresh(state, config, now + 780)).toBe(true);
    expect(says(state, config, now + 781)).toBe('unknown');
  });

  it('counts failures anew after a silence: a frozen node must not add up what it slept through', () => {
    const { state } = play('uudd');
    const slept = { ...state, nextAt: 60_000 };
    expect(says(play('d', slept).state, config, 60_010)).toBe('failing');
  });

  it('takes one result a round, and none of an older round', () => {
    const state = begin(newProbe(0), config, 0);
    const once = record(state, config, 1, up, 5);
    expect(record(once, config, 1, down, 6)).toBe(once);
    expect(record(begin(once, config, 200), config, 1, down, 210).last?.up).toBe(true);
  });

  it('sends a round whose predecessor was never answered, a second after its time-out', () => {
    const state = begin(newProbe(0), config, 0);
    expect(dueAt(state, config)).toBe(1180);
  });

  it('is up only after `rise` successes in a row, and down only after `fall` failures', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('u', 'd')), (results) => {
        const { state } = play(results.join(''));
        const turns = results
          .join('')
          .match(/u{2,}|d{3,}/g)
          ?.at(-1);
        return state.state === (turns === undefined ? 'unknown' : turns.startsWith('u') ? 'up' : 'down');
      }),
    );
  });
});

describe('a probe of a session', () => {
  const bfd: ProbeConfig = { ...config, kind: 'bfd', id: 'a/bfd' };
  const lost = { kind: 'down', reason: 'control detection time expired' } as const;

  it('is decided by one change, which counts until the next', () => {
    const state = hear(newProbe(0), up, 1000);
    expect(says(state, bfd, 1_000_000)).toBe('passing');
    expect(says(hear(state, lost, 2000, 1900), bfd, 1_000_000)).toBe('down');
  });

  it('failed half-way between the last packet and its end', () => {
    expect(hear(newProbe(0), lost, 2000, 1000)).toMatchObject({
      heardAt: 1000,
      last: { at: 2000, firstAt: 1500 },
    });
  });

  it('failed at its end where the peer was heard then, or where nobody knows', () => {
    expect(hear(newProbe(0), lost, 2000, 2000).last?.firstAt).toBe(2000);
    const state = hear(newProbe(0), lost, 2000);
    expect(state.last?.firstAt).toBe(2000);
    expect(state).not.toHaveProperty('heardAt');
    // A clock that went back gives no failure in the future.
    expect(hear(newProbe(0), lost, 2000, 3000).last?.firstAt).toBe(2000);
  });

  it('forgets what it was when the session says nothing', () => {
    const state = hear(hear(newProbe(0), lost, 2000, 1000), { kind: 'silent', reason: 'AdminDown' }, 3000);
    expect(says(state, bfd, 3000)).toBe('unknown');
    expect(state).toMatchObject({ silence: 'AdminDown', state: 'unknown' });
    expect(state).not.toHaveProperty('heardAt');
  });
});
