/** The schema of policies: when a group may move although nothing is wrong. */
import { z } from 'zod';
import { duration } from './fields.ts';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const timeOfDay = z
  .string({ error: 'a time is quoted text such as "02:00"' })
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'a time of day looks like "02:00"' });

const isZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
};

const window = z
  .strictObject({
    days: z.array(z.enum(DAYS)).min(1).optional().describe('Days on which it begins; all by default.'),
    from: timeOfDay,
    to: timeOfDay.describe('Not later than from: on the next day.'),
    zone: z
      .string()
      .refine(isZone, { error: 'a time zone is UTC or a name such as Europe/Berlin' })
      .default('UTC'),
  })
  .describe('Only within these times, by the clock of this machine.');

export const failbackSchema = z.union(
  [z.literal('never'), z.strictObject({ after: duration(0, 86_400_000 * 7), window: window.optional() })],
  { error: 'it is never, or { after: 10m }, with a window where wanted' },
);

export const slowStartSchema = duration(0, 86_400_000)
  .prefault('0s')
  .describe('A member that was dead is given nothing for so long that another fit member could carry.');

export const lastResortSchema = z
  .string({ error: 'it is an id' })
  .regex(/^(local|(eni|nat|igw|vgw|tgw|pcx|vpce|eigw|lgw|cagw|rtb)-[0-9a-f]{8,17})$/, {
    error:
      'it is local, or the id of a NAT gateway (nat-...), ENI, gateway, peering connection or endpoint; rtb-... with tables',
  })
  .describe('Where the routes lead when every member is dead; with tables, another table.');

export const fenceSchema = z
  .enum(['none', 'detach-eni', 'stop-instance'], {
    error: 'it is none, detach-eni or stop-instance',
  })
  .default('none')
  .describe('What is done to a dead owner before the group is moved; stop-instance needs a lease.');

export const fenceTimeoutSchema = duration(1000, 3_600_000)
  .prefault('2m')
  .describe('After so long without a fence people are told; the group stays where it is.');

/** What `resolve` makes a failback from. */
export type ParsedFailback = z.output<typeof failbackSchema>;
