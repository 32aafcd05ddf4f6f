/** DHCP options: the region's default set, which every VPC starts with, and sets of the account's own. */
import type {
  AssociateDhcpOptionsRequest,
  CreateDhcpOptionsRequest,
  CreateDhcpOptionsResult,
  DeleteDhcpOptionsRequest,
  DescribeDhcpOptionsRequest,
  DescribeDhcpOptionsResult,
  DhcpOptions,
  NewDhcpConfiguration,
} from '@aws-sdk/client-ec2';
import { type Address, parseAddress } from '../../../controller/base/ip.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { DhcpOptionsRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const TYPE = 'dhcp-options';

/** What AssociateDhcpOptions takes, and DescribeVpcs shows, for a VPC without DHCP options. */
const NONE = 'default';

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

const shown = (options: DhcpOptionsRecord): DhcpOptions => ({
  DhcpOptionsId: options.id,
  OwnerId: options.account,
  DhcpConfigurations: options.configurations.map(({ key, values }) => ({
    Key: key,
    Values: values.map((Value) => ({ Value })),
  })),
  Tags: shownTags(options.tags),
});

const family = (text: string): Address['family'] | undefined => {
  const parsed = parseAddress(text);
  return parsed.ok ? parsed.value.family : undefined;
};
const isWholeNumber = (text: string, from: number, to: number): boolean =>
  /^\d{1,10}$/.test(text) && Number(text) >= from && Number(text) <= to;

/** A key: how many values it takes, and which. */
interface Key {
  readonly most: number;
  readonly takes: (value: string) => boolean;
  readonly expected: string;
}

/** Amazon VPC User Guide, "DHCP option sets"; EC2 API Reference, CreateDhcpOptions. */
const KEYS: Readonly<Record<string, Key>> = {
  'domain-name-servers': {
    most: 4,
    takes: (value) => value === 'AmazonProvidedDNS' || family(value) !== undefined,
    expected: 'AmazonProvidedDNS or an IP address',
  },
  // Some Linux systems take several domain names, with spaces between them.
  'domain-name': { most: 1, takes: (value) => value.trim() !== '', expected: 'a domain name' },
  'ntp-servers': { most: 4, takes: (value) => family(value) !== undefined, expected: 'an IP address' },
  'netbios-name-servers': { most: 4, takes: (value) => family(value) === 4, expected: 'an IPv4 address' },
  'netbios-node-type': { most: 1, takes: (value) => /^[1248]$/.test(value), expected: '1, 2, 4 or 8' },
  'ipv6-address-preferred-lease-time': {
    most: 1,
    takes: (value) => isWholeNumber(value, 140, 2_147_483_647),
    expected: 'seconds from 140 to 2147483647',
  },
};

type Configuration = DhcpOptionsRecord['configurations'][number];

function configurationOf({ Key: key = '', Values: values = [] }: NewDhcpConfiguration): Configuration {
  const known = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (known === undefined) return invalidValue('key', key, `Known are ${Object.keys(KEYS).join(', ')}.`);
  if (values.length === 0) missing(`values of ${key}`);
  if (values.length > known.most) {
    invalidValue(key, values.join(','), `At most ${known.most} may be given.`);
  }
  const wrong = values.find((value) => !known.takes(value));
  if (wrong !== undefined) invalidValue(key, wrong, `Expected ${known.expected}.`);
  return { key, values };
}

function create(tx: Tx, input: CreateDhcpOptionsRequest): CreateDhcpOptionsResult {
  const configurations = (input.DhcpConfigurations ?? []).map(configurationOf);
  if (configurations.length === 0) missing('dhcpConfiguration');
  const keys = configurations.map(({ key }) => key);
  const repeated = keys.find((key, index) => keys.indexOf(key) < index);
  if (repeated !== undefined) invalidValue('key', repeated, 'It is given twice.');
  const options = tx.put('dhcp-options', {
    id: tx.newId('dopt'),
    tags: specifiedTags(tx, input.TagSpecifications, TYPE),
    account: tx.account,
    isDefault: false,
    configurations,
  });
  return { DhcpOptions: shown(options) };
}

const filters: Filters<DhcpOptionsRecord> = {
  'dhcp-options-id': (options) => options.id,
  key: (options) => options.configurations.map((each) => each.key),
  value: (options) => options.configurations.flatMap((each) => each.values),
  'owner-id': (options) => options.account,
};

export const dhcpOptionsHandlers: Handlers = {
  CreateDhcpOptions: handler(create),

  DescribeDhcpOptions: handler((tx, input: DescribeDhcpOptionsRequest): DescribeDhcpOptionsResult => {
    const page = describe(tx, { kind: 'dhcp-options', ids: input.DhcpOptionsIds, input, filters });
    return { DhcpOptions: page.records.map(shown), ...page.next };
  }),

  AssociateDhcpOptions: handler((tx, { DhcpOptionsId = '', VpcId = '' }: AssociateDhcpOptionsRequest) => {
    const vpc = tx.need('vpc', VpcId);
    const dhcpOptions = DhcpOptionsId === NONE ? NONE : tx.need('dhcp-options', DhcpOptionsId).id;
    tx.put('vpc', { ...vpc, dhcpOptions });
    return undefined;
  }),

  DeleteDhcpOptions: handler((tx, { DhcpOptionsId = '' }: DeleteDhcpOptionsRequest) => {
    const { id } = tx.need('dhcp-options', DhcpOptionsId);
    if (tx.referring('vpc', id).length > 0) {
      refuse('DependencyViolation', `The dhcpOptions '${id}' has dependencies and cannot be deleted.`);
    }
    tx.remove('dhcp-options', id);
    return undefined;
  }),
};
