/** Terraform's AWS provider: one life each of stacks of what leads out of a VPC. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack, whyNoTerraform } from './stack.ts';

const made = (plan: string): string | undefined =>
  /Plan: (\d+) to add, 0 to change, 0 to destroy/.exec(plan)?.[1];

describe.skipIf(whyNoTerraform !== undefined).each(['connectivity.tf', 'endpoints.tf'])(
  `Terraform's resources of %s (skipped: ${whyNoTerraform})`,
  (configuration) => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await openStack(configuration);
    });
    afterAll(() => stack.close());

    it('apply, plan no change, update in place, plan no change, and destroy', async () => {
      const { terraform } = stack;
      await terraform(0, 'init');
      const applied = await terraform(0, 'apply', '-auto-approve');
      const count = made(applied);
      expect(applied).toContain(`Apply complete! Resources: ${count} added, 0 changed, 0 destroyed`);
      await terraform(0, 'plan', '-detailed-exitcode');
      const updated = await terraform(0, 'apply', '-auto-approve', '-refresh=false', '-var', 'owner=b');
      expect(updated).toMatch(/Resources: 0 added, [1-9]\d* changed, 0 destroyed/);
      await terraform(0, 'plan', '-detailed-exitcode', '-var', 'owner=b');
      const destroyed = await terraform(0, 'destroy', '-auto-approve', '-refresh=false');
      expect(destroyed).toContain(`Destroy complete! Resources: ${count} destroyed`);
    }, 600_000);
  },
);
