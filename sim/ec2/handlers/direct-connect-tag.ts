/** Tags of Direct Connect's resources, which are named by ARNs. */
import type {
  DescribeTagsRequest,
  DescribeTagsResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-direct-connect';
import { invalid, mergeTags, refreshDirectConnect, shownTags } from '../direct-connect.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import { siteOfConnection } from './virtual-interface.ts';

const KINDS = {
  dxcon: 'direct-connect-connection',
  dxvif: 'virtual-interface',
  'dx-gateway': 'direct-connect-gateway',
} as const;

/** `arn:aws:directconnect:REGION:ACCOUNT:dxcon/dxcon-...`; a gateway has no region. */
function resourceOf(tx: Tx, arn: string) {
  const [, type = '', id = ''] =
    /^arn:aws[a-z-]*:directconnect:[a-z0-9-]*:\d{12}:([a-z-]+)\/([a-zA-Z0-9-]+)$/.exec(arn) ?? [];
  if (!Object.hasOwn(KINDS, type)) return invalid(`ARN '${arn}' is not valid.`);
  const kind = KINDS[type as keyof typeof KINDS];
  return { kind, record: tx.need(kind, id) };
}

function change(tx: Tx, arn: string, tags: (held: Tags) => Tags): undefined {
  const { kind, record } = resourceOf(tx, arn);
  tx.put(kind, { ...record, tags: tags(record.tags) } as never);
  const connection = tx.get('direct-connect-connection', record.id);
  if (connection === undefined) return undefined;
  const site = siteOfConnection(connection);
  const lines = tx.referring('virtual-interface', connection.id);
  for (const line of lines.filter((each) => each.connection === connection.id && each.site !== site)) {
    tx.put('virtual-interface', { ...line, site });
    refreshDirectConnect(tx, line.gateway);
  }
  return undefined;
}

export const directConnectTagHandlers: Handlers = {
  TagResource: handler((tx, { resourceArn = '', tags }: TagResourceRequest) =>
    change(tx, resourceArn, (held) => mergeTags(tx, held, tags)),
  ),

  UntagResource: handler((tx, { resourceArn = '', tagKeys = [] }: UntagResourceRequest) =>
    change(tx, resourceArn, (held) =>
      Object.fromEntries(Object.entries(held).filter(([key]) => !tagKeys.includes(key))),
    ),
  ),

  DescribeTags: handler((tx, { resourceArns = [] }: DescribeTagsRequest): DescribeTagsResponse => {
    const resourceTags = resourceArns.map((resourceArn) => ({
      resourceArn,
      tags: shownTags(resourceOf(tx, resourceArn).record.tags),
    }));
    return { resourceTags };
  }),
};
