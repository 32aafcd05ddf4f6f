/** The kernel of a world: order of events, streams that do not disturb each other. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { peek, pop, push } from '../../sim/world/heap.ts';
import {
  advance,
  after,
  createKernel,
  draw,
  drawDelay,
  nextAt,
  record,
  schedule,
} from '../../sim/world/kernel.ts';

test('the heap yields by instant, then by order of scheduling', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (instants) => {
      const heap: { at: number; seq: number; run: () => void }[] = [];
      instants.forEach((at, seq) => {
        push(heap, { at, seq, run: () => {} });
      });
      const out: { at: number; seq: number }[] = [];
      while (peek(heap) !== undefined) {
        const entry = pop(heap);
        if (entry) out.push({ at: entry.at, seq: entry.seq });
      }
      const sorted = instants.map((at, seq) => ({ at, seq })).sort((a, b) => a.at - b.at || a.seq - b.seq);
      expect(out).toEqual(sorted);
    }),
  );
});

test('advance runs what is due, also what is planned meanwhile, and moves the clock', () => {
  const kernel = createKernel(1, 100);
  const seen: [string, number][] = [];
  const note = (name: string) => () => seen.push([name, kernel.now]);
  schedule(kernel, 120, () => {
    note('b')();
    schedule(kernel, 110, note('late'));
    after(kernel, 5, note('c'));
  });
  schedule(kernel, 110, note('a'));
  schedule(kernel, 200, note('not yet'));
  const cancel = after(kernel, 15, note('cancelled'));
  cancel();
  advance(kernel, 150);
  expect(seen).toEqual([
    ['a', 110],
    ['b', 120],
    ['late', 120],
    ['c', 125],
  ]);
  expect(kernel.now).toBe(150);
  expect(nextAt(kernel)).toBe(200);
});

test('each concern draws from a stream of its own', () => {
  const one = createKernel('seed', 0);
  const two = createKernel('seed', 0);
  draw(two, 'another concern');
  expect(draw(one, 'x')).toBe(draw(two, 'x'));
  expect(draw(createKernel('other seed', 0), 'x')).not.toBe(draw(createKernel('seed', 0), 'x'));
});

test('a delay has its median in the middle, and no spread means the median', () => {
  const kernel = createKernel(7, 0);
  const delays = Array.from({ length: 2001 }, () => drawDelay(kernel, 'd', { medianMs: 150, spread: 0.25 }));
  const median = delays.toSorted((a, b) => a - b)[1000] ?? 0;
  expect(Math.abs(median - 150)).toBeLessThan(6);
  expect(Math.min(...delays)).toBeGreaterThan(40);
  expect(drawDelay(kernel, 'd', { medianMs: 42, spread: 0 })).toBe(42);
});

test('what happens is part of the trace', () => {
  const one = createKernel(1, 0);
  const two = createKernel(1, 0);
  record(one, { kind: 'fault', what: 'x' });
  record(two, { kind: 'fault', what: 'y' });
  expect(one.traceHash).not.toBe(two.traceHash);
  expect(one.log[0]).toMatchObject({ seq: 1, at: 0, kind: 'fault', what: 'x' });
});
