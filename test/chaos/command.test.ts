/** The command `byoa chaos`: seeds, plans in files, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { planOf } from '../../sim/chaos/campaign.ts';
import { byoa } from '../shell/daemon-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'byoa-chaos-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (text: string): string => {
  const file = join(folder, 'plan.json');
  writeFileSync(file, text);
  return file;
};

describe('byoa chaos', () => {
  // In so many, all that must sometimes happen does: otherwise the exit code is 6.
  test('plays 200 seeds on all processors, all of them pass, and says how to play them again', async () => {
    const { code, stdout } = await byoa(['chaos', '--seeds', '200', '--base', '1000']);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('200 seeds from 1000: byoa chaos --seeds 200 --base 1000');
    expect(stdout).toMatch(/^200 passed, 0 failed; /m);
  }, 300_000);

  test('a seed, and its plan in a file, give the same run', async () => {
    const file = fileOf(JSON.stringify(planOf(1005)));
    const [seed, plan] = await Promise.all(
      [
        ['--seed', '1005'],
        ['--plan', file],
      ].map((how) => byoa(['chaos', ...how])),
    );
    expect(seed?.stdout).toMatch(/^hash=[0-9a-f]{8}$/m);
    expect(plan?.stdout).toBe(seed?.stdout);
  }, 180_000);

  const fault = { kind: 'machine', how: 'kill', machine: 'z', at: 0, forMs: 1 };
  test.each([
    ['no JSON', '{', 'is no plan: '],
    ['another shape', '{"seed":1,"scenario":"egress-routes"}', 'faults'],
    [
      'a machine that is not there',
      JSON.stringify({ seed: 1, scenario: 'egress-routes', faults: [fault] }),
      "faults[0]: appliance 'z' is none of a, b",
    ],
  ])('refuses a plan with %s', async (_, text, why) => {
    const { code, stderr } = await byoa(['chaos', '--plan', fileOf(text)]);
    expect(code).toBe(1);
    expect(stderr).toContain(why);
    expect(stderr).toContain('Take what `byoa chaos --shrink` prints as an example.');
  });
});
