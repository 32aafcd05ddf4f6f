/** The schema of `bgp`, `kernel` and `drain`: shapes, units and limits of single fields. */
import { z } from 'zod';
import { address, cidr, count, duration, name, port } from './fields.ts';

const as = z
  .number({ error: 'an AS number is a number' })
  .int()
  .min(1, { error: 'AS 0 may not be used (RFC 7607)' })
  .max(4294967295);

/** Where a secret is; never the secret itself. */
export const secret = z
  .strictObject(
    {
      file: z.string().min(1).optional(),
      env: z.string().min(1).optional(),
      ssm: z
        .string()
        .regex(/^(\/[\w.-]+)+$|^[\w.-]+$/, { error: 'a parameter has a name such as /byoa/egress/bgp' })
        .optional()
        .describe('A parameter of Systems Manager, in the region of `aws`.'),
    },
    {
      error:
        'the secret itself does not belong into this file: write { file: PATH }, { env: NAME } or { ssm: NAME }',
    },
  )
  .refine((places) => Object.values(places).filter((place) => place !== undefined).length === 1, {
    error: 'name exactly one of file, env and ssm; the secret itself does not belong into this file',
  });

const holdTime = duration(0, 65_535_000).refine((ms) => (ms === 0 || ms >= 3000) && ms % 1000 === 0, {
  error: 'the hold time is 0s (never) or whole seconds from 3s (RFC 4271 4.2)',
});

const families = z.array(z.enum(['ipv4', 'ipv6'])).min(1);

const limit = z.strictObject({
  limit: count(100_000_000),
  warn: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(80)
    .describe('Percent of the limit that is worth a warning.'),
  action: z.enum(['stop', 'warn']).default('stop'),
  restartAfter: duration(1000, 86_400_000).optional().describe('Absent: until cleared by hand.'),
});

/** Of a BFD session that a probe asks for; what is absent has the same default as for a neighbor. */
export const bfdProbe = {
  interval: duration(10, 60_000).optional().describe('10ms at least; 300ms by default.'),
  multiplier: count(255).optional().describe('3 by default.'),
  multihop: z.boolean().optional().describe('RFC 5883: UDP port 4784, any TTL.'),
  auth: z
    .strictObject({
      type: z.enum(['simple', 'keyed-md5', 'meticulous-md5', 'keyed-sha1', 'meticulous-sha1']),
      keyId: z.number().int().min(0).max(255).default(1),
      key: secret,
    })
    .optional(),
};

const bfdTimers = {
  interval: duration(10, 60_000).prefault('300ms').describe('10ms at least; 300ms by default.'),
  multiplier: count(255).default(3),
  multihop: z.boolean().default(false).describe('RFC 5883: UDP port 4784, any TTL.'),
  passive: z.boolean().default(false),
  auth: bfdProbe.auth,
};

const bfd = z.union([z.boolean(), z.strictObject({ ...bfdTimers, strict: z.boolean().default(false) })], {
  error: 'it is true, false, or { interval: 300ms, multiplier: 3 }',
});

export const echoRounds = z.strictObject({
  interval: duration(20, 60_000).optional().describe('300ms by default.'),
  timeout: duration(5, 60_000).optional().describe('At most the interval; 90 % of it by default.'),
  rise: count(100).default(3).describe('Echoes answered in a row, until its routes count as before.'),
  fall: count(100).default(3).describe('Echoes unanswered in a row, until its routes are used last.'),
});

const echo = z.union([z.boolean(), echoRounds], {
  error: 'it is true, false, or { interval: 300ms, fall: 3 }',
});

const gracefulRestart = z.union(
  [
    z.literal(false),
    z.strictObject({
      restartTime: duration(0, 4_095_000).prefault('120s').describe('0s: helper only.'),
      staleTime: duration(1000, 86_400_000).prefault('5m'),
      forwardingKept: z.boolean().default(true),
      notification: z.boolean().default(true).describe('RFC 8538.'),
    }),
  ],
  { error: 'it is false, or { restartTime: 120s }' },
);

const policyName = z.string().min(1).describe('Name of a policy, or all, or none.');

/** What static and dynamic neighbors have in common. */
const peer = {
  port: port.default(179),
  localAs: as.optional(),
  localAddress: address.optional(),
  passive: z.boolean().default(false),
  holdTime: holdTime.prefault('90s'),
  connectRetry: duration(100, 3_600_000).prefault('5s'),
  password: secret.optional().describe('TCP-MD5, RFC 2385.'),
  gtsm: z
    .union([z.boolean(), z.strictObject({ hops: z.number().int().min(1).max(254) })])
    .default(false)
    .describe('RFC 5082: packets from further away are dropped by the kernel.'),
  multihop: z.number().int().min(2).max(255).optional().describe('TTL of eBGP packets; 1 where absent.'),
  families: families.optional(),
  addPath: z
    .strictObject({ receive: z.boolean().default(false), send: z.number().int().min(0).max(64).default(0) })
    .prefault({}),
  extendedMessages: z.boolean().default(true),
  extendedNextHop: z.boolean().default(false),
  role: z.enum(['provider', 'customer', 'peer', 'route-server', 'route-server-client']).optional(),
  strictRole: z.boolean().default(false),
  gracefulRestart: gracefulRestart.optional(),
  import: policyName.optional(),
  export: policyName.optional(),
  maxPrefixes: z.strictObject({ ipv4: limit.optional(), ipv6: limit.optional() }).prefault({}),
  bfd: bfd.default(false),
  transparent: z.boolean().default(false),
  reflectorClient: z.boolean().default(false),
  nextHopSelf: z.boolean().default(false),
  checkNextHops: z
    .boolean()
    .optional()
    .describe(
      'Refuses next hops that this machine does not reach. Absent: yes, but for routeSync without kernel.',
    ),
  allowOwnAs: z.number().int().min(0).max(10).default(0),
};

