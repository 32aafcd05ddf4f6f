/** Describing generically: by ids, by filters with wildcards, in pages. */
import type { Filter } from '@aws-sdk/client-ec2';
import type { Tx } from './handler.ts';
import { type Place, pageAfter } from './page.ts';
import type { Tags } from './record/base.ts';
import type { Kind, Records } from './record/kind.ts';
import { refuse } from './refusal.ts';

/** What a filter sees of a record; a list matches where one of its values does. */
export type Property = string | number | boolean | undefined | readonly (string | number | undefined)[];

export type Filters<R> = Readonly<Record<string, (record: R, tx: Tx) => Property>>;

export interface DescribeInput {
  readonly Filters?: Filter[] | undefined;
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

interface DescribeOptions<K extends Kind> {
  readonly kind: K;
  readonly ids?: readonly string[] | undefined;
  readonly input: DescribeInput;
  readonly filters: Filters<Records[K]>;
  /** Filters whose value is an id that the record refers to: they need not look at every record. */
  readonly indexed?: readonly string[];
  /** Records that are there without being stored. */
  readonly beside?: readonly Records[K][];
  /** Records that the caller does not show. */
  readonly visible?: (record: Records[K]) => boolean;
}

/** A page of records and the token of the next; asked by id, each must exist. */
export function describe<K extends Kind>(
  tx: Tx,
  { kind, ids, input, filters, indexed = [], beside = [], visible }: DescribeOptions<K>,
): { readonly records: readonly Records[K][]; readonly next: { readonly NextToken?: string } } {
  if (ids?.length && input.MaxResults !== undefined) {
    refuse(
      'InvalidParameterCombination',
      'The parameter ids and the parameter maxResults cannot be used in the same request',
    );
  }
  const wanted = input.Filters ?? [];
  const candidates = ids?.length
    ? [...new Set(ids)].map((id) => beside.find((each) => each.id === id) ?? tx.need(kind, id))
    : [...beside, ...(narrowed(tx, kind, wanted, indexed) ?? tx.list(kind))];
  const matches = matcher(tx, wanted, filters);
  return paginate(
    candidates.filter((record) => (visible?.(record) ?? true) && matches(record)),
    input,
    (record) => [tx.order(kind, record.id), record.id],
  );
}

function narrowed<K extends Kind>(
  tx: Tx,
  kind: K,
  wanted: readonly Filter[],
  indexed: readonly string[],
): readonly Records[K][] | undefined {
  const filter = wanted.find(({ Name, Values }) => indexed.includes(Name ?? '') && Values?.length === 1);
  const [value] = filter?.Values ?? [];
  return value === undefined || /[*?\\]/.test(value) ? undefined : tx.referring(kind, value);
}

/**
 * Filters named after members of what is shown, as most of EC2's are: `metadata-options.http-tokens` is
 * MetadataOptions.HttpTokens, `network-interface.status` the Status of each of NetworkInterfaces. What is
 * never shown matches nothing.
 */
export function byShown<R>(shown: (tx: Tx, record: R) => object, ...names: readonly string[]): Filters<R> {
  return Object.fromEntries(
    names.map((name) => {
      const steps = name.split('.').map((step) => step.replaceAll('-', ''));
      return [name, (record: R, tx: Tx): Property => valuesAt(shown(tx, record), steps)];
    }),
  );
}

function valuesAt(value: unknown, steps: readonly string[]): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((each) => valuesAt(each, steps));
  const [step, ...rest] = steps;
  if (step === undefined) return [value instanceof Date ? value.toISOString() : String(value)];
  if (typeof value !== 'object') return [];
  const found = Object.entries(value).find(([name]) => [step, `${step}s`].includes(name.toLowerCase()));
  return found === undefined ? [] : valuesAt(found[1], rest);
}

/** A predicate for EC2's filters: all filters must match, each by one of its values. */
export function matcher<R extends { readonly tags: Tags }>(
  tx: Tx,
  wanted: readonly Filter[],
  filters: Filters<R>,
): (record: R) => boolean {
  const tests = wanted.map(({ Name: name = '', Values: values }) => {
    const property = name.startsWith('tag:')
      ? (record: R) => tagValue(record.tags, name.slice(4))
      : name === 'tag-key'
        ? (record: R) => Object.keys(record.tags)
        : name === 'tag-value'
          ? (record: R) => Object.values(record.tags)
          : Object.hasOwn(filters, name)
            ? filters[name]
            : undefined;
    if (property === undefined)
      return refuse('InvalidParameterValue', `The filter '${name || 'null'}' is invalid`);
    if (!values?.length) return refuse('InvalidParameterValue', `The filter '${name}' has no values`);
    if (values.length > 200) {
      refuse('FilterLimitExceeded', `The filter '${name}' has ${values.length} values; the maximum is 200`);
    }
    const patterns = values.map(pattern);
    return (record: R): boolean => {
      const found = property(record, tx);
      const list = Array.isArray(found) ? found : [found];
      return list.some((each) => each !== undefined && patterns.some((test) => test(String(each))));
    };
  });
  return (record) => tests.every((test) => test(record));
}

/**
 * `*` any characters, `?` one, a backslash takes them literally. Runs in time linear in pattern times text.
 */
function pattern(text: string): (value: string) => boolean {
  if (!/[*?\\]/.test(text)) return (value) => value === text;
  const parts: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const ch = text[at] ?? '';
    if (ch === '\\' && at + 1 < text.length) parts.push(`=${text[++at]}`);
    else parts.push(ch === '*' || ch === '?' ? ch : `=${ch}`);
  }
  return (value) => glob(parts, value);
}

function glob(parts: readonly string[], value: string): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let mark = 0;
  while (at < value.length) {
    if (parts[part] === '?' || parts[part] === `=${value[at]}`) {
      part++;
      at++;
    } else if (parts[part] === '*') {
      star = part++;
      mark = at;
    } else if (star >= 0) {
      part = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  while (parts[part] === '*') part++;
  return part === parts.length;
}

/** One page; the token is opaque to the caller. `place` says where a record stands in the list. */
export function paginate<R>(
  records: readonly R[],
  { MaxResults: limit, NextToken: token }: DescribeInput,
  place: (record: R) => Place,
): { readonly records: readonly R[]; readonly next: { readonly NextToken?: string } } {
  const page = pageAfter(records, { limit, token }, place);
  if (page === undefined) return refuse('InvalidNextToken', `The token '${token}' is invalid`);
  return { records: page.rows, next: page.token === undefined ? {} : { NextToken: page.token } };
}

/** Tags as EC2 shows them; nothing where there are none. */
export const shownTags = (tags: Tags): { Key: string; Value: string }[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

const tagValue = (tags: Tags, key: string): string | undefined =>
  Object.hasOwn(tags, key) ? tags[key] : undefined;
