/**
 * From findings of the schema and of `resolve` to errors that name file, line, field, value, cause and
 * remedy.
 */
import { type Document, isMap, isPair, isScalar, type LineCounter } from 'yaml';
import type { z } from 'zod';
import type { Finding } from './finding.ts';
import { suggest } from './suggest.ts';

/** One mistake in a configuration file. */
export interface ConfigError {
  readonly file: string;
  /** From 1; absent where the configuration did not come from a text. */
  readonly line?: number;
  readonly column?: number;
  /** `groups[0].members[1]`; empty for the file as a whole. */
  readonly field: string;
  /** What stands there, as text; absent where something is missing. */
  readonly value?: string;
  readonly why: string;
  readonly remedy: string;
}

/** `byoa.yaml:12:5: groups[0].members[1] is 'c': 'c' is not an appliance; the appliances are a, b`. */
export function formatConfigError({ file, line, column, field, value, why, remedy }: ConfigError): string {
  const at = line === undefined ? file : `${file}:${line}:${column}`;
  const what = field === '' ? '' : `${field}${value === undefined ? '' : ` is ${value}`}: `;
  return `${at}: ${what}${why}; ${remedy}`;
}

/** The text that a configuration came from, for positions. */
export interface Source {
  readonly file: string;
  readonly document?: Document;
  readonly lines?: LineCounter;
}

/** The error for a finding, with its place and the value there. */
export function locate(
  source: Source,
  { path, why, remedy }: Finding,
  input: unknown,
  key?: string,
): ConfigError {
  const value = valueAt(input, key === undefined ? path : [...path, key]);
  return {
    file: source.file,
    ...position(source, path, key),
    field: fieldName(key === undefined ? path : [...path, key]),
    ...(value === undefined || path.some(isSecret) || isSecret(key) ? {} : { value: shortText(value) }),
    why,
    remedy,
  };
}

/**
 * The errors of one schema issue. A union's issue has been given one message for all; where the value has the
 * shape of one of them, its fields are told.
 */
export function explainIssue(
  issue: z.core.$ZodIssue,
  source: Source,
  input: unknown,
  schema: unknown,
): readonly ConfigError[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path, input);
    return issue.keys.map((key) => {
      const remedy = `${suggest(key, known)}${known.length > 0 ? `known here: ${known.join(', ')}` : 'remove it'}`;
      return locate(source, { path, why: 'there is no such field', remedy }, input, key);
    });
  }
  const inner = issue.code === 'invalid_union' ? shapeMeant(issue.errors) : undefined;
  if (inner !== undefined)
    return inner.flatMap((one) =>
      explainIssue({ ...one, path: [...issue.path, ...one.path] }, source, input, schema),
    );
  const missing = valueAt(input, path) === undefined;
  const why = missing ? 'it is missing' : plain(issue.message);
  return [locate(source, { path, why, remedy: missing ? 'add it' : remedyFor(issue) }, input)];
}

/** Zod's own words without their preamble; ours as they are. */
const plain = (message: string): string =>
  message
    .replace(/^(Invalid (input|option|discriminator value)|Too (small|big)): expected/i, 'it should be')
    .replace(/^E/, 'e');

function remedyFor(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `write ${issue.values.map(String).join(' or ')}`;
    case 'invalid_union':
      return issue.discriminator === undefined ? 'correct it' : 'choose one of these kinds';
    case 'too_small':
      return `the least is ${issue.minimum}`;
    case 'too_big':
      return `the most is ${issue.maximum}`;
    case 'invalid_type':
      return `give ${issue.expected === 'array' ? 'a list' : issue.expected === 'object' ? 'a mapping' : `a ${issue.expected}`}`;
    default:
      return 'correct it';
  }
}

/** The issues of the first shape of a union that only fields of the value do not fit. */
const shapeMeant = (
  shapes: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined =>
  shapes.find((issues) => issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'));

/** The fields that the published JSON Schema knows at a path; follows `kind` where shapes differ by kind. */
function knownKeys(schema: unknown, path: Finding['path'], input: unknown): readonly string[] {
  let node = schema;
  for (const [index, part] of path.entries()) {
    const next = typeof part === 'number' ? field(node, 'items') : field(field(node, 'properties'), part);
    node = variant(next, valueAt(input, path.slice(0, index + 1)));
  }
  const properties = field(node, 'properties');
  return isRecord(properties) ? Object.keys(properties) : [];
}

function variant(node: unknown, value: unknown): unknown {
  const variants = field(node, 'oneOf') ?? field(node, 'anyOf');
  if (!Array.isArray(variants)) return node;
  const kind = field(value, 'kind');
  return (
    variants.find(
      (one) => kind !== undefined && field(field(field(one, 'properties'), 'kind'), 'const') === kind,
    ) ?? variants.find((one) => field(one, 'properties') !== undefined)
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const field = (value: unknown, key: string): unknown => (isRecord(value) ? value[key] : undefined);

const valueAt = (input: unknown, path: Finding['path']): unknown =>
  path.reduce<unknown>((value, part) => field(value, String(part)), input);

const fieldName = (path: Finding['path']): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );

/** Where a secret may have been written by mistake, which no message may repeat. */
const isSecret = (part: string | number | undefined): boolean => /pass|secret|^key$/i.test(String(part));

function shortText(value: unknown): string {
  const hidden = (part: string, inner: unknown): unknown => (isSecret(part) ? '(hidden)' : inner);
  const text = typeof value === 'string' ? `'${value}'` : JSON.stringify(value, hidden);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Where the path stands, or the nearest thing around it that exists. */
function position(
  { document, lines }: Source,
  path: Finding['path'],
  key?: string,
): { line?: number; column?: number } {
  if (document === undefined || lines === undefined) return {};
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const named = length === path.length && key !== undefined ? keyNode(node, key) : undefined;
    const start = rangeOf(named) ?? rangeOf(keyOf(document, path.slice(0, length))) ?? rangeOf(node);
    if (start === undefined) continue;
    const { line, col } = lines.linePos(start);
    return { line, column: col };
  }
  return { line: 1, column: 1 };
}

function keyNode(map: unknown, key: string): unknown {
  if (!isMap(map)) return undefined;
  return map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key)?.key;
}

/** The key that a value stands under, whose line people look for. */
function keyOf(document: Document, path: Finding['path']): unknown {
  const last = path.at(-1);
  if (typeof last !== 'string') return undefined;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  return keyNode(parent, last);
}

function rangeOf(node: unknown): number | undefined {
  const range = field(node, 'range');
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
