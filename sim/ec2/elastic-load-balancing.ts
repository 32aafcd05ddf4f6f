/** What the handlers of Elastic Load Balancing share: ARNs, names, attributes, refusals. */
import type { Tag } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Tx } from './handler.ts';
import { hexDigits } from './identifier.ts';
import { pageAfter } from './page.ts';
import type { Tags } from './record/base.ts';
import type { Records } from './record/kind.ts';
import { refuse } from './refusal.ts';
import { mergeTags } from './tags.ts';

/** An ARN of the account and region, e.g. of `targetgroup/NAME`, with a new id at its end. */
export const newArn = (tx: Tx, path: string): string =>
  `arn:aws:elasticloadbalancing:${tx.region}:${tx.account}:${path}/${hexDigits(tx.random, 16)}`;

export const invalid = (why: string): never => refuse('ValidationError', why);

/** Letters, digits and dashes, at most 32. */
export function checkedName(noun: string, name: string): string {
  if (!/^[A-Za-z0-9](-?[A-Za-z0-9])*$/.test(name) || name.length > 32) {
    const rule = '32 alphanumeric characters or hyphens at most, no hyphen at the ends';
    invalid(`The ${noun} name '${name}' must be ${rule}.`);
  }
  return name;
}

export const newTags = (tx: Tx, tags: readonly Tag[] | undefined): Tags => mergeTags(tx, {}, tags ?? []);

interface Asked {
  readonly Marker?: string | undefined;
  readonly PageSize?: number | undefined;
}

/** One page of a list, in order of creation, and where the next begins. */
export function pageOf<K extends 'load-balancer' | 'listener' | 'target-group'>(
  tx: Tx,
  kind: K,
  found: readonly Records[K][],
  { Marker: token, PageSize: limit }: Asked,
): { readonly records: readonly Records[K][]; readonly next: { readonly NextMarker?: string } } {
  if (limit !== undefined && (limit < 1 || limit > 400))
    invalid(`The page size '${limit}' must be in 1-400.`);
  const page = pageAfter(found, { limit, token }, ({ id }) => [tx.order(kind, id), id]);
  if (page === undefined) return invalid(`The marker '${token}' is not valid.`);
  return { records: page.rows, next: page.token === undefined ? {} : { NextMarker: page.token } };
}

interface Attribute {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Attributes with changes laid over; refuses keys that there are not. */
export function changedAttributes(
  held: Readonly<Record<string, string>>,
  changes: readonly Attribute[] | undefined,
): Readonly<Record<string, string>> {
  const changed = { ...held };
  for (const { Key: key = '', Value: value = '' } of changes ?? []) {
    if (!Object.hasOwn(held, key)) invalid(`The attribute key '${key}' is not recognized.`);
    changed[key] = value;
  }
  return changed;
}

export const shownAttributes = (held: Readonly<Record<string, string>>) =>
  Object.entries(held).map(([Key, Value]) => ({ Key, Value }));
