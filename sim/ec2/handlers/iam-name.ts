/** What IAM's handlers share: names, ids, ARNs, encoded policies, tags and pages. */
import type { Tag } from '@aws-sdk/client-iam';
import type { Tx } from '../handler.ts';
import { parsePolicy } from '../iam/policy.ts';
import { pageAfter } from '../page.ts';
import type { Tags } from '../record/base.ts';
import type { InstanceProfileRecord, RoleRecord } from '../record/identity.ts';
import { refuse } from '../refusal.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A unique id: a prefix that tells the kind (`AROA` a role, `AIPA` a profile) and 17 characters. */
export function uniqueId(tx: Tx, prefix: 'AROA' | 'AIPA'): string {
  let id: string = prefix;
  while (id.length < 21) id += ALPHABET[Math.floor(tx.random() * ALPHABET.length)];
  return id;
}

/** Refuses a name that IAM does not allow. Source: IAM quotas, "Names". */
export function checkedName(parameter: string, name: string | undefined, longest: number): string {
  if (name === undefined || name.length > longest || !/^[\w+=,.@-]+$/.test(name)) {
    return refuse(
      'ValidationError',
      `1 validation error detected: Value '${name ?? ''}' at '${parameter}' failed to satisfy constraint: ` +
        `1 to ${longest} characters of letters, digits and +=,.@-_`,
    );
  }
  return name;
}

/** Refuses a path that does not begin and end with a slash. */
export function checkedPath(path = '/'): string {
  if (!/^\/([\x21-\x7e]+\/)?$/.test(path) || path.length > 512) {
    refuse(
      'ValidationError',
      `The specified value for path is invalid. It must begin and end with /: '${path}'`,
    );
  }
  return path;
}

export const roleArn = (role: RoleRecord): string =>
  `arn:aws:iam::${role.account}:role${role.path}${role.id}`;

export const profileArn = (profile: InstanceProfileRecord): string =>
  `arn:aws:iam::${profile.account}:instance-profile${profile.path}${profile.id}`;

/** IAM answers with policies in percent encoding, RFC 3986. */
export const encodedPolicy = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (ch) => `%${(ch.codePointAt(0) ?? 0).toString(16).toUpperCase()}`,
  );

/** The policy as it came, or MalformedPolicyDocument in IAM's words. */
export function checkedPolicy(text: string | undefined, kind: 'trust' | 'identity'): string {
  const checked = parsePolicy(text ?? '', kind);
  if (!checked.ok) refuse('MalformedPolicyDocument', checked.error);
  return text ?? '';
}

/** Old tags with new ones laid over. */
export function mergeIamTags(old: Tags, tags: readonly Tag[] = []): Tags {
  const merged = new Map(Object.entries(old));
  for (const { Key = '', Value = '' } of tags) {
    if (Key === '' || Key.length > 128 || Value.length > 256) {
      refuse('ValidationError', `A tag key has 1 to 128 and a value 0 to 256 characters: '${Key}'`);
    }
    if (/^aws:/i.test(Key)) {
      refuse('InvalidInput', `System tags cannot be added/updated/deleted: '${Key}'`);
    }
    merged.set(Key, Value);
  }
  if (merged.size > 50) refuse('LimitExceeded', 'Cannot exceed quota for TagsPerResource: 50', 409);
  return Object.fromEntries(merged);
}

export const withoutTags = (old: Tags, keys: readonly string[] = []): Tags =>
  Object.fromEntries(Object.entries(old).filter(([key]) => !keys.includes(key)));

export const iamTags = (tags: Tags): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

interface Page<R> {
  readonly items: R[];
  readonly rest: { readonly IsTruncated: boolean; readonly Marker?: string };
}

/** One page in the order of names; the marker is opaque to the caller. 100 items unless told. */
export function iamPage<R>(
  all: readonly R[],
  {
    Marker,
    MaxItems = 100,
  }: { readonly Marker?: string | undefined; readonly MaxItems?: number | undefined },
  name: (item: R) => string,
): Page<R> {
  if (MaxItems < 1 || MaxItems > 1000) refuse('ValidationError', `MaxItems is 1 to 1000, not ${MaxItems}`);
  const page = pageAfter(all, { limit: MaxItems, token: Marker }, (item) => [name(item)]);
  if (page === undefined) return refuse('InvalidInput', `The marker '${Marker}' is invalid`);
  const more = page.token === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: page.token };
  return { items: [...page.rows], rest: more };
}

/** The role, or NoSuchEntity. */
export const needRole = (tx: Tx, name = ''): RoleRecord =>
  tx.get('role', name) ?? refuse('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);

/** The instance profile, or NoSuchEntity. */
export const needProfile = (tx: Tx, name = ''): InstanceProfileRecord =>
  tx.get('instance-profile', name) ??
  refuse('NoSuchEntity', `Instance Profile ${name} cannot be found.`, 404);
