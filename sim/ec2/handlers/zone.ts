/** Regions, availability zones and the attributes of the account. */
import type {
  AccountAttributeName,
  DescribeAccountAttributesRequest,
  DescribeAccountAttributesResult,
  DescribeAvailabilityZonesRequest,
  DescribeAvailabilityZonesResult,
  DescribeRegionsRequest,
  DescribeRegionsResult,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import { refuse } from '../refusal.ts';
import { type Zone, zonesOf } from '../zones.ts';

type Tagged<T> = T & { readonly tags: Tags };

const zoneFilters: Filters<Tagged<Zone>> = {
  'group-name': (_zone, tx) => `${tx.region}-zg-1`,
  'opt-in-status': () => 'opt-in-not-required',
  'region-name': (_zone, tx) => tx.region,
  state: () => 'available',
  'zone-id': (zone) => zone.id,
  'zone-name': (zone) => zone.name,
  'zone-type': () => 'availability-zone',
  'group-long-name': () => undefined,
  message: () => undefined,
  'parent-zone-id': () => undefined,
  'parent-zone-name': () => undefined,
};

function describeZones(tx: Tx, input: DescribeAvailabilityZonesRequest): DescribeAvailabilityZonesResult {
  const { ZoneNames: names = [], ZoneIds: ids = [] } = input;
  const zones = zonesOf(tx);
  for (const name of names) {
    if (!zones.some((zone) => zone.name === name)) {
      refuse('InvalidParameterValue', `Invalid availability zone: [${name}]`);
    }
  }
  for (const id of ids) {
    if (!zones.some((zone) => zone.id === id))
      refuse('InvalidParameterValue', `Invalid availability zone-id: [${id}]`);
  }
  const wanted = matcher(tx, input.Filters ?? [], zoneFilters);
  const found = zones
    .filter((zone) => names.length === 0 || names.includes(zone.name))
    .filter((zone) => ids.length === 0 || ids.includes(zone.id))
    .filter((zone) => wanted({ ...zone, tags: {} }));
  return {
    AvailabilityZones: found.map((zone) => ({
      ZoneName: zone.name,
      ZoneId: zone.id,
      ZoneType: 'availability-zone',
      State: 'available',
      RegionName: tx.region,
      GroupName: `${tx.region}-zg-1`,
      NetworkBorderGroup: tx.region,
      OptInStatus: 'opt-in-not-required',
      Messages: [],
    })),
  };
}

/** Regions that need no opt-in; others may be used all the same. */
const regions = [
  ...['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-south-1', 'ap-southeast-1', 'ap-southeast-2'],
  ...['ca-central-1', 'eu-central-1', 'eu-north-1', 'eu-west-1', 'eu-west-2', 'eu-west-3', 'sa-east-1'],
  ...['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2'],
];

interface Region {
  readonly name: string;
  readonly endpoint: string;
}

const regionFilters: Filters<Tagged<Region>> = {
  endpoint: (region) => region.endpoint,
  'opt-in-status': () => 'opt-in-not-required',
  'region-name': (region) => region.name,
};

function describeRegions(tx: Tx, input: DescribeRegionsRequest): DescribeRegionsResult {
  const names = input.RegionNames ?? [];
  const unknown = names.find((name) => !regions.includes(name) && name !== tx.region);
  if (unknown !== undefined) refuse('InvalidParameterValue', `Invalid region: [${unknown}]`);
  const wanted = matcher(tx, input.Filters ?? [], regionFilters);
  const found = [...new Set([...regions, tx.region])]
    .map((name) => ({ name, endpoint: `ec2.${name}.amazonaws.com` }))
    .filter((region) => names.length === 0 || names.includes(region.name))
    .filter((region) => wanted({ ...region, tags: {} }));
  return {
    Regions: found.map(({ name, endpoint }) => ({
      RegionName: name,
      Endpoint: endpoint,
      OptInStatus: 'opt-in-not-required',
    })),
  };
}

function describeAccount(tx: Tx, input: DescribeAccountAttributesRequest): DescribeAccountAttributesResult {
  const { quotas } = tx.settings;
  const values: Readonly<Record<AccountAttributeName, string>> = {
    'supported-platforms': 'VPC',
    'default-vpc': tx.list('vpc').find((vpc) => vpc.isDefault)?.id ?? 'none',
  };
  const all: Readonly<Record<string, string>> = {
    ...values,
    'max-instances': '20',
    'vpc-max-security-groups-per-interface': String(quotas.groupsPerInterface),
    'max-elastic-ips': String(quotas.addresses),
    'vpc-max-elastic-ips': String(quotas.addresses),
  };
  const names: readonly string[] = input.AttributeNames ?? Object.keys(all);
  const found = names.map((name) => {
    const value = Object.hasOwn(all, name) ? all[name] : undefined;
    if (value === undefined)
      refuse('InvalidParameterValue', `Value (${name}) for parameter attributeName is invalid.`);
    return { AttributeName: name, AttributeValues: [{ AttributeValue: value }] };
  });
  return { AccountAttributes: found };
}

export const zoneHandlers: Handlers = {
  DescribeAvailabilityZones: handler(describeZones),
  DescribeRegions: handler(describeRegions),
  DescribeAccountAttributes: handler(describeAccount),
};
