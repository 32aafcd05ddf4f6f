/**
 * Descriptions of an account, as `aws ec2 describe-*` prints them, to a world. Whatever is not in the world
 * afterwards as it was described is a finding. Pure.
 */
import { err, ok, type Result, unreachable } from '../../controller/base/result.ts';
import { kinds } from '../ec2/record/kinds.ts';
import type { GatewaySpeakerRecord } from '../ec2/record/routing.ts';
import { schemas } from '../ec2/record/schemas.ts';
import { scopeName } from '../ec2/store.ts';
import type { WorldChange } from '../world/saved.ts';
import { connectivityReaders } from './connectivity.ts';
import { endpointReaders } from './endpoints.ts';
import { createItem, type Item, saysNothing } from './item.ts';
import { LAST_OF_ARN, loadBalancingReaders } from './load-balancing.ts';
import { machineReaders } from './machines.ts';
import { networkReaders } from './network.ts';
import type { Finding, Made, Place, Reader } from './place.ts';
import { routeServerReaders } from './route-server.ts';
import { transitReaders } from './transit.ts';

/** One answer. */
export interface Document {
  /** Its file, or what stands for it: `search-transit-gateway-routes tgw-rtb-1`. */
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly value: unknown;
}

export interface Imported {
  readonly changes: readonly WorldChange[];
  readonly findings: readonly Finding[];
  /** How many resources of each kind the world has. */
  readonly counts: Readonly<Record<string, number>>;
}

const readers: Readonly<Record<string, Reader>> = {
  ...networkReaders,
  ...machineReaders,
  ...connectivityReaders,
  ...endpointReaders,
  ...loadBalancingReaders,
  ...routeServerReaders,
  ...transitReaders,
};

/** Lists that other readers use, or that say again what others say. */
const DETAILS = [
  ...['SecurityGroupRules', 'TransitGatewayVpcAttachments', 'LaunchTemplateVersions', 'TagDescriptions'],
  ...['TransitGatewayConnects', 'RouteServerAssociations', 'RouteServerPropagations'],
];
/** `AreRoutesPersisted`: nobody speaks BGP to what is imported, and its routes stay all the same. */
const REPEATS = [
  ...['Tags', 'AvailabilityZones', 'Regions', 'NextToken', 'NextMarker', 'ResponseMetadata'],
  'AreRoutesPersisted',
];
/** Lists whose answers do not say what they are about: the name of the document does. */
const BY_NAME: Readonly<Record<string, RegExp>> = {
  Entries: /\bpl-[0-9a-f]+/,
  Routes: /\b(?:tgw-rtb|rs)-[0-9a-f]+/,
  TransitGatewayRouteTablePropagations: /\btgw-rtb-[0-9a-f]+/,
  MulticastDomainAssociations: /\btgw-mcast-domain-[0-9a-f]+/,
  MulticastGroups: /\btgw-mcast-domain-[0-9a-f]+/,
  AllowedPrincipals: /\bvpce-svc-[0-9a-f]+/,
  Attributes: LAST_OF_ARN,
  TargetHealthDescriptions: LAST_OF_ARN,
};

/** The values of a text of JSON values one after the other, as several pages saved to one file. */
export function parseDocuments(text: string): Result<readonly unknown[]> {
  const values: unknown[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const ch = text[at];
    if (quoted) {
      if (ch === '\\') at++;
      else if (ch === '"') quoted = false;
    } else if (ch === '"') quoted = true;
    else if (ch === '{' || ch === '[') depth++;
    else if ((ch === '}' || ch === ']') && --depth === 0) {
      try {
        values.push(JSON.parse(text.slice(start, at + 1)));
      } catch (error) {
        return err(error instanceof Error ? error.message : String(error));
      }
      start = at + 1;
    }
  }
  return text.slice(start).trim() === '' ? ok(values) : err('it ends within a JSON value, or is none');
}

interface Region {
  readonly place: Place;
  readonly described: Map<string, Item[]>;
}

