/**
 * The demonstration's arithmetic and renderings, from made-up observations; whole runs are in `npm start`.
 */
import { describe, expect, it } from 'vitest';
import { page } from '../../sim/demo/page.ts';
import { type DesignResult, drill, type FlowResult, type Observation } from '../../sim/demo/report.ts';
import { drillText, painter } from '../../sim/demo/text.ts';

const flow: FlowResult = {
  intervalMs: 1,
  sent: 4000,
  delivered: 2800,
  answered: 2799,
  lost: 1200,
  gap: { lastDeliveredAt: 999, firstDeliveredAt: 2200, lost: 1200 },
  pathBefore: ['eni-w', 'eni-a'],
  pathAfter: ['eni-w', 'eni-b'],
};

const seen: Observation[] = [
  { at: 1000, who: 'simulator', topic: 'kill', text: 'appliance a loses power' },
  { at: 1250, who: 'daemon b', topic: 'evidence', text: 'icmp to a: no answer in 180 ms' },
  { at: 1600, who: 'daemon b', topic: 'verdict', text: 'a is dead: icmp failed 3 of 3' },
  { at: 1603, who: 'daemon b', topic: 'call', text: 'replace-route rtb-1 0.0.0.0/0 -> eni-b' },
  { at: 1753, who: 'daemon b', topic: 'outcome', text: 'replace-route rtb-1 0.0.0.0/0 ok', durationMs: 150 },
  { at: 1760, who: 'daemon b', topic: 'call', text: 'describe-route-tables' },
  { at: 1900, who: 'daemon b', topic: 'outcome', text: 'describe-route-tables ok', durationMs: 140 },
  { at: 900, who: 'daemon b', topic: 'debug', text: 'not for the timeline' },
];

const failover = drill({ kind: 'failover', title: 'a dies', triggerAt: 1000, observations: seen, flow });

describe('the report of a drill', () => {
  it('splits the blackout into parts that add up to it exactly', () => {
    expect(failover.blackoutMs).toBe(1201);
    expect(failover.split).toEqual({ detectMs: 601, decideMs: 3, callMs: 150, propagateMs: 447 });
    const { detectMs, decideMs, callMs, propagateMs } = failover.split ?? expect.fail('no split');
    expect(detectMs + decideMs + callMs + propagateMs).toBe(failover.blackoutMs);
  });

  it('does not count reads that confirm as calls of the path', () => {
    const slow = seen.map((one) => (/describe/.test(one.text) ? { ...one, at: one.at + 290 } : one));
    const again = drill({ kind: 'failover', title: 'a dies', triggerAt: 1000, observations: slow, flow });
    expect(again.split?.callMs).toBe(150);
  });

  it('orders what was seen, since the trigger, and leaves the rest in the logs', () => {
    const order = failover.entries.map(({ sinceMs }) => sinceMs);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(failover.entries.some(({ text }) => text === 'not for the timeline')).toBe(false);
    expect(failover.entries[0]).toMatchObject({ sinceMs: -1, who: 'flow', text: 'Last packet delivered.' });
  });

  it('says plainly when traffic did not return', () => {
    const dead = drill({
      kind: 'failover',
      title: 'a dies',
      triggerAt: 1000,
      observations: seen,
      flow: { ...flow, pathAfter: [] },
    });
    expect(dead.recovered).toBe(false);
    expect(drillText(dead, painter(false))).toContain('traffic did not return');
  });

  it('has no blackout where no packet was lost', () => {
    const { gap: _, ...rest } = flow;
    const quiet = drill({
      kind: 'switchover',
      title: 'planned',
      triggerAt: 1000,
      observations: [],
      flow: { ...rest, lost: 0 },
    });
    expect(quiet.blackoutMs).toBe(0);
    expect(drillText(quiet, painter(false))).toContain('no blackout; 0 of 4000 packets lost');
  });

  it('writes colours only when asked to', () => {
    expect(drillText(failover, painter(false))).not.toContain('\u001b[');
    expect(drillText(failover, painter(true))).toContain('\u001b[');
  });
});

describe('the page', () => {
  const result: DesignResult = {
    design: 'egress-pair',
    summary: 'two zones',
    settings: { 'API call': '150 ms' },
    boxes: [
      box('a', 'appliance', 'zone-a', 'eni-a'),
      box('b', 'appliance', 'zone-b', 'eni-b'),
      box('<workload>', 'workload', 'zone-a', 'eni-w'),
    ],
    resources: 30,
    host: '203.0.113.10',
    drills: [failover],
  };

  it('stands alone: no script, no reference to anything outside', () => {
    const html = page([result], 'now');
    expect(html).not.toMatch(/<script|src=|href=|url\(http/);
    expect(html).toContain('<svg');
    expect(html).toContain('1.201 s');
  });

  it('escapes names', () => {
    expect(page([result], '<b>')).not.toMatch(/<workload>|<b>,|<b>\. /);
  });
});

function box(
  name: string,
  role: 'appliance' | 'workload',
  zone: string,
  eni: string,
): DesignResult['boxes'][number] {
  return {
    id: `i-${name}`,
    name,
    role,
    zone,
    subnet: '10.0.0.0/24',
    enis: [{ id: eni, address: '10.0.0.10', deviceIndex: 0 }],
  };
}
