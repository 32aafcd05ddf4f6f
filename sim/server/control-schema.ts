/** The bodies of control API requests. */
import { z } from 'zod';
import { parseAddress, parsePrefix } from '../../controller/base/ip.ts';
import { profile, quotas, service } from '../world/schema.ts';

const address = z.string().refine((text) => parseAddress(text).ok, 'is not an IP address');
const port = z.int().min(1).max(65_535);
const millis = z.number().min(0).max(86_400_000);
const rate = z.number().min(0).max(1);
const delay = z.strictObject({ medianMs: millis, spread: z.number().min(0).max(3).default(0) });

export { profile, quotas };

export const host = z.strictObject({
  address,
  services: z.array(service).optional(),
  behind: z
    .string()
    .regex(/^(cgw|dxcon)-/)
    .optional(),
});

const prefix = z.string().refine((text) => parsePrefix(text).ok, 'is not a prefix in canonical form');

const prefixes = z.array(prefix).max(2000);
const preference = {
  med: z.int().min(0).max(4_294_967_295).exactOptional(),
  prepend: z.int().min(0).max(20).exactOptional(),
  /** E.g. `7224:7300`. */
  communities: z
    .array(z.string().regex(/^\d{1,5}:\d{1,5}$/))
    .max(20)
    .exactOptional(),
};

export const router = z.strictObject({
  announces: prefixes.default([]),
  ...preference,
  tunnels: z
    .record(z.string().min(1), z.strictObject({ announces: prefixes.exactOptional(), ...preference }))
    .exactOptional(),
  bfd: z.boolean().exactOptional(),
  authKey: z.string().min(1).max(80).exactOptional(),
});

/** Who asks for metadata: how many routers lie between, such as a container's bridge. */
export const asker = z.strictObject({ hops: z.int().min(0).max(63).default(0) });

/** Of a VPN connection, or the line of a virtual interface. */
export const tunnel = z.strictObject({ state: z.enum(['up', 'down']) });

export const flow = z.strictObject({
  id: z.string().min(1).max(100).optional(),
  from: z.string(),
  to: address,
  port: port.optional(),
  intervalMs: z.number().min(0.1).max(3_600_000).optional(),
});

export const cut = z.strictObject({
  id: z.string().min(1).max(100).optional(),
  from: z.string(),
  to: z.string(),
  direction: z.enum(['both', 'one-way']).default('both'),
  /** 1 is a cut; less is a loss rate. */
  loss: rate.default(1),
});

export const packet = z.strictObject({
  from: z.string().min(1).max(100),
  to: address,
  protocol: z.union([z.enum(['icmp', 'tcp', 'udp']), z.int().min(0).max(255)]).default('icmp'),
  port: port.optional(),
  sourcePort: port.optional(),
  bytes: z.int().min(28).max(65_535).optional(),
  source: address.optional(),
  via: address.optional(),
  /** Whether the receiver's answer is traced, too. */
  both: z.boolean().default(false),
});

export const knobs = z
  .strictObject({
    latency: delay,
    propagation: delay,
    throttle: z.enum(['off', 'aws']),
    staleReadsMs: millis,
    newIdLagMs: millis,
    errors: z.strictObject({
      rate,
      code: z.string().min(1).default('InternalError'),
      status: z.int().min(400).max(599).default(500),
      having: z.string().min(1).optional(),
    }),
    appliedButTimedOut: rate,
    attachMs: millis,
    detachMs: millis,
    startMs: millis,
    stopMs: millis,
    rebootMs: millis,
    strictAmi: z.boolean(),
    rulesOf2020: z.array(z.string()),
    quotas: z.enum(['aws', 'off']),
    dynamodb: z.enum(['up', 'silent', 'slow', 'unanswered']),
    credentials: z.enum(['up', 'down']),
    links: z
      .strictObject({ withinZoneMs: millis, acrossZonesMs: millis, internetMs: millis, loss: rate })
      .partial(),
  })
  .partial();

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error'),
    code: z.string().min(1),
    message: z.string().default('Injected by the experiment'),
    status: z.int().min(400).max(599).default(400),
  }),
  z.strictObject({ kind: z.enum(['throttle', 'applied-no-answer', 'lost']) }),
  z.strictObject({ kind: z.literal('late'), delayMs: millis }),
]);

export const injection = z.strictObject({
  action: z.string().optional(),
  fault,
  times: z.int().min(1).max(1_000_000).default(1),
});

export const reset = z.strictObject({
  seed: z.string().optional(),
  profile: z.enum(['instant', 'aws']).optional(),
});
