/**
 * Which resources an EC2 request is authorised on, and the condition keys of each. Source: Service
 * Authorization Reference, "Actions, resources, and condition keys for Amazon EC2". As a rule these are the
 * resources that the request names, by themselves or by an association or attachment, and those that it is
 * to make; actions of which the reference says otherwise are listed.
 */
import type { Tag, TagSpecification } from '@aws-sdk/client-ec2';
import type { Tx } from '../handler.ts';
import { isId } from '../identifier.ts';
import type { Stored } from '../record/base.ts';
import type { Kind } from '../record/kind.ts';
import { kinds } from '../record/kinds.ts';
import { type Context, contextOf } from './context.ts';

/** A resource and what is known of it. */
export interface Resource {
  readonly arn: string;
  readonly keys: Context;
}

/** Kinds that EC2 has ARNs of, with the type in the ARN. */
const TYPES = (Object.keys(kinds) as Kind[]).flatMap((kind) => {
  const { resourceType: type, prefix } = kinds[kind];
  return type === undefined || prefix === undefined ? [] : [{ kind, type, prefix }];
});

/** Resources other than those that the request names: of these types alone is the action authorised. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  CreateRoute: ['route-table'],
  ReplaceRoute: ['route-table'],
  DeleteRoute: ['route-table'],
  EnableVgwRoutePropagation: ['route-table', 'vpn-gateway'],
};

/** What an action makes, where its name does not say it. */
const MAKES: Readonly<Record<string, readonly string[]>> = {
  AllocateAddress: ['elastic-ip'],
  RunInstances: ['instance', 'network-interface', 'volume'],
  CreateDefaultVpc: ['vpc'],
  CreateNatGateway: ['natgateway'],
  CreateManagedPrefixList: ['prefix-list'],
  CreateLaunchTemplateVersion: [],
  CreateTransitGatewayVpcAttachment: ['transit-gateway-attachment'],
  CreateTransitGatewayPeeringAttachment: ['transit-gateway-attachment'],
  CreateTransitGatewayConnect: ['transit-gateway-attachment'],
  CreateVpcEndpointServiceConfiguration: ['vpc-endpoint-service'],
};

/** Parameters that name no resources, whatever stands in them. */
const NOT_NAMES = new Set(['Filters', 'TagSpecifications', 'ClientToken', 'UserData', 'Description', 'Tags']);

const arnOf = (region: string, account: string, rest: string): string =>
  `arn:aws:ec2:${region}:${account}:${rest}`;

/** `TransitGatewayRouteTable` is `transit-gateway-route-table`. */
const dashed = (name: string): string => name.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase();

/** All texts in an input, below parameters that may name resources. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const each of value) yield* textsIn(each);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) if (!NOT_NAMES.has(name)) yield* textsIn(inner);
  }
}

type Fields = Stored & Readonly<Record<string, unknown>>;

const textAt = (record: Fields | undefined, field: string): string | undefined => {
  const value = record?.[field];
  return typeof value === 'string' ? value : undefined;
};

/** The condition keys that tell of a resource. */
function keysOf(tx: Tx, type: string, id: string, record: Fields | undefined): Context {
  const tags = Object.entries(record?.tags ?? {});
  const parent = (kind: string, name = textAt(record, kind)): string | undefined =>
    name === undefined
      ? undefined
      : arnOf(tx.region, textAt(record, 'account') ?? tx.account, `${kind}/${name}`);
  const own = `${type
    .split('-')
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join('')}ID`;
  return contextOf([
    ...tags.flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value] as const,
      [`ec2:ResourceTag/${key}`, value] as const,
    ]),
    [`ec2:${type === 'elastic-ip' ? 'AllocationId' : own}`, id],
    ['ec2:Vpc', parent('vpc')],
    ['ec2:Subnet', parent('subnet')],
    ['ec2:AvailabilityZone', textAt(record, 'zone')],
    ...(type === 'instance'
      ? ([
          ['ec2:InstanceType', textAt(record, 'type')],
          ['ec2:Tenancy', textAt(record, 'tenancy')],
          ['ec2:InstanceProfile', (record?.profile as { readonly arn: string } | undefined)?.arn],
        ] as const)
      : []),
  ]);
}

/** A resource that is there, or whose id is named all the same. */
function named(tx: Tx, kind: Kind, type: string, id: string): Resource {
  const record = tx.get(kind, id) as Fields | undefined;
  const account = textAt(record, 'account') ?? tx.account;
  return { arn: arnOf(tx.region, account, `${type}/${id}`), keys: keysOf(tx, type, id, record) };
}

