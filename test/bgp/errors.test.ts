/** RFC 4271 6: what is wrong with what a neighbor says, and how it is told. */
import { describe, expect, it } from 'vitest';
import { encodeKeepalive, encodeNotification, encodeRouteRefresh } from '../../controller/wire/message.ts';
import {
  CEASE,
  ERROR,
  encodeShutdownText,
  notification,
  OPEN_ERROR,
} from '../../controller/wire/notification.ts';
import {
  CAPABILITIES,
  dial,
  establish,
  heard,
  isClosed,
  lines,
  meet,
  messages,
  openOf,
  pass,
  raw,
  say,
  step,
  type Tester,
  updateOf,
} from './tester.ts';

/** What the speaker answers in each state that has a connection. */
function answerIn(state: 'OpenSent' | 'OpenConfirm' | 'Established', bytes: Uint8Array): Tester {
  const tester = meet();
  dial(tester);
  if (state !== 'OpenSent') say(tester, openOf());
  if (state === 'Established') say(tester, encodeKeepalive());
  expect(tester.peer.main.state).toBe(state);
  say(tester, bytes);
  return tester;
}

const STATES = ['OpenSent', 'OpenConfirm', 'Established'] as const;

describe('RFC 4271 6.1: message headers', () => {
  it('6.1: a marker that is not all ones is Connection Not Synchronized', () => {
    for (const state of STATES) {
      const bytes = encodeKeepalive();
      bytes[3] = 0;
      const tester = answerIn(state, bytes);
      expect(heard(tester)).toEqual(['Message Header Error / Connection Not Synchronized (1/1)']);
      expect(isClosed(tester)).toBe(true);
    }
  });

  it('6.1: a wrong length is Bad Message Length, with that length', () => {
    expect(heard(answerIn('Established', raw(4, [], 18)))).toEqual([
      'Message Header Error / Bad Message Length (1/2): length 18',
    ]);
    expect(heard(answerIn('Established', raw(4, [0])))).toEqual([
      'Message Header Error / Bad Message Length (1/2): length 20',
    ]);
    expect(heard(answerIn('Established', raw(2, [0, 0, 0])))).toEqual([
      'Message Header Error / Bad Message Length (1/2): length 22',
    ]);
    expect(heard(answerIn('OpenSent', raw(1, [])))).toEqual([
      'Message Header Error / Bad Message Length (1/2): length 19',
    ]);
  });

  it('6.1: a type that nobody knows is Bad Message Type, with that type', () =>
    expect(heard(answerIn('Established', raw(9, [])))).toEqual([
      'Message Header Error / Bad Message Type (1/3): type 9',
    ]));

  it('RFC 8654 4, 5: more than 4096 octets are taken where we announced it, and only there', () => {
    const long = raw(2, [0, 0, 0, 0], 5000);
    for (const extendedMessages of [true, false]) {
      for (const theirs of [[], [{ kind: 'extended-message' as const }]]) {
        const tester = meet({ extendedMessages });
        establish(tester, { capabilities: [...CAPABILITIES, ...theirs] });
        say(tester, long);
        const refused = ['Message Header Error / Bad Message Length (1/2): length 5000'];
        expect(heard(tester)).toEqual(extendedMessages ? [] : refused);
      }
    }
  });
});

describe('RFC 4271 6.2: OPEN', () => {
  it('6.2: another version is Unsupported Version Number, with ours', () => {
    const open = openOf();
    open[19] = 3;
    expect(heard(answerIn('OpenSent', open))).toEqual([
      'OPEN Message Error / Unsupported Version Number (2/1): the other side speaks version 4',
    ]);
  });

  it('6.2: parameters that reach beyond the message are malformed', () => {
    const open = openOf();
    open[28] = (open[28] ?? 0) + 1;
    expect(heard(answerIn('OpenSent', open))).toEqual(['OPEN Message Error (2/0)']);
  });

  it('6.2: a parameter that nobody knows is Unsupported Optional Parameter', () => {
    const open = raw(1, [4, 0xfd, 0xea, 0, 90, 10, 0, 0, 2, 3, 77, 1, 0]);
    expect(heard(answerIn('OpenSent', open))).toEqual([
      'OPEN Message Error / Unsupported Optional Parameter (2/4)',
    ]);
  });

  it('RFC 5492 5: without the capabilities that the neighbor refuses, the next OPEN comes', () => {
    const tester = meet({ extendedMessages: true });
    dial(tester);
    const refusal = notification(ERROR.open, OPEN_ERROR.capability, Uint8Array.of(6, 0));
    say(tester, encodeNotification(refusal));
    expect([...tester.peer.refused]).toEqual([6]);
    pass(tester, 120_000);
    dial(tester);
    const opens = messages(tester).filter(({ type }) => type === 1);
    const speaks = opens.map(({ body }) => codesOf(body).includes(6));
    expect(speaks).toEqual([true, false]);
  });
});