/** Sorts documents by account and region, and their items by list. */
function sort(documents: readonly Document[], find: (finding: Finding) => void): readonly Region[] {
  const regions = new Map<string, Region>();
  for (const { name, account, region, value } of documents) {
    const key = `${account}/${region}`;
    const described = regions.get(key)?.described ?? new Map<string, Item[]>();
    regions.set(key, { described, place: { account, region, described, find } });
    if (isAttribute(value)) {
      described.set('VpcAttributes', [...(described.get('VpcAttributes') ?? []), createItem(value)]);
      continue;
    }
    for (const [member, list] of Object.entries(typeof value === 'object' ? (value ?? {}) : {})) {
      const about = BY_NAME[member]?.exec(name)?.[0];
      const known = about !== undefined || Object.hasOwn(readers, member) || DETAILS.includes(member);
      if (known && Array.isArray(list)) {
        const label = about === undefined ? member : `${member} ${about}`;
        described.set(label, [...(described.get(label) ?? []), ...list.map(createItem)]);
      } else if (!REPEATS.includes(member) && !saysNothing(list)) {
        const ids = Array.isArray(list) ? list.map(someId) : [name];
        for (const id of ids) find({ list: member, id, why: 'byoa imports no such list' });
      }
    }
  }
  return [...regions.values()];
}

/** What names an item of a list that is not known: the first member that is called an id. */
function someId(value: unknown): string {
  const members = Object.entries(typeof value === 'object' ? (value ?? {}) : {});
  const id = members.find(([name, id]) => /(Id|Name)$/.test(name) && typeof id === 'string')?.[1];
  return typeof id === 'string' ? id : JSON.stringify(value).slice(0, 60);
}

/** What DescribeVpcAttribute answers about the names of a VPC's machines. */
const isAttribute = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'VpcId' in value &&
  ('EnableDnsSupport' in value || 'EnableDnsHostnames' in value);

/** Makes a world of described accounts. */
export function importDocuments(documents: readonly Document[]): Imported {
  const findings: Finding[] = [];
  const changes: WorldChange[] = [];
  const counts: Record<string, number> = {};
  for (const { place, described } of sort(documents, (finding) => findings.push(finding))) {
    changes.push({ kind: 'region', name: `${place.account}/${place.region}` });
    const records = [...described].flatMap(([list, items]) =>
      items.flatMap((item) => readers[list]?.(item, place) ?? []),
    );
    for (const [list, items] of described) {
      for (const item of items) {
        const why = 'it is not modelled';
        for (const field of item.unread()) findings.push({ list, id: idOf(item), field, why });
      }
    }
    const valid = records.filter((each) => isValid(each, place));
    for (const { kind, record } of withParents(valid, place)) {
      const scope = scopeName(kinds[kind].scope, place.account, place.region);
      changes.push({ kind: 'put', table: kind, scope, record });
      if (kind !== 'taken' && kind !== 'gateway-speaker') counts[kind] = (counts[kind] ?? 0) + 1;
      if (kind === 'instance') changes.push(...guestOf(record.id, records));
    }
  }
  return { changes, findings, counts };
}

const ID_NAMES = [
  ...['LoadBalancerArn', 'TargetGroupArn', 'ListenerArn', 'ResourceArn', 'ServiceId'],
  'GroupId',
  'SecurityGroupRuleId',
  ...['Instance', 'NetworkInterface', 'Subnet', 'RouteTable', 'InternetGateway', 'NatGateway'].map(idName),
  ...['NetworkAcl', 'PrefixList', 'DhcpOptions', 'Allocation', 'Volume', 'KeyPair'].map(idName),
  ...['VpcPeeringConnection', 'VpnConnection', 'VpnGateway', 'CustomerGateway'].map(idName),
  ...['RouteServerPeer', 'RouteServerEndpoint', 'RouteServer'].map(idName),
  ...['TransitGatewayConnectPeer', 'TransitGatewayMulticastDomain'].map(idName),
  ...['TransitGatewayAttachment', 'TransitGatewayRouteTable', 'TransitGateway'].map(idName),
  ...['EgressOnlyInternetGateway', 'Reservation', 'VpcEndpoint', 'LaunchTemplate', 'Vpc'].map(idName),
];

function idName(resource: string): string {
  return `${resource}Id`;
}

/** The id of an item of whatever kind: the first that it has of the names that ids have. */
function idOf(item: Item): string {
  for (const name of ID_NAMES) {
    const id = item.text(name);
    if (id !== undefined) return id;
  }
  return '';
}

function isValid({ kind, record }: Made, { find }: Place): boolean {
  const parsed = schemas[kind].safeParse(JSON.parse(JSON.stringify(record)));
  if (parsed.success) return true;
  const [issue] = parsed.error.issues;
  const why = `it cannot be made: ${issue?.message}; left out`;
  find({ list: kind, id: record.id, field: issue?.path.join('.') ?? '', why });
  return false;
}

