/** When calls can be sent: EC2's buckets, order, what waits for what. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exhausted } from '../../../controller/ec2/budget.ts';
import { type Due, schedule } from '../../../controller/ec2/schedule.ts';

const route = (n: number, after: readonly string[] = []): Due => ({
  key: `r${n}`,
  after,
  call: { kind: 'replace-route', table: 'rtb-1', destination: `10.0.${n}.0/24`, eni: 'eni-b' },
});
const swap = (n: number, after: readonly string[] = []): Due => ({
  key: `s${n}`,
  after,
  call: {
    kind: 'replace-route-table-association',
    association: `rtbassoc-${n}`,
    place: `subnet-${n}`,
    table: 'rtb-2',
  },
});
const routes = (count: number): readonly Due[] => Array.from({ length: count }, (_, n) => route(n));

describe('the schedule of calls', () => {
  it('sends a bucket at once and the rest as it fills: 500 ReplaceRoute take 90 s, whatever the latency', () => {
    const times = schedule(routes(500), {}, 1000, 150);
    expect(times.filter(({ atMs }) => atMs === 0)).toHaveLength(50);
    expect(times[50]?.atMs).toBeCloseTo(200);
    expect(times.at(-1)?.endMs).toBeCloseTo(90_150);
  });
  it('takes as long one after another, for the bucket is what counts', () => {
    const alone = schedule(routes(500), {}, 0, 150, 1);
    expect(alone[1]?.atMs).toBe(150);
    expect(alone.at(-1)?.endMs).toBeCloseTo(90_150);
    expect(schedule(routes(20), {}, 0, 150, 1).at(-1)?.endMs).toBe(3000);
  });
  it('counts each action by its own bucket, from what is left in it', () => {
    const mixed = [...routes(50), swap(1), swap(2)];
    expect(schedule(mixed, {}, 0, 150).every(({ atMs }) => atMs === 0)).toBe(true);
    const empty = exhausted({}, 'replace-route', 0);
    expect(schedule([route(1), swap(1)], empty, 0, 150).map(({ atMs }) => Math.round(atMs))).toEqual([
      200, 0,
    ]);
  });
  it('sends a call when those before it are answered', () => {
    const times = schedule([route(1), route(2), swap(1, ['r1', 'r2'])], {}, 0, 150);
    expect(times.map(({ atMs }) => atMs)).toEqual([0, 0, 150]);
  });
  it('never plans more in any window than EC2 would grant', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(2000), fc.integer({ min: 1, max: 60 }), (count, latency, width) => {
        const sent = schedule(routes(count), {}, 0, latency, width).map(({ atMs }) => atMs);
        sent.forEach((from, index) => {
          const span = (sent.at(-1) ?? from) - from;
          expect(sent.length - index).toBeLessThanOrEqual(51 + (span / 1000) * 5);
        });
      }),
    );
  });
});