function codesOf(body: Uint8Array): readonly number[] {
  const codes: number[] = [];
  for (let at = 12; at + 2 <= body.length; at += 2 + (body[at + 1] ?? 0)) codes.push(body[at] ?? 0);
  return codes;
}

describe('RFC 4271 6.3 and RFC 7606: UPDATE', () => {
  it('6.3: lengths that exceed the message end the session', () =>
    expect(heard(answerIn('Established', raw(2, [0, 9, 0, 0])))).toEqual([
      'UPDATE Message Error / Malformed Attribute List (3/1)',
    ]));

  it('RFC 7606 5.3: NLRI that cannot be read ends the session', () =>
    expect(heard(answerIn('Established', updateOf([33, 1, 2, 3, 4, 5])))[0]).toContain('(3/10)'));

  it('RFC 7606 2: a faulty attribute counts as withdrawal, and the session goes on', () => {
    const tester = meet();
    establish(tester);
    say(tester, updateOf([16, 10, 9]));
    pass(tester, 1);
    expect(routesOf(tester)).toEqual(['10.9.0.0/16']);
    const faulty = updateOf([16, 10, 9]);
    faulty[26] = 7;
    say(tester, faulty);
    pass(tester, 1);
    expect(routesOf(tester)).toEqual([]);
    expect(tester.peer.main.state).toBe('Established');
    expect(tester.peer.counters.treatedAsWithdraw).toBe(1);
    expect(lines(tester).some((line) => /count as withdrawn.*ORIGIN/.test(line))).toBe(true);
  });

  it('RFC 7606 8: tells of a flood of faults once in a while', () => {
    const tester = meet();
    establish(tester);
    const faulty = updateOf([16, 10, 9]);
    faulty[26] = 7;
    for (let count = 0; count < 100; count++) say(tester, faulty);
    tester.now += 20_000;
    say(tester, faulty);
    const told = lines(tester).filter((line) => line.includes('RFC 7606'));
    expect(told).toHaveLength(2);
    expect(told[1]).toContain('99 more like it');
  });
});

/** Prefixes that the speaker has told of, and not taken back. */
function routesOf({ effects }: Tester): readonly string[] {
  const held = new Set<string>();
  for (const effect of effects) {
    if (effect.kind !== 'routes') continue;
    for (const { prefix, nextHops } of effect.changes) {
      if (nextHops.length === 0) held.delete(prefix);
      else held.add(prefix);
    }
  }
  return [...held];
}

describe('RFC 4271 6.4: NOTIFICATION', () => {
  it('6.4: is not answered, whatever it says, and is told in words', () => {
    for (const state of STATES) {
      const tester = answerIn(state, encodeNotification(notification(77, 3, Uint8Array.of(1, 2))));
      expect(heard(tester), state).toEqual([]);
      expect(isClosed(tester)).toBe(true);
      expect(lines(tester)).toContain('received Unknown error (77/3): data 01 02');
    }
  });

  it('RFC 4271 4.5: the connection is closed after it has left', () => {
    const tester = meet();
    establish(tester);
    const from = tester.effects.length;
    say(tester, raw(99, []));
    const [sent, closed] = tester.effects.slice(from).filter(({ kind }) => kind.startsWith('tcp-'));
    expect(sent).toMatchObject({ kind: 'tcp-send', connection: tester.connection });
    expect(closed).toEqual({ kind: 'tcp-close', connection: tester.connection, abort: false });
  });

  it('RFC 9003 2: the text of a shutdown is told', () => {
    const said = notification(ERROR.cease, CEASE.shutdown, encodeShutdownText('Zürich geht schlafen'));
    const tester = answerIn('Established', encodeNotification(said));
    expect(lines(tester)).toContain('received Cease / Administrative Shutdown (6/2): "Zürich geht schlafen"');
    expect(tester.peer.lastChange).toMatchObject({ state: 'down', administrative: true });
  });
});