/** The resources that a text names: by their id, or by that of an attachment, association or rule. */
function namedBy(tx: Tx, text: string): readonly Resource[] {
  if (isId('ami', text)) return [{ arn: arnOf(tx.region, '', `image/${text}`), keys: contextOf([]) }];
  if (isId('snap', text)) return [{ arn: arnOf(tx.region, '', `snapshot/${text}`), keys: contextOf([]) }];
  const direct = TYPES.find(({ prefix }) => isId(prefix, text));
  if (direct !== undefined) return [named(tx, direct.kind, direct.type, text)];
  if (!/^[a-z-]+-[0-9a-f]{8,17}$/.test(text)) return [];
  const users = TYPES.flatMap(({ kind, type }) =>
    tx.referring(kind, text).map((record) => named(tx, kind, type, record.id)),
  );
  return [...users, ...beside(tx, text)];
}

/** What else an attachment or association joins. */
function beside(tx: Tx, id: string): readonly Resource[] {
  const instances = tx
    .referring('network-interface', id)
    .flatMap(({ attachment }) => (attachment?.id === id ? [attachment.instance] : []));
  const places = tx
    .referring('route-table', id)
    .flatMap(({ associations }) => associations)
    .flatMap(({ association, subnet, gateway }) => (association === id ? [subnet ?? gateway ?? ''] : []));
  return [...instances, ...places].flatMap((each) => {
    const known = TYPES.find(({ prefix }) => isId(prefix, each));
    return known === undefined ? [] : [named(tx, known.kind, known.type, each)];
  });
}

const isType = (name: string): boolean => TYPES.some(({ type }) => type === name);

interface Input {
  readonly TagSpecifications?: readonly TagSpecification[];
  readonly InstanceType?: string;
  readonly SubnetId?: string;
  readonly KeyName?: string;
}

/** The tags that a request gives to what it makes of a type. */
const tagsFor = ({ TagSpecifications: all = [] }: Input, type: string) =>
  all.filter(({ ResourceType }) => ResourceType === type).flatMap(({ Tags }) => Tags ?? []);

/** The keys that tell of tags in a request. */
export const tagKeys = (tags: readonly Tag[]): Context =>
  contextOf([
    ...tags.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value ?? ''] as const),
    ['aws:TagKeys', tags.length === 0 ? undefined : tags.flatMap(({ Key }) => Key ?? [])],
  ]);

/** What a request is to make: resources without an id yet. */
function made(tx: Tx, action: string, input: Input): readonly Resource[] {
  const byName = /^Create(.+)$/.exec(action)?.[1];
  const types = MAKES[action] ?? (byName === undefined ? [] : [dashed(byName)].filter(isType));
  return types.map((type) => {
    const subnet = input.SubnetId === undefined ? undefined : tx.get('subnet', input.SubnetId);
    const keys = contextOf([
      ...tagKeys(tagsFor(input, type)),
      ['ec2:InstanceType', type === 'instance' ? input.InstanceType : undefined],
      ['ec2:Vpc', subnet && arnOf(tx.region, subnet.account, `vpc/${subnet.vpc}`)],
      ['ec2:Subnet', subnet && arnOf(tx.region, subnet.account, `subnet/${subnet.id}`)],
      ['ec2:AvailabilityZone', subnet?.zone],
    ]);
    return { arn: arnOf(tx.region, tx.account, `${type}/*`), keys };
  });
}

/** The resources of a request, each once; none for actions that know none, such as `Describe...`. */
export function ec2Resources(tx: Tx, action: string, input: object): readonly Resource[] {
  if (action.startsWith('Describe')) return [];
  const { KeyName: key } = input as Input;
  const keyPair =
    key === undefined ? [] : [{ arn: arnOf(tx.region, tx.account, `key-pair/${key}`), keys: contextOf([]) }];
  const all = [
    ...made(tx, action, input as Input),
    ...[...new Set(textsIn(input))].flatMap((text) => namedBy(tx, text)),
    ...keyPair,
  ];
  const only = ONLY[action];
  const counted =
    only === undefined
      ? all
      : all.filter(({ arn }) => only.some((type) => arn.split(':')[5]?.startsWith(`${type}/`)));
  return [...new Map(counted.map((each) => [each.arn, each])).values()];
}

/** Of a Modify action, what is modified and to what: `ec2:Attribute`, `ec2:Attribute/SourceDestCheck`. */
export function attributeKeys(action: string, input: object): Context {
  if (!/^(Modify|Reset).*Attribute$/.test(action)) return contextOf([]);
  const parts = Object.entries(input).filter(
    ([name, value]) => value !== undefined && !/^(DryRun|Attribute|.*Ids?)$/.test(name),
  );
  const names = parts.map(([name]) => name);
  const { Attribute: attribute } = input as { readonly Attribute?: string };
  return contextOf([
    ['ec2:Attribute', attribute ?? (names.length === 0 ? undefined : names)],
    ...parts.flatMap(([name, value]) => {
      const inner = typeof value === 'object' && value !== null && 'Value' in value ? value.Value : value;
      return typeof inner === 'object' ? [] : [[`ec2:Attribute/${name}`, String(inner)] as const];
    }),
  ]);
}
