/**
 * Terraform with its AWS provider, unmodified: one life of a stack with the kinds of resource of both
 * designs.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT } from './simulator.ts';
import { openStack, type Stack, whyNoTerraform } from './stack.ts';

/** The commands of one life of a stack, in order: each needs what the one before left. */
describe.skipIf(whyNoTerraform !== undefined)(`Terraform's AWS provider (skipped: ${whyNoTerraform})`, () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack('main.tf');
  });
  afterAll(() => stack.close());

  const kinds = (): Readonly<Record<string, number>> => {
    const count: Record<string, number> = {};
    for (const { state } of stack.simulator.state().instances) count[state] = (count[state] ?? 0) + 1;
    return count;
  };

  it('applies, plans no change, updates in place, plans no change, and destroys all', async () => {
    const { terraform } = stack;
    await terraform(0, 'init');
    const applied = await terraform(0, 'apply', '-auto-approve');
    expect(applied).toMatch(/Apply complete! Resources: 50 added, 0 changed, 0 destroyed/);
    expect(applied).toContain(`account = "${ACCOUNT}"`);
    expect(kinds()).toEqual({ running: 3 });
    await terraform(0, 'plan', '-detailed-exitcode');
    const updated = await terraform(0, 'apply', '-auto-approve', '-refresh=false', '-var', 'owner=b');
    expect(updated).toMatch(/Resources: 0 added, 10 changed, 0 destroyed/);
    await terraform(0, 'plan', '-detailed-exitcode', '-var', 'owner=b');
    const destroyed = await terraform(0, 'destroy', '-auto-approve', '-refresh=false');
    expect(destroyed).toMatch(/Destroy complete! Resources: 50 destroyed/);
    expect(kinds()).toEqual({ terminated: 3 });
  }, 600_000);
});
