/**
 * The format of a world file: a line of JSON that says what it is, then lines of changes that make the world
 * from an empty one. A line is one change, or a list of changes that were made at once. Appending to the file
 * is thus how a world is kept while it runs. Pure: text in and out.
 */
import { z } from 'zod';
import { err, ok, type Result } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { Kind } from '../ec2/record/kind.ts';
import { address, cidr, exactly } from '../ec2/record/schema.ts';
import { schemas } from '../ec2/record/schemas.ts';
import type { GuestState } from '../vpc/guest-state.ts';
import { restoreWorld, type SavedGuest, type SavedRouter, type WorldChange, worldChanges } from './saved.ts';
import { profile, quotas, service } from './schema.ts';
import type { WorldOptions } from './settings.ts';
import type { PlacedHost, World } from './state.ts';
import { createWorld } from './world.ts';

const FORMAT = 'byoa world';
const VERSION = 1;

/** What a file holds. `run` is how often it has been loaded. */
export interface SavedWorld {
  readonly now: Instant;
  readonly run: number;
  readonly changes: readonly WorldChange[];
}

const header = z.strictObject({
  format: z.literal(FORMAT, `is not '${FORMAT}'`),
  version: z.literal(VERSION, `is not ${VERSION}, the version that this byoa reads`),
  now: z.number(),
  run: z.int().min(0),
});

const kernel = exactly<GuestState>({
  devices: z.array(
    z.strictObject({
      eni: z.string(),
      up: z.boolean(),
      rpFilter: z.literal([0, 1, 2]),
      addresses: z.array(z.strictObject({ address, length: z.int().min(0).max(128) })),
    }),
  ),
  routes: z.array(
    z.strictObject({
      table: z.int(),
      eni: z.string(),
      destination: cidr,
      via: address.exactOptional(),
    }),
  ),
  rules: z.array(z.strictObject({ from: cidr, table: z.int() })),
});

const guest = exactly<SavedGuest>({
  instance: z.string(),
  profile: profile.exactOptional(),
  power: z.enum(['running', 'dead', 'frozen']).exactOptional(),
  hung: z.boolean(),
  drop: z.boolean(),
  kernel: kernel.exactOptional(),
});

const host = exactly<PlacedHost>({
  address,
  services: z.array(service),
  behind: z.string().exactOptional(),
});

const preference = {
  med: z.number().exactOptional(),
  prepend: z.number().exactOptional(),
  communities: z.array(z.string()).exactOptional(),
};

const router = exactly<SavedRouter>({
  customerGateway: z.string(),
  announces: z.array(cidr),
  ...preference,
  tunnels: z
    .record(z.string(), z.strictObject({ announces: z.array(cidr).exactOptional(), ...preference }))
    .exactOptional(),
  bfd: z.boolean().exactOptional(),
  authKey: z.string().exactOptional(),
  on: z.boolean(),
});

const kindNames = Object.keys(schemas) as [Kind, ...Kind[]];
const puts = kindNames.map((table) =>
  z.strictObject({
    kind: z.literal('put'),
    table: z.literal(table),
    scope: z.string(),
    record: schemas[table],
  }),
);

const change = z.discriminatedUnion('kind', [
  z.discriminatedUnion('table', puts as [(typeof puts)[number]]),
  z.strictObject({
    kind: z.literal('remove'),
    table: z.enum(kindNames),
    scope: z.string(),
    id: z.string(),
  }),
  z.strictObject({ kind: z.literal('region'), name: z.string() }),
  z.strictObject({ kind: z.literal('quotas'), name: z.string(), quotas }),
  z.strictObject({
    kind: z.literal('planned'),
    step: z.strictObject({
      at: z.number(),
      seq: z.int(),
      account: z.string(),
      region: z.string(),
      transition: z.strictObject({ name: z.string(), id: z.string() }),
    }),
  }),
  z.strictObject({ kind: z.literal('done'), seq: z.int() }),
  z.strictObject({
    kind: z.literal('token'),
    key: z.string(),
    input: z.looseObject({}).transform((value) => untagged(value) as object),
    output: z.looseObject({}).transform((value) => untagged(value) as object),
  }),
  z.strictObject({ kind: z.literal('guest'), guest }),
  z.strictObject({ kind: z.literal('host'), host }),
  z.strictObject({ kind: z.literal('router'), router }),
]);

/** The world of a file; its clock goes on where `startAt` says, else where it stood. */
export function openWorld(saved: SavedWorld, options: WorldOptions = {}): World {
  const world = createWorld({ startAt: saved.now, ...options, run: saved.run });
  restoreWorld(world, saved.changes);
  return world;
}

/** The first line of a file. */
export const headerLine = (now: Instant, run: number): string =>
  `${JSON.stringify({ format: FORMAT, version: VERSION, now, run })}\n`;

/** The line of changes that were made at once. */
export const changesLine = (changes: readonly WorldChange[]): string =>
  `${JSON.stringify(changes.length === 1 ? encoded(changes[0]) : changes.map(encoded))}\n`;

/** All lines of a world's file, in pieces. */
export function* worldLines(world: World, run: number): Generator<string> {
  yield headerLine(world.now, run);
  for (const each of worldChanges(world)) yield changesLine([each]);
}

/** Answers hold dates and bytes, which no schema tells from text: they are tagged. */
const encoded = (change: WorldChange | undefined): unknown =>
  change?.kind === 'token'
    ? { ...change, input: tagged(change.input), output: tagged(change.output) }
    : change;

function tagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: Array.from(value) };
  if (Array.isArray(value)) return value.map(tagged);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tagged(inner)]));
}

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  const { $date, $bytes } = value as { readonly $date?: unknown; readonly $bytes?: unknown };
  if (typeof $date === 'string') return new Date($date);
  if (Array.isArray($bytes)) return Uint8Array.from($bytes as number[]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, untagged(inner)]));
}

/**
 * Reads a world file; an error names the file, the line and the field. A last line that lacks its end was
 * being written when the writer died: it was never acknowledged, and is left out.
 */
export function parseWorldFile(text: string, file: string): Result<SavedWorld> {
  const lines = text.split('\n');
  if (!isJson(lines.at(-1) ?? '')) lines.pop();
  const first = parseLine(lines[0] ?? '', header);
  if (!first.ok) return err(`${file}:1: ${first.error}; this is no world file of byoa`);
  const changes: WorldChange[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === '') continue;
    const parsed = parseLine(line, line.startsWith('[') ? z.array(change) : change);
    if (!parsed.ok) return err(`${file}:${index + 1}: ${parsed.error}`);
    for (const each of [parsed.value].flat()) changes.push(each as WorldChange);
  }
  return ok({ now: first.value.now, run: first.value.run, changes });
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parseLine<S extends z.ZodType>(line: string, expected: S): Result<z.infer<S>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return err(`it is not JSON (${error instanceof Error ? error.message : error})`);
  }
  const parsed = expected.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return err(`${issue?.path.join('.') || 'the line'}: ${issue?.message}`);
}
