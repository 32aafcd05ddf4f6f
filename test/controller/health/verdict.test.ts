/** Verdicts from evidence, and what `through` probes say of an appliance whose sessions are down. */
import { describe, expect, it } from 'vitest';
import type { ProbeConfig } from '../../../controller/config.ts';
import type { Evidence, ProbeState } from '../../../controller/health/probe.ts';
import { judge, testimony } from '../../../controller/health/verdict.ts';

const NOW = 100_000;
const base = { intervalMs: 200, timeoutMs: 180, rise: 2, fall: 3, advisory: false, from: 'others' } as const;
type Kind = 'icmp' | 'through' | 'bfd' | 'bgp' | 'daemon';

function probeOf(kind: Kind, appliance: string, advisory: boolean): ProbeConfig {
  const shared = { ...base, id: `${appliance}/${kind}`, appliance, advisory };
  if (kind === 'bgp') return { ...shared, kind };
  if (kind === 'daemon') return { ...shared, kind, address: '10.0.0.10', port: 8080 };
  if (kind === 'through')
    return {
      ...shared,
      kind,
      by: 'next-hop',
      via: '10.0.0.10',
      target: { kind: 'icmp', address: '1.1.1.1' },
    };
  return { ...shared, kind, address: '10.0.0.10' };
}

interface Told extends Partial<ProbeState> {
  readonly up?: boolean;
  /** How long ago the last result came. */
  readonly agoMs?: number;
  readonly advisory?: boolean;
}

/** A probe whose last results, enough of them to decide, were all the same. */
function probe(
  kind: Kind,
  appliance: string,
  { up = true, agoMs = 100, advisory = false, ...rest }: Told = {},
) {
  const at = NOW - agoMs;
  const state: ProbeState = {
    round: 9,
    nextAt: NOW + 100,
    state: up ? 'up' : 'down',
    streak: 3,
    last: { up, at, firstAt: at - 500, reason: up ? 'answered in 1 ms' : 'no answer' },
    ...(up ? { lastUpAt: at, lastUpSentAt: at - 1 } : { lastUpAt: at - 1000, lastUpSentAt: at - 1001 }),
    ...rest,
  };
  return { config: probeOf(kind, appliance, advisory), state } satisfies Evidence;
}

const down = (rest: Told = {}): Told => ({ up: false, ...rest });
const kindOf = (...all: readonly Evidence[]): string => judge('a', all, NOW).kind;

describe('a verdict', () => {
  it.each<[string, readonly Evidence[]]>([
    ['healthy', [probe('icmp', 'a')]],
    ['healthy', [probe('icmp', 'a'), probe('through', 'a')]],
    ['dead', [probe('icmp', 'a', down())]],
    // Not down yet.
    ['suspect', [probe('icmp', 'a', down({ state: 'up', streak: 1 }))]],
    ['unknown', []],
    ['unknown', [probe('icmp', 'a', { agoMs: 10_000 })]],
    ['unknown', [probe('icmp', 'a', { state: 'down', streak: 1 })]],
    // Carries traffic, so it is not dead, whatever else is down.
    ['suspect', [probe('icmp', 'a', down()), probe('through', 'a')]],
    // Somebody else's, and what only advises.
    ['healthy', [probe('icmp', 'a'), probe('icmp', 'b', down())]],
    ['healthy', [probe('icmp', 'a'), probe('bfd', 'a', down({ advisory: true }))]],
    // A silent daemon says nothing; one that speaks does.
    ['healthy', [probe('icmp', 'a'), probe('daemon', 'a', { agoMs: 10_000 })]],
    ['dead', [probe('icmp', 'a'), probe('daemon', 'a', down())]],
    ['unknown', [probe('daemon', 'a', { agoMs: 10_000 })]],
  ])('is %s', (expected, all) => expect(kindOf(...all)).toBe(expected));

  it('excuses a target that fails by way of every member, and no other', () => {
    const icmp = probe('icmp', 'a');
    const fails = down({ agoMs: 100 });
    expect(kindOf(icmp, probe('through', 'a', fails), probe('through', 'b', fails))).toBe('healthy');
    expect(kindOf(icmp, probe('through', 'a', fails), probe('through', 'b'))).toBe('dead');
    expect(kindOf(icmp, probe('through', 'a', fails))).toBe('dead');
  });

  it('gives a way to a target that is back its own failures, not those of the target', () => {
    const way = probe('through', 'a', down({ streak: 5, forgiven: 3 }));
    expect(kindOf(way, probe('through', 'b'))).toBe('suspect');
    expect(kindOf({ ...way, state: { ...way.state, streak: 6 } }, probe('through', 'b'))).toBe('dead');
  });

  it('has the age of its evidence: the newest result, the last success, the first failure', () => {
    const verdict = judge('a', [probe('icmp', 'a', down({ agoMs: 50 })), probe('bfd', 'a')], NOW);
    expect(verdict).toMatchObject({
      kind: 'dead',
      evidenceAt: NOW - 50,
      lastUpAt: NOW - 100,
      failedSince: NOW - 550,
    });
  });

  it('is as old as its kind, not as its reason', () => {
    const first = judge('a', [probe('icmp', 'a', down())], NOW);
    const second = judge('a', [probe('bfd', 'a', down())], NOW + 100, first);
    expect(second.reason).not.toBe(first.reason);
    expect(second.since).toBe(NOW);
    expect(judge('a', [probe('bfd', 'a')], NOW + 200, second).since).toBe(NOW + 200);
  });
});

