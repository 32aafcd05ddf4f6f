/** Where the time of a blackout goes, and how a drill reads. */
import { describe, expect, it } from 'vitest';
import type { LabDrill } from '../../sim/lab/drill/run.ts';
import { splitOf } from '../../sim/lab/drill/split.ts';
import { cellsOf, lineOf, tableOf, worstOf } from '../../sim/lab/drill/text.ts';
import type { Logged } from '../../sim/world/happening.ts';

const api = (seq: number, action: string, requestedAt: number, at: number, applied = true): Logged => ({
  kind: 'api',
  seq,
  at,
  service: 'ec2',
  action,
  account: '123456789012',
  region: 'eu-central-1',
  subjects: [],
  requestedAt,
  durationMs: at - requestedAt,
  outcome: applied ? 'ok' : 'RequestLimitExceeded',
  applied,
});
const change = (seq: number, at: number): Logged => ({
  kind: 'change',
  seq,
  at,
  resource: 'route-table',
  id: 'rtb-1',
  gone: false,
  afterMs: 50,
});

describe('splitOf', () => {
  it('follows the last of several writes from the notice to the first answer', () => {
    const events = [
      api(1, 'DescribeRouteTables', 650, 790),
      api(2, 'ReplaceRoute', 710, 860),
      api(3, 'ReplaceRoute', 712, 862),
      change(4, 910),
      change(5, 912),
    ];
    expect(splitOf({ struckAt: 0, backAt: 915, noticedAt: 700, events })).toEqual({
      detectMs: 700,
      decideMs: 10,
      callMs: 152,
      propagateMs: 50,
      restMs: 3,
    });
  });

  it('leaves out what was refused, what came before the failure, and what came after the answer', () => {
    const events = [
      api(1, 'ReplaceRoute', -100, 40),
      api(2, 'ReplaceRoute', 710, 720, false),
      api(3, 'ReplaceRoute', 800, 950),
      change(4, 1000),
      api(5, 'ReplaceRoute', 2000, 2150),
      change(6, 2200),
    ];
    const split = splitOf({ struckAt: 0, backAt: 1003, noticedAt: 700, events });
    expect(split).toEqual({ detectMs: 700, decideMs: 100, callMs: 150, propagateMs: 50, restMs: 3 });
  });

  it('knows no calls where none was made', () => {
    expect(splitOf({ struckAt: 0, backAt: 905, noticedAt: 900, events: [] })).toEqual({
      detectMs: 900,
      restMs: 5,
    });
  });
});

describe('a drill as text', () => {
  const drill: LabDrill = {
    failure: 'killed',
    owner: 'a',
    flows: [
      { flow: 'one', blackoutMs: 900.4, lost: 899, broken: 1, failed: 2 },
      { flow: 'two', blackoutMs: 0, lost: 0, broken: 0, failed: 0 },
    ],
    split: { detectMs: 690, decideMs: 3, callMs: 150, propagateMs: 50, restMs: 7.4 },
  };

  it('is its worst flow, and the connections of all', () => {
    expect(cellsOf(drill)).toEqual([
      'killed',
      '900 ms',
      '899',
      '690 ms',
      '3 ms',
      '150 ms',
      '50 ms',
      '7 ms',
      '1 of 2',
      '2',
    ]);
    expect(lineOf('egress-pair', drill)).toMatch(
      /^egress-pair, killed: blackout 900 ms, lost 899, detect 690 ms/,
    );
  });

  it('says LOST of a flow that did not come back, however short another was interrupted', () => {
    const flows = [...drill.flows, { flow: 'three', blackoutMs: undefined, lost: 0, broken: 0, failed: 9 }];
    expect(worstOf(flows)?.flow).toBe('three');
    expect(cellsOf({ ...drill, flows })[1]).toBe('LOST');
  });

  it('says why a failure was not done', () => {
    const spared = {
      failure: 'zone lost',
      spared: 'all appliances are in one zone',
      owner: '',
      flows: [],
      split: {},
    };
    expect(lineOf('nat-fleet', spared)).toBe(
      'nat-fleet, zone lost: not done, all appliances are in one zone',
    );
    expect(tableOf([drill, spared]).split('\n')).toHaveLength(4);
  });
});
