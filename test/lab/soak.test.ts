/** What a soak concludes from what it saw, and one minute of it in a lab. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { leftOf, networksOfLab } from '../../sim/lab/drill/left.ts';
import { calmFrom, growthOf, slopeOf, soak, violationsOf } from '../../sim/lab/drill/soak.ts';
import { missingHere } from './rig.ts';

describe('what a soak concludes', () => {
  it('draws a line through samples', () => {
    expect(
      slopeOf([
        [0, 5],
        [10, 5],
        [20, 5],
      ]),
    ).toBe(0);
    expect(
      slopeOf([
        [0, 1],
        [10, 21],
        [20, 41],
      ]),
    ).toBeCloseTo(2);
    expect(slopeOf([[7, 3]])).toBe(0);
  });

  it('takes the growth of the process that ran last, and of no former one', () => {
    const sample = (atMs: number, process: string, rssBytes: number, files = 20) => ({
      node: 'a',
      atMs,
      process,
      rssBytes,
      files,
    });
    const [growth] = growthOf([sample(0, '1', 9e6), sample(1000, '2', 1e6), sample(61_000, '2', 2e6, 22)]);
    expect(growth).toMatchObject({ node: 'a', watchedMs: 60_000, files: { first: 20, last: 22 } });
    expect(growth?.bytesPerHour).toBeCloseTo(60e6);
  });

  it.each([
    [1, 0.5],
    [20, 10],
    [60, 15],
    [90, 30],
    [120, 60],
  ])('lets daemons of %d minutes live on from minute %d on', (minutes, from) => {
    expect(calmFrom(minutes * 60_000)).toBe(from * 60_000);
  });

  it('finds what did not come back, or late', () => {
    const flow = (name: string, blackoutMs: number | undefined) => ({
      flow: name,
      blackoutMs,
      lost: 0,
      broken: 0,
      failed: 0,
    });
    const flows = [flow('x', 900), flow('y', 7000), flow('z', undefined)];
    expect(violationsOf({ failure: 'killed', owner: 'a', flows, split: {} }, 5000)).toEqual([
      'killed: y was away for 7000 ms',
      'killed: z did not come back',
    ]);
  });
});

const missing = missingHere();
const title = missing.length === 0 ? 'a soak' : `a soak (needs ${missing.join('; ')})`;

describe.skipIf(missing.length > 0)(title, () => {
  it('counts the networks that are used after its end, and those alone', async () => {
    const args = ['--net', '--pid', '--fork', '--kill-child=KILL', 'sh', '-c', 'echo up; read line'];
    const start = async (): Promise<[ChildProcess, ReadonlySet<string>]> => {
      const child = spawn('unshare', args);
      await once(child.stdout, 'data');
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
      return [child, networksOfLab(Number(children))];
    };
    const [one, networks] = await start();
    const [other, others] = await start();
    try {
      expect([networks.size, others.size]).toEqual([1, 1]);
      expect(await leftOf(networks, 100)).toBe(1);
      one.stdin?.end();
      await once(one, 'exit');
      expect(await leftOf(networks)).toBe(0);
      expect(await leftOf(others, 100)).toBe(1);
    } finally {
      one.kill('SIGKILL');
      other.kill('SIGKILL');
    }
  });

  it('of a minute leaves every flow alive, and nothing behind', async () => {
    const report = await soak({
      program: [process.execPath, fileURLToPath(new URL('../../bin/byoa.js', import.meta.url))],
      options: ['--latency', '150', '--propagation', '50'],
      design: 'egress-pair',
      minutes: 1,
      seed: 1,
      say: () => undefined,
      told: () => undefined,
    });
    expect(report.drills).toBeGreaterThan(2);
    // How soon is for a quiet computer: `byoa soak`.
    expect(report.violations.filter((one) => one.endsWith('did not come back'))).toEqual([]);
    expect(report.growth.map(({ node }) => node)).toEqual(['a', 'b']);
    expect(report.leftNetworks).toBe(0);
  }, 240_000);
});
