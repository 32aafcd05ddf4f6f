/** Terraform's AWS provider: the lives of smaller stacks, side by side. */
import { describe, it } from 'vitest';
import { live, openStack, whyNoTerraform } from './stack.ts';

describe.skipIf(whyNoTerraform !== undefined)(
  `Terraform's other resources (skipped: ${whyNoTerraform})`,
  () => {
    it.concurrent.each([
      ['connectivity.tf', 'what leads out of a VPC to other networks'],
      ['endpoints.tf', 'ways to AWS services'],
      // The provider looks for an attachment that is gone 20 times, over 2.5 minutes, without CPU.
      ['attachment.tf', 'an ENI attached by a resource of its own'],
    ])(
      '%s: %s',
      async (configuration) => {
        const stack = await openStack(configuration);
        try {
          await live(stack);
        } finally {
          await stack.close();
        }
      },
      900_000,
    );
  },
);
