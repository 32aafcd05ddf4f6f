/** The schema of `routeSync`: shapes, units and limits of single fields. */
import { z } from 'zod';
import { range } from './bgp-schema.ts';
import { duration, routeTable, tag } from './fields.ts';

const DAY_MS = 86_400_000;

/** Best paths that are kept in some route tables. */
export const syncSchema = z.strictObject({
  tables: z
    .array(
      z
        .strictObject({ table: routeTable.optional(), tag: tag.optional() })
        .describe('Exactly one of table and tag.'),
    )
    .min(1, { error: 'at least one table' }),
  prefixes: z.array(range).min(1).optional().describe('Which best paths; all where absent.'),
  limit: z
    .number({ error: 'it must be a whole number' })
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Most routes of ours per table and IP version; 500 less those of others by default.'),
  aggregate: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe('Fewer routes that forward the same; auto: only when the limit would be exceeded.'),
  persist: z
    .union([z.boolean(), duration(0, 7 * DAY_MS)], { error: 'it is true, false, or a duration such as 5m' })
    .default(true)
    .describe('How long routes stay when all sessions are gone; true: until one is back.'),
  hold: duration(0, 600_000)
    .prefault('5s')
    .describe('How long a withdrawn prefix waits before its route is deleted.'),
  adopt: z
    .array(range)
    .min(1)
    .optional()
    .describe('Existing routes to these destinations are taken over, whoever made them.'),
});

export type ParsedSync = z.output<typeof syncSchema>;