describe('a session that is down beside a through probe', () => {
  /** BFD that ran out just now; its peer was heard last `heardMs` ago. */
  const lost = (heardMs: number) => probe('bfd', 'a', down({ agoMs: 0, heardAt: NOW - heardMs }));
  /** Its last success was sent so long ago. */
  const through = (sentMs: number) =>
    probe('through', 'a', { agoMs: Math.max(0, sentMs - 10), lastUpSentAt: NOW - sentMs });
  const said = (...all: readonly Evidence[]) => testimony('a', all, NOW);

  it('is the loss of a control plane where a round was sent after the last that was heard', () => {
    expect(kindOf(lost(150), through(100))).toBe('suspect');
    expect(said(lost(150), through(100))).toEqual({ outlived: true, asked: [] });
  });

  it('is a death where the last round that passed was sent before', () => {
    expect(kindOf(lost(150), through(200))).toBe('dead');
    expect(said(lost(150), through(200))).toEqual({ outlived: false, asked: ['a/through'] });
  });

  it('waits for the next round where the peer ended the session itself', () => {
    expect(kindOf(lost(0), through(200))).toBe('suspect');
    expect(said(lost(0), through(200))).toEqual({ outlived: false, asked: ['a/through'] });
    expect(kindOf(lost(0), probe('through', 'a', down()))).toBe('dead');
  });

  it('waits where a round answers that was sent since, after this node was held up', () => {
    const rising = { state: 'unknown', streak: 1, lastUpSentAt: NOW - 150 } as const;
    const session = probe('bfd', 'a', down({ heardAt: NOW - 1000 }));
    expect(kindOf(session, probe('through', 'a', rising))).toBe('suspect');
    expect(kindOf(session, probe('through', 'a', { ...rising, lastUpSentAt: NOW - 2000 }))).toBe('dead');
    expect(kindOf(session, probe('through', 'a', rising), probe('icmp', 'a', down()))).toBe('dead');
  });

  it('does not wait where anything else is down', () => {
    expect(kindOf(lost(0), through(200), probe('icmp', 'a', down()))).toBe('dead');
  });

  it('counts from the session whose peer was heard last', () => {
    const bgp = probe('bgp', 'a', down({ agoMs: 0, heardAt: NOW - 50 }));
    expect(said(lost(150), bgp, through(100))).toEqual({ outlived: false, asked: ['a/through'] });
    expect(said(lost(150), bgp, through(40))).toEqual({ outlived: true, asked: [] });
  });

  it('counts from its end where nobody knows when the peer was heard', () => {
    const { heardAt: _, ...state } = lost(0).state;
    const unknown = { config: lost(0).config, state };
    expect(said(unknown, through(0)).outlived).toBe(true);
    expect(said(unknown, through(1)).outlived).toBe(false);
  });

  it('says nothing where no session is down, and asks nobody where no round passed', () => {
    expect(said(probe('bfd', 'a'), through(100))).toEqual({ outlived: false, asked: [] });
    expect(said(lost(150), probe('through', 'a', down()))).toEqual({ outlived: false, asked: [] });
    expect(said(lost(150), probe('through', 'b'))).toEqual({ outlived: false, asked: [] });
    expect(said(lost(150), probe('through', 'a', { advisory: true }))).toEqual({
      outlived: false,
      asked: [],
    });
  });
});