describe('RFC 4271 6.5 and 4.4: timers', () => {
  it('6.5: silence for the Hold Time is Hold Timer Expired', () => {
    const tester = meet({ holdTimeS: 30 });
    establish(tester);
    pass(tester, 29_999);
    expect(heard(tester)).toEqual([]);
    pass(tester, 2);
    expect(heard(tester)).toEqual(['Hold Timer Expired (4/0)']);
  });

  it('6.5: KEEPALIVE and UPDATE restart the Hold Timer', () => {
    for (const message of [encodeKeepalive(), updateOf([])]) {
      const tester = meet({ holdTimeS: 30 });
      establish(tester);
      for (let count = 0; count < 5; count++) {
        pass(tester, 20_000);
        say(tester, message);
      }
      expect(tester.peer.main.state).toBe('Established');
    }
  });

  it('4.2: an OPEN that does not come ends the connection after the large Hold Time', () => {
    const tester = meet();
    dial(tester);
    pass(tester, 29_000);
    expect(heard(tester)).toEqual([]);
    pass(tester, 2000);
    expect(heard(tester)).toEqual(['Hold Timer Expired (4/0)']);
  });

  it('4.4, 10: KEEPALIVE goes out every third of the Hold Time, jittered between 75 and 100 percent', () => {
    const tester = meet({ holdTimeS: 30 });
    establish(tester);
    const gaps: number[] = [];
    let last: number | undefined;
    const keepalives = () => messages(tester).filter(({ type }) => type === 4).length;
    let count = keepalives();
    for (let at = 0; at < 4000; at++) {
      pass(tester, 100);
      if (at % 50 === 0) say(tester, encodeKeepalive());
      if (keepalives() === count) continue;
      count = keepalives();
      if (last !== undefined) gaps.push(tester.now - last);
      last = tester.now;
    }
    expect(gaps.length).toBeGreaterThan(30);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(7400);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_100);
    expect(new Set(gaps).size).toBeGreaterThan(5);
  });

  it('4.2: with a Hold Time of 0 there is neither KEEPALIVE nor expiry', () => {
    const tester = meet();
    establish(tester, { holdTimeS: 0 });
    const count = messages(tester).length;
    pass(tester, 3_600_000);
    expect(messages(tester)).toHaveLength(count);
    expect(tester.peer.main.state).toBe('Established');
  });

  it('6.5: bytes that wait to be worked off are no silence', () => {
    const tester = meet({ holdTimeS: 30 });
    establish(tester);
    // We were away for longer than the Hold Time; what came meanwhile is read after the deadline.
    tester.now += 40_000;
    say(tester, new Uint8Array(0));
    pass(tester, 0);
    expect(heard(tester)).toEqual([]);
    say(tester, encodeKeepalive());
    pass(tester, 20_000);
    expect(tester.peer.main.state).toBe('Established');
  });
});

describe('RFC 4271 6.6 and RFC 6608 4: messages that a state does not expect', () => {
  const unexpected = {
    OpenSent: [encodeKeepalive(), updateOf([]), encodeRouteRefresh(1, 1, 'request')],
    OpenConfirm: [openOf(), updateOf([]), encodeRouteRefresh(1, 1, 'request')],
    Established: [openOf()],
  };
  const subcode = { OpenSent: 1, OpenConfirm: 2, Established: 3 };

  for (const state of STATES) {
    it(`RFC 6608 4: ${state} says which type it did not expect`, () => {
      for (const message of unexpected[state]) {
        const [said] = heard(answerIn(state, message));
        const type = (message[18] ?? 0).toString().padStart(2, '0');
        expect(said).toBe(
          `Finite State Machine Error / Unexpected Message in ${state} (5/${subcode[state]}): data ${type}`,
        );
      }
    });
  }
});

