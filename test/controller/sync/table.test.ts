/** One table on its way to its plan: what is ours after each outcome, and what is never touched. */
import { describe, expect, it } from 'vitest';
import { prng } from '../../../controller/base/prng.ts';
import type { Call, Outcome } from '../../../controller/ec2/call.ts';
import type { Effect } from '../../../controller/event.ts';
import { newTurn, type Turn } from '../../../controller/failover/turn.ts';
import type { Plan } from '../../../controller/sync/plan.ts';
import {
  advanceTable,
  newTable,
  type TableScene,
  type TableSync,
  tableWriteEnded,
} from '../../../controller/sync/table.ts';
import { ENIS, TABLE } from './scene.ts';

const HOSTS = '203.0.113.0/24';
const OTHER = '198.51.100.0/24';
const ok: Outcome = { kind: 'ok', value: { kind: 'done' } };
const refused = (code: string): Outcome => ({ kind: 'rejected', code, message: 'no', retry: false });

const turnAt = (now: number): Turn =>
  newTurn({ prng: prng(1, 'test'), lastRequest: now, pending: {}, budget: {} }, now, false);

const planOf = (routes: Plan['routes']): Plan => ({
  ...{ routes, aggregated: { 4: false, 6: false }, limit: { 4: 500, 6: 500 }, foreign: [], refused: {} },
  ...{ unresolved: [], isPending: false, isInside: false, leftOut: { count: 0, first: [] } },
  ...{ alive: Object.values(ENIS), wanted: Object.keys(routes).length },
});

/** The scene with these routes in the table. */
const scene = (
  routes: Readonly<Record<string, string>>,
  planned: Plan['routes'],
  rest: Partial<TableScene> = {},
): TableScene => ({
  table: {
    id: TABLE,
    vpc: 'vpc-1',
    routes: Object.entries(routes).map(([destination, target]) => ({ destination, target, state: 'active' })),
    associations: [],
    main: false,
  },
  seen: 1,
  plan: planOf(planned),
  mayAdopt: () => false,
  ...{ mayWrite: true, mayDelete: true, isFresh: true, observeOnly: false, reserve: 0 },
  ...rest,
});

const callsOf = (effects: readonly Effect[]): readonly Call[] =>
  effects.flatMap((effect) => (effect.kind === 'ec2-call' ? [effect.call] : []));

/** What a pass at this time sends. */
function advance(state: TableSync, given: TableScene, now = 100) {
  const turn = turnAt(now);
  const passed = advanceTable(state, given, turn);
  const { effects } = turn.finish();
  return { ...passed, calls: callsOf(effects), effects };
}

describe('what is ours', () => {
  it('is a route from the moment at which it is asked for, and not after a refusal', () => {
    const { state, calls } = advance(newTable(), scene({}, { [HOSTS]: ENIS.a }));
    expect(calls).toEqual([{ kind: 'create-route', table: TABLE, destination: HOSTS, eni: ENIS.a }]);
    expect(state.ours).toEqual({ [HOSTS]: ENIS.a });
    const call = calls[0] as Call;
    expect(tableWriteEnded(state, call, HOSTS, ok, turnAt(200)).ours).toEqual({ [HOSTS]: ENIS.a });
    const ended = tableWriteEnded(state, call, HOSTS, refused('UnauthorizedOperation'), turnAt(200));
    expect(ended.ours).toStrictEqual({});
  });

  it('is what it was after a refused change', () => {
    const { state, calls } = advance(
      newTable({ [HOSTS]: ENIS.a }),
      scene({ [HOSTS]: ENIS.a }, { [HOSTS]: ENIS.b }),
    );
    expect(calls.map(({ kind }) => kind)).toEqual(['replace-route']);
    const ended = tableWriteEnded(
      state,
      calls[0] as Call,
      HOSTS,
      refused('UnauthorizedOperation'),
      turnAt(200),
    );
    expect(ended.ours).toStrictEqual({ [HOSTS]: ENIS.a });
  });

  it('is deleted when nobody wants it, and is not ours once a look shows that it is gone', () => {
    const { state, calls } = advance(newTable({ [HOSTS]: ENIS.a }), scene({ [HOSTS]: ENIS.a }, {}));
    expect(calls).toEqual([{ kind: 'delete-route', table: TABLE, destination: HOSTS }]);
    const ended = tableWriteEnded(state, calls[0] as Call, HOSTS, ok, turnAt(200));
    expect(ended.ours).toStrictEqual({ [HOSTS]: ENIS.a });
    const later = advance(ended, scene({}, {}, { seen: 1000 }), 300);
    expect(later).toMatchObject({ calls: [], state: { ours: {}, writes: {} } });
  });

  it('is deleted as well where EC2 says that it is not there', () => {
    const { state, calls } = advance(newTable({ [HOSTS]: ENIS.a }), scene({ [HOSTS]: ENIS.a }, {}));
    const ended = tableWriteEnded(
      state,
      calls[0] as Call,
      HOSTS,
      refused('InvalidRoute.NotFound'),
      turnAt(200),
    );
    expect(ended.writes[HOSTS]).toMatchObject({ state: 'ok' });
    expect(ended.told).toEqual([]);
  });
});

