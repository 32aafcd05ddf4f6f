/** RFC 4271 8.2.2, event by event, against a second writing of it: by event numbers, as the RFC has them. */
import { describe, expect, it } from 'vitest';
import {
  EVENTS,
  FSM,
  type FsmAction,
  type FsmEvent,
  type FsmFacts,
  type FsmState,
  STATES,
  transition,
} from '../../controller/bgp/fsm.ts';

const PLAIN: FsmFacts = { delayOpen: false, delayOpenTimerRunning: false };
const DELAYED: FsmFacts = { delayOpen: true, delayOpenTimerRunning: false };
const WAITING: FsmFacts = { delayOpen: true, delayOpenTimerRunning: true };

/** The event with the number of RFC 4271 8.1. */
const numbered = (number: number): FsmEvent => EVENTS[number - 1] as FsmEvent;

const go = (state: FsmState, number: number, facts = PLAIN) => transition(state, numbered(number), facts);

/** Where events lead, by number; those not named lead to Idle. */
const NEXT: Readonly<Record<FsmState, Readonly<Record<number, FsmState>>>> = {
  Idle: { 1: 'Connect', 3: 'Connect', 4: 'Active', 5: 'Active', 6: 'Connect', 7: 'Active' },
  Connect: {
    ...all('Connect', 1, 3, 4, 5, 6, 7, 9, 14, 15),
    ...all('OpenSent', 12, 16, 17),
    20: 'OpenConfirm',
  },
  Active: {
    ...all('Active', 1, 3, 4, 5, 6, 7, 14, 15),
    9: 'Connect',
    ...all('OpenSent', 12, 16, 17),
    20: 'OpenConfirm',
  },
  OpenSent: {
    ...all('OpenSent', 1, 3, 4, 5, 6, 7, 14, 15, 16, 17),
    18: 'Active',
    19: 'OpenConfirm',
  },
  OpenConfirm: { ...all('OpenConfirm', 1, 3, 4, 5, 6, 7, 11, 14, 15, 16, 17), 26: 'Established' },
  Established: all('Established', 1, 3, 4, 5, 6, 7, 11, 14, 15, 16, 17, 26, 27),
};

function all(state: FsmState, ...events: readonly number[]): Record<number, FsmState> {
  return Object.fromEntries(events.map((event) => [event, state]));
}

const asks = (state: FsmState, number: number, facts = PLAIN): readonly FsmAction[] =>
  go(state, number, facts).act;

describe('RFC 4271 8.1: events', () => {
  it('8.1: have the numbers of the RFC', () => {
    expect(EVENTS).toHaveLength(29);
    expect(numbered(2)).toBe('ManualStop');
    expect(numbered(10)).toBe('HoldTimer_Expires');
    expect(numbered(18)).toBe('TcpConnectionFails');
    expect(numbered(23)).toBe('OpenCollisionDump');
    expect(numbered(28)).toBe('UpdateMsgErr');
  });
});

describe('RFC 4271 8.2.2: where each event leads', () => {
  for (const state of STATES) {
    it(`8.2.2: ${state}`, () => {
      const found = EVENTS.map((event) => `${event} -> ${transition(state, event, PLAIN).to}`);
      const wanted = EVENTS.map((event, index) => `${event} -> ${NEXT[state][index + 1] ?? 'Idle'}`);
      expect(found).toEqual(wanted);
    });
  }

  it('8.2.2: with DelayOpen, an OPEN waits for the timer', () => {
    for (const state of ['Connect', 'Active'] as const) {
      expect(go(state, 16, DELAYED)).toEqual({
        when: 'delayOpen',
        to: state,
        act: ['stop ConnectRetryTimer', 'start DelayOpenTimer'],
      });
      expect(asks(state, 12, WAITING)).toContain('send OPEN');
    }
  });

  it('8.2.2: a connection that fails while OPEN is delayed leads to Active, from Connect alone', () => {
    expect(go('Connect', 18, WAITING).to).toBe('Active');
    expect(go('Connect', 18, PLAIN).to).toBe('Idle');
    expect(go('Active', 18, WAITING).to).toBe('Idle');
  });

  it('8.2.2: a version that the neighbor dislikes while OPEN is delayed counts as no fault', () => {
    for (const state of ['Connect', 'Active'] as const) {
      expect(asks(state, 24, WAITING)).not.toContain('count and damp');
      expect(asks(state, 24, PLAIN)).toContain('count and damp');
    }
    for (const state of ['OpenSent', 'OpenConfirm'] as const)
      expect(asks(state, 24)).not.toContain('count and damp');
  });
});

