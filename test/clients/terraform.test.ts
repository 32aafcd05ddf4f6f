/** Terraform with its AWS provider, unmodified: the lives of stacks, side by side. */
import { describe, expect, it } from 'vitest';
import { titleOf } from '../title.ts';
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

/** A life: applied, no change planned, updated in place, no change planned, all destroyed. */
describe.skipIf(whyNoTerraform !== undefined)(titleOf("Terraform's AWS provider", whyNoTerraform), () => {
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

  it(
    'main.tf, the kinds of resource of appliances, lives the life of a stack',
    () => lifeOf('main.tf', main),
    LIFE_MS,
  );

  // Each takes a minute of two processors.
  const slow = process.env.BYOA_SLOW !== undefined;
  const [lives, how] = slow ? [it.concurrent, ''] : [it.skip, ' (takes a minute: BYOA_SLOW=1 runs it)'];
  lives.each([
    ['connectivity.tf', 'what leads out of a VPC to other networks'],
    ['endpoints.tf', 'ways to AWS services, and load balancers'],
  ])(
    `%s, %s, lives the life of a stack${how}`,
    (configuration) => lifeOf(configuration, (stack) => live(stack)),
    LIFE_MS,
  );

  // The provider looks 20 times, over 2.5 minutes, for an attachment that is gone.
  it.skipIf(!slow)(
    'attachment.tf, an ENI attached by a resource of its own (waits for minutes: BYOA_SLOW=1 runs it)',
    () => lifeOf('attachment.tf', (stack) => live(stack)),
    LIFE_MS,
  );
});
