/**
 * The main job as a user starts it: `byoa demo` in a process of its own, with real daemons, on the bundled
 * simulator.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DesignResult } from '../../sim/demo/report.ts';

const program = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'byoa-demo-test-'));
const html = join(folder, 'demo.html');
let designs: readonly DesignResult[] = [];

beforeAll(() => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'demo', '--json', '--html', html],
    {
      encoding: 'utf8',
      timeout: 170_000,
      maxBuffer: 1 << 26,
    },
  );
  if (status !== 0) throw new Error(`byoa demo ended with ${status}: ${stderr.slice(-3000)}`);
  designs = JSON.parse(stdout).designs;
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const drillOf = (design: string, kind: string) => {
  const found = designs.find((one) => one.design === design)?.drills.find((one) => one.kind === kind);
  return found ?? expect.fail(`no ${kind} of ${design}`);
};

describe.each(['egress-pair', 'floating-eni'])('%s', (design) => {
  it('loses packets when the active appliance dies, and traffic comes back by the other one', () => {
    const { recovered, flow, blackoutMs } = drillOf(design, 'failover');
    expect(recovered).toBe(true);
    expect(flow.lost).toBeGreaterThan(0);
    expect(flow.lost).toBe(flow.gap?.lost);
    expect(blackoutMs).toBeCloseTo((flow.lost + 1) * flow.intervalMs, 3);
    expect(flow.pathAfter).not.toEqual(flow.pathBefore);
  });

  it('tells where the blackout went: parts of measured instants that add up to it', () => {
    const { split, blackoutMs, entries } = drillOf(design, 'failover');
    const { detectMs, decideMs, callMs, propagateMs } = split ?? expect.fail('no split');
    for (const part of [detectMs, decideMs, callMs, propagateMs]) expect(part).toBeGreaterThanOrEqual(0);
    expect(detectMs + decideMs + callMs + propagateMs).toBeCloseTo(blackoutMs, 3);
    const topics = entries.map(({ topic }) => topic);
    for (const topic of [
      'kill',
      'evidence',
      'verdict',
      'decision',
      'call',
      'outcome',
      'data-plane',
      'owned',
    ]) {
      expect(topics).toContain(topic);
    }
  });

  it('comes back to the first appliance by a planned switchover', () => {
    const { recovered, flow } = drillOf(design, 'switchover');
    expect(recovered).toBe(true);
    expect(flow.pathAfter).not.toEqual(flow.pathBefore);
  });
});

it('loses nothing in a switchover of routes, for both appliances forward while they propagate', () => {
  expect(drillOf('egress-pair', 'switchover').flow.lost).toBe(0);
});

it('writes a page that stands alone', () => {
  const text = readFileSync(html, 'utf8');
  expect(text).toContain('<svg');
  expect(text).not.toMatch(/<script|src=|href=/);
});
