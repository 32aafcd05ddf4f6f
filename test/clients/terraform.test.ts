/** Terraform with its AWS provider, unmodified: the lives of stacks, side by side. */
import { describe, expect, it } from 'vitest';
import { ACCOUNT } from './simulator.ts';
import { configurationOf, live, openStack, type Stack, whyNoTerraform } from './stack.ts';

const LIFE_MS = 900_000;

/** One life of a stack of its own. */
async function lifeOf(configuration: string, live: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await openStack(configuration, configurationOf(configuration));
  try {
    await live(stack);
  } finally {
    await stack.close();
  }
}

function instances({ simulator }: Stack): Readonly<Record<string, number>> {
  const count: Record<string, number> = {};
  for (const { state } of simulator.state().instances) count[state] = (count[state] ?? 0) + 1;
  return count;
}

describe.skipIf(whyNoTerraform !== undefined)(`Terraform's AWS provider (skipped: ${whyNoTerraform})`, () => {
  const main = async (stack: Stack): Promise<void> => {
    await live(stack, {
      applied: (said) => {
        expect(said).toContain(`account = "${ACCOUNT}"`);
        expect(said).toContain('appliance_vcpus = 2');
        expect(instances(stack)).toEqual({ running: 4 });
      },
    });
    expect(instances(stack)).toEqual({ terminated: 4 });
  };

  it.concurrent.each<[string, string, (stack: Stack) => Promise<void>]>([
    ['main.tf', 'the kinds of resource of both designs', main],
    ['connectivity.tf', 'what leads out of a VPC to other networks', (stack) => live(stack)],
    ['endpoints.tf', 'ways to AWS services, and load balancers', (stack) => live(stack)],
  ])(
    '%s applies, plans no change, updates in place, plans no change, and destroys all: %s',
    (configuration, _what, life) => lifeOf(configuration, life),
    LIFE_MS,
  );

  // The provider looks 20 times, over 2.5 minutes, for an attachment that is gone.
  it.skipIf(process.env.BYOA_SLOW === undefined)(
    'attachment.tf, an ENI attached by a resource of its own (waits for minutes: BYOA_SLOW=1 runs it)',
    () => lifeOf('attachment.tf', (stack) => live(stack)),
    LIFE_MS,
  );
});
