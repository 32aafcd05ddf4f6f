/** Tags of Elastic Load Balancing's resources, which are named by ARNs. */
import type {
  AddTagsInput,
  DescribeTagsInput,
  DescribeTagsOutput,
  RemoveTagsInput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import { mergeTags } from '../tags.ts';

const KINDS = [
  ['load-balancer', ':loadbalancer/'],
  ['listener', ':listener/'],
  ['target-group', ':targetgroup/'],
] as const;

const kindOf = (arn: string): (typeof KINDS)[number][0] =>
  KINDS.find(([, part]) => arn.includes(part))?.[0] ?? 'load-balancer';

function change(tx: Tx, arns: readonly string[] | undefined, tags: (held: Tags) => Tags): undefined {
  for (const arn of arns ?? []) {
    const kind = kindOf(arn);
    const record = tx.need(kind, arn);
    tx.put(kind, { ...record, tags: tags(record.tags) } as never);
  }
  return undefined;
}

export const loadBalancerTagHandlers: Handlers = {
  AddTags: handler((tx, input: AddTagsInput) =>
    change(tx, input.ResourceArns, (held) => mergeTags(tx, held, input.Tags ?? [])),
  ),

  RemoveTags: handler((tx, input: RemoveTagsInput) =>
    change(tx, input.ResourceArns, (held) =>
      Object.fromEntries(Object.entries(held).filter(([key]) => !input.TagKeys?.includes(key))),
    ),
  ),

  DescribeTags: handler((tx, input: DescribeTagsInput): DescribeTagsOutput => {
    const TagDescriptions = (input.ResourceArns ?? []).map((arn) => ({
      ResourceArn: arn,
      Tags: shownTags(tx.need(kindOf(arn), arn).tags),
    }));
    return { TagDescriptions };
  }),
};
