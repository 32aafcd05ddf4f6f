/** Tags of any taggable resource: CreateTags, DeleteTags, DescribeTags. */
import type {
  CreateTagsRequest,
  DeleteTagsRequest,
  DescribeTagsRequest,
  DescribeTagsResult,
  TagDescription,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher, paginate } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Place } from '../page.ts';
import type { Stored, Tags } from '../record/base.ts';
import type { Kind } from '../record/kind.ts';
import { kinds } from '../record/kinds.ts';
import { refuse } from '../refusal.ts';
import { isReserved, mergeTags } from '../tags.ts';

const taggable = (Object.keys(kinds) as Kind[]).filter((kind) => kinds[kind].resourceType !== undefined);

const RULE_PREFIX = 'sgr-';

/** Changes the tags of one resource, whatever its kind; a security group rule is tagged within its group. */
function changeTags(tx: Tx, id: string, change: (tags: Tags) => Tags): void {
  if (id.startsWith(RULE_PREFIX)) {
    changeRuleTags(tx, id, change);
    return;
  }
  const prefix = id.slice(0, id.lastIndexOf('-'));
  const kind =
    taggable.find((each) => kinds[each].prefix === prefix) ??
    refuse('InvalidID', `The ID '${id}' is not valid`);
  const record: Stored = tx.need(kind, id);
  tx.put(kind, { ...record, tags: change(record.tags) } as never);
}

function changeRuleTags(tx: Tx, id: string, change: (tags: Tags) => Tags): void {
  const group =
    tx.referring('security-group', id).find((each) => each.rules.some((rule) => rule.id === id)) ??
    refuse('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`);
  const rules = group.rules.map((rule) => (rule.id === id ? { ...rule, tags: change(rule.tags) } : rule));
  tx.put('security-group', { ...group, rules });
}

/** One tag of one resource, in the form that filters and pages take. */
interface TagRow {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly value: string;
  readonly tags: Tags;
  readonly place: Place;
}

const filters: Filters<TagRow> = {
  key: (row) => row.key,
  'resource-id': (row) => row.id,
  'resource-type': (row) => row.type,
  value: (row) => row.value,
};

interface Tagged {
  readonly type: string;
  readonly id: string;
  readonly tags: Tags;
  readonly place: Place;
}

const rows = ({ type, id, tags, place }: Tagged): TagRow[] =>
  Object.entries(tags).map(([key, value]) => {
    return { id, type, key, value, tags: { [key]: value }, place: [...place, key] };
  });

function* allRows(tx: Tx): Generator<TagRow> {
  for (const kind of taggable) {
    const type = kinds[kind].resourceType ?? kind;
    for (const { id, tags } of tx.list(kind))
      yield* rows({ type, id, tags, place: [type, tx.order(kind, id)] });
  }
  for (const group of tx.list('security-group')) {
    const order = tx.order('security-group', group.id);
    for (const { id, tags } of group.rules) {
      yield* rows({ type: 'security-group-rule', id, tags, place: ['security-group-rule', order, id] });
    }
  }
}

function describeTags(tx: Tx, input: DescribeTagsRequest): DescribeTagsResult {
  const found = [...allRows(tx)].filter(matcher(tx, input.Filters ?? [], filters));
  const page = paginate(found, input, (row) => row.place);
  const tags = page.records.map(
    ({ id, type, key, value }): TagDescription => ({
      ResourceId: id,
      ResourceType: type as NonNullable<TagDescription['ResourceType']>,
      Key: key,
      Value: value,
    }),
  );
  return { Tags: tags, ...page.next };
}

/** Tags that a request removes: by key alone, or by key and value; all but AWS's own where it names none. */
function removeTags(tags: Tags, wanted: DeleteTagsRequest['Tags']): Tags {
  const removed = ([key, value]: readonly [string, string]): boolean =>
    !isReserved(key) &&
    (wanted?.some((tag) => tag.Key === key && (tag.Value === undefined || tag.Value === value)) ?? true);
  return Object.fromEntries(Object.entries(tags).filter((entry) => !removed(entry)));
}

export const tagHandlers: Handlers = {
  CreateTags: handler((tx, { Resources: ids = [], Tags: tags = [] }: CreateTagsRequest) => {
    for (const id of ids) changeTags(tx, id, (old) => mergeTags(tx, old, tags));
    return undefined;
  }),

  DeleteTags: handler((tx, { Resources: ids = [], Tags: tags }: DeleteTagsRequest) => {
    for (const id of ids) changeTags(tx, id, (old) => removeTags(old, tags));
    return undefined;
  }),

  DescribeTags: handler(describeTags),
};
