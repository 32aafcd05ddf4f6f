/** Checks what an attached daemon sends: one JSON object a line, as controller/attach.ts types it. */
import { z } from 'zod';
import type { AttachRequest } from '../../controller/attach.ts';
import { parseAddress } from '../../controller/base/ip.ts';
import { err, ok, type Result } from '../../controller/base/result.ts';

const id = z.int();
const port = z.int().min(1).max(65_535);
const address = z.string().refine((text) => parseAddress(text).ok, 'is not an IP address');
const via = address.optional();
const data = z.base64();
const mac = z.string().max(17);

const guestChange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('link-up'), mac }),
  z.strictObject({
    kind: z.enum(['address-add', 'address-remove']),
    mac,
    address,
    length: z.int().min(0).max(128),
  }),
  z.strictObject({
    kind: z.enum(['route-add', 'route-remove']),
    mac,
    table: z.int().min(0),
    destination: z.string().max(50),
    via,
  }),
  z.strictObject({
    kind: z.enum(['rule-add', 'rule-remove']),
    from: z.string().max(50),
    table: z.int().min(0),
  }),
  z.strictObject({ kind: z.literal('rp-filter'), mac, mode: z.literal([0, 1, 2]) }),
]);

const frame = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('icmp'), id, to: address, via }),
  z.strictObject({ op: z.literal('tcp-open'), id, to: address, port, via }),
  z.strictObject({ op: z.literal('tcp-data'), id, data }),
  z.strictObject({ op: z.literal('tcp-end'), id }),
  z.strictObject({ op: z.literal('tcp-abort'), id }),
  z.strictObject({ op: z.literal('tcp-listen'), id, port }),
  z.strictObject({ op: z.literal('udp-bind'), id, port }),
  z.strictObject({ op: z.literal('udp-send'), id, to: address, port, data }),
  z.strictObject({ op: z.literal('guest'), id, changes: z.array(guestChange).max(1000) }),
  z.strictObject({ op: z.literal('resolve'), id, name: z.string().min(1).max(255) }),
]);

/** The frame of a line, or what is wrong with it. */
export function parseFrame(line: string): Result<AttachRequest> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return err('an attach frame is not JSON');
  }
  const parsed = frame.safeParse(json);
  if (!parsed.success) return err(`an attach frame is not valid: ${z.prettifyError(parsed.error)}`);
  return ok(parsed.data as AttachRequest);
}