const neighbor = z.strictObject({
  name: name.optional(),
  appliance: name.optional().describe('Its sessions are evidence on this appliance.'),
  address: address.optional(),
  as,
  shutdown: z.boolean().default(false),
  echo: echo
    .default(false)
    .describe('ICMP echoes to a neighbor without BFD: while it answers none, its routes are used last.'),
  ...peer,
});

const asRange = z.union([
  as,
  z.string().regex(/^\d{1,10}-\d{1,10}$/, { error: 'a range of AS numbers looks like "64512-65534"' }),
]);

const dynamic = z.strictObject({
  name,
  prefix: cidr,
  as: z.array(asRange).min(1),
  limit: count(100_000).default(100),
  ...peer,
});

export const range = z.strictObject({
  prefix: cidr,
  ge: z.number().int().min(0).max(128).optional(),
  le: z.number().int().min(0).max(128).optional(),
});

const asList = z.array(as).min(1);
const communities = z.array(z.string()).min(1);
const origin = z.enum(['igp', 'egp', 'incomplete']);

const rule = z.strictObject({
  match: z
    .strictObject({
      prefixList: z.string().optional(),
      prefixes: z.array(range).min(1).optional(),
      family: z.enum(['ipv4', 'ipv6']).optional(),
      communities: communities.optional(),
      asPath: z
        .strictObject({
          contains: asList.optional(),
          originatedBy: asList.optional(),
          from: asList.optional(),
          minLength: z.number().int().min(0).max(1000).optional(),
          maxLength: z.number().int().min(0).max(1000).optional(),
        })
        .optional(),
      origin: z.array(origin).min(1).optional(),
      nextHops: z.array(address).min(1).optional(),
      peers: z.array(name).min(1).optional(),
    })
    .prefault({}),
  set: z
    .strictObject({
      localPref: z.number().int().min(0).max(4294967295).optional(),
      med: z.union([z.number().int().min(0).max(4294967295), z.literal('remove')]).optional(),
      origin: origin.optional(),
      addCommunities: communities.optional(),
      removeCommunities: communities.optional(),
      replaceCommunities: z.array(z.string()).optional(),
      prepend: z.strictObject({ as, count: count(32).default(1) }).optional(),
      nextHop: address.optional(),
    })
    .prefault({}),
  action: z.enum(['accept', 'reject', 'next']),
});

export const bgpSchema = z.strictObject({
  as,
  routerId: z.ipv4({ error: 'a router identifier looks like an IPv4 address' }).optional(),
  listen: z
    .array(
      z.string().regex(/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):\d{1,5}$/, {
        error: 'it looks like 0.0.0.0:179 or [::]:179',
      }),
    )
    .default(['0.0.0.0:179']),
  multipath: count(64).default(1),
  subnets: z
    .array(cidr)
    .default([])
    .describe('Prefixes on the links of this machine, beside those of its interfaces.'),
  gracefulRestart: gracefulRestart.prefault({}),
  neighbors: z.array(neighbor).default([]),
  dynamic: z.array(dynamic).default([]),
  originate: z
    .array(
      z.strictObject({
        prefix: cidr,
        nextHop: z.union([z.literal('self'), address]).default('self'),
        communities: z.array(z.string()).default([]),
        med: z.number().int().min(0).max(4294967295).optional(),
        whileDead: z
          .array(name)
          .min(1)
          .optional()
          .describe('Announced only while all of these appliances are dead.'),
        linger: duration(0, 86_400_000)
          .optional()
          .describe('With `whileDead`: for so long one must be healthy again until it is withdrawn.'),
      }),
    )
    .default([]),
  prefixLists: z.record(z.string(), z.array(range).min(1)).default({}),
  policies: z
    .array(
      z.strictObject({
        name,
        rules: z.array(rule).default([]),
        otherwise: z.enum(['accept', 'reject']).default('reject'),
      }),
    )
    .default([]),
});

export const kernelSchema = z.strictObject({
  table: z.number().int().min(1).max(0x7fffffff).default(254).describe('Linux routing table; 254 is main.'),
  metric: z.number().int().min(1).max(0x7fffffff).default(20),
  protocol: z.number().int().min(5).max(255).default(98).describe('Marks our routes in the kernel.'),
  prefixes: z.array(range).min(1).optional().describe('Which best paths; all where absent.'),
  ecmp: z.boolean().default(true),
  keepOnStop: z.boolean().default(false),
});

export const drainSchema = z.strictObject({
  how: z.enum(['graceful-shutdown', 'withdraw']).default('graceful-shutdown'),
});

export type ParsedBgp = z.output<typeof bgpSchema>;
export type ParsedPeer = Omit<ParsedBgp['dynamic'][number], 'name' | 'prefix' | 'as' | 'limit'>;
export type ParsedSecret = z.output<typeof secret>;
