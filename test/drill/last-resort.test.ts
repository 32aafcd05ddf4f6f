/** Designs with a last resort: when every appliance is dead, a NAT gateway has what they had. */
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../sim/drill/failure.ts';
import { drill } from '../../sim/drill/run.ts';
import { designSubject } from '../../sim/drill/source.ts';
import { judge } from '../../sim/drill/verdict.ts';
import type { DesignName } from '../../sim/pulumi/designs.ts';
import { designProgram } from '../../sim/pulumi/program.ts';

const LIMIT_MS = 120_000;
const WATCHED_MS = 10_000;
const dies = (machine: string): Failure => ({ kind: 'machine', how: 'kill', machine });

/** What each flow saw of the death of all appliances, and how long it was away. */
async function deathOfAll(design: DesignName, keys: Readonly<Record<string, string>>) {
  const subject = await designSubject(designProgram(design), () => undefined, {
    'byoa:observers': 'true',
    ...keys,
  });
  const { flows } = judge(drill(subject, [dies('a'), dies('b')], { seed: 1, limitMs: WATCHED_MS }), 0);
  return flows.map(({ verdict, blackoutMs }) => [verdict, blackoutMs !== undefined && blackoutMs < 5000]);
}

describe.each(['egress-pair', 'egress-per-zone'] as const)('%s', (design) => {
  it('goes to the NAT gateway when all appliances die, within the objective of one', {
    timeout: LIMIT_MS,
  }, async () => {
    const flows = await deathOfAll(design, { 'byoa:lastResort': 'true' });
    expect(flows).toEqual([
      ['back', true],
      ['back', true],
    ]);
  });

  it('has nobody left then without one', { timeout: LIMIT_MS }, async () => {
    expect(await deathOfAll(design, {})).toEqual([
      ['unsavable', false],
      ['unsavable', false],
    ]);
  });
});