/** The records whose VPC, subnet or instance is there; what hangs on what is left out is left out too. */
function withParents(records: readonly Made[], { find }: Place): readonly Made[] {
  let kept = records;
  for (;;) {
    const ids = new Set(kept.map(({ record }) => record.id));
    const lost = kept.filter((each) => parentsOf(each).some((parent) => !ids.has(parent)));
    if (lost.length === 0) return kept;
    for (const each of lost) {
      if (each.kind === 'gateway-speaker') continue;
      const parent = parentsOf(each).find((id) => !ids.has(id));
      find({
        list: each.kind,
        id: each.record.id,
        why: `${parent}, to which it belongs, is not there: left out`,
      });
    }
    kept = kept.filter((each) => !lost.includes(each));
  }
}

function parentsOf({ kind, record }: Made): readonly string[] {
  switch (kind) {
    case 'subnet':
    case 'route-table':
    case 'network-acl':
    case 'security-group':
    case 'egress-only-gateway':
      return [record.vpc];
    case 'instance':
      return [record.vpc, record.subnet];
    case 'network-interface': {
      const { attachment } = record;
      return [record.vpc, record.subnet, ...(attachment === undefined ? [] : [attachment.instance])];
    }
    case 'nat-gateway':
      return [record.vpc, record.subnet, record.address.eni];
    case 'vpc-endpoint':
      return [record.vpc, ...record.interfaces.map(({ eni }) => eni)];
    case 'vpn-connection':
      return [record.gateway, record.customerGateway];
    case 'load-balancer':
      return [record.vpc, ...record.zones.map(({ eni }) => eni)];
    case 'listener':
      return [record.loadBalancer, record.targetGroup];
    case 'target-group':
      return [record.vpc];
    case 'route-server-endpoint':
      return [record.server, record.subnet, record.eni];
    case 'route-server-peer':
      return [record.endpoint];
    case 'gateway-speaker':
      return speakerParents(record);
    case 'transit-gateway-connect-peer':
      return [record.attachment];
    case 'transit-gateway-multicast-domain':
    case 'transit-gateway-route-table':
      return [record.gateway];
    case 'transit-gateway-attachment':
      return [
        record.gateway,
        ...(record.link.kind === 'vpc' ? [record.link.vpc, ...record.link.subnets] : []),
        ...(record.link.kind === 'vpn' ? [record.link.connection] : []),
        ...(record.link.kind === 'connect' ? [record.link.transport] : []),
      ];
    default:
      return [];
  }
}

function speakerParents({ place }: GatewaySpeakerRecord): readonly string[] {
  switch (place.kind) {
    case 'eni':
      return [place.eni];
    case 'connect-peer':
      return [place.peer];
    case 'site':
      return [place.site];
    default:
      return unreachable(place);
  }
}

/** A target of a Gateway Load Balancer speaks GENEVE and answers the health check. */
function targetGuest(instance: string, records: readonly Made[]): readonly WorldChange[] {
  const addresses = records.flatMap(({ kind, record }) =>
    kind === 'network-interface' && record.attachment?.instance === instance ? record.ipv4 : [],
  );
  for (const { kind, record } of records) {
    if (kind !== 'target-group') continue;
    if (!record.targets.some(({ id, address }) => id === instance || addresses.includes(address))) continue;
    const { port, protocol } = record.health;
    const service = { kind: protocol === 'HTTP' ? 'http' : 'tcp-echo', port } as const;
    const profile = { role: 'geneve', services: [service] } as const;
    return [{ kind: 'guest', guest: { instance, profile, hung: false, drop: false } }];
  }
  return [];
}

/** What an instance is for: a target of a load balancer, or to forward where its source/dest check is off. */
function guestOf(instance: string, records: readonly Made[]): readonly WorldChange[] {
  const target = targetGuest(instance, records);
  if (target.length > 0) return target;
  const forwards = records.some(
    ({ kind, record }) =>
      kind === 'network-interface' && record.attachment?.instance === instance && !record.sourceDestCheck,
  );
  if (!forwards) return [];
  const guest = { instance, profile: { role: 'router', services: [] }, hung: false, drop: false } as const;
  return [{ kind: 'guest', guest }];
}