describe('RFC 4271 8.2.2: what each event does', () => {
  it('8.2.2: Idle takes no notice of anything but a start', () => {
    for (const [index, event] of EVENTS.entries()) {
      const { to, act } = transition('Idle', event, PLAIN);
      if (!event.includes('Start')) expect([to, act], `event ${index + 1}`).toEqual(['Idle', []]);
    }
  });

  it('8.2.2: a start zeroes the ConnectRetryCounter, but that of damping does not', () => {
    for (const number of [1, 3, 4, 5]) expect(asks('Idle', number)).toContain('zero ConnectRetryCounter');
    for (const number of [6, 7]) expect(asks('Idle', number)).not.toContain('zero ConnectRetryCounter');
  });

  it('8.2.2: only a start that is not passive dials', () => {
    for (const number of [1, 3, 6]) expect(asks('Idle', number)).toContain('initiate TCP');
    for (const number of [4, 5, 7]) expect(asks('Idle', number)).not.toContain('initiate TCP');
  });

  it('8.2.2: ManualStop zeroes the ConnectRetryCounter, any other end counts', () => {
    for (const state of STATES.slice(1)) {
      expect(asks(state, 2), state).toContain('zero ConnectRetryCounter');
      expect(asks(state, 2), state).not.toContain('count and damp');
      expect(asks(state, 8), state).toContain('count and damp');
    }
  });

  it('8.2.2: whatever ends a connection drops TCP and stops the ConnectRetryTimer', () => {
    for (const state of STATES.slice(1)) {
      for (const [index] of EVENTS.entries()) {
        const { to, act } = go(state, index + 1);
        if (to !== 'Idle') continue;
        expect(act, `${state}, event ${index + 1}`).toContain('drop TCP');
        // Active, event 18: the one exception of the RFC.
        if (state === 'Active' && index + 1 === 18) continue;
        expect(act, `${state}, event ${index + 1}`).toContain('stop ConnectRetryTimer');
      }
    }
  });

  it('8.2.2: from OpenSent on, each stop of ours is said with Cease', () => {
    for (const state of ['OpenSent', 'OpenConfirm', 'Established'] as const)
      for (const number of [2, 8, 23])
        expect(asks(state, number), `${state} ${number}`).toContain('send Cease');
  });

  it('8.2.2: OPEN is answered with KEEPALIVE and starts the negotiated timers', () => {
    expect(asks('OpenSent', 19)).toEqual([
      'stop DelayOpenTimer',
      'stop ConnectRetryTimer',
      'send KEEPALIVE',
      'start HoldTimer and KeepaliveTimer',
    ]);
    expect(asks('Connect', 20)).toEqual([
      'stop ConnectRetryTimer',
      'stop DelayOpenTimer',
      'send OPEN',
      'send KEEPALIVE',
      'start HoldTimer and KeepaliveTimer',
    ]);
    expect(asks('Active', 20)).toEqual(asks('Connect', 20));
  });

  it('8.2.2: sending OPEN sets a large Hold Timer', () => {
    for (const state of ['Connect', 'Active'] as const)
      for (const number of [12, 16, 17]) {
        const act = asks(state, number);
        expect(act.indexOf('set large HoldTimer'), `${state} ${number}`).toBeGreaterThan(
          act.indexOf('send OPEN'),
        );
      }
  });

  it('8.2.2: KEEPALIVE and UPDATE restart the Hold Timer in Established', () => {
    for (const number of [26, 27]) expect(asks('Established', number)).toContain('restart HoldTimer');
    expect(asks('OpenConfirm', 26)).toEqual(['restart HoldTimer', 'begin exchange']);
  });

  it('8.2.2: whatever ends Established deletes the routes, and nothing else does', () => {
    for (const state of STATES)
      for (const [index] of EVENTS.entries()) {
        const { to, act } = go(state, index + 1);
        const deletes = state === 'Established' && to === 'Idle';
        expect(act.includes('delete routes'), `${state} ${index + 1}`).toBe(deletes);
      }
  });

  it('8.2.2: a lost connection in OpenSent leads to Active with a fresh ConnectRetryTimer', () =>
    expect(go('OpenSent', 18)).toEqual({ to: 'Active', act: ['drop TCP', 'start ConnectRetryTimer'] }));

  it('8.2.2: the ConnectRetryTimer dials again', () => {
    expect(asks('Active', 9)).toEqual(['start ConnectRetryTimer', 'initiate TCP']);
    expect(asks('Connect', 9)).toEqual([
      'drop TCP',
      'start ConnectRetryTimer',
      'stop DelayOpenTimer',
      'initiate TCP',
    ]);
  });

  it('6.5: an expired Hold Timer is said', () => {
    for (const state of ['OpenSent', 'OpenConfirm', 'Established'] as const)
      expect(asks(state, 10), state).toContain('send Hold Timer Expired');
  });

  it('6.6: what a state does not expect is a Finite State Machine Error', () => {
    const unexpected = {
      OpenSent: [9, 11, 12, 13, 20, 26, 27, 28],
      OpenConfirm: [9, 12, 13, 19, 20, 27, 28],
    };
    for (const [state, numbers] of Object.entries(unexpected))
      for (const number of numbers)
        expect(asks(state as FsmState, number), `${state} ${number}`).toContain('send FSM Error');
    for (const number of [9, 12, 13, 19, 20]) expect(asks('Established', number)).toContain('send FSM Error');
  });

  it('6: a NOTIFICATION is never answered with one', () => {
    for (const state of STATES)
      for (const number of [24, 25])
        expect(
          asks(state, number).filter((one) => one.startsWith('send ')),
          `${state} ${number}`,
        ).toEqual([]);
  });
});

describe('RFC 9687', () => {
  it('4: an expired Send Hold Timer ends Established, and says why', () =>
    expect(go('Established', 29)).toEqual({
      to: 'Idle',
      act: [
        'send Send Hold Timer Expired',
        'delete routes',
        'stop ConnectRetryTimer',
        'drop TCP',
        'count and damp',
      ],
    }));
});

describe('the table', () => {
  it('has a row without condition for each event, so that none falls through', () => {
    for (const state of STATES) {
      const { rows, otherwise } = FSM[state];
      for (const list of [...Object.values(rows), otherwise])
        expect(
          list.some(({ when }) => when === undefined),
          state,
        ).toBe(true);
    }
  });
});
