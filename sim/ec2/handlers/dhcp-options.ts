/** DHCP options: only the region's default set, which every VPC starts with. */
import type {
  AssociateDhcpOptionsRequest,
  DescribeDhcpOptionsRequest,
  DescribeDhcpOptionsResult,
  DhcpOptions,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { DhcpOptionsRecord } from '../record/network.ts';

/** The region's default set; made when it is first asked for. */
export function defaultDhcpOptions(tx: Tx): DhcpOptionsRecord {
  const domain = tx.region === 'us-east-1' ? 'ec2.internal' : `${tx.region}.compute.internal`;
  return (
    tx.list('dhcp-options').find((options) => options.isDefault) ??
    tx.put('dhcp-options', {
      id: tx.newId('dopt'),
      tags: {},
      account: tx.account,
      isDefault: true,
      configurations: [
        { key: 'domain-name', values: [domain] },
        { key: 'domain-name-servers', values: ['AmazonProvidedDNS'] },
      ],
    })
  );
}

const filters: Filters<DhcpOptionsRecord> = {
  'dhcp-options-id': (options) => options.id,
  key: (options) => options.configurations.map((each) => each.key),
  value: (options) => options.configurations.flatMap((each) => each.values),
  'owner-id': (options) => options.account,
};

const shown = (options: DhcpOptionsRecord): DhcpOptions => ({
  DhcpOptionsId: options.id,
  OwnerId: options.account,
  DhcpConfigurations: options.configurations.map(({ key, values }) => ({
    Key: key,
    Values: values.map((Value) => ({ Value })),
  })),
  Tags: shownTags(options.tags),
});

export const dhcpOptionsHandlers: Handlers = {
  DescribeDhcpOptions: handler((tx, input: DescribeDhcpOptionsRequest): DescribeDhcpOptionsResult => {
    const page = describe(tx, { kind: 'dhcp-options', ids: input.DhcpOptionsIds, input, filters });
    return { DhcpOptions: page.records.map(shown), ...page.next };
  }),

  AssociateDhcpOptions: handler((tx, { DhcpOptionsId = '', VpcId = '' }: AssociateDhcpOptionsRequest) => {
    const vpc = tx.need('vpc', VpcId);
    const options =
      DhcpOptionsId === 'default' ? defaultDhcpOptions(tx) : tx.need('dhcp-options', DhcpOptionsId);
    tx.put('vpc', { ...vpc, dhcpOptions: options.id });
    return undefined;
  }),
};
