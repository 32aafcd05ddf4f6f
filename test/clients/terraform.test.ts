/**
 * Terraform with its AWS provider, unmodified: one life of a stack with the kinds of resource of both
 * designs.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT } from './simulator.ts';
import { live, openStack, type Stack, whyNoTerraform } from './stack.ts';

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
    await live(stack, (applied) => {
      expect(applied).toContain(`account = "${ACCOUNT}"`);
      expect(applied).toContain('appliance_vcpus = 2');
      expect(kinds()).toEqual({ running: 4 });
    });
    expect(kinds()).toEqual({ terminated: 4 });
  }, 900_000);
});
