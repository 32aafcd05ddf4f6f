/** Which designs labs are of. */
import { expect, it } from 'vitest';
import { LAB_DESIGNS, whyNotInLabs } from '../../sim/lab/designs.ts';
import { runDrills, runSoak } from '../../sim/lab/drill/command.ts';
import { DESIGNS } from '../../sim/pulumi/designs.ts';

const KNOBS = { latency: 150, propagation: 50, config: [] };

it('are all, or say why they are not', async () => {
  const others = DESIGNS.filter((name) => !LAB_DESIGNS.includes(name));
  expect(others).toEqual(['vpn-edge']);
  for (const name of others) {
    const why = `${name} cannot be in a lab: ${whyNotInLabs(name)}.`;
    await expect(runDrills([name], KNOBS)).rejects.toThrow(why);
    await expect(runSoak({ ...KNOBS, design: name, minutes: 1, seed: 1 })).rejects.toThrow(why);
  }
});