describe('what is not ours', () => {
  it('is never touched', () => {
    expect(advance(newTable(), scene({ [HOSTS]: 'igw-1', [OTHER]: ENIS.a }, {})).calls).toEqual([]);
  });

  it('is deleted where it may be adopted and nobody wants it', () => {
    const given = scene({ [HOSTS]: 'igw-1' }, {}, { mayAdopt: (one) => one === HOSTS });
    expect(advance(newTable(), given).calls).toEqual([
      { kind: 'delete-route', table: TABLE, destination: HOSTS },
    ]);
  });

  it('is what stands there after a call without an answer, where it is not what we asked for', () => {
    const { state, calls } = advance(newTable(), scene({}, { [HOSTS]: ENIS.a }));
    const lost = tableWriteEnded(
      state,
      calls[0] as Call,
      HOSTS,
      { kind: 'unknown', reason: 'time-out' },
      turnAt(200),
    );
    const basis = { request: 1, version: 1, around: '', others: '' };
    const later = advance(
      { ...lost, basis },
      scene({ [HOSTS]: 'igw-1' }, { [HOSTS]: ENIS.a }, { seen: 1000 }),
      300,
    );
    expect(later).toMatchObject({ calls: [], state: { ours: {} } });
    // The plan has to be made again: somebody else has the prefix.
    expect(later.state.basis).toBeUndefined();
  });
});

describe('an edit by somebody else', () => {
  const planned = { [HOSTS]: ENIS.a };
  it('is put right three times, and then left to them for ten minutes, with one alarm', () => {
    let state = newTable(planned);
    let now = 0;
    const sent: number[] = [];
    const alarms: string[] = [];
    for (let round = 0; round < 6; round++) {
      now += 10_000;
      const passed = advance(state, scene({ [HOSTS]: ENIS.b }, planned, { seen: now }), now);
      sent.push(passed.calls.length);
      for (const effect of passed.effects)
        if (effect.kind === 'log' && effect.topic === 'alarm') alarms.push(effect.text);
      state = passed.state;
      for (const call of passed.calls) state = tableWriteEnded(state, call, HOSTS, ok, turnAt(now + 100));
      // Our write is seen, and then they come again.
      state = advance(state, scene(planned, planned, { seen: now + 5000 }), now + 5000).state;
    }
    expect(sent).toEqual([1, 1, 1, 0, 0, 0]);
    expect(alarms).toEqual([
      `Somebody else changes ${HOSTS} of ${TABLE} again and again; it is left to them for 600 s.`,
    ]);
    expect(state.edits[HOSTS]?.yieldedUntil).toBe(40_000 + 600_000);
  });
});

describe('order', () => {
  it('new routes come before those that go, which wait for the answers', () => {
    const planned = { '203.0.113.0/25': ENIS.a, '203.0.113.128/25': ENIS.b };
    const first = advance(newTable({ [HOSTS]: ENIS.a }), scene({ [HOSTS]: ENIS.a }, planned));
    expect(first.calls.map(({ kind }) => kind)).toEqual(['create-route', 'create-route']);
    const state = first.calls.reduce(
      (next, call) =>
        tableWriteEnded(next, call, 'destination' in call ? call.destination : '', ok, turnAt(200)),
      first.state,
    );
    const second = advance(state, scene({ [HOSTS]: ENIS.a }, planned), 300);
    expect(second.calls).toEqual([{ kind: 'delete-route', table: TABLE, destination: HOSTS }]);
  });

  it('routes to a dead ENI come first', () => {
    const planned = { [OTHER]: ENIS.b, [HOSTS]: ENIS.b, '192.0.2.0/24': ENIS.b };
    const there = { [HOSTS]: ENIS.a, [OTHER]: 'eni-live' };
    const given = scene(there, planned);
    const alive = { ...given, plan: { ...given.plan, alive: [ENIS.b, 'eni-live'] } };
    expect(
      advance(newTable(there), alive).calls.map(
        (one) => `${one.kind} ${'destination' in one ? one.destination : ''}`,
      ),
    ).toEqual([`replace-route ${HOSTS}`, 'create-route 192.0.2.0/24', `replace-route ${OTHER}`]);
  });

  it('a full table is emptied first', () => {
    const given = scene({ [HOSTS]: ENIS.a }, { [OTHER]: ENIS.a });
    const full = { ...given, plan: { ...given.plan, limit: { 4: 1, 6: 0 } } };
    expect(advance(newTable({ [HOSTS]: ENIS.a }), full).calls).toEqual([
      { kind: 'delete-route', table: TABLE, destination: HOSTS },
    ]);
  });

  it('an old look replaces, and neither makes nor deletes', () => {
    const there = { [HOSTS]: ENIS.a, [OTHER]: ENIS.a };
    const planned = { [HOSTS]: ENIS.b, '192.0.2.0/24': ENIS.a };
    const { calls } = advance(newTable(there), scene(there, planned, { isFresh: false }));
    expect(calls).toEqual([{ kind: 'replace-route', table: TABLE, destination: HOSTS, eni: ENIS.b }]);
  });
});
