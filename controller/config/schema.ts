/**
 * The schema of the configuration file: shapes, units and limits of single fields. What several fields must
 * agree on is in `resolve.ts`. The input side is published as JSON Schema.
 */
import { z } from 'zod';
import { bfdProbe, bgpSchema, drainSchema, kernelSchema } from './bgp-schema.ts';
import {
  address,
  cidr,
  count,
  destination,
  duration,
  id,
  name,
  port,
  REGION,
  realm,
  routeTable,
  size,
  tag,
} from './fields.ts';
import { healthSchema } from './health-schema.ts';
import { groupLeaseSchema, leaseSchema } from './lease-schema.ts';
import {
  failbackSchema,
  fenceSchema,
  fenceTimeoutSchema,
  lastResortSchema,
  slowStartSchema,
} from './policy-schema.ts';
import { syncSchema } from './sync-schema.ts';

const command = z
  .array(z.string())
  .min(1, { error: 'a command has at least a program; each argument is an item' });
const url = z.url({ protocol: /^https?$/, error: 'it must be an http:// or https:// URL' });
const statuses = z.array(z.number().int().min(100).max(599)).min(1);
const probeBase = {
  name: name
    .optional()
    .describe('Name of the probe within its appliance; made from kind and port by default.'),
  interval: duration(20, 3_600_000)
    .optional()
    .describe('Time from one round to the next. Default depends on the kind.'),
  timeout: duration(5, 3_600_000).optional().describe('At most the interval; 90 % of it by default.'),
  rise: count(100).default(3).describe('Successes in a row that turn the probe up.'),
  fall: count(100).default(3).describe('Failures in a row that turn the probe down.'),
  advisory: z.boolean().default(false).describe('Shown and logged, never decides.'),
  from: z
    .enum(['others', 'self', 'all'])
    .optional()
    .describe('Who probes: daemons elsewhere, its own daemon, or all.'),
};

/** Driven by the events of a session: no rounds. */
const eventProbe = { name: probeBase.name, advisory: probeBase.advisory };
/** What only the appliance's own daemon can look at. */
const { from: _from, ...localProbe } = probeBase;

const throughTarget = z
  .strictObject({
    icmp: address.optional(),
    tcp: z.strictObject({ address, port }).optional(),
    http: url.optional(),
    expect: statuses.optional().describe('Statuses that count as up, with http; 200 by default.'),
  })
  .describe('Exactly one of icmp, tcp and http.');

const probe = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('icmp'), ...probeBase }),
  z.strictObject({ kind: z.literal('tcp'), port, ...probeBase }),
  z.strictObject({
    kind: z.literal('http'),
    url: url.optional().describe('Whole URL, instead of port, path and tls.'),
    port: port.optional(),
    path: z.string().startsWith('/', { error: 'a path begins with /' }).optional(),
    tls: z.boolean().optional(),
    verify: z.boolean().default(true).describe('Whether an https certificate must be valid.'),
    expect: statuses.default([200]),
    ...probeBase,
  }),
  z.strictObject({ kind: z.literal('command'), command, ...probeBase }),
  z.strictObject({ kind: z.literal('daemon'), port: port.default(8179), ...probeBase }),
  z.strictObject({ kind: z.literal('bgp'), ...eventProbe }),
  z.strictObject({
    kind: z.literal('bfd'),
    ...eventProbe,
    ...bfdProbe,
  }),
  z.strictObject({
    kind: z.literal('process'),
    program: z.string().min(1).describe('Name of the program, as the kernel has it.'),
    ...localProbe,
  }),
  z.strictObject({ kind: z.literal('interface'), device: z.string().min(1), ...localProbe }),
  z.strictObject({
    kind: z.literal('conntrack'),
    max: z.number().int().min(1).max(100).default(90).describe('Percent of nf_conntrack_max.'),
    ...localProbe,
  }),
  z.strictObject({
    kind: z.literal('speaker'),
    port: port.default(179).describe('Where the BGP speaker beside the daemon, such as BIRD, listens.'),
    ...localProbe,
  }),
  z.strictObject({
    kind: z.literal('ena'),
    device: z.string().min(1).default('eth0'),
    counters: z.array(z.string().min(1)).min(1).default(['conntrack_allowance_exceeded']),
    ...localProbe,
  }),
  z.strictObject({
    kind: z.literal('through'),
    target: throughTarget,
    by: z.enum(['next-hop', 'route']).optional().describe('How others send by way of the appliance.'),
    ...probeBase,
  }),
]);

const hook = z
  .strictObject({ command: command.optional(), webhook: url.optional() })
  .describe('Exactly one of command and webhook.');

const course = {
  direction: z
    .literal('return')
    .optional()
    .describe('Paths by which answers come: in their place before any other path is written.'),
  symmetric: name
    .optional()
    .describe('Paths of the group with the same name here carry two ways of the same traffic.'),
};

const routes = z
  .strictObject({
    table: routeTable.optional(),
    tag: tag.optional(),
    subnets: z.array(id('subnet', 'a subnet')).min(1).optional(),
    gateways: z
      .array(
        z.string().regex(/^(igw|vgw)-[0-9a-f]{8,17}$/, {
          error: 'the id of a gateway looks like igw-0123456789abcdef0 or vgw-0123456789abcdef0',
        }),
      )
      .min(1)
      .optional(),
    tables: z
      .record(name, routeTable)
      .optional()
      .describe(
        'A table for each member, whose routes lead to it: subnets and gateways change between them.',
      ),
    lastResort: lastResortSchema.optional(),
    destinations: z
      .array(destination)
      .min(1, { error: 'at least one destination' })
      .describe('CIDR blocks and ids of prefix lists, the most important first.'),
    ...course,
    ...realm,
  })
  .describe('Routes of one table, of all tables with a tag, or of prepared tables, one for each member.');