describe('ROUTE-REFRESH', () => {
  it('RFC 2918 4: for a family that was not negotiated it is ignored', () => {
    for (const bytes of [encodeRouteRefresh(2, 1, 'request'), encodeRouteRefresh(25, 70, 'request')]) {
      const tester = answerIn('Established', bytes);
      expect(heard(tester)).toEqual([]);
      expect(tester.peer.main.state).toBe('Established');
    }
  });

  it('RFC 7313 5: a wrong length is Invalid Message Length, with the message', () => {
    const tester = meet();
    establish(tester, { capabilities: [...CAPABILITIES, { kind: 'enhanced-route-refresh' }] });
    say(tester, raw(5, [0, 1, 0, 1, 0]));
    expect(heard(tester)[0]).toContain('ROUTE-REFRESH Message Error / Invalid Message Length (7/1)');
  });

  it('RFC 7313 4: no BoRR goes out before End-of-RIB', () => {
    const tester = meet();
    tester.drains = false;
    establish(tester, { capabilities: [...CAPABILITIES, { kind: 'enhanced-route-refresh' }] });
    say(tester, encodeRouteRefresh(1, 1, 'request'));
    step(tester, { kind: 'tcp-drained', connection: tester.connection });
    pass(tester, 1);
    step(tester, { kind: 'tcp-drained', connection: tester.connection });
    const kinds = messages(tester).map(({ type, body }) => (type === 2 && body.length === 4 ? 'end' : type));
    expect(kinds).toEqual([1, 4, 2, 'end']);
    say(tester, encodeRouteRefresh(1, 1, 'request'));
    step(tester, { kind: 'tcp-drained', connection: tester.connection });
    const subtypes = messages(tester).filter(({ type }) => type === 5);
    expect(subtypes.map(({ body }) => body[2])).toEqual([1, 2]);
  });

  it('RFC 7313 5: a subtype that nobody knows is ignored', () => {
    const tester = meet();
    establish(tester, { capabilities: [...CAPABILITIES, { kind: 'enhanced-route-refresh' }] });
    say(tester, raw(5, [0, 1, 9, 1]));
    expect(tester.peer.main.state).toBe('Established');
  });
});

describe('bytes', () => {
  it('RFC 4271 4.1: messages may come in any pieces', () => {
    const stream = [
      openOf(),
      encodeKeepalive(),
      updateOf([16, 10, 9]),
      updateOf([16, 10, 8]),
      encodeKeepalive(),
    ];
    const all = Uint8Array.from(stream.flatMap((one) => [...one]));
    for (const size of [1, 2, 18, 19, 20, 31, 64, all.length]) {
      const tester = meet();
      dial(tester);
      for (let at = 0; at < all.length; at += size) say(tester, all.subarray(at, at + size));
      pass(tester, 1);
      expect([...routesOf(tester)].sort(), `in pieces of ${size}`).toEqual(['10.8.0.0/16', '10.9.0.0/16']);
    }
  });

  it("behind the end of a session are nobody's", () => {
    const tester = meet();
    establish(tester);
    const end = encodeNotification(notification(ERROR.cease, CEASE.reset));
    const all = [...updateOf([16, 10, 9]), ...end, ...updateOf([16, 10, 8]), ...openOf()];
    say(tester, Uint8Array.from(all));
    expect(tester.peer.counters.received).toMatchObject({ update: 1, notification: 1, open: 1 });
    expect(tester.peer.main.state).toBe('Active');
    expect(tester.peer.connectRetryCounter).toBe(1);
  });

  it('are copied when they have to wait, for the driver reuses its buffer', () => {
    const tester = meet();
    establish(tester);
    const buffer = updateOf([16, 10, 9]);
    const length = buffer.length;
    say(tester, buffer.subarray(0, length - 1));
    const rest = buffer.slice(length - 1);
    buffer.fill(0);
    say(tester, rest);
    pass(tester, 1);
    expect(routesOf(tester)).toEqual(['10.9.0.0/16']);
  });

  it('beyond what a step works off wait for the next, in order', () => {
    const tester = meet();
    establish(tester);
    const many = Array.from({ length: 6000 }, (_, index) => updateOf([24, 11, index >> 8, index & 255]));
    const all = Uint8Array.from([...many.flatMap((one) => [...one]), ...updateOf([], [24, 11, 0, 0])]);
    say(tester, all);
    expect(tester.peer.counters.received.update).toBeLessThan(6001);
    say(tester, encodeKeepalive());
    pass(tester, 1);
    expect(tester.peer.counters.received.update).toBe(6001);
    expect(routesOf(tester)).toHaveLength(5999);
  });
});
