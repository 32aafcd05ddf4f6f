/** The schema of what daemons tell each other of appliances, and of how many must agree. */
import { z } from 'zod';
import { count, duration, name } from './fields.ts';

const listen = z
  .string({ error: 'it is text such as 0.0.0.0:8179' })
  .regex(/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):\d{1,5}$/, {
    error: 'it looks like 0.0.0.0:8179 or [::]:8179',
  });

export const healthSchema = z.strictObject({
  listen: listen.default('0.0.0.0:8179').describe('Where this daemon tells others what it finds.'),
  quorum: count(100)
    .default(1)
    .describe('Sources that must say that an appliance is dead, this node being one; 1 is the node alone.'),
  observers: z
    .record(name, listen)
    .default({})
    .describe('Daemons on no appliance, by name, whose word counts: where they listen.'),
  instanceStatus: duration(1000, 3_600_000)
    .optional()
    .describe('How often EC2 is asked for the state and status checks of the instances; never by default.'),
});
