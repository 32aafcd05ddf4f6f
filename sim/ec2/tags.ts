/** Tags: checks, and the TagSpecification of creating requests. */
import type { Tag, TagSpecification } from '@aws-sdk/client-ec2';
import type { Tx } from './handler.ts';
import type { Tags } from './record/base.ts';
import { refuse } from './refusal.ts';

/** The tags that a creating request gives to resources of one type (`vpc`, `network-interface`...). */
export function specifiedTags(
  tx: Tx,
  specifications: readonly TagSpecification[] | undefined,
  resourceType: string,
  allowed: readonly string[] = [resourceType],
): Tags {
  for (const { ResourceType: type } of specifications ?? []) {
    if (!type) refuse('InvalidParameterValue', 'The tag specification must name a resource type');
    else if (!allowed.includes(type)) {
      refuse('InvalidParameterValue', `'${type}' is not a valid taggable resource type for this operation.`);
    }
  }
  const tags = (specifications ?? [])
    .filter((each) => each.ResourceType === resourceType)
    .flatMap((each) => each.Tags ?? []);
  return mergeTags(tx, {}, tags);
}

/** Whether a key is one that AWS alone gives. */
export const isReserved = (key: string): boolean => /^aws:/i.test(key);

/** Old tags with new ones laid over; refuses what EC2 refuses. */
export function mergeTags(tx: Tx, old: Tags, tags: readonly Tag[]): Tags {
  const merged = new Map(Object.entries(old));
  const seen = new Set<string>();
  for (const { Key: key = '', Value: value = '' } of tags) {
    if (key === '') refuse('InvalidParameterValue', 'Tag key cannot be null or empty.');
    if (isReserved(key)) {
      refuse(
        'InvalidParameterValue',
        `Tag keys starting with 'aws:' are reserved for internal use (key '${key}')`,
      );
    }
    if (key.length > 128)
      refuse('InvalidParameterValue', 'Tag key exceeds the maximum length of 128 characters');
    if (value.length > 256)
      refuse('InvalidParameterValue', 'Tag value exceeds the maximum length of 256 characters');
    if (seen.has(key)) refuse('InvalidParameterValue', `Duplicate tag key '${key}' specified.`);
    seen.add(key);
    merged.set(key, value);
  }
  const own = [...merged.keys()].filter((key) => !isReserved(key)).length;
  if (own > tx.settings.quotas.tagsPerResource) {
    refuse('TagLimitExceeded', `The maximum number of Tags for a resource has been reached (${own} tags).`);
  }
  return Object.fromEntries(merged);
}
