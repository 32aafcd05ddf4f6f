/** Fields that several parts of the configuration's schema share. */
import { z } from 'zod';
import { formatPrefix, parseAddress, parsePrefix } from '../base/ip.ts';
import { formatDuration, parseDuration, parseSize } from './units.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;
export const name = z
  .string({ error: 'a name is text' })
  .regex(NAME, { error: 'a name is 1 to 63 lower-case letters, digits or inner hyphens' });

/** The id of an AWS resource. */
export const id = (prefix: string, what: string) =>
  z.string({ error: `the id of ${what} is text` }).regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`), {
    error: `the id of ${what} looks like ${prefix}-0123456789abcdef0`,
  });

export const routeTable = id('rtb', 'a route table');
export const tag = z.strictObject({ key: z.string().min(1).max(128), value: z.string().max(256) });

/** An account's role, and a region: where something is that is not where the daemon is. */
export const realm = {
  role: z
    .string({ error: 'a role is text' })
    .regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, {
      error: 'a role looks like arn:aws:iam::123456789012:role/NAME',
    })
    .optional()
    .describe('The role that calls are made by; its credentials are fetched ahead. By default its own.'),
  region: z
    .string({ error: 'a region is text' })
    .regex(REGION, { error: 'a region looks like eu-central-1' })
    .optional()
    .describe('The region of it; that of aws by default.'),
};

/** A duration between two limits, in milliseconds after parsing. */
export const duration = (minMs: number, maxMs: number) =>
  z
    .string({ error: 'a duration is text such as 200ms, 5s, 10m or 1h' })
    .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, { error: 'a duration is a number and ms, s, m or h, such as 200ms' })
    .transform((text, context) => {
      const parsed = parseDuration(text);
      if (parsed.ok && parsed.value >= minMs && parsed.value <= maxMs) return parsed.value;
      const message = `it must lie between ${formatDuration(minMs)} and ${formatDuration(maxMs)}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });

export const size = z
  .string({ error: 'a size is text such as 64MiB' })
  .regex(/^\d+(B|KiB|MiB|GiB)$/, { error: 'a size is a number and B, KiB, MiB or GiB, such as 64MiB' })
  .transform((text, context) => {
    const parsed = parseSize(text);
    if (parsed.ok && parsed.value >= 64 * 1024) return parsed.value;
    context.addIssue({ code: 'custom', message: 'it must be at least 64KiB' });
    return z.NEVER;
  });

export const address = z.string({ error: 'an IP address is text' }).refine((text) => parseAddress(text).ok, {
  error: 'it must be an IPv4 or IPv6 address without prefix length',
});

/** A CIDR block, canonical after parsing. */
export const cidr = z
  .string({ error: 'a CIDR block is text; quote IPv6 ones: "::/0"' })
  .transform((text, context) => {
    const parsed = parsePrefix(text);
    if (parsed.ok) return formatPrefix(parsed.value);
    context.addIssue({ code: 'custom', message: parsed.error });
    return z.NEVER;
  });

/** A CIDR block, or the id of a prefix list: one route for all its entries. */
export const destination = z
  .string({ error: 'a destination is text; quote IPv6 ones: "::/0"' })
  .transform((text, context) => {
    if (/^pl-[0-9a-f]{8,17}$/.test(text)) return text;
    const parsed = parsePrefix(text);
    if (parsed.ok) return formatPrefix(parsed.value);
    const message = text.startsWith('pl-')
      ? 'the id of a prefix list looks like pl-0123456789abcdef0'
      : parsed.error;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

export const port = z.number({ error: 'a port is a number' }).int().min(1).max(65535);
export const count = (max: number) => z.number({ error: 'it must be a whole number' }).int().min(1).max(max);