const transitRoutes = z
  .strictObject({
    table: id('tgw-rtb', 'a transit gateway route table'),
    lastResort: id('tgw-attach', 'a transit gateway attachment')
      .optional()
      .describe('The attachment when no member is left.'),
    destinations: z.array(cidr).min(1, { error: 'at least one destination' }),
    ...course,
    ...realm,
  })
  .describe("Static routes of a transit gateway, to the owner's attachment.");

const eip = z.strictObject({
  allocation: id('eipalloc', 'an Elastic IP'),
  address: address.optional().describe("By default the primary address of the owner's ENI."),
});

const group = z.strictObject({
  name,
  members: z
    .array(name)
    .min(2, { error: 'a group needs two members to fail over' })
    .describe('In order of preference.'),
  addresses: z
    .array(address)
    .min(1)
    .optional()
    .describe("Secondary private addresses of the owner's ENI; their Elastic IPs come along."),
  eips: z.array(eip).min(1).optional().describe("Elastic IPs that lead to the owner's ENI."),
  routes: z.array(routes).min(1).optional(),
  transitRoutes: z.array(transitRoutes).min(1).optional(),
  eni: z
    .strictObject({
      id: id('eni', 'an ENI'),
      deviceIndex: z.number().int().min(1, { error: '0 is the primary ENI, which cannot be moved' }).max(15),
      forceAfter: duration(0, 600_000).prefault('5s'),
      guestTable: z.number().int().min(1).max(0x7fffffff).optional().describe('Default: 1000 + deviceIndex.'),
    })
    .optional(),
  objective: duration(1, 86_400_000)
    .optional()
    .describe('How long a failover may take, from the verdict on: byoa plan warns where it takes longer.'),
  failback: failbackSchema.default('never'),
  slowStart: slowStartSchema,
  damping: z
    .strictObject({ moves: count(1000).default(3), within: duration(1_000, 86_400_000).prefault('10m') })
    .prefault({})
    .describe(
      'At most so many moves in such a time; twice as many to put together a group that is half moved.',
    ),
  takeoverStagger: duration(0, 60_000).prefault('500ms'),
  orphanGrace: duration(100, 600_000).prefault('3s'),
  lease: groupLeaseSchema.optional(),
  fence: fenceSchema,
  fenceTimeout: fenceTimeoutSchema,
  hooks: z
    .strictObject({
      'on-own': hook.optional(),
      'on-lose': hook.optional(),
      'on-fail': hook.optional(),
      timeout: duration(100, 600_000).prefault('10s'),
    })
    .prefault({}),
});

const appliance = z.strictObject({
  name,
  address: address.describe('Primary private address, where others probe it.'),
  eni: id('eni', 'an ENI').describe('Primary ENI: the target of its routes.'),
  instance: id('i', 'an instance').optional(),
  capacity: count(10_000).optional().describe('How many groups it carries at most; any number by default.'),
  attachment: id('tgw-attach', 'a transit gateway attachment')
    .optional()
    .describe('By which it is reached: the target of its transit gateway routes.'),
  probes: z.array(probe).default([]),
  ...realm,
});

/** The file, before the checks between fields. */
export const fileSchema = z.strictObject({
  version: z.literal(1, { error: 'this release reads version 1' }),
  node: name.describe(
    "This daemon's name: the appliance that it runs on, or any other name for an observer.",
  ),
  aws: z.strictObject({
    region: z.string().regex(REGION, { error: 'a region looks like eu-central-1' }),
    endpoint: url.optional(),
    attemptTimeout: duration(50, 60_000).prefault('500ms'),
    timeout: duration(100, 300_000).prefault('5s'),
    addresses: z.record(z.string(), z.array(address).min(1)).default({}),
  }),
  appliances: z.array(appliance).default([]),
  groups: z.array(group).default([]),
  lease: leaseSchema.default('none').describe('The right to write for groups: one daemon has it at a time.'),
  bgp: bgpSchema.optional(),
  kernel: kernelSchema.optional().describe('Best paths go into the routing table of this machine.'),
  routeSync: z.array(syncSchema).min(1).optional().describe('Best paths go into route tables.'),
  drain: drainSchema.optional().describe('How failing local checks take this appliance out of use.'),
  health: healthSchema.optional(),
  observe: z
    .strictObject({
      interval: duration(200, 600_000).prefault('5s'),
      staleAfter: duration(500, 3_600_000).prefault('15s'),
    })
    .prefault({}),
  readiness: z.strictObject({ every: duration(10_000, 86_400_000).prefault('5m') }).prefault({}),
  journal: z
    .strictObject({
      directory: z.string().min(1).default('/var/lib/byoa/journal'),
      maxBytes: size.prefault('64MiB'),
      files: count(1000).default(8),
    })
    .prefault({}),
  control: z.strictObject({ socket: z.string().min(1).default('/run/byoa/control.sock') }).prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

/** What people and programs write. */
export type ConfigInput = z.input<typeof fileSchema>;
/** What the schema makes of it: the input of `resolve`. */
export type ParsedFile = z.output<typeof fileSchema>;
