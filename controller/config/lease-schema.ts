/** The schema of leases: where they are kept, and what a group has of its own. */
import { z } from 'zod';
import { duration } from './fields.ts';

const own = {
  term: duration(1000, 60_000)
    .optional()
    .describe('A lease that has not been renewed for so long is taken by another daemon; 4s by default.'),
  lost: z
    .enum(['freeze', 'precedence'])
    .optional()
    .describe(
      'What holds while its store cannot be reached: no writes (the default), or as without a lease.',
    ),
};

/** Of all groups, unless they say otherwise. */
export const leaseSchema = z.union(
  [
    z.literal('none'),
    z.strictObject({
      kind: z.literal('dynamodb'),
      table: z
        .string()
        .regex(/^[a-zA-Z0-9_.-]{3,255}$/, { error: 'a table has 3 to 255 letters, digits, _ . or -' })
        .describe('A table with the partition key group, a string.'),
      region: z.string().min(1).optional().describe('That of aws where absent.'),
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
      ...own,
    }),
  ],
  { error: 'it is none, or { kind: dynamodb, table: NAME }' },
);

/** Of one group. */
export const groupLeaseSchema = z.union([z.literal('none'), z.strictObject(own)], {
  error: 'it is none, or { term: 4s, lost: freeze }',
});
